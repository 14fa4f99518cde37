"""Neighbours in one array: what "index-free adjacency" means when it is true.

*Compressed sparse rows*: all neighbours of vertex 0, then all of vertex 1, and so on, in one array; a second one says
where each begins. Whoever stands at a vertex has its neighbours at once, side by side in memory, in O(1); an index of n
edges takes O(log n) to find them. The price: it is made from all edges, it cannot be changed, and here it is in memory
only. It is **derived**: the statements are the truth, and it can be made again from them at any time. ::

    edges  0->1  0->2  2->1         forward   starts 0 2 2 3   neighbours 1 2 1
                                    backward  starts 0 0 2 3   neighbours 0 2 0       the same edges, sorted by the end

`both` is the two together: an edge can be gone along either way.

What is counted
---------------
`walks(v, k)`: ways to take k steps, going back allowed. A join makes a row for each of them, and so does this.
`wave(v, k)`: people first reached at each hop: each person once (breadth first search). Never more than there are.

Cost: `wave` looks at each edge of whom it reaches once; `walks` makes as many rows as it says.

Sources: Tinney and Walker, 1967 (the layout); Moore, "The shortest path through a maze", 1959 (breadth first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsys_lab.errors import BadParameter, Refused, require_not_negative

Ints = NDArray[np.int64]
FORWARD, BACKWARD, EITHER = "forward", "backward", "either"


@dataclass(frozen=True, slots=True)
class Rows:
    """One direction: `neighbours[starts[v]:starts[v + 1]]` are those of v, in order."""

    starts: Ints
    neighbours: Ints

    @classmethod
    def of(cls, vertices: int, sources: Ints, targets: Ints) -> Rows:
        """Return the neighbours of every vertex."""
        order = np.lexsort((targets, sources))
        starts = np.zeros(vertices + 1, np.int64)
        np.cumsum(np.bincount(sources, minlength=vertices), out=starts[1:])
        return cls(starts, targets[order])

    @property
    def degrees(self) -> Ints:
        """How many neighbours each vertex has."""
        return np.diff(self.starts)

    def after(self, frontier: Ints) -> Ints:
        """Return the neighbours of all vertices of `frontier`, one after another, as often as they are met."""
        lengths = self.degrees[frontier]
        ends = np.cumsum(lengths)
        inside = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        return self.neighbours[np.repeat(self.starts[frontier], lengths) + inside]


@dataclass(frozen=True, slots=True)
class Wave:
    """A breadth first search.

    Attributes
    ----------
    hops : tuple of arrays
        Who was reached at hop 0 (the one who began), 1, 2, ...
    met : tuple of int
        Neighbours looked at on the way to each hop, known or not; what is above its frontier was *deduplicated*.
    """

    hops: tuple[Ints, ...]
    met: tuple[int, ...]

    @property
    def sizes(self) -> list[int]:
        """How many were first reached at each hop from 1 on."""
        return [len(hop) for hop in self.hops[1:]]


class Adjacency:
    """The edges of a graph, from both ends.

    Parameters
    ----------
    vertices : int
        How many there are; they are called 0 to `vertices` - 1.
    sources, targets : arrays
        One entry an edge.

    Examples
    --------
    >>> line = Adjacency.of(4, [(0, 1), (1, 2), (2, 3)])
    >>> line.walks(1, 2), line.wave(1, 2).sizes, line.shortest_path(0, 3)
    ([2, 3], [2, 1], [0, 1, 2, 3])
    """

    def __init__(self, vertices: int, sources: Any, targets: Any) -> None:
        require_not_negative(vertices=vertices)
        one, other = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
        if one.shape != other.shape or one.ndim != 1:
            raise BadParameter(f"{one.size} sources and {other.size} targets: give as many of one as of the other")
        ends = np.concatenate([one, other])
        if ends.size and not 0 <= ends.min() <= ends.max() < vertices:
            stray = int(ends[(ends < 0) | (ends >= vertices)][0])
            raise BadParameter(f"an edge leads to vertex {stray}: they are 0 to {vertices - 1}; leave it out")
        self.vertices, self.edges = vertices, len(one)
        self.forward, self.backward = Rows.of(vertices, one, other), Rows.of(vertices, other, one)
        loops = one == other
        self.either = Rows.of(vertices, np.concatenate([one, other[~loops]]), np.concatenate([other, one[~loops]]))

    @classmethod
    def of(cls, vertices: int, pairs: Sequence[tuple[int, int]]) -> Adjacency:
        """Return the graph of these edges."""
        return cls(vertices, [one for one, _ in pairs], [other for _, other in pairs])

    def agrees(self) -> bool:
        """Whether forward and backward hold the same edges."""
        ends = [np.repeat(np.arange(self.vertices), rows.degrees) for rows in (self.forward, self.backward)]
        one = np.lexsort((self.forward.neighbours, ends[0]))
        other = np.lexsort((ends[1], self.backward.neighbours))
        return bool(
            np.array_equal(ends[0][one], self.backward.neighbours[other])
            and np.array_equal(self.forward.neighbours[one], ends[1][other])
        )

    def rows(self, direction: str = EITHER) -> Rows:
        """Return one direction."""
        ways = {FORWARD: self.forward, BACKWARD: self.backward, EITHER: self.either}
        if direction not in ways:
            raise BadParameter(f"direction = {direction!r}: give one of {', '.join(ways)}")
        return ways[direction]

    # ------------------------------------------------------------ how far, how many
    def walks(
        self, start: int, hops: int, *, direction: str = EITHER, without: Sequence[int] = (), rows_max: int = 20_000_000
    ) -> list[int]:
        """Return how many walks of 1, 2, ... `hops` steps begin at `start`: rows as a join makes them, one a walk.

        Parameters
        ----------
        without : sequence of int
            Vertices at which no step of a walk ends.

        Raises
        ------
        Refused
            If there would be more than `rows_max` rows at once.
        """
        self._check(start, hops)
        rows, ends, told = self.rows(direction), np.array([start], np.int64), []
        allowed = np.ones(self.vertices, bool)
        allowed[list(without)] = False
        for hop in range(1, hops + 1):
            count = int(rows.degrees[ends].sum())
            if count > rows_max:
                raise Refused(f"hop {hop} makes {count:,} rows, above {rows_max:,}: take fewer hops, or `wave`")
            ends = rows.after(ends)
            if len(without):
                ends = ends[allowed[ends]]
            told.append(len(ends))
        return told

    def wave(
        self, start: int, hops: int | None = None, *, direction: str = EITHER, without: Sequence[int] = ()
    ) -> Wave:
        """Return who is first reached at each hop; without a number of hops, until nobody is new.

        Parameters
        ----------
        without : sequence of int
            Vertices that are not gone through, nor reached.
        """
        self._check(start, hops or 0)
        rows = self.rows(direction)
        seen = np.zeros(self.vertices, bool)
        seen[[start, *without]] = True
        frontier, found, met = np.array([start], np.int64), [np.array([start], np.int64)], [1]
        while len(frontier) and (hops is None or len(found) <= hops):
            after = rows.after(frontier)
            frontier = np.unique(after[~seen[after]])
            seen[frontier] = True
            if not len(frontier) and hops is None:
                break
            found.append(frontier)
            met.append(len(after))
        return Wave(tuple(found), tuple(met))

    def shortest_path(self, start: int, goal: int, *, direction: str = EITHER) -> list[int] | None:
        """Return a shortest way from `start` to `goal`, both included; None where there is none.

        Of several the one whose last steps have the smallest numbers.
        """
        self._check(goal, 0)
        wave = self.wave(start, direction=direction)
        hop = next((number for number, found in enumerate(wave.hops) if goal in found), None)
        if hop is None:
            return None
        back = {FORWARD: BACKWARD, BACKWARD: FORWARD}.get(direction, EITHER)
        path = [goal]
        for found in reversed(wave.hops[:hop]):
            before = self.rows(back).after(np.array([path[-1]], np.int64))
            path.append(int(np.intersect1d(before, found)[0]))
        return path[::-1]

    def blocks_touched(self, frontier: Ints, block_bytes: int, *, direction: str = EITHER) -> int:
        """Return how many blocks of `neighbours` hold the neighbours of a frontier, as if they lay on a disk."""
        rows = self.rows(direction)
        busy = frontier[rows.degrees[frontier] > 0]
        first, last = rows.starts[busy] * 8 // block_bytes, (rows.starts[busy + 1] * 8 - 1) // block_bytes
        spans = [np.arange(a, b + 1) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        return len(np.unique(np.concatenate(spans))) if spans else 0

    def _check(self, vertex: int, hops: int) -> None:
        if not isinstance(vertex, int | np.integer) or not 0 <= vertex < self.vertices:
            raise BadParameter(f"vertex {vertex!r}: give 0 to {self.vertices - 1}")
        require_not_negative(hops=hops)
