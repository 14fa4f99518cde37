"""Where do rows wait until there are enough of them to be written by column?

One row by itself would cost a page in every column. So it goes to the *delta*: rows in memory, by key, and as one
record in an append-only log, durable before the change is acknowledged. When enough wait, they become row groups and
the log is cut. What is taken away from a row group is a mark on its row, kept in the log until the next merge, too.

A `Change` is one record, so it is there whole or not at all::

    | marks u32 | forgotten u32 | rows u32 | block u32, row u32 ... | key u64 ... | row ...

    a row:  | null bits, a byte for 8 columns | the values that are there: numbers by width, texts as u16 length, UTF-8

`marks` are rows of row groups that are gone, `forgotten` keys of waiting rows that are gone, `rows` wait from now on;
one with the key of a waiting row takes its place. An update of a stored row is a mark and a row. Numbers are
big-endian, keys below 0 are written modulo 2**64.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dsys_lab.structures.schema import Schema, Value, Values

_HEAD: Final = struct.Struct(">III")
_MARK: Final = struct.Struct(">II")
_KEY: Final = struct.Struct(">Q")
_LENGTH: Final = struct.Struct(">H")
_NUMBERS: Final = {
    name: struct.Struct(f">{letter}")
    for name, letter in {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "i64": "q", "f64": "d"}.items()
}
_KEYS: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Change:
    """What one call changes.

    Attributes
    ----------
    marks : tuple of (block, row)
        Rows of row groups that are gone.
    forgotten : tuple of int
        Keys of waiting rows that are gone.
    rows : tuple of rows
        That wait from now on.
    """

    marks: tuple[tuple[int, int], ...] = ()
    forgotten: tuple[int, ...] = ()
    rows: tuple[Values, ...] = ()

    def encode(self, schema: Schema) -> bytes:
        """Return the record's payload."""
        parts = [_HEAD.pack(len(self.marks), len(self.forgotten), len(self.rows))]
        parts += [_MARK.pack(*mark) for mark in self.marks]
        parts += [_KEY.pack(key % _KEYS) for key in self.forgotten]
        parts += [encode_row(schema, row) for row in self.rows]
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes, schema: Schema, key: str) -> Change:
        """Return the change of a payload."""
        marks, forgotten, rows = _HEAD.unpack_from(data)
        keys_at = _HEAD.size + marks * _MARK.size
        rows_at = keys_at + forgotten * _KEY.size
        signed = schema.columns[schema.position(key)].type.startswith("i")
        return cls(
            tuple(_MARK.iter_unpack(data[_HEAD.size : keys_at])),
            tuple(_signed(key) if signed else key for (key,) in _KEY.iter_unpack(data[keys_at:rows_at])),
            tuple(_rows(data, rows_at, schema, rows)),
        )


def _signed(key: int) -> int:
    return key - _KEYS if key >= _KEYS // 2 else key


def encode_row(schema: Schema, row: Values) -> bytes:
    """Return the bytes of one row."""
    nulls = sum(1 << position for position, value in enumerate(row) if value is None)
    parts = [nulls.to_bytes(-(-len(row) // 8), "little")]
    for column, value in zip(schema.columns, row, strict=True):
        if isinstance(value, str):
            text = value.encode()
            parts += [_LENGTH.pack(len(text)), text]
        elif value is not None:
            parts.append(_NUMBERS[column.type].pack(value))
    return b"".join(parts)


def _rows(data: bytes, offset: int, schema: Schema, count: int) -> Iterator[Values]:
    """Give `count` rows from their bytes."""
    mask_bytes = -(-len(schema.columns) // 8)
    for _ in range(count):
        nulls = int.from_bytes(data[offset : offset + mask_bytes], "little")
        offset += mask_bytes
        row: list[Value] = []
        for position, column in enumerate(schema.columns):
            if nulls >> position & 1:
                row.append(None)
            elif column.type == "text":
                (length,) = _LENGTH.unpack_from(data, offset)
                row.append(data[offset + _LENGTH.size : offset + _LENGTH.size + length].decode())
                offset += _LENGTH.size + length
            else:
                row.append(_NUMBERS[column.type].unpack_from(data, offset)[0])
                offset += _NUMBERS[column.type].size
        yield tuple(row)
