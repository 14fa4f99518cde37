"""What is read when one entry of a run is wanted?

One *block*: some 4,096 bytes of entries in the order of their keys, where each begins, and a checksum over all::

    +---------+---------+- - -+---------+------------------------+---------+---------+
    | entry 0 | entry 1 |     | entry n | offsets, one an entry  | count   | crc32   |
    +---------+---------+- - -+---------+------------------------+---------+---------+
      see `entry`                         u32 ">I" each            u32       u32

The offsets let a lookup halve its way to an entry without decoding the others.

Source: the block of LevelDB (doc/table_format.md), without its compression of common beginnings of keys; mini-lsm,
week 1, day 3.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from dsys_lab.stores.key_value.entry import HEAD

_END: Final = struct.Struct(">II")

Stored = tuple[bytes, bytes]
"""A key, and the bytes of its entry."""


class Block:
    """The entries of one block, found by key or given in order.

    Parameters
    ----------
    content : bytes
        The block as it was read, its checksum found right (see `is_whole`).
    """

    __slots__ = ("_content", "_starts", "_stop")

    def __init__(self, content: bytes) -> None:
        count, _ = _END.unpack_from(content, len(content) - _END.size)
        self._stop = len(content) - _END.size - 4 * count
        self._starts: tuple[int, ...] = struct.unpack_from(f">{count}I", content, self._stop)
        self._content = content

    def get(self, key: bytes) -> bytes | None:
        """Return the stored entry of `key`, or None if it is not here."""
        place = bisect_left(self._starts, key, key=self._key_at)
        if place == len(self._starts) or self._key_at(self._starts[place]) != key:
            return None
        stop = self._starts[place + 1] if place + 1 < len(self._starts) else self._stop
        return self._content[self._starts[place] : stop]

    def entries(self, low: bytes | None = None) -> Iterator[Stored]:
        """Give the entries from `low` on."""
        content, unpack, head = self._content, HEAD.unpack_from, HEAD.size
        first = 0 if low is None else bisect_left(self._starts, low, key=self._key_at)
        starts = self._starts[first:]
        for start, stop in zip(starts, (*starts[1:], self._stop), strict=False):
            yield content[start + head : start + head + unpack(content, start)[0]], content[start:stop]

    def _key_at(self, start: int) -> bytes:
        content, key_start = self._content, start + HEAD.size
        return content[key_start : key_start + (content[start] << 8 | content[start + 1])]


def encode(stored: Sequence[bytes]) -> bytes:
    """Return the block of these stored entries, which stand in the order of their keys."""
    starts, start = [], 0
    for entry in stored:
        starts.append(start)
        start += len(entry)
    content = b"".join(stored) + struct.pack(f">{len(starts) + 1}I", *starts, len(starts))
    return content + zlib.crc32(content).to_bytes(4, "big")


def is_whole(content: bytes) -> bool:
    """Whether these bytes are what was written, by the checksum that they end with."""
    return len(content) >= _END.size and zlib.crc32(content[:-4]).to_bytes(4, "big") == content[-4:]
