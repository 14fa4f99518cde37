"""How does a query live on after its machine has died?

It does not remember what it did; it does it again. Every so many records a *checkpoint* is written: the position in the
log that it reads, and all that the query remembers at that position, in one record. After a crash the last whole
checkpoint is read, and the log from its position on (which must still have it). The query meets the same rows in the
same order and so says the same changes; that they are not there twice is the sink's part.

A barrier between records is enough here, for one operator tree on one machine sees all records in one order. Where
operators run on many machines, the barrier travels with the records (Chandy and Lamport's snapshot).

Promise: after a crash at any step and a restart, the rows in a two-phase or an upsert sink are those of a run without a
crash; in a plain sink there are more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsys_lab.dataflows.streaming_sql.changes import Change
from dsys_lab.dataflows.streaming_sql.packing import packed, unpacked
from dsys_lab.dataflows.streaming_sql.query import Query
from dsys_lab.dataflows.streaming_sql.sinks import Sink
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How far a job is.

    Attributes
    ----------
    position : int
        The record that it wants next.
    checkpoint : int
        The number of its last durable checkpoint; 0 for none.
    checkpoint_position : int
        From where it would read on after a crash.
    checkpoint_bytes : int
        The size of its last checkpoint.
    """

    position: int
    checkpoint: int
    checkpoint_position: int
    checkpoint_bytes: int


class Job:
    """A query that reads a log and writes a sink, and survives a crash.

    Parameters
    ----------
    query : Query
        Fresh: what it remembers is read from the last checkpoint.
    disk : Disk
        Where checkpoints are; the job may not share it with another.
    sink : Sink
    every : int
        Records between two checkpoints.
    """

    def __init__(
        self, query: Query, disk: Disk, sink: Sink, *, every: int, now_us: int = 0, place: str = "job",
        recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        require_positive(every=every)
        self.query, self.sink, self.every = query, sink, every
        self.place, self.recorder = place, recorder
        self._log = AppendLog(disk, place=f"{place}/checkpoints", now_us=now_us)
        self.position = self._number = self._safe = self._bytes = 0
        for record in self._log.read():
            self._bytes = len(record.payload)
            self._number, self._safe, state = unpacked(record.payload)
        if self._number:
            self.position = self._safe
            query.restore(state)
            recorder.emit(now_us, "restart", place)
        sink.recover(now_us, self._number)

    def on_record(
        self, now_us: int, position: int, table: str, row: Mapping[str, Any] | Sequence[Any]
    ) -> list[Change]:
        """Take in the record at a position of the log; return what changed by it.

        Raises
        ------
        BadParameter
            If it is not the record that comes next.
        """
        if position != self.position:
            raise BadParameter(f"position = {position}: give record {self.position}, which comes next")
        changes = self.query.on_row(now_us, table, row)
        self.sink.write(now_us, changes)
        self.position += 1
        if self.position % self.every == 0:
            self.checkpoint(now_us)
        return changes

    def finish(self, now_us: int) -> list[Change]:
        """Come to the end of a bounded log: say all that waits, and show it."""
        changes = self.query.finish(now_us)
        self.sink.write(now_us, changes)
        self.checkpoint(now_us)
        return changes

    def checkpoint(self, now_us: int) -> None:
        """Make durable what came out so far, then the position and the state, then show what came out."""
        number = self._number + 1
        self.sink.prepare(now_us, number)
        payload = packed((number, self.position, self.query.snapshot()))
        lsn = self._log.append(now_us, payload)
        self._log.roll(now_us)  # a closed segment has no torn tail: damage will not be taken for one
        self._number, self._safe, self._bytes = number, self.position, len(payload)
        self.recorder.emit(now_us, "commit", self.place, shard="input", offset=self.position)
        self.sink.commit(now_us, number)
        self._log.drop_before(lsn)

    def status(self) -> JobStatus:
        """Return how far it is."""
        return JobStatus(self.position, self._number, self._safe, self._bytes)
