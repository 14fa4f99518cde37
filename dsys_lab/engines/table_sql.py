"""The verbs of `dsys_lab.stores.table` as SQL, for every engine that speaks it.

Names are quoted, values travel as parameters, so nothing that a caller gives is read as SQL. Bounds are brought into
the column's type first (`stores.bounds`), so that an engine compares numbers of one type, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.schema import Schema, Value

Statement = tuple[str, tuple[Value, ...]]
"""SQL with a question mark for each value, and the values."""
DESCRIPTION: Final = 'select name, type, "notnull", pk from pragma_table_info(?) order by cid'
"""Asks what columns a table has, by its name."""


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def create(table: str, schema: Schema, *, key: str, types: Mapping[str, str], more: str = "") -> str:
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
    condition, values = filter_of(schema, where)
    chosen = ", ".join(map(quoted, columns)) or "1"
    return f"select {chosen} from {source}{condition}", values  # noqa: S608  quoted


def aggregate(
    source: str, schema: Schema, measures: Sequence[Measure], where: Between | None, by: str | None
) -> Statement:
    """Return the statement that gives one row of measures, or one for each value of `by`, NULL first."""
    condition, values = filter_of(schema, where)
    wanted = [quoted(by)] if by else []
    wanted += [f"{measure.how}({quoted(measure.column)})" for measure in measures]
    text = f"select {', '.join(wanted) or '1'} from {source}{condition}"  # noqa: S608  quoted
    if by:
        text += f" group by {quoted(by)} order by {quoted(by)} nulls first"
    return text, values


def filter_of(schema: Schema, where: Between | None) -> Statement:
    """Return the WHERE of a range, empty without one."""
    if where is None:
        return "", ()
    bounds = Bounds.of(where, schema.columns[schema.position(where.column)].type)
    if bounds.nothing:
        return " where 1 = 0", ()
    name = quoted(where.column)
    asked = [(f"{name} >= ?", bounds.low), (f"{name} <= ?", bounds.high)]
    given = [(text, bound) for text, bound in asked if bound is not None]
    return " where " + " and ".join([f"{name} is not null", *(text for text, _ in given)]), tuple(b for _, b in given)
