"""How many pages does PostgreSQL need for a narrow table?

A row has a header of 23 bytes, rounded up to 24, and a line pointer of 4; its end is rounded up to a multiple of eight.
So a row of one small number takes 36 bytes of a page.

Source: PostgreSQL 18 documentation, "Database Page Layout".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.pages import page_count
from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import require_positive
from dsys_lab.structures.schema import Schema

TYPES: Final = {
    "u8": "smallint", "u16": "integer", "u32": "bigint", "u64": "bigint",
    "i32": "integer", "i64": "bigint", "f64": "double precision", "text": "text",
}  # fmt: skip
"""PostgreSQL has no numbers without a sign: the next larger type holds them, and of u64 what is below 2**63."""

Table = tuple[Schema, Mapping[str, Sequence[Any]]]


def heap_pages(tables: Mapping[str, Table]) -> dict[str, int]:
    """Return the pages of 8,192 bytes of each table, given as its schema and its columns; None is NULL.

    Raises
    ------
    BadParameter
        If there is no table.
    EngineMissing
        If PostgreSQL is not there.
    """
    require_positive(tables=len(tables))
    with PostgresDatabase() as database:
        return {name: _pages(database, f"narrow_{place}", *table) for place, (name, table) in enumerate(tables.items())}


def _pages(database: PostgresDatabase, table: str, schema: Schema, columns: Mapping[str, Sequence[Any]]) -> int:
    types = {column.name: TYPES[column.type] for column in schema.columns}
    made = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    database.run(f"CREATE TABLE {table} ({made})")
    arrays = ", ".join(f"%s::{kind}[]" for kind in types.values())
    given = [list(columns[name]) for name in types]
    database.run(f"INSERT INTO {table} SELECT * FROM unnest({arrays})", given)  # noqa: S608  our own names
    return page_count(database, table)
