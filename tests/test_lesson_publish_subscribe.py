"""What lab 15 claims, over many seeds, and its laws against its runs."""
from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.engines.topic.runs import heard_alike
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.publish_subscribe import counts, fan_out, filtering, isolation, order, outage, seats
from dsys_lab.scenarios.publish_subscribe.departures import WISHES, heard_and_asked
from dsys_lab.scenarios.publish_subscribe.uploads import POLICIES, WIRINGS
from dsys_lab.trace import lamps

SEEDS = range(1, 6)
EVERY = [seats(), seats(archive="a day"), fan_out(wanted=0.3), *(isolation(wiring=w) for w in WIRINGS), outage(),
         outage(dead_letters=True), filtering(at="listener"), filtering(field="kinds"), order(), order(kind="fifo")]


@pytest.mark.parametrize("run", EVERY, ids=lambda run: run.header.title)
def test_the_books_hold_in_every_run(run):
    assert [lamp.rows for lamp in lamps(run) if lamp.name == "conservation"] == [()]


def test_only_those_hear_who_are_there_and_an_archive_lets_the_late_one_hear_the_past():
    live, kept = seats(), seats(archive="a day")
    every = len({row.message for row in live.of("publish")})
    for run in (live, kept):
        assert counts.heard(run)["thumbnail"] == every
        away = [row for row in run.of("publish") if 40e6 <= row.time_us + 20_000 < 60e6]
        assert counts.heard(run)["billing"] == every - len(away) < every
    late = [row for row in live.of("publish") if row.time_us + 20_000 < 30e6]
    assert counts.heard(live)["search"] == every - len(late) < every
    assert counts.heard(kept)["search"] == every
    assert counts.who_heard(live)["search"].count(False) == len(late)


def test_a_message_becomes_as_many_copies_as_seats_want_it():
    wanted = (0.1, 0.3, 0.5, 1.0)
    for share, mean, error in counts.copies(*wanted):
        assert abs(mean - laws.copies_made(1, [share] * 5)) <= 3 * error + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_topic_all_wait_for_the_slow_one_with_a_topic_nobody_does(seed):
    def pair(wiring):
        return tuple(isolation(wiring=wiring, slow_work_s=slow_s, seed=seed) for slow_s in (5.0, 0.4))

    assert counts.slowest_feels(*pair(WIRINGS[0])) == "all three"
    for wiring in WIRINGS[1:]:
        assert counts.slowest_feels(*pair(wiring)) == "billing alone"
        assert [counts.same_times(*pair(wiring), place) for place in ("thumbnail", "search")] == [30, 30]
    assert counts.same_times(*pair(WIRINGS[0]), "search") < 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_slow_listener_that_is_called_loses_and_one_with_a_queue_does_not(seed):
    in_turn, called, queued = (isolation(wiring=wiring, seed=seed, messages=60) for wiring in WIRINGS)
    assert counts.lost(called) > 0
    assert counts.lost(queued) == 0
    in_time, all_the_same, never, _ = counts.billings_copies(called).values()
    assert counts.lost(called) == all_the_same + never
    assert never > 0
    assert in_time + all_the_same == counts.heard(called)["billing"]
    assert list(counts.billings_copies(queued).values()) == [60, 0, 0, 0]
    assert counts.lost(in_turn) == counts.repeats(in_turn) == 0
    means = counts.mean_delays({"queues": queued})
    assert means["queues: billing"] > 10 * means["queues: search"]


def test_who_heard_the_same_in_all_engines_is_named():
    stories = {"a": {"x": ["m1"], "y": []}, "b": {"x": ["m1"], "y": ["m2"]}, "c": {"x": ["m1"], "y": []}}
    assert heard_alike(stories) == ["x"]


@pytest.mark.parametrize("endpoint", ["http", "people"])
@pytest.mark.parametrize("mean_s", [60.0, 300.0])
def test_what_an_outage_costs_is_the_law(endpoint, mean_s):
    _, share, error = counts.lost_share(endpoint, mean_s)
    assert abs(share - laws.lost_in_outage(POLICIES[endpoint].lasts_s, mean_s)) <= 3 * error + 1e-9


def test_a_queue_as_endpoint_survives_an_hour():
    assert counts.lost_shares(5.0, 300.0, endpoint="queue") == [(5.0, 0.0, 0.0), (300.0, 0.0, 0.0)]
    assert POLICIES["queue"].survives(3_600.0)


