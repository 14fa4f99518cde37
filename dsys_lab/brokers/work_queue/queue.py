"""What each verb of the work queue does: what it checks, what it changes, what it answers.

The messages themselves, and what time does to them, are on the `Shelf`. Every verb first lets time come to `now_us`, so
its answer is right whether or not somebody called `tick` at `deadline_us`.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any, Self

from dsys_lab.brokers.answers import Duplicate, Rejected
from dsys_lab.brokers.deduplication import SeenIds
from dsys_lab.brokers.work_queue.answers import (
    Accepted,
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Extended,
    Returned,
    Sent,
    Stale,
    Status,
)
from dsys_lab.brokers.work_queue.lines import LENT, Chance, Stored
from dsys_lab.brokers.work_queue.settings import (
    VISIBILITY_MAX_S,
    WAIT_MAX_S,
    Settings,
    require_batch,
    require_within,
    to_us,
)
from dsys_lab.brokers.work_queue.shelf import Shelf
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.trace import NO_TRACE, Recorder


class WorkQueue:
    """Lends messages until they are acknowledged.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings
    recorder : Recorder
        Where its rows go.

    Examples
    --------
    >>> queue = WorkQueue("clips", Settings(visibility_s=30))
    >>> queue.send(0, "m1", "a night of video")
    Accepted(message='m1', number=0)
    >>> [first] = queue.receive(1_000_000)
    >>> queue.receive(2_000_000)                    # on loan: nobody else sees it
    []
    >>> [again] = queue.receive(31_000_000)         # the loan is over
    >>> queue.acknowledge(32_000_000, first.handle), queue.acknowledge(33_000_000, again.handle)
    (Stale(message='m1', why='received again'), Acknowledged(message='m1'))
    """

    def __init__(self, place: str, settings: Settings | None = None, *, recorder: Recorder = NO_TRACE) -> None:
        self.place, self.settings, self.recorder = place, settings or Settings(), recorder
        self._shelf = Shelf(place, self.settings, recorder)
        self._is_fifo = self.settings.is_fifo
        self._visibility_us, self._delay_us = to_us(self.settings.visibility_s), to_us(self.settings.delay_s)
        self._seen = SeenIds(to_us(self.settings.dedup_s))

    # ------------------------------------------------------------ write path
    def send(
        self,
        now_us: int,
        message: str,
        body: str = "",
        *,
        group: str | None = None,
        dedup_id: str | None = None,
        delay_s: float | None = None,
        copy: int = 0,
    ) -> Sent:
        """Store a message.

        Parameters
        ----------
        message : str
            The logical message: the same at every attempt to send it.
        group : str, optional
            The group that is kept in order (FIFO, where it must be given) or that takes turns (fair).
        dedup_id : str, optional
            FIFO: what makes two sends the same.
        delay_s : float, optional
            For how long it is hidden, in place of the queue's own delay. Not with FIFO.
        copy : int
            Which copy of the message, for the books: a producer that tries again counts up.

        Returns
        -------
        Accepted, Duplicate or Rejected
            Rejected if the body is larger than the queue takes.
        """
        self.settings.require_sendable(message, body, group, dedup_id, delay_s)
        self._shelf.reach(now_us)
        if len(body) * 4 > self.settings.size_max_bytes and len(body.encode()) > self.settings.size_max_bytes:
            self.recorder.emit(now_us, "reject", self.place, message, why="too large", copy=copy)
            return Rejected(message, "too large")
        if self._is_fifo:
            key = hashlib.sha256(body.encode()).hexdigest() if dedup_id is None else dedup_id
            before = self._seen.came_before(now_us, key, message)
            if before is not None:
                self.recorder.emit(now_us, "duplicate", self.place, message, of=before, copy=copy)
                return Duplicate(message, before)
        delay_us = self._delay_us if delay_s is None else to_us(delay_s)
        self._shelf.accepted += 1
        return Accepted(message, self._shelf.store(message, copy, body, group, delay_us).number)

    # ------------------------------------------------------------ read path
    def receive(
        self,
        now_us: int,
        *,
        limit: int = 1,
        visibility_s: float | None = None,
        to: str = "worker",
        arrive_us: int | None = None,
        chance: Chance | None = None,
        long_poll: bool = True,
    ) -> list[Delivery]:
        """Borrow up to `limit` messages.

        Parameters
        ----------
        visibility_s : float, optional
            For how long, in place of the queue's own.
        to, arrive_us : str, int
            For the picture: who receives, and when what is given arrives there.
        chance : callable, optional
            A stream of luck, for what a standard queue leaves to chance: copies, order, what a short poll sees. Without
            it the queue is a model of itself: exact.
        long_poll : bool
            Whether all servers are asked. If there is nothing, ask `ask_again_us` what to wait for.

        Raises
        ------
        Refused
            If too many are on loan already (not FIFO, which gives nothing).
        """
        self._shelf.reach(now_us)
        require_batch(limit)
        until_us = now_us + self._visibility_us
        if visibility_s is not None:
            require_within(visibility_s=(visibility_s, VISIBILITY_MAX_S))
            until_us = now_us + to_us(visibility_s)
        shelf, settings = self._shelf, self.settings
        deliveries: list[Delivery] = []
        while len(deliveries) < limit:
            if shelf.in_flight >= settings.in_flight_max:
                if deliveries or self._is_fifo:
                    break
                raise Refused(f"{self.place} has {shelf.in_flight:,} messages on loan, its limit: acknowledge some")
            if not (long_poll or chance is None or self._is_fifo) and chance() >= settings.short_poll_share:
                break
            stored = shelf.order.take(chance)
            if stored is None:
                break
            if settings.max_receives is not None and stored.receives >= settings.max_receives:
                shelf.set_aside(stored)
                continue
            shelf.lend(stored, until_us)
            deliveries.append(self._deliver(stored, to, now_us if arrive_us is None else arrive_us))
            if chance is not None and not self._is_fifo and chance() < settings.copy_share:
                shelf.add_copy(stored)
        return deliveries

    def _deliver(self, stored: Stored, to: str, arrive_us: int) -> Delivery:
        message, copy, attempt, until_us = stored.message, stored.copy, stored.receives, stored.until_us
        handle = f"{message}#{stored.number}.{attempt}"
        self.recorder.emit(
            stored.lent_us, "deliver", self.place, message, to=to, attempt=attempt, handle=handle,
            visible_until_us=until_us, arrive_us=arrive_us, copy=copy,
        )  # fmt: skip
        return Delivery(message, copy, stored.body, stored.group, attempt, handle, stored.sent_us, until_us)

    def ask_again_us(self, now_us: int, *, since_us: int, wait_s: float) -> int | None:
        """Say what a long poll that found nothing waits for.

        Parameters
        ----------
        since_us, wait_s : int, float
            When the poll began, and how long it may take.

        Returns
        -------
        int or None
            Receive again at this time, or as soon as somebody sends, acknowledges or hands back, whichever is first;
            None: the poll is over, answer that there is nothing.
        """
        require_within(wait_s=(wait_s, WAIT_MAX_S))
        over_us = since_us + to_us(wait_s)
        return None if now_us >= over_us else min(over_us, self._shelf.first_end_us())

    # ------------------------------------------------------------ what a worker says
    def acknowledge(self, now_us: int, handle: str) -> Acknowledged | Stale:
        """Let go of a message for good. A stale handle changes nothing."""
        self._shelf.reach(now_us)
        message, stored, attempt = self._read(handle)
        if stored is None or attempt != stored.receives or stored.state is not LENT:
            why = self._why_stale(stored, attempt, on_loan=self._is_fifo)
            if why or stored is None:
                return self._refuse(now_us, handle, message, why)
        self._shelf.acknowledged += 1
        self._shelf.leave(stored)
        self.recorder.emit(now_us, "ack", self.place, message, handle=handle, attempt=attempt, copy=stored.copy)
        return Acknowledged(message)

    def extend(self, now_us: int, handle: str, seconds: float) -> Extended | Stale | Rejected:
        """Keep a message for `seconds` from now; rejected if that is more than 12 hours after it was received."""
        require_within(seconds=(seconds, VISIBILITY_MAX_S))
        until_us = now_us + to_us(seconds)
        stored = self._on_loan(now_us, handle, until_us)
        if not isinstance(stored, Stored):
            return stored
        self._shelf.ends_at(stored, until_us)
        self.recorder.emit(now_us, "extend", self.place, stored.message, until_us=until_us, copy=stored.copy)
        return Extended(stored.message, until_us)

    def nack(self, now_us: int, handle: str, *, delay_s: float = 0) -> Returned | Stale | Rejected:
        """Hand a message back; the others see it after `delay_s`. SQS has one call, and so one limit, for both."""
        require_within(delay_s=(delay_s, VISIBILITY_MAX_S))
        delay_us = to_us(delay_s)
        stored = self._on_loan(now_us, handle, now_us + delay_us)
        if not isinstance(stored, Stored):
            return stored
        self.recorder.emit(now_us, "nack", self.place, stored.message, delay_us=delay_us, copy=stored.copy)
        if delay_us:
            self._shelf.ends_at(stored, now_us + delay_us)
        else:
            self._shelf.show(stored)
        return Returned(stored.message, now_us + delay_us)

    def _read(self, handle: str) -> tuple[str, Stored | None, int]:
        """Return the message that a handle stands for, where it is, and the attempt.

        After a crash that took numbers back, a number may be another message's now.
        """
        try:
            message, _, place = handle.rpartition("#")
            number, attempt = map(int, place.split("."))
        except (ValueError, AttributeError):
            raise BadParameter(f"handle = {handle!r}: give the handle of a delivery") from None
        stored = self._shelf.stored.get(number)
        if stored is not None and stored.message != message:
            stored = None
        if not 0 <= number < self._shelf.next_number or attempt < 1 or (stored and attempt > stored.receives):
            raise BadParameter(f"handle = {handle!r}: {self.place} never gave it out")
        return message, stored, attempt

    def _why_stale(self, stored: Stored | None, attempt: int, *, on_loan: bool) -> str:
        """Return why a handle is old, or "" if it still counts; `on_loan`: only while the message is on loan."""
        if stored is None:
            return "gone"
        if on_loan and stored.state is not LENT:
            return "the loan is over"
        if attempt != stored.receives and (self.settings.handles == "newest" or on_loan):
            return "received again"
        return ""

    def _refuse(self, now_us: int, handle: str, message: str, why: str) -> Stale:
        attempt = int(handle.rpartition(".")[2])
        self.recorder.emit(now_us, "ack_stale", self.place, message, handle=handle, attempt=attempt, why=why)
        return Stale(message, why)

    def _on_loan(self, now_us: int, handle: str, until_us: int) -> Stored | Stale | Rejected:
        """Return the message on this loan, if it may be hidden until `until_us`."""
        self._shelf.reach(now_us)
        message, stored, attempt = self._read(handle)
        why = self._why_stale(stored, attempt, on_loan=True)
        if why or stored is None:
            return self._refuse(now_us, handle, message, why)
        if until_us - stored.lent_us > to_us(VISIBILITY_MAX_S):
            return Rejected(message, "more than 12 hours since it was received")
        return stored

    # ------------------------------------------------------------ dead letters
    def dead_letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return [DeadLetter(d.message, d.copy, d.body, d.group, d.receives, d.sent_us) for d in self._shelf.letters()]

    def redrive(self, now_us: int, *, limit: int | None = None) -> int:
        """Put dead letters back, the oldest first, as if they were new: age and count begin again. Return how many."""
        if limit is not None and limit < 0:
            raise BadParameter(f"limit = {limit!r}: give how many to put back, or None for all")
        self._shelf.reach(now_us)
        count = len(self._shelf.dead) if limit is None else min(limit, len(self._shelf.dead))
        for _ in range(count):
            self._shelf.redrive()
        return count

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> list[Became]:
        """Do what time has done up to `now_us`, and say what it was."""
        return self._shelf.tick(now_us)

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed; None: never, as things stand."""
        return self._shelf.deadline_us()

    def status(self) -> Status:
        """Return where the messages are, and the books."""
        shelf = self._shelf
        oldest = next(iter(shelf.stored.values()), None)
        return Status(
            visible=shelf.visible,
            delayed=shelf.delayed,
            in_flight=shelf.in_flight,
            dead=len(shelf.dead),
            accepted=shelf.accepted,
            copied=shelf.copied,
            acknowledged=shelf.acknowledged,
            expired=shelf.expired,
            oldest_sent_us=None if oldest is None else oldest.sent_us,
        )

    def snapshot(self) -> dict[str, Any]:
        """Return the whole queue in JSON values: what `restore` takes."""
        seen = self._seen.snapshot(self._shelf.now_us)
        return {**self._shelf.snapshot(), "settings": asdict(self.settings), "seen": seen}

    @classmethod
    def restore(cls, place: str, snapshot: dict[str, Any], *, recorder: Recorder = NO_TRACE) -> Self:
        """Return the queue that `snapshot` was taken of."""
        queue = cls(place, Settings(**snapshot["settings"]), recorder=recorder)
        queue._shelf.restore(snapshot)
        queue._seen.restore(snapshot["seen"])
        return queue
