"""Can a table be a queue? In PostgreSQL it can: `SELECT … FOR UPDATE SKIP LOCKED`.

A worker begins a transaction, takes the first row that nobody has locked, works, deletes it and commits. The lock is
the loan: it has no timeout, for it ends with the connection, so a worker that dies gives its job back in that moment,
and one that hangs keeps it as long as its connection lives. What the worker writes into the same database commits with
the deletion: once, in effect.

The queue promises
------------------
1. No two workers hold the same job at a time, and none waits for another.
2. A job leaves by `done` only. A worker whose connection ends before that leaves it to the next.

Cost: a connection held open for each worker while it works, and a dead row a job for VACUUM to sweep.

Sources: PostgreSQL 18 documentation, SELECT, "The Locking Clause".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import psycopg

from dsys_lab.engines.postgres.connection import Connection, ask, connection
from dsys_lab.errors import BadParameter, Misuse

BODY_MAX: int = 100_000


class Job(NamedTuple):
    """A row of the queue."""

    number: int
    body: str


@dataclass(frozen=True, slots=True)
class JobQueueStatus:
    """How many jobs stand in the table, and how many of them somebody holds."""

    kept: int
    held: int


class JobQueue:
    """A table whose rows are jobs.

    Parameters
    ----------
    shared : Connection, optional
        By default this process's own.
    """

    def __init__(self, shared: Connection | None = None) -> None:
        self._shared = shared or connection()
        self.schema = self._shared.make_schema()
        self.table = f"{self.schema}.jobs"
        self._workers: list[JobWorker] = []
        self._shared.made(self.schema, self._end)
        self._shared.run(f"CREATE TABLE {self.table} (number bigserial PRIMARY KEY, body text NOT NULL)")

    def send(self, body: str) -> int:
        """Add a job, and return its number."""
        if not isinstance(body, str) or len(body) > BODY_MAX:
            raise BadParameter(f"body = {body!r:.40}: give a text of up to {BODY_MAX:,} characters")
        sql = f"INSERT INTO {self.table} (body) VALUES (%s) RETURNING number"  # noqa: S608  # a name of ours
        return int(self._shared.run(sql, (body,))[0][0])

    def worker(self) -> JobWorker:
        """Return one more worker, with a connection of its own."""
        self._workers.append(JobWorker(self._shared.open_client(), self.table))
        return self._workers[-1]

    def status(self) -> JobQueueStatus:
        """Count the jobs, and those that are held: who skips what is locked sees the others.

        Looking locks what it sees, for a moment in which no worker finds anything.
        """
        (kept,) = self._shared.run(f"SELECT count(*) FROM {self.table}")[0]  # noqa: S608  # a name of ours
        free = self._shared.run(f"SELECT number FROM {self.table} FOR UPDATE SKIP LOCKED")  # noqa: S608  # a name of ours
        return JobQueueStatus(int(kept), int(kept) - len(free))

    def close(self) -> None:
        """End the workers, and drop the table."""
        self._shared.remove(self.schema)

    def _end(self) -> None:
        for worker in self._workers:
            worker.die()
        self._shared.run(f"DROP SCHEMA {self.schema} CASCADE")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class JobWorker:
    """One worker: a connection, and the job that it holds."""

    def __init__(self, client: psycopg.Connection, table: str) -> None:
        self._client, self._table = client, table
        self.job: Job | None = None

    def take(self) -> Job | None:
        """Take the first job that nobody holds; None if there is none.

        Raises
        ------
        Misuse
            If it holds one already, or died.
        """
        self._require(holds=False)
        ask(self._client, "BEGIN")
        first = f"SELECT number, body FROM {self._table} ORDER BY number LIMIT 1"  # noqa: S608  # a name of ours
        rows = ask(self._client, f"{first} FOR UPDATE SKIP LOCKED")
        if not rows:
            ask(self._client, "ROLLBACK")
            return None
        self.job = Job(*rows[0])
        return self.job

    def done(self) -> None:
        """Let the job go for good, with all that was written in its transaction."""
        self._require(holds=True)
        assert self.job is not None
        ask(self._client, f"DELETE FROM {self._table} WHERE number = %s", (self.job.number,))  # noqa: S608  # a name of ours
        ask(self._client, "COMMIT")
        self.job = None

    def die(self) -> None:
        """End the connection, whatever it holds."""
        self._client.close()
        self.job = None

    def _require(self, *, holds: bool) -> None:
        if self._client.closed:
            raise Misuse("this worker died: take another one from the queue")
        if holds and self.job is None:
            raise Misuse("this worker holds no job: take one")
        if not holds and self.job is not None:
            raise Misuse(f"this worker holds job {self.job.number}: say done, or let it die")
