"""How much may pass now, when somebody decided how much may pass a second?

Tokens drip in at a rate, up to a burst, and whatever passes costs some. Who has been idle has saved up and may be fast
for a moment; in the long run nobody is faster than the rate.

The bucket promises
-------------------
1. In any window of t seconds it lets through at most `burst + rate * t` tokens, and one cost more where a cost is above
   the burst.
2. What costs more than the burst waits for a full bucket and leaves a debt behind, which drips off like everything
   else: it is slow, but it does pass.

Cost: two floats, whatever the rate: the tokens that dripped in are worked out when somebody asks.

Sources: Turner, "New directions in communications", IEEE Communications 1986 (leaky bucket).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from dsys_lab.errors import BadParameter, Misuse, require_not_negative, require_positive

_LAST_BIT = 1e-9
"""What drips in adds up in floats; a whole token must not be missed by a last bit."""


class TokenBucket:
    """Tokens drip in at `rate` a second, up to `burst`.

    Parameters
    ----------
    rate : float
        Tokens a second.
    burst : float
        The most that can be saved up; 1 or more.
    tokens : float, optional
        What is in it at time 0; without it, it is full.

    Examples
    --------
    >>> bucket = TokenBucket(rate=10, burst=2)
    >>> [bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(100_000)]
    [True, True, False, True]
    """

    def __init__(self, *, rate: float, burst: float, tokens: float | None = None) -> None:
        self._tokens, self._at_us = float(burst if tokens is None else tokens), 0
        self._set(rate, burst)

    def _set(self, rate: float, burst: float) -> None:
        require_positive(rate=rate, burst=burst)
        if burst < 1:
            raise BadParameter(f"burst = {burst!r}: give 1 or more, for a message costs a whole token")
        self.rate, self.burst = rate, burst

    def level(self, now_us: int) -> float:
        """Return how many tokens there are; below 0 is a debt."""
        if now_us < self._at_us:
            raise Misuse(f"now_us = {now_us} runs back behind {self._at_us}: ask in order of time")
        self._tokens = min(self.burst, self._tokens + (now_us - self._at_us) * self.rate / 1e6)
        self._at_us = now_us
        return self._tokens

    def has(self, now_us: int, tokens: float = 1.0) -> bool:
        """Say whether `tokens` could be taken now."""
        return self.level(now_us) >= min(tokens, self.burst) - _LAST_BIT

    def ready_us(self, now_us: int, tokens: float = 1.0) -> int:
        """Return when `tokens` can be taken, if nobody takes any before."""
        missing = min(tokens, self.burst) - self.level(now_us)
        return now_us + max(0, math.ceil(missing / self.rate * 1e6))

    def take(self, now_us: int, tokens: float = 1.0) -> bool:
        """Use `tokens` if there are so many; say whether."""
        require_not_negative(tokens=tokens)
        if not self.has(now_us, tokens):
            return False
        self._tokens -= tokens
        return True

    def owe(self, now_us: int, tokens: float) -> None:
        """Use `tokens` whether they are there or not: what is known only afterwards is paid afterwards."""
        require_not_negative(tokens=tokens)
        self.level(now_us)
        self._tokens -= tokens

    def refit(self, now_us: int, *, rate: float, burst: float) -> None:
        """Go on at another rate and burst, with what was saved so far as far as it fits."""
        self.level(now_us)
        self._set(rate, burst)
        self._tokens = min(self._tokens, burst)


def take_of_all(buckets: Mapping[str, TokenBucket], now_us: int, costs: Mapping[str, float]) -> str:
    """Take from every bucket that has a cost and return "", or take from none and name one that has too little."""
    for name, tokens in costs.items():
        if not buckets[name].has(now_us, tokens):
            return name
    for name, tokens in costs.items():
        buckets[name].take(now_us, tokens)
    return ""
