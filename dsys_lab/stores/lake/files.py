"""How do rows become the bytes of a file, and how much of it must be read to have one column back?

A `Codec` is an argument of the table. `JsonLines`, here, is a line for each row: anybody can read it, and who wants one
column reads all. `dsys_lab.engines.lakehouse.Parquet` writes columns with a directory at the end; with it the table is
one that other programs read. A checkpoint of the log is a file, too, and is written in the same way.

Rows come and go as columns: a name -> a list of values, all of one length.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter, Damaged
from dsys_lab.stores.lake.actions import Field, Fields, Stats

Columns = dict[str, list[Any]]
_RANGES: Final = {"byte": 7, "short": 15, "integer": 31, "long": 63}


class Codec(Protocol):
    """Rows as bytes, and back."""

    @property
    def suffix(self) -> str:
        """What the names of its files end in."""

    def encode(self, fields: Fields, columns: Columns) -> bytes:
        """Return a file of these rows."""

    def decode(self, data: bytes, fields: Fields, names: Sequence[str]) -> Columns:
        """Return these columns of a file; a column that the file does not have is NULL everywhere."""

    def encode_actions(self, lines: Iterable[Mapping[str, Any]]) -> bytes:
        """Return a checkpoint of these lines of the log."""

    def decode_actions(self, data: bytes) -> list[dict[str, Any]]:
        """Return the lines of a checkpoint."""


class JsonLines:
    r"""A line of JSON for each row.

    >>> fields = Fields.of("id long, city string?")
    >>> data = JsonLines().encode(fields, {"id": [1, 2], "city": ["Oslo", None]})
    >>> data
    b'{"id":1,"city":"Oslo"}\n{"id":2,"city":null}\n'
    >>> JsonLines().decode(data, fields, ["city"])
    {'city': ['Oslo', None]}
    """

    suffix = "jsonl"

    def encode(self, fields: Fields, columns: Columns) -> bytes:
        """Return a line for each row."""
        rows = zip(*(columns[name] for name in fields.names), strict=True)
        return _lines(dict(zip(fields.names, row, strict=True)) for row in rows)

    def decode(self, data: bytes, fields: Fields, names: Sequence[str]) -> Columns:
        """Return these columns; every line is read."""
        rows = _parse(data)
        return {name: [row.get(name) for row in rows] for name in names}

    def encode_actions(self, lines: Iterable[Mapping[str, Any]]) -> bytes:
        """Return a line for each action."""
        return _lines(lines)

    def decode_actions(self, data: bytes) -> list[dict[str, Any]]:
        """Return the lines."""
        return _parse(data)


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows).encode()


def _parse(data: bytes) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in data.splitlines()]
    except ValueError as error:
        raise Damaged(f"a file of JSON lines cannot be read ({error}): get it from a copy") from error


# ------------------------------------------------------------------------------------------ schema on write
def checked(fields: Fields, columns: Mapping[str, Iterable[Any]]) -> Columns:
    """Return the columns as lists, in the order of the table.

    Raises
    ------
    BadParameter
        If one is missing, unknown, of another length, or a value is not of its type.
    """
    if not isinstance(columns, Mapping):
        raise BadParameter(f"columns = {type(columns).__name__}: give names and lists, as in {{'id': [1, 2]}}")
    fields.require(columns)
    given = {name: list(values) for name, values in columns.items()}
    rows = max(map(len, given.values()), default=0)
    told: Columns = {}
    for field in fields.fields:
        values = given.get(field.name, [None] * rows)
        if len(values) != rows:
            raise BadParameter(f"column {field.name!r} has {len(values)} values, others have {rows}: give one a row")
        for number, value in enumerate(() if _all_fit(field, values) else values):
            if not _fits(field, value):
                kind = f"{field.type}{' or None' if field.nullable else ''}"
                raise BadParameter(f"row {number}, column {field.name!r}: {value!r:.60} is no {kind}")
        told[field.name] = values
    return told


def _all_fit(field: Field, values: list[Any]) -> bool:
    """Whether a whole column plainly fits, which is told far sooner than value by value."""
    known = [value for value in values if value is not None] if field.nullable else values
    kinds = {*map(type, known)}
    if field.type in _RANGES and kinds == {int}:
        return -(1 << _RANGES[field.type]) <= min(known) and max(known) < 1 << _RANGES[field.type]
    return not kinds or (field.type in {"string", "date"} and kinds == {str})


def _fits(field: Field, value: Any) -> bool:
    if value is None:
        return field.nullable
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.type in _RANGES:
        bits = _RANGES[field.type]
        return isinstance(value, int) and not isinstance(value, bool) and -(1 << bits) <= value < 1 << bits
    if field.type in {"float", "double"}:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, str)


def stats_of(columns: Columns) -> Stats:
    """Return what is told of a file, so that it need not be opened: rows; least, greatest and NULLs by column."""
    known = {name: [value for value in values if value is not None] for name, values in columns.items()}
    with_some = {name: values for name, values in known.items() if values and not isinstance(values[0], bool)}
    rows = len(next(iter(columns.values())))
    return Stats(
        rows, {name: min(values) for name, values in with_some.items()},
        {name: max(values) for name, values in with_some.items()},
        {name: rows - len(values) for name, values in known.items()},
    )  # fmt: skip
