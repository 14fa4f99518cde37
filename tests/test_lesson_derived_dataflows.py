"""What the shelf shows, over many lucks: after dual writes index and table end apart, by the log never."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import pytest

from dsys_lab.engines.postgres import LogicalConnection, PostgresDatabase, PostgresSlot, make_slot, slot_and_rows
from dsys_lab.errors import BadParameter
from dsys_lab.laws import inverted_share, missed_by_id_share, unseen_share
from dsys_lab.lessons.exercises.derived_dataflows import poll
from dsys_lab.scenarios.derived_dataflows import (
    capture,
    counts,
    lagging,
    outbox,
    own_reads,
    rebuilding,
    shelf,
    sides,
    told,
)
from dsys_lab.scenarios.derived_dataflows.machines import INDEX, TOTAL
from dsys_lab.scenarios.derived_dataflows.outbox import Walked, made, missed_by_id, puttings, walked
from dsys_lab.stores.relational import RelationalDatabase
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import lamps

SEEDS = range(3)
AT_THE_SEAM = {"do": "crash", "target": "ada", "on": {"kind": "answered", "place": "ada"}, "nth": 3, "lasts_s": 2}


@pytest.fixture(scope="module")
def postgres_side() -> Iterator[sides.Side]:
    """PostgreSQL with sales in it, whose log can be followed."""
    with PostgresDatabase(LogicalConnection.shared()) as database:
        yield sides.Side(database, partial(slot_and_rows, database), PostgresSlot.drop)
    LogicalConnection.shared().close()


@pytest.mark.parametrize(("rate", "delay_s"), [(2.0, 0.5)])
def test_of_dual_writes_as_many_pairs_are_turned_as_the_law_says(rate, delay_s):
    found = [counts.inverted("dual write", rate=rate, delay_s=delay_s, seed=seed) for seed in SEEDS]
    pairs, turned = sum(one.pairs for one in found), sum(one.inverted for one in found)
    law = inverted_share(rate, delay_s)
    assert turned / pairs == pytest.approx(law, abs=3 * math.sqrt(law * (1 - law) / pairs))
    assert pairs > 600


def test_the_numbers_of_the_law():
    assert inverted_share(1, 0.1) == pytest.approx(0.0455, abs=5e-5)
    assert inverted_share(10, 0.1) == 0.25
    assert inverted_share(10, 0) == 0
    with pytest.raises(BadParameter, match="rate = -1"):
        inverted_share(-1, 0.1)


def test_after_dual_writes_the_index_differs_for_good_and_nobody_is_told():
    runs = [shelf(seed=seed) for seed in SEEDS]
    assert sum(counts.differing(run) for run in runs) > 0
    assert sum(len(run.of("differs")) for run in runs) > sum(len(run.of("agrees")) for run in runs)
    assert not any(run.of("publish_fail") for run in runs), "no error anywhere"
    assert [lamp.held for lamp in lamps(runs[0]) if lamp.name == "conservation"] == [True]


@pytest.mark.parametrize("fault", [
    None, {"do": "crash", "target": "index", "at_s": 5, "lasts_s": 4},
    {"do": "crash", "target": "feed", "at_s": 5, "lasts_s": 4},
    {"do": "split", "target": "index", "at_s": 4, "lasts_s": 7}, {"do": "duplicate", "target": "a3", "at_s": 0},
])  # fmt: skip
def test_by_the_log_it_never_differs_whatever_happens(fault):
    for seed in SEEDS[:1]:
        run = shelf(seed=seed, way="by the log", faults=[fault] if fault else [])
        assert counts.differing(run) == 0
        assert counts.pairs(run).inverted == 0
        assert all(lamp.held for lamp in lamps(run))


def test_a_clerk_who_crashes_between_the_two_writes_leaves_a_key_that_differs():
    differ = [len(shelf(seed=seed, delay_s=0.0, faults=[AT_THE_SEAM]).of("differs")) for seed in SEEDS]
    run = shelf(delay_s=0.0, faults=[AT_THE_SEAM])
    begun, ended = run.of("differs")[0], run.of("agrees")[0]
    assert counts.wrong_for_s(run) == (ended.time_us - begun.time_us) / 1e6 > 0
    assert not run.of("publish_fail"), "the text says that nobody saw an error"
    assert sum(differ) == len(SEEDS), "without the crash nothing is turned about, for nothing overtakes"
    whole = shelf(seed=0, delay_s=0.0)
    assert not whole.of("differs")
    assert counts.wrong_for_s(whole) == 0


def test_a_price_is_wrong_after_a_crash_until_another_clerk_changes_it():
    for prices, mean_s, error in counts.wrong_after_crash_s(1, 4, runs=40):
        assert mean_s == pytest.approx(prices / 2, abs=3 * error), "the page's n/r, with two changes a second"


def test_an_answer_that_comes_twice_makes_no_clerk_tell_twice():
    run = shelf(faults=[{"do": "duplicate", "target": "a3", "at_s": 0}])
    assert len(run.of("written", message="a3")) == 3, "twice in the table, once in the index"
    assert [lamp.held for lamp in lamps(run) if lamp.name == "conservation"] == [True]


def test_an_index_that_is_down_misses_what_it_was_told_then():
    down = {"do": "crash", "target": "index", "at_s": 5, "lasts_s": 10}
    runs = [shelf(seed=seed, delay_s=0.05, faults=[down]) for seed in SEEDS]
    assert all(run.of("publish_fail") for run in runs), "the clerks notice, and can do nothing about it"
    assert any(run.of("differs") for run in runs)


def test_a_feed_that_is_away_holds_the_log_back():
    away = {"do": "crash", "target": "feed", "at_s": 5, "lasts_s": 10}
    held = [row.fields["value"] for row in shelf(way="by the log", faults=[away]).of("gauge", place="feed")]
    longest = max(held)
    assert longest > 5 * held[0]


@pytest.mark.parametrize(("params", "told"), [
    ({"way": "by heart"}, "way = 'by heart'"), ({"keys": 0}, "keys = 0"), ({"keys": 9}, "give at most 8"),
    ({"rate": 0.0}, "rate = 0"), ({"delay_s": -1.0}, "delay_s = -1"), ({"poll_s": 0.0}, "poll_s"),
])  # fmt: skip
def test_what_is_no_shelf_is_refused(params, told):
    with pytest.raises(BadParameter, match=told):
        shelf(**params)


# ------------------------------------------------------------------------------------------ the outbox
@pytest.mark.parametrize(("transaction_s", "poll_s"), [(0.01, 0.01), (0.01, 0.1), (0.05, 0.1), (0.05, 1.0)])
def test_by_id_as_many_are_missed_as_the_law_says(transaction_s, poll_s):
    shares = []
    for seed in range(8):
        transactions = puttings(100, transaction_s, 30, seed)
        shares.append(len(missed_by_id(transactions, poll_s)) / len(transactions))
    law = missed_by_id_share(100, transaction_s, poll_s)
    assert fmean(shares) == pytest.approx(law, abs=3 * stdev(shares) / math.sqrt(len(shares)))


def test_the_numbers_of_the_outbox_law():
    assert [missed_by_id_share(100, 0.01, poll_s) for poll_s in (1, 0.1, 0.01)] == pytest.approx(
        [0.0028, 0.0282, 0.178], abs=5e-4)  # fmt: skip
    assert missed_by_id_share(0, 1, 1) == pytest.approx(0, abs=1e-12), "with nobody else there is nothing to pass by"
    with pytest.raises(BadParameter, match="poll_s = 0"):
        missed_by_id_share(1, 1, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outbox_by_id_misses_and_by_commit_does_not(seed):
    by_id, by_commit = outbox(seed=seed), outbox(seed=seed, by="commit")
    missed = {row.message for row in by_id.of("hole")}
    assert missed == {f"m{one}" for one in missed_by_id(puttings(3.0, 0.5, 10.0, seed), 0.5)}
    assert missed
    assert not by_commit.of("hole")
    assert [lamp.held for lamp in lamps(by_commit)] == [True, True]
    assert {lamp.name: lamp.held for lamp in lamps(by_id)} == {"checks hold": False, "conservation": True}


def test_the_same_steps_at_the_model_and_at_postgresql_miss_the_same(postgres_side):
    transactions = puttings(100, 0.02, 0.4)
    ours, theirs = RelationalDatabase(VolatileDisk()), postgres_side.database
    for database in (ours, theirs):
        made(database)
    found = [walked(ours, ours.make_slot("mails"), transactions, 0.02)]
    slot = make_slot(theirs, "mails")
    found.append(walked(theirs, slot, transactions, 0.02))
    slot.drop()
    expected = tuple(sorted(missed_by_id(transactions, 0.02)))
    assert expected
    assert found == [Walked(len(transactions), expected, ())] * 2


def test_the_exercises_answer_holds_at_postgresql(postgres_side):
    database, state, sent = postgres_side.database, None, []
    if database.run("SELECT to_regclass('outbox')") == [(None,)]:
        made(database)
    database.run("DELETE FROM outbox")
    ada, ben = database.session("ada"), database.session("ben")
    for session, sql in (
        (ada, "BEGIN"), (ada, "INSERT INTO outbox VALUES (1, 'a')"), (ben, "INSERT INTO outbox VALUES (2, 'b')"),
        (None, "poll"), (ada, "COMMIT"), (None, "poll"), (ben, "INSERT INTO outbox VALUES (3, 'c')"), (None, "poll"),
    ):  # fmt: skip
        if session:
            session.execute(sql)
            continue
        rows = database.run("SELECT id, xmin::text::bigint FROM outbox")
        ((oldest,),) = database.run("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        new, state = poll(rows, oldest, state)
        sent.append(sorted(new))
    ada.close()
    ben.close()
    assert sent == [[], [1, 2], [3]], "who committed while an older one ran waits for it"


# ------------------------------------------------------------------------------------------ followers
@pytest.mark.parametrize("view", [TOTAL, INDEX])
def test_killed_at_every_step_at_the_model(view):
    found = {way: [one.wrong for one in sides.killed_everywhere(sides.model(), way, view)] for way in sides.WAYS}
    repeats = [0, 0, 1] * 3 if view == TOTAL else [0] * 9
    assert found == {"position, then confirm": [0] * 9, "no position": repeats, "confirm first": [0, -1, -1] * 3}


@pytest.mark.parametrize(("way", "expected"), [
    ("position, then confirm", [0, 0, 0]), ("no position", [0, 0, 1]), ("confirm first", [0, -1, -1]),
])  # fmt: skip
def test_killed_at_every_step_at_postgresql(postgres_side, way, expected):
    assert [one.wrong for one in sides.killed_everywhere(postgres_side, way, commits=1)] == expected


def test_a_commit_that_a_view_cannot_take(postgres_side):
    expected = {"left alone": (0, 21, 0), "set aside": (20, 1, 1), "mended": (20, 0, 0)}
    for side in (sides.model(), postgres_side):
        found = {then: sides.poisoned(side, then) for then in sides.THEN}
        assert {then: one[:3] for then, one in found.items()} == expected
        held = found["left alone"].held_bytes, found["mended"].held_bytes
        assert held[0] >= held[1]
        if side is not postgres_side:  # PostgreSQL lets go of its log by and by, and not at once when it is confirmed
            assert held[0] > held[1]


def test_where_stream_and_table_meet(postgres_side):
    expected = {
        "the stream begins first": (0, 3), "both in one moment": (0, 0), "the tables are taken first": (None, -3),
    }  # fmt: skip
    for side in (sides.model(), postgres_side):
        found = told.meetings(side)
        assert {name: (one.knows, one.does_not_know) for name, one in found.items()} == expected
        assert told.refused(found) == "the tables are taken first"
        marks = [mark for mark, _ in told.met_at(found).values()]
        assert marks == ["done", "again", "done", "done", "skipped", "lost"]


@pytest.mark.parametrize("killed_at", [6, 7, 8])
def test_a_picture_of_the_killed_says_the_same(killed_at):
    right, twice, lost = (
        capture(killed_at=killed_at, seconds=6.0, **how) for how in ({}, {"remembers": False}, {"confirms": "before"})
    )
    assert all(lamp.held for lamp in lamps(right))
    assert len(right.of("crash")) == 2
    index, total = twice.of("check")
    assert index.fields["ok"] is True
    assert total.fields["ok"] is (killed_at != 6), "durable, and not confirmed"
    assert all(row.fields["ok"] is (killed_at == 7) for row in lost.of("check"))


@pytest.mark.parametrize("fault", [
    {"do": "crash", "target": "total", "at_s": 3, "lasts_s": 2},
    {"do": "slow", "target": "index", "at_s": 2, "value": 0.2},
])  # fmt: skip
def test_a_view_that_is_away_or_slow_misses_nothing(fault):
    assert all(lamp.held for lamp in lamps(capture(seconds=6.0, faults=[fault])))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_view_is_swapped_when_it_has_seen_as_much_and_readers_are_told_right_from_then_on(seed):
    run = rebuilding(seed=seed, seconds=14.0)
    begun, done = run.of("rebuild")
    assert done.time_us - begun.time_us >= 4_000_000
    told_wrong = [(row.time_us, row.fields["value"]) for row in run.of("gauge", place="readers")]
    assert any(value > 0 for at, value in told_wrong if at < done.time_us)
    assert not any(value for at, value in told_wrong if at > done.time_us + 100_000)
    assert all(lamp.held for lamp in lamps(run))


# ------------------------------------------------------------------------------------------ slots and lags
def test_a_slot_that_nobody_reads_holds_the_log_and_with_a_limit_is_lost():
    logs = {who: [size for _, size in sides.log_on_disk(listens=who, commits=100)] for who in sides.LISTENS}
    assert logs["away"] == sorted(logs["away"])
    assert logs["away"][-1] > 100 * logs["nobody"][-1]
    assert max(logs["away, with a limit"]) < 60_000 < logs["away"][-1]
    anew = sides.lost_and_anew(keep_bytes=20_000, commits=80)
    assert (anew.heard, anew.missed, anew.wrong) == (10, 80, 0)
    assert "is lost" in anew.said
    assert "it had 10 sales" in (said := told.lost_slot(anew))
    assert "is lost. It lacks 80; the view that is begun anew, with a snapshot, lacks none" in said


def test_what_nobody_reads_grows_at_postgresql_too(postgres_side):
    (_, before), (_, after) = sides.held_back(postgres_side, commits=20, every=20)
    assert after > before + 20 * 50


def test_who_looks_early_does_not_see_and_who_brings_a_position_does():
    found = lagging.unseen(0.0, 0.5, 1.0, sales=100)
    for wait_s, share, error in found:
        assert share == pytest.approx(unseen_share(wait_s, 1.0), abs=3 * error)
    assert [wait for _, wait in lagging.held(0.0, 1.0, sales=100)] == [pytest.approx(0.5, abs=0.1), 0]
    stale = [[row.fields["stale"] for row in own_reads(until_seen=seen).of("look")] for seen in (False, True)]
    assert any(stale[0])
    assert not any(stale[1])


def test_who_takes_less_than_comes_falls_behind_for_good():
    slow, quick = lagging.behind(3), lagging.behind(1)
    assert slow[-1][1] == pytest.approx(20, abs=3 * 60**0.5)
    assert quick[-1][1] <= 3
    assert lagging.behind(3, what="log held back")[-1][1] > 3_000


def test_a_large_transaction_is_one_commit_and_many_bytes():
    one, many = lagging.spike(1, 100)
    assert (one.commits, many.commits) == (1, 1)
    assert many.held_bytes > 20 * one.held_bytes


def test_a_day_of_departures_is_followed():
    slow, quick = lagging.followed_day(1), lagging.followed_day(1.5)
    assert quick.commits == slow.commits == 819, "the text says so"
    assert slow.most > quick.most > 0


def test_a_golden_trace_tells_what_is_passed_by():
    said = outbox(rate=2.0, seconds=3.0, transaction_s=0.8, seed=1).text() + "\n"
    golden = Path(__file__).parent / "golden" / "derived_dataflows_an_id_that_was_passed_by.txt"
    if not golden.exists():
        golden.write_text(said, encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert said == golden.read_text(encoding="utf-8")


def test_a_golden_trace_tells_how_the_killed_come_back():
    said = capture(killed_at=6, seconds=2.5, rate=1.2).text() + "\n"
    golden = Path(__file__).parent / "golden" / "derived_dataflows_killed_before_it_confirms.txt"
    if not golden.exists():
        golden.write_text(said, encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", [
    lambda: outbox(by="heart"), lambda: outbox(poll_s=0.0), lambda: outbox(rate=1e4), lambda: outbox(transaction_s=0.0),
    lambda: capture(confirms="never"), lambda: capture(killed_at=-1), lambda: capture(rate=1e3),
    lambda: capture(take_s=0.0), lambda: rebuilding(at_s=30.0), lambda: rebuilding(read_s=0.0),
    lambda: own_reads(waited_s=-1.0), lambda: own_reads(poll_s=0.0), lambda: sides.log_on_disk(listens="everybody"),
    lambda: sides.killed_everywhere(sides.model(), "by heart"),
    lambda: sides.poisoned(sides.model(), "hidden"), lambda: lagging.followed_day(0),
    lambda: puttings(0, 1, 1), lambda: unseen_share(1, 0),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(BadParameter):
        wrong()
