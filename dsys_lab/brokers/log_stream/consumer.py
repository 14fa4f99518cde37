"""What does a worker do, so that every record is worked on although workers die?

Turn by turn: it shows a sign of life, takes a shard if it has less than its share, and on each shard of its own it
reads a page, works the records off in order, and writes down how far it came. Where it crashes, the next owner begins
behind the last checkpoint. So with the *effect first* and the checkpoint after it every record is worked on at least
once, and up to `checkpoint_every` of them twice; with the *commit first* none twice, and as many perhaps never.

A worker is a generator: `turn` yields a `Step` after each thing that it did, and is sent the time at which it goes on.
A driver that never goes on is a crash at that very place; one that goes on late is a worker that froze. ::

    steps = worker.turn(now_us)
    step = next(steps)                      # Step(what='lease', shard='shard-000', sequence=None)
    step = steps.send(now_us + 1_000)       # ... until StopIteration; `finish` does it to the end

==========  ========================================================================================================
step        what has just happened
==========  ========================================================================================================
lease       it took a shard
lost        a shard is another's now, or gone, or its lease may be over by the worker's own clock
read        it read a page with records
throttled   the shard was over its limit for reads
start       it is about to carry a record out, and believes that the shard is its own
effect      it carried it out
commit      the checkpoint is written
done        the shard is closed and worked up
==========  ========================================================================================================

Who froze between `start` and the effect acts on a shard that may be another's by now: no look at a clock helps against
that, only a sink that refuses an effect whose lease has a lower `epoch` than one it has seen. The effect is given its
lease for that.

Sources: Amazon Kinesis Data Streams Developer Guide, "KCL concepts", "Handle duplicate records"; Kleppmann, "How to do
distributed locking", 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from dsys_lab.brokers.log_stream.answers import Page, Record, ShardIterator, ShardStatus, Throttled
from dsys_lab.brokers.log_stream.assignment import may_begin, next_to_take
from dsys_lab.brokers.log_stream.leases import Lease, LeaseTable
from dsys_lab.errors import Misuse, Refused, require_choice, require_not_negative, require_positive

ORDERS: Final = ("effect first", "commit first")
Effect = Callable[[int, Record, Lease], object]
"""(now_us, record, the lease under which it is carried out)."""


class Readable(Protocol):
    """What a worker asks of a stream: `LogStream` itself, or what speaks to one over a network."""

    def shards(self) -> Sequence[ShardStatus]:
        """Return the shards, oldest first."""

    def iterator(
        self, now_us: int, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None
    ) -> ShardIterator:
        """Return a position on a shard."""

    def read(self, now_us: int, iterator: ShardIterator, *, limit: int = 10_000, to: str = "") -> Page | Throttled:
        """Return the next records of a shard."""


class Step(NamedTuple):
    """Something that a worker has just done; see the table above."""

    what: str
    shard: str
    sequence: int | None = None


Steps = Generator[Step, int, int]
"""Yields what was done, is sent the time, returns the time at its end."""


def finish(steps: Steps, now_us: int, *, step_us: int = 0) -> list[Step]:
    """Let a worker go on to the end of its turn, each step `step_us` after the one before; return the steps."""
    done = list[Step]()
    try:
        step = next(steps)
        while True:
            done.append(step)
            now_us += step_us
            step = steps.send(now_us)
    except StopIteration:
        return done


@dataclass(slots=True)
class _Held:
    """A shard that this worker believes to own."""

    lease: Lease
    renewed_us: int
    iterator: ShardIterator | None = None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a worker holds and did.

    Attributes
    ----------
    shards : tuple of str
    effects, commits, reads, throttled : int
    missed : int
        Records that were too old before this worker came to read them.
    """

    shards: tuple[str, ...]
    effects: int
    commits: int
    reads: int
    throttled: int
    missed: int


