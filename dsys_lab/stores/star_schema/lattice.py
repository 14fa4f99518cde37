r"""Which cuboids are worth keeping, if there is no room for all?

Every set of dimensions is a cuboid; one can be answered from any other that has its dimensions and more. That is a
lattice, with the cuboid of all dimensions at its top. To answer costs the rows of the smallest kept cuboid that can.

Greedily: keep next what saves most over all 2**d questions, given what is kept already. What it saves is at least
1 - 1/e, 63 %, of the most that as many cuboids could save. ::

        city band month            the top is always kept
       /      |       \
    city    city      band         keeping (band month) makes the four
    band    month     month        questions below it cheaper
       \   /    \   /  \ ...

Source: Harinarayan, Rajaraman and Ullman, "Implementing data cubes efficiently", SIGMOD 1996. Left out: questions that
are asked more often than others; a budget in bytes instead of a number of cuboids.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from dsys_lab.errors import BadParameter, require_not_negative

Grouping = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A cuboid that was chosen: what it saves, and what all questions cost from then on."""

    by: Grouping
    saved_rows: int
    cost_rows: int


@dataclass(frozen=True, slots=True)
class Lattice:
    """All cuboids over some dimensions, and the cells that each has.

    Attributes
    ----------
    dimensions : tuple of str
    cells : dict
        Grouping, in the order of `dimensions` -> cells.
    """

    dimensions: Grouping
    cells: Mapping[Grouping, int]

    def __post_init__(self) -> None:
        missing = [by for by in groupings(self.dimensions) if by not in self.cells]
        if missing or len(self.cells) != 1 << len(self.dimensions):
            raise BadParameter(
                f"{len(self.cells)} cuboids for {len(self.dimensions)} dimensions: give the cells of each of the "
                f"{1 << len(self.dimensions)}, named in the order {self.dimensions}"
            )

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> Lattice:
        """Return the lattice over these columns, its cells counted."""
        names = tuple(columns)
        finest = set(zip(*columns.values(), strict=True))
        places = {by: [names.index(name) for name in by] for by in groupings(names)}
        return cls(names, {by: len({tuple(row[at] for at in places[by]) for row in finest}) for by in places})

    @property
    def top(self) -> Grouping:
        """The cuboid of all dimensions."""
        return self.dimensions

    def cost(self, kept: Collection[Grouping] = ()) -> int:
        """Return the rows read to answer every grouping once, with the top and these kept."""
        for by in kept:
            self._known(by)
        able = (self.top, *kept)
        return sum(min(self.cells[one] for one in able if set(by) <= set(one)) for by in self.cells)

    def cost_of_rollups(self) -> int:
        """Return the cells read to make every coarser cuboid once, each of the smallest that is finer."""
        coarser = [by for by in self.cells if by != self.top]
        return sum(min(self.cells[one] for one in self.cells if set(by) < set(one)) for by in coarser)

    def greedy(self, cuboids: int) -> list[Choice]:
        """Return what to keep beside the top, best first; fewer, if nothing more saves a row."""
        require_not_negative(cuboids=cuboids)
        kept: list[Grouping] = []
        chosen: list[Choice] = []
        for _ in range(cuboids):
            before = self.cost(kept)
            costs = {by: self.cost([*kept, by]) for by in self.cells}
            best = min(costs, key=lambda by: costs[by])
            if costs[best] == before:
                break
            kept.append(best)
            chosen.append(Choice(best, before - costs[best], costs[best]))
        return chosen

    def _known(self, by: Grouping) -> None:
        if by not in self.cells:
            raise BadParameter(f"no cuboid {by}: name dimensions in the order {self.dimensions}")


def groupings(dimensions: Sequence[str]) -> list[Grouping]:
    """Return all 2**d sets of these dimensions, finest first."""
    return [by for count in range(len(dimensions), -1, -1) for by in combinations(dimensions, count)]
