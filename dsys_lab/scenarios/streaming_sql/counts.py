"""What bounds, modes, silence, window kinds, joins, prices, crashes and clocks come to, counted for a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from dsys_lab import laws
from dsys_lab.dataflows.batch import COUNT, MEAN, Monoid, Record
from dsys_lab.dataflows.streaming_sql import KINDS as SINKS
from dsys_lab.dataflows.streaming_sql import Job, Query, sink
from dsys_lab.dataflows.windows import MODES, Emission, Pane, Tumbling, WindowedStream, folded
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.stream_and_batch.counts import patience
from dsys_lab.scenarios.streaming_sql.plane import KINDS, assigner, windows
from dsys_lab.scenarios.streaming_sql.world import Told, catalog, told
from dsys_lab.simulation.chance import stream as luck
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk
from dsys_lab.trace import Trace

__all__ = [
    "clock_ahead", "crashed", "join_state", "kinds", "modes", "patience", "seen_after", "silence",
    "stand_again", "wrong_prices",
]  # fmt: skip

PER_CITY = """SELECT window_start, window_end, city, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, city"""
"""Pings a city, in windows of ten seconds."""
PAID = """SELECT o.id AS id, p.cents AS cents FROM orders AS o JOIN payments AS p
ON o.id = p.id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL '{within}' SECOND"""
"""Orders that were paid within so many seconds."""
PRICED = """SELECT o.id AS id, v.cents AS cents FROM orders AS o
JOIN prices FOR SYSTEM_TIME AS OF o.ts AS v ON o.item = v.item"""
"""Orders with the price that was valid when they were made."""


# ------------------------------------------------------------------------------------------ what windows say
@dataclass(frozen=True, slots=True)
class Mode:
    """What windows said in one mode.

    Attributes
    ----------
    mode : str
    answers, taken_back : int
    right_counts, right_means : float
        Share of the windows of which the reader has the batch answer in the end, who merges differences by adding
        counts, and by averaging means.
    """

    mode: str
    answers: int
    taken_back: int
    right_counts: float
    right_means: float


def modes(early_s: float = 4.0, lateness_s: float = 120.0, *, seed: int = 7, bound_s: float = 2.0) -> list[Mode]:
    """Let windows of ten seconds speak early, on time and late, in each mode, over counts and means of hours."""
    rows = [Record(one.event_us, one.came_us, "all", one.row[2]) for one in _pings(seed)]
    found = []
    for mode in MODES:
        emission = Emission(round(early_s * 1e6), round(lateness_s * 1e6), mode)
        counted, panes = _right(rows, COUNT, emission, bound_s, lambda one, other: one + other)
        averaged, _ = _right(rows, MEAN, emission, bound_s, lambda one, other: (one + other) / 2)
        back = sum(pane.is_taken_back for pane in panes)
        found.append(Mode(mode, len(panes) - back, back, counted, averaged))
    return found


def _right(
    rows: list[Record], monoid: Monoid, emission: Emission, bound_s: float, merge: Any
) -> tuple[float, list[Pane]]:
    size = Tumbling(10_000_000)
    stream = WindowedStream(size, monoid, emission, bound_us=round(bound_s * 1e6))
    panes: list[Pane] = []
    groups: dict[Any, list[Any]] = {}
    for record in rows:
        while (due_us := stream.deadline_us()) is not None and due_us <= record.arrived_us:
            panes += stream.tick(due_us)
        panes += stream.on_record(record.arrived_us, record)
        groups.setdefault(("all", *size.windows(record.event_us)), []).append(record.value)
    panes += stream.finish(rows[-1].arrived_us)
    answers = folded(panes, emission.mode, merge)
    batch = {place: monoid.finish(monoid.fold(values)) for place, values in groups.items()}
    right = sum(abs(answers.get(place, -1e9) - value) < 1e-9 for place, value in batch.items())
    return right / len(batch), panes


def _pings(seed: int, **world: Any) -> list[Told]:
    return [one for one in told(seed, **world) if one.table == "pings"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of window costs.

    Attributes
    ----------
    kind : str
    windows_a_ping : float
        In how many windows a ping lies, on average.
    answers : int
    joined : int
        Times that a session was joined into another.
    """

    kind: str
    windows_a_ping: float
    answers: int
    joined: int


