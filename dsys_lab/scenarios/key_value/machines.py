"""The machines of a partitioned table: who writes and reads, the partitions, their replicas.

The table is pure and knows no time; these shells give it a clock, a network and a fate. A partition stands on a machine
of its own, named after it, and so does each replica of one that shall be able to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from dsys_lab.errors import DidNotHappen, Refused
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.stores.key_value.partitioned import PartitionedTable
from dsys_lab.stores.key_value.partitioned.partition import Partition
from dsys_lab.structures.hash_ring import POSITIONS

CARDS: Final = "cards"
WEARABLES: Final = "wearables"
TOKENS: Final[dict[str, Any]] = {"name": "tokens", "unit": "% of a second's", "full": 100}


class TableHost:
    """A table on its machines: one a partition, also for those that are cut from others while it runs."""

    def __init__(self, simulation: Simulation, table: PartitionedTable) -> None:
        self.simulation, self.table = simulation, table
        self.hosts: dict[str, PartitionHost] = {}
        self._cover()
        simulation.spawn(self._tick_every(0.5))

    def _cover(self) -> None:
        """Give every partition a machine and show its range; one that was cut is shown no more."""
        now = {partition.name: partition for partition in self.table.partitions}
        for name in [name for name in self.hosts if name not in now]:
            self._show("drop", self.hosts.pop(name).partition)
        for name, partition in now.items():
            if name not in self.hosts:
                self.hosts[name] = PartitionHost(self, partition)
                self._show("open", partition)
                self.level(name)

    def _show(self, op: str, partition: Partition) -> None:
        """Show a range, in hundredths of the space of hashes."""
        low, high = (round(100 * position / POSITIONS, 1) for position in (partition.first, partition.end))
        key = partition.name.rpartition("-")[2]
        self.simulation.emit("range", self.table.place, op=op, key=key, low=low, high=high)

    def _tick_every(self, seconds: float) -> Body:
        while True:
            yield self.simulation.sleep(seconds)
            self.tick()
            for name in self.hosts:
                self.level(name)

    def tick(self) -> None:
        """Do what time has done, and give new partitions machines."""
        self.table.tick(self.simulation.now_us)
        if [*self.hosts] != [partition.name for partition in self.table.partitions]:
            self._cover()

    def level(self, name: str) -> None:
        """Tell how full the bucket of a partition is."""
        left = self.table.partitions.gates["Write"].level(self.simulation.now_us, name)
        self.simulation.emit("gauge", name, value=round(100 * max(0.0, left), 1), **TOKENS)

    def name_of(self, item: dict[str, Any]) -> str:
        """Return the partition in which an item lies now."""
        return self.table.partitions.at(self.table.keys.key_of(item).position).name


class PartitionHost(Machine):
    """A partition; it does what comes, or refuses it."""

    def __init__(self, host: TableHost, partition: Partition) -> None:
        self.host, self.partition = host, partition
        super().__init__(host.simulation, partition.name)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Write the item that came."""
        simulation, table = self.simulation, self.host.table
        with suppress(DidNotHappen):  # it is told in a row
            table.put(simulation.now_us, body["item"], message=message)
            simulation.emit("finish", self.host.name_of(body["item"]), message, attempt=1, copy=copy)
        self.host.tick()
        if self.name in self.host.hosts:
            self.host.level(self.name)


class CardWriter(Machine):
    """Writes cards at a rate that may change with time, the keys drawn by a function."""

    def __init__(
        self,
        simulation: Simulation,
        host: TableHost,
        rate_at: Callable[[float], float],
        item_of: Callable[[int], dict[str, Any]],
        *,
        name: str,
        until_s: float,
    ) -> None:
        self.host, self.rate_at, self.item_of, self.until_s = host, rate_at, item_of, until_s
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Start to write."""
        self.spawn(self._write())

    def _write(self) -> Body:
        simulation, chance = self.simulation, self.simulation.stream(f"{self.name}/arrivals")
        number = 0
        while True:
            yield simulation.sleep(exponential(1 / self.rate_at(simulation.now_s))(chance))
            if simulation.now_s > self.until_s:
                return
            item, message = self.item_of(number), f"w{number}"
            number += 1
            simulation.emit("publish", self.name, message, attempt=1)
            simulation.network.send(self.name, self.host.name_of(item), message, {"item": item})


class ReplicaHost(Machine):
    """A replica of a partition that may fail: with it goes its share of the quorum."""

    def __init__(self, simulation: Simulation, table: PartitionedTable, partition: Partition, number: int) -> None:
        self.table, self.partition, self.number = table, partition, number
        super().__init__(simulation, partition.group.replicas[number].place)

    def crash(self) -> None:
        """Fail: the row is the table's own."""
        if self.up:
            self.up = False
            self.table.crash(self.simulation.now_us, self.partition, self.number)

    def restart(self) -> None:
        """Return, with the journal that was on disk."""
        if not self.up:
            self.up = True
            self.table.restart(self.simulation.now_us, self.partition, self.number)


class Journals:
    """Shows what each replica has in its journal: a disc for each write, a copy of its own at each replica.

    Parameters
    ----------
    acknowledged : mapping
        The persons whose write was acknowledged: where one of them is forgotten, it bursts.
    """

    def __init__(self, simulation: Simulation, partition: Partition, acknowledged: Mapping[str, int]) -> None:
        self.simulation, self.partition, self.acknowledged = simulation, partition, acknowledged
        self._shown: list[dict[str, None]] = [{}, {}, {}]

    def show(self) -> None:
        """Show what came and what went since the last time."""
        for copy, (replica, shown) in enumerate(zip(self.partition.group.replicas, self._shown, strict=True)):
            held = {write.key.partition: None for entry in replica.journal for write in entry.command.writes}
            for person in [person for person in held if person not in shown]:
                shown[person] = None
                self.simulation.emit("archive", replica.place, f"w{person[1:]}", copy=copy)
            for person in [person for person in shown if person not in held]:
                del shown[person]
                self._forget(replica.place, person, copy)

    def _forget(self, place: str, person: str, copy: int) -> None:
        message = f"w{person[1:]}"
        if person in self.acknowledged:
            self.simulation.emit("drop", place, message, why="acknowledged, and not known to who leads", copy=copy)
        else:
            self.simulation.emit("replaced", place, message, by="the leader's journal", copy=copy)


def elect_when_headless(simulation: Simulation, table: PartitionedTable, *, notice_s: float) -> Body:
    """Look every so often whether a partition has no leader, and let it have one."""
    while True:
        yield simulation.sleep(notice_s)
        for partition in table.partitions:
            if partition.group.leader is None:
                try:
                    table.elect(simulation.now_us, partition)
                except Refused as error:
                    simulation.emit("note", partition.name, text=str(error))
