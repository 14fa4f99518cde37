"""What a service is asked and what it answers, in the words of HTTP.

The status says what a caller may do next: after 200 nothing; after 400 and 422 mend the call; after 409 and 503 ask
again, under the same key. No answer at all is `MayHaveHappened`, and the key is what makes asking again safe.

Sources: RFC 9110, section 15 (status codes), 10.2.3 (Retry-After); IETF draft "The Idempotency-Key HTTP header field".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

DONE, UNREADABLE, IN_PROGRESS, OTHER_BODY, FULL = 200, 400, 409, 422, 503
ASK_AGAIN: Final = (IN_PROGRESS, FULL)
"""What may be asked again as it was."""
KEY_MAX: Final = 255


class Request(NamedTuple):
    """A call.

    Attributes
    ----------
    key : str
        The idempotency key: the caller's own name for what it wants done, the same at each attempt.
    version : str
        Of the contract that `body` is written in.
    body : bytes
    copy : int
        Which copy of the call, for the books.
    """

    key: str
    version: str
    body: bytes
    copy: int = 0

    @property
    def digest(self) -> str:
        """What tells two bodies apart."""
        return hashlib.sha256(self.version.encode() + b"\0" + self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes
    ----------
    status : int
    said : str
        What was done, or why not and what to do.
    retry_after_s : int or None
        When to ask again.
    repeated : bool
        Whether it was done before, and this is what was said then.
    """

    status: int
    said: str
    retry_after_s: int | None = None
    repeated: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the call is carried out."""
        return self.status == DONE


class Effect(NamedTuple):
    """What a carried out call left: its key, the digest of what was asked, the record that is kept, what was said."""

    key: str
    digest: str
    record: bytes
    said: str


class Ledger(Protocol):
    """Where the effects stand, each with the key that it was done under; no crash takes what `write` has written."""

    def find(self, key: str) -> Effect | None:
        """Return what was done under this key, if anything was."""

    def write(self, effect: Effect) -> None:
        """Write an effect and its key, both or neither."""

    def __len__(self) -> int:
        """Return how many there are."""


class MemoryLedger:
    """A ledger that lives as long as whoever holds it: hand it to the next life of a service that crashed."""

    def __init__(self) -> None:
        self._effects: dict[str, Effect] = {}

    def find(self, key: str) -> Effect | None:
        """Return what was done under this key, if anything was."""
        return self._effects.get(key)

    def write(self, effect: Effect) -> None:
        """Write an effect and its key."""
        self._effects[effect.key] = effect

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._effects)
