"""The same orders to any buffer: what a model and a real broker are told, so that what they do can be compared.

`burst` offers so many messages for each one that is taken, and at the end takes all that is left. Nothing is left to
chance and nobody waits for a time: two buffers that were given these orders differ only where they themselves do. A
real broker lives in the time; the model is told it, and `OnClock` tells it.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from dsys_lab.brokers.overflow import Answer, Buffer, Request
from dsys_lab.errors import require_positive

PRODUCER: Final = "wearables"
WORKER: Final = "scorer"


class AnyBuffer(Protocol):
    """What the orders ask of a buffer."""

    def offer(self, request: Request) -> Answer:
        """Ask for a place."""

    def take(self) -> Request | None:
        """Return the next request to serve, or None when nothing waits."""


class Clock(Protocol):
    """Who knows the time, and writes rows: a `Simulation`, or an engine's `WallClock`."""

    @property
    def now_us(self) -> int:
        """Microseconds since the start."""

    def emit(self, kind: str, place: str, message: str | None = None, /, **fields: Any) -> None:
        """Record that `kind` happened now."""


class OnClock:
    """The model `Buffer`, told the time by a clock.

    Examples
    --------
    >>> class Stopped:
    ...     now_us = 7
    ...     def emit(self, *row, **fields):
    ...         print(*row)
    >>> burst(OnClock(Buffer("inbox", capacity=1, policy="reject"), Stopped()), Stopped(), messages=2)
    publish wearables n1
    publish wearables n2
    start scorer n1
    finish scorer n1
    """

    def __init__(self, buffer: Buffer, clock: Clock) -> None:
        self.buffer, self.clock = buffer, clock

    def offer(self, request: Request) -> Answer:
        """Ask for a place now."""
        return self.buffer.offer(self.clock.now_us, request)

    def take(self) -> Request | None:
        """Return the next request to serve, or None when nothing waits."""
        return self.buffer.take(self.clock.now_us)


def burst(buffer: AnyBuffer, clock: Clock, *, messages: int = 200, offers_per_take: int = 4) -> None:
    """Offer n1, n2 and so on; take one after every `offers_per_take`, and in the end all that is left.

    A producer that must wait waits for the worker: one is taken, and it offers again.
    """
    require_positive(messages=messages, offers_per_take=offers_per_take)
    for number in range(1, messages + 1):
        clock.emit("publish", PRODUCER, f"n{number}", attempt=1)
        request = Request(f"n{number}", offered_us=clock.now_us)
        while buffer.offer(request) is Answer.MUST_WAIT:
            work_on_one(buffer, clock)
        if number % offers_per_take == 0:
            work_on_one(buffer, clock)
    while work_on_one(buffer, clock):
        pass


def work_on_one(buffer: AnyBuffer, clock: Clock) -> bool:
    """Let the worker take one message and be done with it; say whether there was one."""
    request = buffer.take()
    if request is None:
        return False
    clock.emit("start", WORKER, request.message, attempt=1, copy=request.copy)
    sojourn_us = clock.now_us - request.offered_us
    clock.emit("finish", WORKER, request.message, attempt=1, copy=request.copy, sojourn_us=sojourn_us)
    return True
