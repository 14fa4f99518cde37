"""How many pages does PostgreSQL need for a narrow table?

A row has a header of 23 bytes, rounded up to 24, and a line pointer of 4; its columns begin at the next multiple of
eight. So the narrowest row of one small number is 32 bytes with its pointer.

Source: PostgreSQL 18 documentation, "Database Page Layout".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.pages import page_count
from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import BadParameter

_TYPES = ((1 << 15, "smallint"), (1 << 31, "integer"), (1 << 63, "bigint"))


def heap_pages(tables: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, int]:
    """Return the pages of 8,192 bytes of each table, given by column: whole numbers or texts, None is NULL.

    Raises
    ------
    BadParameter
        If a table has no columns.
    EngineMissing
        If PostgreSQL is not there.
    """
    bare = [name for name, columns in tables.items() if not columns]
    if bare:
        raise BadParameter(f"{bare[0]!r} has no columns: give each table at least one")
    with PostgresDatabase() as database:
        return {name: _pages(database, f"narrow_{place}", columns)
                for place, (name, columns) in enumerate(tables.items())}  # fmt: skip


def _pages(database: PostgresDatabase, table: str, columns: Mapping[str, Sequence[Any]]) -> int:
    types = {name: _type(values) for name, values in columns.items()}
    made = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    database.run(f"CREATE TABLE {table} ({made})")
    arrays = ", ".join(f"%s::{kind}[]" for kind in types.values())
    database.run(f"INSERT INTO {table} SELECT * FROM unnest({arrays})", [list(v) for v in columns.values()])  # noqa: S608
    return page_count(database, table)


def _type(values: Sequence[Any]) -> str:
    if any(isinstance(value, str) for value in values):
        return "text"
    largest = max((abs(value) for value in values if value is not None), default=0)
    return next(name for below, name in _TYPES if largest < below)
