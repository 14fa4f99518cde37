"""JetStream as a durable work queue: what of SQS has a counterpart, and what has none?

A *work-queue stream* keeps a message until a consumer acknowledges it; a *pull consumer* lends it.

==================  ================================================================================================
the model           JetStream
==================  ================================================================================================
`visibility_s`      the consumer's `ack_wait`
`acknowledge`       `+ACK`, and wait for the answer
`extend`            `+WPI`, work in progress
`nack`              `-NAK` with a delay
`max_receives`      `max_deliver`, and an advisory when it is reached
`in_flight_max`     `max_ack_pending`
`retention_s`       the stream's `max_age`
`delay_s`           a schedule: the message lies under another subject until its time
`dedup_id`          the header `Nats-Msg-Id`, within the stream's `duplicate_window`
`group`             a subject and a consumer each; for FIFO with one message on loan at a time
==================  ================================================================================================

JetStream has no dead letters: a message that was delivered too often stays in the stream, and nobody gets it. The
advisory names it; so it is looked up here, and `redrive` stores it anew and removes the old one.

What it does otherwise than the model stands in `dsys_lab.engines.work_queue.differences`.

Cost: a send and an acknowledgement are a round trip each, a receive is one for each group that is asked.

Sources: docs.nats.io, "Consumers", "Streams: retention", "Message scheduling"; architecture decision records 15, 42 and
51 of nats-io; behaviour as measured with nats-server 2.15.1.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from nats.aio.msg import Msg

from dsys_lab.brokers.work_queue import (
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Extended,
    Returned,
    Sent,
    Settings,
    Stale,
    Status,
)
from dsys_lab.brokers.work_queue.settings import BATCH_MAX, to_us
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, Connection, Result, connection, settle
from dsys_lab.engines.nats.lending import LendingStream, Native, TooLargeError
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.books import ANOTHER_HAS_IT, GONE, Books, Loan
from dsys_lab.errors import BadParameter, MayHaveHappened, require_positive


class JetStreamQueue:
    """A JetStream stream with the verbs and the rows of the model `WorkQueue`.

    Use it in a `with` block, which removes it.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings, optional
        `copy_share`, `order_window` and `short_poll_share` are the model's luck and have no effect.
    clock : WallClock
        Stamps its rows; silent by default.
    replicas : int
        On how many servers of a cluster each message is kept; more than half of them must have it before it is
        acknowledged.
    answer_within_s : float
        After so long it is `MayHaveHappened`.
    over : Connection, optional
        Another connection than the one that this process shares.

    Examples
    --------
    >>> with JetStreamQueue("clips") as queue:  # doctest: +SKIP
    ...     queue.send("m1", "a night of video")
    ...     [delivery] = queue.receive()
    ...     queue.acknowledge(delivery.handle)
    Accepted(message='m1', number=0)
    Acknowledged(message='m1')
    """

    def __init__(
        self,
        place: str,
        settings: Settings | None = None,
        *,
        clock: WallClock | None = None,
        replicas: int = 1,
        answer_within_s: float = ANSWER_WITHIN_S,
        over: Connection | None = None,
    ) -> None:
        self.place, self.settings = place, settings or Settings()
        require_positive(visibility_s=self.settings.visibility_s)
        self.clock = clock or WallClock()
        self._books: Books[Native] = Books(place, self.settings, self.clock)
        self._nats = over or connection()
        self.stream = LendingStream(
            self._nats.client, self._nats.new_name(), self.settings, replicas=replicas, answer_within_s=answer_within_s
        )
        self._first: dict[str, str] = {}  # deduplication id -> the message that came with it
        self._sequences: dict[int, int] = {}  # of each message that was delivered: where it lies -> its number
        self._call(self.stream.create())

    # ------------------------------------------------------------ write path
    def send(
        self,
        message: str,
        body: str = "",
        *,
        group: str | None = None,
        dedup_id: str | None = None,
        delay_s: float | None = None,
        copy: int = 0,
    ) -> Sent:
        """Store a message and wait for the stream's answer.

        Returns
        -------
        Accepted, Duplicate or Rejected

        Raises
        ------
        MayHaveHappened
            If no answer comes. Send it again under the same `dedup_id`: then it is there once.
        """
        self._books.require_what_fifo_needs(group, dedup_id, delay_s)
        delay_s = self.settings.delay_s if delay_s is None else delay_s
        if self.settings.is_fifo and dedup_id is None:
            dedup_id = sha256(body.encode()).hexdigest()
        headers = {"message": message, "copy": str(copy), "number": str(self._books.next_number)}
        if group is not None:
            headers["group"] = group
        try:
            duplicate = self._call(self.stream.publish(body, headers, group=group, dedup_id=dedup_id, delay_s=delay_s))
        except MayHaveHappened:
            self._books.leave_out()
            raise
        except TooLargeError:
            return self._books.reject(message, copy, "too large")
        if duplicate:
            return self._books.suppress(message, copy, self._first.get(dedup_id or "", message))
        if dedup_id is not None:
            self._first[dedup_id] = message
        return self._books.accept(message, copy, body, group, delay_s)

    # ------------------------------------------------------------ read path
    def receive(
        self, *, limit: int = 1, visibility_s: float | None = None, wait_s: float = 0, to: str = "worker"
    ) -> list[Delivery]:
        """Borrow up to `limit` messages; wait for the first one for up to `wait_s`."""
        if not 1 <= limit <= BATCH_MAX:
            raise BadParameter(f"limit = {limit!r}: give 1 to {BATCH_MAX}")
        if visibility_s is not None:
            self._require_ack_wait("visibility_s", visibility_s)
        asked_us = self.clock.now_us
        messages = self._call(self.stream.pull(limit, wait_s))
        self._books.catch_up()
        if self._books.may_be_dead():
            self._bury()
        return [self._lend(message, asked_us, to) for message in messages]

    def _lend(self, message: Msg, asked_us: int, to: str) -> Delivery:
        headers, meta = message.headers or {}, message.metadata
        native = Native(message.reply, meta.sequence.stream)
        self._sequences[native.sequence] = int(headers["number"])
        given = Delivery(
            headers["message"], int(headers["copy"]), message.data.decode(), headers.get("group"),
            meta.num_delivered, headers["number"], 0, asked_us + to_us(self.settings.visibility_s),
        )  # fmt: skip
        return self._books.lend(given, native, to=to)

    # ------------------------------------------------------------ what a worker says
    def acknowledge(self, handle: str) -> Acknowledged | Stale:
        """Let go of a message for good, and wait until the server has. Any handle does, while the message is there."""
        loan = self._books.loan(handle)
        why = loan.stale
        self._say(loan, b"+ACK")
        if why and (why == GONE or self._call(self.stream.holds(loan.native.sequence))):
            return self._books.refuse(loan, why)
        return self._books.let_go(loan)

    def extend(self, handle: str, seconds: float) -> Extended | Stale:
        """Begin the loan anew; `seconds` must be the queue's visibility timeout, for JetStream knows no other."""
        self._require_ack_wait("seconds", seconds)
        loan = self._books.loan(handle)
        self._say(loan, b"+WPI")
        if loan.stale and loan.stale != ANOTHER_HAS_IT:
            return self._books.refuse(loan, loan.stale)
        return self._books.prolong(loan, seconds)

    def nack(self, handle: str, *, delay_s: float = 0) -> Returned | Stale:
        """Hand a message back; the others see it after `delay_s`."""
        loan = self._books.loan(handle)
        delay = f' {{"delay": {int(delay_s * 1e9)}}}' if delay_s else ""  # a delay of 0 means another ack_wait
        self._say(loan, f"-NAK{delay}".encode())
        if loan.stale and loan.stale != ANOTHER_HAS_IT:
            return self._books.refuse(loan, loan.stale)
        return self._books.hand_back(loan, delay_s)

    def _say(self, loan: Loan[Native], word: bytes) -> None:
        """Say it, unless the message is gone: a dead letter would still hear it, and leave the stream."""
        if loan.stale == GONE:
            return
        self._call(self.stream.say(loan.native, word))

    def _require_ack_wait(self, name: str, seconds: float) -> None:
        if seconds != self.settings.visibility_s:
            only = f"JetStream knows one time for all, its ack_wait of {self.settings.visibility_s:g} s"
            raise BadParameter(f"{name} = {seconds!r}: {only}; give that")

    # ------------------------------------------------------------ dead letters
    def _bury(self) -> None:
        """Set aside what the advisories name. They come before the answer to the receive that caused them."""
        self._call(settle(self._nats.client))
        for sequence in self.stream.advisories:
            self._books.bury(self._sequences[sequence])
        self.stream.advisories.clear()

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was delivered too often, oldest first."""
        return self._books.dead_letters()

    def redrive(self, *, limit: int | None = None) -> int:
        """Store dead letters anew, the oldest first, and remove the old ones from the stream; return how many."""
        self._books.catch_up()
        lies = {number: sequence for sequence, number in self._sequences.items()}
        dead = sorted(number for number, _ in self._books.shelf.dead)[:limit]
        for number in dead:
            self._call(self.stream.store_anew(lies[number], self._books.next_number))
            self._books.shelf.redrive()
        return len(dead)

    # ------------------------------------------------------------ upkeep
    def tick(self) -> list[Became]:
        """Write down what time has done, and say what it was."""
        return self._books.catch_up()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def status(self) -> Status:
        """Return where the messages are: how many there are is the server's count, where they stand is our books'."""
        self.tick()
        shelf = self._books.shelf
        there = self._call(self.stream.count_messages())
        return Status(
            visible=there - shelf.in_flight - shelf.delayed - len(shelf.dead),
            delayed=shelf.delayed,
            in_flight=shelf.in_flight,
            dead=len(shelf.dead),
            accepted=shelf.accepted,
            copied=0,
            acknowledged=shelf.acknowledged,
            expired=shelf.expired,
            oldest_sent_us=self._books.oldest_sent_us,
        )

    def _call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self._nats.call(coroutine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._call(self.stream.remove())
