"""A heartbeat that carries the last number: is something missing at the end, or is there nothing to say?

Silence has two meanings: nothing was sent, or nothing came through. A sender that says every `every_s` seconds which
number was its last tells them apart. What it says is believed after `grace_s`: by then all that was sent before the
beat has come, or never will. And when the beats themselves stop, the way is cut or the sender is dead, and that is
known, too::

    sent     1 2 3 (4)          4 is lost, and no 5 comes
    beat          3   4   4     the second beat knows of it; at the grace after that it is missing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsys_lab.brokers.audit.numbers import Missing, SequenceGap
from dsys_lab.errors import BadParameter, Misuse, require_not_negative, require_positive

SILENT_AFTER: Final = 3
"""So many beats must fail to come before the silence is called one."""


class Heartbeat:
    """The receiver's side of a heartbeat.

    Parameters
    ----------
    gaps : SequenceGap
        What has come; the caller goes on telling it of messages.
    every_s : float
        How often the sender beats.
    grace_s : float
        How long after a beat something that was sent before it may still come.

    Examples
    --------
    >>> gaps = SequenceGap()
    >>> heart = Heartbeat(gaps, every_s=5, grace_s=1)
    >>> gaps.observe("anna", 1)
    ()
    >>> heart.beat(5_000_000, {"anna": 2})
    >>> heart.due(6_000_000)
    (Missing(key='anna', first=2, last=2),)
    """

    def __init__(self, gaps: SequenceGap, *, every_s: float, grace_s: float = 1.0) -> None:
        require_positive(every_s=every_s)
        require_not_negative(grace_s=grace_s)
        self.gaps, self.every_us, self.grace_us = gaps, round(every_s * 1e6), round(grace_s * 1e6)
        self._claims: list[tuple[int, dict[str, int]]] = []
        self._now_us = self._heard_us = 0

    def beat(self, now_us: int, last: Mapping[str, int]) -> None:
        """Take in a beat: of each key, the last number that was sent."""
        self._reach(now_us)
        for key, number in last.items():
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise BadParameter(f"last = {number!r} of {key!r}: give the last number that was sent, 0 for none")
        self._heard_us = now_us
        self._claims.append((now_us + self.grace_us, dict(last)))

    def due(self, now_us: int) -> tuple[Missing, ...]:
        """Return what is missing by the beats whose grace is over."""
        self._reach(now_us)
        found: list[Missing] = []
        while self._claims and self._claims[0][0] <= now_us:
            _, last = self._claims.pop(0)
            for key, number in last.items():
                found += self.gaps.all_sent(key, number)
        return tuple(found)

    def deadline_us(self) -> int | None:
        """Return when `due` has something to look at next; None: at the next beat."""
        return self._claims[0][0] if self._claims else None

    def is_silent(self, now_us: int) -> bool:
        """Whether so many beats in a row have failed to come that the way must be cut, or the sender dead."""
        self._reach(now_us)
        return now_us - self._heard_us > SILENT_AFTER * self.every_us + self.grace_us

    def _reach(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} lies before {self._now_us}: time cannot run back")
        self._now_us = now_us
