"""Which rows does a question concern, and how are their columns had without reading more than needed?

A question goes over the table in *stretches*: some row groups in a row, and last the rows that wait. Three things keep
bytes from being read:

- *zone maps*: a group in which no row can pass is left out; where every row passes, the filter's column is not read;
- *late materialisation*: the filter's column is read first, the others only of groups in which a row passes;
- *the encoding*: a filter is asked once a run or once a code, not once a row, and sums are taken without unpacking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, groupby, pairwise
from typing import Final, Protocol

import numpy as np

from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.chunk import Chunk, Filled, Verdict, gathered
from dsys_lab.stores.column_store.column_files import ColumnFiles, Reading
from dsys_lab.stores.column_store.incoming import filled_of
from dsys_lab.stores.column_store.manifest import Group
from dsys_lab.structures.encoding import CODECS, unpack_mask
from dsys_lab.structures.encoding.codec import Array, exact_sum
from dsys_lab.structures.encoding.dictionary import labels_and_codes
from dsys_lab.structures.encoding.run_length import runs
from dsys_lab.structures.schema import Schema, Values

WORKED_ROWS: Final = 1 << 17
"""Rows whose values are worked on at once: few enough that they stay in the processor's cache."""
COUNTED_ROWS: Final = 1 << 20
"""Rows whose chunks are added up at once, as they are."""


