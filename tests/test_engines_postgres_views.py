"""PostgreSQL keeps a sum by groups as the model does: all of it again, or each change once. Its own counts say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsys_lab.dataflows.derived_view import Counts, Extremes, Latest, View, Words
from dsys_lab.engines.postgres import (
    LogicalConnection,
    PostgresDatabase,
    indexed,
    kept_views,
    make_slot,
)
from dsys_lab.engines.postgres.kept_views import WAYS, even_at, make_view, rows_a_question
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.relational import Change

CITIES = ("Oslo", "Lima", "Cairo")
NIGHTS = [{"id": number, "city": CITIES[number % 3], "minutes": 300 + number % 200} for number in range(600)]
CHANGES = [
    *(Change("nights", NIGHTS[number], NIGHTS[number] | {"minutes": 100}) for number in range(0, 30, 3)),
    Change("nights", NIGHTS[100], NIGHTS[100] | {"city": "Quito"}),
    Change("nights", NIGHTS[200], None),
    Change("nights", None, {"id": 999, "city": "Turku", "minutes": 480}),
    Change("nights", {"id": 999, "city": "Turku", "minutes": 480}, None),
]


@pytest.fixture(scope="module")
def database(postgres) -> Iterator[PostgresDatabase]:
    with PostgresDatabase(postgres) as found:
        yield found


@pytest.fixture(scope="module")
def found(database):
    return {one.way: one for one in kept_views(database, NIGHTS, CHANGES)}


@pytest.fixture(scope="module")
def model():
    """The same by the model: rebuilt, and kept up."""
    rebuilt, kept = Counts("nights", by="city", of="minutes"), Counts("nights", by="city", of="minutes")
    table = {night["id"]: night for night in NIGHTS}
    kept.rebuild(NIGHTS, 0)
    before = kept.status()
    for position, change in enumerate(CHANGES, 1):
        kept.apply(change, position)
        if change.before:
            del table[change.before["id"]]
        if change.after:
            table[change.after["id"]] = change.after
    rebuilt.rebuild(table.values(), len(CHANGES))
    return rebuilt, kept, kept.status().written_rows - before.written_rows


def test_all_four_come_to_what_the_model_comes_to(found, model):
    truth = {city: {"count": group["count"], "sum": group["sum"]} for city, group in model[1].state().items()}
    assert {way: one.groups for way, one in found.items()} == dict.fromkeys(found, truth)
    assert model[0].digest() == model[1].digest()


def test_a_refresh_reads_every_night_as_a_rebuild_does(found, model):
    assert found["refresh"].read_rows == found["concurrently"].read_rows == model[0].status().read_rows == 599
    assert found["trigger"].read_rows == found["query"].read_rows == 0


def test_a_trigger_writes_the_groups_of_each_change_and_a_refresh_those_that_there_are(found, model):
    moved_within_a_group = 10  # the model writes such a group once, the trigger takes out and puts in
    assert found["trigger"].written_rows == model[2] + moved_within_a_group
    assert found["refresh"].written_rows == len(model[1].state()) == 4
    assert found["concurrently"].written_rows == 3 * 2 + 1, "three groups differ and go and come, one is new"
    assert found["query"].written_rows == 0


def test_a_question_carries_its_share_of_keeping_and_the_trigger_is_even_with_the_query_somewhere(found):
    assert {one.changes for one in found.values()} == {len(CHANGES)}
    refresh, trigger, query = found["refresh"], found["trigger"], found["query"]
    assert refresh.rows_a_question() == refresh.read_rows + refresh.written_rows + refresh.asked_rows
    assert refresh.rows_a_question(100) == pytest.approx(6.03 + refresh.asked_rows)
    told = rows_a_question({14: found.values()}, 10)
    assert told["query"] == [(14, 599.0)]
    each = trigger.written_rows / len(CHANGES)
    assert trigger.asked_rows + even_at(found.values()) * each == pytest.approx(query.asked_rows)
    with pytest.raises(BadParameter, match="questions"):
        refresh.rows_a_question(0)


def test_a_group_that_is_empty_stays_in_the_triggers_table_and_not_in_the_answer(found, database):
    assert "Turku" not in found["trigger"].groups
    [none, *_] = kept_views(database, NIGHTS[:3], [])
    assert none.rows_a_question() == 3
    with pytest.raises(BadParameter, match="no change was told"):
        even_at(kept_views(database, NIGHTS[:3], []))


def test_only_who_must_be_refreshed_was_old(found):
    assert {way: one.was_old for way, one in found.items()} == {
        "query": False, "refresh": True, "concurrently": True, "trigger": False,
    }  # fmt: skip


def test_a_question_to_the_view_touches_a_handful_and_one_to_the_table_all(found):
    assert found["query"].asked_rows == 599
    assert found["query"].asked_pages >= 4
    for way in ("refresh", "concurrently", "trigger"):
        assert found[way].asked_rows <= 5
        assert 1 <= found[way].asked_pages < found["query"].asked_pages


def test_a_view_that_is_made_answers_as_the_table_and_a_change_moves_only_what_is_kept_up(postgres):
    told = {}
    for way in WAYS:
        with PostgresDatabase(postgres) as database:
            asked = make_view(database, way, NIGHTS)
            before = sorted(database.run(asked))
            database.run("DELETE FROM nights WHERE id < 300")
            told[way] = before, len(before), sorted(database.run(asked)) == before
            with pytest.raises(Refused):
                make_view(database, way, NIGHTS)
    assert {way: same for way, (_, _, same) in told.items()} == {
        "query": False, "refresh": True, "concurrently": True, "trigger": False,
    }  # fmt: skip
    assert all(one[:2] == told["query"][:2] for one in told.values())


@pytest.mark.parametrize(("way", "nights"), [("index", NIGHTS), ("query", [{"id": 1}])])
def test_a_view_without_sense_is_not_made(database, way, nights):
    with pytest.raises(BadParameter):
        make_view(database, way, nights)


def test_nothing_is_left_and_what_cannot_be_meant_is_refused(database, found):
    left = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace", (database.schema,)
    assert database.run(*left) == []
    with pytest.raises(BadParameter, match="give nights with id, city and minutes"):
        kept_views(database, [{"id": 1}], [])
    with pytest.raises(Refused):
        kept_views(database, NIGHTS[:2], [Change("nights", None, NIGHTS[0])])
    assert database.run(*left) == []


THERE = {"nights": "CREATE TABLE nights (id integer)", "by_city": "CREATE MATERIALIZED VIEW by_city AS SELECT 1 AS one",
         "keep_by_city": "CREATE FUNCTION keep_by_city() RETURNS integer LANGUAGE sql RETURN 7"}  # fmt: skip


@pytest.mark.parametrize("name", THERE)
def test_what_somebody_else_has_made_is_left_alone(postgres, name):
    with PostgresDatabase(postgres) as theirs:
        theirs.run(THERE[name])
        with pytest.raises(Refused, match=name):
            kept_views(theirs, NIGHTS[:2], CHANGES[:1])
        left = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind <> 'i'", (theirs.schema,)
        made = "SELECT proname FROM pg_proc WHERE pronamespace = %s::regnamespace", (theirs.schema,)
        assert [*theirs.run(*left), *theirs.run(*made)] == [(name,)]


@pytest.mark.parametrize("wrong", [
    Change("people", NIGHTS[0], NIGHTS[0] | {"minutes": 1}), Change("nights", {"id": 77}, None),
    Change("nights", {"city": "Oslo"}, None), Change("nights", None, {"id": 9, "city": None, "minutes": 1}),
])  # fmt: skip
def test_a_change_of_nothing_that_is_there_is_refused(database, wrong):
    with pytest.raises(BadParameter):
        kept_views(database, NIGHTS[:2], [wrong])


def test_each_index_is_one_more_write_a_row_and_only_one_of_them_is_ever_asked(database):
    none, one, five = indexed(database, 0, 1, 5, rows=500, there=3_000)
    for found in (none, one, five):
        assert found.log_records_a_row == pytest.approx(2 + found.indexes, rel=0.05), "the row, its key, and each index"
    assert none.log_bytes_a_row < one.log_bytes_a_row < five.log_bytes_a_row
    assert five.asked_pages == one.asked_pages < none.asked_pages / 3


@pytest.mark.parametrize("wrong", [lambda it: indexed(it, 21), lambda it: indexed(it, -1), lambda it: indexed(it, 1.5),
                                   lambda it: indexed(it, 1, rows=0)])  # fmt: skip
def test_a_table_without_sense_is_refused(database, wrong):
    with pytest.raises(BadParameter):
        wrong(database)


def test_a_slot_of_postgresql_keeps_every_view_as_its_own_query_says():
    with PostgresDatabase(LogicalConnection.shared()) as asked:
        asked.run("CREATE TABLE nights (id integer PRIMARY KEY, city text, hours double precision, note text)")
        slot = make_slot(asked, "views")
        views: list[View] = [Latest("nights"), Counts("nights", by="city", of="hours"),
                             Extremes("nights", by="city", of="hours"), Words("nights", of="note")]  # fmt: skip
        for sql in ("INSERT INTO nights VALUES (1, 'Oslo', 7.5, 'warm bed'), (2, NULL, 0.1, NULL)",
                    "INSERT INTO nights VALUES (3, 'Oslo', 8.25, 'Bed')",
                    "UPDATE nights SET hours = 0.3, city = 'Oslo' WHERE id = 2",
                    "UPDATE nights SET id = 4 WHERE id = 1",
                    "DELETE FROM nights WHERE id = 3", "INSERT INTO nights VALUES (5, 'Lima', NULL, '')"):  # fmt: skip
            asked.run(sql)
        for commit in slot.peek():
            for change in commit.changes:
                for view in views:
                    view.apply(change, commit.position)
        replica, sums, extremes, words = (view.state() for view in views)
        rows = asked.run("SELECT id, city, hours, note FROM nights ORDER BY id")
        assert [tuple(replica[key].values()) for key in sorted(replica)] == rows
        told = asked.run("SELECT city, count(*), sum(hours), min(hours), max(hours) FROM nights GROUP BY city")
        kept = {city: (one["count"], one["sum"], *extremes[city].values()) for city, one in sums.items()}
        assert kept == {city: tuple(rest) for city, *rest in told}
        assert words == {"warm": [4], "bed": [4]}
        slot.drop()
    LogicalConnection.shared().close()
