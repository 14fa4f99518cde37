"""One follower, two databases: the same acts at the model and at PostgreSQL, counted.

A `Side` is a database with a table of sales, and how a place in its log is made and dropped. `model` gives the room's
own; a notebook makes one of PostgreSQL, for scenarios do not know engines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final, NamedTuple

from dsys_lab.dataflows.change_capture import Beginning, Follower, slot_and_rows
from dsys_lab.dataflows.derived_view import Counts, View
from dsys_lab.dataflows.derived_view.view import Row
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.scenarios.derived_dataflows.machines import CREATE, INDEX, ITEMS, MAKES, SALES, TOTAL, size_of
from dsys_lab.stores.relational import ChangeSource, Commit, Done, RelationalDatabase, Rows, SlotStatus
from dsys_lab.stores.relational.sessions import Database
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.schema import Value

WAYS: Final[dict[str, dict[str, Any]]] = {
    "position, then confirm": {},
    "no position": {"remembers": False},
    "confirm first": {"confirms": "before"},
}
"""How a follower may work: as it should, without writing down its position, or with its confirmation first."""


class Side:
    """A database with sales in it.

    Parameters
    ----------
    database : Database
    begin : callable
        (name, tables) -> a slot and the tables in the same moment.
    drop : callable
        What to do with a slot that is not needed any more.
    """

    def __init__(
        self, database: Database, begin: Callable[[str, Sequence[str]], tuple[Any, Beginning]],
        drop: Callable[[Any], object],
    ) -> None:  # fmt: skip
        self.database, self._begin, self._drop = database, begin, drop
        self._session = database.session("clerk")
        self._session.execute(CREATE)
        self.sold = self.cents = 0
        self._names = count(1)

    def sell(self, many: int = 1, *, at_once: int = 1) -> None:
        """Commit so many transactions of so many sales each."""
        for _ in range(many):
            rows = []
            for _ in range(at_once):
                self.sold += 1
                cents = 100 + self.sold
                self.cents += cents
                rows.append(f"({self.sold}, '{ITEMS[self.sold % len(ITEMS)]}', {cents})")
            answer = self._session.execute(f"INSERT INTO {SALES} VALUES {', '.join(rows)}")  # noqa: S608  # our own
            if not isinstance(answer, Done):
                raise Misuse(f"a sale was not written: {answer}")

    def sell_anew(self, item: str) -> None:
        """Commit one sale of something that was never sold before."""
        self.sold += 1
        self._session.execute(f"INSERT INTO {SALES} VALUES ({self.sold}, '{item}', 100)")  # noqa: S608  # our own

    def table(self) -> list[dict[str, Any]]:
        """Return all sales."""
        answer = self._session.execute(f"SELECT * FROM {SALES}")  # noqa: S608  # our own
        if not isinstance(answer, Rows):
            raise Misuse(f"the sales were not read: {answer}")
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    @contextmanager
    def place(self) -> Iterator[tuple[Any, Beginning]]:
        """Make a slot and take the sales in the same moment; drop it at the end."""
        slot, beginning = self._begin(f"place_{next(self._names)}", [SALES])
        try:
            yield slot, beginning
        finally:
            self._drop(slot)

    def wrong(self, view: View) -> int:
        """Return by how many sales a view differs from the table: below 0 it lacks some, above it has some twice."""
        return size_of(view)["count"] - self.sold


def model(**settings: Any) -> Side:
    """Return the room's own database."""
    database = RelationalDatabase(VolatileDisk(), **settings)
    return Side(database, lambda name, tables: slot_and_rows(database, name, tables),
                lambda slot: database.slots.drop(slot.name))  # fmt: skip


# ------------------------------------------------------------------------------------------------ killed at every step
class _Counted:
    """A source whose confirmations count as steps of the follower's disk: there, too, the power may go."""

    def __init__(self, source: ChangeSource, disk: VolatileDisk) -> None:
        self._source, self._disk = source, disk

    def peek(self, limit: int | None = None) -> list[Commit]:
        return self._source.peek(limit)

    def confirm(self, position: int) -> None:
        if self._disk.power_cut_before is not None and self._disk.steps >= self._disk.power_cut_before:
            raise PowerCut(f"the power went before step {self._disk.steps}")
        self._disk.steps += 1
        self._source.confirm(position)

    def status(self) -> SlotStatus:
        return self._source.status()


