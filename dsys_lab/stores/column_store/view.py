"""What may be asked of the table as it is at one moment?

A `View` is the row groups of a manifest, with the marks made since, and the rows that wait: all reading goes through
it, and nothing in it writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dsys_lab.errors import Refused
from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.aggregation import GroupTally, grouped, ungrouped
from dsys_lab.stores.column_store.chunk import Filled, Verdict
from dsys_lab.stores.column_store.column_files import ColumnFiles, Reading
from dsys_lab.stores.column_store.manifest import Group
from dsys_lab.stores.column_store.slots import Slots
from dsys_lab.stores.column_store.stretches import COUNTED_ROWS, WORKED_ROWS, Question, Stretch, Waiting, unpacked
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.encoding.codec import DTYPES, WHOLE, Array
from dsys_lab.structures.schema import Schema, Value, Values

Place = tuple[int, int]
"""Block and row of a stored row."""
_EXACT_SUMS = 1 << 63


@dataclass(frozen=True, slots=True)
class View:
    """The table at one moment.

    Attributes
    ----------
    schema : Schema
    key : str
    groups : tuple of Group
    waiting : mapping
        The rows of the delta by key.
    files : ColumnFiles
    reading : Reading
        Where the pages that are touched are noted.
    """

    schema: Schema
    key: str
    groups: tuple[Group, ...]
    waiting: Mapping[int, Values]
    files: ColumnFiles
    reading: Reading

    def type(self, name: str) -> str:
        """Return the type of a column."""
        return self.schema.columns[self.schema.position(name)].type

    # ------------------------------------------------------------ many rows
    def stretches(self, names: Sequence[str], where: Between | None = None, *, rows_most: int) -> Iterator[Stretch]:
        """Give the rows that pass, stored ones first, then those that wait; `names` are what will be loaded."""
        bounds = None if where is None else (where.column, Bounds.of(where, self.type(where.column)))
        question = Question(self.schema, self.files, self.reading, bounds, names)
        waiting = Waiting(self.schema, tuple(self.waiting.values()))
        for stretch in question.stretches(self.groups, rows_most=rows_most):
            yield stretch
            self.reading.tell(all_pages=False)
        if bounds is not None:
            waiting = waiting.passing(*bounds)
        if waiting.table:
            yield waiting

    def measures(self, measures: Sequence[Measure], where: Between | None) -> Values:
        """Return the measures over all rows that pass."""
        names = list(dict.fromkeys(measure.column for measure in measures))
        return ungrouped(self.stretches(names, where, rows_most=COUNTED_ROWS), measures)

    def measures_by(self, by: str, measures: Sequence[Measure], where: Between | None) -> list[Values]:
        """Return the measures for each value of the column `by`."""
        names = list(dict.fromkeys(measure.column for measure in measures))
        tallies = {name: self._tally(name) for name in names}
        stretches = self.stretches(list(dict.fromkeys([by, *names])), where, rows_most=WORKED_ROWS)
        return grouped(stretches, measures, by=by, slots=Slots(self._ends(by)), tallies=tallies)

    def _ends(self, name: str) -> tuple[int, int] | None:
        """Return between which numbers all values of a column of whole numbers lie."""
        if self.type(name) not in WHOLE:
            return None
        at = self.schema.position(name)
        ends = [end for group in self.groups for end in (group.chunks[name].low, group.chunks[name].high)]
        ends += [row[at] for row in self.waiting.values()]
        known = [end for end in ends if isinstance(end, int)]
        return (min(known), max(known)) if known else None

    def _tally(self, name: str) -> GroupTally:
        low, high = self._ends(name) or (0, 0)
        rows = sum(group.rows for group in self.groups) + len(self.waiting)
        exact = rows * max(abs(low), abs(high)) < _EXACT_SUMS
        column = self.schema.columns[self.schema.position(name)]
        return GroupTally(np.dtype(DTYPES[column.type]), nullable=column.nullable, exact=exact)

    # ------------------------------------------------------------ one row
    def find(self, key: int) -> Place | None:
        """Return where the stored row of `key` is, or None: only groups whose zone map has room for it are searched."""
        bounds = Bounds(key, key)
        for block, group in enumerate(self.groups):
            chunk = group.chunks[self.key]
            if chunk.verdict(bounds) is Verdict.NONE:
                self.reading.skip(chunk, "zone map")
                continue
            keys = unpacked(self.files.searched(chunk, self.reading), chunk, self.type(self.key)).values
            for row in np.flatnonzero(keys == key).tolist():
                if group.deleted is None or not group.deleted[row]:
                    return block, row
        return None

    def row(self, place: Place) -> Values:
        """Return a stored row: one chunk of every column is read."""
        block, row = place
        values: list[Value] = []
        for column in self.schema.columns:
            chunk = self.groups[block].chunks[column.name]
            filled = unpacked(self.files.one(chunk, row, self.reading), chunk, column.type)
            values += as_values(filled.rows(slice(row, row + 1)))
        return tuple(values)

    def check_new(self, keys: Array, *, above: Value) -> None:
        """Refuse keys that are there already, or twice among themselves; stored ones are not `above` a known key."""
        ordered = np.sort(keys)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            raise Refused(f"key {twice[0]} stands twice in these rows; nothing was written")
        for key in keys.tolist() if self.waiting else ():
            if key in self.waiting:
                raise _there(key)
        if not len(keys) or not self.groups or (isinstance(above, int) and int(ordered[0]) > above):
            return
        where = Between(self.key, ordered[0].item(), ordered[-1].item())
        for stretch in self.stretches([self.key], where, rows_most=WORKED_ROWS):
            found = np.intersect1d(stretch.load(self.key).values, ordered)
            if len(found):
                raise _there(found[0])


def _there(key: int) -> Refused:
    return Refused(f"key {key} is there already; nothing was written; update it, or give another")


def as_values(filled: Filled) -> list[Value]:
    """Return values as Python has them, None for NULL."""
    values = filled.values.tolist()
    if filled.nulls is None:
        return values
    return [None if null else value for value, null in zip(values, filled.nulls.tolist(), strict=True)]
