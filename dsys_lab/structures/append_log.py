"""How does a system keep its word across a crash?

It writes down what it is about to promise, waits until that is durable, and only then promises. What it writes to is an
*append-only log*: records in one order, added at the end, never changed. After a crash the log is read from the start
and ends at the first record that is not whole.

A record in its file, all numbers big-endian::

    0        4        8                 16                24
    +--------+--------+-----------------+-----------------+------------ - -
    | length | crc32  | lsn             | durable         | payload
    +--------+--------+-----------------+-----------------+------------ - -
     u32 "I"  u32 "I"  u64 "Q"           u64 "Q"           length bytes

`lsn` is the record's number, from 0 and without gaps. `crc32` covers all that follows it. `durable` says that every
record numbered below it was durable when this one was written; what that is good for, see promise 3. The log is cut
into *segments*, files named after their first record, so that its old end can be taken away.

When to sync is the caller's choice, for it is a trade: `Fsync(records=1)` loses nothing and waits for the device at
every record; `Fsync(records=100)` and `Fsync(after_s=0.01)` share one wait among many and may lose the last few;
`NEVER` leaves it to the operating system.

The log promises
----------------
1. A record below `durable_lsn` survives every crash.
2. A torn tail (records that were not yet durable) is found, cut off and reported: `cut` says in which file, from which
   byte, how many bytes. Of two records the earlier one survives if the later one does.
3. A damaged middle is never taken for a torn tail: when a whole record further on says that the broken one *was*
   durable, opening raises `Damaged` with file and byte. So does any broken record in an older segment.
4. What was read once after a crash is durable: opening syncs before it answers.
5. After a failed write or sync nothing more is written: the file's state is unknown until it is opened anew. (A second
   `fsync` after a failed one may say yes although the bytes are gone.)

Cost: 24 bytes and one write a record; a sync as often as chosen; opening reads everything once. After damage, the
search for a later whole record looks at every byte of one segment.

Left out: damage to a record that no later one speaks for looks like a torn tail. That is the last one; and where one
sync serves many, all that it served, until the next record is appended. (`roll` after a sync ends that: a segment that
is closed has no torn tail.) Compression; several writers.

Sources: Mohan et al., "ARIES", ACM TODS 1992; Kreps, "The log: what every software engineer should know about real-time
data's unifying abstraction", 2013; Alagappan et al., "Protocol-aware recovery for consensus-based storage", FAST 2018
(telling a crash from corruption); Rebello et al., "Can applications recover from fsync failures?", USENIX ATC 2020.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.errors import Damaged, Refused, require_positive
from dsys_lab.structures.disk import Disk, OrGiveUp
from dsys_lab.trace import NO_TRACE, Recorder

FRAME: Final = struct.Struct(">IIQQ")
_COVERED: Final = struct.Struct(">QQ")
SEGMENT_NAME: Final = re.compile(r"^\d{20}\.log$")


@dataclass(frozen=True, slots=True)
class Fsync:
    """When appended records are made durable: after so many, or so long after the first of them, whichever is first.

    Attributes
    ----------
    records : int or None
        1 syncs every record before `append` returns.
    after_s : float or None
        The longest that a record may wait, to the microsecond. Somebody must call `tick` at `deadline_us`.
    """

    records: int | None = None
    after_s: float | None = None

    def __post_init__(self) -> None:
        require_positive(**{name: value for name in self.__slots__ if (value := getattr(self, name)) is not None})

    @property
    def after_us(self) -> int | None:
        """The longest that a record may wait, in whole microseconds."""
        return None if self.after_s is None else int(self.after_s * 1e6 + 0.5)

    def is_due(self, waiting: int, waited_us: int) -> bool:
        """Whether to sync now that `waiting` records wait, the first of them since `waited_us`."""
        return (self.records is not None and waiting >= self.records) or (
            self.after_us is not None and waited_us >= self.after_us
        )


EVERY_RECORD: Final = Fsync(records=1)
NEVER: Final = Fsync()


def segment_names(disk: Disk) -> list[str]:
    """Return the names of the segments of a log, in order; none, where no log has been begun."""
    return [name for name in disk.names() if SEGMENT_NAME.match(name)]


class Record(NamedTuple):
    """One record as it was read back."""

    lsn: int
    payload: bytes


class At(NamedTuple):
    """Where a record lies with its 24 bytes of head: who remembers it may read it again without reading the others."""

    file: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A torn tail that was cut off: in `file`, from byte `offset` on, `size_bytes` bytes that ended no whole record."""

    file: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How long the log is, and how much of it is certain.

    Attributes
    ----------
    first_lsn, next_lsn, durable_lsn : int
        The oldest record that is kept, the number that the next one gets, and the first that a crash could take.
    segments, size_bytes : int
    """

    first_lsn: int
    next_lsn: int
    durable_lsn: int
    segments: int
    size_bytes: int


@dataclass(slots=True)
class _Segment:
    name: str
    first_lsn: int
    size_bytes: int


class AppendLog:
    """Records in one order, added at the end, that survive a crash.

    Parameters
    ----------
    disk : Disk
        Where its segments are; the log may not share it with another.
    fsync : Fsync
        When records are made durable.
    segment_bytes : int
        A segment that has reached this size is closed and the next one begun.
    place : str
        The name under which its rows appear.
    recorder : Recorder
        Where its rows go.
    now_us : int
        When it is opened.

    Attributes
    ----------
    cut : Cut or None
        What was cut off when the log was opened.
    last_at : At or None
        Where the record lies that was appended last.

    Raises
    ------
    Damaged
        If a record that was durable is broken or missing.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> disk = VolatileDisk()
    >>> log = AppendLog(disk)
    >>> log.append(0, b"first"), log.append(0, b"second")
    (0, 1)
    >>> disk.append("00000000000000000000.log", b"half a record")
    >>> AppendLog(disk).cut
    Cut(file='00000000000000000000.log', offset=59, size_bytes=13)
    """

    def __init__(
        self,
        disk: Disk,
        *,
        fsync: Fsync = EVERY_RECORD,
        segment_bytes: int = 1 << 20,
        place: str = "log",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_positive(segment_bytes=segment_bytes)
        self.disk, self.fsync, self.segment_bytes = disk, fsync, segment_bytes
        self.place, self.recorder = place, recorder
        self.cut: Cut | None = None
        self.last_at: At | None = None
        self._broken = False
        self._waiting_since_us = now_us
        found = segment_names(disk)
        self._segments = [_Segment(name, int(name[:20]), 0) for name in found] or [self._new_segment(0)]
        self.next_lsn = self._recover()
        self.durable_lsn = self.next_lsn
        self.recorder.emit(
            now_us, "recover", self.place, redo_from=self.first_lsn, redo_to=self.next_lsn,
            cut_bytes=self.cut.size_bytes if self.cut else 0,
        )  # fmt: skip

    @property
    def first_lsn(self) -> int:
        """The oldest record that is kept."""
        return self._segments[0].first_lsn

    # ------------------------------------------------------------ write path
    def append(self, now_us: int, payload: bytes) -> int:
        """Add a record, and sync if it is time to.

        Returns
        -------
        int
            The record's number. It is durable once `durable_lsn` is above it.

        Raises
        ------
        MayHaveHappened
            If the disk failed; nothing more is written until the log is opened anew.
        Refused
            If the disk had failed before.
        """
        if self._segments[-1].size_bytes >= self.segment_bytes:
            self.roll(now_us)
        lsn, covered = self.next_lsn, _COVERED.pack(self.next_lsn, self.durable_lsn)
        frame = FRAME.pack(len(payload), zlib.crc32(payload, zlib.crc32(covered)), lsn, self.durable_lsn) + payload
        segment = self._segments[-1]
        with self.or_break(f"record {lsn}"):
            self.disk.append(segment.name, frame)
        if lsn == self.durable_lsn:
            self._waiting_since_us = now_us
        self.last_at = At(segment.name, segment.size_bytes, len(frame))
        segment.size_bytes += len(frame)
        self.next_lsn += 1
        self.recorder.emit(now_us, "log_append", self.place, lsn=lsn, size_bytes=len(frame))
        self.tick(now_us)
        return lsn

    def sync(self, now_us: int) -> None:
        """Make every record durable."""
        if self.durable_lsn == self.next_lsn:
            return
        with self.or_break(f"records {self.durable_lsn} to {self.next_lsn - 1}"):
            self.disk.sync(self._segments[-1].name)
        self.durable_lsn = self.next_lsn
        self.recorder.emit(now_us, "log_sync", self.place, lsn=self.next_lsn - 1)

    def tick(self, now_us: int) -> None:
        """Sync if it is time to."""
        waiting = self.next_lsn - self.durable_lsn
        if waiting and self.fsync.is_due(waiting, now_us - self._waiting_since_us):
            self.sync(now_us)

    def deadline_us(self) -> int | None:
        """When `tick` is next needed."""
        if self.fsync.after_us is None or self.next_lsn == self.durable_lsn:
            return None
        return self._waiting_since_us + self.fsync.after_us

    def roll(self, now_us: int) -> None:
        """Close the segment, durable to its last record, and begin the next one."""
        self.sync(now_us)
        if self._segments[-1].size_bytes:
            with self.or_break(f"the segment that begins with record {self.next_lsn}"):
                self._segments.append(self._new_segment(self.next_lsn))

    def drop_before(self, lsn: int) -> None:
        """Take away the segments that hold nothing from record `lsn` on."""
        with self.or_break(f"the removal of what is older than record {lsn}"):
            while len(self._segments) > 1 and self._segments[1].first_lsn <= lsn:
                self.disk.remove(self._segments[0].name)
                self.disk.sync_names()
                del self._segments[0]

    def _new_segment(self, first_lsn: int) -> _Segment:
        name = f"{first_lsn:020d}.log"
        self.disk.append(name, b"")
        self.disk.sync_names()
        return _Segment(name, first_lsn, 0)

    def require_working(self) -> None:
        """Refuse if the disk failed before."""
        if self._broken:
            raise Refused(
                f"{self.place} writes nothing more, for its disk failed or a call broke off: "
                "open it anew to see what it holds"
            )

    def give_up(self) -> None:
        """Write nothing more: what the files hold is unknown until they are read again."""
        self._broken = True

    def or_break(self, what: str) -> OrGiveUp:
        """Do what is inside; if the disk fails at `what`, say so and write nothing more."""
        self.require_working()
        return OrGiveUp(self.give_up, what, "it may or may not be there; open the log anew to see")

    # ------------------------------------------------------------ read path
    def read(self, first_lsn: int = 0) -> Iterator[Record]:
        """Give the records from `first_lsn` on, or from the oldest that is kept."""
        return (record for record, _ in self.located(first_lsn))

    def located(self, first_lsn: int = 0) -> Iterator[tuple[Record, At]]:
        """Give the same records, each with where it lies."""
        for number, segment in enumerate(self._segments):
            last = number + 1 == len(self._segments)
            if not last and self._segments[number + 1].first_lsn <= first_lsn:
                continue
            content = self.disk.read(segment.name)[: segment.size_bytes]
            offset, lsn = 0, segment.first_lsn
            while offset < len(content):
                frame = whole_frame(content, offset, lsn)
                if frame is None:
                    raise Damaged(_damaged(segment.name, offset, lsn))
                if lsn >= first_lsn:
                    yield Record(lsn, frame.payload), At(segment.name, offset, frame.end - offset)
                offset, lsn = frame.end, lsn + 1

    def size_bytes(self, first_lsn: int = 0) -> int:
        """Return the bytes of the segments that hold anything from record `first_lsn` on."""
        ends = [segment.first_lsn for segment in self._segments[1:]] + [self.next_lsn + 1]
        return sum(one.size_bytes for one, end in zip(self._segments, ends, strict=True) if end > first_lsn)

    def status(self) -> LogStatus:
        """Return how long the log is and how much of it is certain."""
        return LogStatus(self.first_lsn, self.next_lsn, self.durable_lsn, len(self._segments), self.size_bytes())

    # ------------------------------------------------------------ upkeep
    def _recover(self) -> int:
        """Check every record, cut a torn tail, make the rest durable; return the next record's number."""
        lsn = self.first_lsn
        for segment in self._segments:
            if segment.first_lsn != lsn:
                raise Damaged(f"{segment.name}, byte 0: records {lsn} to {segment.first_lsn - 1} are missing before it")
            content, offset = self.disk.read(segment.name), 0
            while frame := whole_frame(content, offset, lsn):
                offset, lsn = frame.end, lsn + 1
            segment.size_bytes = offset
            if offset < len(content):
                if segment is not self._segments[-1] or _was_durable(content, offset, lsn):
                    raise Damaged(_damaged(segment.name, offset, lsn))
                self.cut = Cut(segment.name, offset, len(content) - offset)
                self.disk.cut(segment.name, offset)
        self.disk.sync(self._segments[-1].name)
        self.disk.sync_names()
        return lsn


class Frame(NamedTuple):
    """A record in its file, up to byte `end`, with its checksum found right."""

    lsn: int
    durable: int
    payload: bytes
    end: int


def whole_frame(content: bytes, offset: int, lsn: int | None = None) -> Frame | None:
    """Return the record at `offset` of a segment's bytes, if it is whole (and numbered `lsn`)."""
    if offset + FRAME.size > len(content):
        return None
    length, crc, found, durable = FRAME.unpack_from(content, offset)
    end = offset + FRAME.size + length
    if end > len(content) or lsn not in (None, found) or zlib.crc32(content[offset + 8 : end]) != crc:
        return None
    return Frame(found, durable, content[offset + FRAME.size : end], end)


def _was_durable(content: bytes, offset: int, lsn: int) -> bool:
    """Whether a whole record beyond `offset` says that record `lsn` was durable."""
    later = (whole_frame(content, start) for start in range(offset + 1, len(content) - FRAME.size + 1))
    return any(frame is not None and frame.durable > lsn for frame in later)


def _damaged(name: str, offset: int, lsn: int) -> str:
    return (
        f"{name}, byte {offset}: record {lsn} is not what was written, and it was durable; "
        "restore the file from a copy (cutting it here would lose this record and all that follow)"
    )
