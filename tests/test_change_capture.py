"""A follower has each committed change once, whatever stops when; what people do instead loses or repeats."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from dsys_lab.dataflows.change_capture import (
    Beginning,
    ByCommit,
    ById,
    Entry,
    Follower,
    Switch,
    create_outbox,
    diverging,
    ends,
    interleavings,
    put_in,
    slot_and_rows,
)
from dsys_lab.dataflows.change_capture.follower import NOTHING
from dsys_lab.errors import BadParameter, DsysLabError, Misuse, Refused
from dsys_lab.stores.relational import Change, Done, RelationalDatabase, Rows, Session
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import PowerCut, VolatileDisk

CREATE = "CREATE TABLE beds (id integer PRIMARY KEY, free integer NOT NULL)"


class FreeBeds:
    """How many are free, and the ids in the order in which they came: a sum minds repeats, an order minds gaps."""

    def __init__(self) -> None:
        self.free, self.seen = 0, list[int]()

    def apply(self, change: Change) -> None:
        self.free += (change.after or {"free": 0})["free"] - (change.before or {"free": 0})["free"]  # type: ignore[operator]
        self.seen.append((change.after or change.before or {})["id"])  # type: ignore[arg-type]


def database_of(disk: VolatileDisk, **settings: int) -> tuple[RelationalDatabase, Session]:
    database = RelationalDatabase(disk, pool=BufferPool(32), **settings)  # type: ignore[arg-type]
    ada = database.session("ada")
    if "beds" not in database.catalogue.tables:
        ada.execute(CREATE)
    return database, ada


def add(session: Session, *ids: int) -> None:
    assert session.execute(f"INSERT INTO beds VALUES {', '.join(f'({one}, {one + 1})' for one in ids)}") == Done(
        "INSERT", len(ids))


def free_in(database: RelationalDatabase) -> int:
    session = database.session("looks on")
    answer = session.execute("SELECT sum(free) FROM beds")
    session.close()
    assert isinstance(answer, Rows)
    return answer.rows[0][0] or 0  # type: ignore[return-value]


# ------------------------------------------------------------------------------------------------ following
def test_a_follower_has_what_the_tables_have():
    database, ada = database_of(VolatileDisk())
    follower = Follower(VolatileDisk(), FreeBeds, database.make_slot("sum"))
    assert follower.status().state == "new"
    add(ada, 1, 2)
    ada.execute("UPDATE beds SET free = 10 WHERE id = 1")
    ada.execute("DELETE FROM beds WHERE id = 2")
    assert follower.follow() == 3
    assert follower.view.free == free_in(database) == 10
    assert (follower.follow(), follower.status().repeated, follower.status().state) == (0, 0, "following")


def workload(ada: Session, follower: Follower[FreeBeds]) -> None:
    for number in range(0, 9, 3):
        add(ada, number)
        ada.execute("BEGIN")
        add(ada, number + 1)
        follower.follow(1)
        ada.execute(f"UPDATE beds SET free = 7 WHERE id = {number}")
        ada.execute("COMMIT")
        add(ada, number + 2)
        follower.follow()


@pytest.mark.parametrize("whose", ["the database's", "the follower's"])
def test_killed_at_every_step_it_has_every_change_once(whose):
    crashes = 0
    for step in range(10_000):
        disks = {"the database's": VolatileDisk(), "the follower's": VolatileDisk()}
        begun = False
        try:
            database, ada = database_of(disks["the database's"])
            slot, beginning = slot_and_rows(database, "sum", ["beds"])
            disks[whose].power_cut_before = disks[whose].steps + step
            follower = Follower(disks["the follower's"], FreeBeds, slot)
            follower.begin(beginning)
            begun = True
            workload(ada, follower)
            break
        except PowerCut:
            crashes += 1
            disks[whose].crash(chance=Random(step).random)
        disks[whose].power_cut_before = None
        database, ada = database_of(disks["the database's"])
        follower = Follower(disks["the follower's"], FreeBeds, database.slots.open("sum"))
        if follower.position == NOTHING and not begun:
            follower.begin(beginning)
        follower.follow()
        assert follower.view.free == free_in(database), f"before step {step}"
        add(ada, 100)
        follower.follow()
        assert follower.view.seen[-1] == 100
        assert Counter(follower.view.seen)[100] == 1
    assert crashes > 15


def test_without_its_position_a_sum_counts_twice_and_an_index_does_not_mind():
    for remembers, counted in ((True, 2), (False, 4)):
        database, ada = database_of(VolatileDisk())
        slot, disk = database.make_slot("sum"), VolatileDisk()
        add(ada, 1)

        class DiesBeforeIt(type(slot)):  # type: ignore[misc]
            def confirm(self, position: int) -> None:
                raise PowerCut

        dies = DiesBeforeIt(database.slots, "sum")
        with pytest.raises(PowerCut):
            Follower(disk, FreeBeds, dies, remembers=remembers).follow()
        again = Follower(disk, FreeBeds, slot, remembers=remembers)
        again.follow()
        assert again.view.free == counted
        assert set(again.view.seen) == {1}
        assert again.status().repeated == remembers


def test_what_is_confirmed_first_is_lost_by_a_crash():
    for confirms, had in (("after", 2), ("before", 0)):
        database, ada = database_of(VolatileDisk())
        disk = VolatileDisk()
        slot, follower = database.make_slot("sum"), None
        follower = Follower(disk, FreeBeds, slot, confirms=confirms)
        add(ada, 1)
        disk.power_cut_before = disk.steps
        with pytest.raises(PowerCut):
            follower.follow()
        disk.crash(chance=lambda: 0.9)
        disk.power_cut_before = None
        again = Follower(disk, FreeBeds, slot, confirms=confirms)
        again.follow()
        assert again.view.free == had


def test_a_lost_slot_is_told_and_a_new_follower_begins_from_the_tables():
    database, ada = database_of(VolatileDisk(), slot_keep_bytes=60_000)
    follower = Follower(VolatileDisk(), FreeBeds, database.make_slot("sum"))
    add(ada, *range(5))
    follower.follow()
    for number in range(5, 300):
        add(ada, number)
    database.checkpoint()
    before = follower.view.free
    with pytest.raises(Refused, match="slot 'sum' is lost"):
        follower.follow()
    assert (follower.status().state, follower.view.free) == ("lost", before)
    database.slots.drop("sum")
    slot, beginning = slot_and_rows(database, "sum", ["beds"])
    again = Follower(VolatileDisk(), FreeBeds, slot)
    again.begin(beginning)
    add(ada, 1000)
    again.follow()
    assert again.view.free == free_in(database)


# ------------------------------------------------------------------------------------------------ what cannot be taken
class Cautious(FreeBeds):
    """Cannot take a bed of which less than none is free."""

    def apply(self, change: Change) -> None:
        super().apply(change)
        if (change.after or {"free": 0})["free"] < 0:  # type: ignore[operator]
            raise ValueError("less than none")


def stopped() -> tuple[RelationalDatabase, Session, VolatileDisk, Follower[Cautious]]:
    database, ada = database_of(VolatileDisk())
    disk = VolatileDisk()
    follower = Follower(disk, Cautious, database.make_slot("sum"))
    add(ada, 1)
    add(ada, 2, -9)  # the second change of this commit is the one that cannot be taken
    add(ada, 3)
    with pytest.raises(Refused, match=r"cannot take position \d+, insert in beds: ValueError\('less than none'\)"):
        follower.follow()
    return database, ada, disk, follower


def test_what_a_view_cannot_take_stops_it_and_nothing_is_half_done():
    database, _, disk, follower = stopped()
    slot = database.slots.open("sum")
    assert (follower.view.free, follower.view.seen, follower.status().state) == (2, [1], "stopped")
    assert slot.status().confirmed == follower.position < slot.peek(1)[0].position
    again = Follower(disk, Cautious, slot)
    assert (again.view.seen, again.position) == ([1], follower.position)
    with pytest.raises(Refused, match="set_aside"):
        again.follow()
    mended = Follower(disk, FreeBeds, slot)
    assert mended.follow() == 2
    assert mended.view.free == free_in(database)


def test_what_is_set_aside_is_set_aside_whole_and_for_good_wherever_it_is_killed():
    for step in range(10):
        database, _, disk, follower = stopped()
        slot, before = database.slots.open("sum"), follower.position
        poison = slot.peek(1)[0].position
        disk.power_cut_before = disk.steps + step
        try:
            assert follower.set_aside() == poison
        except PowerCut:
            disk.crash(chance=Random(step).random)
            disk.power_cut_before = None
            follower = Follower(disk, Cautious, slot)
            if follower.position == before:
                with pytest.raises(Refused):
                    follower.follow()
                follower.set_aside()
        disk.power_cut_before = None
        follower.follow()
        again = Follower(disk, Cautious, slot)
        assert follower.view.seen == again.view.seen == [1, 3]
        assert follower.aside == again.aside == [poison]
        assert (again.status().aside, again.status().state, again.follow()) == (1, "following", 0)
    with pytest.raises(Misuse, match="has not stopped"):
        again.set_aside()


def test_rows_that_cannot_be_taken_begin_nothing_and_leave_nothing_to_set_aside():
    database, ada = database_of(VolatileDisk())
    add(ada, 1)
    add(ada, 2, -9)
    slot, beginning = slot_and_rows(database, "sum", ["beds"])
    follower = Follower(VolatileDisk(), Cautious, slot)
    with pytest.raises(Refused, match=r"open the follower again$"):
        follower.begin(beginning)
    assert (follower.view.seen, follower.status().state) == ([], "new")
    with pytest.raises(Misuse, match="nothing to set aside"):
        follower.set_aside()


@pytest.mark.parametrize("act", ["append", "sync"])
def test_what_was_not_written_down_is_not_applied_and_never_confirmed(act, monkeypatch):
    database, ada = database_of(VolatileDisk())
    disk, slot = VolatileDisk(), database.make_slot("sum")
    follower = Follower(disk, FreeBeds, slot)
    add(ada, 1)
    follower.follow()
    add(ada, 2)

    def fails(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(disk, act, fails)
        with pytest.raises(DsysLabError, match="no space"):
            follower.follow()
    with pytest.raises(Refused):
        follower.follow()
    assert (follower.view.seen, len(slot.peek())) == ([1], 1)
    disk.crash(chance=lambda: 0.9)
    again = Follower(disk, FreeBeds, slot)
    again.follow()
    assert again.view.seen == [1, 2]


# ------------------------------------------------------------------------------------------------ the beginning
def test_a_slot_and_the_tables_of_one_moment_meet_exactly():
    database, ada = database_of(VolatileDisk())
    add(ada, 1, 2)
    slot, beginning = slot_and_rows(database, "sum", ["beds"])
    add(ada, 3)
    follower = Follower(VolatileDisk(), FreeBeds, slot)
    follower.begin(beginning)
    follower.follow()
    assert follower.view.free == free_in(database)
    assert sorted(follower.view.seen) == [1, 2, 3]


def test_tables_taken_after_the_slot_are_exact_by_their_position():
    database, ada = database_of(VolatileDisk())
    slot = database.make_slot("sum")
    add(ada, 1)
    at = slot.peek()[-1].position
    follower = Follower(VolatileDisk(), FreeBeds, slot)
    follower.begin(Beginning(at, {"beds": [{"id": 1, "free": 2}]}))
    add(ada, 2)
    follower.follow()
    assert (follower.view.free, follower.status().repeated) == (5, 1)


def test_a_slot_made_after_the_tables_were_taken_is_refused_and_unlooked_at_leaves_a_gap():
    database, ada = database_of(VolatileDisk())
    add(ada, 1)
    first, beginning = slot_and_rows(database, "first", ["beds"])
    add(ada, 2)
    late = database.make_slot("late")
    add(ada, 3)
    with pytest.raises(Refused, match="make the slot first"):
        Follower(VolatileDisk(), FreeBeds, late).begin(beginning)
    trusting = Follower(VolatileDisk(), FreeBeds, late, remembers=False)
    trusting.begin(beginning)
    trusting.follow()
    assert trusting.view.seen == [1, 3]
    assert first.status().confirmed < late.status().confirmed


def test_misuse_is_told():
    database, _ = database_of(VolatileDisk())
    slot, beginning = slot_and_rows(database, "sum", ["beds"])
    with pytest.raises(BadParameter, match="confirms = 'never'"):
        Follower(VolatileDisk(), FreeBeds, slot, confirms="never")
    with pytest.raises(BadParameter, match="no table nights"):
        slot_and_rows(database, "other", ["nights"])
    assert database.slots.names == ("sum",)
    follower = Follower(VolatileDisk(), FreeBeds, slot)
    follower.begin(beginning)
    with pytest.raises(Misuse, match="on an empty disk"):
        follower.begin(beginning)


# ------------------------------------------------------------------------------------------------ a view is replaced
def test_a_view_is_swapped_when_the_new_one_has_seen_as_much():
    database, ada = database_of(VolatileDisk())
    add(ada, 1)
    old_slot, beginning = slot_and_rows(database, "v1", ["beds"])
    shown = Switch(Follower(VolatileDisk(), FreeBeds, old_slot))
    shown.current.begin(beginning)
    slot, beginning = slot_and_rows(database, "v2", ["beds"])
    coming = Follower(VolatileDisk(), FreeBeds, slot)
    with pytest.raises(Misuse, match="no view is being rebuilt"):
        shown.swap()
    shown.rebuild(coming)
    with pytest.raises(Misuse, match="is being rebuilt"):
        shown.rebuild(coming)
    coming.begin(beginning)
    add(ada, 2)
    shown.current.follow()
    with pytest.raises(Refused, match="let it follow first"):
        shown.swap()
    assert shown.view.free == 5
    coming.follow()
    old = shown.swap()
    assert shown.current is coming
    assert old is not coming
    assert shown.coming is None
    shown.rebuild(old)
    shown.give_up()
    assert shown.coming is None


# -------------------------------------------------------------------------------------------- what people do instead
def test_of_the_orders_of_two_writers_those_diverge_in_which_each_is_last_once():
    orders = interleavings(("ada", "ben"))
    said = {" ".join(f"{who}-{where}" for who, where in order) for order in diverging(orders)}
    assert said == {"ada-table ben-table ben-copy ada-copy", "ben-table ada-table ada-copy ben-copy"}
    assert ends(orders[0]) == {"table": "ben", "copy": "ben"}


@pytest.mark.parametrize("writers", [(), ("ada", "ada")])
def test_writers_are_named_once(writers):
    with pytest.raises(BadParameter, match="each once"):
        interleavings(writers)


def test_by_id_misses_what_commits_late_and_by_commit_does_not():
    database, ada = database_of(VolatileDisk())
    ben, reader = database.session("ben"), database.session("reader")
    create_outbox(ada)
    by_id, by_commit = ById(reader), ByCommit(database.make_slot("outbox"))
    ada.execute("BEGIN")
    put_in(ada, Entry(7, "ada's"))
    put_in(ben, Entry(8, "ben's; it says 'well'"))
    assert by_id.poll() == by_commit.poll() == [Entry(8, "ben's; it says 'well'")]
    by_commit.sent()
    ada.execute("COMMIT")
    put_in(ben, Entry(9, ""))
    assert by_id.poll() == [Entry(9, "")]
    assert by_commit.poll() == [Entry(7, "ada's"), Entry(9, "")]
    assert by_commit.poll() == [Entry(7, "ada's"), Entry(9, "")], "until it is said to be sent"


def test_the_outbox_tells_what_goes_wrong():
    _, ada = database_of(VolatileDisk())
    with pytest.raises(DsysLabError, match="no table outbox"):
        ById(ada).poll()
    create_outbox(ada)
    put_in(ada, Entry(1, "once"))
    with pytest.raises(Misuse, match="not written"):
        put_in(ada, Entry(1, "twice"))
    assert ById(ada).poll() == [Entry(1, "once")]
