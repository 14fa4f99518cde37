"""How is a column written with no trick at all?

Numbers one after the other, little-endian, so that they are read where they lie, without a copy. Texts behind the
places where they end::

    numbers  | v0 | v1 | v2 | ...          w bytes each
    texts    | end0 | end1 | ... | the texts in UTF-8, one after the other     ends: u32, counted from the first text
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.structures.encoding.codec import DTYPES, Array, Codec, exact_sum


def encode(values: Array) -> bytes:
    """Return the bytes of the values."""
    if values.dtype.kind != "O":
        return values.tobytes()
    texts = [text.encode() for text in values]
    ends = np.cumsum([len(text) for text in texts], dtype="<u4")
    return ends.tobytes() + b"".join(texts)


def decode(stack: Array, type_: str, rows: int) -> Array:
    """Return the values; numbers are a view of the stack."""
    if type_ != "text":
        return stack.view(DTYPES[type_])
    values = np.empty((len(stack), rows), object)
    for line, chunk in zip(values, stack, strict=True):
        line[:] = texts(chunk.tobytes(), rows)
    return values


def texts(data: bytes, rows: int) -> list[str]:
    """Return `rows` texts from their bytes."""
    ends = np.frombuffer(data, "<u4", rows).tolist()
    body = data[4 * rows :]
    return [body[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def total(stack: Array, type_: str, rows: int, largest: float) -> int | float:
    """Return the sum of the values."""
    return exact_sum(decode(stack, type_, rows), largest)


PLAIN: Final = Codec("plain", frozenset(DTYPES), encode, decode, total)
