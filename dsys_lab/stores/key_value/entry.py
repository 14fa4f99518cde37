"""What does one write look like in a file?

A key with its value, or with the news that it has none any more (a *tombstone*: a file to which bytes are only ever
added has no other way to say that something is gone). All numbers big-endian::

    0            2              6
    +------------+--------------+---------- - - +---------- - -
    | key_length | value_length | key           | value
    +------------+--------------+---------- - - +---------- - -
     u16 "H"      u32 "I"        key_length      value_length bytes

A `value_length` of 0xFFFFFFFF marks a tombstone, which has no value. Checksums and numbers are the affair of what an
entry lies in: a record of a log, a block of a run.

Source: the record of py-caskdb, and of Bitcask before it (Sheehy and Smith, "Bitcask: a log-structured hash table for
fast key/value data", 2010), without its timestamp.
"""

from __future__ import annotations

import struct
from typing import Final

HEAD: Final = struct.Struct(">HI")
TOMBSTONE: Final = 0xFFFF_FFFF
_NO_VALUE: Final = TOMBSTONE.to_bytes(4, "big")

Entry = tuple[bytes, bytes | None]
"""A key with its value, or with None for a tombstone."""


def encode(key: bytes, value: bytes | None) -> bytes:
    """Return the bytes of an entry.

    >>> encode(b"k", b"value").hex(" ", 2), encode(b"k", None).hex(" ", 2)
    ('0001 0000 0005 6b76 616c 7565', '00 01ff ffff ff6b')
    """
    if value is None:
        return HEAD.pack(len(key), TOMBSTONE) + key
    return HEAD.pack(len(key), len(value)) + key + value


def decode(stored: bytes) -> Entry:
    """Return the entry that `stored` is."""
    key_length, value_length = HEAD.unpack_from(stored)
    start = HEAD.size + key_length
    return stored[HEAD.size : start], None if value_length == TOMBSTONE else stored[start:]


def value_of(stored: bytes) -> bytes | None:
    """Return the value of the entry that `stored` is, None for a tombstone."""
    return None if is_tombstone(stored) else stored[HEAD.size + (stored[0] << 8 | stored[1]) :]


def is_tombstone(stored: bytes) -> bool:
    """Whether the entry that `stored` is says that its key is gone."""
    return stored[2:6] == _NO_VALUE