class Killed(NamedTuple):
    """What a follower has that was killed before one of its steps, and came back.

    Attributes
    ----------
    step : int
        Counted from where it had begun.
    wrong : int
        Sales that it has too few (below nought) or twice.
    """

    step: int
    wrong: int


def killed_everywhere(side: Side, way: str, view: str = TOTAL, *, commits: int = 3) -> list[Killed]:
    """Kill a follower before each of its steps in turn, while it takes so many commits in, and let it come back."""
    if way not in WAYS or view not in MAKES:
        raise BadParameter(f"way = {way!r}, view = {view!r}: give one of {', '.join(WAYS)}; {', '.join(MAKES)}")
    found: list[Killed] = []
    while True:
        with side.place() as (slot, beginning):
            disk, step = VolatileDisk(), len(found)
            first = Follower(disk, MAKES[view], _Counted(slot, disk), **WAYS[way])
            first.begin(beginning)
            side.sell(commits)
            disk.power_cut_before = disk.steps + step
            try:
                first.follow()
            except PowerCut:
                disk.crash(chance=lambda: 0.5)
            else:
                return found
            again = Follower(disk, MAKES[view], slot, **WAYS[way])
            again.follow()
            found.append(Killed(step, side.wrong(again.view)))


# ---------------------------------------------------------------------------------------- where table and stream meet
class Met(NamedTuple):
    """What becomes of a view whose stream begins elsewhere than its tables end.

    Attributes
    ----------
    between : int
        Commits from the tables' moment to the stream's beginning; below nought the stream begins first.
    knows, does_not_know : int or None
        Sales too few or twice in a follower that writes positions down, and in one that does not; None: it was refused.
    """

    between: int
    knows: int | None
    does_not_know: int | None


def met(side: Side, between: int, view: str = TOTAL) -> Met:
    """Begin a view from tables and a stream that lie so many commits apart, and sell a little more."""
    side.sell(4)
    with side.place() as (early, beginning):
        side.sell(abs(between))
        with side.place() as (late, now):
            slot, tables = (late, beginning) if between > 0 else (early, now)
            side.sell(4)
            if between < 0:  # the tables as of the last commit that the stream had brought by then
                tables = tables._replace(position=slot.peek()[abs(between) - 1].position)
            return Met(between, _begun(side, slot, tables, view, remembers=True),
                       _begun(side, slot, tables, view, remembers=False))  # fmt: skip


class _Again:
    """A source that is only looked at, so that several may follow it."""

    def __init__(self, source: ChangeSource) -> None:
        self._source = source

    def peek(self, limit: int | None = None) -> list[Commit]:
        return self._source.peek(limit)

    def confirm(self, position: int) -> None:
        pass

    def status(self) -> SlotStatus:
        return self._source.status()


def _begun(side: Side, slot: ChangeSource, tables: Beginning, view: str, *, remembers: bool) -> int | None:
    follower = Follower(VolatileDisk(), MAKES[view], _Again(slot), remembers=remembers)
    try:
        follower.begin(tables)
    except Refused:
        return None
    follower.follow()
    return side.wrong(follower.view)


# ------------------------------------------------------------------------------------------------ what cannot be taken
class _Knows(Counts):
    """A total whose maker has thought of all that was sold by then, and of nothing else."""

    def __init__(self, items: set[Value]) -> None:
        super().__init__(SALES, by="item", of="cents")
        self._items = items

    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        if after is not None and after["item"] not in self._items:
            raise BadParameter(f"item = {after['item']!r}: this total does not know it")
        super()._take(before, after, position)


class Poisoned(NamedTuple):
    """What a view has after a commit that it cannot take.

    Attributes
    ----------
    later : int
        Of the sales that came after it: how many it has.
    lacks : int
        Of all sales: how many it has not.
    aside : int
        Commits that were set aside.
    held_bytes : int
        What it holds back of the log.
    """

    later: int
    lacks: int
    aside: int
    held_bytes: int


