"""What happens when messages are not consumed in time?

A buffer stands between those who offer and those who serve. While the buffer has room nobody notices it. When it is
full there are exactly three answers, and each has somebody who pays:

- **buffer** more: everyone later, and then the machine's memory;
- **lose** something: the newest, the oldest, a sample, the least important, the too old: someone gets nothing;
- **throttle**: make the producer wait, or tell it no: the producer pays.

`Buffer` is the mechanism. It keeps the waiting messages, counts them, and leaves a row for everything that happens.
A `Policy` is the decision: two pure functions of what waits, *who goes when it is full* and *who is served next*. Nine
policies stand below, each a few lines, so that they can be compared under one mechanism.

======================  ==========================  ======================  ==========================
policy                  full: what happens          next served             real systems that do it
======================  ==========================  ======================  ==========================
`unbounded`             never full                  oldest                  an in-memory list; SQS, for 4 days
`drop_newest`           the newcomer is lost        oldest                  a router's tail drop; a UDP socket
`drop_oldest`           the oldest is lost          oldest                  JetStream `discard old`; a ring buffer
`sample`                newcomers are lost, the     oldest                  random early detection in routers
                        more likely the fuller
`priority`              the least important and     most important,         a triage queue
                        newest of it is lost        then oldest
`deadline`              the newcomer is lost        oldest that can still   load shedding with deadlines
                                                    make it
`lifo`                  the oldest is lost          newest                  Facebook's adaptive LIFO
`block`                 the producer waits          oldest                  TCP's receive window; a bounded channel
`reject`                the producer is told no     oldest                  HTTP 429; JetStream `discard new`
======================  ==========================  ======================  ==========================

The buffer promises
-------------------
1. Every message that is offered is accepted, dropped, rejected, or its producer waits: never silence.
2. No more than `capacity` wait, under every policy but `unbounded`.
3. What leaves without being served leaves a row that says why.

Cost: all policies are O(1) a message, but `priority`, which is O(waiting).

Left out: bytes as the measure of capacity (a count stands for it); several queues with fair shares.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 11, "Messaging systems"; Floyd and Jacobson, "Random
early detection gateways for congestion avoidance", IEEE/ACM ToN 1993; Maurer, "Fail at scale", ACM Queue 2015.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Request:
    """One copy of a message that asks to be served.

    Attributes
    ----------
    message : str
        The logical message.
    copy : int
        Which copy of it, from 0: retries and network duplicates count up.
    offered_us : int
        When it reached the buffer.
    deadline_us : int or None
        When its answer is worth nothing any more.
    priority : int
        Higher is more important.
    """

    message: str
    copy: int = 0
    offered_us: int = 0
    deadline_us: int | None = None
    priority: int = 0


class Answer(Enum):
    """What the buffer said to an offer."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    REJECTED = "rejected"
    MUST_WAIT = "must wait"


Victim = Callable[[Sequence[Request], Request, int, float], "int | Answer | None"]
"""Who pays for `newcomer`? `(waiting, newcomer, capacity, chance)` -> the position of the one who is dropped for it, an
`Answer` that the newcomer gets instead of a place, or None when there is room."""
Next = Callable[[Sequence[Request], int], int]
"""Who is served? `(waiting, now_us)` -> a position."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Two pure decisions, and whether requests that cannot make their deadline are dropped before service."""

    name: str
    victim: Victim
    next: Next
    drops_late: bool = False

    def __str__(self) -> str:
        return self.name


