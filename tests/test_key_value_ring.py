"""The ring of 2007: quorums that overlap or not, siblings, read repair, stand-ins; and what a clock throws away."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.ring import Ring, Version, context_of, keep_siblings, last_writer_wins
from dsys_lab.trace import Trace

FIVE = ["a", "b", "c", "d", "e"]


# ------------------------------------------------------------------------------------------ versions
WRITTEN = [
    Version("1", ("a", 1), (), 9),
    Version("2", ("b", 1), (), 1),
    Version("3", ("b", 2), (("a", 1), ("b", 1)), 5),
    Version("4", ("a", 2), (("a", 1),), 3),
    Version("5", ("c", 1), (("a", 2), ("b", 2)), 4),
]
SOME = st.lists(st.sampled_from(WRITTEN))


@given(SOME, SOME)
def test_joining_is_the_same_in_any_order_and_twice_is_once(one, other):
    joined = keep_siblings([*one, *other])
    assert keep_siblings([*other, *one, *one]) == joined
    assert keep_siblings([*keep_siblings(one), *keep_siblings(other)]) == joined


def test_only_versions_that_nobody_has_seen_are_kept():
    assert [version.value for version in keep_siblings(WRITTEN)] == ["5"]
    assert [version.value for version in keep_siblings(WRITTEN[:4])] == ["4", "3"]
    assert [version.value for version in last_writer_wins(WRITTEN)] == ["1"]


def test_a_version_that_was_read_is_replaced_and_one_that_was_not_stays():
    ring = Ring(["a", "b", "c"])
    first = ring.put(0, "k", "first")
    seen = ring.get(0, "k").context
    assert seen == context_of([first.version])
    ring.put(0, "k", "phone", context=seen)
    ring.put(0, "k", "watch", context=seen)
    found = ring.get(0, "k")
    assert set(found.values) == {"phone", "watch"}
    ring.put(0, "k", "both", context=found.context)
    assert ring.get(0, "k").values == ("both",)


def test_the_last_writer_throws_away_what_was_acknowledged_by_a_clock_that_is_wrong():
    ring = Ring(["a", "b", "c"], keep=last_writer_wins)
    ring.put(100, "k", "first", clock_us=9_000_000)  # this clock is nine seconds ahead
    second = ring.put(200, "k", "second", context=ring.get(150, "k").context)
    assert ring.is_acknowledged(second)
    assert ring.get(300, "k").values == ("first",)


def test_a_key_that_was_deleted_has_no_value_and_its_context_goes_on():
    ring = Ring(["a", "b", "c"])
    ring.put(0, "k", "x")
    ring.put(0, "k", None, context=ring.get(0, "k").context)
    assert ring.get(0, "k").values == ()
    assert ring.get(0, "k").context
    assert ring.get(0, "never").values == ()


# ------------------------------------------------------------------------------------------ quorums
def stale_share(n, r, w, *, seeds, reads=40):
    """The share of reads right after an acknowledgement that miss the write, the asked drawn by luck."""
    shares = []
    for seed in range(seeds):
        luck, stale = Random(seed), 0
        for number in range(reads):
            ring = Ring(
                FIVE, n=n, r=r, w=w, read_repair=False, lag=lambda machine, luck=luck: luck.randrange(1, 10_000)
            )
            put = ring.put(0, f"k{number}", "new")
            ring.tick(put.acknowledges_us)
            assert ring.is_acknowledged(put)
            found = ring.get(put.acknowledges_us, f"k{number}", ask=luck.sample(ring.replicas(f"k{number}"), r))
            stale += found.values != ("new",)
        shares.append(stale / reads)
    return shares


@pytest.mark.parametrize(("n", "r", "w"), [(n, r, w) for n, r, w in product([3], [1, 2, 3], [1, 2, 3])] + [(5, 2, 2)])
def test_the_share_of_stale_reads_is_the_law_and_none_where_the_quorums_overlap(n, r, w):
    shares = stale_share(n, r, w, seeds=8)
    law = laws.stale_after_write(n, r, w)
    mean = sum(shares) / len(shares)
    if laws.quorums_overlap(n, r, w):
        assert (law, set(shares)) == (0, {0})
    else:
        error = (law * (1 - law) / (len(shares) * 40)) ** 0.5
        assert abs(mean - law) <= 3 * error


@pytest.mark.parametrize("down", [0, 1])
def test_a_strict_quorum_refuses_and_a_sloppy_one_takes_the_write_elsewhere(down):
    for sloppy in (False, True):
        ring = Ring(FIVE, n=3, r=2, w=3, sloppy=sloppy)
        homes = ring.replicas("k")
        for machine in homes[:down]:
            ring.crash(0, machine)
        if down and not sloppy:
            with pytest.raises(Refused, match="3 must take it"):
                ring.put(1, "k", "x")
            assert ring.status().keys == dict.fromkeys(FIVE, 0)
        else:
            put = ring.put(1, "k", "x")
            assert (len(put.hinted), ring.is_acknowledged(put)) == (down, True)


def test_with_stand_ins_overlapping_quorums_promise_nothing():
    ring = Ring(FIVE, n=3, r=2, w=2, sloppy=True, lag=lambda machine: 100)
    homes = ring.replicas("k")
    ring.crash(0, homes[0])
    ring.crash(0, homes[1])
    put = ring.put(1, "k", "new")
    ring.tick(500)
    assert ring.is_acknowledged(put)
    assert set(put.hinted).isdisjoint(homes)
    ring.restart(600, homes[0])
    ring.restart(600, homes[1])
    assert ring.get(650, "k", ask=homes[:2]).values == ()  # R + W > N, and yet stale
    assert ring.get(700, "k", ask=homes[:2]).values == ("new",)  # the hints have been handed over
    assert ring.status().hints == 0
    assert all(not ring.kept_by(stand_in, "k") for stand_in in put.hinted)


def test_a_read_repairs_those_that_it_asked():
    ring = Ring(["a", "b", "c"], n=3, r=3, w=1)
    ring.crash(0, ring.replicas("k")[-1])
    absent = ring.status().down[0]
    ring.put(1, "k", "x")
    ring.restart(2, absent)
    assert ring.kept_by(absent, "k") == ()
    assert ring.get(3, "k").behind == (absent,)
    assert [version.value for version in ring.kept_by(absent, "k")] == ["x"]
    assert ring.get(4, "k").behind == ()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Ring(["a"], n=2), "n = 2"),
        (lambda: Ring(FIVE, n=3, r=4), "r = 4"),
        (lambda: Ring(FIVE, w=0), "w = 0"),
        (lambda: Ring(FIVE).put(0, "", "x"), "not empty"),
        (lambda: Ring(FIVE).get(0, 3), "key = 3"),
        (lambda: Ring(FIVE).get(0, "k", ask=["a"]), "2 different"),
        (lambda: Ring(FIVE).crash(0, "z"), "one of a, b"),
    ],
)
def test_what_is_no_ring_or_call_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong()


def test_rows_are_the_same_twice_and_change_nothing():
    def run(recorder=None):
        luck, given = Random(3), {} if recorder is None else {"recorder": recorder}
        ring = Ring(FIVE, sloppy=True, lag=lambda machine: luck.randrange(1, 50), **given)
        for number in range(30):
            now_us = number * 10
            if number == 10:
                ring.crash(now_us, "c")
            if number == 20:
                ring.restart(now_us, "c")
            ring.put(now_us, f"k{number % 7}", str(number))
            ring.get(now_us, f"k{number % 5}")
        ring.tick(10_000)
        return ring.status()

    one, other = Trace(), Trace()
    assert run(one) == run(other) == run()
    assert one.digest() == other.digest()


# ------------------------------------------------------------------------------------------ any order of events
class AnyOrder(RuleBasedStateMachine):
    """Writes with what was read, failures, returns: no acknowledged version is lost without somebody having seen it."""

    def __init__(self):
        super().__init__()
        self.luck = Random(7)
        self.ring = Ring(FIVE, n=3, r=2, w=2, sloppy=True, lag=lambda machine: self.luck.randrange(0, 300))
        self.now_us, self.context, self.puts = 0, (), []

    @rule(blind=st.booleans())
    def put(self, blind):
        seen = () if blind else self.context
        with suppress(Refused):
            self.puts.append(self.ring.put(self.now_us, "k", str(len(self.puts)), context=seen))

    @rule()
    def get(self):
        with suppress(Refused):
            self.context = self.ring.get(self.now_us, "k").context

    @rule(gap_us=st.integers(0, 400))
    def wait(self, gap_us):
        self.now_us += gap_us
        self.ring.tick(self.now_us)

    @precondition(lambda self: len(self.ring.down) < 2)
    @rule(machine=st.sampled_from(FIVE))
    def crash(self, machine):
        self.ring.crash(self.now_us, machine)

    @precondition(lambda self: self.ring.down)
    @rule()
    def restart(self):
        self.ring.restart(self.now_us, self.ring.down[0])

    @invariant()
    def nothing_acknowledged_is_lost(self):
        kept = [version for machine in FIVE for version in self.ring.kept_by(machine, "k")]
        on_the_way = [version for message in self.ring._on_the_way for version in message[5]]
        for put in self.puts:
            if self.ring.is_acknowledged(put):
                dot = put.version.dot
                assert any(v.dot == dot or dict(v.seen).get(dot[0], 0) >= dot[1] for v in (*kept, *on_the_way))

    def teardown(self):
        for machine in list(self.ring.down):
            self.ring.restart(self.now_us, machine)
        for step in range(4):
            self.ring.tick(self.now_us + 1000 * (step + 1))
        homes = self.ring.hash_ring.owners(b"k", 3)
        for first in range(3):
            self.ring.get(self.now_us + 10_000 * (first + 1), "k", ask=[homes[first], homes[(first + 1) % 3]])
        self.ring.tick(self.now_us + 90_000)
        self.ring.get(self.now_us + 90_000, "k", ask=homes[:2])
        self.ring.tick(self.now_us + 99_000)
        found = {v.dot for machine in homes for v in self.ring.kept_by(machine, "k")}
        for put in self.puts:
            if self.ring.is_acknowledged(put):
                kept = [v for machine in homes for v in self.ring.kept_by(machine, "k")]
                dot = put.version.dot
                assert dot in found or any(dict(v.seen).get(dot[0], 0) >= dot[1] for v in kept)


AnyOrder.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def _one_home(lag=lambda machine: 0):
    ring = Ring(["a", "b", "c"], n=1, r=1, w=1, sloppy=True, lag=lag)
    return ring, ring.hash_ring.owners(b"k", 1)[0]


def test_a_stand_in_keeps_what_its_home_did_not_get():
    ring, home = _one_home(lag=lambda machine: 10)
    ring.crash(0, home)
    assert ring.is_acknowledged(ring.put(0, "k", "x"))
    ring.restart(1, home)
    ring.crash(2, home)  # what the stand-in sent is still on the way
    ring.tick(20)
    ring.restart(21, home)
    ring.tick(40)
    assert [version.value for version in ring.kept_by(home, "k")] == ["x"]
    assert ring.status().hints == 0


def test_a_stand_in_that_took_two_writes_hides_neither():
    ring, home = _one_home()
    for value in ("x", "y"):  # nobody had read the other's
        ring.crash(0, home)
        ring.put(0, "k", value)
        found = ring.get(0, "k")
        if value == "x":
            ring.restart(0, home)
    ring.put(0, "k", "z", context=found.context)
    ring.restart(0, home)
    assert "x" in found.values or "x" in ring.get(0, "k").values, "what was replaced had been read"
