"""The departures of New York as a stream that SQL is asked of: due by the timetable, told when the plane has left.

A second witness with lateness that nobody made up; what is late and what is ahead is in
`dsys_lab.scenarios.stream_and_batch.flights_late`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dsys_lab.dataflows.streaming_sql import Catalog
from dsys_lab.scenarios.stream_and_batch.flights_late import departures
from dsys_lab.scenarios.streaming_sql.asking import Answer, Batch, ask
from dsys_lab.scenarios.streaming_sql.world import Told

if TYPE_CHECKING:
    import pandas as pd

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


def apart(answer: Answer) -> pd.DataFrame:
    """Return the hours in which a query over departures and the batch differ: both counts, None for no row at all."""
    import pandas as pd

    said, truth = ({row[:3]: row[3] for row in table} for table in (answer.table, answer.batch))
    rows = [
        (f"{datetime.fromtimestamp(start / 1e6, UTC):%d %b, %H:00}", origin, said.get((start, end, origin)), count)
        for (start, end, origin), count in sorted(truth.items())
        if said.get((start, end, origin)) != count
    ]
    return pd.DataFrame(rows, columns=["hour", "airport", "the query says", "the batch says"]).astype(
        {"the query says": "Int64"}
    )


def wrong_hours(batch: Batch, *bounds_min: float, **days: int) -> list[tuple[float, float]]:
    """Return (bound in minutes, share of the airports' hours that the query counts otherwise than a batch, or not)."""
    found = []
    for bound_min in bounds_min:
        answer = asked(batch, bound_min=bound_min, **days)  # type: ignore[arg-type]
        found.append((bound_min, answer.missing.total() / answer.batch.total()))
    return found
