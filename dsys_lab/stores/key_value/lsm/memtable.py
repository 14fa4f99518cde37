"""Where does a write wait until there are enough for a file?

In memory, in a *memtable*: a dict by key, and its keys in order for whoever scans. They are sorted only when somebody
asks (at the latest when the memtable becomes a run): an insertion costs no comparison, and sorting a list that is
sorted but for its end is nearly linear.

A scan must show the store as it stood when the scan began, but the memtable goes on changing. So a *view* remembers, of
each key that is written after it was taken, what the key was before.

>>> memtable = Memtable()
>>> memtable.put(b"a", b"1")
>>> then = memtable.view()
>>> memtable.put(b"a", b"2"); memtable.put(b"b", b"3")
>>> list(then.entries()), list(memtable.view().entries())
([(b'a', b'1')], [(b'a', b'2'), (b'b', b'3')])

Left out: the skip list that real memtables are, so that several writers and readers meet in it without waiting.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections.abc import Iterator

from dsys_lab.stores.key_value.lsm.block import Stored


class Memtable:
    """Stored entries by key, the newest of each.

    Attributes
    ----------
    written_bytes : int
        Bytes of all entries that were put, overwritten ones too: what the log holds of them.
    """

    def __init__(self) -> None:
        self.written_bytes = 0
        self._stored: dict[bytes, bytes] = {}
        self._sorted: list[bytes] = []
        self._unsorted: list[bytes] = []
        self._views: list[weakref.ref[MemtableView]] = []

    def __len__(self) -> int:
        return len(self._stored)

    def put(self, key: bytes, stored: bytes) -> None:
        """Let `key` have this stored entry."""
        before = self._stored.get(key)
        if before is None:
            self._unsorted.append(key)
        for reference in self._views:
            if (view := reference()) is not None:
                view.remember(key, before)
        self._stored[key] = stored
        self.written_bytes += len(stored)

    def get(self, key: bytes) -> bytes | None:
        """Return the stored entry of `key`, or None if there is none."""
        return self._stored.get(key)

    def keys(self) -> list[bytes]:
        """Return the keys in order; the list never changes afterwards."""
        if self._unsorted:
            self._sorted = sorted(self._sorted + self._unsorted)
            self._unsorted = []
        return self._sorted

    def view(self) -> MemtableView:
        """Return the memtable as it stands now."""
        view = MemtableView(self)
        self._views = [other for other in self._views if other() is not None] + [weakref.ref(view)]
        return view


class MemtableView:
    """A memtable as it stood at one moment."""

    def __init__(self, memtable: Memtable) -> None:
        self._memtable, self._keys = memtable, memtable.keys()
        self._before: dict[bytes, bytes | None] = {}

    def remember(self, key: bytes, before: bytes | None) -> None:
        """Note what `key` was before it is written; of several writes the first counts."""
        self._before.setdefault(key, before)

    def get(self, key: bytes) -> bytes | None:
        """Return the stored entry that `key` had, or None."""
        return self._before[key] if key in self._before else self._memtable.get(key)

    def entries(self, low: bytes | None = None, high: bytes | None = None) -> Iterator[Stored]:
        """Give the entries from `low` up to but not with `high`."""
        first = 0 if low is None else bisect_left(self._keys, low)
        for place in range(first, len(self._keys) if high is None else bisect_left(self._keys, high)):
            key = self._keys[place]
            stored = self.get(key)
            assert stored is not None, "a key that was there had an entry"
            yield key, stored
