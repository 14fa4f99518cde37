"""How is a column written if nothing is known of it, but that bytes may repeat?

By a general compressor: the values as when `plain`, handed to zlib as one piece. It finds what the other encodings find
and more (words that several texts share), and is paid for: nothing can be asked of the column before all of it is
unpacked, and packing takes many times as long. ::

    | zlib stream of (the values, as in `plain`) |

Source: Deutsch and Gailly, "ZLIB compressed data format specification", RFC 1950, 1996.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from dsys_lab.structures.encoding import plain
from dsys_lab.structures.encoding.codec import DTYPES, Array, Codec, exact_sum


def encode(values: Array) -> bytes:
    """Return the plain bytes, compressed."""
    return zlib.compress(plain.encode(values))


def decode(stack: Array, type_: str, rows: int) -> Array:
    """Return the values."""
    values = np.empty((len(stack), rows), DTYPES[type_])
    for line, chunk in zip(values, stack, strict=True):
        data = np.frombuffer(zlib.decompress(chunk.tobytes()), np.uint8)
        line[:] = plain.decode(data.reshape(1, -1), type_, rows)[0]
    return values


def total(stack: Array, type_: str, rows: int, largest: float) -> int | float:
    """Return the sum."""
    return exact_sum(decode(stack, type_, rows), largest)


ZLIB: Final = Codec("zlib", frozenset(DTYPES), encode, decode, total)
