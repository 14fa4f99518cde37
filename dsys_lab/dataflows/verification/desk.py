"""Who sees to it that a promise is settled, and goes on after a crash where it was?

The *desk* takes promises from a log, in their order, and walks each of them along its way. It does nothing itself. It
says which call is due (`begin`), somebody makes it, and the desk is told what came of it (`answer`, `fail`) and writes
that down in its *journal* before it goes on. Between a call and its record a crash may fall; then the call is made once
more, with the same key, and its party gives the same answer again. So a journal needs the keys, and the keys alone,
without a journal, would be enough, if one walked every promise from its beginning again at each start.

Sources: Garcia-Molina and Salem, "Sagas", SIGMOD 1987; Schneider, "Implementing fault-tolerant services using the state
machine approach", ACM Computing Surveys 1990.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification.way import PATIENCE, Call, Saga, answered, failed, next_call
from dsys_lab.errors import Damaged, DidNotHappen, MayHaveHappened, Misuse, require_positive
from dsys_lab.structures import AppendLog, Disk
from dsys_lab.trace import NO_TRACE, Recorder


class Does(Protocol):
    """Whoever a call can be made to."""

    def do(self, now_us: int, call: Call) -> bool:
        """Do it, once under its key, and say yes or no."""


class Journal(Protocol):
    """How far each promise has come, as it was written down."""

    def sagas(self) -> Iterable[Saga]:
        """Return what was noted; of an order that stands there more often the last one counts."""

    def note(self, now_us: int, saga: Saga) -> None:
        """Write down how far a promise has come; it is durable when this returns."""


class LogJournal:
    """A journal on an append-only log, which it may not share with a second desk."""

    def __init__(self, disk: Disk, *, place: str = "journal", now_us: int = 0) -> None:
        self._log = AppendLog(disk, place=place, now_us=now_us)

    def sagas(self) -> list[Saga]:
        """Return what was noted, in that order."""
        return [_saga(self._log.place, lsn, payload) for lsn, payload in self._log.read()]

    def note(self, now_us: int, saga: Saga) -> None:
        """Write down how far a promise has come."""
        self._log.append(now_us, json.dumps(saga.as_dict()).encode())

    @property
    def written(self) -> int:
        """How many notes there are."""
        return self._log.next_lsn


class Forgetful:
    """No journal at all: what the desk knows is gone with it."""

    def sagas(self) -> list[Saga]:
        """Return nothing."""
        return []

    def note(self, now_us: int, saga: Saga) -> None:
        """Write nothing down."""

    @property
    def written(self) -> int:
        """None at all."""
        return 0


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """Counts of promises. `owned`: of the open ones, those that a person has in hand."""

    taken_in: int
    open: int
    owned: int
    kept: int
    apologised: int


class Desk:
    """Walks promises along their way.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    journal : Journal
        It takes up where that ends.
    patience : RetryPolicy
        How often it tries before a person must.
    deadline_s : float, optional
        How long after a promise it tries at most: what is still open then is a person's as soon as the try that is
        under way is over.

    Attributes
    ----------
    position : int
        The first record of the log of promises that it has not taken in.
    """

    def __init__(
        self,
        place: str,
        journal: Journal,
        *,
        patience: RetryPolicy = PATIENCE,
        deadline_s: float | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        if deadline_s is not None:
            require_positive(deadline_s=deadline_s)
        self.place, self.patience, self.deadline_s, self.recorder = place, patience, deadline_s, recorder
        self._sagas: dict[str, Saga] = {}
        self._open: dict[str, None] = {}
        self._in_hand: dict[str, None] = {}
        self._journal = journal
        for saga in journal.sagas():
            self._remember(saga)
        self.position = max((saga.number + 1 for saga in self._sagas.values()), default=0)

    # ------------------------------------------------------------ the verbs
    def take_in(self, now_us: int, number: int, order: str, promised_us: int | None = None) -> bool:
        """Take a promise in, record `number` of the log; one that was taken in before changes nothing.

        Parameters
        ----------
        promised_us : int, optional
            When it was promised, from which its deadline counts; now, if nobody says.

        Returns
        -------
        bool
            Whether it is new.
        """
        is_new = order not in self._sagas
        if is_new:
            self._note(now_us, Saga(order, number, now_us if promised_us is None else promised_us, due_us=now_us))
        self.position = max(self.position, number + 1)
        return is_new

    def begin(self, now_us: int) -> Call | None:
        """Return the next call that is due and in nobody's hands; None if there is none."""
        for order in self._open:
            saga = self._sagas[order]
            if order not in self._in_hand and not saga.owner and saga.due_us <= now_us:
                self._in_hand[order] = None
                return next_call(saga)
        return None

    def put_down(self, call: Call) -> None:
        """Have a call due again whose outcome nobody will tell."""
        self._known(call)

    def answer(self, now_us: int, call: Call, yes: bool) -> Saga:
        """Take in that a call was answered; return how far its promise has come.

        An answer to a call that was answered before, as one that a network delivers twice, changes nothing.
        """
        saga = self._known(call)
        if next_call(saga) != call:
            return saga
        after = answered(saga, yes, now_us, self.deadline_s)
        self._note(now_us, after)
        self._say_owner(now_us, saga, after)
        return after

    def fail(self, now_us: int, call: Call, why: str, *, chance: float) -> Saga:
        """Take in that a call failed or was not answered; return the saga, due later or in a person's hands."""
        saga = self._known(call)
        if next_call(saga) != call:
            return saga
        after = failed(saga, now_us, chance, self.patience, self.deadline_s)
        self._note(now_us, after)
        self.recorder.emit(now_us, "fail", self.place, saga.order, why=why, attempt=after.tries)
        self._say_owner(now_us, saga, after)
        return after

    def _say_owner(self, now_us: int, before: Saga, after: Saga) -> None:
        if after.owner and not before.owner:
            self.recorder.emit(now_us, "escalate", self.place, after.order, order=after.order, owner=after.owner)

    # ------------------------------------------------------------ looks
    def saga(self, order: str) -> Saga:
        """Return how far a promise has come."""
        if order not in self._sagas:
            raise Misuse(f"{self.place} has never heard of {order!r}: ask for one that was taken in")
        return self._sagas[order]

    def owned(self) -> list[Saga]:
        """Return what a person has in hand, oldest first."""
        return [saga for order in self._open if (saga := self._sagas[order]).owner]

    def deadline_us(self) -> int | None:
        """Return when the next call is due; None if none is before somebody does something."""
        waiting = (self._sagas[order] for order in self._open if order not in self._in_hand)
        return min((saga.due_us for saga in waiting if not saga.owner), default=None)

    def status(self) -> DeskStatus:
        """Return the counts."""
        states = [saga.state for saga in self._sagas.values()]
        return DeskStatus(
            len(states), len(self._open), len(self.owned()), states.count("kept"), states.count("apologised")
        )

    # ------------------------------------------------------------ the journal
    def _known(self, call: Call) -> Saga:
        saga = self.saga(call.order)
        self._in_hand.pop(call.order, None)
        return saga

    def _note(self, now_us: int, saga: Saga) -> None:
        """Write down how far a promise has come, and only then know it."""
        self._journal.note(now_us, saga)
        self._remember(saga)

    def _remember(self, saga: Saga) -> None:
        self._sagas[saga.order] = saga
        if saga.is_settled:
            self._open.pop(saga.order, None)
        else:
            self._open[saga.order] = None


