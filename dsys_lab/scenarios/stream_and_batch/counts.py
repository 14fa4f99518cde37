"""What periods, cuts, carried state and patience come to, counted for a chart, without a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from dsys_lab import laws
from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Settings, ShardIterator
from dsys_lab.dataflows.batch import COUNT, DISTINCT, MAX, MEAN, SUM, BatchJob, Monoid, Record, Run, StreamJob, sessions
from dsys_lab.dataflows.windows import Tumbling, WindowedStream
from dsys_lab.errors import require_positive
from dsys_lab.scenarios.stream_and_batch.working import pings
from dsys_lab.scenarios.stream_and_batch.world import sent, visits
from dsys_lab.structures import NEVER, VolatileDisk
from dsys_lab.trace import Trace, sojourns_s

Point = tuple[float, float]
GAP_S = 5.0
"""The silence that ends a visit in `sessions_cut`: above the pings' own distance."""


@dataclass(frozen=True, slots=True)
class Period:
    """What a job came to at one period.

    Attributes
    ----------
    period_s : float
    delay_s : float
        From a ping's arrival to its answer, on average over those that were answered.
    left : int
        Pings without an answer at twice the time in which they came.
    machine_s : float
        Seconds of work for each thousand pings.
    """

    period_s: float
    delay_s: float
    left: int
    machine_s: float


def delays(*periods_s: float, seed: int = 7, **more: Any) -> list[Period]:
    """Run the batch job once for each period; `more` are parameters of `pings`."""
    told = []
    for period_s in periods_s:
        trace = pings(seed=seed, way="batch", period_s=period_s, **more)
        waits, offered = sojourns_s(trace), len(trace.of("publish"))
        setup_s, per_record_s = (float(trace.header.params[name]) for name in ("setup_s", "per_record_s"))
        runs = len(trace.of("landed", place="answers"))
        machine_s = 1_000 * (runs * setup_s / max(1, len(waits)) + per_record_s)
        told.append(Period(period_s, fmean(waits) if waits else float("nan"), offered - len(waits), machine_s))
    return told


SHORTER, LITTLE, LONGER = "about ten times shorter", "a little shorter", "longer than before"


def what_became(before: Period, after: Period) -> str:
    """Return in words what a ten times shorter period made of the delay."""
    if after.delay_s > before.delay_s:
        return LONGER
    return SHORTER if after.delay_s < before.delay_s / 5 else LITTLE


def delay_law(*periods_s: float, rate: float = 50, setup_s: float = 0.1, per_record_s: float = 0.01) -> list[Point]:
    """Return (period, delay) by the law, from the least period up."""
    least_s = laws.least_period_s(rate, setup_s, per_record_s)
    at = [least_s, *(period_s for period_s in periods_s if period_s > least_s)]
    return [(period_s, laws.batch_delay_s(period_s, rate, setup_s, per_record_s)) for period_s in sorted(at)]


def delay_points(*periods_s: float, **more: Any) -> list[Point]:
    """Return (period, delay), counted."""
    return [(one.period_s, one.delay_s) for one in delays(*periods_s, **more)]


def over_seeds(count: Callable[[float, int], float], *xs: float, seeds: int = 4) -> list[tuple[float, float, float]]:
    """Return (x, mean, standard error of the mean) of what is counted for x under several seeds."""
    told = []
    for x in xs:
        found = [count(x, seed) for seed in range(seeds)]
        told.append((x, fmean(found), stdev(found) / math.sqrt(seeds)))
    return told


def price_law(period_s: float) -> float:
    """Return the seconds of machine time a thousand pings, by the law."""
    return 1_000 * laws.machine_s_per_record(period_s, 50, 0.1, 0.01)


def price_points(*periods_s: float) -> list[tuple[float, float, float]]:
    """Return (period, seconds of machine time a thousand pings, its standard error)."""
    return over_seeds(lambda period_s, seed: delays(period_s, seed=seed)[0].machine_s, *periods_s, seeds=3)


def cut_points(*periods_s: float) -> list[tuple[float, float, float]]:
    """Return (period, share of 400 visits that are cut, its standard error)."""
    return over_seeds(lambda period_s, seed: sessions_cut(period_s, seed=seed)[0][1], *periods_s)


def factor_law(period_s: float) -> float:
    """Return the same by the law, for 200 sleepers by Zipf's law, a ping a second, ten minutes."""
    weights = [1 / rank for rank in range(1, 201)]
    return laws.distinct_again_factor([one / sum(weights) for one in weights], period_s, 600)


def factor_points(*periods_s: float) -> list[tuple[float, float, float]]:
    """Return (period, by how much different sleepers added up are too many, its standard error)."""
    return over_seeds(lambda period_s, seed: distinct_factor(period_s, seed=seed), *periods_s)


