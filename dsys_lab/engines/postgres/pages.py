"""What stands in a page of a PostgreSQL table? Every version of every row, until VACUUM.

An UPDATE writes no row over: it puts a second version beside the first, notes its own transaction in the `xmax` of the
old one and the `xmin` of the new one, and lets the old one's `ctid` point to the new. `heap_page` reads that from the
page itself, `space` counts it in the whole table.

Both ask extensions that come with PostgreSQL (pageinspect, pgstattuple), which a superuser may make.

Source: PostgreSQL 18 documentation, "Database Page Layout", "pageinspect", "pgstattuple".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.errors import BadParameter

STATES: Final = ("unused", "normal", "redirect", "dead")
"""Of a line pointer, by PostgreSQL's number."""


@dataclass(frozen=True, slots=True)
class Version:
    """A line pointer of a page, and the version of a row that it leads to.

    Attributes
    ----------
    slot : int
        From 1.
    state : str
        One of `STATES`: a row that VACUUM has taken away leaves "unused"; one that only a newer version of it in the
        same page has outlived leaves a "redirect".
    xmin, xmax : int or None
        The transaction that made it, and the one that deleted, replaced or locked it (0: none); None without a version.
    ctid : tuple of (int, int) or None
        Page and slot of the next version; its own if it is the last. A redirect's leads to the version that is left.
    size_bytes : int
        0 without a version.
    """

    slot: int
    state: str
    xmin: int | None
    xmax: int | None
    ctid: tuple[int, int] | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Space:
    """Who takes how much of a table's file.

    Attributes
    ----------
    size_bytes : int
        Of the file.
    live_rows, live_bytes : int
    dead_rows, dead_bytes : int
        Versions that nobody can see any more and that VACUUM has not taken away yet.
    free_bytes : int
        For new versions.
    """

    size_bytes: int
    live_rows: int
    live_bytes: int
    dead_rows: int
    dead_bytes: int
    free_bytes: int


def heap_page(database: PostgresDatabase, table: str, page: int = 0) -> tuple[Version, ...]:
    """Return what stands in a page of a table, by slot.

    Raises
    ------
    BadParameter
        If there is no such table or page.
    EngineMissing
        If the server has no pageinspect.
    Refused
        If the user may not look.
    """
    pages = page_count(database, table)
    if not 0 <= page < pages:
        raise BadParameter(f"page = {page}: {table} has {pages} pages, the first is 0")
    inspect = database.extension("pageinspect")
    return tuple(
        Version(slot, STATES[flags], xmin, xmax, _place(leads_to), size_bytes)
        for slot, flags, xmin, xmax, leads_to, size_bytes in database.run(
            f"SELECT lp, lp_flags, t_xmin::text::bigint, t_xmax::text::bigint, "  # noqa: S608
            f"CASE WHEN lp_flags = 2 THEN format('(%%s,%%s)', %s, lp_off) ELSE t_ctid::text END, "
            f"CASE WHEN t_xmin IS NULL THEN 0 ELSE lp_len END "
            f"FROM {inspect}.heap_page_items({inspect}.get_raw_page(%s, %s)) ORDER BY lp",
            (page, table, page),
        )
    )


def space(database: PostgresDatabase, table: str) -> Space:
    """Return who takes how much of a table's file, after reading all of it.

    Raises
    ------
    BadParameter
        If there is no such table.
    EngineMissing
        If the server has no pgstattuple.
    Refused
        If the user may not look.
    """
    return Space(*database.run(
        f"SELECT table_len, tuple_count, tuple_len, dead_tuple_count, dead_tuple_len, free_space "  # noqa: S608
        f"FROM {database.extension('pgstattuple')}.pgstattuple(%s::regclass)", (table,),
    )[0])  # fmt: skip


def page_count(database: PostgresDatabase, table: str) -> int:
    """Return how many pages a table has.

    Raises
    ------
    BadParameter
        If there is no such table.
    """
    sql = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    return int(database.run(sql, (table,))[0][0])


def _place(ctid: str | None) -> tuple[int, int] | None:
    """Return what `(0,2)` names."""
    if ctid is None:
        return None
    page, slot = ctid.strip("()").split(",")
    return int(page), int(slot)
