"""The flights of New York: which of their columns are copies of others, and does a view that follows agree with SQL?

`rebuilt_columns` deletes a column of all flights of 2013, makes it anew from the others, and counts for how many it is
not the same. A copy that was typed in twice has drifted: the distance of a route is not one number.

`blizzard` tells the changes of three days about the blizzard of 8 February 2013 to three views: each flight is put into
the timetable, and later it departs, which gives it a delay, or is cancelled and taken out. What the views say in the
end is held against DuckDB's answer to the same question of the rows that are left.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import duckdb
import pandas as pd

from dsys_lab.dataflows.derived_view import Counts, Extremes, Latest, View
from dsys_lab.stores.relational import Change
from dsys_lab.workloads import flights

_MINUTES: Final = "({0} // 100 * 60 + {0} % 100)"
_USUAL: Final = "(SELECT {of}, mode({what} ORDER BY {what}) AS usual FROM flights GROUP BY {of})"
"""What most flights of a group have."""


class Remake(NamedTuple):
    """A column, what it can be made from, in words, and in SQL."""

    made_from: str
    sql: str
    joins: str = ""


def _delay(at: str, planned: str) -> str:
    """Return the SQL for minutes between two clock times: the one of 24 hours apart that is from -2 h to 22 h."""
    late = f"({_MINUTES.format(at)} - {_MINUTES.format(planned)})"
    return f"CASE WHEN {late} < -120 THEN {late} + 1440 ELSE {late} END"


REMAKES: Final[dict[str, Remake]] = {
    "hour": Remake("planned departure", "sched_dep_time // 100"),
    "dep_delay": Remake("departure, planned departure", _delay("dep_time", "sched_dep_time")),
    "distance": Remake(
        "origin, destination", "usual",
        f"LEFT JOIN {_USUAL.format(of='origin, dest', what='distance')} USING (origin, dest)",
    ),
    "carrier": Remake(
        "the plane's tail number", "usual", f"LEFT JOIN {_USUAL.format(of='tailnum', what='carrier')} USING (tailnum)"
    ),
    "air_time": Remake("departure, arrival", _delay("arr_time", "dep_time")),
}  # fmt: skip


@lru_cache(maxsize=1)
def rebuilt_columns() -> pd.DataFrame:
    """Delete each of some columns, make it anew, and count the flights for which it is not the same."""
    told = {}
    with duckdb.connect() as connection:
        flights.attach(connection)
        for column, (made_from, sql, joins) in REMAKES.items():
            told[column] = {"made from": made_from, "not the same": _counted(connection, f"""
                SELECT count(*) FROM flights {joins} WHERE {column} IS DISTINCT FROM ({sql})""")}  # fmt: skip  # noqa: S608
    return pd.DataFrame.from_dict(told, orient="index")


def _counted(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    [(count,)] = connection.execute(sql).fetchall()
    return int(count)


def two_distances() -> pd.DataFrame:
    """Return the routes with more than one distance, and how many flights have which."""
    with duckdb.connect() as connection:
        flights.attach(connection)
        return connection.execute("""
            SELECT origin, dest, distance, count(*) AS flights FROM flights
            SEMI JOIN (FROM flights SELECT origin, dest GROUP BY ALL HAVING count(DISTINCT distance) > 1)
            USING (origin, dest) GROUP BY ALL ORDER BY ALL""").df()  # fmt: skip


# ---------------------------------------------------------------- three days in February
DAYS: Final = "month = 2 AND day BETWEEN 7 AND 9"
TABLE: Final = "flights"
_KEPT: Final = "id, origin, dep_delay"
_NUMBERED: Final = f"(SELECT row_number() OVER () AS id, * FROM flights WHERE {DAYS})"  # noqa: S608


def views() -> dict[str, View]:
    """Return the three views, empty."""
    return {
        "replica": Latest(TABLE),
        "mean delay": Counts(TABLE, by="origin", of="dep_delay"),
        "longest delay": Extremes(TABLE, by="origin", of="dep_delay"),
    }


@lru_cache(maxsize=1)
def changes() -> tuple[Change, ...]:
    """Return what happened to the flights of three days, in order: planned, then departed or cancelled."""
    with duckdb.connect() as connection:
        flights.attach(connection)
        rows = connection.execute(f"""
            SELECT id, origin, dep_delay, day * 1440 + {_MINUTES.format("sched_dep_time")} AS planned
            FROM {_NUMBERED}""").fetchall()  # fmt: skip  # noqa: S608
    told = []
    for number, origin, delay, planned in rows:
        before = {"id": number, "origin": origin, "dep_delay": None}
        after = None if delay is None else {**before, "dep_delay": delay}
        told.append((planned - 1440, number, Change(TABLE, None, before)))
        told.append((planned + (delay or 0), number, Change(TABLE, before, after)))
    return tuple(change for *_, change in sorted(told, key=lambda one: one[:2]))


class Blizzard(NamedTuple):
    """What came of following, and of SQL.

    Attributes
    ----------
    answers, by_sql : pandas.DataFrame
        A column for each airport: what the views say, and what SQL says of the rows that are left.
    rows_read : dict
        By view: the rows that it read by following, and by one rebuild.
    same_digest : dict
        By view: whether both came to the same.
    """

    answers: pd.DataFrame
    by_sql: pd.DataFrame
    rows_read: dict[str, dict[str, int]]
    same_digest: dict[str, bool]


@lru_cache(maxsize=1)
def blizzard() -> Blizzard:
    """Tell every change to every view, then ask them and SQL, and rebuild each."""
    kept, anew, table = views(), views(), dict[Any, Any]()
    for position, change in enumerate(changes(), 1):
        for view in kept.values():
            view.apply(change, position)
        if change.after is None:
            del table[(change.before or {})["id"]]
        else:
            table[change.after["id"]] = change.after
    for view in anew.values():
        view.rebuild(table.values(), len(changes()))
    means, longest = kept["mean delay"].state(), kept["longest delay"].state()
    with duckdb.connect() as connection:
        flights.attach(connection)
        asked = connection.execute(f"""
            SELECT origin, count(*), avg(dep_delay), max(dep_delay) FROM {_NUMBERED}
            WHERE dep_delay IS NOT NULL GROUP BY origin ORDER BY origin""").fetchall()  # fmt: skip  # noqa: S608
    told = {one: (group["count"], group["avg"], longest[one]["max"]) for one, group in sorted(means.items())}
    rows_read = {
        name: {"following": view.status().read_rows, "one rebuild": anew[name].status().read_rows}
        for name, view in kept.items()
    }
    same_digest = {name: view.digest() == anew[name].digest() for name, view in kept.items()}
    return Blizzard(_by_origin(told), _by_origin({one: rest for one, *rest in asked}), rows_read, same_digest)


def _by_origin(answers: dict[str, Any]) -> pd.DataFrame:
    """Return a column for each airport; whole numbers stay whole."""
    return pd.DataFrame({
        origin: pd.Series({"departed": count, "mean delay, min": round(mean, 2), "longest, min": most}, dtype=object)
        for origin, (count, mean, most) in answers.items()
    })  # fmt: skip
