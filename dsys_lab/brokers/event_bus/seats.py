"""What a bus remembers: copies of events on their way to each target, and what stands at a target."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field

from dsys_lab.brokers.event_bus.answers import Attempt, Books, DeadLetter
from dsys_lab.brokers.event_bus.events import Event
from dsys_lab.brokers.event_bus.rules import Target


@dataclass(slots=True)
class Copy:
    """An event on its way to one target."""

    number: int
    copy: int
    event: Event
    seat: Seat
    put_us: int
    attempt: int = 1

    @property
    def body(self) -> str:
        """What the target is given, in its shape."""
        return self.seat.target.shape.of(self.event.envelope())

    def to_attempt(self) -> Attempt:
        """Return what whoever carries it out is given."""
        return Attempt(
            self.number, self.seat.rule, self.seat.target.name, self.event.id, self.copy, self.body, self.attempt,
            self.put_us, self.event.replay_name,
        )  # fmt: skip

    def to_letter(self, why: str, ended_by: str) -> DeadLetter:
        """Return what is set aside of it."""
        return DeadLetter(self.event.id, self.body, self.attempt, why, ended_by)


@dataclass(slots=True)
class Seat:
    """What a target of a rule has: its books, what waits, what is out, and what was set aside."""

    rule: str
    target: Target
    books: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, Copy] = field(default_factory=dict)
    out: dict[int, Copy] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)

    def to_books(self) -> Books:
        """Return its books."""
        return dataclasses.replace(
            Books(**self.books), waiting=len(self.waiting), in_flight=len(self.out), dead=len(self.dead)
        )
