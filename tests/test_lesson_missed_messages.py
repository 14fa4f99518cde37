"""What lab 14 claims, over many seeds, and its laws against its runs."""

from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.missed_messages import away, counts, falling_off, path, poison, restored, seam
from dsys_lab.scenarios.missed_messages.tape import ORDERS, POISON
from dsys_lab.scenarios.missed_messages.watchers import LEAKS
from dsys_lab.trace import lamps

SEEDS = range(1, 5)
NEAR = 1e-9


def near(measured, law):
    """Hold each (value, mean, standard error) against a law, within three standard errors."""
    for value, mean, error in measured:
        assert abs(mean - law(value)) <= 3 * error + NEAR, (value, mean, error, law(value))


# ------------------------------------------------------------------------------------------ the path and its taps
@pytest.mark.parametrize("leak", LEAKS)
def test_an_open_tap_loses_and_no_other_does(leak):
    runs = [path(leak=leak, seed=seed, every_s=1.5) for seed in SEEDS]
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
    signs = counts.signs(path())
    assert signs.pop("ack first") == "nothing"
    assert "nothing" not in signs.values()


def test_the_three_gauges_add_up_to_the_outlines():
    run = path(repair="resend")
    last = {row.fields["name"]: row.fields["value"] for row in run.of("gauge")}
    assert sum(last.values()) == len(run.of("hole"))
    assert last["repaired"] == len(run.of("mend"))


# ------------------------------------------------------------------------------------------ 1, 2: away
def test_who_listens_live_misses_the_share_of_the_time_that_it_is_away():
    near(counts.missed_shares(1, 5, 20, 60), lambda mttr_s: laws.missed_while_down(95, mttr_s))


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
    measured = counts.known_after_s("heartbeat_s", 1, 5, 20, 60, detector="heartbeat", lost_share=0.05, rate=0.05)
    near(measured, lambda every_s: laws.known_by_heartbeat_s(0.05 * 0.95, every_s))


def test_a_comparison_knows_half_its_interval_later():
    measured = counts.known_after_s("compare_s", 20, 60, 240, detector="comparison", rate=1, messages=6_000)
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
def test_a_crash_misses_before_the_acknowledgement_and_repeats_behind_it_as_the_laws_say():
    pages = 1, 5, 20
    near(counts.at_the_seam(*pages, order=ORDERS[0]), laws.missed_after_crash)
    near(counts.at_the_seam(*pages, order=ORDERS[1]), laws.repeated_after_crash)


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
        table = counts.repairs(run)
        assert table["still missing"].eq(0).all()
        assert table["brought back"].eq(len(counts.missed(run))).all()
        assert table.loc["patch", "read again"] == len(counts.missed(run))
        assert counts.least_reread(run) == "patch"
        reads = table["read again"]
        assert reads["replay all"] >= reads["replay the window"] > reads["patch"]


def test_a_window_helps_where_the_losses_lie_together():
    runs = counts.scattered_and_together()
    reads = {name: counts.reread(run) for name, run in runs.items()}
    share = {name: read["replay the window"] / read["replay all"] for name, read in reads.items()}
    assert share["together"] < 0.5 < share["scattered"]


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
        lambda: path(leak="a hole"),
        lambda: path(detector="luck"),
        lambda: path(repair="glue"),
        lambda: away(listens="never"),
        lambda: seam(page=0),
        lambda: seam(crash_share=2.0),
        lambda: poison(poison="eat"),
        lambda: falling_off(reads=0.0),
        lambda: counts.at_the_seam(5, order="at once"),
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
    scattered = counts.scattered_and_together()["scattered"]
    assert counts.repeated_share(scattered, "replay the window") == pytest.approx(1 - 1 / 17, abs=0.03)
    assert len(counts.missed(scattered)) / len(counts.kept_by(scattered)) == pytest.approx(1 / 17, abs=0.02)
