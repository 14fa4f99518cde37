"""How is a column written that holds few different values?

Each different value once, in order, and for every row only its *code*, the place of its value among them::

    | different u32 | 0 u32 | code of row 0 | code of row 1 | ... | the different values, as in `plain`
                              1, 2 or 4 bytes each, as `different` needs

What is asked by value (group by city) is answered by code, without looking at a text more than once a chunk.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.structures.encoding import plain
from dsys_lab.structures.encoding.codec import DTYPES, Array, Codec, same_bits

_HEAD: Final = 8


def code_type(different: int) -> str:
    """Return the narrowest type that counts `different` values."""
    return "<u1" if different <= 1 << 8 else "<u2" if different <= 1 << 16 else "<u4"


def encode(values: Array) -> bytes:
    """Return the codes and the dictionary."""
    labels, codes = np.unique(same_bits(values), return_inverse=True)
    head = np.array([len(labels), 0], "<u4")
    return head.tobytes() + codes.astype(code_type(len(labels))).tobytes() + plain.encode(labels.view(values.dtype))


def labels_and_codes(chunk: Array, type_: str, rows: int) -> tuple[Array, Array]:
    """Return the dictionary of one chunk, shape (different,), and the code of every row, shape (rows,).

    Parameters
    ----------
    chunk : array of uint8, shape (size,)
    """
    different = int(np.frombuffer(chunk, "<u4", 1)[0])
    codes = np.frombuffer(chunk, code_type(different), rows, _HEAD)
    data = chunk[_HEAD + codes.nbytes :]
    if type_ == "text":
        return np.array([*plain.texts(data.tobytes(), different), None], object)[:-1], codes
    return np.frombuffer(data, DTYPES[type_], different), codes


def decode(stack: Array, type_: str, rows: int) -> Array:
    """Return the values, looked up by code."""
    values = np.empty((len(stack), rows), DTYPES[type_])
    for line, chunk in zip(values, stack, strict=True):
        labels, codes = labels_and_codes(chunk, type_, rows)
        np.take(labels, codes, out=line)
    return values


def total(stack: Array, type_: str, rows: int, largest: float) -> int | float:
    """Return the sum: each different value times how often its code stands there."""
    head = np.ascontiguousarray(stack[:, :4]).view("<u4")
    dictionaries_at = _HEAD + rows * np.dtype(code_type(int(head[0, 0]))).itemsize
    if (stack[:, :4] == stack[0, :4]).all() and (stack[:, dictionaries_at:] == stack[0, dictionaries_at:]).all():
        labels, _ = labels_and_codes(stack[0], type_, rows)
        codes = stack[:, _HEAD:dictionaries_at].view(code_type(len(labels)))
        return _total(labels, codes.ravel())
    return sum(_total(*labels_and_codes(chunk, type_, rows)) for chunk in stack)


def _total(labels: Array, codes: Array) -> int | float:
    counts = np.bincount(codes, minlength=len(labels))
    return sum(label * count for label, count in zip(labels.tolist(), counts.tolist(), strict=True))


DICTIONARY: Final = Codec("dictionary", frozenset(DTYPES), encode, decode, total)
