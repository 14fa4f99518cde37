"""What lab 14 claims, over many seeds, and its laws against its runs."""

from __future__ import annotations

import math

import pytest

from dsys_lab import laws
from dsys_lab.brokers.audit import Ledger, SequenceGap, Tally
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.missed_messages import (
    away,
    counts,
    failover,
    falling_off,
    fast_clock,
    path,
    poison,
    repairs,
    restored,
    seam,
    told,
    unread,
)
from dsys_lab.scenarios.missed_messages.tape import ORDERS, POISON
from dsys_lab.scenarios.missed_messages.watchers import LEAKS
from dsys_lab.trace import lamps

SEEDS = range(1, 4)
NEAR = 1e-9


def near(measured, law):
    """Hold each (value, mean, standard error) against a law, within three standard errors."""
    for value, mean, error in measured:
        assert abs(mean - law(value)) <= 3 * error + NEAR, (value, mean, error, law(value))


# ------------------------------------------------------------------------------------------ the path and its taps
@pytest.mark.parametrize("leak", LEAKS)
def test_an_open_tap_loses_and_no_other_does(leak):
    runs = [path(leak=leak, seed=seed, every_s=1.5) for seed in SEEDS[:2]]
    lost = {name: sum(counts.leaked(run)[name] for run in runs) for name in LEAKS}
    assert lost[leak] > 0
    assert [name for name in LEAKS if lost[name]] == [leak]


@pytest.mark.parametrize("seed", SEEDS)
def test_with_every_tap_closed_nothing_is_lost_and_nothing_is_called_missing(seed):
    for detector in ("numbers", "heartbeat", "comparison"):
        run = path(leak="none", detector=detector, seed=seed)
        assert not run.of("hole", "detect")


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_known_to_be_missing_is_missing_and_what_comes_again_fills_its_outline(seed):
    run = path(seed=seed)
    holes = {row.message for row in run.of("hole")}
    assert {row.message for row in run.of("detect")} <= holes
    assert not run.of("mend")
    mended = path(seed=seed, repair="resend")
    assert len(mended.of("mend")) >= 0.8 * len(mended.of("hole"))
    assert all(lamp.held for one in (run, mended) for lamp in lamps(one))
    assert {row.message for row in mended.of("mend")} <= counts.carried_out(mended).keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_watching_knows_nothing(seed):
    run = path(detector="nobody", seed=seed)
    assert run.of("hole")
    assert not run.of("detect")


def test_a_page_that_was_acknowledged_first_is_lost_without_a_row():
    [said] = counts.signs(path()).to_dict().values()
    assert said.pop("ack first") == "nothing"
    assert "nothing" not in said.values()


def test_the_three_gauges_add_up_to_the_outlines():
    run = path(repair="resend")
    last = {row.fields["name"]: row.fields["value"] for row in run.of("gauge")}
    assert sum(last.values()) == len(run.of("hole"))
    assert last["repaired"] == len(run.of("mend"))


# ------------------------------------------------------------------------------------------ 1, 2: away
def test_who_listens_live_misses_the_share_of_the_time_that_it_is_away():
    near(counts.missed_shares(5, 60), lambda mttr_s: laws.missed_while_down(95, mttr_s))


@pytest.mark.parametrize("seed", SEEDS)
def test_who_has_a_position_misses_nothing(seed):
    run = away(listens="from its position", mttr_s=20, seed=seed, until_s=600)
    assert run.of("crash")
    assert len(counts.carried_out(run)) == len(counts.sent(run))


def test_a_reader_catches_up_as_a_fluid_does():
    near(counts.catch_up_s(5, 20), lambda outage_s: laws.outage_drain_s(outage_s, 10, 20))


# ------------------------------------------------------------------------------------------ 3: who knows when
def test_numbers_know_at_the_next_that_comes():
    near(counts.known_after_s("rate", 0.05, 0.2, 1), lambda rate: laws.known_by_numbers_s(rate, lost_share=0.05))


def test_a_heartbeat_knows_at_the_next_number_or_beat():
    measured = counts.known_after_s(
        "heartbeat_s", 5, 60, detector="heartbeat", lost_share=0.05, rate=0.05, messages=4_000
    )
    near(measured, lambda every_s: laws.known_by_heartbeat_s(0.05 * 0.95, every_s))


