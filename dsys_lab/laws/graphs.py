"""Hops in a graph: how many rows a join makes, how fast they grow, what a hub costs.

A graph is given as lists of neighbours: `neighbours[v]` are those of vertex v, as often as there are edges. Nothing is
followed here; these are sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dsys_lab.errors import BadParameter, require_not_negative

Neighbours = Sequence[Sequence[int]]


def walks_by_products(neighbours: Neighbours, start: int, hops: int) -> list[int]:
    """Walks of 1, 2, ... steps from `start`: entry `start` of A**k times a vector of ones (Biggs, 1974, lemma 2.5).

    >>> walks_by_products([[1], [0, 2], [1]], start=1, hops=3)
    [2, 2, 4]
    """
    require_not_negative(hops=hops)
    _check(neighbours, start)
    ones, told = [1] * len(neighbours), []
    for _ in range(hops):
        ones = [sum(ones[other] for other in near) for near in neighbours]
        told.append(ones[start])
    return told


def growth(neighbours: Neighbours, *, rounds: int = 200) -> float:
    """The factor by which walks grow a hop in the long run: the largest eigenvalue of A, by power iteration.

    On A + 1, so that a graph of two sides, where walks swing, ends too.

    >>> round(growth([[1, 2], [0, 2], [0, 1]]), 6)
    2.0
    """
    vector = [1.0] * len(neighbours)
    factor = 0.0
    for _ in range(rounds):
        after = [own + sum(vector[other] for other in near) for own, near in zip(vector, neighbours, strict=True)]
        factor = math.sqrt(math.fsum(value * value for value in after))
        vector = [value / factor for value in after] if factor else after
    return factor - 1 if any(neighbours) else 0.0


def mean_degree(degrees: Iterable[int]) -> float:
    """Neighbours of a vertex, on average."""
    known = list(degrees)
    return sum(known) / len(known) if known else 0.0


def mean_neighbour_degree(degrees: Iterable[int]) -> float:
    """Neighbours of whoever stands at the end of an edge: sum of d**2 over sum of d (Feld, "Why your friends have more
    friends than you do", 1991).

    >>> mean_degree([1, 1, 1, 3]), mean_neighbour_degree([1, 1, 1, 3])
    (1.5, 2.0)
    """
    known = list(degrees)
    return sum(degree**2 for degree in known) / sum(known) if sum(known) else 0.0


def rows_of_two_steps(degrees: Iterable[int]) -> int:
    """Rows of the table of edges joined with itself: each vertex in the middle makes d**2."""
    return sum(degree**2 for degree in degrees)


def edges_looked_at(neighbours: Neighbours, starts: Iterable[int], hops: int) -> int:
    """Edges looked at when so many steps are taken from each of `starts`: the walks of 1 to `hops` steps."""
    return sum(sum(walks_by_products(neighbours, start, hops)) for start in starts)


def keys_of_prefix(
    statements: Iterable[Sequence[int | None]], prefix: str, pattern: Sequence[int | None], *, skips: bool = False
) -> int:
    """Keys that an index looks at: the statements that have what the pattern says at the letters of `prefix`.

    Where it `skips`, the first letter of the prefix is a predicate that nobody named: one key more for each there is.
    """
    known = list(statements)
    places = ["SPOG".index(letter) for letter in prefix[skips:]]
    predicates = len({one[1] for one in known}) if skips else 0
    return predicates + sum(all(one[place] == pattern[place] for place in places) for one in known)


def _check(neighbours: Neighbours, start: int) -> None:
    if not 0 <= start < len(neighbours):
        raise BadParameter(f"start = {start!r}: give 0 to {len(neighbours) - 1}")
