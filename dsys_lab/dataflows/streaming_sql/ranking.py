"""Who is among the first N, now that a row has come or gone?

Of every partition all rows are kept in order, for when one of the first goes, the next moves up. A ranking of windows
(PARTITION BY window_start, window_end over rows that are said once) waits until the window is over, says its first N
once and forgets it; any other says every change and keeps its rows for ever.

Rows with equal values keep an order of their own (that of all their columns), so that a run can be repeated; SQL
promises none.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dsys_lab.dataflows.streaming_sql.changes import Change, Row, differences
from dsys_lab.dataflows.streaming_sql.operators import Stateless, is_put


@dataclass(frozen=True, slots=True)
class By:
    """One column of ORDER BY."""

    place: int
    descending: bool


class TopN(Stateless):
    """The first rows of each partition, with their rank.

    Parameters
    ----------
    partition : sequence of int
    by : sequence of By
    count : int
    over_at : int, optional
        Where the end of the window is, for a ranking that waits for it.
    """

    def __init__(self, partition: Sequence[int], by: Sequence[By], count: int, over_at: int | None = None) -> None:
        self._partition, self._by, self._count, self._over_at = tuple(partition), tuple(by), count, over_at
        self._rows: dict[Row, list[tuple[Any, Row]]] = {}

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Put the row in its place, or take it out; return how the first N change."""
        key = tuple(change.row[place] for place in self._partition)
        ranked = self._rows.setdefault(key, [])
        before = self._first(ranked)
        entry = self._sorted_by(change.row), change.row
        if is_put(change):
            insort(ranked, entry)
        else:
            del ranked[bisect_left(ranked, entry)]
            if not ranked:
                del self._rows[key]
        return [] if self._over_at is not None else differences(before, self._first(ranked))

    def on_watermark(self, now_us: int, at_us: int) -> list[Change]:
        """Say the first N of the windows that are over, and forget them."""
        if self._over_at is None:
            return []
        over = [key for key, ranked in self._rows.items() if ranked[0][1][self._over_at] <= at_us]
        return [Change("+I", row) for key in over for row in self._first(self._rows.pop(key))]

    def kept(self) -> int:
        """Return the number of rows."""
        return sum(map(len, self._rows.values()))

    def snapshot(self) -> Any:
        """Return the rows, in their order."""
        return {key: [row for _, row in ranked] for key, ranked in self._rows.items()}

    def restore(self, snapshot: Any) -> None:
        """Have them again."""
        self._rows = {key: [(self._sorted_by(row), row) for row in rows] for key, rows in snapshot.items()}

    def _first(self, ranked: list[tuple[Any, Row]]) -> list[Row]:
        return [(*row, rank + 1) for rank, (_, row) in enumerate(ranked[: self._count])]

    def _sorted_by(self, row: Row) -> Any:
        order = tuple(_Turned(row[by.place]) if by.descending else _known(row[by.place]) for by in self._by)
        return order, tuple(map(_known, row))


def _known(value: Any) -> tuple[bool, Any]:
    """Return a value that compares with NULL, which comes first."""
    return value is not None, 0 if value is None else value


@dataclass(frozen=True, slots=True)
class _Turned:
    """A value that comes before the smaller ones."""

    value: Any

    def __lt__(self, other: _Turned) -> bool:
        return _known(other.value) < _known(self.value)
