"""Where do events lie, and who may add one?

In a log that is only ever added to. Whoever adds says which version of the stream the decision was made on: the
*expected* version. If another was faster, the stream has a later one, and the answer is `Conflict`: nothing was added,
the caller reads what is new and decides again. This is *optimistic concurrency*: nobody is locked out while somebody
thinks, and of two who thought at once one has thought in vain. ::

    anna   load n1: version 4      think ............  append, expected 4   Appended(version=5)
    ben        load n1: version 4      think ..................  append, expected 4   Conflict(version=5)

The model is one `AppendLog`, a record a commit, and in memory for each stream where its commits lie. JetStream and
PostgreSQL do the same behind the same verbs (`dsys_lab.engines.event_store`).

A store promises
----------------
1. What was `Appended` is there after every crash, all events of a commit or none.
2. Versions of a stream are 1, 2, 3 and so on; nobody appends on a version that is not the last.
3. `read` gives every commit once, in one order of all streams, and that order never changes.

Cost: one record, synced, a commit. `load` reads the commits of one stream only, and those only that are needed.

Source: Young, *Versioning in an Event Sourced System*, 2017; Kung and Robinson, "On optimistic methods for concurrency
control", ACM TODS 1981.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from dsys_lab.dataflows.event_sourcing.events import (
    Commit,
    Recorded,
    Written,
    commit_of,
    require_dense,
    require_stream,
)
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.structures.append_log import AppendLog, At, whole_frame
from dsys_lab.structures.disk import Disk


class Appended(NamedTuple):
    """The events are in the log: the stream now has this version, and the commit this position."""

    stream: str
    version: int
    position: int


class Conflict(NamedTuple):
    """Nothing was added: the stream has another version than the decision was made on."""

    stream: str
    expected: int
    version: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store has, and what was asked of it.

    Attributes
    ----------
    streams, events : int
        That are in it.
    position : int
        Of the last commit that `read` gives; 0 before the first. No commit comes later at this position or below.
    conflicts : int
        Appends that came to nothing.
    loaded_events : int
        Events that `load` has given.
    """

    streams: int
    events: int
    position: int
    conflicts: int
    loaded_events: int


class EventStore(Protocol):
    """Streams of events: the model's, or an engine's."""

    def append(
        self, stream: str, events: Sequence[Written], *, expected: int, command: str = ""
    ) -> Appended | Conflict:
        """Add events to a stream whose version is the expected one."""

    def load(self, stream: str, after: int = 0) -> list[Recorded]:
        """Return the events of a stream after a version."""

    def read(self, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return the events of all streams after a position, of `limit` commits at most.

        Raises
        ------
        Refused
            If the store sees that commits are gone in between, for the log was shortened.
        """

    def status(self) -> StoreStatus:
        """Return what it has, and what was asked of it."""


class EventLog:
    """Streams of events in one append log.

    Parameters
    ----------
    disk : Disk
        Where its log is; it may not share it.
    segment_bytes : int
        See `AppendLog`.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> log = EventLog(VolatileDisk())
    >>> log.append("n1", [Written("BedHeld", 1, b"{}")], expected=0)
    Appended(stream='n1', version=1, position=1)
    >>> log.append("n1", [Written("BedHeld", 1, b"{}")], expected=0)
    Conflict(stream='n1', expected=0, version=1)
    """

    def __init__(self, disk: Disk, *, segment_bytes: int = 1 << 20, now_us: int = 0) -> None:
        self._log = AppendLog(disk, segment_bytes=segment_bytes, now_us=now_us)
        self._at: dict[int, At] = {}
        self._lasts: dict[str, list[int]] = {}
        self._positions: dict[str, list[int]] = {}
        self._events = self._conflicts = self._loaded = 0
        for (lsn, payload), at in self._log.located():
            self._remember(lsn + 1, Commit.decode(payload), at)

    # ------------------------------------------------------------ write path
    def append(
        self, stream: str, events: Sequence[Written], *, expected: int, command: str = "", now_us: int = 0
    ) -> Appended | Conflict:
        """Add events to a stream whose version is the expected one.

        Parameters
        ----------
        events : sequence of Written
            What one decision came to: all of them are added, or none.
        expected : int
            The version that the decision was made on; 0 of a stream that is not there yet.
        command : str
            The id of the command, to be found again with the events.

        Raises
        ------
        BadParameter
            If no store takes this.
        MayHaveHappened
            If the disk failed: open the log anew to see.
        """
        commit = commit_of(stream, events, expected=expected, command=command)
        version = self.version(stream)
        if version != expected:
            self._conflicts += 1
            return Conflict(stream, expected, version)
        position = self._log.append(now_us, commit.encode()) + 1
        assert self._log.last_at is not None
        self._remember(position, commit, self._log.last_at)
        return Appended(stream, commit.last, position)

    def _remember(self, position: int, commit: Commit, at: At) -> None:
        self._at[position] = at
        self._lasts.setdefault(commit.stream, []).append(commit.last)
        self._positions.setdefault(commit.stream, []).append(position)
        self._events += len(commit.events)

    # ------------------------------------------------------------ read path
    def version(self, stream: str) -> int:
        """Return how many events a stream has; 0 where there is none."""
        return self._lasts[stream][-1] if stream in self._lasts else 0

    def load(self, stream: str, after: int = 0) -> list[Recorded]:
        """Return the events of a stream after a version."""
        require_stream(stream)
        require_from("after", after)
        first = bisect_left(self._lasts.get(stream, []), after + 1)
        found = [event for position in self._positions.get(stream, [])[first:] for event in self._commit(position)]
        self._loaded += len(found)
        return require_dense(stream, after, [event for event in found if event.version > after])

    def read(self, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return the events of all streams after a position, of `limit` commits at most.

        Raises
        ------
        Refused
            If the log was shortened, and has not all of them any more.
        """
        require_page(after, limit)
        require_no_gap(after, self._log.first_lsn + 1)
        last = self._log.next_lsn if limit is None else min(self._log.next_lsn, after + limit)
        return [event for position in range(after + 1, last + 1) for event in self._commit(position)]

    def _commit(self, position: int) -> list[Recorded]:
        """Read one record again, where it is known to lie."""
        at = self._at[position]
        frame = whole_frame(self._log.disk.read(at.file, at.offset, at.size_bytes), 0, position - 1)
        if frame is None:
            raise Damaged(f"{at.file}, byte {at.offset}: commit {position} is not what was written; restore the file")
        return Commit.decode(frame.payload).at(position)

    def status(self) -> StoreStatus:
        """Return what it has, and what was asked of it."""
        return StoreStatus(len(self._lasts), self._events, self._log.next_lsn, self._conflicts, self._loaded)


def require_from(name: str, value: int) -> None:
    """Refuse what is no position, version or limit."""
    if type(value) is not int or value < 0:
        raise BadParameter(f"{name} = {value!r}: give a whole number, 0 or more")


def require_page(after: int, limit: int | None) -> None:
    """Refuse what no `read` can mean."""
    require_from("after", after)
    if limit is not None:
        require_from("limit", limit)


def require_no_gap(after: int, first: int) -> None:
    """Refuse to read on after a position, if the first commit that is left after it has not the next one."""
    if first > after + 1:
        raise Refused(
            f"after = {after}: commits {after + 1} to {first - 1} are not there, for the log was shortened; follow a "
            "whole copy of it, and keep the log of a source of truth for ever"
        )
