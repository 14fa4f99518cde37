"""What can be done to a shop that promises now and finds out later, be it the model or PostgreSQL behind JetStream.

The policy is the same in both (`dataflows.verification.way`, `desk`): what differs is where the promises, the journal
and the books are, and whether time passes by itself. `Troubles` are those of `dataflows.verification.troubles`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, Protocol

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import Books, Call, DeskStatus, Does, Saga
from dsys_lab.engines.difference import Difference

HASTY: Final = RetryPolicy(retries=4, backoff="full_jitter", base_s=0.002, cap_s=0.01)
"""For an engine, whose pauses take real time."""


class RunningShop(Protocol):
    """Gates, a desk and three parties."""

    @property
    def parties(self) -> Mapping[str, Does]:
        """The three by name."""

    def promise(self, order: str) -> bool:
        """Write a promise down; say whether it is new."""

    def work(self, calls: int | None = None) -> int:
        """Let the desk take promises in and make calls until nothing is left for it, or so many calls; return them."""

    def crash(self) -> None:
        """Let the desk lose all that it has in memory, and begin anew from its journal."""

    def by_hand(self, order: str) -> Saga:
        """Let the person who has an order in hand do its act."""

    def skip(self, order: str) -> None:
        """Drop a promise on its way to the desk, without a word."""

    def status(self) -> DeskStatus:
        """Return the desk's counts."""

    def saga(self, order: str) -> Saga:
        """Return how far a promise has come."""

    def books(self) -> Books:
        """Return what an auditor reads."""

    def close(self) -> None:
        """Remove it."""


def now_us() -> int:
    """Return microseconds since 1970: what a journal says must mean the same in the next process."""
    return time.time_ns() // 1_000


def no_trouble(call: Call, attempt: int) -> str:
    """Let every call be done."""
    return ""


DIFFERENCES: Final = (
    Difference(
        "one desk writes the journal, which is a file",
        "PostgreSQL: two desks may share the journal",
        "Two that do not know of each other make some calls twice; the keys make that harmless.",
        ("two_desks",),
    ),
    Difference(
        "a bug that forgets to look puts the same key into a book twice",
        "PostgreSQL: a primary key cannot stand there twice",
        "There the bug must make a new key at each try to do harm, as programs do that number their attempts.",
    ),
    Difference(
        "the gates' log knows an order for ever",
        "JetStream: `Nats-Msg-Id` is remembered for the duplicate window, two minutes",
        "An order that is promised again after that stands in the log twice; the desk knows it, and the parties do.",
    ),
)