def kinds(size_s: float = 30.0, part_s: float = 5.0, *, seed: int = 7, rate: float = 0.5) -> list[Kind]:
    """Put the same pings into windows of each kind."""
    rows, found = _pings(seed, rate=rate), []
    for kind in KINDS:
        stream = WindowedStream(assigner(kind, size_s, part_s), COUNT, bound_us=200_000_000)
        records = [Record(one.event_us, one.came_us, "all") for one in rows]
        said = [pane for record in records for pane in stream.on_record(record.arrived_us, record)]
        said += stream.finish(rows[-1].came_us)
        status = stream.status()
        found.append(Kind(kind, status.assigned / len(rows), len(said), status.joined))
    return found


# ------------------------------------------------------------------------------------------ what watermarks do
@dataclass(frozen=True, slots=True)
class Silence:
    """What became of the windows when one of two phones fell silent.

    Attributes
    ----------
    idle_s : float or None
    answers : int
        Windows that spoke before the other phone stopped, too.
    late : int
        Pings that were dropped as late.
    """

    idle_s: float | None
    answers: int
    late: int


def silence(*idles_s: float | None, seed: int = 7, silent_from_s: float = 20.0, seconds: float = 60.0) -> list[Silence]:
    """Run `windows` once for each: a phone is not waited for after so long, or (None) for ever."""
    found = []
    for idle_s in idles_s:
        trace = windows(seed=seed, silent_from_s=silent_from_s, seconds=seconds, idle_s=idle_s, rate=2.0)
        in_time = [row for row in trace.of("result") if row.time_us <= seconds * 1e6]
        found.append(Silence(idle_s, len(in_time), len(trace.of("drop"))))
    return found


def clock_ahead(
    *ahead_s: float, seed: int = 7, cap_s: float | None = None, seconds: float = 120.0, partitions: int = 1
) -> list[tuple[float, float]]:
    """Return (seconds that the second phone's clock is ahead, share of the pings that are dropped as late).

    Both phones share a partition, or each has its own; with `cap_s` an event is believed to be at most so far ahead of
    its arrival.
    """
    found = []
    usual: dict[str, Any] = {"seconds": seconds, "bound_s": 5.0, "rare_fraction": 0.0}
    for ahead in ahead_s:
        trace = windows(seed=seed, clock_ahead_s=ahead, partitions=partitions, ahead_s=cap_s, **usual)
        found.append((ahead, len(trace.of("drop")) / len(trace.of("publish"))))
    return found


# ------------------------------------------------------------------------------------------ what joins keep and miss
@dataclass(frozen=True, slots=True)
class Joined:
    """What a join of orders and payments keeps and finds.

    Attributes
    ----------
    within_s : float
    kept : float
        Rows in memory, on average over the second half of the run.
    law : float
        What the law says for events that come at once.
    found : float
        Share of the orders that were seen paid.
    """

    within_s: float
    kept: float
    law: float
    found: float


def join_state(*within_s: float, seed: int = 7, rate: float = 4.0, seconds: float = 300.0) -> list[Joined]:
    """Join orders with the payments that follow within so long; `rate` is that of `told`."""
    rows, found = told(seed, rate=rate, seconds=seconds, delay_mean_s=0.01, rare_delay_s=0.01), []
    for width_s in within_s:
        query = catalog(0).query(PAID.format(within=f"{width_s:g}"))
        kept, pairs = [], 0
        for came_us, table, row in rows:
            if table in query.tables:
                pairs += len(query.on_row(came_us, table, row))
                if seconds / 2 <= came_us / 1e6 <= seconds:
                    kept.append(query.status().kept_in_all)
        orders = sum(one.table == "orders" for one in rows)
        behind_s = laws.watermark_behind_s(0, [rate / 2, rate / 2])
        law = laws.joined_rows_kept(rate / 2, rate / 2, 0, width_s, behind_s)
        found.append(Joined(width_s, fmean(kept), law, pairs / orders))
    return found


def wrong_prices(*delays_s: float, seed: int = 7) -> list[tuple[float, float, float]]:
    """Return (mean delay of the rows, share of orders with a wrong price joined by arrival, and by event time).

    The right price is that of the batch: the last change at or before the order's own time.
    """
    found = []
    for delay_s in delays_s:
        rows = told(seed, delay_mean_s=delay_s)
        right = _prices_then(rows)
        newest: dict[str, int] = {}
        by_arrival: dict[int, int | None] = {}
        for _, table, row in rows:
            if table == "prices":
                newest[row[0]] = row[1]
            elif table == "orders":
                by_arrival[row[0]] = newest.get(row[1])
        query = catalog(600).query(PRICED)
        changes = [change for came_us, table, row in rows if table in query.tables
                   for change in query.on_row(came_us, table, row)]  # fmt: skip
        changes += query.finish(rows[-1].came_us)
        by_event = {change.row[0]: change.row[1] for change in changes}
        wrong = [sum(given.get(one) != price for one, price in right.items()) for given in (by_arrival, by_event)]
        found.append((delay_s, wrong[0] / len(right), wrong[1] / len(right)))
    return found


