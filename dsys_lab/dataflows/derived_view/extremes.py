"""The smallest and the largest of each group: easy to add to, dear to take from.

A row that comes is compared with two numbers. A row that goes is nothing to the view, unless it *was* the smallest or
the largest: which is the next one, two numbers cannot say. Then all rows of the group are looked at again, and that is
counted (`recomputed`, and each of them as read). For that the view keeps the value of every row. Two numbers alone, as
for a sum, are not enough: a minimum has no inverse. ::

    Oslo   430 410 395*     -395  ->  look at 430 410  ->  410*
    Oslo   430 410 395*     -410  ->  nothing to do

A row that is changed to something still more extreme needs no second look. NULL is never the smallest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsys_lab.dataflows.derived_view.view import COMES, GOES, NOTHING, Row, State, View
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder


class Extremes(View):
    """MIN and MAX of a column by the groups of another.

    Parameters
    ----------
    by, of : str
        The groups, and what is compared.
    key : str
        The column that tells rows apart.

    Attributes
    ----------
    recomputed : int
        How often a group had to be looked at again.
    """

    def __init__(
        self, table: str, *, by: str, of: str, key: str = "id", name: str = "", recorder: Recorder = NO_TRACE
    ) -> None:
        super().__init__(table, name=name, recorder=recorder)
        self.by, self.of, self.key = by, of, key
        self.recomputed = 0
        self._forget()

    def _forget(self) -> None:
        self._members: dict[Value, dict[Value, Any]] = {}
        self._extremes: dict[Value, tuple[Any, Any]] = {}

    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        old, new = self._place(before), self._place(after)
        if old == new:
            return
        if before is not None and not self._has(*old[:2]):
            raise self.does_not_add_up({self.by: old[0], self.key: old[1]}, GOES)
        if after is not None and new[:2] != old[:2] and self._has(*new[:2]):
            raise self.does_not_add_up({self.by: new[0], self.key: new[1]}, COMES)
        touched = list(dict.fromkeys(group for group, _, _ in (old, new) if group is not NOTHING))
        known = {group: self._extremes.get(group) for group in touched}
        if before is not None:
            del self._members[old[0]][old[1]]
        if after is not None:
            self._members.setdefault(new[0], {})[new[1]] = new[2]
        for group in touched:
            gone = old[2] if group == old[0] and before is not None else None
            came = new[2] if group == new[0] and after is not None else None
            self._settle(group, known[group], gone, came)

    def _has(self, group: Value, key: Value) -> bool:
        return key in self._members.get(group, {})

    def _place(self, row: Row | None) -> tuple[Any, Any, Any]:
        return self.column(row, self.by), self.column(row, self.key), self.column(row, self.of)

    def _settle(self, group: Value, known: tuple[Any, Any] | None, gone: Any, came: Any) -> None:
        """Say what a group's extremes are, after a value went and a value came (None: none did)."""
        if not self._members[group]:
            del self._members[group], self._extremes[group]
            self.written_rows += 1
            return
        low, high = _reach((*(known or ()), came))
        if gone is not None and (gone == low != came or gone == high != came):
            self.recomputed += 1
            self.read_rows += len(self._members[group])
            low, high = _reach(self._members[group].values())
        if known != (low, high):
            self._extremes[group] = low, high
            self.written_rows += 1

    def state(self) -> State:
        """Return `min` and `max` of each group."""
        return {group: {"min": low, "max": high} for group, (low, high) in self._extremes.items()}


def _reach(values: Iterable[Any]) -> tuple[Any, Any]:
    there = [value for value in values if value is not None]
    return (min(there), max(there)) if there else (None, None)