class Consumer:
    """One worker of a group that shares a lease table.

    Parameters
    ----------
    name : str
        Under which it stands in the table and in the rows. No two at a time may share one; who comes back under its
        old name takes its shards anew, with a higher epoch.
    stream : Readable
    table : LeaseTable
        The group's.
    effect : callable
        `(now_us, record, lease)`: what is to be done with a record.
    lease_s : float
        After so long without a sign of life a worker is taken for dead.
    checkpoint_every : int
        After so many records of a page it writes down how far it came, and at the end of each page.
    order : str
        "effect first" or "commit first".
    since_us : int
        Records that came before are not this group's: 0 reads all that is kept, the present only what is new.
    page_records : int
        At most so many at a read.
    parents_first : bool
        Whether a child waits for its parents. Off it shows what goes wrong.
    looks_at_its_clock : bool
        Whether it lets go of a shard for which it has shown no sign of life for `lease_s`.

    Examples
    --------
    >>> from dsys_lab.brokers.log_stream import Entry, LogStream
    >>> from dsys_lab.structures import VolatileDisk
    >>> stream, table = LogStream("nights", VolatileDisk()), LeaseTable("billing", VolatileDisk())
    >>> stream.put(0, Entry("m1", "anna"))
    Stored(shard='shard-000', sequence=0)
    >>> worker = Consumer("w1", stream, table, lambda now_us, record, lease: print(record.message, lease.epoch))
    >>> [step.what for step in finish(worker.turn(5), 5)]
    m1 1
    ['lease', 'read', 'start', 'effect', 'commit']
    """

    def __init__(
        self,
        name: str,
        stream: Readable,
        table: LeaseTable,
        effect: Effect,
        *,
        lease_s: float = 10,
        checkpoint_every: int = 100,
        order: str = "effect first",
        since_us: int = 0,
        page_records: int = 10_000,
        parents_first: bool = True,
        looks_at_its_clock: bool = True,
    ) -> None:
        require_choice("order", order, ORDERS)
        require_positive(lease_s=lease_s, checkpoint_every=checkpoint_every, page_records=page_records)
        require_not_negative(since_us=since_us)
        self.name, self.order, self.checkpoint_every = name, order, checkpoint_every
        self._stream, self._table, self._effect = stream, table, effect
        self._lease_us, self._since_us, self._page_records = int(lease_s * 1e6), since_us, page_records
        self._parents_first, self._looks_at_its_clock = parents_first, looks_at_its_clock
        self._is_at_work = False
        self._held: dict[str, _Held] = {}
        self._heard: dict[str, tuple[int, int]] = {}  # by shard: beats, and when they were seen first
        self._counts = {"effects": 0, "commits": 0, "reads": 0, "throttled": 0, "missed": 0}

    def status(self) -> WorkerStatus:
        """Return what it holds and did."""
        return WorkerStatus(tuple(sorted(self._held)), **self._counts)

    def turn(self, now_us: int) -> Steps:
        """Show a sign of life, take a shard if one is due, and work a page of each shard off.

        Raises
        ------
        Misuse
            If the turn before is not over: a worker does one thing at a time.
        """
        if self._is_at_work:
            raise Misuse(f"the last turn of {self.name} is not over: go on with it, or close it")
        self._is_at_work = True
        try:
            now_us = yield from self._keep_leases(now_us)
            now_us = yield from self._take_one(now_us)
            for shard in sorted(self._held):
                now_us = yield from self._work(now_us, shard)
        finally:
            self._is_at_work = False
        return now_us

    # ------------------------------------------------------------ leases
    def _keep_leases(self, now_us: int) -> Steps:
        for shard in sorted(self._held):
            if self._is_over(now_us, shard) or not self._write(now_us, shard, self._held[shard].lease.beaten()):
                now_us = yield self._lose(shard)
        return now_us

    def _take_one(self, now_us: int) -> Steps:
        """Take the lease that the policy names, if it is still as the table said."""
        shards = {shard.name: shard for shard in self._stream.shards()}
        leases = {lease.shard: lease for lease in self._table.leases()}
        for shard in shards.keys() - leases.keys():
            self._table.write_if(now_us, Lease(shard), seen=None)
        for shard in leases.keys() - shards.keys():  # its last record was too old
            self._table.remove_if(now_us, leases[shard])
        leases = {lease.shard: lease for lease in self._table.leases()}
        ready = [
            name for name, shard in shards.items() if not self._parents_first or may_begin(shard, leases)
        ]
        wanted = next_to_take(
            self.name, leases.values(), ready=ready, silent=self._silent(now_us, list(leases.values()))
        )
        if wanted is not None and self._table.write_if(now_us, taken := wanted.taken_by(self.name), seen=wanted):
            self._held[wanted.shard] = _Held(taken, now_us)
            now_us = yield Step("lease", wanted.shard, wanted.checkpoint)
        return now_us

    def _silent(self, now_us: int, leases: list[Lease]) -> list[str]:
        """Return what has shown no sign of life for the length of a lease, by our own clock, and what we let go."""
        self._heard = {
            lease.shard: before
            if (before := self._heard.get(lease.shard)) and before[0] == lease.beats
            else (lease.beats, now_us)
            for lease in leases
        }
        return [
            lease.shard
            for lease in leases
            if lease.shard not in self._held
            and (lease.owner == self.name or now_us - self._heard[lease.shard][1] >= self._lease_us)
        ]

    def _write(self, now_us: int, shard: str, lease: Lease) -> bool:
        """Write a row of ours; whether it still was."""
        held = self._held[shard]
        if not self._table.write_if(now_us, lease, seen=held.lease):
            return False
        held.lease, held.renewed_us = lease, now_us
        return True

    def _is_over(self, now_us: int, shard: str) -> bool:
        return self._looks_at_its_clock and now_us - self._held[shard].renewed_us >= self._lease_us

    def _lose(self, shard: str) -> Step:
        del self._held[shard]
        return Step("lost", shard)

    # ------------------------------------------------------------ work
    def _work(self, now_us: int, shard: str) -> Steps:
        page = self._read(now_us, shard)
        if not isinstance(page, Page):
            return (yield self._lose(shard) if page is None else Step("throttled", shard))
        self._counts["missed"] += page.skipped
        if page.records:
            now_us = yield Step("read", shard, page.records[0].sequence)
        for start in range(0, len(page.records), self.checkpoint_every):
            now_us = yield from self._work_off(now_us, shard, page.records[start : start + self.checkpoint_every])
            if shard not in self._held:
                return now_us
        self._held[shard].iterator = page.next
        if page.next is None:
            lease = replace(self._held[shard].lease, done=True)
            done = self._write(now_us, shard, lease)
            self._lose(shard)
            now_us = yield Step("done" if done else "lost", shard)
        return now_us

    def _read(self, now_us: int, shard: str) -> Page | Throttled | None:
        """Read on. An iterator that has expired is made anew; None: the shard is gone."""
        held = self._held[shard]
        try:
            position = held.iterator or self._position(now_us, held.lease)
            answer = self._stream.read(now_us, position, limit=self._page_records, to=self.name)
        except Refused:
            if held.iterator is None:
                return None
            held.iterator = None
            return self._read(now_us, shard)
        self._counts["throttled" if isinstance(answer, Throttled) else "reads"] += 1
        return answer

    def _position(self, now_us: int, lease: Lease) -> ShardIterator:
        """Return the place behind the checkpoint."""
        if lease.checkpoint is None:
            return self._stream.iterator(now_us, lease.shard, "AT_TIMESTAMP", at_us=self._since_us)
        return self._stream.iterator(now_us, lease.shard, "AFTER_SEQUENCE_NUMBER", sequence=lease.checkpoint)

    def _work_off(self, now_us: int, shard: str, records: Sequence[Record]) -> Steps:
        """Carry records out and write down that it was done; or the other way round."""
        if self.order == "commit first":
            now_us = yield from self._commit(now_us, shard, records[-1].sequence)
        for record in records:
            if shard not in self._held:
                return now_us
            if self._is_over(now_us, shard):
                return (yield self._lose(shard))
            lease = self._held[shard].lease
            now_us = yield Step("start", shard, record.sequence)
            self._effect(now_us, record, lease)
            self._counts["effects"] += 1
            now_us = yield Step("effect", shard, record.sequence)
        if self.order == "effect first":
            now_us = yield from self._commit(now_us, shard, records[-1].sequence)
        return now_us

    def _commit(self, now_us: int, shard: str, sequence: int) -> Steps:
        if not self._write(now_us, shard, self._held[shard].lease.worked_up(sequence)):
            return (yield self._lose(shard))
        self._counts["commits"] += 1
        return (yield Step("commit", shard, sequence))
