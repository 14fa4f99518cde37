"""JetStream as a log: what of Kinesis has a counterpart, and what has none?

A JetStream stream keeps messages in one order, each under a number, until they are too old, and hands them to anybody
from any number on. Shards are *subjects* here: the client hashes the key as Kinesis does and publishes to one of so
many, and a reader of a shard asks for its subject only.

=======================  ===========================================================================================
the model                JetStream
=======================  ===========================================================================================
shard                    a subject of the stream
sequence number          the number in the stream: rising within a subject, with gaps
iterator                 a number; AT_TIMESTAMP asks for the first message since a time
`read`                   an *ordered consumer* from that number on, filtered to the subject: unacknowledged, and made
                         anew by the client itself if a message is missed
`retention_s`            the stream's `max_age`
=======================  ===========================================================================================

What is otherwise is in `dsys_lab.engines.log_stream.differences`.

Cost: a put is one round trip; a read is one for the newest number of the subject, and if there is something new, one to
make the consumer and one to let it go. The server pushes until then: what came beyond `limit` is thrown away.

Sources: docs.nats.io, "Streams", "Consumers: ordered consumers", "Subject mapping and partitioning"; nats-py 2.16.0,
`JetStreamContext.subscribe(ordered_consumer=True)`; behaviour as measured with nats-server 2.15.1.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Self

from nats.aio.msg import Msg
from nats.js.api import StreamConfig

from dsys_lab.brokers.log_stream import Entry, Record, Settings, Stored, Throttled, even_ranges, hash_of
from dsys_lab.brokers.log_stream.stream import READ_MAX_RECORDS
from dsys_lab.engines.log_stream.verbs import (
    Read,
    SeenShard,
    Status,
    require_entries,
    require_limit,
    require_position,
    require_shard,
)
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, Connection, connection
from dsys_lab.engines.nats.in_order import delivered, newest
from dsys_lab.errors import BadParameter, Refused

LABEL: Final = "dsys_lab"
"""The header in which a record's message, key and copy travel."""
DUPLICATE_WINDOW_S: Final = 120
"""The server's default, which must not be longer than the retention; messages are given no id by which it counts."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Position(NamedTuple):
    """What of a subject is read next."""

    shard: str
    sequence: int


class JetStreamLog:
    """A stream of JetStream with the verbs of the model `LogStream`.

    Use it in a `with` block, which removes it.

    Parameters
    ----------
    place : str
        What it is for; JetStream is given a name of its own.
    settings : Settings, optional
        `limits` has no counterpart and must be None; nor has `iterator_life_s`.
    over : Connection, optional
        Another connection than the one that this process shares.

    Examples
    --------
    >>> with JetStreamLog("nights", Settings(shards=2, limits=None)) as stream:  # doctest: +SKIP
    ...     stored = stream.put(Entry("m1", "anna", b"fell asleep"))
    ...     stream.read(stream.iterator(stored.shard, "TRIM_HORIZON")).records[0].key
    'anna'
    """

    def __init__(self, place: str, settings: Settings | None = None, *, over: Connection | None = None) -> None:
        self.place, self.settings = place, settings or Settings(limits=None)
        if self.settings.limits is not None:
            raise BadParameter("limits: JetStream has none for a subject; give limits=None")
        self._put = 0
        self._shards = [
            SeenShard(f"shard-{number:03d}", keys, (), is_open=True)
            for number, keys in enumerate(even_ranges(self.settings.shards))
        ]
        self._nats = over or connection()
        self._name = self._nats.new_name()
        self._streams = self._nats.client.jetstream(timeout=ANSWER_WITHIN_S)
        config = StreamConfig(
            name=self._name,
            subjects=[f"{self._name}.*"],
            max_age=self.settings.retention_s,
            duplicate_window=min(DUPLICATE_WINDOW_S, self.settings.retention_s),
        )
        self._nats.call(self._streams.add_stream(config))
        self._nats.made(self._name, lambda: self._nats.call(self._streams.delete_stream(self._name)))

    # ------------------------------------------------------------ write path
    def put(self, entry: Entry) -> Stored | Throttled:
        """Publish one record and wait for the stream's answer.

        Raises
        ------
        MayHaveHappened
            If no answer comes; whoever puts it again may have put it twice.
        """
        [answer] = self.put_many([entry])
        return answer

    def put_many(self, entries: Iterable[Entry]) -> list[Stored | Throttled]:
        """Publish up to 500 records and wait for the answers; any that fails fails the call."""
        batch = require_entries(self.settings, entries)
        stored = self._nats.call(self._publish_all(batch))
        self._put += len(stored)
        return list(stored)

    async def _publish_all(self, batch: list[Entry]) -> list[Stored]:
        """Publish in order; the client sends them so, and the answers are awaited together."""
        return list(await asyncio.gather(*(self._publish(entry) for entry in batch)))

    async def _publish(self, entry: Entry) -> Stored:
        hashed = hash_of(entry.key) if entry.hash_key is None else entry.hash_key
        shard = next(seen.name for seen in self._shards if seen.keys.low <= hashed < seen.keys.high)
        label = json.dumps({"message": entry.message, "key": entry.key, "copy": entry.copy})
        answer = await self._streams.publish(self._subject(shard), entry.data, headers={LABEL: label})
        return Stored(shard, answer.seq)

    # ------------------------------------------------------------ read path
    def iterator(self, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None) -> Position:
        """Return a position on a shard; `at_us` counts from 1970, as `arrived_us` does."""
        require_position(kind, sequence, at_us)
        require_shard(shard, (seen.name for seen in self._shards))
        if kind == "TRIM_HORIZON":
            return Position(shard, 1)
        last = self._nats.call(self._newest(shard))
        if sequence is not None:
            if not 1 <= sequence <= last:
                raise BadParameter(f"sequence = {sequence}: give 1 to {last}, what {shard} has had")
            return Position(shard, sequence + (kind == "AFTER_SEQUENCE_NUMBER"))
        if at_us is None:
            return Position(shard, last + 1)
        first = self._nats.call(self._fetch(shard, 1, since=EPOCH + timedelta(microseconds=at_us)))
        return Position(shard, first[0].metadata.sequence.stream if first else last + 1)

    def read(self, iterator: Position, *, limit: int = READ_MAX_RECORDS) -> Read | Throttled:
        """Return the next records of a shard."""
        require_limit(limit)
        if iterator.sequence > self._nats.call(self._newest(iterator.shard)):
            return Read((), iterator, is_at_tip=True)
        messages = self._nats.call(self._fetch(iterator.shard, limit, first=iterator.sequence))
        records = tuple(_record(message) for message in messages)
        if not records:
            return Read((), iterator, is_at_tip=True)
        is_at_tip = messages[-1].metadata.num_pending == 0
        return Read(records, Position(iterator.shard, records[-1].sequence + 1), is_at_tip)

    async def _fetch(
        self, shard: str, limit: int, *, first: int | None = None, since: datetime | None = None
    ) -> list[Msg]:
        """Return up to `limit` messages of a shard's subject."""
        return await delivered(self._streams, self._subject(shard), limit, first=first, since=since)

    async def _newest(self, shard: str) -> int:
        """Return the number of a subject's newest message, or 0."""
        return (await newest(self._streams, self._name, self._subject(shard)))[0]

    # ------------------------------------------------------------ shards
    def split(self, shard: str) -> tuple[str, str]:
        """Refuse: see the differences."""
        raise Refused(f"{shard}: JetStream divides no subject; make a stream with more of them")

    def merge(self, shard: str, neighbour: str) -> str:
        """Refuse: see the differences."""
        raise Refused(f"{shard}, {neighbour}: JetStream joins no subjects; make a stream with fewer of them")

    def shards(self) -> list[SeenShard]:
        """Return the shards."""
        return list(self._shards)

    def status(self) -> Status:
        """Return the shards, and what was answered so far."""
        return Status(tuple(self._shards), self._put, 0)

    # ------------------------------------------------------------ upkeep
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def _subject(self, shard: str) -> str:
        return f"{self._name}.{shard}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._nats.remove(self._name)


def _record(message: Msg) -> Record:
    arrived_us = (message.metadata.timestamp - EPOCH) // timedelta(microseconds=1)
    label = json.loads((message.headers or {})[LABEL])
    return Record(message.metadata.sequence.stream, arrived_us, data=message.data, **label)
