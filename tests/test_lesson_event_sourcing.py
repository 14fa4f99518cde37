"""What lab 24 claims holds for several seeds: orders in vain, rebuilds, letters, old bytes, the past, forgetting."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.event_sourcing import booking, counts, rebuilding, replaying
from dsys_lab.scenarios.event_sourcing.evolving import WAYS, evolved
from dsys_lab.scenarios.event_sourcing.forgetting import forgotten
from dsys_lab.scenarios.event_sourcing.past import a_day, free_at, through_the_day, which_is_more
from dsys_lab.scenarios.event_sourcing.unrolled import unrolled
from dsys_lab.trace import lamps
from dsys_lab.views import charts
from dsys_lab.views.player.fold import Fold, folded

SEEDS = (7, 11, 23)
CRASH = {"do": "crash", "target": "post", "on": {"kind": "send"}, "nth": 3, "lasts_s": 1}


# ------------------------------------------------------------------------------------------------ the laws
@pytest.mark.parametrize(("law", "figure"), [
    (lambda: laws.conflict_share(5, 0.1), 1 / 3), (lambda: laws.conflict_share(0, 1), 0),
    (lambda: laws.conflict_share(50, 0.1), 5 / 6), (lambda: laws.folded_since_checkpoint(100), 49.5),
    (lambda: laws.folded_since_checkpoint(1), 0),
])  # fmt: skip
def test_a_law_gives_its_figure(law, figure):
    assert law() == pytest.approx(figure)


@pytest.mark.parametrize("wrong", [lambda: laws.conflict_share(-1, 1), lambda: laws.folded_since_checkpoint(0)])
def test_a_law_outside_its_domain_is_refused(wrong):
    with pytest.raises(BadParameter):
        wrong()


def test_how_many_decide_in_vain_is_what_the_law_says():
    for rate, streams in ((5.0, 1), (20.0, 1), (20.0, 6)):
        found = [counts.in_vain(rate, streams=streams, orders=300, seed=seed)[0][1] for seed in range(5)]
        law = laws.conflict_share(rate / streams, 0.1)
        assert abs(fmean(found) - law) <= 3 * stdev(found) / sqrt(len(found)), (rate, streams)


def test_a_load_folds_what_the_law_says_and_without_checkpoints_all_of_it():
    for every in (10, 50, 100):
        assert counts.loaded(every)[0].folded_mean == laws.folded_since_checkpoint(every)
    [none, often] = counts.loaded(None, 20, facts=160)
    assert none.folded_mean > 80
    assert often.folded_mean < 20
    assert (none.checkpoints, often.checkpoints) == (0, 8)


def test_a_rebuild_takes_what_the_law_of_a_backlog_says():
    found = [counts.rebuilt(8.0, history=60, many=2, seed=seed)[0][1] for seed in range(5)]
    assert abs(fmean(found) - laws.drain_s(61, 8, 20)) <= 3 * stdev(found) / sqrt(len(found))


# ------------------------------------------------------------------------------------------------ orders
@pytest.mark.parametrize("seed", SEEDS)
def test_who_tries_again_gets_through_and_decides_more_often(seed):
    once, often = counts.retried(0, 10, orders=300, seed=seed)
    assert once.given_up_share > 0.2
    assert often.given_up_share < 0.01
    assert often.decisions_an_order > once.decisions_an_order > 1
    trace = booking(seed=seed, retries=3)
    assert all(lamp.held for lamp in lamps(trace))
    assert trace.digest() == booking(seed=seed, retries=3).digest()


@pytest.mark.parametrize("seed", SEEDS)
def test_wings_that_decide_for_themselves_are_seldom_in_each_others_way(seed):
    [(_, one, _)], [(_, six, _)] = (counts.in_vain(10.0, streams=wings, orders=300, seed=seed) for wings in (1, 6))
    assert six < one / 2


def test_a_golden_trace_tells_how_two_decide_at_once():
    told = booking(rate=1.2, think_s=0.5, seconds=3.0, retries=1, seed=23).text() + "\n"
    golden = Path(__file__).parent / "golden" / "event_sourcing_two_decide_at_once_and_one_decides_again.txt"
    if not golden.exists():
        golden.write_text(told, encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert told == golden.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------ views
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mistake_in_a_fold_can_be_mended_back_to_the_first_fact_and_one_in_a_table_cannot(seed):
    table, anew, beside = (counts.mended(way, seed=seed) for way in ("from now on", "in place", "beside"))
    assert table.off_by_eur > 0
    assert anew.off_by_eur == beside.off_by_eur == 0
    assert table.wrong > max(anew.wrong, beside.wrong) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rebuild_beside_a_right_view_is_never_noticed_and_one_in_place_is(seed):
    assert counts.mended("beside", mistaken=False, seed=seed).wrong == 0
    assert counts.mended("in place", mistaken=False, seed=seed).wrong > 3


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_swap_no_answer_is_wrong_whoever_crashes(seed):
    for faults in ([], [{"do": "crash", "target": "v2", "at_s": 5.0, "lasts_s": 1.0}]):
        trace = rebuilding(seed=seed, faults=faults)
        [swapped] = [row.seq for row in trace.of("led_here") if row.place == "v2"]
        assert not [row for row in trace.of("mistaken") if row.seq > swapped]
        assert all(lamp.held for lamp in lamps(trace))


# ------------------------------------------------------------------------------------------------ letters
@pytest.mark.parametrize("seed", SEEDS)
def test_letters_in_a_view_are_posted_again_and_by_a_postman_never_but_after_a_crash(seed):
    assert counts.letters("in the view", seed=seed) == 12
    assert counts.letters("by a postman", seed=seed) == 6
    assert counts.letters("by a postman", seed=seed, faults=[CRASH]) == 7
    assert counts.letters("by a postman", seed=seed, faults=[CRASH], keyed=True) == 6
    held = [all(lamp.held for lamp in lamps(replaying(way=way, seed=seed))) for way in ("in the view", "by a postman")]
    assert held == [False, True]


# ------------------------------------------------------------------------------------------------ old bytes
def test_four_ways_to_go_on_with_old_bytes():
    found = {way: evolved(way, late_programs=0) for way in WAYS}
    assert {way: one.broken for way, one in found.items()} == dict.fromkeys(WAYS, 0)
    assert [found[way].misread for way in WAYS] == [0, 60, 0, 0]
    assert [found[way].written_again for way in WAYS] == [0, 0, 0, 40]
    assert found["new kind"].forms_known == 2 * found["upcast"].forms_known


def test_a_program_that_is_late_breaks_at_what_is_new_and_at_a_copy_altogether():
    broken = {way: evolved(way, late_programs=1).broken for way in WAYS}
    assert broken == {"upcast": 10, "weak schema": 10, "new kind": 10, "copy": 40}


# ------------------------------------------------------------------------------------------------ the past
@pytest.mark.parametrize("seed", [7, 11, 26])
def test_what_was_believed_and_what_was_so_differ_where_news_was_late(seed):
    assert which_is_more(seed=seed) == "as is known at night"
    assert which_is_more(seed=23) == "neither", "that day everybody who gave a bed back had somebody after them"
    then, now = (dict(line) for line in through_the_day(seed=seed).values())
    assert then[8.0] == now[8.0]
    assert any(then[hour] != now[hour] for hour in then)
    assert free_at(12.0, known_h=20.0, seed=seed) == now[12.0]
    assert free_at(12.0, late_share=0.0, seed=seed) == free_at(12.0, known_h=12.0, late_share=0.0, seed=seed)
    assert all(one.recorded_h >= one.happened_h for one in a_day(seed=seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_only_a_thrown_key_reaches_the_backup_and_leaves_the_log(seed):
    cut, over, key = (forgotten(way, seed=seed) for way in ("cut out", "write over", "throw the key"))
    assert (cut.in_log, over.in_log, key.in_log) == (False, False, False)
    assert (cut.in_backup, over.in_backup, key.in_backup) == (True, True, False)
    assert (cut.in_view, over.in_view, key.in_view) == (True, True, False)
    assert (cut.folds, over.folds, key.folds) == (False, True, True)
    assert over.moved > 0 == key.moved
    assert key.same_takings


# ------------------------------------------------------------------------------------------------ pictures
def test_the_tape_says_what_the_facts_come_to_at_the_hand():
    early, late = (str(charts.fact_tape(*unrolled(position))) for position in (0, 16))
    assert "0 of 26; nothing has happened yet" in early
    assert "bed 1: -" in early
    assert "16 of 26; the last is BedBooked" in late
    assert "booked" not in early
    red = str(charts.fact_tape(*unrolled(26, refunds=1), pins=(10, 20)))
    assert red != str(charts.fact_tape(*unrolled(26)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_player_is_such_a_view(seed):
    trace = list(booking(seed=seed, retries=2))
    for frame in (0, len(trace) // 2, len(trace)):
        whole, gone_on = folded(trace[:frame]), Fold()
        for row in [*trace[: frame // 2], *trace[frame // 2 : frame]]:
            gone_on.apply(row)
        assert (whole.where, whole.tapes, whole.account) == (gone_on.where, gone_on.tapes, gone_on.account)


@pytest.mark.parametrize("wrong", [
    lambda: booking(rate=0.0), lambda: booking(think_s=-1.0), lambda: booking(streams=13), lambda: booking(rate=1e6),
    lambda: booking(retries=-1), lambda: rebuilding(way="hope"), lambda: rebuilding(rebuild_rate=0.0),
    lambda: rebuilding(history=9_999), lambda: rebuilding(mended_s=99.0), lambda: rebuilding(history=0),
    lambda: replaying(way="hope"), lambda: replaying(bookings=0), lambda: replaying(rebuild_s=0.0),
    lambda: evolved("hope"), lambda: evolved("copy", old=0), lambda: free_at(3.0), lambda: a_day(late_share=2.0),
    lambda: forgotten("cut out", facts=2), lambda: evolved("copy", late_programs=4), lambda: forgotten("hope"),
    lambda: unrolled(99), lambda: charts.fact_tape([], 0, []),
    lambda: charts.fact_tape([("a", "b")], 2, []), lambda: charts.fact_tape([("a", "b")], 1, [("a", "odd", "b")]),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(BadParameter):
        wrong()
