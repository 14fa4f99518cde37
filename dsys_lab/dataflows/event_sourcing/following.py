"""Others want to know as well: how many beds are free tonight, what was taken in this month. How are they told?

As any copy is told of any table: by the log, with positions. A *projection* is a view that is folded from the events of
all streams, as `dsys_lab.dataflows.change_capture.Follower` folds changes; so it survives crashes, has every event
once, and is replaced by a rebuilt one while people read it (`Switch`). What is new here is only the source:
`EventSource` gives each event as a change that puts a fact beside the others and takes none away.

Event sourcing is not change capture, though the wires are the same. A captured change says *what became of a row*
(`cents: 9000 -> 8100`); an event says *what happened, and why* (`BookingCancelled, refund_cents 8100`).

A kind of event that nobody here knows stops the follower at that place, with its name: it was not skipped, and goes on
once its reader is deployed.
"""

from __future__ import annotations

from collections.abc import Callable

from dsys_lab.dataflows.change_capture.follower import Follower, Made
from dsys_lab.dataflows.event_sourcing.events import Recorded
from dsys_lab.dataflows.event_sourcing.schema import EventTypes
from dsys_lab.dataflows.event_sourcing.store import EventStore
from dsys_lab.dataflows.service.versions import CannotRead
from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational import Change, Commit, SlotStatus
from dsys_lab.structures.disk import Disk


class EventSource:
    """The commits of a store as `stores.relational.ChangeSource` gives those of a database.

    A change's `table` is the kind of the event, its row what the event says, with `stream` and `version`.

    Parameters
    ----------
    store : EventStore
    types : EventTypes
    after : int
        The position after which it begins.
    """

    def __init__(self, store: EventStore, types: EventTypes, *, after: int = 0, name: str = "events") -> None:
        self.store, self.types, self.name, self._after = store, types, name, after

    def peek(self, limit: int | None = None) -> list[Commit]:
        """Return the next commits after what was confirmed, `limit` at most.

        Raises
        ------
        CannotRead
            At an event that nobody here knows, if it is the next; else the commits before it are returned.
        """
        commits: list[Commit] = []
        for recorded in self.store.read(self._after, limit):
            try:
                change = change_of(recorded, self.types)
            except CannotRead:
                if commits and commits[-1].position == recorded.position:
                    commits.pop()  # half a commit is none
                if commits:
                    return commits
                raise
            if commits and commits[-1].position == recorded.position:
                last = commits.pop()
                commits.append(Commit(last.position, last.xid, (*last.changes, change)))
            else:
                commits.append(Commit(recorded.position, recorded.position, (change,)))
        return commits

    def confirm(self, position: int) -> None:
        """Say that everything up to this position is done with."""
        if position < self._after:
            raise BadParameter(f"position = {position}: {self._after} was confirmed before; a source does not go back")
        self._after = position

    def status(self) -> SlotStatus:
        """Return where it stands; a store keeps everything, so nothing is held back for it."""
        return SlotStatus(self.name, "active", self._after, self._after + 1, 0)


def change_of(recorded: Recorded, types: EventTypes) -> Change:
    """Return an event as a change that puts a fact beside the others."""
    event = types.read(recorded.written)
    return Change(event.kind, None, {**event.says, "stream": recorded.stream, "version": recorded.version})


def projection(disk: Disk, make: Callable[[], Made], store: EventStore, types: EventTypes) -> Follower[Made]:
    """Return a follower of all events of a store, which goes on where it was.

    Parameters
    ----------
    disk : Disk
        Where its own log is; empty for one that is to be built from the first event.
    make : callable
        () -> an empty view.
    """
    source = EventSource(store, types)
    follower = Follower(disk, make, source)
    source.confirm(max(0, follower.position))
    return follower
