"""What the runs of `nights` teach holds for every luck: at least once, in order by key, and a hot key stays hot."""

from __future__ import annotations

import math

import pytest

from dsys_lab import laws
from dsys_lab.brokers.log_stream import Entry, LogStream, Settings, Throttled
from dsys_lab.brokers.log_stream.on_demand import OnDemand, provisioned, refused_share
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.log_stream import (
    batches,
    catch_up,
    counts,
    hot_keys,
    jobs,
    many_runs,
    monday,
    nights,
    own_pace,
    readers,
    since,
    stamps,
    told,
)
from dsys_lab.scenarios.log_stream.jobs import mean_work_s, squared_variation
from dsys_lab.scenarios.log_stream.machines import POISON
from dsys_lab.scenarios.scenario import find
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import lamps

SEEDS = range(1, 4)


def crash(target, **when):
    return [{"do": "crash", "target": target, **when}]


def red(trace):
    return [lamp.name for lamp in lamps(trace) if not lamp.held]


def test_a_quiet_night_is_worked_off_once_in_order_and_shared():
    for seed in SEEDS:
        trace = nights(seed=seed)
        assert (red(trace), counts.repeated(trace), counts.inversions(trace), counts.never_done(trace)) == ([], 0, 0, 0)
        assert {owner for _, _, owner, _ in counts.takeovers(trace)} == {"worker-1", "worker-2"}


@pytest.mark.parametrize(("order", "words"), [("effect first", "repeated"), ("commit first", "missed")])
def test_a_worker_that_dies_is_succeeded_and_only_what_lay_between_checkpoints_is_touched(order, words):
    touched = []
    for seed in SEEDS:
        fault = crash("worker-1", on={"kind": "effect", "place": "worker-1"}, nth=3 + seed)
        trace = nights(seed=seed, order=order, faults=fault, checkpoint_every=8, poll_s=3)
        assert red(trace) == []
        assert max(epoch for *_, epoch in counts.takeovers(trace)) == 2
        repeated, missed = counts.repeated(trace), counts.never_done(trace)
        touched.append(repeated if order == "effect first" else missed)
        assert (missed if order == "effect first" else repeated) == 0
        assert touched[-1] <= 8
    assert any(touched), f"some run must have {words} some"


def test_a_worker_that_froze_gives_way_and_comes_back():
    for seed in SEEDS:
        pause = [{"do": "slow", "target": "worker-1", "value": 0, "at_s": 6, "lasts_s": 20}]
        trace = nights(seed=seed, faults=pause, records=150)
        assert red(trace) in ([], ["one owner"])
        assert counts.inversions(trace) == 0
        assert counts.never_done(trace) == 0


def test_who_froze_acts_on_a_shard_of_another_unless_the_sink_looks_at_epochs():
    acts = {"blind": 0, "clock": 0, "fence": 0}
    ways = {"blind": {"looks_at_its_clock": False}, "clock": {}, "fence": {"looks_at_its_clock": False, "fenced": True}}
    for seed in SEEDS:
        freeze = [{"do": "slow", "target": "worker-1", "value": 0, "lasts_s": 15, "nth": 4,
                   "on": {"kind": "effect", "place": "worker-1"}}]
        for way, given in ways.items():
            trace = nights(seed=seed, shards=1, rate=20, records=60, poll_s=2, work_s=0.2, faults=freeze, **given)
            assert red(trace) == ["one owner"] * (counts.by_former_owners(trace) > 0)
            assert counts.never_done(trace) == 0
            acts[way] += counts.by_former_owners(trace)
            assert any(row.kind == "refuse" for row in trace) == (way == "fence")
    assert acts["blind"] > acts["clock"] == len(SEEDS) > acts["fence"] == 0, "a look at the clock comes one too late"


def test_a_split_under_load_keeps_the_order_only_if_parents_come_first():
    wrong = {True: 0, False: 0}
    for seed in SEEDS:
        for parents_first in wrong:
            trace = nights(
                seed=seed, shards=1, rate=20, records=120, split_at_s=3, work_s=0.1, parents_first=parents_first
            )
            assert ("in order by key" in red(trace)) == (counts.inversions(trace) > 0)
            wrong[parents_first] += counts.inversions(trace)
    assert wrong[True] == 0 < wrong[False]


@pytest.mark.parametrize("fsync", ["every record", "every 10 ms"])
def test_the_stream_keeps_its_word_through_a_loss_of_power(fsync):
    for seed in SEEDS:
        trace = nights(seed=seed, fsync=fsync, rate=40, faults=crash("nights", at_s=0.8, lasts_s=2))
        assert red(trace) == []


