"""A path with six taps.

A phone numbers its pings and sends them; a topic hands them on to a gate, a small buffer that feeds a log; a reader
takes them from the log and carries them out::

    phone ----> pings (topic) ----> gate (buffer) ----> log ----> reader
        |            |                    |               |        |   |
      tap 1        tap 2                tap 3           tap 4    tap 5 tap 6

Who watches it stands in `watchers`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.brokers.audit import Tally
from dsys_lab.brokers.log_stream import Entry, LogStream, Settings, ShardIterator, Throttled
from dsys_lab.brokers.overflow import Answer, Buffer, Request
from dsys_lab.brokers.topic import Published, Subscription, Topic
from dsys_lab.scenarios.missed_messages.watchers import (
    BEAT,
    GATE,
    LOG,
    PHONE,
    PINGS,
    READER,
    Audit,
    Witness,
    name_of,
)
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Recorder, Scalar

ANSWER_WITHIN_S: Final = 1.0
COPIES_A_TRY: Final = 100
"""The topic numbers the copies that it makes from the one that came; a try begins with the next hundred."""


class Phone(Machine):
    """Numbers the pings of each sleeper and sends them, one after the other, each until it is answered or given up.

    Parameters
    ----------
    every_s : float
        Mean seconds between two pings of a sleeper.
    tries : int
        How often a ping is sent; 0 for as often as it takes.
    burst : tuple of (float, int)
        At this second the first sleeper's phone comes back into reach, with so many pings.
    """

    def __init__(
        self,
        simulation: Simulation,
        broker: Broker,
        witness: Witness,
        keys: Iterable[str],
        *,
        every_s: float,
        until_s: float,
        tries: int,
        burst: tuple[float, int],
    ) -> None:
        super().__init__(simulation, PHONE)
        self.broker, self.witness, self.keys = broker, witness, tuple(keys)
        self.every_s, self.until_s, self.tries, self.burst = every_s, until_s, tries, burst
        self.settled = dict.fromkeys(self.keys, 0)  # of each key, the last number that is answered or given up
        self.sent_us: dict[str, int] = {}
        self.tally: Tally | None = None
        self._answers: dict[str, Event] = {}
        self._tried: dict[str, int] = {}

    def boot(self) -> None:
        """Begin to send."""
        for key in self.keys:
            self.spawn(self._send_all(key))

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that a ping was taken."""
        waiting = self._answers.get(message)
        if waiting is not None and not waiting.triggered:
            waiting.succeed()

    def _send_all(self, key: str) -> Body:
        simulation, draw = self.simulation, exponential(self.every_s)
        luck, number, burst_s = simulation.stream(f"{PHONE}/{key}"), 0, self.burst[0]
        while simulation.now_s < self.until_s:
            yield simulation.sleep(draw(luck))
            bursts = key == self.keys[0] and simulation.now_s >= burst_s
            if bursts:
                burst_s = float("inf")
            for _ in range(self.burst[1] if bursts else 1):
                number += 1
                yield from self._send(key, number)
                self.settled[key] = number

    def _send(self, key: str, number: int) -> Body:
        message = name_of(key, number)
        self.sent_us[message] = self.simulation.now_us
        if self.tally is not None:
            self.tally.add(self.simulation.now_us, message)
        yield from self.publish(message, key, number)

    def publish(self, message: str, key: str, number: int, *, tries: int | None = None, **body: Any) -> Body:
        """Send something until it is answered or given up; a ping that never arrived is lost then."""
        simulation = self.simulation
        tries = self.tries if tries is None else tries
        for attempt in range(1, tries + 1) if tries else iter(range(1, 1 << 30)):
            copy = COPIES_A_TRY * self._tried.get(message, 0)
            self._tried[message] = self._tried.get(message, 0) + 1
            answer = self._answers[message] = simulation.event()
            simulation.emit("publish", self.name, message, attempt=self._tried[message], copy=copy, key=key)
            told = {"key": key, "number": number, **body}
            simulation.network.send(self.name, PINGS, message, told, copy=copy)
            yield answer | simulation.sleep(ANSWER_WITHIN_S)
            if answer.triggered:
                simulation.emit("publish_ok", self.name, message, attempt=attempt)
                return
        simulation.emit("publish_fail", self.name, message, attempt=tries, why="no answer")
        if message not in self.broker.arrived:
            self.witness.lost(message, "gives up", self.name, "no answer, and not tried again")

    def send_again(self, key: str, numbers: Iterable[int]) -> None:
        """Send pings again that somebody asks for: the phone keeps all that it has sent."""
        for number in numbers:
            self.spawn(self.publish(name_of(key, number), key, number, tries=0))

    def beat(self, every_s: float) -> Body:
        """Say the last number of each sleeper, on the same way as the pings and behind them."""
        count = 0
        while True:
            yield self.simulation.sleep(every_s)
            count += 1
            self.spawn(self.publish(f"{BEAT}{count}", BEAT, count, tries=1, last=dict(self.settled)))


