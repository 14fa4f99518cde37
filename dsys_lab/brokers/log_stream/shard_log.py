"""The records of one shard, on segment files.

A shard is an append-only log and an index in memory: where each record lies, when it came, how large it is. The bytes
are on disk only; a read fetches the run of bytes from the first record asked for to the last, in one piece per segment.
What a record's payload is, all numbers big-endian::

    u64 arrived_us | u16 copy | u16 length | message | u16 length | key | data

The record's number is where the shard begins plus its place in the log, so that numbers go on from parents to children.
A record that is too old cannot be read; its bytes go when its whole segment is too old.

Nothing is synced here unasked, but when a segment is full; and nobody reads what is not durable: a reader who had seen
a record that a crash then took would believe in something that never was.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from dsys_lab.brokers.log_stream.answers import Record
from dsys_lab.brokers.log_stream.settings import Entry
from dsys_lab.errors import Damaged
from dsys_lab.structures import NEVER, AppendLog, Disk
from dsys_lab.structures.append_log import At, whole_frame
from dsys_lab.structures.part_of_disk import PartOfDisk
from dsys_lab.trace import Recorder

_HEAD: Final = struct.Struct(">QHH")
_LENGTH: Final = struct.Struct(">H")


class Kept(NamedTuple):
    """What the index knows of a record."""

    at: At
    arrived_us: int
    size_bytes: int
    message: str
    key: str
    copy: int


class Run(NamedTuple):
    """Records that were read: `size_bytes` of keys and data; `full` if the next one would have been too much."""

    records: tuple[Record, ...]
    size_bytes: int
    full: bool


class ShardLog:
    """The records of one shard.

    Parameters
    ----------
    disk : Disk
        The stream's; the shard's files begin with its name.
    name : str
    begin : int
        The number of its first record.

    Attributes
    ----------
    first : int
        The oldest record that may still be read.
    told : int
        The rows of all records below it have been told.
    """

    def __init__(
        self, disk: Disk, name: str, begin: int, *, segment_bytes: int, place: str, recorder: Recorder, now_us: int
    ) -> None:
        self.name, self._begin = name, begin
        self.log = AppendLog(
            PartOfDisk(disk, f"{name}."),
            fsync=NEVER, segment_bytes=segment_bytes, place=f"{place}/log", recorder=recorder, now_us=now_us,
        )  # fmt: skip
        self._oldest = begin + self.log.first_lsn  # of those in the index
        self._kept = [
            _kept(_decoded(record.payload, begin + record.lsn), at) for record, at in self.log.located()
        ]
        self.first = self._oldest
        self.told = self.durable
        self.waiting_since_us = now_us

    @property
    def end(self) -> int:
        """The number that the next record gets."""
        return self._oldest + len(self._kept)

    @property
    def durable(self) -> int:
        """The first record that a crash could take."""
        return self._begin + self.log.durable_lsn

    def kept(self, first: int, end: int) -> Iterator[tuple[int, Kept]]:
        """Give what the index knows of these records, each with its number."""
        return enumerate(self._kept[first - self._oldest : end - self._oldest], first)

    # ------------------------------------------------------------ write path
    def append(self, now_us: int, entry: Entry) -> int:
        """Add a record, not yet durable; return its number."""
        if self.durable == self.end:
            self.waiting_since_us = now_us
        record = Record(self.end, now_us, entry.message, entry.key, entry.data, entry.copy)
        with self.log.or_break(f"record {record.sequence} of {self.name}"):  # index and file are never two logs
            self.log.append(now_us, _encoded(record))
            assert self.log.last_at is not None
            self._kept.append(_kept(record, self.log.last_at))
        return record.sequence

    # ------------------------------------------------------------ read path
    def read(self, first: int, limit: int, bytes_max: int) -> Run:
        """Read durable records from number `first` on: up to `limit`, and up to `bytes_max` of keys and data."""
        chosen, size_bytes, full = list[Kept](), 0, False
        for _, kept in self.kept(first, min(first + limit, self.durable)):
            full = bool(chosen) and size_bytes + kept.size_bytes > bytes_max
            if full:
                break
            chosen.append(kept)
            size_bytes += kept.size_bytes
        return Run(tuple(self._fetched(first, [kept.at for kept in chosen])), size_bytes, full)

    def _fetched(self, sequence: int, places: list[At]) -> Iterator[Record]:
        """Fetch records that lie one after the other, a segment at a time."""
        for file, run in groupby(places, key=attrgetter("file")):
            ats = list(run)
            start = ats[0].offset
            content = self.log.disk.read(file, start, ats[-1].offset + ats[-1].size_bytes - start)
            for at in ats:
                frame = whole_frame(content, at.offset - start, sequence - self._begin)
                if frame is None:
                    raise Damaged(f"{self.name}.{file}, byte {at.offset}: record {sequence} is not what was written")
                yield _decoded(frame.payload, sequence)
                sequence += 1

    def first_since(self, at_us: int) -> int:
        """Return the first record that can be read and did not come before `at_us`."""
        return max(self.first, self._oldest + bisect_left(self._kept, at_us, key=attrgetter("arrived_us")))

    # ------------------------------------------------------------ what time does
    def first_arrived_us(self) -> int | None:
        """When the oldest record came that can be read."""
        return self._kept[self.first - self._oldest].arrived_us if self.first < self.durable else None

    def forget(self) -> None:
        """Take away the segments in which nothing can be read."""
        self.log.drop_before(self.first - self._begin)
        del self._kept[: self._begin + self.log.first_lsn - self._oldest]
        self._oldest = self._begin + self.log.first_lsn

    def remove(self) -> None:
        """Take away all files."""
        remove_files(self.log.disk)


def remove_files(disk: Disk) -> None:
    """Take away all files of a disk, or of a part of one."""
    for file in disk.names():
        disk.remove(file)
    disk.sync_names()


def _encoded(record: Record) -> bytes:
    message, key = record.message.encode(), record.key.encode()
    head = _HEAD.pack(record.arrived_us, record.copy, len(message))
    return b"".join((head, message, _LENGTH.pack(len(key)), key, record.data))


def _decoded(payload: bytes, sequence: int) -> Record:
    arrived_us, copy, length = _HEAD.unpack_from(payload)
    end = _HEAD.size + length
    message, (length,) = payload[_HEAD.size : end].decode(), _LENGTH.unpack_from(payload, end)
    start, end = end + _LENGTH.size, end + _LENGTH.size + length
    return Record(sequence, arrived_us, message, payload[start:end].decode(), payload[end:], copy)


def _kept(record: Record, at: At) -> Kept:
    size_bytes = len(record.key.encode()) + len(record.data)
    return Kept(at, record.arrived_us, size_bytes, record.message, record.key, record.copy)
