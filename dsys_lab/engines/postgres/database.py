"""Tables of our own in PostgreSQL, and several people at them.

`PostgresDatabase` is a `stores.relational.sessions.Database`. Its tables stand in a schema of their own, which goes
when it is closed; each of its sessions is a connection (`session`), and one more is kept to look on: it runs what is
said outside of any session (`run`) and asks who waits for whom.

What looks into pages, plans and the log takes such a database: `pages`, `plan`, `wal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import psycopg

from dsys_lab.engines.event_loop import EventLoop
from dsys_lab.engines.postgres.connection import ANSWER_WITHIN_S, Connection, ask, connection, told
from dsys_lab.engines.postgres.session import SETTINGS, PostgresSession
from dsys_lab.errors import EngineMissing, MayHaveHappened, Misuse


class PostgresDatabase:
    """A schema, and the sessions that share it.

    Parameters
    ----------
    shared : Connection, optional
        Whose server it is; by default the one that the process shares.

    Attributes
    ----------
    schema : str
        Where its tables stand.
    url : str
        What further clients connect to.
    engine : str
        What a trace's header says, such as "PostgreSQL 18.6".

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there.
    Refused
        If the user may not make a schema.
    """

    def __init__(self, shared: Connection | None = None) -> None:
        self._shared = shared or connection()
        self.engine, self.url = self._shared.engine, self._shared.url
        self.schema = self._shared.make_schema()
        self._loop = EventLoop()
        self._open: dict[str, PostgresSession] = {}
        self._client = self._shared.open_client()
        ask(self._client, f"SET search_path TO {self.schema}, public")
        self._shared.made(self.schema, self._end)

    # ------------------------------------------------------------ people
    def session(self, name: str) -> PostgresSession:
        """Return a new session.

        Raises
        ------
        Misuse
            If one of this name is open, or the database is closed.
        EngineMissing
            If the server is gone, or does not let us set what is needed to know who waits.
        """
        self._require_open()
        if name in self._open:
            raise Misuse(f"session {name!r} is open already: close it, or give another name")
        client = self._loop.call(self._connect())
        self._open[name] = PostgresSession(
            name, client, self._loop, waits_on=self._waits_on, leave=lambda: self._open.pop(name)
        )
        return self._open[name]

    async def _connect(self) -> psycopg.AsyncConnection:
        try:
            client = await psycopg.AsyncConnection.connect(
                self._shared.url, autocommit=True, connect_timeout=ANSWER_WITHIN_S
            )
            for name, value in {**SETTINGS, "search_path": f"{self.schema}, public"}.items():
                await client.execute("SELECT set_config(%s, %s, false)", (name, value))
        except psycopg.errors.InsufficientPrivilege as error:
            grant = "GRANT SET ON PARAMETER deadlock_timeout, log_lock_waits, lc_messages TO …"
            raise EngineMissing(f"this server does not let us know who waits: let its owner say {grant}") from error
        except psycopg.Error as error:
            raise EngineMissing(f"no further session: {told(error)}") from error
        return client

    def _waits_on(self, pid: int) -> tuple[str, ...]:
        """Return whom a server process waits for: sessions by name, others by process."""
        names = {session.pid: session.name for session in self._open.values()}
        blocking = ask(self._client, "SELECT pg_blocking_pids(%s)", (pid,))[0][0]
        return tuple(sorted({names.get(other, f"process {other}") for other in blocking}))

    # ------------------------------------------------------------ what is said outside of any session
    def run(self, sql: str, given: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement in the schema and return its rows; `%s` stands for what is `given`.

        Raises
        ------
        BadParameter
            If it is no SQL, or names what is not there.
        Refused
            If PostgreSQL says no.
        MayHaveHappened
            If no answer comes.
        Misuse
            If the database is closed.
        """
        self._require_open()
        return ask(self._client, sql, given)

    def extension(self, name: str) -> str:
        """Return the schema where the functions of an extension stand, after making it if it is not there.

        Raises
        ------
        EngineMissing
            If the server has none of this name.
        Refused
            If the user may not make it.
        """
        return self._shared.extension(name)

    # ------------------------------------------------------------ the end
    def close(self) -> None:
        """Close every session and drop the schema.

        Raises
        ------
        MayHaveHappened
            If a server of somebody else's does not answer, and so may still have the schema.
        """
        if self._loop.closed:
            return
        if self._shared.is_open:
            self._shared.remove(self.schema)
        else:  # and with it our server, or else the schema was dropped then
            self._end()

    def _end(self) -> None:
        for session in list(self._open.values()):
            session.close()
        self._loop.close()
        try:
            ask(self._client, f"DROP SCHEMA {self.schema} CASCADE")
        except MayHaveHappened:
            if not self._shared.server:  # ours is gone, and has taken the schema along
                raise
        finally:
            self._client.close()

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _require_open(self) -> None:
        if self._loop.closed:
            raise Misuse("this database is closed, and its tables are gone: make a new one")
