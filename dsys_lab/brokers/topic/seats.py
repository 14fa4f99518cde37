"""What a topic remembers: messages, their copies on the way to each seat, and what stands at a seat."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dsys_lab.brokers.topic.answers import Attempt, Seat
from dsys_lab.brokers.topic.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Message:
    """What was published."""

    name: str
    body: str
    attributes: Mapping[str, Any]
    group: str | None
    published_us: int


@dataclass(slots=True)
class Copy:
    """A message on its way to one subscription."""

    number: int
    copy: int
    message: Message
    is_replay: bool
    attempt: int = 1

    @property
    def line(self) -> str | None:
        """The group in whose line it stands, if it has one."""
        return self.message.group

    def to_attempt(self, subscription: str) -> Attempt:
        """Return what whoever carries it out is given."""
        message = self.message
        return Attempt(
            self.number, subscription, message.name, self.copy, message.body, message.attributes, message.group,
            self.attempt, message.published_us, self.is_replay,
        )  # fmt: skip


@dataclass(slots=True)
class Place:
    """What a subscription has: its books, the copies that wait or are out, the lines, and what was set aside."""

    subscription: Subscription
    books: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, Copy] = field(default_factory=dict)
    out: dict[int, Copy] = field(default_factory=dict)
    lines: dict[str, deque[Copy]] = field(default_factory=dict)
    dead: list[Copy] = field(default_factory=list)

    def to_seat(self) -> Seat:
        """Return its books; those who stand in a line behind its head wait as well."""
        standing = sum(len(line) for line in self.lines.values())
        heads = sum(copy.line is not None for copy in (*self.waiting.values(), *self.out.values()))
        waiting = len(self.waiting) + standing - heads
        return dataclasses.replace(Seat(**self.books), waiting=waiting, in_flight=len(self.out), dead=len(self.dead))

    def not_out(self) -> list[Copy]:
        """Return what waits or stands in a line, oldest first."""
        standing = [copy for line in self.lines.values() for copy in line if copy.number not in self.out]
        found = {copy.number: copy for copy in (*self.waiting.values(), *standing)}
        return [found[number] for number in sorted(found)]
