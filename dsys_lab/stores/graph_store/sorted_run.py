"""Statements in one order, on pages, never changed: a *sorted run*.

A key is four numbers of 8 bytes, big-endian, so that bytes sort as numbers do; 255 keys fill a page of 8,192 bytes. The
first key of every page (its *fence*) is in memory, so a range costs the pages that it lies on and no other. ::

    page    +--------+----------+----------+-----+----------+
            | header | key 0    | key 1    | ... | key 254  |      the header has a checksum of page and place
            | 24 B   | 32 B     |          |     |          |
            +--------+----------+----------+-----+----------+

Promises: `range(prefix)` gives, in order, the keys that begin with these numbers; a page that is not what was written
is named (`Damaged`).

Cost: a binary search among the fences in memory, then one page, and one more for every 255 keys that are found.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from dsys_lab.errors import Damaged
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.page import HEADER, LEAF, PAGE_BYTES, Page
from dsys_lab.trace import NO_TRACE, Recorder

KEY: Final = struct.Struct(">4Q")
KEYS_A_PAGE: Final = (PAGE_BYTES - HEADER.size) // KEY.size
Key = tuple[int, int, int, int]


def write_run(disk: Disk, name: str, keys: Iterable[Key]) -> int:
    """Write sorted keys as a new file, durable but for its name; return how many there are."""
    rest, count, page_number = iter(keys), 0, 0
    disk.append(name, b"")
    while batch := list(islice(rest, KEYS_A_PAGE)):
        page = Page(LEAF)
        page.put(HEADER.size, b"".join(KEY.pack(*key) for key in batch))
        page.count, page.low = len(batch), HEADER.size + KEY.size * len(batch)
        disk.append(name, page.sealed(page_number))
        count, page_number = count + len(batch), page_number + 1
    disk.sync(name)
    return count


class SortedRun:
    """A run that lies on a disk.

    Parameters
    ----------
    disk : Disk
    name : str
        Its file.
    pages : int
        How many it must have.
    pool : BufferPool
    place : str
        The name under which its reads appear.
    recorder : Recorder
    """

    def __init__(
        self, disk: Disk, name: str, pages: int, *, pool: BufferPool, place: str, recorder: Recorder = NO_TRACE
    ) -> None:
        self.disk, self.name, self.page_count = disk, name, pages
        self.pool, self.place, self.recorder = pool, place, recorder
        self.now_us = 0
        if name not in disk.names() or disk.size_bytes(name) != pages * PAGE_BYTES:
            found = disk.size_bytes(name) if name in disk.names() else 0
            raise Damaged(f"{name}: {found:,} of {pages * PAGE_BYTES:,} bytes are there; restore the file from a copy")
        self._fences = [_key(self.load(number), 0) for number in range(pages)]

    def load(self, number: int) -> Page:
        """Return a page from the disk."""
        return Page.load(self.disk.read(self.name, number * PAGE_BYTES, PAGE_BYTES), self.name, number)

    def write_back(self, number: int, page: Page) -> None:
        """Never needed: a run does not change."""

    def range(self, prefix: Sequence[int] = ()) -> Iterator[Key]:
        """Give the keys that begin with `prefix`, in order."""
        wanted = tuple(prefix)
        first = max(bisect_left(self._fences, wanted, key=lambda key: key[: len(wanted)]) - 1, 0)
        last = bisect_right(self._fences, wanted, key=lambda key: key[: len(wanted)])
        for number in range(first, last):
            keys = self._keys(number, wanted)
            yield from keys

    def _keys(self, number: int, wanted: tuple[int, ...]) -> list[Key]:
        """Return what a page has of a range; say how much of the page was wanted."""
        page, hit = self.pool.fetch(self, number)
        head = struct.pack(f">{len(wanted)}Q", *wanted)
        data, size = page.data, len(head)

        def begin(position: int) -> bytes:
            start = HEADER.size + KEY.size * position
            return bytes(data[start : start + size])

        low = bisect_left(range(page.count), head, key=begin)
        high = bisect_right(range(page.count), head, key=begin)
        body = data[HEADER.size + KEY.size * low : HEADER.size + KEY.size * high]
        if self.recorder is not NO_TRACE:
            self.recorder.emit(
                self.now_us, "page_read", self.place, file=self.name, page=number, size_bytes=PAGE_BYTES,
                used_bytes=len(body), source="cache" if hit else "disk",
            )  # fmt: skip
        return list(KEY.iter_unpack(body))

    def close(self) -> None:
        """Let the pool forget this run's pages."""
        for number in range(self.page_count):
            if self.pool.holds(self, number):
                self.pool.forget(self, number)


def _key(page: Page, position: int) -> Key:
    return KEY.unpack_from(page.data, HEADER.size + KEY.size * position)
