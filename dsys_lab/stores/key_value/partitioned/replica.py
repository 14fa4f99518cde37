"""One copy of a partition: a journal, and the items that it adds up to.

What a partition is told to do comes as *commands*, in one order, the same on each of its replicas. A replica writes a
command into its journal first; it is done to the items only when a quorum of the replicas has it, for until then a new
leader may have to forget it.

With a disk the journal is an `AppendLog`, synced at every record, and a replica that was killed reads it back. That an
entry was forgotten is written down too: `{"forget": 7}` takes the entries from number 7 on back.

Left out: snapshots, so that the journal begins with the first write.

Sources: Ongaro and Ousterhout, "In search of an understandable consensus algorithm", USENIX ATC 2014, section 5.3 (how
logs are made alike); Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 3 (a storage replica is a log and a
B-tree).
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from dsys_lab.stores.key_value.partitioned.item_codec import read_item, read_key, spell_item, spell_key
from dsys_lab.stores.key_value.partitioned.items import Item, size_bytes
from dsys_lab.stores.key_value.partitioned.keys import Key
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


class Write(NamedTuple):
    """The item at `key` becomes `item`; None: it is deleted."""

    key: Key
    item: Item | None


class Command(NamedTuple):
    """What one call does to a partition, all of it or nothing.

    Attributes
    ----------
    writes : tuple of Write
    locks : tuple of (Key, str)
        Items that are held for a transaction from now on, and which; "" lets go.
    """

    writes: tuple[Write, ...] = ()
    locks: tuple[tuple[Key, str], ...] = ()


class Entry(NamedTuple):
    """A command in a journal, and the epoch (whose leader) it is of."""

    epoch: int
    command: Command


class Items:
    """Items in the order of their keys, with the bytes at each position."""

    def __init__(self) -> None:
        self._items: dict[Key, Item] = {}
        self._order: list[Key] = []
        self.bytes_at: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Key) -> Item | None:
        """Return the item at a key, or None."""
        return self._items.get(key)

    def put(self, key: Key, item: Item | None) -> Item | None:
        """Put an item at a key, or take it away; return what was there."""
        before = self._items.get(key)
        grown = (size_bytes(item) if item is not None else 0) - (size_bytes(before) if before is not None else 0)
        self.bytes_at[key.position] = self.bytes_at.get(key.position, 0) + grown
        if not self.bytes_at[key.position]:
            del self.bytes_at[key.position]
        if item is not None:
            if before is None:
                insort(self._order, key)
            self._items[key] = item
        elif before is not None:
            del self._items[key], self._order[bisect_left(self._order, key)]
        return before

    def between(self, first: tuple[Any, ...]) -> Iterator[tuple[Key, Item]]:
        """Give the items from a key on, in order; the beginning of a key is before all keys that begin so."""
        for key in self._order[bisect_left(self._order, first) :]:
            yield key, self._items[key]

    def __iter__(self) -> Iterator[tuple[Key, Item]]:
        return ((key, self._items[key]) for key in self._order)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write did: the item at `key` before and after; None is no item."""

    key: Key
    old: Item | None
    new: Item | None


class Replica:
    """One copy of a partition.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    disk : Disk, optional
        Where its journal is; without one it is kept in memory, and nothing of it is read back.
    """

    def __init__(self, place: str, disk: Disk | None = None, *, now_us: int = 0, recorder: Recorder = NO_TRACE) -> None:
        self.place = place
        self.journal: list[Entry] = []
        self.items = Items()
        self.locks: dict[Key, str] = {}
        self.applied = 0
        self.is_up = True
        self._log = None
        if disk is not None:
            self._log = AppendLog(disk, place=f"{place}/journal", recorder=recorder, now_us=now_us)
            for record in self._log.read():
                self._replay(json.loads(record.payload))

    def _replay(self, told: dict) -> None:
        if "forget" in told:
            del self.journal[told["forget"] :]
        else:
            self.journal.append(_read_entry(told))

    # ------------------------------------------------------------ the journal
    @property
    def end(self) -> tuple[int, int]:
        """How far the journal goes: the epoch of the last entry and the number of entries. The larger is the fuller."""
        return (self.journal[-1].epoch if self.journal else -1, len(self.journal))

    def append(self, now_us: int, entry: Entry) -> None:
        """Write an entry down, durably where there is a disk."""
        if self._log is not None:
            self._log.append(now_us, json.dumps(_spell_entry(entry)).encode())
        self.journal.append(entry)

    def follow(self, now_us: int, journal: list[Entry]) -> None:
        """Make the journal the same as another one: forget where they part, and take over the rest."""
        same = next(
            (n for n, (mine, other) in enumerate(zip(self.journal, journal, strict=False)) if mine != other),
            min(len(self.journal), len(journal)),
        )
        if same < len(self.journal):
            if self._log is not None:
                self._log.append(now_us, json.dumps({"forget": same}).encode())
            del self.journal[same:]
        for entry in journal[same:]:
            self.append(now_us, entry)

    # ------------------------------------------------------------ the items
    def apply(self, until: int) -> list[Applied]:
        """Do the entries below number `until` to the items; return what was done."""
        done: list[Applied] = []
        for entry in self.journal[self.applied : until]:
            done += [Applied(key, self.items.put(key, item), item) for key, item in entry.command.writes]
            _lock(self.locks, entry.command.locks)
        self.applied = max(self.applied, min(until, len(self.journal)))
        return done

    def latest(self, key: Key) -> Item | None:
        """Return the item as the journal's end has it, whether a quorum has that or not: what a condition looks at."""
        for entry in reversed(self.journal[self.applied :]):
            for write in entry.command.writes:
                if write.key == key:
                    return write.item
        return self.items.get(key)

    def lock_of(self, key: Key) -> str:
        """Return the transaction that holds an item, as the journal's end has it; "" if none does."""
        for entry in reversed(self.journal[self.applied :]):
            for locked, transaction in entry.command.locks:
                if locked == key:
                    return transaction
        return self.locks.get(key, "")


def _lock(locks: dict[Key, str], changes: Iterable[tuple[Key, str]]) -> None:
    for key, transaction in changes:
        if transaction:
            locks[key] = transaction
        else:
            locks.pop(key, None)


def _spell_entry(entry: Entry) -> dict:
    return {
        "epoch": entry.epoch,
        "writes": [[spell_key(key), None if item is None else spell_item(item)] for key, item in entry.command.writes],
        "locks": [[spell_key(key), transaction] for key, transaction in entry.command.locks],
    }


def _read_entry(told: dict) -> Entry:
    writes = tuple(Write(read_key(key), None if item is None else read_item(item)) for key, item in told["writes"])
    locks = tuple((read_key(key), transaction) for key, transaction in told["locks"])
    return Entry(told["epoch"], Command(writes, locks))
