"""What the runs of a delivery stream come to, counted from their rows, from what landed, or over many runs.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from statistics import fmean
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, Settings
from dsys_lab.scenarios.delivery_stream.pings import PING_BYTES, answers_lost, folders, glass, outage, spoiled
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Trace

MIB: Final = 1 << 20
RUNS: Final = 6
BURST: Final = 150
HOUR_US: Final = 3_600_000_000
RECORDS_A_CRATE: Final = 100
CRATES: Final = 4


class Sealed(NamedTuple):
    """A crate: when its oldest ping came, when it was sealed, and what is in it."""

    from_s: float
    until_s: float
    size_bytes: int
    by: str
    pings: int


# ------------------------------------------------------------------------------------------ from one trace
def sealed(trace: Trace) -> list[Sealed]:
    """Return the crates of a run, in order."""
    came = {(row.message, row.fields["copy"]): row.time_us for row in trace.of("enqueue")}
    first: dict[object, int] = {}
    for row in trace.of("packed"):
        at_us = came[row.message, row.fields["copy"]]
        first[row.fields["into"]] = min(at_us, first.get(row.fields["into"], at_us))
    return [
        Sealed(first[row.message] / 1e6, row.time_us / 1e6, int(row.fields["size_bytes"] or 0), str(row.fields["by"]),
               int(row.fields["count"] or 0))
        for row in trace.of("sealed")
    ]  # fmt: skip


def strip(**hints: Any) -> dict[str, Any]:
    """Return what `charts.crate_strip` draws of a run of `glass`."""
    boxes = [(one.from_s, one.until_s, one.size_bytes, one.by) for one in sealed(glass(**hints))]
    return {"crates": boxes, "size_bytes": hints.get("size_bytes", glass.defaults["size_bytes"])}


def sealed_by(trace: Trace) -> str:
    """Say what sealed most crates: "size" or "time"."""
    return Counter(one.by for one in sealed(trace)).most_common(1)[0][0]


def expired(trace: Trace) -> int:
    """Return how many pings became too old."""
    return len(trace.of("expire"))


def twice(trace: Trace) -> int:
    """Return how many pings landed that had landed before."""
    filed = trace.of("filed")
    return len(filed) - len({row.message for row in filed})


def set_aside(trace: Trace) -> int:
    """Return how many pings were set aside."""
    return len(trace.of("set_aside"))


def objects_of(trace: Trace, to: str = "destination") -> int:
    """Return how many objects were put, those of which nobody heard included."""
    return sum(row.fields["to"] == to for row in trace.of("handed"))


# ------------------------------------------------------------------------------------------ glass or hourglass
@cache
def filled(mib_a_second: float, size_mib: float, interval_s: float, seed: int = 1) -> tuple[tuple[float, int], ...]:
    """Let records come at random, some 100 a crate; return (seconds filled, bytes) of the first crates."""
    rate = mib_a_second * MIB
    record = b"x" * max(1, round(laws.crate_bytes(rate, size_mib * MIB, interval_s) / RECORDS_A_CRATE))
    settings = Settings(size_bytes=round(size_mib * MIB), interval_s=interval_s, limits=None)
    made = DeliveryStream("pings", VolatileDisk(), settings, segment_bytes=1 << 17)
    luck, gap = stream(seed, f"filled/{mib_a_second}"), exponential(len(record) / rate)
    now_us, told = 0, list[tuple[float, int]]()
    while len(told) < CRATES:
        now_us += round(gap(luck) * 1e6)
        began_us, ends_us = made.waiting_since_us(), made.deadline_us()
        if began_us is not None and ends_us is not None and ends_us <= now_us:
            made.tick(ends_us)
            told += _went_out(made, ends_us, began_us)
            began_us = None
        made.put(now_us, Entry("ping", record))
        told += _went_out(made, now_us, now_us if began_us is None else began_us)
    return tuple(told)


def _went_out(made: DeliveryStream, now_us: int, began_us: int) -> list[tuple[float, int]]:
    """Deliver what is sealed, and return how long it filled and how large it is."""
    told = []
    for attempt in made.attempts(now_us):
        made.delivered(now_us, attempt.number)
        told.append(((now_us - began_us) / 1e6, len(attempt.data)))
    return told


def gaps_s(*rates: float, size_mib: float = 5, interval_s: float = 300) -> list[Measured]:
    """Return how long a crate fills, in seconds, at each rate in MiB/s."""
    return _over_rates(rates, size_mib, interval_s, lambda crate: crate[0])


def sizes_mib(*rates: float, size_mib: float = 5, interval_s: float = 300) -> list[Measured]:
    """Return how large a crate becomes, in MiB, at each rate in MiB/s."""
    return _over_rates(rates, size_mib, interval_s, lambda crate: crate[1] / MIB)


def _over_rates(
    rates: Sequence[float], size_mib: float, interval_s: float, what: Callable[[tuple[float, int]], float]
) -> list[Measured]:
    def counted(*, rate: float, seed: int) -> float:
        return fmean(map(what, filled(rate, size_mib, interval_s, seed)))

    return over_seeds(counted, seeds=3, rate=rates)


def gap_by_law_s(mib_a_second: float) -> float:
    """Return the law for `gaps_s`, at Firehose's own hints."""
    return laws.crate_gap_s(mib_a_second * MIB, Settings().size_bytes, Settings().interval_s)


