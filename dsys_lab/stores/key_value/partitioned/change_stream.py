"""What has changed, in order, for whoever wants to follow.

Every committed change of an item becomes a record with its image before and after. Records of one item are in the order
of its changes; each has a number, and who remembers the last one that was read goes on from there. After 24 hours a
record is gone, read or not.

A write that changes nothing leaves no record.

Sources: Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.facts import fact
from dsys_lab.stores.key_value.partitioned.items import Item
from dsys_lab.stores.key_value.partitioned.replica import Applied

RETENTION_US: Final = int(fact("dynamodb_stream_retention").value * 3600 * 10**6)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one item.

    Attributes
    ----------
    number : int
        Its place in the stream, from 0.
    at_us : int
        When it was committed.
    name : str
        "INSERT", "MODIFY" or "REMOVE".
    key : dict
        The key attributes.
    old, new : dict or None
        The item before and after.
    """

    number: int
    at_us: int
    name: str
    key: dict[str, Any]
    old: Item | None
    new: Item | None


class ChangeStream:
    """The changes of one table, kept for 24 hours."""

    def __init__(self, retention_us: int = RETENTION_US) -> None:
        self.retention_us = retention_us
        self.next_number = 0
        self._kept: deque[Change] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, now_us: int, key: dict[str, Any], change: Applied) -> Change | None:
        """Add what was committed; None: it changed nothing."""
        if change.old == change.new:
            return None
        name = "INSERT" if change.old is None else "REMOVE" if change.new is None else "MODIFY"
        added = Change(self.next_number, now_us, name, key, change.old, change.new)
        self.next_number += 1
        self._kept.append(added)
        return added

    def tick(self, now_us: int) -> None:
        """Forget what is too old."""
        while self._kept and self._kept[0].at_us + self.retention_us <= now_us:
            self._kept.popleft()

    def read(self, now_us: int, *, after: int = -1, limit: int = 100) -> list[Change]:
        """Return up to `limit` changes after number `after`, the oldest first.

        Raises
        ------
        Refused
            If some of them are gone already: who was away for too long must begin anew, from the table.
        """
        if limit < 1 or after < -1:
            raise BadParameter(f"after = {after!r}, limit = {limit!r}: give -1 or the last number read, and 1 or more")
        self.tick(now_us)
        first = self.next_number - len(self._kept)
        if after + 1 < first:
            raise Refused(f"the changes {after + 1} to {first - 1} are gone, older than 24 hours: read the table anew")
        return [change for change in self._kept if change.number > after][:limit]
