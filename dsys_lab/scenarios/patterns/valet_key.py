"""Valet key: who carries the bytes from the phones to the bucket?

Through the service every film goes in and out again, and behind a film every other one waits. With a valet key the
service only decides: it signs a grant of some hundred bytes, and the phone puts the film into the bucket itself, at the
price of a second round trip.

A thief who has got hold of a grant shows what it stops and what it does not. Too late, altered, on another key: the
door refuses. Copied and used in its life: the door opens, and a second film stands where the first one stood.
Through the service there is no grant that could be stolen; how it knows its callers is left out, and so is a phone that
sends a lost film again.

The room is `dsys_lab.stores.object_store.valet_key`; its sources are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.machines import wake
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Stream
from dsys_lab.simulation.machine import Crashed
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.stores.object_store.valet_key import Door, Grant, GrantRefused, grant
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Trace

WAYS: Final = ("through the service", "valet key")
THIEVES: Final = ("nobody", "too late", "alters it", "other key", "copies it")
PHONES, SERVICE, BUCKET, THIEF = "phones", "service", "bucket", "thief"
SECRET: Final = b"a secret of the service and the door, and of nobody else"
ASK_BYTES: Final = 400
"""A question and a signed grant."""
P99_S: Final = 1.5
"""How soon a film must be in the bucket."""
STOLEN: Final = "f3"
"""The film whose grant the thief gets."""


def key_of(message: str) -> str:
    """Return the key of a film."""
    return f"films/{message}"


class Service(Machine):
    """One line of work, a byte at a time: it carries films, or signs grants."""

    def __init__(self, simulation: Simulation, bytes_per_s: float, carry: Callable[[str, int, int], object]) -> None:
        self.bytes_per_s, self.carry = bytes_per_s, carry
        self._line: list[tuple[str, int, int]] = []
        self._more = simulation.event()
        super().__init__(simulation, SERVICE)

    def boot(self) -> None:
        """Begin to work."""
        self.spawn(self._work_off())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Let a request stand in line."""
        self._line.append((message, copy, body["size_bytes"]))
        self.simulation.emit("enqueue", self.name, message, depth=len(self._line), copy=copy)
        self._more = wake(self.simulation, self._more)

    def _work_off(self) -> Body:
        while True:
            if not self._line:
                yield self._more
                continue
            message, copy, size_bytes = self._line[0]
            yield from self.work(2 * size_bytes / self.bytes_per_s)
            self._line.pop(0)
            self.simulation.emit("gauge", self.name, name="carried", value=2 * size_bytes, unit="bytes")
            self.simulation.emit("start", self.name, message, attempt=1, copy=copy)
            self.carry(message, copy, size_bytes)

    def on_crash(self) -> None:
        """Drop what stood in line."""
        for message, copy, _ in self._line:
            self.simulation.emit("drop", self.name, message, why="the service crashed", copy=copy)
        self._line.clear()


class Bucket(Machine):
    """The store, and its door for those with a grant."""

    def __init__(self, simulation: Simulation, bytes_per_s: float) -> None:
        self.store = JournaledStore(VolatileDisk(), place=BUCKET)
        self.door = Door(self.store, [SECRET])
        self.bytes_per_s = bytes_per_s
        self.published_us: dict[str, int] = {}
        super().__init__(simulation, BUCKET)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a film in from the service, which needs no grant, or by a grant that opens."""
        if source == SERVICE:
            self.store.put(key_of(message), f"{message} by {PHONES}".encode())
            self.spawn(self.take_in(message, copy, body["size_bytes"]))
        elif self.opens(message, body["grant"], body["key"], PHONES):
            self.spawn(self.take_in(message, copy, body["size_bytes"]))
        else:
            self.simulation.emit("reject", self.name, message, why="its grant does not open", copy=copy)

    def opens(self, message: str, given: Grant, key: str, by: str) -> bool:
        """Put by a grant, and note what the door says; a picture of the film stands for its bytes."""
        try:
            self.door.put(given, key, f"{message} by {by}".encode(), now_us=self.simulation.now_us)
        except GrantRefused as refused:
            self.simulation.emit("verify", self.name, message, ok=False, why=str(refused), by=by)
            return False
        self.simulation.emit("verify", self.name, message, ok=True, why="the grant opens", by=by)
        return True

    def take_in(self, message: str, copy: int, size_bytes: int) -> Body:
        """Take the time of so many bytes."""
        simulation = self.simulation
        try:
            yield from self.work(size_bytes / self.bytes_per_s)
        except Crashed:
            simulation.emit("drop", self.name, message, why="the bucket crashed before it had all of it", copy=copy)
            raise
        sojourn_us = simulation.now_us - self.published_us[message]
        simulation.emit("finish", self.name, message, attempt=1, copy=copy, tenant="film", sojourn_us=sojourn_us)


class Phones(Machine):
    """Those who have a film: with a grant in hand they go to the bucket."""

    grants: dict[str, Grant]

    def boot(self) -> None:
        """Begin without grants."""
        self.grants = {}

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Use a grant."""
        self.grants[message] = body["grant"]
        given = {"grant": body["grant"], "key": key_of(message), "size_bytes": body["film_bytes"]}
        self.simulation.network.send(self.name, BUCKET, message, given, copy=copy)


