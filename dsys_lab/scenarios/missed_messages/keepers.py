"""Who keeps a message loses it: a queue lets it go unread, a follower lacks the tail, a clock runs ahead.

In all three the sender has its acknowledgement, and nobody has an error.

Sources: Amazon SQS Developer Guide, "Amazon SQS message quotas" (a message is deleted at the end of its retention,
received or not); Kleppmann, *Designing Data-Intensive Applications*, ch. 5, "Leader failure: failover", and ch. 8,
"Unreliable clocks"; Apache Kafka documentation, *Replication* (a reader is given only what is copied).
"""

from __future__ import annotations

from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Record, Settings, ShardIterator
from dsys_lab.brokers.work_queue import Delivery, WorkQueue
from dsys_lab.brokers.work_queue import Settings as QueueSettings
from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.scenarios.missed_messages.machines import OneBox
from dsys_lab.scenarios.missed_messages.tape import MISSED, Habits, Tape, TapeReader
from dsys_lab.scenarios.missed_messages.watchers import HOLE_COPY, KEYS, PHONE, READER, hole
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Recorder, Scalar

QUEUE, LEADER, FOLLOWER = "queue", "leader", "follower"
ACKNOWLEDGES: Final = ("at once", "when copied")
AWAY_AT_S: Final = 20.5
FAILS_S: Final = 20.1
NOTICED_S: Final = 2.0
"""After so long it is noticed that the leader is dead, and the follower is promoted."""
JUMPS_S: Final = 59.5
"""When the clock jumps: half a second before the third visit of who comes every twenty."""


# ------------------------------------------------------------------------------------------ a queue's retention
class Outlining:
    """A recorder that draws the outline of whatever becomes too old."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, and an outline after one that says `expire`."""
        self._recorder.emit(time_us, kind, place, message, **fields)
        if kind == "expire":
            why = "older than the retention, and not received"
            self._recorder.emit(time_us, "hole", place, message, to=MISSED, why=why, copy=HOLE_COPY)


class Worker(Machine):
    """Receives from a queue, carries out, acknowledges."""

    def __init__(self, simulation: Simulation, queue: WorkQueue, *, work_s: float) -> None:
        super().__init__(simulation, READER)
        self.queue, self.work_s = queue, work_s

    def boot(self) -> None:
        """Begin, or go on."""
        self.spawn(self._work_off())

    def _work_off(self) -> Body:
        while True:
            got = self.queue.receive(self.simulation.now_us, to=READER)
            if not got:
                yield self.simulation.sleep(self.work_s)
            for delivery in got:
                yield from self._carry_out(delivery)

    def _carry_out(self, delivery: Delivery) -> Body:
        message, said = delivery.message, {"attempt": delivery.attempt, "copy": delivery.copy}
        self.simulation.emit("start", READER, message, **said)
        yield from self.work(self.work_s)
        self.simulation.emit("effect", READER, message, key=message, copy=delivery.copy)
        self.queue.acknowledge(self.simulation.now_us, delivery.handle)


@scenario("kept for {retention_s:g} s, away for {away_s:g} s")
def unread(
    sim: Simulation,
    *,
    retention_s: float = 20.0,
    away_s: float = 35.0,
    every_s: float = 1.0,
    work_s: float = 0.25,
    until_s: float = 90.0,
) -> Claims:
    """A queue keeps a message for `retention_s` from when it was sent; its only worker is away for `away_s`.

    What was received three times in vain would be set aside among the dead letters. What was never received is not.
    """
    require_positive(retention_s=retention_s, every_s=every_s, work_s=work_s, until_s=until_s)
    require_not_negative(away_s=away_s)
    settings = QueueSettings(retention_s=retention_s, max_receives=3)
    queue = WorkQueue(QUEUE, settings, recorder=Outlining(sim.recorder))
    worker = Worker(sim, queue, work_s=work_s)

    def tick() -> None:
        queue.tick(sim.now_us)
        deadlines.wait_for(queue.deadline_us())

    deadlines = Deadlines(sim, tick)

    def send() -> Body:
        for number in range(1, int((until_s - retention_s) / every_s)):
            yield sim.sleep(every_s)
            sim.emit("publish", PHONE, f"m{number}", attempt=1)
            queue.send(sim.now_us, f"m{number}", "a ping")
            sim.emit("publish_ok", PHONE, f"m{number}", attempt=1)
            deadlines.wait_for(queue.deadline_us())

    sim.spawn(send())
    sim.after(AWAY_AT_S, worker.crash)
    sim.after(AWAY_AT_S + away_s, worker.restart)
    sim.run(until_s)
    return Claims({"nothing lost": {}})


