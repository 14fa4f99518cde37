"""The writer: it numbers records, sends them, and acknowledges a commit when the VDL has reached it.

It never waits and sends no page. `commit` gives the batches that somebody has to carry to every segment of a group;
`hear` takes an answer and says which transactions are thereby acknowledged. A commit that waits costs nothing but an
entry in a table, so thousands may wait at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.stores.relational.shared_volume.durability import Durability
from dsys_lab.stores.relational.shared_volume.quorum import Quorum
from dsys_lab.stores.relational.shared_volume.record import Change, LogRecord
from dsys_lab.stores.relational.shared_volume.recovery import Recovered
from dsys_lab.stores.relational.shared_volume.segment import BEGIN, Batch, Report
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction that waits to be acknowledged: its last record, and what to send to every segment of each group."""

    txn: int
    lsn: int
    batches: tuple[tuple[int, Batch], ...]


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """A writer at a glance; `waiting` transactions are not acknowledged yet."""

    epoch: int
    next_lsn: int
    vcl: int
    vdl: int
    waiting: int
    is_deposed: bool


class Writer:
    """The one that writes.

    Parameters
    ----------
    quorum : Quorum
    groups : int
        How many protection groups the pages are spread over.
    place : str
        Where it stands in a trace.
    recovered : Recovered, optional
        What it takes over.

    Attributes
    ----------
    is_deposed : bool
        Whether a segment has told it of a later epoch. Then it must stop.
    recovered_lsn : int
        How far the log went that it took over. Until its own VDL is there nobody may read: commits that the writer
        before acknowledged lie above.
    """

    def __init__(
        self,
        quorum: Quorum,
        groups: int = 1,
        *,
        place: str = "writer",
        recovered: Recovered | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        if groups < 1:
            raise BadParameter(f"groups = {groups!r}: give 1 or more")
        self.quorum, self.groups, self.place = quorum, groups, place
        self.history = recovered.history if recovered else BEGIN
        self.durability = Durability(quorum, groups)
        self.is_deposed = False
        self.recovered_lsn = recovered.vdl if recovered else 0
        self._recorder = recorder
        self._of_group: list[list[LogRecord]] = [[] for _ in range(groups)]
        self._next_lsn = 1
        self._waiting: dict[int, tuple[int, str]] = {}  # lsn of the commit -> transaction, one of its keys
        for record in recovered.records if recovered else ():
            self._take(record)
        for group, index, scl in recovered.scls if recovered else ():
            self.durability.heard(group, index, scl)

    @property
    def epoch(self) -> int:
        """Its epoch."""
        return self.history[-1][0]

    @property
    def vdl(self) -> int:
        """How far the volume is durable; also where reads read."""
        return self.durability.vdl

    def group_of(self, page: int) -> int:
        """Return the group that keeps a page: pages are dealt out in turn."""
        return page % self.groups

    # ------------------------------------------------------------------------------------------ writing
    def commit(self, now_us: int, txn: int, changes: Sequence[Change]) -> Commit:
        """Number the changes of a transaction; they are one mini-transaction, and its last record may end the log.

        Raises
        ------
        Misuse
            If there is nothing to change, or a later writer has taken over.
        """
        if not changes:
            raise Misuse(f"transaction {txn} changes nothing: a reader needs no commit")
        if self.is_deposed:
            raise Misuse(f"{self.place} of epoch {self.epoch} was told of a later writer: send this to that one")
        self._recorder.emit(now_us, "publish", self.place, f"t{txn}", attempt=1)
        records = []
        for number, change in enumerate(changes, 1):
            group = self.group_of(change.page)
            previous = self._of_group[group][-1].lsn if self._of_group[group] else 0
            record = LogRecord(
                self._next_lsn, group, previous, txn, self.epoch, number == len(changes), change
            )  # fmt: skip
            self._take(record)
            records.append(record)
        self._waiting[records[-1].lsn] = (txn, changes[-1].key)
        touched = sorted({record.group for record in records})
        batches = tuple((group, self._batch(r for r in records if r.group == group)) for group in touched)
        return Commit(txn, records[-1].lsn, batches)

    def _take(self, record: LogRecord) -> None:
        self._of_group[record.group].append(record)
        self._next_lsn = record.lsn + 1
        self.durability.sent([record])

    def _batch(self, records: Iterable[LogRecord]) -> Batch:
        return Batch(self.history, tuple(records), self.vdl)

    def again(self, group: int, index: int) -> Batch:
        """Return all that a segment is not known to have: after a fail-over, or when it was down."""
        return self._batch(r for r in self._of_group[group] if r.lsn > self.durability.scl(group, index))

    def forget(self, index: int) -> None:
        """Count on a segment no more: its disk is lost, and what takes its place begins anew."""
        self.durability.forget(index)

    def hear(self, now_us: int, report: Report) -> tuple[int, ...]:
        """Take a segment's answer; return the transactions that are acknowledged by it, in the order of the log."""
        if report.epoch > self.epoch:
            self.is_deposed = True
        if report.epoch != self.epoch or not self.durability.heard(report.group, report.index, report.scl):
            return ()
        self._recorder.emit(now_us, "log_sync", self.place, lsn=self.vdl)
        acknowledged = []
        for lsn in list(takewhile(lambda lsn: lsn <= self.vdl, self._waiting)):
            txn, key = self._waiting.pop(lsn)
            self._recorder.emit(
                now_us, "publish_ok", self.place, f"t{txn}", attempt=1, lsn=lsn, epoch=self.epoch, key=key
            )
            self._recorder.emit(now_us, "finish", self.place, f"t{txn}", attempt=1)
            acknowledged.append(txn)
        return tuple(acknowledged)

    # ------------------------------------------------------------------------------------------ reading
    def needs_lsn(self, group: int, at_lsn: int) -> int:
        """Return the last record of a group at or below `at_lsn`: who has all up to there may answer a read."""
        records = self._of_group[group]
        count = bisect_right(records, at_lsn, key=lambda record: record.lsn)
        return records[count - 1].lsn if count else 0

    @property
    def is_open(self) -> bool:
        """Whether a write quorum has all that it took over, so that reads see every acknowledged commit."""
        return self.vdl >= self.recovered_lsn

    def may_answer(self, group: int, at_lsn: int) -> list[int]:
        """Return the segments of a group that are known to be complete up to `at_lsn`: any one of them will do."""
        needs = self.needs_lsn(group, at_lsn)
        return [index for index in range(self.quorum.copies) if self.durability.scl(group, index) >= needs]

    def durable_after(self, lsn: int) -> tuple[LogRecord, ...]:
        """Return the durable records after `lsn`, in the order of the log, for a replica that has come so far."""
        found = [r for group in self._of_group for r in group if lsn < r.lsn <= self.vdl]
        return tuple(sorted(found, key=lambda record: record.lsn))

    def status(self) -> WriterStatus:
        """Return how far it is."""
        book = self.durability
        return WriterStatus(self.epoch, self._next_lsn, book.vcl, book.vdl, len(self._waiting), self.is_deposed)