@scenario("{way}, thief: {thief}")
def bytes_carried(
    sim: Simulation,
    *,
    way: str = "valet key",
    thief: str = "nobody",
    film_bytes: int = 2_000_000,
    films_per_s: float = 0.8,
    lives_s: float = 20.0,
    service_bytes_per_s: float = 5e6,
    store_bytes_per_s: float = 50e6,
    until_s: float = 40.0,
) -> Claims:
    """Phones put films of `film_bytes` into a bucket; a grant lives `lives_s`, and a thief may get the one of `f3`.

    Nothing new comes after `until_s`.
    """
    require_choice("way", way, WAYS)
    require_choice("thief", thief, THIEVES)
    require_positive(film_bytes=film_bytes, films_per_s=films_per_s, lives_s=lives_s, until_s=until_s)
    require_positive(service_bytes_per_s=service_bytes_per_s, store_bytes_per_s=store_bytes_per_s)
    has_keys, bucket, phones = way == "valet key", Bucket(sim, store_bytes_per_s), Phones(sim, PHONES)

    def carry(message: str, copy: int, size_bytes: int) -> None:
        """Carry the film to the bucket, or say that the phone may."""
        if has_keys:
            given = grant(
                SECRET, "put", key_of(message), now_us=sim.now_us, lives_s=lives_s, size_max_bytes=film_bytes
            )
            sim.network.answer(SERVICE, PHONES, message, {"grant": given, "film_bytes": film_bytes}, copy=copy)
        else:
            sim.network.send(SERVICE, BUCKET, message, {"type": "film", "size_bytes": size_bytes}, copy=copy)

    Service(sim, service_bytes_per_s, carry)

    def film(number: int, chance: Stream) -> None:
        message = f"f{number}"
        bucket.published_us[message] = sim.now_us
        sim.emit("publish", PHONES, message, attempt=1, size_bytes=film_bytes)
        asked = {"type": "question" if has_keys else "film", "size_bytes": ASK_BYTES if has_keys else film_bytes}
        sim.network.send(PHONES, SERVICE, message, asked)

    def steal() -> Body:
        while STOLEN not in bucket.published_us:
            yield sim.sleep(0.5)
            if sim.now_s > until_s + lives_s:
                sim.emit("note", THIEF, text=f"no film {STOLEN} ever came")
                return
        yield sim.sleep(5 if thief in ("copies it", "other key") else lives_s + 5)
        if not bucket.is_reached_by(THIEF):
            sim.emit("note", THIEF, text="the bucket does not answer")
        elif STOLEN in phones.grants:
            bucket.opens(STOLEN, *_as_stolen(phones.grants[STOLEN], thief), by=THIEF)
        else:
            sim.emit("note", THIEF, text="there is no grant that could be stolen")

    sim.spawn(at_random(sim, f"{PHONES}/films", rate=films_per_s, until_s=until_s, comes=film, source=phones))
    if thief != "nobody":
        sim.spawn(steal())
    sim.run()
    return Claims(
        {
            "conservation": {},
            "nothing lost": {},
            "opens for the owner alone": {},
            "kept waiting at most": {"tenant": "film", "p99_s": P99_S},
        },
    )


def _as_stolen(given: Grant, thief: str) -> tuple[Grant, str]:
    """Return what the thief shows at the door, and for which key."""
    if thief == "alters it":
        return replace(given, until_us=given.until_us + 3_600_000_000), given.key
    return given, key_of("f1") if thief == "other key" else given.key


# ------------------------------------------------------------------------------------------ what it came to
def service_bytes(trace: Trace) -> int:
    """Return the bytes that went through the service, in and out."""
    return sum(int(row.fields["value"] or 0) for row in trace.of("gauge", place=SERVICE))


def round_trips(trace: Trace) -> int:
    """Return how many questions and films the phones sent off and waited for."""
    return sum(row.place == PHONES for row in trace.of("send"))
