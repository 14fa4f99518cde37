"""What the runs of `nights` teach holds for every luck: at least once, in order by key, and a hot key stays hot."""

from __future__ import annotations

import math

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.log_stream import counts, nights, readers
from dsys_lab.scenarios.scenario import find
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import lamps

SEEDS = range(1, 5)


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


@pytest.mark.parametrize("wrong", [{"shards": 0}, {"workers": 0}, {"hot_share": 2}, {"fsync": "often"}, {"work_s": -1}])
def test_a_night_that_cannot_be_is_refused(wrong):
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        nights(**wrong)


@pytest.mark.parametrize("wrong", [{"way": "guess"}, {"readers": 0}, {"poll_s": 0}])
def test_readers_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        readers(**wrong)
