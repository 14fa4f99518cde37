"""A table with a cache in front: who reads what is not true any more, and for how long?

Readers ask for keys, the popular ones more often; writers change them. `table` is the true one, `cache` has what was
asked for. Each read is a `look`: at which position the answer stood, and for how long it had been out of date.

Sources: the semantics in `dsys_lab.dataflows.derived_view.cache`; the laws in `dsys_lab.laws.derived`.
"""

from __future__ import annotations

from typing import Any

from dsys_lab.dataflows.derived_view import Cache, Cached
from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures.schema import Value
from dsys_lab.workloads.keys import zipf

TABLE, CACHE, READERS = "table", "cache", "readers"
EVENTS_MOST = 400_000


class Table:
    """The true rows, and when each was changed: a cache's entry is held against them."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.position = 0
        self.changed: dict[Value, list[tuple[int, int]]] = {}  # (position, when) of each change of a key

    def read(self, key: Value) -> tuple[Any, int]:
        """Return what stands there, which is its own position, for the sake of this page."""
        position = self.changed[key][-1][0] if key in self.changed else 0
        return position, position

    def write(self, key: Value, value: Any) -> int:
        """Change a row."""
        self.position += 1
        self.changed.setdefault(key, []).append((self.position, self.sim.now_us))
        self.sim.emit("change", TABLE, str(key), table=TABLE, op="update", key=key, position=self.position)
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
    keys: int = 8,
    exponent: float = 0.9,
    reads: float = 4.0,
    writes: float = 0.8,
    lost: float = 0.0,
    seconds: float = 60.0,
) -> Claims:
    """Readers ask `reads` times a second, writers change `writes` keys a second, all keys alike, for so many `seconds`.

    `on_write` is one of "nothing", "invalidate", "fill"; of the words that a writer says to the cache a share `lost`
    never arrives: it died between the two.
    """
    require_fraction(lost=lost)
    require_positive(reads=reads, keys=keys)
    require_not_negative(writes=writes)
    require_events(reads + writes, seconds)
    table = Table(sim)
    cache = Cache(capacity=capacity, ttl_s=ttl_s, name=CACHE, recorder=sim.recorder)
    whole = Cached(cache, read=table.read, write=table.write, on_write=on_write)
    broken = Cached(cache, read=table.read, write=table.write, on_write="nothing")
    popular = zipf(keys, exponent)
    asked = iter(popular.draw(sim.seed, "cached/keys", 0, round(2 * reads * seconds) + 100).tolist())
    oldest_us = 0

    def read() -> Body:
        nonlocal oldest_us
        luck = sim.stream("readers")
        for key in asked:
            yield sim.sleep(exponential(1 / reads)(luck))
            entry = whole.read(sim.now_us, key)
            behind_us = table.behind_us(key, entry.position)
            oldest_us = max(oldest_us, behind_us)
            sim.emit("look", READERS, view=CACHE, key=key, position=entry.position, behind_us=behind_us)

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
    return Claims({"checks hold": {}}, poster_us=round(seconds / 2 * 1e6))
