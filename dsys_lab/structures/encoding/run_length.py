"""How is a column written in which the same value stands many times in a row?

Each run once, with its length. A sorted column of few values all but disappears; a shuffled one grows. ::

    | value of run 0 | value of run 1 | ... | length of run 0 | length of run 1 | ...
      w bytes each                            u32 each

So the size says how many runs there are: size / (w + 4).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.structures.encoding.codec import DTYPES, Array, Codec, same_bits

_LENGTH_BYTES: Final = 4


def starts_of_runs(values: Array) -> Array:
    """Return the positions at which a value differs from the one before, 0 first."""
    bits = same_bits(values)
    return np.concatenate(([0], np.flatnonzero(bits[1:] != bits[:-1]) + 1)) if len(values) else np.array([], np.int64)


def encode(values: Array) -> bytes:
    """Return the runs."""
    starts = starts_of_runs(values)
    lengths = np.diff(starts, append=len(values)).astype("<u4")
    return values[starts].tobytes() + lengths.tobytes()


def runs(stack: Array, type_: str) -> tuple[Array, Array]:
    """Return the values and the lengths of the runs of a stack, each of shape (chunks, runs)."""
    dtype = np.dtype(DTYPES[type_])
    values_bytes = stack.shape[1] // (dtype.itemsize + _LENGTH_BYTES) * dtype.itemsize
    return stack[:, :values_bytes].view(dtype), stack[:, values_bytes:].view("<u4")


def decode(stack: Array, type_: str, rows: int) -> Array:
    """Return the values, each as often as its run is long."""
    values, lengths = runs(stack, type_)
    return np.repeat(values.ravel(), lengths.ravel()).reshape(len(stack), rows)


def total(stack: Array, type_: str, rows: int, largest: float) -> int | float:
    """Return the sum of value times length over the runs."""
    values, lengths = (part.ravel() for part in runs(stack, type_))
    if values.dtype.kind == "f":
        return float(values @ lengths)
    if largest * rows * len(stack) < 1 << 63:
        return int(values.astype(np.int64) @ lengths.astype(np.int64))
    return sum(value * length for value, length in zip(values.tolist(), lengths.tolist(), strict=True))


RUN_LENGTH: Final = Codec("run_length", frozenset(DTYPES) - {"text"}, encode, decode, total)
