"""What each verb of the topic does.

A message that is published becomes one *copy* for each subscription that hears it; from there on the copies know
nothing of each other: `dsys_lab.brokers.outbox` tries each of them until it is taken or given up.

With order (`fifo=True`) the copies of one group stand in a line for each subscription, and only the head of a line is
ever tried: a copy that cannot be handed over holds up its own group at its own seat, and nobody else.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final

from dsys_lab.brokers.answers import Duplicate, Rejected
from dsys_lab.brokers.deduplication import SeenIds
from dsys_lab.brokers.outbox import DeadLetter, Outbox
from dsys_lab.brokers.topic.answers import Attempt, Published, Status
from dsys_lab.brokers.topic.seats import Copy, Message, Seat
from dsys_lab.brokers.topic.subscription import Subscription, require_attributes
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.facts import fact
from dsys_lab.trace import NO_TRACE, Recorder

SIZE_MAX_BYTES: Final = int(fact("sns_size_max").value)
DEDUP_US: Final = int(fact("sns_dedup_window").value * 1e6)
ARCHIVE_MAX_DAYS: Final = fact("sns_archive_max").value
DAY_US: Final = 86_400_000_000


class Topic:
    """Hands each message on to everyone who is subscribed at that moment and whose filter lets it through.

    Parameters
    ----------
    place : str
        The name under which its rows appear; a seat is `place/subscription`.
    fifo : bool
        Whether messages have groups, each in order, and are handed on once for each deduplication id.
    archive_days : float
        FIFO: for how long what was published can be replayed; 0: not at all.
    recorder : Recorder
        Where its rows go.

    Examples
    --------
    >>> uploads = Topic("uploads")
    >>> uploads.publish(0, "m1", "a video")                  # nobody is there: gone
    Published(message='m1', to=(), passed_by=())
    >>> uploads.subscribe(0, Subscription(name="thumbnails"))
    >>> uploads.publish(0, "m2", "a video").to
    ('thumbnails',)
    >>> [attempt] = uploads.attempts(0)
    >>> uploads.failed(0, attempt.number, "down")            # three more at once, then after 1 s, ...
    >>> [again] = uploads.attempts(0)
    >>> uploads.delivered(0, again.number)
    >>> uploads.deadline_us() is None
    True
    """

    def __init__(
        self, place: str, *, fifo: bool = False, archive_days: float = 0, recorder: Recorder = NO_TRACE
    ) -> None:
        if not 0 <= archive_days <= ARCHIVE_MAX_DAYS:
            raise BadParameter(f"archive_days = {archive_days!r}: give 0 to {ARCHIVE_MAX_DAYS}")
        if archive_days and not fifo:
            raise BadParameter("archive_days with fifo=False: only a FIFO topic keeps what was published")
        self.place, self.fifo, self.recorder = place, fifo, recorder
        self._archive_us = int(archive_days * DAY_US)
        self._archive: deque[tuple[Message, int]] = deque()
        self._seats: dict[str, Seat] = {}
        self._outbox: Outbox[Copy] = Outbox(place, recorder)
        self._seen = SeenIds(DEDUP_US)
        self._copies: Counter[str] = Counter()
        self._next_number = self._published = self._unheard = self._now_us = 0

    # ------------------------------------------------------------ who is there
    def subscribe(self, now_us: int, subscription: Subscription) -> None:
        """Give somebody a seat: what is published from now on is heard."""
        self._reach(now_us)
        if subscription.name in self._seats:
            raise Refused(f"{subscription.name} is subscribed to {self.place}: unsubscribe first, or take another name")
        self._seats[subscription.name] = Seat(
            name=subscription.name, place=f"{self.place}/{subscription.name}", retry=subscription.policy,
            sets_aside=subscription.dead_letters, subscription=subscription,
        )  # fmt: skip
        self.recorder.emit(now_us, "join", f"{self.place}/{subscription.name}")

    def unsubscribe(self, now_us: int, name: str) -> None:
        """Take a seat away, with what waits there, and with its dead letters."""
        self._reach(now_us)
        seat = self._seat(name)
        del self._seats[name]
        self.recorder.emit(now_us, "leave", f"{self.place}/{name}")
        self._outbox.forget(now_us, seat, seat.not_out(), "unsubscribed")

    # ------------------------------------------------------------ publishing
    def publish(
        self,
        now_us: int,
        message: str,
        body: str = "",
        *,
        attributes: Mapping[str, Any] | None = None,
        group: str | None = None,
        dedup_id: str | None = None,
        copy: int = 0,
    ) -> Published | Duplicate | Rejected:
        """Hand a message on to those who hear it.

        Parameters
        ----------
        message : str
            The logical message: the same at every attempt to publish it.
        attributes : mapping, optional
            What filters of attributes look at: texts, numbers, or lists of them.
        group, dedup_id : str, optional
            FIFO, where both must be given: the line that it stands in, and what makes two messages the same.
        copy : int
            Which copy of the message came in, for the books: a publisher that tries again counts up.

        Returns
        -------
        Published, Duplicate or Rejected
            Rejected if body and attributes are larger than the topic takes.
        """
        self._require_publishable(message, body, group, dedup_id)
        self._reach(now_us)
        attributes = require_attributes(attributes or {})
        size_bytes = len(body.encode()) + sum(len(f"{name}{value}".encode()) for name, value in attributes.items())
        if size_bytes > SIZE_MAX_BYTES:
            self.recorder.emit(now_us, "reject", self.place, message, why="too large", copy=copy)
            return Rejected(message, "too large")
        if dedup_id is not None and (before := self._seen.came_before(now_us, dedup_id, message)) is not None:
            self.recorder.emit(now_us, "duplicate", self.place, message, of=before, copy=copy)
            return Duplicate(message, before)
        self._copies[message] = max(self._copies[message], copy)
        return self._hand_on(Message(message, body, attributes, group, now_us), copy)

    def _require_publishable(self, message: str, body: str, group: str | None, dedup_id: str | None) -> None:
        if not (isinstance(message, str) and isinstance(body, str)):
            raise BadParameter(f"message = {message!r}, body of {type(body)}: give each as a str")
        if self.fifo and not (isinstance(group, str) and isinstance(dedup_id, str)):
            raise BadParameter(f"group = {group!r}, dedup_id = {dedup_id!r}: a FIFO topic needs both, each as a str")
        if not self.fifo and (group, dedup_id) != (None, None):
            raise BadParameter(f"group = {group!r}, dedup_id = {dedup_id!r}: only a FIFO topic has them")

    def _hand_on(self, message: Message, copy: int) -> Published:
        """Make a copy for everyone who hears the message."""
        self._published += 1
        if self._archive_us:
            self._keep(message)
        heard, passed_by = [], []
        for name, seat in self._seats.items():
            if seat.subscription.hears(message.attributes, message.body):
                heard.append(name)
                seat.books["matched"] += 1
                self._stand(self._new_copy("match", seat, message))
            else:
                passed_by.append(name)
                seat.books["passed_by"] += 1
                self.recorder.emit(self._now_us, "nomatch", seat.place, message.name, rule=name)
        self._unheard += not heard
        if heard or self._archive_us:
            made = len(heard) + bool(self._archive_us)
            self.recorder.emit(self._now_us, "fan_out", self.place, message.name, copies=made, copy=copy)
        elif passed_by:
            why = "no filter lets it through"
            self.recorder.emit(self._now_us, "unmatched", self.place, message.name, why=why, copy=copy)
        else:  # who is away and would have heard it has lost it
            self.recorder.emit(self._now_us, "drop", self.place, message.name, why="nobody is subscribed", copy=copy)
        return Published(message.name, tuple(heard), tuple(passed_by))

    def _keep(self, message: Message) -> None:
        """Lay a copy of its own into the archive: what comes in is at its end once it is handed on."""
        self._copies[message.name] += 1
        place, copy = f"{self.place}/archive", self._copies[message.name]
        self._archive.append((message, copy))
        about: dict[str, Any] = {"rule": "archive", "to": place, "arrive_us": self._now_us, "copy": copy}
        self.recorder.emit(self._now_us, "match", self.place, message.name, **about)
        self.recorder.emit(self._now_us, "archive", place, message.name, copy=copy)

    def _new_copy(self, kind: str, seat: Seat, message: Message) -> Copy:
        """Make a copy for a seat: because it matches, or from the archive."""
        self._copies[message.name] += 1
        self._next_number += 1
        copy = Copy(
            number=self._next_number, copy=self._copies[message.name], message=message.name, seat=seat,
            made_us=self._now_us, content=message, is_replay=kind == "replay",
        )  # fmt: skip
        about = {"rule": seat.name} if kind == "match" else {"of": message.name}
        self.recorder.emit(
            self._now_us, kind, self.place, message.name,
            to=seat.place, arrive_us=self._now_us, copy=copy.copy, **about,
        )  # fmt: skip
        return copy

    # ------------------------------------------------------------ attempts
    def _stand(self, copy: Copy) -> None:
        """Let a copy be tried at once, or once it is the head of its line."""
        if copy.line is not None:
            line = copy.seat.lines.setdefault(copy.line, deque())
            line.append(copy)
            if line[0] is not copy:
                return
        self._outbox.stand(copy, self._now_us)

    def attempts(self, now_us: int, *, arrive_us: int | None = None) -> list[Attempt]:
        """Give out what is due, the earliest first. Carry each out, then say `delivered` or `failed`.

        Parameters
        ----------
        arrive_us : int, optional
            For the picture: when the message gets to the endpoint.
        """
        self._reach(now_us)
        return [copy.to_attempt() for copy in self._outbox.attempts(now_us, arrive_us=arrive_us)]

    def deadline_us(self) -> int | None:
        """Return when an attempt becomes due next; None: never, as things stand."""
        return self._outbox.deadline_us()

    def delivered(self, now_us: int, number: int) -> None:
        """Say that the endpoint took this attempt. For an attempt at a seat that is no more, nothing changes."""
        self._reach(now_us)
        self._leave(self._outbox.delivered(now_us, number))

    def failed(self, now_us: int, number: int, why: str, *, again: bool = True) -> None:
        """Say that the endpoint did not take this attempt.

        Parameters
        ----------
        why : str
            What a dead letter says.
        again : bool
            False: it never will (it was deleted, or lets nobody in), so that trying again is no use.
        """
        self._reach(now_us)
        self._leave(self._outbox.failed(now_us, number, why, again=again))

    def _leave(self, copy: Copy | None) -> None:
        """Let the next of the line be tried, where one is at its end."""
        if copy is None or copy.line is None:
            return
        lines = copy.seat.lines
        lines[copy.line].popleft()
        if lines[copy.line]:
            self._outbox.stand(lines[copy.line][0], self._now_us)
        else:
            del lines[copy.line]

    # ------------------------------------------------------------ again
    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Return what was set aside for a subscription, oldest first."""
        return self._seat(name).letters()

    def redrive(self, now_us: int, name: str) -> int:
        """Try the dead letters of a subscription again, as if they were new. Return how many."""
        self._reach(now_us)
        copies = self._outbox.redrive(now_us, self._seat(name))
        for copy in copies:
            self._stand(copy)
        return len(copies)

    def replay(self, now_us: int, name: str, *, since_us: int, until_us: int | None = None) -> int:
        """Let a subscription hear again what the archive has of this time, through its filter. Return how many."""
        self._reach(now_us)
        seat = self._seat(name)
        if not self._archive_us:
            raise Refused(f"{self.place} keeps no archive: make it with fifo=True and archive_days")
        until_us = now_us if until_us is None else until_us
        if not 0 <= since_us <= until_us <= now_us:
            raise BadParameter(f"since_us = {since_us!r}, until_us = {until_us!r}: give 0 <= since <= until <= now")
        again = [
            message for message, _ in self._archive
            if since_us <= message.published_us <= until_us
            and seat.subscription.hears(message.attributes, message.body)
        ]  # fmt: skip
        for message in again:
            seat.books["replayed"] += 1
            self._stand(self._new_copy("replay", seat, message))
        return len(again)

    # ------------------------------------------------------------ upkeep
    def status(self) -> Status:
        """Return what there is now, and the books."""
        return Status(
            self._published, self._unheard, len(self._archive),
            {name: seat.to_books() for name, seat in self._seats.items()},
        )  # fmt: skip

    def _reach(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} lies before {self._now_us}: time cannot run back")
        self._now_us = now_us
        while self._archive and self._archive[0][0].published_us + self._archive_us <= now_us:
            message, copy = self._archive.popleft()
            age_us = now_us - message.published_us
            self.recorder.emit(now_us, "expire", f"{self.place}/archive", message.name, age_us=age_us, copy=copy)

    def _seat(self, name: str) -> Seat:
        if name not in self._seats:
            raise BadParameter(f"name = {name!r}: {self.place} has {', '.join(self._seats) or 'no subscription'}")
        return self._seats[name]