def test_one_hot_sleeper_fills_one_shard_while_the_others_idle():
    for seed in SEEDS:
        trace = nights(seed=seed, shards=4, hot_share=0.8, write_records=3, rate=8)
        shares = counts.by_shard(nights(seed=seed, shards=4, hot_share=0.8, rate=8))
        [hot] = counts.throttled(trace)
        assert hot == max(shares, key=shares.get)
        assert laws.usable_share([*shares.values(), *[0] * (4 - len(shares))]) < 0.4


def test_a_record_waits_half_a_poll_to_be_read():
    found = []
    for seed in SEEDS:
        rows = list(nights(seed=seed, shards=1, workers=1, records=300, rate=20, work_s=0, poll_s=1))
        last = max(row.seq for row in rows if row.kind == "read")  # in its interval, phones have stopped early
        found += counts.read_delays_s(rows[:last])
    mean = math.fsum(found) / len(found)
    error = math.sqrt(math.fsum((wait - mean) ** 2 for wait in found) / (len(found) - 1) / len(found))
    assert abs(mean - laws.polling_delay_s(1 + DELAY_S)) <= 3 * error


def test_who_is_pushed_to_learns_at_once_and_all_alike_and_who_polls_half_an_interval_late():
    for seed in SEEDS:
        pushed, polled = readers(seed=seed, way="push"), readers(seed=seed)
        assert red(pushed) == red(polled) == []
        for reader in ("reader-1", "reader-2", "reader-3"):
            assert counts.read_delays_s(pushed, reader) == [0.0] * 100
            late = counts.read_delays_s(polled, reader)
            assert len(late) == 100
            assert 0.35 < math.fsum(late) / 100 < 0.65
            assert max(late) <= 1


@pytest.mark.parametrize("count", [5, 8])
def test_more_than_five_polls_a_second_are_refused_as_the_law_says(count):
    trace = readers(seed=2, readers=count, records=300)
    calls = sum(row.kind in ("read", "empty", "throttle") and row.message is None for row in trace)
    assert abs(counts.polls_refused(trace) - laws.polls_refused(count, 1)) <= 5 / calls + count / calls
    assert counts.polls_refused(readers(seed=2, readers=count, way="push")) == 0


def test_after_a_loss_of_power_pushes_go_on_behind_what_came():
    trace = readers(way="push", faults=crash("nights", at_s=5, lasts_s=2))
    assert red(trace) == []
    assert len(counts.read_delays_s(trace, "reader-2")) == sum(row.kind == "append" for row in trace)


def test_the_same_luck_makes_the_same_run():
    assert nights(seed=3).digest() == nights(seed=3).digest() != nights(seed=4).digest()
    assert find("log_stream", "nights") is nights


@pytest.mark.parametrize(
    "wrong",
    [{"shards": 0}, {"workers": 0}, {"hot_share": 2}, {"fsync": "often"}, {"work_s": -1}, {"poison": "eat"}],
)
def test_a_night_that_cannot_be_is_refused(wrong):
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        nights(**wrong)


@pytest.mark.parametrize("wrong", [{"way": "guess"}, {"readers": 0}, {"poll_s": 0}])
def test_readers_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        readers(**wrong)


# ------------------------------------------------------------------------------------------ readers at their own pace
def test_each_reader_reads_all_that_is_kept_and_changes_nothing_for_the_others():
    for seed in SEEDS:
        trace = own_pace(seed=seed)
        assert counts.read_by(trace) == {"auditor": 80, "billing": 80, "science": 80}
        assert counts.missed(trace) == {}
        assert red(trace) == []


def test_what_is_too_old_is_missed_by_who_comes_seldom_and_by_who_comes_late():
    for seed in SEEDS:
        trace = own_pace(seed=seed, retention_s=10)
        missed, read = counts.missed(trace), counts.read_by(trace)
        assert sorted(missed) == ["auditor", "science"]
        assert {reader: 80 - count for reader, count in read.items() if count < 80} == missed


@pytest.mark.parametrize("speed", [1.5, 2])
def test_who_was_away_catches_up_with_what_it_has_to_spare(speed):
    [(_, seconds, error)] = many_runs.caught_up_s(speed, away_s=40)
    assert abs(seconds - laws.outage_drain_s(40, 1, speed)) <= 3 * error + 2 * 2


def test_who_was_away_for_longer_than_the_retention_misses_what_came_first():
    trace = catch_up(away_s=60, retention_s=40, until_s=120)
    assert counts.missed(trace)["scoring"] > 10
    assert counts.missed(catch_up(away_s=60, until_s=120)) == {}


