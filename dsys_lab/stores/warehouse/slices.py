"""How does one slice keep its part of a table, so that a load is there whole or not at all?

A slice has two *regions*. The *sorted* one is in the order of the sort key, so its zone maps are narrow; what is loaded
later lands in the *unsorted* one, in the order of its arrival, until `vacuumed` merges the two. Only a load whose rows
all come behind those of a wholly sorted slice goes to the sorted region at once. ::

                 sorted region                    unsorted region
    date_key     |0..31|31..60|60..92|            |3..91|0..88|
    insert_xid   |1                  |            |2    2     |     hidden: which transaction brought the row
    delete_xid   |0                  |            |0          |     hidden: which one took it away, 0 for none
    row_id       |0...               |            |...        |     hidden: its number in the slice

A `Snapshot` says which transactions count. Rows of a load that came to nothing are in their blocks and never seen; no
block is taken back when a load fails, and a vacuum leaves them out. The zone maps of the hidden columns mostly answer
for all rows of a block, and then it is not read.

A slice is a value: every change gives a new one, which shares the blocks that stayed as they were.

Sources: Amazon Redshift Database Developer Guide, "Vacuuming tables", "Loading your data in sort key order";
Armenatzoglou et al., "Amazon Redshift re-invented", SIGMOD 2022 (hidden columns, MVCC).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.chunk import Filled, Verdict, gathered
from dsys_lab.stores.warehouse.blocks import Block, continued, cut, read_rows
from dsys_lab.structures.encoding import CODECS
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column, Schema

HIDDEN: Final = (Column("insert_xid", "u64"), Column("delete_xid", "u64"), Column("row_id", "u64"))
"""The three columns that every table has and no question names."""
Columns = Mapping[str, Filled]


@dataclass(frozen=True, slots=True)
class Layout:
    """How every slice keeps its part of one table.

    Attributes
    ----------
    schema : Schema
    sort_key : tuple of str
        Compound: by the first column, then the second; NULLs last.
    encodings : mapping
        Codec by column; where none is given each block has the smallest.
    block_bytes : int
    """

    schema: Schema
    sort_key: tuple[str, ...] = ()
    encodings: Mapping[str, str] | None = None
    block_bytes: int = 1 << 14

    def __post_init__(self) -> None:
        if self.block_bytes < 64:
            raise BadParameter(f"block_bytes = {self.block_bytes!r}: give 64 or more")
        for name in (*self.sort_key, *(self.encodings or {})):
            self.schema.position(name)
        for column in HIDDEN:
            if column.name in self.schema.names:
                raise BadParameter(f"column {column.name!r} is one of the hidden ones: give it another name")
        for name, codec in (self.encodings or {}).items():
            require_choice(f"encoding of {name!r}", codec, tuple(CODECS))
            type_ = self.schema.columns[self.schema.position(name)].type
            if type_ not in CODECS[codec].types:
                raise BadParameter(f"encoding of {name!r}: {codec} is not for a {type_}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, the hidden ones last."""
        return (*self.schema.columns, *HIDDEN)

    def codec(self, name: str) -> str | None:
        """Return the codec of a column, None for the smallest."""
        return (self.encodings or {}).get(name)

    def order(self, columns: Columns) -> Array:
        """Return the positions of the rows in the order of the sort key; equal ones stay in their order."""
        keys: list[Array] = []
        for name in reversed(self.sort_key):
            values, nulls = columns[name]
            keys.append(np.unique(values, return_inverse=True)[1] if values.dtype.kind == "O" else values)
            keys.append(np.zeros(len(values), bool) if nulls is None else nulls)
        return np.lexsort(keys) if keys else np.arange(len(next(iter(columns.values())).values))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions count: those before `next_xid`, but for those that run or came to nothing."""

    next_xid: int
    left_out: frozenset[int] = frozenset()

    def counts(self, xids: Array) -> Array:
        """Return which transactions count, shape (rows,)."""
        return (xids < self.next_xid) & ~np.isin(xids, sorted(self.left_out))

    def all_between(self, low: int, high: int) -> bool:
        """Whether all transactions of a range count."""
        return high < self.next_xid and not any(low <= xid <= high for xid in self.left_out)


@dataclass(frozen=True, slots=True)
class Region:
    """Rows of a slice, column by column in blocks."""

    name: str
    rows: int
    blocks: Mapping[str, tuple[Block, ...]]

    def block_count(self) -> int:
        """Return how many blocks it has, those of the hidden columns included."""
        return sum(len(blocks) for blocks in self.blocks.values())

    def encoded_bytes(self) -> int:
        """Return the bytes in its blocks."""
        return sum(block.chunk.size_bytes for blocks in self.blocks.values() for block in blocks)

    def load(self, column: Column) -> Filled:
        """Return all values of a column."""
        return read_rows(self.blocks[column.name], column.type, self.rows)

    def unanswered(self, snapshot: Snapshot, kept: Array) -> dict[str, tuple[Block, ...]]:
        """Return the blocks of the hidden columns whose zone maps do not say that all rows are to be seen."""
        inserted = [
            block for block in self.blocks["insert_xid"]
            if not snapshot.all_between(int(block.chunk.low or 0), int(block.chunk.high or 0))
        ]  # fmt: skip
        deleted = [block for block in self.blocks["delete_xid"] if block.chunk.verdict(Bounds(0, 0)) is not Verdict.ALL]
        return {
            name: tuple(block for block in blocks if kept[block.first : block.end].any())
            for name, blocks in (("insert_xid", inserted), ("delete_xid", deleted))
        }


def visible(snapshot: Snapshot, hidden: Mapping[str, tuple[Block, ...]], rows: int) -> Array:
    """Return which rows are to be seen, by the blocks that `Region.unanswered` gave; shape (rows,) of bool."""
    seen = np.ones(rows, bool)
    for block in hidden["insert_xid"]:
        seen[block.first : block.end] &= snapshot.counts(block.read("u64").values)
    for block in hidden["delete_xid"]:
        xids = block.read("u64").values
        seen[block.first : block.end] &= (xids == 0) | ~snapshot.counts(xids)
    return seen


def _empty(layout: Layout, name: str) -> Region:
    return Region(name, 0, {column.name: () for column in layout.columns})


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice's part of one table."""

    layout: Layout
    sorted: Region
    unsorted: Region
    next_row_id: int = 0

    @classmethod
    def empty(cls, layout: Layout) -> Slice:
        """Return a slice without rows."""
        return cls(layout, _empty(layout, "sorted"), _empty(layout, "unsorted"))

    @property
    def regions(self) -> tuple[Region, ...]:
        """Those that hold rows."""
        return tuple(region for region in (self.sorted, self.unsorted) if region.rows)

    def loaded(self, columns: Columns, *, xid: int) -> tuple[Slice, int]:
        """Return the slice with more rows, in the order of the sort key among themselves, and the blocks written."""
        rows = len(next(iter(columns.values())).values)
        if not rows:
            return self, 0
        order = self.layout.order(columns)
        given = {name: filled.rows(order) for name, filled in columns.items()}
        given["insert_xid"] = Filled(np.full(rows, xid, "<u8"))
        given["delete_xid"] = Filled(np.zeros(rows, "<u8"))
        given["row_id"] = Filled(np.arange(self.next_row_id, self.next_row_id + rows, dtype="<u8"))
        region = self.sorted if self._goes_on(given) else self.unsorted
        blocks, written = {}, 0
        for column in self.layout.columns:
            blocks[column.name], made = continued(
                column, region.blocks[column.name], given[column.name],
                block_bytes=self.layout.block_bytes, codec=self.layout.codec(column.name),
            )  # fmt: skip
            written += made
        grown = Region(region.name, region.rows + rows, blocks)
        next_row_id = self.next_row_id + rows
        return replace(self._with(grown), next_row_id=next_row_id), written

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of its blocks."""
        return tuple(block for region in self.regions for blocks in region.blocks.values() for block in blocks)

    @property
    def is_here(self) -> bool:
        """Whether the bytes of all blocks are."""
        return all(block.data is not None for block in self.blocks)

    def with_blocks(self, change: Callable[[Block], Block]) -> Slice:
        """Return the slice with every block changed: kept somewhere, lost, brought back."""
        return self._with(*(
            replace(region, blocks={name: tuple(map(change, blocks)) for name, blocks in region.blocks.items()})
            for region in self.regions
        ))  # fmt: skip

    def _with(self, *regions: Region) -> Slice:
        """Return the slice with these regions in the place of those of the same name."""
        by_name = {region.name: region for region in (self.sorted, self.unsorted, *regions)}
        return replace(self, sorted=by_name["sorted"], unsorted=by_name["unsorted"])

    def _goes_on(self, given: Columns) -> bool:
        """Whether rows, which are in order, come behind all that are here, and all that are here are in order."""
        if not self.layout.sort_key or self.unsorted.rows:
            return False
        if not self.sorted.rows:
            return True
        ends = {}
        for name in self.layout.sort_key:
            column = self.layout.schema.columns[self.layout.schema.position(name)]
            last = self.sorted.blocks[name][-1].read(column.type).rows(slice(-1, None))
            ends[name] = gathered([last, given[name].rows(slice(0, 1))])
        return bool(self.layout.order(ends)[0] == 0)

    def deleted(self, chosen: Mapping[str, Array], *, xid: int) -> tuple[Slice, int]:
        """Return the slice with some rows of each region marked as taken away, and the blocks written."""
        changed: list[Region] = []
        written = 0
        column = HIDDEN[1]
        for region in self.regions:
            rows = chosen[region.name]
            if not rows.any():
                continue
            xids = np.where(rows, np.uint64(xid), region.load(column).values).astype("<u8")
            blocks = cut(column, Filled(xids), block_bytes=self.layout.block_bytes, codec=None)
            written += len(blocks)
            changed.append(replace(region, blocks={**region.blocks, column.name: blocks}))
        return self._with(*changed), written

    def vacuumed(self, snapshot: Snapshot) -> tuple[Slice, int]:
        """Return the slice with all rows that are to be seen, in the sorted region, and the blocks written.

        Without a sort key there is no order to bring them into: they stay in the unsorted region, and only what is not
        to be seen goes.
        """
        parts: dict[str, list[Filled]] = {column.name: [] for column in self.layout.columns}
        for region in self.regions:
            kept = visible(snapshot, region.unanswered(snapshot, np.ones(region.rows, bool)), region.rows)
            for column in self.layout.columns:
                parts[column.name].append(region.load(column).rows(kept))
        name = "sorted" if self.layout.sort_key else "unsorted"
        if not self.regions:
            return self, 0
        columns = {column: gathered(filled) for column, filled in parts.items()}
        columns["delete_xid"] = Filled(np.zeros(len(columns["row_id"].values), "<u8"))
        order = self.layout.order(columns)
        blocks = {
            column.name: cut(column, columns[column.name].rows(order), block_bytes=self.layout.block_bytes,
                             codec=self.layout.codec(column.name))
            for column in self.layout.columns
        }  # fmt: skip
        region = Region(name, len(order), blocks)
        emptied = self._with(_empty(self.layout, "sorted"), _empty(self.layout, "unsorted"), region)
        return emptied, region.block_count()
