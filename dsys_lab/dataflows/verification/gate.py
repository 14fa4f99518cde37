"""May this order be promised now? Asked of what is known here, which is a little old.

A gate hears how many pillows are left, some time after it was so. It promises while that number is above its
*reserve*, without asking anybody, so its answer takes no time and needs no network. What it does not know is what was
promised since, by the other gates, and it does not count its own either, which of many gates are a small part: that
many may be promised too much, and a reserve is held back against it.

News may stop altogether. A gate that goes on for ever on its last news is the one that apologises most, so it may be
given an age from which on it closes: a circuit breaker on knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.errors import BadParameter, Misuse, require_positive


class Promised(NamedTuple):
    """Yes; whether it was promised before, to one who asks again."""

    order: str
    again: bool


class SoldOut(NamedTuple):
    """No: by what is known here, `left`, there is nothing to promise."""

    order: str
    left: int


class Closed(NamedTuple):
    """No: what is known here is too old to promise by."""

    order: str
    news_age_us: int


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What a gate knows and did; counts of orders."""

    left: int
    as_of_us: int
    promised: int
    sold_out: int
    closed: int


class Gate:
    """Promises by old news.

    Parameters
    ----------
    left : int
        How many pillows there are to begin with.
    reserve : int
        How many it holds back.
    news_age_max_s : float, optional
        From which age of its news on it promises nothing.

    Examples
    --------
    >>> gate = Gate(left=2, reserve=1)
    >>> gate.offer(0, "o1")
    Promised(order='o1', again=False)
    >>> gate.told(5, left=1, as_of_us=2)
    >>> gate.offer(6, "o2"), gate.offer(7, "o1")
    (SoldOut(order='o2', left=1), Promised(order='o1', again=True))
    """

    def __init__(self, left: int, *, reserve: int = 0, news_age_max_s: float | None = None) -> None:
        for name, value in (("left", left), ("reserve", reserve)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise BadParameter(f"{name} = {value!r}: give a whole number, 0 or more")
        if news_age_max_s is not None:
            require_positive(news_age_max_s=news_age_max_s)
        self.reserve = reserve
        self._age_max_us = None if news_age_max_s is None else round(news_age_max_s * 1e6)
        self._left, self._as_of_us = left, 0
        self._promised: dict[str, None] = {}
        self._sold_out = self._closed = 0

    def told(self, now_us: int, left: int, as_of_us: int) -> None:
        """Hear how many pillows were left at a time; older news than what is known changes nothing."""
        if as_of_us > now_us:
            raise Misuse(f"news as of {as_of_us} at {now_us}: nobody knows what is to come")
        if as_of_us >= self._as_of_us:
            self._left, self._as_of_us = left, as_of_us

    def offer(self, now_us: int, order: str) -> Promised | SoldOut | Closed:
        """Promise an order, or say why not. Who was promised something is promised it again."""
        if order in self._promised:
            return Promised(order, again=True)
        age_us = now_us - self._as_of_us
        if self._age_max_us is not None and age_us > self._age_max_us:
            self._closed += 1
            return Closed(order, age_us)
        if self._left <= self.reserve:
            self._sold_out += 1
            return SoldOut(order, self._left)
        self._promised[order] = None
        return Promised(order, again=False)

    def status(self) -> GateStatus:
        """Return what it knows, and the counts."""
        return GateStatus(self._left, self._as_of_us, len(self._promised), self._sold_out, self._closed)
