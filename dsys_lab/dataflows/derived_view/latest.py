"""The newest row of each key: a replica, or the whole of a cache, told by changes.

Which of two changes of a key is the newer one? Commits have positions, and who goes by them is right in whatever order
the changes come, also if some come twice. Who takes whatever came *last* is right only while the way keeps the order::

    commits         5: free = 3      9: free = 2
    arrive              9, then 5
    by position     free = 2         (5 comes too late, and is passed over)
    by arrival      free = 3         for ever, and nothing says so

To go by positions it must remember that of a deleted key too, or an old change brings the row back: a *tombstone*. They
are never swept here; in life they are, once nothing older can be under way.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.dataflows.derived_view.view import NOTHING, Row, State, View
from dsys_lab.errors import require_choice
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder

ORDERS: Final = ("position", "arrival")


class Latest(View):
    """The newest row of each key.

    Parameters
    ----------
    key : str
        The column that tells rows apart.
    order : str
        "position": the change with the higher position wins; "arrival": the one that came last does.

    Examples
    --------
    >>> from dsys_lab.stores.relational import Change
    >>> copy = Latest("wards")
    >>> copy.apply(Change("wards", None, {"id": 1, "free": 2}), position=9)
    >>> copy.apply(Change("wards", None, {"id": 1, "free": 3}), position=5)
    >>> copy.state()
    {1: {'id': 1, 'free': 2}}
    """

    def __init__(
        self, table: str, *, key: str = "id", order: str = "position", name: str = "", recorder: Recorder = NO_TRACE
    ) -> None:
        super().__init__(table, name=name, recorder=recorder)
        require_choice("order", order, ORDERS)
        self.key, self.order = key, order
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[Value, dict[str, Value]] = {}
        self._positions: dict[Value, int] = {}

    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        old, new = self.column(before, self.key), self.column(after, self.key)
        if old is not NOTHING and old != new:
            self._set(old, None, position)
        if after is not None:
            self._set(new, after, position)

    def _set(self, key: Value, row: Row | None, position: int) -> None:
        if self.order == "position" and position < self._positions.get(key, 0):
            self.passed_over += 1
            return
        self._positions[key] = position
        self.written_rows += 1
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = dict(row)

    def state(self) -> State:
        """Return each key's row."""
        return dict(self._rows)

    def position_of(self, key: Value) -> int:
        """Return the position at which a key was changed last; 0 of one that never was."""
        return self._positions.get(key, 0)
