"""Which records wait in which buffer or crate, in memory as the journal says it.

Each change is written first, then made, then told; opening the journal makes the same changes again. `changed` is the
one place where an entry becomes a change, so what was lived through and what was read back cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsys_lab.brokers.delivery_stream import journal
from dsys_lab.brokers.delivery_stream.crates import NOWHERE, Buffer, Crate, Kept
from dsys_lab.brokers.delivery_stream.journal import (
    AnyEntry,
    AttemptEntry,
    CrateEntry,
    OverEntry,
    RecordEntry,
    ReshapedEntry,
)
from dsys_lab.brokers.delivery_stream.settings import Entry
from dsys_lab.errors import Damaged
from dsys_lab.structures import NEVER, AppendLog, Disk
from dsys_lab.structures.append_log import At, whole_frame
from dsys_lab.trace import Recorder


class Ledger:
    """Buffers and crates on a journal.

    Attributes
    ----------
    buffers : dict of str to Buffer
        By partition; none of them is empty.
    crates : dict of int to Crate
        By number; none of them is empty.
    told_lsn : int
        The rows of all entries below it have been told.
    """

    def __init__(
        self, place: str, disk: Disk, *, segment_bytes: int, recorder: Recorder, told_lsn: int | None, now_us: int
    ) -> None:
        self.place, self._recorder = place, recorder
        self._log = AppendLog(
            disk, fsync=NEVER, segment_bytes=segment_bytes, place=f"{place}/log", recorder=recorder, now_us=now_us
        )
        self.buffers: dict[str, Buffer] = {}
        self.crates: dict[int, Crate] = {}
        self._reshaped: dict[int, At] = {}
        self.told_lsn = self._log.next_lsn if told_lsn is None else told_lsn
        for (lsn, payload), at in self._log.located():
            try:
                entry = journal.read(payload)
            except (ValueError, KeyError, TypeError) as error:
                told = f"{self._log.place}, record {lsn}: {error}"
                raise Damaged(f"{told}; this is no journal of a delivery stream, open the right one") from error
            self._change(now_us, lsn, at, entry)
        self.told_lsn = self._log.next_lsn

    # ------------------------------------------------------------ names
    @property
    def crate_place(self) -> str:
        """Where crates stand that came back."""
        return f"{self.place}/held"

    def buffer_place(self, partition: str) -> str:
        """Where a buffer stands."""
        return f"{self.place}/{partition.strip(NOWHERE) or 'buffer'}"

    def stands_at(self, crate: Crate) -> str:
        """Where a crate is that goes out now: beside its buffer at first, among the held ones from then on."""
        return self.buffer_place(crate.buffer) if crate.attempt <= 1 else self.crate_place

    def _home(self, crate: Crate) -> str:
        """Where a crate is that is not out."""
        return self.crate_place if crate.attempt else self.buffer_place(crate.buffer)

    def name(self, crate: Crate) -> str:
        """Return what rows call a crate."""
        return f"{self.place}-{crate.number}"

    # ------------------------------------------------------------ what is written
    def write_record(self, now_us: int, entry: Entry, partition: str) -> Kept:
        """Write a record down, not yet durable."""
        payload = journal.written(RecordEntry(now_us, entry.copy, entry.message, partition, entry.data))
        lsn, at = self._written(now_us, payload)
        return Kept(lsn, at, entry.message, entry.copy, now_us, len(entry.data))

    def sync(self, now_us: int) -> None:
        """Make all that was written durable."""
        self._log.sync(now_us)

    def settle(self, now_us: int, how: str, crate: Crate, records: Iterable[Kept]) -> None:
        """Write down that records of a crate are over, then let it be so, and take away what nobody needs."""
        numbers = [record.number for record in records]
        self.write(now_us, [OverEntry(how, crate.number, "", numbers)])
        held = [buffer.kept[0].number for buffer in self.buffers.values()]
        held += [crate.kept[0].number for crate in self.crates.values()]
        self._log.drop_before(min(held, default=self._log.next_lsn))

    def write(self, now_us: int, entries: Iterable[AnyEntry]) -> None:
        """Write entries down, and only when they are durable let them be so."""
        placed = [(*self._written(now_us, journal.written(entry)), entry) for entry in entries]
        self._log.sync(now_us)
        for lsn, at, entry in placed:
            self._change(now_us, lsn, at, entry)
        self.told_lsn = self._log.next_lsn

    def _written(self, now_us: int, payload: bytes) -> tuple[int, At]:
        with self._log.or_break("an entry of the journal"):  # journal and memory are never two streams
            lsn = self._log.append(now_us, payload)
        assert self._log.last_at is not None
        return lsn, self._log.last_at

    # ------------------------------------------------------------ what an entry changes
    def _change(self, now_us: int, lsn: int, at: At, entry: AnyEntry) -> None:
        if isinstance(entry, RecordEntry):
            kept = Kept(lsn, at, entry.message, entry.copy, entry.arrived_us, len(entry.data))
            self.fill(entry.partition, kept, now_us)
        elif isinstance(entry, ReshapedEntry):
            self._reshaped[entry.number] = at
        elif isinstance(entry, CrateEntry):
            self._crate(now_us, lsn, entry)
        elif isinstance(entry, AttemptEntry):
            if entry.crate in self.crates:
                self.crates[entry.crate].attempt += 1
        else:
            self._over(now_us, lsn, entry)

    def fill(self, partition: str, record: Kept, now_us: int | None = None) -> None:
        """Let a record wait in its buffer."""
        buffer = self.buffers.setdefault(partition, Buffer())
        buffer.add(record)
        if record.number >= self.told_lsn:
            time_us, place = record.arrived_us if now_us is None else now_us, self.buffer_place(partition)
            self._recorder.emit(
                time_us, "enqueue", place, record.message, depth=len(buffer.kept), copy=record.copy,
                size_bytes=record.size_bytes,
            )  # fmt: skip
            self.told_lsn = record.number + 1

    def _crate(self, now_us: int, lsn: int, entry: CrateEntry) -> None:
        taken = self._from_buffer(entry.buffer, entry.numbers)
        kept = [record._replace(at=self._reshaped.pop(record.number, record.at)) for record in taken]
        if not kept:  # all were over before the power went, and taken away
            return
        crate = Crate(lsn, entry.buffer, entry.sort, entry.by, kept, entry.why, now_us)
        self.crates[lsn] = crate
        if lsn >= self.told_lsn:
            self._tell_crate(now_us, crate, self.buffer_place(entry.buffer))

    def _over(self, now_us: int, lsn: int, entry: OverEntry) -> None:
        if entry.crate is None:
            records, where = self._from_buffer(entry.buffer, entry.numbers), self.buffer_place(entry.buffer)
            crate = None
        else:
            crate = self.crates.get(entry.crate)
            if crate is None:
                return
            over = frozenset(entry.numbers)
            records = [record for record in crate.kept if record.number in over]
            where = self._home(crate) if entry.how == "expired" else crate.to
            crate.kept = [record for record in crate.kept if record.number not in over]
            if not crate.kept:
                del self.crates[crate.number]
        if lsn >= self.told_lsn:
            self._tell_over(now_us, entry.how, records, where, crate)

    def _from_buffer(self, partition: str, numbers: Iterable[int]) -> list[Kept]:
        buffer = self.buffers.get(partition)
        if buffer is None:
            return []
        taken = buffer.take(numbers)
        if not buffer.kept:
            del self.buffers[partition]
        return taken

    # ------------------------------------------------------------ what is told
    def _tell_crate(self, now_us: int, crate: Crate, buffer_place: str) -> None:
        name = self.name(crate)
        for record in crate.kept:
            self._recorder.emit(now_us, "packed", buffer_place, record.message, into=name, copy=record.copy)
        self._recorder.emit(
            now_us, "sealed", buffer_place, name, count=len(crate.kept), size_bytes=crate.size_bytes, by=crate.by,
            sort=crate.sort,
        )  # fmt: skip

    def _tell_over(self, now_us: int, how: str, records: list[Kept], where: str, crate: Crate | None) -> None:
        into = "" if crate is None else self.name(crate)
        if crate is not None and how in {"delivered", "set aside"}:
            self._recorder.emit(now_us, "landed", crate.to, into, count=len(records), sort=crate.sort)
        for record in records:
            message, copy = record.message, record.copy
            if how == "delivered":
                self._recorder.emit(now_us, "filed", where, message, into=into, copy=copy)
            elif how == "set aside":
                why = crate.why.get(record.number, "") if crate else ""
                self._recorder.emit(now_us, "set_aside", where, message, into=into, why=why, copy=copy)
            elif how == "expired":
                self._recorder.emit(now_us, "expire", where, message, age_us=now_us - record.arrived_us, copy=copy)
            else:
                self._recorder.emit(now_us, "drop", where, message, why="the transform dropped it", copy=copy)
        if crate is not None and how == "expired" and not crate.kept:
            self._recorder.emit(now_us, "emptied", where, into)

    # ------------------------------------------------------------ read path
    def data(self, record: Kept) -> bytes:
        """Read a record's data, as it came or as it was reshaped."""
        content = self._log.disk.read(record.at.file, record.at.offset, record.at.size_bytes)
        frame = whole_frame(content, 0)
        if frame is None:
            raise Damaged(f"{record.at.file}, byte {record.at.offset}: record {record.number} is not what was written")
        entry = journal.read(frame.payload)
        assert isinstance(entry, RecordEntry | ReshapedEntry)
        return entry.data
