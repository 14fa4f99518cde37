"""One copy of one protection group: it keeps records, knows its own holes, and makes pages on its own.

*What it keeps* is on its disk and survives a crash. Records may come in any order and more than once; the chain of
`previous` tells how far it is complete (the SCL).

*Whom it obeys.* The highest epoch that it has promised. A new writer first asks for a promise: from then on every
lower epoch is refused, and what the segment has is told. Then comes the new epoch's *history*: for each epoch, above
which lsn everything older is cut off. A history travels with every batch, with gossip and with reads, so a segment that
was down during a fail-over cuts off its dead tail as soon as anybody talks to it.

*What it does by itself.* It asks its peers for what it is missing (gossip), and folds records into pages up to the
VDL that the writer told it: below that nothing is ever cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dsys_lab.errors import Refused
from dsys_lab.stores.relational.shared_volume.record import LogRecord
from dsys_lab.trace import NO_TRACE, Recorder

History = tuple[tuple[int, int], ...]
"""(epoch, above which lsn it cut everything older off), the first epoch first."""
BEGIN: History = ((1, 0),)
Rows = dict[str, str]


class StaleEpoch(Refused):
    """Somebody else is the writer now."""


class Incomplete(Refused):
    """The segment does not have all that the read needs."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a writer sends to a segment, or a segment to its peer.

    Attributes
    ----------
    history : History
        Its last epoch is the sender's.
    records : tuple of LogRecord
    vdl : int
        How far the log is durable, as far as the sender knows.
    """

    history: History
    records: tuple[LogRecord, ...]
    vdl: int = 0

    @property
    def epoch(self) -> int:
        """The epoch of the sender."""
        return self.history[-1][0]

    @property
    def size_bytes(self) -> int:
        """Bytes of the records."""
        return sum(record.size_bytes for record in self.records)


@dataclass(frozen=True, slots=True)
class Report:
    """What a segment tells a writer: it has promised `epoch`, and this is what it has."""

    group: int
    index: int
    epoch: int
    scl: int
    history: History = ()
    records: tuple[LogRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentStatus:
    """A segment at a glance: complete up to `scl`, `past_holes` records beyond it, pages made up to `made_lsn`."""

    scl: int
    epoch: int
    records: int
    past_holes: int
    made_lsn: int
    stored_bytes: int


@dataclass(slots=True)
class _MadePage:
    """A page made of records, up to an lsn."""

    lsn: int = 0
    rows: Rows = field(default_factory=dict)


class Segment:
    """One copy of one group.

    Parameters
    ----------
    group, index : int
        Which group, and which of its copies, from 0.
    place : str
        Where it stands in a trace.
    """

    def __init__(self, group: int, index: int, *, place: str = "segment", recorder: Recorder = NO_TRACE) -> None:
        self.group, self.index, self.place = group, index, place
        self.scl = self.epoch = self.vdl = 0
        self.history: History = BEGIN
        self.redone = 0
        """How many records reads had to redo, in all."""
        self._recorder = recorder
        self._log: dict[int, LogRecord] = {}
        self._after: dict[int, int] = {}
        self._pages: dict[int, _MadePage] = {}
        self._of_page: dict[int, list[LogRecord]] = {}
        self._made_lsn = 0

    # ------------------------------------------------------------------------------------------ writing
    def append(self, now_us: int, batch: Batch) -> Report:
        """Keep what a writer sent, and say how far this segment is complete.

        Raises
        ------
        StaleEpoch
            If a later epoch was promised; nothing is kept.
        """
        if batch.epoch < self.epoch:
            self._refuse(now_us, batch)
            raise StaleEpoch(f"{self.place} has promised epoch {self.epoch}, and this is from epoch {batch.epoch}")
        self.epoch = batch.epoch
        self._keep(now_us, batch, batch.epoch)
        return Report(self.group, self.index, self.epoch, self.scl)

    def _refuse(self, now_us: int, batch: Batch) -> None:
        for record in batch.records:
            why = f"epoch {batch.epoch} is over, {self.epoch} was promised"
            self._recorder.emit(now_us, "refuse", self.place, record.name, why=why, copy=self.index)

    def _keep(self, now_us: int, batch: Batch, epoch: int) -> None:
        self._adopt(now_us, batch.history)
        self.vdl = max(self.vdl, batch.vdl)
        for record in batch.records:
            if record.lsn not in self._log and is_valid(record, self.history):
                self._log[record.lsn] = record
                self._after[record.previous] = record.lsn
                self._recorder.emit(
                    now_us, "log_append", self.place, record.name,
                    lsn=record.lsn, size_bytes=record.size_bytes, copy=self.index, epoch=epoch,
                )  # fmt: skip
        self._advance()

    def _adopt(self, now_us: int, history: History) -> None:
        """Cut off what a later epoch has cut off."""
        if history[-1][0] <= self.history[-1][0]:
            return
        self.history = history
        dead = [record for record in self._log.values() if not is_valid(record, history)]
        for record in dead:
            del self._log[record.lsn]
            why = f"epoch {history[-1][0]} has cut it off"
            self._recorder.emit(now_us, "gone", self.place, record.name, why=why, copy=self.index)
        self._after = {record.previous: record.lsn for record in self._log.values()}
        if any(record.lsn <= self._made_lsn for record in dead):  # only where the quorum is unsafe: make them anew
            self._pages, self._made_lsn = {}, 0
        self.scl = self._made_lsn
        self._of_page = {page: [r for r in kept if r.lsn <= self.scl] for page, kept in self._of_page.items()}
        self._advance()

    def _advance(self) -> None:
        while self.scl in self._after:
            self.scl = self._after[self.scl]
            record = self._log[self.scl]
            self._of_page.setdefault(record.change.page, []).append(record)

    # ------------------------------------------------------------------------------------------ a new writer
    def promise(self, epoch: int) -> Report:
        """Refuse every lower epoch from now on, and tell all that is here.

        Raises
        ------
        StaleEpoch
            If this epoch or a later one was promised before.
        """
        if epoch <= self.epoch:
            raise StaleEpoch(f"{self.place} has promised epoch {self.epoch}; {epoch} is not later: take the next one")
        self.epoch = epoch
        return Report(self.group, self.index, epoch, self.scl, self.history, tuple(self.records()))

    # ------------------------------------------------------------------------------------------ gossip and repair
    def give(self, after: int, *, limit: int | None = None) -> Batch:
        """Return what is here above lsn `after`, for a peer that is complete up to there; at most `limit` records."""
        found = [record for record in self.records() if record.lsn > after]
        return Batch(self.history, tuple(found[:limit]), self.vdl)

    def fill(self, now_us: int, batch: Batch) -> int:
        """Take what a peer gave, from whatever epoch it still counts; return by how much the SCL has grown."""
        before = self.scl
        self._keep(now_us, batch, max(self.history[-1][0], batch.epoch))
        return self.scl - before

    # ------------------------------------------------------------------------------------------ pages
    def make_pages(self, *, limit: int | None = None) -> int:
        """Fold records into pages, up to what is durable; return how many. A segment does this when it has time."""
        ready = [lsn for lsn in self._chain(self._made_lsn) if lsn <= self.vdl][:limit]
        for lsn in ready:
            record = self._log[lsn]
            page = self._pages.setdefault(record.change.page, _MadePage())
            redo(page.rows, record)
            page.lsn = self._made_lsn = lsn
        return len(ready)

    def read(self, now_us: int, page: int, *, at_lsn: int, needs_lsn: int, history: History) -> Rows:
        """Return the rows of a page as of `at_lsn`: the page that was made last, and the records since redone on it.

        Parameters
        ----------
        needs_lsn : int
            The last record of this group at or below `at_lsn`: the segment must be complete up to there.
        history : History
            Of the reader: this segment may not have heard yet what was cut off.

        Raises
        ------
        Incomplete, StaleEpoch
            If this is not the segment to ask, or the reader's time is over.
        """
        epoch = history[-1][0]
        if epoch < self.epoch:
            raise StaleEpoch(f"{self.place} has promised epoch {self.epoch}, and this read is from epoch {epoch}")
        self.epoch = epoch
        self._adopt(now_us, history)
        if self.scl < needs_lsn:
            raise Incomplete(f"{self.place} is complete up to {self.scl}, and the read needs {needs_lsn}: ask another")
        made = self._pages.get(page, _MadePage())
        base = made if made.lsn <= at_lsn else _MadePage()
        rows = dict(base.rows)
        for record in self._of_page.get(page, ()):
            if base.lsn < record.lsn <= at_lsn:
                redo(rows, record)
                self.redone += 1
        return rows

    # ------------------------------------------------------------------------------------------ looking
    def records(self) -> list[LogRecord]:
        """Return what is here, by lsn."""
        return [self._log[lsn] for lsn in sorted(self._log)]

    def _chain(self, after: int) -> Iterator[int]:
        while (lsn := self._after.get(after, 0)) and lsn <= self.scl:
            yield lsn
            after = lsn

    def status(self) -> SegmentStatus:
        """Return how far it is."""
        past = sum(lsn > self.scl for lsn in self._log)
        stored = sum(record.size_bytes for record in self._log.values())
        return SegmentStatus(self.scl, self.epoch, len(self._log), past, self._made_lsn, stored)


def is_valid(record: LogRecord, history: History) -> bool:
    """Whether the record is part of this history: its epoch is, and no later one has cut it off.

    An epoch that took over and died before a read quorum knew of its cut is in no later history; nor is what it wrote.
    """
    if record.epoch not in (epoch for epoch, _ in history):
        return False
    return all(record.lsn <= above for epoch, above in history if epoch > record.epoch)


def valid(records: Iterable[LogRecord], history: History) -> list[LogRecord]:
    """Return the records that are part of this history."""
    return [record for record in records if is_valid(record, history)]


def redo(rows: Rows, record: LogRecord) -> None:
    """Carry a record out on the rows of its page."""
    change = record.change
    if change.value is None:
        rows.pop(change.key, None)
    else:
        rows[change.key] = change.value
