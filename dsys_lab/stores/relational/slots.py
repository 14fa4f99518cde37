"""Who listens to the changes, how far has each come, and how much of the log do they hold back?

A *slot* is a listener's place in the log, kept by the database. `peek` shows what comes after the place and does not
move it; `confirm` moves it, once the listener has made what it heard durable. Between the two a crash repeats, and
never skips. What a slot has not confirmed stays in the log, whatever a checkpoint would drop: so a listener that is
away for good fills the disk. `keep_bytes` is the limit: a slot that holds back more is *lost* at the next checkpoint,
its part of the log is dropped, and what it missed can be had only from the tables themselves.

=========  ========================================================================================
state      what it means
=========  ========================================================================================
`active`   all that it has not confirmed is there
`lost`     some of it was dropped: `peek` refuses, and so it stays; drop the slot and begin anew
=========  ========================================================================================

While there is a slot, each record of the log says what it means (see `change_log`); without one nobody pays for that.
Slots are written at each checkpoint and when one is made or dropped, not at each `confirm`: after a crash a slot may
stand further back than it had confirmed, and repeats. PostgreSQL does the same.

Sources: PostgreSQL documentation, "Logical decoding", `max_slot_wal_keep_size`, `pg_replication_slots`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Protocol

from dsys_lab.errors import BadParameter, Misuse, Refused, require_positive
from dsys_lab.stores.relational.change_log import Commit, decoded
from dsys_lab.structures.journaled_pages import JournaledPages


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """Where a slot stands.

    Attributes
    ----------
    name : str
    state : str
        "active" or "lost".
    confirmed : int
        The position up to which the listener has everything.
    read_from : int
        The oldest record that it still needs.
    lag_bytes : int
        What it holds back of the log; 0 of one that is lost.
    """

    name: str
    state: str
    confirmed: int
    read_from: int
    lag_bytes: int


class ChangeSource(Protocol):
    """Where changes come from: a slot of the model's, or of PostgreSQL's."""

    def peek(self, limit: int | None = None) -> list[Commit]:
        """Return the next transactions after what was confirmed, `limit` at most; the slot stays where it is."""

    def confirm(self, position: int) -> None:
        """Say that everything up to this position is done with for good."""

    def status(self) -> SlotStatus:
        """Return where the slot stands."""


@dataclass(frozen=True, slots=True)
class _Place:
    confirmed: int
    read_from: int
    lost: bool = False


class Slots:
    """The slots of one database, on its journal."""

    def __init__(self, journal: JournaledPages, keep_bytes: int | None) -> None:
        if keep_bytes is not None:
            require_positive(slot_keep_bytes=keep_bytes)
        self._journal, self._keep_bytes = journal, keep_bytes
        self._places = {name: _Place(**place) for name, place in journal.kept.get("slots", {}).items()}
        self._hold()

    def make(self, name: str) -> Slot:
        """Make a slot that hears of every transaction from here on, durably; none may have changed anything yet."""
        if name in self._places:
            raise Misuse(f"there is a slot {name!r}; give another name, or drop it")
        self._places[name] = _Place(self._journal.log.next_lsn - 1, self._journal.log.next_lsn)
        self.checkpoint()
        return Slot(self, name)

    def open(self, name: str) -> Slot:
        """Return a slot that was made before."""
        self.place(name)
        return Slot(self, name)

    def drop(self, name: str) -> None:
        """Forget a slot, durably; what it held back goes."""
        self.place(name)
        del self._places[name]
        self.checkpoint()

    def place(self, name: str) -> _Place:
        """Return where a slot stands, or say which there are."""
        if name not in self._places:
            raise BadParameter(f"there is no slot {name!r}; there are {', '.join(self._places) or 'none'}")
        return self._places[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The slots there are."""
        return tuple(self._places)

    # ------------------------------------------------------------ a slot's own
    def commits_after(self, name: str) -> Iterator[tuple[Commit, int]]:
        """Give what a slot has not confirmed, as far as it is durable."""
        place, log = self.place(name), self._journal.log
        if place.lost:
            raise Refused(
                f"slot {name!r} is lost: the log after position {place.confirmed} was dropped, for it held back more "
                f"than {self._keep_bytes:,} bytes; drop the slot, make a new one, and take the tables as they are"
            )
        durable = ((lsn, payload) for lsn, payload in log.read(place.read_from) if lsn < log.durable_lsn)
        return decoded(durable, place.confirmed)

    def move(self, name: str, position: int) -> None:
        """Move a slot on; never back."""
        place = self.place(name)
        if position <= place.confirmed:
            return
        for commit, read_from in self.commits_after(name):
            if commit.position > position:
                break
            place = replace(place, confirmed=commit.position, read_from=read_from)
        if place.confirmed != position:
            raise BadParameter(f"position {position} is that of no commit that slot {name!r} was shown")
        self._places[name] = place
        self._hold()

    def status(self, name: str) -> SlotStatus:
        """Return where a slot stands."""
        place = self.place(name)
        lag_bytes = 0 if place.lost else sum(at.size_bytes for _, at in self._journal.log.located(place.read_from))
        state = "lost" if place.lost else "active"
        return SlotStatus(name, state, place.confirmed, place.read_from, lag_bytes)

    # ------------------------------------------------------------ the log
    def checkpoint(self) -> None:
        """Checkpoint, with the slots in it; who holds back too much is lost."""
        if self._keep_bytes is not None:
            for name, place in self._places.items():
                if self.status(name).lag_bytes > self._keep_bytes:
                    self._places[name] = replace(place, lost=True)
        self._hold()
        self._journal.checkpoint()

    def _hold(self) -> None:
        """Hold the log back for whoever needs it."""
        needed = [place.read_from for place in self._places.values() if not place.lost]
        self._journal.keep_from = min(needed, default=None)
        places = {name: asdict(place) for name, place in self._places.items()}
        self._journal.kept = {"slots": places} if places else {}


class Slot:
    """One listener's place (see `ChangeSource`)."""

    def __init__(self, slots: Slots, name: str) -> None:
        self._slots, self.name = slots, name

    def peek(self, limit: int | None = None) -> list[Commit]:
        """Return the next transactions after what was confirmed; the slot stays where it is."""
        return [commit for commit, _ in islice(self._slots.commits_after(self.name), limit)]

    def confirm(self, position: int) -> None:
        """Say that everything up to this position is done with for good."""
        self._slots.move(self.name, position)

    def status(self) -> SlotStatus:
        """Return where the slot stands."""
        return self._slots.status(self.name)
