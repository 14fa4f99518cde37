"""What flows between operators: not rows, but changes of a table that nobody sees whole.

`+I` a row is there; `-U` and `+U` an old row goes and a new one takes its place; `-D` a row goes. These are the four
row kinds of Flink. A query whose output is only ever `+I` is *append-only*; any other is an *update stream*, and who
counts its rows counts wrong. `folded` is the table that the changes speak of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter

Row = tuple[Any, ...]
PUTS: Final = frozenset({"+I", "+U"})
"""The changes that bring a row; the others take one away."""


class Change(NamedTuple):
    """One row that comes or goes: `op` is +I, -U, +U or -D."""

    op: str
    row: Row


def folded(changes: Iterable[Change]) -> Counter[Row]:
    """Return the rows that stand in the end, each with how often.

    Raises
    ------
    BadParameter
        If a row goes that is not there.
    """
    table: Counter[Row] = Counter()
    for op, row in changes:
        if op in PUTS:
            table[row] += 1
        elif table[row] > 1:
            table[row] -= 1
        elif table[row] == 1:
            del table[row]
        else:
            raise BadParameter(f"{op} {row}: goes, but is not there; give the changes in their order")
    return table


def differences(before: list[Row], after: list[Row]) -> list[Change]:
    """Return the changes that make one list of rows of another, place by place."""
    changes = []
    for old, new in zip(before, after, strict=False):
        if old != new:
            changes += [Change("-U", old), Change("+U", new)]
    changes += [Change("-D", row) for row in before[len(after) :]]
    return changes + [Change("+I", row) for row in after[len(before) :]]
