"""What a topic remembers: messages, their copies on the way to each seat, and the lines of a FIFO topic."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dsys_lab.brokers import outbox
from dsys_lab.brokers.topic.answers import Attempt
from dsys_lab.brokers.topic.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Message:
    """What was published."""

    name: str
    body: str
    attributes: Mapping[str, Any]
    group: str | None
    published_us: int


@dataclass(slots=True, kw_only=True)
class Copy(outbox.Copy):
    """A message on its way to one subscription."""

    seat: Seat
    content: Message
    is_replay: bool

    @property
    def body(self) -> str:
        """What the endpoint is given."""
        return self.content.body

    @property
    def line(self) -> str | None:
        """The group in whose line it stands, if it has one."""
        return self.content.group

    def to_attempt(self) -> Attempt:
        """Return what whoever carries it out is given."""
        content = self.content
        return Attempt(
            self.number, self.seat.name, content.name, self.copy, content.body, content.attributes, content.group,
            self.attempt, content.published_us, self.is_replay,
        )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Seat(outbox.Seat):
    """What a subscription has, and the lines in which copies of one group wait for each other."""

    subscription: Subscription
    lines: dict[str, deque[Copy]] = field(default_factory=dict)

    @property
    def standing(self) -> int:
        """How many copies are to be tried; those who stand in a line behind its head wait as well."""
        return len(self.not_out())

    def not_out(self) -> list[outbox.Copy]:
        """Return what waits or stands in a line, oldest first."""
        standing = [copy for line in self.lines.values() for copy in line if copy.number not in self.out]
        found = {copy.number: copy for copy in (*self.waiting.values(), *standing)}
        return [found[number] for number in sorted(found)]