def size_by_law_mib(mib_a_second: float) -> float:
    """Return the law for `sizes_mib`, at Firehose's own hints."""
    return laws.crate_bytes(mib_a_second * MIB, Settings().size_bytes, Settings().interval_s) / MIB


def question_s(interval_s: float, *, mib_a_second: float = 0.01, first_byte_s: float = 0.05) -> float:
    """Return the seconds that a question about a day costs, for eight connections of 50 MiB/s."""
    rate = mib_a_second * MIB
    files = round(laws.crates_a_day(rate, 128 * MIB, interval_s))
    return laws.small_files_s(files, rate * 86_400, connections=8, first_byte_s=first_byte_s, rate=50 * MIB)


def question_curve(*intervals_s: float) -> list[tuple[float, float]]:
    """Return (interval, seconds that a question costs)."""
    return [(interval_s, question_s(interval_s)) for interval_s in intervals_s]


def least_lost_h(down_h: float, *, hold_h: float = 4) -> float:
    """Return the law for `hours_lost`."""
    return laws.expired_s(3_600 * down_h, 3_600 * hold_h) / 3_600


def most_lost_h(down_h: float, *, hold_h: float = 4) -> float:
    """Return the same with an interval and a pause more, half an hour."""
    return least_lost_h(down_h + 0.5, hold_h=hold_h)


def folder_by_law(customers: float) -> float:
    """Return the law for `crate_sizes`."""
    return laws.crate_bytes(2 * PING_BYTES, 1_000, 20, round(customers), record_bytes=PING_BYTES)


# ------------------------------------------------------------------------------------------ over many runs
def hours_lost(*down_h: float, hold_h: float = 24, pause_s: float = 900.0) -> list[Measured]:
    """Return how many hours of data are gone after each outage."""
    every_s = 600.0

    def gone(down_h: float) -> int:
        run = outage.count(down_h=float(down_h), hold_h=float(hold_h), every_s=every_s, pause_s=pause_s)
        return run.count("expire")

    return [(hours, gone(hours) * every_s / 3_600, 0.0) for hours in down_h]


def puts(*shares: float) -> list[Measured]:
    """Return how often a ping lands at each share of answers that are lost."""

    def counted(*, share: float, seed: int) -> float:
        return answers_lost.count(seed=seed, share=share, pings=BURST).count("filed") / BURST

    return over_seeds(counted, seeds=RUNS, share=shares)


def aside(*bad: float, judged: str, records_a_crate: int = 10, pings: int = 600) -> list[Measured]:
    """Return the share of the pings set aside at each share of bad ones."""

    def counted(*, bad: float, seed: int) -> float:
        run = spoiled.count(seed=seed, bad=bad, judged=judged, records_a_crate=records_a_crate, pings=pings)
        return run.count("set_aside") / pings

    return over_seeds(counted, seeds=RUNS, bad=bad)


def crate_sizes(*customers: int, pings: int = 400) -> list[Measured]:
    """Return the mean bytes of a crate at each number of folders, a ping every half second."""

    def counted(*, customers: int, seed: int) -> float:
        told = folders.count(seed=seed, customers=customers, pings=pings)
        return pings * PING_BYTES / told.count("sealed")

    return over_seeds(counted, seeds=RUNS, customers=customers)


def what_is_lost(down_h: float, hold_h: float = 24.0) -> str:
    """Say what of all that was put while the destination was down is gone: nothing, the first or the last, or all."""
    trace = outage(down_h=down_h, hold_h=hold_h, pause_s=1_800.0)
    put_us = {row.message: row.time_us for row in trace.of("publish")}
    gone_us = [put_us.pop(row.message) for row in trace.of("expire")]
    kept_us = [at_us for at_us in put_us.values() if HOUR_US <= at_us < (1 + down_h) * HOUR_US]
    if not gone_us or not kept_us:
        return "nothing" if kept_us else "all of it"
    if max(gone_us) - min(gone_us) > 2 * HOUR_US:
        return "more"
    return "the first hour or two" if max(gone_us) < min(kept_us) else "the last hour or two"
