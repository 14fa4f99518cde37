"""What many runs come to: outages, chains of services, groups of consumers.

Sources: Kleinrock, *Queueing Systems* vol. 1 (busy periods); Dean and Barroso, "The tail at scale", CACM 2013 (chains).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Record, Settings, Stored
from dsys_lab.errors import BadParameter, require_fraction, require_positive
from dsys_lab.scenarios.service_database_broker.three_ways import DOWN_AT_S, LANES, run_lanes
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import Stream, exponential, stream
from dsys_lab.structures import VolatileDisk

KEYS: Final = 4_000
CYCLE_S: Final = 100.0
"""How long a service is up and then down, together, on average."""


@dataclass(frozen=True, slots=True)
class OutageCounted:
    """What an outage of a reader came to in one lane.

    Attributes
    ----------
    offered : int
        Nights.
    failed : int
        Calls that the producer gave up; with a table or a broker none can.
    stood_most : int
        The most nights that waited to be worked off.
    caught_up_s : float or None
        Seconds from the reader's return until it had nothing to do; None: not in this run, or a service.
    """

    offered: int
    failed: int
    stood_most: int
    caught_up_s: float | None


def outage(
    lane: str = "broker", *, nights_a_second: float = 100.0, works_a_second: float = 120.0, outage_s: float = 30.0,
    lasts_s: float = 200.0, seed: int = 1,
) -> OutageCounted:  # fmt: skip
    """Count one lane of `three_ways` with whoever needs the nights down for a while."""
    sim = Simulation(seed=seed)
    ways = run_lanes(sim, (lane,), nights_a_second=nights_a_second, works_a_second=works_a_second, outage_s=outage_s,
                     lasts_s=lasts_s)  # fmt: skip
    idle_s = getattr(ways.readers[lane], "idle_s", None)
    caught_up_s = None if idle_s is None else idle_s - DOWN_AT_S - outage_s
    return OutageCounted(ways.offered, ways.app.failed, ways.stood_most[lane], caught_up_s)


def outages(*, lanes: Sequence[str] = LANES, **given: float) -> dict[str, OutageCounted]:
    """Count the same outage in each lane."""
    return {lane: outage(lane, **given) for lane in lanes}  # type: ignore[arg-type]  # `outage` looks at them


# ------------------------------------------------------------ chains
@dataclass(frozen=True, slots=True)
class ChainCounted:
    """What became of the same calls through a chain of services, and through a broker.

    Attributes
    ----------
    calls : int
    answered : int
        Each service of the chain was up.
    accepted : int
        The broker was up: the caller is done.
    completed : int
        Of those accepted, each consumer was up once, in turn, before the end.
    """

    calls: int
    answered: int
    accepted: int
    completed: int


def chain(*, hops: int = 5, availability: float = 0.999, calls: int = 2_000, seed: int = 1) -> ChainCounted:
    """Call through n services that break and are mended, each by its own luck; one call a second, at any moment."""
    require_fraction(availability=availability)
    require_positive(availability=availability, calls=calls)
    if hops < 1:
        raise BadParameter(f"hops = {hops!r}: give 1 or more")
    services = [_Ups(stream(seed, f"service {hop}"), availability, calls) for hop in range(1, hops + 1)]
    broker = _Ups(stream(seed, "broker"), availability, calls)
    luck = stream(seed, "calls")
    at_s = [number + luck() for number in range(calls)]
    accepted = [when_s for when_s in at_s if broker.next_up_s(when_s) == when_s]
    answered = sum(all(service.next_up_s(when_s) == when_s for service in services) for when_s in at_s)
    return ChainCounted(calls, answered, len(accepted), sum(_passes(services, when_s) < calls for when_s in accepted))


def _passes(services: Sequence[_Ups], when_s: float) -> float:
    for service in services:
        when_s = service.next_up_s(when_s)
    return when_s


class _Ups:
    """When a service is up: stretches of exponential length, up for a share of the time."""

    def __init__(self, luck: Stream, availability: float, until_s: float) -> None:
        mean_s = {True: CYCLE_S * availability, False: CYCLE_S * (1 - availability)}
        self._began_s: list[float] = []
        self._ended_s: list[float] = []
        is_up, now_s = luck() < availability, 0.0
        while now_s <= until_s and mean_s[is_up]:
            ends_s = now_s + (exponential(mean_s[is_up])(luck) if mean_s[not is_up] else until_s + 1)
            if not is_up:
                self._began_s.append(now_s)
                self._ended_s.append(ends_s)
            is_up, now_s = not is_up, ends_s

    def next_up_s(self, when_s: float) -> float:
        """Return this moment, or the one at which it is up again."""
        last = bisect_right(self._began_s, when_s) - 1
        return when_s if last < 0 else max(when_s, self._ended_s[last])


# ------------------------------------------------------------ groups of consumers
@dataclass(frozen=True, slots=True)
class GroupCounted:
    """What a group worked off.

    Attributes
    ----------
    a_second : float
        Records a second that were done in the time.
    by_partition : tuple of int
        Records that came to each.
    overtaken, overtaken_by_key : int
        Records that were done after one that came later; of any key, of the same key.
    """

    a_second: float
    by_partition: tuple[int, ...]
    overtaken: int
    overtaken_by_key: int


def group(
    *, consumers: int = 3, partitions: int = 4, records_a_second: float = 400.0, each_a_second: float = 50.0,
    hot_share: float = 0.0, seconds: float = 20.0, seed: int = 1,
) -> GroupCounted:  # fmt: skip
    """Let c consumers work off P shards of a log; `hot_share` of the records have one key.

    The records are put on a log by their keys; consumer i has the shards i, i + c, i + 2c, ...
    """
    require_positive(consumers=consumers, records_a_second=records_a_second, each_a_second=each_a_second,
                     seconds=seconds)  # fmt: skip
    require_fraction(hot_share=hot_share)
    luck = stream(seed, "records")
    log = LogStream("log", VolatileDisk(), Settings(shards=partitions, limits=None))
    gaps = (exponential(1 / records_a_second)(luck) for _ in iter(int, 1))
    for came_s in accumulate(gaps):
        if came_s > seconds:
            break
        key = "hot" if luck() < hot_share else f"k{int(luck() * KEYS)}"
        assert isinstance(log.put(int(came_s * 1e6), Entry("r", key)), Stored)
    shards = [shard.name for shard in log.shards()]
    done: list[tuple[int, str, float]] = []
    for number in range(consumers):
        _work_off(log, shards[number::consumers], 1 / each_a_second, seconds, done)
    done.sort(key=lambda one: (one[0], one[2]))
    by_key: dict[str, list[float]] = {}
    for _, key, end_s in done:
        by_key.setdefault(key, []).append(end_s)
    ends_s = [end_s for _, _, end_s in done]
    in_time = sum(end_s <= seconds for end_s in ends_s)
    by_partition = tuple(shard.end for shard in log.status().shards)
    return GroupCounted(in_time / seconds, by_partition, _overtaken(ends_s), sum(map(_overtaken, by_key.values())))


def _overtaken(ends_s: Sequence[float]) -> int:
    """Return how many ended after one that stands behind them."""
    first_behind_s = list(accumulate(reversed(ends_s), min))[::-1]
    return sum(end_s > first_s for end_s, first_s in zip(ends_s, first_behind_s[1:], strict=False))


def _work_off(
    log: LogStream, shards: Sequence[str], work_s: float, seconds: float, done: list[tuple[int, str, float]]
) -> None:
    """Let one consumer work off what came to its shards, what came first before the rest; note what ended when."""
    now_us, records = int(seconds * 1e6), list[Record]()
    for shard in shards:
        at = log.iterator(now_us, shard, "TRIM_HORIZON")
        while at is not None:
            page = log.read(now_us, at)
            assert isinstance(page, Page)
            if not page.records:
                break
            records += page.records
            at = page.next  # type: ignore[assignment]  # None ends the loop
    free_s = 0.0
    for record in sorted(records, key=lambda record: record.arrived_us):
        free_s = max(free_s, record.arrived_us / 1e6) + work_s
        done.append((record.arrived_us, record.key, free_s))
