"""What is written down before it is promised.

One append-only log for records and for what becomes of them, each entry with a letter in front::

    r  a record:    u64 arrived_us | u16 copy | u16 length | message | u16 length | buffer | data
    s  reshaped:    u64 number | data, what the transform made of a record
    c  a crate:     JSON, which records it holds, of which sort, and what sealed it; its number is the entry's
    a  an attempt:  JSON, of which crate
    o  over:        JSON, these records are delivered, dropped or expired

What is in no crate and not over is in a buffer: reading the log from its beginning makes the same stream again. Records
that are over are taken away with the oldest whole segment in which nothing else is.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final, NamedTuple, TypeAlias

_HEAD: Final = struct.Struct(">QHH")
_NUMBER: Final = struct.Struct(">Q")
_LENGTH: Final = struct.Struct(">H")


class RecordEntry(NamedTuple):
    """A record as it is written down."""

    arrived_us: int
    copy: int
    message: str
    partition: str
    data: bytes


class ReshapedEntry(NamedTuple):
    """What a transform made of a record."""

    number: int
    data: bytes


class CrateEntry(NamedTuple):
    """A sealed buffer, or that part of one whose records share a sort."""

    buffer: str
    sort: str
    by: str
    numbers: list[int]
    why: dict[int, str]


class AttemptEntry(NamedTuple):
    """A crate that is about to go out."""

    crate: int


class OverEntry(NamedTuple):
    """Records that are settled, and how: "delivered", "set aside", "dropped" or "expired"."""

    how: str
    crate: int | None
    buffer: str
    numbers: list[int]


_LETTERS: Final[dict[type, bytes]] = {CrateEntry: b"c", AttemptEntry: b"a", OverEntry: b"o"}
AnyEntry: TypeAlias = RecordEntry | ReshapedEntry | CrateEntry | AttemptEntry | OverEntry


def written(entry: AnyEntry) -> bytes:
    """Return an entry's bytes."""
    if isinstance(entry, RecordEntry):
        message, partition = entry.message.encode(), entry.partition.encode()
        head = _HEAD.pack(entry.arrived_us, entry.copy, len(message))
        return b"".join((b"r", head, message, _LENGTH.pack(len(partition)), partition, entry.data))
    if isinstance(entry, ReshapedEntry):
        return b"s" + _NUMBER.pack(entry.number) + entry.data
    return _LETTERS[type(entry)] + json.dumps(entry._asdict(), separators=(",", ":")).encode()


def read(payload: bytes) -> AnyEntry:
    """Return what `written` wrote.

    Raises
    ------
    ValueError
        If it is something else.
    """
    letter, rest = payload[:1], payload[1:]
    if letter == b"r":
        arrived_us, copy, length = _HEAD.unpack_from(rest)
        end = _HEAD.size + length
        message, (length,) = rest[_HEAD.size : end].decode(), _LENGTH.unpack_from(rest, end)
        start, end = end + _LENGTH.size, end + _LENGTH.size + length
        return RecordEntry(arrived_us, copy, message, rest[start:end].decode(), rest[end:])
    if letter == b"s":
        return ReshapedEntry(_NUMBER.unpack_from(rest)[0], rest[_NUMBER.size :])
    said: dict[str, Any] = json.loads(rest)
    if letter == b"c":
        return CrateEntry(**{**said, "why": {int(number): why for number, why in said["why"].items()}})
    if letter == b"a":
        return AttemptEntry(**said)
    if letter == b"o":
        return OverEntry(**said)
    raise ValueError(f"an entry that begins with {letter!r}")
