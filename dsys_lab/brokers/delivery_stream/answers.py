"""What a delivery stream says: one frozen value for each answer to each verb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Accepted(NamedTuple):
    """The record is durable, under this number; numbers rise, and have gaps."""

    message: str
    number: int


class Throttled(NamedTuple):
    """The stream is over its limit, of `what`; this record was not taken."""

    message: str
    what: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An object to be put somewhere; say `delivered` or `failed` with its number, whatever comes of it.

    Attributes
    ----------
    number : int
        Of the crate.
    to : str
        "destination" or "backup".
    key : str
        Under which name.
    data : bytes
    messages : tuple of str
        What is in it, in order.
    attempt : int
        From 1.
    """

    number: int
    to: str
    key: str
    data: bytes
    messages: tuple[str, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class Status:
    """Where the records are, and the books since the stream was opened.

    Attributes
    ----------
    filling : mapping of str to int
        Bytes in each buffer, by partition.
    held : int
        Records in crates that are not delivered yet.
    held_bytes : int
    crates : int
    oldest_us : int or None
        When the oldest record came that is in a buffer or a crate.
    accepted, throttled, delivered, set_aside, dropped, expired : int
        Records. `set_aside`: written under a prefix that says why; `dropped`: by the transform, on purpose.
    objects, repeated : int
        Attempts that were said to be delivered; those that were begun again.
    """

    filling: dict[str, int]
    held: int
    held_bytes: int
    crates: int
    oldest_us: int | None
    accepted: int
    throttled: int
    delivered: int
    set_aside: int
    dropped: int
    expired: int
    objects: int
    repeated: int
