"""Joins: how many rows does each way look at that brings two tables together?"""

from __future__ import annotations

from typing import Final

from dsys_lab.errors import require_choice, require_not_negative

JOIN_WAYS: Final = ("nested loop", "by index", "hash")


def join_rows_looked_at(way: str, left: float, right: float, *, matches: float = 1.0) -> float:
    """Rows that a join looks at: `l + l r` by a nested loop, `l + l matches` by an index, `l + r` by a hash.

    `matches` is how many rows on the right belong to one on the left, on average: 1 where the left names the key of
    the right. A nested loop looks at all of them, for it does not know that.
    Source: Selinger et al., "Access path selection in a relational database management system", SIGMOD 1979.
    """
    require_choice("way", way, JOIN_WAYS)
    require_not_negative(left=left, right=right, matches=matches)
    return left + {"nested loop": left * right, "by index": left * matches, "hash": right}[way]
