"""Feed and topic: the database's own log is read, and each order is handed on to all who are subscribed.

The feed holds a slot, its place in the log. It confirms only what the topic has taken: a crash in between repeats, and
never skips. The topic does not know who is behind its seats; it tries each of them until it has taken its copy.
"""

from __future__ import annotations

import json
from typing import Final

from dsys_lab.brokers.topic import Attempt, Published, Subscription, Topic
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.scenarios.patterns.one_order.order import Fact, as_json
from dsys_lab.scenarios.patterns.one_order.path import Letter, Path, Station, size_of
from dsys_lab.scenarios.patterns.one_order.shop import Database
from dsys_lab.simulation import Body
from dsys_lab.stores.relational import Commit

OUTBOX: Final = "outbox"


class TopicHost(Station):
    """The topic, and who brings its copies to their seats.

    What it has taken outlives a crash, as with a service that is rented: a crash means that it cannot be reached, and
    that nobody hears how what was on its way came out.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "topic")
        self.topic = Topic(self.name)
        self.seats: dict[str, Station] = {}
        self._out: set[int] = set()
        self._deadlines = Deadlines(path.simulation, self.push)

    def subscribe(self, *stations: Station) -> None:
        """Give places a seat."""
        for station in stations:
            self.topic.subscribe(self.simulation.now_us, Subscription(name=station.name))
            self.seats[station.name] = station

    def boot(self) -> None:
        """Try again what a crash broke off."""
        broken_off, self._out = sorted(self._out), set()
        for number in broken_off:
            self.topic.failed(self.simulation.now_us, number, "the topic went down")
        self.push()

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Take an order in, and hand it on."""
        body = as_json(fact)
        told = self.topic.publish(self.simulation.now_us, letter.message, body, copy=letter.copy)
        assert isinstance(told, Published), told
        self.simulation.emit("fan_out", self.name, letter.message, copies=len(told.to), copy=letter.copy)
        self.path.holds(self.name, letter)
        words = f"{size_of(body)}, handed on in {len(told.to)} copies, to {', '.join(told.to)}"
        self.path.say(self.name, letter.message, words)
        self.push()
        return True

    def push(self) -> None:
        """Carry out what is due."""
        if not self.up:
            return
        for attempt in self.topic.attempts(self.simulation.now_us):
            self._out.add(attempt.number)
            self.spawn(self._push(attempt))
        self._deadlines.wait_for(self.topic.deadline_us())

    def _push(self, attempt: Attempt) -> Body:
        seat, simulation = self.seats[attempt.subscription], self.simulation
        letter = self.path.letter(seat.name, attempt.message)
        there = yield from self.carry([letter], seat, attempt=attempt.attempt)
        taken = there and seat.take(json.loads(attempt.body), letter)
        yield simulation.sleep(self.path.hop_s)
        self._out.discard(attempt.number)
        if taken:
            self.topic.delivered(simulation.now_us, attempt.number)
        else:
            self.topic.failed(simulation.now_us, attempt.number, f"{seat.name} did not take it")
        self.push()

    @property
    def waits(self) -> bool:
        """Whether something is still to be brought to somebody."""
        return bool(self._out) or self.topic.deadline_us() is not None


class Feed(Station):
    """Follows the database's log through its slot, and publishes what each commit put into the outbox."""

    def __init__(self, path: Path, database: Database, topic: TopicHost) -> None:
        super().__init__(path, "feed")
        self.database, self.topic = database, topic

    def boot(self) -> None:
        """Go on behind what was confirmed."""
        self.spawn(self._follow())

    def _follow(self) -> Body:
        while True:
            if self.database.is_reached_by(self.name):
                for commit in self.database.slot.peek():
                    if not (yield from self._publish(commit)):
                        break  # and look again: what is not confirmed is still there
                    self.database.slot.confirm(commit.position)
            if not (self.database.is_reached_by(self.name) and self.database.slot.peek(1)):
                yield self.path.news(self.database.name)

    def _publish(self, commit: Commit) -> Body:
        """Bring what a commit put into the outbox to the topic; return whether it took it."""
        for change in commit.changes:
            if change.table != OUTBOX or change.after is None:
                continue
            fact = json.loads(str(change.after["body"]))
            letter = self.path.letter(self.name, fact["id"])
            if not (yield from self.carry([letter], self, start=self.database.name)):
                return False
            held = self.database.slot.status().lag_bytes
            words = f"read from the log at position {commit.position}; until that is confirmed the slot holds back"
            self.pass_through(letter, f"{words} {held:,} bytes of log")
            if not (yield from self.carry([letter], self.topic)):
                return False
            self.topic.take(fact, letter)
        return self.database.is_reached_by(self.name)
