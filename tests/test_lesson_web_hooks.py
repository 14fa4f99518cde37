"""What lab 21 claims of web hooks, over several seeds, and its laws against its runs."""
from __future__ import annotations

from itertools import combinations

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.event_bus import attack, crash_at_the_door, hear_of_it
from dsys_lab.scenarios.event_bus import hook_counts as counts
from dsys_lab.scenarios.event_bus.attack_script import GOOD, GUARDS, KINDS, attack_script
from dsys_lab.scenarios.event_bus.seals import sealed
from dsys_lab.scenarios.event_bus.web_hooks import ORDERS, WAYS
from dsys_lab.trace import lamps
from dsys_lab.views.player.fold import folded

SEEDS = (1, 2, 3)
GUARDING = ("signature", "age", "id")
SUBSETS = [", ".join(some) or "nothing" for size in range(4) for some in combinations(GUARDING, size)]
EVERY = [*(hear_of_it(way=way, down_s=down_s) for way in WAYS for down_s in (0.0, 200.0)), attack(),
         attack(without="signature"), attack(without="age"), *(crash_at_the_door(order=order) for order in ORDERS)]


@pytest.mark.parametrize("run", EVERY, ids=lambda run: run.header.title)
def test_the_books_hold_in_every_run_and_nothing_takes_effect_twice(run):
    assert [lamp.rows for lamp in lamps(run) if lamp.name in ("conservation", "at most once")] == [(), ()]


def test_the_same_seed_is_the_same_run():
    assert attack(seed=3).digest() == attack(seed=3).digest() != attack(seed=4).digest()


# ----------------------------------------------------------------------------------------------- to ask or to be called
def test_who_asks_hears_after_half_the_interval_on_average():
    for every_s, mean_s, error_s in counts.asked_delays_s(30.0, 120.0):
        law_s = laws.polling_delay_s(every_s * (1 + 0.04 / every_s)) + 0.02  # the way there and back
        assert abs(mean_s - law_s) <= 3 * error_s


def test_who_asks_finds_nothing_as_often_as_the_law_says():
    for every_s, share, error in counts.shares_in_vain(30.0, 120.0):
        assert abs(share - laws.wasted_polls(1 / 60, every_s)) <= 3 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_called_hears_at_once_and_asks_nobody(seed):
    run = hear_of_it(seed=seed)
    assert max(counts.delays_s(run)) < 0.1
    assert (counts.asked(run), counts.never_heard(run)) == (0, 0)


def test_what_a_push_misses_while_we_are_down_is_the_law():
    lasts_s = counts.tries_last_s("three attempts")
    for down_s, missed, error in counts.missed_in_outage(20.0, 150.0):
        assert abs(missed - laws.pushes_missed(0.1, down_s, lasts_s)) <= 3 * error + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_called_and_asks_misses_nothing_nor_does_who_is_tried_for_days(seed):
    down = {"seed": seed, "down_s": 300.0, "events_per_minute": 6.0, "minutes": 8.0}
    assert counts.never_heard(hear_of_it(**down)) > 0
    assert counts.never_heard(hear_of_it(**down, way="be called, and ask")) == 0
    assert counts.never_heard(hear_of_it(**down, way="ask")) == 0
    assert counts.never_heard(hear_of_it(**down, tries="three days", ask_every_s=1_200.0)) == 0


def test_the_quiet_after_the_last_night_is_not_counted_and_the_question_that_found_what_was_lost_is():
    down = {"down_s": 300.0, "events_per_minute": 6.0, "minutes": 8.0}
    table = counts.ways({way: hear_of_it(way=way, **down) for way in WAYS})
    assert table.loc["be called, and ask", "in vain"] < table.loc["be called, and ask", "questions"]
    quiet = hear_of_it(way="ask", minutes=10.0)
    assert counts.asked(quiet) < sum(row.fields["type"] == "ask" for row in quiet.of("send"))


@pytest.mark.parametrize("seed", SEEDS)
def test_belt_and_braces_mostly_asks_in_vain_and_fetches_what_was_lost_once(seed):
    run = hear_of_it(seed=seed, way="be called, and ask", down_s=200.0)
    fetched = len(run.of("enqueue")) - sum(row.fields["why"] == "stored" for row in run.of("verify"))
    assert fetched >= 1
    assert len(run.of("effect")) == len(run.of("change"))
    assert counts.share_in_vain(run) > 0.7


# ----------------------------------------------------------------------------------------------------- whom to believe
@pytest.mark.parametrize("seed", SEEDS)
def test_with_all_checks_only_what_the_partner_meant_takes_effect(seed):
    run = attack(seed=seed)
    assert counts.foreign_effects(run) == 0
    assert all(lamp.held for lamp in lamps(run))
    assert counts.effects(run)[GOOD] == 40


