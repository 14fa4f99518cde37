"""A listener's place in PostgreSQL's log: a logical replication slot, with the verbs of the model's.

`LogicalConnection` starts a server whose log says enough (`wal_level=logical`); a database over it gives out slots::

    database = PostgresDatabase(LogicalConnection.shared())
    slot = make_slot(database, "index")        # hears of every transaction in this database's tables from here on

What a slot promises is what `stores.relational.slots` says, for the model was made after it; `SLOT_DIFFERENCES` says
where they part. A slot and what it publishes go with the connection, or by `drop`.

Sources: PostgreSQL 18 documentation, ch. 47 "Logical Decoding", `pg_logical_slot_peek_binary_changes`,
`pg_replication_slot_advance`, `CREATE PUBLICATION`, `REPLICA IDENTITY`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from dsys_lab.dataflows.change_capture import Beginning
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.postgres.connection import ANSWER_WITHIN_S, SETTING, Connection, ask, told
from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.decoding import decoded, rows_of
from dsys_lab.engines.postgres.server import PostgresServer
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.stores.relational import Commit, SlotStatus

SLOT_DIFFERENCES: Final = (
    Difference(
        "a slot is made only while nobody has changed anything and not ended",
        "making it waits for whoever has",
        "End transactions first, or the call does not return.",
        ("a_slot_and_who_is_not_done",),
    ),
    Difference(
        "a commit's position is the number of its record",
        "it is the byte at which its record ends",
        "Compare positions, do not count with them.",
    ),
    Difference(
        "a row that changes is written down as it was",
        "only of a table with REPLICA IDENTITY FULL, which `make_slot` sets",
        "Without, there is nothing but the key, and that only of a row that went.",
    ),
    Difference(
        "a position that was never shown cannot be confirmed",
        "any position up to the log's end can",
        "What was skipped is not heard.",
        ("a_position_never_shown",),
    ),
)
"""What PostgreSQL does otherwise than `stores.relational.slots`."""
_PEEK: Final = """SELECT data FROM pg_logical_slot_peek_binary_changes(
    %s, NULL, NULL, 'proto_version', '1', 'publication_names', %s)"""
_STATUS: Final = """SELECT wal_status, confirmed_flush_lsn - '0/0'::pg_lsn, restart_lsn - '0/0'::pg_lsn,
    pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = %s"""


class LogicalConnection(Connection):
    """A connection to a server whose log can be decoded.

    Raises
    ------
    EngineMissing
        If it is your own and its log does not say enough.
    """

    def start(self) -> PostgresServer:
        """Start PostgreSQL with a log that says what each record means."""
        return PostgresServer(wal_level="logical")

    def connect(self) -> None:
        """Open the client, and look whether the log says enough."""
        super().connect()
        level = self.client.execute("SHOW wal_level").fetchone()
        if level != ("logical",):
            self.disconnect()
            raise EngineMissing(f"{SETTING}: wal_level is {level and level[0]}; set it to logical and start it again")


class PostgresSlot:
    """One listener's place (see `stores.relational.ChangeSource`)."""

    def __init__(self, database: PostgresDatabase, name: str) -> None:
        self._database, self.name = database, name
        self._slot = f"{database.schema}_{name}"

    def make(self, tables: Sequence[str] = ()) -> Beginning:
        """Make the slot, publish all tables of the database, whole rows, and return some as they are in that moment."""
        run, schema = self._database.run, self._database.schema
        for (table,) in run("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)):
            run(f'ALTER TABLE {schema}."{table}" REPLICA IDENTITY FULL')
        run(f"CREATE PUBLICATION {self._slot} FOR TABLES IN SCHEMA {schema}")
        try:
            return self._make_with_snapshot(tables)
        except BaseException:
            run(f"DROP PUBLICATION {self._slot}")
            raise

    def _make_with_snapshot(self, tables: Sequence[str]) -> Beginning:
        """Say the replication protocol's own command: as long as its connection lives, so does the snapshot."""
        make = f"CREATE_REPLICATION_SLOT {self._slot} LOGICAL pgoutput (SNAPSHOT 'export')"
        try:
            with psycopg.connect(
                self._database.url, replication="database", autocommit=True, connect_timeout=ANSWER_WITHIN_S
            ) as maker:
                made = psycopg.ClientCursor(maker).execute(make).fetchone()
                assert made is not None, "it answers with one row"
                return Beginning(self.status().confirmed, self._rows(tables, made[2]))
        except psycopg.Error as error:
            raise told(error) from error

    def _rows(self, tables: Sequence[str], snapshot: str) -> dict[str, list[dict[str, Any]]]:
        with psycopg.connect(self._database.url, connect_timeout=ANSWER_WITHIN_S) as client:
            ask(client, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            ask(client, f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            found = {}
            for table in tables:
                rows = f'SELECT * FROM {self._database.schema}."{table}"'  # noqa: S608  # names of our own
                found[table] = rows_of(client.execute(rows))
        return found

    def peek(self, limit: int | None = None) -> list[Commit]:
        """Return the next transactions after what was confirmed; the slot stays where it is."""
        messages = self._database.run(_PEEK, (self._slot, self._slot))
        return list(decoded(bytes(data) for (data,) in messages))[:limit]

    def confirm(self, position: int) -> None:
        """Say that everything up to this position is done with for good."""
        if position > self.status().confirmed:
            self._database.run("SELECT pg_replication_slot_advance(%s, '0/0'::pg_lsn + %s)", (self._slot, position))

    def status(self) -> SlotStatus:
        """Return where the slot stands."""
        found = self._database.run(_STATUS, (self._slot,))
        if not found:
            raise BadParameter(f"there is no slot {self.name!r} any more; make a new one")
        wal_status, confirmed, read_from, lag_bytes = found[0]
        state = "lost" if wal_status == "lost" else "active"
        return SlotStatus(self.name, state, int(confirmed), int(read_from or 0), int(lag_bytes or 0))

    def drop(self) -> None:
        """Forget the slot; what it held back goes."""
        self._database.run("SELECT pg_drop_replication_slot(%s)", (self._slot,))
        self._database.run(f"DROP PUBLICATION {self._slot}")


def make_slot(database: PostgresDatabase, name: str) -> PostgresSlot:
    """Make a place in the log for a listener, who hears of every transaction from here on.

    Parameters
    ----------
    database : PostgresDatabase
        Over a `LogicalConnection`, with its tables made.
    name : str
        Lower-case letters, digits and underscores.

    Raises
    ------
    BadParameter
        If the name is none, or the log does not say enough.
    Refused
        If there is one of this name, or the server has no room for one more.
    """
    return slot_and_rows(database, name)[0]


def slot_and_rows(
    database: PostgresDatabase, name: str, tables: Sequence[str] = ()
) -> tuple[PostgresSlot, Beginning]:
    """Make a slot, and take these tables as they are in the same moment (see `make_slot`)."""
    if not (name.isidentifier() and name == name.lower()):
        raise BadParameter(f"name = {name!r}: give lower-case letters, digits and underscores")
    slot = PostgresSlot(database, name)
    return slot, slot.make(tables)
