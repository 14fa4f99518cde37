"""Who may pass: four modes over one gate, two reasons to be refused, and where a partition is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned import Gate, SplitPolicy
from dsys_lab.stores.key_value.partitioned.admission import MODES, max_min_fair
from dsys_lab.stores.key_value.partitioned.splitting import PartitionView, Split, median_position
from dsys_lab.structures.token_bucket import TokenBucket

SECOND = 1_000_000
NAMES = ["p0", "p1", "p2", "p3"]
OUT_OF_PROMISE, OUT_OF_LIMIT = "TableWriteProvisionedThroughputExceeded", "TableWriteKeyRangeThroughputExceeded"


def gate(mode, *, rate=400.0, limit=1000.0, saved=0.0, partitions=NAMES):
    return Gate(rate=rate, mode=mode, kind="Write", partitions=partitions, limit=limit, saved=saved)


def offer(at, loads, seconds, *, from_s=0, every_us=10_000):
    """Offer loads (units a second, by partition) for so many seconds in small calls; return the units that passed."""
    before = {name: use.passed for name, use in at.status().items()}
    due = dict.fromkeys(loads, 0.0)
    for step in range(int(seconds * SECOND / every_us)):
        now_us = int(from_s * SECOND) + step * every_us
        for name, load in loads.items():
            due[name] += load * every_us / SECOND
            while due[name] >= 1:
                at.admit(now_us, name, 1)
                due[name] -= 1
    return {name: use.passed - before[name] for name, use in at.status().items()}


# ------------------------------------------------------------------------------------------ the bucket
@given(
    st.floats(1, 100), st.floats(1, 50), st.lists(st.tuples(st.integers(0, 300_000), st.floats(0.1, 20)), max_size=60)
)
def test_a_bucket_lets_no_more_through_than_its_law_and_one_call_in_debt(rate, burst, calls):
    bucket, now_us, passed, largest = TokenBucket(rate=rate, burst=burst), 0, 0.0, 0.0
    for gap_us, cost in calls:
        now_us += gap_us
        if bucket.take(now_us, cost):
            passed, largest = passed + cost, max(largest, cost)
    assert passed <= laws.token_bucket_most(rate, burst, now_us / SECOND) + largest + 1e-6


def test_a_call_above_the_burst_waits_for_a_full_bucket_and_leaves_a_debt():
    bucket = TokenBucket(rate=1, burst=2)
    assert bucket.take(0, 5)
    assert bucket.level(0) == -3
    assert not bucket.take(4 * SECOND, 5)
    assert bucket.ready_us(4 * SECOND, 5) == 5 * SECOND
    assert bucket.take(5 * SECOND, 5)


# ------------------------------------------------------------------------------------------ modes
@pytest.mark.parametrize("mode", MODES)
def test_an_even_load_within_the_promise_passes_in_every_mode(mode):
    at = gate(mode)
    assert offer(at, dict.fromkeys(NAMES, 95.0), 5) == pytest.approx(dict.fromkeys(NAMES, 475), abs=1)


def test_static_lets_through_what_the_law_says_and_wastes_the_rest():
    at, loads = gate("static"), {"p0": 300.0, "p1": 50.0, "p2": 50.0, "p3": 0.0}
    passed = offer(at, loads, 20)
    assert sum(passed.values()) == pytest.approx(20 * laws.accepted_units(list(loads.values()), [100.0] * 4), abs=101)
    assert at.status()["p0"].refused.keys() == {OUT_OF_PROMISE}


def test_burst_gives_what_was_saved_and_then_only_the_share():
    at = gate("burst", saved=1.0)
    lasts_s = laws.burst_lasts_s(100, 400, saved_s=300)
    assert lasts_s == 100
    first = offer(at, {"p0": 400.0}, lasts_s, every_us=50_000)["p0"]
    after = offer(at, {"p0": 400.0}, 20, from_s=lasts_s, every_us=50_000)["p0"]
    assert (first, after) == pytest.approx((400 * 100, 20 * 100), abs=10)


def test_adaptive_gives_the_hot_one_what_its_neighbours_leave():
    at = gate("adaptive")
    offer(at, {"p0": 300.0, "p1": 50.0}, 2)
    passed = offer(at, {"p0": 300.0, "p1": 50.0}, 5, from_s=2)
    assert (passed["p0"], passed["p1"]) == pytest.approx((1500, 250), abs=2)


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_lets_one_partition_beyond_its_limit(mode):
    at = gate(mode, rate=100_000, limit=200)
    assert offer(at, {"p0": 1000.0}, 5)["p0"] <= 200 * 6
    assert set(at.status()["p0"].refused) == {OUT_OF_LIMIT}


def test_global_lets_a_hot_partition_use_what_the_table_has_and_names_who_is_out():
    at = gate("global", rate=400, limit=300)
    assert offer(at, {"p0": 290.0, "p1": 60.0}, 5)["p0"] == pytest.approx(1450, abs=2)
    offer(at, {"p0": 290.0, "p1": 290.0}, 5, from_s=5)
    assert set(at.status()["p1"].refused) == {OUT_OF_PROMISE}


@given(
    mode=st.sampled_from(sorted(MODES)),
    calls=st.lists(st.tuples(st.integers(0, 400_000), st.sampled_from(NAMES), st.floats(0.5, 30)), max_size=80),
)
def test_what_passes_never_exceeds_limit_and_promise_and_what_is_refused_takes_nothing(mode, calls):
    at, now_us, largest = gate(mode, rate=40, limit=25), 0, 0.0
    for gap_us, name, units in calls:
        now_us, largest = now_us + gap_us, max(largest, units)
        levels = [at.level(now_us, other) for other in NAMES]
        if at.admit(now_us, name, units):
            assert [at.level(now_us, other) for other in NAMES] == levels
    seconds = now_us / SECOND
    uses = at.status().values()
    assert all(use.passed <= 25 * (seconds + 1) + largest + 1e-6 for use in uses)
    assert all(use.offered == pytest.approx(use.passed + sum(use.refused.values())) for use in uses)
    most = 40 * (seconds + (4 if mode in {"adaptive", "burst"} else 1))  # each partition begins with a second's share
    assert sum(use.passed for use in uses) <= most + 4 * (largest + 1) + 1e-6


@given(st.floats(0, 100), st.lists(st.floats(0, 50), min_size=1, max_size=6))
def test_max_min_fair_gives_nobody_more_than_wanted_and_who_got_less_got_most(total, wanted):
    shares = max_min_fair(total, wanted)
    assert sum(shares) == pytest.approx(min(total, sum(wanted)), abs=1e-6)
    assert all(0 <= share <= want for share, want in zip(shares, wanted, strict=True))
    short = [share for share, want in zip(shares, wanted, strict=True) if share < want - 1e-9]
    assert all(share <= min(short, default=1e9) + 1e-6 or share in wanted for share in shares)
    assert not short or max(shares) <= min(short) + 1e-6


def test_a_cut_partition_has_two_limits_and_half_of_what_was_saved_each():
    at = gate("burst", saved=1.0)
    before = at._at["p0"].allowed.level(0)
    at.split(0, "p0", ("p4", "p5"))
    assert [at._at[name].allowed.level(0) for name in ("p4", "p5")] == pytest.approx([before / 2] * 2)
    assert offer(at, {"p4": 1000.0, "p5": 1000.0}, 1)["p4"] > 900


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: gate("lucky"), "static, burst, adaptive, global"),
        (lambda: gate("static", rate=0), "rate = 0"),
        (lambda: gate("static", saved=2), "between 0 and 1"),
        (lambda: Gate(rate=1, mode="static", kind="Delete", partitions=["p"]), "Write, Read"),
        (lambda: SplitPolicy(heat=1.5), "heat"),
        (lambda: SplitPolicy(size_bytes_max=0), "size_bytes_max"),
    ],
)
def test_what_is_no_gate_or_policy_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong()


# ------------------------------------------------------------------------------------------ where to cut
def view(load_at=(), bytes_at=()):
    return PartitionView(0, 1000, dict(bytes_at), dict(load_at))


def test_a_partition_that_is_neither_large_nor_busy_is_left_alone():
    assert SplitPolicy().decide(view({10: 0.4, 20: 0.4})) is None


def test_a_busy_partition_is_cut_at_the_key_of_the_median_load():
    assert SplitPolicy().decide(view({10: 0.1, 500: 0.5, 900: 0.4})) == Split(900, "heat")
    assert SplitPolicy(size_bytes_max=100).decide(view(bytes_at={10: 50, 20: 30, 30: 40})) == Split(20, "size")


def test_two_cuts_leave_a_hot_key_alone_and_a_third_there_is_not():
    load = {n * 10: 0.02 for n in range(10)} | {55: 1.2}
    first = median_position(load)
    side = {at: units for at, units in load.items() if (at >= first) == (55 >= first)}
    second = median_position(side)
    alone = {at: units for at, units in side.items() if (at >= second) == (55 >= second)}
    assert list(alone) == [55]
    assert SplitPolicy().decide(view(alone)) is None


@given(st.dictionaries(st.integers(0, 1000), st.floats(0.1, 10), min_size=2, max_size=12))
def test_no_other_cut_divides_the_load_better(load):
    def gap(cut):
        return abs(sum(units if at >= cut else -units for at, units in load.items()))

    assert gap(median_position(load)) == pytest.approx(min(gap(cut) for cut in sorted(load)[1:]), abs=1e-9)
