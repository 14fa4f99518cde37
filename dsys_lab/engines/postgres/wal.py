"""What does PostgreSQL write to its log, and how much of it are whole pages?

The first change of a page after a checkpoint puts the whole page into the log (a *full-page image*): should the page
tear when it is written, recovery has one to begin from. So the same UPDATE costs fifty times as much log right after a
checkpoint as it does later. `wal_of` counts the log of some statements, `update_after_checkpoint` is that experiment.

The records are read back from the log itself by pg_walinspect, which comes with PostgreSQL and which a superuser may
make. They are the whole server's: let nobody else work there. The note of running transactions that the background
writer makes every 15 seconds is not counted.

Source: PostgreSQL 18 documentation, "Reliability", "pg_walinspect", "Write Ahead Log" (`full_page_writes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.errors import require_positive

NOT_OURS: Final = "Standby"
"""Whose records are not the statements'."""
ROWS_APART: Final = 100
"""Of the rows that the experiment changes; a page holds 52."""


@dataclass(frozen=True, slots=True)
class WalUse:
    """What some statements wrote to the log.

    Attributes
    ----------
    records : int
    images : int
        Records that hold at least one whole page.
    size_bytes : int
        Of all records.
    image_bytes : int
        Of that for whole pages, which leave out the free space in their middle.
    records_by_kind : mapping of str to int
        Such as "Heap/HOT_UPDATE"; in the order of PostgreSQL's own list.
    """

    records: int
    images: int
    size_bytes: int
    image_bytes: int
    records_by_kind: Mapping[str, int]


def wal_of(database: PostgresDatabase, *statements: str) -> WalUse:
    """Run statements and return what they wrote to the log.

    Raises
    ------
    BadParameter
        If one of them is no SQL or names what is not there.
    EngineMissing
        If the server has no pg_walinspect.
    Refused
        If PostgreSQL says no, or the user may not look.
    """
    inspect = database.extension("pg_walinspect")
    here = "SELECT pg_current_wal_insert_lsn()"
    start = database.run(here)[0][0]
    for statement in statements:
        database.run(statement)
    end = database.run(here)[0][0]
    database.run("SELECT pg_logical_emit_message(false, 'dsys_lab', '', true)")  # only what is on disk can be read
    kinds = database.run(
        f"SELECT resource_manager || '/' || record_type, count(*), count(*) FILTER (WHERE fpi_length > 0), "  # noqa: S608
        f"sum(record_length)::bigint, sum(fpi_length)::bigint FROM {inspect}.pg_get_wal_records_info(%s, %s) "
        f"WHERE resource_manager <> %s GROUP BY 1 ORDER BY 1",
        (start, end, NOT_OURS),
    )
    return WalUse(
        records=sum(kind[1] for kind in kinds),
        images=sum(kind[2] for kind in kinds),
        size_bytes=sum(kind[3] for kind in kinds),
        image_bytes=sum(kind[4] for kind in kinds),
        records_by_kind=MappingProxyType({kind[0]: kind[1] for kind in kinds}),
    )


def update_after_checkpoint(*, rows: int = 100) -> tuple[WalUse, WalUse]:
    """Change some rows, each in a page of its own, right after a checkpoint; then change them again.

    The table stands in a schema of its own, which goes afterwards. Each of its pages has some room, so that the new
    versions stand beside the old ones and no index is touched: a change is one record, and nothing hides the images.

    Parameters
    ----------
    rows : int
        How many are changed.

    Returns
    -------
    tuple of (WalUse, WalUse)
        The log of the first UPDATE, and of the second, between which there was no checkpoint.

    Raises
    ------
    BadParameter
        If `rows` is not above 0.
    EngineMissing
        If PostgreSQL is not there, or has no pg_walinspect.
    Refused
        If the user may not make a checkpoint or look into the log.
    """
    require_positive(rows=rows)
    with PostgresDatabase() as database:
        database.run(
            "CREATE TABLE nights (id int PRIMARY KEY, hours smallint, note text) "
            "WITH (fillfactor = 90, autovacuum_enabled = off)"
        )
        count = rows * ROWS_APART
        database.run("INSERT INTO nights SELECT n, 0, repeat('x', 100) FROM generate_series(1, %s) n", (count,))
        database.run("VACUUM nights")
        database.run("CHECKPOINT")
        update = f"UPDATE nights SET hours = hours + 1 WHERE id % {ROWS_APART} = 0"  # noqa: S608
        return wal_of(database, update), wal_of(database, update)
