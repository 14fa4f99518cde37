"""What may one ask of a table, whatever its layout?

The row store and the column store, and the real engines beside them, answer to the same verbs, so one workload runs
through all of them and the answers are compared. What differs is which bytes they touch.

Questions are small on purpose, no more than an experiment needs: a filter is one closed range of one column, an
aggregate is a list of measures over the rows that pass, by the values of one column or over all. ::

    table.aggregate([Measure("avg", "minutes_sleep")], where=Between("age", 30, 39), by="city_id")

    select city_id, avg(minutes_sleep) from night where age between 30 and 39 group by city_id order by city_id

Every table promises
--------------------
1. Bad input is refused whole, with the row and the column, before a byte is written.
2. When `append`, `update` or `delete` returns, a crash does not take it back. Cut short by a crash, each row is there
   whole or not at all, and of two rows of one `append` the earlier one is there if the later one is.
3. NULL passes no filter and enters no measure: `sum`, `avg`, `min` and `max` over nothing are NULL, `count` is 0. To
   count rows, count the key.
4. Answers do not depend on the layout, with two exceptions: `scan` gives rows in an order of its own, and a sum of
   `f64` may differ in its last digits with the order in which it was added up.

Left out: expressions, joins, several conditions, a planner. SQL engines have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.structures.schema import Schema, Value, Values

MEASURES: Final = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True, slots=True)
class Between:
    """The rows whose `column` is from `low` to `high`, both included; None leaves that side open."""

    column: str
    low: int | float | str | None = None
    high: int | float | str | None = None

    def holds(self, value: Value) -> bool:
        """Whether a row with `value` in the column passes; NULL never does."""
        return (
            value is not None
            and (self.low is None or self.low <= value)  # type: ignore[operator]
            and (self.high is None or value <= self.high)  # type: ignore[operator]
        )

    def check(self, schema: Schema) -> None:
        """Refuse a column that the table does not have, and a bound that its type cannot be compared with."""
        column = schema.columns[schema.position(self.column)]
        wanted: tuple[type, ...] = (str,) if column.type == "text" else (int, float)
        for bound in (self.low, self.high):
            if bound is not None and (not isinstance(bound, wanted) or isinstance(bound, bool) or _is_nan(bound)):
                raise BadParameter(f"where {self.column!r}: bound {bound!r} cannot be compared with a {column.type}")


def _is_nan(bound: float | str) -> bool:
    return isinstance(bound, float) and math.isnan(bound)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number over many rows: `how`, one of `MEASURES`, of `column`."""

    how: str
    column: str

    def __post_init__(self) -> None:
        require_choice("how", self.how, MEASURES)

    def check(self, schema: Schema) -> None:
        """Refuse a column that the table does not have, and anything but `count` of a text."""
        if schema.columns[schema.position(self.column)].type == "text" and self.how != "count":
            raise BadParameter(f"{self.how} of {self.column!r}: a text can only be counted")


class Table(Protocol):
    """The verbs. `now_us` is when it happens: it only labels the rows of the trace."""

    schema: Schema
    key: str

    def append(self, rows: Iterable[Sequence[Value]], *, now_us: int = 0) -> int:
        """Add rows and return how many.

        Raises
        ------
        BadParameter
            If a row does not fit the schema; nothing was written.
        Refused
            If a key is there already, or twice in `rows`; nothing was written.
        MayHaveHappened
            If the disk failed.
        """

    def get(self, key: int, *, now_us: int = 0) -> Values | None:
        """Return the row of `key`, or None if there is none."""

    def scan(
        self, columns: Sequence[str] | None = None, where: Between | None = None, *, now_us: int = 0
    ) -> Iterator[Values]:
        """Give these columns (all, if none is named) of every row that passes, in no promised order."""

    def aggregate(
        self, measures: Sequence[Measure], *, where: Between | None = None, by: str | None = None, now_us: int = 0
    ) -> list[Values]:
        """Return one row of measures; with `by`, one for each value of that column, the value first, in its order.

        A NULL in `by` makes a group of its own, the first.
        """

    def update(self, key: int, changes: Mapping[str, Value], *, now_us: int = 0) -> bool:
        """Change columns of the row of `key`, which itself stays; return whether there was such a row."""

    def delete(self, key: int, *, now_us: int = 0) -> bool:
        """Take the row of `key` away; return whether there was one."""

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Bring everything to where it belongs, so that the next opening has nothing to replay."""

    def status(self) -> Any:
        """Return a frozen dataclass: rows, bytes by file, and what waits in memory."""


def check_question(
    schema: Schema,
    columns: Sequence[str],
    where: Between | None,
    measures: Sequence[Measure] = (),
) -> None:
    """Refuse a question about columns that are not there, or of the wrong type."""
    for name in columns:
        schema.position(name)
    for part in (*measures, *((where,) if where else ())):
        part.check(schema)
