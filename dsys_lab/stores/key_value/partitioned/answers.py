"""What the table says: one frozen value for each answer, one error for each refusal.

A refusal is an error because a DynamoDB client gets one; in every case nothing happened, and the message says what to
do. ::

    Refused
    |-- Throttled              too many units: `reason` says of what
    |-- ConditionFailed        the condition does not hold of the item as it is; the call was paid for
    |-- TransactionConflict    another transaction holds the item: try again
    `-- TransactionCanceled    `reasons` says why, one for each action
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dsys_lab.errors import Refused
from dsys_lab.stores.key_value.partitioned.gate import Use
from dsys_lab.stores.key_value.partitioned.items import Item


class Throttled(Refused):
    """There were not enough units.

    Attributes
    ----------
    reason : str
        Such as "TableWriteKeyRangeThroughputExceeded".
    """

    def __init__(self, words: str, reason: str) -> None:
        super().__init__(words)
        self.reason = reason


class ConditionFailed(Refused):
    """The condition does not hold of the item as it is."""


class TransactionConflict(Refused):
    """Another transaction holds the item."""


class TransactionCanceled(Refused):
    """No action of the transaction was done.

    Attributes
    ----------
    reasons : tuple of str
        One for each action, "None" for one that could have been done.
    """

    def __init__(self, words: str, reasons: tuple[str, ...]) -> None:
        super().__init__(words)
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was taken.

    Attributes
    ----------
    old, new : dict or None
        The item before and after; None is no item.
    units : float
        What it cost, local indexes included.
    partition : str
    number : int
        Its number in the partition's journal.
    commits_us : int or None
        When a quorum will have it if nobody fails before; None: it has it already. Until then it is not acknowledged:
        ask `is_committed`.
    """

    old: Item | None
    new: Item | None
    units: float
    partition: str = ""
    number: int = -1
    commits_us: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """One item, or None if there is none, and what asking cost."""

    item: Item | None
    units: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a query or a scan.

    Attributes
    ----------
    items : tuple of dict
        The answer: what was examined and passed the filter.
    examined : int
        Items that were read, and paid for.
    size_bytes : int
        Their bytes.
    units : float
    next : object or None
        Give it as `start` to go on; None: this was the last page.
    """

    items: tuple[Item, ...]
    examined: int
    size_bytes: int
    units: float
    next: object = None


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """A partition: its range of positions, what it holds, and how much was asked of it."""

    name: str
    first: int
    end: int
    items: int
    size_bytes: int
    leader: str
    reads: Use
    writes: Use


@dataclass(frozen=True, slots=True)
class Status:
    """The table as it is.

    Attributes
    ----------
    partitions : tuple of PartitionStatus
        In the order of their ranges.
    items, size_bytes : int
    backlogs : dict
        Changes that each global index has yet to take in.
    changes : int
        Changes that the stream keeps.
    """

    partitions: tuple[PartitionStatus, ...]
    items: int
    size_bytes: int
    backlogs: Mapping[str, int] = field(default_factory=dict)
    changes: int = 0

    def units(self, kind: str, what: str = "passed") -> float:
        """Return the units of "reads" or "writes" over all partitions: "passed" or "offered"."""
        return sum(getattr(getattr(partition, kind), what) for partition in self.partitions)
