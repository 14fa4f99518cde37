"""A cache: only what somebody asked for, and only for a while.

It is the laziest of derived copies. Nobody tells it of changes; it is *filled* when somebody asked and it had nothing
(a miss), and what it holds is thrown out by one of three:

==============  ====================================================================================================
`ttl`           it is too old: kept for `ttl_s` after it was filled, read or not
`room`          there are `capacity` entries, and it was read longest ago (LRU)
`written`       somebody changed the row and said so (`invalidate`)
==============  ====================================================================================================

Is a hit *stale*? The cache cannot know. But each entry says at which position of the table's log it was filled, so
whoever knows where the row stands now can tell (`Entry.position`). For the same reason a fill never goes back: one that
read the table before another did, and comes after it, is passed over. It goes back nevertheless if the newer entry is
gone by then, by invalidation for one: a cache that has forgotten a key cannot compare.

What is too old is thrown out when it is asked for; until then it takes a place. Where room is needed, only how long ago
an entry was read is looked at: one that is too old, but was read lately, stays before one that is good.

Sources: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013; Valkey documentation, "Key eviction", `EXPIRE`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter, Misuse, require_positive
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder

WHYS: Final = ("ttl", "room", "written")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a cache has of a key.

    Attributes
    ----------
    value : object
    position : int
        Where the table's log stood, for this key, when it was read.
    filled_us : int
    """

    value: Any
    position: int
    filled_us: int


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """What a cache has, and what became of what it was asked.

    Attributes
    ----------
    entries : int
        What takes a place now.
    hits, misses : int
    fills : int
        What was put in; `passed_over` were older than what was there.
    passed_over : int
    expired, evicted, invalidated : int
        What was thrown out: too old, for want of room, by word of a writer.
    """

    entries: int
    hits: int
    misses: int
    fills: int
    passed_over: int
    expired: int
    evicted: int
    invalidated: int


class KeepsEntries(Protocol):
    """A cache: the model's, or a server's."""

    def get(self, now_us: int, key: Value) -> Entry | None:
        """Return what is there and not too old, or None."""

    def fill(self, now_us: int, key: Value, value: Any, position: int) -> bool:
        """Put in what the table had at this position; return False if something newer is there."""

    def invalidate(self, now_us: int, key: Value) -> bool:
        """Throw a key out; return whether it was there."""


class Cache:
    """Entries by key, the one read longest ago first to go.

    Parameters
    ----------
    capacity : int, optional
        The most entries; None: as many as come.
    ttl_s : float, optional
        How long after its fill an entry may be read; None: for ever.
    name : str
        What a trace calls it.

    Examples
    --------
    >>> cache = Cache(ttl_s=10)
    >>> cache.fill(0, "anna", 7.5, position=3)
    True
    >>> cache.get(9_999_999, "anna")
    Entry(value=7.5, position=3, filled_us=0)
    >>> cache.get(10_000_000, "anna") is None
    True
    """

    def __init__(
        self, *, capacity: int | None = None, ttl_s: float | None = None, name: str = "cache",
        recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        if capacity is not None and (type(capacity) is not int or capacity < 1):
            raise BadParameter(f"capacity = {capacity!r}: give a whole number of entries, 1 or more, or None")
        if ttl_s is not None:
            require_positive(ttl_s=ttl_s)
        self.capacity, self.name = capacity, name
        self.ttl_us = None if ttl_s is None else round(ttl_s * 1e6)
        self._entries: OrderedDict[Value, Entry] = OrderedDict()
        self._counts: Counter[str] = Counter()
        self._now_us = 0
        self._recorder = recorder

    def get(self, now_us: int, key: Value) -> Entry | None:
        """Return what is there and not too old, or None."""
        self._reach(now_us)
        entry = self._entries.get(key)
        if entry is not None and self._is_too_old(entry):
            self._throw_out(key, "ttl")
            entry = None
        if entry is None:
            self._tell("miss", key)
            return None
        self._entries.move_to_end(key)
        self._tell("hit", key, position=entry.position)
        return entry

    def fill(self, now_us: int, key: Value, value: Any, position: int) -> bool:
        """Put in what the table had at this position; return False if something newer is there."""
        self._reach(now_us)
        if type(position) is not int or position < 0:
            raise BadParameter(f"position = {position!r}: give that of the row's last change, a whole number")
        there = self._entries.get(key)
        if there is not None and there.position > position and not self._is_too_old(there):
            self._counts["passed_over"] += 1
            return False
        if there is None and self.capacity is not None and len(self._entries) >= self.capacity:
            self._throw_out(next(iter(self._entries)), "room")
        self._entries[key] = Entry(value, position, now_us)
        self._entries.move_to_end(key)
        self._tell("fill", key, position=position)
        return True

    def invalidate(self, now_us: int, key: Value) -> bool:
        """Throw a key out; return whether it was there."""
        self._reach(now_us)
        if key not in self._entries:
            return False
        self._throw_out(key, "written")
        return True

    def status(self) -> CacheStatus:
        """Return what it has, and what became of what it was asked."""
        counts = self._counts
        return CacheStatus(
            len(self._entries), counts["hit"], counts["miss"], counts["fill"], counts["passed_over"], counts["ttl"],
            counts["room"], counts["written"],
        )  # fmt: skip

    def _is_too_old(self, entry: Entry) -> bool:
        return self.ttl_us is not None and self._now_us - entry.filled_us >= self.ttl_us

    def _throw_out(self, key: Value, why: str) -> None:
        del self._entries[key]
        self._counts[why] += 1
        self._recorder.emit(self._now_us, "evict", self.name, str(key), key=key, why=why, copy=1)

    def _tell(self, kind: str, key: Value, **fields: int) -> None:
        self._counts[kind] += 1
        self._recorder.emit(self._now_us, kind, self.name, str(key), key=key, copy=1, **fields)

    def _reach(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} lies before {self._now_us}: time cannot run back")
        self._now_us = now_us
