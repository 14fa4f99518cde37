"""The verbs of the model, behind which stands a real queue: what all engines do alike.

A verb is the same three steps everywhere: refuse what the model refuses, ask the engine, write down in the `Books` what
it answered. The second step is the engine's own, and all that an engine's class has: `_store`, `_borrow`, `_let_go`,
`_hide`, `_hand_back`, `_find_dead`, `_send_again`, `_where`.

What has left the queue in the books (acknowledged, expired, set aside) is not spoken of to the engine any more, for
some engines would act on it: its handle is `Stale`.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from hashlib import sha256
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self

from dsys_lab.brokers.work_queue import (
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Extended,
    Returned,
    Sent,
    Settings,
    Stale,
    Status,
)
from dsys_lab.brokers.work_queue.lines import Stored
from dsys_lab.brokers.work_queue.settings import VISIBILITY_MAX_S, WAIT_MAX_S, require_batch, require_within
from dsys_lab.engines.connection import EngineConnection
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.books import GONE, OVER, Books, Loan, Native
from dsys_lab.errors import MayHaveHappened, require_not_negative


class TooLargeError(Exception):
    """The engine takes no message of that size."""


class Label(NamedTuple):
    """What travels with a message, so that whoever receives it knows what it is."""

    message: str
    copy: int
    number: int
    group: str | None

    def to_text(self) -> str:
        """Return it as JSON: ASCII, on one line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `to_text` wrote."""
        return cls(**json.loads(text))


class Outgoing(NamedTuple):
    """A message on its way to the engine.

    Attributes
    ----------
    label : Label
    body : str
    key : str or None
        What makes two messages the same: the deduplication id, or for FIFO the hash of the body.
    came_before : bool
        Whether a message was sent under this key before.
    delay_s : float or None
        None: the queue's own.
    """

    label: Label
    body: str
    key: str | None
    came_before: bool
    delay_s: float | None


class EngineQueue(ABC, Generic[Native]):
    """A real queue with the verbs and the rows of the model `WorkQueue`.

    Use it in a `with` block, which removes it.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings or None
    clock : WallClock or None
        Stamps its rows; silent by default.
    over : EngineConnection
        What it is spoken to over.
    """

    def __init__(
        self, place: str, settings: Settings | None, clock: WallClock | None, over: EngineConnection[Any]
    ) -> None:
        self.place, self.settings = place, settings or Settings()
        self.clock = clock or WallClock()
        self._books: Books[Native] = Books(place, self.settings, self.clock)
        self._over = over
        self._names: list[str] = []  # what the connection removes at the end
        self._first: dict[str, str] = {}  # key -> the message that came with it

    # ------------------------------------------------------------ write path
    def send(
        self,
        message: str,
        body: str = "",
        *,
        group: str | None = None,
        dedup_id: str | None = None,
        delay_s: float | None = None,
        copy: int = 0,
    ) -> Sent:
        """Store a message and wait for the engine's answer.

        Raises
        ------
        MayHaveHappened
            If no answer comes. Send it again under the same `dedup_id`: then it is there once (SQS: in FIFO queues).
        """
        self.settings.require_sendable(message, body, group, dedup_id, delay_s)
        key = sha256(body.encode()).hexdigest() if self.settings.is_fifo and dedup_id is None else dedup_id
        before = self._first.get(key) if key is not None else None
        label = Label(message, copy, self._books.next_number, group)
        try:
            was_there = self._store(Outgoing(label, body, key, before is not None, delay_s))
        except MayHaveHappened:
            self._books.leave_out()
            if key is not None:
                self._first.setdefault(key, message)
            raise
        except TooLargeError:
            return self._books.reject(message, copy, "too large")
        if was_there:
            return self._books.suppress(message, copy, before or message)
        if key is not None:
            self._first[key] = message
        return self._books.accept(message, copy, body, group, self.settings.delay_s if delay_s is None else delay_s)

    # ------------------------------------------------------------ read path
    def receive(
        self, *, limit: int = 1, visibility_s: float | None = None, wait_s: float = 0, to: str = "worker"
    ) -> list[Delivery]:
        """Borrow up to `limit` messages; wait for the first one for up to `wait_s`."""
        require_batch(limit)
        visibility_s = self.settings.visibility_s if visibility_s is None else visibility_s
        require_within(visibility_s=(visibility_s, VISIBILITY_MAX_S), wait_s=(wait_s, WAIT_MAX_S))
        borrowed = self._borrow(limit, visibility_s, wait_s)
        self._books.catch_up()
        if self._books.may_be_dead():
            for number in self._find_dead():
                self._books.bury(number)
        return [self._books.lend(given, native, to=to) for given, native in borrowed]

    # ------------------------------------------------------------ what a worker says
    def acknowledge(self, handle: str) -> Acknowledged | Stale:
        """Let go of a message for good."""
        loan = self._books.loan(handle)
        why = loan.stale
        if why != GONE and self._let_go(loan):
            return self._books.let_go(loan)
        return self._books.refuse(loan, why or OVER)

    def extend(self, handle: str, seconds: float) -> Extended | Stale:
        """Keep a message for `seconds` from now, if the engine still takes the handle."""
        require_within(seconds=(seconds, VISIBILITY_MAX_S))
        loan = self._books.loan(handle)
        why = loan.stale
        if why != GONE and self._hide(loan, seconds):
            return self._books.prolong(loan, seconds)
        return self._books.refuse(loan, why or OVER)

    def nack(self, handle: str, *, delay_s: float = 0) -> Returned | Stale:
        """Hand a message back; the others see it after `delay_s`."""
        require_within(delay_s=(delay_s, VISIBILITY_MAX_S))
        loan = self._books.loan(handle)
        why = loan.stale
        if why != GONE and self._hand_back(loan, delay_s):
            return self._books.hand_back(loan, delay_s)
        return self._books.refuse(loan, why or OVER)

    # ------------------------------------------------------------ dead letters
    def dead_letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return self._books.dead_letters()

    def redrive(self, *, limit: int | None = None) -> int:
        """Put dead letters back, the oldest first; return how many."""
        if limit is not None:
            require_not_negative(limit=limit)
        self._books.catch_up()
        letters = self._books.shelf.letters()[:limit]
        try:
            for _ in self._send_again(letters):
                self._books.shelf.redrive()
        except MayHaveHappened:
            self._books.leave_out()
            raise
        return len(letters)

    # ------------------------------------------------------------ upkeep
    def tick(self) -> list[Became]:
        """Write down what time has done, and say what it was."""
        return self._books.catch_up()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def status(self) -> Status:
        """Return where the messages are, as far as the engine counts them; what has been is our books'."""
        self.tick()
        shelf = self._books.shelf
        return Status(
            **self._where(),
            accepted=shelf.accepted,
            copied=0,
            acknowledged=shelf.acknowledged,
            expired=shelf.expired,
            oldest_sent_us=self._books.oldest_sent_us,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for name in self._names:
            self._over.remove(name)

    # ------------------------------------------------------------ what is the engine's own
    @abstractmethod
    def _store(self, outgoing: Outgoing) -> bool:
        """Store a message; return whether it was there already. `TooLargeError` if it does not fit."""

    @abstractmethod
    def _borrow(self, limit: int, visibility_s: float, wait_s: float) -> list[tuple[Delivery, Native]]:
        """Return what the engine gives, with what it wants to see for an acknowledgement; see `Books.lend`."""

    @abstractmethod
    def _let_go(self, loan: Loan[Native]) -> bool:
        """Let go of a message; return whether it is gone by that."""

    @abstractmethod
    def _hide(self, loan: Loan[Native], seconds: float) -> bool:
        """Make a loan end `seconds` from now; return whether the engine did."""

    @abstractmethod
    def _hand_back(self, loan: Loan[Native], delay_s: float) -> bool:
        """Let a message show after `delay_s`; return whether the engine did."""

    @abstractmethod
    def _find_dead(self) -> Iterable[int]:
        """Return the numbers of messages that the engine has set aside; known ones do no harm."""

    @abstractmethod
    def _send_again(self, letters: list[Stored]) -> Iterator[None]:
        """Put one letter back after the other, each under the books' next number; stop after each of them."""

    @abstractmethod
    def _where(self) -> dict[str, int]:
        """Return how many are `visible`, `delayed`, `in_flight` and `dead`."""