# ------------------------------------------------------------------------------------------ a hot key
def test_the_usable_share_is_what_zipf_makes_of_it():
    for exponent in (0, 1, 1.4):
        counted, law = (hot_keys.usable(of(exponent), 16) for of in (hot_keys.sleepers, hot_keys.expected))
        assert abs(counted / law - 1) < 0.05
    assert hot_keys.usable(hot_keys.expected(1), 16) < 0.3
    assert hot_keys.usable(hot_keys.expected(0), 16) > 0.8


def test_no_number_of_splits_lifts_the_limit_of_the_hottest_key():
    keys = hot_keys.sleepers(1.0)
    takes = [most for _, most in hot_keys.after_splits(keys, 4, 30)]
    assert takes == sorted(takes)
    assert takes[-1] == pytest.approx(hot_keys.takes_at_most(keys))
    assert takes[12] / takes[0] < 4


def test_of_the_real_keys_the_flight_number_spreads_best_and_keeps_least_of_a_planes_order():
    usable = {by: hot_keys.usable(hot_keys.departures(by), 8) for by in hot_keys.COLUMNS}
    assert list(usable) == sorted(usable, key=usable.get)
    kept = {by: hot_keys.one_after_the_other(by) for by in hot_keys.COLUMNS}
    assert kept["plane"] == kept["one key for all"] == 1
    assert kept["airline"] > 0.999
    assert min(kept, key=kept.get) == "airline and flight number"
    assert 1 / 8 < kept["airline and flight number"] < 1 / 6
    assert "none" in hot_keys.departures("plane")
    for count in (hot_keys.departures, hot_keys.one_after_the_other):
        with pytest.raises(BadParameter, match="give one of"):
            count("pilot")


def test_a_reader_has_read_in_the_end_what_it_read():
    run = own_pace()
    ends = {reader: curve[-1][1] for reader, curve in counts.read_so_far(run).items()}
    assert ends == counts.read_by(run)


# ------------------------------------------------------------------------------------------ checkpoints, jobs, batches
@pytest.mark.parametrize(("order", "law"), [
    ("effect first", laws.repeated_after_crash), ("commit first", laws.missed_after_crash),
])  # fmt: skip
def test_a_crash_at_each_record_between_two_checkpoints_is_the_law(order, law):
    assert math.fsum(many_runs.touched(order, 4)) / 4 == law(4)


def test_behind_a_slow_job_a_log_waits_and_a_queue_overtakes():
    for seed in SEEDS:
        log, queue = (jobs(mode=mode, seed=seed, jobs=1_500, load=0.7) for mode in ("log", "queue"))
        slow = [sorted(many_runs.job_times_s(run))[int(0.98 * 1_500)] for run in (log, queue)]
        assert slow[0] > 3 * slow[1]
        assert counts.overtaken(log, "effect") == 0
    assert counts.overtaken(queue, "effect") > 0


def test_a_shard_is_one_line_with_one_worker():
    mean, varies = mean_work_s(0.0), squared_variation(0.0)
    assert (mean, varies) == (0.5, 0)
    runs = [jobs(slow_share=0.0, load=0.5, jobs=800, lanes=1, seed=seed) for seed in SEEDS]
    found = [math.fsum(times) / len(times) for times in map(many_runs.job_times_s, runs)]
    average = math.fsum(found) / len(found)
    error = math.sqrt(math.fsum((x - average) ** 2 for x in found) / (len(found) - 1) / len(found))
    assert abs(average - laws.mg1_sojourn_s(0.5 / mean, 1 / mean, squared_variation=varies)) <= 3 * error


def test_half_a_batch_put_again_lies_behind_the_next_one_unless_the_phone_waits():
    late = dict.fromkeys(("goes on", "waits"), 0)
    for seed in range(1, 6):
        for rule in late:
            trace = batches(rule=rule, seed=seed)
            late[rule] += counts.overtaken(trace, "append")
            assert ("stored in order" in red(trace)) == (counts.overtaken(trace, "append") > 0)
            stored, offered = (len({row.message for row in trace.of(kind)}) for kind in ("append", "publish"))
            assert stored == offered
    assert late["waits"] == 0 < late["goes on"]


@pytest.mark.parametrize(("run", "wrong"), [
    (own_pace, {"rate": 0}), (catch_up, {"speed": 0}), (jobs, {"mode": "stack"}), (jobs, {"load": 0}),
    (batches, {"rule": "hopes"}), (batches, {"most": 0}), (since, {"since_s": 0}),
])  # fmt: skip
def test_runs_that_cannot_be_are_refused(run, wrong):
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        run(**wrong)


