"""A work-queue stream and the consumers that lend its messages: what is said to JetStream, and what it says.

Every group has a subject and a pull consumer of its own (a *lane*); a standard queue has one lane for all. A pull asks
one consumer for so many messages and is answered message by message, until there are so many or a status says that no
more will come: 404 there is none, 408 time is over.

Two things are otherwise than one expects. A consumer at its `max_ack_pending` does not say 404 while more messages
wait, but nothing; so a short poll gives up after `GIVE_UP_S`. And an answer to `+ACK`, `-NAK` or `+WPI` is empty
whatever came of it; so who wants to know looks whether the message is still there.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import MaxPayloadError, NoRespondersError
from nats.js.api import AckPolicy, ConsumerConfig, RawStreamMsg, RetentionPolicy, StreamConfig
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from dsys_lab.brokers.work_queue import Settings
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.engine_queue import Label, Outgoing, TooLargeError
from dsys_lab.errors import Refused

TOO_LARGE: Final = 10054
NO_MORE: Final = frozenset({"404", "408"})
GIVE_UP_S: Final = 0.05
ASK_AGAIN_S: Final = 0.01
LABEL: Final = "dsys_lab"
"""The header in which a message's label travels."""
ADVISORY: Final = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES"


class Native(NamedTuple):
    """What JetStream wants to see for an acknowledgement, and where the message lies."""

    reply: str
    sequence: int


class Pulled(NamedTuple):
    """A message that was lent, and when it came."""

    message: Msg
    arrived_us: int


def _label(message: RawStreamMsg) -> Label:
    return Label.from_text((message.headers or {})[LABEL])


