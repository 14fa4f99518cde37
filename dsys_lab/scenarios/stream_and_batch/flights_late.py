"""How late is news that nobody made up? The departures of New York, by when they were due and when they left.

A departure *happens*, by the timetable, when it is due, and *comes* when the plane really leaves. Cancelled flights
never come. Some leave early: their news is ahead of the timetable's clock, by 43 minutes at most. So an hour's count of
departures has the same question as a window of pings: how long to wait?

The times are those of `time_hour`, in UTC, and the minute of the timetable.
"""

from __future__ import annotations

from typing import Any

from dsys_lab.dataflows.batch import Record
from dsys_lab.errors import BadParameter
from dsys_lab.workloads import flights

HOUR_US = 3_600_000_000


def departures(month: int = 2, first_day: int = 1, last_day: int = 28) -> list[Record]:
    """Return the departures of some days of 2013 in the order in which they came; the key is the airport.

    Raises
    ------
    BadParameter
        If nothing left on these days.
    """
    import duckdb

    with duckdb.connect() as db:
        db.execute("set enable_progress_bar = false")  # on a slow machine it would draw one into the notebook
        flights.attach(db)
        found: list[tuple[Any, ...]] = db.execute(
            "select epoch_us(time_hour) + minute::bigint * 60000000, dep_delay, origin, carrier || flight from flights "
            "where month = ? and day between ? and ? and dep_delay is not null",
            [month, first_day, last_day],
        ).fetchall()
    if not found:
        raise BadParameter(f"month = {month}, days {first_day} to {last_day}: nothing left; give a month from 1 to 12")
    records = [Record(due_us, due_us + late * 60_000_000, origin, late, name) for due_us, late, origin, name in found]
    return sorted(records, key=lambda record: (record.arrived_us, record.event_us, record.message))


def late_share(bound_min: float, records: list[Record]) -> float:
    """Return the share of the departures that left more than so many minutes after they were due."""
    return sum(record.arrived_us - record.event_us > bound_min * 60e6 for record in records) / len(records)


def late_shares(*bounds_min: float, of: list[Record]) -> list[tuple[float, float]]:
    """Return (minutes, share of the departures that left later than that after they were due)."""
    return [(bound_min, late_share(bound_min, of)) for bound_min in bounds_min]
