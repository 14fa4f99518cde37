"""Money, pillows, letters and the desk's journal as tables of PostgreSQL: the books of `dataflows.verification`.

An act's key is a primary key: `INSERT … ON CONFLICT DO NOTHING` is the look and the doing in one, and whoever does the
same act at the same time waits for the first to commit. The stock's act is a transaction of two rows, the act and the
number that is left, which has a `CHECK (pillows >= 0)` of its own: two reasons why nobody gets more than there is.

`AUDIT` is the auditor as one SQL statement. It reads the same books and finds the same as
`dataflows.verification.audit`, with the promises as a table that is copied from where they were made.

Cost: a commit for each act, and one for each line of the journal. This module imports little, for a desk in a process
of its own imports it before it can begin.

Sources: PostgreSQL 18 documentation, INSERT, "ON CONFLICT"; ch. 13.2 "Transaction Isolation".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from dsys_lab.dataflows.verification import PARTIES, Call, Entry, Finding, Saga, require_own

TABLES: Final = """
CREATE TABLE {0}.acts (key text PRIMARY KEY, verb text NOT NULL, of_order text NOT NULL, at_us bigint NOT NULL,
                       yes boolean NOT NULL, number bigserial);
CREATE TABLE {0}.stock (pillows integer NOT NULL CHECK (pillows >= 0));
CREATE TABLE {0}.journal (of_order text PRIMARY KEY, number bigint NOT NULL, saga jsonb NOT NULL);
"""
AUDIT: Final = """
WITH done AS (
    SELECT of_order, verb, count(*) FILTER (WHERE yes OR verb <> 'take') AS times,
           count(*) FILTER (WHERE verb = 'take' AND NOT yes) AS noes
    FROM {0}.acts GROUP BY of_order, verb
), told AS (
    SELECT p.of_order, p.at_us,
           coalesce(sum(times) FILTER (WHERE verb = 'charge'), 0) AS charged,
           coalesce(sum(times) FILTER (WHERE verb = 'take'), 0) AS taken,
           coalesce(sum(times) FILTER (WHERE verb = 'confirm'), 0) AS kept,
           coalesce(sum(times) FILTER (WHERE verb = 'refund'), 0) AS refunded,
           coalesce(sum(times) FILTER (WHERE verb = 'apologise'), 0) AS sorry,
           coalesce(sum(noes), 0) AS noes
    FROM promises AS p LEFT JOIN done USING (of_order) GROUP BY p.of_order, p.at_us
)
SELECT 'done twice', of_order FROM done JOIN promises USING (of_order) WHERE times > 1
UNION ALL SELECT 'kept and apologised', of_order FROM told WHERE kept > 0 AND sorry > 0
UNION ALL SELECT 'apology without a refund', of_order FROM told WHERE sorry > 0 AND charged > 0 AND refunded = 0
UNION ALL SELECT 'refunded and kept', of_order FROM told WHERE refunded > 0 AND kept > 0
UNION ALL SELECT 'refund without a charge', of_order FROM told WHERE refunded > 0 AND charged = 0
UNION ALL SELECT 'apology without a no', of_order FROM told WHERE sorry > 0 AND noes = 0
UNION ALL SELECT 'apology and a pillow', of_order FROM told WHERE sorry > 0 AND taken > 0
UNION ALL SELECT 'kept without a pillow', of_order FROM told WHERE kept > 0 AND taken = 0
UNION ALL SELECT 'kept without a charge', of_order FROM told WHERE kept > 0 AND charged = 0
UNION ALL SELECT 'never settled', of_order FROM told
    WHERE kept = 0 AND sorry = 0 AND refunded = 0 AND at_us + %(within_us)s <= %(now_us)s
UNION ALL SELECT 'refund without an apology', of_order FROM told
    WHERE kept = 0 AND sorry = 0 AND refunded > 0 AND at_us + %(within_us)s <= %(now_us)s
UNION ALL SELECT 'never promised', of_order FROM done WHERE of_order NOT IN (SELECT of_order FROM promises)
    GROUP BY of_order
UNION ALL SELECT 'more than there were', '' FROM done WHERE verb = 'take' HAVING sum(times) > %(pillows)s
"""


def ask(client: psycopg.Connection, sql: str, given: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows; what PostgreSQL says no to is an error of the package's own."""
    try:
        cursor = client.execute(sql, given)
        return cursor.fetchall() if cursor.description is not None else []
    except psycopg.Error as error:
        from dsys_lab.engines.postgres.connection import told  # slow to import, and a desk is to start soon

        raise told(error) from error


