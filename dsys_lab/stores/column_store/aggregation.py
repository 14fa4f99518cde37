"""How are a million values made into a few numbers, exactly, and without a step of Python for each?

*Ungrouped*: counts, smallest and largest are in the zone maps already where all rows of a group are meant, and no byte
is read for them. Sums are taken from the chunks as they are encoded.

*Grouped*: every row gets a *slot*, the number of its group (see `slots`), and everything is counted by slot.

Sums of whole numbers are exact: sums that could pass 2**53 in floating point, or 2**63 in an integer, are added up in
two halves, or in Python's own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from dsys_lab.stores.column_store.chunk import Chunk, Filled
from dsys_lab.stores.column_store.slots import Slots
from dsys_lab.stores.column_store.stretches import Stored, Stretch
from dsys_lab.stores.table import Measure
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Value, Values

_EXACT_IN_FLOATS: Final = 1 << 53
_HALF: Final = 32
_WORD: Final = 8


class Tally:
    """The measures of one column over all rows."""

    def __init__(self) -> None:
        self._count = 0
        self._ends: list[int | float] = []
        self._sums: list[int | float] = []

    def add_stretch(self, stretch: Stretch, column: str, hows: set[str]) -> None:
        """Add the values of a column, of which only what is asked for is worked out."""
        chunks = stretch.chunks(column) if isinstance(stretch, Stored) and stretch.kept is None else None
        if hows & {"min", "max"}:
            self._ends += _ends(stretch.load(column)) if chunks is None else _known_ends(chunks)
        if hows & {"sum", "avg"}:
            count, total = stretch.tally(column)
            self._count += count
            self._sums.append(total)
        elif chunks is None:
            self._count += _count(stretch.load(column))
        else:
            self._count += sum(chunk.rows - chunk.nulls for chunk in chunks)

    def value(self, how: str) -> Value:
        """Return one measure."""
        if how == "count":
            return self._count
        if not self._count:
            return None
        if how in {"min", "max"}:
            return min(self._ends) if how == "min" else max(self._ends)
        total = math.fsum(self._sums) if any(isinstance(part, float) for part in self._sums) else sum(self._sums)
        return total if how == "sum" else total / self._count


def _ends(filled: Filled) -> list[int | float]:
    values = filled.values if filled.nulls is None else filled.values[~filled.nulls]
    return [values.min().item(), values.max().item()] if len(values) else []


def _known_ends(chunks: Sequence[Chunk]) -> list[int | float]:
    ends = [end for chunk in chunks for end in (chunk.low, chunk.high)]
    return [end for end in ends if end is not None and not isinstance(end, str)]


def _count(filled: Filled) -> int:
    return len(filled.values) if filled.nulls is None else int(np.count_nonzero(~filled.nulls))


class GroupTally:
    """The measures of one column by slot.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the column.
    nullable : bool
        Whether a value may be NULL; where none can be and only a count is asked for, the column is not read.
    exact : bool
        Whether no sum can pass 63 bits, so that machine numbers will do.
    """

    def __init__(self, dtype: np.dtype, *, nullable: bool, exact: bool) -> None:
        self.nullable = nullable
        self._float = dtype.kind == "f"
        self._sums = np.zeros(0, np.float64 if self._float else np.int64 if exact else object)
        self._counts = np.zeros(0, np.int64)
        limits = np.finfo(dtype) if self._float else np.iinfo(dtype) if dtype.kind in "iu" else None
        self._ends = (math.inf, -math.inf) if self._float else (limits.max, limits.min) if limits else (0, 0)
        self._lows, self._highs = np.zeros(0, dtype), np.zeros(0, dtype)

    def grow(self, slots: int) -> None:
        """Make room for more slots."""
        more = slots - len(self._counts)
        if more > 0:
            self._counts = np.concatenate((self._counts, np.zeros(more, np.int64)))
            self._sums = np.concatenate((self._sums, np.zeros(more, self._sums.dtype)))
            self._lows = np.concatenate((self._lows, np.full(more, self._ends[0], self._lows.dtype)))
            self._highs = np.concatenate((self._highs, np.full(more, self._ends[1], self._highs.dtype)))

    def add(self, slots: Array, rows: Array, filled: Filled, *, summed: bool, ends: bool) -> None:
        """Add values; `rows` is how many of them stand in each slot, NULLs included."""
        values, nulls = filled
        there = slots if nulls is None else slots[~nulls]
        self._counts += rows if nulls is None else np.bincount(there, minlength=len(rows))
        if summed:
            self._sums += _sums_by_slot(slots, values, len(rows)).astype(self._sums.dtype, copy=False)
        if ends:
            present = values if nulls is None else values[~nulls]
            np.minimum.at(self._lows, there, present)
            np.maximum.at(self._highs, there, present)

    def value(self, how: str, slot: int) -> Value:
        """Return one measure of one slot."""
        count = int(self._counts[slot])
        if how == "count":
            return count
        if not count:
            return None
        if how in {"min", "max"}:
            return (self._lows if how == "min" else self._highs)[slot].item()
        total = self._sums[slot]
        total = total if isinstance(total, int) else total.item()
        return total if how == "sum" else total / count


def _sums_by_slot(slots: Array, values: Array, count: int) -> Array:
    """Return the sum of the values in each slot, exact for whole numbers; under a NULL stands zero."""
    if values.dtype.kind == "f":
        return np.bincount(slots, values, count)
    width = values.dtype.itemsize
    largest = 256**width if width < _WORD else max(abs(values.min().item()), abs(values.max().item()))
    if len(values) * largest < _EXACT_IN_FLOATS:
        return np.bincount(slots, values, count).astype(np.int64)
    high = np.bincount(slots, values >> values.dtype.type(_HALF), count).astype(np.int64).astype(object)
    low = np.bincount(slots, values & values.dtype.type((1 << _HALF) - 1), count).astype(np.int64).astype(object)
    return high * (1 << _HALF) + low


# ------------------------------------------------------------------------------------------ the two questions
def ungrouped(stretches: Iterable[Stretch], measures: Sequence[Measure]) -> Values:
    """Return the measures over all rows."""
    asked = _asked(measures)
    tallies = {column: Tally() for column in asked}
    for stretch in stretches:
        for column, hows in asked.items():
            tallies[column].add_stretch(stretch, column, hows)
    return tuple(tallies[measure.column].value(measure.how) for measure in measures)


def grouped(
    stretches: Iterable[Stretch], measures: Sequence[Measure], *, by: str, slots: Slots, tallies: dict[str, GroupTally]
) -> list[Values]:
    """Return the measures for each value of the column `by`: the value first, in order, NULL before all others."""
    asked = _asked(measures)
    rows = np.zeros(0, np.int64)
    for stretch in stretches:
        slot = slots.of(stretch, by)
        here = np.bincount(slot, minlength=slots.count())
        rows = here + np.concatenate((rows, np.zeros(len(here) - len(rows), np.int64)))
        for column, hows in asked.items():
            tallies[column].grow(len(here))
            filled = stretch.load(column) if hows - {"count"} or tallies[column].nullable else Filled(slot)
            summed, ends = bool(hows & {"sum", "avg"}), bool(hows & {"min", "max"})
            tallies[column].add(slot, here, filled, summed=summed, ends=ends)
    labels = [(label, slot) for label, slot in slots.labels().items() if slot < len(rows) and rows[slot]]
    labels.sort(key=lambda pair: (pair[0] is not None, pair[0]))
    return [(label, *(tallies[one.column].value(one.how, slot) for one in measures)) for label, slot in labels]


def _asked(measures: Sequence[Measure]) -> dict[str, set[str]]:
    """Return what is asked of each column."""
    asked: dict[str, set[str]] = {}
    for measure in measures:
        asked.setdefault(measure.column, set()).add(measure.how)
    return asked
