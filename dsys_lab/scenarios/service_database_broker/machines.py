"""The machines of the three lanes: a table that is polled, a service that is called, a log that is read.

Each lane has one who needs the nights, and each of those works alike: one night after the other, for the same time.
What is different is only how a night comes to them, and what it takes for it to come.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Settings
from dsys_lab.dataflows.service import (
    NIGHT_V1,
    Again,
    Conversation,
    MemoryLedger,
    Reply,
    Request,
    Service,
    decode,
    encode,
)
from dsys_lab.dataflows.service.shared_database import SharedTable, TableReader
from dsys_lab.scenarios.log_stream.machines import RecordsOnly
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.structures import VolatileDisk

SHARD: Final = "shard-000"
READ_AT_ONCE: Final = 100


def night(number: int) -> bytes:
    """Return the night of this number, as a producer of v1 writes it."""
    return encode(NIGHT_V1, {"person": number % 50, "hours_sleep": 6 + number % 12 / 4})


class Reader(Machine):
    """Works off what stands in a store, in order; how far it came is on its disk.

    Attributes
    ----------
    done : int
        How many it has worked off.
    idle_s : float or None
        When it had nothing to do for the first time since it was started last.
    """

    def __init__(self, simulation: Simulation, name: str, store: str, work_s: float) -> None:
        self.store, self.work_s, self.attempts = store, work_s, dict[str, int]()
        self.done = 0
        self._in_hand: str | None = None
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Go on behind what was worked off."""
        self.idle_s: float | None = None
        self.spawn(self._live())

    def on_crash(self) -> None:
        """Leave the night that was worked on where it stands."""
        if self._in_hand is not None:
            self.simulation.emit("visible", self.store, self._in_hand, attempt=self.attempts[self._in_hand])
            self._in_hand = None

    def _live(self) -> Body:
        raise NotImplementedError

    def _has_nothing(self) -> None:
        if self.idle_s is None:
            self.idle_s = self.simulation.now_s

    def _work_off(self, message: str, position: int) -> Body:
        simulation = self.simulation
        self._in_hand = message
        self.attempts[message] = self.attempts.get(message, 0) + 1
        simulation.emit("start", self.name, message, attempt=self.attempts[message])
        yield from self.work(self.work_s)
        self.disk["position"], self._in_hand = position, None
        self.done += 1
        simulation.emit("effect", self.name, message, key=message)
        simulation.emit("finish", self.name, message, attempt=self.attempts[message])


class TableHost(Machine):
    """The producer's own database."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation, "table")
        self.table = SharedTable(NIGHT_V1)
        self.messages = list[str]()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Insert the row."""
        self.messages.append(message)
        self.table.write(decode(NIGHT_V1, body["data"]))
        self.simulation.emit("enqueue", self.name, message, depth=len(self.messages), copy=copy)


class PollingReader(Reader):
    """Reaches into the table every `poll_s`."""

    def __init__(self, simulation: Simulation, host: TableHost, *, work_s: float, poll_s: float) -> None:
        self.host, self.poll_s = host, poll_s
        super().__init__(simulation, "table reader", host.name, work_s)

    def _live(self) -> Body:
        while True:
            reader = TableReader(self.host.table, self.name, ["hours_sleep"], position=self.disk.get("position", 0))
            rows = reader.poll()
            if not rows:
                self._has_nothing()
                self.simulation.emit("empty", self.name, source=self.host.name)
            for row in rows:
                number = row["number"]
                assert isinstance(number, int)
                yield from self._work_off(self.host.messages[number - 1], number)
            yield self.simulation.sleep(self.poll_s)


class LogHost(Machine):
    """The broker: a log of one shard."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation, "broker")
        recorder = RecordsOnly(simulation.recorder)
        self.stream = LogStream(self.name, VolatileDisk(), Settings(limits=None), recorder=recorder)
        self.news = simulation.event()
        self.end = 0

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Append the record, and tell who waits for news."""
        self.stream.put(self.simulation.now_us, Entry(message, message, body["data"], copy=copy))
        self.end += 1
        news, self.news = self.news, self.simulation.event()
        news.succeed()


