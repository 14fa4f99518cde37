"""When is a partition cut in two, and where?

When it has grown too large, or when it is too busy: then two partitions may do twice the work. The cut lies at the
*median-load key*, where as much is asked for on one side as on the other; the middle of the range would do nothing for
a load that is all on one side.

What is asked for by one partition key cannot be cut. Two cuts may leave it alone in a partition of its own, and there
its speed ends: at the limit of one partition.

Pure: a decision from a view, which the table carries out.

Left out: cutting within an item collection, by sort key, which DynamoDB does where no local index forbids it; merging
partitions that have become idle.

Sources: Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 3.3 (splitting for consumption: the split point is
chosen from the key distribution that was seen); Amazon DynamoDB Developer Guide, "Burst and adaptive capacity".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from dsys_lab.errors import require_fraction, require_positive
from dsys_lab.facts import fact

SIZE_BYTES_MAX: Final = int(fact("dynamodb_partition_size").value * 10**9)


class PartitionView(NamedTuple):
    """What the policy sees of a partition.

    Attributes
    ----------
    first, end : int
        Its range of positions: from, and up to but not with.
    bytes_at : mapping of int to int
        The bytes of the items at each position.
    load_at : mapping of int to float
        What was asked for at each position, the refused included, as a share of what the partition can do.
    """

    first: int
    end: int
    bytes_at: Mapping[int, int]
    load_at: Mapping[int, float]


class Split(NamedTuple):
    """Cut at `position`, which is the first of the upper half, because of "size" or "heat"."""

    position: int
    why: str


@dataclass(frozen=True, slots=True)
class SplitPolicy:
    """When a partition is cut.

    Attributes
    ----------
    size_bytes_max : int
        It is cut when it is larger.
    heat : float
        It is cut when more than this share of what it can do was asked for, on average over the last period.
    """

    size_bytes_max: int = SIZE_BYTES_MAX
    heat: float = 0.9

    def __post_init__(self) -> None:
        require_positive(size_bytes_max=self.size_bytes_max, heat=self.heat)
        require_fraction(heat=self.heat)

    def decide(self, view: PartitionView) -> Split | None:
        """Return where to cut, or None: it is fine as it is, or all is at one position."""
        if sum(view.bytes_at.values()) > self.size_bytes_max:
            position = median_position(view.bytes_at)
            return None if position is None else Split(position, "size")
        if sum(view.load_at.values()) > self.heat:
            position = median_position(view.load_at)
            return None if position is None else Split(position, "heat")
        return None


def median_position(weights: Mapping[int, float]) -> int | None:
    """Return the position at which the weights before it and from it on are as equal as can be.

    Returns
    -------
    int or None
        The first position of the upper half; None if there are not two positions with a weight.

    Examples
    --------
    >>> median_position({10: 1, 20: 1, 30: 5, 40: 1}), median_position({10: 7})
    (30, None)
    """
    positions = sorted(position for position, weight in weights.items() if weight > 0)
    total, below, best = sum(weights.values()), 0.0, None
    for before, position in pairwise(positions):
        below += weights[before]
        gap = abs(total - 2 * below)
        if best is None or gap < best[0]:
            best = (gap, position)
    return None if best is None else best[1]
