"""A table with a cache in front: who fills it, and what does a write do to it?

A read asks the cache first, and on a miss the table, and fills. What a write does is the choice:

==============  ====================================================================================================
`nothing`       the old entry stays until it is too old: stale for as long as the ttl, or for ever without one
`invalidate`    *cache-aside*: write the table, then throw the entry out; the next read fills
`fill`          *write-through*: write the table, then the cache, also what nobody will ever read
==============  ====================================================================================================

Two systems are written, one after the other, and nothing holds them together. Whoever dies in between leaves a stale
entry; so even who invalidates wants a ttl.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.dataflows.derived_view.cache import Entry, KeepsEntries
from dsys_lab.errors import require_choice
from dsys_lab.structures.schema import Value

ON_WRITE: Final = ("nothing", "invalidate", "fill")


class Cached:
    """A table behind a cache.

    Parameters
    ----------
    cache : KeepsEntries
    read : callable
        `(key)` -> the row's value and the position of its last change.
    write : callable
        `(key, value)` -> the position of the change, once the table has it.
    on_write : str
        One of `ON_WRITE`.
    """

    def __init__(
        self, cache: KeepsEntries, *, read: Callable[[Value], tuple[Any, int]], write: Callable[[Value, Any], int],
        on_write: str = "invalidate",
    ) -> None:  # fmt: skip
        require_choice("on_write", on_write, ON_WRITE)
        self.cache, self.on_write = cache, on_write
        self._read, self._write = read, write

    def read(self, now_us: int, key: Value) -> Entry:
        """Return what the cache has, or else what the table has, and fill."""
        entry = self.cache.get(now_us, key)
        if entry is None:
            value, position = self._read(key)
            self.cache.fill(now_us, key, value, position)
            entry = Entry(value, position, now_us)
        return entry

    def write(self, now_us: int, key: Value, value: Any) -> int:
        """Write the table, then do to the cache what was chosen; return the position of the change."""
        position = self._write(key, value)
        if self.on_write == "invalidate":
            self.cache.invalidate(now_us, key)
        elif self.on_write == "fill":
            self.cache.fill(now_us, key, value, position)
        return position
