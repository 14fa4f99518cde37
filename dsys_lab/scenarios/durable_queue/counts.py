"""What the runs of a work queue come to, counted from their rows: over many runs for a chart, or from one trace.

Each function that takes `*values` returns (value, mean, standard error) for each of them. Where clips are independent,
as they are while a worker is always free, the error is that of a thousand clips; where they wait for each other it is
that of eight runs. Sixteen workers are enough that one is always free, as the laws of loans want it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.durable_queue.clips import ENCODER, encode, quiet
from dsys_lab.simulation import Measured, grid, over_seeds, sweep
from dsys_lab.simulation.chance import SERVICE_SHAPES, service, stream
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import Trace, gauge

RUNS: Final = 8
CLIPS_A_RUN: Final = 125
HOUR_S: Final = 3_600.0
WORK_S: Final = 8.0
"""Long against the network's delay, of which the laws know nothing; short against a poll, which costs time to run."""
CROWD_WORK_S: Final = 20.0
"""Where clips wait for a worker."""


# ------------------------------------------------------------------------------------------ over many runs
def loan(ratio: float, **more: Any) -> dict[str, Any]:
    """Return the parameters of a run whose loan is `ratio` times the mean work."""
    return {"visibility_s": ratio * WORK_S, "work_s": WORK_S, "rate": 2 / WORK_S, "workers": 16, "clips": CLIPS_A_RUN,
            **more}  # fmt: skip


def _over_clips(
    values: Sequence[float], run: Callable[[float], dict[str, Any]], tell: Callable[[Trace], Iterable[float]]
) -> list[Measured]:
    """Return what `tell` says of each clip at each value: its mean, and the error of that mean."""

    def told(*, value: float, seed: int) -> list[float]:
        return list(tell(encode(seed=seed, **run(value))))

    runs = sweep(told, grid(value=values, seed=range(1, RUNS + 1)))
    rows = [[x for run in runs[i : i + RUNS] for x in run] for i in range(0, len(runs), RUNS)]
    return [_mean(value, row) for value, row in zip(values, rows, strict=True)]


def _mean(value: float, row: Sequence[float]) -> Measured:
    return value, fmean(row), stdev(row) / len(row) ** 0.5


@cache
def _lent(ratio: float, handles: str) -> list[int]:
    """Return how often each of a thousand clips is lent, where the loan is `ratio` times the mean work."""

    def told(*, seed: int) -> list[int]:
        return list(times(encode(seed=seed, **loan(ratio, handles=handles)), "deliver").values())

    return [n for run in sweep(told, grid(seed=range(1, RUNS + 1))) for n in run]


def deliveries(*ratios: float, handles: str = "newest") -> list[Measured]:
    """Return the mean deliveries of a clip at each ratio of loan to mean work."""
    return [_mean(ratio, _lent(ratio, handles)) for ratio in ratios]


def repeated(*ratios: float) -> list[Measured]:
    """Return the share of the clips that are lent more than once at each ratio of loan to mean work."""
    return [_mean(ratio, [n > 1 for n in _lent(ratio, "newest")]) for ratio in ratios]


def healthy_dead(*ratios: float, max_receives: int = 3) -> list[Measured]:
    """Return the share of healthy clips that are set aside as dead at each ratio of loan to mean work."""
    return _over_clips(
        ratios, lambda ratio: loan(ratio, max_receives=max_receives), lambda trace: times(trace, "dead").values()
    )


def poisoned_load(*shares: float, max_receives: int = 10) -> list[Measured]:
    """Return the attempts a clip at each share of poison, where all work takes the same time."""
    more = {"work_shape": "constant", "max_receives": max_receives}
    return _over_clips(
        shares, lambda share: loan(1.1, poison_share=share, **more), lambda trace: times(trace, "start").values()
    )


def waits(*workers: int, rate: float = 0.35, clips: int = 400) -> list[Measured]:
    """Return the mean seconds that a clip waits for a worker, without its way there."""

    def mean_s(*, workers: float, seed: int) -> float:
        run = loan(2_000, work_s=CROWD_WORK_S, workers=int(workers), rate=rate, clips=clips)
        counted = encode.count(seed=seed, **run)
        return counted.sum("start", "waited_us") / counted.count("start") / 1e6 - DELAY_S

    return over_seeds(mean_s, seeds=RUNS, workers=workers)


def empty_a_day(*rates: float, wait_s: float = 20.0) -> list[Measured]:
    """Return the receives that find nothing, a day, at each rate of clips a second."""

    def counted(*, rate: float, seed: int) -> float:
        return quiet.count(seed=seed, rate=rate, wait_s=wait_s, until_s=HOUR_S).count("empty") * 24

    return over_seeds(counted, seeds=RUNS, rate=rates)


