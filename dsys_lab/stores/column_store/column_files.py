"""How do bytes of chunks come from files into memory, and who counts them?

A file is read by *pages* of 8,168 bytes, which is what a page of 8,192 has room for beside a header, so that pages here
compare with pages of the row store. They have no header of their own: they are full of one column, need no slots, and
their checksum stands with the chunk, so values lie in memory one after the other as they lie in the file, and numbers
are read where they are. What was read is kept, up to `cache_bytes`; whole files leave, the least recently used first.

Promises
--------
1. A chunk is given only if all its bytes are what was written: its checksum is looked at once, when it comes in, and
   again when a page of it comes in again.
   Otherwise `Damaged` names file, chunk and column, and every other chunk stays readable.
2. The pages of a question are counted once each, with the bytes that were really moved and those that were asked for.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from dsys_lab.errors import Damaged
from dsys_lab.laws import PAGE_ROOM_BYTES as PAGE
from dsys_lab.stores.column_store.chunk import Chunk
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(slots=True)
class _Kept:
    """What is in memory of one file: its bytes, which pages of them are there, which chunks were checked.

    `checked` says where a checked chunk begins and ends.
    """

    data: Array
    here: Array
    checked: dict[int, int] = field(default_factory=dict)


class Reading:
    """The pages that one question touches, told to the recorder once each.

    A page may be touched again by the next chunk, so the last page of each file is told only when another one follows.
    """

    def __init__(self, place: str, recorder: Recorder, now_us: int) -> None:
        self._place, self._recorder, self._now_us = place, recorder, now_us
        self.silent = recorder is NO_TRACE
        self._open: dict[str, dict[int, tuple[int, int, str]]] = {}

    def touch(self, file: str, page: int, size_bytes: int, used_bytes: int, source: str) -> None:
        """Note that a page was read, or some more of it used."""
        pages = self._open.setdefault(file, {})
        if page in pages:
            _, used_before, source = pages[page]
            pages[page] = (size_bytes, min(size_bytes, used_before + used_bytes), source)
        else:
            pages[page] = (size_bytes, used_bytes, source)

    def skip(self, chunk: Chunk, why: str) -> None:
        """Note that a chunk was not read."""
        if not self.silent:
            self._recorder.emit(
                self._now_us, "block_skip", self._place,
                file=chunk.file, block=chunk.block, why=why, column=chunk.column,
            )  # fmt: skip

    def tell(self, *, all_pages: bool) -> None:
        """Write down the pages, but for the last of each file unless `all_pages`."""
        for file, pages in self._open.items():
            last = None if all_pages else max(pages)
            for page in [page for page in pages if page != last]:
                size_bytes, used_bytes, source = pages.pop(page)
                self._recorder.emit(
                    self._now_us, "page_read", self._place,
                    file=file, page=page, size_bytes=size_bytes, used_bytes=used_bytes, source=source,
                )  # fmt: skip
        self._open = {file: pages for file, pages in self._open.items() if pages}


class ColumnFiles:
    """The files of a column store.

    Parameters
    ----------
    disk : Disk
    cache_bytes : int
        How much is kept in memory between questions.
    place : str
    recorder : Recorder
    """

    def __init__(self, disk: Disk, *, cache_bytes: int, place: str, recorder: Recorder) -> None:
        self.disk, self.cache_bytes, self.place, self.recorder = disk, cache_bytes, place, recorder
        self.sizes: dict[str, int] = {}
        self.cut_short: dict[str, int] = {}
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    # ------------------------------------------------------------ write path
    def require_whole(self) -> None:
        """Refuse to write behind a file of which the end is missing."""
        for file, wanted in self.cut_short.items():
            raise Damaged(
                f"{file} ends at byte {self.sizes[file]:,} of {wanted:,}: nothing is written to this table before the "
                "file is restored from a copy; what is left of it can be read"
            )

    def append(self, now_us: int, file: str, data: bytes) -> None:
        """Add bytes to a file and make them durable (its name is not yet)."""
        start = self.sizes.get(file, 0)
        self.disk.append(file, data)
        self.disk.sync(file)
        self.sizes[file] = end = start + len(data)
        if kept := self._kept.get(file):
            kept.here[start // PAGE :] = False  # the last page is longer now: it is read again, and checked again
            kept.checked = {offset: to for offset, to in kept.checked.items() if to <= start // PAGE * PAGE}
        for page in range(start // PAGE, -(-end // PAGE)):
            size_bytes = min(end, (page + 1) * PAGE) - max(start, page * PAGE)
            self.recorder.emit(now_us, "page_write", self.place, file=file, page=page, size_bytes=size_bytes)

    def forget(self, file: str) -> None:
        """Take a file away."""
        self._kept.pop(file, None)
        self.sizes.pop(file, None)
        self.disk.remove(file)

    # ------------------------------------------------------------ read path
    def stacks(self, chunks: Sequence[Chunk], reading: Reading) -> Iterator[tuple[Chunk, Array]]:
        """Give the bytes of chunks of one column: as many at once as lie side by side and have one form.

        Yields
        ------
        first : Chunk
            The first of them; the others have its rows and its codec.
        stack : array of uint8, shape (chunks, size_bytes)
        """
        starts = [0, *(at for at, (one, two) in enumerate(pairwise(chunks), 1) if not two.extends(one)), len(chunks)]
        for start, end in pairwise(starts):
            yield chunks[start], self._stack(chunks[start:end], reading)

    def one(self, chunk: Chunk, row: int, reading: Reading) -> Array:
        """Return the bytes of a chunk of which one row is wanted, as a stack."""
        return self._stack([chunk], reading, asked=_value_place(chunk, row))

    def searched(self, chunk: Chunk, reading: Reading) -> Array:
        """Return the bytes of a chunk that is looked through, as a stack: nobody asked for what stands in it."""
        return self._stack([chunk], reading, asked=(chunk.offset, chunk.offset))

    def _stack(self, chunks: Sequence[Chunk], reading: Reading, asked: tuple[int, int] | None = None) -> Array:
        first, last = chunks[0], chunks[-1]
        if last.end > self.sizes.get(last.file, 0):
            cut = next(chunk for chunk in chunks if chunk.end > self.sizes.get(chunk.file, 0))
            raise self._damaged(cut, f"the file ends at byte {self.sizes.get(cut.file, 0):,}")
        kept = self._kept_of(first.file)
        fresh = self._fill(kept, first, last.end)
        for chunk in [chunk for chunk in chunks if chunk.offset not in kept.checked]:
            self._check(kept, chunk)
        if not reading.silent:
            read = (first.offset, last.end)
            self._count(reading, first.file, read, asked or read, fresh)
        lines = (len(chunks), first.size_bytes)
        return np.lib.stride_tricks.as_strided(kept.data[first.offset :], lines, (first.room_bytes, 1), writeable=False)

    def _check(self, kept: _Kept, chunk: Chunk) -> None:
        """Hold a chunk in memory against its checksum; look once more, for its file may have been mended since."""
        data = kept.data[chunk.offset : chunk.end]
        if zlib.crc32(data.data) != chunk.crc32:
            again = self.disk.read(chunk.file, chunk.offset, chunk.size_bytes)
            if zlib.crc32(again) != chunk.crc32:
                raise self._damaged(chunk, "its checksum does not match its bytes")
            data[:] = np.frombuffer(again, np.uint8)
        kept.checked[chunk.offset] = chunk.end

    def _kept_of(self, file: str) -> _Kept:
        """Return what is in memory of a file, with room for all of it: memory that is not touched costs none."""
        kept, size = self._kept.pop(file, None), self.sizes[file]
        if kept is None or kept.data.size < size:
            room = 2 * size if kept else size
            grown = _Kept(np.empty(room, np.uint8), np.zeros(-(-room // PAGE), bool))
            if kept is not None:
                grown.data[: kept.data.size], grown.here[: kept.here.size] = kept.data, kept.here
                grown.checked = kept.checked
            kept = grown
        self._kept[file] = kept
        return kept

    def _fill(self, kept: _Kept, chunk: Chunk, end: int) -> set[int]:
        """Read the pages that are missing from the chunk's begin to `end`; return their numbers."""
        first, last = chunk.offset // PAGE, -(-end // PAGE)
        if kept.here[first:last].all():
            return set()
        missing = (first + np.flatnonzero(~kept.here[first:last])).tolist()
        starts = [0, *(at for at, (one, two) in enumerate(pairwise(missing), 1) if two != one + 1), len(missing)]
        for start, stop in pairwise(starts):
            offset = missing[start] * PAGE
            wanted = min((missing[stop - 1] + 1) * PAGE, self.sizes[chunk.file]) - offset
            data = self.disk.read(chunk.file, offset, wanted)
            if len(data) < wanted:
                raise self._damaged(chunk, f"the file now ends at byte {offset + len(data):,}")
            kept.data[offset : offset + wanted] = np.frombuffer(data, np.uint8)
            kept.here[missing[start] : missing[stop - 1] + 1] = True
        return set(missing)

    def _count(
        self, reading: Reading, file: str, read: tuple[int, int], used: tuple[int, int], fresh: set[int]
    ) -> None:
        for page in range(read[0] // PAGE, -(-read[1] // PAGE)):
            start, end = page * PAGE, min((page + 1) * PAGE, self.sizes[file])
            used_bytes = max(0, min(end, used[1]) - max(start, used[0]))
            reading.touch(file, page, end - start, used_bytes, "disk" if page in fresh else "cache")

    # ------------------------------------------------------------ upkeep
    def trim(self) -> None:
        """Let go of what was not used for the longest time, down to `cache_bytes`."""
        while self._kept and self.kept_bytes() > self.cache_bytes:
            self._kept.popitem(last=False)

    def drop_cache(self) -> None:
        """Let go of everything: the next question reads from disk."""
        self._kept.clear()

    def kept_bytes(self) -> int:
        """Return how many bytes are in memory."""
        return sum(int(np.count_nonzero(kept.here)) * PAGE for kept in self._kept.values())

    def _damaged(self, chunk: Chunk, why: str) -> Damaged:
        where = f"chunk {chunk.block} of column {chunk.column!r}, bytes {chunk.offset:,} to {chunk.end - 1:,}"
        return Damaged(
            f"{chunk.file}, {where}: {why}; restore the file from a copy, or ask for other columns: they can be read"
        )


def _value_place(chunk: Chunk, row: int) -> tuple[int, int]:
    """Return about where the value of one row lies: exactly in `plain` numbers, in proportion elsewhere."""
    width = max(1, chunk.body_bytes // chunk.rows)
    start = chunk.offset + row * chunk.body_bytes // chunk.rows
    return start, min(start + width, chunk.end)
