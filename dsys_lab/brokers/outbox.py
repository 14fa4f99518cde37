"""How does a broker that calls others bring a copy to one of them, when that one is slow, down or gone?

A topic (`dsys_lab.brokers.topic`) and a bus (`dsys_lab.brokers.event_bus`) differ in who is to have what. From there on
they are alike: each of the receivers has a *seat*, and a *copy* is made for it that knows nothing of the others::

    stand --> waits --(it is due)--> out --> delivered
                ^                     |
                |--- after a pause ---+--> not taken
                |                     `--> given up: set aside, or dropped
                `------ redrive ------------- (the dead letters)

The outbox promises
-------------------
1. Each copy of a seat waits, is out, was delivered, was set aside, or was dropped: its books add up.
2. A copy is out once at a time, and of those that are due the one that has been so for longest goes first.
3. How long it is tried is said by the seat's own retry, asked after each failure; a dead letter says what ended it.
4. Who takes an attempt after its seat was taken away changes nothing.

Cost: O(log n) for each attempt, n being the copies that wait.

Left out: who carries an attempt out, and lines in which one copy waits for another (a FIFO topic has them).

Source: Hohpe and Woolf, *Enterprise Integration Patterns*, "Guaranteed Delivery", "Dead Letter Channel".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Recorder


class Retrying(Protocol):
    """How long somebody is tried again."""

    def ends(self, retry: int, age_s: float) -> str:
        """Return why retry number `retry`, from 1, does not come to a copy that is so old now; "" if it does."""
        ...

    def pause_s(self, retry: int) -> float:
        """Return the pause before it."""
        ...

    def phase(self, retry: int) -> str:
        """Return what its pause is called."""
        ...


@dataclass(frozen=True, slots=True)
class Books:
    """The books of one seat, in copies.

    `matched + replayed + redriven = waiting + in_flight + delivered + set_aside + dropped`. Of those set aside, `dead`
    are there still: the others were redriven. `passed_by` counts what never became a copy.
    """

    matched: int = 0
    passed_by: int = 0
    replayed: int = 0
    redriven: int = 0
    waiting: int = 0
    in_flight: int = 0
    delivered: int = 0
    set_aside: int = 0
    dead: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was tried in vain, and why no more.

    Attributes
    ----------
    message, body : str
    attempts : int
        How often it was tried.
    why : str
        What the last attempt failed of.
    ended_by : str
        Which limit ended it; "" where trying again was no use.
    """

    message: str
    body: str
    attempts: int
    why: str
    ended_by: str


@dataclass(slots=True, kw_only=True)
class Copy:
    """A message on its way to one seat.

    Attributes
    ----------
    number : int
        What an attempt is called by: unique in its outbox.
    copy : int
        Which copy of the message this is.
    message : str
    seat : Seat
    made_us : int
        When it was made, by which its age is told.
    attempt : int
        Which attempt comes next or is out, from 1.
    """

    number: int
    copy: int
    message: str
    seat: Seat
    made_us: int
    attempt: int = 1

    @property
    def body(self) -> str:
        """What the receiver is given."""
        raise NotImplementedError


AnyCopy = TypeVar("AnyCopy", bound=Copy)


class Dead(NamedTuple):
    """A copy that was set aside, and what is said of it."""

    copy: Copy
    letter: DeadLetter


@dataclass(slots=True, kw_only=True)
class Seat:
    """Where somebody sits who is to have copies: how long he is tried, and what stands there.

    Attributes
    ----------
    name : str
        Who sits there.
    place : str
        The name under which its rows appear.
    retry : Retrying
    sets_aside : bool
        Whether what was tried in vain is kept; otherwise it is dropped.
    """

    name: str
    place: str
    retry: Retrying
    sets_aside: bool
    books: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, Copy] = field(default_factory=dict)
    out: dict[int, Copy] = field(default_factory=dict)
    dead: list[Dead] = field(default_factory=list)

    @property
    def standing(self) -> int:
        """How many copies are to be tried, now or later."""
        return len(self.waiting)

    def letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return [one.letter for one in self.dead]

    def to_books(self) -> Books:
        """Return its books."""
        return Books(**self.books, waiting=self.standing, in_flight=len(self.out), dead=len(self.dead))


