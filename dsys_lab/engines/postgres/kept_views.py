"""What does PostgreSQL touch to keep a sum by groups: nothing, all of it again, or each change once?

Four ways to answer `SELECT city, count(*), sum(minutes) FROM nights GROUP BY city`, after the same changes:

====================  =============================================  ==============================================
way                   when a night changes                           when somebody asks
====================  =============================================  ==============================================
`query`               nothing                                        every night is read
`refresh`             every night is read, every group written anew  the groups; between two refreshes they are old
`concurrently`        the same is read; only groups that differ are  the same, and a refresh stops no reader
                      written, as a row that goes and one that comes
`trigger`             the groups of the night are updated, in the    the groups, as of now
                      same transaction
====================  =============================================  ==============================================

The rows are PostgreSQL's own counts of what a transaction has done so far (`pg_stat_xact_all_tables`), the pages those
of a plan. The model of the second and the last is `dsys_lab.dataflows.derived_view.Counts`: `rebuild` and `apply`.

Sources: PostgreSQL 18 documentation, `REFRESH MATERIALIZED VIEW`, ch. 37 "Triggers", "The Cumulative Statistics
System".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.engines.difference import Difference
from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.plan import Plan, explain
from dsys_lab.errors import BadParameter, Refused, require_choice, require_positive
from dsys_lab.stores.relational import Change

_QUERY: Final = 'SELECT city, count(*) AS "count", sum(minutes) AS "sum" FROM nights GROUP BY city'
_TRIGGER: Final = """
CREATE FUNCTION keep_by_city() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE by_city SET count = count - 1, sum = sum - OLD.minutes WHERE city = OLD.city;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO by_city VALUES (NEW.city, 1, NEW.minutes)
            ON CONFLICT (city) DO UPDATE SET count = by_city.count + 1, sum = by_city.sum + EXCLUDED.sum;
    END IF;
    RETURN NULL;
END $$"""
_MAKE: Final[dict[str, tuple[str, ...]]] = {
    "query": (),
    "refresh": (f"CREATE MATERIALIZED VIEW by_city AS {_QUERY}",),
    "concurrently": (f"CREATE MATERIALIZED VIEW by_city AS {_QUERY}", "CREATE UNIQUE INDEX ON by_city (city)"),
    "trigger": (
        f"CREATE TABLE by_city AS {_QUERY}",
        "ALTER TABLE by_city ADD PRIMARY KEY (city)",
        _TRIGGER,
        "CREATE TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON nights FOR EACH ROW EXECUTE FUNCTION keep_by_city()",
    ),
}
WAYS: Final = tuple(_MAKE)
_CATCH_UP: Final = {
    "refresh": "REFRESH MATERIALIZED VIEW by_city",
    "concurrently": "REFRESH MATERIALIZED VIEW CONCURRENTLY by_city",
}
_DROP: Final = {"refresh": "MATERIALIZED VIEW", "concurrently": "MATERIALIZED VIEW", "trigger": "TABLE"}
_COUNTS: Final = """
SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FILTER (WHERE relname = 'nights'), 0),
       coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del) FILTER (WHERE relname = 'by_city'), 0)