def test_a_comparison_knows_half_its_interval_later():
    measured = counts.known_after_s("compare_s", 20, 240, detector="comparison", rate=1, messages=6_000)
    near(measured, laws.known_by_comparison_s)
    measured = counts.known_after_s("settle_s", 0, 30, detector="comparison", rate=1, messages=6_000)
    near(measured, lambda settle_s: laws.known_by_comparison_s(60, settle_s=settle_s))


def test_the_last_of_the_day_is_never_known_by_numbers_and_always_by_the_others():
    assert [counts.never_known(one, days=30) for one in ("numbers", "heartbeat", "comparison")] == [1, 0, 0]
    _, mean, error = counts.tail_known_s("heartbeat")
    assert abs(mean - laws.known_by_heartbeat_s(0, 5)) <= 3 * error


def test_the_share_that_is_known_late_follows_its_law():
    delays = [d for d in counts.detection_delays_s("heartbeat", rate=0.1, heartbeat_s=12).values() if d is not None]
    for seconds in (2, 6, 10):
        law = laws.known_later_than(seconds, 0.1, 12)
        later = sum(delay > seconds for delay in delays) / len(delays)
        assert abs(later - law) <= 3 * (law * (1 - law) / len(delays)) ** 0.5


# ------------------------------------------------------------------------------------------ 4: too slow
def test_a_slow_reader_falls_off_the_log_when_the_law_says():
    for reads, first_s, _ in counts.falls_off(0.1, 0.5, 0.8):
        assert first_s == pytest.approx(laws.retention_lasts_s(20, 1, reads), abs=0.5)


def test_a_reader_that_keeps_up_never_does():
    assert counts.first_lost_s(falling_off(reads=1.1, until_s=80)) == float("inf")


# ------------------------------------------------------------------------------------------ 5: the seam
@pytest.mark.parametrize("seed", SEEDS)
def test_neither_order_is_right_and_a_key_makes_one_of_them_so(seed):
    runs = [seam(order=order, seed=seed, records=400) for order in ORDERS]
    assert [counts.both_zero(run) for run in runs] == ["some are missed", "some are done again"]
    assert counts.both_zero(seam(order=ORDERS[0], keyed=True, seed=seed, records=400)) == "some are missed"
    assert counts.both_zero(seam(order=ORDERS[1], keyed=True, seed=seed, records=400)) == "neither"
    missed = seam(order=ORDERS[0], seed=seed, records=400)
    assert len(missed.of("hole")) == len(counts.sent(missed)) - len(counts.carried_out(missed))


# ------------------------------------------------------------------------------------------ 6: poison
def test_each_way_with_poison_costs_something_else():
    table = counts.poisoned({p: poison(poison=p) for p in POISON})
    assert table.missed.gt(0).to_dict() == {"skip": True, "stop": False, "park": False, "park the key": False}
    assert table["out of order"].gt(0).to_dict() == {"skip": False, "stop": False, "park": True, "park the key": False}
    behind = table["not done at the mend"]
    assert behind["stop"] > behind["park the key"] > behind["park"] == behind["skip"]


@pytest.mark.parametrize("seed", SEEDS)
def test_only_skipping_misses_and_only_parking_alone_breaks_the_order(seed):
    for way in POISON:
        run = poison(poison=way, poison_share=0.1, seed=seed)
        lost = len(counts.sent(run)) - len(counts.carried_out(run))
        assert (lost > 0) == (way == "skip")
        assert (counts.inversions(run) > 0) == (way == "park")


# ------------------------------------------------------------------------------------------ 7: repairs
@pytest.mark.parametrize("seed", SEEDS)
def test_every_repair_brings_all_back_and_only_the_patch_reads_nothing_for_nothing(seed):
    for leak in ("gives up", "overflow"):
        run = path(leak=leak, seed=seed, every_s=0.8)
        kept, lost = repairs.kept_by(run), counts.missed(run)
        for repair in repairs.REPAIRS.values():
            assert repair(kept, lost).brings_back(lost) == len(lost)
        reads = repairs.reread(run)
        assert reads["patch"] == len(lost)
        assert repairs.least_reread(run) == "patch"
        assert reads["replay all"] >= reads["replay the window"] > reads["patch"]


def test_a_window_helps_where_the_losses_lie_together():
    runs = repairs.scattered_and_together()
    reads = {name: repairs.reread(run) for name, run in runs.items()}
    share = {name: read["replay the window"] / read["replay all"] for name, read in reads.items()}
    assert share["together"] < 0.5 < share["scattered"]