# ------------------------------------------------------------------------------------------ who pays when it is full
def nobody_pays(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Take everyone."""
    return None


def newest_pays(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Drop the newcomer when full."""
    return Answer.DROPPED if len(waiting) >= capacity else None


def oldest_pays(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Drop the one at the head when full."""
    return 0 if len(waiting) >= capacity else None


def sample_pays(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Drop the newcomer with a probability that grows from 0 at half full to 1 at full."""
    return Answer.DROPPED if chance < 2 * len(waiting) / capacity - 1 else None


def least_pays(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Drop the least important when full, of equals the newest: the newcomer, unless somebody matters less."""
    if len(waiting) < capacity:
        return None
    position, least = min(enumerate(waiting), key=lambda place: (place[1].priority, -place[0]))
    return position if least.priority < newcomer.priority else Answer.DROPPED


def producer_waits(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Make the producer wait when full."""
    return Answer.MUST_WAIT if len(waiting) >= capacity else None


def producer_told(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Tell the producer no when full."""
    return Answer.REJECTED if len(waiting) >= capacity else None


# ------------------------------------------------------------------------------------------ who is served next
def oldest_first(waiting: Sequence[Request], now_us: int) -> int:
    """First in, first out."""
    return 0


def newest_first(waiting: Sequence[Request], now_us: int) -> int:
    """Last in, first out."""
    return len(waiting) - 1


def most_important_first(waiting: Sequence[Request], now_us: int) -> int:
    """The highest priority, of equals the oldest."""
    return max(enumerate(waiting), key=lambda place: (place[1].priority, -place[0]))[0]


POLICIES: Final[dict[str, Policy]] = {
    policy.name: policy
    for policy in (
        Policy("unbounded", nobody_pays, oldest_first),
        Policy("drop_newest", newest_pays, oldest_first),
        Policy("drop_oldest", oldest_pays, oldest_first),
        Policy("sample", sample_pays, oldest_first),
        Policy("priority", least_pays, most_important_first),
        Policy("deadline", newest_pays, oldest_first, drops_late=True),
        Policy("lifo", oldest_pays, newest_first),
        Policy("block", producer_waits, oldest_first),
        Policy("reject", producer_told, oldest_first),
    )
}
"""The nine policies by name."""


@dataclass(frozen=True, slots=True)
class Status:
    """The buffer's own books, counted in copies of messages since it was made.

    `offered = accepted + dropped at the door + rejected`, and
    `accepted = waiting + taken + dropped from the buffer + expired`.
    """

    waiting: int
    offered: int
    accepted: int
    taken: int
    dropped: int
    rejected: int
    expired: int


@dataclass(slots=True)
class Buffer:
    """Messages that wait to be served, and the policy that rules when there are too many.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    capacity : int
        How many may wait; those in service are not counted.
    policy : Policy or str
        One of `POLICIES`, by name, or one of your own.
    margin_us : int
        Under a policy that drops the late: a request is dropped when less than this is left before its deadline.
        0 drops only what is late already, and so serves much that finishes late.
    recorder : Recorder
        Where its rows go.

    Examples
    --------
    >>> buffer = Buffer("sync", capacity=1, policy="drop_newest")
    >>> buffer.offer(0, Request("m1")).value, buffer.offer(0, Request("m2")).value
    ('accepted', 'dropped')
    >>> buffer.take(5).message, buffer.take(5)
    ('m1', None)
    """

    place: str
    capacity: int
    policy: Policy | str = "unbounded"
    margin_us: int = 0
    recorder: Recorder = NO_TRACE
    _waiting: deque[Request] = field(default_factory=deque)
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Status.__slots__, 0))

    def __post_init__(self) -> None:
        if isinstance(self.policy, str):
            require_choice("policy", self.policy, tuple(POLICIES))
            self.policy = POLICIES[self.policy]
        if self.capacity < 1:
            raise BadParameter(f"capacity = {self.capacity!r}: give the number of messages that may wait, 1 or more")
        if self.margin_us < 0:
            raise BadParameter(f"margin_us = {self.margin_us!r}: give the microseconds that must be left, 0 or more")

    # ------------------------------------------------------------ write path
    def offer(self, now_us: int, request: Request, *, chance: float = 0.0) -> Answer:
        """Ask for a place in the buffer.

        Parameters
        ----------
        chance : float
            A number in [0, 1) for policies that sample.

        Returns
        -------
        Answer
            `MUST_WAIT` leaves no trace in the buffer: the producer keeps the message and offers it again.
        """
        assert isinstance(self.policy, Policy)
        verdict = self.policy.victim(self._waiting, request, self.capacity, chance)
        if verdict is Answer.MUST_WAIT:
            return Answer.MUST_WAIT
        self._counts["offered"] += 1
        if verdict is Answer.REJECTED:
            return self._refuse(now_us, request)
        if verdict is Answer.DROPPED:
            self._drop(now_us, request, "the buffer is full" if len(self._waiting) >= self.capacity else "sampled out")
            return Answer.DROPPED
        if isinstance(verdict, int):
            self._drop(now_us, self._remove(verdict), "made room for a newer one")
        self._counts["accepted"] += 1
        self._waiting.append(request)
        self.recorder.emit(
            now_us, "enqueue", self.place, request.message, depth=len(self._waiting), copy=request.copy
        )
        return Answer.ACCEPTED

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self) -> bool:
        """Whether a producer that waits may offer again."""
        return len(self._waiting) < self.capacity

    # ------------------------------------------------------------ read path
    def take(self, now_us: int) -> Request | None:
        """Return the next request to serve, or None when nothing waits; drop on the way what is too late."""
        assert isinstance(self.policy, Policy)
        while self._waiting:
            request = self._remove(self.policy.next(self._waiting, now_us))
            if not (self.policy.drops_late and self._too_late(request, now_us)):
                self._counts["taken"] += 1
                return request
            self._counts["expired"] += 1
            self.recorder.emit(
                now_us, "expire", self.place, request.message, age_us=now_us - request.offered_us, copy=request.copy
            )
        return None

    def lose_all(self, now_us: int, why: str) -> int:
        """Drop everything that waits, as a crash does, with a row for each; return how many."""
        lost = len(self._waiting)
        while self._waiting:
            self._drop(now_us, self._waiting.popleft(), why)
        return lost

    def status(self) -> Status:
        """Return the books."""
        return Status(**{**self._counts, "waiting": len(self._waiting)})

    # ------------------------------------------------------------ upkeep
    def _too_late(self, request: Request, now_us: int) -> bool:
        return request.deadline_us is not None and now_us + self.margin_us > request.deadline_us

    def _remove(self, position: int) -> Request:
        if position == 0:
            return self._waiting.popleft()
        request = self._waiting[position]
        del self._waiting[position]
        return request

    def _drop(self, now_us: int, request: Request, why: str) -> None:
        self._counts["dropped"] += 1
        self.recorder.emit(now_us, "drop", self.place, request.message, why=why, copy=request.copy)

    def _refuse(self, now_us: int, request: Request) -> Answer:
        self._counts["rejected"] += 1
        self.recorder.emit(now_us, "reject", self.place, request.message, why="the buffer is full", copy=request.copy)
        return Answer.REJECTED
