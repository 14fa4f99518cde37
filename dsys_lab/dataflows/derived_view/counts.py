"""How many, how much and how much on average, for each group: kept up to date by subtraction.

A row that changes is taken out of its old group and put into its new one. So the view needs neither the table nor the
other rows of the group, only the row as it was: `Change.before`, whole. What a column holds that was not given is no
change of the view, and writes nothing.

Why an average is kept as a sum and a count: averages cannot be subtracted. And why the sum is exact: 0.1 + 0.2 - 0.2 is
not 0.1 in floating point, so a view that subtracts would slowly part from one that is rebuilt. Floats are added as
the fractions that they are, and rounded once, when somebody reads. A sum of whole numbers alone is whole, whatever was
in the group before.

NULL is counted as a row, and neither added nor averaged; a group without rows is no group.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from dsys_lab.dataflows.derived_view.view import GOES, NOTHING, Row, State, View
from dsys_lab.errors import BadParameter
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder


class _Sum:
    """What is kept of a group."""

    __slots__ = ("floats", "rows", "total", "values")

    def __init__(self) -> None:
        self.rows = self.values = self.floats = 0
        self.total: Fraction | int = 0


class Counts(View):
    """COUNT, SUM and AVG of a column by the groups of another.

    Parameters
    ----------
    by : str
        Whose values are the groups; NULL is one.
    of : str
        What is added.

    Examples
    --------
    >>> from dsys_lab.stores.relational import Change
    >>> view = Counts("nights", by="city", of="minutes")
    >>> view.apply(Change("nights", None, {"city": "Oslo", "minutes": 430}), 1)
    >>> view.apply(Change("nights", None, {"city": "Oslo", "minutes": 410}), 2)
    >>> view.state()
    {'Oslo': {'count': 2, 'sum': 840, 'avg': 420.0}}
    """

    def __init__(self, table: str, *, by: str, of: str, name: str = "", recorder: Recorder = NO_TRACE) -> None:
        super().__init__(table, name=name, recorder=recorder)
        self.by, self.of = by, of
        self._forget()

    def _forget(self) -> None:
        self._groups: dict[Value, _Sum] = {}

    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        old = self.column(before, self.by), self._number(before)
        new = self.column(after, self.by), self._number(after)
        if old == new and type(old[1]) is type(new[1]):  # 7.0 in the place of 7 is a change
            return
        if before is not None:
            self._count(*old, -1)
        if after is not None:
            self._count(*new, +1)
        self.written_rows += len({group for group, _ in (old, new) if group is not NOTHING})

    def _number(self, row: Row | None) -> Any:
        value = self.column(row, self.of)
        if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
            raise BadParameter(f"{self.name}: {self.of} = {value!r}: give a number, or NULL, which is passed over")
        return Fraction(value) if isinstance(value, float) else value

    def _count(self, group: Value, value: Any, sign: int) -> None:
        kept = self._groups.setdefault(group, _Sum())
        if kept.rows + sign < 0:
            del self._groups[group]
            raise self.does_not_add_up({self.by: group}, GOES)
        kept.rows += sign
        if value is not None:
            kept.values += sign
            kept.floats += sign * isinstance(value, Fraction)
            kept.total += sign * value
        if not kept.rows:
            del self._groups[group]

    def state(self) -> State:
        """Return `count`, `sum` and `avg` of each group."""
        return {group: _told(kept) for group, kept in self._groups.items()}


def _told(kept: _Sum) -> dict[str, Any]:
    if not kept.values:
        return {"count": kept.rows, "sum": None, "avg": None}
    total = float(kept.total) if kept.floats else int(kept.total)
    return {"count": kept.rows, "sum": total, "avg": float(Fraction(kept.total) / kept.values)}
