"""Changes: from a commit to a copy elsewhere, by the model's log and by PostgreSQL's, beside a plain loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.dataflows.change_capture import Follower
from dsys_lab.dataflows.derived_view import Latest
from dsys_lab.engines.postgres import LogicalConnection, PostgresDatabase, make_slot
from dsys_lab.stores.relational import ChangeSource, RelationalDatabase, Session, SlotStatus
from dsys_lab.stores.relational.change_log import Commit
from dsys_lab.structures.disk import VolatileDisk

CREATE: Final = "CREATE TABLE prices (item integer PRIMARY KEY, value integer NOT NULL)"
COMMITS, ROWS_A_COMMIT = 300, 10


class _Kept:
    """Commits that are at hand already: what following costs without decoding."""

    def __init__(self, commits: list[Commit]) -> None:
        self._commits = commits

    def peek(self, limit: int | None = None) -> list[Commit]:
        return self._commits[:limit]

    def confirm(self, position: int) -> None:
        pass

    def status(self) -> SlotStatus:
        return SlotStatus("kept", "active", -1, 0, 0)


def changes() -> None:
    """Decode and follow some thousand changes."""
    model, postgres = RelationalDatabase(VolatileDisk()), PostgresDatabase(LogicalConnection.shared())
    with model, postgres:
        writers = model.session("writer"), postgres.session("writer")
        for writer in writers:
            writer.execute(CREATE)
        ours, theirs = model.make_slot("bench"), make_slot(postgres, "bench")
        for writer in writers:
            for sql in _statements():
                writer.execute(sql)
        commits = ours.peek()
        count = COMMITS * ROWS_A_COMMIT

        def loop() -> float:
            values: dict[object, object] = {}
            for commit in commits:
                for change in commit.changes:
                    if change.after is not None:
                        values[change.after["item"]] = change.after["value"]
            return count

        compare("Changes from a log to a view", "changes", [
            Rival("a plain loop over changes at hand", loop),
            Rival("our follower, changes at hand", lambda: _followed(_Kept(commits))),
            Rival("our slot, decoded from our log", lambda: len(ours.peek()) * ROWS_A_COMMIT),
            Rival("PostgreSQL's slot, decoded by pgoutput", lambda: len(theirs.peek()) * ROWS_A_COMMIT),
        ])  # fmt: skip
        theirs.drop()
    LogicalConnection.shared().close()


def _statements() -> Iterator[str]:
    for first in range(0, COMMITS * ROWS_A_COMMIT, ROWS_A_COMMIT):
        rows = ", ".join(f"({item}, {item * 3})" for item in range(first, first + ROWS_A_COMMIT))
        yield f"INSERT INTO prices VALUES {rows}"  # noqa: S608  # numbers of our own


def _followed(source: ChangeSource) -> float:
    follower = Follower(VolatileDisk(), lambda: Latest("prices", key="item"), source)
    follower.follow()
    return len(follower.view.state())


def slot_cost() -> None:
    """What a listener costs the writers: the same statements with and without a slot."""

    def written(*, listened: bool) -> float:
        database = RelationalDatabase(VolatileDisk())
        session: Session = database.session("writer")
        session.execute(CREATE)
        if listened:
            database.make_slot("bench")
        for sql in _statements():
            session.execute(sql)
        return COMMITS * ROWS_A_COMMIT

    compare("Rows inserted, with nobody and with somebody who listens", "rows", [
        Rival("without a slot", lambda: written(listened=False)),
        Rival("with a slot", lambda: written(listened=True)),
    ])  # fmt: skip
