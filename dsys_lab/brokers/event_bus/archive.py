"""What a bus keeps of the past: events that a pattern picks, for some days or for ever, in the order of their coming.

A replay goes through the time of the events in steps of a minute. Within a step the order is left to chance, as with
the service: whoever needs order has to sort, or not to replay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.brokers.event_bus.events import Event
from dsys_lab.brokers.event_bus.rules import require_name
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.errors import BadParameter, require_not_negative
from dsys_lab.facts import fact

STEP_US: Final = int(fact("eventbridge_replay_step").value * 1e6)
DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Archive:
    """What is kept, and for how long.

    Attributes
    ----------
    name : str
    pattern : Pattern or None
        Which events are kept; None: all.
    days : float
        For how long; 0: for ever.
    """

    name: str
    pattern: Pattern | None = None
    days: float = 0

    def __post_init__(self) -> None:
        require_name("archive", self.name)
        if self.pattern is not None and not isinstance(self.pattern, Pattern):
            raise BadParameter(f"pattern = {self.pattern!r}: give a Pattern, or None to keep all")
        require_not_negative(days=self.days)

    def keeps(self, envelope: Mapping[str, Any]) -> bool:
        """Whether an event is to be kept."""
        return self.pattern is None or self.pattern.matches(envelope)


@dataclass(frozen=True, slots=True)
class Kept:
    """An event in an archive: which copy of it, and when it came."""

    event: Event
    copy: int
    came_us: int


class Shelf:
    """The events of one archive."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._kept: deque[Kept] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, kept: Kept) -> None:
        """Put an event in."""
        self._kept.append(kept)

    def expire(self, now_us: int) -> list[Kept]:
        """Throw out what has been there for too long, and return it."""
        gone = []
        while self.archive.days and self._kept and self._kept[0].came_us + self.archive.days * DAY_US <= now_us:
            gone.append(self._kept.popleft())
        return gone

    def between(self, since_us: int, until_us: int, luck: Callable[[], float]) -> list[Event]:
        """Return the events of this time, minute by minute, within a minute in an order that `luck` draws."""
        wanted = (kept.event for kept in self._kept if since_us <= kept.event.time_us < until_us)
        drawn = [((event.time_us - since_us) // STEP_US, luck(), event) for event in wanted]
        return [event for _, _, event in sorted(drawn, key=lambda one: one[:2])]
