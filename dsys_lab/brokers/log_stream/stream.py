"""The verbs of a log stream: put, read from a position, split and merge, keep for a while.

Two things are worth a look. *One sync serves a call*: `put_many` writes all its records, and only then waits, once for
each shard that it touched; with a lazier `fsync` it waits for nobody, and many calls share one sync (group commit). And
*a reader is nowhere in the stream*: a position is a value in the reader's hand, so a thousand readers, or one who reads
all again, leave no mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dsys_lab.brokers.log_stream.admission import READ_MAX_BYTES
from dsys_lab.brokers.log_stream.answers import Page, ShardIterator, ShardStatus, Status, Stored, Throttled
from dsys_lab.brokers.log_stream.key_ranges import hash_of
from dsys_lab.brokers.log_stream.settings import Entry, Settings, require_batch
from dsys_lab.brokers.log_stream.shard_map import Shard
from dsys_lab.brokers.log_stream.shards import Shards, Told
from dsys_lab.errors import BadParameter, Refused, require_choice
from dsys_lab.facts import fact
from dsys_lab.structures import EVERY_RECORD, Disk, Fsync
from dsys_lab.trace import NO_TRACE, Recorder

KINDS: Final = ("TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP")
READ_MAX_RECORDS: Final = int(fact("kinesis_read_max_records").value)


class LogStream:
    """Records in shards, on disk, kept for a while, read from any position by anybody.

    Parameters
    ----------
    place : str
        The name under which its rows appear; those of a shard appear under `place/shard`.
    disk : Disk
        Where its files are. If there is a stream already, this is it.
    settings : Settings, optional
        Of a new stream. An old one has its own; other ones are refused.
    fsync : Fsync
        When records are made durable. A record is acknowledged and read only once it is.
    segment_bytes : int
        How large a segment of a shard becomes; whole segments are taken away.
    recorder : Recorder
        Where its rows go.
    told : mapping, optional
        What the rows have said so far, as the stream that died had it in `told`: what was durable and not yet told is
        told now. Without it all that is found counts as told.
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If a record that was durable is broken or missing.

    Examples
    --------
    >>> from dsys_lab.structures import VolatileDisk
    >>> disk = VolatileDisk()
    >>> stream = LogStream("nights", disk, Settings(shards=2))
    >>> stream.put(0, Entry("m1", "anna", b"fell asleep"))
    Stored(shard='shard-001', sequence=0)
    >>> disk.crash(chance=lambda: 0.9)                  # the power goes
    >>> stream = LogStream("nights", disk)
    >>> page = stream.read(5, stream.iterator(5, "shard-001", "TRIM_HORIZON"))
    >>> [(record.sequence, record.key, record.data) for record in page.records]
    [(0, 'anna', b'fell asleep')]
    """

    def __init__(
        self,
        place: str,
        disk: Disk,
        settings: Settings | None = None,
        *,
        fsync: Fsync = EVERY_RECORD,
        segment_bytes: int = 1 << 20,
        recorder: Recorder = NO_TRACE,
        told: Mapping[str, Told] | None = None,
        now_us: int = 0,
    ) -> None:
        self.place, self.recorder = place, recorder
        self._put = self._throttled = 0
        self._shards = Shards(
            place, disk, settings, fsync=fsync, segment_bytes=segment_bytes, recorder=recorder, told=told, now_us=now_us
        )
        if settings is not None and settings != self.settings:
            raise BadParameter(f"settings: {place} was made with {self.settings}; give those, or none")

    @property
    def settings(self) -> Settings:
        """What the stream was made with."""
        return self._shards.map.settings

    @property
    def told(self) -> dict[str, Told]:
        """By shard, what the rows have said so far."""
        return {name: Told(log.first, log.told) for name, log in self._shards.logs.items()}

    # ------------------------------------------------------------ write path
    def put(self, now_us: int, entry: Entry) -> Stored | Throttled:
        """Write one record, and say where it lies.

        Returns
        -------
        Stored or Throttled
            With `fsync=EVERY_RECORD` what is stored is durable; otherwise once `is_durable` says so.

        Raises
        ------
        BadParameter
            If no stream with these settings takes it.
        MayHaveHappened
            If the disk failed.
        """
        [answer] = self.put_many(now_us, [entry])
        return answer

    def put_many(self, now_us: int, entries: Iterable[Entry]) -> list[Stored | Throttled]:
        """Write up to 500 records; each is stored or throttled for itself, and one sync a shard serves them all."""
        batch = list(entries)
        require_batch(batch)
        for entry in batch:
            self.settings.require_entry(entry)
        self._shards.reach(now_us)
        answers = [self._put_one(now_us, entry) for entry in batch]
        self._shards.settle(sorted({answer.shard for answer in answers}))
        return answers

    def _put_one(self, now_us: int, entry: Entry) -> Stored | Throttled:
        shards, hashed = self._shards, hash_of(entry.key) if entry.hash_key is None else entry.hash_key
        name = shards.map.of_hash(hashed).name
        if what := shards.gates[name].write(now_us, entry.size_bytes):
            self._throttled += 1
            place, message, copy = shards.place_of(name), entry.message, entry.copy
            self.recorder.emit(now_us, "reject", place, message, why=f"over its {what}", copy=copy, key=entry.key)
            return Throttled(name, what)
        self._put += 1
        return Stored(name, shards.logs[name].append(now_us, entry))

    def is_durable(self, stored: Stored) -> bool:
        """Whether no crash can take it: only then tell the producer."""
        return stored.sequence < self._shards.log(stored.shard).durable

    def sync(self, now_us: int) -> None:
        """Make all that was put durable."""
        self._shards.reach(now_us)
        for log in self._shards.logs.values():
            self._shards.sync(log)

    # ------------------------------------------------------------ read path
    def iterator(
        self, now_us: int, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None
    ) -> ShardIterator:
        """Return a position on a shard.

        Parameters
        ----------
        shard : str
        kind : str
            TRIM_HORIZON: the oldest record there is; LATEST: behind the newest; AT_SEQUENCE_NUMBER and
            AFTER_SEQUENCE_NUMBER: at or behind record `sequence`; AT_TIMESTAMP: the first that did not come before
            `at_us`.
        """
        require_choice("kind", kind, KINDS)
        if ("SEQUENCE" in kind) != (sequence is not None) or (kind == "AT_TIMESTAMP") != (at_us is not None):
            raise BadParameter(
                f"{kind}, sequence = {sequence}, at_us = {at_us}: give sequence with AT_ and AFTER_SEQUENCE_NUMBER, "
                "at_us with AT_TIMESTAMP, and neither with the others"
            )
        self._shards.reach(now_us)
        log, begin = self._shards.log(shard), self._shards.map.shard(shard).begin
        if sequence is not None and not begin <= sequence < log.durable:
            raise BadParameter(f"sequence = {sequence}: give {begin} to {log.durable - 1}, what {shard} has had")
        position = {"TRIM_HORIZON": log.first, "LATEST": log.durable}.get(kind)
        if position is None and sequence is not None:
            position = sequence + (kind == "AFTER_SEQUENCE_NUMBER")
        elif position is None:
            position = min(log.durable, log.first_since(at_us or 0))
        return ShardIterator(shard, position, now_us)

    def read(
        self,
        now_us: int,
        iterator: ShardIterator,
        *,
        limit: int = READ_MAX_RECORDS,
        to: str = "reader",
        arrive_us: int | None = None,
    ) -> Page | Throttled:
        """Return the next records of a shard. It changes nothing there, so anybody may read anything again.

        Parameters
        ----------
        iterator : ShardIterator
        limit : int
            At most so many records; 10 MiB of them at most.
        to, arrive_us : str, int
            Who reads, and when the answer will be there: for the rows only.

        Raises
        ------
        Refused
            If the iterator has expired.
        """
        self._require_readable(now_us, iterator, limit)
        if what := self._shards.gates[iterator.shard].read(now_us):
            self._throttled += 1
            self.recorder.emit(now_us, "throttle", self._shards.place_of(iterator.shard), what=what, source=to)
            return Throttled(iterator.shard, what)
        page, size_bytes, full = self._page(iterator, limit, READ_MAX_BYTES)
        self._shards.gates[iterator.shard].was_read(now_us, size_bytes, full=full)
        self.tell_read(page, iterator.shard, to=to, arrive_us=arrive_us)
        return page

    def push(self, now_us: int, iterator: ShardIterator, *, bytes_max: int) -> tuple[Page, int]:
        """Return the next records for a subscriber, who has bandwidth of its own, and their bytes of key and data."""
        self._shards.reach(now_us)
        page, size_bytes, _ = self._page(iterator, READ_MAX_RECORDS, bytes_max)
        return page, size_bytes

    def tell_read(self, page: Page, shard: str, *, to: str, arrive_us: int | None = None) -> None:
        """Write the row of what somebody read; nothing was read, no row."""
        if page.records:
            self.recorder.emit(
                self._shards.now_us, "read", to, shard=self._shards.place_of(shard), first=page.records[0].sequence,
                count=len(page.records), behind_us=page.behind_us,
                arrive_us=self._shards.now_us if arrive_us is None else arrive_us,
            )  # fmt: skip

    def _page(self, iterator: ShardIterator, limit: int, bytes_max: int) -> tuple[Page, int, bool]:
        log, shard = self._shards.log(iterator.shard), self._shards.map.shard(iterator.shard)
        first = max(iterator.sequence, log.first)
        run = log.read(first, limit, bytes_max)
        position = first + len(run.records)
        unread = next(iter(log.kept(position, min(position + 1, log.durable))), None)
        is_over = not shard.is_open and position >= log.durable
        page = Page(
            run.records,
            None if is_over else ShardIterator(shard.name, position, self._shards.now_us),
            0 if unread is None else self._shards.now_us - unread[1].arrived_us,
            first - iterator.sequence,
            self._shards.map.children(shard.name) if is_over else (),
        )
        return page, run.size_bytes, run.full

    def _require_readable(self, now_us: int, iterator: ShardIterator, limit: int) -> None:
        if not 1 <= limit <= READ_MAX_RECORDS:
            raise BadParameter(f"limit = {limit!r}: give 1 to {READ_MAX_RECORDS:,}")
        self._shards.reach(now_us)
        log = self._shards.log(iterator.shard)
        if not self._shards.map.shard(iterator.shard).begin <= iterator.sequence <= log.durable:
            raise BadParameter(f"{iterator}: {iterator.shard} has had records up to {log.durable - 1}; ask for another")
        age_s = (now_us - iterator.made_us) / 1e6
        if age_s > self.settings.iterator_life_s:
            raise Refused(f"the iterator is {age_s:,.0f} s old, above {self.settings.iterator_life_s:,.0f}: ask anew")

    # ------------------------------------------------------------ shards
    def split(self, now_us: int, shard: str, at: int | None = None) -> tuple[str, str]:
        """Close a shard and open two: hashes below `at` (its middle) go to the first. Return their names."""
        self._shards.reach(now_us)
        parent = self._shards.map.open_shard(shard)
        below, above = parent.keys.split(parent.keys.middle if at is None else at)
        first, second = self._shards.replace("split", [parent], [below, above])
        return first, second

    def merge(self, now_us: int, shard: str, neighbour: str) -> str:
        """Close two shards whose ranges touch and open one for both; return its name."""
        self._shards.reach(now_us)
        parents = [self._shards.map.open_shard(shard), self._shards.map.open_shard(neighbour)]
        [child] = self._shards.replace("merge", parents, [parents[0].keys.joined(parents[1].keys)])
        return child

    def set_retention(self, now_us: int, retention_s: float) -> None:
        """Keep records for so long from now on. What was too old before does not come back."""
        self._shards.reach(now_us)
        self._shards.set_retention(retention_s)

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> None:
        """Do what has become due: sync, and let go of what is too old."""
        self._shards.reach(now_us)
        self._shards.settle(self._shards.logs)

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed."""
        return self._shards.deadline_us()

    def shards(self) -> tuple[ShardStatus, ...]:
        """Return the shards, open and closed, oldest first."""
        return tuple(self._status(shard) for shard in self._shards.map.shards.values())

    def status(self) -> Status:
        """Return the shards, and the books."""
        shards = self.shards()
        stored = sum(shard.durable - shard.first for shard in shards)
        retention_s, expired = self._shards.map.retention_s, self._shards.expired
        return Status(shards, retention_s, stored, self._put, self._throttled, expired)

    def _status(self, shard: Shard) -> ShardStatus:
        log, shard_map = self._shards.logs[shard.name], self._shards.map
        files = log.log.status()
        parents = tuple(parent for parent in shard.parents if parent in shard_map.shards)
        return ShardStatus(
            shard.name, shard.keys, parents, shard_map.children(shard.name), log.first, log.end, log.durable,
            shard.is_open, files.segments, files.size_bytes,
        )  # fmt: skip
