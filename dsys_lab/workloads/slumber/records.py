"""What are the bytes of a row, and are these the same rows in whatever order they came back?

A record lays the columns of a row one after the other, little-endian, texts filled up with zeros to a fixed width, and
the whole filled up to 8-byte words. It is how a row store keeps a row, and what is hashed:

    h = 0;  for each word:  h = mix(h * weyl + word)

The digest of a table is the wrapping sum of the hashes of its rows. A sum does not care about order, so the same 64
bits hold for a heap file, a column store that sorted its rows, and an engine that answers from eight threads. And the
digest of a table is the sum of the digests of its chunks, so a table that never fits memory has one too.

Promise: one changed bit, one missing row or one row twice changes the digest, but for one chance in 2^64. Changes that
cancel each other on purpose are possible: this is a check, not a seal.

Cost: two passes a word; a night has eight words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from dsys_lab.errors import Misuse
from dsys_lab.workloads.slumber.luck import WEYL, Columns, mix_in_place

_BLOCK: Final = 16_384
_WORD_BYTES: Final = 8


def record(fields: str) -> np.dtype:
    """Return the record of these fields, each `name:type` with u1, u2, i4, u8 … or S and a width.

    Examples
    --------
    >>> record("city_id:u1 city:S16").itemsize
    24
    """
    pairs = [field.split(":") for field in fields.split()]
    packed = np.dtype([(name, kind if kind == "u1" or kind[0] == "S" else f"<{kind}") for name, kind in pairs])
    places = [packed.fields[name] for name in packed.names or ()] if packed.fields else []
    return np.dtype({
        "names": [name for name, _ in pairs],
        "formats": [place[0] for place in places],
        "offsets": [place[1] for place in places],
        "itemsize": -(-packed.itemsize // _WORD_BYTES) * _WORD_BYTES,
    })  # fmt: skip


def records(columns: Columns, layout: np.dtype) -> np.ndarray:
    """Return the columns as records of this layout, one after the other in memory.

    Raises
    ------
    Misuse
        If a column of the layout is missing, or a text is wider than its field.
    """
    missing = [name for name in layout.names or () if name not in columns]
    if missing:
        raise Misuse(f"no column {missing[0]!r} for the record: the columns are {', '.join(columns)}")
    rows = np.zeros(len(next(iter(columns.values()))), layout)
    for name in layout.names or ():
        if layout[name].kind == "S":
            texts = set(columns[name])
            if max(map(len, texts), default=0) > layout[name].itemsize:
                raise Misuse(f"column {name!r} holds a text above {layout[name].itemsize} bytes: widen the record")
            if texts <= {""}:
                continue  # the record is zeros already
        rows[name] = columns[name]
    return rows


def digest(rows: np.ndarray) -> int:
    """Return the digest of records, 64 bits.

    Raises
    ------
    Misuse
        If the records are not whole 8-byte words.
    """
    size = rows.dtype.itemsize
    if rows.dtype.names is None or size % _WORD_BYTES:
        raise Misuse(f"a digest is of records of whole 8-byte words, not of {rows.dtype}: make them with `records`")
    words = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), size).view("<u8")
    return combined(_digest_of_block(words[start : start + _BLOCK]) for start in range(0, len(words), _BLOCK))


def _digest_of_block(words: np.ndarray) -> int:
    hashed = np.zeros(len(words), np.uint64)
    for column in words.T:
        hashed *= np.uint64(WEYL)
        hashed += column
        mix_in_place(hashed)
    return int(np.add.reduce(hashed))


def combined(digests: Iterable[int]) -> int:
    """Return the digest of all rows together from the digests of their chunks."""
    return sum(digests) & ((1 << 64) - 1)
