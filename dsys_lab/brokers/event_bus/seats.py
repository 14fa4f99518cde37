"""What a bus remembers: copies of events on their way to each target, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.brokers import outbox
from dsys_lab.brokers.event_bus.answers import Attempt
from dsys_lab.brokers.event_bus.events import Event
from dsys_lab.brokers.event_bus.rules import Target


@dataclass(slots=True, kw_only=True)
class Seat(outbox.Seat):
    """What a target of a rule has."""

    rule: str
    target: Target

    def serve(self, target: Target) -> None:
        """Go on for a target of this name with what it says now."""
        self.target, self.retry, self.sets_aside = target, target.retry, target.dead_letters


@dataclass(slots=True, kw_only=True)
class Copy(outbox.Copy):
    """An event on its way to one target."""

    seat: Seat
    event: Event

    @property
    def body(self) -> str:
        """What the target is given, in its shape."""
        return self.seat.target.shape.of(self.event.envelope())

    def to_attempt(self) -> Attempt:
        """Return what whoever carries it out is given."""
        return Attempt(
            self.number, self.seat.rule, self.seat.target.name, self.event.id, self.copy, self.body, self.attempt,
            self.made_us, self.event.replay_name,
        )  # fmt: skip
