"""Facts and cubes: how many cuboids and cells, how wrong a join of two grains, how good a greedy choice or a sketch?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dsys_lab.errors import BadParameter, require_positive


def cuboids(dimensions: int) -> int:
    """Sets of dimensions by which can be grouped, the empty one counted: `2**d`."""
    if dimensions < 0:
        raise BadParameter(f"dimensions = {dimensions!r}: give 0 or more")
    return 1 << dimensions


def cube_cells_most(*labels: int) -> int:
    """Cells of all cuboids together, at most: the product of `c + 1`, for "all" is one label more of each dimension.

    Reached where every combination occurs. Source: Gray et al., "Data cube", 1997.
    """
    require_positive(**{f"labels_{number}": count for number, count in enumerate(labels)})
    return math.prod(count + 1 for count in labels)


def cells_filled(combinations: float, facts: float) -> float:
    """Cells of one cuboid that are expected to hold a fact: `C (1 - (1 - 1/C)**n)`.

    Each fact falls into any cell with equal chance, independently; skewed or correlated dimensions fill fewer.
    Source: Cardenas, CACM 1975; Shukla et al., "Storage estimation for multidimensional aggregates", VLDB 1996.
    """
    require_positive(combinations=combinations)
    if facts < 0:
        raise BadParameter(f"facts = {facts!r}: give 0 or more")
    return combinations * -math.expm1(facts * math.log1p(-1 / combinations)) if combinations > 1 else min(1.0, facts)


def fan_trap(values: Sequence[float], matches: Sequence[int]) -> float:
    """How many times too large a sum is after a join: `sum(v * m) / sum(v of those with m > 0)`.

    Fact i has the value `values[i]` and `matches[i]` rows of a finer grain on the other side. Where values and matches
    have nothing to do with each other, this is the mean number of matches of those that have one.
    Source: Kimball and Ross, "The Data Warehouse Toolkit", 3rd edition, chapter 6 (facts of different granularity).
    """
    if len(values) != len(matches) or any(count < 0 for count in matches):
        raise BadParameter(f"{len(values)} values and {len(matches)} matches: give each value a count, 0 or more")
    true = math.fsum(value for value, count in zip(values, matches, strict=True) if count)
    if not true:
        raise BadParameter("the true sum is 0: there is nothing of which the joined one could be a multiple")
    return math.fsum(value * count for value, count in zip(values, matches, strict=True)) / true


def greedy_share_least(chosen: int) -> float:
    """Share of the best possible saving that so many greedily chosen cuboids have at least: `1 - (1 - 1/k)**k`.

    It falls to 1 - 1/e, 63 %. Source: Harinarayan, Rajaraman and Ullman, SIGMOD 1996.
    """
    require_positive(chosen=chosen)
    return 1 - (1 - 1 / chosen) ** chosen


def hyperloglog_error(registers: int) -> float:
    """Relative standard error of a HyperLogLog: `1.04 / sqrt(m)`, for m of 16 or more and many different values.

    Source: Flajolet, Fusy, Gandouet and Meunier, AOFA 2007.
    """
    if registers < 16:
        raise BadParameter(f"registers = {registers!r}: give 16 or more")
    return 1.04 / math.sqrt(registers)
