"""What a stream says: one frozen value for each answer to each verb.

To be over a limit is an answer and no exception: at the other end of a network a producer gets it among others. An
exception (`BadParameter`, `Refused`) is for a call that Kinesis answers with an error of another kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.brokers.log_stream.key_ranges import KeyRange


class Record(NamedTuple):
    """One record of a shard. Readers change nothing about it.

    Attributes
    ----------
    sequence : int
        Its number: without gaps on a shard, and above all that came before on the shard's parents.
    arrived_us : int
        When it was put.
    message, key : str
    data : bytes
    copy : int
        Which copy of the message.
    """

    sequence: int
    arrived_us: int
    message: str
    key: str
    data: bytes
    copy: int


class Stored(NamedTuple):
    """The record lies on `shard` under this number. Acknowledge it once it is durable."""

    shard: str
    sequence: int


class Throttled(NamedTuple):
    """The shard is over its limit, of `what`; nothing was changed."""

    shard: str
    what: str


class ShardIterator(NamedTuple):
    """A position on a shard: what a reader holds, and the stream does not.

    Attributes
    ----------
    shard : str
    sequence : int
        What is read next.
    made_us : int
        It expires some minutes later.
    """

    shard: str
    sequence: int
    made_us: int


@dataclass(frozen=True, slots=True)
class Page:
    """What one call read.

    Attributes
    ----------
    records : tuple of Record
    next : ShardIterator or None
        Where to go on; None once the shard is closed and read to its end.
    behind_us : int
        How old the oldest record is that was not read yet; 0 at the tip.
    skipped : int
        So many were too old before they were read: lost to this reader.
    children : tuple of str
        Where the keys went, once the shard is read to its end.
    """

    records: tuple[Record, ...]
    next: ShardIterator | None
    behind_us: int
    skipped: int
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard.

    Attributes
    ----------
    name : str
    keys : KeyRange
        Whose records it takes, or took.
    parents, children : tuple of str
        Where its keys were before, as far as these shards are still there, and where they went.
    first, end, durable : int
        The oldest record that can be read, the number that the next one gets, the first that a crash could take.
    is_open : bool
    segments, size_bytes : int
        Its files; the oldest may hold records that can no longer be read.
    """

    name: str
    keys: KeyRange
    parents: tuple[str, ...]
    children: tuple[str, ...]
    first: int
    end: int
    durable: int
    is_open: bool
    segments: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Status:
    """The stream.

    Attributes
    ----------
    shards : tuple of ShardStatus
        Open and closed ones, oldest first.
    retention_s : float
    stored : int
        Records that can be read.
    put, throttled, expired : int
        Counted since the stream was opened.
    """

    shards: tuple[ShardStatus, ...]
    retention_s: float
    stored: int
    put: int
    throttled: int
    expired: int
