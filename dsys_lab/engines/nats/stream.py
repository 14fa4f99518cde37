"""A JetStream stream as the buffer that stands between those who offer and those who serve.

The server keeps the messages, on file, and gives each a sequence number. What it does when `max_msgs` are there is its
discard policy: `old` loses the oldest and tells nobody, `new` answers the producer with error 10077.

JetStream does not say whom it discarded. After each offer the stream is asked for its first sequence number, and every
message below it that nobody took is written as a `drop` row. Without a recorder the question is not asked.

A consumer hears of a message a moment after the stream has accepted it: about once in a thousand, a fetch straight
after the publish finds nothing. So `take` believes in an empty stream only if the stream says so too.

Cost: an offer is one round trip, two when recorded; a take is two, the message and its acknowledgement.
"""

from __future__ import annotations

import json
from itertools import takewhile
from types import TracebackType
from typing import Any, Final, Self

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StreamConfig
from nats.js.errors import APIError

from dsys_lab.brokers.overflow import Answer, Request, Status
from dsys_lab.engines.nats.body import from_body, to_body
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, connection
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import require_choice, require_positive

POLICIES: Final = ("unbounded", "drop_oldest", "reject")
"""The policies that a stream can be set to."""
MAXIMUM_MESSAGES_EXCEEDED: Final = 10077
WORKER: Final = "worker"
NOTHING: Final = ("404", "408")
"""A consumer's answers "no messages" and "no message within the time you gave me"."""
HEARD_OF_WITHIN_NS: Final = 2_000_000_000


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
        require_positive(capacity=capacity)
        self.place, self.capacity, self.policy = place, capacity, policy
        self._clock = clock or WallClock()
        self._counts = {"offered": 0, "accepted": 0, "taken": 0, "rejected": 0}
        self._stored: dict[int, Request] = {}
        self._nats = connection()
        self._name = self._nats.new_name()
        self._streams = self._nats.client.jetstream(timeout=ANSWER_WITHIN_S)
        self._nats.call(self._create())
        self._nats.made(self._name, lambda: self._nats.call(self._streams.delete_stream(self._name)))

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
            stored = await self._streams.publish(self._name, to_body(request))
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
        message = await self._fetch({"no_wait": True})
        if message is None and (await self._state()).messages:
            message = await self._fetch({"expires": HEARD_OF_WITHIN_NS})
        if message is None:
            return None
        await message.ack_sync(timeout=ANSWER_WITHIN_S)
        self._stored.pop(message.metadata.sequence.stream, None)
        self._counts["taken"] += 1
        return from_body(message.data)

    async def _fetch(self, how: dict[str, Any]) -> Msg | None:
        """Ask the consumer for its next message; None if it says that there is none, or none in time."""
        answer = await self._nats.client.request(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._name}.{WORKER}",
            json.dumps({"batch": 1, **how}).encode(),
            timeout=ANSWER_WITHIN_S,
            old_style=True,  # a message comes under its own subject, by which the new style cannot find it
        )
        return None if answer.headers and answer.headers.get("Status") in NOTHING else answer

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
        self._nats.remove(self._name)
