"""Which attributes are the key, and where does an item lie?

The *partition key* says where: its hash is the position of all items that share it, the *item collection*. Within the
collection the *sort key* says in which order, so a range of it is read in one go. A table may do without a sort key;
then the collection is one item.

The hash spreads neighbours apart, which evens out the load, and it has a price: no range over partition keys can be
asked for, but by a scan of everything.

Sources: Amazon DynamoDB Developer Guide, "Core components of Amazon DynamoDB"; "Constraints in DynamoDB".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned.conditions import order_kind
from dsys_lab.stores.key_value.partitioned.items import Item, Value
from dsys_lab.structures.hash_ring import position_of

KINDS: Final = {"S": "a string", "N": "a number", "B": "bytes"}
PARTITION_KEY_BYTES_MAX: Final = 2048
SORT_KEY_BYTES_MAX: Final = 1024


class Key(NamedTuple):
    """Where an item lies: keys are ordered by position, then by partition key, then by sort key.

    Attributes
    ----------
    position : int
        The hash of the partition key, 0 to 2^64 - 1.
    partition, sort : str, number or bytes
        The values themselves; `sort` is 0 where the table has no sort key.
    """

    position: int
    partition: Any
    sort: Any = 0

    def __str__(self) -> str:
        return str(self.partition) if self.sort == 0 else f"{self.partition}/{self.sort}"


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The names and the kinds ("S", "N" or "B") of the key attributes.

    Examples
    --------
    >>> KeySchema("person", "night").key_of({"person": "17", "night": "2017-01-01", "minutes": 435}).sort
    '2017-01-01'
    """

    partition: str
    sort: str | None = None
    partition_kind: str = "S"
    sort_kind: str = "S"

    def __post_init__(self) -> None:
        if not self.partition or self.partition == self.sort:
            raise BadParameter(f"partition = {self.partition!r}, sort = {self.sort!r}: give two different names")
        for kind in (self.partition_kind, self.sort_kind):
            if kind not in KINDS:
                raise BadParameter(f"kind {kind!r}: give S (string), N (number) or B (bytes)")

    @property
    def names(self) -> tuple[str, ...]:
        """The key attributes."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each key attribute."""
        return {self.partition: self.partition_kind} | ({} if self.sort is None else {self.sort: self.sort_kind})

    def key_of(self, item: Item) -> Key:
        """Return where an item lies.

        Raises
        ------
        BadParameter
            If a key attribute is missing, of another kind, empty or too long.
        """
        partition = self._value(item, self.partition, self.partition_kind, PARTITION_KEY_BYTES_MAX)
        sort = 0 if self.sort is None else self._value(item, self.sort, self.sort_kind, SORT_KEY_BYTES_MAX)
        return Key(hash_of(partition), partition, sort)

    def collection_of(self, partition: Value) -> Key:
        """Return where the items with one partition key lie: the position and the partition key, without a sort key."""
        value = self._value({self.partition: partition}, self.partition, self.partition_kind, PARTITION_KEY_BYTES_MAX)
        return Key(hash_of(value), value)

    def indexes(self, item: Item) -> bool:
        """Whether an item has all key attributes in their kinds: one without is not in an index."""
        return all(name in item and order_kind(item[name]) == kind for name, kind in self.kinds.items())

    def attributes(self, key: Item) -> dict[str, Value]:
        """Return the key attributes of an item, or of a key given as a dict with nothing else in it."""
        return {name: key[name] for name in self.names}

    def _value(self, item: Item, name: str, kind: str, most_bytes: int) -> Value:
        if name not in item:
            raise BadParameter(f"the key attribute {name!r} is missing in {dict(item)!r}: give {', '.join(self.names)}")
        value = item[name]
        if order_kind(value) != kind:
            raise BadParameter(f"{name} = {value!r}: the table takes {KINDS[kind]} there")
        if kind != "N":
            length = len(value.encode() if isinstance(value, str) else value)
            if not 0 < length <= most_bytes:
                raise BadParameter(f"{name} of {length:,} bytes: give 1 to {most_bytes:,}")
        return value


def hash_of(partition: Value) -> int:
    """Return the position of a partition key: equal keys have equal positions, 17 and Decimal("17.0") too."""
    match partition:
        case str():
            return position_of(b"S" + partition.encode())
        case bytes():
            return position_of(b"B" + partition)
    return position_of(b"N" + str(Decimal(partition).normalize()).encode())
