"""Others want to know as well: how many beds are free tonight, what was taken in this month. How are they told?

As any copy is told of any table: by the log, with positions. A *projection* is a view that is folded from the events of
all streams, as `dsys_lab.dataflows.change_capture.Follower` folds changes; so it survives crashes, has every event
once, and is replaced by a rebuilt one while people read it (`Switch`). What is new here is only the source:
`EventSource` gives each event as a change that puts a fact beside the others and takes none away.

The change holds the event *as it lies in the store*: sealed, in the schema of its writer. It is opened for the moment
in which a view takes it in. So the follower's own log has no name that the store's has not, and when a key is thrown
away the name is gone from both; a view that was made before is opened anew. ::

    store --sealed--> EventSource --sealed--> Follower's log
                                      '-----> open --in the clear--> view, in memory

Event sourcing is not change capture, though the wires are the same. A captured change says *what became of a row*
(`cents: 9000 -> 8100`); an event says *what happened, and why* (`BookingCancelled, refund_cents 8100`).

A source promises
-----------------
1. No event is missing between two that it gives: the versions of each stream follow one another, or it refuses there.
   (A reader that begins in the middle is told so from the second event of a stream on.)
2. Who goes on where they were goes on in the same log: where another commit lies at that position, or none, the log was
   restored from an older copy, and it refuses.
3. An event that nobody here can read stops its reader before that commit; it goes on once there is a reader, or when
   somebody says `set_aside`.
"""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from itertools import groupby
from operator import attrgetter

from dsys_lab.dataflows.change_capture.follower import Follower, Made
from dsys_lab.dataflows.event_sourcing.events import Recorded, Written, digest_of
from dsys_lab.dataflows.event_sourcing.schema import EventTypes
from dsys_lab.dataflows.event_sourcing.store import EventStore, require_from
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.relational import Change, Commit, SlotStatus
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.schema import Value


class EventSource:
    """The commits of a store as `stores.relational.ChangeSource` gives those of a database.

    Parameters
    ----------
    store : EventStore
    types : EventTypes
        By which `open` reads what is given.
    after : int
        The position after which it begins.
    """

    def __init__(self, store: EventStore, types: EventTypes, *, after: int = 0, name: str = "events") -> None:
        require_from("after", after)
        self.store, self.types, self.name, self._after = store, types, name, after
        self._peeked = deque[Commit]()
        self._versions: dict[str, int] = {}
        self._from_the_first = after == 0

    def peek(self, limit: int | None = None) -> list[Commit]:
        """Return the next commits after what was confirmed, `limit` at most.

        Raises
        ------
        Refused
            Where an event is missing, if it is the next; else the commits before the gap are returned.
        """
        commits, versions = list[Commit](), ChainMap(dict[str, int](), self._versions)
        for position, events in groupby(self.store.read(self._after, limit), attrgetter("position")):
            commit = Commit(position, position, tuple(map(change_of, events)))
            if gap := self._gap(commit.changes, versions):
                if not commits:
                    raise Refused(gap)
                break
            commits.append(commit)
        self._peeked = deque(commits)
        return commits

    def _gap(self, changes: Iterable[Change], versions: MutableMapping[str, int]) -> str:
        """Return what is missing before these events, if something is; note their versions."""
        for stream, version in map(place_of, changes):
            follows = versions.get(stream, 0) + 1
            if version != follows and (self._from_the_first or stream in versions):
                return (
                    f"{stream}: event {version} comes where event {follows} should: the log was shortened, or "
                    "restored from an older copy, and a view of it would be wrong. Follow a whole one, from its start"
                )
            versions[stream] = version
        return ""

    def open(self, change: Change) -> Change:
        """Return what an event says, in the newest schema and with its seals opened.

        Raises
        ------
        CannotRead
            If nobody here knows this kind of event, or its schema.
        """
        return opened(change, self.types)

    def confirm(self, position: int) -> None:
        """Say that everything up to this position is done with."""
        if position < self._after:
            raise BadParameter(f"position = {position}: {self._after} was confirmed before; a source does not go back")
        while self._peeked and self._peeked[0].position <= position:
            commit = self._peeked.popleft()
            self._versions.update(map(place_of, commit.changes))
            self._after = commit.position
        self._from_the_first = self._from_the_first and self._after == position
        self._after = position

    def resume(self, position: int, digest: str, versions: Mapping[str, int] | None = None) -> None:
        """Go on after a position, for a reader who had a commit of this digest there.

        Parameters
        ----------
        versions : mapping, optional
            Of each stream, the newest that the reader has, if it knows: then gaps are seen in every stream.

        Raises
        ------
        Damaged
            If another commit lies there, or none: what this reader has is not what the log says.
        """
        if not self._may_hold(position, digest):
            raise Damaged(
                f"position {position}: this reader had a commit there that is not in the log; the log was restored "
                "from an older copy. Begin anew, on an empty disk, and look what the world was told meanwhile"
            )
        self._versions = dict(versions or {})
        self._from_the_first = versions is not None
        self._after = position

    def _may_hold(self, position: int, digest: str) -> bool:
        """Whether a commit of this digest lies at a position, or the log was shortened beyond and nobody can say."""
        try:
            there = self.store.read(position - 1, 1)
        except Refused:
            return True
        if there and there[0].position > position:
            return True
        return bool(there) and digest_of_changes(map(change_of, there)) == digest

    def status(self) -> SlotStatus:
        """Return where it stands; a store keeps everything, so nothing is held back for it."""
        return SlotStatus(self.name, "active", self._after, self._after + 1, 0)


def change_of(recorded: Recorded) -> Change:
    """Return an event as a change that puts a fact beside the others, as it lies in the store.

    `table` is its kind; the row has `stream`, `version`, `schema` and the bytes, each as the character of its number.
    """
    kind, schema, data = recorded.written
    row: dict[str, Value] = {
        "stream": recorded.stream, "version": recorded.version, "schema": schema, "data": data.decode("latin-1"),
    }  # fmt: skip
    return Change(kind, None, row)


def opened(change: Change, types: EventTypes) -> Change:
    """Return the change with what the event says in the place of its bytes; `stream` and `version` stay."""
    row = dict(change.after or {})
    event = types.read(Written(change.table, int(row["schema"] or 0), str(row["data"]).encode("latin-1")))
    says: dict[str, Value] = {**event.says, "stream": row["stream"], "version": row["version"]}
    return Change(event.kind, None, says)


def place_of(change: Change) -> tuple[str, int]:
    """Return the stream of an event and its version there."""
    row = change.after or {}
    return str(row["stream"]), int(row["version"] or 0)


def digest_of_changes(changes: Iterable[Change]) -> str:
    """Return what a commit is known by."""
    return digest_of([[change.table, change.after] for change in changes])


def projection(disk: Disk, make: Callable[[], Made], store: EventStore, types: EventTypes) -> Follower[Made]:
    """Return a follower of all events of a store, which goes on where it was.

    Parameters
    ----------
    disk : Disk
        Where its own log is; empty for one that is to be built from the first event.
    make : callable
        () -> an empty view.

    Raises
    ------
    Damaged
        If the store's log is not the one that it followed.
    """
    source = EventSource(store, types)
    follower = Follower(disk, make, source, opens=source.open)
    last, versions = list[Change](), dict[str, int]()
    for _, last in follower.kept():
        versions.update(map(place_of, last))
    if last:
        source.resume(follower.position, digest_of_changes(last), versions)
    return follower
