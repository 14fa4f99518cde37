"""What a slot of the model's log promises, and what one of PostgreSQL's does: one suite.

A copy of the table is kept by what the slot says and by nothing else, and compared with the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from test_change_log import say

from dsys_lab.dataflows import change_capture
from dsys_lab.dataflows.change_capture import ByCommit, ById, Entry, Follower, create_outbox, put_in
from dsys_lab.engines.postgres import SLOT_DIFFERENCES, LogicalConnection, PostgresDatabase, make_slot, slot_and_rows
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.relational import Change, RelationalDatabase
from dsys_lab.structures.disk import VolatileDisk

CREATE = "CREATE TABLE beds (id integer PRIMARY KEY, free integer NOT NULL, note text, share double precision)"
SKIPPED = {case for difference in SLOT_DIFFERENCES for case in difference.skips}
Make = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    LogicalConnection.shared().close()


@pytest.fixture(params=["model", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Make]]:
    """A database with one table, and how a slot is made of it."""
    case = request.node.originalname.removeprefix("test_")
    if request.param == "postgres" and case in SKIPPED:
        pytest.skip("a difference of PostgreSQL's, and named as one")
    with ExitStack() as stack:
        if request.param == "model":
            found: Any = RelationalDatabase(VolatileDisk())
            def make(name: str, *tables: str) -> Any:
                slot, beginning = change_capture.slot_and_rows(found, name, tables)
                return (slot, beginning) if tables else slot
        else:
            found = stack.enter_context(PostgresDatabase(LogicalConnection.shared()))
            def make(name: str, *tables: str) -> Any:
                slot, beginning = slot_and_rows(found, name, tables)
                stack.callback(slot.drop)
                return (slot, beginning) if tables else slot
        stack.enter_context(found)
        say(found, f"maker: {CREATE}")
        yield found, make


class Sum:
    """Free beds in all: it would mind a repeat as much as a gap."""

    def __init__(self) -> None:
        self.free = 0

    def apply(self, change: Change) -> None:
        self.free += (change.after or {}).get("free", 0) - (change.before or {}).get("free", 0)  # type: ignore[operator]


def copied(into: dict[int, tuple[Any, ...]], slot: Any, *, confirm: bool = True) -> dict[int, tuple[Any, ...]]:
    for commit in slot.peek():
        for change in commit.changes:
            if change.after is None:
                into.pop(change.before["id"], None)  # heard before, perhaps
            else:
                into[change.after["id"]] = tuple(change.after.values())
        if confirm:
            slot.confirm(commit.position)
    return into


def table(database: Any) -> dict[int, tuple[Any, ...]]:
    session = database.session("looks on")
    rows = session.execute("SELECT * FROM beds").rows
    session.close()
    return {row[0]: row for row in rows}


def test_each_change_says_what_was_and_what_is(database):
    asked, make = database
    slot = make("index")
    say(asked, "ada: INSERT INTO beds VALUES (1, 3, 'by the window', 0.5), (2, 4, NULL, NULL)",
        "ada: UPDATE beds SET free = free - 1 WHERE id = 1", "ada: DELETE FROM beds WHERE id = 2")  # fmt: skip
    added, changed, gone = slot.peek()
    one = {"id": 1, "free": 3, "note": "by the window", "share": 0.5}
    two = {"id": 2, "free": 4, "note": None, "share": None}
    assert added.changes == (Change("beds", None, one), Change("beds", None, two))
    assert changed.changes == (Change("beds", one, one | {"free": 2}),)
    assert gone.changes == (Change("beds", two, None),)
    assert added.position < changed.position < gone.position


def test_the_order_is_that_of_the_commits(database):
    asked, make = database
    slot = make("index")
    say(asked, "ada: BEGIN", "ada: INSERT INTO beds VALUES (1, 1, '', 0)", "ben: INSERT INTO beds VALUES (2, 2, '', 0)",
        "ada: INSERT INTO beds VALUES (3, 3, '', 0)", "cem: BEGIN", "cem: INSERT INTO beds VALUES (4, 4, '', 0)",
        "ada: COMMIT", "cem: ROLLBACK")  # fmt: skip
    assert [[change.after["id"] for change in commit.changes] for commit in slot.peek()] == [[2], [1, 3]]


def test_who_is_not_done_yet_is_heard_when_done_and_whole(database):
    asked, make = database
    slot, ada = make("index"), asked.session("ada")
    ada.execute("BEGIN")
    ada.execute("INSERT INTO beds VALUES (1, 1, '', 0)")
    say(asked, "ben: INSERT INTO beds VALUES (2, 2, '', 0)")
    assert list(copied({}, slot)) == [2]
    ada.execute("INSERT INTO beds VALUES (3, 3, '', 0)")
    say(asked, "ben: CHECKPOINT")
    ada.execute("COMMIT")
    assert list(copied({}, slot)) == [1, 3]


def test_peek_repeats_until_it_is_confirmed(database):
    asked, make = database
    slot = make("index")
    say(asked, *(f"ada: INSERT INTO beds VALUES ({number}, 0, '', 0)" for number in range(4)))
    first, second = slot.peek(2)
    assert slot.peek(2) == [first, second]
    slot.confirm(first.position)
    slot.confirm(first.position)
    assert slot.peek(1) == [second]
    assert copied({}, slot).keys() == {1, 2, 3}
    assert slot.peek() == []


def test_a_copy_that_follows_is_the_table(database):
    asked, make = database
    slot, copy = make("index"), {}
    for number in range(3):
        say(asked, f"ada: INSERT INTO beds VALUES ({number}, 5, 'n', 0.25)", "ada: BEGIN",
            f"ada: UPDATE beds SET free = {number} WHERE id < 2", "ben: BEGIN",
            f"ben: INSERT INTO beds VALUES ({number + 10}, 1, NULL, NULL)", "ada: COMMIT", "ben: COMMIT",
            f"ada: DELETE FROM beds WHERE id = {number + 9}")  # fmt: skip
        copied(copy, slot, confirm=number != 1)
    assert copied(copy, slot) == table(asked)


def test_a_follower_begins_with_the_tables_and_goes_on_with_the_stream(database):
    asked, make = database
    say(asked, "ada: INSERT INTO beds VALUES (1, 1, '', 0), (2, 2, NULL, NULL)")
    slot, beginning = make("index", "beds")
    say(asked, "ada: UPDATE beds SET free = 9 WHERE id = 1", "ada: DELETE FROM beds WHERE id = 2")
    disk = VolatileDisk()
    follower = Follower(disk, Sum, slot)
    follower.begin(beginning)
    assert (follower.view.free, follower.follow(1), follower.view.free) == (3, 1, 11)
    again = Follower(disk, Sum, slot)  # killed, and opened again
    again.follow()
    assert again.view.free == sum(row[1] for row in table(asked).values()) == 9
    assert again.status().repeated == 0, "it had been confirmed"


def test_an_outbox_read_by_id_misses_what_commits_late(database):
    asked, make = database
    ada, ben, reader = (asked.session(name) for name in ("ada", "ben", "reader"))
    create_outbox(ada)
    by_id, by_commit = ById(reader), ByCommit(make("outbox"))
    ada.execute("BEGIN")
    put_in(ada, Entry(1, "ada's"))
    put_in(ben, Entry(2, "ben's"))
    assert by_id.poll() == by_commit.poll() == [Entry(2, "ben's")]
    by_commit.sent()
    ada.execute("COMMIT")
    assert by_id.poll() == []
    assert by_commit.poll() == [Entry(1, "ada's")]


def test_two_slots_go_their_own_ways(database):
    asked, make = database
    first, second = make("index"), make("cache")
    say(asked, "ada: INSERT INTO beds VALUES (1, 1, '', 0)")
    copied({}, first)
    assert first.peek() == []
    assert len(second.peek()) == 1
    assert second.status().confirmed < first.status().confirmed


def test_what_is_not_confirmed_holds_the_log_back(database):
    asked, make = database
    slot = make("index")
    before = slot.status()
    say(asked, *(f"ada: INSERT INTO beds VALUES ({number}, 0, '', 0)" for number in range(20)))
    assert slot.status().lag_bytes > before.lag_bytes
    assert (slot.status().name, slot.status().state) == ("index", "active")


def test_a_slot_and_who_is_not_done(database):
    asked, make = database
    ada = asked.session("ada")
    ada.execute("BEGIN")
    ada.execute("INSERT INTO beds VALUES (1, 1, '', 0)")
    with pytest.raises(Refused, match="end that first"):
        make("index")


def test_a_position_never_shown(database):
    _, make = database
    with pytest.raises(BadParameter, match="no commit that slot"):
        make("index").confirm(10**6)


@pytest.mark.parametrize("name", ["", "Index", "an index", "1st"])
def test_a_name_that_is_none_is_refused_by_postgresql(name):
    with (
        PostgresDatabase(LogicalConnection.shared()) as database,
        pytest.raises(BadParameter, match="lower-case letters"),
    ):
        make_slot(database, name)


def test_a_slot_of_a_name_that_there_is_is_refused_by_postgresql():
    with PostgresDatabase(LogicalConnection.shared()) as database:
        slot = make_slot(database, "index")
        with pytest.raises((Refused, BadParameter), match="already exists"):
            make_slot(database, "index")
        slot.drop()
        with pytest.raises(BadParameter, match="no slot 'index' any more"):
            slot.status()


def test_what_a_snapshot_of_postgresql_says_is_what_the_stream_would_have_said():
    made = "(id integer PRIMARY KEY, price numeric, day date, share real, open boolean, note text)"
    with PostgresDatabase(LogicalConnection.shared()) as database:
        say(database, f"maker: CREATE TABLE stays {made}")
        early = make_slot(database, "early")
        say(database, "ada: INSERT INTO stays VALUES (1, 1.50, '2013-07-11', 0.5, true, NULL)")
        late, beginning = slot_and_rows(database, "late", ["stays"])
        follower = Follower(VolatileDisk(), Sum, late)
        follower.begin(beginning)
        streamed = [change.after for commit in early.peek() for change in commit.changes]
        assert beginning.rows["stays"] == streamed
        assert streamed == [{"id": 1, "price": "1.50", "day": "2013-07-11", "share": 0.5, "open": True, "note": None}]
        early.drop()
        late.drop()


def test_postgresql_lets_a_position_be_confirmed_that_was_never_shown():
    """If this goes red, PostgreSQL has changed its mind: take the case off the differences."""
    with PostgresDatabase(LogicalConnection.shared()) as database:
        say(database, f"maker: {CREATE}")
        slot = make_slot(database, "index")
        say(database, "ada: INSERT INTO beds VALUES (1, 1, '', 0)", "ada: INSERT INTO beds VALUES (2, 2, '', 0)")
        first, second = slot.peek()
        slot.confirm((first.position + second.position) // 2)
        assert [commit.position for commit in slot.peek()] == [second.position]
        slot.drop()
