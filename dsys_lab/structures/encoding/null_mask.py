"""Where is a NULL kept, if every bit pattern of a number is a number?

Beside the values: one bit a row, 1 where there is none, eight rows a byte, the first row in the lowest bit. In the
place of the value stands a zero (an empty text), so that a sum needs no look at the mask. A chunk without NULL has no
mask.
"""

from __future__ import annotations

import numpy as np

from dsys_lab.structures.encoding.codec import Array


def mask_bytes(rows: int) -> int:
    """Return the bytes of the mask of `rows` rows."""
    return -(-rows // 8)


def pack_mask(nulls: Array) -> bytes:
    r"""Return the bytes of a mask, shape (rows,) of bool.

    Examples
    --------
    >>> pack_mask(np.array([True, False, True]))
    b'\x05'
    """
    return np.packbits(nulls, bitorder="little").tobytes()


def unpack_mask(stack: Array, rows: int) -> Array:
    """Return the masks of a stack, shape (chunks, mask_bytes(rows)), as bool of shape (chunks, rows)."""
    return np.unpackbits(stack, axis=1, count=rows, bitorder="little").view(np.bool_)
