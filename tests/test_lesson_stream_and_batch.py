"""What lab 04 claims holds for several seeds: of periods, cuts, carried state, patience, and of real departures."""

from __future__ import annotations

import itertools
import math

import pytest

from dsys_lab import laws
from dsys_lab.dataflows.batch import COUNT, DISTINCT, LAST, BatchJob
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.stream_and_batch import counts, flights_late, pings, trouble
from dsys_lab.scenarios.stream_and_batch.world import sent
from dsys_lab.trace import lamps

SEEDS = (7, 11, 23)


@pytest.mark.parametrize("way", ["batch", "stream"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_ping_is_answered_once_and_the_books_are_right(way, seed):
    trace = pings(seed=seed, way=way, seconds=6)
    assert len(trace.of("finish")) == len(trace.of("publish"))
    assert all(lamp.held for lamp in lamps(trace))
    assert trace.digest() == pings(seed=seed, way=way, seconds=6).digest()


DIES = [{"do": "crash", "target": "job", "at_s": 3.2, "lasts_s": 1}]
SLOW = {"rate": 5.0, "per_record_s": 0.08, "setup_s": 0.3, "seconds": 6}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crash_makes_a_batch_job_begin_its_file_again_and_the_answer_is_right(seed):
    trace = pings(seed=seed, way="batch", period_s=2.0, faults=[{**DIES[0], "at_s": 4.5}], **SLOW)
    assert all(lamp.held for lamp in lamps(trace))
    assert any(row.fields["attempt"] == 2 for row in trace.of("start"))
    assert len(trace.of("replay")) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crash_costs_a_stream_job_its_state_or_some_work_done_twice_as_its_checkpoints_are(seed):
    runs = {at: pings(seed=seed, way="stream", faults=DIES, checkpoint=at, **SLOW) for at in (0, 1, 10)}
    lamp = {at: {one.name: one.held for one in lamps(trace)} for at, trace in runs.items()}
    assert lamp[1] == lamp[10] == {"conservation": True, "depth adds up": True, "checks hold": True}
    assert not lamp[0]["checks hold"]
    again = {at: len(trace.of("replay")) for at, trace in runs.items()}
    assert again[1] == 0
    assert 0 <= again[10] < 10


def test_every_batch_writes_one_file_and_every_ping_of_a_stream_one():
    for way, files in (("batch", 3), ("stream", len(pings(way="stream", **SLOW).of("publish")))):
        trace = pings(way=way, period_s=2.0, **SLOW)
        assert len(trace.of("landed", place="answers")) == files


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_that_is_read_twice_hurts_what_adds_up_and_not_what_only_remembers(seed):
    assert trouble.hurt_by_reading_twice(seed) == "count, sum, mean"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("monoid", [DISTINCT, LAST])
def test_order_does_not_matter_to_a_fold_that_merges(monoid, seed):
    assert len(set(trouble.in_any_order(monoid, seed))) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_order_matters_to_who_takes_the_last_that_came(seed):
    as_they_came, *by_lot = trouble.in_any_order(trouble.LAST_THAT_CAME, seed)
    assert as_they_came == sent(seed, seconds=120)[-1].value
    assert {as_they_came, *by_lot} != {as_they_came}


@pytest.mark.parametrize("seed", SEEDS)
def test_one_clock_that_is_ahead_makes_most_others_late_unless_it_is_not_believed(seed):
    believed, doubted = trouble.skewed(seed=seed)
    assert believed.late > 0.5 * (believed.late + believed.counted)
    assert doubted.late == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_one_poisoned_ping_costs_a_file_all_and_a_stream_that_sets_it_aside_nothing_else(seed):
    found = {way: trouble.with_poison(way, seed=seed)[0] for way in ("batch", "stop", "skip", "park")}
    assert found["batch"] == 0
    assert found["stop"] == 100
    assert found["skip"] == found["park"] > 200
    said = [trouble.with_poison(way, seed=seed)[1] for way in ("skip", "park")]
    assert said == ["goes on; gone: 1", "goes on; parked: 1"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shorter_period_is_fresher_down_to_the_floor_and_below_it_the_job_drowns(seed):
    long, short, below = counts.delays(1.0, 0.4, 0.1, seed=seed)
    assert short.delay_s < long.delay_s
    assert long.delay_s == pytest.approx(laws.batch_delay_s(1.0, 50, 0.1, 0.01), rel=0.15)
    assert long.left == short.left == 0
    assert below.delay_s > 3 * long.delay_s
    assert laws.least_period_s(50, 0.1, 0.01) == pytest.approx(0.2)
    assert counts.stream_delay_s(seed) < short.delay_s / 5


@pytest.mark.parametrize("seed", SEEDS)
def test_freshness_is_paid_in_setups(seed):
    slow, fast = counts.delays(2.0, 0.25, seed=seed)
    for found in (slow, fast):
        law = 1_000 * laws.machine_s_per_record(found.period_s, 50, 0.1, 0.01)
        assert found.machine_s == pytest.approx(law, rel=0.1)
    assert fast.machine_s > 1.5 * slow.machine_s


@pytest.mark.parametrize("seed", SEEDS)
def test_the_smaller_the_files_the_more_visits_are_cut_as_the_law_says(seed):
    found = counts.sessions_cut(600, 60, 1, seed=seed)
    for period_s, share in found:
        law = laws.cut_share(30, period_s)
        assert abs(share - law) <= 3.5 * math.sqrt(law * (1 - law) / 400)
    shares = [share for _, share in found]
    assert shares == sorted(shares)


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_and_maxima_survive_the_cut_and_with_carried_state_all_do(seed):
    found = {one.name: one for one in counts.survivors(seed=seed)}
    assert {name for name, one in found.items() if one.survives} == {"count", "sum", "max"}
    assert all(one.carried == pytest.approx(one.whole) for one in found.values())
    assert found["distinct"].again > 1.5 * found["distinct"].whole
    assert found["sessions"].again > found["sessions"].whole


def test_different_sleepers_added_up_are_too_many_by_the_law():
    rates = [1 / rank / sum(1 / r for r in range(1, 201)) for rank in range(1, 201)]
    for period_s in (60, 1):
        found = [counts.distinct_factor(period_s, seed=seed) for seed in range(5)]
        mean = sum(found) / 5
        error = math.sqrt(sum((x - mean) ** 2 for x in found) / 4 / 5)
        assert abs(mean - laws.distinct_again_factor(rates, period_s, 600)) <= 3 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_patience_buys_completeness_for_files_and_windows_alike_and_costs_delay(seed):
    found = counts.patience(0, 10, 30, seed=seed)
    for one in found:
        assert one.file_share == pytest.approx(laws.on_time_share(10, 60, one.bound_s), abs=0.03)
        assert one.window_share >= one.file_share - 0.002
    for less, more in itertools.pairwise(found):
        assert less.file_share < more.file_share
        assert less.window_delay_s < more.window_delay_s
    assert counts.known_when(found)["a batch's file"] == [(one.bound_s, one.file_share) for one in found]
    assert all(one.window_delay_s >= one.bound_s for one in found)


def test_a_job_that_reads_again_is_through_when_the_backlog_is_drained_and_misses_what_is_too_old():
    found = counts.recomputed(age_s=120, rate=5, read_rate=25)
    assert found.seconds == pytest.approx(laws.drain_s(600, 5, 25), abs=2)
    assert found.missing == 0
    assert found.counted == found.in_files
    kept = counts.recomputed(age_s=120, rate=5, read_rate=25, retention_s=60)
    assert kept.missing == pytest.approx(60 * 5, abs=10)
    assert kept.counted + kept.missing == kept.in_files
    assert counts.recomputed(age_s=30, rate=5, read_rate=5).seconds == math.inf


def test_real_departures_are_later_in_the_blizzard_and_an_hour_of_patience_is_not_enough_for_all():
    usual, blizzard = flights_late.departures(2, 4, 7), flights_late.departures(2, 8, 11)
    assert (len(usual), len(blizzard)) == (3_623, 2_408)
    for bound_min in (15, 60, 120):
        assert flights_late.late_share(bound_min, blizzard) > flights_late.late_share(bound_min, usual) > 0
    found = counts.patience(0, 900, 3_600, 7_200, size_s=3_600, records=usual)
    shares = [one.file_share for one in found]
    assert shares == sorted(shares)
    assert 0.7 < shares[0] < shares[-1] < 1


def test_planes_that_leave_early_drag_the_watermark_and_nights_without_departures_hold_it_back():
    blizzard = flights_late.departures(2, 8, 11)
    none, hour = counts.patience(0, 3_600, size_s=3_600, records=blizzard)
    assert none.window_share < none.file_share
    assert hour.window_delay_s > 1.3 * hour.bound_s


def test_a_batch_over_departures_by_day_is_the_count_of_departures():
    records = flights_late.departures(2, 1, 28)
    run = BatchJob(COUNT, period_us=24 * flights_late.HOUR_US).run(records)
    assert sum(run.merged(key) for key in run.keys) == len(records) == 23_690


@pytest.mark.parametrize("wrong", [
    lambda: pings(way="both"),
    lambda: pings(period_s=0.0),
    lambda: pings(rate=1e6),
    lambda: flights_late.departures(13),
    lambda: counts.recomputed(age_s=0),
    lambda: pings(checkpoint=-1),
    lambda: trouble.with_poison("ignore"),
    lambda: trouble.skewed(bound_s=-1),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match="give"):
        wrong()
