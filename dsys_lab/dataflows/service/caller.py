"""What does a caller do who was told no, or was told nothing?

It asks again, under the same key, after a pause that grows and is drawn anew each time; some times, and then it
gives up. What it may believe at the end depends on how it was let down: who was refused at every attempt knows that
nothing has happened; who was once not answered at all does not know.

The mechanism is `dsys_lab.brokers.retries`; here stand its numbers for a call that a person waits for.

Sources: Brooker, "Timeouts, retries, and backoff with jitter", Amazon Builders' Library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.service.answers import ASK_AGAIN, IN_PROGRESS, Reply

CALLER: Final = RetryPolicy(retries=3, timeout_s=1.0, backoff="full_jitter", base_s=0.1, cap_s=10.0)
"""A call that is asked four times at most, each for up to a second, with pauses of up to 100, 200 and 400 ms."""


@dataclass(frozen=True, slots=True)
class Again:
    """Ask again after this pause."""

    pause_s: float


@dataclass(frozen=True, slots=True)
class Over:
    """The call is over.

    Attributes
    ----------
    is_done : bool
    may_have_happened : bool
        Whether it may be carried out although it is not known to be.
    why : str
    """

    is_done: bool
    may_have_happened: bool
    why: str


class Conversation:
    """One call with its attempts.

    Parameters
    ----------
    policy : RetryPolicy

    Examples
    --------
    >>> talk = Conversation()
    >>> talk.told(None, chance=0.5)                 # no answer in time
    Again(pause_s=0.05)
    >>> talk.told(Reply(200, "n1 is kept"), chance=0.5)
    Over(is_done=True, may_have_happened=True, why='n1 is kept')
    """

    def __init__(self, policy: RetryPolicy = CALLER) -> None:
        self.policy = policy
        self.attempts = 1
        self._is_unsure = False

    def told(self, reply: Reply | None, *, chance: float, certainly_not: bool = False) -> Again | Over:
        """Say what to do after an attempt.

        Parameters
        ----------
        reply : Reply or None
            None: no answer.
        chance : float
            From 0 up to but not 1, for the pause.
        certainly_not : bool
            With no answer: nobody was there to take the call, so nothing can have happened.
        """
        if reply is not None and reply.status not in ASK_AGAIN:
            return Over(reply.is_done, reply.is_done or self._is_unsure, reply.said)
        self._is_unsure |= not certainly_not if reply is None else reply.status == IN_PROGRESS
        if self.attempts > self.policy.retries:
            why = "no answer in time" if reply is None else reply.said
            return Over(is_done=False, may_have_happened=self._is_unsure, why=why)
        self.attempts += 1
        pause_s = self.policy.pause_s(self.attempts - 1, chance)
        return Again(max(pause_s, (reply.retry_after_s or 0.0) if reply else 0.0))
