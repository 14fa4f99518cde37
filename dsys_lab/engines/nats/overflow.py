"""What does NATS do with messages that are not consumed in time?

Three of the model's nine policies are a setting of JetStream, one is core NATS's own:

================  ==========================================  ===============================================
policy            engine                                      who is told
================  ==========================================  ===============================================
`unbounded`       a stream without a limit                    nobody, until the disk is full
`drop_oldest`     a stream, `max_msgs`, `discard: old`        nobody: the stream's first number has moved on
`reject`          a stream, `max_msgs`, `discard: new`        the producer, by error 10077
`drop_newest`     core NATS, a slow subscriber with           the subscriber's client, by a `SlowConsumerError`
                  `pending_msgs_limit`                        for each; the producer never
================  ==========================================  ===============================================

`StreamBuffer` and `SlowSubscriber` have the verbs of the model `Buffer`, `offer`, `take` and `status`, and write its
rows, stamped with real time. `jetstream_overflow` and `slow_subscriber` are whole runs.

JetStream does not say whom it discarded. After each offer the stream is asked for its first sequence number, and every
message below it that nobody took is written as a `drop` row. Without a recorder the question is not asked.

A core subscriber with `pending_msgs_limit=50` keeps 51 messages: the 50 that wait, and the one in its handler's hand.
Sent in one go they may be 50, for the client reads a whole piece of the network (up to 256 KiB) before it gives the
handler a turn; the runs here let each message arrive before the next is sent.

What it does otherwise than the model, in full in `DIFFERENCES`:

- `sample`, `priority`, `deadline`, `lifo`, `block`: nothing stands in for them.
- `capacity`: a stream's limit also counts the messages that are lent to a worker.
- `take`: a message is lent until it is acknowledged; here that is at once.
- `drop_oldest`: nobody is told which message was dropped.
- `drop_newest`: one more is kept, in the handler's hand; and the producer is not told.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from itertools import takewhile
from types import TracebackType
from typing import Any, Final, Self

from nats.aio.msg import Msg
from nats.errors import SlowConsumerError
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StreamConfig
from nats.js.errors import APIError

from dsys_lab.brokers.overflow import Answer, Request, Status
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, connection, settle
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.trace import Header, Trace

POLICIES: Final = ("unbounded", "drop_oldest", "reject")
"""The policies that a JetStream stream can be set to."""
MAXIMUM_MESSAGES_EXCEEDED: Final = 10077
WORKER: Final = "worker"

DIFFERENCES: Final = (
    Difference(
        "sample",
        "none",
        "NATS never drops at random before it is full.",
        ("sample",),
    ),
    Difference(
        "priority",
        "none",
        "A stream keeps one order. Several streams, one a priority, stand in; who is dropped is then up to you.",
        ("priority",),
    ),
    Difference(
        "deadline",
        "none for a message's own deadline",
        "`max_age` ends messages by one age for the whole stream, whether or not somebody still wants the answer.",
        ("deadline",),
    ),
    Difference(
        "lifo",
        "none",
        "A consumer reads forwards only.",
        ("lifo",),
    ),
    Difference(
        "block",
        "none",
        "No server makes a producer wait: it is refused (`reject`), and waiting is what its own code does about it.",
        ("block",),
    ),
    Difference(
        "capacity: those in service do not count",
        "`max_msgs` counts what is lent and not yet acknowledged",
        "Here `take` acknowledges at once, so the counts agree. A consumer that acknowledges after its work "
        "fills the stream with what it works on.",
    ),
    Difference(
        "take: the message has left",
        "a message is lent until it is acknowledged",
        "Here it is acknowledged when it is taken: a worker that dies then loses it, as in the model.",
    ),
    Difference(
        "drop_oldest: a `drop` row names the message",
        "JetStream tells nobody",
        "The row is found by looking at the stream's first sequence number after each offer.",
    ),
    Difference(
        "drop_newest: `capacity` wait",
        "core NATS: `pending_msgs_limit` wait, and one is in the handler's hand",
        "One more is kept, always: the client takes as soon as the handler is free. A limit of 0 is no limit.",
    ),
    Difference(
        "drop_newest: the producer is told `DROPPED`",
        "core NATS tells only the subscriber's client",
        "Both ends are ours here, so `offer` can say what the producer would never learn.",
    ),
)
"""What the engine does otherwise than the model, as a table."""


# ------------------------------------------------------------------------------------------ JetStream
class StreamBuffer:
    """A JetStream stream with the verbs and the rows of the model `Buffer`.

    It is a work-queue stream on file with one pull consumer. Use it in a `with` block, which removes it.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    capacity : int
        The stream's `max_msgs`; without effect under `unbounded`.
    policy : str
        One of `POLICIES`.
    clock : WallClock
        Stamps its rows; silent by default.

    Examples
    --------
    >>> with StreamBuffer("sync", capacity=1, policy="reject") as buffer:  # doctest: +SKIP
    ...     print(buffer.offer(Request("m1")).value, buffer.offer(Request("m2")).value, buffer.take().message)
    accepted rejected m1
    """

    def __init__(self, place: str, *, capacity: int, policy: str = "unbounded", clock: WallClock | None = None) -> None:
        require_choice("policy", policy, POLICIES)
        _require_room("capacity", capacity)
        self.place, self.capacity, self.policy = place, capacity, policy
        self._clock = clock or WallClock()
        self._counts = {"offered": 0, "accepted": 0, "taken": 0, "rejected": 0}
        self._stored: dict[int, Request] = {}
        self._nats = connection()
        self._name = self._nats.new_name()
        self._streams = self._nats.client.jetstream(timeout=ANSWER_WITHIN_S)
        self._nats.call(self._create())

    # ------------------------------------------------------------ write path
    def offer(self, request: Request) -> Answer:
        """Publish and wait for the stream's answer.

        Raises
        ------
        MayHaveHappened
            If the stream gives no answer.
        """
        answer = self._nats.call(self._offer(request))
        self._counts["offered"] += 1
        self._counts[answer.value] += 1
        return answer

    async def _offer(self, request: Request) -> Answer:
        try:
            stored = await self._streams.publish(self._name, json.dumps(asdict(request)).encode())
        except APIError as error:
            if error.err_code != MAXIMUM_MESSAGES_EXCEEDED:
                raise
            self._clock.emit("reject", self.place, request.message, why="the buffer is full", copy=request.copy)
            return Answer.REJECTED
        if self._clock.is_recorded:
            self._stored[stored.seq] = request
            await self._write_what_happened(request)
        return Answer.ACCEPTED

    async def _write_what_happened(self, newcomer: Request) -> None:
        """Write a row for each message that the stream no longer has, and one for the newcomer."""
        state = await self._state()
        for seq in list(takewhile(lambda seq: seq < state.first_seq, self._stored)):
            gone = self._stored.pop(seq)
            self._clock.emit("drop", self.place, gone.message, why="made room for a newer one", copy=gone.copy)
        self._clock.emit("enqueue", self.place, newcomer.message, depth=state.messages, copy=newcomer.copy)

    # ------------------------------------------------------------ read path
    def take(self) -> Request | None:
        """Fetch the oldest message and acknowledge it, or return None when nothing waits."""
        return self._nats.call(self._take())

    async def _take(self) -> Request | None:
        answer = await self._nats.client.request(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._name}.{WORKER}",
            b'{"batch": 1, "no_wait": true}',
            timeout=ANSWER_WITHIN_S,
            old_style=True,  # a message comes under its own subject, by which the new style cannot find it
        )
        if answer.headers and answer.headers.get("Status") == "404":
            return None
        await answer.ack_sync(timeout=ANSWER_WITHIN_S)
        self._stored.pop(answer.metadata.sequence.stream, None)
        self._counts["taken"] += 1
        return _request(answer)

    def status(self) -> Status:
        """Return the books: what waits is the stream's own count, the rest was counted here."""
        waiting = self._nats.call(self._state()).messages
        dropped = self._counts["accepted"] - self._counts["taken"] - waiting
        return Status(waiting=waiting, dropped=dropped, expired=0, **self._counts)

    # ------------------------------------------------------------ upkeep
    async def _create(self) -> None:
        await self._streams.add_stream(
            StreamConfig(
                name=self._name,
                subjects=[self._name],
                retention=RetentionPolicy.WORK_QUEUE,
                max_msgs=-1 if self.policy == "unbounded" else self.capacity,
                discard=DiscardPolicy.NEW if self.policy == "reject" else DiscardPolicy.OLD,
            )
        )
        await self._streams.add_consumer(self._name, ConsumerConfig(durable_name=WORKER, ack_policy=AckPolicy.EXPLICIT))

    async def _state(self) -> Any:
        return (await self._streams.stream_info(self._name)).state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._nats.call(self._streams.delete_stream(self._name))


