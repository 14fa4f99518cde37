"""What is asked of a store? Three kinds of operation, as plain values that a model and a real engine both carry out.

- `PointRead`: one row by its key, all columns or some: what a service does a thousand times a second;
- `Insert`: some new rows, by their numbers in the table that they come from;
- `Question`: sums over many rows of few columns, filtered and grouped: what an analyst asks.

The same value runs everywhere: a model reads its fields, an engine takes `sql` of it, and `answer` works it out in
NumPy over columns, as the third witness. Answers are rows of whole numbers, texts and None, and `answer_digest` makes
64 bits of them that do not depend on the order of the rows, so answers of a million rows compare at a glance.

Promises
--------
1. Nulls are as in SQL: an aggregate leaves them out, `sum`, `min` and `max` of nothing are None, a filter drops them,
   and None is a group.
2. No `avg`: it is a `sum` and a `count`, which stay whole numbers and so are the same from every engine.

Left out: updates, deletes and joins (the relational room has them); digests of floating-point sums, which depend on the
order of adding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import numpy as np

from dsys_lab.errors import BadParameter, Misuse, require_choice, require_not_negative, require_positive
from dsys_lab.workloads.keys import Keys, stream_of
from dsys_lab.workloads.slumber.luck import Columns, Mask, luck, pick

FUNCTIONS: Final = ("count", "sum", "min", "max")
_BLOCK: Final = 1024
_FINEST: Final = 1 << 40

Value = int | str | None
Answer = list[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Between:
    """Rows whose `column` lies from `low` to `high`, both included: whole numbers."""

    column: str
    low: int
    high: int

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if type(bound) is not int:
                raise BadParameter(f"where {self.column!r}: bound {bound!r}; give a whole number")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function` of `column`; `count` without a column counts rows."""

    function: str
    column: str | None = None

    def __post_init__(self) -> None:
        require_choice("function", self.function, FUNCTIONS)
        if self.column is None and self.function != "count":
            raise BadParameter(f"{self.function} of nothing: give a column, Aggregate({self.function!r}, 'age')")


@dataclass(frozen=True, slots=True)
class PointRead:
    """The row whose key is `key`: these columns of it, or all if none is named."""

    key: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Insert:
    """The rows `first` to `last` - 1 of the table that the workload draws from."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Question:
    """Aggregates over the rows that pass every filter, in one group or one for each value of `by`.

    An answer's row is the value of `by`, if there is one, then the aggregates in order.
    """

    aggregates: tuple[Aggregate, ...]
    where: tuple[Between, ...] = ()
    by: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it touches, each once, in order of mention: what a column store reads."""
        mentioned = [aggregate.column for aggregate in self.aggregates]
        named = [*mentioned, *(filter_.column for filter_ in self.where), self.by]
        return tuple(dict.fromkeys(name for name in named if name is not None))


Operation = PointRead | Insert | Question