def tails(*ratios: float, draws: int = 20_000) -> dict[str, list[tuple[float, float]]]:
    """Return for each shape of work the share that takes longer than each ratio of its mean."""
    told = {}
    for shape in SERVICE_SHAPES:
        draw, luck = service(shape, 1.0), stream(1, f"tails/{shape}")
        drawn = sorted(draw(luck) for _ in range(draws))
        told[shape] = [(ratio, 1 - bisect_right(drawn, ratio) / draws) for ratio in ratios]
    return told


# ------------------------------------------------------------------------------------------ a clock that is wrong
def wrong_clocks(loan_watch: str, off_s: float, *, workers: int = 4, **params: Any) -> Trace:
    """Return a run of loans of 3 s in which the clock of every worker is off by so many seconds, behind if below 0."""
    off = [{"do": "skew", "target": f"{ENCODER}-{n}", "at_s": 0.001, "value": off_s} for n in range(1, workers + 1)]
    return encode(visibility_s=3, loan_watch=loan_watch, workers=workers, faults=off, **params)


def came_of_it(trace: Trace, usual: Trace) -> str:
    """Say in words what a trouble changed, held against the run without it."""
    if len(trace.of("effect")) == 0:
        return "nothing is encoded"
    now, before = (effects(run)["more often"] for run in (trace, usual))
    return "more is encoded twice" if now > before else "less is encoded twice" if now < before else "nothing changes"


def hidden_s(*loans_s: float, runs: int = 4 * RUNS) -> list[Measured]:
    """Return how long a clip lies that a worker has encoded and not acknowledged, at each loan, in work of 2 s."""
    stored = {"kind": "effect", "place": f"{ENCODER}-2"}
    dies = {"do": "crash", "target": f"{ENCODER}-2", "on": stored, "nth": 3, "lasts_s": 1}

    def counted(*, loan_s: float, seed: int) -> float:
        return lay_hidden_s(encode(seed=seed, visibility_s=loan_s, work_s=2.0, faults=[dies]))

    return over_seeds(counted, seeds=runs, loan_s=loans_s)


def clock_verdicts(runs: Mapping[tuple[str, str], Trace]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return for each run the role of what came of its clips, and the share of the attempts that came to nothing."""
    told = {}
    for name, run in runs.items():
        fates = effects(run)
        role = "lost" if fates["never"] else "again" if fates["more often"] else "done"
        told[name] = role, f"{in_vain(run):.0%}"
    return told


# ------------------------------------------------------------------------------------------ from one trace
def times(trace: Trace, kind: str) -> dict[str | None, int]:
    """Return how many rows of a kind there are about each message that was sent."""
    counted = Counter(row.message for row in trace.of(kind))
    return {row.message: counted[row.message] for row in trace.of("publish")}


def effects(trace: Trace) -> dict[str, int]:
    """Return how many clips were encoded once, more often and never."""
    encoded = times(trace, "effect").values()
    return {
        "once": sum(n == 1 for n in encoded),
        "more often": sum(n > 1 for n in encoded),
        "never": sum(n == 0 for n in encoded),
    }


def by_day(runs: Mapping[str, Trace], what: str) -> dict[str, list[tuple[float, float]]]:
    """Return for each run (day, what a gauge of that name said)."""
    read = {name: gauge(run, what) for name, run in runs.items()}
    return {name: [(at_s / 86_400, value) for at_s, value in zip(*said, strict=True)] for name, said in read.items()}


def struck(trace: Trace) -> str:
    """Return the clip that the first machine to crash had begun last."""
    crash = trace.of("crash")[0]
    begun = [row.message for row in trace.of("start", place=crash.place) if row.time_us <= crash.time_us]
    if not begun or begun[-1] is None:
        raise BadParameter(f"{crash.place} crashed before it had begun a clip: crash it later")
    return begun[-1]


def lay_hidden_s(trace: Trace) -> float:
    """Return for how long nobody worked on the clip that was in the hands of the first machine to crash."""
    at_us, clip = trace.of("crash")[0].time_us, struck(trace)
    return next(row.time_us - at_us for row in trace.of("start") if row.message == clip and row.time_us > at_us) / 1e6


def fate(trace: Trace) -> str:
    """Say what became of the clip that was in the hands of the first machine to crash."""
    encoded = times(trace, "effect")[struck(trace)]
    return "it is lost" if encoded == 0 else "it is encoded once" if encoded == 1 else "it is encoded twice"


def more_often(counted: Mapping[str, Sequence[Measured]]) -> str:
    """Return which of two names has the greater counts; "both the same" where no pair is three errors apart."""
    (one, at), (other, there) = counted.items()
    apart = [(a - b) / (da**2 + db**2) ** 0.5 for (_, a, da), (_, b, db) in zip(at, there, strict=True)]
    if max(map(abs, apart)) < 3:
        return "both the same"
    return one if sum(apart) > 0 else other


def in_vain(trace: Trace) -> float:
    """Return the share of the attempts that came to nothing: poison, or work that was thrown away."""
    return len(trace.of("fail")) / len(trace.of("start"))


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
