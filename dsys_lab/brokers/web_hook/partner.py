"""The partner: what it does so that an event reaches us, and what it can say of it afterwards.

It calls, and takes 2xx for done. Else it calls again, after the next pause of its schedule, under the same id and
signed anew; after the last it gives up, and nobody tells us. What it has sent it keeps in a list that can be asked for,
a page at a time: that is what reconciliation is for.

Source: Standard Webhooks 1.0.0, "Deliverability and reliability", for the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, Literal

from dsys_lab.brokers.web_hook.signature import Call, signed
from dsys_lab.errors import BadParameter, Misuse, require_positive

PAGE_EVENTS: Final = 100
Outcome = Literal["delivered", "tried again", "given up", "settled before"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The pauses between the attempts, in seconds: one attempt more than pauses."""

    pauses_s: tuple[float, ...]

    def __post_init__(self) -> None:
        if any(not pause_s >= 0 for pause_s in self.pauses_s):
            raise BadParameter(f"pauses_s = {self.pauses_s!r}: give pauses of 0 s or more")

    @property
    def lasts_s(self) -> float:
        """From the first attempt to the last."""
        return sum(self.pauses_s)


STANDARD_SCHEDULE: Final = Schedule((5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""The example of the standard: ten attempts over three days and more."""
IMPATIENT: Final = Schedule((5, 10))
"""Three attempts, and no more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One entry of the partner's list.

    Attributes
    ----------
    id : str
    happened_us : int
        When it happened, in microseconds since 1970.
    body : bytes
    """

    id: str
    happened_us: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of the list in the order in which they happened; `after` asks for the next page, None: the end."""

    entries: tuple[Sent, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The partner's books, in events: `published = delivered + given_up + trying`."""

    published: int
    delivered: int
    given_up: int
    trying: int


@dataclass(slots=True)
class _Delivery:
    sent: Sent
    attempt: int = 1


@dataclass(slots=True)
class Partner:
    """Calls for each event until it hears 2xx or its schedule is over.

    Attributes
    ----------
    secrets : sequence of str
        What it signs with: two while they are being changed.
    schedule : Schedule

    Examples
    --------
    >>> from dsys_lab.brokers.web_hook import secret_of
    >>> partner = Partner([secret_of(bytes(24))])
    >>> partner.publish(0, "msg_1", b'{"type": "sleep.recorded"}')
    >>> [call] = partner.calls(0)
    >>> partner.answered(0, "msg_1", 503)
    'tried again'
    >>> partner.deadline_us() / 1e6
    5.0
    """

    secrets: Sequence[str] = field(repr=False)
    schedule: Schedule = STANDARD_SCHEDULE
    _list: list[Sent] = field(default_factory=list, init=False)
    _trying: dict[str, _Delivery] = field(default_factory=dict, init=False)
    _due: list[tuple[int, int, str]] = field(default_factory=list, init=False)
    _number_of: dict[str, int] = field(default_factory=dict, init=False)
    _given_up: int = field(default=0, init=False)

    def publish(self, now_us: int, event_id: str, body: bytes) -> None:
        """Say that something happened: it is in the list, and a first call is due."""
        signed(self.secrets, event_id, now_us, body)  # refuses an id that cannot be sent
        if event_id in self._number_of:
            raise Misuse(f"event_id = {event_id!r} was published before: give each event an id of its own")
        if self._list and now_us < self._list[-1].happened_us:
            raise Misuse(f"now_us = {now_us} lies before {self._list[-1].happened_us}: time cannot run back")
        self._number_of[event_id] = len(self._list)
        self._list.append(Sent(event_id, now_us, body))
        self._trying[event_id] = _Delivery(self._list[-1])
        heappush(self._due, (now_us, self._number_of[event_id], event_id))

    def calls(self, now_us: int) -> list[Call]:
        """Return the calls that are due now; say `answered` of each."""
        made = []
        while self._due and self._due[0][0] <= now_us:
            _, _, event_id = heappop(self._due)
            if event_id in self._trying:
                made.append(signed(self.secrets, event_id, now_us, self._trying[event_id].sent.body))
        return made

    def deadline_us(self) -> int | None:
        """Return when a call is due next; None: never, as things stand."""
        while self._due and self._due[0][2] not in self._trying:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def answered(self, now_us: int, event_id: str, status: int | None) -> Outcome:
        """Say what the answer was, None: there was none; return what follows from it."""
        if event_id not in self._trying:
            return "settled before"
        delivery = self._trying[event_id]
        if status is not None and 200 <= status < 300:
            del self._trying[event_id]
            return "delivered"
        if delivery.attempt > len(self.schedule.pauses_s):
            del self._trying[event_id]
            self._given_up += 1
            return "given up"
        pause_s = self.schedule.pauses_s[delivery.attempt - 1]
        delivery.attempt += 1
        heappush(self._due, (now_us + round(pause_s * 1e6), self._number_of[event_id], event_id))
        return "tried again"

    def attempt(self, event_id: str) -> int:
        """Return which attempt an event is at, from 1; 0: it is settled."""
        return self._trying[event_id].attempt if event_id in self._trying else 0

    def page(self, since_us: int, until_us: int, *, after: str | None = None, limit: int = PAGE_EVENTS) -> Page:
        """Return what happened from `since_us` and before `until_us`: at most `limit`, behind the event `after`."""
        require_positive(limit=limit)
        if after is not None and after not in self._number_of:
            raise BadParameter(f"after = {after!r}: give the `after` of the page before, or None for the first")
        first = 0 if after is None else self._number_of[after] + 1
        found = [one for one in self._list[first:] if since_us <= one.happened_us < until_us]
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    def status(self) -> Status:
        """Return the books."""
        trying = len(self._trying)
        return Status(len(self._list), len(self._list) - trying - self._given_up, self._given_up, trying)