# ------------------------------------------------------------------------------------------ 8: who keeps it loses it
@pytest.mark.parametrize("away_s", [0, 15, 35, 60])
def test_a_queue_lets_go_unread_what_came_in_the_time_beyond_its_retention_and_no_dead_letter_says_so(away_s):
    run = unread(away_s=away_s)
    assert counts.in_neither(run) == len(run.of("hole")) == laws.lost_unread(away_s, 20)
    assert not run.of("dead")


@pytest.mark.parametrize("delay_s", [0.5, 2, 6])
def test_a_failover_costs_what_was_acknowledged_and_not_copied_wherever_the_reader_was(delay_s):
    run = failover(delay_s=delay_s)
    assert counts.in_neither(run) == len(run.of("hole")) == laws.lost_at_failover(4, delay_s)
    assert max(counts.carried_out(run).values()) == 1
    safe = failover(delay_s=delay_s, acknowledges="when copied")
    assert counts.both_zero(safe) == "neither"
    assert len(safe.of("publish_ok")) == len(counts.sent(safe))
    waits = [at.time_us - counts.sent(safe)[at.message] for at in safe.of("publish_ok", place="phone")[:20]]
    assert min(waits) >= delay_s * 1e6
    acknowledged_us = {row.message: row.time_us for row in safe.of("publish_ok")}
    assert all(acknowledged_us[row.message] <= row.time_us for row in safe.of("effect")), "read before it was safe"


def test_some_of_what_a_failover_loses_never_lay_on_the_leader():
    lost_at = {row.place for row in failover(delay_s=4).of("hole")}
    assert lost_at == {"leader", "follower"}


def test_a_clock_that_jumps_ahead_takes_what_the_retention_would_have_kept():
    near(counts.missed_mean(fast_clock, ahead_s=(0, 10, 30, 60)), lambda s: laws.lost_to_a_jump(s, 40, 20, rate=2))
    run = fast_clock()
    assert len(run.of("hole")) == len(run.of("expire")) == len(counts.sent(run)) - len(counts.carried_out(run))


def test_a_clock_that_is_set_back_stands_still_until_it_is_caught_up():
    back = {"do": "skew", "target": "log", "at_s": 30, "value": 20, "lasts_s": 10}
    run = fast_clock(ahead_s=0, faults=[back])
    assert len(counts.sent(run)) == len(counts.carried_out(run)) + len(run.of("hole"))
    assert not [row for row in run.of("expire") if row.time_us > 70e6], "records of the fast time are kept longer"


# ------------------------------------------------------------------------------------------ what the tables say
def test_the_curves_of_not_knowing_are_their_laws():
    for which in counts.WHICH:
        given = {"which": which, "gap_s": 8, "heartbeat_s": 10, "compare_s": 40}
        names = "numbers", "heartbeat", "comparison"
        found, law = counts.not_known_yet(*names, **given), counts.not_known_by_law(*names, **given)
        for name in names:
            for (_, share), (_, by_law) in zip(found[name], law[f"law, {name}"], strict=True):
                assert abs(share - by_law) < 0.12


def test_what_a_comparison_does_not_know_of_was_lost_within_its_interval_and_its_wait():
    for seed in SEEDS:
        run = path(detector="comparison", every_s=8.0, seed=seed)
        [since] = counts.watched({"it": run})["not known: lost in the last"]
        assert float(since.removesuffix(" s") or 0) <= 50


def test_what_the_detectors_say_is_said_in_numbers():
    table = told.listened(SequenceGap(), "anna", 1, 3, 2)
    assert table["it says: missing is"].tolist() == ["nothing", "2", "nothing"]
    assert table["came after all"].tolist() == [0, 0, 1]
    sent, came = Tally(60), Tally(60)
    for tally, pings in ((sent, ("a1", "a2")), (came, ("a1", "a1"))):
        for ping in pings:
            tally.add(0, ping)
    ends = told.both_ends(sent, came, 0)
    assert ends["count"].tolist() == [2, 2]
    assert ends["hash"].nunique() == 2
    assert ends["the other end lacks"].tolist() == ["a2", "none"]
    orders = Ledger(within_s=10)
    orders.expect(0, "order 1")
    orders.expect(0, "order 2")
    orders.came(3_000_000, "order 2")
    table = told.overdue(orders, 5, 10, 20)
    assert table["it says: overdue is"].tolist() == ["nothing", "order 1", "nothing"]
    assert table["missing in all"].tolist() == [0, 1, 1]
    noticed = counts.noticed(path(leak="none", faults=[{"do": "split", "target": "phone", "at_s": 30, "lasts_s": 1}]))
    assert noticed.iloc[:, 0].gt(0).tolist() == [True, True, True, False]