def jetstream_overflow(
    *, policy: str = "drop_oldest", capacity: int = 50, messages: int = 200, offers_per_take: int = 4
) -> Trace:
    """One burst against a JetStream stream: `offers_per_take` messages come in for each that is taken.

    When all were offered, the worker takes what is left.

    Parameters
    ----------
    policy : str
        One of `POLICIES`.
    capacity : int
        The stream's limit, in messages.

    Returns
    -------
    Trace
        In wall-clock microseconds since the start.
    """
    require_positive(messages=messages, offers_per_take=offers_per_take)
    params = {"policy": policy, "capacity": capacity, "messages": messages, "offers_per_take": offers_per_take}
    trace = Trace(Header(scenario="jetstream_overflow", engine=connection().engine, params=params))
    trace.header.title = f"JetStream, {policy}"
    clock = WallClock(trace)
    with StreamBuffer("inbox", capacity=capacity, policy=policy, clock=clock) as buffer:
        for number in range(1, messages + 1):
            clock.emit("publish", "wearables", f"n{number}", attempt=1)
            buffer.offer(Request(f"n{number}", offered_us=clock.now_us))
            if number % offers_per_take == 0:
                _work(buffer, clock)
        while _work(buffer, clock):
            pass
        trace.header.end_us = clock.now_us
    bounded = {} if policy == "unbounded" else {"bounded depth": {"depth_max": capacity}}
    trace.header.invariants = {"conservation": {}, "depth adds up": {}, **bounded, "nothing lost": {}}
    return trace