def late_points(*bounds_s: float) -> list[tuple[float, float, float]]:
    """Return (grace, share of the pings that their file hears of, its standard error)."""
    return over_seeds(lambda bound_s, seed: patience(bound_s, seed=seed)[0].file_share, *bounds_s)


def stream_delay_s(seed: int = 7, **more: Any) -> float:
    """Return the mean delay of the job that takes ping by ping."""
    return fmean(sojourns_s(pings(seed=seed, way="stream", **more)))


def sessions_cut(*periods_s: float, seed: int = 7, count: int = 400, mean_s: float = 30.0) -> list[tuple[float, float]]:
    """Return (period, share of the visits that a cut goes through), counted from the answers of the files."""
    records, told = visits(seed, count=count, mean_s=mean_s), []
    for period_s in periods_s:
        run = BatchJob(sessions(GAP_S), period_us=round(period_s * 1e6)).run(records)
        told.append((period_s, sum(run.again(key) > run.merged(key) for key in run.keys) / len(run.keys)))
    return told


def visit_spans(seed: int = 7, *, count: int = 40, mean_s: float = 30.0) -> list[tuple[float, float]]:
    """Return from when to when each visit pings, in seconds; all of them begin within ten minutes or so."""
    spans: dict[str, list[int]] = {}
    for record in visits(seed, count=count, mean_s=mean_s, every_s=600 / count):
        spans.setdefault(record.key, []).append(record.event_us)
    return [(min(times) / 1e6, max(times) / 1e6) for times in spans.values()]


@dataclass(frozen=True, slots=True)
class Survivor:
    """One function over the same pings, three ways.

    Attributes
    ----------
    name : str
    whole : object
        One fold over everything.
    again : object
        From the answers of the files.
    carried : object
        The last answer of a job that carries its state.
    """

    name: str
    whole: Any
    again: Any
    carried: Any

    @property
    def survives(self) -> bool:
        """Whether the answers of the files are enough."""
        return abs(self.again - self.whole) <= 1e-9 * abs(self.whole)


FUNCTIONS: tuple[Monoid, ...] = (COUNT, SUM, MAX, DISTINCT, MEAN, sessions(1.0))


def survivors(period_s: float = 60.0, seed: int = 7, **more: Any) -> list[Survivor]:
    """Fold the same pings with each function: at once, file by file, and with carried state."""
    records, period_us, told = sent(seed, **more), round(period_s * 1e6), []
    for monoid in FUNCTIONS:
        alone = BatchJob(monoid, period_us=period_us).run(records)
        carrying = BatchJob(monoid, period_us=period_us, carries=True).run(records)
        whole = StreamJob(monoid).run(records)["all"]
        told.append(Survivor(monoid.name, whole, alone.again("all"), carrying.parts[-1].answers["all"]))
    return told


def survivors_table(found: list[Survivor]) -> pd.DataFrame:
    """Return the answers side by side, a row a function."""
    rows = {one.name: (plainly(one.whole), plainly(one.again), plainly(one.carried)) for one in found}
    columns = ["all at once", "from the files' answers", "with carried state"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def times_the_truth(found: list[Survivor]) -> dict[str, float]:
    """Return, for each function, what comes of the files' answers as a multiple of the answer of the whole."""
    return {one.name: one.again / one.whole for one in found}


def which_survive(found: list[Survivor]) -> str:
    """Return the names of those for which the answers of the files are enough."""
    return ", ".join(one.name for one in found if one.survives)


def plainly(answer: float) -> str:
    """Return an answer as one reads it."""
    return f"{answer:,}" if isinstance(answer, int) else f"{answer:,.2f}"


def distinct_factor(period_s: float, *, seed: int = 7, seconds: float = 600, rate: float = 1.0) -> float:
    """Return by how much the files' counts of different sleepers, added up, exceed the count over everything."""
    records = sent(seed, seconds=seconds, rate=rate, delay_mean_s=0)
    run = BatchJob(DISTINCT, period_us=round(period_s * 1e6)).run(records)
    return float(run.again("all") / run.merged("all"))


RIGHT, FEW, MANY = "the right count", "too few", "too many"


def in_the_end(trace: Trace) -> str:
    """Return in words whether a run of `pings` has counted what it has done."""
    check = trace.of("check", place="job")[-1].fields
    got, expected = int(check["got"] or 0), int(check["expected"] or 0)
    return RIGHT if got == expected else FEW if got < expected else MANY


def after_the_crash(runs: dict[str, Trace]) -> pd.DataFrame:
    """Return what each run counted, and how many pings it did once more, a row a run."""
    rows = {}
    for name, trace in runs.items():
        check = trace.of("check", place="job")[-1].fields
        rows[name] = check["expected"], check["got"], len(trace.of("replay"))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["pings", "counted", "done again"])


