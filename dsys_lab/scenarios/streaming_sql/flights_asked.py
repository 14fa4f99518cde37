"""The departures of New York as a stream that SQL is asked of: due by the timetable, told when the plane has left.

A second witness with lateness that nobody made up; what is late and what is ahead is in
`dsys_lab.scenarios.stream_and_batch.flights_late`.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.dataflows.streaming_sql import Catalog
from dsys_lab.scenarios.stream_and_batch.flights_late import departures
from dsys_lab.scenarios.streaming_sql.asking import Answer, Batch, ask
from dsys_lab.scenarios.streaming_sql.world import Told

TABLE: Final = """CREATE TABLE departures (origin STRING, flight STRING, late BIGINT, due TIMESTAMP(3),
    WATERMARK FOR due AS due - INTERVAL '{bound}' MINUTE)"""
AN_HOUR: Final = """SELECT window_start, window_end, origin, COUNT(*) AS n, MAX(late) AS latest
FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(due), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, origin"""
"""Departures of each airport in each hour of the timetable, and the latest of them, in minutes."""


def asked(
    batch: Batch, sql: str = AN_HOUR, *, month: int = 2, first_day: int = 8, last_day: int = 9, bound_min: float = 60.0,
    lateness_s: float = 0.0,
) -> Answer:  # fmt: skip
    """Run a query over the departures of some days of 2013, with a watermark that is `bound_min` behind."""
    tables = Catalog()
    tables.execute(TABLE.format(bound=f"{bound_min:g}"))
    rows = [
        Told(one.arrived_us, "departures", (one.key, one.message, one.value, one.event_us))
        for one in departures(month, first_day, last_day)
    ]
    return ask(sql, batch, tables=tables, rows=rows, lateness_s=lateness_s)


def wrong_hours(batch: Batch, *bounds_min: float, **days: int) -> list[tuple[float, float]]:
    """Return (bound in minutes, share of the airports' hours that the query counts otherwise than a batch, or not)."""
    found = []
    for bound_min in bounds_min:
        answer = asked(batch, bound_min=bound_min, **days)  # type: ignore[arg-type]
        found.append((bound_min, answer.missing.total() / answer.batch.total()))
    return found
