"""A table as a store of events: the constraint `UNIQUE (stream, version)` refuses who decided on an old version.

An append is one `INSERT` of all events of a commit. Two who expect the same version insert the same number, and the
index lets one of them in; the other waits until the first has committed, and is told `unique_violation` (23505). Who
expects a version that is not there yet would leave a gap, so the insert also looks whether the last one is there.

What is the position of a commit? A number from a sequence is drawn *before* the commit, so a higher one may be seen
first, and a reader that goes on from there misses the lower one (`dataflows.change_capture.outbox` shows it). Here it
is the number of the transaction, and readers look only at what lies below the oldest one that still runs
(`pg_snapshot_xmin`): what will be committed later has a higher number. `status` says no later position either, so
whoever begins there misses nothing. The price: a transaction that somebody forgot to end, anywhere in the cluster,
holds all readers back. And positions have gaps.

Sources: PostgreSQL 18 documentation, "Transaction ID and snapshot information functions", "Unique indexes".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

import psycopg
from psycopg import errors

from dsys_lab.dataflows.event_sourcing import Appended, Conflict, Recorded, StoreStatus, Written
from dsys_lab.dataflows.event_sourcing.events import commit_of, require_dense, require_stream
from dsys_lab.dataflows.event_sourcing.store import require_from, require_page
from dsys_lab.engines.postgres.connection import Connection, connection
from dsys_lab.errors import Refused

_TABLE: Final = """
CREATE TABLE {table} (
    stream text NOT NULL, version integer NOT NULL, position bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    command text NOT NULL, kind text NOT NULL, schema integer NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (stream, version)
);
CREATE INDEX ON {table} (position, version)"""
_APPEND: Final = """
INSERT INTO {table} (stream, version, command, kind, schema, data)
SELECT %(stream)s, %(expected)s + number, %(command)s, kind, schema, data
FROM unnest(%(kinds)s::text[], %(schemas)s::integer[], %(datas)s::bytea[])
     WITH ORDINALITY AS given (kind, schema, data, number)
WHERE %(expected)s = 0 OR EXISTS (SELECT FROM {table} WHERE stream = %(stream)s AND version = %(expected)s)
RETURNING position"""
_FIELDS: Final = "stream, version, position, command, kind, schema, data"
_SEEN: Final = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_READ: Final = f"""
SELECT {_FIELDS} FROM {{table}} WHERE position IN (
    SELECT DISTINCT position FROM {{table}} WHERE position > %s AND position < {_SEEN} ORDER BY position LIMIT %s)
ORDER BY position, version"""  # noqa: S608  # names of our own


class PostgresEvents:
    """A table with the verbs of `EventStore`. Use it in a `with` block, which removes it.

    Parameters
    ----------
    over : Connection, optional
        By default this process's own.
    """

    def __init__(self, *, over: Connection | None = None) -> None:
        self._shared = over or connection()
        self.schema = self._shared.make_schema()
        self.table = f"{self.schema}.events"
        self._shared.made(self.schema, lambda: self._shared.run(f"DROP SCHEMA {self.schema} CASCADE"))
        self._conflicts = self._loaded = 0
        self._run(_TABLE)

    # ------------------------------------------------------------ write path
    def append(
        self, stream: str, events: Sequence[Written], *, expected: int, command: str = ""
    ) -> Appended | Conflict:
        """Insert events, if the stream has the expected version.

        Raises
        ------
        MayHaveHappened
            If no answer comes: load the stream to see, or ask again with the same command.
        """
        commit = commit_of(stream, events, expected=expected, command=command)
        given = {
            "stream": stream, "expected": expected, "command": command, "kinds": [one.kind for one in events],
            "schemas": [one.schema for one in events], "datas": [one.data for one in events],
        }  # fmt: skip
        try:
            rows = self._run(_APPEND, given)
        except Refused as error:
            if not isinstance(error.__cause__, errors.UniqueViolation):
                raise
            rows = []
        if rows:
            return Appended(stream, commit.last, rows[0][0])
        self._conflicts += 1
        return Conflict(stream, expected, self.version(stream))

    # ------------------------------------------------------------ read path
    def version(self, stream: str) -> int:
        """Return how many events a stream has."""
        return int(self._run("SELECT coalesce(max(version), 0) FROM {table} WHERE stream = %s", (stream,))[0][0])

    def load(self, stream: str, after: int = 0) -> list[Recorded]:
        """Return the events of a stream after a version."""
        require_stream(stream)
        require_from("after", after)
        asked = f"SELECT {_FIELDS} FROM {{table}} WHERE stream = %s AND version > %s ORDER BY version"  # noqa: S608  # as above
        found = [_recorded(row) for row in self._run(asked, (stream, after))]
        self._loaded += len(found)
        return require_dense(stream, after, found)

    def read(self, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return the events of all streams after a position, of `limit` commits at most."""
        require_page(after, limit)
        return [_recorded(row) for row in self._run(_READ, (after, limit))]

    def status(self) -> StoreStatus:
        """Return what it has, and what was asked of it."""
        position = f"coalesce(max(position) FILTER (WHERE position < {_SEEN}), 0)"
        counted = f"SELECT count(DISTINCT stream), count(*), {position} FROM {{table}}"  # noqa: S608  # as above
        streams, events, position = self._run(counted)[0]
        return StoreStatus(streams, events, position, self._conflicts, self._loaded)

    def writer(self) -> psycopg.Connection:
        """Return one more client, for somebody who writes by hand; whoever asks closes it."""
        return self._shared.open_client()

    def _run(self, sql: str, given: Any = None) -> list[tuple[Any, ...]]:
        return self._shared.run(sql.format(table=self.table), given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._shared.remove(self.schema)


def _recorded(row: tuple[Any, ...]) -> Recorded:
    stream, version, position, command, kind, schema, data = row
    return Recorded(stream, version, position, command, Written(kind, schema, bytes(data)))
