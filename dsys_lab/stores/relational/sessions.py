"""How do several people use one database at once, when nobody may sleep?

Each has a *session*: SQL goes in, an `Answer` comes out. What takes another system to sleep is an answer here. A writer
that meets a row which somebody else is just changing is told `Waits(on=("ada",))`: the statement has begun and has not
happened. The caller lets others go on and asks `proceed` for the same statement again. So one thread plays any number
of people, in any order, and an interleaving is a list of steps that can be written down, read and repeated.

==========  ============================================================================================================
answer      what it says
==========  ============================================================================================================
`Rows`      a SELECT: the names of its columns, and its rows
`Done`      anything else has happened: its verb, and how many rows it touched
`Waits`     not yet: the statement needs what these sessions hold; `proceed` asks again
`Failed`    the statement did not happen, and its transaction is lost: only ROLLBACK (or COMMIT, which then does the
            same and answers `Done("ROLLBACK", 0)`) is accepted next. `sqlstate` is what PostgreSQL would say
==========  ============================================================================================================

What is no answer but a slip is raised: SQL that does not parse or names what is not there is a `BadParameter` that says
where, and leaves the transaction as it was (PostgreSQL loses the transaction here, too; a script should not lean on
either).

Three stand behind this protocol and one script drives all: the model (`stores.relational`), SQLite and PostgreSQL
(`engines.sqlite.sessions`, `engines.postgres`). All understand `BEGIN ISOLATION LEVEL <level>` for the four `LEVELS`.
A statement outside BEGIN ... COMMIT is a transaction of its own, at read committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Self

from dsys_lab.structures.schema import Values

LEVELS: Final = ("read uncommitted", "read committed", "repeatable read", "serializable")
"""The isolation levels of the SQL standard, the weakest first."""

SERIALIZATION_FAILURE: Final = "40001"
DEADLOCK: Final = "40P01"
DUPLICATE_KEY: Final = "23505"
NOT_NULL: Final = "23502"
OUT_OF_RANGE: Final = "22003"
DIVISION_BY_ZERO: Final = "22012"
TRANSACTION_IS_LOST: Final = "25P02"
"""Why a statement failed, by PostgreSQL's codes; the last is any statement after one that failed."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a SELECT found."""

    columns: tuple[str, ...]
    rows: tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """It has happened: "UPDATE" of 2 rows; "COMMIT" of 0."""

    verb: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Waits:
    """It must wait until these sessions commit or roll back."""

    on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not happen, and its transaction is lost.

    Attributes
    ----------
    sqlstate : str
        One of the codes above.
    why : str
        In words: PostgreSQL's own where it has any ("could not serialize access due to concurrent update").
    """

    sqlstate: str
    why: str


Answer = Rows | Done | Waits | Failed


class Session(Protocol):
    """One person at the database.

    Attributes
    ----------
    name : str
        Unique among the open sessions of a database.
    """

    name: str

    def execute(self, sql: str, *, now_us: int = 0) -> Answer:
        """Run one statement.

        Raises
        ------
        BadParameter
            If it does not parse, is outside the subset, or names a table or column that is not there.
        Misuse
            If the last statement still waits, or the session is closed.
        """

    def proceed(self, *, now_us: int = 0) -> Answer:
        """Ask again for the statement that waits. A model answers at once; an engine may take a moment to look.

        Raises
        ------
        Misuse
            If nothing waits.
        """

    def close(self) -> None:
        """Roll back what is open, and go."""


class Database(Protocol):
    """Tables that several sessions share."""

    def session(self, name: str) -> Session:
        """Return a new session.

        Raises
        ------
        Misuse
            If one of this name is open.
        """

    def close(self) -> None:
        """Close every session and let go of what the database holds."""

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""

    def __exit__(self, *_: object) -> None:
        """Close it."""
