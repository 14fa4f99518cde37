"""Changes come out of the model's log in the order of the commits, whole, and of those that committed alone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, DsysLabError, Misuse, Refused
from dsys_lab.stores.relational import Change, Database, Done, RelationalDatabase, Rows, Session, Slot
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.journal_records import note_of

CREATE = "CREATE TABLE beds (id integer PRIMARY KEY, free integer NOT NULL)"
State = dict[int, int]


def opened(disk: VolatileDisk, **settings_: int) -> RelationalDatabase:
    return RelationalDatabase(disk, pool=BufferPool(32), **settings_)  # type: ignore[arg-type]


def fresh(**settings_: int) -> tuple[RelationalDatabase, Slot]:
    database = opened(VolatileDisk(), **settings_)
    database.session("maker").execute(CREATE)
    return database, database.make_slot("index")


def say(database: Database, *lines: str) -> None:
    """Let "ada: SQL" happen, line by line, at any database."""
    sessions: dict[str, Session] = {}
    for line in lines:
        name, _, sql = line.partition(": ")
        if name not in sessions:
            sessions[name] = database.session(name)
        assert isinstance(sessions[name].execute(sql), Done | Rows), line
    for session in sessions.values():
        session.close()


def applied(state: State, slot: Slot, *, confirm: bool = True) -> State:
    """Bring a copy of the table up to date by what the slot hears."""
    for commit in slot.peek():
        for change in commit.changes:
            row = change.after or change.before
            assert row is not None
            if change.after is None:
                state.pop(row["id"], None)  # type: ignore[arg-type]
            else:
                state[row["id"]] = row["free"]  # type: ignore[index,assignment]
        if confirm:
            slot.confirm(commit.position)
    return state


def table_of(database: RelationalDatabase) -> State:
    session = database.session("reader")
    answer = session.execute("SELECT id, free FROM beds")
    session.close()
    assert isinstance(answer, Rows)
    return dict(answer.rows)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ order and wholeness
def test_a_commit_says_what_was_as_it_was_and_as_it_is() -> None:
    database, slot = fresh()
    say(database, "ada: INSERT INTO beds VALUES (1, 3), (2, 4)", "ada: UPDATE beds SET free = free - 1 WHERE id = 1",
        "ada: DELETE FROM beds WHERE id = 2")  # fmt: skip
    added, changed, gone = slot.peek()
    assert [change.kind for commit in (added, changed, gone) for change in commit.changes] == [
        "insert", "insert", "update", "delete"]  # fmt: skip
    assert changed.changes == (Change("beds", {"id": 1, "free": 3}, {"id": 1, "free": 2}),)
    assert gone.changes == (Change("beds", {"id": 2, "free": 4}, None),)
    assert added.position < changed.position < gone.position


def test_who_began_first_and_commits_last_comes_last() -> None:
    database, slot = fresh()
    say(database, "ada: BEGIN", "ada: INSERT INTO beds VALUES (1, 1)", "ben: INSERT INTO beds VALUES (2, 2)",
        "ada: INSERT INTO beds VALUES (3, 3)", "ada: COMMIT")  # fmt: skip
    heard = [[change.after["id"] for change in commit.changes if change.after] for commit in slot.peek()]
    assert heard == [[2], [1, 3]]


def test_what_was_rolled_back_locked_or_only_read_is_not_heard() -> None:
    database, slot = fresh()
    say(database, "ada: INSERT INTO beds VALUES (1, 1)")
    slot.confirm(slot.peek()[0].position)
    say(database, "ada: BEGIN", "ada: INSERT INTO beds VALUES (2, 2)", "ada: ROLLBACK", "ben: BEGIN",
        "ben: SELECT * FROM beds WHERE id = 1 FOR UPDATE", "ben: COMMIT", "cem: SELECT * FROM beds")  # fmt: skip
    assert slot.peek() == []


def test_a_row_that_is_only_held_is_no_change() -> None:
    database, slot = fresh()
    say(database, "ada: INSERT INTO beds VALUES (1, 1), (2, 2)")
    slot.confirm(slot.peek()[0].position)
    say(database, "ada: BEGIN", "ada: SELECT * FROM beds FOR UPDATE", "ada: DELETE FROM beds WHERE id = 2",
        "ada: COMMIT")  # fmt: skip
    assert [change.before for change in slot.peek()[0].changes] == [{"id": 2, "free": 2}]


def test_what_a_crash_could_take_is_not_heard() -> None:
    database, slot = fresh(durable=False)
    say(database, "ada: INSERT INTO beds VALUES (1, 1)")
    assert slot.peek() == []
    database.journal.sync()
    assert applied({}, slot) == {1: 1}


def test_peek_shows_and_confirm_moves() -> None:
    database, slot = fresh()
    say(database, *(f"ada: INSERT INTO beds VALUES ({number}, 0)" for number in range(5)))
    first, second = slot.peek(2)
    assert slot.peek(2) == [first, second]
    slot.confirm(first.position)
    assert slot.peek(1) == [second]
    slot.confirm(first.position)  # again: nothing
    assert slot.status().confirmed == first.position


def test_two_slots_go_their_own_ways() -> None:
    database, slot = fresh()
    other = database.make_slot("cache")
    say(database, "ada: INSERT INTO beds VALUES (1, 1)")
    applied({}, slot)
    assert slot.peek() == []
    assert len(other.peek()) == 1
    database.slots.drop("cache")
    assert database.slots.names == ("index",)


# ------------------------------------------------------------------------------------------------ holding the log back
def test_a_checkpoint_drops_nothing_that_a_slot_needs() -> None:
    database, slot = fresh()
    ada = database.session("ada")
    for sql in ("BEGIN", "INSERT INTO beds VALUES (1, 1)"):
        ada.execute(sql)
    say(database, "ben: INSERT INTO beds VALUES (2, 2)")
    assert applied({}, slot) == {2: 2}
    database.checkpoint()
    ada.execute("COMMIT")
    assert applied({}, slot) == {1: 1}, "its first half lies before the checkpoint and before what was confirmed"


def test_a_slot_that_holds_back_too_much_is_lost_and_says_so() -> None:
    database, slot = fresh(slot_keep_bytes=60_000)
    say(database, *(f"ada: INSERT INTO beds VALUES ({number}, 0)" for number in range(50)))
    assert 0 < slot.status().lag_bytes < 60_000
    database.checkpoint()
    assert slot.status().state == "active"
    say(database, *(f"ada: INSERT INTO beds VALUES ({number}, 0)" for number in range(50, 400)))
    database.checkpoint()
    assert (slot.status().state, slot.status().lag_bytes) == ("lost", 0)
    with pytest.raises(Refused, match="drop the slot, make a new one"):
        slot.peek()
    assert database.journal.log.status().size_bytes < 60_000, "the log is free again"
    database.slots.drop("index")
    again = database.make_slot("index")
    say(database, "ada: INSERT INTO beds VALUES (999, 0)")
    assert applied({}, again) == {999: 0}


def test_without_a_slot_the_log_says_nothing_more() -> None:
    database, slot = fresh()
    for drop in (False, True):
        if drop:
            database.slots.drop(slot.name)
        first = database.journal.log.next_lsn
        say(database, f"ada: INSERT INTO beds VALUES ({drop:d}, 1)")
        assert any(note_of(payload) for _, payload in database.journal.log.read(first)) is not drop


# ------------------------------------------------------------------------------------------------ misuse
@pytest.mark.parametrize(
    ("act", "error", "told"),
    [
        (lambda database, slot: database.make_slot("index"), Misuse, "there is a slot 'index'"),
        (lambda database, slot: database.slots.open("none"), BadParameter, "there are index"),
        (lambda database, slot: database.slots.drop("none"), BadParameter, "no slot 'none'"),
        (lambda database, slot: slot.confirm(10**9), BadParameter, "no commit that slot 'index' was shown"),
    ],
)  # fmt: skip
def test_misuse_is_told(act, error, told) -> None:  # type: ignore[no-untyped-def]
    database, slot = fresh()
    say(database, "ada: INSERT INTO beds VALUES (1, 1)")
    with pytest.raises(error, match=told):
        act(database, slot)
    assert applied({}, slot) == {1: 1}


def test_a_slot_waits_for_who_has_changed_something() -> None:
    database, _ = fresh()
    ada = database.session("ada")
    for sql in ("BEGIN", "INSERT INTO beds VALUES (1, 1)"):
        ada.execute(sql)
    with pytest.raises(Refused, match="ada changed something and did not end"):
        database.make_slot("cache")
    ada.execute("COMMIT")
    assert database.make_slot("cache").peek() == []


def test_a_limit_must_be_above_zero() -> None:
    with pytest.raises(BadParameter, match="slot_keep_bytes = 0"):
        opened(VolatileDisk(), slot_keep_bytes=0)


# ------------------------------------------------------------------------------------------------ any order, any crash
STEPS = st.lists(
    st.tuples(st.sampled_from(["ada", "ben", "cem"]), st.sampled_from(
        ["BEGIN", "COMMIT", "ROLLBACK", "add", "change", "remove", "hear", "half", "checkpoint"]), st.integers(0, 5)),
    min_size=5, max_size=40)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whoever_follows_the_slot_has_the_table(steps: list[tuple[str, str, int]]) -> None:
    database, slot = fresh()
    sessions = {name: database.session(name) for name in ("ada", "ben", "cem")}
    copied: State = {}
    said = {"add": "INSERT INTO beds VALUES ({0}, 9)", "change": "UPDATE beds SET free = free - 1 WHERE id = {0}",
            "remove": "DELETE FROM beds WHERE id = {0}"}  # fmt: skip
    for name, what, key in steps:
        if what in ("hear", "half"):
            applied(copied, slot, confirm=what == "hear")
        elif what == "checkpoint":
            database.checkpoint()
        else:
            try:
                sessions[name].execute(said.get(what, what).format(key))
            except DsysLabError:
                continue  # it waits, or there is no transaction to end
    for session in sessions.values():
        session.close()
    assert applied(copied, slot) == table_of(database)
    assert slot.peek() == []


def workload(database: RelationalDatabase, slot: Slot, copied: State) -> None:
    ada, ben = database.session("ada"), database.session("ben")
    for number in range(3):
        ada.execute("BEGIN")
        ada.execute(f"INSERT INTO beds VALUES ({number}, 5)")
        ben.execute(f"INSERT INTO beds VALUES ({number + 10}, 6)")
        applied(copied, slot)
        ada.execute("UPDATE beds SET free = 4 WHERE id < 5")
        database.checkpoint()
        ada.execute("COMMIT")
        ben.execute("DELETE FROM beds WHERE id = 10")
        applied(copied, slot, confirm=number != 1)


def test_after_a_crash_at_any_step_nothing_is_missed() -> None:
    heard = 0
    for step in range(10_000):
        disk, copied, made = VolatileDisk(power_cut_before=step), State(), False
        try:
            database = opened(disk)
            database.session("maker").execute(CREATE)
            slot = database.make_slot("index")
            made = True
            workload(database, slot, copied)
            break
        except PowerCut:
            disk.crash(chance=Random(step).random)
        if made:
            again = opened(disk)
            assert applied(copied, again.slots.open("index")) == table_of(again), f"the power went before step {step}"
            heard += 1
    assert heard > 30
