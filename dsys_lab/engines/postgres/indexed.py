"""What does an index cost whom? Each one is a copy of the table, sorted otherwise, that every write keeps up.

A table with `k` indexes besides its key gets rows, and is asked by a column that has an index and by one that has none.
What is counted is PostgreSQL's own: log records of the insert, pages of the question. An index that nobody asks for is
all cost.

Source: PostgreSQL 18 documentation, ch. 11 "Indexes"; "EXPLAIN", options BUFFERS and WAL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.plan import explain
from dsys_lab.errors import BadParameter, require_positive

INDEXES_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Indexed:
    """A table with so many indexes besides its key.

    Attributes
    ----------
    indexes : int
    log_records_a_row, log_bytes_a_row : float
        Written when a row is inserted.
    asked_pages : int
        Of a question by the first column that is not the key: a few with an index, the whole table without.
    """

    indexes: int
    log_records_a_row: float
    log_bytes_a_row: float
    asked_pages: int


def indexed(database: PostgresDatabase, *counts: int, rows: int = 1_000, there: int = 20_000) -> list[Indexed]:
    """Make a table with each of these numbers of indexes, with rows `there`, and insert `rows` more.

    Raises
    ------
    BadParameter
        If a number of indexes is not 0 to `INDEXES_MOST`.
    """
    require_positive(rows=rows, there=there)
    for count in counts:
        if type(count) is not int or not 0 <= count <= INDEXES_MOST:
            raise BadParameter(f"indexes = {count!r}: give whole numbers from 0 to {INDEXES_MOST}")
    return [_indexed(database, count, rows, there) for count in counts]


def _indexed(database: PostgresDatabase, count: int, rows: int, there: int) -> Indexed:
    columns = ", ".join(f"c{number} integer" for number in range(INDEXES_MOST))
    values = ", ".join(f"(i * {7919 + 2 * number}) % 100000" for number in range(INDEXES_MOST))
    database.run(f"CREATE TABLE indexed (id integer PRIMARY KEY, {columns})")
    try:
        database.run(f"INSERT INTO indexed SELECT i, {values} FROM generate_series(1, {there}) AS i")  # noqa: S608  # numbers of our own
        for number in range(count):
            database.run(f"CREATE INDEX ON indexed (c{number})")
        database.run("VACUUM ANALYZE indexed")
        insert = f"INSERT INTO indexed SELECT i, {values} FROM generate_series({there + 1}, {there + rows}) AS i"  # noqa: S608
        written, asked = explain(database, insert), explain(database, "SELECT id FROM indexed WHERE c0 = 77")
        return Indexed(
            count, written.wal_records / rows, written.wal_bytes / rows, asked.pages_hit + asked.pages_read
        )
    finally:
        database.run("DROP TABLE indexed")