def _work(buffer: StreamBuffer, clock: WallClock) -> bool:
    """Let the scorer take one message and be done with it; say whether there was one."""
    request = buffer.take()
    if request is None:
        return False
    clock.emit("start", "scorer", request.message, attempt=1, copy=request.copy)
    _finish(clock, "scorer", request)
    return True


# ------------------------------------------------------------------------------------------ core NATS
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
        _require_room("pending_limit", pending_limit)
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
        await self._nats.client.publish(self._subject, json.dumps(asdict(request)).encode())
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
        _finish(self._clock, self.worker, done)
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
        self._in_hand = _request(message)
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


def slow_subscriber(*, pending_limit: int = 50, messages: int = 500) -> Trace:
    """A subscriber of core NATS that is busy with the first message while all the others arrive.

    Then it works on what its client has kept: `pending_limit` messages, and the one that it had in hand.

    Returns
    -------
    Trace
        In wall-clock microseconds since the start; each `drop` row was a `SlowConsumerError`.
    """
    require_positive(messages=messages)
    params = {"pending_limit": pending_limit, "messages": messages}
    trace = Trace(Header(scenario="slow_subscriber", engine=connection().engine, params=params))
    trace.header.title = f"core NATS, {pending_limit} may be pending"
    clock = WallClock(trace)
    with SlowSubscriber("inbox", pending_limit=pending_limit, clock=clock) as subscriber:
        for number in range(1, messages + 1):
            clock.emit("publish", "wearables", f"n{number}", attempt=1)
            subscriber.offer(Request(f"n{number}", offered_us=clock.now_us))
        while subscriber.take():
            pass
        trace.header.end_us = clock.now_us
    trace.header.invariants = {
        "conservation": {}, "depth adds up": {}, "bounded depth": {"depth_max": pending_limit}, "nothing lost": {},
    }  # fmt: skip
    return trace


# ------------------------------------------------------------------------------------------ what both need
def _request(message: Msg) -> Request:
    return Request(**json.loads(message.data))


def _finish(clock: WallClock, worker: str, request: Request) -> None:
    sojourn_us = clock.now_us - request.offered_us
    clock.emit("finish", worker, request.message, attempt=1, copy=request.copy, sojourn_us=sojourn_us)


def _require_room(name: str, messages: int) -> None:
    if messages < 1:
        raise BadParameter(f"{name} = {messages!r}: give the number of messages that may wait, 1 or more")
