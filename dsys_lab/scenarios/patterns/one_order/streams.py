"""A log, and who reads it: a window that counts, a bus that calls a partner. Each reader has a position of its own."""

from __future__ import annotations

import json
from typing import Any, Final

from dsys_lab.brokers.event_bus import Attempt, Entry, EventBus, Part, Retry, Rule, Taken, Target
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.log_stream import Entry as LogEntry
from dsys_lab.brokers.log_stream import LogStream, Page, Record, Settings, Stored
from dsys_lab.brokers.web_hook import Settings as DoorSettings
from dsys_lab.brokers.web_hook import WebHookDoor, secret_of
from dsys_lab.brokers.web_hook.signature import signed
from dsys_lab.dataflows.batch import COUNT
from dsys_lab.dataflows.batch import Record as Happening
from dsys_lab.dataflows.windows import Emission, Pane, Tumbling, Window, WindowedStream
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.scenarios.patterns.one_order.order import Fact, as_json
from dsys_lab.scenarios.patterns.one_order.path import Letter, Path, Station, part, plural, size_of
from dsys_lab.simulation import Body, to_us
from dsys_lab.structures import VolatileDisk

SHARD: Final = "shard-000"
BOUND_HOPS: Final = 10
"""How much later than it happened an order is waited for."""
LATENESS_S: Final = 3600.0
EPOCH_US: Final = 1_795_935_600_000_000
SECRET: Final = secret_of(b"known to us and partner.")
MANY: Final = 10_000


