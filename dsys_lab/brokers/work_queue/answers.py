"""What a queue says: one frozen value for each answer to each verb.

An answer that changes nothing is a value too, because at the other end of a network a client gets it the same way; an
exception (`BadParameter`, `Refused`) is for a call that SQS answers with an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.brokers.answers import Duplicate, Rejected


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is stored, under this number."""

    message: str
    number: int


class Delivery(NamedTuple):
    """A message on loan.

    A tuple rather than a frozen dataclass, for it is made at every receive and costs a third.

    Attributes
    ----------
    message : str
        The logical message.
    copy : int
        Which copy of it.
    body : str
    group : str or None
    attempt : int
        How often it has been received, this time included.
    handle : str
        What acknowledges this very delivery.
    sent_us, visible_until_us : int
        When it was sent, and when others will see it again.
    """

    message: str
    copy: int
    body: str
    group: str | None
    attempt: int
    handle: str
    sent_us: int
    visible_until_us: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The message is gone for good."""

    message: str


@dataclass(frozen=True, slots=True)
class Stale:
    """The handle is old, so nothing was changed. SQS answers such a call with success.

    Attributes
    ----------
    message : str
    why : str
        "gone" (acknowledged, expired, set aside), "received again", or "the loan is over".
    """

    message: str
    why: str


@dataclass(frozen=True, slots=True)
class Extended:
    """Others will see the message again only at `until_us`."""

    message: str
    until_us: int


@dataclass(frozen=True, slots=True)
class Returned:
    """The message was handed back; others see it from `visible_us` on."""

    message: str
    visible_us: int


@dataclass(frozen=True, slots=True)
class Became:
    """Time did it: the message became "visible", or "expired"."""

    message: str
    copy: int
    what: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was received too often, set aside with its id and its count."""

    message: str
    copy: int
    body: str
    group: str | None
    receives: int
    sent_us: int


@dataclass(frozen=True, slots=True)
class Status:
    """Where the messages are, and the queue's own books, in copies.

    `accepted + copied = visible + delayed + in_flight + dead + acknowledged + expired`.

    Attributes
    ----------
    visible, delayed, in_flight, dead : int
        Copies that wait, that are still hidden since they were sent, that are on loan, that are set aside.
    accepted, copied, acknowledged, expired : int
        Counted since the queue was made.
    oldest_sent_us : int or None
        When the oldest message that is not dead was sent: what to watch, for at the retention it is gone.
    """

    visible: int
    delayed: int
    in_flight: int
    dead: int
    accepted: int
    copied: int
    acknowledged: int
    expired: int
    oldest_sent_us: int | None

    @property
    def kept(self) -> int:
        """How many copies the queue has, wherever they stand."""
        return self.visible + self.delayed + self.in_flight + self.dead


Sent = Accepted | Duplicate | Rejected
