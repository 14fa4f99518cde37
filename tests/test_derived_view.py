"""A derived view is what a rebuild would make of it, and every row that it touches is counted."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.change_capture import Follower
from dsys_lab.dataflows.derived_view import Counts, Extremes, Latest, Words
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.stores.relational import Change, RelationalDatabase
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Counters, Trace

CITIES = ("Oslo", "Lima", None)
VIEWS = {
    "latest": lambda: Latest("nights"),
    "counts": lambda: Counts("nights", by="city", of="hours"),
    "extremes": lambda: Extremes("nights", by="city", of="hours"),
    "words": lambda: Words("nights", of="note"),
}


def night(number, city="Oslo", hours=7.5, note=""):
    return {"id": number, "city": city, "hours": hours, "note": note}


ROWS = st.builds(
    night, st.integers(0, 5), st.sampled_from(CITIES), st.sampled_from([None, 0.1, 0.2, 0.3, 7, 8.25]),
    st.sampled_from(["", "Warm bed", "cold bed, warm tea", None]),
)  # fmt: skip


def changes_of(wishes):
    """Turn rows into changes of a table in which each either comes, changes, or goes."""
    table, changes = {}, []
    for row, goes in wishes:
        before = table.get(row["id"])
        after = None if goes else row
        if before != after:
            changes.append(Change("nights", before, after))
        if goes:
            table.pop(row["id"], None)
        else:
            table[row["id"]] = row
    return table, changes


def plainly(name, rows):
    """The answers by their definition."""
    if name == "latest":
        return {row["id"]: row for row in rows}
    if name == "words":
        found = {}
        for row in rows:
            for word in (row["note"] or "").replace(",", "").lower().split():
                found.setdefault(word, set()).add(row["id"])
        return {word: sorted(keys) for word, keys in found.items()}
    answers = {}
    for city in {row["city"] for row in rows}:
        group = [row["hours"] for row in rows if row["city"] == city]
        there = [Fraction(value) for value in group if value is not None]
        if name == "extremes":
            values = [value for value in group if value is not None]
            answers[city] = {"min": min(values, default=None), "max": max(values, default=None)}
        else:
            answers[city] = {"count": len(group), "sum": float(sum(there)) if there else None,
                             "avg": float(sum(there) / len(there)) if there else None}  # fmt: skip
    return answers


def test_a_sum_of_whole_numbers_is_whole_whatever_was_in_the_group_before():
    rows = [night(0, hours=7), night(1, hours=0.1), night(1, hours=None), night(0, hours=7.0)]
    view, seen, table = Counts("nights", by="city", of="hours"), [], {}
    for position, row in enumerate(rows, 1):
        view.apply(Change("nights", table.get(row["id"]), row), position)
        table[row["id"]] = row
        seen.append(view.state()["Oslo"]["sum"])
    assert list(map(repr, seen)) == ["7", "7.1", "7", "7.0"]


@pytest.mark.parametrize("name", VIEWS)
@settings(max_examples=15, deadline=None)
@given(wishes=st.lists(st.tuples(ROWS, st.booleans()), max_size=16))
def test_taking_in_changes_comes_to_what_a_rebuild_comes_to(name, wishes):
    table, changes = changes_of(wishes)
    followed, rebuilt = VIEWS[name](), VIEWS[name]()
    for position, change in enumerate(changes, 1):
        followed.apply(change, position)
    rebuilt.rebuild(table.values(), len(changes))
    assert followed.state() == rebuilt.state() == plainly(name, table.values())
    assert followed.digest() == rebuilt.digest()
    assert followed.position == rebuilt.position == len(changes)


@settings(max_examples=15, deadline=None)
@given(wishes=st.lists(st.tuples(ROWS, st.booleans()), max_size=12), data=st.data())
def test_by_position_any_order_and_any_repeats_are_right(wishes, data):
    table, changes = changes_of(wishes)
    numbered = list(enumerate(changes, 1))
    told = data.draw(st.permutations(numbered + numbered[: data.draw(st.integers(0, len(numbered)))]))
    copy = Latest("nights")
    for position, change in told:
        copy.apply(change, position)
    assert copy.state() == table


def test_by_arrival_an_old_change_that_comes_late_stays_for_ever():
    older, newer = Change("nights", None, night(1, hours=6)), Change("nights", night(1, hours=6), night(1, hours=8))
    right, wrong = Latest("nights"), Latest("nights", order="arrival")
    for view in (right, wrong):
        view.apply(newer, 9)
        view.apply(older, 5)
    assert right.state()[1]["hours"] == 8
    assert wrong.state()[1]["hours"] == 6
    assert right.digest() != wrong.digest()
    assert (right.status().passed_over, wrong.status().passed_over) == (1, 0)


def test_a_row_that_went_is_not_brought_back_by_an_old_change():
    copy = Latest("nights")
    copy.apply(Change("nights", night(1), None), 9)
    copy.apply(Change("nights", None, night(1)), 5)
    assert copy.state() == {}
    assert copy.position_of(1) == 9


def test_a_change_of_the_key_moves_the_row():
    copy, index = Latest("nights"), Words("nights", of="note")
    for view in (copy, index):
        view.apply(Change("nights", None, night(1, note="bed")), 1)
        view.apply(Change("nights", night(1, note="bed"), night(2, note="bed")), 2)
    assert list(copy.state()) == [2]
    assert index.search("BED") == [2]


def test_a_search_wants_every_word():
    index = Words("nights", of="note")
    for number, note in enumerate(("warm bed", "cold bed", "Warm, warm tea")):
        index.apply(Change("nights", None, night(number, note=note)), number)
    assert index.search("warm") == [0, 2]
    assert index.search("warm bed") == [0]
    assert index.search("warm sofa") == index.search("") == []


def test_a_change_reads_one_row_and_a_rebuild_reads_them_all():
    rows = [night(number, CITIES[number % 2]) for number in range(1000)]
    view = Counts("nights", by="city", of="hours")
    view.rebuild(rows, 1)
    assert (view.status().read_rows, view.status().written_rows) == (1000, 1000)
    view.apply(Change("nights", rows[0], rows[0] | {"hours": 8.0}), 2)
    assert (view.status().read_rows, view.status().written_rows) == (1001, 1001)
    view.apply(Change("nights", rows[2], rows[2] | {"city": "Lima"}), 3)
    assert view.status().written_rows == 1003, "the group that it leaves, and the one that it joins"
    view.apply(Change("nights", rows[4], rows[4] | {"note": "nothing to this view"}), 4)
    assert (view.status().read_rows, view.status().written_rows) == (1003, 1003)


@pytest.mark.parametrize("name", VIEWS)
def test_a_rebuild_that_fails_half_way_leaves_an_empty_view_that_says_so(name):
    view = VIEWS[name]()
    view.rebuild([night(1)], 4)
    with pytest.raises(BadParameter, match="no column"):
        view.rebuild([night(1, note="warm"), {"oops": 1}], 9)
    assert (view.state(), view.status().position) == ({}, 0)
    view.rebuild([night(1)], 4)
    for position in (-1, 1.0, True, None):
        with pytest.raises(BadParameter, match="position"):
            view.rebuild([], position)
    assert view.status().position == 4, "nothing was forgotten"


def test_whoever_takes_the_extreme_away_makes_the_view_look_again():
    rows = [night(number, "Oslo", hours=number) for number in range(100)]
    view = Extremes("nights", by="city", of="hours")
    view.rebuild(rows, 1)
    before = view.status().read_rows
    view.apply(Change("nights", rows[50], None), 2)
    assert (view.recomputed, view.status().read_rows) == (0, before + 1)
    view.apply(Change("nights", rows[99], None), 3)
    assert (view.recomputed, view.status().read_rows) == (1, before + 2 + 98)
    view.apply(Change("nights", rows[98], rows[98] | {"hours": 200}), 4)
    assert view.recomputed == 1, "what came is more extreme than what went"
    assert view.state() == {"Oslo": {"min": 0, "max": 200}}


def test_a_text_costs_the_words_that_come_or_go():
    index = Words("nights", of="note")
    index.apply(Change("nights", None, night(1, note="warm bed and warm tea")), 1)
    assert index.status().written_rows == 4
    index.apply(Change("nights", night(1, note="warm bed and warm tea"), night(1, note="warm bed and cold tea")), 2)
    assert index.status().written_rows == 5


def test_the_trace_adds_up_to_the_counters_and_silence_changes_nothing():
    rows = [night(number, CITIES[number % 2], hours=number) for number in range(10)]
    views = [Extremes("nights", by="city", of="hours", recorder=recorder) for recorder in (Trace(), Counters())]
    views.append(Extremes("nights", by="city", of="hours"))
    for view in views:
        view.rebuild(rows, 1, now_us=5)
        for row in rows:
            view.apply(Change("nights", row, None), 2, now_us=7)
        view.apply(Change("beds", None, {}), 3, now_us=9)
    status = {view.status() for view in views}
    assert len(status) == 1
    trace, counters = views[0]._recorder, views[1]._recorder
    assert trace.counters() == counters
    assert counters.sum("apply", "read_rows") + counters.sum("rebuild", "read_rows") == status.pop().read_rows
    assert views[2].position == 2, "another table's change is none of its business"


def test_a_slot_of_the_models_log_keeps_a_view():
    with RelationalDatabase(VolatileDisk()) as database:
        session = database.session("ada")
        session.execute("CREATE TABLE nights (id integer PRIMARY KEY, city text, hours double precision, note text)")
        slot, views = database.make_slot("views"), [make() for make in VIEWS.values()]
        for sql in ("INSERT INTO nights VALUES (1, 'Oslo', 7.5, 'warm bed'), (2, 'Lima', 6.25, NULL)",
                    "UPDATE nights SET hours = 8.0 WHERE id = 2", "DELETE FROM nights WHERE id = 1"):  # fmt: skip
            session.execute(sql)
        for commit in slot.peek():
            for change in commit.changes:
                for view in views:
                    view.apply(change, commit.position)
        session.close()
    row = night(2, "Lima", 8.0, None)
    assert [view.state() for view in views] == [plainly(name, [row]) for name in VIEWS]


@pytest.mark.parametrize("name", VIEWS)
def test_a_follower_keeps_a_view_through_a_restart(name):
    with RelationalDatabase(VolatileDisk()) as database:
        session, disk = database.session("ada"), VolatileDisk()
        session.execute("CREATE TABLE nights (id integer PRIMARY KEY, city text, hours double precision, note text)")
        slot = database.make_slot("view")
        follower = Follower(disk, VIEWS[name], slot)
        session.execute("INSERT INTO nights VALUES (1, 'Oslo', 7.5, 'warm bed'), (2, 'Lima', 6.25, NULL)")
        follower.follow()
        session.execute("UPDATE nights SET id = 3 WHERE id = 1")
        opened = Follower(disk, VIEWS[name], slot)
        assert opened.view.state() == follower.view.state()
        opened.follow()
        session.close()
    assert opened.view.state() == plainly(name, [night(3, "Oslo", 7.5, "warm bed"), night(2, "Lima", 6.25, None)])


@pytest.mark.parametrize("name", ["counts", "extremes", "words"])
def test_a_row_that_goes_twice_is_refused_and_nothing_is_changed(name):
    view = VIEWS[name]()
    view.apply(Change("nights", None, night(1, note="bed")), 1)
    view.apply(Change("nights", night(1, note="bed"), None), 2)
    with pytest.raises(Misuse, match="goes, and is not there: a change was skipped, or told twice"):
        view.apply(Change("nights", night(1, note="bed"), None), 2)
    assert view.state() == {}


@pytest.mark.parametrize("name", ["extremes", "words"])
def test_a_row_that_comes_twice_is_refused(name):
    view = VIEWS[name]()
    view.apply(Change("nights", None, night(1, note="bed")), 1)
    with pytest.raises(Misuse, match="comes, and is there"):
        view.apply(Change("nights", None, night(1, note="bed")), 1)


def test_a_sum_that_hears_a_change_twice_is_wrong_and_cannot_know():
    view, right = VIEWS["counts"](), VIEWS["latest"]()
    for one in (view, right):
        one.apply(Change("nights", None, night(1)), 1)
        one.apply(Change("nights", None, night(1)), 1)
    assert view.state()["Oslo"]["count"] == 2
    assert len(right.state()) == 1


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda: Latest("nights", order="time"), "give one of position, arrival"),
    (lambda: Latest("nights").apply(Change("nights", None, {"key": 1}), 1), "has no column 'id'; it has key"),
    (lambda: Latest("nights").apply(Change("nights", None, night(1)), -1), "position = -1"),
    (lambda: Latest("nights").apply(Change("nights", None, night(1)), True), "position = True"),
    (lambda: Counts("nights", by="town", of="hours").apply(Change("nights", None, night(1)), 1), "no column 'town'"),
    (lambda: Counts("nights", by="city", of="note").apply(Change("nights", None, night(1)), 1), "give a number"),
    (lambda: Counts("nights", by="city", of="hours").apply(Change("nights", None, night(1, hours=float("nan"))), 1),
     "give a number"),
    (lambda: Words("nights", of="hours").apply(Change("nights", None, night(1)), 1), "give a text"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong()
