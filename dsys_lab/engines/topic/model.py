"""The model behind the verbs that a real topic has: every seat is called directly, and time passes as it must."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic import Subscription, Topic


class Broadcast(Protocol):
    """What every topic can do here."""

    def subscribe(self, name: str, only: Mapping[str, Any] | None = None) -> None:
        """Give a seat to somebody who wants all, or what the filter lets through."""
        ...

    def unsubscribe(self, name: str) -> None:
        """Take a seat away."""
        ...

    def goes_down(self, name: str) -> None:
        """Let a subscriber be down, without telling anybody."""
        ...

    def comes_back(self, name: str) -> None:
        """Let it be up again."""
        ...

    def publish(self, message: str, **attributes: Any) -> None:
        """Publish a message."""
        ...

    def heard(self, name: str) -> list[str]:
        """Return what a subscriber has heard since it was asked last."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...


class ModelTopic:
    """A `Topic` whose attempts are carried out at once; while a subscriber is down they fail."""

    def __init__(self) -> None:
        self.topic = Topic("uploads")
        self._now_us = 0
        self._down: set[str] = set()
        self._heard: dict[str, list[str]] = {}

    def subscribe(self, name: str, only: Mapping[str, Any] | None = None) -> None:
        """Give a seat."""
        pattern = Pattern(only) if only else None
        self.topic.subscribe(self._now_us, Subscription(name=name, only=pattern))
        self._heard.setdefault(name, [])

    def unsubscribe(self, name: str) -> None:
        """Take a seat away."""
        self.topic.unsubscribe(self._now_us, name)

    def goes_down(self, name: str) -> None:
        """Let every attempt fail from now on."""
        self._down.add(name)

    def comes_back(self, name: str) -> None:
        """Let time pass until the next attempt, which succeeds."""
        self._down.discard(name)
        while (due_us := self.topic.deadline_us()) is not None:
            self._now_us = due_us
            self._carry_out()

    def publish(self, message: str, **attributes: Any) -> None:
        """Publish, and carry out what is due at once."""
        self.topic.publish(self._now_us, message, message, attributes=attributes)
        self._carry_out()

    def _carry_out(self) -> None:
        while due := self.topic.attempts(self._now_us):
            for attempt in due:
                if attempt.subscription in self._down:
                    self.topic.failed(self._now_us, attempt.number, "down")
                else:
                    self._heard[attempt.subscription].append(attempt.message)
                    self.topic.delivered(self._now_us, attempt.number)

    def heard(self, name: str) -> list[str]:
        """Return what came since last."""
        heard, self._heard[name] = self._heard[name], []
        return heard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return None
