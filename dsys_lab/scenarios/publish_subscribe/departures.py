"""The flights of a week as events on a topic: who hears what, and does it agree with SQL?

Each departure of a week in January 2013 is an event with attributes. Subscriptions say what they want by a filter; the
same question is asked of the same rows in SQL. Both are given to DuckDB and to the topic by this file, so a difference
is the matcher's.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final, NamedTuple

import duckdb
import pandas as pd

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic import Published, Subscription, Topic
from dsys_lab.workloads import flights

FIELDS: Final = ("carrier", "origin", "dest", "dep_delay", "tailnum")
WEEK: Final = "month = 1 and day <= 7"


class Wish(NamedTuple):
    """What somebody wants to hear, as a filter policy and as SQL."""

    policy: dict[str, Any]
    sql: str


WISHES: Final[dict[str, Wish]] = {
    "everything": Wish({}, "true"),
    "from JFK, more than an hour late": Wish(
        {"origin": ["JFK"], "dep_delay": [{"numeric": [">", 60]}]}, "origin = 'JFK' and dep_delay > 60"
    ),
    "cancelled": Wish({"dep_delay": [None]}, "dep_delay is null"),
    "to anywhere but Chicago": Wish({"dest": [{"anything-but": ["ORD", "MDW"]}]}, "dest not in ('ORD', 'MDW')"),
    "a plane of Delta's numbers": Wish({"tailnum": [{"wildcard": "N*DL"}]}, "tailnum like 'N%DL'"),
    "early, or to Boston": Wish(
        {"$or": [{"dep_delay": [{"numeric": ["<", 0]}]}, {"dest": ["BOS"]}]}, "dep_delay < 0 or dest = 'BOS'"
    ),
    "by a typo": Wish({"carier": ["UA"]}, "false"),
}


def policies_of_the_seats() -> list[tuple[str, str]]:
    """Return each seat and its filter policy, as code."""
    return [(name, f"`{json.dumps(wish.policy)}`") for name, wish in WISHES.items()]


@lru_cache(maxsize=1)
def departures() -> tuple[dict[str, Any], ...]:
    """Return the flights of the week, as a list of attributes each; what is not known is None."""
    with duckdb.connect() as connection:
        flights.attach(connection)
        rows = connection.execute(f"select {', '.join(FIELDS)} from flights where {WEEK}").fetchall()  # noqa: S608
    return tuple(dict(zip(FIELDS, row, strict=True)) for row in rows)


def heard_and_asked() -> pd.DataFrame:
    """Publish the week, and return for each wish how many departures its seat heard and how many SQL finds."""
    topic = Topic("departures")
    for name, wish in WISHES.items():
        topic.subscribe(0, Subscription(name=name, only=Pattern(wish.policy) if wish.policy else None))
    for number, departure in enumerate(departures()):
        answer = topic.publish(number, f"f{number}", attributes=departure)
        assert isinstance(answer, Published)
    seats = topic.status().seats
    with duckdb.connect() as connection:
        flights.attach(connection)
        found = {
            name: connection.execute(f"select count(*) from flights where {WEEK} and ({wish.sql})").fetchall()[0][0]  # noqa: S608
            for name, wish in WISHES.items()
        }
    told = {name: {"heard": seats[name].matched, "SQL": found[name]} for name in WISHES}
    return pd.DataFrame.from_dict(told, orient="index")
