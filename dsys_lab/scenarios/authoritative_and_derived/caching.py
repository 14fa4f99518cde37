"""A table with a cache in front: who reads what is not true any more, and for how long?

Readers ask for keys, the popular ones more often; writers change them. `table` is the true one, `cache` has what was
asked for. Each read is a `look`: at which position the answer stood, and for how long it had been out of date.

In the picture every key has a box in both, and in it stands the version that it holds: `v7` is what the seventh change
wrote. A box of the cache whose version is not the table's is said to *differ*, until it is mended.

Sources: the semantics in `dsys_lab.dataflows.derived_view.cache`; the laws in `dsys_lab.laws.derived`.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.dataflows.derived_view import Cache, Cached
from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures.schema import Value
from dsys_lab.trace import Recorder
from dsys_lab.trace.recorder import Scalar
from dsys_lab.workloads.keys import zipf

TABLE, CACHE, READERS = "table", "cache", "readers"
WHYS: Final = {"ttl": "it is too old", "room": "there is no room", "written": "its writer says so"}
"""What a picture says of the reasons for which a cache throws an entry out."""
EVENTS_MOST = 400_000


def version(position: int) -> str:
    """Return what a picture calls the version that the change at this position wrote."""
    return f"v{position}"


class Boxes:
    """A picture's place with a box for each key, in which one version stands at a time.

    Parameters
    ----------
    truth : Boxes, optional
        That it is a copy of: a box that holds another version differs.

    Attributes
    ----------
    held : dict
        Key -> what stands in its box.
    best : (int, int, int) or None
        The moment that tells most of a copy, once it was full: how many boxes differed, were empty, and when.
    """

    def __init__(self, sim: Simulation, name: str, *, truth: Boxes | None = None) -> None:
        self.sim, self.name, self.truth = sim, name, truth
        self.copy = 0 if truth is None else 1
        self.held: dict[Value, str] = {}
        self.best: tuple[int, int, int] | None = None
        self._differs: set[Value] = set()
        self._was_full = False

    def hold(self, key: Value, held: str) -> None:
        """Put a version into a key's box, in the place of what is there."""
        if self.held.get(key) == held:
            return
        self.forget(key, f"{held} takes its place")
        self.held[key] = held
        self.sim.emit("holds", self.box(key), held, key=key, copy=self.copy)
        self.compare(key)

    def fetch(self, key: Value, held: str) -> None:
        """Get a version from the truth, on a way that takes no time here, and hold it."""
        if self.truth is not None and self.held.get(key) != held:
            there, here = self.truth.box(key), self.box(key)
            self.sim.emit("send", there, held, to=here, copy=self.copy, type="row", arrive_us=self.sim.now_us)
            self.sim.emit("receive", here, held, source=there, copy=self.copy, type="row")
        self.hold(key, held)

    def forget(self, key: Value, why: str) -> None:
        """Empty a key's box."""
        old = self.held.pop(key, None)
        if old is not None:
            self.sim.emit("forgets", self.box(key), old, why=why, copy=self.copy)
            self.compare(key)

    def compare(self, key: Value) -> None:
        """Say whether a box differs from the truth from now on, or does no more."""
        if self.truth is None:
            return
        true, held = self.truth.held.get(key), self.held.get(key)
        differs = held is not None and true is not None and held != true
        if differs and key not in self._differs:
            self._differs.add(key)
            self.sim.emit("stale", self.box(key), expected=true)
        elif not differs and key in self._differs:
            self._differs.remove(key)
            self.sim.emit("agrees", self.box(key))
        empty = len(self.truth.held) - len(self.held)
        self._was_full = self._was_full or not empty
        if self._was_full:
            now = len(self._differs), empty, self.sim.now_us
            self.best = max(self.best or now, now)

    def box(self, key: Value) -> str:
        """Return the name of a key's box."""
        return f"{self.name}/{key}" if isinstance(key, str) else f"{self.name}/k{key}"


