"""How is a column written whose values are near each other?

As distances from the smallest, the *frame of reference*, in as many bits as the largest distance needs::

    | smallest u64 | bit plane 0 | bit plane 1 | ...         (see `bit_slices`)

Ages of 10 to 120 take seven bits, minutes of 120 to 720 take ten, a column of one value none at all. The sum is
rows * smallest + the sum of the distances, which are counted and never unpacked.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.structures.encoding import bit_slices
from dsys_lab.structures.encoding.codec import DTYPES, WHOLE, Array, Codec, wide

_HEAD: Final = 8


def encode(values: Array) -> bytes:
    """Return the smallest value and the planes of the distances from it."""
    smallest = values.min() if len(values) else values.dtype.type(0)
    head = wide(np.array([smallest], values.dtype))
    return head.tobytes() + bit_slices.pack(wide(values) - head)


def _smallest(stack: Array) -> Array:
    return np.ascontiguousarray(stack[:, :_HEAD]).view("<u8")


def decode(stack: Array, type_: str, rows: int) -> Array:
    """Return the values."""
    dtype = np.dtype(DTYPES[type_])
    unsigned = f"<u{dtype.itemsize}"
    values = bit_slices.unpack(stack[:, _HEAD:], rows).astype(unsigned, copy=False)
    values += _smallest(stack).astype(unsigned)
    return values.view(dtype)


def total(stack: Array, type_: str, rows: int, largest: float) -> int:
    """Return the sum, from the ones in each plane."""
    smallest = _smallest(stack).view("<i8" if DTYPES[type_][1] == "i" else "<u8")
    return sum(smallest.ravel().tolist()) * rows + bit_slices.total(stack[:, _HEAD:], rows)


FRAME: Final = Codec("frame", WHOLE, encode, decode, total)