# ------------------------------------------------------------------------------------------ the laws' own domain
@pytest.mark.parametrize(
    ("law", "figure"),
    [
        (lambda: laws.missed_while_down(95, 5), 0.05),
        (lambda: laws.known_by_numbers_s(0.2), 5),
        (lambda: laws.known_by_numbers_s(1, lost_share=0.5, reorder=2), 4),
        (lambda: laws.known_by_heartbeat_s(0, 5), 2.5),
        (lambda: laws.known_by_heartbeat_s(1e-6, 5), 2.5),
        (lambda: laws.known_by_heartbeat_s(0.2, 1e6), 5),
        (lambda: laws.known_later_than(0, 0.2, 5), 1),
        (lambda: laws.known_later_than(5, 0.2, 5), 0),
        (lambda: laws.known_by_comparison_s(60, settle_s=10), 40),
        (lambda: laws.known_later_than(5, 0.2, None), math.exp(-1)),
        (lambda: laws.compared_later_than(40, 60, settle_s=10), 0.5),
        (lambda: laws.compared_later_than(5, 60, settle_s=10), 1),
        (lambda: laws.lost_unread(10, 20), 0),
        (lambda: laws.lost_to_a_jump(100, 40, 20, rate=2), 40),
        (lambda: laws.hashes_compared_most(1, 1024), 21),
        (lambda: laws.hashes_compared_most(0, 1_000_000), 1),
    ],
)
def test_a_law_gives_its_figure(law, figure):
    assert law() == pytest.approx(figure, rel=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: laws.missed_while_down(0, 5),
        lambda: laws.known_by_numbers_s(0),
        lambda: laws.known_by_numbers_s(1, lost_share=1),
        lambda: laws.known_by_heartbeat_s(1, 0),
        lambda: laws.known_later_than(-1, 1, 1),
        lambda: laws.known_by_comparison_s(0),
        lambda: laws.hashes_compared_most(1, 4, fan_out=1),
        lambda: laws.compared_later_than(-1, 60),
        lambda: laws.lost_unread(-1, 20),
        lambda: laws.lost_at_failover(0, 2),
        lambda: laws.lost_to_a_jump(1, 0, 20),
        lambda: failover(acknowledges="never"),
        lambda: failover(delay_s=0),
        lambda: unread(away_s=-1),
        lambda: fast_clock(ahead_s=-1),
        lambda: counts.not_known_yet(which="the first"),
        lambda: path(leak="a hole"),
        lambda: path(detector="luck"),
        lambda: path(repair="glue"),
        lambda: away(listens="never"),
        lambda: seam(page=0),
        lambda: seam(crash_share=2.0),
        lambda: poison(poison="eat"),
        lambda: falling_off(reads=0.0),
    ],
)
def test_outside_its_domain_each_says_what_to_give(call):
    with pytest.raises(BadParameter, match=r"give|above 0|\d"):
        call()


def test_only_one_tap_tells_the_sender():
    assert [counts.told_the_sender(path(seed=seed)) for seed in SEEDS] == [1] * len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_old_position_repeats_and_a_future_one_skips_and_a_key_heals_only_the_first(seed):
    said = [counts.both_zero(restored(shift=shift, keyed=keyed, seed=seed))
            for shift in (-20, 20) for keyed in (False, True)]  # fmt: skip
    assert said == ["some are done again", "neither", "some are missed", "some are missed"]


def test_the_questions_of_the_lab_have_their_answers():
    runs = {order: seam(order=order) for order in ORDERS}
    assert counts.which_is_right(runs) == "neither"
    assert counts.best_way(counts.poisoned({p: poison(poison=p) for p in POISON})) == "park the key"
    scattered = repairs.scattered_and_together()["scattered"]
    assert repairs.repeated_share(scattered, "replay the window") == pytest.approx(1 - 1 / 17, abs=0.03)
    assert len(counts.missed(scattered)) / len(repairs.kept_by(scattered)) == pytest.approx(1 / 17, abs=0.02)
