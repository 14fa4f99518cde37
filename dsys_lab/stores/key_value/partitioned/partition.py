"""A slice of the hash space: three replicas, and the books of how much is asked where.

It is cut in two by `cut`: the upper half of its items begins in another group of replicas, and all that is at or above
the position is asked for there from then on.

Sources: Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsys_lab.stores.key_value.partitioned.replica import Command, Write
from dsys_lab.stores.key_value.partitioned.replication import ReplicaGroup


class Partition:
    """A range of positions, from `first` up to but not with `end`.

    Parameters
    ----------
    name : str
    make_group : callable
        Makes the replicas of a partition of this name.
    """

    def __init__(self, name: str, first: int, end: int, make_group: Callable[[str], ReplicaGroup]) -> None:
        self.name, self.first, self.end = name, first, end
        self.group = make_group(name)
        self.load_at: dict[int, float] = {}

    def asked(self, position: int, seconds: float) -> None:
        """Write down that something at a position was asked for, which keeps the partition busy for so long."""
        self.load_at[position] = self.load_at.get(position, 0.0) + seconds

    @property
    def is_at_rest(self) -> bool:
        """Whether all that was written is committed and nothing is held: only then it can be cut."""
        group = self.group
        leader = group.leader
        return leader is not None and group.committed == len(leader.journal) and not leader.locks

    def cut(
        self, now_us: int, position: int, names: tuple[str, str], make_group: Callable[[str], ReplicaGroup]
    ) -> tuple[Partition, Partition]:
        """Return the two partitions that take this one's place."""
        lower = Partition(names[0], self.first, position, make_group)
        upper = Partition(names[1], position, self.end, make_group)
        items = self.group.require_quorum().items
        for half in (lower, upper):
            inside = tuple(Write(key, item) for key, item in items if half.first <= key.position < half.end)
            half.group.begin_with(now_us, Command(inside))
            half.load_at = {at: units for at, units in self.load_at.items() if half.first <= at < half.end}
        return lower, upper


def place_of(partitions: Sequence[Partition], position: int) -> Partition:
    """Return the partition in whose range a position is."""
    low, high = 0, len(partitions) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if partitions[middle].first <= position else (low, middle - 1)
    return partitions[low]
