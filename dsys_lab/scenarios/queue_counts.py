"""What the runs of a work queue come to, counted from their rows: over many seeds for a chart, or from one trace.

Each function that takes `*values` returns (value, mean over eight seeds, standard error) for each of them. Sixteen
workers are enough that one is always free, as the laws of loans want it.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean
from typing import Any, Final

from dsys_lab.scenarios.durable_queue import encode, quiet
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import Trace

SEEDS: Final = 8
"""Many short runs rather than few long ones: an error told by four would itself be a guess."""
CLIPS_A_RUN: Final = 125
HOUR_S: Final = 3_600.0
WORK_S: Final = 20.0
"""Long against the network's delay, of which the laws know nothing."""


# ------------------------------------------------------------------------------------------ over many runs
def loan(ratio: float, **more: Any) -> dict[str, Any]:
    """Return the parameters of a run whose loan is `ratio` times the mean work."""
    return {"visibility_s": ratio * WORK_S, "work_s": WORK_S, "rate": 2 / WORK_S, "workers": 16, "clips": CLIPS_A_RUN,
            **more}  # fmt: skip


def deliveries(*ratios: float, handles: str = "newest") -> list[Measured]:
    """Return the mean deliveries of a clip at each ratio of loan to mean work."""

    def mean(*, ratio: float, seed: int) -> float:
        return encode.count(seed=seed, **loan(ratio, handles=handles)).count("deliver") / CLIPS_A_RUN

    return over_seeds(mean, seeds=SEEDS, ratio=ratios)


def repeated(*ratios: float, work_shape: str = "exponential") -> list[Measured]:
    """Return the share of the clips that are lent more than once at each ratio of loan to mean work."""

    def share(*, ratio: float, seed: int) -> float:
        trace = encode(seed=seed, **loan(ratio, work_shape=work_shape))
        return sum(row.fields["attempt"] == 2 for row in trace.of("deliver")) / CLIPS_A_RUN

    return over_seeds(share, seeds=SEEDS, ratio=ratios)


def healthy_dead(*ratios: float, max_receives: int = 3) -> list[Measured]:
    """Return the share of healthy clips that are set aside as dead at each ratio of loan to mean work."""

    def share(*, ratio: float, seed: int) -> float:
        return encode.count(seed=seed, **loan(ratio, max_receives=max_receives)).count("dead") / CLIPS_A_RUN

    return over_seeds(share, seeds=SEEDS, ratio=ratios)


def poisoned_load(*shares: float, max_receives: int = 10) -> list[Measured]:
    """Return the attempts a clip at each share of poison, where all work takes the same time."""

    def attempts(*, share: float, seed: int) -> float:
        run = loan(1.1, work_shape="constant", poison_share=share, max_receives=max_receives)
        return encode.count(seed=seed, **run).count("start") / CLIPS_A_RUN

    return over_seeds(attempts, seeds=SEEDS, share=shares)


def waits(*workers: int, rate: float = 0.35, clips: int = 400) -> list[Measured]:
    """Return the mean seconds that a clip waits for a worker, without its way there."""

    def mean_s(*, workers: float, seed: int) -> float:
        run = loan(2_000, workers=int(workers), rate=rate, clips=clips)
        counted = encode.count(seed=seed, **run)
        return counted.sum("start", "waited_us") / counted.count("start") / 1e6 - DELAY_S

    return over_seeds(mean_s, seeds=SEEDS, workers=workers)


def empty_a_day(*rates: float, wait_s: float = 20.0) -> list[Measured]:
    """Return the receives that find nothing, a day, at each rate of clips a second."""

    def counted(*, rate: float, seed: int) -> float:
        return quiet.count(seed=seed, rate=rate, wait_s=wait_s, until_s=HOUR_S).count("empty") * 24

    return over_seeds(counted, seeds=SEEDS, rate=rates)


# ------------------------------------------------------------------------------------------ from one trace
def effects(trace: Trace) -> dict[str, int]:
    """Return how many clips were encoded once, more often and never, how many are dead, and how often one skipped."""
    times: dict[str | None, int] = {}
    for row in trace.of("effect"):
        times[row.message] = times.get(row.message, 0) + 1
    sent = {row.message for row in trace.of("publish")}
    return {
        "once": sum(n == 1 for n in times.values()),
        "more often": sum(n > 1 for n in times.values()),
        "never": len(sent - times.keys()),
        "dead": len({row.message for row in trace.of("dead")}),
        "skipped": len(trace.of("effect_skip")),
    }


def swapped(trace: Trace) -> float:
    """Return, of neighbours in the line whose work overlapped, the share that were done in the other order."""
    begun = [row for row in trace.of("start") if row.fields["attempt"] == 1]
    done_us = {row.message: row.time_us for row in reversed(trace.of("effect"))}
    pairs = [(a, b) for a, b in pairwise(begun) if b.time_us < done_us[a.message]]
    return fmean(done_us[b.message] < done_us[a.message] for a, b in pairs)


def throughput(trace: Trace) -> float:
    """Return the clips a second from the first that is stored to the last that is acknowledged."""
    acknowledged = trace.of("ack")
    return len(acknowledged) * 1e6 / (acknowledged[-1].time_us - trace.of("enqueue")[0].time_us)


def waits_s(trace: Trace, *, place: str | None = None) -> list[float]:
    """Return how long each clip that was sent from `place` waited for its first worker, in seconds."""
    sent = {row.message for row in trace.of("publish", place=place)}
    begun = [row for row in trace.of("start") if row.message in sent and row.fields["attempt"] == 1]
    return [int(row.fields["waited_us"] or 0) / 1e6 for row in begun]
