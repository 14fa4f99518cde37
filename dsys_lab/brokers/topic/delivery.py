"""How long a topic keeps trying to hand a message to an endpoint that does not take it.

A delivery policy is four phases of retries after the first attempt, each with its pauses::

    attempt  immediate    pre-backoff   backoff                    post-backoff                given up:
       x     x x x        x   x         x  x   x    x     x ..     x        x        x ..      dead letter, or dropped
             no pause     short ones    growing, to the longest    the longest, again and again

The sum of the pauses is what an endpoint may be down for and still hear everything: `survives`.

Amazon SNS fixes the policy by the kind of endpoint and lets only HTTP endpoints have their own. Its table counts the
retries as "total attempts". It also draws the pauses at random around these; how is not published, and left out.

Source: Amazon SNS Developer Guide, "Amazon SNS message delivery retries", read in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_not_negative
from dsys_lab.facts import fact

PHASES: Final = ("immediate", "pre-backoff", "backoff", "post-backoff")
GROWTHS: Final = ("linear", "exponential")
HTTP_LASTS_MAX_S: Final = fact("sns_http_retry_max").value


@dataclass(frozen=True)
class DeliveryPolicy:
    """How often an endpoint is tried again, and after what pauses.

    Attributes
    ----------
    immediate, pre_backoff, backoff, post_backoff : int
        Retries in each phase.
    shortest_s, longest_s : float
        The pause before backoff, which backoff begins with, and the one that it ends with.
    growth : str
        How the pauses of the backoff grow from the shortest to the longest: "linear" or "exponential".
    """

    immediate: int = 0
    pre_backoff: int = 0
    backoff: int = 0
    post_backoff: int = 0
    shortest_s: float = 0
    longest_s: float = 0
    growth: str = "exponential"

    def __post_init__(self) -> None:
        for name, count in self._counts.items():
            if type(count) is not int or count < 0:
                raise BadParameter(f"{name} = {count!r}: give 0 retries or more, as a whole number")
        require_not_negative(shortest_s=self.shortest_s)
        require_choice("growth", self.growth, GROWTHS)
        if not self.longest_s >= self.shortest_s:
            raise BadParameter(f"longest_s = {self.longest_s!r}: give at least shortest_s = {self.shortest_s!r}")
        if self.growth == "exponential" and self.backoff > 1 and not self.shortest_s > 0:
            raise BadParameter("shortest_s = 0: nothing grows exponentially from 0; give more, or growth='linear'")

    @property
    def _counts(self) -> dict[str, int]:
        return dict(
            zip(PHASES, (self.immediate, self.pre_backoff, self.backoff, self.post_backoff), strict=True)
        )

    @property
    def retries(self) -> int:
        """How often it is tried again after the first attempt."""
        return sum(self._counts.values())

    @property
    def lasts_s(self) -> float:
        """How long after the first attempt the last one comes, if each fails at once."""
        return self._early_ends_s[-1] + self.post_backoff * self.longest_s

    def phase(self, retry: int) -> str:
        """Return the phase of retry number `retry`, from 1."""
        for name, last in zip(PHASES, accumulate(self._counts.values()), strict=True):
            if 1 <= retry <= last:
                return name
        raise BadParameter(f"retry = {retry!r}: this policy has retries 1 to {self.retries}")

    def ends(self, retry: int, age_s: float) -> str:
        """Return why retry number `retry` does not come, however old the message is; "" if it does."""
        return "" if retry <= self.retries else "no retry left"

    def pause_s(self, retry: int) -> float:
        """Return the pause before retry number `retry`, from 1."""
        phase = self.phase(retry)
        if phase == "immediate":
            return 0.0
        if phase == "pre-backoff":
            return self.shortest_s
        return self._grown_s(retry - self.immediate - self.pre_backoff) if phase == "backoff" else self.longest_s

    def _grown_s(self, step: int) -> float:
        """Return a pause of the backoff: the first is the shortest, the last the longest."""
        way = (step - 1) / (self.backoff - 1) if self.backoff > 1 else 1.0
        if self.growth == "linear":
            return self.shortest_s + way * (self.longest_s - self.shortest_s)
        return float(self.shortest_s * (self.longest_s / self.shortest_s) ** way) if self.shortest_s else self.longest_s

    @cached_property
    def _early_ends_s(self) -> list[float]:
        """When each attempt comes, from the first at 0 to the last of the backoff."""
        early = self.immediate + self.pre_backoff + self.backoff
        return list(accumulate((self.pause_s(retry) for retry in range(1, early + 1)), initial=0.0))

    def survives(self, outage_s: float) -> bool:
        """Whether an endpoint that is down for so long from the first attempt on hears the message after all."""
        require_not_negative(outage_s=outage_s)
        return outage_s <= self.lasts_s


def of_http(
    *, retries: int, shortest_s: float, longest_s: float, growth: str = "linear", **phases: int
) -> DeliveryPolicy:
    """Return a policy such as an HTTP endpoint may have: `retries` in all, what no other phase takes in the backoff.

    Raises
    ------
    BadParameter
        If the phases are more than the retries, or the retries take longer than SNS allows.
    """
    backoff = retries - sum(phases.values())
    if backoff < 0:
        raise BadParameter(f"retries = {retries}: the phases {phases} are more than that")
    policy = DeliveryPolicy(backoff=backoff, shortest_s=shortest_s, longest_s=longest_s, growth=growth, **phases)
    if policy.lasts_s > HTTP_LASTS_MAX_S:
        raise BadParameter(f"the retries take {policy.lasts_s:,.0f} s: an HTTP endpoint has {HTTP_LASTS_MAX_S:,} s")
    return policy


TO_QUEUES: Final = DeliveryPolicy(3, 2, 10, 100_000, 1.0, 20.0)
"""To the service's own kind: SQS and Lambda."""
TO_PEOPLE: Final = DeliveryPolicy(0, 2, 10, 38, 10.0, 600.0)
"""By mail, text message and push notification."""
TO_HTTP: Final = of_http(retries=3, shortest_s=20.0, longest_s=20.0)
"""To an HTTP endpoint that says nothing else."""
