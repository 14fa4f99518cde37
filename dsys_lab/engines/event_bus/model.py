"""The model behind the verbs that a real bus has: every target is called directly and takes what it is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from dsys_lab.brokers.event_bus import Archive, Entry, EventBus, Rule, Taken, Target, Transformer, Whole
from dsys_lab.brokers.event_patterns import Pattern


class Routing(Protocol):
    """What every bus can do here; those that can do more have `keep`, `kept` and `replay`, and take a shape."""

    def rule(self, name: str, pattern: Mapping[str, Any]) -> None:
        """Make a rule with a target of its own."""
        ...

    def remove(self, name: str) -> None:
        """Take a rule away."""
        ...

    def put(self, *entries: Entry) -> list[bool]:
        """Put events, and return of each whether it was taken."""
        ...

    def heard(self, rule: str) -> list[Any]:
        """Return what came to the target of a rule since it was asked last."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...


class ModelBus:
    """An `EventBus` whose attempts are carried out at once. A millisecond passes at each verb."""

    def __init__(self) -> None:
        self.bus = EventBus("bus")
        self._now_us = 0
        self._heard: dict[str, list[Any]] = {}
        self._into: dict[str, str] = {}

    def _later(self) -> int:
        self._now_us += 1_000
        return self._now_us

    def rule(
        self, name: str, pattern: Mapping[str, Any], shape: Transformer | None = None, *, into: str = ""
    ) -> None:
        """Make a rule, whose queue may be that of another."""
        self.bus.put_rule(self._later(), Rule(name, Pattern(pattern), [Target("queue", shape or Whole())]))
        self._into[name] = into or name
        self._heard.setdefault(self._into[name], [])

    def remove(self, name: str) -> None:
        """Take it away."""
        self.bus.remove_rule(self._later(), name)

    def put(self, *entries: Entry) -> list[bool]:
        """Put events and carry out what is due."""
        answers = self.bus.put(self._later(), entries)
        self._carry_out()
        return [isinstance(answer, Taken) for answer in answers]

    def _carry_out(self) -> None:
        for attempt in self.bus.attempts(self._now_us):
            self._heard[self._into[attempt.rule]].append(json.loads(attempt.body))
            self.bus.delivered(self._now_us, attempt.number)

    def heard(self, rule: str) -> list[Any]:
        """Return what came since last."""
        heard, self._heard[rule] = self._heard[rule], []
        return heard

    def keep(self, name: str, pattern: Mapping[str, Any] | None = None) -> None:
        """Keep what a pattern picks."""
        self.bus.keep(self._later(), Archive(name, None if pattern is None else Pattern(pattern)))

    def kept(self, name: str) -> int:
        """Return how many events an archive has."""
        return self.bus.status().archived[name]

    def replay(self, name: str, *rules: str) -> None:
        """Hand on again all that an archive has, to these rules, or to all."""
        now_us = self._later()
        self.bus.replay(now_us, f"replay-{now_us}", name, since_us=0, until_us=now_us, rules=rules or None)
        self._carry_out()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return None
