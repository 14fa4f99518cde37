"""What the shelf shows, over many lucks: by hand the index ends otherwise than the table, by the log never."""

from __future__ import annotations

import math

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.laws import inverted_share
from dsys_lab.scenarios.derived_dataflows import counts, shelf
from dsys_lab.trace import lamps

SEEDS = range(3)
AT_THE_SEAM = {"do": "crash", "target": "ada", "on": {"kind": "answered", "place": "ada"}, "nth": 3, "lasts_s": 2}


@pytest.mark.parametrize(("rate", "delay_s"), [(1.0, 0.1), (2.0, 0.5), (1.0, 2.0)])
def test_by_hand_as_many_pairs_are_turned_as_the_law_says(rate, delay_s):
    found = [counts.inverted("by hand", rate=rate, delay_s=delay_s, seed=seed) for seed in SEEDS]
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


def test_by_hand_the_index_differs_for_good_and_nobody_is_told():
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
    assert sum(differ) == len(SEEDS), "without the crash nothing is turned about, for nothing overtakes"
    assert not any(shelf(seed=seed, delay_s=0.0).of("differs") for seed in SEEDS)


def test_an_answer_that_comes_twice_makes_no_clerk_tell_twice():
    run = shelf(faults=[{"do": "duplicate", "target": "a3", "at_s": 0}])
    assert len(run.of("written", message="a3")) == 3, "twice in the table, once in the index"
    assert [lamp.held for lamp in lamps(run) if lamp.name == "conservation"] == [True]


def test_an_index_that_is_down_by_hand_misses_what_it_was_told_then():
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
