"""What does a slice read of a table, and what does it leave alone?

The zone maps of the columns that are filtered are asked first, and only blocks in which a row may still pass go with
the `Scan`. Where a scan runs (it is a value, made to travel to another process) the filters are then asked of the
values themselves, the hidden columns say which rows are to be seen, and of the other columns only those blocks are read
in which some row has passed.

A change asks in the same way: `chosen` says which rows a DELETE or a MERGE takes away, and reads no other column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.chunk import Filled, gathered
from dsys_lab.stores.column_store.incoming import filled_of
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse.blocks import Block, holding, may_pass, read_rows
from dsys_lab.stores.warehouse.slices import Region, Slice, Snapshot, visible
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column


class Touched(NamedTuple):
    """A block that was read."""

    region: str
    column: str
    block: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RegionScan:
    """One region, cut down to the blocks that may be needed."""

    name: str
    rows: int
    blocks: Mapping[str, tuple[Block, ...]]
    hidden: Mapping[str, tuple[Block, ...]]


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of one slice, ready to travel.

    Attributes
    ----------
    columns : tuple of Column
        Those that are wanted.
    filters : tuple of (Column, Bounds)
    """

    columns: tuple[Column, ...]
    filters: tuple[tuple[Column, Bounds], ...]
    snapshot: Snapshot
    regions: tuple[RegionScan, ...]

    @classmethod
    def of(cls, part: Slice, names: tuple[str, ...], where: tuple[Between, ...], snapshot: Snapshot) -> Scan:
        """Return the scan of a slice for some columns of the rows that pass."""
        schema = part.layout.schema
        columns = tuple(schema.columns[schema.position(name)] for name in names)
        filtered = [schema.columns[schema.position(one.column)] for one in where]
        filters = tuple((column, Bounds.of(one, column.type)) for column, one in zip(filtered, where, strict=True))
        regions = tuple(_pruned(region, columns, filters, snapshot) for region in part.regions)
        return cls(columns, filters, snapshot, regions)

    def chosen(self, among: tuple[Column, Array] | None = None) -> Chosen:
        """Return which rows pass, and, with `among`, have one of these values in this column."""
        touched: list[Touched] = []
        rows: dict[str, Array] = {}
        matched: list[Array] = []
        for region in self.regions:
            kept = self._passing(region, touched)
            if among is not None and kept.any():
                column, values = among
                blocks = holding(region.blocks[column.name], kept)
                touched += [_touch(region, block) for block in blocks]
                found, nulls = read_rows(blocks, column.type, region.rows)
                kept &= np.isin(found, values) if nulls is None else np.isin(found, values) & ~nulls
                matched.append(found[kept])
            rows[region.name] = kept
        return Chosen(rows, tuple(dict.fromkeys(touched)), tuple(matched))

    def run(self) -> Scanned:
        """Read, and return what passed."""
        touched: list[Touched] = []
        parts: list[dict[str, Filled]] = []
        rows = 0
        for region in self.regions:
            kept = self._passing(region, touched)
            found = int(np.count_nonzero(kept))
            if not found:
                continue
            rows += found
            parts.append({})
            for column in self.columns:
                blocks = holding(region.blocks[column.name], kept)
                touched += [_touch(region, block) for block in blocks]
                parts[-1][column.name] = read_rows(blocks, column.type, region.rows).rows(kept)
        columns = {
            column.name: gathered([part[column.name] for part in parts]) if parts else filled_of(column, [])
            for column in self.columns
        }
        return Scanned(rows, columns, tuple(dict.fromkeys(touched)))

    def _passing(self, region: RegionScan, touched: list[Touched]) -> Array:
        kept = np.ones(region.rows, bool)
        for column, bounds in self.filters:
            blocks = holding(region.blocks[column.name], kept)
            passing = np.zeros(region.rows, bool)
            for block in blocks:
                values, nulls = block.read(column.type)
                passes = bounds.passes(values)
                passing[block.first : block.end] = passes if nulls is None else passes & ~nulls
            touched += [_touch(region, block) for block in blocks]
            kept &= passing
        hidden = {name: holding(blocks, kept) for name, blocks in region.hidden.items()}
        touched += [_touch(region, block) for blocks in hidden.values() for block in blocks]
        return kept & visible(self.snapshot, hidden, region.rows)


class Scanned(NamedTuple):
    """What a scan found: how many rows, their columns, and the blocks that were read."""

    rows: int
    columns: dict[str, Filled]
    touched: tuple[Touched, ...]


class Chosen(NamedTuple):
    """Which rows are meant.

    Attributes
    ----------
    rows : dict
        Region -> which of its rows, shape (rows,) of bool.
    touched : tuple of Touched
        Blocks that were read to find out.
    matched : tuple of arrays
        Which of the values that were looked for these rows have.
    """

    rows: dict[str, Array]
    touched: tuple[Touched, ...]
    matched: tuple[Array, ...] = ()

    def how_many(self) -> int:
        """Return how many rows are meant."""
        return sum(int(np.count_nonzero(rows)) for rows in self.rows.values())


def choose(scan: Scan, among: tuple[Column, Array] | None) -> Chosen:
    """Do `Scan.chosen` where an executor wants it."""
    return scan.chosen(among)


def _touch(region: RegionScan, block: Block) -> Touched:
    return Touched(region.name, block.chunk.column, block.chunk.block, block.chunk.size_bytes)


def _pruned(
    region: Region, columns: tuple[Column, ...], filters: tuple[tuple[Column, Bounds], ...], snapshot: Snapshot
) -> RegionScan:
    kept = np.ones(region.rows, bool)
    for column, bounds in filters:
        kept &= may_pass(region.blocks[column.name], bounds, region.rows)
    named = {column.name for column in (*columns, *(column for column, _ in filters))}
    blocks = {name: holding(region.blocks[name], kept) for name in sorted(named)}
    return RegionScan(region.name, region.rows, blocks, region.unanswered(snapshot, kept))
