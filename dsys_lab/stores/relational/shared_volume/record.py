"""A log record: one change of one row on one page, and what makes it findable.

::

    0      4      12     20       28     32     36    38    39   41    43
    +------+------+------+--------+------+------+-----+-----+----+-----+- - - -+- - - - -+
    | crc  | lsn  | prev | txn    | page | epoch|group|flags| key|value| key   | value   |
    | "I"  | "Q"  | "Q"  | "Q"    | "I"  | "I"  | "H" | "B" | "H"| "H" | bytes | bytes   |
    +------+------+------+--------+------+------+-----+-----+----+-----+- - - -+- - - - -+

`prev` is the lsn of the record before it *in the same group*: a chain in which a segment sees its own holes without
asking anybody. `flags`: 1 a consistency point, 2 the row is gone (there is no value).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, Damaged

_HEADER: Final = struct.Struct(">QQQIIHBHH")
_CRC: Final = struct.Struct(">I")
RECORD_OVERHEAD_BYTES: Final = _CRC.size + _HEADER.size
TEXT_BYTES_MAX: Final = 0xFFFF
PAGE_MAX: Final = 0xFFFFFFFF
_POINT, _GONE = 1, 2


@dataclass(frozen=True, slots=True)
class Change:
    """Row `key` of page `page` becomes `value`; None takes it away."""

    page: int
    key: str
    value: str | None

    def __post_init__(self) -> None:
        if not 0 <= self.page <= PAGE_MAX:
            raise BadParameter(f"page = {self.page!r}: give 0 to {PAGE_MAX:,}")
        for name, text in (("key", self.key), ("value", "" if self.value is None else self.value)):
            if not isinstance(text, str):
                raise BadParameter(f"{name} = {text!r}: give a text{' or None' * (name == 'value')}")
            if len(text.encode()) > TEXT_BYTES_MAX:
                size = len(text.encode())
                raise BadParameter(f"{name} of {size:,} bytes: give at most {TEXT_BYTES_MAX:,}")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the volume's log.

    Attributes
    ----------
    lsn : int
        Its number in the whole volume: 1, 2, 3, ... without gaps.
    group : int
        The protection group that keeps its page.
    previous : int
        The lsn of the record before it in its group; 0 for the first.
    txn : int
        The transaction that it belongs to.
    epoch : int
        The epoch of the writer that wrote it.
    is_consistency_point : bool
        Whether the log may end here.
    change : Change
    """

    lsn: int
    group: int
    previous: int
    txn: int
    epoch: int
    is_consistency_point: bool
    change: Change

    @property
    def name(self) -> str:
        """What it is called in a trace. A number that a later epoch uses again is another record."""
        return f"r{self.lsn}" if self.epoch == 1 else f"r{self.lsn}.{self.epoch}"

    @property
    def size_bytes(self) -> int:
        """How long it is, encoded."""
        return RECORD_OVERHEAD_BYTES + len(self.change.key.encode()) + len((self.change.value or "").encode())

    def encoded(self) -> bytes:
        """Return its bytes.

        >>> record = LogRecord(7, 0, 4, 3, 1, True, Change(12, "ada", "7.5"))
        >>> len(record.encoded()) == record.size_bytes == 49
        True
        >>> LogRecord.decoded(record.encoded()) == record
        True
        """
        change = self.change
        key, value = change.key.encode(), (change.value or "").encode()
        flags = _POINT * self.is_consistency_point | _GONE * (change.value is None)
        body = _HEADER.pack(
            self.lsn, self.previous, self.txn, change.page, self.epoch, self.group, flags, len(key), len(value)
        ) + key + value  # fmt: skip
        return _CRC.pack(zlib.crc32(body)) + body

    @classmethod
    def decoded(cls, data: bytes) -> LogRecord:
        """Return the record with these bytes.

        Raises
        ------
        Damaged
            If they are not what was written.
        """
        body = data[_CRC.size :]
        if len(body) < _HEADER.size or _CRC.unpack_from(data)[0] != zlib.crc32(body):
            raise Damaged(f"a log record of {len(data)} bytes does not fit its checksum: ask another segment for it")
        lsn, previous, txn, page, epoch, group, flags, key_bytes, _ = _HEADER.unpack_from(body)
        key, value = body[_HEADER.size :][:key_bytes], body[_HEADER.size + key_bytes :]
        change = Change(page, key.decode(), None if flags & _GONE else value.decode())
        return cls(lsn, group, previous, txn, epoch, bool(flags & _POINT), change)
