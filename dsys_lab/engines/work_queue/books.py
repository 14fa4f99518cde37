"""What becomes of each message in a real queue, written down in the model's words.

An engine answers the one who asks; it tells nobody that a loan is over. So beside each engine stands the shelf of the
model, on which is done what the engine has answered: an accepted message is stored there, a delivered one is lent, and
what time does by itself, the shelf does by the wall clock. Its rows are the model's rows, so the same player, ledger
and invariants run on reality.

The books never decide. Who is next, how often it was received, whether an old handle still counts: the engine says.
Where it gives a message that should still be hidden, or one that nobody heard of, that is written down as it happened,
and an invariant may go red over it: that is what invariants are for.

What the rows cannot be better than: `visible` is written when a loan is over by our clock, and at the next verb only;
`expire` likewise.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from dsys_lab.brokers.work_queue import (
    Accepted,
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Duplicate,
    Extended,
    Rejected,
    Returned,
    Settings,
    Stale,
)
from dsys_lab.brokers.work_queue.lines import LENT, VISIBLE, Chance, Stored
from dsys_lab.brokers.work_queue.settings import to_us
from dsys_lab.brokers.work_queue.shelf import Shelf
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import BadParameter

Native = TypeVar("Native")
GONE, ANOTHER_HAS_IT, OVER = "gone", "received again", "the loan is over"


class Loan(NamedTuple, Generic[Native]):
    """What a handle stands for.

    Attributes
    ----------
    handle : str
    stored : Stored
        The message, as the books have it.
    attempt : int
        The receive at which the handle was given out.
    native : object
        What the engine itself wants to see.
    """

    handle: str
    stored: Stored
    attempt: int
    native: Native

    @property
    def stale(self) -> str:
        """Why the handle is old, or "" while the message is on this very loan."""
        if self.stored.state is LENT:
            return "" if self.attempt == self.stored.receives else ANOTHER_HAS_IT
        return OVER if self.stored.state is VISIBLE else GONE


class Books(Generic[Native]):
    """The model's shelf, on which is done what an engine answers.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings
        What the engine was set to.
    clock : WallClock
        Stamps the rows.
    """

    def __init__(self, place: str, settings: Settings, clock: WallClock) -> None:
        self.place, self.settings, self.clock = place, settings, clock
        self.shelf = Shelf(place, settings, clock.recorder)
        self.shelf.order = _TheEngineDecides()  # type: ignore[assignment]  # an `Order`, but neither of the model's
        self._loans: dict[str, Loan[Native]] = {}

    def catch_up(self) -> list[Became]:
        """Write down what time has done since the last verb."""
        return self.shelf.tick(self.clock.now_us)

    # ------------------------------------------------------------ write path
    @property
    def next_number(self) -> int:
        """The number that the next message gets; it travels with it."""
        return self.shelf.next_number

    def leave_out(self) -> None:
        """Leave the next number to a message of which no answer came: it may be there, and show up later."""
        self.shelf.next_number += 1

    def accept(self, message: str, copy: int, body: str, group: str | None, delay_s: float) -> Accepted:
        """Write down that a message is stored."""
        self.catch_up()
        self.shelf.accepted += 1
        return Accepted(message, self.shelf.store(message, copy, body, group, to_us(delay_s)).number)

    def suppress(self, message: str, copy: int, of: str) -> Duplicate:
        """Write down that a message was not stored again."""
        self.clock.emit("duplicate", self.place, message, of=of, copy=copy)
        return Duplicate(message, of)

    def reject(self, message: str, copy: int, why: str) -> Rejected:
        """Write down that a message was refused."""
        self.clock.emit("reject", self.place, message, why=why, copy=copy)
        return Rejected(message, why)

    # ------------------------------------------------------------ read path
    def lend(self, given: Delivery, native: Native, *, to: str) -> Delivery:
        """Write down that a message was delivered.

        Parameters
        ----------
        given : Delivery
            As the engine tells it; its handle is the message's number.
        native : object
            What the engine wants to see for an acknowledgement.
        to : str
            Who receives.
        """
        self.catch_up()
        number = int(given.handle)
        stored = self.shelf.stored.get(number) or self._found(number, given)
        if stored.state is not VISIBLE:  # the engine's clock was first, or it broke its word
            self.shelf.show(stored)
        stored.receives = given.attempt - 1
        self.shelf.lend(stored, given.visible_until_us)
        handle = f"{stored.message}#{number}.{given.attempt}"
        self._loans[handle] = Loan(handle, stored, given.attempt, native)
        now_us = self.shelf.now_us
        self.clock.recorder.emit(
            now_us, "deliver", self.place, stored.message, to=to, attempt=given.attempt, handle=handle,
            visible_until_us=given.visible_until_us, arrive_us=now_us, copy=stored.copy,
        )  # fmt: skip
        return given._replace(handle=handle, sent_us=stored.sent_us)

    def _found(self, number: int, given: Delivery) -> Stored:
        """Store a message of which no answer came when it was sent: now we know that it was stored."""
        following, self.shelf.next_number = self.shelf.next_number, number
        self.shelf.accepted += 1
        stored = self.shelf.store(given.message, given.copy, given.body, given.group)
        self.shelf.next_number = following
        return stored

    def loan(self, handle: str) -> Loan[Native]:
        """Return what a handle stands for, after time was caught up with."""
        self.catch_up()
        if handle not in self._loans:
            raise BadParameter(f"handle = {handle!r}: {self.place} never gave it out")
        return self._loans[handle]

    # ------------------------------------------------------------ what a worker says
    def let_go(self, loan: Loan[Native]) -> Acknowledged:
        """Write down that a message is gone for good."""
        self.catch_up()
        self.shelf.acknowledged += 1
        self.shelf.leave(loan.stored)
        message, copy = loan.stored.message, loan.stored.copy
        self.clock.emit("ack", self.place, message, handle=loan.handle, attempt=loan.attempt, copy=copy)
        return Acknowledged(message)

    def refuse(self, loan: Loan[Native], why: str) -> Stale:
        """Write down that a handle was too old to change anything."""
        message = loan.stored.message
        self.clock.emit("ack_stale", self.place, message, handle=loan.handle, attempt=loan.attempt, why=why)
        return Stale(message, why)

    def prolong(self, loan: Loan[Native], seconds: float) -> Extended:
        """Write down that a message is hidden for `seconds` from now."""
        self.catch_up()
        stored, until_us = loan.stored, self.shelf.now_us + to_us(seconds)
        self._hide(stored, until_us)
        self.clock.emit("extend", self.place, stored.message, until_us=until_us, copy=stored.copy)
        return Extended(stored.message, until_us)

    def hand_back(self, loan: Loan[Native], delay_s: float) -> Returned:
        """Write down that a message was handed back."""
        self.catch_up()
        stored, delay_us = loan.stored, to_us(delay_s)
        visible_us = self.shelf.now_us + delay_us
        self.clock.recorder.emit(
            self.shelf.now_us, "nack", self.place, stored.message, delay_us=delay_us, copy=stored.copy
        )
        if delay_us:
            self._hide(stored, visible_us)
        elif stored.state is LENT:
            self.shelf.show(stored)
        return Returned(stored.message, visible_us)

    def _hide(self, stored: Stored, until_us: int) -> None:
        if stored.state is VISIBLE:  # an engine that lets an old handle hide it again
            self.shelf.lend(stored, until_us)
            stored.receives -= 1
        else:
            self.shelf.ends_at(stored, until_us)

    # ------------------------------------------------------------ dead letters
    def may_be_dead(self) -> bool:
        """Whether a message has been received as often as it may, and its last loan is over."""
        often = self.settings.max_receives
        return often is not None and any(
            stored.state is VISIBLE and stored.receives >= often for stored in self.shelf.stored.values()
        )

    def bury(self, number: int) -> None:
        """Write down that a message was set aside."""
        stored = self.shelf.stored.get(number)
        if stored is not None:
            if stored.state is not VISIBLE:
                self.shelf.show(stored)
            self.shelf.set_aside(stored)

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return [DeadLetter(d.message, d.copy, d.body, d.group, d.receives, d.sent_us) for d in self.shelf.letters()]

    @property
    def oldest_sent_us(self) -> int | None:
        """When the oldest message that is not dead was sent."""
        return next((stored.sent_us for stored in self.shelf.stored.values()), None)


class _TheEngineDecides:
    """An order without an opinion: who is next is the engine's business."""

    def put(self, stored: Stored) -> None:
        """Do nothing."""

    late = back = settled = forget = put

    def take(self, chance: Chance | None) -> Stored | None:
        """Give nothing: the engine does."""

    def marks(self) -> dict[str, list]:
        """Return nothing."""
        return {}


def require_default(settings: Settings, reasons: dict[str, str]) -> None:
    """Refuse settings that an engine cannot be given, each with its reason."""
    for name, reason in reasons.items():
        if getattr(settings, name) != getattr(_DEFAULTS, name):
            raise BadParameter(f"{name} = {getattr(settings, name)!r}: {reason}; leave it as it is by default")


_DEFAULTS: Final = Settings()