FROM pg_stat_xact_all_tables WHERE schemaname = %s"""

_TAKEN: Final = """
SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relname IN ('nights', 'by_city')
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = %s::regnamespace AND proname = 'keep_by_city'"""

DIFFERENCES: Final = (
    Difference(
        "`rebuild` reads every row",
        "REFRESH does, and writes all groups anew",
        "Concurrently, it writes those groups only that differ, each as a row that goes and one that comes.",
    ),
    Difference(
        "`apply` writes a group once for a change that stays in it",
        "the trigger takes out and puts in: two writes",
        "A change from one group to another writes two in both.",
    ),
    Difference(
        "whoever tells a view its changes decides when",
        "the trigger is a part of the transaction",
        "Never old, and whoever changes a night waits for the sum; two who change one city wait for each other.",
    ),
    Difference(
        "a group without rows is no group",
        "the trigger's sum stays, with a count of 0",
        "The question leaves it out.",
    ),
)
"""What PostgreSQL does otherwise than `dataflows.derived_view.Counts`, as a table."""

Groups = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class KeptView:
    """What one way came to.

    Attributes
    ----------
    way : str
        One of `WAYS`.
    changes : int
        That it was told.
    was_old : bool
        Whether it answered wrongly after the changes, until it was caught up.
    read_rows, written_rows : int
        Nights read, and rows of the view written, to keep it; finding the nights that change is not counted.
    asked_rows, asked_pages : int
        Rows and pages that one question touches afterwards.
    groups : dict
        The answer in the end: `count` and `sum` by city.
    """

    way: str
    changes: int
    was_old: bool
    read_rows: int
    written_rows: int
    asked_rows: int
    asked_pages: int
    groups: Groups

    def rows_a_question(self, questions: int = 1) -> float:
        """Return the rows touched for each of so many questions after the changes, its share of keeping it included."""
        require_positive(questions=questions)
        return (self.read_rows + self.written_rows) / questions + self.asked_rows


def even_at(ways: Iterable[KeptView]) -> float:
    """Return how many changes between two questions make the trigger as dear as the plain query, in rows.

    Of views that were kept by `kept_views`: as many rows as each change took there.
    """
    by_way = {one.way: one for one in ways}
    query, trigger = by_way["query"], by_way["trigger"]
    if not trigger.written_rows:
        raise BadParameter("no change was told: there is nothing to compare")
    return (query.asked_rows - trigger.asked_rows) / (trigger.written_rows / trigger.changes)


def rows_a_question(
    kept: Mapping[int, Iterable[KeptView]], questions: int
) -> dict[str, list[tuple[int, float]]]:
    """Return for each way (changes, rows touched for each question), of views by how many changes they were told."""
    told: dict[str, list[tuple[int, float]]] = {}
    for changes, ways in kept.items():
        for one in ways:
            told.setdefault(one.way, []).append((changes, one.rows_a_question(questions)))
    return told


def kept_views(
    database: PostgresDatabase, nights: Iterable[Mapping[str, Any]], changes: Iterable[Change]
) -> list[KeptView]:
    """Fill a table `nights`, change it, and keep a sum by cities in each of the four ways.

    Parameters
    ----------
    nights : iterable of dict
        With `id`, `city` and `minutes`, none of them NULL.
    changes : iterable of Change
        Each to a night that is there, or of a new one.

    Raises
    ------
    BadParameter
        If a night lacks a column, or a change is of another table or of a night that is not there.
    Refused
        If the schema has a `nights`, `by_city` or `keep_by_city` already, which is left as it is.
    """
    rows, told = list(nights), list(changes)
    return [_kept(database, way, rows, told) for way in WAYS]


def _values(night: Mapping[str, Any]) -> tuple[Any, ...]:
    if any(night.get(name) is None for name in ("id", "city", "minutes")):
        raise BadParameter(f"{dict(night)!r}: give nights with id, city and minutes")
    return night["id"], night["city"], night["minutes"]


def make_view(database: PostgresDatabase, way: str, nights: Iterable[Mapping[str, Any]]) -> str:
    """Fill a table `nights`, make what one of the ways keeps of it, and return the SQL that asks for the sums.

    Raises
    ------
    BadParameter
        If there is no such way, or a night lacks a column.
    Refused
        If the schema has a `nights`, `by_city` or `keep_by_city` already, which is left as it is.
    """
    require_choice("way", way, WAYS)
    columns = [list(column) for column in zip(*map(_values, nights), strict=True)] or [[], [], []]
    taken = database.run(_TAKEN, (database.schema,) * 2)
    if taken:
        raise Refused(f"{database.schema} has {', '.join(name for (name,) in taken)} already: give a new database")
    with _transaction(database):
        database.run("CREATE TABLE nights (id integer PRIMARY KEY, city text NOT NULL, minutes integer NOT NULL)")
        database.run("INSERT INTO nights SELECT * FROM unnest(%s::integer[], %s::text[], %s::integer[])", columns)
        for sql in _MAKE[way]:
            database.run(sql)
    return _asked(way)


@contextmanager
def _transaction(database: PostgresDatabase) -> Iterator[None]:
    """Do all of it, or nothing."""
    database.run("BEGIN")
    try:
        yield
    except BaseException:
        database.run("ROLLBACK")
        raise
    database.run("COMMIT")


def _kept(
    database: PostgresDatabase, way: str, nights: list[Mapping[str, Any]], changes: list[Change]
) -> KeptView:
    asked = make_view(database, way, nights)
    try:
        written_rows = _counted(database, lambda: _change(database, changes))[1]
        truth, before = _groups(database, _QUERY), _groups(database, asked)
        read_rows = 0
        if way in _CATCH_UP:
            read_rows, written = _counted(database, lambda: database.run(_CATCH_UP[way]))
            written_rows += written
        plan = explain(database, asked)
        pages = plan.pages_hit + plan.pages_read
        return KeptView(
            way, len(changes), before != truth, read_rows, written_rows, _leaf_rows(plan), pages,
            _groups(database, asked),
        )  # fmt: skip
    finally:
        if way in _DROP:
            database.run(f"DROP {_DROP[way]} by_city")
        database.run("DROP TABLE nights")
        database.run("DROP FUNCTION IF EXISTS keep_by_city")


def _counted(database: PostgresDatabase, do: Callable[[], object]) -> tuple[int, int]:
    """Do something in a transaction; return the nights read and the rows of the view written in it.

    What the session did just before may not have been handed in yet, and still be among the counts: so it is the
    difference that tells.
    """
    with _transaction(database):
        [before] = database.run(_COUNTS, (database.schema,))
        do()
        [after] = database.run(_COUNTS, (database.schema,))
    return int(after[0] - before[0]), int(after[1] - before[1])


def _change(database: PostgresDatabase, changes: list[Change]) -> None:
    for change in changes:
        gone = (change.before or {}).get("id")
        if change.table != "nights" or (change.before is not None and gone is None):
            raise BadParameter(f"{change!r}: give changes of nights, what was before with its id")
        if change.before is None:
            database.run("INSERT INTO nights VALUES (%s, %s, %s)", _values(change.after or {}))
        elif not database.run(*_sql_of(change, gone)):
            raise BadParameter(f"{change!r}: there is no night with id {gone!r}")


def _sql_of(change: Change, gone: object) -> tuple[str, tuple[Any, ...]]:
    if change.after is None:
        return "DELETE FROM nights WHERE id = %s RETURNING id", (gone,)
    values = *_values(change.after), gone
    return "UPDATE nights SET id = %s, city = %s, minutes = %s WHERE id = %s RETURNING id", values


def _asked(way: str) -> str:
    return _QUERY if way == "query" else 'SELECT city, "count", "sum" FROM by_city WHERE "count" > 0'


def _groups(database: PostgresDatabase, asked: str) -> Groups:
    return {city: {"count": int(count), "sum": int(total)} for city, count, total in database.run(asked)}


def _leaf_rows(plan: Plan) -> int:
    """Return the rows that the steps without others below them looked at."""
    return sum(map(_leaf_rows, plan.steps)) if plan.steps else plan.rows + plan.rows_removed * plan.loops
