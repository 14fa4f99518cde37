"""Which rows of two streams belong together, and for how long must each wait for the other?

`IntervalJoin`: a row waits until the watermark says that no partner can come, so the state is what arrives in the width
of the interval (and the bound), from both sides. `VersionJoin`: a row waits until all versions of its time have come,
and takes the one that was valid *then*, whatever is valid now; of versions only the newest that is certain, and those
after it, are kept.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Any

from dsys_lab.dataflows.streaming_sql.changes import Change, Row
from dsys_lab.dataflows.streaming_sql.operators import Stateless


class IntervalJoin(Stateless):
    """Joins rows of equal keys whose times are not too far apart.

    Parameters
    ----------
    keys : pair of sequences of int
        Where the key is, on the left and on the right.
    times : pair of int
    low_us, high_us : int
        The least and the most that the right row's time may lie after the left one's.
    """

    def __init__(
        self, keys: tuple[Sequence[int], Sequence[int]], times: tuple[int, int], low_us: int, high_us: int
    ) -> None:
        self._keys, self._times = keys, times
        self._apart_us = (low_us, high_us), (-high_us, -low_us)
        self._at_us = -(1 << 62)
        self._rows: tuple[dict[Row, list[Row]], dict[Row, list[Row]]] = ({}, {})
        self._until: list[tuple[int, int, int, Row, Row]] = []
        self._entries = 0

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Join a row with its partners that are there, and let it wait for those to come."""
        row, other = change.row, 1 - side
        key, at_us = tuple(row[place] for place in self._keys[side]), row[self._times[side]]
        if None in key:
            return []
        low_us, high_us = self._apart_us[side]
        partners = (
            partner
            for partner in self._rows[other].get(key, ())
            if low_us <= partner[self._times[other]] - at_us <= high_us
        )
        joined = [Change("+I", (*partner, *row) if side else (*row, *partner)) for partner in partners]
        if at_us + high_us >= self._at_us:
            self._keep(side, key, row, at_us + high_us)
        return joined

    def on_watermark(self, now_us: int, at_us: int) -> list[Change]:
        """Forget the rows whose last possible partner has come."""
        self._at_us = at_us
        while self._until and self._until[0][0] < at_us:
            _, _, side, key, row = heapq.heappop(self._until)
            rows = self._rows[side][key]
            rows.remove(row)
            if not rows:
                del self._rows[side][key]
        return []

    def kept(self) -> int:
        """Return the number of rows that wait."""
        return len(self._until)

    def snapshot(self) -> Any:
        """Return the rows that wait."""
        return self._at_us, [(side, key, row, until_us) for until_us, _, side, key, row in sorted(self._until)]

    def restore(self, snapshot: Any) -> None:
        """Let them wait again."""
        self._at_us, waiting = snapshot
        self._rows, self._until = ({}, {}), []
        for side, key, row, until_us in waiting:
            self._keep(side, key, row, until_us)

    def _keep(self, side: int, key: Row, row: Row, until_us: int) -> None:
        self._rows[side].setdefault(key, []).append(row)
        self._entries += 1
        heapq.heappush(self._until, (until_us, self._entries, side, key, row))


class VersionJoin(Stateless):
    """Joins each left row with the version of the right that was valid at its time.

    Parameters
    ----------
    keys : pair of int
        Where the key is, on the left and on the right.
    times : pair of int
    """

    def __init__(self, keys: tuple[int, int], times: tuple[int, int]) -> None:
        self._keys, self._times = keys, times
        self._at_us = -(1 << 62)
        self._versions: dict[Any, list[tuple[int, int, Row]]] = {}
        self._waiting: list[tuple[int, int, Row]] = []
        self._entries = 0

    def on_change(self, now_us: int, change: Change, side: int = 0) -> list[Change]:
        """Keep a version, or let a row wait until its time is certain."""
        key, at_us = change.row[self._keys[side]], change.row[self._times[side]]
        self._entries += 1
        if key is not None and side == 1:
            insort(self._versions.setdefault(key, []), (at_us, self._entries, change.row))
        elif key is not None:
            heapq.heappush(self._waiting, (at_us, self._entries, change.row))
        return []

    def on_watermark(self, now_us: int, at_us: int) -> list[Change]:
        """Join the rows whose time is certain; forget versions that nobody can ask for."""
        self._at_us = at_us
        joined = []
        while self._waiting and self._waiting[0][0] < at_us:
            time_us, _, row = heapq.heappop(self._waiting)
            versions = self._versions.get(row[self._keys[0]], [])
            valid = bisect_right(versions, time_us, key=lambda version: version[0])
            joined += [Change("+I", (*row, *versions[valid - 1][2]))] if valid else []
        for versions in self._versions.values():
            certain = bisect_right(versions, at_us, key=lambda version: version[0])
            del versions[: max(0, certain - 1)]
        return joined

    def kept(self) -> int:
        """Return the number of rows that wait, and of versions."""
        return len(self._waiting) + sum(map(len, self._versions.values()))

    def snapshot(self) -> Any:
        """Return what waits, and the versions."""
        return self._at_us, self._entries, sorted(self._waiting), self._versions

    def restore(self, snapshot: Any) -> None:
        """Have them again."""
        self._at_us, self._entries, self._waiting, self._versions = snapshot