class LendingStream:
    """A stream with work-queue retention, and a consumer for each lane.

    Parameters
    ----------
    client : nats.aio.client.Client
    name : str
        The stream's, and the beginning of its subjects.
    settings : Settings
    clock : WallClock
        Tells when a message came.
    replicas : int
        On how many servers each message is kept.
    answer_within_s : float
        How long an answer is waited for.

    Attributes
    ----------
    advisories : list of int
        Where the messages lie that were delivered too often, as they were told; whoever reads them clears it.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        settings: Settings,
        clock: WallClock,
        *,
        replicas: int,
        answer_within_s: float,
    ) -> None:
        self.name, self.advisories = name, list[int]()
        self._clock = clock
        self._client, self._settings, self._replicas = client, settings, replicas
        self._answer_within_s = answer_within_s
        self._streams = client.jetstream(timeout=answer_within_s)
        self._lanes: dict[str | None, str] = {}  # group -> consumer; its order is the order of turns
        self._scheduled = count()

    async def create(self) -> None:
        """Make the stream, and listen for its advisories."""
        settings = self._settings
        self._listening = await self._client.subscribe(f"{ADVISORY}.{self.name}.*", cb=self._take_advisory)
        await self._streams.add_stream(
            StreamConfig(
                name=self.name,
                subjects=[f"{self.name}.>"],
                retention=RetentionPolicy.WORK_QUEUE,
                max_age=settings.retention_s,
                max_msg_size=settings.size_max_bytes,
                duplicate_window=min(settings.dedup_s, settings.retention_s),
                allow_msg_schedules=True,
                num_replicas=self._replicas,
            )
        )
        if settings.kind == "standard":
            await self._lane(None)

    async def remove(self) -> None:
        """Remove the stream, and with it its consumers and messages."""
        await self._listening.unsubscribe()
        await self._streams.delete_stream(self.name)

    async def _lane(self, group: str | None) -> str:
        """Return the consumer of a group, which is also the end of its subject; make it where there is none yet."""
        if self._settings.kind == "standard":
            group = None
        if group not in self._lanes:
            lane, settings = f"lane-{len(self._lanes)}", self._settings
            await self._streams.add_consumer(
                self.name,
                ConsumerConfig(
                    durable_name=lane,
                    ack_policy=AckPolicy.EXPLICIT,
                    filter_subject=f"{self.name}.{lane}",
                    ack_wait=settings.visibility_s,
                    max_deliver=-1 if settings.max_receives is None else settings.max_receives,
                    max_ack_pending=1 if settings.is_fifo else settings.in_flight_max,
                ),
            )
            self._lanes[group] = lane
        return self._lanes[group]

    async def _take_advisory(self, message: Msg) -> None:
        self.advisories.append(json.loads(message.data)["stream_seq"])

    # ------------------------------------------------------------ write path
    async def publish(self, outgoing: Outgoing) -> bool:
        """Store a message, and return whether it was there already.

        Raises
        ------
        TooLargeError
        Refused
            If nobody took it: in a cluster the stream has no leader just now.
        """
        subject, headers = f"{self.name}.{await self._lane(outgoing.label.group)}", {LABEL: outgoing.label.to_text()}
        if outgoing.key is not None:
            headers["Nats-Msg-Id"] = outgoing.key
        delay_s = self._settings.delay_s if outgoing.delay_s is None else outgoing.delay_s
        if delay_s:
            at = datetime.now(UTC) + timedelta(seconds=delay_s)
            headers |= {"Nats-Schedule": f"@at {at:%Y-%m-%dT%H:%M:%S.%fZ}", "Nats-Schedule-Target": subject}
            subject = f"{self.name}.later.{next(self._scheduled)}"
        try:
            stored = await self._streams.publish(subject, outgoing.body.encode(), headers=headers)
        except MaxPayloadError as error:
            raise TooLargeError from error
        except NoStreamResponseError as error:
            raise Refused(f"nobody took the message: {self.name} has no leader just now; send it again") from error
        except APIError as error:
            if error.err_code == TOO_LARGE:
                raise TooLargeError from error
            raise
        return bool(stored.duplicate)

    # ------------------------------------------------------------ read path
    async def pull(self, limit: int, wait_s: float) -> list[Pulled]:
        """Ask lane by lane for up to `limit` messages; whoever gave something has its next turn after the others."""
        loop, messages = asyncio.get_running_loop(), list[Pulled]()
        give_up_s = loop.time() + wait_s
        while True:
            for group, lane in list(self._lanes.items()):
                batch = 1 if self._settings.is_fifo else limit - len(messages)
                given = await self._pull_from(lane, batch, GIVE_UP_S)
                if given:
                    self._lanes[group] = self._lanes.pop(group)
                messages += given
                if len(messages) == limit:
                    return messages
            left_s = give_up_s - loop.time()
            if messages or left_s <= 0:
                return messages
            if len(self._lanes) == 1:
                return await self._pull_from(lane, 1, left_s, no_wait=False)
            await asyncio.sleep(ASK_AGAIN_S)

    async def _pull_from(self, lane: str, batch: int, within_s: float, *, no_wait: bool = True) -> list[Pulled]:
        """Ask one consumer, and read until there are `batch` messages or it says that it has no more."""
        inbox, messages = self._client.new_inbox(), list[Pulled]()
        subscription = await self._client.subscribe(inbox)
        wish = json.dumps({"batch": batch, "no_wait": no_wait, "expires": int(within_s * 1e9)})
        try:
            await self._client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self.name}.{lane}", wish.encode(), inbox)
            while len(messages) < batch:
                message = await subscription.next_msg(within_s + self._answer_within_s)
                status = (message.headers or {}).get("Status")
                if status in NO_MORE:
                    break
                if status is not None:
                    raise NoRespondersError
                messages.append(Pulled(message, self._clock.now_us))
        finally:
            await subscription.unsubscribe()
        return messages

    # ------------------------------------------------------------ what a worker says
    async def say(self, native: Native, word: bytes) -> None:
        """Say it to the consumer, and wait for its empty answer."""
        await self._client.request(native.reply, word, timeout=self._answer_within_s)

    async def holds(self, sequence: int) -> bool:
        """Whether the message is still there."""
        try:
            await self._streams.get_msg(self.name, sequence)
        except NotFoundError:
            return False
        return True

    async def label_at(self, sequence: int) -> Label | None:
        """Return the label of the message that lies there; None if there is none any more."""
        try:
            return _label(await self._streams.get_msg(self.name, sequence))
        except NotFoundError:
            return None

    async def store_anew(self, sequence: int, number: int) -> None:
        """Store a message once more under another number, and remove the old one."""
        old = await self._streams.get_msg(self.name, sequence)
        headers = {LABEL: _label(old)._replace(number=number).to_text()}
        await self._streams.publish(str(old.subject), old.data or b"", headers=headers)
        await self._streams.delete_msg(self.name, sequence)

    async def count_messages(self) -> int:
        """Return how many messages the server has, wherever they stand."""
        return (await self._streams.stream_info(self.name)).state.messages