def create(client: psycopg.Connection, schema: str, pillows: int) -> None:
    """Make the tables, with so many pillows."""
    ask(client, TABLES.format(schema))
    ask(client, f"INSERT INTO {schema}.stock VALUES (%s)", (pillows,))  # noqa: S608  # a name of ours


class SqlParty:
    """A party whose book is a table (see `Party`, and `Buggy` of `dataflows.verification.troubles`)."""

    def __init__(self, name: str, client: psycopg.Connection, schema: str) -> None:
        self.name, self.client, self.schema = name, client, schema

    def do(self, now_us: int, call: Call) -> bool:
        """Do a call, unless it was done before; return its answer."""
        require_own(self.name, call)
        ask(self.client, "BEGIN")
        try:
            if self._put(call.key, Entry(call.verb, call.order, now_us)):
                self._carry_out(call)
            ask(self.client, "COMMIT")
        except BaseException:
            if not self.client.closed:
                ask(self.client, "ROLLBACK")
            raise
        sql = f"SELECT yes FROM {self.schema}.acts WHERE key = %s"  # noqa: S608  # a name of ours
        return bool(ask(self.client, sql, (call.key,))[0][0])

    def again(self, now_us: int, call: Call, yes: bool) -> None:
        """Do a call although it was done: under a new key, as a program does that makes one at each try."""
        self._put(f"{call.key}#2", Entry(call.verb, call.order, now_us, yes))

    def _put(self, key: str, entry: Entry) -> bool:
        """Write an act into the book; say whether its key was new."""
        sql = f"""INSERT INTO {self.schema}.acts (key, verb, of_order, at_us, yes) VALUES (%s, %s, %s, %s, %s)
                  ON CONFLICT (key) DO NOTHING RETURNING 1"""  # noqa: S608  # a name of ours
        return bool(ask(self.client, sql, (key, *entry)))

    def _carry_out(self, call: Call) -> None:
        """Do what the act does besides standing in the book."""


class SqlStock(SqlParty):
    """The one that may say no: there may be no pillow left."""

    def _carry_out(self, call: Call) -> None:
        taken = ask(self.client, f"UPDATE {self.schema}.stock SET pillows = pillows - 1 WHERE pillows > 0 RETURNING 1")  # noqa: S608  # a name of ours
        if not taken:
            ask(self.client, f"UPDATE {self.schema}.acts SET yes = false WHERE key = %s", (call.key,))  # noqa: S608  # a name of ours


class SqlJournal:
    """A desk's journal, a row for each order (see `Journal`); several desks may share it."""

    def __init__(self, client: psycopg.Connection, schema: str) -> None:
        self.client, self.schema = client, schema

    def sagas(self) -> list[Saga]:
        """Return how far each promise has come, in the order in which they were made."""
        rows = ask(self.client, f"SELECT saga FROM {self.schema}.journal ORDER BY number")  # noqa: S608  # a name of ours
        return [Saga(**saga) for (saga,) in rows]

    def note(self, now_us: int, saga: Saga) -> None:
        """Write down how far a promise has come."""
        sql = f"""INSERT INTO {self.schema}.journal VALUES (%s, %s, %s)
                  ON CONFLICT (of_order) DO UPDATE SET saga = excluded.saga"""  # noqa: S608  # a name of ours
        ask(self.client, sql, (saga.order, saga.number, json.dumps(saga.as_dict())))


def parties_in(client: psycopg.Connection, schema: str) -> dict[str, SqlParty]:
    """Return the three parties by name."""
    return {name: (SqlStock if name == "stock" else SqlParty)(name, client, schema) for name in PARTIES}


def entries_in(client: psycopg.Connection, schema: str) -> list[Entry]:
    """Return all acts, in the order in which they were begun."""
    rows = ask(client, f"SELECT verb, of_order, at_us, yes FROM {schema}.acts ORDER BY number")  # noqa: S608  # a name of ours
    return [Entry(*row) for row in rows]


def audit_in(
    client: psycopg.Connection,
    schema: str,
    promises: Sequence[tuple[str, int]],
    now_us: int,
    *,
    pillows: int,
    within_s: float,
) -> list[Finding]:
    """Let PostgreSQL audit its own books against these promises, by one statement."""
    ask(client, "CREATE TEMPORARY TABLE promises (of_order text, at_us bigint)")
    try:
        with client.cursor() as cursor:
            cursor.executemany("INSERT INTO promises VALUES (%s, %s)", promises)
        given = {"now_us": now_us, "within_us": round(within_s * 1e6), "pillows": pillows}
        rows = client.execute(AUDIT.format(schema), given).fetchall()
    finally:
        ask(client, "DROP TABLE promises")
    return [Finding(what, order, "by SQL") for what, order in rows]
