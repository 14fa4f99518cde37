"""Sealed buffers, and the names of the objects that they become.

A sealed buffer is sorted by what becomes of its records, and each sort is a crate of its own. Its key says which, when
and in which attempt::

    sleep/ 2026/11/02/07/ nights-1-2026-11-02-07-04-59-000123-1
    sleep/ processing-failed/ 2026/11/02/07/ nights-1-...
    prefix  why it is here     hour, UTC, or  stream, when its oldest record came, crate, attempt
                               the partition

The hour is that in which the oldest record *arrived*; who wants the hour in which something *happened* makes it the
partition. What was set aside is written as JSON lines, with the reason and the record as it came.

Source: Amazon Data Firehose Developer Guide, "Custom prefixes for Amazon S3 objects", read in November 2026.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from dsys_lab.brokers.delivery_stream.settings import Settings
from dsys_lab.structures.append_log import At

NOWHERE: Final = "\0"
"""The partition of a record that has none."""
DELIVERED: Final = ""
PROCESSING_FAILED: Final = "processing-failed"
FORMAT_FAILED: Final = "format-conversion-failed"
DESTINATION_FAILED: Final = "destination-failed"
"""The sorts of crates: what stands in front of the hour."""


class Kept(NamedTuple):
    """What is in memory of a record; its data are on disk."""

    number: int
    at: At
    message: str
    copy: int
    arrived_us: int
    size_bytes: int


@dataclass(slots=True)
class Buffer:
    """Records of one partition that wait to be sealed."""

    kept: list[Kept] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, record: Kept) -> None:
        """Take a record in."""
        self.kept.append(record)
        self.size_bytes += record.size_bytes

    def first(self, size_bytes: int) -> list[Kept]:
        """Return the oldest records, as few as have so many bytes together; all, if they have less."""
        chosen, found = 0, 0
        while found < size_bytes and chosen < len(self.kept):
            found += self.kept[chosen].size_bytes
            chosen += 1
        return self.kept[:chosen]

    def take(self, numbers: Iterable[int]) -> list[Kept]:
        """Take records out, by their numbers."""
        wanted = frozenset(numbers)
        taken = [record for record in self.kept if record.number in wanted]
        self.kept = [record for record in self.kept if record.number not in wanted]
        self.size_bytes = sum(record.size_bytes for record in self.kept)
        return taken


@dataclass(slots=True)
class Crate:
    """Records that go out together.

    Attributes
    ----------
    sort : str
        One of those above.
    why : mapping of int to str
        Why a record was set aside, by its number.
    due_us : int or None
        When it is tried next; None while it is out.
    failing_since_us : int or None
        When its first attempt failed.
    """

    number: int
    buffer: str
    sort: str
    by: str
    kept: list[Kept]
    why: dict[int, str]
    due_us: int | None
    attempt: int = 0
    failing_since_us: int | None = None

    @property
    def to(self) -> str:
        """Who gets it."""
        return "destination" if self.sort == DELIVERED else "backup"

    @property
    def size_bytes(self) -> int:
        """Of its records, as they came."""
        return sum(record.size_bytes for record in self.kept)

    def set_aside(self, sort: str, why: str) -> None:
        """Send all its records to the backup instead."""
        self.sort, self.why = sort, {record.number: why for record in self.kept}

    def key(self, stream: str, settings: Settings, extension: str) -> str:
        """Return the key of the object that its next attempt makes."""
        came = clock(settings, self.kept[0].arrived_us)
        folder = self.buffer.strip(NOWHERE) or f"{came:%Y/%m/%d/%H}"
        attempt = f"-{self.attempt}" if settings.names == "attempt" else ""
        sort = f"{self.sort}/" if self.sort else ""
        name = f"{stream}-1-{came:%Y-%m-%d-%H-%M-%S}-{self.number:06d}{attempt}{extension}"
        return f"{settings.prefix}{sort}{folder}/{name}"


def clock(settings: Settings, time_us: int) -> datetime:
    """Return what the clocks of the world say."""
    return settings.starts + timedelta(microseconds=time_us)


def set_aside(crate: Crate, data: Iterable[bytes], settings: Settings) -> bytes:
    """Return an object that says of each record why it is not where it should be, and how it came."""
    lines = [
        {
            "attemptsMade": crate.attempt,
            "arrivalTimestamp": clock(settings, record.arrived_us).isoformat(),
            "errorMessage": crate.why.get(record.number, ""),
            "rawData": base64.b64encode(raw).decode(),
        }
        for record, raw in zip(crate.kept, data, strict=True)
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()
