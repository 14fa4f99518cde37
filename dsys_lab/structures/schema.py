"""What may stand in a table: named columns, each of one type, each with or without NULL.

A schema is checked when it is made and every row is checked when it comes in, so bad input is refused before a byte is
written, with the name of the column, what was given, and what is allowed.

======  =====  ==============================================
type    bytes  holds
======  =====  ==============================================
`u8`    1      0 to 255
`u16`   2      0 to 65,535
`u32`   4      0 to 4,294,967,295
`u64`   8      0 to 2**64 - 1
`i32`   4      -2**31 to 2**31 - 1
`i64`   8      -2**63 to 2**63 - 1
`f64`   8      a finite number: NaN is refused, for it is not NULL and equals nothing
`text`  --     UTF-8 of at most `TEXT_BYTES_MAX` bytes
======  =====  ==============================================
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from dsys_lab.errors import BadParameter

Value = int | float | str | None
Values = tuple[Value, ...]

TEXT_BYTES_MAX: Final = 4_000
"""So that a row with one long text still fits a page of 8,192 bytes."""
WIDTHS: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i32": 4, "i64": 8, "f64": 8}
"""Bytes of the types of fixed width."""
TYPES: Final = (*WIDTHS, "text")
_RANGES: Final = {
    name: (0, 256**width - 1) if name[0] == "u" else (-(256**width) // 2, 256**width // 2 - 1)
    for name, width in WIDTHS.items()
    if name != "f64"
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a name, a type of `TYPES`, and whether it may be NULL."""

    name: str
    type: str
    nullable: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise BadParameter(f"column name {self.name!r}: give letters, digits and _, not a digit first")
        if self.type not in TYPES:
            raise BadParameter(f"column {self.name!r}: type {self.type!r} is unknown; give one of {', '.join(TYPES)}")

    def check(self, value: Value) -> Value:
        """Return `value` as this column stores it.

        Raises
        ------
        BadParameter
            If it is of another type, out of range, too long, NaN, or NULL where none is allowed.
        """
        if value is None:
            if not self.nullable:
                raise BadParameter(f"column {self.name!r}: NULL, but the column is not nullable; give a {self.type}")
            return None
        if self.type == "text":
            return self._check_text(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(value)
        if self.type == "f64":
            return self._check_float(value)
        low, high = _RANGES[self.type]
        if not isinstance(value, int):
            raise self._wrong(value)
        if not low <= value <= high:
            allowed = f"a {self.type} holds {low:,} to {high:,}"
            raise BadParameter(f"column {self.name!r}: {value:,} is out of range; {allowed}")
        return value

    def _check_float(self, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            raise BadParameter(f"column {self.name!r}: out of range; an f64 holds up to {sys.float_info.max}") from None
        if not math.isfinite(number):
            raise BadParameter(f"column {self.name!r}: {value!r}; give a finite number, or NULL for none")
        return number

    def _check_text(self, value: Value) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        try:
            size_bytes = len(value.encode())
        except UnicodeEncodeError:
            raise BadParameter(f"column {self.name!r}: {value!r} holds half a character; give UTF-8 text") from None
        if size_bytes > TEXT_BYTES_MAX:
            raise BadParameter(f"column {self.name!r}: {size_bytes:,} bytes of text; at most {TEXT_BYTES_MAX:,} fit")
        return value

    def _wrong(self, value: Value) -> BadParameter:
        return BadParameter(f"column {self.name!r}: {value!r} is a {type(value).__name__}; give a {self.type}")


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, in order.

    Examples
    --------
    >>> sleep = Schema.of("id u32, hours_sleep f64?, age u8, city text")
    >>> sleep.names
    ('id', 'hours_sleep', 'age', 'city')
    >>> sleep.check((1, None, 40, "Oslo"))
    (1, None, 40, 'Oslo')
    >>> str(sleep)
    'id u32, hours_sleep f64?, age u8, city text'
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise BadParameter("a schema without columns: give at least one, as in 'id u32, city text'")
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise BadParameter(f"column {column.name!r} stands twice: give each column a name of its own")
            seen.add(column.name)

    @classmethod
    def of(cls, text: str) -> Schema:
        """Return the schema written as `name type, name type?`; the question mark allows NULL."""
        columns = []
        for part in text.split(","):
            words = part.split()
            if len(words) != 2:
                raise BadParameter(f"schema: {part.strip()!r} is not 'name type'; write 'id u32, city text?'")
            columns.append(Column(words[0], words[1].rstrip("?"), words[1].endswith("?")))
        return cls(tuple(columns))

    def __str__(self) -> str:
        """Return the schema as `of` reads it."""
        return ", ".join(f"{column.name} {column.type}{'?' * column.nullable}" for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def position(self, name: str) -> int:
        """Return where the column `name` stands.

        Raises
        ------
        BadParameter
            If there is none, with the closest names.
        """
        if name not in self.names:
            close = get_close_matches(name, self.names, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(self.names)}"
            raise BadParameter(f"no column {name!r}; {hint}")
        return self.names.index(name)

    def check(self, row: Sequence[Value]) -> Values:
        """Return `row` as it will be stored, or refuse it (see `Column.check`)."""
        if len(row) != len(self.columns):
            raise BadParameter(f"a row of {len(row)} values for {len(self.columns)} columns ({', '.join(self.names)})")
        return tuple(column.check(value) for column, value in zip(self.columns, row, strict=True))

    def check_all(self, rows: Iterable[Sequence[Value]]) -> list[Values]:
        """Return all rows checked, or refuse all of them, naming the row that is wrong."""
        checked = []
        for number, row in enumerate(rows):
            try:
                checked.append(self.check(row))
            except BadParameter as error:
                raise BadParameter(f"row {number}: {error}") from None
        return checked
