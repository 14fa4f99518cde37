"""Transactions: which accident each level allows, what conflicts cost, and what a snapshot holds back."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.laws.rows import row_pages

ALLOWED: Final = MappingProxyType({
    "dirty_read": (),
    "read_skew": ("read uncommitted", "read committed"),
    "phantom": ("read uncommitted", "read committed"),
    "lost_update": ("read uncommitted", "read committed"),
    "write_skew": ("read uncommitted", "read committed", "repeatable read"),
})
"""At which levels a database of snapshots lets each accident happen: PostgreSQL's, for the standard is laxer."""


def is_allowed(accident: str, level: str) -> bool:
    """Whether a database of snapshots lets an accident happen at a level.

    Source: Berenson et al., "A critique of ANSI SQL isolation levels", SIGMOD 1995, table 4, with snapshot isolation in
    the place of repeatable read; PostgreSQL documentation, 13.2.
    """
    require_choice("accident", accident, tuple(ALLOWED))
    levels = ("read uncommitted", "read committed", "repeatable read", "serializable")
    require_choice("level", level, levels)
    return level in ALLOWED[accident]


def attempts_first_wins(writers: int) -> float:
    """Attempts until so many have changed one row who all see it at once and of whom only the first may: `k(k+1)/2`.

    In each round all who are left try, one gets through, and the others begin anew: k + (k - 1) + … + 1. To wait in
    line (SELECT … FOR UPDATE, or one UPDATE that reads and writes) takes k.
    """
    require_positive(writers=writers)
    return writers * (writers + 1) / 2


def bloated_pages(rows: int, updates: int, version_bytes: float) -> int:
    """Pages of a table while a snapshot is open and nothing may be swept: one version more for each update since.

    Also of a table that is never swept. With sweeps and no snapshot it is the pages of `rows`, and a few.
    """
    require_not_negative(updates=updates)
    return row_pages(rows + updates, version_bytes)
