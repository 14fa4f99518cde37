"""The departures of a week, delivered: how many objects, how large, and does SQL find in them what it finds at home?

Each flight of the first week of January 2013 that departed is put at the minute of its departure, local time, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import duckdb

from dsys_lab import laws
from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, Format, Lines, Settings
from dsys_lab.scenarios.delivery_stream.reading import asked
from dsys_lab.structures import VolatileDisk
from dsys_lab.workloads import flights

WEEK_S: Final = 7 * 86_400
STARTS: Final = datetime(2013, 1, 1, tzinfo=UTC)
FLIGHTS: Final = """
select carrier, origin, dest, day, dep_time, dep_delay,
       ((day - 1) * 1440 + dep_time // 100 * 60 + dep_time % 100) * 60 as at_s
from flights where month = 1 and day <= 7 and dep_time is not null
order by at_s, carrier, flight, tailnum
"""
LATEST: Final = """
select origin, count(*) as departures, round(avg(dep_delay), 2) as "minutes late" from {} group by 1 order by 1
"""
SCHEMA: Final = "carrier string, origin string, dest string, day integer, dep_time integer, dep_delay double, at_s long"
"""The columns of a departure, as a lake says them."""


@lru_cache(maxsize=1)
def departures() -> tuple[dict[str, Any], ...]:
    """Return what departed, in order."""
    with duckdb.connect() as connection:
        flights.attach(connection)
        told = connection.execute(FLIGHTS)
        names = [one[0] for one in told.description or ()]
        return tuple(dict(zip(names, row, strict=True)) for row in told.fetchall())


def of_origin(data: bytes) -> str:
    """Return the folder of a departure's airport."""
    return f"origin={json.loads(data)['origin']}"


def delivered(
    *,
    interval_s: float = 900.0,
    days: int = 7,
    form: Format | None = None,
    partition_by: Callable[[bytes], str] | None = None,
) -> dict[str, bytes]:
    """Put the first days of the week, each departure at its minute, and return what landed."""
    settings = Settings(interval_s=interval_s, starts=STARTS, limits=None)
    made = DeliveryStream("departures", VolatileDisk(), settings, form=form or Lines(), partition_by=partition_by)
    objects: dict[str, bytes] = {}

    def deliver(now_us: int) -> None:
        for attempt in made.attempts(now_us):
            objects[attempt.key] = attempt.data
            made.delivered(now_us, attempt.number)

    def pass_time(until_us: float) -> None:
        while (due_us := made.deadline_us()) is not None and due_us <= until_us:
            deliver(due_us)

    for number, flight in enumerate(one for one in departures() if one["day"] <= days):
        now_us = int(flight["at_s"]) * 1_000_000
        pass_time(now_us)
        made.put(now_us, Entry(f"f{number}", json.dumps(flight).encode()))
        deliver(now_us)
    pass_time(float("inf"))
    return objects


def late_by_airport(objects: dict[str, bytes]) -> tuple[dict[str, float], bool]:
    """Return the mean minutes late by airport as the objects say, and whether the flights say the same of each."""
    told = asked(objects, LATEST.format("landed"))
    with duckdb.connect() as connection:
        flights.attach(connection)
        connection.execute("create view departed as " + FLIGHTS)
        home = connection.execute(LATEST.format("departed")).df().set_index("origin")
    late = {str(origin): float(minutes) for origin, minutes in told["minutes late"].items()}
    return late, bool((told == home).all(axis=None))


def objects_by_law(objects: dict[str, bytes]) -> float:
    """Return how many objects the law says for a week of such a rate, were it steady."""
    rate = sum(map(len, objects.values())) / WEEK_S
    return 7 * laws.crates_a_day(rate, Settings().size_bytes, 900.0)


def by_hour(objects: dict[str, bytes]) -> dict[str, float]:
    """Return how many objects of the week lie in the folder of each hour of the day, by twos."""
    hours = [int(key.split("/")[3]) // 2 * 2 for key in objects]
    return {f"{hour:02d} to {hour + 2:02d}": float(hours.count(hour)) for hour in range(0, 24, 2)}