# ------------------------------------------------------------------------------------------ carrying it out
def sql(operation: PointRead | Question, table: str, *, key: str) -> str:
    """Return the operation as SQL that SQLite, PostgreSQL and DuckDB read alike."""
    if isinstance(operation, PointRead):
        chosen = ", ".join(map(_quoted, operation.columns)) or "*"
        return f"select {chosen} from {_quoted(table)} where {_quoted(key)} = {int(operation.key)}"  # noqa: S608  quoted
    wanted = [_quoted(operation.by)] if operation.by else []
    wanted += [f"{a.function}({_quoted(a.column) if a.column else '*'})" for a in operation.aggregates]
    text = f"select {', '.join(wanted)} from {_quoted(table)}"  # noqa: S608  names are quoted, numbers are whole
    if operation.where:
        ranges = [f"{_quoted(one.column)} between {int(one.low)} and {int(one.high)}" for one in operation.where]
        text += " where " + " and ".join(ranges)
    return text + (f" group by {_quoted(operation.by)}" if operation.by else "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def answer(operation: PointRead | Question, columns: Columns, *, key: str) -> Answer:
    """Work the operation out over columns in memory; masked values are null.

    Raises
    ------
    BadParameter
        If it names a column that is not there, or more than counts one that is not of whole numbers.
    """
    mentioned = (key, *operation.columns) if isinstance(operation, PointRead) else operation.columns
    for name in mentioned:
        require_choice("column", name, tuple(columns))
    if isinstance(operation, PointRead):
        found = np.flatnonzero(columns[key] == operation.key)
        return list(zip(*(columns[name][found].tolist() for name in operation.columns or columns), strict=True))
    passes = np.ones(len(next(iter(columns.values()))), np.bool_)
    for filter_ in operation.where:
        column = columns[filter_.column]
        passes &= np.ma.filled((column >= filter_.low) & (column <= filter_.high), fill_value=False)
    if operation.by is None:
        return [tuple(_aggregate(one, columns, passes) for one in operation.aggregates)]
    rows: Answer = []
    group = columns[operation.by]
    for value in dict.fromkeys(group[passes].tolist()):
        alike = np.ma.getmaskarray(group) if value is None else np.ma.filled(group == value, fill_value=False)
        members = passes & alike
        rows.append((value, *(_aggregate(one, columns, members) for one in operation.aggregates)))
    return rows


def _aggregate(one: Aggregate, columns: Columns, members: Mask) -> Value:
    if one.column is None:
        return int(members.sum())
    values = np.ma.compressed(columns[one.column][members])
    if one.function == "count":
        return len(values)
    if values.dtype.kind not in "iu":
        raise BadParameter(f"{one.function} of {one.column!r}, a column of {values.dtype}: give one of whole numbers")
    if not len(values):
        return None
    if one.function != "sum":
        return int(getattr(values, one.function)())
    largest = max(abs(int(values.min())), abs(int(values.max())))
    return int(values.sum(dtype=np.int64)) if largest * len(values) < 1 << 63 else sum(values.tolist())


def answer_digest(rows: Iterable[Sequence[Any]]) -> int:
    """Return 64 bits that stand for an answer, whatever the order of its rows.

    Raises
    ------
    Misuse
        If a value is not a whole number, a text or None.
    """
    total = 0
    for row in rows:
        text = repr([_plain(value) for value in row])
        total += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    return total & ((1 << 64) - 1)


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if hasattr(value, "__index__"):
        return int(value)
    raise Misuse(f"{value!r} is a {type(value).__name__}: answers compare as whole numbers, texts and None")


# ------------------------------------------------------------------------------------------ streams of them
def point_reads(keys: Keys, *, seed: int, name: str, columns: tuple[str, ...] = ()) -> Iterator[PointRead]:
    """Yield reads of keys drawn from `keys`, without end."""
    first = 0
    while True:
        yield from (PointRead(key, columns) for key in keys.draw(seed, name, first, first + _BLOCK).tolist())
        first += _BLOCK


def inserts(first: int, *, rows: int = 1) -> Iterator[Insert]:
    """Yield inserts of the rows from `first` on, `rows` at a time, without end."""
    require_not_negative(first=first)
    require_positive(rows=rows)
    return (Insert(start, start + rows) for start in count(first, rows))


def mixed(parts: Sequence[tuple[float, Iterator[Operation]]], *, seed: int, name: str) -> Iterator[Operation]:
    """Yield from the parts at random, each by its weight, until one that is asked has no more.

    Examples
    --------
    95 reads to 5 inserts:

    >>> from dsys_lab.workloads.keys import zipf
    >>> parts = [(95, point_reads(zipf(1000), seed=7, name="app")), (5, inserts(1000))]
    >>> [type(next(mixed(parts, seed=7, name="app"))).__name__ for _ in range(2)]
    ['PointRead', 'PointRead']
    """
    weights = [weight for weight, _ in parts]
    if not parts or min(weights) < 0 or sum(weights) <= 0:
        raise BadParameter(f"weights = {weights}: give at least one part, none below 0, and one above")
    cumulative = np.cumsum([round(weight / sum(weights) * _FINEST) for weight in weights])

    def chosen() -> Iterator[Operation]:
        first, stream = 0, stream_of(f"{name}/mix")
        while True:
            for part in pick(luck(seed, stream, np.arange(first, first + _BLOCK)), cumulative).tolist():
                operation = next(parts[part][1], None)
                if operation is None:
                    return
                yield operation
            first += _BLOCK

    return chosen()