@pytest.mark.parametrize("without", SUBSETS)
def test_each_check_keeps_out_its_own_sorts_and_no_other(without):
    for seed in SEEDS[:2]:
        run = attack(seed=seed, without=without)
        assert counts.effects(run) == counts.expected_effects(without)
        broken = next(lamp.rows for lamp in lamps(run) if lamp.name == "checks hold")
        assert len(broken) == counts.foreign_effects(run)


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_minutes_of_memory_stop_copies_and_not_a_partner_that_tries_for_hours(seed):
    short = counts.effects(attack(seed=seed, remember_s=600.0))
    assert {kind: count for kind, count in short.items() if count and kind != GOOD} == {"repeated late": 4}
    for without in ("nothing", "age", "id"):
        run = attack(seed=seed, remember_s=600.0, without=without)
        assert counts.effects(run) == counts.expected_effects(without, remember_s=600.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_signatures_what_was_changed_comes_first_and_the_original_is_taken_for_its_repetition(seed):
    run = attack(seed=seed, without="signature")
    assert counts.effects(run)["changed"] == 4
    assert counts.effects(run)[GOOD] == 36


def test_a_clock_that_is_off_by_more_than_the_age_refuses_all_that_is_good():
    for skew_s, share, _ in counts.refused_by_clock(-302.0, -290.0, 0.0, 290.0, 302.0):
        assert share == laws.refused_for_a_clock(skew_s, 300.0)


def test_a_picture_opens_where_a_copy_is_at_work_that_a_memory_of_ids_keeps_out():
    kept_out, let_in = attack(events=14, each=2), attack(events=14, each=2, without="id")
    at_us = let_in.header.poster_us
    assert at_us == kept_out.header.poster_us
    assert folded([row for row in let_in if row.time_us <= at_us]).where
    assert not folded([row for row in kept_out if row.time_us <= at_us]).where


def test_a_card_says_of_each_sort_what_each_check_says_alone():
    for number, sort in enumerate((GOOD, *KINDS), 1):
        told = sealed(number)
        objecting = tuple(name for name, (_, given) in told["sieves"].items() if given is None)
        assert objecting == tuple(told["refused"]) == GUARDS.get(sort, ())
        assert told["seal"] == ("cracked" if "signature" in objecting else "whole")


def test_a_script_has_as_many_of_each_sort_as_asked_in_order_of_time():
    steps = attack_script(events=30, each=3, seed=5)
    assert [sum(step.kind == kind for step in steps) for kind in (GOOD, *KINDS)] == [30, *[3] * 7]
    assert [step.at_us for step in steps] == sorted(step.at_us for step in steps)


# --------------------------------------------------------------------------------------------------- what a crash takes
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_stored_before_it_is_answered_survives_a_crash(seed):
    run = crash_at_the_door(seed=seed)
    assert counts.promised_and_lost(run) == 0
    assert all(lamp.held for lamp in lamps(run))


def test_what_is_answered_before_it_is_stored_is_lost_as_the_law_says():
    for every_s, lost, error in counts.lost_by_crash(5.0, 20.0):
        assert abs(lost - laws.answered_and_lost(0.5, every_s)) <= 3 * error
    broken = crash_at_the_door(order="answer, then store", stored_every_s=20.0)
    assert counts.promised_and_lost(broken) == len(broken.of("drop")) > 0
    assert not next(lamp for lamp in lamps(broken) if lamp.name == "promised and kept").held


# ---------------------------------------------------------------------------------------------------------------- laws
def test_an_id_is_remembered_for_twice_the_age():
    assert laws.remembered_least_s(300.0) == 600.0


@pytest.mark.parametrize(("call", "says"), [
    (lambda: hear_of_it(way="guess"), "ask, be called"),
    (lambda: hear_of_it(tries="for ever"), "three attempts, three days"),
    (lambda: hear_of_it(ask_every_s=0.0), "ask_every_s = 0.0"),
    (lambda: hear_of_it(down_s=5.0, down_at_s=1e6), "a moment of the 30 minutes"),
    (lambda: attack(without="courage"), "nothing, size, signature, age, id, store first"),
    (lambda: attack(remember_s=60.0), "give 600 or more"),
    (lambda: attack(each=0), "each = 0"),
    (lambda: attack(events=20), "give 28 events or more"),
    (lambda: crash_at_the_door(order="never"), "store, then answer"),
    (lambda: laws.wasted_polls(-1, 60), "events_a_second = -1"),
    (lambda: laws.wasted_polls(1, 0), "interval_s = 0"),
    (lambda: laws.pushes_missed(1, -1, 0), "outage_s = -1"),
    (lambda: laws.remembered_least_s(0), "age_s = 0"),
    (lambda: laws.answered_and_lost(1, 0), "stored_every_s = 0"),
])  # fmt: skip
def test_misuse_is_refused(call, says):
    with pytest.raises(BadParameter, match=says):
        call()
