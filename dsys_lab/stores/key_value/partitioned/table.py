"""What each verb of the table checks, what it costs, what it does.

A call is hashed to its partition, priced by the bytes that it touches, let in or refused, and only then done. Every
verb first lets time come to `now_us`: what was shipped arrives, indexes take in changes, partitions are cut.

Sources: Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022; Amazon DynamoDB API Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned.answers import (
    ConditionFailed,
    Page,
    Read,
    Status,
    Throttled,
    TransactionConflict,
    Written,
)
from dsys_lab.stores.key_value.partitioned.capacity import query_units, read_units, write_units
from dsys_lab.stores.key_value.partitioned.change_stream import Change, ChangeStream
from dsys_lab.stores.key_value.partitioned.conditions import Condition, order_kind
from dsys_lab.stores.key_value.partitioned.indexes import GlobalIndexStore, entry_of, entry_units
from dsys_lab.stores.key_value.partitioned.items import Item, Value, frozen, size_bytes
from dsys_lab.stores.key_value.partitioned.keys import Key, KeySchema
from dsys_lab.stores.key_value.partitioned.partition import Partition
from dsys_lab.stores.key_value.partitioned.partitions import Partitions
from dsys_lab.stores.key_value.partitioned.queries import EVERYTHING, Range, collection, examine, wanted
from dsys_lab.stores.key_value.partitioned.replica import Applied, Command, Replica, Write
from dsys_lab.stores.key_value.partitioned.replication import Lag, ReplicaGroup, fullest_journal, no_lag
from dsys_lab.stores.key_value.partitioned.settings import Settings
from dsys_lab.stores.key_value.partitioned.updates import Update
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder

INDEX_IS_BEHIND = "IndexWriteProvisionedThroughputExceeded"


class PartitionedTable:
    """Items by their key, over as many partitions as it takes.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    keys : KeySchema
    settings : Settings
    lag : callable
        How long a message from a leader to a follower takes.
    index_delay : callable, optional
        How long a change takes to get to a global index, in place of the index's own delay.
    choose : callable
        Who leads on when a leader fails.
    disks : callable, optional
        Gives the three disks of the partition with this name.
    recorder : Recorder
        Where its rows go.

    Examples
    --------
    >>> nights = PartitionedTable("nights", KeySchema("person", "night"))
    >>> nights.put(0, {"person": "17", "night": "2017-01-01", "minutes": 435}).units
    1.0
    >>> nights.get(0, {"person": "17", "night": "2017-01-01"}, strong=True)
    Read(item={'person': '17', 'night': '2017-01-01', 'minutes': 435}, units=1.0)
    """

    def __init__(
        self,
        place: str,
        keys: KeySchema,
        settings: Settings | None = None,
        *,
        lag: Lag = no_lag,
        index_delay: Callable[[], int] | None = None,
        choose: Callable[[Sequence[Replica]], Replica] = fullest_journal,
        disks: Callable[[str], Sequence[Disk]] | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.place, self.keys, self.settings, self.recorder = place, keys, settings or Settings(), recorder
        if self.settings.local_indexes and keys.sort is None:
            raise BadParameter(
                f"{place} has no sort key: only a table with one has local indexes; make it a global one"
            )
        self.now_us = 0

        def make_group(name: str) -> ReplicaGroup:
            found = disks(name) if disks else None
            return ReplicaGroup(name, lag=lag, choose=choose, disks=found, now_us=self.now_us, recorder=recorder)

        self.partitions = Partitions(place, self.settings, make_group, recorder)
        self.local = {index.name: index.schema(keys) for index in self.settings.local_indexes}
        self.indexes = {
            spec.name: GlobalIndexStore(spec, keys, place, delay=index_delay, recorder=recorder)
            for spec in self.settings.global_indexes
        }
        self.stream = ChangeStream()

    # ------------------------------------------------------------ write path
    def put(
        self, now_us: int, item: Item, *, condition: Condition | None = None, message: str | None = None
    ) -> Written:
        """Let `item` be the item at its key, in place of what is there.

        Parameters
        ----------
        condition : Condition, optional
            What must hold of the item that is there; one that is not there has no attributes.
        message : str, optional
            The logical request, for the rows.

        Raises
        ------
        BadParameter
            If it is no item of this table.
        Throttled, ConditionFailed, TransactionConflict
            Nothing happened.
        """
        new = frozen(item)
        return self._write(now_us, new, lambda old: new, condition, message)

    def update(
        self, now_us: int, key: Item, change: Update, *, condition: Condition | None = None, message: str | None = None
    ) -> Written:
        """Change some attributes of the item at `key`; if there is none, one with only the key begins."""
        return self._write(now_us, key, lambda old: self.changed(key, change, old), condition, message)

    def delete(
        self, now_us: int, key: Item, *, condition: Condition | None = None, message: str | None = None
    ) -> Written:
        """Let there be no item at `key`. That there was none is no error."""
        return self._write(now_us, key, lambda old: None, condition, message)

    def changed(self, key: Item, change: Update, old: Item | None) -> Item:
        """Return what an update makes of an item; it may not touch the key, for an item cannot move."""
        touched = [name for name in change.named() if name in self.keys.names]
        if touched:
            raise BadParameter(f"an update of the key attribute {touched[0]!r}: delete the item and put another one")
        return frozen(change.of(self.keys.attributes(key) if old is None else old))

    def _write(
        self,
        now_us: int,
        key_item: Item,
        become: Callable[[Item | None], Item | None],
        condition: Condition | None,
        message: str | None,
    ) -> Written:
        self.tick(now_us)
        key = self.keys.key_of(key_item)
        partition = self.partitions.at(key.position)
        leader = partition.group.require_quorum()
        old = leader.latest(key)
        if held := leader.lock_of(key):
            raise TransactionConflict(f"{key} in {self.place} is held by transaction {held}: try again")
        holds = condition is None or condition.holds(old or {})
        new = become(old) if holds else old
        self.check(partition, key, old, new, message)
        units = self.write_units(old, new)
        self.partitions.admit(now_us, "Write", partition, key, units=units, message=message)
        if not holds:
            raise ConditionFailed(f"{condition} does not hold of {key} in {self.place}: nothing was written")
        number = self.append(now_us, partition, Command((Write(key, new),)))
        return Written(old, new, units, partition.name, number, partition.group.commits_us())

    def write_units(self, old: Item | None, new: Item | None, *, transactional: bool = False) -> float:
        """Return what a write costs: the item, and its entries in the local indexes."""
        units = write_units(size_bytes(old or {}), size_bytes(new or {}), transactional=transactional)
        for schema in self.local.values():
            units += entry_units(schema, *(entry_of(schema, self.keys, None, item) for item in (old, new)))
        return units

    def check(
        self, partition: Partition, key: Key, old: Item | None, new: Item | None, message: str | None = None
    ) -> None:
        """Refuse what an index could not take: a key of another kind, a collection too large, a backlog too long."""
        for schema in (*self.local.values(), *(index.spec.keys for index in self.indexes.values())):
            for name, kind in schema.kinds.items():
                if new is not None and name in new and order_kind(new[name]) != kind:
                    raise BadParameter(f"{name} = {new[name]!r}: an index of {self.place} takes kind {kind} there")
        if self.local and new is not None:
            held = partition.group.require_quorum().items.bytes_at.get(key.position, 0)
            if held - size_bytes(old or {}) + size_bytes(new) > self.settings.collection_bytes_max:
                raise Refused(
                    f"the items of {key.partition!r} would have over {self.settings.collection_bytes_max:,} bytes: "
                    "with a local index they must fit into one partition; spread them over more partition keys"
                )
        for index in self.indexes.values():
            if index.is_full():
                self.recorder.emit(self.now_us, "reject", partition.name, message, why=INDEX_IS_BEHIND)
                words = f"{index.place} is {len(index.waiting):,} changes behind ({INDEX_IS_BEHIND}): try later"
                raise Throttled(words, INDEX_IS_BEHIND)

    def append(self, now_us: int, partition: Partition, command: Command) -> int:
        """Write a command down in a partition; return its number there."""
        number, done = self.partitions.append(now_us, partition, command)
        self._committed(now_us, done)
        return number

    def settle(self, partition: Partition) -> None:
        """Wait until a quorum has all that was written down in a partition (see `ReplicaGroup.settle`)."""
        self._committed(self.now_us, partition.group.settle(self.now_us))

    def is_committed(self, written: Written) -> bool:
        """Whether a quorum has a write, so that it may be acknowledged."""
        partition = self.partitions.named(written.partition)  # one that was cut had all of its writes committed
        return partition is None or partition.group.committed > written.number

    # ------------------------------------------------------------ read path
    def get(
        self, now_us: int, key: Item, *, strong: bool = False, replica: int = 0, message: str | None = None
    ) -> Read:
        """Return the item at `key`.

        Parameters
        ----------
        strong : bool
            Ask the leader, at twice the price.
        replica : int
            Which of the three an eventual read asks.
        """
        self.tick(now_us)
        at = self.keys.key_of(key)
        partition = self.partitions.at(at.position)
        item = partition.group.read(strong=strong, replica=replica).get(at)
        units = read_units(size_bytes(item or {}), consistency=_word(strong=strong))
        self.partitions.admit(now_us, "Read", partition, at, units=units, message=message)
        return Read(None if item is None else dict(item), units)

    def query(
        self,
        now_us: int,
        partition: Value,
        within: Range = EVERYTHING,
        *,
        index: str | None = None,
        filtered: Condition | None = None,
        strong: bool = False,
        replica: int = 0,
        descending: bool = False,
        limit: int | None = None,
        start: object = None,
        message: str | None = None,
    ) -> Page:
        """Return a page of the items with one partition key, in the order of the sort key or of an index.

        Parameters
        ----------
        partition : str, number or bytes
            The partition key; with a global index, that of the index.
        within : Range
            The sort values to read.
        filtered : Condition, optional
            What must hold of an item to be in the answer. It is paid nevertheless.
        limit : int, optional
            How many items to examine at most.
        start : object, optional
            `next` of the page before.

        Raises
        ------
        BadParameter
            If there is no such index, or a global one is to be read strongly.
        """
        self.tick(now_us)
        keys, store = self._keys_of(index, strong=strong)
        within.check(keys)
        at = keys.collection_of(partition)
        owner = self.partitions.at(at.position)
        items = store.items if store else owner.group.read(strong=strong, replica=replica)
        entries = collection(items, keys, partition, within)
        if descending:
            entries.reverse()
        if start is not None:
            entries = entries[len(list(takewhile(lambda entry: entry[0] != start, entries))) + 1 :]
        examined = examine(entries, page_bytes=self.settings.page_bytes, limit=limit)
        units = query_units(examined.sizes_bytes, consistency=_word(strong=strong))
        if store:
            store.admit_read(now_us, at, units, message)
        else:
            self.partitions.admit(now_us, "Read", owner, at, units=units, message=message)
        after = examined.entries[-1][0] if examined.more else None
        return Page(wanted(examined, filtered), len(examined.entries), sum(examined.sizes_bytes), units, after)

    def scan(
        self,
        now_us: int,
        *,
        filtered: Condition | None = None,
        strong: bool = False,
        replica: int = 0,
        limit: int | None = None,
        start: object = None,
        message: str | None = None,
    ) -> Page:
        """Return a page of everything, in the order of the hashes; see `query`."""
        self.tick(now_us)
        first = (0,) if start is None else start
        if not isinstance(first, tuple):
            raise BadParameter(f"start = {start!r}: give `next` of the page before")
        owner = self.partitions.at(first[0])
        items = owner.group.read(strong=strong, replica=replica)
        found = ((key, item) for key, item in items.between(first) if key != first)
        examined = examine(found, page_bytes=self.settings.page_bytes, limit=limit)
        units = query_units(examined.sizes_bytes, consistency=_word(strong=strong))
        self.partitions.admit(now_us, "Read", owner, Key(first[0], "scan"), units=units, message=message)
        following = self.partitions.after(owner)
        after = examined.entries[-1][0] if examined.more else (following.first,) if following else None
        return Page(wanted(examined, filtered), len(examined.entries), sum(examined.sizes_bytes), units, after)

    def _keys_of(self, index: str | None, *, strong: bool) -> tuple[KeySchema, GlobalIndexStore | None]:
        if index is None:
            return self.keys, None
        if index in self.local:
            return self.local[index], None
        if index not in self.indexes:
            known = [*self.local, *self.indexes]
            raise BadParameter(f"index = {index!r}: {self.place} has {', '.join(known) or 'none'}")
        if strong:
            raise BadParameter(f"a strong read of the global index {index!r}: it may lag, so leave strong=True out")
        return self.indexes[index].spec.keys, self.indexes[index]

    def changes(self, now_us: int, *, after: int = -1, limit: int = 100) -> list[Change]:
        """Return up to `limit` changes after number `after`, the oldest first."""
        self.tick(now_us)
        return self.stream.read(now_us, after=after, limit=limit)

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> None:
        """Do what time has done up to `now_us`."""
        if now_us < self.now_us:
            raise BadParameter(f"now_us = {now_us} runs back behind {self.now_us}: call in order of time")
        self.now_us = now_us
        self._committed(now_us, self.partitions.tick(now_us))

    def deadline_us(self) -> int | None:
        """When `tick` has something to do, but for cutting partitions."""
        due = [self.partitions.deadline_us(), *(index.deadline_us() for index in self.indexes.values())]
        return min((at for at in due if at is not None), default=None)

    def crash(self, now_us: int, partition: Partition, replica: int) -> None:
        """Let one replica of a partition fail."""
        self.tick(now_us)
        partition.group.crash(now_us, replica)

    def restart(self, now_us: int, partition: Partition, replica: int) -> None:
        """Let one replica of a partition return."""
        self.tick(now_us)
        self._committed(now_us, partition.group.restart(now_us, replica))

    def elect(self, now_us: int, partition: Partition) -> None:
        """Let a partition have a leader among its replicas that are up."""
        self.tick(now_us)
        self._committed(now_us, partition.group.elect(now_us))

    def recover(self, now_us: int) -> None:
        """Let every partition without a leader have one: what is to be done when the disks are found with journals."""
        for partition in self.partitions:
            if partition.group.leader is None:
                self.elect(now_us, partition)

    def _committed(self, now_us: int, done: Iterable[Applied]) -> None:
        """Tell the stream and the global indexes what became committed."""
        for applied in done:
            item = applied.new or applied.old
            change = self.stream.add(now_us, self.keys.attributes(item), applied) if item else None
            if change is not None:
                for index in self.indexes.values():
                    index.offer(now_us, change.number, applied)
        self.stream.tick(now_us)
        for index in self.indexes.values():
            index.tick(now_us)

    def status(self) -> Status:
        """Return the partitions, what they hold, and how much was asked of them."""
        rows = self.partitions.status()
        backlogs = {name: len(index.waiting) for name, index in self.indexes.items()}
        items, size_bytes = sum(row.items for row in rows), sum(row.size_bytes for row in rows)
        return Status(rows, items, size_bytes, backlogs, len(self.stream))


def _word(*, strong: bool) -> str:
    return "strong" if strong else "eventual"
