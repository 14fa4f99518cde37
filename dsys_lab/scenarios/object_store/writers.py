"""Several write the same object, and one reads it too early: what is lost, and what is not seen?

`counter` has writers that each read a counter, add one, and put it back: blindly, or on the condition that it is still
what they read. `too_early` has a reader who asks for an object before it is put, today and before December 2020.

Sources: Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets" and "Amazon S3 data consistency model",
read in November 2026; Gray and Reuter, *Transaction Processing*, 1993, sec. 7.6 (optimistic methods).
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.chance import uniform
from dsys_lab.stores.object_store import ConditionFailed, JournaledStore, NegativeCache
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("blind", "if match")
COUNTER: Final = "counter.json"
KEY: Final = "pings/17"
BUCKET: Final = "bucket"


@scenario("{writers} writers, {way}")
def counter(
    sim: Simulation, *, way: str = "blind", writers: int = 3, each: int = 4, think_ms: float = 400.0
) -> Claims:
    """A blind put loses what somebody else put meanwhile; a put on a condition is refused, and tried again.

    Each of the writers adds one to the counter `each` times; from reading to putting takes it about `think_ms`.
    """
    require_choice("way", way, WAYS)
    require_positive(writers=writers, each=each, think_ms=think_ms)
    store = JournaledStore(VolatileDisk())
    store.put(COUNTER, b"0")
    CounterHost(sim, store, writers * each)
    hosts = [WriterHost(sim, store, f"writer-{number}", way, each, think_ms) for number in range(1, writers + 1)]
    sim.run()
    added, (says, _) = sum(host.added for host in hosts), read_counter(store)
    sim.emit("check", BUCKET, name="the counter says what was added", ok=says == added, expected=added, got=says)
    return Claims({"conservation": {}, "checks hold": {}})


def read_counter(store: JournaledStore) -> tuple[int, str]:
    """Return what the counter says, and its tag."""
    found = store.get(COUNTER)
    assert found is not None, "it was put when the run began"
    return int(found.data), found.etag


class CounterHost(Machine):
    """The bucket: it puts what comes, if its condition holds, and answers."""

    def __init__(self, simulation: Simulation, store: JournaledStore, full: int) -> None:
        self.store, self.full = store, full
        super().__init__(simulation, BUCKET)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Put."""
        simulation = self.simulation
        try:
            self.store.put(COUNTER, body["data"], if_match=body["if_match"], now_us=simulation.now_us)
        except ConditionFailed:
            simulation.emit("reject", BUCKET, message, why="412, it is not what you read", copy=copy)
            simulation.network.answer(BUCKET, source, message, {"ok": False})
            return
        simulation.emit("finish", BUCKET, message, attempt=copy + 1, copy=copy)
        value = int(body["data"])
        simulation.emit("gauge", BUCKET, name="counter", value=value, unit="counted", full=self.full)
        simulation.network.answer(BUCKET, source, message, {"ok": True})


class WriterHost(Machine):
    """Reads the counter, thinks, and puts it back with one more."""

    def __init__(  # noqa: PLR0917  # one of several alike, made in one line
        self, simulation: Simulation, store: JournaledStore, name: str, way: str, each: int, think_ms: float
    ) -> None:
        self.store, self.way, self.each, self.think_ms = store, way, each, think_ms
        self.added = self.attempts = 0
        self._answer = simulation.event()
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._write())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear whether it was done."""
        self._answer.succeed(body["ok"])

    def _write(self) -> Body:
        simulation, think = self.simulation, uniform(0.5 * self.think_ms / 1000, 1.5 * self.think_ms / 1000)
        chance = simulation.stream(f"{self.name}/thinks")
        for number in range(1, self.each + 1):
            message, is_done = f"{self.name[7:]}.{number}", False
            yield simulation.sleep(think(chance))
            while not is_done:
                value, etag = read_counter(self.store)
                simulation.emit("look", self.name, view=BUCKET, key=COUNTER, position=value, behind_us=0)
                yield simulation.sleep(think(chance))
                is_done = yield from self._put(message, value + 1, etag)
            self.added += 1

    def _put(self, message: str, value: int, etag: str) -> Body:
        simulation = self.simulation
        copy = simulation.network.next_copy(message)
        self.attempts += 1
        simulation.emit("publish", self.name, message, attempt=copy + 1, copy=copy)
        body = {"data": b"%d" % value, "if_match": etag if self.way == "if match" else None}
        self._answer = simulation.event()
        simulation.network.send(self.name, BUCKET, message, body, copy=copy)
        return (yield self._answer)


@scenario("{stale_s:g} s remembered")
def too_early(
    sim: Simulation, *, stale_s: float = 3.0, put_at_s: float = 2.2, every_s: float = 0.5, seconds: float = 8.0
) -> Claims:
    """Who asked too early was told *not there* for a while, before December 2020; since then never.

    A reader asks every `every_s` seconds; the object is put at `put_at_s`. The front remembers for `stale_s` seconds
    who was not there; 0 is the store as it is today.
    """
    require_not_negative(stale_s=stale_s, put_at_s=put_at_s)
    require_positive(every_s=every_s, seconds=seconds)
    store = StoreHost(sim)
    front = FrontHost(sim, NegativeCache(store.store, stale_us=to_us(stale_s)), store)

    def put() -> Body:
        yield sim.sleep(put_at_s)
        sim.emit("publish", "writer", KEY, attempt=1)
        sim.network.send("writer", store.name, KEY, {})

    def read() -> Body:
        number = 0
        while sim.now_s < seconds - every_s:
            yield sim.sleep(every_s)
            number += 1
            sim.emit("publish", "reader", f"get {number}", attempt=1)
            sim.network.send("reader", front.name, f"get {number}", {})

    for name in ("writer", "reader"):
        Machine(sim, name)
    sim.spawn(put())
    sim.spawn(read())
    sim.run(seconds)
    return Claims({"conservation": {}, "checks hold": {}})


class StoreHost(Machine):
    """What is really there."""

    def __init__(self, simulation: Simulation) -> None:
        self.store, self.has_it = JournaledStore(VolatileDisk()), False
        super().__init__(simulation, "bucket/store")

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Put, and acknowledge."""
        self.store.put(message, b"435 minutes", now_us=self.simulation.now_us)
        self.has_it = True
        self.simulation.emit("archive", self.name, message)
        self.simulation.emit("publish_ok", source, message, attempt=1)


class FrontHost(Machine):
    """Who answers to readers, from what it remembers or from the store."""

    def __init__(self, simulation: Simulation, front: NegativeCache, store: StoreHost) -> None:
        self.front, self.behind = front, store
        super().__init__(simulation, "bucket/front")

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Answer, 200 or 404."""
        simulation, found = self.simulation, self.front.get(self.simulation.now_us, KEY)
        if found is None:
            simulation.emit("reject", self.name, message, why="404, not there")
        else:
            simulation.emit("finish", self.name, message, attempt=1)
        if self.behind.has_it:
            got = "404" if found is None else "200"
            simulation.emit("check", self.name, name="an acknowledged object is seen", ok=found is not None,
                            expected="200", got=got)  # fmt: skip
