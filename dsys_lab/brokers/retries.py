"""When to try again: backoff says how long to wait, a budget says whether at all.

A retry is more load at the moment when there is too much of it. `r` retries turn a call that fails with probability
`p` into `(1 - p**(r+1)) / (1 - p)` calls, and every layer that retries multiplies that. Backoff with jitter spreads
the retries in time but does not make them fewer; only a *budget* does: retries may be at most a share of the first
attempts.

Sources: Brooker, "Exponential backoff and jitter", AWS Architecture Blog 2015; *Site Reliability Engineering*, ch. 21
and 22 (retry budgets); Bronson et al., "Metastable failures in distributed systems", HotOS 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive

BACKOFFS: Final = ("none", "full_jitter")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and after what pause, a client tries again.

    Attributes
    ----------
    retries : int
        How many times after the first attempt.
    timeout_s : float
        How long the client waits for an answer.
    backoff : str
        "none": at once; "full_jitter": anything from 0 to `min(cap_s, base_s * 2**retry)`.
    """

    retries: int = 3
    timeout_s: float = 1.0
    backoff: str = "none"
    base_s: float = 1.0
    cap_s: float = 20.0

    def __post_init__(self) -> None:
        if self.retries < 0:
            raise BadParameter(f"retries = {self.retries!r}: give 0 (never try again) or more")
        require_positive(timeout_s=self.timeout_s, base_s=self.base_s, cap_s=self.cap_s)
        require_choice("backoff", self.backoff, BACKOFFS)

    def pause_s(self, retry: int, chance: float) -> float:
        """Return the pause before retry number `retry` (from 1), given a number in [0, 1)."""
        if self.backoff == "none":
            return 0.0
        return chance * min(self.cap_s, self.base_s * 2 ** (retry - 1))


class RetryBudget:
    """Lets retries through up to a share of the first attempts, saved up to `saved_max`.

    Parameters
    ----------
    fraction : float or None
        0.1 lets one retry through for ten first attempts; None has no limit.
    """

    def __init__(self, fraction: float | None, *, saved_max: float = 10.0) -> None:
        if fraction is not None:
            require_fraction(fraction=fraction)
        if saved_max < 1:
            raise BadParameter(f"saved_max = {saved_max!r}: give 1 or more, for a retry costs a whole one")
        self.fraction = fraction
        self.saved_max = saved_max
        self._saved = 0.0

    def first_attempt(self) -> None:
        """Earn a share of a retry."""
        if self.fraction is not None:
            self._saved = min(self.saved_max, self._saved + self.fraction)

    def may_retry(self) -> bool:
        """Spend one retry, if the budget has one."""
        if self.fraction is None:
            return True
        if self._saved < 1 - 1e-9:
            return False
        self._saved -= 1
        return True
