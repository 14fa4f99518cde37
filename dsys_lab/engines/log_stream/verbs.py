"""The verbs that the model and the real engines share.

`LogStream` is told the time at every verb; an engine lives in it. And where the model's position is a number that
anyone may look at, an engine's is its own affair: here it is a value that `iterator` and `read` give and `read` takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, Self

from dsys_lab.brokers.log_stream import Entry, KeyRange, Record, Settings, Stored, Throttled
from dsys_lab.brokers.log_stream.settings import require_batch
from dsys_lab.brokers.log_stream.stream import KINDS, READ_MAX_RECORDS
from dsys_lab.errors import BadParameter, require_choice


class SeenShard(NamedTuple):
    """A shard as an engine shows it."""

    name: str
    keys: KeyRange
    parents: tuple[str, ...]
    is_open: bool


class Read(NamedTuple):
    """What one call read.

    Attributes
    ----------
    records : tuple of Record
    next : object
        Where to go on, for `read`; None once the shard is closed and read to its end.
    is_at_tip : bool
        Whether there was nothing more to read.
    children : tuple of str
        Where the keys went, once the shard is read to its end.
    """

    records: tuple[Record, ...]
    next: Any
    is_at_tip: bool
    children: tuple[str, ...] = ()


class Status(NamedTuple):
    """The shards, and what this client had answered."""

    shards: tuple[SeenShard, ...]
    put: int
    throttled: int


class EngineStream(Protocol):
    """A log stream that keeps its own time. Use it in a `with` block, which removes it."""

    settings: Settings

    def put(self, entry: Entry) -> Stored | Throttled:
        """Write one record, and say where it lies."""

    def put_many(self, entries: Iterable[Entry]) -> list[Stored | Throttled]:
        """Write up to 500 records; each is stored or throttled for itself."""

    def iterator(self, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None) -> Any:
        """Return a position on a shard; `at_us` is a time as records say it in `arrived_us`."""

    def read(self, iterator: Any, *, limit: int = READ_MAX_RECORDS) -> Read | Throttled:
        """Return the next records of a shard."""

    def split(self, shard: str) -> tuple[str, str]:
        """Close a shard and open one for each half of its range."""

    def merge(self, shard: str, neighbour: str) -> str:
        """Close two neighbours and open one."""

    def shards(self) -> list[SeenShard]:
        """Return the shards, oldest first."""

    def status(self) -> Status:
        """Return the shards, and what was answered so far."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(self, *error: object) -> None:
        """Remove what was made."""


def require_entries(settings: Settings, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries of a call, or refuse what no stream with these settings takes."""
    batch = list(entries)
    require_batch(batch)
    for entry in batch:
        settings.require_entry(entry)
    return batch


def require_position(kind: str, sequence: int | None, at_us: int | None) -> None:
    """Refuse words that name no position."""
    require_choice("kind", kind, KINDS)
    if ("SEQUENCE" in kind) != (sequence is not None) or (kind == "AT_TIMESTAMP") != (at_us is not None):
        raise BadParameter(
            f"{kind}, sequence = {sequence}, at_us = {at_us}: give sequence with AT_ and AFTER_SEQUENCE_NUMBER, "
            "at_us with AT_TIMESTAMP, and neither with the others"
        )


def require_limit(limit: int) -> None:
    """Refuse a number of records that no call returns."""
    if not 1 <= limit <= READ_MAX_RECORDS:
        raise BadParameter(f"limit = {limit!r}: give 1 to {READ_MAX_RECORDS:,}")


def require_shard(name: str, names: Iterable[str]) -> None:
    """Refuse the name of no shard."""
    known = list(names)
    if name not in known:
        raise BadParameter(f"shard = {name!r}: give one of {', '.join(known)}")


