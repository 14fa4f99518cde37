"""What may one ask of a table of items, whoever keeps it?

The model and DynamoDB itself answer to these verbs, so one lesson runs on both and the answers are compared. The model
has one argument more, the time; `ClockedTable` takes it from a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from dsys_lab.stores.key_value.partitioned.answers import Page, Read, Status, Written
from dsys_lab.stores.key_value.partitioned.change_stream import Change
from dsys_lab.stores.key_value.partitioned.conditions import Condition
from dsys_lab.stores.key_value.partitioned.items import Item, Value
from dsys_lab.stores.key_value.partitioned.keys import KeySchema
from dsys_lab.stores.key_value.partitioned.queries import EVERYTHING, Range
from dsys_lab.stores.key_value.partitioned.table import PartitionedTable
from dsys_lab.stores.key_value.partitioned.transactions import Action, Transactions
from dsys_lab.stores.key_value.partitioned.updates import Update


class ItemTable(Protocol):
    """The verbs; what each means is said at `PartitionedTable` and `Transactions`."""

    keys: KeySchema

    def put(self, item: Item, *, condition: Condition | None = None) -> Written:
        """Let `item` be the item at its key."""

    def update(self, key: Item, change: Update, *, condition: Condition | None = None) -> Written:
        """Change some attributes of the item at `key`."""

    def delete(self, key: Item, *, condition: Condition | None = None) -> Written:
        """Let there be no item at `key`."""

    def get(self, key: Item, *, strong: bool = False) -> Read:
        """Return the item at `key`."""

    def query(
        self,
        partition: Value,
        within: Range = EVERYTHING,
        *,
        index: str | None = None,
        filtered: Condition | None = None,
        strong: bool = False,
        descending: bool = False,
        limit: int | None = None,
        start: object = None,
    ) -> Page:
        """Return a page of the items with one partition key."""

    def scan(
        self,
        *,
        filtered: Condition | None = None,
        strong: bool = False,
        limit: int | None = None,
        start: object = None,
    ) -> Page:
        """Return a page of everything."""

    def write_together(self, actions: Sequence[Action], *, token: str | None = None) -> float:
        """Do all actions, or none; return the units."""

    def read_together(self, keys: Sequence[Item]) -> list[Read]:
        """Return several items as they are at one moment."""

    def changes(self, *, after: int = -1, limit: int = 100) -> list[Change]:
        """Return up to `limit` changes after number `after`, the oldest first."""

    def status(self) -> Any:
        """Return a frozen dataclass."""


class ClockedTable:
    """The model under the verbs of `ItemTable`: the time comes from a clock.

    Parameters
    ----------
    table : PartitionedTable
    clock_us : callable
        Gives the time at each call; it stands still without one.
    """

    def __init__(self, table: PartitionedTable, clock_us: Callable[[], int] = lambda: 0) -> None:
        self.table, self.keys, self._clock_us = table, table.keys, clock_us
        self.transactions = Transactions(table)

    def put(self, item: Item, *, condition: Condition | None = None) -> Written:
        """Let `item` be the item at its key."""
        return self.table.put(self._clock_us(), item, condition=condition)

    def update(self, key: Item, change: Update, *, condition: Condition | None = None) -> Written:
        """Change some attributes of the item at `key`."""
        return self.table.update(self._clock_us(), key, change, condition=condition)

    def delete(self, key: Item, *, condition: Condition | None = None) -> Written:
        """Let there be no item at `key`."""
        return self.table.delete(self._clock_us(), key, condition=condition)

    def get(self, key: Item, *, strong: bool = False) -> Read:
        """Return the item at `key`."""
        return self.table.get(self._clock_us(), key, strong=strong)

    def query(
        self,
        partition: Value,
        within: Range = EVERYTHING,
        *,
        index: str | None = None,
        filtered: Condition | None = None,
        strong: bool = False,
        descending: bool = False,
        limit: int | None = None,
        start: object = None,
    ) -> Page:
        """Return a page of the items with one partition key."""
        return self.table.query(
            self._clock_us(), partition, within, index=index, filtered=filtered, strong=strong,
            descending=descending, limit=limit, start=start,
        )  # fmt: skip

    def scan(
        self,
        *,
        filtered: Condition | None = None,
        strong: bool = False,
        limit: int | None = None,
        start: object = None,
    ) -> Page:
        """Return a page of everything."""
        return self.table.scan(self._clock_us(), filtered=filtered, strong=strong, limit=limit, start=start)

    def write_together(self, actions: Sequence[Action], *, token: str | None = None) -> float:
        """Do all actions, or none; return the units."""
        return self.transactions.write(self._clock_us(), actions, token=token)

    def read_together(self, keys: Sequence[Item]) -> list[Read]:
        """Return several items as they are at one moment."""
        return self.transactions.read(self._clock_us(), keys)

    def changes(self, *, after: int = -1, limit: int = 100) -> list[Change]:
        """Return up to `limit` changes after number `after`, the oldest first."""
        return self.table.changes(self._clock_us(), after=after, limit=limit)

    def status(self) -> Status:
        """Return the table as it is."""
        return self.table.status()


def pages(ask: Callable[..., Page], *args: object, **given: object) -> list[Page]:
    """Ask for page after page until the last one: `pages(table.query, "17", strong=True)`."""
    told = [ask(*args, **given)]
    while told[-1].next is not None:
        told.append(ask(*args, **given, start=told[-1].next))
    return told
