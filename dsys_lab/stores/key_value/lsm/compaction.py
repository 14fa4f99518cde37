"""Which runs are merged, and when?

Every flush leaves one more *run*, and a key that is looked for may be in any of them. Merging runs makes reading cheap
again and costs writing: that is the whole trade of a log-structured store, and a *policy* sets it. All policies know
levels: level 0 takes the flushes, and a level of number i is meant for about T**i flushes, T being the *size ratio*. A
policy looks at the sizes and says what to do next; doing it is the store's work, the same for all.

- `Leveled` keeps one run in every level from 1 on. What falls into a level is merged with what lies there at once, so a
  read looks into one run a level, and each entry is rewritten about T / 2 times a level.
- `Tiered` lets T runs gather in a level and then merges them into one run of the next. Each entry is rewritten once a
  level; a read looks into up to T runs a level, and as many old versions lie around. ::

      leveled    level 1  [##########]           tiered    level 1  [###][###][###]
                 level 2  [###################]            level 2  [#########][#########]

>>> levels = Levels(flush_bytes=100, runs=((100,), (900,)))
>>> Leveled(size_ratio=10).decide(levels)
Compaction(level=0, with_next=True)
>>> Tiered(size_ratio=10).decide(levels) is None
True

A compaction always takes a whole level, so that what lies in a lower-numbered level is always newer.

Left out: merging only the part of a level that overlaps (LevelDB and RocksDB cut a level into files and merge them one
by one, so that no merge is long); lazy leveling; moving a run without rewriting it where nothing lies below.

Sources: O'Neil et al., "The log-structured merge-tree (LSM-tree)", Acta Informatica 1996; Dayan, Athanassoulis and
Idreos, "Monkey: optimal navigable key-value store", SIGMOD 2017 (the names and the costs); mini-lsm, week 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dsys_lab.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Levels:
    """What a policy sees.

    Attributes
    ----------
    flush_bytes : int
        Bytes of entries that make a flush.
    runs : tuple of tuple of int
        Bytes of entries in each run of each level, from level 0 on, the newest run first.
    """

    flush_bytes: int
    runs: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Compaction:
    """Merge all runs of `level`, and with `with_next` those of the next level too, into one run of the next level."""

    level: int
    with_next: bool


class CompactionPolicy(Protocol):
    """Decides; touches nothing."""

    def decide(self, levels: Levels) -> Compaction | None:
        """Return what to do next, or None if all is well."""


@dataclass(frozen=True, slots=True)
class Leveled:
    """One run a level: cheap to read, dear to write."""

    size_ratio: int = 10

    def __post_init__(self) -> None:
        _check(self.size_ratio)

    def decide(self, levels: Levels) -> Compaction | None:
        """Merge every flush down at once, and every level that has reached T**i flushes."""
        for level, runs in enumerate(levels.runs):
            full = sum(runs) >= levels.flush_bytes * self.size_ratio**level
            if runs and (level == 0 or full or len(runs) > 1):
                return Compaction(level, with_next=True)
        return None


@dataclass(frozen=True, slots=True)
class Tiered:
    """Up to T runs a level: cheap to write, dear to read."""

    size_ratio: int = 10

    def __post_init__(self) -> None:
        _check(self.size_ratio)

    def decide(self, levels: Levels) -> Compaction | None:
        """Merge the runs of a level that has T of them into one run of the next."""
        for level, runs in enumerate(levels.runs):
            if len(runs) >= self.size_ratio:
                return Compaction(level, with_next=False)
        return None


def _check(size_ratio: object) -> None:
    if not isinstance(size_ratio, int) or size_ratio < 2:
        raise BadParameter(
            f"size_ratio = {size_ratio!r}: give a whole number of 2 or more; a level is T times the last"
        )