def test_who_is_down_for_longer_than_the_retries_loses_unless_dead_letters_keep_it():
    assert counts.lost(outage(down_s=50.0)) == 0
    assert counts.lost(outage(down_s=90.0)) > 0
    kept = outage(down_s=90.0, dead_letters=True)
    assert counts.lost(kept) == 0
    assert len(kept.of("dead")) == counts.lost(outage(down_s=90.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_filter_at_the_topic_saves_the_way_and_one_with_a_typo_loses_all_in_silence(seed):
    table = counts.traffic({"topic": filtering(seed=seed), "listener": filtering(at="listener", seed=seed)})
    did, handed = table["billing did"], table["handed to billing"]
    assert did["topic"] == did["listener"] == handed["topic"] < handed["listener"]
    assert table["billing threw away"]["listener"] == handed["listener"] - did["listener"]
    typo = filtering(field="kinds", seed=seed)
    assert counts.heard(typo)["billing"] == 0
    assert counts.told_of_it(typo) == "nobody"


def test_what_a_filter_at_the_topic_saves_is_what_nobody_wants_there():
    for wanted, share, error in counts.saved_shares(0.2, 0.5):
        assert abs(share - (1 - wanted)) <= 3 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_a_standard_topic_lets_messages_overtake_a_fifo_topic_does_not_and_both_repeat(seed):
    runs = {kind: order(kind=kind, seed=seed, messages=60) for kind in ("standard", "fifo")}
    assert counts.which_keeps_order(runs) == "fifo"
    assert counts.which_repeats(runs) == "both"


@pytest.mark.parametrize("seed", SEEDS)
def test_order_is_paid_for_by_waiting_behind_what_is_tried_again(seed):
    one_line = {"groups": 1, "fails": 0.4, "messages": 60, "seed": seed}
    table = counts.what_came({kind: order(kind=kind, **one_line) for kind in ("standard", "fifo")})
    assert table["mean delay, s"]["fifo"] > 2 * table["mean delay, s"]["standard"]


@pytest.mark.parametrize("kind", ["standard", "fifo"])
def test_how_often_a_call_is_carried_out_is_the_law(kind):
    for fails, mean, error in counts.effects_a_message(0.1, 0.4, kind=kind):
        assert abs(mean - laws.effects_of_a_call(fails)) <= 3 * error


def test_what_the_seats_hear_of_real_departures_is_what_sql_finds():
    table = heard_and_asked()
    assert list(table["heard"]) == list(table["SQL"])
    assert table["heard"]["by a typo"] == 0 < table["heard"].drop("by a typo").min()
    assert len(WISHES) == len(table)


def test_a_topic_that_crashes_in_the_middle_tries_again_what_it_had_out():
    crash = {"do": "crash", "target": "uploads", "on": {"kind": "start", "place": "billing"}, "nth": 3, "lasts_s": 5}
    run = outage(down_s=1.0, faults=[crash])
    published = len(run.of("publish_ok"))
    assert [lamp.rows for lamp in lamps(run)] == [(), ()]
    assert counts.heard(run, "thumbnail", "billing") == {"thumbnail": published, "billing": published}
    assert "uploads went down" in {row.fields["why"] for row in run.of("fail")}


@pytest.mark.parametrize(("call", "says"), [
    (lambda: seats(archive="for ever"), "none, a day"),
    (lambda: seats(leave_s=60.0, back_s=40.0), "give leave_s < back_s"),
    (lambda: isolation(wiring="bus"), "one call after the other"),
    (lambda: outage(endpoint="pigeon"), "http, people, queue"),
    (lambda: filtering(at="home"), "topic, listener"),
    (lambda: order(kind="lifo"), "standard, fifo"),
    (lambda: order(fails=1.5), "a share between 0 and 1"),
    (lambda: fan_out(wanted=2.0), "a share between 0 and 1"),
    (lambda: laws.effects_of_a_call(1.0), "never ends"),
    (lambda: laws.copies_made(5, [0.5, 2]), r"wanted\[1\]"),
    (lambda: laws.lost_in_outage(-1, 5), "lasts_s = -1"),
])  # fmt: skip
def test_misuse_is_refused(call, says):
    with pytest.raises(BadParameter, match=says):
        call()
