"""A person at PostgreSQL, whose turns are counted and not timed.

A session is a connection with the verbs of `stores.relational.sessions.Session`. The question is how to know that a
statement *waits*, when all that is seen from outside is that no answer has come. Nobody sleeps here and hopes.
PostgreSQL says so itself: a session that has waited on a lock for `deadlock_timeout` looks for a deadlock and, finding
none, reports that it is "still waiting" (`log_lock_waits`); its client hears it too (`client_min_messages`). So a
statement is followed until it is done, or until it has said that it waits and `pg_blocking_pids` names those on whom.

A session promises what the Protocol says, and
----------------------------------------------
1. `Waits` is answered only by a session that has looked for a deadlock and found none. So it is always the one who
   closes the circle that is let down, however busy the machine is.
2. After a COMMIT or ROLLBACK has its answer, `proceed` of who waited for it says `Waits` only if there is another wait:
   PostgreSQL hands a lock on before it answers.
3. No statement is left waiting: to close a session cancels what it still waits for.

Cost: a wait is known after `SETTINGS["deadlock_timeout"]`, a hundredth of PostgreSQL's default.

Left out: a wait for something else than a lock, such as that of SERIALIZABLE READ ONLY DEFERRABLE for its snapshot, is
no `Waits` but a statement that takes long.

Sources: PostgreSQL 18 documentation, "Lock Management", "Transaction Isolation", "System Information Functions"
(`pg_blocking_pids`), appendix A (codes); `proc.c`, `ProcSleep`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import psycopg

from dsys_lab.engines.difference import Difference
from dsys_lab.engines.event_loop import EventLoop
from dsys_lab.engines.postgres.connection import ANSWER_WITHIN_S, require_statement, told
from dsys_lab.errors import BadParameter, MayHaveHappened, Misuse
from dsys_lab.stores.relational.sessions import Answer, Done, Failed, Rows, Waits

SETTINGS: Final = MappingProxyType(
    {
        "deadlock_timeout": "10ms",
        "log_lock_waits": "on",
        "lc_messages": "C",
        "client_min_messages": "log",
    }
)
"""Of each session's connection. Only a superuser may set the first three, or who was granted it."""
SESSION_DIFFERENCES: Final = (
    Difference(
        "a slip (no such table, no SQL) leaves the transaction as it was",
        "it loses the transaction",
        "After a BadParameter inside BEGIN, say ROLLBACK.",
    ),
    Difference(
        "BEGIN inside a transaction is a slip",
        "it is a warning, and the transaction goes on",
        "Nothing follows from it.",
        ("begin_twice",),
    ),
    Difference(
        "a conflict is found between transactions that read before each other",
        "reads are remembered by row, and by page or table where they are many or came by no index",
        "At serializable it may let down who would have done no harm; the retry goes well.",
    ),
    Difference(
        "waiting in a circle is found at once",
        "it is looked for after `deadlock_timeout`",
        "Who closes the circle is let down in both; here a wait is an answer after 10 ms.",
    ),
    Difference(
        "who waited goes on when `proceed` is asked, and until then others may take the row",
        "they go on by themselves, in the order in which they came",
        "With three at one row, who comes last waits for who waits already.",
    ),
)
"""What PostgreSQL does otherwise than `stores.relational`, as several people see it."""
STILL_WAITING: Final = " still waiting for "
ACQUIRED: Final = " acquired "


