"""What is one column of one row group, and what is known of it without reading it?

A *chunk*: its values, encoded, behind them its null mask, if any of them is NULL; and a line in the manifest that says
where it lies, its checksum, and its *zone map*: the smallest value, the largest, how many NULLs. Often the zone map is
the answer: none of its rows can pass a filter, or all of them do, or the largest is what was asked for. ::

    | values, encoded (see `structures.encoding`)            | null mask            |
      size - mask bytes                                        ceil(rows / 8), if there are NULLs

The zone map of a text keeps `ZONE_TEXT` characters: a lower bound stays one when it is cut; where the largest is longer
there is no upper bound.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import numpy as np

from dsys_lab.stores.bounds import Bounds
from dsys_lab.structures.encoding import CODECS, choose, mask_bytes, pack_mask
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column, Value

ZONE_TEXT: Final = 16
WORD: Final = 8
"""Chunks begin at multiples of a word, for numbers are read faster there."""


class Filled(NamedTuple):
    """The values of a column, shape (rows,), zero where there is none; `nulls` is None where all are there."""

    values: Array
    nulls: Array | None = None

    def rows(self, kept: Array | slice) -> Filled:
        """Return some of the rows."""
        return Filled(self.values[kept], None if self.nulls is None else self.nulls[kept])


class Verdict(Enum):
    """What a zone map says of a filter."""

    NONE = "no row can pass"
    SOME = "rows must be looked at"
    ALL = "every row passes"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of one row group.

    Attributes
    ----------
    column : str
    block : int
        The number of its row group, and so its own among the chunks of the column.
    file : str
    offset, size_bytes : int
        Where it lies.
    rows, nulls : int
    codec : str
        One of `CODECS`.
    low, high : value or None
        The smallest and the largest; None where every row is NULL, or no bound is known.
    crc32 : int
    """

    column: str
    block: int
    file: str
    offset: int
    size_bytes: int
    rows: int
    nulls: int
    codec: str
    low: Value
    high: Value
    crc32: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.size_bytes

    @property
    def room_bytes(self) -> int:
        """Its bytes, and those up to the next word."""
        return -(-self.size_bytes // WORD) * WORD

    @property
    def body_bytes(self) -> int:
        """Bytes of its values, without the mask."""
        return self.size_bytes - (mask_bytes(self.rows) if self.nulls else 0)

    def verdict(self, bounds: Bounds) -> Verdict:
        """Return what the zone map says of these bounds; NULL never passes."""
        if self.nulls == self.rows or not bounds.meets(self.low, self.high):
            return Verdict.NONE
        return Verdict.ALL if not self.nulls and bounds.covers(self.low, self.high) else Verdict.SOME

    def extends(self, before: Chunk) -> bool:
        """Whether it lies behind `before` and has its form, so that the two are read as one stack."""
        return (
            self.offset == before.offset + before.room_bytes
            and self.size_bytes == before.size_bytes
            and self.rows == before.rows
            and self.codec == before.codec
            and self.file == before.file
            and (self.nulls > 0) == (before.nulls > 0)
        )


def encode_chunk(column: Column, filled: Filled, *, block: int, codec: str | None = None) -> tuple[Chunk, bytes]:
    """Return the chunk of some values and its bytes; its file and offset are still to be given.

    Parameters
    ----------
    codec : str, optional
        One of `CODECS`; chosen if it is not given, or not for this type.
    """
    values, nulls = filled
    if codec is None or column.type not in CODECS[codec].types:
        codec = choose(values, column.type)
    data = CODECS[codec].encode(values)
    missing = 0 if nulls is None else int(nulls.sum())
    if missing and nulls is not None:
        data += pack_mask(nulls)
        values = values[~nulls]
    low, high = zone(values)
    rows, crc32 = len(filled.values), zlib.crc32(data)
    return Chunk(column.name, block, "", 0, len(data), rows, missing, codec, low, high, crc32), data


def zone(values: Array) -> tuple[Value, Value]:
    """Return the smallest and the largest of some values, None and None if there are none."""
    if not len(values):
        return None, None
    if values.dtype.kind != "O":
        return values.min().item(), values.max().item()
    low, high = min(values), max(values)
    return low[:ZONE_TEXT], high if len(high) <= ZONE_TEXT else None


def gathered(parts: list[Filled]) -> Filled:
    """Return the rows of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    values = np.concatenate([part.values for part in parts])
    if all(part.nulls is None for part in parts):
        return Filled(values)
    nulls = [np.zeros(len(part.values), bool) if part.nulls is None else part.nulls for part in parts]
    return Filled(values, np.concatenate(nulls))