def work(
    desk: Desk,
    parties: Mapping[str, Does],
    now_us: int,
    *,
    calls_max: int | None = None,
    chance: Callable[[], float] = lambda: 0.5,
) -> int:
    """Make every call that is due (or so many), one after the other, and tell the desk of each; return how many.

    Whether a call did not happen or nobody knows makes no difference to the desk: with a key it may always be made
    again. Any other error is the caller's; the call it came from is due again.
    """
    made = 0
    while made != calls_max and (call := desk.begin(now_us)) is not None:
        made += 1
        try:
            yes = parties[call.party].do(now_us, call)
        except (DidNotHappen, MayHaveHappened) as error:
            desk.fail(now_us, call, str(error), chance=chance())
        except BaseException:
            desk.put_down(call)
            raise
        else:
            desk.answer(now_us, call, yes)
    return made


def by_hand(desk: Desk, parties: Mapping[str, Does], now_us: int, order: str) -> Saga:
    """Let the owner of a promise do its act, under the act's own key; the desk goes on from there.

    Raises
    ------
    Misuse
        If no person has it in hand.
    """
    saga = desk.saga(order)
    call = next_call(saga)
    if call is None or not saga.owner:
        raise Misuse(f"{order} is {saga.state} and in no person's hands: nothing to be done by hand")
    return desk.answer(now_us, call, parties[call.party].do(now_us, call))


def _saga(place: str, lsn: int, payload: bytes) -> Saga:
    try:
        return Saga(**json.loads(payload))
    except (TypeError, ValueError) as error:
        raise Damaged(f"{place}, record {lsn}: {error}; this is no journal of a desk, open the right one") from error
