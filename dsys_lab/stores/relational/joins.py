"""Two tables, one question: three ways to bring their rows together, each with the number of rows that it looks at. ::

    nested loop   for each row on the left, look at every row on the right          l + l r
    by index      for each row on the left, look up those on the right that match   l + matches
    hash          put the rows on the right into buckets once, and look there       l + r

All three give the same pairs in the same order. (What is found in a bucket was looked at when it was put there.)
Pages, memory, and tables that come sorted already (a *merge join*) are left out.

Source: Selinger et al., "Access path selection in a relational database management system", SIGMOD 1979; Graefe,
"Query evaluation techniques for large databases", Computing Surveys 1993.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Joined:
    """The pairs that a join found, and at how many rows it looked for them."""

    pairs: list[tuple[Row, Row]]
    looked_at: int


def nested_loop(left: Iterable[Row], right: Sequence[Row], on: str) -> Joined:
    """Look at every row on the right for each one on the left."""
    pairs, looked_at = [], 0
    for one in left:
        looked_at += 1
        for other in right:
            looked_at += 1
            if one[on] == other[on]:
                pairs.append((one, other))
    return Joined(pairs, looked_at)


def by_index(left: Iterable[Row], index: Mapping[Any, Sequence[Row]], on: str) -> Joined:
    """Look at those that match each row on the left, by an index that is there: value -> rows."""
    pairs, looked_at = [], 0
    for one in left:
        looked_at += 1
        for other in index.get(one[on], ()):
            looked_at += 1
            pairs.append((one, other))
    return Joined(pairs, looked_at)


def hashed(left: Iterable[Row], right: Iterable[Row], on: str) -> Joined:
    """Put the rows on the right into buckets, once, and find there what matches each row on the left."""
    buckets, pairs, looked_at = dict[Any, list[Row]](), [], 0
    for other in right:
        looked_at += 1
        buckets.setdefault(other[on], []).append(other)
    for one in left:
        looked_at += 1
        pairs += [(one, other) for other in buckets.get(one[on], ())]
    return Joined(pairs, looked_at)
