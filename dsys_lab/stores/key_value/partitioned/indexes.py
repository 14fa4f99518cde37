"""How is an item found by something else than its key?

By an index, a second arrangement of the same items. There are two kinds, and they differ in everything that matters:

==================  =====================================  ================================================
                    `LocalIndex`                           `GlobalIndex`
==================  =====================================  ================================================
its partition key   the table's                            any attribute
where it lies       in the item's own partition            in partitions of its own
when it is written  with the item, in one command          afterwards, from the changes of the table
a strong read       yes                                    refused: it may lag
capacity            the table's                            its own; when it is too small the index falls
                                                           behind, and at last the table's writes are refused
price               all items of one partition key must    a lag, and a write that may be paid twice
                    fit into one partition
==================  =====================================  ================================================

An item without the index's key attributes is not in the index: a *sparse* index is a cheap list of the few items that
have an attribute.

A change costs the index one write if an entry comes, goes or changes; two if its key changes, for the entry lies
elsewhere then; and none if nothing that the index keeps has changed.

The global index promises
-------------------------
1. Changes of one item are taken in in their order; when there is no backlog, the index is what the table makes of it.
2. A change waits at least as long as the index's delay and at most until there are units for it; none is lost.

Sources: Amazon DynamoDB Developer Guide, "Global secondary indexes", "Local secondary indexes".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.stores.key_value.partitioned.answers import Throttled
from dsys_lab.stores.key_value.partitioned.capacity import write_units
from dsys_lab.stores.key_value.partitioned.gate import Gate
from dsys_lab.stores.key_value.partitioned.items import Item, size_bytes
from dsys_lab.stores.key_value.partitioned.keys import Key, KeySchema
from dsys_lab.stores.key_value.partitioned.placement import even_starts
from dsys_lab.stores.key_value.partitioned.replica import Applied, Items
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class LocalIndex:
    """The items of one partition key, in the order of another attribute.

    Attributes
    ----------
    name : str
    sort : str
        The attribute that they are in order of, and its kind ("S", "N" or "B").
    """

    name: str
    sort: str
    sort_kind: str = "N"

    def schema(self, base: KeySchema) -> KeySchema:
        """Return the keys of the index of this table."""
        return KeySchema(base.partition, self.sort, base.partition_kind, self.sort_kind)


@dataclass(frozen=True, slots=True)
class GlobalIndex:
    """The items of a table by other attributes.

    Attributes
    ----------
    name : str
    keys : KeySchema
        Its own partition and sort key; they need not be unique.
    include : tuple of str or None
        The attributes that it keeps beside its keys and the table's; None: all.
    write_rate, read_rate : float
        Its own units a second.
    mode, partitions :
        As of a table.
    delay_us : int
        How long a change takes to get here.
    backlog_max : int
        Changes that may wait before the table's writes are refused. A knob of the lab; no figure is published.
    """

    name: str
    keys: KeySchema
    include: tuple[str, ...] | None = None
    write_rate: float = 4000.0
    read_rate: float = 12000.0
    mode: str = "global"
    partitions: int = 1
    delay_us: int = 0
    backlog_max: int = 10_000

    def __post_init__(self) -> None:
        require_positive(
            write_rate=self.write_rate,
            read_rate=self.read_rate,
            partitions=self.partitions,
            backlog_max=self.backlog_max,
        )
        require_not_negative(delay_us=self.delay_us)
        require_choice("mode", self.mode, ("static", "burst", "adaptive", "global"))


def entry_of(keys: KeySchema, base: KeySchema, include: tuple[str, ...] | None, item: Item | None) -> Item | None:
    """Return what an index keeps of an item, or None if the item is not in it."""
    if item is None or not keys.indexes(item):
        return None
    if include is None:
        return item
    kept = {*keys.names, *base.names, *include}
    return {name: value for name, value in item.items() if name in kept}


def entry_units(keys: KeySchema, old: Item | None, new: Item | None) -> float:
    """Return the write units that a change of an entry costs the index: for 0, 1 or 2 writes."""
    if old == new:
        return 0.0
    if old is not None and new is not None and keys.attributes(old) != keys.attributes(new):
        return write_units(size_bytes(old)) + write_units(0, size_bytes(new))
    return write_units(size_bytes(old or {}), size_bytes(new or {}))


class _Waiting(NamedTuple):
    ready_us: int
    position: int
    base_key: Key
    old: Item | None
    new: Item | None


class GlobalIndexStore:
    """A global index at work: partitions of its own, and the changes that it has yet to take in.

    Parameters
    ----------
    spec : GlobalIndex
    base : KeySchema
        The table's keys.
    place : str
        The table's name.
    """

    def __init__(
        self, spec: GlobalIndex, base: KeySchema, place: str, *, delay: Callable[[], int] | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        self.spec, self.base, self.place, self.recorder = spec, base, f"{place}/{spec.name}", recorder
        self._delay = delay or (lambda: spec.delay_us)
        self.items = Items()
        self.waiting: deque[_Waiting] = deque()
        self.taken = -1
        self._came_to_us = 0
        self._starts = even_starts(spec.partitions)
        names = [f"{self.place}/partition-{n}" for n in range(spec.partitions)]
        at = {"mode": spec.mode, "partitions": names, "resource": "Index"}
        self.writes = Gate(rate=spec.write_rate, kind="Write", **at)  # type: ignore[arg-type]
        self.reads = Gate(rate=spec.read_rate, kind="Read", **at)  # type: ignore[arg-type]

    def partition_of(self, key: Key) -> str:
        """Return the name of the partition in which an entry lies."""
        number = max(n for n, start in enumerate(self._starts) if start <= key.position)
        return f"{self.place}/partition-{number}"

    def is_full(self) -> bool:
        """Whether so many changes wait that the table must not write."""
        return len(self.waiting) >= self.spec.backlog_max

    def offer(self, now_us: int, position: int, change: Applied) -> None:
        """Take note of a change of the table; it is taken in by `tick`, later."""
        old, new = (entry_of(self.spec.keys, self.base, self.spec.include, item) for item in (change.old, change.new))
        ready_us = max(now_us + self._delay(), self.waiting[-1].ready_us if self.waiting else 0)
        self.waiting.append(_Waiting(ready_us, position, change.key, old, new))

    def tick(self, now_us: int) -> None:
        """Take in the changes whose time has come, as far as there are units for them."""
        while self.waiting and (ready_us := self._ready_us()) <= now_us:
            change, self._came_to_us = self.waiting.popleft(), ready_us
            units = entry_units(self.spec.keys, change.old, change.new)
            if change.old is not None:
                self.items.put(self._key(change.old, change.base_key), None)
            if change.new is not None:
                self.items.put(self._key(change.new, change.base_key), change.new)
            if units:
                self.writes.admit(ready_us, self._at(change), units)
            self.taken = change.position
            self.recorder.emit(
                now_us, "apply", self.place, view=self.place, position=change.position, units=units,
                waiting=len(self.waiting),
            )  # fmt: skip

    def deadline_us(self) -> int | None:
        """When `tick` has something to do, or None."""
        return self._ready_us() if self.waiting else None

    def admit_read(self, now_us: int, key: Key, units: float, message: str | None = None) -> None:
        """Let a query of the index through.

        Raises
        ------
        Throttled
        """
        partition = self.partition_of(key)
        why = self.reads.admit(now_us, partition, units)
        if why:
            self.recorder.emit(now_us, "reject", partition, message, why=why, units=units, key=str(key))
            raise Throttled(f"{partition} has no {units:g} units for {key} now ({why}): try later, or less", why)

    def _ready_us(self) -> int:
        """When the first change is here and there are units for it."""
        first = self.waiting[0]
        here_us = max(first.ready_us, self._came_to_us)
        units = entry_units(self.spec.keys, first.old, first.new)
        return self.writes.ready_us(here_us, self._at(first), units) if units else here_us

    def _at(self, change: _Waiting) -> str:
        entry = change.new or change.old or {}
        return self.partition_of(self._key(entry, change.base_key))

    def _key(self, entry: Item, base_key: Key) -> Key:
        key = self.spec.keys.key_of(entry)
        return Key(key.position, key.partition, (key.sort, *base_key))
