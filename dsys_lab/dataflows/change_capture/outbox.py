"""How does a message leave exactly when its transaction has happened?

By being a row of it. The *outbox* is a table in the same database: who changes something puts the message in, in the
same transaction, so both happen or neither does. Somebody reads the table and sends. The question is how they know what
is new.

`ById` asks for ids above the last one it saw. That is what most people write, and it loses messages: an id is given
when a row is put in, and the row is seen when its transaction commits. ::

    id 7   ada puts in ............................ commits
    id 8            ben puts in ... commits
    reader                                  sees 8                 asks for ids above 8: 7 is never sent

The oftener it asks the more it loses, for the oftener it looks into such a gap. `ByCommit` reads the log instead, in
which rows stand in the order of their commits.

Sources: Richardson, "Pattern: Transactional outbox"; Debezium documentation, "Outbox Event Router".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.stores.relational import ChangeSource, Done, Rows, Session

OUTBOX = "outbox"


class Entry(NamedTuple):
    """A message that waits to be sent."""

    id: int
    body: str


def create_outbox(session: Session) -> None:
    """Make the table."""
    _done(session.execute(f"CREATE TABLE {OUTBOX} (id integer PRIMARY KEY, body text NOT NULL)"))


def put_in(session: Session, entry: Entry) -> None:
    """Put a message in, as a part of the transaction that is open."""
    body = entry.body.replace("'", "''")
    _done(session.execute(f"INSERT INTO {OUTBOX} VALUES ({entry.id:d}, '{body}')"))  # noqa: S608  # quotes are doubled


class ById:
    """Reads what has a higher id than all it saw before. It misses what commits late.

    Attributes
    ----------
    last_id : int
    """

    def __init__(self, session: Session) -> None:
        self._session, self.last_id = session, 0

    def poll(self) -> list[Entry]:
        """Return what is new, by its id."""
        answer = self._session.execute(f"SELECT id, body FROM {OUTBOX} WHERE id > {self.last_id} ORDER BY id")  # noqa: S608
        if not isinstance(answer, Rows):
            raise Misuse(f"the outbox was not read: {answer}")
        entries = [Entry(*row) for row in answer.rows]  # type: ignore[arg-type]
        self.last_id = max((entry.id for entry in entries), default=self.last_id)
        return entries


class ByCommit:
    """Reads what was committed since, from the log. It misses nothing, and repeats what was not said to be `sent`."""

    def __init__(self, source: ChangeSource) -> None:
        self._source = source
        self._shown: int | None = None

    def poll(self) -> list[Entry]:
        """Return what is new, in the order of the commits."""
        commits = self._source.peek()
        self._shown = commits[-1].position if commits else None
        added = [change.after for commit in commits for change in commit.changes if change.table == OUTBOX]
        return [Entry(row["id"], row["body"]) for row in added if row is not None]  # type: ignore[arg-type]

    def sent(self) -> None:
        """Say that all of the last `poll` has left."""
        if self._shown is not None:
            self._source.confirm(self._shown)


def _done(answer: Any) -> None:
    if not isinstance(answer, Done):
        raise Misuse(f"the outbox was not written: {answer}")
