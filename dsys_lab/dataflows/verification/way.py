"""What comes next for a promise? A table says it, and nothing else does.

A promise that needs several parties is a *saga*: a row of acts, each at one party and each for good as soon as it is
done. Nothing can be rolled back; what must not stay is *compensated* by one more act, as a charge is by a refund. ::

    accepted --charge--> charged --take--> yes: taken --confirm--> kept
                                       `-> no: refused --refund--> refunded --apologise--> apologised

Here a saga is a value, and what happens to it is three pure functions: `next_call` (what is to be done), `answered` (it
was), `failed` (it was not, or nobody knows). The model's desk and the one over PostgreSQL walk by the same three, and
so may a reader's own.

An act that failed is tried again, with pauses, for as often as the `RetryPolicy` says, and until the promise's deadline
if it has one: there it is tried once more. Then the saga has an *owner*, a person, and no machine tries any more. A
promise is never let go because it is hard to keep.

Sources: Garcia-Molina and Salem, "Sagas", SIGMOD 1987 (forward recovery, compensations that must not fail for good).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.errors import Misuse, require_choice

PERSON: Final = "a person"
"""Who takes over what a machine could not do."""


class Step(NamedTuple):
    """What is done in a state, at which party, and the state after its yes and its no ("" if it never says no)."""

    verb: str
    party: str
    yes: str
    no: str = ""


WAY: Final[dict[str, Step]] = {
    "accepted": Step("charge", "payments", yes="charged"),
    "charged": Step("take", "stock", yes="taken", no="refused"),
    "taken": Step("confirm", "post", yes="kept"),
    "refused": Step("refund", "payments", yes="refunded"),
    "refunded": Step("apologise", "post", yes="apologised"),
}
"""The way of a promise, by the state in which it is."""
SETTLED: Final = ("kept", "apologised")
STATES: Final = (*WAY, *SETTLED)
PARTY_OF: Final = {step.verb: step.party for step in WAY.values()}
"""Who does what."""
PATIENCE: Final = RetryPolicy(retries=4, backoff="full_jitter", base_s=1.0, cap_s=20.0)


class Call(NamedTuple):
    """One act that is due: `verb` for `order`. Whoever does it, and however often, its key is the same."""

    verb: str
    order: str

    @property
    def key(self) -> str:
        """What makes doing it again harmless."""
        return f"{self.verb}/{self.order}"

    @property
    def party(self) -> str:
        """Who does it."""
        return PARTY_OF[self.verb]


@dataclass(frozen=True, slots=True)
class Saga:
    """How far a promise has come.

    Attributes
    ----------
    order : str
    number : int
        Which record it is in the log of promises, from 0.
    accepted_us : int
        When it was promised.
    state : str
        One of `STATES`.
    tries : int
        How often the act that is due now has failed.
    due_us : int
        When it is due.
    owner : str
        The person who has it in hand, or "".
    """

    order: str
    number: int = 0
    accepted_us: int = 0
    state: str = "accepted"
    tries: int = 0
    due_us: int = 0
    owner: str = ""

    def __post_init__(self) -> None:
        require_choice("state", self.state, STATES)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to be done."""
        return self.state in SETTLED

    def as_dict(self) -> dict[str, Any]:
        """Return the saga as JSON values."""
        return asdict(self)


def next_call(saga: Saga) -> Call | None:
    """Return what is to be done next for a promise; None when it is settled."""
    return None if saga.is_settled else Call(WAY[saga.state].verb, saga.order)


def answered(saga: Saga, yes: bool, now_us: int = 0, deadline_s: float | None = None) -> Saga:
    """Return the saga after its act was answered with yes or no; past its deadline, what is left is a person's.

    Raises
    ------
    Misuse
        If it is settled, or a no comes where there is no way from.
    """
    if saga.is_settled:
        raise Misuse(f"{saga.order} is {saga.state} already: nothing of it is left to be answered")
    step = WAY[saga.state]
    state = step.yes if yes else step.no
    if not state:
        raise Misuse(f"{step.verb} of {saga.order} was answered no: {step.party} may only say yes, or fail")
    after = replace(saga, state=state, tries=0, due_us=0, owner="")
    return replace(after, owner=PERSON) if now_us >= _by_us(saga, deadline_s) and not after.is_settled else after


def failed(
    saga: Saga, now_us: int, chance: float, patience: RetryPolicy = PATIENCE, deadline_s: float | None = None
) -> Saga:
    """Return the saga after its act failed, or gave no answer: due again later, or in a person's hands.

    Parameters
    ----------
    chance : float
        A number in [0, 1), by which the pause is drawn.
    deadline_s : float, optional
        So long after the promise no machine tries any more.
    """
    if saga.is_settled:
        raise Misuse(f"{saga.order} is {saga.state} already: nothing of it is left to fail")
    tries = saga.tries + 1
    by_us = _by_us(saga, deadline_s)
    if tries > patience.retries or now_us >= by_us:
        return replace(saga, tries=tries, due_us=0, owner=PERSON)
    again_us = now_us + round(patience.pause_s(tries, chance) * 1e6)
    return replace(saga, tries=tries, due_us=int(min(again_us, by_us)))


def _by_us(saga: Saga, deadline_s: float | None) -> float:
    """Return until when a machine may try."""
    return math.inf if deadline_s is None else saga.accepted_us + round(deadline_s * 1e6)
