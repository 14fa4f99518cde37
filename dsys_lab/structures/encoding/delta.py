"""How is a column written that climbs, as times and numbers given in order do?

As its steps, each as its distance from the smallest step, in as many bits as the largest distance needs::

    | first - smallest step u64 | smallest step u64 | bit plane 0 | bit plane 1 | ...     (see `bit_slices`)

The numbers 1, 2, 3, ... climb by one and one, so all distances are 0 and 16 bytes hold any number of them. To know a
value, all before it must be added up: reading one costs as much as reading all.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.structures.encoding import bit_slices
from dsys_lab.structures.encoding.codec import DTYPES, WHOLE, Array, Codec, exact_sum, wide

_HEAD: Final = 16


def steps(values: Array) -> Array:
    """Return by how much each value is above its left neighbour, as signed numbers that wrap around at 64 bits."""
    return np.diff(wide(values), axis=-1).view("<i8")


def encode(values: Array) -> bytes:
    """Return where it starts, the smallest step and the planes of the distances from it."""
    climbs = steps(values)
    smallest = wide(climbs.min(keepdims=True)) if len(climbs) else np.zeros(1, "<u8")
    first = wide(values[:1]) if len(values) else np.zeros(1, "<u8")
    distances = np.concatenate((np.zeros(min(len(values), 1), "<u8"), climbs.view("<u8") - smallest))
    return (first - smallest).tobytes() + smallest.tobytes() + bit_slices.pack(distances)


def decode(stack: Array, type_: str, rows: int) -> Array:
    """Return the values, each the sum of all steps up to it."""
    head = np.ascontiguousarray(stack[:, :_HEAD]).view("<u8")
    climbs = bit_slices.unpack(stack[:, _HEAD:], rows).astype("<u8")
    climbs += head[:, 1:]
    values = np.cumsum(climbs, axis=1, out=climbs)
    values += head[:, :1]
    return values.astype(DTYPES[type_], copy=False)


def total(stack: Array, type_: str, rows: int, largest: float) -> int | float:
    """Return the sum."""
    return exact_sum(decode(stack, type_, rows), largest)


DELTA: Final = Codec("delta", WHOLE, encode, decode, total)
