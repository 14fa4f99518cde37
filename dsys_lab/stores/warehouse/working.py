"""What does a slice do for a question, on its own and in its own process?

Two kinds of work, both values that travel to wherever a `concurrent.futures.Executor` runs them:

- `send`: scan a table and make *parcels* of what passed, one for each slice to which rows go. A parcel is encoded: its
  bytes are what crosses the network.
- `finish`: take the rows of one table or two, scanned here or come in parcels, join them, and return the rows or their
  partial measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dsys_lab.stores.column_store.chunk import Filled, encode_chunk, gathered
from dsys_lab.stores.column_store.incoming import filled_of
from dsys_lab.stores.column_store.view import as_values
from dsys_lab.stores.warehouse.blocks import Block
from dsys_lab.stores.warehouse.distribution import slice_of
from dsys_lab.stores.warehouse.grouping import Groups, partial
from dsys_lab.stores.warehouse.questions import Name, Question
from dsys_lab.stores.warehouse.scanning import Scan, Scanned, Touched
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column, Values


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows on their way, each column plain: what would be won by better codecs is left out."""

    rows: int
    blocks: tuple[Block, ...]

    @property
    def size_bytes(self) -> int:
        """What crosses the network."""
        return sum(block.chunk.size_bytes for block in self.blocks)

    def open(self, columns: tuple[Column, ...]) -> Scanned:
        """Return the rows."""
        return Scanned(self.rows, {c.name: b.read(c.type) for c, b in zip(columns, self.blocks, strict=True)}, ())


class Sent(NamedTuple):
    """What a slice sends: parcels by slice (None: one for all), and the blocks that it read."""

    parcels: dict[int | None, Parcel]
    touched: tuple[Touched, ...]


def send(scan: Scan, column: str | None, slices: int) -> Sent:
    """Scan, and pack what passed: by the hash of `column` for as many slices, or for all alike if it is None."""
    scanned = scan.run()
    if not scanned.rows:
        return Sent({}, scanned.touched)
    if column is None:
        return Sent({None: _packed(scan.columns, scanned, np.arange(scanned.rows))}, scanned.touched)
    target = slice_of(scanned.columns[column], slices)
    found = np.unique(target).tolist()
    return Sent({at: _packed(scan.columns, scanned, np.flatnonzero(target == at)) for at in found}, scanned.touched)


def _packed(columns: tuple[Column, ...], scanned: Scanned, chosen: Array) -> Parcel:
    blocks = []
    for column in columns:
        filled = scanned.columns[column.name].rows(chosen)
        if filled.nulls is not None and not filled.nulls.any():
            filled = Filled(filled.values)
        chunk, data = encode_chunk(column, filled, block=0, codec="plain")
        blocks.append(Block(0, chunk, data))
    return Parcel(len(chosen), tuple(blocks))


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one table on one slice: to be scanned here, or come in parcels."""

    alias: str
    columns: tuple[Column, ...]
    source: Scan | tuple[Parcel, ...]

    def rows(self) -> Scanned:
        """Return them."""
        if isinstance(self.source, Scan):
            return self.source.run()
        opened = [parcel.open(self.columns) for parcel in self.source]
        columns = {
            column.name: gathered([one.columns[column.name] for one in opened]) if opened else filled_of(column, [])
            for column in self.columns
        }
        return Scanned(sum(one.rows for one in opened), columns, ())


class Found(NamedTuple):
    """What a slice found: rows, or groups; how many rows it worked on; and by alias the blocks that it read."""

    rows: list[Values]
    groups: Groups
    worked_rows: int
    touched: dict[str, tuple[Touched, ...]]


def finish(sides: tuple[Side, ...], question: Question) -> Found:
    """Join what is here, and measure it."""
    scanned = {side.alias: side.rows() for side in sides}
    touched = {alias: one.touched for alias, one in scanned.items()}
    worked = sum(one.rows for one in scanned.values())
    columns = {Name(alias, name): filled for alias, one in scanned.items() for name, filled in one.columns.items()}
    rows = next(iter(scanned.values())).rows
    if question.on is not None:
        columns, rows = _joined(columns, *question.on)
    if question.is_grouped:
        measured = [item for item in question.items if item.how]
        return Found([], partial(columns, rows, question.by, measured), worked, touched)
    wanted = [as_values(columns[item.name]) for item in question.items if item.name is not None]
    return Found(list(zip(*wanted, strict=True)), {}, worked, touched)


def _joined(columns: Mapping[Name, Filled], first: Name, second: Name) -> tuple[dict[Name, Filled], int]:
    """Return all pairs of rows with the same value in both columns; NULL is the same as nothing."""
    ones, others = _partners(columns[first], columns[second])
    pairs = {name: filled.rows(ones if name.alias == first.alias else others) for name, filled in columns.items()}
    return pairs, len(ones)


def _partners(one: Filled, other: Filled) -> tuple[Array, Array]:
    """Return the positions of the pairs in both, shape (pairs,)."""
    here, there = (
        np.arange(len(values)) if nulls is None else np.flatnonzero(~nulls) for values, nulls in (one, other)
    )
    mine, theirs = one.values[here], other.values[there]
    if mine.dtype.kind != "O":
        both = np.result_type(mine, theirs)
        mine, theirs = mine.astype(both), theirs.astype(both)
    order = np.argsort(theirs, kind="stable")
    ordered = theirs[order]
    low, high = np.searchsorted(ordered, mine, "left"), np.searchsorted(ordered, mine, "right")
    counts = high - low
    total = int(counts.sum())
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return here[np.repeat(np.arange(len(mine)), counts)], there[order[np.repeat(low, counts) + within]]
