"""The gates' log of promises as a stream of JetStream: a promise is made when the stream has it.

The order's id is the message's `Nats-Msg-Id`, so a gate that asks again within the stream's duplicate window has
promised once. After that window the order stands there twice, and the desk, who knows it, takes the second for the
first: the broker's memory saves work, the end's own is what one can rely on.

The desk reads by a durable pull consumer, and acknowledges a promise when it stands in the desk's journal. Killed in
between, it gets the promise again. The stream is there after a server was killed; a power cut may take what it has not
synced, two minutes by its default (`sync_interval`). (Like `tables`, this module imports little, so that a desk starts
soon.)

Sources: docs.nats.io, "Streams: message deduplication", "Consumers: acknowledgement"; behaviour as measured with
nats-server 2.15.1.
"""

from __future__ import annotations

import json
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

ANSWER_WITHIN_S: Final = 10
HEARD_OF_WITHIN_NS: Final = 2_000_000_000
"""A consumer hears of a message a moment after the stream has it."""
NOTHING: Final = ("404", "408")
"""A consumer's answers "no messages" and "no message within the time you gave me"."""
DESK: Final = "desk"
ACK_WAIT_S: Final = 0.5
"""How long the server waits for an acknowledgement before it hands a promise out again."""


class PromiseLog:
    """The stream, as coroutines over one client: of the process that made it, or of one that was told its name."""

    def __init__(self, client: Client, name: str) -> None:
        self.client, self.name = client, name
        self._js = client.jetstream(timeout=ANSWER_WITHIN_S)

    async def create(self) -> None:
        """Make the stream, and the desk's consumer."""
        await self._js.add_stream(StreamConfig(name=self.name, subjects=[self.name]))
        consumer = ConsumerConfig(durable_name=DESK, ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_WAIT_S)
        await self._js.add_consumer(self.name, consumer)

    async def remove(self) -> None:
        """Remove both."""
        await self._js.delete_stream(self.name)

    async def promise(self, order: str, at_us: int) -> bool:
        """Write a promise down; say whether it is new within the duplicate window."""
        told = json.dumps([order, at_us]).encode()
        answer = await self._js.publish(self.name, told, headers={"Nats-Msg-Id": order})
        return not answer.duplicate

    async def next(self) -> Msg | None:
        """Return the next promise that nobody has acknowledged or has in hand; None if there is none."""
        message = await self._ask({"no_wait": True})
        if message is None and (await self._js.consumer_info(self.name, DESK)).num_pending:
            message = await self._ask({"expires": HEARD_OF_WITHIN_NS})
        return message

    async def is_waiting(self) -> bool:
        """Whether there are promises that are not acknowledged."""
        told = await self._js.consumer_info(self.name, DESK)
        return bool(told.num_pending or told.num_ack_pending)

    async def all(self) -> list[tuple[str, int]]:
        """Return all promises, each order once with the time of its first."""
        last = (await self._js.stream_info(self.name)).state.last_seq
        messages = [await self._js.get_msg(self.name, number) for number in range(1, last + 1)]
        first: dict[str, int] = {}
        for message in messages:
            order, at_us = json.loads(message.data or b"")
            first.setdefault(order, at_us)
        return list(first.items())

    async def _ask(self, how: dict[str, Any]) -> Msg | None:
        answer = await self.client.request(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.name}.{DESK}",
            json.dumps({"batch": 1, **how}).encode(),
            timeout=ANSWER_WITHIN_S,
            old_style=True,
        )
        return None if answer.headers and answer.headers.get("Status") in NOTHING else answer


def read(message: Msg) -> tuple[int, str, int]:
    """Return which record of the log a message is, from 0, its order, and when that was promised."""
    order, at_us = json.loads(message.data)
    return message.metadata.sequence.stream - 1, str(order), int(at_us)
