"""How is a range of items read, page by page?

A query reads the items of one partition key in the order of their sort key, or of an index; a scan reads everything. In
both, what is *examined* is paid, and a page ends when so many bytes or items were examined; only then the filter takes
out what is not wanted. A page may therefore be empty and yet not the last one.

A page of a scan stays within one partition.

Sources: Amazon DynamoDB Developer Guide, "Querying tables", "Scanning tables", "Paginating results".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned.conditions import Condition, order_kind
from dsys_lab.stores.key_value.partitioned.items import Item, Value, size_bytes
from dsys_lab.stores.key_value.partitioned.keys import KeySchema
from dsys_lab.stores.key_value.partitioned.replica import Items


@dataclass(frozen=True, slots=True)
class Range:
    """Sort values from `low` up to and with `high`, or those that begin with `prefix`; None: no bound."""

    low: Value = None
    high: Value = None
    prefix: str | bytes | None = None

    def __post_init__(self) -> None:
        if self.prefix is not None and (self.low is not None or self.high is not None):
            raise BadParameter(
                f"low = {self.low!r}, high = {self.high!r}, prefix = {self.prefix!r}: give one or the other"
            )

    def check(self, keys: KeySchema) -> None:
        """Refuse bounds of another kind than the sort key."""
        for bound in (self.low, self.high, self.prefix):
            if bound is not None and (keys.sort is None or order_kind(bound) != keys.sort_kind):
                raise BadParameter(f"bound {bound!r}: the sort key is {keys.sort}, of kind {keys.sort_kind}")

    def holds(self, value: Value) -> bool:
        """Whether a sort value is in the range."""
        if self.prefix is not None:
            return bool(value.startswith(self.prefix))
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


EVERYTHING = Range()
Place = tuple[Any, ...]
"""What orders the entries of a collection, each of which has another: (sort value, …)."""


def collection(items: Items, keys: KeySchema, partition: Value, within: Range) -> list[tuple[Place, Item]]:
    """Return the items with one partition key whose sort value is in a range, in its order.

    `items` may be a table's or a global index's; with `keys` of a local index, they come in the order of that.
    """
    at = keys.collection_of(partition)
    found: list[tuple[Place, Item]] = []
    for key, item in items.between(at[:2]):
        if key[:2] != at[:2]:
            break
        if keys.indexes(item) and (keys.sort is None or within.holds(item[keys.sort])):
            own = key.sort if isinstance(key.sort, tuple) else (key.sort,)
            found.append(((0 if keys.sort is None else item[keys.sort], *own), item))
    return sorted(found, key=lambda entry: entry[0])


@dataclass(frozen=True, slots=True)
class Examined:
    """What a page reads: the entries, their sizes, whether more follow."""

    entries: Sequence[tuple[Any, Item]]
    sizes_bytes: tuple[int, ...]
    more: bool


def examine(entries: Iterable[tuple[Any, Item]], *, page_bytes: int, limit: int | None) -> Examined:
    """Take entries as far as they fit into a page; there is always one, however large."""
    if limit is not None and limit < 1:
        raise BadParameter(f"limit = {limit!r}: give 1 item or more, or None")
    taken: list[tuple[Any, Item]] = []
    sizes: list[int] = []
    for entry in entries:
        size = size_bytes(entry[1])
        if taken and (len(taken) == limit or sum(sizes) + size > page_bytes):
            return Examined(taken, tuple(sizes), more=True)
        taken.append(entry)
        sizes.append(size)
    return Examined(taken, tuple(sizes), more=False)


def wanted(examined: Examined, filtered: Condition | None) -> tuple[Item, ...]:
    """Return what passes the filter, as copies."""
    return tuple(dict(item) for _, item in examined.entries if filtered is None or filtered.holds(item))