# ------------------------------------------------------------------------------------------ a follower's tail
class Replica(Machine):
    """A machine and its copy of the log."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        recorder = OneBox(simulation.recorder, name)
        self.stream = LogStream(name, VolatileDisk(), Settings(limits=None), recorder=recorder)
        self.shard = self.stream.shards()[0].name

    @property
    def end(self) -> int:
        """The number that the next record gets."""
        return self.stream.shards()[0].end

    def append(self, message: str, key: str, *, copy: int) -> int:
        """Write a record; return its number."""
        [stored] = self.stream.put_many(self.simulation.now_us, [Entry(message, key, b"ping", copy=copy)])
        assert not hasattr(stored, "what"), "there are no limits"
        return int(stored.sequence)

    def read(self, position: int, limit: int) -> tuple[Record, ...]:
        """Return up to so many records from a position on."""
        now_us = self.simulation.now_us
        page = self.stream.read(now_us, ShardIterator(self.shard, position, now_us), limit=limit, to=READER)
        assert isinstance(page, Page), "there are no limits"
        return page.records


class Pair:
    """A log on two machines. The follower has each record `delay_s` after the leader, and takes over when that dies.

    Attributes
    ----------
    serving : Replica
        Who takes records and gives them.
    readable : int
        What may be read lies below this number: all there is, or where `acknowledges` is "when copied", all that both
        have.
    """

    def __init__(self, simulation: Simulation, *, delay_s: float, acknowledges: str) -> None:
        self.simulation, self.delay_s, self.acknowledges = simulation, delay_s, acknowledges
        self.leader, self.follower = Replica(simulation, LEADER), Replica(simulation, FOLLOWER)
        self.serving = self.leader
        self.next = 0
        self._unacknowledged: dict[str, str] = {}

    @property
    def readable(self) -> int:
        """Up to where a reader may read now."""
        if not self.serving.up:
            return 0
        copied_only = self.serving is self.leader and self.acknowledges == "when copied"
        return self.follower.end if copied_only else self.serving.end

    def put(self, message: str, key: str, *, attempt: int = 1) -> None:
        """Put a record at whoever serves; acknowledge it now, or when it is copied."""
        simulation, copy = self.simulation, 2 * attempt
        simulation.emit("publish", PHONE, message, attempt=attempt, copy=copy, key=key)
        offset = self.serving.append(message, key, copy=copy)
        if self.serving is self.leader:
            self._unacknowledged[message] = key
            simulation.after(self.delay_s, lambda: self._copy(message, key))
            self._tell_ahead()
        elif offset < self.next:
            hole(simulation, FOLLOWER, message, to=MISSED, why="its number was another record's, which was read")
        if self.serving is self.follower or self.acknowledges == "at once":
            self._acknowledge(message)

    def _copy(self, message: str, key: str) -> None:
        if self.leader.up:
            self.simulation.emit("copied", FOLLOWER, message, copy=3, of=2)
            self.follower.append(message, key, copy=3)
            self._tell_ahead()
            self._acknowledge(message)

    def _acknowledge(self, message: str) -> None:
        if self._unacknowledged.pop(message, None) is not None or self.serving is self.follower:
            self.simulation.emit("publish_ok", PHONE, message, attempt=1)

    def _tell_ahead(self) -> None:
        ahead = self.leader.end - self.follower.end
        self.simulation.emit("gauge", FOLLOWER, name="lacks", value=ahead, unit="records")

    def fail(self) -> None:
        """Lose the leader for good, and what only it had."""
        tail = self.leader.read(self.follower.end, 10_000) if self.leader.end > self.follower.end else ()
        self.leader.crash()
        for record in tail:
            if record.sequence >= self.next and record.message not in self._unacknowledged:
                hole(self.simulation, LEADER, record.message, to=MISSED, why="acknowledged, and on no other machine")

    def promote(self) -> None:
        """Let the follower serve; whoever has no acknowledgement yet puts again."""
        self.serving = self.follower
        waiting, self._unacknowledged = self._unacknowledged, {}
        for message, key in waiting.items():
            self.put(message, key, attempt=2)


class PairReader(Machine):
    """Reads whoever serves, from its own position on."""

    POLL_S: Final = 1.5
    PAGE: Final = 4

    def __init__(self, simulation: Simulation, pair: Pair) -> None:
        super().__init__(simulation, READER)
        self.pair = pair

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._read_all())

    def _read_all(self) -> Body:
        pair, simulation = self.pair, self.simulation
        while True:
            if pair.readable <= pair.next:
                yield simulation.sleep(self.POLL_S)
                continue
            records = pair.serving.read(pair.next, min(self.PAGE, pair.readable - pair.next))
            pair.next = records[-1].sequence + 1
            for record in records:
                yield from self.work(0.05)
                said: dict[str, Scalar] = {"copy": record.copy}
                simulation.emit("effect", READER, record.message, key=record.message, **said)
                simulation.emit("finish", READER, record.message, attempt=1, **said)
            simulation.emit("commit", READER, shard=pair.serving.name, offset=pair.next)


@scenario("acknowledged {acknowledges}, copied after {delay_s:g} s")
def failover(
    sim: Simulation,
    *,
    acknowledges: str = "at once",
    delay_s: float = 2.0,
    every_s: float = 0.25,
    until_s: float = 40.0,
) -> Claims:
    """The leader of a log dies; its follower, which has each record `delay_s` later, is promoted.

    What the leader acknowledged "at once" and had not copied is gone; and the reader, whose position may lie beyond the
    follower's end, does not ask for the records that get those numbers anew. Acknowledged "when copied", each put waits
    for the copy, and a reader is given only what is copied.
    """
    require_choice("acknowledges", acknowledges, ACKNOWLEDGES)
    require_positive(delay_s=delay_s, every_s=every_s, until_s=until_s)
    pair = Pair(sim, delay_s=delay_s, acknowledges=acknowledges)
    PairReader(sim, pair)

    def send() -> Body:
        number = 0
        while sim.now_s < until_s - 5:
            yield sim.sleep(every_s)
            while not pair.serving.up:
                yield sim.sleep(0.1)
            number += 1
            pair.put(f"m{number}", KEYS[number % len(KEYS)])

    sim.spawn(send())
    sim.after(FAILS_S, pair.fail)
    sim.after(FAILS_S + NOTICED_S, pair.promote)
    sim.run(until_s)
    read_on_s = FAILS_S + NOTICED_S + 2 * PairReader.POLL_S
    return Claims({"at most once": {}, "at least once": {}}, poster_us=to_us(min(read_on_s, until_s)))


# ------------------------------------------------------------------------------------------ a clock ahead
@scenario("kept for {retention_s:g} s, a clock {ahead_s:g} s ahead")
def fast_clock(
    sim: Simulation,
    *,
    ahead_s: float = 30.0,
    retention_s: float = 40.0,
    comes_every_s: float = 20.0,
    every_s: float = 0.5,
    until_s: float = 110.0,
) -> Claims:
    """A reader comes every `comes_every_s` and takes all there is; the log's clock jumps ahead just before a visit.

    What is on the log grows older by the jump, at once. What comes later bears the new time, and is kept as long as
    ever.
    """
    require_positive(retention_s=retention_s, comes_every_s=comes_every_s, every_s=every_s, until_s=until_s)
    require_not_negative(ahead_s=ahead_s)
    count = int((until_s - comes_every_s) / every_s)
    tape = Tape(sim, gap=exponential(every_s), count=count, keys=KEYS, retention_s=retention_s)
    TapeReader(sim, tape, Habits(work_s=0, page=1_000, poll_s=comes_every_s))

    def jump() -> None:
        tape.skew_us = to_us(ahead_s)
        sim.emit("skew", tape.name, skew_us=tape.skew_us)
        tape.tick()

    def keep_time() -> Body:
        while True:
            yield sim.sleep(0.5)
            tape.tick()

    sim.spawn(keep_time())
    sim.after(JUMPS_S, jump)
    sim.run(until_s)
    return Claims({"nothing lost": {}})