class OneBox:
    """A recorder for a system whose parts (the seats of a topic, the shards and files of a log) are one box here.

    Rows about files are left out, and so is that a record has become too old which somebody had read.

    Parameters
    ----------
    read : container of str
        What has been read.
    ahead_us : callable
        `()` -> by how much the system's clock is ahead of the time of the run, in which its rows are told.
    """

    def __init__(
        self, recorder: Recorder, place: str, read: Container[str] = (), *, ahead_us: Callable[[], int] = lambda: 0
    ) -> None:
        self._recorder, self._place, self._read, self._ahead_us = recorder, place, read, ahead_us

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, or leave it out."""
        if kind in ("log_append", "log_sync", "segment", "recover") or (kind == "expire" and message in self._read):
            return
        inside = (name for name in ("shard", "to") if str(fields.get(name)).startswith(f"{self._place}/"))
        parts: dict[str, Scalar] = dict.fromkeys(inside, self._place)
        if kind == "append":
            parts["shard"] = self._place
        here = self._place if place.startswith(f"{self._place}/") else place
        if "arrive_us" in fields:
            parts["arrive_us"] = int(fields["arrive_us"] or 0) - self._ahead_us()
        self._recorder.emit(time_us - self._ahead_us(), kind, here, message, **{**fields, **parts})


class Broker(Machine):
    """The topic, the gate and the log, on one machine.

    Parameters
    ----------
    capacity : int
        How many may wait at the gate, which feeds the log one by one.
    retention_s : float
        How old a record of the log becomes.
    """

    FEED_S: Final = 0.15

    def __init__(self, simulation: Simulation, witness: Witness, *, capacity: int, retention_s: float) -> None:
        super().__init__(simulation, PINGS)
        self.witness = witness
        self.topic = Topic(PINGS, recorder=OneBox(simulation.recorder, PINGS))
        self.gate = Buffer(GATE, capacity, "drop_newest", recorder=simulation.recorder)
        settings = Settings(retention_s=retention_s, limits=None)
        self.read: set[str] = set()
        self.carried_out: set[str] = set()
        one_box = OneBox(simulation.recorder, LOG, self.read)
        self.log = LogStream(LOG, VolatileDisk(), settings, recorder=one_box)
        self.shard = self.log.shards()[0].name
        self.arrived: set[str] = set()
        self.records: list[tuple[str, str, int]] = []  # by offset: what it is called, its key, its number
        self.bodies: dict[str, dict[str, Any]] = {}
        self.wanted_from: Callable[[], int] = lambda: 0  # the offset from which on the reader has not read
        self._expired = 0

    def boot(self) -> None:
        """Begin to feed the log."""
        self.join()
        self.spawn(self._feed())

    def join(self) -> None:
        """Subscribe the gate."""
        self.topic.subscribe(self.simulation.now_us, Subscription(name=GATE))

    def leave(self) -> None:
        """Unsubscribe it, as a deployment does that has its order wrong."""
        self.topic.unsubscribe(self.simulation.now_us, GATE)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Publish what came, and answer: it is published, whoever hears of it."""
        now_us = self.simulation.now_us
        self.arrived.add(message)
        self.bodies[message] = body
        published = self.topic.publish(now_us, message, attributes={"sleeper": body["key"]}, copy=copy)
        self.simulation.network.answer(PINGS, source, message, {"type": "published"}, copy=copy)
        if isinstance(published, Published) and not published.to:
            self.witness.lost(message, "unheard", PINGS, "nobody is subscribed")
        for attempt in self.topic.attempts(now_us):
            self.topic.delivered(now_us, attempt.number)
            if self.gate.offer(now_us, Request(attempt.message, attempt.copy, now_us)) is Answer.DROPPED:
                self.witness.lost(message, "overflow", GATE, "the gate is full")

    def _feed(self) -> Body:
        while True:
            yield self.simulation.sleep(self.FEED_S)
            now_us = self.simulation.now_us
            self.log.tick(now_us)
            if (request := self.gate.take(now_us)) is not None:
                body = self.bodies[request.message]
                self.log.put(now_us, Entry(request.message, body["key"], b"ping", copy=request.copy))
                self.records.append((request.message, body["key"], body["number"]))
            self._see_what_expired()

    def _see_what_expired(self) -> None:
        first = self.log.shards()[0].first
        for offset in range(max(self._expired, self.wanted_from()), first):
            self.witness.lost(self.records[offset][0], "too old", LOG, "older than the retention, and not read")
        self._expired = max(self._expired, first)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a reader reads.

    Attributes
    ----------
    acknowledges : str
        "first": it says that it has done with a page before it begins with it; "last": after the last of it.
    poison : str
        What becomes of a ping that it cannot carry out: it is "skipped", or "parked" where it can be seen.
    poison_share : float
    work_s : float
        Seconds of work for a ping, at full speed.
    page : int
        How many it takes at once.
    """

    acknowledges: str = "last"
    poison: str = "parked"
    poison_share: float = 0.0
    work_s: float = 0.15
    page: int = 8


class Reader(Machine):
    """Takes pages from the log and carries them out, each ping once; its position is on disk."""

    POLL_S: Final = 2.0
    BUSY: Final = 3

    def __init__(
        self, simulation: Simulation, broker: Broker, witness: Witness, reading: Reading, audit: Audit
    ) -> None:
        super().__init__(simulation, READER)
        self.broker, self.witness, self.reading, self.audit = broker, witness, reading, audit
        self.disk["position"] = 0
        self._next = 0
        self._in_hand: list[str] = []
        broker.wanted_from = lambda: self._next

    def boot(self) -> None:
        """Go on from the position on disk."""
        self._next = self.disk["position"]
        self.spawn(self._read_all())

    def crash_when_busy(self, *, lasts_s: float) -> Body:
        """Crash as soon as three pings of a page are in hand, and come back."""
        while len(self._in_hand) < self.BUSY:
            yield self.simulation.sleep(0.05)
        self.crash()
        yield self.simulation.sleep(lasts_s)
        self.restart()

    def on_crash(self) -> None:
        """See what was acknowledged and is not done: nobody will read it again."""
        if self.reading.acknowledges == "first":
            for message in self._in_hand:
                self.witness.lost(message, "ack first", READER, "acknowledged, and then the reader crashed")
        else:
            self.broker.read.difference_update(self._in_hand)
        self._in_hand, self._next = [], self.disk["position"]

    def _read_all(self) -> Body:
        simulation, log, shard = self.simulation, self.broker.log, self.broker.shard
        while True:
            at = ShardIterator(shard, self._next, simulation.now_us)
            page = log.read(simulation.now_us, at, limit=self.reading.page, to=self.name)
            if isinstance(page, Throttled) or not page.records:
                yield simulation.sleep(self.POLL_S)
                continue
            self._next = page.records[-1].sequence + 1
            self._in_hand = [record.message for record in page.records]
            self.broker.read.update(self._in_hand)
            if self.reading.acknowledges == "first":
                self._commit()
                yield simulation.sleep(0)
            for record in page.records:
                yield from self.work(self.reading.work_s)
                self._handle(record.message, record.copy)
                self._in_hand.remove(record.message)
            if self.reading.acknowledges == "last":
                self._commit()
            yield simulation.sleep(0)

    def _commit(self) -> None:
        self.disk["position"] = self._next
        self.simulation.emit("commit", self.name, shard=LOG, offset=self._next)

    def _handle(self, message: str, copy: int) -> None:
        body, done = self.broker.bodies[message], self.broker.carried_out
        if "last" in body:
            done.add(message)
            self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)
            self.audit.hear_beat(body["last"])
            return
        key, number = body["key"], body["number"]
        if message in done:
            self.simulation.emit("effect_skip", self.name, message, key=message, copy=copy)
            self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)
            return
        if self._is_poison(message):
            self.simulation.emit("fail", self.name, message, why="it cannot be carried out", attempt=1, copy=copy)
            if self.reading.poison == "skipped":
                self.witness.lost(message, "skipped", READER, "it could not be carried out")
                return
            self.simulation.emit("dead", self.name, message, receives=1, to=f"{READER}/parked", copy=copy)
        else:
            self.simulation.emit("effect", self.name, message, key=key, copy=copy)
            self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)
        done.add(message)
        self.witness.came(message, "it was sent again")
        self.audit.hear(message, key, number)

    def _is_poison(self, message: str) -> bool:
        """Whether nobody can carry this one out at its first attempt: the bug is mended when it comes again."""
        tried = self.disk.setdefault("poisoned", {})
        if message in tried:
            return False
        poisoned = self.simulation.stream(f"{READER}/poison/{message}")() < self.reading.poison_share
        if poisoned:
            tried[message] = None
        return poisoned
