"""How often do the parts of a plan call each other?

A plan is a chain of operators, each of which asks the one below it: *give me the next*. What "the next" is decides the
price of a call. One row at a time, a million rows are a million calls at every operator, and in each of them a
processor that could add eight numbers at once adds one. One *vector* of 2,048 values at a time, the calls are a
two-thousandth, the work in each is a loop over numbers side by side, and the vector still fits the processor's cache.

Both plans below answer the same question over the same bytes, and count their calls::

    select sum(measure), count(measure) where low <= filter <= high

    Sum  <-- next --  Filter  <-- next --  Scan

Promise: the answers are the same for every size of a vector.

Cost: the filter and the scan are asked once for every vector and once for the end (`laws.calls_by_vector` with two
operators); row by row the filter is asked only as often as a row passes.

Left out: joins, sorting; plans compiled to machine code, the other way to make calls rare.

Sources: Graefe, "Volcano: an extensible and parallel query evaluation system", IEEE TKDE 1994 (tuple at a time);
Boncz, Zukowski and Nes, "MonetDB/X100: hyper-pipelining query execution", CIDR 2005 (vectors); Kersten et al.,
"Everything you always wanted to know about compiled and vectorized queries", VLDB 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.store import ColumnStore
from dsys_lab.stores.column_store.view import as_values
from dsys_lab.stores.table import Between, check_question
from dsys_lab.structures.encoding.codec import Array, exact_sum
from dsys_lab.structures.schema import Value

VECTOR_ROWS: Final = 2_048


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plan found, and what it took.

    Attributes
    ----------
    sum, count : number
        Of the measure's values that are not NULL, in rows that pass the filter.
    calls : int
        How often an operator was asked for the next row or vector.
    """

    sum: int | float
    count: int
    calls: int


# ------------------------------------------------------------------------------------------ tuple at a time
class Scan:
    """Gives the next row of two columns."""

    def __init__(self, vectors: Iterable[dict[str, Filled]], measure: str, filter_: str) -> None:
        pairs = (zip(as_values(vector[measure]), as_values(vector[filter_]), strict=True) for vector in vectors)
        self._rows: Iterator[tuple[Value, Value]] = chain.from_iterable(pairs)
        self.calls = 0

    def next(self) -> tuple[Value, Value] | None:
        """Return the next measure and filter value, None at the end."""
        self.calls += 1
        return next(self._rows, None)


class Filter:
    """Gives the next row that passes."""

    def __init__(self, below: Scan, where: Between) -> None:
        self._below, self._where = below, where
        self.calls = 0

    def next(self) -> tuple[Value, Value] | None:
        """Return the next row that passes, None at the end."""
        self.calls += 1
        while (row := self._below.next()) is not None:
            if self._where.holds(row[1]):
                return row
        return None


def tuple_at_a_time(table: ColumnStore, measure: str, where: Between, *, now_us: int = 0) -> Answer:
    """Answer the question row by row."""
    check_question(table.schema, [measure], where)
    vectors = table.vectors([*dict.fromkeys([measure, where.column])], vector_rows=VECTOR_ROWS, now_us=now_us)
    scan = Scan(vectors, measure, where.column)
    plan = Filter(scan, where)
    total: int | float = 0
    count = 0
    while (row := plan.next()) is not None:
        if row[0] is not None:
            total += row[0]  # type: ignore[operator]
            count += 1
    return Answer(total, count, plan.calls + scan.calls)


# ------------------------------------------------------------------------------------------ vector at a time
class ScanVectors:
    """Gives the next vector of two columns."""

    def __init__(self, vectors: Iterator[dict[str, Filled]], measure: str, filter_: str) -> None:
        self._vectors, self._measure, self._filter = vectors, measure, filter_
        self.calls = 0

    def next(self) -> tuple[Filled, Filled] | None:
        """Return the next measures and filter values, None at the end."""
        self.calls += 1
        vector = next(self._vectors, None)
        return None if vector is None else (vector[self._measure], vector[self._filter])


class FilterVectors:
    """Gives the next vector with a mark on each row that passes."""

    def __init__(self, below: ScanVectors, bounds: Bounds) -> None:
        self._below, self._bounds = below, bounds
        self.calls = 0

    def next(self) -> tuple[Filled, Array] | None:
        """Return the next measures, and which of them are in rows that pass; None at the end."""
        self.calls += 1
        pair = self._below.next()
        if pair is None:
            return None
        measures, (values, nulls) = pair
        passing = self._bounds.passes(values)
        return measures, passing if nulls is None else passing & ~nulls


def vector_at_a_time(
    table: ColumnStore, measure: str, where: Between, *, vector_rows: int = VECTOR_ROWS, now_us: int = 0
) -> Answer:
    """Answer the question vector by vector."""
    check_question(table.schema, [measure], where)
    type_ = table.schema.columns[table.schema.position(where.column)].type
    vectors = table.vectors([*dict.fromkeys([measure, where.column])], vector_rows=vector_rows, now_us=now_us)
    scan = ScanVectors(vectors, measure, where.column)
    plan = FilterVectors(scan, Bounds.of(where, type_))
    total: int | float = 0
    count = 0
    while (pair := plan.next()) is not None:
        (values, nulls), passing = pair
        there = passing if nulls is None else passing & ~nulls
        chosen = values[there]
        count += len(chosen)
        if len(chosen):
            total += exact_sum(chosen, max(abs(chosen.min().item()), abs(chosen.max().item())))
    return Answer(total, count, plan.calls + scan.calls)


