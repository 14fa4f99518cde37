"""A work queue that keeps its word across a loss of power.

The queue's verbs are its journal. A verb is first done in memory, then written to an append-only log as JSON, and only
once the log's `fsync` policy is content does its caller get the answer, and the recorder the rows. Because the queue is
pure (time is an argument, and of chance the numbers that were drawn are written along), doing the same verbs again
makes the same queue, down to every handle. What left no row of a change is not written.

A log of verbs would grow for ever. So it begins with a *snapshot*, the whole queue as one record, and after
`snapshot_every` verbs (or twice as many as there are messages, if that is more) a new segment begins with a new
snapshot and the older segments are taken away. There is always one whole snapshot to begin from: the old one goes when
the new one is durable.

The durable queue promises, with `fsync=EVERY_RECORD`
-----------------------------------------------------
1. What was answered has happened, whenever the power goes: accepted messages are there, acknowledged ones are not.
2. What was not answered has happened or it has not, but wholly: acked <= visible <= acked or in flight.
3. A loan is still a loan after the crash, with the same handle, until its time is over; receives are not forgotten.

4. A verb that breaks off half-way (an interrupt, words that JSON cannot say) leaves a queue that refuses until it is
   opened anew: what is in memory and what is in the log are never two queues.

With a lazier policy the last few verbs may be forgotten: then an accepted message may be lost, and an acknowledged one
come back.

Cost: a JSON record of about a hundred bytes and the body a verb; a snapshot every so often.

Sources: Schneider, "Implementing fault-tolerant services using the state machine approach", ACM Computing Surveys 1990;
Gray and Reuter, *Transaction Processing*, ch. 10 (logical logging); Kreps, "The log", 2013.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from dsys_lab.brokers.work_queue.answers import Became, DeadLetter, Status
from dsys_lab.brokers.work_queue.lines import Chance
from dsys_lab.brokers.work_queue.queue import WorkQueue
from dsys_lab.brokers.work_queue.settings import Settings
from dsys_lab.errors import BadParameter, Damaged, DsysLabError, Misuse, Refused, require_choice, require_positive
from dsys_lab.structures import EVERY_RECORD, AppendLog, Disk, Fsync
from dsys_lab.trace import NO_TRACE, Recorder, Scalar

VERBS: Final = ("send", "receive", "acknowledge", "extend", "nack", "redrive", "tick")
SAY_NO_CHANGE: Final = frozenset({"reject", "duplicate", "ack_stale"})
"""Rows that say that nothing was changed."""


Words = ParamSpec("Words")
Answer = TypeVar("Answer")


def _journalled(
    verb: Callable[Concatenate[WorkQueue, int, Words], Answer],
) -> Callable[Concatenate[DurableQueue, int, Words], Answer]:
    """Return the verb of a `DurableQueue` that does `verb` and writes it down: same words, same answer."""

    @wraps(verb)
    def do(queue: DurableQueue, now_us: int, /, *args: Words.args, **given: Words.kwargs) -> Answer:
        answer: Answer = queue._do(verb, now_us, args, given)  # noqa: SLF001  # a method of the class below
        return answer

    return do


class DurableQueue:
    """A `WorkQueue` on an append-only log: the same verbs, the same answers.

    Parameters
    ----------
    place : str
        The name under which its rows appear; those of its log appear under `place/log`.
    disk : Disk
        Where its log is. If there is one already, the queue takes up where it ended.
    settings : Settings, optional
        Of a new queue. An old one has its own; other ones are refused.
    fsync : Fsync
        When an answer may be given: the trade between speed and what a crash may undo.
    snapshot_every : int
        After so many verbs the log begins anew.
    recorder : Recorder
        Where its rows go. What is done again at opening leaves none but a `recover` row.
    told_lsn : int, optional
        Records from here on were durable when the power went, but their rows had not been told: they are done again
        aloud. Who watches a crash from outside passes on the `told_lsn` of the queue that died.
    now_us : int
        When it is opened.

    Attributes
    ----------
    log : AppendLog
        Its `cut` says what was torn, its `status` how much is durable.
    told_lsn : int
        The rows of all records below it have been told.

    Raises
    ------
    Damaged
        If the log is not what was written.

    Examples
    --------
    >>> from dsys_lab.structures import VolatileDisk
    >>> disk = VolatileDisk()
    >>> queue = DurableQueue("clips", disk)
    >>> queue.send(0, "m1"), queue.send(0, "m2")
    (Accepted(message='m1', number=0), Accepted(message='m2', number=1))
    >>> [delivery] = queue.receive(1)
    >>> disk.crash(chance=lambda: 0.9)                  # the power goes
    >>> recovered = DurableQueue("clips", disk)
    >>> recovered.acknowledge(2, delivery.handle)
    Acknowledged(message='m1')
    >>> [delivery.message for delivery in recovered.receive(3)]
    ['m2']
    """

    def __init__(
        self,
        place: str,
        disk: Disk,
        settings: Settings | None = None,
        *,
        fsync: Fsync = EVERY_RECORD,
        snapshot_every: int = 10_000,
        segment_bytes: int = 1 << 20,
        recorder: Recorder = NO_TRACE,
        told_lsn: int | None = None,
        now_us: int = 0,
    ) -> None:
        require_positive(snapshot_every=snapshot_every)
        self.place, self.recorder, self.snapshot_every = place, recorder, snapshot_every
        self._rows = _HeldRows()
        self.log = AppendLog(
            disk, fsync=fsync, segment_bytes=segment_bytes, place=f"{place}/log", recorder=recorder, now_us=now_us
        )
        self._verbs_since_snapshot = 0
        if self.log.first_lsn == self.log.next_lsn:
            self._queue = WorkQueue(place, settings, recorder=self._rows)
            self._snapshot(now_us)
        else:
            self._queue = self._replayed(now_us, self.log.next_lsn if told_lsn is None else told_lsn)
        self.told_lsn = self.log.next_lsn
        if settings is not None and settings != self._queue.settings:
            raise BadParameter(f"settings: {place} was made with {self._queue.settings}; give those, or none")

    @property
    def settings(self) -> Settings:
        """The settings that the queue was made with."""
        return self._queue.settings

    # ------------------------------------------------------------ the verbs
    send = _journalled(WorkQueue.send)
    receive = _journalled(WorkQueue.receive)
    acknowledge = _journalled(WorkQueue.acknowledge)
    extend = _journalled(WorkQueue.extend)
    nack = _journalled(WorkQueue.nack)
    redrive = _journalled(WorkQueue.redrive)

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return self._queue.dead_letters()

    def ask_again_us(self, now_us: int, *, since_us: int, wait_s: float) -> int | None:
        """Say what a long poll that found nothing waits for: see `WorkQueue.ask_again_us`."""
        return self._queue.ask_again_us(now_us, since_us=since_us, wait_s=wait_s)

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> list[Became]:
        """Do what time has done, and sync if it is time to."""
        became: list[Became] = self._do(WorkQueue.tick, now_us, (), {})
        self.log.tick(now_us)
        return became

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed."""
        deadlines = (self._queue.deadline_us(), self.log.deadline_us())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def sync(self, now_us: int) -> None:
        """Make all that was answered durable."""
        self.log.sync(now_us)

    def status(self) -> Status:
        """Return where the messages are, and the books; for the log's own, see `log.status`."""
        return self._queue.status()

    def snapshot(self) -> dict[str, Any]:
        """Return the whole queue in JSON values."""
        return self._queue.snapshot()

    # ------------------------------------------------------------ the journal
    def _do(self, verb: Callable[..., Any], now_us: int, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        """Do a verb in memory, write down what it was, and answer."""
        self.log.require_working()
        words = {"verb": verb.__name__, **dict(zip(_names(verb), args, strict=False)), **given}
        if given.get("chance") is not None:
            words["drawn"] = drawn = list[float]()
            given = {**given, "chance": _noted(given["chance"], drawn)}
        try:
            answer = verb(self._queue, now_us, *args, **given)
        except DsysLabError:
            self._write_down(now_us, {"verb": "tick"})  # the call was refused, but time has passed
            raise
        except BaseException as error:
            if self._rows or not isinstance(error, Exception):
                self.log.give_up()
            raise
        self._write_down(now_us, words)
        return answer

    def _write_down(self, now_us: int, words: dict[str, Any]) -> None:
        """Make what changed something durable, then tell it."""
        if self._rows.say_a_change():
            said = {name: value for name, value in words.items() if value is not None and name != "chance"}
            try:
                self.log.append(now_us, _json({**said, "now_us": now_us}))
            except BaseException:
                self.log.give_up()
                raise
            self._verbs_since_snapshot += 1
        self._rows.tell(self.recorder)
        self.told_lsn = self.log.next_lsn
        if self._verbs_since_snapshot >= max(self.snapshot_every, 2 * self._queue.status().kept):
            self._snapshot(now_us)

    def _snapshot(self, now_us: int) -> None:
        """Begin the log anew with the whole queue as its first record."""
        self.log.roll(now_us)
        lsn = self.log.append(now_us, _json({"verb": "snapshot", "queue": self._queue.snapshot()}))
        self.log.sync(now_us)
        self.log.drop_before(lsn)
        self._verbs_since_snapshot = 0
        self.told_lsn = self.log.next_lsn

    def _replayed(self, now_us: int, told_lsn: int) -> WorkQueue:
        """Return the queue that the log says, and tell what was not told yet."""
        queue: WorkQueue | None = None
        for lsn, payload in self.log.read():
            try:
                queue = self._done_again(queue, json.loads(payload))
            except (AttributeError, KeyError, TypeError, ValueError, Misuse, Refused) as error:
                told = f"{self.log.place}, record {lsn}: {type(error).__name__}: {error}"
                raise Damaged(f"{told}; this is no log of a queue, open the right one") from error
            self._rows.tell(NO_TRACE if lsn < told_lsn else self.recorder, now_us)
        if queue is None:
            raise Damaged(f"{self.log.place}: records {self.log.first_lsn} to {lsn}, and no snapshot to begin from")
        return queue

    def _done_again(self, queue: WorkQueue | None, record: dict[str, Any]) -> WorkQueue | None:
        """Return the queue after one more record."""
        verb = record.pop("verb")
        require_choice("verb", verb, ("snapshot", *VERBS))
        if verb == "snapshot":
            self._verbs_since_snapshot = 0
            return WorkQueue.restore(self.place, record["queue"], recorder=self._rows)
        if queue is not None:  # what stands before the first snapshot was on its way out when the power went
            luck = {"chance": iter(record.pop("drawn")).__next__} if "drawn" in record else {}
            getattr(queue, verb)(**record, **luck)
            self._verbs_since_snapshot += 1
        return queue


class _HeldRows:
    """A recorder that keeps rows back until what they say is durable."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, str, str | None, dict[str, Scalar]]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Keep a row back."""
        self._rows.append((time_us, kind, place, message, fields))

    def say_a_change(self) -> bool:
        """Whether any of them says that something changed."""
        return any(row[1] not in SAY_NO_CHANGE for row in self._rows)

    def tell(self, recorder: Recorder, now_us: int = 0) -> None:
        """Pass the rows on, none of them as older than `now_us`."""
        for time_us, kind, place, message, fields in self._rows:
            recorder.emit(max(time_us, now_us), kind, place, message, **fields)
        self._rows.clear()


@cache
def _names(verb: Callable[..., Any]) -> tuple[str, ...]:
    """Return how a verb calls what it is given by position, after the queue and the time."""
    return verb.__code__.co_varnames[2 : verb.__code__.co_argcount]


def _noted(chance: Chance, drawn: list[float]) -> Chance:
    """Return a stream that gives what `chance` gives, and notes it."""

    def draw() -> float:
        drawn.append(chance())
        return drawn[-1]

    return draw


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