@dataclass(frozen=True, slots=True)
class Patience:
    """Who is in time, for so much patience.

    Attributes
    ----------
    bound_s : float
        The grace of a file, or the bound of a watermark.
    file_share, window_share : float
        Of the pings, those that their file, and their window, heard of in time.
    window_delay_s : float
        From the end of a window to its answer, on average.
    """

    bound_s: float
    file_share: float
    window_share: float
    window_delay_s: float


def patience(
    *bounds_s: float, seed: int = 7, size_s: float = 60.0, delay_mean_s: float = 10.0,
    records: list[Record] | None = None,
) -> list[Patience]:  # fmt: skip
    """Let a file wait, and a watermark; `records` are pings of ten minutes, or others by arrival."""
    require_positive(size_s=size_s)
    given = sent(seed, delay_mean_s=delay_mean_s) if records is None else records
    size_us, told = round(size_s * 1e6), []
    for bound_s in bounds_s:
        bound_us = round(bound_s * 1e6)
        run = BatchJob(COUNT, period_us=size_us, grace_us=bound_us, cut="event").run(given)
        stream, waits = WindowedStream(Tumbling(size_us), COUNT, bound_us=bound_us), []
        for record in given:
            said = stream.on_record(record.arrived_us, record)
            waits += [(record.arrived_us - pane.window.end_us) / 1e6 for pane in said]
        in_time = 1 - stream.status().late_drops / len(given)
        told.append(Patience(bound_s, 1 - run.missing / len(given), in_time, fmean(waits) if waits else float("nan")))
    return told


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A mended job that reads the past of a log beside the live one.

    Attributes
    ----------
    seconds : float
        Until it has caught up with the live records; inf if it does not in ten times the age of the log.
    missing : int
        Records that were too old to be read.
    counted : int
        What the mended job says, a count.
    in_files : int
        What a batch job says that reads all files again; they are kept for ever.
    """

    seconds: float
    missing: int
    counted: int
    in_files: int


def known_when(found: list[Patience], unit_s: float = 1.0) -> dict[str, list[Point]]:
    """Return (how long after its end an answer is said, the share of the pings in it), for a file and for a window."""
    return {
        "a batch's file": [(one.bound_s / unit_s, one.file_share) for one in found],
        "a stream's window": [(one.window_delay_s / unit_s, one.window_share) for one in found],
    }


def recomputed_table(found: dict[str, Recomputed]) -> pd.DataFrame:
    """Return what came of reading again, a row a log."""
    rows = {
        name: (f"{one.seconds:,} s", *map(plainly, (one.missing, one.counted, one.in_files)))
        for name, one in found.items()
    }
    columns = ["caught up after", "not to be read", "the stream job counts", "a batch over all files"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def files_table(run: Run) -> pd.DataFrame:
    """Return the files of a batch job, a row a file, in seconds."""
    rows = {}
    for part in run.parts:
        start_s, end_s, ready_s = (at_us // 1_000_000 for at_us in (part.start_us, part.end_us, part.ready_us))
        rows[f"{start_s} to {end_s} s"] = f"{ready_s} s", part.records, *part.answers.values()
    return pd.DataFrame.from_dict(rows, orient="index", columns=["closed at", "records", *run.keys])


def recomputed(
    *, age_s: int = 600, rate: int = 20, read_rate: int = 100, retention_s: int | None = None
) -> Recomputed:
    """Read a log again that is `age_s` old and gets `rate` records a second, at `read_rate` a second.

    The records are really put and read, in steps of a second; what is older than the retention is gone.
    """
    require_positive(age_s=age_s, rate=rate, read_rate=read_rate)
    kept_s, job = retention_s or 100 * age_s, StreamJob(COUNT)
    log = LogStream("pings", VolatileDisk(), Settings(retention_s=kept_s, limits=None), fsync=NEVER)
    for second in range(1, 11 * age_s):
        now_us = second * 1_000_000
        log.put_many(now_us, [Entry(f"p{second}-{number}", "all") for number in range(rate)])
        log.sync(now_us)
        if second == age_s:
            position, missing = ShardIterator("shard-000", 0, now_us), 0
        if second > age_s:
            page = log.read(now_us, position, limit=read_rate)
            assert isinstance(page, Page), "there are no limits"
            assert page.next is not None, "the shard stays open"
            position, missing = page.next, missing + page.skipped
            for one in page.records:
                job.on_record(Record(now_us, now_us, one.key))
            if len(page.records) < read_rate:
                return Recomputed(second - age_s, missing, job.answers()["all"], second * rate)
    return Recomputed(math.inf, missing, job.answers()["all"], second * rate)
