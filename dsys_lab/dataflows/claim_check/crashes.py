"""In which order? The payload and the message are two writes in two places, and no transaction spans them.

So a crash can fall between them, at both ends. Put first, and it leaves an object that no message names: *litter*,
which costs money and nothing else. Send first, and it leaves a ticket to nowhere: a message that nobody can ever work
on. At the other end it is the same the other way round: acknowledge before you delete.

`crashed_everywhere` runs one payload through the real room with a crash before each step, and looks at what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from dsys_lab.brokers.work_queue import Delivery, Sent, Settings, WorkQueue
from dsys_lab.dataflows.claim_check.check import ClaimCheck, ClaimGone, Taken
from dsys_lab.errors import BadParameter
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.structures.disk import VolatileDisk

SENDER: Final = ("put", "send")
RECEIVER: Final = ("get", "work", "acknowledge", "delete")
STEPS: Final = (*SENDER, *RECEIVER)
ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "object first, deleted last": ("put", "send", "get", "work", "acknowledge", "delete"),
    "message first": ("send", "put", "get", "work", "acknowledge", "delete"),
    "deleted before acknowledged": ("put", "send", "get", "work", "delete", "acknowledge"),
}
"""Three orders: the right one, and one mistake at each end."""
MESSAGE: Final = "clip-1"
PAYLOAD: Final = bytes(range(256)) * 8
TRIES: Final = 3


class Outcome(NamedTuple):
    """What one crash came to.

    Attributes
    ----------
    step : int
        Before which it crashed, from 0.
    before : str
        What was not done any more, or "the end".
    done : int
        How often the payload was worked on.
    to_nowhere : int
        Messages whose object is gone: nobody can work on them.
    litter : int
        Objects that no message stands for.
    """

    step: int
    before: str
    done: int
    to_nowhere: int
    litter: int


class QueueAtHand:
    """The model of the work queue with a clock of its own, which `wait` moves on."""

    def __init__(self, place: str, settings: Settings | None = None) -> None:
        self.queue, self.now_us = WorkQueue(place, settings), 0

    def send(self, message: str, body: str = "") -> Sent:
        """Store a message."""
        return self.queue.send(self.now_us, message, body)

    def receive(self, *, limit: int = 1) -> list[Delivery]:
        """Borrow up to so many."""
        return self.queue.receive(self.now_us, limit=limit)

    def acknowledge(self, handle: str) -> object:
        """Let go of one for good."""
        return self.queue.acknowledge(self.now_us, handle)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_us += int(seconds * 1e6)


class Crash(Exception):  # it is no error of anybody's
    """The program is gone."""


class _Life:
    """Sender and receiver of one payload, until a crash.

    Parameters
    ----------
    crash_before : int or None
        The step before which both are gone.
    """

    def __init__(self, check: ClaimCheck, steps: Sequence[str], crash_before: int | None = None) -> None:
        self.check, self.steps, self._left = check, steps, crash_before
        self.done = 0

    def send(self) -> None:
        """Do the sender's steps."""
        body = _body_of(self.check)
        for step in self._next(SENDER):
            if step == "put":
                self.check.check_in(MESSAGE, PAYLOAD)
            else:
                self.check.queue.send(MESSAGE, body)

    def receive(self) -> None:
        """Do the receiver's steps on what is there."""
        for taken in self.check.receive():
            self._work_on(taken)

    def _work_on(self, taken: Taken) -> None:
        assert taken.ticket is not None
        for step in self._next(RECEIVER):
            if step == "get":
                self.check.payload(taken)
            elif step == "work":
                self.done += 1
            elif step == "acknowledge":
                self.check.queue.acknowledge(taken.handle)
            else:
                self.check.store.delete(taken.ticket.key)

    def _next(self, whose: Sequence[str]) -> Iterator[str]:
        """Give the steps of one of them in their order; crash at the one that was told."""
        for step in self.steps:
            if step in whose:
                if self._left is not None:
                    if self._left == 0:
                        raise Crash
                    self._left -= 1
                yield step


def crashed_everywhere(order: str | Sequence[str], *, sends_again: bool = False) -> list[Outcome]:
    """Run one payload with a crash before each step and after the last, go on, and say what is left each time.

    Parameters
    ----------
    order : str or sequence of str
        One of `ORDERS`, or the six `STEPS` in an order of your own, the sender's first.
    sends_again : bool
        Whether a sender that crashed begins anew; without it, nobody remembers what it was about to send.
    """
    steps = ORDERS.get(order, ()) if isinstance(order, str) else tuple(order)
    if sorted(steps) != sorted(STEPS) or set(steps[:2]) != set(SENDER):
        told = ", ".join(map(repr, ORDERS))
        raise BadParameter(f"order = {order!r}: give one of {told}, or all of {', '.join(STEPS)}, the sender's first")
    return [_crashed(steps, step, sends_again) for step in range(len(steps) + 1)]


def _crashed(steps: Sequence[str], step: int, sends_again: bool) -> Outcome:
    queue, store = QueueAtHand("clips"), JournaledStore(VolatileDisk())
    check = ClaimCheck(queue, store, message_bytes_max=0)
    first, second = _Life(check, steps, step), _Life(check, steps)
    with suppress(Crash):
        first.send()
        first.receive()
    if sends_again and step < len(SENDER):
        second.send()
    to_nowhere = 0
    for _ in range(TRIES):
        queue.wait(queue.queue.settings.visibility_s)
        try:
            second.receive()
        except ClaimGone:
            to_nowhere = 1
    left = queue.queue.status().kept
    objects = len(store.list().keys)
    before = [*steps, "the end"][step]
    return Outcome(step, before, first.done + second.done, to_nowhere if left else 0, 0 if left else objects)


def _body_of(check: ClaimCheck) -> str:
    """Return the ticket of the payload: its key and tag are known before it is put."""
    return ClaimCheck(check.queue, JournaledStore(VolatileDisk()), message_bytes_max=0).check_in(MESSAGE, PAYLOAD)
