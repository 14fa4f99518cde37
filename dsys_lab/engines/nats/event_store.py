"""JetStream as a store of events: the server itself refuses who decided on an old version.

One JetStream stream holds all; each stream of events is a subject of it, and a commit is one message. A publisher may
say which number the newest message of its subject must have (`Nats-Expected-Last-Subject-Sequence`). If another is
newer, JetStream answers with error 10071 and stores nothing: that is `Conflict`, decided where the order is made.

=======================  ===========================================================================================
the model                JetStream
=======================  ===========================================================================================
stream                   a subject
version                  not known to the server; it stands in the message, which says what its first event is
expected version         the number of the message that made it: remembered, or looked up in the subject's newest
position                 the number of the message
=======================  ===========================================================================================

A store needs a retention without age: what a stream forgets was the truth.

Cost: an append is one round trip if this client made or read the version that it expects, and two if not.

Sources: docs.nats.io, "JetStream: publish: optimistic concurrency"; behaviour of nats-server 2.15.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Self

from nats.js.api import Header, StreamConfig
from nats.js.errors import APIError

from dsys_lab.dataflows.event_sourcing import Appended, Commit, Conflict, Recorded, StoreStatus, Written
from dsys_lab.dataflows.event_sourcing.events import commit_of, require_dense, require_stream
from dsys_lab.dataflows.event_sourcing.store import require_from, require_no_gap, require_page
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, Connection, connection
from dsys_lab.engines.nats.in_order import delivered, newest

WRONG_LAST_SEQUENCE: Final = 10071


class JetStreamEvents:
    """A JetStream stream with the verbs of `EventStore`. Use it in a `with` block, which removes it.

    Parameters
    ----------
    over : Connection, optional
        Another connection than the one that this process shares.
    keep_messages : int, optional
        Let the oldest go beyond so many: to see what becomes of a fold.
    """

    def __init__(self, *, over: Connection | None = None, keep_messages: int | None = None) -> None:
        self._nats = over or connection()
        self._name = self._nats.new_name()
        self._streams = self._nats.client.jetstream(timeout=ANSWER_WITHIN_S)
        config = StreamConfig(name=self._name, subjects=[f"{self._name}.*"], max_msgs=keep_messages or -1)
        self._nats.call(self._streams.add_stream(config))
        self._nats.made(self._name, lambda: self._nats.call(self._streams.delete_stream(self._name)))
        self._made_by: dict[str, tuple[int, int]] = {}
        self._conflicts = self._loaded = 0

    # ------------------------------------------------------------ write path
    def append(
        self, stream: str, events: Sequence[Written], *, expected: int, command: str = ""
    ) -> Appended | Conflict:
        """Publish events in one message, if the subject's newest made the expected version.

        Raises
        ------
        MayHaveHappened
            If no answer comes: load the stream to see, or ask again with the same command.
        """
        commit = commit_of(stream, events, expected=expected, command=command)
        answer = self._nats.call(self._append(commit, expected))
        self._conflicts += isinstance(answer, Conflict)
        return answer

    async def _append(self, commit: Commit, expected: int) -> Appended | Conflict:
        version, sequence = self._made_by.get(commit.stream, (0, 0))
        if version != expected or not sequence:
            version, sequence = await self._newest(commit.stream)
        if version != expected:
            return Conflict(commit.stream, expected, version)
        said = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(sequence)}
        try:
            answer = await self._streams.publish(self._subject(commit.stream), commit.encode(), headers=said)
        except APIError as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            version, _ = await self._newest(commit.stream)
            return Conflict(commit.stream, expected, version)
        self._made_by[commit.stream] = commit.last, answer.seq
        return Appended(commit.stream, commit.last, answer.seq)

    async def _newest(self, stream: str) -> tuple[int, int]:
        """Return the version of a stream, and the number of the message that made it."""
        sequence, data = await newest(self._streams, self._name, self._subject(stream))
        return (Commit.decode(data).last, sequence) if sequence else (0, 0)

    # ------------------------------------------------------------ read path
    def load(self, stream: str, after: int = 0) -> list[Recorded]:
        """Return the events of a stream after a version; the server knows no versions, so all of it is read."""
        require_stream(stream)
        require_from("after", after)
        found = self._nats.call(self._read(self._subject(stream), 1))
        self._loaded += len(found)
        if found:
            self._made_by[stream] = found[-1].version, found[-1].position
        return require_dense(stream, after, [event for event in found if event.version > after])

    def read(self, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return the events of all streams after a position, of `limit` commits at most.

        Raises
        ------
        Refused
            If messages in between are gone.
        """
        require_page(after, limit)
        found = self._nats.call(self._read(f"{self._name}.*", after + 1, limit))
        if not found:
            require_no_gap(after, self._nats.call(self._streams.stream_info(self._name)).state.first_seq)
        for before, position in pairwise([after, *(one.position for one in found)]):
            require_no_gap(before, position)
        return found

    async def _read(self, subject: str, first: int, limit: int | None = None) -> list[Recorded]:
        messages = await delivered(self._streams, subject, limit, first=first)
        return [
            event
            for message in messages
            for event in Commit.decode(message.data).at(message.metadata.sequence.stream)
        ]

    def status(self) -> StoreStatus:
        """Return what it has; to count the events all of them are read."""
        events = self._nats.call(self._read(f"{self._name}.*", 1))
        position = events[-1].position if events else 0
        return StoreStatus(len({one.stream for one in events}), len(events), position, self._conflicts, self._loaded)

    def _subject(self, stream: str) -> str:
        return f"{self._name}.{stream}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._nats.remove(self._name)
