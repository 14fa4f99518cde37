"""What did the store say at one moment?

The runs of that moment, which never change, and the memtable as it stood. A snapshot costs nothing but the files that
it keeps from being removed; whoever lets go of it lets go of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dsys_lab.stores.key_value.entry import value_of
from dsys_lab.stores.key_value.lsm.bloom_filter import hash_of
from dsys_lab.stores.key_value.lsm.memtable import MemtableView
from dsys_lab.stores.key_value.lsm.merging import merged
from dsys_lab.stores.key_value.lsm.sorted_run import SortedRun
from dsys_lab.stores.key_value.verbs import Pair, check_key, check_range


class Snapshot:
    """The store as it stood when the snapshot was taken."""

    def __init__(self, memtable: MemtableView, runs: Sequence[SortedRun], *, require_open: Callable[[], None]) -> None:
        self.runs = runs
        self._memtable, self._require_open = memtable, require_open

    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        """Return the value that `key` had, or None."""
        self._require_open()
        check_key(key)
        stored = self._memtable.get(key) or lookup(self.runs, key, now_us)
        return value_of(stored) if stored else None

    def scan(self, low: bytes | None = None, high: bytes | None = None, *, now_us: int = 0) -> Iterator[Pair]:
        """Give the pairs from `low` up to but not with `high`."""
        self._require_open()
        check_range(low, high)
        sources = [self._memtable.entries(low, high), *(run.entries(low, high, now_us) for run in self.runs)]
        return self._pairs(sources)

    def _pairs(self, sources: list[Iterator[tuple[bytes, bytes]]]) -> Iterator[Pair]:
        for key, stored in merged(sources):
            self._require_open()
            value = value_of(stored)
            if value is not None:
                yield key, value


def lookup(runs: Sequence[SortedRun], key: bytes, now_us: int) -> bytes | None:
    """Return the stored entry of `key` in the first run that has one; the newest run comes first."""
    key_hash = hash_of(key)
    for run in runs:
        stored = run.get(key, key_hash, now_us)
        if stored is not None:
            return stored
    return None
