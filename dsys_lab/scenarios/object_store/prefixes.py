"""Twenty wearables a second write their pings; under which keys?

Keys lie on one sorted line, cut into ranges that do so much each, here at a hundredth of the real size. Keys that begin
with the time all fall into one range, the one of today; keys that begin with a hash fall everywhere. A busy range is
cut, but what begins with the time has moved on by then.

Sources: the semantics and their sources in `dsys_lab.stores.object_store.key_ranges`.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.stores.object_store import JournaledStore, KeyRanges, Limits, SlowDown
from dsys_lab.structures.disk import VolatileDisk

SCHEMES: Final = ("time first", "hash first", "person first")
BUCKET, WEARABLES = "bucket", "wearables"
DAY_S: Final = 86_400
MORNING_S: Final = 7 * 3_600
TOKENS: Final[dict[str, Any]] = {"name": "tokens", "unit": "% of the burst", "full": 100}
HASHES, PERSONS = 256, 1_000
"""How many the first two digits of a hash are, and how many persons."""


def key_of(scheme: str, number: int, at_s: float, person: int) -> str:
    """Return the key of a ping.

    >>> key_of("time first", 7, 25_200.5, 17), key_of("person first", 7, 25_200.5, 17)
    ('2017-01-01T25200.500/7', '017/2017-01-01/7')
    """
    moment = f"2017-01-01T{at_s:09.3f}"
    if scheme == "time first":
        return f"{moment}/{number}"
    if scheme == "person first":
        return f"{person:03d}/2017-01-01/{number}"
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:2]}/{moment}/{number}"


def position(scheme: str, key: str) -> float:
    """Return where on the line a key lies, in percent: the line is a day, the hashes, or the persons."""
    if not key:
        return 0.0
    if scheme == "time first":
        return 100 * float(key[11:20]) / DAY_S
    return 100 * (int(key[:2], 16) / HASHES if scheme == "hash first" else int(key[:3]) / PERSONS)


def even_cuts(scheme: str, ranges: int) -> list[str]:
    """Return the keys at which the line is cut into even ranges."""
    shares = [number / ranges for number in range(1, ranges)]
    if scheme == "time first":
        return [f"2017-01-01T{share * DAY_S:09.3f}" for share in shares]
    if scheme == "person first":
        return [f"{int(share * PERSONS):03d}" for share in shares]
    return [f"{int(share * HASHES):02x}" for share in shares]


@scenario("{scheme}")
def hot_prefix(
    sim: Simulation,
    *,
    scheme: str = "time first",
    ranges: int = 4,
    rate: float = 30.0,
    limit: float = 15.0,
    cut_after_s: float = 5.0,
    seconds: float = 14.0,
) -> Claims:
    """What passes is told by the range, not by the bucket; and a load that moves along the line stays hot.

    `rate` pings a second come at 07:00 in the morning; a range does `limit` writes a second, and is cut after it
    refused in each of `cut_after_s` seconds.
    """
    require_choice("scheme", scheme, SCHEMES)
    require_positive(ranges=ranges, rate=rate, seconds=seconds)
    limits = Limits(writes=limit, burst_s=0.3, split_after_s=cut_after_s)
    line = KeyRanges(limits, cuts=even_cuts(scheme, ranges), place=BUCKET)
    host = _Line(sim, line, scheme)

    def write() -> Body:
        arrivals, persons, number = sim.stream("arrivals"), sim.stream("persons"), 0
        while True:
            yield sim.sleep(exponential(1 / rate)(arrivals))
            if sim.now_s > seconds:
                return
            number += 1
            key = key_of(scheme, number, MORNING_S + sim.now_s, int(persons() * PERSONS))
            sim.emit("publish", WEARABLES, f"w{number}", attempt=1)
            sim.network.send(WEARABLES, host.place_of(key), f"w{number}", {"key": key})

    sim.spawn(write())
    sim.run(seconds + 0.5)
    return Claims({"conservation": {}}, {"tokens": {"value": 0, "label": "nothing left"}})


class _Line:
    """The ranges on their machines: one a range, also for those that are cut from others."""

    def __init__(self, simulation: Simulation, line: KeyRanges, scheme: str) -> None:
        self.simulation, self.line, self.scheme = simulation, line, scheme
        self.store = JournaledStore(VolatileDisk(), ranges=line)
        self.hosts: dict[str, RangeHost] = {}
        self._shown: dict[str, tuple[float, float]] = {}
        self.cover()
        simulation.spawn(self._tick())

    def place_of(self, key: str) -> str:
        """Return the place of the range of a key now."""
        return f"{BUCKET}/{self.line.range_of(key)}"

    def cover(self) -> None:
        """Give every range a machine, and show where on the line it lies."""
        status = self.line.status()
        lows = [position(self.scheme, one.low) for one in status]
        now = {one.name: pair for one, pair in zip(status, zip(lows, [*lows[1:], 100.0], strict=True), strict=True)}
        for name in [name for name in self._shown if name not in now]:
            self._show("drop", name, self._shown.pop(name))
            del self.hosts[name]
        for name, pair in now.items():
            if name not in self._shown:
                self._shown[name] = pair
                self.hosts[name] = RangeHost(self, name)
                self._show("open", name, pair)
            self.level(name)

    def _show(self, op: str, name: str, pair: tuple[float, float]) -> None:
        low, high = (round(edge, 2) for edge in pair)
        self.simulation.emit("range", BUCKET, op=op, key=name.rpartition("-")[2], low=low, high=high)

    def level(self, name: str) -> None:
        """Tell how full the bucket of a range is."""
        share = self.line.level(self.simulation.now_us, name)
        self.simulation.emit("gauge", f"{BUCKET}/{name}", value=round(100 * max(0.0, share), 1), **TOKENS)

    def _tick(self) -> Body:
        while True:
            yield self.simulation.sleep(0.5)
            self.line.tick(self.simulation.now_us)
            self.cover()


class RangeHost(Machine):
    """A range of keys; it does what comes, or refuses it."""

    def __init__(self, line: _Line, name: str) -> None:
        self.line, self.range = line, name
        super().__init__(line.simulation, f"{BUCKET}/{name}")

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Put what came."""
        simulation, key, place = self.simulation, body["key"], self.name
        with suppress(SlowDown):
            try:
                self.line.store.put(key, b"435 minutes", now_us=simulation.now_us)
            except SlowDown:
                simulation.emit("reject", place, message, why="503, slow down", copy=copy)
                raise
            simulation.emit("finish", place, message, attempt=1, copy=copy)
        if [*self.line.hosts] != [one.name for one in self.line.line.status()]:
            self.line.cover()
        self.line.level(self.line.line.range_of(key))