def poisoned(side: Side, then: str, *, before: int = 10, after: int = 20) -> Poisoned:
    """Sell something that a view's maker has not thought of, and more after it; do one of `THEN` about it."""
    if then not in THEN:
        raise BadParameter(f"then = {then!r}: give one of {', '.join(THEN)}")
    with side.place() as (slot, beginning):
        disk, known = VolatileDisk(), {row["item"] for row in beginning.rows[SALES]} | {*ITEMS}
        follower = Follower(disk, lambda: _Knows(known), slot)
        follower.begin(beginning)
        side.sell(before)
        side.sell_anew(f"blanket {side.sold}")
        had = side.sold
        side.sell(after)
        with suppress(Refused):
            follower.follow()
        if then == "set aside":
            follower.set_aside()
        elif then == "mended":
            follower = Follower(disk, lambda: _Knows(known | {f"blanket {had - 1}"}), slot)
        with suppress(Refused):
            follower.follow()
        lacks, aside = -side.wrong(follower.view), follower.status().aside
        return Poisoned(max(0, side.sold - lacks - had + aside), lacks, aside, slot.status().lag_bytes)


THEN: Final = ("left alone", "set aside", "mended")

# ------------------------------------------------------------------------------------------------ nobody reads
def held_back(side: Side, *, commits: int = 200, every: int = 20) -> list[tuple[int, int]]:
    """Return what a slot that nobody reads holds back, after so many commits: (commits, bytes)."""
    with side.place() as (slot, _):
        found = [(0, slot.status().lag_bytes)]
        for at in range(every, commits + 1, every):
            side.sell(every)
            found.append((at, slot.status().lag_bytes))
    return found


class Anew(NamedTuple):
    """What becomes of a view whose slot was lost.

    Attributes
    ----------
    heard : int
        Sales that it has from before.
    said : str
        What it was told when it came back.
    missed : int
        Sales that it lacked then.
    wrong : int
        Sales that the view which was begun anew lacks, or has twice.
    """

    heard: int
    said: str
    missed: int
    wrong: int


def lost_and_anew(*, keep_bytes: int = 60_000, commits: int = 300) -> Anew:
    """Let a view go away until its slot is lost, and begin anew, at the model."""
    side = model(slot_keep_bytes=keep_bytes)
    with side.place() as (slot, beginning):
        old = Follower(VolatileDisk(), MAKES[TOTAL], slot)
        old.begin(beginning)
        side.sell(10)
        old.follow()
        side.sell(commits)
        side.database.checkpoint()  # type: ignore[attr-defined]  # the model's own
        said = ""
        try:
            old.follow()
        except Refused as refused:
            said = str(refused)
    with side.place() as (slot, beginning):
        side.sell(5)
        new = Follower(VolatileDisk(), MAKES[TOTAL], slot)
        new.begin(beginning)
        new.follow()
        return Anew(size_of(old.view)["count"], said, -(side.wrong(old.view)) - 5, side.wrong(new.view))


def log_on_disk(*, listens: str, commits: int = 300, every: int = 20) -> list[tuple[int, int]]:
    """Return how long the model's log is after so many commits, with a checkpoint every `every`: (commits, bytes).

    `listens`: "nobody" has a slot, it is "away", or "away, with a limit" of 60,000 bytes.
    """
    if listens not in LISTENS:
        raise BadParameter(f"listens = {listens!r}: give one of {', '.join(LISTENS)}")
    side = model(slot_keep_bytes=60_000 if "limit" in listens else None)
    database: Any = side.database
    if listens != "nobody":
        database.make_slot(INDEX)
    found = [(0, database.journal.log.status().size_bytes)]
    for at in range(every, commits + 1, every):
        side.sell(every)
        database.checkpoint()
        found.append((at, database.journal.log.status().size_bytes))
    return found


LISTENS: Final = ("nobody", "away", "away, with a limit")
