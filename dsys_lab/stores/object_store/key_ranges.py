"""Why does a store "without limit" say *slow down*, and why does it get better by itself?

Keys lie on one sorted line, and the line is cut into *ranges*. Each range is kept by machines of its own, which do only
so much: a bucket of tokens for its writes, one for its reads. Where more is asked for than drips in, the rest is
refused (503), whatever the other ranges have left. If that goes on, the range is cut in two at the key of the *median
load*, and each half has buckets of its own.

So what passes is, range by range, the lesser of what is asked for and the limit; and a load that runs along the line,
as keys that begin with the date do, always meets one range, the last one.

Promises
--------
1. A request that is refused changed nothing.
2. A range is cut only after `split_after_s` seconds in a row in each of which it refused, and never at a single key.

Left out: ranges that cool down are not joined again; S3 does not tell how it cuts, so this is a model of what its
users see.

Sources: AWS re:Post, "How do I troubleshoot HTTP 5xx errors from Amazon S3?"; Amazon S3 User Guide, "Best practices
design patterns: optimizing Amazon S3 performance", read in November 2026.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.stores.object_store.verbs import SlowDown
from dsys_lab.structures.token_bucket import TokenBucket
from dsys_lab.trace import NO_TRACE, Recorder

WRITES, READS = "writes", "reads"
KINDS: Final = (WRITES, READS)
SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a range does.

    Attributes
    ----------
    writes, reads : float
        Requests a second.
    burst_s : float
        So many seconds' worth may be saved up.
    split_after_s : float or None
        A range that refused in each of so many seconds is cut; None cuts none.
    """

    writes: float = 3_500.0
    reads: float = 5_500.0
    burst_s: float = 0.1
    split_after_s: float | None = 30.0

    def __post_init__(self) -> None:
        require_positive(writes=self.writes, reads=self.reads, burst_s=self.burst_s)
        if self.split_after_s is not None:
            require_positive(split_after_s=self.split_after_s)

    def bucket(self, kind: str, now_us: int) -> TokenBucket:
        """Return a full bucket for this kind of requests."""
        rate = self.writes if kind == WRITES else self.reads
        bucket = TokenBucket(rate=rate, burst=max(1.0, rate * self.burst_s))
        bucket.level(now_us)
        return bucket


@dataclass(frozen=True, slots=True)
class RangeStatus:
    """A range of keys: from `low`, up to the low of the next; what passed and what was refused so far."""

    name: str
    low: str
    passed: int
    refused: int


def median_key(load: Mapping[str, int]) -> str | None:
    """Return the key at which half of the load lies below, as nearly as it can; None if all of it is at one key.

    >>> median_key({"a": 5, "b": 1, "c": 6}), median_key({"a": 9})
    ('c', None)
    """
    keys = sorted(load)
    total, below, best = sum(load.values()), 0, None
    for earlier, key in pairwise(keys):
        below += load[earlier]
        if best is None or abs(2 * below - total) < best[0]:
            best = abs(2 * below - total), key
    return None if best is None else best[1]


@dataclass(slots=True)
class _Range:
    name: str
    low: str
    buckets: dict[str, TokenBucket]
    load: Counter[str] = field(default_factory=Counter)
    refused_now: int = 0
    busy_s: int = 0
    passed: int = 0
    refused: int = 0


class KeyRanges:
    """The line of keys, cut into ranges that do so much each.

    Parameters
    ----------
    limits : Limits
    cuts : sequence of str
        The first key of each range but the first.
    place : str
        Range 3 appears as `place/range-3`.

    Examples
    --------
    >>> line = KeyRanges(Limits(writes=10, burst_s=0.1), cuts=["m"])
    >>> line.admit(0, "a", "writes"); line.admit(0, "z", "writes")
    >>> line.admit(0, "b", "writes")
    Traceback (most recent call last):
    dsys_lab.stores.object_store.verbs.SlowDown: range-1 does 10 writes a second, and more came: wait, and try again
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        cuts: Sequence[str] = (),
        place: str = "bucket",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        are_keys = not isinstance(cuts, str) and all(isinstance(cut, str) and cut for cut in cuts)
        if not are_keys or sorted(set(cuts)) != list(cuts):
            raise BadParameter(f"cuts = {cuts!r}: give keys in rising order, each once")
        self.limits, self.place, self.recorder = limits or Limits(), place, recorder
        self._ranges: list[_Range] = []
        self._made = 0
        self._second = now_us // SECOND_US
        for low in ("", *cuts):
            self._ranges.append(self._new(low, now_us))

    def admit(self, now_us: int, key: str, kind: str, *, message: str = "") -> None:
        """Let a request pass.

        Raises
        ------
        SlowDown
            If the range of its key has no token left.
        """
        require_choice("kind", kind, KINDS)
        self.tick(now_us)
        found = self._ranges[self._at(key)]
        found.load[key] += 1
        if found.buckets[kind].take(now_us):
            found.passed += 1
            return
        found.refused += 1
        found.refused_now += 1
        self.recorder.emit(now_us, "throttle", f"{self.place}/{found.name}", message or key, what=kind)
        rate = found.buckets[kind].rate
        raise SlowDown(f"{found.name} does {rate:,.0f} {kind} a second, and more came: wait, and try again")

    def tick(self, now_us: int) -> None:
        """At the end of each second, see which ranges were too busy for long enough, and cut them."""
        second = now_us // SECOND_US
        if second == self._second:
            return
        after_s, idle = self.limits.split_after_s, second > self._second + 1
        self._second = second
        for found in list(self._ranges):
            found.busy_s = found.busy_s + 1 if found.refused_now and not idle else 0
            found.refused_now = 0
            if after_s is not None and found.busy_s >= after_s:
                self._cut(found, now_us)
            found.load.clear()

    def _cut(self, found: _Range, now_us: int) -> None:
        key = median_key(found.load)
        if key is None:
            return
        at = self._ranges.index(found)
        halves = [self._new(found.low, now_us), self._new(key, now_us)]
        self._ranges[at : at + 1] = halves
        children = ",".join(half.name for half in halves)
        self.recorder.emit(now_us, "shard", self.place, op="cut", parents=found.name, children=children, key=key)

    def _new(self, low: str, now_us: int) -> _Range:
        self._made += 1
        return _Range(f"range-{self._made}", low, {kind: self.limits.bucket(kind, now_us) for kind in KINDS})

    def _at(self, key: str) -> int:
        return bisect_right(self._ranges, key, key=lambda one: one.low) - 1

    # ------------------------------------------------------------ what is where
    def range_of(self, key: str) -> str:
        """Return the name of the range of a key."""
        return self._ranges[self._at(key)].name

    def level(self, now_us: int, name: str, kind: str = WRITES) -> float:
        """Return which share of its tokens a range has left."""
        named = {one.name: one for one in self._ranges}
        require_choice("name", name, tuple(named))
        bucket = named[name].buckets[kind]
        return bucket.level(now_us) / bucket.burst

    def status(self) -> tuple[RangeStatus, ...]:
        """Return every range, along the line."""
        return tuple(RangeStatus(one.name, one.low, one.passed, one.refused) for one in self._ranges)
