"""What a topic says: one frozen value for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsys_lab.brokers.outbox import Books


@dataclass(frozen=True, slots=True)
class Published:
    """The message was taken in and goes to these subscriptions; it passed the others by.

    Nobody is told where `to` is empty: then the message is gone, and that is no error.
    """

    message: str
    to: tuple[str, ...]
    passed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand a message to a subscription's endpoint: carry it out and say how it went.

    Attributes
    ----------
    number : int
        What `delivered` and `failed` take.
    subscription, message : str
    copy : int
        Which copy of the message this is.
    body : str
    attributes : mapping
    group : str or None
    attempt : int
        From 1.
    published_us : int
        When the message was published.
    is_replay : bool
        Whether it comes from the archive.
    """

    number: int
    subscription: str
    message: str
    copy: int
    body: str
    attributes: Mapping[str, Any]
    group: str | None
    attempt: int
    published_us: int
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What there is at a topic now, and what there has been.

    Attributes
    ----------
    published, unheard : int
        Messages taken in, and those of them that went to nobody.
    archived : int
        Messages that can be replayed.
    seats : mapping
        The books of each subscription that there is, by name.
    """

    published: int
    unheard: int
    archived: int
    seats: Mapping[str, Books]
