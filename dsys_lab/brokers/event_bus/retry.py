"""How long a bus keeps trying to hand an event to a target that does not take it.

Two limits, and the first that is reached ends it: the *age* of the event, and the number of *retries*. The pauses
between them double until they are the longest. What becomes of an event then is the target's choice: a dead letter with
the reason, or nothing.

Amazon EventBridge documents the limits and that the pauses grow, with some chance in them, but not how. Those here
begin and grow so that the retries fill the age; for a target that is down, what matters is the age.

Sources: Amazon EventBridge User Guide, "How EventBridge retries delivering events"; the service models of both buses in
botocore. Doubling from 1 s to 512 s over a day is what the bus of the same name by Alibaba Cloud documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.facts import fact

AGE_LEAST_S: Final = fact("eventbridge_retry_age_least").value
AGE_MOST_S: Final = fact("eventbridge_retry_age").value
RETRIES_MOST: Final = int(fact("eventbridge_retries").value)
TOO_OLD: Final = "MaximumEventAgeInSeconds"
TOO_OFTEN: Final = "MaximumRetryAttempts"


@dataclass(frozen=True, slots=True)
class Retry:
    """How long, and how often, a target is tried again.

    Attributes
    ----------
    age_most_s : float
        No retry begins when the event is older.
    retries : int
        How many there are after the first attempt.
    first_pause_s, longest_pause_s : float
        The pause before the first retry, which doubles from one to the next, up to the longest.
    """

    age_most_s: float = AGE_MOST_S
    retries: int = RETRIES_MOST
    first_pause_s: float = 1.0
    longest_pause_s: float = 512.0

    def __post_init__(self) -> None:
        if not AGE_LEAST_S <= self.age_most_s <= AGE_MOST_S:
            raise BadParameter(f"age_most_s = {self.age_most_s!r}: give {AGE_LEAST_S:,} to {AGE_MOST_S:,} s")
        if type(self.retries) is not int or not 0 <= self.retries <= RETRIES_MOST:
            raise BadParameter(f"retries = {self.retries!r}: give 0 to {RETRIES_MOST}, as a whole number")
        require_positive(first_pause_s=self.first_pause_s)
        if not self.longest_pause_s >= self.first_pause_s:
            raise BadParameter(f"longest_pause_s = {self.longest_pause_s!r}: give at least {self.first_pause_s!r}")

    def pause_s(self, retry: int) -> float:
        """Return the pause before retry number `retry`, from 1."""
        return float(min(self.longest_pause_s, self.first_pause_s * 2 ** (retry - 1)))

    def phase(self, retry: int) -> str:
        """Return what the pause before a retry is called."""
        return "backoff"

    def ends(self, retry: int, age_s: float) -> str:
        """Return why retry number `retry` does not come to an event that is `age_s` old now; "" if it does."""
        if retry > self.retries:
            return TOO_OFTEN
        return TOO_OLD if age_s + self.pause_s(retry) > self.age_most_s else ""

    @property
    def lasts_s(self) -> float:
        """How long after the first attempt the last one comes, if each fails at once."""
        age_s, retry = 0.0, 1
        while not self.ends(retry, age_s):
            age_s += self.pause_s(retry)
            retry += 1
        return age_s

    def survives(self, outage_s: float) -> bool:
        """Whether a target that is down for so long from the first attempt on gets the event after all."""
        require_not_negative(outage_s=outage_s)
        return outage_s <= self.lasts_s


CLASSIC: Final = Retry()
"""What a rule of the classic bus does unless it is told otherwise."""
NEWER: Final = Retry(
    fact("eventbridge_v2_retry_age").value, int(fact("eventbridge_v2_retries").value), first_pause_s=9.0
)
"""What a subscriber of the bus of autumn 2026 does unless it is told otherwise."""
NEWER_TUNED: Final = Retry(AGE_MOST_S, RETRIES_MOST)
"""A subscriber of that bus which asks for as much as it may."""
