"""The verbs of `dsys_lab.stores.table` as SQL, for every engine that speaks it.

Names are quoted, values travel as parameters, so nothing that a caller gives is read as SQL. Bounds are brought into
the column's type first: 3.5 as the lower bound of whole numbers is 4, and a bound beyond the type's last number leaves
nothing or everything; then an engine compares whole numbers with whole numbers, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.schema import WIDTHS, Schema, Value

Statement = tuple[str, tuple[Value, ...]]
"""SQL with a question mark for each value, and the values."""
_FARTHEST: Final = 1 << 65


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def create(table: str, schema: Schema, *, key: str, types: dict[str, str], more: str = "") -> str:
    """Return the statement that makes the table; `types` is an engine's word for each type of the schema."""
    columns = [
        f"{quoted(column.name)} {types[column.type]}"
        + (" primary key" if column.name == key else "" if column.nullable else " not null")
        for column in schema.columns
    ]
    return f"create table if not exists {quoted(table)} ({', '.join(columns)}) {more}"


def insert(table: str, schema: Schema) -> str:
    """Return the statement that adds one row."""
    return f"insert into {quoted(table)} values ({', '.join('?' * len(schema.columns))})"  # noqa: S608  quoted


def get(table: str, key: str) -> str:
    """Return the statement that gives the row of one key."""
    return f"select * from {quoted(table)} where {quoted(key)} = ?"  # noqa: S608  quoted


def delete(table: str, key: str) -> str:
    """Return the statement that takes the row of one key away."""
    return f"delete from {quoted(table)} where {quoted(key)} = ?"  # noqa: S608  quoted


def update(table: str, key: str, columns: Sequence[str]) -> str:
    """Return the statement that changes columns of the row of one key."""
    changes = ", ".join(f"{quoted(name)} = ?" for name in columns)
    return f"update {quoted(table)} set {changes} where {quoted(key)} = ?"  # noqa: S608  quoted


def scan(source: str, schema: Schema, columns: Sequence[str], where: Between | None) -> Statement:
    """Return the statement that gives columns of the rows that pass; `source` is SQL already."""
    condition, values = _filter(schema, where)
    chosen = ", ".join(map(quoted, columns)) or "1"
    return f"select {chosen} from {source}{condition}", values  # noqa: S608  quoted


def aggregate(
    source: str, schema: Schema, measures: Sequence[Measure], where: Between | None, by: str | None
) -> Statement:
    """Return the statement that gives one row of measures, or one for each value of `by`, NULL first."""
    condition, values = _filter(schema, where)
    wanted = [quoted(by)] if by else []
    wanted += [f"{measure.how}({quoted(measure.column)})" for measure in measures]
    text = f"select {', '.join(wanted) or '1'} from {source}{condition}"  # noqa: S608  quoted
    if by:
        text += f" group by {quoted(by)} order by {quoted(by)} nulls first"
    return text, values


def _filter(schema: Schema, where: Between | None) -> Statement:
    if where is None:
        return "", ()
    low, high = in_type(where, schema)
    name = quoted(where.column)
    parts = [(f"{name} is not null", ()), (f"{name} >= ?", (low,)), (f"{name} <= ?", (high,))]
    kept = [part for part, bound in zip(parts, (0, low, high), strict=True) if bound is not None]
    return " where " + " and ".join(text for text, _ in kept), tuple(value for _, values in kept for value in values)


def in_type(where: Between, schema: Schema) -> tuple[Value, Value]:
    """Return the bounds as values of the column's type; a range that is empty there is 1 to 0."""
    type_ = schema.columns[schema.position(where.column)].type
    low, high = where.low, where.high
    if isinstance(low, str) or isinstance(high, str) or type_ == "text":
        return low, high
    if type_ == "f64":
        return _number(low), _number(high)
    bits = 8 * WIDTHS[type_]
    first, last = (0, 2**bits - 1) if type_[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    low_whole, high_whole = _whole(low, up=True), _whole(high, up=False)
    if (low_whole is not None and low_whole > last) or (high_whole is not None and high_whole < first):
        return 1, 0
    return (
        None if low_whole is None or low_whole <= first else low_whole,
        None if high_whole is None or high_whole >= last else high_whole,
    )


def _whole(bound: float | None, *, up: bool) -> int | None:
    if bound is None:
        return None
    if math.isinf(bound):
        return _FARTHEST if bound > 0 else -_FARTHEST
    return math.ceil(bound) if up else math.floor(bound)


def _number(bound: float | None) -> float | None:
    if bound is None:
        return None
    try:
        return float(bound)
    except OverflowError:
        return math.copysign(math.inf, bound)