class Stretch(Protocol):
    """Some rows of the table that a question concerns."""

    def rows(self) -> int:
        """Return how many they are."""

    def load(self, column: str) -> Filled:
        """Return a column of them."""

    def tally(self, column: str) -> tuple[int, int | float]:
        """Return how many of them are not NULL in a column of numbers, and the sum of those."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows that wait in the delta; made into columns when they are asked for."""

    schema: Schema
    table: tuple[Values, ...]

    def rows(self) -> int:
        """Return how many they are."""
        return len(self.table)

    def load(self, column: str) -> Filled:
        """Return a column of them."""
        at = self.schema.position(column)
        return filled_of(self.schema.columns[at], [row[at] for row in self.table])

    def tally(self, column: str) -> tuple[int, int | float]:
        """Return how many of them are not NULL in a column of numbers, and the sum of those."""
        values, nulls = self.load(column)
        count = len(values) if nulls is None else int(np.count_nonzero(~nulls))
        largest = max(abs(values.min().item()), abs(values.max().item())) if len(values) else 0
        return count, exact_sum(values, largest)

    def passing(self, column: str, bounds: Bounds) -> Waiting:
        """Return those that pass."""
        values, nulls = self.load(column)
        kept = bounds.passes(values)
        if nulls is not None:
            kept &= ~nulls
        return Waiting(self.schema, tuple(compress(self.table, kept)))


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows of row groups: all of them, or those marked in `kept`, shape (rows of the groups,)."""

    groups: tuple[Group, ...]
    kept: Array | None
    schema: Schema
    files: ColumnFiles
    reading: Reading
    unpacked: dict[str, Filled] = field(default_factory=dict)

    def rows(self) -> int:
        """Return how many they are."""
        return sum(group.rows for group in self.groups) if self.kept is None else int(np.count_nonzero(self.kept))

    def chunks(self, column: str) -> list[Chunk]:
        """Return the chunks of a column."""
        return [group.chunks[column] for group in self.groups]

    def stacks(self, column: str) -> Iterator[tuple[Chunk, Array]]:
        """Give the bytes of the chunks of a column (see `ColumnFiles.stacks`)."""
        return self.files.stacks(self.chunks(column), self.reading)

    def type(self, column: str) -> str:
        """Return the type of a column."""
        return self.schema.columns[self.schema.position(column)].type

    def load(self, column: str) -> Filled:
        """Return a column of them, unpacked."""
        filled = self._all(column)
        return filled if self.kept is None else filled.rows(self.kept)

    def _all(self, column: str) -> Filled:
        """Return a column of all rows of the groups, unpacked once."""
        if column not in self.unpacked:
            parts = [unpacked(stack, chunk, self.type(column)) for chunk, stack in self.stacks(column)]
            self.unpacked[column] = gathered(parts)
        return self.unpacked[column]

    def codes(self, column: str) -> list[tuple[Array, Array]] | None:
        """Return dictionary and codes of each chunk of a column, or None unless all have them and no NULL."""
        if any(chunk.codec != "dictionary" or chunk.nulls for chunk in self.chunks(column)):
            return None
        type_ = self.type(column)
        parts = [labels_and_codes(line, type_, first.rows) for first, stack in self.stacks(column) for line in stack]
        if self.kept is None:
            return parts
        masks = np.split(self.kept, np.cumsum([group.rows for group in self.groups])[:-1])
        return [(labels, codes[mask]) for (labels, codes), mask in zip(parts, masks, strict=True)]

    def tally(self, column: str) -> tuple[int, int | float]:
        """Return how many of them are not NULL in a column of numbers, and the sum of those.

        Where all rows are meant, the sum is taken from the chunks as they are encoded; otherwise rows that are not
        meant are made zero, as NULLs are, which is quicker than to leave them out.
        """
        chunks = self.chunks(column)
        largest = _largest(chunks)
        if self.kept is not None:
            values, nulls = self._all(column)
            count = self.rows() if nulls is None else int(np.count_nonzero(self.kept & ~nulls))
            return count, exact_sum(values * self.kept, largest)
        totals = [
            CODECS[chunk.codec].total(stack[:, : chunk.body_bytes], self.type(column), chunk.rows, largest)
            for chunk, stack in self.stacks(column)
        ]
        return sum(chunk.rows - chunk.nulls for chunk in chunks), sum(totals)

    def passing(self, column: str, bounds: Bounds) -> Array:
        """Return which of them pass, shape (rows,) of bool; all rows of the groups must be meant."""
        chunks = self.chunks(column)
        if all(chunk.codec in {"run_length", "dictionary"} for chunk in chunks):
            type_ = self.type(column)
            return np.concatenate([_asked_once(stack, chunk, type_, bounds) for chunk, stack in self.stacks(column)])
        values, nulls = self.load(column)
        kept = bounds.passes(values)
        if nulls is not None:
            kept &= ~nulls
        return kept


def _largest(chunks: Sequence[Chunk]) -> float:
    """Return a bound of the absolute values of some chunks of numbers."""
    ends = [end for chunk in chunks for end in (chunk.low, chunk.high) if end is not None]
    return max(abs(min(ends)), abs(max(ends))) if ends else 0  # type: ignore[arg-type]


def unpacked(stack: Array, chunk: Chunk, type_: str) -> Filled:
    """Return the values of a stack of chunks like `chunk`, one after the other."""
    values = CODECS[chunk.codec].decode(stack[:, : chunk.body_bytes], type_, chunk.rows).reshape(-1)
    if not chunk.nulls:
        return Filled(values)
    return Filled(values, unpack_mask(stack[:, chunk.body_bytes :], chunk.rows).reshape(-1))


def _asked_once(stack: Array, chunk: Chunk, type_: str, bounds: Bounds) -> Array:
    """Return which rows of a stack of chunks like `chunk` pass, asked once a run or a code."""
    body = stack[:, : chunk.body_bytes]
    if chunk.codec == "run_length":
        values, lengths = runs(body, type_)
        kept = np.repeat(bounds.passes(values.ravel()), lengths.ravel())
    else:
        by_code = [labels_and_codes(line, type_, chunk.rows) for line in body]
        kept = np.concatenate([bounds.passes(labels)[codes] for labels, codes in by_code])
    if chunk.nulls:
        kept &= ~unpack_mask(stack[:, chunk.body_bytes :], chunk.rows).reshape(-1)
    return kept


@dataclass(frozen=True, slots=True)
class Question:
    """A filter over row groups, and the columns that will be loaded.

    Attributes
    ----------
    where : (column, Bounds) or None
    columns : sequence of str
        Only to say which chunks were skipped.
    """

    schema: Schema
    files: ColumnFiles
    reading: Reading
    where: tuple[str, Bounds] | None
    columns: Sequence[str]

    def stretches(self, groups: Sequence[Group], *, rows_most: int) -> Iterator[Stored]:
        """Give the rows that pass, of at most `rows_most` (but at least one group) at a time."""
        for verdict, run in groupby(groups, self._verdict):
            if verdict is Verdict.NONE:
                for group in run:
                    self._skip(group, "zone map")
            elif verdict is Verdict.ALL:
                yield from map(self._stretch, _cut(list(run), rows_most))
            else:
                for some in _cut(list(run), min(rows_most, WORKED_ROWS)):
                    yield from self._filtered(some)

    def _verdict(self, group: Group) -> Verdict:
        verdict = Verdict.ALL if self.where is None else group.chunks[self.where[0]].verdict(self.where[1])
        return Verdict.SOME if verdict is Verdict.ALL and group.deleted is not None else verdict

    def _filtered(self, groups: Sequence[Group]) -> Iterator[Stored]:
        """Give the rows of some groups that pass and are not deleted, without the groups in which none is."""
        every = self._stretch(groups)
        kept = np.ones(every.rows(), bool)
        if self.where is not None:
            kept = every.passing(*self.where)
        if any(group.deleted is not None for group in groups):
            kept = kept & ~np.concatenate([_deleted(group) for group in groups])
        starts = np.cumsum([0, *(group.rows for group in groups)])
        hits = [bool(kept[start:end].any()) for start, end in pairwise(starts)]
        if all(hits):
            yield replace(every, kept=kept)  # with what was unpacked for the filter
            return
        for group in compress(groups, [not hit for hit in hits]):
            self._skip(group, "no row passes")
        if any(hits):
            kept = kept[np.repeat(hits, [group.rows for group in groups])]
            yield replace(self._stretch(list(compress(groups, hits))), kept=kept)

    def _stretch(self, groups: Sequence[Group]) -> Stored:
        return Stored(tuple(groups), None, self.schema, self.files, self.reading)

    def _skip(self, group: Group, why: str) -> None:
        if not self.reading.silent:
            read = self.where[0] if self.where and why != "zone map" else None
            for column in self.columns:
                if column != read:
                    self.reading.skip(group.chunks[column], why)


def _deleted(group: Group) -> Array:
    return np.zeros(group.rows, bool) if group.deleted is None else group.deleted


def _cut(groups: Sequence[Group], rows_most: int) -> Iterator[Sequence[Group]]:
    """Cut groups into sequences of at most `rows_most` rows, or one group."""
    start, rows = 0, 0
    for at, group in enumerate(groups):
        if rows and rows + group.rows > rows_most:
            yield groups[start:at]
            start, rows = at, 0
        rows += group.rows
    if rows:
        yield groups[start:]
