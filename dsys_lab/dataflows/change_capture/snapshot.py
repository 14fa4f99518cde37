"""Where does the stream begin, and the table end?

A log holds only what changed since somebody asked it to. So a new copy begins with the tables as they are, and goes on
with the changes. The two must meet: if the stream begins at P and the tables were taken at Q, then

- P > Q: what was committed between is in neither. The copy lacks it for ever, and nothing says so;
- P < Q: what was committed between is in both. A copy that puts rows in their places does not mind, a sum does;
- P = Q: exact. That takes a slot and a snapshot of one moment.

`slot_and_rows` takes both of the model at once; `engines.postgres.slot_and_rows` does so of PostgreSQL, whose command
that makes a slot hands out a snapshot of that very moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.stores.relational import RelationalDatabase, Rows, Slot


class Beginning(NamedTuple):
    """Tables as they were at one position: for each table its rows, column by column."""

    position: int
    rows: dict[str, list[dict[str, Any]]]


def slot_and_rows(database: RelationalDatabase, name: str, tables: Sequence[str]) -> tuple[Slot, Beginning]:
    """Make a slot, and take the tables as they are in the same moment.

    Raises
    ------
    BadParameter
        If there is no such table.
    Refused
        While a transaction runs that has changed something.
    """
    for table in tables:
        database.catalogue.table(table)
    slot = database.make_slot(name)
    return slot, Beginning(slot.status().confirmed, rows_of(database, tables))


def rows_of(database: RelationalDatabase, tables: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what everybody sees in these tables now."""
    session = database.session("takes a snapshot")
    try:
        found = {}
        for table in tables:
            answer = session.execute(f"SELECT * FROM {table}")  # noqa: S608  # a table of the catalogue
            if not isinstance(answer, Rows):
                raise Misuse(f"{table} was not read: {answer}")
            found[table] = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        return found
    finally:
        session.close()
