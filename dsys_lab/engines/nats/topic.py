"""Subjects of NATS as a topic, twice: core NATS, which keeps nothing, and a JetStream stream, which keeps it all.

NATS routes by the *subject* under which a message is published, words joined by dots, and never looks inside. So a
filter is a set of subjects: of the filters of the model these take one field of plain values, and the field's value
becomes the last word of the subject.

Core NATS hands a message to the subscriptions that there are at that moment; a client that is gone has none. A stream
keeps every message, and a *durable consumer* is a position in it with a filter: it stays while its reader is away. A
stream with a consumer for each subscriber is a topic with a queue for each.

Source: NATS documentation, "Subject-based messaging", "JetStream consumers"; behaviour of nats-server 2.15.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, connection, settle
from dsys_lab.errors import BadParameter, MayHaveHappened

NOT_SAID = "none"
"""The last word of the subject of a message without the attribute."""


def subjects_of(root: str, only: Mapping[str, Any] | None) -> list[str]:
    """Return the subjects that a filter stands for: all below `root`, or those of one field's plain values.

    Raises
    ------
    BadParameter
        If subjects cannot say that.
    """
    if not only:
        return [f"{root}.>"]
    if len(only) > 1 or not all(isinstance(value, str) for value in next(iter(only.values()))):
        raise BadParameter(f"only = {dict(only)!r}: a subject can say the texts of one field, such as kind: [film]")
    [(name, values)] = only.items()
    return [f"{root}.{name}.{value}" for value in values]


def subject_of(root: str, attributes: Mapping[str, Any]) -> str:
    """Return the subject under which a message with this one attribute, or none, is published."""
    if not attributes:
        return f"{root}.{NOT_SAID}"
    if len(attributes) > 1:
        raise BadParameter(f"attributes = {dict(attributes)!r}: a subject can say one")
    [(name, value)] = attributes.items()
    return f"{root}.{name}.{value}"


class CoreTopic:
    """Core NATS: each subscriber is a client of its own. Use it in a `with` block."""

    def __init__(self) -> None:
        self._nats = connection()
        self._root = self._nats.new_name()
        self._seats: dict[str, tuple[Mapping[str, Any] | None, str, int]] = {}
        self._clients: dict[str, Client] = {}
        self._heard: dict[str, list[str]] = {}

    def subscribe(
        self, name: str, only: Mapping[str, Any] | None = None, *, group: str = "", times: int = 1
    ) -> None:
        """Listen, so many `times` with one client; members of a `group` share what comes, one for each message."""
        self._seats[name] = only, group, times
        self._heard.setdefault(name, [])
        self._nats.call(self._listen(name))

    async def _listen(self, name: str) -> None:
        only, group, times = self._seats[name]
        client = self._clients[name] = await self._nats.open_client()

        async def hear(message: Msg) -> None:
            self._heard[name].append(message.data.decode())

        for subject in subjects_of(self._root, only) * times:
            await client.subscribe(subject, queue=group, cb=hear)
        await settle(client)

    def unsubscribe(self, name: str) -> None:
        """Stop listening for good."""
        self.goes_down(name)
        del self._seats[name]

    def goes_down(self, name: str) -> None:
        """Lose the client's connection; to the server that is as if it had left."""
        self._nats.call(self._clients.pop(name).close())

    def comes_back(self, name: str) -> None:
        """Connect and subscribe again."""
        self._nats.call(self._listen(name))

    def publish(self, message: str, **attributes: Any) -> None:
        """Publish and let it arrive."""
        self._nats.call(self._publish(message, subject_of(self._root, attributes)))

    async def _publish(self, message: str, subject: str) -> None:
        await self._nats.client.publish(subject, message.encode())
        await settle(self._nats.client)
        for client in self._clients.values():
            await settle(client)

    def heard(self, name: str) -> list[str]:
        """Return what a subscriber has heard since it was asked last."""
        heard, self._heard[name] = self._heard[name], []
        return heard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for name in list(self._clients):
            self.goes_down(name)


class StreamTopic:
    """A JetStream stream with a durable consumer for each subscriber. Use it in a `with` block, which removes it."""

    def __init__(self) -> None:
        self._nats = connection()
        self._root = self._nats.new_name()
        self._durable: dict[str, str] = {}  # whose position has which name; NATS allows no blanks
        self._streams = self._nats.client.jetstream(timeout=ANSWER_WITHIN_S)
        self._nats.call(self._streams.add_stream(name=self._root, subjects=[f"{self._root}.>"]))
        self._nats.made(self._root, lambda: self._nats.call(self._streams.delete_stream(self._root)))

    def subscribe(self, name: str, only: Mapping[str, Any] | None = None, *, from_start: bool = False) -> None:
        """Make a position in the stream: at its end, or `from_start`, which lets a late one hear the past."""
        policy = DeliverPolicy.ALL if from_start else DeliverPolicy.NEW
        self._durable[name] = self._nats.new_name()
        config = ConsumerConfig(
            durable_name=self._durable[name], filter_subjects=subjects_of(self._root, only), deliver_policy=policy,
            ack_policy=AckPolicy.EXPLICIT,
        )  # fmt: skip
        self._nats.call(self._streams.add_consumer(self._root, config))

    def unsubscribe(self, name: str) -> None:
        """Take the position away."""
        self._nats.call(self._streams.delete_consumer(self._root, self._durable.pop(name)))

    def goes_down(self, name: str) -> None:
        """Do nothing: nobody reads from the position, and it stays."""

    def comes_back(self, name: str) -> None:
        """Do nothing: the position is where it was."""

    def publish(self, message: str, **attributes: Any) -> None:
        """Publish and wait until it is stored."""
        self._nats.call(self._streams.publish(subject_of(self._root, attributes), message.encode()))

    def heard(self, name: str) -> list[str]:
        """Read and acknowledge what there is beyond the position."""
        return self._nats.call(self._read(name))

    async def _read(self, name: str) -> list[str]:
        durable = self._durable[name]
        reader = await self._streams.pull_subscribe_bind(durable, stream=self._root)
        told: list[str] = []
        try:
            while waiting := (await self._streams.consumer_info(self._root, durable)).num_pending:
                for message in await reader.fetch(waiting, timeout=ANSWER_WITHIN_S):
                    told.append(message.data.decode())
                    await message.ack_sync()
        except TimeoutError as error:
            raise MayHaveHappened(f"the stream gave nothing to {name}, though something waits: ask again") from error
        finally:
            await reader.unsubscribe()
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._nats.remove(self._root)
