"""The verbs of a delivery stream: put, and hand out what is to be delivered.

The stream delivers nothing itself. `attempts` says which objects are to be put where; whoever can put them says
`delivered` or `failed`. So the same stream fills a folder, a bucket, a warehouse, or a picture. Every change is first
in the journal, then in memory, then told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from dsys_lab.brokers.delivery_stream import crates
from dsys_lab.brokers.delivery_stream.answers import Accepted, Attempt, Status, Throttled
from dsys_lab.brokers.delivery_stream.crates import DELIVERED, NOWHERE, Buffer, Crate, Kept
from dsys_lab.brokers.delivery_stream.formats import AS_THEY_ARE, Format
from dsys_lab.brokers.delivery_stream.journal import AttemptEntry, OverEntry
from dsys_lab.brokers.delivery_stream.ledger import Ledger
from dsys_lab.brokers.delivery_stream.sealing import sealed
from dsys_lab.brokers.delivery_stream.settings import Entry, Settings, require_batch
from dsys_lab.brokers.delivery_stream.transforms import Failed, Fate, Given, Transform, as_it_came, fates
from dsys_lab.errors import Misuse
from dsys_lab.structures import Disk
from dsys_lab.structures.token_bucket import TokenBucket, take_of_all
from dsys_lab.trace import NO_TRACE, Recorder

PartitionBy: TypeAlias = Callable[[bytes], str]


class DeliveryStream:
    """Records in, few large objects out.

    Parameters
    ----------
    place : str
        The name under which its rows appear: a buffer, and what it is sealed into, at `place/partition`; a crate that
        came back at `place/held`.
    disk : Disk
        Where its journal is. If there is one already, the stream takes up where it ended.
    settings : Settings, optional
    transform : Transform
        What becomes of the records of a sealed buffer.
    form : Format
        How they become the bytes of an object.
    partition_by : callable, optional
        bytes -> str: the folder of a record; each has a buffer of its own. Without it the folder is the hour.
    segment_bytes : int
        How large a segment of the journal becomes; whole segments are taken away.
    recorder : Recorder
        Where its rows go.
    told_lsn : int, optional
        Entries from here on were durable when the power went, but not told: they are told now. Who watches a crash from
        outside passes on the `told_lsn` of the stream that died.
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If the journal is not what was written.

    Examples
    --------
    >>> from dsys_lab.structures import VolatileDisk
    >>> stream = DeliveryStream("nights", VolatileDisk(), Settings(size_bytes=12, interval_s=60))
    >>> stream.put(0, Entry("m1", b"anna 7"))
    Accepted(message='m1', number=0)
    >>> stream.put(1_000_000, Entry("m2", b"bert 6"))
    Accepted(message='m2', number=1)
    >>> [attempt] = stream.attempts(1_000_000)
    >>> attempt.key, attempt.data
    ('2026/11/02/06/nights-1-2026-11-02-06-00-00-000002-1', b'anna 7bert 6')
    >>> stream.delivered(2_000_000, attempt.number)
    >>> stream.status().delivered
    2
    """

    def __init__(
        self,
        place: str,
        disk: Disk,
        settings: Settings | None = None,
        *,
        transform: Transform = as_it_came,
        form: Format = AS_THEY_ARE,
        partition_by: PartitionBy | None = None,
        segment_bytes: int = 1 << 20,
        recorder: Recorder = NO_TRACE,
        told_lsn: int | None = None,
        now_us: int = 0,
    ) -> None:
        self.place, self.settings, self.recorder = place, settings or Settings(), recorder
        self._transform, self._form, self._partition_by = transform, form, partition_by
        self._now_us = now_us
        self._ledger = Ledger(
            place, disk, segment_bytes=segment_bytes, recorder=recorder, told_lsn=told_lsn, now_us=now_us
        )
        limits = self.settings.limits
        self._gates = {} if limits is None else {
            "records": TokenBucket(rate=limits.records, burst=max(1, limits.records)),
            "bytes": TokenBucket(rate=limits.bytes, burst=max(1, limits.bytes)),
        }  # fmt: skip
        self._out: dict[int, Crate] = {}
        self._books = Counter[str]()
        for crate in self._ledger.crates.values():
            if crate.attempt:  # it was out when the power went
                self._hold(crate)
        self._seal_due()

    @property
    def told_lsn(self) -> int:
        """The rows of all entries of the journal below it have been told."""
        return self._ledger.told_lsn

    # ------------------------------------------------------------ write path
    def put(self, now_us: int, entry: Entry) -> Accepted | Throttled:
        """Take one record; what is accepted is durable.

        Raises
        ------
        BadParameter
            If no stream takes it.
        MayHaveHappened
            If the disk failed.
        """
        [answer] = self.put_many(now_us, [entry])
        return answer

    def put_many(self, now_us: int, entries: Iterable[Entry]) -> list[Accepted | Throttled]:
        """Take up to 500 records; each is accepted or throttled for itself, and one sync serves them all."""
        batch = list(entries)
        require_batch(batch)
        self._reach(now_us)
        answers, kept = list[Accepted | Throttled](), list[tuple[str, Kept]]()
        for entry in batch:
            if what := self._over_limit(now_us, len(entry.data)):
                answers.append(Throttled(entry.message, what))
                self.recorder.emit(now_us, "throttle", self.place, entry.message, what=what, copy=entry.copy)
            else:
                partition = self._partition(entry.data)
                kept.append((partition, self._ledger.write_record(now_us, entry, partition)))
                answers.append(Accepted(entry.message, kept[-1][1].number))
        self._ledger.sync(now_us)
        self._books.update(accepted=len(kept), throttled=len(batch) - len(kept))
        for partition, record in kept:
            self._ledger.fill(partition, record)
        for partition in dict(kept):
            while self._is_full(partition):
                self._seal(partition, "size")
        self._seal_due()
        return answers

    def _is_full(self, partition: str) -> bool:
        buffer = self._ledger.buffers.get(partition)
        return buffer is not None and buffer.size_bytes >= self.settings.size_bytes

    def _over_limit(self, now_us: int, size_bytes: int) -> str:
        """Take the record's tokens and return "", or say which limit turns it away."""
        return take_of_all(self._gates, now_us, {"records": 1, "bytes": size_bytes}) if self._gates else ""

    def _partition(self, data: bytes) -> str:
        """Return the folder of a record; `NOWHERE` if it has none."""
        if self._partition_by is None:
            return ""
        try:
            folder = self._partition_by(data)
        except Exception:  # noqa: BLE001  # a record whose folder cannot be told is set aside with the reason
            return NOWHERE
        return folder if type(folder) is str and folder.strip("/\0") else NOWHERE

    # ------------------------------------------------------------ sealing
    def _seal_due(self) -> None:
        """Seal the buffers whose oldest record has waited long enough."""
        for partition, buffer in list(self._ledger.buffers.items()):
            if self._full_at_us(buffer) <= self._now_us:
                self._seal(partition, "time")

    def _full_at_us(self, buffer: Buffer) -> int:
        return buffer.kept[0].arrived_us + round(self.settings.interval_s * 1e6)

    def _seal(self, partition: str, by: str) -> None:
        """Make crates of the oldest records of a buffer, one for each sort of what became of them."""
        records = self._ledger.buffers[partition].first(self.settings.size_bytes)
        given = [Given(record.number, self._ledger.data(record), record.arrived_us) for record in records]
        entries = sealed(partition, by, given, self._fates(partition, given), self._form)
        self._books["dropped"] += sum(len(entry.numbers) for entry in entries if isinstance(entry, OverEntry))
        self._ledger.write(self._now_us, entries)

    def _fates(self, partition: str, given: Sequence[Given]) -> dict[int, Fate]:
        if partition == NOWHERE:
            return {record.number: Failed("its partition cannot be told") for record in given}
        return fates(self._transform, given)

    # ------------------------------------------------------------ delivery
    def attempts(self, now_us: int, *, arrive_us: int | None = None) -> list[Attempt]:
        """Return the objects that are to be put somewhere now, each once: say of each what came of it.

        Parameters
        ----------
        arrive_us : int, optional
            When they will be there: for the rows only.
        """
        self._reach(now_us)
        due = [crate for crate in self._ledger.crates.values() if crate.due_us is not None and crate.due_us <= now_us]
        self._ledger.write(now_us, [AttemptEntry(crate.number) for crate in due])
        return [self._begun(crate, now_us if arrive_us is None else arrive_us) for crate in due]

    def _begun(self, crate: Crate, arrive_us: int) -> Attempt:
        packed = self._packed(crate)
        key = crate.key(self.place, self.settings, self._form.extension if crate.sort == DELIVERED else "")
        self.recorder.emit(
            self._now_us, "flush", self._ledger.stands_at(crate), self._ledger.name(crate), count=len(crate.kept),
            size_bytes=len(packed), by=crate.by, to=crate.to, attempt=crate.attempt, key=key, arrive_us=arrive_us,
        )  # fmt: skip
        self._out[crate.number], crate.due_us = crate, None
        self._books["repeated"] += crate.attempt > 1
        messages = tuple(record.message for record in crate.kept)
        return Attempt(crate.number, crate.to, key, packed, messages, crate.attempt)

    def _packed(self, crate: Crate) -> bytes:
        """Return the bytes of a crate's object; one that the format breaks off at is set aside."""
        data = [self._ledger.data(record) for record in crate.kept]
        if crate.sort == DELIVERED:
            try:
                return self._form.pack(data)
            except Exception as error:  # noqa: BLE001  # else no other crate would ever go out
                crate.set_aside(crates.FORMAT_FAILED, f"the format raised {type(error).__name__}: {error}")
        return crates.set_aside(crate, data, self.settings)

    def delivered(self, now_us: int, number: int) -> None:
        """Take it as said that the crate's object is durable where it belongs: its records are settled."""
        self._reach(now_us)
        crate = self._taken_back(number)
        how = "delivered" if crate.sort == DELIVERED else "set aside"
        self._books[how] += len(crate.kept)
        self._books["objects"] += 1
        self._ledger.settle(now_us, how, crate, crate.kept)

    def failed(self, now_us: int, number: int, why: str) -> None:
        """Take it as said that nobody knows of the object: the crate is tried again, or goes to the backup."""
        self._reach(now_us)
        crate, retry_s = self._taken_back(number), self.settings.retry_s
        self.recorder.emit(
            now_us, "fail", self._ledger.crate_place, self._ledger.name(crate), why=why, attempt=crate.attempt
        )
        if crate.failing_since_us is None:
            crate.failing_since_us = now_us
        crate.due_us = now_us + round(self.settings.pause_s * 1e6)
        if retry_s is not None and crate.sort == DELIVERED and now_us - crate.failing_since_us >= retry_s * 1e6:
            crate.set_aside(crates.DESTINATION_FAILED, why)
            crate.due_us = now_us
        self._hold(crate)
        self._reach(now_us)

    def _hold(self, crate: Crate) -> None:
        """Tell that a crate that was out stands here again."""
        self.recorder.emit(
            self._now_us, "held", self._ledger.crate_place, self._ledger.name(crate), attempt=crate.attempt,
            until_us=crate.due_us or self._now_us, sort=crate.sort,
        )  # fmt: skip

    def _taken_back(self, number: int) -> Crate:
        if number not in self._out:
            raise Misuse(f"crate {number} is not out: give one of {sorted(self._out)}, as `attempts` said")
        return self._out.pop(number)

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> None:
        """Do what has become due: seal by time, let go of what is too old."""
        self._reach(now_us)

    def deadline_us(self) -> int | None:
        """Return when `tick` or `attempts` is next needed."""
        waiting = [self._full_at_us(buffer) for buffer in self._ledger.buffers.values()]
        for crate in self._ledger.crates.values():
            if crate.due_us is not None:
                waiting += [crate.due_us, self._expires_us(crate.kept[0])]
        return min(waiting, default=None)

    def _expires_us(self, record: Kept) -> int:
        return record.arrived_us + round(self.settings.hold_s * 1e6)

    def _reach(self, now_us: int) -> None:
        """Do what time has done up to now."""
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} runs back behind {self._now_us}: ask in order of time")
        self._now_us = now_us
        self._seal_due()
        for crate in list(self._ledger.crates.values()):
            if crate.due_us is not None and self._expires_us(crate.kept[0]) <= now_us:
                too_old = [record for record in crate.kept if self._expires_us(record) <= now_us]
                self._books["expired"] += len(too_old)
                self._ledger.settle(now_us, "expired", crate, too_old)

    def waiting_since_us(self, partition: str = "") -> int | None:
        """Return when the oldest record came that is in the buffer of a partition; None if nothing is in it."""
        buffer = self._ledger.buffers.get(partition)
        return None if buffer is None else buffer.kept[0].arrived_us

    def status(self) -> Status:
        """Return where the records are, and the books."""
        filling = {partition.strip(NOWHERE): buffer.size_bytes for partition, buffer in self._ledger.buffers.items()}
        held, books = self._ledger.crates.values(), self._books
        came = [buffer.kept[0].arrived_us for buffer in self._ledger.buffers.values()]
        came += [crate.kept[0].arrived_us for crate in held]
        return Status(
            filling, sum(len(crate.kept) for crate in held), sum(crate.size_bytes for crate in held), len(held),
            min(came, default=None), books["accepted"], books["throttled"], books["delivered"], books["set aside"],
            books["dropped"], books["expired"], books["objects"], books["repeated"],
        )  # fmt: skip
