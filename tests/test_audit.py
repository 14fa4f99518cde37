"""The detectors are sound and complete within their bounds; the repairs read what they must, and no more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.brokers.audit import (
    Heartbeat,
    Kept,
    Ledger,
    Missing,
    SequenceGap,
    Tally,
    compare_trees,
    differing,
    patch,
    replay,
    resend,
    resume,
)
from dsys_lab.errors import BadParameter, Misuse, Refused

S = 1_000_000


def numbers_of(gaps):
    return [(gap.key, number) for gap in gaps for number in range(gap.first, gap.last + 1)]


@st.composite
def deliveries(draw):
    """Sent 1 to n; some are lost, some come twice, and none comes after one more than `reorder` above it."""
    reorder, count = draw(st.integers(0, 4)), draw(st.integers(1, 25))
    lost = draw(st.sets(st.integers(1, count)))
    late = {n: n + draw(st.integers(0, reorder)) for n in range(1, count + 1) if n not in lost}
    order = sorted(late, key=lambda n: (late[n], -n))  # n comes beside the one that stands at late[n]
    twice = draw(st.sets(st.sampled_from(order))) if order else set()
    return reorder, count, lost, [n for n in order for _ in range(1 + (n in twice))]


# ------------------------------------------------------------------------------------------ numbers
def test_a_gap_is_seen_when_the_next_number_comes():
    gaps = SequenceGap()
    assert [gaps.observe("anna", n) for n in (1, 4, 5, 7)] == [
        (), (Missing("anna", 2, 3),), (), (Missing("anna", 6, 6),),
    ]  # fmt: skip
    assert gaps.missing() == (Missing("anna", 2, 3), Missing("anna", 6, 6))


def test_each_key_has_its_own_numbers():
    gaps = SequenceGap()
    assert [gaps.observe(key, 1) for key in ("anna", "bert")] == [(), ()]
    assert gaps.observe("bert", 3) == (Missing("bert", 2, 2),)
    assert gaps.missing("anna") == ()


def test_what_comes_after_all_is_crossed_off_and_counted_as_late():
    gaps = SequenceGap()
    for number in (1, 3, 2, 2):
        gaps.observe("anna", number)
    status = gaps.status()
    assert (status.missing, status.late, status.repeated, status.seen) == (0, 1, 1, 3)


@settings(max_examples=60, deadline=None)
@given(deliveries())
def test_nothing_is_called_missing_that_comes_and_what_is_lost_is_seen_at_the_first_number_beyond_the_bound(run):
    reorder, _, lost, came = run
    gaps, told = SequenceGap(reorder=reorder), []
    for at, number in enumerate(came):
        told += numbers_of(gaps.observe("anna", number))
        beyond = {n for n in lost if max(came[: at + 1]) > n + reorder}
        assert {n for _, n in told} == beyond, "sound and complete at every step"
    assert len(told) == len(set(told))
    assert gaps.status().late == 0
    assert gaps.status().seen == len(set(came))


@settings(max_examples=40, deadline=None)
@given(deliveries())
def test_when_all_is_known_to_be_sent_the_tail_is_seen_too(run):
    reorder, count, lost, came = run
    gaps = SequenceGap(reorder=reorder)
    told = [one for number in came for one in numbers_of(gaps.observe("anna", number))]
    told += numbers_of(gaps.all_sent("anna", count))
    assert sorted(n for _, n in told) == sorted(lost)
    assert numbers_of(gaps.missing()) == [("anna", n) for n in sorted(lost)]


# ------------------------------------------------------------------------------------------ heartbeat
def test_numbers_alone_never_see_the_tail_and_a_heartbeat_does_after_its_grace():
    gaps = SequenceGap()
    heart = Heartbeat(gaps, every_s=5, grace_s=1)
    gaps.observe("anna", 1)
    heart.beat(5 * S, {"anna": 2, "bert": 1})
    assert heart.deadline_us() == 6 * S
    assert heart.due(6 * S - 1) == ()
    assert heart.due(6 * S) == (Missing("anna", 2, 2), Missing("bert", 1, 1))
    assert heart.deadline_us() is None


def test_what_comes_within_the_grace_is_not_missing():
    gaps = SequenceGap()
    heart = Heartbeat(gaps, every_s=5, grace_s=1)
    heart.beat(5 * S, {"anna": 1})
    gaps.observe("anna", 1)
    assert heart.due(6 * S) == ()


def test_three_beats_that_do_not_come_are_a_silence():
    heart = Heartbeat(SequenceGap(), every_s=5, grace_s=1)
    heart.beat(10 * S, {})
    assert not heart.is_silent(26 * S)
    assert heart.is_silent(26 * S + 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=25), st.integers(1, 90))
def test_every_loss_is_known_at_the_grace_after_the_first_beat_that_was_sent_after_it(sent, every):
    """Tenths of a second: a message takes 3 at most, a beat is there at once, the grace is 3."""
    times = sorted(at for at, _ in sent)
    lost = {n for n, (_, gone) in enumerate(sent, 1) if gone}
    events = [(at + n % 4, 1, "came", n) for n, at in enumerate(times, 1) if n not in lost]
    events += [(at, 0, "beat", sum(t <= at for t in times)) for at in range(every, 500 + every, every)]
    events += [(at, 2, "look", 0) for at in range(600)]
    gaps = SequenceGap(reorder=100)  # numbers alone say nothing here
    heart, known = Heartbeat(gaps, every_s=every / 10, grace_s=0.3), {}
    for at, _, what, number in sorted(events):
        now_us = at * 100_000
        if what == "came":
            gaps.observe("anna", number)
        elif what == "beat":
            heart.beat(now_us, {"anna": number})
        else:
            known |= {n: at for _, n in numbers_of(heart.due(now_us))}
    first_beat = {n: -(-max(times[n - 1], 1) // every) * every for n in lost}
    assert known == {n: first_beat[n] + 3 for n in lost}


# ------------------------------------------------------------------------------------------ tallies
def tallies(sent, came, bucket_s=60):
    ends = Tally(bucket_s), Tally(bucket_s)
    for tally, ids in zip(ends, (sent, came), strict=True):
        for at_s, message in ids:
            tally.add(at_s * S, message)
    return ends


def test_a_bucket_that_lacks_a_message_differs_once_it_is_closed():
    sent, came = tallies([(1, "m1"), (70, "m2")], [(1, "m1")])
    assert differing(sent, came, before_us=119 * S) == []
    assert differing(sent, came, before_us=120 * S) == [1]
    assert sent.not_in(came, 1) == ["m2"]


def test_one_missing_and_one_twice_is_the_same_count_and_another_hash():
    sent, came = tallies([(1, "m1"), (2, "m2")], [(1, "m1"), (1, "m1")])
    assert differing(sent, came, before_us=60 * S, by="count") == []
    assert differing(sent, came, before_us=60 * S, by="hash") == [0]


def test_what_came_twice_does_not_cancel_out():
    sent, came = tallies([(1, "m1")], [(1, "m1"), (1, "m2"), (1, "m2")])
    assert differing(sent, came, before_us=60 * S) == [0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=30), st.randoms(use_true_random=False))
def test_buckets_differ_where_something_is_lost_and_nowhere_else_in_any_order(messages, luck):
    sent = [(at_s, f"m{n}") for n, (at_s, _) in enumerate(messages)]
    came = [one for one, (_, gone) in zip(sent, messages, strict=True) if not gone]
    luck.shuffle(came)
    ours, theirs = tallies(sent, came)
    found = differing(ours, theirs, before_us=360 * S)
    assert found == sorted({at_s // 60 for (at_s, _), (_, gone) in zip(sent, messages, strict=True) if gone})
    lost = [message for bucket in found for message in ours.not_in(theirs, bucket)]
    assert sorted(lost) == sorted(message for _, message in set(sent) - set(came))


def test_what_was_compared_is_forgotten():
    sent, _ = tallies([(1, "m1"), (70, "m2")], [])
    sent.forget(before_us=60 * S)
    assert sent.buckets() == [1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=70), st.data(), st.integers(2, 5))
def test_trees_differ_at_exactly_the_leaves_that_do(leaves, data, fan_out):
    changed = data.draw(st.sets(st.integers(0, len(leaves) - 1)))
    other = [leaf + 1000 * (at in changed) for at, leaf in enumerate(leaves)]
    assert compare_trees(leaves, other, fan_out=fan_out).leaves == tuple(sorted(changed))


def test_one_of_a_thousand_is_found_by_few_comparisons_and_equal_trees_by_one():
    leaves = list(range(1024))
    assert compare_trees(leaves, leaves).compared == 1
    assert compare_trees(leaves, [*leaves[:-1], -1]).compared == 1 + 2 * 10


# ------------------------------------------------------------------------------------------ ledger
def test_what_has_not_come_by_its_deadline_is_missing_once():
    ledger = Ledger(within_s=10)
    ledger.expect(0, "m1")
    ledger.expect(1 * S, "m2")
    ledger.came(9 * S, "m2")
    assert ledger.deadline_us() == 10 * S
    assert ledger.due(10 * S - 1) == ()
    assert ledger.due(10 * S) == ("m1",)
    assert ledger.due(20 * S) == ()
    ledger.came(21 * S, "m1")
    status = ledger.status()
    assert (status.expected, status.came, status.missing, status.late) == (2, 1, 0, 1)


# ------------------------------------------------------------------------------------------ repairs
KEPT = [Kept(at, "ab"[at % 2], at // 2 + 1, f"m{at}") for at in range(8)]


def messages(plan):
    return [record.message for record in plan.records]


def test_each_repair_reads_what_it_says():
    assert messages(resend(KEPT, key="b", number=3)) == ["m5", "m7"]
    assert messages(replay(KEPT, position=5)) == ["m5", "m6", "m7"]
    assert messages(replay(KEPT, position=5, until=7)) == ["m5", "m6"]
    assert messages(patch(KEPT, messages={"m6", "m1", "gone"})) == ["m1", "m6"]
    assert messages(resume(KEPT, snapshot_position=7)) == ["m7"]


def test_a_plan_says_what_it_repeats_and_what_it_brings_back():
    plan = replay(KEPT, position=4)
    assert plan.repeats({"m0", "m4", "m5", "m6"}) == 3
    assert plan.brings_back({"m7", "m1"}) == 1


# ------------------------------------------------------------------------------------------ misuse
@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: SequenceGap(reorder=-1), BadParameter, "whole number"),
        (lambda: SequenceGap().observe("a", 0), BadParameter, "begin with 1"),
        (lambda: SequenceGap().observe("a", True), BadParameter, "begin with 1"),
        (lambda: SequenceGap().observe("a", "7"), BadParameter, "begin with 1"),
        (lambda: SequenceGap().all_sent("a", -3), BadParameter, "begin with 1"),
        (lambda: Heartbeat(SequenceGap(), every_s=0), BadParameter, "every_s"),
        (lambda: Heartbeat(SequenceGap(), every_s=1).beat(0, {"a": -1}), BadParameter, "0 for none"),
        (lambda: [heart := Heartbeat(SequenceGap(), every_s=1), heart.due(5), heart.due(4)], Misuse, "run back"),
        (lambda: Tally(0), BadParameter, "bucket_s"),
        (lambda: differing(Tally(1), Tally(2), before_us=0), BadParameter, "one kind"),
        (lambda: differing(Tally(1), Tally(1), before_us=0, by="luck"), BadParameter, "luck"),
        (lambda: compare_trees([1], [1, 2]), BadParameter, "same length"),
        (lambda: compare_trees([], []), BadParameter, "1 or more"),
        (lambda: compare_trees([1], [1], fan_out=1), BadParameter, "fan_out"),
        (lambda: Ledger(within_s=-1), BadParameter, "within_s"),
        (lambda: [one := Ledger(within_s=1), one.expect(0, "m"), one.expect(1, "m")], Refused, "expected already"),
        (lambda: [one := Ledger(within_s=1), one.expect(9, "m"), one.due(3)], Misuse, "run back"),
        (lambda: replay(KEPT, position=4, until=3), BadParameter, "position <= until"),
    ],
)
def test_misuse_is_told_what_to_give(call, error, says):
    with pytest.raises(error, match=says):
        call()
