"""A ledger of expected ids: which of those that I wait for has not come in time?

Where nothing is numbered, somebody may still know what ought to come: an order awaits its payment, a clip its
thumbnail. Each expected id is written down with a deadline and crossed off when it comes. What stands there after its
deadline is missing. It alone sees a single message, with nothing before or after it; and it must hold every one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dsys_lab.errors import Misuse, Refused, require_positive


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """What a ledger has: counts of ids."""

    expected: int
    came: int
    missing: int
    late: int


class Ledger:
    """Expected ids, each with a deadline.

    Parameters
    ----------
    within_s : float
        How long after it is expected an id may take.

    Examples
    --------
    >>> ledger = Ledger(within_s=10)
    >>> ledger.expect(0, "m1")
    >>> ledger.expect(0, "m2")
    >>> ledger.came(3_000_000, "m2")
    >>> ledger.due(10_000_000)
    ('m1',)
    """

    def __init__(self, *, within_s: float) -> None:
        require_positive(within_s=within_s)
        self.within_us = round(within_s * 1e6)
        self._deadlines: deque[tuple[int, str]] = deque()
        self._open: dict[str, None] = {}
        self._missing: dict[str, None] = {}
        self._now_us = self._expected = self._came = self._late = 0

    def expect(self, now_us: int, message: str) -> None:
        """Write down that this id ought to come."""
        self._reach(now_us)
        if message in self._open or message in self._missing:
            raise Refused(f"{message} is expected already: an id is written down once")
        self._expected += 1
        self._open[message] = None
        self._deadlines.append((now_us + self.within_us, message))

    def came(self, now_us: int, message: str) -> None:
        """Cross an id off. One that nobody expected, or that came before, changes nothing."""
        self._reach(now_us)
        if message in self._missing:
            del self._missing[message]
            self._late += 1
        elif message in self._open:
            del self._open[message]
            self._came += 1

    def due(self, now_us: int) -> tuple[str, ...]:
        """Return the ids whose deadline has passed, each once."""
        self._reach(now_us)
        gone = []
        while self._deadlines and self._deadlines[0][0] <= now_us:
            _, message = self._deadlines.popleft()
            if message in self._open:
                del self._open[message]
                self._missing[message] = None
                gone.append(message)
        return tuple(gone)

    def deadline_us(self) -> int | None:
        """Return when the next deadline is."""
        while self._deadlines and self._deadlines[0][1] not in self._open:
            self._deadlines.popleft()
        return self._deadlines[0][0] if self._deadlines else None

    def status(self) -> LedgerStatus:
        """Return the counts."""
        return LedgerStatus(self._expected, self._came, len(self._missing), self._late)

    def _reach(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} lies before {self._now_us}: time cannot run back")
        self._now_us = now_us
