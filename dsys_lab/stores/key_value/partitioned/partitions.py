"""All partitions of one table: who is asked, who lets in, when one is cut in two.

What is asked of a partition is weighed as a share of what it can do, reads and writes together: 1,500 read units of
3,000 and 500 write units of 1,000 a second keep it fully busy.

Promises
--------
1. Every position is in the range of exactly one partition.
2. A partition that is cut keeps every item, and no other partition is touched.

Sources: Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned.answers import PartitionStatus, Throttled
from dsys_lab.stores.key_value.partitioned.gate import Gate
from dsys_lab.stores.key_value.partitioned.keys import Key
from dsys_lab.stores.key_value.partitioned.partition import Partition, place_of
from dsys_lab.stores.key_value.partitioned.placement import even_starts
from dsys_lab.stores.key_value.partitioned.replica import Applied, Command
from dsys_lab.stores.key_value.partitioned.replication import ReplicaGroup
from dsys_lab.stores.key_value.partitioned.settings import Settings
from dsys_lab.stores.key_value.partitioned.splitting import PartitionView
from dsys_lab.structures.hash_ring import POSITIONS
from dsys_lab.trace import Recorder


class Partitions:
    """The partitions of a table and the gates before them.

    Parameters
    ----------
    place : str
        The table's name.
    settings : Settings
    make_group : callable
        Makes the replicas of the partition with this name.
    """

    def __init__(
        self, place: str, settings: Settings, make_group: Callable[[str], ReplicaGroup], recorder: Recorder
    ) -> None:
        self.place, self.settings, self.recorder = place, settings, recorder
        self._make_group = make_group
        self._count = 0
        starts = even_starts(settings.partitions)
        self._all = [
            Partition(self._new_name(), first, end, make_group)
            for first, end in zip(starts, [*starts[1:], POSITIONS], strict=True)
        ]
        self.gates = {
            kind: Gate(rate=rate, mode=settings.mode, kind=kind, partitions=[p.name for p in self._all], limit=limit,
                       saved=settings.saved)
            for kind, rate, limit in (
                ("Read", settings.read_rate, settings.read_limit), ("Write", settings.write_rate, settings.write_limit)
            )
        }  # fmt: skip
        self._split_every_us = int(settings.split_every_s * 1e6)
        self._next_split_us = self._split_every_us

    def _new_name(self) -> str:
        self._count += 1
        return f"{self.place}/partition-{self._count - 1}"

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number: int) -> Partition:
        return self._all[number]

    def at(self, position: int) -> Partition:
        """Return the partition in whose range a position is."""
        return place_of(self._all, position)

    def after(self, partition: Partition) -> Partition | None:
        """Return the partition with the next range, or None."""
        at = self._all.index(partition) + 1
        return self._all[at] if at < len(self._all) else None

    def named(self, name: str) -> Partition | None:
        """Return the partition of this name, or None if it has been cut."""
        return next((partition for partition in self._all if partition.name == name), None)

    # ------------------------------------------------------------ letting in
    def admit(
        self, now_us: int, kind: str, partition: Partition, key: Key, *, units: float, message: str | None = None
    ) -> None:
        """Let a call of so many "Read" or "Write" units through.

        Raises
        ------
        Throttled
        """
        gate = self.gates[kind]
        partition.asked(key.position, units / gate.limit)
        why = gate.admit(now_us, partition.name, units)
        if why:
            self.recorder.emit(now_us, "reject", partition.name, message, why=why, units=units, key=str(key))
            raise Throttled(f"{partition.name} has no {units:g} units for {key} now ({why}): try later, or less", why)
        left = round(max(0.0, gate.level(now_us, partition.name)), 3)
        self.recorder.emit(
            now_us, "consume", partition.name, message, units=units, what=kind.lower(), key=str(key), left=left
        )

    def append(self, now_us: int, partition: Partition, command: Command) -> tuple[int, list[Applied]]:
        """Write a command down in a partition; return its number there and what became committed."""
        number = partition.group.append(now_us, command)
        return number, partition.group.tick(now_us)

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> list[Applied]:
        """Let what was shipped arrive, and cut what is too large or too busy; return what became committed."""
        done = [applied for partition in self._all for applied in partition.group.tick(now_us)]
        if self.settings.split is not None and now_us >= self._next_split_us:
            seconds = (now_us - self._next_split_us + self._split_every_us) / 1e6
            self._next_split_us = now_us + self._split_every_us
            for partition in self:
                self._split_if_due(now_us, partition, seconds)
        return done

    def deadline_us(self) -> int | None:
        """When `tick` has something to do, but for cutting."""
        due = [partition.group.deadline_us() for partition in self._all]
        return min((at for at in due if at is not None), default=None)

    def _split_if_due(self, now_us: int, partition: Partition, seconds: float) -> None:
        load_at = {at: share / seconds for at, share in partition.load_at.items()}
        partition.load_at.clear()
        if self.settings.split is None or not partition.is_at_rest:
            return
        bytes_at = partition.group.require_quorum().items.bytes_at
        split = self.settings.split.decide(PartitionView(partition.first, partition.end, bytes_at, load_at))
        if split is not None:
            self.split(now_us, partition, split.position, split.why)

    def split(self, now_us: int, partition: Partition, position: int, why: str) -> tuple[Partition, Partition]:
        """Cut a partition in two at a position, which is the first of the upper half.

        Raises
        ------
        BadParameter
            If the position is not within it.
        Refused
            If it has writes on their way.
        """
        if not partition.first < position < partition.end:
            raise BadParameter(f"position = {position}: give one within {partition.name}, above {partition.first}")
        if not partition.is_at_rest:
            raise Refused(f"{partition.name} has writes on their way: cut it when they are committed")
        names = (self._new_name(), self._new_name())
        halves = partition.cut(now_us, position, names, self._make_group)
        at = self._all.index(partition)
        self._all[at : at + 1] = halves
        for gate in self.gates.values():
            gate.split(now_us, partition.name, names)
        self.recorder.emit(
            now_us, "shard", self.place, op=f"split by {why}", parents=partition.name, children=" ".join(names)
        )
        return halves

    def status(self) -> tuple[PartitionStatus, ...]:
        """Return each partition as it is, in the order of their ranges."""
        reads, writes = self.gates["Read"].status(), self.gates["Write"].status()
        rows = []
        for p in self._all:
            leader = p.group.leader
            items = (leader or p.group.replicas[0]).items
            rows.append(
                PartitionStatus(
                    p.name, p.first, p.end, len(items), sum(items.bytes_at.values()), leader.place if leader else "",
                    reads[p.name], writes[p.name],
                )
            )  # fmt: skip
        return tuple(rows)
