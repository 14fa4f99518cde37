"""What is a codec? Three pure functions under a name, and the types that they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

Array = np.ndarray
DTYPES: Final = {
    "u8": "<u1", "u16": "<u2", "u32": "<u4", "u64": "<u8", "i32": "<i4", "i64": "<i8", "f64": "<f8", "text": "O",
}  # fmt: skip
"""The numpy type of each type of a schema; texts are objects."""
WHOLE: Final = frozenset(DTYPES) - {"f64", "text"}
_HALF: Final = 32
_INT64_END: Final = 1 << 63


class Codec(NamedTuple):
    """One way to write a column.

    Attributes
    ----------
    name : str
    types : frozenset of str
        The types of a schema that it takes.
    encode : callable
        `(values)`, shape (rows,), of the type's `DTYPES` -> bytes.
    decode : callable
        `(stack, type, rows)` -> values, shape (chunks, rows).
    total : callable
        `(stack, type, rows, largest)` -> the sum of all values, exact for whole numbers; `largest` is a bound of their
        absolute values.
    """

    name: str
    types: frozenset[str]
    encode: Callable[[Array], bytes]
    decode: Callable[[Array, str, int], Array]
    total: Callable[[Array, str, int, float], int | float]


def exact_sum(values: Array, largest: float) -> int | float:
    """Return the sum of numbers: exact if they are whole, although a sum of 64-bit numbers may need more than 64.

    Examples
    --------
    >>> exact_sum(np.array([2**64 - 1, 2**64 - 1], "<u8"), largest=2**64 - 1) == 2 * (2**64 - 1)
    True
    """
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):  # infinity is the answer
            return float(values.sum())
    if largest * values.size < _INT64_END:
        return int(values.sum(dtype=np.int64))
    high = int((values >> values.dtype.type(_HALF)).sum(dtype=np.int64))
    low = int((values & values.dtype.type((1 << _HALF) - 1)).sum(dtype=np.int64))
    return (high << _HALF) + low


def same_bits(values: Array) -> Array:
    """Return values that are equal exactly where the given ones have the same bits: -0.0 is not 0.0."""
    return values.view("<u8") if values.dtype.kind == "f" else values


def wide(values: Array) -> Array:
    """Return whole numbers as unsigned 64-bit ones, in which sums and differences wrap around alike."""
    return values.astype("<i8").view("<u8") if values.dtype.kind == "i" else values.astype("<u8")
