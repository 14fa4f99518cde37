"""What goes wrong with an input, and what it does to a file, to a stream, to a window.

A file that is read twice; records in another order; a producer whose clock is ahead; a line that is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from dsys_lab.dataflows.batch import COUNT, BatchJob, PoisonRecord, StreamJob
from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.windows import Tumbling, WindowedStream
from dsys_lab.errors import require_choice, require_not_negative
from dsys_lab.scenarios.stream_and_batch.counts import FUNCTIONS, plainly
from dsys_lab.scenarios.stream_and_batch.world import sent
from dsys_lab.simulation.chance import stream


def read_twice(seed: int = 7, *, period_s: float = 60.0) -> pd.DataFrame:
    """Return what each function says when all files are read once, and when the third is read once more."""
    records, period_us = sent(seed, seconds=600), round(period_s * 1e6)
    third = [record for record in records if record.arrived_us // period_us == 2]
    rows = {}
    for monoid in FUNCTIONS:
        once, twice = (StreamJob(monoid).run(given)["all"] for given in (records, records + third))
        rows[monoid.name] = plainly(once), plainly(twice), "yes" if once == twice else "no"
    return pd.DataFrame.from_dict(rows, orient="index", columns=["read once", "one file twice", "the same"])


def hurt_by_reading_twice(seed: int = 7) -> str:
    """Return the names of the functions that a file read twice makes wrong."""
    table = read_twice(seed)
    return ", ".join(str(name) for name in table.index[table["the same"] == "no"])


LAST_THAT_CAME: Final = Monoid(
    "last by arrival", lambda: None, lambda _, value: value, lambda one, other: one if other is None else other,
    lambda state: state, lambda answers: answers[-1] if answers else None,
)  # fmt: skip
"""The value of the ping that came last, whenever it happened: the one fold here that minds the order."""


def in_any_order(monoid: Monoid, seed: int = 7, *, lots: int = 3) -> list[Any]:
    """Return what a stream job says of pings in the order in which they came, and in some drawn by lot."""
    records, chance = sent(seed, seconds=120), stream(seed, "order")
    orders = [records, *(sorted(records, key=lambda _: chance()) for _ in range(lots))]
    return [StreamJob(monoid).run(order)["all"] for order in orders]


@dataclass(frozen=True, slots=True)
class Skewed:
    """Windows of a minute over pings of ten minutes, one wearable of which has a clock that is ahead.

    Attributes
    ----------
    believes : str
        What the watermark believes: "every clock", or "at most ... s ahead".
    late : int
        Pings that were called late and dropped.
    counted : int
        Those that were in some window's answer.
    """

    believes: str
    late: int
    counted: int


def skewed(*, seed: int = 7, ahead_s: float = 3_600, bound_s: float = 20, wrong: int = 1) -> list[Skewed]:
    """Let the first `wrong` pings after three minutes carry a time that is `ahead_s` too late."""
    require_not_negative(ahead_s=ahead_s, bound_s=bound_s, wrong=wrong)
    records = sent(seed)
    first = next(at for at, record in enumerate(records) if record.arrived_us >= 180_000_000)
    for at in range(first, first + wrong):
        records[at] = records[at]._replace(event_us=records[at].event_us + round(ahead_s * 1e6))
    told = []
    for ahead_us in (None, 1_000_000):
        windows = WindowedStream(Tumbling(60_000_000), COUNT, bound_us=round(bound_s * 1e6), ahead_us=ahead_us)
        for record in records:
            windows.on_record(record.arrived_us, record)
        late = windows.status().late_drops
        name = "every clock" if ahead_us is None else f"at most {ahead_us / 1e6:g} s ahead"
        told.append(Skewed(name, late, len(records) - late))
    return told


def skew_table(found: list[Skewed]) -> pd.DataFrame:
    """Return what became of all pings, a row a watermark."""
    rows = {one.believes: (plainly(one.late), plainly(one.counted)) for one in found}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["called late", "counted"])
    return table.rename_axis("the watermark believes")


THAT_ONE, ITS_MINUTE, MOST = "that one", "those of its minute", "most of them"


def how_many(found: Skewed) -> str:
    """Return in words how many pings were called late."""
    in_all = found.late + found.counted
    return MOST if found.late > in_all / 2 else ITS_MINUTE if found.late > 1 else THAT_ONE


def with_poison(way: str, *, seed: int = 7, at: int = 100) -> tuple[int, str]:
    """Fold pings of a minute of which one is no number, and return how many were counted and what became of it.

    `way` is "batch", or what a stream job does: "stop", "skip" or "park".
    """
    require_choice("way", way, ("batch", "stop", "skip", "park"))
    records = sent(seed, seconds=60)
    records[at] = records[at]._replace(value="n/a")
    mean = next(monoid for monoid in FUNCTIONS if monoid.name == "mean")
    job = StreamJob(mean, poison="stop" if way == "batch" else way)
    try:
        if way == "batch":
            parts = BatchJob(mean, period_us=60_000_000).run(records).parts
            return sum(part.records for part in parts), "counted"
        job.run(records)
    except PoisonRecord:
        outcome = "the file has no answer" if way == "batch" else "stopped, until somebody mends it"
        return job.status().records, outcome
    aside = f"gone: {job.status().skipped}" if way == "skip" else f"parked: {len(job.parked)}"
    return job.status().records, f"goes on; {aside}"


def poison_table(seed: int = 7) -> pd.DataFrame:
    """Return, for a file and each policy of a stream job, how many pings of a minute were counted."""
    names = {"batch": "a file", "stop": "stream, stop", "skip": "stream, skip", "park": "stream, park"}
    rows = {names[way]: with_poison(way, seed=seed) for way in names}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["counted", "and then"])


def two_times(seed: int = 7, *, delay_mean_s: float = 10.0) -> list[tuple[float, float]]:
    """Return when pings of two minutes, one a second, happened and when they came, in seconds."""
    records = sent(seed, seconds=120, rate=1.0, delay_mean_s=delay_mean_s)
    return [(record.event_us / 1e6, record.arrived_us / 1e6) for record in records]
