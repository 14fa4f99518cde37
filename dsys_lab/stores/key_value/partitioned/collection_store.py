"""A table of items under the four verbs of every key-value store: `put get delete scan`.

One item collection holds everything, and the key is its sort key: so a scan over a range of keys is one query, in the
order of the bytes. It is also the worst that one can do to a partitioned store, for one partition key is one partition
and has its limit: the order has its price.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dsys_lab.errors import Refused
from dsys_lab.stores.key_value.partitioned.keys import SORT_KEY_BYTES_MAX, KeySchema
from dsys_lab.stores.key_value.partitioned.queries import Range
from dsys_lab.stores.key_value.partitioned.verbs import ItemTable, pages
from dsys_lab.stores.key_value.verbs import Pair, check_key, check_range, check_value

COLLECTION: Final = KeySchema("all", "key", sort_kind="B")
ALL: Final = "all"


class CollectionStore:
    """A `KeyValueStore` over a table with the keys `COLLECTION`.

    Parameters
    ----------
    table : ItemTable
        The model at a clock, or DynamoDB.
    """

    def __init__(self, table: ItemTable) -> None:
        self._table = table
        self._is_closed = False

    def put(self, key: bytes, value: bytes, *, now_us: int = 0) -> None:
        """Let `key` have `value`."""
        check_key(key)
        check_value(value)
        self._open.put({"all": ALL, "key": key, "value": value})

    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        """Return the value of `key`, or None if it is absent."""
        check_key(key)
        item = self._open.get({"all": ALL, "key": key}, strong=True).item
        return None if item is None else item["value"]

    def delete(self, key: bytes, *, now_us: int = 0) -> None:
        """Let `key` be absent."""
        check_key(key)
        self._open.delete({"all": ALL, "key": key})

    def scan(self, low: bytes | None = None, high: bytes | None = None, *, now_us: int = 0) -> Iterator[Pair]:
        """Give the pairs from `low` up to but not with `high`; the pages are read when it is called."""
        check_range(low, high)
        table = self._open
        if high is not None and high <= (low or b""):
            return iter(())
        within = Range(low[:SORT_KEY_BYTES_MAX] if low else None, high[:SORT_KEY_BYTES_MAX] if high else None)
        read = pages(table.query, ALL, within, strong=True)
        found = [(item["key"], item["value"]) for page in read for item in page.items]
        return self._give([pair for pair in found if (low or b"") <= pair[0] and (high is None or pair[0] < high)])

    def _give(self, pairs: list[Pair]) -> Iterator[Pair]:
        for pair in pairs:
            _ = self._open
            yield pair

    def status(self) -> Any:
        """Return what the table says of itself."""
        return self._table.status()

    def close(self) -> None:
        """Let go."""
        self._is_closed = True

    @property
    def _open(self) -> ItemTable:
        if self._is_closed:
            raise Refused("this store is closed: open it anew")
        return self._table
