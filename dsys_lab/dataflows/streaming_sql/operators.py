"""What does one step of a query do with a change, and what must it remember for the next?

`Choose` and `Shape` remember nothing. `Group` remembers a state a key, for ever: nothing tells it that a key is over.
`GroupWindows` remembers until the watermark has passed. Every operator has the same five verbs, so that a query is a
list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.dataflows.streaming_sql.changes import PUTS, Change, Row
from dsys_lab.dataflows.windows import Assigner, Pane, WindowedAggregate

Function = Callable[[Row], Any]


class Operator(Protocol):
    """One step of a query."""

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Take in a change; return what changes by it. A join has two sides."""

    def on_watermark(self, now_us: int, at_us: int) -> list[Change]:
        """Hear that nothing from before `at_us` is to come; return what changes by it."""

    def tick(self, now_us: int) -> list[Change]:
        """Let time pass."""

    def kept(self) -> int:
        """Return how many states or rows it remembers."""

    def snapshot(self) -> Any:
        """Return all that it remembers, as plain values."""

    def restore(self, snapshot: Any) -> None:
        """Remember it again."""


class Stateless:
    """Remembers nothing; time is nothing to it."""

    def on_watermark(self, now_us: int, at_us: int) -> list[Change]:
        """Do nothing."""
        return []

    def tick(self, now_us: int) -> list[Change]:
        """Do nothing."""
        return []

    def kept(self) -> int:
        """Return 0."""
        return 0

    def snapshot(self) -> Any:
        """Return nothing."""
        return None

    def restore(self, snapshot: Any) -> None:
        """Do nothing."""


class Choose(Stateless):
    """Lets pass the rows of which a condition is true."""

    def __init__(self, test: Function) -> None:
        self._test = test

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Let the change pass, or not."""
        return [change] if self._test(change.row) else []


class Shape(Stateless):
    """Makes one row of another."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._functions = tuple(functions)

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Return the change of the other row."""
        op, row = change
        return [Change(op, tuple(function(row) for function in self._functions))]


class AddWindows(Stateless):
    """Gives each row its window, once for each window that it lies in."""

    def __init__(self, assigner: Assigner, time: int) -> None:
        self._assigner, self._time = assigner, time

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Return the row with the start and the end of each of its windows."""
        op, row = change
        return [Change(op, (*row, *window)) for window in self._assigner.windows(row[self._time])]


class Group(Stateless):
    """A state a key, which speaks at every row."""

    def __init__(self, keys: Sequence[int], monoid: Monoid) -> None:
        self._keys, self._monoid = tuple(keys), monoid
        self._states: dict[Row, Any] = {}

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Fold the row; return the old answer of its key, which goes, and the new one."""
        row, monoid = change.row, self._monoid
        key = tuple(row[place] for place in self._keys)
        if key not in self._states:
            self._states[key] = monoid.add(monoid.zero(), row)
            return [Change("+I", (*key, *monoid.finish(self._states[key])))]
        old = (*key, *monoid.finish(self._states[key]))
        self._states[key] = monoid.add(self._states[key], row)
        new = (*key, *monoid.finish(self._states[key]))
        return [] if old == new else [Change("-U", old), Change("+U", new)]

    def kept(self) -> int:
        """Return the number of keys."""
        return len(self._states)

    def snapshot(self) -> Any:
        """Return the states."""
        return self._states

    def restore(self, snapshot: Any) -> None:
        """Have them again."""
        self._states = snapshot


class GroupWindows:
    """A state a key and window, by the room `windows`; its rows are key, window_start, window_end, aggregates."""

    def __init__(self, windows: WindowedAggregate, time: int, keys: Sequence[int]) -> None:
        self.windows, self._time, self._keys = windows, time, tuple(keys)

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Fold the row into its windows."""
        row = change.row
        key = tuple(row[place] for place in self._keys)
        return self._changes(self.windows.on_record(now_us, Record(row[self._time], now_us, key, row)))  # type: ignore[arg-type]

    def on_watermark(self, now_us: int, at_us: int) -> list[Change]:
        """Let windows speak."""
        return self._changes(self.windows.on_watermark(now_us, at_us))

    def tick(self, now_us: int) -> list[Change]:
        """Let windows speak early."""
        return self._changes(self.windows.tick(now_us))

    def kept(self) -> int:
        """Return the number of windows in memory, each with its key."""
        return self.windows.status().kept

    def snapshot(self) -> Any:
        """Return the windows."""
        return self.windows.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Have them again."""
        self.windows.restore(snapshot)

    @staticmethod
    def _changes(panes: list[Pane]) -> list[Change]:
        taken = {(pane.key, pane.window) for pane in panes if pane.is_taken_back}
        said = {(pane.key, pane.window) for pane in panes if not pane.is_taken_back}
        changes = []
        for pane in panes:
            place = pane.key, pane.window
            both = place in taken and place in said
            op = ("-U" if both else "-D") if pane.is_taken_back else ("+U" if both else "+I")
            changes.append(Change(op, (*pane.key, *pane.window, *pane.value)))
        return changes


def is_put(change: Change) -> bool:
    """Whether a change brings a row."""
    return change.op in PUTS
