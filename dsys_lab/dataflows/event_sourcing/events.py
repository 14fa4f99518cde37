r"""What is an event, as a program sees it and as it lies in a store?

A program sees a *fact of its domain*: `Event("BedHeld", {"bed": 3, "guest": "g17"})`. It is in the past tense, for it
has happened and cannot be refused any more. (A *command* asks, and may be refused: see `deciding`.)

A store sees bytes with a label: which kind of event, and in which *schema*, the version of its fields that the writer
knew. The store never looks inside. ::

    a program     Event        kind, what it says
        |  write, read (`schema`)
    a store       Written      kind, number of the schema, bytes
    in its place  Recorded     the same, with stream, version, position and the command that it answers

Events belong to a *stream*: one night of one house, one order, one account. Within its stream an event has a *version*,
1, 2, 3 and so on without gaps. All events of one decision are stored together, as one *commit*; its *position* says
where among all commits of the store.

A commit as it is stored, the head in JSON, so that the bytes of any event can be cut out without reading the others::

    +---------------+-----------------------------------------------------------------------+---------+---------+- -
    | u32 of head   | {"stream":"n1","first":4,"command":"c9","events":[["BedHeld",1,23],…]}  | 23 bytes| …       |
    +---------------+-----------------------------------------------------------------------+---------+---------+- -
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from dsys_lab.dataflows.service.versions import Record
from dsys_lab.errors import BadParameter, Damaged, Refused

STREAM_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
EVENTS_MAX: Final = 100
COMMIT_BYTES_MAX: Final = 512 * 1024
"""So that a commit fits into one message of NATS, which takes a mebibyte unless told otherwise."""
_HEAD: Final = struct.Struct(">I")


class Event(NamedTuple):
    """A fact of the domain: of which kind, and what it says, field by field."""

    kind: str
    says: Record


class Written(NamedTuple):
    """An event as a store keeps it.

    Attributes
    ----------
    kind : str
    schema : int
        Which version of the kind's fields its writer knew, from 1.
    data : bytes
    """

    kind: str
    schema: int
    data: bytes


class Recorded(NamedTuple):
    """An event in its place.

    Attributes
    ----------
    stream : str
    version : int
        Which event of the stream, from 1 and without gaps.
    position : int
        Where among all commits: the events of one commit share it, later ones have more.
    command : str
        The id of the command that it answers, or "".
    written : Written
    """

    stream: str
    version: int
    position: int
    command: str
    written: Written


class Commit(NamedTuple):
    """What one decision adds to a stream, all of it or nothing; `first` is the version of its first event."""

    stream: str
    first: int
    command: str
    events: tuple[Written, ...]

    @property
    def last(self) -> int:
        """The version of its last event, and so of the stream with it."""
        return self.first + len(self.events) - 1

    def at(self, position: int) -> list[Recorded]:
        """Return its events in their places."""
        return [
            Recorded(self.stream, version, position, self.command, written)
            for version, written in enumerate(self.events, self.first)
        ]

    def encode(self) -> bytes:
        """Return it as it is stored."""
        events = [[one.kind, one.schema, len(one.data)] for one in self.events]
        head = {"stream": self.stream, "first": self.first, "command": self.command, "events": events}
        said = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
        return b"".join([_HEAD.pack(len(said)), said, *(one.data for one in self.events)])

    @classmethod
    def decode(cls, stored: bytes) -> Commit:
        """Return what was stored.

        Raises
        ------
        Damaged
            If the bytes are none that `encode` makes.
        """
        try:
            (size,) = _HEAD.unpack_from(stored)
            at = _HEAD.size + size
            head, events = json.loads(stored[_HEAD.size : at]), []
            for kind, schema, length in head["events"]:
                events.append(Written(kind, schema, stored[at : at + length]))
                at += length
            commit = cls(head["stream"], head["first"], head["command"], tuple(events))
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{stored[:40]!r} is no commit of events ({error}): give what `encode` wrote") from None
        if at != len(stored):
            told = f"a commit of {commit.stream} speaks of {at} bytes and has {len(stored)}"
            raise Damaged(f"{told}: restore it from a copy")
        return commit


def digest_of(*parts: object) -> str:
    """Return sixteen digits by which something that JSON has is known again."""
    return blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def require_stream(stream: str) -> None:
    """Refuse the name of no stream."""
    if not isinstance(stream, str) or not STREAM_NAME.fullmatch(stream):
        raise BadParameter(f"stream = {stream!r}: give 1 to 64 letters, digits, - and _")


def commit_of(stream: str, events: Sequence[Written], *, expected: int, command: str) -> Commit:
    """Return the commit that a call to `append` asks for, or refuse what no store takes.

    Raises
    ------
    BadParameter
        If the stream has no name, nothing is given, it is too much, or an expected version is none.
    """
    require_stream(stream)
    if type(expected) is not int or expected < 0:
        raise BadParameter(f"expected = {expected!r}: give the version of the stream that the decision saw; 0, if none")
    if not isinstance(events, Sequence) or not 1 <= len(events) <= EVENTS_MAX:
        many = f"{len(events)} events" if isinstance(events, Sequence) else f"{events!r}"
        raise BadParameter(f"{many}: give a list of 1 to {EVENTS_MAX}, each as `Written`")
    if strange := [one for one in events if not _is_written(one)]:
        raise BadParameter(f"{strange[0]!r}: give each event as `Written`, a kind, a schema from 1 on, and bytes")
    if not _is_text(command):
        raise BadParameter(f"command = {command!r}: give the id of the command, a text without zero characters")
    commit = Commit(stream, expected + 1, command, tuple(events))
    if (size_bytes := len(commit.encode())) > COMMIT_BYTES_MAX:
        raise BadParameter(
            f"a commit of {size_bytes:,} bytes: up to {COMMIT_BYTES_MAX:,} are taken; put the payload elsewhere, and "
            "its name into the event"
        )
    return commit


def _is_written(one: object) -> bool:
    if not isinstance(one, Written) or not isinstance(one.data, bytes):
        return False
    return bool(one.kind) and _is_text(one.kind) and type(one.schema) is int and one.schema > 0


def _is_text(value: object) -> bool:
    """Whether it is a text that all stores keep: PostgreSQL takes no zero character, nobody half of a pair."""
    return isinstance(value, str) and "\0" not in value and value == value.encode(errors="replace").decode()


def require_dense(stream: str, after: int, events: Iterable[Recorded]) -> list[Recorded]:
    """Return the events of a stream after a version, or say that some of them are gone.

    Raises
    ------
    Refused
        If there is a gap: the log was shortened, by a retention for instance, and no state can be folded.
    """
    found = list(events)
    for version, event in enumerate(found, after + 1):
        if event.version != version:
            raise Refused(
                f"{stream}: event {version} is not there, and event {event.version} is: the log was shortened. Fold "
                "from a checkpoint that has the older ones, and keep the log of a source of truth for ever"
            )
    return found