class LogReader(Reader):
    """Holds a position on the log, and moves it."""

    def __init__(self, simulation: Simulation, host: LogHost, *, work_s: float) -> None:
        self.host = host
        super().__init__(simulation, "log reader", f"{host.name}/{SHARD}", work_s)

    def _live(self) -> Body:
        simulation, stream = self.simulation, self.host.stream
        while True:
            position = self.disk.get("position", 0)
            if position >= self.host.end:
                self._has_nothing()
                yield self.host.news
                continue
            iterator = stream.iterator(simulation.now_us, SHARD, "AT_SEQUENCE_NUMBER", sequence=position)
            page = stream.read(simulation.now_us, iterator, limit=READ_AT_ONCE, to=self.name)
            assert isinstance(page, Page)
            for record in page.records:
                decode(NIGHT_V1, record.data)
                yield from self._work_off(record.message, record.sequence + 1)
                simulation.emit("commit", self.name, shard=self.store, offset=record.sequence, group="bookmark")


class ServiceHost(Machine):
    """The service of whoever needs the nights. Its ledger survives a crash; what waits does not."""

    def __init__(self, simulation: Simulation, *, work_s: float) -> None:
        self.ledger, self.work_s = MemoryLedger(), work_s
        self._callers: dict[str, str] = {}
        super().__init__(simulation, "service")
        self.boot()

    def boot(self) -> None:
        """Begin with an empty queue."""
        recorder = self.simulation.recorder
        self.service = Service(self.name, self.ledger, work_s=self.work_s, recorder=recorder)

    def on_crash(self) -> None:
        """Lose what waits."""
        self.service.crash(self.simulation.now_us)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Judge a call, and put a worker to it if one is free."""
        self._callers[message] = source
        reply = self.service.receive(self.simulation.now_us, Request(message, "v1", body["data"], copy))
        if reply is not None:
            self._answer(message, copy, reply)
        self._begin()

    def _begin(self) -> None:
        request = self.service.begin(self.simulation.now_us)
        if request is not None:
            self.spawn(self._carry_out(request))

    def _carry_out(self, request: Request) -> Body:
        yield from self.work(self.work_s)
        reply = self.service.finish(self.simulation.now_us, request)
        self._answer(request.key, request.copy, reply)
        self._begin()

    def _answer(self, message: str, copy: int, reply: Reply) -> None:
        body = {"type": str(reply.status), "reply": reply}
        self.simulation.network.answer(self.name, self._callers[message], message, body, copy=copy)


class App(Machine):
    """The producer: it writes each night down three ways, and calls until it is told yes or gives up."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation, "app")
        self.failed = self.told_yes = 0
        self._answers: dict[str, Any] = {}

    def write(self, message: str, data: bytes, to: str) -> None:
        """Send a night to the table or to the log, which are there."""
        self.simulation.emit("publish", self.name, message, attempt=1)
        self.simulation.network.send(self.name, to, message, {"data": data})

    def call(self, message: str, data: bytes) -> None:
        """Call the service."""
        self.spawn(self._call(message, data))

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Give an answer to the call that waits for it."""
        waiting = self._answers.pop(message, None)
        if waiting is not None:
            waiting.succeed(body["reply"])

    def _call(self, message: str, data: bytes) -> Body:
        simulation, talk, began_us = self.simulation, Conversation(), self.simulation.now_us
        while True:
            attempt, copy = talk.attempts, simulation.network.next_copy(message)
            simulation.emit("publish", self.name, message, attempt=attempt, copy=copy)
            simulation.network.send(self.name, "service", message, {"data": data}, copy=copy)
            answer = self._answers[message] = simulation.event()
            yield answer | simulation.sleep(talk.policy.timeout_s)
            self._answers.pop(message, None)
            step = talk.told(answer.value if answer.triggered else None, chance=simulation.stream("app/backoff")())
            if isinstance(step, Again):
                simulation.emit("publish_fail", self.name, message, attempt=attempt, why="no yes in time")
                yield simulation.sleep(step.pause_s)
                continue
            if step.is_done:
                self.told_yes += 1
                simulation.emit("publish_ok", self.name, message, attempt=attempt)
            else:
                self.failed += 1
                simulation.emit("abandon", self.name, message, order=message, waited_us=simulation.now_us - began_us)
            return
