"""Several people at one SQLite file, with the verbs of `dsys_lab.stores.relational.sessions`.

In WAL mode a reader keeps the snapshot of its first read and never waits, and there is one writer at a time for the
whole file. So there is one level, and it is serializable, whatever BEGIN asks for: who wants to write after somebody
else has committed since the snapshot is refused (SQLITE_BUSY_SNAPSHOT), whichever rows it was about.

Each session is a connection of its own. None of them sleeps: SQLite says SQLITE_BUSY at once, which is `Waits` on
whoever is writing, and `proceed` tries again.

Sources: sqlite.org, "Isolation in SQLite", "Write-ahead logging", "Result and error codes".
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

import apsw

from dsys_lab.engines.difference import Difference
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.stores.relational.sessions import (
    DUPLICATE_KEY,
    NOT_NULL,
    SERIALIZATION_FAILURE,
    TRANSACTION_IS_LOST,
    Answer,
    Done,
    Failed,
    Rows,
    Waits,
)

SESSION_DIFFERENCES: Final = (
    Difference(
        "a writer waits for whoever changes the same row",
        "one writer at a time for the whole file",
        "Two who change different rows wait for each other, too; waiting never goes in a circle.",
        ("two_writers_of_different_rows", "deadlock"),
    ),
    Difference(
        "four levels, of which three are different",
        "one: serializable",
        "`BEGIN ISOLATION LEVEL ...` is read as `BEGIN`: at no level is there an anomaly.",
        ("weak_levels",),
    ),
    Difference(
        "a conflict is found between transactions that read before each other",
        "any commit since the snapshot refuses the writer",
        "It lets down who would have done no harm, and keeps no note of what was read.",
    ),
    Difference(
        "SELECT ... FOR UPDATE holds the rows",
        "a syntax error",
        "BEGIN IMMEDIATE would hold the whole file.",
        ("for_update",),
    ),
    Difference(
        "a column takes values of its type",
        "a column's type is a recommendation",
        "A text in a column of integers is stored as it is (STRICT tables know no `bigint`).",
        ("types",),
    ),
)
"""What SQLite does otherwise than `stores.relational`, as several people see it."""

_BEGIN: Final = re.compile(r"BEGIN\s+ISOLATION\s+LEVEL\s+[\w\s]+", flags=re.IGNORECASE)
_TEND: Final = {"CHECKPOINT": "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM": "VACUUM"}
_CODES: Final = {
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY: DUPLICATE_KEY, apsw.SQLITE_CONSTRAINT_UNIQUE: DUPLICATE_KEY,
    apsw.SQLITE_CONSTRAINT_NOTNULL: NOT_NULL,
}  # fmt: skip


class SqliteDatabase:
    """A SQLite file that several sessions share.

    Parameters
    ----------
    folder : path, optional
        Where the file is; by default a temporary folder, removed at `close`.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._temporary = TemporaryDirectory(prefix="dsys_lab-sqlite-") if folder is None else None
        self.path = Path(folder or self._temporary.name) / "shared.db"  # type: ignore[union-attr]
        self.engine = f"SQLite {apsw.sqlite_lib_version()}"
        self._sessions: dict[str, SqliteSession] = {}

    def session(self, name: str) -> SqliteSession:
        """Return a new session.

        Raises
        ------
        Misuse
            If one of this name is open.
        """
        if name in self._sessions:
            raise Misuse(f"a session {name!r} is open; give another name, or close it")
        self._sessions[name] = SqliteSession(self, name)
        return self._sessions[name]

    def writers(self) -> tuple[str, ...]:
        """Return who is writing: one at most."""
        return tuple(name for name, session in self._sessions.items() if session.is_writing)

    def knows(self, session: SqliteSession) -> bool:
        """Whether a session is open."""
        return self._sessions.get(session.name) is session

    def leave(self, session: SqliteSession) -> None:
        """Forget a session."""
        del self._sessions[session.name]

    def close(self) -> None:
        """Close every session, and remove the file if it is a temporary one."""
        for session in list(self._sessions.values()):
            session.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


