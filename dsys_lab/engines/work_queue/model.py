"""The model, behind the verbs of the engines: on a clock of its own that only `wait` moves.

`WorkQueue` is told the time at every verb; an engine lives in it. So that both can be given the same orders, here the
model has a clock: every verb takes a microsecond, and waiting for an hour takes none.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from dsys_lab.brokers.work_queue import (
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Extended,
    Rejected,
    Returned,
    Sent,
    Settings,
    Stale,
    Status,
    WorkQueue,
)
from dsys_lab.brokers.work_queue.settings import WAIT_MAX_S, require_within, to_us
from dsys_lab.trace import NO_TRACE, Recorder, Scalar


class VirtualClock:
    """Stamps rows like a `WallClock`, with a time that stands still until it is moved."""

    def __init__(self, recorder: Recorder = NO_TRACE) -> None:
        self.recorder = recorder
        self.now_us = 0

    def emit(self, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Record that `kind` happened now."""
        self.recorder.emit(self.now_us, kind, place, message, **fields)


class ModelQueue:
    """The model `WorkQueue` with the verbs of the engines.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings, optional
    clock : VirtualClock
        Tells the time; silent by default.

    Examples
    --------
    >>> with ModelQueue("clips", Settings(visibility_s=30)) as queue:
    ...     queue.send("m1"), queue.receive()[0].attempt
    ...     queue.wait(30)
    ...     queue.receive()[0].attempt
    (Accepted(message='m1', number=0), 1)
    2
    """

    def __init__(self, place: str, settings: Settings | None = None, *, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self._queue = WorkQueue(place, settings, recorder=self.clock.recorder)
        self.place, self.settings = place, self._queue.settings

    def _next_us(self) -> int:
        self.clock.now_us += 1
        return self.clock.now_us

    def send(self, message: str, body: str = "", **given: Any) -> Sent:
        """Store a message: `group`, `dedup_id`, `delay_s`, `copy` as in `WorkQueue.send`."""
        return self._queue.send(self._next_us(), message, body, **given)

    def receive(
        self, *, limit: int = 1, visibility_s: float | None = None, wait_s: float = 0, to: str = "worker"
    ) -> list[Delivery]:
        """Borrow up to `limit` messages; wait for the first one for up to `wait_s`."""
        require_within(wait_s=(wait_s, WAIT_MAX_S))
        since_us = self._next_us()
        while True:
            given = self._queue.receive(self.clock.now_us, limit=limit, visibility_s=visibility_s, to=to)
            again_us = self._queue.ask_again_us(self.clock.now_us, since_us=since_us, wait_s=wait_s)
            if given or again_us is None:
                return given
            self.clock.now_us = again_us

    def acknowledge(self, handle: str) -> Acknowledged | Stale:
        """Let go of a message for good."""
        return self._queue.acknowledge(self._next_us(), handle)

    def extend(self, handle: str, seconds: float) -> Extended | Stale | Rejected:
        """Keep a message for `seconds` from now."""
        return self._queue.extend(self._next_us(), handle, seconds)

    def nack(self, handle: str, *, delay_s: float = 0) -> Returned | Stale | Rejected:
        """Hand a message back; the others see it after `delay_s`."""
        return self._queue.nack(self._next_us(), handle, delay_s=delay_s)

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return self._queue.dead_letters()

    def redrive(self, *, limit: int | None = None) -> int:
        """Put dead letters back, the oldest first; return how many."""
        return self._queue.redrive(self._next_us(), limit=limit)

    def tick(self) -> list[Became]:
        """Do what time has done, and say what it was."""
        return self._queue.tick(self.clock.now_us)

    def status(self) -> Status:
        """Return where the messages are, and the books."""
        self.tick()
        return self._queue.status()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now_us += to_us(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Do nothing: there is nothing to remove."""