class Mirror:
    """A recorder that hands on what a cache tells, and shows in boxes what it has."""

    def __init__(self, recorder: Recorder, boxes: Boxes) -> None:
        self._recorder, self._boxes = recorder, boxes

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Hand it on; what is filled is held from now on, what is thrown out is not."""
        self._recorder.emit(time_us, kind, self._boxes.box(fields["key"]), None, **fields)
        if kind == "fill":
            self._boxes.fetch(fields["key"], version(int(fields["position"] or 0)))
        elif kind == "evict":
            self._boxes.forget(fields["key"], WHYS[str(fields["why"])])


class Table:
    """The true rows, and when each was changed: a cache's entry is held against them."""

    def __init__(self, sim: Simulation, keys: int) -> None:
        self.sim = sim
        self.boxes = Boxes(sim, TABLE)
        self.told: list[Boxes] = []
        self.position = 0
        self.changed: dict[Value, list[tuple[int, int]]] = {}  # (position, when) of each change of a key
        for key in range(keys):
            self.write(key, None)

    def read(self, key: Value) -> tuple[Any, int]:
        """Return what stands there, which is its own position, for the sake of this page."""
        position = self.changed[key][-1][0]
        return position, position

    def write(self, key: Value, value: Any) -> int:
        """Change a row."""
        self.position += 1
        self.changed.setdefault(key, []).append((self.position, self.sim.now_us))
        self.boxes.hold(key, version(self.position))
        for copy in self.told:
            copy.compare(key)
        return self.position

    def behind_us(self, key: Value, position: int) -> int:
        """Return for how long somebody who knows a key as of this position has been out of date; 0 if not at all."""
        for changed, when_us in self.changed.get(key, ()):
            if changed > position:
                return self.sim.now_us - when_us
        return 0


def require_events(rate: float, seconds: float) -> None:
    """Refuse a run that would take minutes."""
    require_positive(seconds=seconds)
    if rate * seconds > EVENTS_MOST:
        raise BadParameter(f"{rate:g} a second for {seconds:g} s: give at most {EVENTS_MOST:,} reads and writes")


@scenario("{on_write} on write, ttl {ttl_s} s")
def cached(
    sim: Simulation,
    *,
    on_write: str = "nothing",
    ttl_s: float | None = 10.0,
    capacity: int | None = None,
    keys: int = 4,
    exponent: float = 0.9,
    reads: float = 4.0,
    writes: float = 0.8,
    lost: float = 0.0,
    seconds: float = 60.0,
    cache: bool = True,
) -> Claims:
    """Readers ask `reads` times a second, writers change `writes` keys a second, all keys alike, for so many `seconds`.

    `on_write` is one of "nothing", "invalidate", "fill"; of the words that a writer says to the cache a share `lost`
    never arrives: it died between the two. Without `cache` there is none, and every read goes to the table.
    """
    require_fraction(lost=lost)
    require_positive(reads=reads, keys=keys)
    require_not_negative(writes=writes)
    require_events(reads + writes, seconds)
    table = Table(sim, keys)
    boxes = Boxes(sim, CACHE, truth=table.boxes)
    if cache:
        table.told.append(boxes)
    kept = Cache(capacity=capacity, ttl_s=ttl_s, name=CACHE, recorder=Mirror(sim.recorder, boxes))
    whole = Cached(kept, read=table.read, write=table.write, on_write=on_write)
    broken = Cached(kept, read=table.read, write=table.write, on_write="nothing")
    popular = zipf(keys, exponent)
    asked = iter(popular.draw(sim.seed, "cached/keys", 0, round(2 * reads * seconds) + 100).tolist())
    oldest_us = 0

    def read() -> Body:
        nonlocal oldest_us
        luck = sim.stream("readers")
        for key in asked:
            yield sim.sleep(exponential(1 / reads)(luck))
            position = whole.read(sim.now_us, key).position if cache else table.read(key)[1]
            behind_us = table.behind_us(key, position)
            oldest_us = max(oldest_us, behind_us)
            view = CACHE if cache else TABLE
            sim.emit("look", READERS, view=view, key=f"k{key}", position=position, behind_us=behind_us)

    def write() -> Body:
        luck = sim.stream("writers")
        while True:
            yield sim.sleep(exponential(1 / writes)(luck))
            way = broken if luck() < lost else whole
            way.write(sim.now_us, int(luck() * keys), None)

    sim.spawn(read())
    if writes:
        sim.spawn(write())
    sim.run(seconds)
    promised_us = 0 if on_write != "nothing" and not lost else (round(ttl_s * 1e6) if ttl_s else None)
    said = "any age" if promised_us is None else f"at most {promised_us / 1e6:g} s old"
    sim.emit("check", READERS, name="how old a wrong answer is", ok=promised_us is None or oldest_us <= promised_us,
             expected=said, got=f"at most {oldest_us / 1e6:g} s old")  # fmt: skip
    return Claims({"checks hold": {}}, poster_us=boxes.best[2] if boxes.best else None)
