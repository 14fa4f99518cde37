"""All statements in one order: a sorted run on the disk, and what changed since, in memory.

A run cannot be changed; so what is added stands in a short sorted list beside it, and what is removed in a set. A range
reads both and gives them as one. `keys` counts what was looked at: that is what a pattern costs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from heapq import merge

from dsys_lab.stores.graph_store.sorted_run import Key, SortedRun


class OrderedIndex:
    """The statements in the order of `order`.

    Attributes
    ----------
    keys : int
        Keys looked at since it was made.
    """

    def __init__(self, order: str, run: SortedRun | None = None) -> None:
        self.order, self.run = order, run
        self._added: list[Key] = []
        self._removed: set[Key] = set()  # only ever asked, never gone through
        self.keys = 0

    def add(self, key: Key) -> None:
        """Add a statement that is not there."""
        if key in self._removed:
            self._removed.discard(key)
        else:
            insort(self._added, key)

    def remove(self, key: Key) -> None:
        """Take away a statement that is there."""
        at = bisect_left(self._added, key)
        if at < len(self._added) and self._added[at] == key:
            del self._added[at]
        else:
            self._removed.add(key)

    def range(self, prefix: Sequence[int] = ()) -> Iterator[Key]:
        """Give the keys that begin with `prefix`, in order."""
        wanted = tuple(prefix)
        low = bisect_left(self._added, wanted, key=lambda key: key[: len(wanted)])
        high = bisect_right(self._added, wanted, key=lambda key: key[: len(wanted)])
        for key in merge(self.run.range(wanted) if self.run else (), self._added[low:high]):
            self.keys += 1
            if key not in self._removed:
                yield key
