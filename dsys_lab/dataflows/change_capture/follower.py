"""How is each change applied once, when every message may come twice and every machine may stop?

By writing the change and its position down in *one* record, and confirming afterwards. Whatever comes again has a
position that is not above the one that is written down, and is left alone. A crash between the record and the
confirmation makes the source repeat; a crash before the record makes it repeat too. Nothing makes it skip.

What the view cannot take stops the follower: nothing of that commit is applied, written down or confirmed, so each
attempt ends the same way until the view is mended, or until somebody says `set_aside`. Then the whole commit is written
down with its position as one that the view does not have (a *dead letter*), and the follower goes on behind it.

`remembers=False` is the same without the position: what is repeated is applied again. An index does not mind, a sum
counts twice. `confirms="before"` gives the change away first: a crash then loses it, and no one will ever know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from dsys_lab.dataflows.change_capture.snapshot import Beginning
from dsys_lab.errors import Misuse, Refused, require_choice
from dsys_lab.stores.relational import Change, ChangeSource, Commit
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk

CONFIRMS: Final = ("after", "before")
NOTHING: Final = -1
"""The position of a follower that has taken nothing in yet."""


class View(Protocol):
    """What is made of changes."""

    def apply(self, change: Change) -> None:
        """Take one change in."""


Made = TypeVar("Made", bound=View)


@dataclass(frozen=True, slots=True)
class FollowerStatus:
    """How far a follower has come.

    Attributes
    ----------
    position : int
        Of the last commit that it has; `NOTHING` before the first.
    taken : int
        Commits that it took in since it was opened.
    repeated : int
        Commits that came again and were left alone.
    aside : int
        Commits that were set aside: the view does not have them.
    state : str
        "new", "following", "stopped" before a commit that the view cannot take, or "lost" where the source can tell it
        no more.
    """

    position: int
    taken: int
    repeated: int
    aside: int
    state: str


class Follower(Generic[Made]):
    """A view that follows a source, and survives.

    Parameters
    ----------
    disk : Disk
        Where its own log is; the follower may not share it.
    make : callable
        () -> an empty view.
    source : ChangeSource
    remembers : bool
        Whether it leaves alone what it has.
    confirms : str
        "after" it has written a commit down, or "before".
    opens : callable
        What came -> what the view is shown. Its log keeps what came: what is sealed there stays sealed.

    Attributes
    ----------
    view : View
        All that it has, made of its log.
    position : int
        Of the last commit that it has, or has set aside.
    aside : list of int
        Positions of the commits that were set aside; their changes stand in its log.

    Examples
    --------
    >>> from dsys_lab.stores.relational import RelationalDatabase
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> class Ids(list):
    ...     def apply(self, change):
    ...         self.append((change.after or change.before)["id"])
    >>> database = RelationalDatabase(VolatileDisk())
    >>> ada = database.session("ada")
    >>> _ = ada.execute("CREATE TABLE beds (id integer PRIMARY KEY)")
    >>> follower = Follower(VolatileDisk(), Ids, database.make_slot("ids"))
    >>> _ = ada.execute("INSERT INTO beds VALUES (1), (2)")
    >>> follower.follow(), follower.view
    (1, [1, 2])
    """

    def __init__(
        self,
        disk: Disk,
        make: Callable[[], Made],
        source: ChangeSource,
        *,
        remembers: bool = True,
        confirms: str = "after",
        opens: Callable[[Change], Change] = lambda change: change,
        now_us: int = 0,
    ) -> None:
        require_choice("confirms", confirms, CONFIRMS)
        self._log = AppendLog(disk, now_us=now_us)
        self._source, self._remembers, self._confirms = source, remembers, confirms
        self._make, self._opens, self._taken, self._repeated = make, opens, 0, 0
        self._lost = False
        self._stopped: Commit | None = None
        self._open()

    def _open(self) -> None:
        """Make the view of all that is durably written down."""
        self.view, self.position, self.aside = self._make(), NOTHING, list[int]()
        for record in self._kept():
            self._fold(record)

    def _kept(self) -> Iterator[dict[str, Any]]:
        return (json.loads(payload) for lsn, payload in self._log.read() if lsn < self._log.durable_lsn)

    def kept(self) -> Iterator[tuple[int, list[Change]]]:
        """Give what stands in its log as it came, position by position, and what was set aside, too."""
        return ((record["position"], [Change(*one) for one in record["changes"]]) for record in self._kept())

    def begin(self, beginning: Beginning, *, now_us: int = 0) -> None:
        """Take the tables as they were at one position; the stream goes on from there.

        Raises
        ------
        Misuse
            If it has something already.
        Refused
            If the source begins later: what was committed between the two would be missing. If the view cannot take
            one of the rows: there is no commit that could be set aside, so nothing is begun.
        """
        if self.position != NOTHING:
            raise Misuse(f"this follower has position {self.position} already: begin with a new one on an empty disk")
        first = self._source.status().confirmed
        if self._remembers and first > beginning.position:
            raise Refused(
                f"the stream begins after position {first}, and the tables are as of {beginning.position}: what was "
                "committed between the two would be missing; make the slot first, and then take the tables"
            )
        rows = [Change(table, None, row) for table, of_table in beginning.rows.items() for row in of_table]
        self._take(beginning.position, rows, now_us)

    def follow(self, limit: int | None = None, *, now_us: int = 0) -> int:
        """Take in what is new, `limit` commits at most; return how many were taken.

        Raises
        ------
        Refused
            If the source has lost its place: begin anew with a new follower. If the view cannot take a commit: mend it,
            or `set_aside`. What came before that commit is taken, and nothing of it.
        """
        try:
            commits = self._source.peek(limit)
        except Refused:
            self._lost = True
            raise
        before = self._taken
        for commit in commits:
            if self._confirms == "before":
                self._source.confirm(commit.position)
            if self._remembers and commit.position <= self.position:
                self._repeated += 1
            else:
                self._stopped = commit
                self._take(commit.position, commit.changes, now_us)
                self._stopped = None
                self._taken += 1
            if self._confirms == "after":
                self._source.confirm(commit.position)
        return self._taken - before

    def set_aside(self, *, now_us: int = 0) -> int:
        """Pass over the commit that it stopped before, for good and durably; return its position.

        Raises
        ------
        Misuse
            If it has not stopped.
        """
        if self._stopped is None:
            raise Misuse("this follower has not stopped before a commit: there is nothing to set aside; `follow`")
        position = self._stopped.position
        self._take(position, self._stopped.changes, now_us, aside=True)
        self._stopped = None
        self._source.confirm(position)
        return position

    def _take(self, position: int, changes: Iterable[Change], now_us: int, *, aside: bool = False) -> None:
        """Apply first, for what cannot be applied must not be written down; then write, or it was not applied."""
        record = {"position": position, "changes": [[one.table, one.before, one.after] for one in changes]}
        if aside:
            record["aside"] = True
        try:
            self._fold(record)
            self._log.append(now_us, json.dumps(record, separators=(",", ":")).encode())
        except Exception:
            self._open()
            raise

    def _fold(self, record: dict[str, Any]) -> None:
        changes = [Change(*one) for one in record["changes"]]
        if record.get("aside"):
            self.aside.append(record["position"])
            changes = []
        for change in changes:
            try:
                self.view.apply(self._opens(change))
            except Exception as error:
                or_aside = ", or `set_aside` the commit" if self._stopped else ""
                raise Refused(
                    f"the view cannot take position {record['position']}, {change.kind} in {change.table}: {error!r}; "
                    f"nothing of that is applied: mend the view and open the follower again{or_aside}"
                ) from error
        self.position = record["position"]

    def status(self) -> FollowerStatus:
        """Return how far it has come."""
        state = "new" if self.position == NOTHING else "following"
        state = "lost" if self._lost else "stopped" if self._stopped else state
        return FollowerStatus(self.position, self._taken, self._repeated, len(self.aside), state)
