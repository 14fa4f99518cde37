"""What is the simplest store that writes as fast as the disk can?

One that only adds to the end of a file, and remembers in memory where the newest record of each key lies. ::

    put(k, v) --> log: [k1 a][k2 b][k1 c]   index in memory: k1 -> byte 60, k2 -> byte 30
    get(k)    --> index --> one read of exactly that record

A write is one append, a read is one read, and no tree is kept in order. The price: every *key* must fit in memory, and
the keys have no order, so a range is found only by sorting them all. Older records of a key are garbage; when most
bytes are, a *merge* copies what still counts into one file and takes the log before it away.

Promises
--------
1. Those of every key-value store (`verbs`); what is not yet synced under a lazier `fsync` may be lost, but only the end
   of it.
2. A merge that a crash cuts short changes nothing: what it left is removed when the store is opened, and reported.
3. A damaged record is found by its checksum when it is read, and named with file and byte; other keys stay readable. A
   damaged log is refused at opening, for what follows the broken record cannot be found.
4. A scan that is going on survives a merge: it first reads what it still needs.

Cost: a put appends 30 bytes and the entry; a get reads as much; an absent key costs nothing. Opening reads the hint and
the log since the merge. Memory: about 250 bytes a key.

Left out: merging only some of the files; values in memory.

Sources: Sheehy and Smith, "Bitcask: a log-structured hash table for fast key/value data", Basho 2010; Kleppmann,
*Designing Data-Intensive Applications*, ch. 3, "Hash indexes"; toydb's `bitcask.rs`; py-caskdb.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from operator import itemgetter
from typing import Final

from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.key_value import merged_file
from dsys_lab.stores.key_value.entry import decode, encode
from dsys_lab.stores.key_value.verbs import Pair, check_key, check_range, check_value
from dsys_lab.structures.append_log import EVERY_RECORD, SEGMENT_NAME, AppendLog, At, Cut, Fsync, whole_frame
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder

SECTION_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class HashStoreStatus:
    """What is where.

    Attributes
    ----------
    keys : int
        All of them are in memory.
    live_bytes, size_bytes : int
        Bytes of the records that count, and of all records on the disk.
    segments : int
        Files of the log.
    merged_lsn : int
        The first record that is not in the merged file; 0 before the first merge.
    cut : Cut or None
        The torn tail that opening cut off the log.
    removed : tuple of str
        The files of an unfinished merge that opening took away.
    """

    keys: int
    live_bytes: int
    size_bytes: int
    segments: int
    merged_lsn: int
    cut: Cut | None
    removed: tuple[str, ...]

    @property
    def dead_fraction(self) -> float:
        """The share of the bytes that a merge would free."""
        return 1 - self.live_bytes / self.size_bytes if self.size_bytes else 0.0


class HashStore:
    """A log of all writes, and an index in memory of where the newest of each key lies.

    Parameters
    ----------
    disk : Disk
        Holds this store and nothing else.
    fsync : Fsync
        When writes are made durable.
    segment_bytes : int
        The log begins a new file at this size.
    merge_at : float or None
        Merge by itself when more than this share of at least `segment_bytes` is garbage; None merges only when told.
    place : str
        The name under which its rows appear.
    recorder : Recorder
        Where its rows go.
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If the log is not what was written, or a part of it is missing.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> store = HashStore(VolatileDisk())
    >>> for hours in (b"7.5", b"8", b"6"):
    ...     store.put(b"sleeper-17", hours)
    >>> store.get(b"sleeper-17"), store.status().keys, round(store.status().dead_fraction, 2)
    (b'6', 1, 0.67)
    >>> store.merge()
    >>> store.get(b"sleeper-17"), store.status().dead_fraction
    (b'6', 0.0)
    """

    def __init__(
        self,
        disk: Disk,
        *,
        fsync: Fsync = EVERY_RECORD,
        segment_bytes: int = 1 << 20,
        merge_at: float | None = 0.5,
        place: str = "hash",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        if merge_at is not None and not 0 < merge_at < 1:
            raise BadParameter(f"merge_at = {merge_at!r}: give a share between 0 and 1, or None to merge by hand only")
        self.disk, self.place, self.recorder = disk, place, recorder
        self._merge_at, self._segment_bytes = merge_at, segment_bytes
        merged = merged_file.stored(disk)
        if disk.names() and not any(map(SEGMENT_NAME.match, disk.names())):
            raise Damaged(f"the log from record {max(merged, default=0)} on is missing: restore its files from a copy")
        self._log = AppendLog(
            disk, fsync=fsync, segment_bytes=segment_bytes, place=f"{place}/log", recorder=recorder, now_us=now_us
        )
        self._closed = False
        self._scans: list[weakref.ref[_Scan]] = []
        self._index: merged_file.Index = {}
        self._live_bytes = self._size_bytes = self._merged_lsn = 0
        self._removed = tuple(self._recover())

    # ------------------------------------------------------------ write path
    def put(self, key: bytes, value: bytes, *, now_us: int = 0) -> None:
        """Let `key` have `value` (see `verbs`)."""
        self._require_open()
        check_key(key)
        check_value(value)
        self._append(key, value, now_us)

    def delete(self, key: bytes, *, now_us: int = 0) -> None:
        """Let `key` be absent; if it is already, nothing is written."""
        self._require_open()
        check_key(key)
        if key in self._index:
            self._append(key, None, now_us)

    def _append(self, key: bytes, value: bytes | None, now_us: int) -> None:
        self._log.append(now_us, encode(key, value))
        at = self._log.last_at
        assert at is not None, "a record was appended"
        self._point(key, at, gone=value is None)
        if self._size_bytes >= self._segment_bytes and self._merge_at is not None:
            dead_bytes = self._size_bytes - self._live_bytes
            if dead_bytes > self._merge_at * self._size_bytes:
                self.merge(now_us=now_us)

    def _point(self, key: bytes, at: At, *, gone: bool) -> None:
        """Let the index say that the newest record of `key` lies there, and whether it is a tombstone."""
        old = self._index.pop(key, None) if gone else self._index.get(key)
        if old is not None:
            self._live_bytes -= old.size_bytes
        if not gone:
            self._index[key] = at
            self._live_bytes += at.size_bytes
        self._size_bytes += at.size_bytes

    # ------------------------------------------------------------ read path
    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        """Return the value of `key`, or None: one read, or none at all."""
        self._require_open()
        check_key(key)
        at = self._index.get(key)
        return None if at is None else self._value(key, at, None, now_us)

    def scan(self, low: bytes | None = None, high: bytes | None = None, *, now_us: int = 0) -> Iterator[Pair]:
        """Give the pairs from `low` up to but not with `high`: sorts all keys, then reads each record by itself."""
        self._require_open()
        check_range(low, high)
        keys = [key for key in self._index if (low is None or low <= key) and (high is None or key < high)]
        found = [(key, self._index[key]) for key in sorted(keys)]
        scan = _Scan(found, read=partial(self._read, now_us=now_us), value=partial(self._value, now_us=now_us))
        self._scans = [other for other in self._scans if other() is not None] + [weakref.ref(scan)]
        return scan

    def status(self) -> HashStoreStatus:
        """Return what is where."""
        return HashStoreStatus(
            len(self._index), self._live_bytes, self._size_bytes, self._log.status().segments, self._merged_lsn,
            self._log.cut, self._removed,
        )  # fmt: skip

    def _read(self, at: At, now_us: int) -> bytes:
        self.recorder.emit(
            now_us, "page_read", self.place, file=at.file, page=at.offset // SECTION_BYTES, size_bytes=at.size_bytes,
            used_bytes=at.size_bytes, source="disk",
        )  # fmt: skip
        return self.disk.read(at.file, at.offset, at.size_bytes)

    def _value(self, key: bytes, at: At, content: bytes | None, now_us: int) -> bytes:
        """Return the value in the record of `key`, whose bytes may have been read before."""
        self._require_open()
        frame = whole_frame(self._read(at, now_us) if content is None else content, 0)
        if frame is not None:
            found, value = decode(frame.payload)
            if found == key and value is not None:
                return value
        raise Damaged(
            f"{at.file}, byte {at.offset}: the record of key {key!r} is not what was written; put it anew, "
            "or restore the file from a copy"
        )

    # ------------------------------------------------------------ upkeep
    def merge(self, *, now_us: int = 0) -> None:
        """Copy what counts into one file, and take the log and the older file away."""
        self._require_open()
        for scan in filter(None, [reference() for reference in self._scans]):
            scan.load()
        self._log.roll(now_us)
        lsn, older = self._log.next_lsn, self._merged_lsn
        if lsn == older:
            return
        where = sorted(self._index.items(), key=itemgetter(1))
        with self._log.or_break(f"the merge of the records below {lsn}"):
            self._index = merged_file.write(self.disk, lsn, ((key, self._read(at, now_us)) for key, at in where))
        self._merged_lsn, self._size_bytes = lsn, self._live_bytes
        self.recorder.emit(
            now_us, "page_write", self.place, file=merged_file.data_name(lsn), page=0, size_bytes=self._size_bytes
        )
        self._log.drop_before(lsn)
        with self._log.or_break("the removal of what was merged before"):
            merged_file.remove(self.disk, older)

    def sync(self, *, now_us: int = 0) -> None:
        """Make every write durable."""
        self._require_open()
        self._log.sync(now_us)

    def close(self) -> None:
        """Make every write durable and let go."""
        if not self._closed:
            self._log.sync(0)
            self._closed = True

    def _recover(self) -> list[str]:
        """Find the merged file that counts and replay the log behind it; return the names of what a crash left over."""
        removed, numbers = [], merged_file.stored(self.disk)
        for lsn, older in pairwise([*numbers, 0]):
            index = merged_file.load(self.disk, lsn)
            if index is None and self._log.first_lsn > older:
                index = merged_file.walk(self.disk, lsn)
            if index is not None:
                self._index, self._merged_lsn = index, lsn
                break
            removed += merged_file.remove(self.disk, lsn)
        for lsn in numbers:
            if lsn < self._merged_lsn:
                removed += merged_file.remove(self.disk, lsn)
        log, merged = self._log, self._merged_lsn
        if log.first_lsn > merged:
            raise Damaged(
                f"records {merged} to {log.first_lsn - 1} are missing: no merged file and no log has them; restore the "
                "files from a copy"
            )
        if log.next_lsn < merged:
            raise Damaged(
                f"the log ends before record {log.next_lsn}, and the merged file stands for all below {merged}: a new "
                "record would be taken for a merged one; restore the rest of the log from a copy"
            )
        self._live_bytes = self._size_bytes = sum(at.size_bytes for at in self._index.values())
        self._log.drop_before(self._merged_lsn)
        for record, at in self._log.located(self._merged_lsn):
            key, value = decode(record.payload)
            self._point(key, at, gone=value is None)
        return removed

    def _require_open(self) -> None:
        if self._closed:
            raise Refused(f"{self.place} is closed: open its disk anew")


class _Scan:
    """Pairs in order; each record is read when it is asked for, or before its file goes."""

    def __init__(
        self,
        found: list[tuple[bytes, At]],
        *,
        read: Callable[[At], bytes],
        value: Callable[[bytes, At, bytes | None], bytes],
    ) -> None:
        self._read, self._value = read, value
        self._left: list[tuple[bytes, At, bytes | None]] = [(key, at, None) for key, at in reversed(found)]

    def __iter__(self) -> _Scan:
        return self

    def __next__(self) -> Pair:
        if not self._left:
            raise StopIteration
        key, at, content = self._left.pop()
        return key, self._value(key, at, content)

    def load(self) -> None:
        """Read all that is left, whole or not: the files are about to go."""
        self._left = [(key, at, self._read(at) if content is None else content) for key, at, content in self._left]
