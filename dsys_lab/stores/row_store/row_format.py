"""What are the bytes of a row?

The columns of fixed width one after the other, in the order of the schema, then the texts. ::

    without NULL    +--------------------------+-----------------------+- - - - - - - - - -+
                    | fixed columns, packed    | u16 lengths of texts  | texts             |
                    |                          | (of all but the last) |                   |
                    +--------------------------+-----------------------+- - - - - - - - - -+
    with a NULL     +--------+--------------------- - -
                    | bitmap | as above, without the columns that are NULL
                    +--------+--------------------- - -
                     one bit a column, the first column in the lowest bit; 1: NULL

Whether there is a bitmap is said by the mark of the record's slot, so a row without NULL pays nothing for those that
could be, and a NULL takes no room but its bit. The last text needs no length: it ends where the record ends. A night
with its note of 36 characters is 64 bytes, so 120 fit a page.

Cost: one call of `struct` a row, whatever the columns. A reader who wants one column still has the row's bytes carried
along: that is what a row layout is.

Left out: columns added later (a version number would stand in the mark's place); compression.

Sources: PostgreSQL documentation, "Table row layout" (bitmap only where there is a NULL).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.structures.page import RECORD_BYTES_MAX
from dsys_lab.structures.schema import WIDTHS, Schema, Value, Values

_LETTERS: Final = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "i64": "q", "f64": "d"}


class _Shape:
    """How the columns lie that are not NULL, for one set of columns that are."""

    def __init__(self, schema: Schema, nulls: int, bitmap_bytes: int) -> None:
        here = [place for place in range(len(schema.columns)) if not nulls >> place & 1]
        types = [column.type for column in schema.columns]
        self.fixed = [place for place in here if types[place] != "text"]
        self.texts = [place for place in here if types[place] == "text"]
        lengths = max(0, len(self.texts) - 1)
        self.struct = struct.Struct(">" + "".join(_LETTERS[types[place]] for place in self.fixed) + "H" * lengths)
        self.start = bitmap_bytes if nulls else 0
        self.bitmap = nulls.to_bytes(bitmap_bytes, "little") if nulls else b""
        stored = self.fixed + self.texts + [place for place in range(len(types)) if nulls >> place & 1]
        self.nulls: Values = (None,) * (len(types) - len(here))
        self.in_order = _picker([stored.index(place) for place in range(len(types))])

    def encode(self, values: Values) -> bytes:
        """Return the bytes of a row of this shape."""
        texts = [values[place].encode() for place in self.texts]  # type: ignore[union-attr]
        numbers = [values[place] for place in self.fixed]
        return self.bitmap + self.struct.pack(*numbers, *map(len, texts[:-1])) + b"".join(texts)

    def decode(self, record: bytes) -> Values:
        """Return the row whose bytes these are."""
        numbers = self.struct.unpack_from(record, self.start)
        if not self.texts:
            return self.in_order(numbers + self.nulls)
        place = self.start + self.struct.size
        if len(self.texts) == 1:
            return self.in_order((*numbers, record[place:].decode(), *self.nulls))
        texts = []
        for length in (*numbers[len(self.fixed) :], len(record)):
            texts.append(record[place : place + length].decode())
            place += length
        return self.in_order((*numbers[: len(self.fixed)], *texts, *self.nulls))


class RowFormat:
    r"""Rows of one schema, to bytes and back.

    Examples
    --------
    >>> rows = RowFormat(Schema.of("id u32, hours_sleep f64?, city text"))
    >>> rows.encode((1, 7.5, "Oslo"))
    (b'\x00\x00\x00\x01@\x1e\x00\x00\x00\x00\x00\x00Oslo', False)
    >>> rows.encode((1, None, "Oslo"))
    (b'\x02\x00\x00\x00\x01Oslo', True)
    >>> rows.decode(*rows.encode((1, None, "Oslo")))
    (1, None, 'Oslo')
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._bitmap_bytes = -(-len(schema.columns) // 8)
        self._shapes: dict[int, _Shape] = {}
        self._full = self._shape(0)

    def encode(self, values: Values) -> tuple[bytes, bool]:
        """Return the bytes of a checked row, and whether it has a NULL.

        Raises
        ------
        BadParameter
            If the row is longer than a page.
        """
        nulls = sum(1 << place for place, value in enumerate(values) if value is None) if None in values else 0
        record = self._shape(nulls).encode(values)
        if len(record) > RECORD_BYTES_MAX:
            raise BadParameter(
                f"a row of {len(record):,} bytes; at most {RECORD_BYTES_MAX:,} fit a page: shorten a text"
            )
        return record, bool(nulls)

    def decode(self, record: bytes, has_nulls: bool) -> Values:
        """Return the row whose bytes these are."""
        return self._shape_of(record, has_nulls).decode(record)

    def used_bytes(self, record: bytes, has_nulls: bool, places: Sequence[int]) -> int:
        """Return how many bytes of a record are the values of the columns at `places`."""
        shape, columns = self._shape_of(record, has_nulls), self.schema.columns
        used = sum(WIDTHS[columns[place].type] for place in places if place in shape.fixed)
        texts = [place for place in places if place in shape.texts]
        row = shape.decode(record) if texts else ()
        return used + sum(len(str(row[place]).encode()) for place in texts)

    def _shape_of(self, record: bytes, has_nulls: bool) -> _Shape:
        return self._shape(int.from_bytes(record[: self._bitmap_bytes], "little")) if has_nulls else self._full

    def _shape(self, nulls: int) -> _Shape:
        if nulls not in self._shapes:
            self._shapes[nulls] = _Shape(self.schema, nulls, self._bitmap_bytes)
        return self._shapes[nulls]


def picker(schema: Schema, columns: Sequence[str]) -> Callable[[Values], Values]:
    """Return a function that picks these columns out of a row."""
    return _picker([schema.position(name) for name in columns])


def _picker(places: list[int]) -> Callable[[Sequence[Value]], Values]:
    if not places:
        return lambda row: ()
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)