# ------------------------------------------------------------------------------------------ merge, bad record, clocks
@pytest.mark.parametrize("seed", SEEDS)
def test_the_child_of_a_merge_waits_for_both_parents_or_breaks_the_order(seed):
    load = {"shards": 2, "workers": 3, "merge_at_s": 3, "rate": 20, "records": 120, "lease_s": 60, "work_s": 0.1}
    waits, hurries = (nights(seed=seed, parents_first=first, **load) for first in (True, False))
    assert (counts.parents_worked_up(waits), counts.inversions(waits), counts.never_done(waits)) == (2, 0, 0)
    assert counts.parents_worked_up(hurries) < 2
    assert counts.inversions(hurries) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bad_record_holds_up_its_shard_and_no_other_unless_it_is_skipped_or_set_aside(seed):
    load = {"shards": 4, "workers": 4, "records": 100, "rate": 8, "lease_s": 60, "seed": seed}
    runs = {way: nights(poison=way, **load) for way in POISON}
    held = {way: counts.held_up(run, "phone.12", 15) for way, run in runs.items()}
    assert counts.widest(held["try again"]) == "its shard"
    assert held["skip"] == {"it alone": 1, "its sleeper": 0, "its shard": 0, "other shards": 0}
    assert not any(held["set aside"].values())
    assert [counts.never_done(run) for run in runs.values()] == [0, 1, 1]
    assert [len(run.of("dead")) for run in runs.values()] == [0, 0, 1]
    assert counts.inversions(runs["try again"]) == 0


def test_a_bad_record_goes_from_worker_to_worker_where_leases_end_first():
    run = nights(shards=2, workers=2, records=60, rate=8, poison="try again", lease_s=5)
    assert {row.place for row in run.of("fail")} == {"worker-1", "worker-2"}
    assert counts.never_done(run) == 0


@pytest.mark.parametrize("ahead_s", [-15, -10, 0, 10])
def test_a_slow_clock_leaves_out_what_was_asked_for_and_a_fast_one_adds_what_was_not(ahead_s):
    missing, more = stamps.left_out(ahead_s)
    assert missing == laws.left_out_by_a_slow_clock(max(0, -ahead_s), rate=2)
    assert more == 2 * max(0, ahead_s)
    assert len(since(ahead_s=ahead_s).of("hole")) == missing


def test_the_tables_say_what_the_stream_says():
    stream = LogStream("nights", VolatileDisk(), Settings(shards=2))
    for n, key in enumerate(["anna", "bert", "anna"]):
        stream.put(n, Entry(f"m{n}", key))
    start = stream.iterator(9, "shard-001", "TRIM_HORIZON")
    first = stream.read(9, start)
    stream.split(10, "shard-001")
    stream.put(11, Entry("m3", "anna"))
    table = told.laid_out(stream, 12)
    assert table["is"].tolist() == ["open", "closed", "open", "open"]
    assert table["on it"].tolist() == ["0: m1 of bert", "0: m0 of anna, 1: m2 of anna", "2: m3 of anna", ""]
    words = told.in_words({"first": first, "end": stream.read(12, first.next), "over": Throttled("s", "read calls")})
    assert words["gave"].tolist() == ["m0, m2", "nothing more", "turned away, over its read calls"]
    assert words["go on"].tolist() == ["at number 2", "on shard-002 and shard-003", "the same, later"]
    pages = counts.pages_of(own_pace(), "auditor")
    assert pages["from number"].tolist()[:3] == [0, 8, 16]


# ------------------------------------------------------------------------------------------ capacity that follows
@pytest.mark.parametrize("jump", [1, 2, 3, 4, 8, 16])
def test_on_demand_capacity_follows_a_jump_by_doublings(jump):
    takes = OnDemand()
    law_s = laws.follows_within_s(jump, 2, times=takes.times, adapts_s=takes.adapts_s)
    assert monday.follows_after_min(jump, 1) == law_s / 60


def test_growth_of_a_factor_of_two_in_the_time_of_a_step_is_followed_and_a_jump_is_not():
    grown = [4 * 2 ** (minute / 15) for minute in range(120)]
    assert refused_share(OnDemand(first=8).steps(grown)) < 1e-9
    assert refused_share(OnDemand(first=8).steps([4] * 30 + [32] * 90)) > 0.1
    assert refused_share(provisioned([4] * 30 + [32] * 90, 32)) == 0


def test_capacity_never_falls_and_nothing_is_refused_below_it():
    steps = list(OnDemand().steps([3, 9, 1, 30, 2, 60, 60, 0, 5] * 10))
    assert [step.capacity for step in steps] == sorted(step.capacity for step in steps)
    assert all(step.refused == max(0, step.offered - step.capacity) for step in steps)
    with pytest.raises(BadParameter, match="offered"):
        list(OnDemand().steps([-1]))
    with pytest.raises(BadParameter, match="times"):
        OnDemand(times=0)
