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

from collections.abc import Coroutine, Iterable, Iterator
from contextlib import suppress
from typing import Any

from dsys_lab.brokers.work_queue import Delivery, Settings
from dsys_lab.brokers.work_queue.lines import Stored
from dsys_lab.brokers.work_queue.settings import to_us
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, Connection, Result, connection, settle
from dsys_lab.engines.nats.lending import LABEL, LendingStream, Native, Pulled
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.books import ANOTHER_HAS_IT, Loan
from dsys_lab.engines.work_queue.engine_queue import EngineQueue, Label, Outgoing
from dsys_lab.errors import BadParameter, DsysLabError, require_positive


class JetStreamQueue(EngineQueue[Native]):
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
        self._nats = over or connection()
        super().__init__(place, settings, clock, self._nats)
        require_positive(visibility_s=self.settings.visibility_s)
        self._sequences: dict[int, int] = {}  # of each message that was delivered: where it lies -> its number
        self.stream = LendingStream(
            self._nats.client,
            self._nats.new_name(),
            self.settings,
            self.clock,
            replicas=replicas,
            answer_within_s=answer_within_s,
        )
        try:
            self._call(self.stream.create())
        except BaseException:
            with suppress(DsysLabError):
                self._call(self.stream.remove())
            raise
        self._nats.made(self.stream.name, lambda: self._call(self.stream.remove()))
        self._names.append(self.stream.name)

    def _store(self, outgoing: Outgoing) -> bool:
        return self._call(self.stream.publish(outgoing))

    def _borrow(self, limit: int, visibility_s: float, wait_s: float) -> list[tuple[Delivery, Native]]:
        self._require_ack_wait("visibility_s", visibility_s)
        return [self._borrowed(pulled) for pulled in self._call(self.stream.pull(limit, wait_s))]

    def _borrowed(self, pulled: Pulled) -> tuple[Delivery, Native]:
        message, meta = pulled.message, pulled.message.metadata
        label = Label.from_text((message.headers or {})[LABEL])
        native = Native(message.reply, meta.sequence.stream)
        self._sequences[native.sequence] = label.number
        given = Delivery(
            label.message, label.copy, message.data.decode(), label.group, meta.num_delivered, str(label.number), 0,
            pulled.arrived_us + to_us(self.settings.visibility_s),
        )  # fmt: skip
        return given, native

    def _let_go(self, loan: Loan[Native]) -> bool:
        """Acknowledge. Any handle does, while the message is there; whether an old one did, the stream tells."""
        was_stale = bool(loan.stale)
        self._say(loan, b"+ACK")
        return not (was_stale and self._call(self.stream.holds(loan.native.sequence)))

    def _hide(self, loan: Loan[Native], seconds: float) -> bool:
        """Begin the loan anew; `seconds` must be the queue's visibility timeout, for JetStream knows no other."""
        self._require_ack_wait("seconds", seconds)
        self._say(loan, b"+WPI")
        return loan.stale in ("", ANOTHER_HAS_IT)

    def _hand_back(self, loan: Loan[Native], delay_s: float) -> bool:
        delay = f' {{"delay": {int(delay_s * 1e9)}}}' if delay_s else ""  # a delay of 0 means another ack_wait
        self._say(loan, f"-NAK{delay}".encode())
        return loan.stale in ("", ANOTHER_HAS_IT)

    def _say(self, loan: Loan[Native], word: bytes) -> None:
        self._call(self.stream.say(loan.native, word))

    def _require_ack_wait(self, name: str, seconds: float) -> None:
        if seconds != self.settings.visibility_s:
            only = f"JetStream knows one time for all, its ack_wait of {self.settings.visibility_s:g} s"
            raise BadParameter(f"{name} = {seconds!r}: {only}; give that")

    def _find_dead(self) -> Iterable[int]:
        """Return whom the advisories name. They come before the answer to the receive that caused them."""
        self._call(settle(self._nats.client))
        numbers = [self._number_at(sequence) for sequence in self.stream.advisories]
        self.stream.advisories.clear()
        return [number for number in numbers if number is not None]

    def _number_at(self, sequence: int) -> int | None:
        """Return the number of the message that lies there, even if no delivery of it ever reached us."""
        if sequence not in self._sequences:
            label = self._call(self.stream.label_at(sequence))
            if label is None:
                return None
            self._sequences[sequence] = label.number
        return self._sequences[sequence]

    def _send_again(self, letters: list[Stored]) -> Iterator[None]:
        """Store each anew, and remove the old one from the stream."""
        lies = {number: sequence for sequence, number in self._sequences.items()}
        for letter in letters:
            yield self._call(self.stream.store_anew(lies[letter.number], self._books.next_number))

    def _where(self) -> dict[str, int]:
        """Return how many there are as the server counts, and where they stand as our books have it."""
        shelf = self._books.shelf
        hidden = {"delayed": shelf.delayed, "in_flight": shelf.in_flight, "dead": len(shelf.dead)}
        return {"visible": self._call(self.stream.count_messages()) - sum(hidden.values()), **hidden}

    def _call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self._nats.call(coroutine)
