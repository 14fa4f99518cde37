"""What did PostgreSQL do to answer this? Its own counters, for every step of the plan.

`explain` runs a statement under EXPLAIN (ANALYZE, BUFFERS, WAL): it is really carried out, an UPDATE too. The pages
and the log of a step include those of the steps below it, so the topmost one has the sum. What is written only at the
end of the transaction, its COMMIT record, is in no plan.

Counters and not times: a page is `hit` in PostgreSQL's cache or `read` from the operating system, so the first run of a
SELECT reads what the second one hits.

Source: PostgreSQL 18 documentation, "EXPLAIN", "Using EXPLAIN".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.errors import EngineMissing


@dataclass(frozen=True, slots=True)
class Plan:
    """A step of a plan, counted by PostgreSQL while it was carried out.

    Attributes
    ----------
    step : str
        What it does, such as "Index Scan".
    on : str
        The table or index; empty if it has none of its own.
    rows_expected, rows : int
        That the planner expected of each `loop`, and that came in all.
    rows_removed : int
        That were looked at and did not match, of each loop.
    loops : int
        How often it was carried out.
    pages_hit, pages_read : int
        That were in the cache, and that were not.
    pages_dirtied, pages_written : int
        That were clean before, and that had to be written to make room.
    wal_records, wal_images, wal_bytes : int
        Log records, how many pages they hold whole, and their bytes.
    steps : tuple of Plan
        Where its rows come from.
    """

    step: str
    on: str
    rows_expected: int
    rows: int
    rows_removed: int
    loops: int
    pages_hit: int
    pages_read: int
    pages_dirtied: int
    pages_written: int
    wal_records: int
    wal_images: int
    wal_bytes: int
    steps: tuple[Plan, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Plan:
        """Return a step as PostgreSQL tells it in JSON.

        Raises
        ------
        EngineMissing
            If this PostgreSQL names its counters otherwise.
        """
        try:
            return cls(
                step=told["Node Type"],
                on=told.get("Index Name") or told.get("Relation Name") or "",
                rows_expected=told["Plan Rows"],
                rows=round(told["Actual Rows"] * told["Actual Loops"]),
                rows_removed=round(told.get("Rows Removed by Filter", 0)),
                loops=told["Actual Loops"],
                pages_hit=told["Shared Hit Blocks"],
                pages_read=told["Shared Read Blocks"],
                pages_dirtied=told["Shared Dirtied Blocks"],
                pages_written=told["Shared Written Blocks"],
                wal_records=told["WAL Records"],
                wal_images=told["WAL FPI"],
                wal_bytes=told["WAL Bytes"],
                steps=tuple(cls.of(one) for one in told.get("Plans", ())),
            )
        except KeyError as error:
            raise EngineMissing(f"this PostgreSQL tells no {error} of a plan: version 18 does") from None

    def __str__(self) -> str:
        """Return one line a step, each below the one that takes its rows."""
        what = f"{self.step} on {self.on}" if self.on else self.step
        counted = f"{self.rows} rows, {self.pages_hit + self.pages_read} pages ({self.pages_read} read)"
        log = f", {self.wal_records} log records of {self.wal_bytes} bytes" if self.wal_records else ""
        below = "\n".join(str(step) for step in self.steps)
        return f"{what}: {counted}{log}" + "".join(f"\n  {line}" for line in below.splitlines())


def explain(database: PostgresDatabase, sql: str) -> Plan:
    """Carry out a statement and return the plan that it was carried out by, counted.

    Raises
    ------
    BadParameter
        If it is no SQL, names what is not there, or is a statement without a plan, such as CREATE.
    Refused
        If PostgreSQL says no to the statement.
    """
    return Plan.of(database.run(f"EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON) {sql}")[0][0][0]["Plan"])
