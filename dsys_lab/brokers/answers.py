"""What every broker may answer to a message that it does not take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A message with this deduplication id came before, within the window: it was `of`. This one is not taken in."""

    message: str
    of: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Certainly nothing was changed, for the reason given."""

    message: str
    why: str