class LogHost(Station):
    """The log: what comes is kept in its order, and reading takes nothing away."""

    keeps = ("id", "person", "product", "quantity", "cents", "clicked_ms")

    def __init__(self, path: Path) -> None:
        super().__init__(path, "log")
        self.files = VolatileDisk()
        self._open()

    def _open(self) -> None:
        self.stream = LogStream(self.name, self.files, Settings(limits=None), now_us=self.simulation.now_us)

    def on_crash(self) -> None:
        """Open what the disk kept."""
        self.files.crash(self.simulation.stream("log/power"))
        self._open()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Append a record; what comes twice is there twice, and its readers know."""
        data = as_json(fact).encode()
        stored = self.stream.put(self.simulation.now_us, LogEntry(letter.message, str(fact["person"]), data))
        assert isinstance(stored, Stored), stored
        words = f"record {stored.sequence} of {stored.shard}, {size_of(data)}"
        self.keep(letter, f"{words}; three read it, each from its own position")
        self.path.tell(self.name)
        return True

    def page(self, position: int) -> tuple[Record, ...]:
        """Return the records from a position on."""
        now_us = self.simulation.now_us
        read = self.stream.read(now_us, self.stream.iterator(now_us, SHARD, "AT_SEQUENCE_NUMBER", sequence=position))
        assert isinstance(read, Page), read
        return read.records

    def says(self, message: str) -> object:
        """Return the record."""
        now_us = self.simulation.now_us
        read = self.stream.read(now_us, self.stream.iterator(now_us, SHARD, "TRIM_HORIZON"), limit=MANY)
        assert isinstance(read, Page), read
        found = [record.data for record in read.records if record.message == message]
        return part(json.loads(found[0]), self.keeps) if found else None


class LogReader(Station):
    """Reads the log from its position on, which it writes down behind what it has done."""

    def __init__(self, path: Path, name: str, log: LogHost) -> None:
        super().__init__(path, name)
        self.log = log

    def boot(self) -> None:
        """Go on behind the position that was written down."""
        self.spawn(self._read())

    def _read(self) -> Body:
        while True:
            if not self.log.is_reached_by(self.name):
                yield self.path.news(self.log.name)
                continue
            position = self.disk.get("position", 0)
            records = self.log.page(position) if position < self.log.stream.shards()[0].end else ()
            letters = [self.path.letter(self.name, record.message) for record in records]
            if letters and not (yield from self.carry(letters, self, start=self.log.name)):
                continue
            for record, letter in zip(records, letters, strict=True):
                self.take(json.loads(record.data), letter)
                self.disk["position"] = record.sequence + 1
            if not records:
                self.caught_up()
                yield self.path.news(self.log.name)

    def caught_up(self) -> None:
        """Do what is to be done at the end of what there is."""


class WindowHost(LogReader):
    """Counts orders by when they were clicked. It keeps nothing on disk: after a crash it reads the log again."""

    def __init__(self, path: Path, log: LogHost) -> None:
        self.size_us = to_us(path.batch_s)
        super().__init__(path, "window", log)
        self._begin()

    def _begin(self) -> None:
        self.disk["position"] = 0
        self.stream = WindowedStream(
            Tumbling(self.size_us), COUNT, Emission(lateness_us=to_us(LATENESS_S)),
            bound_us=to_us(BOUND_HOPS * self.path.hop_s),
        )  # fmt: skip
        self.answers: dict[Window, int] = {}
        self._folded: dict[str, tuple[Window, Letter]] = {}

    def on_crash(self) -> None:
        """Forget all windows, and the position with them."""
        self._begin()
        self.forget()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Fold an order into its window, once."""
        if letter.message in self._folded:
            self.knows(letter)
            return True
        event_us = fact["clicked_ms"] * 1000
        [window] = Tumbling(self.size_us).windows(event_us)
        self._folded[letter.message] = window, letter
        self.simulation.emit("archive", self.name, letter.message, copy=letter.copy)
        self.path.holds(self.name, letter)
        words = f"folded into the window from {_span(window)}, which has not spoken yet"
        self.path.say(self.name, letter.message, words)
        now_us = self.simulation.now_us
        self._hear(self.stream.on_record(now_us, Happening(event_us, now_us, "all", message=letter.message)))
        return True

    def caught_up(self) -> None:
        """Believe that what is older than the bound has come."""
        now_us = self.simulation.now_us
        bound_us = to_us(BOUND_HOPS * self.path.hop_s)
        if now_us > bound_us:
            self._hear(self.stream.advance(now_us, now_us - bound_us))

    def _hear(self, panes: list[Pane]) -> None:
        for pane in panes:
            if pane.is_taken_back:
                self.answers.pop(pane.window, None)
                continue
            self.answers[pane.window] = pane.value
            for window, letter in self._folded.values():
                if window == pane.window:
                    when = pane.when.replace("_", " ")
                    self.keep(letter, f"the window from {_span(window)} says {plural(pane.value, 'order')}, {when}")

    def says(self, message: str) -> object:
        """Return what the window says in which an order was clicked, if it was told of it."""
        if message not in self._folded:
            return None
        [window] = Tumbling(self.size_us).windows(self.path.clicked_us[message] // 1000 * 1000)
        return self.answers.get(window)

    def should_say(self, message: str, source: dict[str, Fact]) -> object:
        """Return how many orders the source has of that window."""
        of = [fact["clicked_ms"] * 1000 // self.size_us for fact in source.values()]
        return of.count(source[message]["clicked_ms"] * 1000 // self.size_us)


class BusHost(LogReader):
    """Reads the log, and calls whoever has a rule that picks the event: the partner, by web hook."""

    def __init__(self, path: Path, log: LogHost, partner: Partner) -> None:
        super().__init__(path, "bus", log)
        self.partner, self._out = partner, set[int]()
        self.bus = EventBus(self.name)
        retry = Retry(first_pause_s=max(0.5, 2 * path.hop_s), longest_pause_s=8 * max(0.5, 2 * path.hop_s))
        target = Target(partner.name, Part("$.detail"), retry, dead_letters=True)
        self.bus.put_rule(0, Rule("orders", Pattern({"detail-type": ["order placed"]}), [target]))
        self._deadlines = Deadlines(path.simulation, self.push)

    def boot(self) -> None:
        """Try again what a crash broke off, and read on."""
        broken_off, self._out = sorted(self._out), set()
        for number in broken_off:
            self.bus.failed(self.simulation.now_us, number, "the bus went down")
        super().boot()
        self.push()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Put an event."""
        message = letter.message
        known = self.disk.setdefault("known", [])
        if message in known:
            self.knows(letter)
            return True
        known.append(message)
        detail = {"type": "order.placed", "data": fact}
        [taken] = self.bus.put(self.simulation.now_us, [Entry("slumber.shop", "order placed", detail, id=message)])
        assert isinstance(taken, Taken), taken
        self.pass_through(letter, "an event of type 'order placed'; one rule picks it, and calls the partner")
        self.push()
        return True

    def push(self) -> None:
        """Carry out what is due."""
        if not self.up:
            return
        for attempt in self.bus.attempts(self.simulation.now_us):
            self._out.add(attempt.number)
            self.spawn(self._call(attempt))
        self._deadlines.wait_for(self.bus.deadline_us())

    def _call(self, attempt: Attempt) -> Body:
        simulation, message = self.simulation, attempt.message
        letter = self.path.letter(self.partner.name, message)
        there = yield from self.carry([letter], self.partner, attempt=attempt.attempt)
        call = signed([SECRET], message, EPOCH_US + simulation.now_us, attempt.body.encode())
        status = self.partner.called(call, letter) if there else None
        yield simulation.sleep(self.path.hop_s)
        self._out.discard(attempt.number)
        if status in (200, 202):
            self.bus.delivered(simulation.now_us, attempt.number)
        else:
            self.bus.failed(simulation.now_us, attempt.number, f"the partner answered {status or 'nothing'}")
        self.push()

    @property
    def waits(self) -> bool:
        """Whether something is still to be brought to the partner."""
        return bool(self._out) or self.bus.deadline_us() is not None


class Partner(Station):
    """Somebody else's door: looks at each call, keeps it, says 202, and works on it then."""

    keeps = ("id", "person", "product", "quantity", "cents", "clicked_ms")

    def __init__(self, path: Path) -> None:
        super().__init__(path, "partner")
        self.files = VolatileDisk()
        self._open()

    def _open(self) -> None:
        self.door = WebHookDoor(self.name, DoorSettings(secrets=[SECRET]), self.files)

    def on_crash(self) -> None:
        """Open the door on what the disk kept."""
        self.files.crash(self.simulation.stream("partner/power"))
        self._open()

    def called(self, call: Any, letter: Letter) -> int:
        """Look at a call and answer it."""
        now_us = self.simulation.now_us
        answer = self.door.receive(now_us, call, clock_us=EPOCH_US + now_us, message=letter.message, copy=letter.copy)
        if answer.status == 200:
            self.knows(letter)
            return 200
        while event := self.door.take(now_us):
            self.disk.setdefault("orders", {})[event.id] = json.loads(event.body)["data"]
            self.door.done(now_us, event.number)
        words = f"signed, in time and new, so it is told {answer.status}"
        self.keep(letter, f"{words}: {size_of(call.body)} are on the partner's disk")
        return answer.status

    def says(self, message: str) -> object:
        """Return what the partner wrote down."""
        known = self.door.has_seen(EPOCH_US + self.simulation.now_us, message)
        return part(self.disk.get("orders", {}).get(message), self.keeps) if known else None


def _span(window: Window) -> str:
    return f"{window.start_us / 1e6:g} s to {window.end_us / 1e6:g} s"
