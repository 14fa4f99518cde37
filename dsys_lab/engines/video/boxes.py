"""Where does a fragmented MP4 file come apart?

A file of MP4 is boxes, one behind the other, some with boxes inside; each begins with its length and four letters. The
head is all up to the end of `moov`; a fragment is a `moof` (which frames, how long, from when) and the `mdat` behind it
(their bytes)::

    ftyp moov | moof mdat | moof mdat | moof mdat | mfra
      head      fragment    fragment    fragment

Source: ISO/IEC 14496-12, "ISO base media file format", 4.2 and 8.8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from dsys_lab.errors import Damaged
from dsys_lab.workloads.film import Film, Piece

_BOX = struct.Struct(">I4s")


class Box(NamedTuple):
    """A box: its letters, where it begins, how long it is with its head."""

    name: str
    start: int
    size: int


def boxes(content: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Give the boxes of a stretch of bytes, without those inside them.

    Raises
    ------
    Damaged
        If a box is longer than the stretch, or too short.
    """
    stop = len(content) if end is None else end
    while start < stop:
        if stop - start < _BOX.size:
            raise Damaged(f"byte {start}: {stop - start} bytes are left, and a box has 8 at least")
        size, letters = _BOX.unpack_from(content, start)
        if not _BOX.size <= size <= stop - start:
            raise Damaged(f"byte {start}: box {letters!r} says it has {size} bytes, and {stop - start} are left")
        yield Box(letters.decode("latin-1"), start, size)
        start += size


def inside(content: bytes, path: str, start: int = 0, end: int | None = None) -> Box:
    """Return the first box at a path such as "moof/traf/tfdt"."""
    name, _, rest = path.partition("/")
    for box in boxes(content, start, end):
        if box.name == name:
            return inside(content, rest, box.start + _BOX.size, box.start + box.size) if rest else box
    raise Damaged(f"byte {start}: there is no box {path!r}")


def parts(content: bytes) -> Film:
    """Take a fragmented MP4 file apart.

    Raises
    ------
    Damaged
        If it is none.
    """
    top = list(boxes(content))
    moov = inside(content, "moov")
    head = content[: moov.start + moov.size]
    scale = _number(content, inside(content, "moov/trak/mdia/mdhd"), small=12, large=20, large_is_wide=False)
    begins, pieces = list[float](), list[Piece]()
    for box, behind in pairwise(top):
        if box.name == "moof":
            tfdt = inside(content, "traf/tfdt", box.start + _BOX.size, box.start + box.size)
            begins.append(_number(content, tfdt, small=4, large=4, large_is_wide=True) / scale)
            data = content[box.start : behind.start + behind.size]
            frames, lasts = _samples(content, box)
            pieces.append(Piece(begins[-1], lasts / scale, frames, data))
    return Film(head, tuple(pieces))


def _number(content: bytes, box: Box, *, small: int, large: int, large_is_wide: bool) -> int:
    """Read a number of a box that has two versions: at `small` in version 0, at `large` in version 1."""
    body = box.start + _BOX.size
    is_large = content[body] == 1
    form = ">Q" if is_large and large_is_wide else ">I"
    (value,) = struct.unpack_from(form, content, body + (large if is_large else small))
    return int(value)


def _samples(content: bytes, moof: Box) -> tuple[int, int]:
    """Return how many frames a fragment has, and how long they last, in ticks of the film's clock."""
    start, end = moof.start + _BOX.size, moof.start + moof.size
    tfhd, trun = inside(content, "traf/tfhd", start, end), inside(content, "traf/trun", start, end)
    default = _default_duration(content, tfhd)
    flags = int.from_bytes(content[trun.start + 9 : trun.start + 12], "big")
    (count,) = struct.unpack_from(">I", content, trun.start + 12)
    at = trun.start + 16 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    each = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if not flags & 0x100:
        return count, count * default
    return count, sum(struct.unpack_from(">I", content, at + each * number)[0] for number in range(count))


def _default_duration(content: bytes, tfhd: Box) -> int:
    """Return how long a frame lasts where the fragment does not say it of each."""
    flags = int.from_bytes(content[tfhd.start + 9 : tfhd.start + 12], "big")
    at = tfhd.start + 16 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
    return int.from_bytes(content[at : at + 4], "big") if flags & 0x8 else 0
