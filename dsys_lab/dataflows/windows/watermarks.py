"""Up to when has everything come, as far as one may believe?

A source says: the latest event that I saw, less a *bound* on how much later than it others may come. An operator with
several inputs can believe no more than the most hesitant of them: the least of their watermarks.

Two things can go wrong, and each has its cure and its price. An input that falls silent holds all back for ever; after
`idle_us` without a record it is not waited for, and what it then brings may be late. A producer whose clock is ahead
drags the watermark into the future, and everybody else is late; with `ahead_us` an event is believed to be at most so
far ahead of the moment at which it arrives.

>>> marks = Watermarks(("a", "b"), bound_us=5)
>>> marks.on_event(20, "a", 18), marks.on_event(21, "b", 12), marks.at_us
(False, True, 7)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.trace import NO_TRACE, Recorder

BEFORE_ALL: Final = -(1 << 62)
"""The watermark of who has seen nothing."""


@dataclass(slots=True)
class _Input:
    at_us: int = BEFORE_ALL
    heard_us: int = 0


class Watermarks:
    """The watermark of an operator with one input or several.

    Parameters
    ----------
    inputs : iterable of str
    bound_us : int
        How much later than the latest event an earlier one may come.
    idle_us : int, optional
        After so long without a record an input is not waited for.
    ahead_us : int, optional
        By how much the clock of a producer may be ahead of the arrival of its events; None believes every clock.
    now_us : int
        From when on silence is counted.

    Attributes
    ----------
    at_us : int
        Nothing that happened before is still to come, it is claimed; it never decreases.
    """

    def __init__(
        self,
        inputs: Iterable[str] = ("input",),
        *,
        bound_us: int,
        idle_us: int | None = None,
        ahead_us: int | None = None,
        now_us: int = 0,
        place: str = "operator",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        require_not_negative(bound_us=bound_us, ahead_us=ahead_us or 0)
        require_positive(idle_us=1 if idle_us is None else idle_us)
        self._inputs = {name: _Input(heard_us=now_us) for name in inputs}
        if not self._inputs:
            raise BadParameter("inputs: none; give the name of one at least")
        self.bound_us, self.idle_us, self.ahead_us = bound_us, idle_us, ahead_us
        self.place, self.recorder = place, recorder
        self.at_us = BEFORE_ALL

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs."""
        return list(self._inputs)

    def on_event(self, now_us: int, source: str, event_us: int) -> bool:
        """Hear of an event; return whether the watermark has moved."""
        one = self._input(source)
        believed_us = event_us if self.ahead_us is None else min(event_us, now_us + self.ahead_us)
        one.at_us, one.heard_us = max(one.at_us, believed_us - self.bound_us), now_us
        return self.tick(now_us)

    def on_watermark(self, now_us: int, source: str, at_us: int) -> bool:
        """Hear an input's own claim, which needs no bound; return whether the watermark has moved."""
        one = self._input(source)
        one.at_us, one.heard_us = max(one.at_us, at_us), now_us
        return self.tick(now_us)

    def tick(self, now_us: int) -> bool:
        """Let time pass, in which inputs fall idle; return whether the watermark has moved."""
        awaited: Iterable[_Input] = self._inputs.values()
        if self.idle_us is not None:
            awaited = [one for one in awaited if not self._is_idle(now_us, one)]
        at_us = min([one.at_us for one in awaited], default=self.at_us)
        if at_us <= self.at_us:
            return False
        self.at_us = at_us
        self.recorder.emit(now_us, "watermark", self.place, at_us=at_us)
        return True

    def deadline_us(self) -> int | None:
        """Return when the next input may fall idle, if `tick` is to be called then."""
        if self.idle_us is None:
            return None
        holding = [one.heard_us + self.idle_us for one in self._inputs.values() if one.at_us <= self.at_us]
        return min(holding, default=None)

    def idle(self, now_us: int) -> list[str]:
        """Return which inputs are not waited for."""
        return [name for name, one in self._inputs.items() if self._is_idle(now_us, one)]

    def snapshot(self) -> Any:
        """Return all that it knows, as plain values."""
        return self.at_us, {name: (one.at_us, one.heard_us) for name, one in self._inputs.items()}

    def restore(self, snapshot: Any) -> None:
        """Know again what a snapshot knew."""
        self.at_us, inputs = snapshot
        self._inputs = {name: _Input(*values) for name, values in inputs.items()}

    def _is_idle(self, now_us: int, one: _Input) -> bool:
        return self.idle_us is not None and now_us - one.heard_us >= self.idle_us

    def _input(self, source: str) -> _Input:
        if source not in self._inputs:
            raise BadParameter(f"no input {source!r}; there are {', '.join(self._inputs)}")
        return self._inputs[source]
