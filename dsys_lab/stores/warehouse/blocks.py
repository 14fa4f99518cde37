"""How many rows are in a block, and which blocks need not be read?

A block has a fixed size in bytes, not in rows: of a column that shrinks to one bit a row it holds sixteen times as many
rows as of one that needs sixteen. So the blocks of two columns end at different rows, and each knows its first. ::

    rows      0                4,096            8,192            12,288
    city_id   | block 0: 4,096 | block 1        | block 2        |      u32, plain: 16 KiB / 4
    off       | block 0: 12,288 rows in 1,544 bytes              |      a bit a row: not even full

The zone map of a block (see `column_store.chunk`) says what its smallest and largest values are: a filter that misses
them skips the block. On disk each block takes its full size, however little it holds.

The leader knows the zone maps, also of a slice that is lost: then a block is there without its bytes, and `kept` says
under which name they are in managed storage, if they are (see `managed`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dsys_lab.errors import Damaged, Refused
from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.chunk import Chunk, Filled, Verdict, encode_chunk, gathered
from dsys_lab.stores.column_store.stretches import unpacked
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of one column, encoded.

    Attributes
    ----------
    first : int
        Its first row, counted within its region.
    chunk : Chunk
        Zone map, codec, size and checksum.
    data : bytes or None
        None where its slice is lost.
    kept : str
        The name of its object in managed storage, "" for none.
    """

    first: int
    chunk: Chunk
    data: bytes | None
    kept: str = ""

    @property
    def end(self) -> int:
        """The row behind its last."""
        return self.first + self.chunk.rows

    @property
    def name(self) -> str:
        """What an error calls it."""
        return f"block {self.chunk.block} of column {self.chunk.column!r}"

    def without_data(self) -> Block:
        """Return what is known of it when its slice is lost."""
        return replace(self, data=None)

    def read(self, type_: str) -> Filled:
        """Return its values.

        Raises
        ------
        Damaged
            If the bytes are lost, or not those that were written.
        """
        if self.data is None:
            raise Damaged(f"{self.name} is lost with its slice, and nothing keeps another copy: load the table anew")
        if zlib.crc32(self.data) != self.chunk.crc32:
            raise Damaged(f"{self.name} is not what was written: load the table anew")
        return unpacked(np.frombuffer(self.data, np.uint8).reshape(1, -1), self.chunk, type_)


def cut(
    column: Column, filled: Filled, *, block_bytes: int, codec: str | None, first: int = 0, number: int = 0
) -> tuple[Block, ...]:
    """Return the values of a column in blocks of at most `block_bytes`.

    Parameters
    ----------
    codec : str or None
        One of `structures.encoding.CODECS`; None lets each block have the smallest.
    first, number : int
        Of the first block: its first row, and its number.

    Raises
    ------
    Refused
        If a single value is larger than a block.
    """
    blocks: list[Block] = []
    at, tried = 0, len(filled.values)
    while at < len(filled.values):
        rows = min(tried, len(filled.values) - at)
        while True:
            part = filled.rows(slice(at, at + rows))
            chunk, data = encode_chunk(column, _without_idle_nulls(part), block=number + len(blocks), codec=codec)
            if len(data) <= block_bytes:
                break
            if rows == 1:
                raise Refused(f"column {column.name!r}: a value needs {len(data):,} bytes, a block has {block_bytes:,}")
            rows = max(1, min(rows - 1, rows * block_bytes // len(data)))
        blocks.append(Block(first + at, chunk, data))
        at, tried = at + rows, 2 * rows
    return tuple(blocks)


def _without_idle_nulls(part: Filled) -> Filled:
    return Filled(part.values) if part.nulls is not None and not part.nulls.any() else part


def continued(
    column: Column, blocks: tuple[Block, ...], more: Filled, *, block_bytes: int, codec: str | None
) -> tuple[tuple[Block, ...], int]:
    """Return blocks with more rows behind them, and how many blocks were written: the last one is written anew."""
    if not blocks:
        made = cut(column, more, block_bytes=block_bytes, codec=codec)
        return made, len(made)
    last = blocks[-1]
    filled = gathered([last.read(column.type), more])
    made = cut(column, filled, block_bytes=block_bytes, codec=codec, first=last.first, number=last.chunk.block)
    return (*blocks[:-1], *made), len(made)


def may_pass(blocks: Sequence[Block], bounds: Bounds, rows: int) -> Array:
    """Return which rows of a region the zone maps leave in question, shape (rows,) of bool."""
    kept = np.zeros(rows, bool)
    for block in blocks:
        if block.chunk.verdict(bounds) is not Verdict.NONE:
            kept[block.first : block.end] = True
    return kept


def holding(blocks: Iterable[Block], kept: Array) -> tuple[Block, ...]:
    """Return the blocks in which any row is kept."""
    return tuple(block for block in blocks if kept[block.first : block.end].any())


def read_rows(blocks: Sequence[Block], type_: str, rows: int) -> Filled:
    """Return a column of a region with the values of these blocks in their places; elsewhere it is not to be used."""
    parts = [(block, block.read(type_)) for block in blocks]
    if len(parts) == 1 and parts[0][0].chunk.rows == rows:
        return parts[0][1]
    dtype = parts[0][1].values.dtype if parts else np.dtype("u1")
    values = np.zeros(rows, dtype)
    nulls = np.zeros(rows, bool)
    for block, filled in parts:
        values[block.first : block.end] = filled.values
        if filled.nulls is not None:
            nulls[block.first : block.end] = filled.nulls
    return Filled(values, nulls if nulls.any() else None)
