r"""The connection to PostgreSQL that a process shares.

Without a setting the server is ours: from its wheel, on a socket in a temporary folder (see
`dsys_lab.engines.postgres.server`). `DSYS_LAB_POSTGRES=postgresql://you@host/database` names a server of your own;
what is made there stands in schemas whose names begin with `PREFIX`, and `\dn dsys_lab_*` in psql shows what a killed
process left. The life of a connection is in `dsys_lab.engines.connection`.

What PostgreSQL says no to did not happen, and is `Refused` with its own words and code. Where the call itself was wrong
(codes that begin with 42: a slip in the SQL, a name that is not there) it is `BadParameter`. No answer is
`MayHaveHappened`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from dsys_lab.engines.connection import EngineConnection
from dsys_lab.engines.postgres.server import PostgresServer
from dsys_lab.errors import BadParameter, DsysLabError, EngineMissing, MayHaveHappened, Refused

try:
    import psycopg
except ImportError as missing:  # psycopg without its C library says so by an ImportError of its own
    raise EngineMissing("psycopg is not installed: `make lab` does it, or `pip install 'psycopg[binary]'`") from missing

SETTING: Final = "DSYS_LAB_POSTGRES"
ANSWER_WITHIN_S: Final = 10
WRONG_CALL: Final = ("42", "0A")
"""Classes of codes: a slip in the SQL, or a name that is not there; something that PostgreSQL does not do."""
FORBIDDEN: Final = "42501"
"""In the same class, but the call is right: the user lacks a privilege."""
NO_ANSWER: Final = ("08", "57P")
"""The connection was lost; whoever runs the server ended it."""
COPY: Final = re.compile(r"\s*COPY\b.*\b(STDIN|STDOUT)\b", flags=re.IGNORECASE | re.DOTALL)


def connection() -> Connection:
    """Return this process's connection; the first call makes it, and so does the first after it was lost.

    Raises
    ------
    EngineMissing
        If the server or its client is not installed, does not start, or is not there.
    BadParameter
        If `DSYS_LAB_POSTGRES` is no URL.
    """
    return Connection.shared()


class Connection(EngineConnection[PostgresServer]):
    """A client of PostgreSQL with plain calls, and the server that was started for it, if one was.

    Attributes
    ----------
    url : str
        What further clients connect to.
    client : psycopg.Connection
        Each of its statements is a transaction of its own.
    engine : str
        What a trace's header says, such as "PostgreSQL 18.6".
    """

    SETTING = SETTING

    def start(self) -> PostgresServer:
        """Start PostgreSQL on a socket of our own."""
        return PostgresServer()

    def connect(self) -> None:
        """Open the client."""
        self.url = self.server.url if self.server else self.setting
        self.client = self.open_client()
        self.engine = f"PostgreSQL {self.client.info.parameter_status('server_version')}"

    def disconnect(self) -> None:
        """Close the client."""
        self.client.close()

    @property
    def is_lost(self) -> bool:
        """Whether our server has gone, and all that was in it; to another one `run` connects again."""
        return self.server is not None and self.server.ended

    def open_client(self) -> psycopg.Connection:
        """Connect one more client.

        Raises
        ------
        EngineMissing
            If the server is not there.
        BadParameter
            If `DSYS_LAB_POSTGRES` is no URL.
        """
        try:
            return psycopg.connect(self.url, autocommit=True, connect_timeout=ANSWER_WITHIN_S)
        except psycopg.OperationalError as error:
            raise self.does_not_answer(error) from error
        except psycopg.ProgrammingError:  # its words may hold the password
            example = "postgresql://you@host:5432/database"
            raise BadParameter(f"{SETTING} is no URL: give one such as {example}, or unset it") from None

    def run(self, sql: str, given: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows, as `ask` does.

        Raises
        ------
        EngineMissing
            If the connection was closed, or the server is not there.
        """
        self.require_open()
        if self.client.closed:
            self.client = self.open_client()
        return ask(self.client, sql, given)

    def make_schema(self) -> str:
        """Make an empty schema, and return its name; say `made` what removes it."""
        schema = self.new_name()
        self.run(f"CREATE SCHEMA {schema}")
        return schema

    def extension(self, name: str) -> str:
        """Return the schema where the functions of an extension stand, after making it if it is not there.

        Raises
        ------
        EngineMissing
            If the server has none of this name.
        Refused
            If the user may not make it.
        """
        there = self.run("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = %s", (name,))
        if there:
            return str(there[0][0])
        if not self.run("SELECT 1 FROM pg_available_extensions WHERE name = %s", (name,)):
            raise EngineMissing(f"{self.engine} has no extension {name} here: install PostgreSQL's contrib package")
        schema = self.make_schema()
        self.made(schema, lambda: self.run(f"DROP SCHEMA {schema} CASCADE"))
        try:
            self.run(f'CREATE EXTENSION "{name}" SCHEMA {schema}')
        except Refused:
            self.remove(schema)
            raise
        return schema


def ask(client: psycopg.Connection, sql: str, given: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, if it has any; `%s` stands for what is `given`.

    Raises
    ------
    BadParameter
        If it is no SQL, names what is not there, or is given what no SQL can hold.
    Refused
        If PostgreSQL says no.
    MayHaveHappened
        If no answer comes.
    """
    require_statement(sql)
    try:
        cursor = client.execute(sql, given)
        return cursor.fetchall() if cursor.description is not None else []
    except psycopg.Error as error:
        concluded = told(error)
        if isinstance(concluded, MayHaveHappened):
            client.close()  # it may not have noticed yet
        raise concluded from error


def require_statement(sql: str) -> None:
    """Refuse what no answer can come to, or to another question than the one that stands there.

    Raises
    ------
    BadParameter
        If it is no text, holds a zero byte, at which it would end, or begins a stream.
    """
    if not isinstance(sql, str) or "\0" in sql:
        raise BadParameter(f"sql = {sql!r:.60}: give a text without zero bytes")
    if COPY.match(sql):
        raise BadParameter("COPY with STDIN or STDOUT is a stream and no question: give INSERT or SELECT")


def told(error: psycopg.Error) -> DsysLabError:
    """Return what a caller may conclude from an error of psycopg's."""
    said = [error.diag.message_primary or str(error), error.diag.message_detail, error.diag.message_hint]
    words = "; ".join(" ".join(part.split()) for part in said if part)
    code = error.sqlstate
    if code is None and not isinstance(error, psycopg.OperationalError):
        return BadParameter(f"psycopg cannot send this: {words}")
    if code is None or code.startswith(NO_ANSWER):
        return MayHaveHappened(f"PostgreSQL gave no answer ({words}): look whether it happened")
    if code.startswith(WRONG_CALL) and code != FORBIDDEN:
        return BadParameter(f"PostgreSQL cannot do this: {words} ({code})")
    return Refused(f"PostgreSQL said no: {words} ({code})")