class PostgresSession:
    """One person at the database; see the Protocol `Session`.

    Parameters
    ----------
    name : str
    client : psycopg.AsyncConnection
        With `SETTINGS`, in `loop`.
    loop : EventLoop
    waits_on : callable
        The server's process that works for a session -> the names of those whom it waits for.
    leave : callable
        What to do when the session is closed.

    Attributes
    ----------
    name : str
        Unique among the open sessions of a database.
    pid : int
        The server's process that works for it.
    """

    def __init__(
        self,
        name: str,
        client: psycopg.AsyncConnection,
        loop: EventLoop,
        *,
        waits_on: Callable[[int], tuple[str, ...]],
        leave: Callable[[], object],
    ) -> None:
        self.name, self.pid = name, client.info.backend_pid
        self._client, self._loop, self._waits_on, self._leave = client, loop, waits_on, leave
        self._statement: asyncio.Task[Answer] | None = None
        self._says_it_waits = False
        self._news = asyncio.Event()
        self._is_open = True
        client.add_notice_handler(self._hear)

    def execute(self, sql: str, *, now_us: int = 0) -> Answer:
        """Run one statement.

        Raises
        ------
        BadParameter
            If it is not one statement of PostgreSQL's SQL, or names what is not there. An open transaction is lost.
        Misuse
            If the last statement still waits, or the session is closed.
        MayHaveHappened
            If the server goes away.
        """
        self._require_open()
        if self._statement:
            raise Misuse(f"{self.name}'s last statement still waits: ask `proceed`, or close the session")
        require_statement(sql)
        return self._loop.call(self._begin(sql))

    def proceed(self, *, now_us: int = 0) -> Answer:
        """Ask again for the statement that waits.

        Raises
        ------
        Misuse
            If nothing waits, or the session is closed.
        MayHaveHappened
            If the server goes away.
        """
        self._require_open()
        if not self._statement:
            raise Misuse(f"nothing of {self.name}'s waits: give `execute` a statement")
        return self._loop.call(self._follow())

    def close(self) -> None:
        """Cancel what waits, roll back what is open, and go."""
        if self._is_open:
            self._is_open = False
            self._loop.call(self._end())
            self._leave()

    def _require_open(self) -> None:
        if not self._is_open:
            raise Misuse(f"the session {self.name!r} is closed: open another")

    # ------------------------------------------------------------ on the event loop
    async def _begin(self, sql: str) -> Answer:
        self._says_it_waits = False
        self._statement = asyncio.create_task(self._run(sql))
        self._statement.add_done_callback(lambda _: self._news.set())
        return await self._follow()

    async def _follow(self) -> Answer:
        """Follow the statement until it is done or says that it waits."""
        assert self._statement
        while not self._statement.done():
            self._news.clear()
            if self._says_it_waits and (others := self._waits_on(self.pid)):
                return Waits(others)
            await self._news.wait()
        done, self._statement = self._statement, None
        return done.result()

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        said = notice.message_primary or ""
        if STILL_WAITING in said or ACQUIRED in said:
            self._says_it_waits = STILL_WAITING in said
            self._news.set()

    async def _run(self, sql: str) -> Answer:
        cursor = _OneStatement(self._client)
        try:
            await cursor.execute(sql)
            if cursor.description is None:
                return _done(cursor.statusmessage or "")
            rows = tuple([tuple(map(_plain, row)) async for row in cursor])
            return Rows(tuple(column.name for column in cursor.description), rows)
        except psycopg.Error as error:
            concluded = told(error)
            if isinstance(concluded, BadParameter | MayHaveHappened):
                raise concluded from error
            return Failed(str(error.sqlstate), str(error.diag.message_primary))

    async def _end(self) -> None:
        if self._statement:
            with contextlib.suppress(psycopg.Error):
                await self._client.cancel_safe(timeout=ANSWER_WITHIN_S)
            await asyncio.wait([self._statement], timeout=ANSWER_WITHIN_S)
        with contextlib.suppress(psycopg.Error):  # without it PostgreSQL would roll back too, but some time later
            await self._client.rollback()
        await self._client.close()


class _OneStatement(psycopg.AsyncCursor):
    """A cursor that never sends two statements at once: the extended protocol, always used here, refuses them."""

    def _execute_send(self, *given: Any, force_extended: bool = False, **named: Any) -> None:
        super()._execute_send(*given, force_extended=True, **named)


def _done(status: str) -> Done:
    """Return what "INSERT 0 2", "UPDATE 2" or "CREATE TABLE" says.

    Raises
    ------
    BadParameter
        If there was no statement at all.
    """
    if not status:
        raise BadParameter("there is no statement in this: give one, such as SELECT 1")
    words = status.split()
    verb = " ".join(word for word in words if not word.isdigit())
    return Done(verb, int(words[-1]) if words[-1].isdigit() else 0)


def _plain(value: Any) -> Any:
    """Return a number of PostgreSQL's as the model has it: the sum of integers is one, too."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