class SqliteSession:
    """One person at the file (see `stores.relational.sessions.Session`)."""

    def __init__(self, database: SqliteDatabase, name: str) -> None:
        self.name = name
        self._database = database
        self._connection = apsw.Connection(str(database.path))
        self._connection.pragma("journal_mode", "wal")
        self._waiting = ""
        self._is_lost = False

    @property
    def is_writing(self) -> bool:
        """Whether it holds the one lock for writing."""
        return self._connection.txn_state() == apsw.SQLITE_TXN_WRITE

    def execute(self, sql: str, *, now_us: int = 0) -> Answer:
        """Run one statement (see `Session.execute`)."""
        self._require_open()
        if self._waiting:
            raise Misuse(f"{self.name} still waits; ask `proceed`, or close the session")
        return self._say(sql)

    def proceed(self, *, now_us: int = 0) -> Answer:
        """Try the statement that waits again (see `Session.proceed`)."""
        self._require_open()
        if not self._waiting:
            raise Misuse(f"{self.name} waits for nothing; give `execute` a statement")
        sql, self._waiting = self._waiting, ""
        return self._say(sql)

    def close(self) -> None:
        """Roll back what is open, and go."""
        if self._database.knows(self):
            self._connection.close()
            self._database.leave(self)

    # ------------------------------------------------------------ saying it to SQLite
    def _say(self, sql: str) -> Answer:
        verb, said = _in_its_dialect(sql)
        if verb in {"COMMIT", "ROLLBACK"} and not self._connection.in_transaction:
            was_lost, self._is_lost = self._is_lost, False
            return Done("ROLLBACK" if was_lost else verb)
        if self._is_lost:
            return Failed(TRANSACTION_IS_LOST, "the transaction failed: ROLLBACK first")
        columns: list[str] = []

        def note(cursor: apsw.Cursor, *_: object) -> bool:
            columns[:] = [name for name, *_ in cursor.get_description()]
            return True

        cursor = self._connection.cursor()
        cursor.exec_trace = note
        try:
            rows = tuple(cursor.execute(said))
        except apsw.SQLError as error:
            raise BadParameter(f"SQL, at {sql[max(0, getattr(error, 'error_offset', 0)) :][:24]!r}: {error}") from None
        except (apsw.BusyError, apsw.ConstraintError) as error:
            return self._refused(sql, error)
        if verb == "SELECT":
            return Rows(tuple(columns), rows)
        return Done(verb, self._connection.changes() if verb in {"INSERT", "UPDATE", "DELETE"} else 0)

    def _refused(self, sql: str, error: apsw.Error) -> Answer:
        code = error.extendedresult  # type: ignore[attr-defined]  # its types do not say what its documentation does
        if code == apsw.SQLITE_BUSY_SNAPSHOT:
            return self._fail(SERIALIZATION_FAILURE, f"{error}: somebody has committed since the snapshot")
        if isinstance(error, apsw.BusyError):
            self._waiting = sql
            return Waits(self._database.writers())
        if code not in _CODES:
            raise BadParameter(f"SQL, in {sql!r}: {error}") from None
        return self._fail(_CODES[code], str(error))

    def _fail(self, sqlstate: str, why: str) -> Failed:
        """Let the transaction go, as the protocol wants it (SQLite would only take the statement back)."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
            self._is_lost = True
        return Failed(sqlstate, why)

    def _require_open(self) -> None:
        if not self._database.knows(self):
            raise Misuse(f"the session {self.name!r} is closed; ask the database for a new one")


def _in_its_dialect(sql: str) -> tuple[str, str]:
    """Return the verb of a statement, as its answer names it, and how SQLite says it."""
    plain = sql.strip().removesuffix(";").strip()
    words = plain.upper().split(maxsplit=2) or [""]
    if ";" in re.sub(r"'[^']*'", "", plain):
        raise BadParameter(f"SQL, in {sql!r}: give one statement")
    if _BEGIN.fullmatch(plain):
        return "BEGIN", "BEGIN"
    if words[0] in _TEND:
        return words[0], _TEND[words[0]]
    return " ".join(words[:2]) if words[0] == "CREATE" else words[0], plain
