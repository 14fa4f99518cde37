"""What does a stream look like to SQL?

A table that rows are only ever added to, with one column of event time and the bound of its watermark. Flink's words
make one; what stands in WITH (where Flink finds the data) is read over, for here rows come by a call.

>>> table = created('''CREATE TABLE pings (city STRING, hours DOUBLE, ts TIMESTAMP(3),
...     WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'datagen')''')
>>> table.name, table.time, table.bound_us
('pings', 'ts', 5000000)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import expressions as exp

from dsys_lab.dataflows.streaming_sql.changes import Row
from dsys_lab.dataflows.streaming_sql.text import read
from dsys_lab.errors import BadParameter

TYPES: Final = {
    exp.DType.TEXT: "text", exp.DType.VARCHAR: "text", exp.DType.INT: "i32", exp.DType.BIGINT: "i64",
    exp.DType.DOUBLE: "f64", exp.DType.TIMESTAMP: "time",
}  # fmt: skip
"""What a column may be: STRING, INT, BIGINT, DOUBLE, TIMESTAMP(3)."""
_HOLDS: Final[dict[str, frozenset[type]]] = {
    "text": frozenset({str}),
    "i32": frozenset({int}),
    "i64": frozenset({int}),
    "f64": frozenset({int, float}),
    "time": frozenset({int}),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table or of what comes out of an operator; `alias` is the table that it is of."""

    name: str
    type: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class StreamTable:
    """A stream.

    Attributes
    ----------
    name : str
    fields : tuple of Field
    time : str
        The column of event time, in microseconds; "" for none.
    bound_us : int
        How much later than the latest event an earlier one may come.
    key : str
        The primary key, which makes it a table of versions; "" for none.
    """

    name: str
    fields: tuple[Field, ...]
    time: str = ""
    bound_us: int = 0
    key: str = ""

    def position(self, name: str) -> int:
        """Return the place of a column."""
        return [field.name for field in self.fields].index(name)

    def row(self, values: Mapping[str, Any] | Sequence[Any]) -> Row:
        """Return a row, checked.

        Raises
        ------
        BadParameter
            If a column is missing or unknown, a value is of another type, or event time is NULL.
        """
        names = [field.name for field in self.fields]
        if isinstance(values, Mapping):
            if odd := set(values) ^ set(names):
                raise BadParameter(f"{self.name}: {min(odd)!r} is missing or unknown; give {', '.join(names)}")
            values = [values[name] for name in names]
        if len(values) != len(names):
            raise BadParameter(f"{self.name}: {len(values)} values; give {', '.join(names)}")
        for field, value in zip(self.fields, values, strict=True):
            kind = type(value)
            if kind in _HOLDS[field.type] and (kind is not float or math.isfinite(value)):
                continue
            if value is not None or field.name == self.time:
                what = "microseconds, as an int" if field.type == "time" else field.type
                raise BadParameter(f"{self.name}.{field.name} = {value!r}: give {what}")
        return tuple(values)


def created(sql: str) -> StreamTable:
    """Return the table that CREATE TABLE makes.

    Raises
    ------
    BadParameter
        With the position of what is not meant.
    """
    text = read(sql)
    tree = text.parsed()
    if not isinstance(tree, exp.Create) or tree.kind != "TABLE" or not isinstance(tree.this, exp.Schema):
        meant = "CREATE TABLE t (column TYPE, ..., WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
        raise text.outside(tree, f"{meant} is meant")
    fields: list[Field] = []
    for part in tree.this.expressions:
        if not isinstance(part, exp.ColumnDef) or part.constraints:
            raise text.outside(part, "only columns, WATERMARK FOR and PRIMARY KEY (column) NOT ENFORCED are meant")
        kind = TYPES.get(part.kind.this) if part.kind is not None else None
        if kind is None:
            raise text.outside(part, f"the type of {part.name} is one of STRING, INT, BIGINT, DOUBLE, TIMESTAMP(3)")
        fields.append(Field(part.name, kind))
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise text.outside(tree, "two columns have one name")
    time, bound_us = text.watermark or ("", 0)
    if time and (time not in names or fields[names.index(time)].type != "time"):
        raise text.outside(tree, f"WATERMARK FOR {time}: there is no TIMESTAMP(3) column of this name")
    if text.key is not None and text.key not in names:
        raise text.outside(tree, f"PRIMARY KEY ({text.key}): there is no column of this name")
    return StreamTable(tree.this.this.name, tuple(fields), time, bound_us, text.key or "")