def _prices_then(rows: list[Told]) -> dict[int, int]:
    changes = sorted((one.event_us, one.row[0], one.row[1]) for one in rows if one.table == "prices")
    return {
        one.row[0]: [cents for at_us, item, cents in changes if item == one.row[1] and at_us <= one.event_us][-1]
        for one in rows
        if one.table == "orders"
    }


# ------------------------------------------------------------------------------------------ what a crash repeats
@dataclass(frozen=True, slots=True)
class Crashed:
    """What a job came to that crashed once.

    Attributes
    ----------
    sink : str
    every : int
        Records between two checkpoints.
    replayed : int
        Records that were read again.
    repeated : int
        Rows that are there more often than in a run without a crash.
    lost : int
        Rows that are not.
    delay_s : float
        From what the query says to what somebody sees, on average.
    """

    sink: str
    every: int
    replayed: int
    repeated: int
    lost: int
    delay_s: float


def crashed(kind: str = "two-phase", every: int = 100, *, seed: int = 7, seconds: float = 300.0) -> Crashed:
    """Count pings per city, lose power before some record, read on from the checkpoint, to the end."""
    require_choice("kind", kind, SINKS)
    require_positive(every=every)
    rows = _pings(seed, seconds=seconds)
    crash_at = len(rows) // 4 + int(luck(seed, "crashed/at")() * len(rows) / 2)
    whole = _Run(kind, every, rows)
    whole.go(len(rows))
    expected = whole.finish()
    run = _Run(kind, every, rows)
    run.go(crash_at)
    run.disk.crash(luck(seed, "crashed/disk"))
    replayed = crash_at - run.open()
    run.go(len(rows))
    found = run.finish()
    repeated, lost = (found - expected).total(), (expected - found).total()
    return Crashed(kind, every, replayed, repeated, lost, fmean(whole.delays_s))


def stand_again(runs: Mapping[str, Trace]) -> dict[str, int]:
    """Return for each run that crashed how many rows stand in its sink beyond those of a run that did not."""
    ends = {name: run.of("check")[-1].fields for name, run in runs.items()}
    return {name: int(end["got"] or 0) - int(end["expected"] or 0) for name, end in ends.items()}


def seen_after(every: int, *, seed: int = 7, seconds: float = 300.0) -> float:
    """Return the mean seconds from what a query says to what a two-phase sink shows."""
    run = _Run("two-phase", every, _pings(seed, seconds=seconds))
    run.go(len(run.rows))
    return fmean(run.delays_s)


class _Run:
    """A job over pings, on a disk."""

    def __init__(self, kind: str, every: int, rows: list[Told]) -> None:
        self.kind, self.every, self.rows, self.disk = kind, every, rows, VolatileDisk()
        self.delays_s: list[float] = []
        self._unseen_us: list[int] = []
        self.open()

    def open(self) -> int:
        """Begin, or begin again from the last checkpoint; return the record that is read next."""
        query: Query = catalog().query(PER_CITY)
        goes_to = sink(self.kind, PartOfDisk(self.disk, "sink."), (0, 2))
        self.job = Job(query, PartOfDisk(self.disk, "job."), goes_to, every=self.every)
        return self.job.position

    def go(self, end: int) -> None:
        """Read up to a record, and note when what was said is seen: at once, or at the checkpoint."""
        for position in range(self.job.position, end):
            came_us, table, row = self.rows[position]
            self._unseen_us += [came_us] * len(self.job.on_record(came_us, position, table, row))
            if self.kind != "two-phase" or self.job.position == self.job.status().checkpoint_position:
                self.delays_s += [(came_us - said_us) / 1e6 for said_us in self._unseen_us]
                self._unseen_us = []

    def finish(self) -> Any:
        """End the stream; return the rows that are seen."""
        self.job.finish(self.rows[-1].came_us)
        return self.job.sink.rows()
