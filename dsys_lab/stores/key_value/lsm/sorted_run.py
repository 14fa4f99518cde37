"""How is one key found in a file of a million that is never changed?

The file is a *sorted run* (LevelDB calls it an SSTable): entries in the order of their keys, cut into blocks, and
behind them what helps to leave blocks unread::

    +---------+---------+- -+---------+--------------+--------------+------------+--------+-------+
    | block 0 | block 1 |   | block n | sparse index | Bloom filter | index size | hashes | crc32 |
    +---------+---------+- -+---------+--------------+--------------+------------+--------+-------+
      `block`                           a block too,   m / 8 bytes    u32          u8       u32, of all
                                        one entry a                                         from the index on
                                        block: its first key, and where it begins

A lookup asks, from cheap to dear: is the key between the run's first and last (the manifest knows)? does the filter
deny it? which block could hold it (the index, in memory)? and reads that one block. So a key that the run does not have
costs no read, but for one in a hundred.

Promises
--------
1. Every block that is read or left unread leaves a row in the trace, with the reason ("range", "bloom").
2. A damaged block is found by its checksum and named; the other blocks stay readable. If what is behind the blocks is
   damaged, the run is named, and keys outside its range stay readable.

Cost: 10 bits a key for the filter and some 20 bytes a block for the index, in memory once the run was asked; one read
of 4,096 bytes a lookup.

Left out: compression; common beginnings of keys; a cache of blocks (the operating system has one).

Sources: LevelDB, doc/table_format.md; Chang et al., "Bigtable", OSDI 2006, sec. 4 and 6.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

from dsys_lab.errors import Damaged
from dsys_lab.stores.key_value.entry import encode, value_of
from dsys_lab.stores.key_value.lsm import block
from dsys_lab.stores.key_value.lsm.block import Block, Stored
from dsys_lab.stores.key_value.lsm.bloom_filter import BloomFilter
from dsys_lab.stores.key_value.lsm.manifest import RunInfo
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import Recorder

_END: Final = struct.Struct(">IBI")


class _Guide(NamedTuple):
    """What a run keeps in memory: where its blocks begin (and where the last one ends), and its filter."""

    first_keys: list[bytes]
    offsets: list[int]
    bloom: BloomFilter


class SortedRun:
    """A run on a disk.

    Parameters
    ----------
    disk : Disk
    info : RunInfo
    place : str
        The place of the store; the run's own lies within.
    recorder : Recorder
    """

    def __init__(self, disk: Disk, info: RunInfo, *, place: str, recorder: Recorder) -> None:
        self.disk, self.info, self.recorder = disk, info, recorder
        self.file, self.place = info.file, place_of(place, info)

    def get(self, key: bytes, key_hash: int, now_us: int) -> bytes | None:
        """Return the stored entry of `key`, or None: at most one block is read."""
        info = self.info
        if not info.first_key <= key <= info.last_key:
            self._skip(0 if key < info.first_key else info.blocks - 1, "range", now_us)
            return None
        guide = self._guide
        number = bisect_right(guide.first_keys, key) - 1
        if not guide.bloom.may_hold(key_hash):
            self._skip(number, "bloom", now_us)
            return None
        stored = self._read(number).get(key)
        self._touch(number, len(stored) if stored else 0, now_us)
        return stored

    def entries(self, low: bytes | None = None, high: bytes | None = None, now_us: int = 0) -> Iterator[Stored]:
        """Give the entries from `low` up to but not with `high`, reading block after block."""
        if (low is not None and low > self.info.last_key) or (high is not None and high <= self.info.first_key):
            return
        first_keys = self._guide.first_keys
        first = 0 if low is None else max(0, bisect_right(first_keys, low) - 1)
        for number in range(first, len(first_keys)):
            if high is not None and first_keys[number] >= high:
                return
            found = list(self._read(number).entries(low if number == first else None))
            if high is not None and found and found[-1][0] >= high:
                found = [entry for entry in found if entry[0] < high]
            self._touch(number, sum([len(stored) for _, stored in found]), now_us)
            yield from found

    @cached_property
    def _guide(self) -> _Guide:
        """Read what lies behind the blocks, once."""
        tail = self.disk.read(self.file, self.info.data_bytes)
        if len(tail) != self.info.size_bytes - self.info.data_bytes or not block.is_whole(tail):
            raise Damaged(
                f"{self.file}, byte {self.info.data_bytes}: its index or its filter is not what was written; "
                "restore the file from a copy (keys outside its range stay readable)"
            )
        index_bytes, hashes, _ = _END.unpack(tail[-_END.size :])
        first_keys, offsets = [], []
        for key, stored in Block(tail[:index_bytes]).entries():
            first_keys.append(key)
            offsets.append(int.from_bytes(value_of(stored) or b"", "big"))
        return _Guide(first_keys, [*offsets, self.info.data_bytes], BloomFilter(tail[index_bytes : -_END.size], hashes))

    def _read(self, number: int) -> Block:
        start, stop = self._guide.offsets[number : number + 2]
        content = self.disk.read(self.file, start, stop - start)
        if not block.is_whole(content):
            raise Damaged(
                f"{self.file}, block {number} (byte {start}): not what was written; restore the file from a copy "
                "(all other blocks stay readable)"
            )
        return Block(content)

    def _touch(self, number: int, used_bytes: int, now_us: int) -> None:
        start, stop = self._guide.offsets[number : number + 2]
        self.recorder.emit(
            now_us, "page_read", self.place, file=self.file, page=number, size_bytes=stop - start,
            used_bytes=used_bytes, source="disk",
        )  # fmt: skip

    def _skip(self, number: int, why: str, now_us: int) -> None:
        self.recorder.emit(now_us, "block_skip", self.place, file=self.file, block=number, why=why)


class RunWriter:
    """Writes one run, block by block.

    Parameters
    ----------
    disk : Disk
    number, level : int
        What the run is to be.
    block_bytes : int
        A block that has reached this size is written.
    bits_per_key : float
        Of the filter; 0 writes none.
    place : str
    recorder : Recorder
    """

    def __init__(
        self,
        disk: Disk,
        number: int,
        level: int,
        *,
        block_bytes: int,
        bits_per_key: float,
        place: str,
        recorder: Recorder,
    ) -> None:
        self._disk, self._recorder, self._place = disk, recorder, place
        self._block_bytes, self._bits_per_key = block_bytes, bits_per_key
        self._info = RunInfo(number, level, 0, 0, 0, 0, 0, b"", b"")
        self._index: list[bytes] = []
        self._offset = 0

    def write(self, entries: Iterable[Stored], now_us: int) -> RunInfo | None:
        """Write the entries, durably; return what was written, or None if there was nothing to write."""
        keys: list[bytes] = []
        waiting: list[bytes] = []
        entry_bytes = waiting_bytes = 0
        for key, stored in entries:
            if not waiting:
                self._index.append(encode(key, self._offset.to_bytes(8, "big")))
            keys.append(key)
            waiting.append(stored)
            waiting_bytes += len(stored)
            if waiting_bytes >= self._block_bytes:
                self._append(block.encode(waiting), now_us)
                entry_bytes += waiting_bytes
                waiting_bytes = 0
                waiting.clear()
        if waiting:
            self._append(block.encode(waiting), now_us)
        if not keys:
            return None
        data_bytes, blocks = self._offset, len(self._index)
        self._append(self._tail(keys), now_us, page=blocks)
        self._disk.sync(self._info.file)
        self._disk.sync_names()
        return RunInfo(
            self._info.number, self._info.level, len(keys), blocks, entry_bytes + waiting_bytes, data_bytes,
            self._offset, keys[0], keys[-1],
        )  # fmt: skip

    def _append(self, content: bytes, now_us: int, *, page: int | None = None) -> None:
        self._disk.append(self._info.file, content)
        self._offset += len(content)
        self._recorder.emit(
            now_us, "page_write", place_of(self._place, self._info), file=self._info.file,
            page=len(self._index) - 1 if page is None else page, size_bytes=len(content),
        )  # fmt: skip

    def _tail(self, keys: list[bytes]) -> bytes:
        index = block.encode(self._index)
        bloom = BloomFilter.of(keys, bits_per_key=self._bits_per_key)
        tail = index + bloom.bits + struct.pack(">IB", len(index), bloom.hashes)
        return tail + zlib.crc32(tail).to_bytes(4, "big")


def place_of(store: str, info: RunInfo) -> str:
    """Return the place of a run."""
    return f"{store}/level-{info.level}/{info.name}"
