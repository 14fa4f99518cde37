"""How do records become the bytes of one object?

The stream asks two things of a format: can this record be written at all, and what are these records together? A record
that cannot is set aside under `format-conversion-failed/`. Here stands the simplest format, bytes behind bytes: whoever
forgets the delimiter has written one long line. Columns (Parquet) are made by whoever knows a library for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol


class Format(Protocol):
    """How records become an object."""

    @property
    def extension(self) -> str:
        """What the object's name ends with."""

    def unfit(self, data: bytes) -> str:
        """Return why a record cannot be written, or ""."""

    def pack(self, records: Sequence[bytes]) -> bytes:
        """Return one object of records that are all fit, in their order."""


@dataclass(frozen=True, slots=True)
class Lines:
    r"""Each record, then the delimiter.

    Examples
    --------
    >>> Lines().pack([b'{"a": 1}', b'{"a": 2}']), Lines(delimiter=b"").pack([b'{"a": 1}', b'{"a": 2}'])
    (b'{"a": 1}\n{"a": 2}\n', b'{"a": 1}{"a": 2}')
    """

    delimiter: bytes = b"\n"
    extension: str = ""

    def unfit(self, data: bytes) -> str:
        """Take any record."""
        return ""

    def pack(self, records: Sequence[bytes]) -> bytes:
        """Return the records, each with the delimiter behind it."""
        return b"".join(part for data in records for part in (data, self.delimiter))


AS_THEY_ARE: Final = Lines(delimiter=b"")
"""Firehose's own default: no delimiter."""
