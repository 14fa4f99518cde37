"""A real burst: the flights that an airport was to send off while the blizzard of February 2013 kept it shut.

Nothing is drawn by chance here. The flights are those of `dsys_lab.workloads.flights`, at the minute for which they
were scheduled; an airport is shut from the last departure of 8 February to the first of 9 February, and the most that
it ever sent off within an hour of that year is what its `runway` can do. What nobody knows is what would have happened
had it given another of the three answers: `departures` plays that, with the very buffer of the lab.

Left out: that planes and crews were elsewhere, weather that makes a runway slow, and arrivals, which share the runway.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import duckdb

from dsys_lab.brokers.overflow import Buffer, Policy, Request
from dsys_lab.errors import require_choice
from dsys_lab.laws import drain_s
from dsys_lab.scenarios.machines import Consumer, Inbox
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import constant
from dsys_lab.trace import Trace, outcome, quantile
from dsys_lab.workloads import flights

AIRPORTS: Final = ("EWR", "JFK", "LGA")
SCHEDULE, GATES, RUNWAY = "schedule", "gates", "runway"
HOUR_S: Final = 3_600.0
NIGHT_S: Final = 24 * HOUR_S
"""The midnight between the two days; no airport sent anybody off near it."""
_MINUTES: Final = """
    select carrier || flight || '/' || day as name,
    (day - 8) * 1440 + sched_dep_time // 100 * 60 + sched_dep_time % 100 as due, due + dep_delay as left_at
    from flights where month = 2 and day in (8, 9) and origin = ? order by due, name"""
_BUSIEST: Final = """
    select max(flown) from (select count(*) as flown from flights where origin = ? and dep_time is not null
    group by month, day, dep_time // 100)"""


@lru_cache(maxsize=len(AIRPORTS))
def _two_days(airport: str) -> tuple[tuple[tuple[str, float, float | None], ...], int]:
    """Return name, due and left (None: cancelled) of each flight, in seconds, and the most that left in one hour."""
    require_choice("airport", airport, AIRPORTS)
    with duckdb.connect() as connection:
        flights.attach(connection)
        rows = connection.execute(_MINUTES, [airport]).fetchall()
        ((busiest,),) = connection.execute(_BUSIEST, [airport]).fetchall()
    return tuple((name, due * 60.0, None if left is None else left * 60.0) for name, due, left in rows), busiest


@scenario("{airport}, {policy}")
def departures(
    sim: Simulation, *, policy: str | Policy = "unbounded", capacity: int = 20, airport: str = "EWR"
) -> Claims:
    """The flights of two days wait for a runway that can do what it did in its busiest hour; give `shut` as a fault."""
    planned, busiest = _two_days(airport)
    inbox = Inbox(sim, Buffer(GATES, capacity=capacity, policy=policy, recorder=sim.recorder))
    Consumer(sim, inbox, constant(HOUR_S / busiest), name=RUNWAY)

    def as_planned() -> Body:
        for name, due_s, _ in planned:
            yield sim.sleep(due_s - sim.now_s)
            sim.emit("publish", SCHEDULE, name, attempt=1)
            inbox.offer(Request(name, offered_us=sim.now_us))

    sim.spawn(as_planned())
    sim.run()
    bounded = {} if policy == "unbounded" else {"bounded depth": {"depth_max": capacity}}
    return Claims({"conservation": {}, "depth adds up": {}, **bounded, "nothing lost": {}})


def shut(airport: str = "EWR") -> dict[str, Any]:
    """Return the runway's pause, as the data show it: from the last departure before midnight to the first after."""
    left = [left_s for _, _, left_s in _two_days(airport)[0] if left_s is not None]
    last_s = max(at for at in left if at < NIGHT_S)
    first_s = min(at for at in left if at > NIGHT_S)
    return {"do": "slow", "target": RUNWAY, "at_s": last_s, "lasts_s": first_s - last_s, "value": 0}


def fluid_h(airport: str = "EWR") -> float:
    """Return what the law of a fluid says of it: what became due meanwhile, over the spare capacity afterwards."""
    planned, busiest = _two_days(airport)
    closed_s = shut(airport)["at_s"]
    opened_s = closed_s + shut(airport)["lasts_s"]
    due = [due_s for _, due_s, _ in planned]
    waiting, later = sum(closed_s <= at < opened_s for at in due), sum(at >= opened_s for at in due)
    return drain_s(waiting, later / (max(due) - opened_s), busiest / HOUR_S) / HOUR_S


def bill(runs: Mapping[str, Trace], airport: str = "EWR") -> list[dict[str, Any]]:
    """Return a row for each run and one for what was really done: flown, cancelled, and hours of waiting."""
    told = {name: outcome(run) for name, run in runs.items()}
    rows = [(name, o.done, o.lost + o.told_no, o.p50_s / HOUR_S, o.p99_s / HOUR_S) for name, o in told.items()]
    planned, _ = _two_days(airport)
    late_h = [max(0.0, left_s - due_s) / HOUR_S for _, due_s, left_s in planned if left_s is not None]
    rows.append(
        ("what they did", len(late_h), len(planned) - len(late_h), quantile(late_h, 0.5), quantile(late_h, 0.99))
    )
    names = ("answer", "flown", "cancelled", "half_within_h", "99_of_100_within_h")
    return [dict(zip(names, (*row[:3], round(row[3], 1), round(row[4], 1)), strict=True)) for row in rows]
