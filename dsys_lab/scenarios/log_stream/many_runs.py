"""What many runs of a log stream come to. Each function that takes `*values` returns (value, mean, standard error)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from statistics import fmean, quantiles, stdev
from typing import Any, Final

import pandas as pd

from dsys_lab.scenarios.log_stream import counts
from dsys_lab.scenarios.log_stream.jobs import jobs
from dsys_lab.scenarios.log_stream.pace import AWAY_AT_S, catch_up
from dsys_lab.scenarios.log_stream.polling import readers
from dsys_lab.scenarios.log_stream.sharing import nights
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.trace import Trace

RUNS: Final = 4
JOBS: Final = 2_500
STEADY_LOAD: Final = 0.5
"""At which a run is long enough for the law of a line that has stood for ever."""
LOAD: Final = 0.7
SETTLED_S: Final = 10.0
"""By then a shard has given away what it had saved up while nobody asked."""
CRASHES: Final = {"shards": 1, "workers": 2, "records": 30, "rate": 40.0, "poll_s": 2.0, "work_s": 0.1, "lease_s": 3.0}


def polls_refused(*numbers: int) -> list[Measured]:
    """Return the share of the polls that a shard refuses to so many readers who poll every second."""

    def share(*, n: float, seed: int) -> float:
        run = readers(readers=int(n), records=150, seed=seed)
        return counts.polls_refused(row for row in run if row.time_us > SETTLED_S * 1e6)

    return over_seeds(share, seeds=2, n=numbers)


def delays_s(*polls_s: float) -> list[Measured]:
    """Return how long a record waits to be read by one who polls in such intervals: mean and error over the records."""

    def told(poll_s: float) -> Measured:
        found = [x for seed in range(1, RUNS + 1)
                 for x in counts.read_delays_s(readers(readers=1, poll_s=poll_s, seed=seed))]  # fmt: skip
        return poll_s, fmean(found), stdev(found) / len(found) ** 0.5

    return [told(poll_s) for poll_s in polls_s]


def caught_up_s(*speeds: float, rate: float = 1.0, away_s: float = 60.0) -> list[Measured]:
    """Return how long a reader needs after an absence until it is at the tip again, at each speed."""

    def seconds(*, speed: float, seed: int) -> float:
        until_s = AWAY_AT_S + away_s + 1.9 * away_s * rate / (speed - rate) + 60
        return catches_up_s(catch_up(rate=rate, speed=speed, away_s=away_s, until_s=until_s, seed=seed), away_s)

    return over_seeds(seconds, seeds=RUNS, speed=speeds)


def catches_up_s(trace: Trace, away_s: float) -> float:
    """Return how long after its absence a reader of `catch_up` is at the tip for the first time."""
    back_s = AWAY_AT_S + away_s
    times = (row.time_us / 1e6 for row in trace.of("read") if row.fields["behind_us"] == 0)
    return next(time_s for time_s in times if time_s > back_s) - back_s


# ------------------------------------------------------------------------------------------ a crash at each record
@cache
def touched(order: str, checkpoint_every: int) -> tuple[int, ...]:
    """Return what a crash repeats (effect first) or misses (commit first), at each record between two checkpoints.

    The worker crashes in the middle of its work on each of them, one run each.
    """
    given: dict[str, Any] = {**CRASHES, "order": order, "checkpoint_every": checkpoint_every}
    effects = [(row.time_us / 1e6, row.place) for row in nights(**given) if row.kind == "effect"]
    count = counts.repeated if order == "effect first" else counts.never_done
    found = []
    for at_s, worker in effects[checkpoint_every : 2 * checkpoint_every]:
        crash = {"do": "crash", "target": worker, "at_s": at_s - CRASHES["work_s"] / 2}
        found.append(count(nights(**given, faults=[crash])))
    return tuple(found)


def touched_mean(order: str, *every: int) -> list[Measured]:
    """Return the mean of `touched` for each distance of the checkpoints: of all cases, so it has no error."""
    return [(n, fmean(touched(order, n)), 0.0) for n in every]


# ------------------------------------------------------------------------------------------ a log or a queue
def job_times_s(rows: Iterable[Any]) -> list[float]:
    """Return how long each job took, from its arrival to its end."""
    begun: dict[str, int] = {}
    found = []
    for row in rows:
        if row.kind == "publish":
            begun.setdefault(row.message, row.time_us)
        elif row.kind == "effect":
            found.append((row.time_us - begun[row.message]) / 1e6)
    return found


@cache
def _many_jobs(mode: str, slow_share: float) -> Trace:
    return jobs(mode=mode, slow_share=slow_share, load=LOAD, jobs=JOBS)


def log_or_queue(*modes: str, slow_share: float = 0.01) -> pd.DataFrame:
    """Return how long the middle job takes and 98 of 100, and how many were overtaken."""
    rows = {}
    for mode in modes:
        rows[mode] = {
            "half are done within, s": round(middle_s(mode, slow_share), 1),
            "98 of 100 within, s": round(slow_s(mode, slow_share), 1),
            "overtaken": overtaken(mode, slow_share),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"overtaken": int})


def middle_s(mode: str, slow_share: float = 0.01) -> float:
    """Return the seconds within which half of the jobs are done."""
    return quantiles(job_times_s(_many_jobs(mode, slow_share)), n=2)[0]


def slow_s(mode: str, slow_share: float = 0.01) -> float:
    """Return the seconds within which 98 of 100 jobs are done."""
    return quantiles(job_times_s(_many_jobs(mode, slow_share)), n=100)[97]


def overtaken(mode: str, slow_share: float = 0.01) -> int:
    """Return how many jobs were done after a later one of their key."""
    return counts.overtaken(_many_jobs(mode, slow_share), "effect")


def done_within(mode: str, *seconds: float, slow_share: float = 0.01) -> list[tuple[float, float]]:
    """Return which share of the jobs takes longer than each of these times."""
    times = job_times_s(_many_jobs(mode, slow_share))
    return [(limit, fmean(time > limit for time in times)) for limit in seconds]


def mean_s(mode: str, slow_share: float) -> Measured:
    """Return the mean seconds of a job over several runs, at a share of slow ones."""

    def mean_of_one_s(share: float, seed: int) -> float:
        return fmean(job_times_s(jobs(mode=mode, slow_share=share, load=STEADY_LOAD, jobs=JOBS, seed=seed)))

    [found] = over_seeds(mean_of_one_s, seeds=RUNS, share=(slow_share,))
    return found