class Outbox(Generic[AnyCopy]):
    """The copies of all seats of one broker.

    Parameters
    ----------
    place : str
        What errors call it.
    recorder : Recorder
        Where its rows go.
    """

    def __init__(self, place: str, recorder: Recorder) -> None:
        self.place, self.recorder = place, recorder
        self._due: list[tuple[int, int, AnyCopy]] = []  # when, which number
        self._out: dict[int, AnyCopy | None] = {}  # None: its seat is gone

    def stand(self, copy: AnyCopy, due_us: int) -> None:
        """Let a copy be tried at a time."""
        copy.seat.waiting[copy.number] = copy
        heappush(self._due, (due_us, copy.number, copy))

    def attempts(self, now_us: int, *, arrive_us: int | None = None) -> list[AnyCopy]:
        """Give out what is due; say of each `delivered` or `failed`."""
        given = []
        there_us = now_us if arrive_us is None else arrive_us
        while (due_us := self.deadline_us()) is not None and due_us <= now_us:
            _, number, copy = heappop(self._due)
            self._out[number] = copy
            copy.seat.out[number] = copy.seat.waiting.pop(number)
            self.tell(now_us, "push", copy, to=copy.seat.name, attempt=copy.attempt, arrive_us=there_us)
            given.append(copy)
        return given

    def deadline_us(self) -> int | None:
        """Return when something becomes due next; None: never, as things stand."""
        while self._due and self._due[0][1] not in self._due[0][2].seat.waiting:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def delivered(self, now_us: int, number: int) -> AnyCopy | None:
        """Be done with the copy that is out under this number, and return it; None if its seat is gone."""
        if copy := self._taken_back(number):
            copy.seat.books["delivered"] += 1
            self.tell(now_us, "handed", copy, to=copy.seat.name, attempt=copy.attempt)
        return copy

    def failed(self, now_us: int, number: int, why: str, *, again: bool = True) -> AnyCopy | None:
        """Let it wait for its next attempt, or give it up: then return it. None if its seat is gone, too."""
        if not (copy := self._taken_back(number)):
            return None
        retry, which = copy.seat.retry, copy.attempt
        self.tell(now_us, "fail", copy, why=why, attempt=which)
        ended_by = retry.ends(which, (now_us - copy.made_us) / 1e6) if again else ""
        if ended_by or not again:
            self._give_up(now_us, copy, why, ended_by)
            return copy
        due_us = now_us + round(retry.pause_s(which) * 1e6)
        copy.attempt += 1
        self.tell(now_us, "wait", copy, attempt=copy.attempt, phase=retry.phase(which), until_us=due_us)
        self.stand(copy, due_us)
        return None

    def _taken_back(self, number: int) -> AnyCopy | None:
        if number not in self._out:
            raise BadParameter(f"number = {number!r}: no such attempt of {self.place} is out; ask `attempts`")
        if copy := self._out.pop(number):
            del copy.seat.out[number]
        return copy

    def _give_up(self, now_us: int, copy: AnyCopy, why: str, ended_by: str) -> None:
        seat = copy.seat
        if seat.sets_aside:
            seat.books["set_aside"] += 1
            seat.dead.append(Dead(copy, DeadLetter(copy.message, copy.body, copy.attempt, why, ended_by)))
            self.tell(now_us, "dead", copy, receives=copy.attempt, to=f"{seat.place}/dead")
        else:
            seat.books["dropped"] += 1
            self.tell(now_us, "drop", copy, why=f"given up: {ended_by or why}")

    def redrive(self, now_us: int, seat: Seat) -> list[Any]:
        """Take the dead letters of a seat back, as if they were new, and return the copies: let each `stand`."""
        copies = [one.copy for one in seat.dead]
        seat.dead.clear()
        for copy in copies:
            copy.attempt, copy.made_us = 1, now_us
            seat.books["redriven"] += 1
            self.recorder.emit(
                now_us, "redrive", f"{seat.place}/dead", copy.message, to=seat.place, copy=copy.copy
            )
        return copies

    def forget(self, now_us: int, seat: Seat, copies: Iterable[Copy], why: str) -> None:
        """Drop what waits at a seat that is taken away; what is out from there is nobody's any more."""
        self._out.update(dict.fromkeys(seat.out))
        for copy in copies:
            self.tell(now_us, "drop", copy, why=why)
        seat.waiting.clear()

    def tell(self, now_us: int, kind: str, copy: Copy, **fields: Any) -> None:
        """Leave a row about a copy at its seat."""
        self.recorder.emit(now_us, kind, copy.seat.place, copy.message, copy=copy.copy, **fields)
