"""What does the law of an outage say of a real day, on which nothing comes at an even rate?

The flights that were due to leave New York on one day of 2013 are the records, each at its scheduled minute, spread in
it by luck. Whoever needs them is down for some hours, and then works them off, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import duckdb

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.simulation.chance import stream
from dsys_lab.workloads import flights

MONTH, DAY = 7, 10
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class RealOutage:
    """What an outage came to.

    Attributes
    ----------
    offered : int
        Flights of the day.
    stood : int
        How many waited when the reader came back.
    caught_up_h : float or None
        Hours from then until none waited; None: not on that day.
    """

    offered: int
    stood: int
    caught_up_h: float | None


@lru_cache(maxsize=4)
def due_s(month: int = MONTH, day: int = DAY, seed: int = 1) -> tuple[float, ...]:
    """Return the seconds since midnight at which flights were due to leave, in their order."""
    with duckdb.connect() as connection:
        flights.attach(connection)
        sql = "select sched_dep_time from flights where month = ? and day = ? order by sched_dep_time, flight, carrier"
        rows = connection.execute(sql, (month, day)).fetchall()
    if not rows:
        raise BadParameter(f"no flights on {month}/{day}: give a day of 2013")
    luck = stream(seed, "seconds")
    return tuple(sorted((hhmm // 100) * HOUR_S + (hhmm % 100) * 60 + luck() * 60 for (hhmm,) in rows))


def real_outage(
    from_h: float, outage_h: float = 3.0, *, works_an_hour: float = 90.0, month: int = MONTH, day: int = DAY
) -> RealOutage:
    """Let the reader be down on a real day.

    Parameters
    ----------
    from_h, outage_h : float
        When the outage begins, in hours since midnight, and how long it lasts; it ends on that day.
    works_an_hour : float
        Flights that the reader works off.
    """
    require_not_negative(from_h=from_h, outage_h=outage_h)
    require_positive(works_an_hour=works_an_hour)
    if from_h + outage_h > 24:
        raise BadParameter(f"from_h = {from_h:g}, outage_h = {outage_h:g}: the outage ends after the day; give less")
    return _worked_off(due_s(month, day), from_h * HOUR_S, (from_h + outage_h) * HOUR_S, HOUR_S / works_an_hour)


def _worked_off(due: Sequence[float], down_s: float, up_s: float, work_s: float) -> RealOutage:
    free_s, stood, caught_up_s = 0.0, 0, None
    for when_s in due:
        if caught_up_s is None and up_s <= free_s <= when_s:
            caught_up_s = free_s
        begin_s = max(when_s, free_s)
        if begin_s + work_s > down_s and begin_s < up_s:
            begin_s = up_s
        free_s = begin_s + work_s
        stood += when_s < up_s < free_s
    if not stood:
        caught_up_s = up_s
    elif caught_up_s is None and free_s <= 24 * HOUR_S:
        caught_up_s = free_s
    return RealOutage(len(due), stood, None if caught_up_s is None else (caught_up_s - up_s) / HOUR_S)


def by_hour(outage_h: float = 3.0, *, works_an_hour: float = 90.0) -> list[tuple[float, float]]:
    """Return (hour at which the outage begins, how many waited at its end), for each hour of the day."""
    starts = range(int(24 - outage_h) + 1)
    return [(float(at), float(real_outage(at, outage_h, works_an_hour=works_an_hour).stood)) for at in starts]
