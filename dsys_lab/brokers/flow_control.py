"""How a producer is slowed down: credit, a token bucket, additive increase with multiplicative decrease.

Three answers to one question, *how much may I send now?*, by who knows it (the token bucket is a shape
that stores share, so it is at home in `dsys_lab.structures`):

- `Credit`: the receiver knows. It lends the sender a window of messages; each one that it finishes gives a credit back.
  A slow stage then slows every stage before it, and no buffer between them grows beyond its window.
- `TokenBucket`: somebody decided. Tokens drip in at a rate, up to a burst, and every message costs one.
- `Aimd`: nobody knows. The sender adds a little while all goes well, and halves at the first refusal. Two senders that
  share a limit end up with equal shares; with a subtraction in place of the halving they keep their first difference.

Sources: Kung, Blackwell and Chapman, "Credit-based flow control for ATM networks", SIGCOMM 1994; Chiu and Jain,
"Analysis of the increase and decrease algorithms for congestion avoidance", Computer Networks 1989.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.errors import BadParameter, Misuse, require_positive
from dsys_lab.structures.token_bucket import TokenBucket

__all__ = ["Aimd", "Credit", "TokenBucket"]


class Credit:
    """A window of messages that may be outstanding between two stages.

    Parameters
    ----------
    window : int or None
        How many; None for no limit.
    """

    def __init__(self, window: int | None) -> None:
        if window is not None and window < 1:
            raise BadParameter(f"window = {window!r}: give 1 or more, or None for no limit")
        self.window = window
        self.outstanding = 0

    def take(self) -> bool:
        """Use one credit if there is one left; say whether."""
        if self.window is not None and self.outstanding >= self.window:
            return False
        self.outstanding += 1
        return True

    def give_back(self) -> None:
        """Return the credit of a message that is done."""
        if self.outstanding == 0:
            raise Misuse("a credit came back that nobody took: give back once for each take")
        self.outstanding -= 1


@dataclass(slots=True)
class Aimd:
    """A sending rate that feels its way: up by a step while it goes well, down by a factor when it does not.

    Attributes
    ----------
    rate : float
        Messages a second, now.
    increase : float
        What a period without refusal adds, in messages a second.
    factor : float
        What a refusal multiplies by. A factor of 1 with a `decrease` is the additive variant (AIAD).
    decrease : float
        What a refusal subtracts.
    rate_min : float
        Never slower than this: who stops sending never learns that it may send again.
    """

    rate: float
    increase: float = 1.0
    factor: float = 0.5
    decrease: float = 0.0
    rate_min: float = 0.1

    def __post_init__(self) -> None:
        require_positive(rate=self.rate, increase=self.increase, factor=self.factor, rate_min=self.rate_min)
        if self.factor > 1 or self.decrease < 0 or (self.factor == 1 and self.decrease == 0):
            raise BadParameter(
                f"factor = {self.factor!r}, decrease = {self.decrease!r}: a refusal must slow down; "
                "give a factor below 1, or a factor of 1 and a decrease above 0"
            )

    def went_well(self) -> None:
        """Go up by a step."""
        self.rate += self.increase

    def was_refused(self) -> None:
        """Go down by the factor, or by the step of the additive variant."""
        self.rate = max(self.rate_min, self.rate * self.factor - self.decrease)
