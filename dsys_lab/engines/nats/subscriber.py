"""A core NATS subscriber that is slow: what its client does with the messages that come meanwhile.

Core NATS keeps nothing. The server hands a message to whoever listens, and the subscriber's client keeps it in memory
until the handler is free. Beyond `pending_msgs_limit` it drops the newest and tells its own error handler, by a
`SlowConsumerError` for each; the producer never learns of it.

With a limit of 50 it keeps 51: the 50 that wait, and the one in the handler's hand. Sent in one go they may be 50, for
the client reads a whole piece of the network (up to 256 KiB) before it gives the handler a turn. So `offer` lets each
message arrive before the next is sent.

Cost: an offer is four round trips, for the wait.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from nats.aio.msg import Msg
from nats.errors import SlowConsumerError

from dsys_lab.brokers.overflow import Answer, Request, Status
from dsys_lab.engines.nats.body import from_body, to_body
from dsys_lab.engines.nats.connection import connection, settle
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import require_positive


class SlowSubscriber:
    """A subscriber of core NATS whose handler stays busy with a message until it is taken from its hand.

    Meanwhile its client keeps what arrives, `pending_limit` messages, and drops the newest beyond that. Use it in a
    `with` block, which ends the subscription.

    Parameters
    ----------
    place, worker : str
        The names under which the rows of what waits, and of what the handler has in hand, appear.
    pending_limit : int
        The subscription's `pending_msgs_limit`.
    clock : WallClock
        Stamps its rows; silent by default.

    Examples
    --------
    >>> with SlowSubscriber("sync", pending_limit=1) as subscriber:  # doctest: +SKIP
    ...     print([subscriber.offer(Request(f"m{number}")).value for number in (1, 2, 3)])
    ['accepted', 'accepted', 'dropped']
    """

    def __init__(
        self, place: str, *, pending_limit: int, worker: str = "scorer", clock: WallClock | None = None
    ) -> None:
        require_positive(pending_limit=pending_limit)
        self.place, self.worker, self.pending_limit = place, worker, pending_limit
        self._clock = clock or WallClock()
        self._accepted = self._errors = 0
        self._in_hand: Request | None = None
        self._took, self._may_go_on = asyncio.Event(), asyncio.Event()
        self._nats = connection()
        self._subject = self._nats.new_name()
        self._nats.call(self._subscribe())

    # ------------------------------------------------------------ write path
    def offer(self, request: Request) -> Answer:
        """Publish, wait until it has arrived, and look what became of it at the subscriber."""
        return self._nats.call(self._offer(request))

    async def _offer(self, request: Request) -> Answer:
        errors, idle = self._errors, self._in_hand is None
        await self._nats.client.publish(self._subject, to_body(request))
        await settle(self._nats.client)
        await settle(self._client)
        if self._errors > errors:
            self._clock.emit("drop", self.place, request.message, why="the buffer is full", copy=request.copy)
            return Answer.DROPPED
        self._accepted += 1
        depth = 1 if idle else self._subscription.pending_msgs
        self._clock.emit("enqueue", self.place, request.message, depth=depth, copy=request.copy)
        if idle:
            await self._start()
        return Answer.ACCEPTED

    # ------------------------------------------------------------ read path
    def take(self) -> Request | None:
        """Return what the handler has in hand, done; its client then gives it the next. None if it is idle."""
        return self._nats.call(self._take())

    async def _take(self) -> Request | None:
        done, self._in_hand = self._in_hand, None
        if done is None:
            return None
        sojourn_us = self._clock.now_us - done.offered_us
        self._clock.emit("finish", self.worker, done.message, attempt=1, copy=done.copy, sojourn_us=sojourn_us)
        waits = self._subscription.pending_msgs > 0
        self._took.clear()
        self._may_go_on.set()
        if waits:
            await self._start()
        return done

    async def _start(self) -> None:
        """Wait until the client has given the handler its next message."""
        await self._took.wait()
        assert self._in_hand
        self._clock.emit("start", self.worker, self._in_hand.message, attempt=1, copy=self._in_hand.copy)

    async def _handle(self, message: Msg) -> None:
        """The handler: slow, for it holds its message until somebody takes it."""
        self._in_hand = from_body(message.data)
        self._took.set()
        await self._may_go_on.wait()
        self._may_go_on.clear()

    def status(self) -> Status:
        """Return the books: what waits, and how many errors the client told of."""
        waiting = self._subscription.pending_msgs
        return Status(
            waiting=waiting,
            offered=self._accepted + self._errors,
            accepted=self._accepted,
            taken=self._accepted - waiting,
            dropped=self._errors,
            rejected=0,
            expired=0,
        )

    # ------------------------------------------------------------ upkeep
    async def _subscribe(self) -> None:
        self._client = await self._nats.open_client(self._on_error)
        self._subscription = await self._client.subscribe(
            self._subject, cb=self._handle, pending_msgs_limit=self.pending_limit
        )
        await settle(self._client)

    async def _on_error(self, error: Exception) -> None:
        self._errors += isinstance(error, SlowConsumerError)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._nats.call(self._client.close())
