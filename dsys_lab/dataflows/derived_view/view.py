"""What do all derived views have in common? They are told changes, and can be thrown away and made anew.

A view keeps what somebody will ask, in the form in which it will be asked. It hears of the table by its *changes*, each
with the position of its commit; `apply` takes one in and touches as little as it can (*incremental* maintenance).
`rebuild` forgets everything and reads all rows of the table (*full* maintenance). Both come to the same state, and that
is the test of what is derived: delete it, rebuild it, compare the `digest`. ::

    table    (7 Oslo 430)  --change-->  (7 Oslo 410)         apply: 1 row read, 1 row of the view written
    view     Oslo: 2 nights, 860     |  Oslo: 2 nights, 840  rebuild: all rows read, all rows of the view written

The counters count rows: `read_rows` are rows of the table that were taken in, one by a change, all of them by a
rebuild; `written_rows` are rows of the view that were written.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.brokers.audit.tally import WORD, hash_of
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.stores.relational import Change
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder

Row = Mapping[str, Value]
State = dict[Any, Any]
"""What a view answers, key by key."""
GOES: Final = "goes, and is not there"
COMES: Final = "comes, and is there"
NOTHING: Final = object()
"""Stands for a column of a row that is not there."""


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """What a view has and what it has done.

    Attributes
    ----------
    position : int
        The highest position of which it was told; 0 if of none.
    rows : int
        That it answers with.
    read_rows, written_rows : int
        Taken in from the table, and written in the view, since it was made.
    passed_over : int
        Changes that came too late to count: it knew of a later one.
    """

    position: int
    rows: int
    read_rows: int
    written_rows: int
    passed_over: int


class View(ABC):
    """A fold of the changes of one table.

    Parameters
    ----------
    table : str
        Changes of other tables are none of its business.
    name : str, optional
        What a trace calls it.
    recorder : Recorder
    """

    def __init__(self, table: str, *, name: str = "", recorder: Recorder = NO_TRACE) -> None:
        self.table, self.name = table, name or type(self).__name__.lower()
        self.read_rows = self.written_rows = self.passed_over = self.position = 0
        self._recorder = recorder

    # ------------------------------------------------------------ maintenance
    def apply(self, change: Change, position: int | None = None, *, now_us: int = 0) -> None:
        """Take in a change of the commit at this position.

        Parameters
        ----------
        position : int, optional
            None: whoever tells it keeps the positions and the order, as `change_capture.Follower` does, so no change
            is older than one that it was told.

        Raises
        ------
        BadParameter
            If the row lacks a column that the view is about, or the position is none.
        Misuse
            If a row goes that the view never had, or comes that it has, as far as it can know that: a change was
            skipped, or told twice.
        """
        position = self.position if position is None else position
        _require_position(position)
        if change.table != self.table:
            return
        read_rows, written_rows = self.read_rows, self.written_rows
        self.read_rows += 1
        self._take(change.before, change.after, position)
        self.position = max(self.position, position)
        self._recorder.emit(
            now_us, "apply", self.name, view=self.name, position=position,
            read_rows=self.read_rows - read_rows, written_rows=self.written_rows - written_rows,
        )  # fmt: skip

    def rebuild(self, rows: Iterable[Row], position: int, *, now_us: int = 0) -> None:
        """Forget everything, and read the table's rows as they stood at this position.

        Raises
        ------
        BadParameter, Misuse
            As `apply` does. After an error the view is empty, and at position 0: half of a table is no view of it.
        """
        _require_position(position)
        self._recorder.emit(now_us, "rebuild", self.name, view=self.name, phase="begins")
        self._forget()
        read_rows, self.position = self.read_rows, 0
        try:
            for row in rows:
                self.read_rows += 1
                self._take(None, row, position)
        except BaseException:
            self._forget()
            raise
        self.position = position
        self._recorder.emit(
            now_us, "rebuild", self.name, view=self.name, phase="done", read_rows=self.read_rows - read_rows
        )

    @abstractmethod
    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        """Change the state."""

    @abstractmethod
    def _forget(self) -> None:
        """Begin with nothing."""

    # ------------------------------------------------------------ reading
    @abstractmethod
    def state(self) -> State:
        """Return what it answers, key by key."""

    def digest(self) -> int:
        """Return 64 bits that stand for the state, in whatever order it came about."""
        return digest_of(self.state())

    def status(self) -> ViewStatus:
        """Return what it has and what it has done."""
        return ViewStatus(self.position, len(self.state()), self.read_rows, self.written_rows, self.passed_over)

    # ------------------------------------------------------------ for those that fold
    def column(self, row: Row | None, name: str) -> Any:
        """Return a column of a row, or `NOTHING` of a row that is not there."""
        if row is None:
            return NOTHING
        if name not in row:
            raise BadParameter(f"{self.name}: a row of {self.table} has no column {name!r}; it has {', '.join(row)}")
        return row[name]

    def does_not_add_up(self, what: object, wrong: str) -> Misuse:
        """Return the error that says that the changes do not add up."""
        return Misuse(
            f"{self.name}: {what!r} {wrong}: a change was skipped, or told twice; rebuild the view, and tell it each "
            "change once, in the order of the commits"
        )


def _require_position(position: object) -> None:
    if type(position) is not int or position < 0:
        raise BadParameter(f"position = {position!r}: give that of the commit, a whole number, 0 or more")


def digest_of(state: Mapping[Hashable, Any]) -> int:
    """Return the sum of the hashes of a state's entries, modulo 2^64."""
    return sum(map(entry_hash, state.items())) % WORD


def entry_hash(entry: tuple[Hashable, Any]) -> int:
    """Return 64 bits that stand for one key and what it has."""
    return hash_of(json.dumps(entry, sort_keys=True))
