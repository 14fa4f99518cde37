"""A fold that can be taken apart comes to the same over a file, over many files and over a stream."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.batch import (
    COUNT,
    DISTINCT,
    MAX,
    MEAN,
    MONOIDS,
    BatchJob,
    PoisonRecord,
    Record,
    StreamJob,
    sessions,
)
from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace

S = 1_000_000


def plainly(name, records):
    """The answers by the definition, without a fold."""
    values = [record.value for record in records]
    times = sorted(record.event_us for record in records)
    return {
        "count": len(values), "sum": sum(values), "max": max(values), "min": min(values), "distinct": len(set(values)),
        "mean": sum(values) / len(values), "last": max((r.event_us, r.value) for r in records)[1],
        "sessions": 1 + sum(later - earlier >= 30 * S for earlier, later in itertools.pairwise(times)),
    }[name]  # fmt: skip


RECORDS = st.lists(
    st.builds(lambda at, late, key, value: Record(at * S, (at + late) * S, key, value),
              st.integers(0, 300), st.integers(0, 90), st.sampled_from("abc"), st.integers(-5, 5)),
    min_size=1, max_size=40,
)  # fmt: skip


@pytest.mark.parametrize("name", MONOIDS)
@settings(max_examples=12, deadline=None)
@given(records=RECORDS, period=st.integers(1, 200), data=st.data())
def test_wherever_the_input_is_cut_and_in_whatever_order_the_answer_is_that_of_one_fold(name, records, period, data):
    monoid = MONOIDS[name]
    by_arrival = sorted(records, key=lambda record: record.arrived_us)
    truth = {key: plainly(name, [r for r in records if r.key == key]) for key in sorted({r.key for r in records})}
    run = BatchJob(monoid, period_us=period * S, carries=True).run(by_arrival)
    assert sum(part.records for part in run.parts) == len(records)
    assert run.parts[-1].answers == pytest.approx(truth)
    assert {key: run.merged(key) for key in run.keys} == pytest.approx(truth)
    assert StreamJob(monoid).run(data.draw(st.permutations(records))) == pytest.approx(truth)


@pytest.mark.parametrize("name", MONOIDS)
@settings(max_examples=12, deadline=None)
@given(records=RECORDS, cuts=st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_merge_is_associative_leaves_its_parts_alone_and_zero_changes_nothing(name, records, cuts):
    monoid, (first, second) = MONOIDS[name], sorted(cuts)

    def states():
        values = [monoid.of(record) for record in records]
        return [monoid.fold(part) for part in (values[:first], values[first:second], values[second:])]

    a, b, c = states()
    left, right = monoid.merge(monoid.merge(a, b), c), monoid.merge(a, monoid.merge(b, c))
    assert monoid.finish(left) == monoid.finish(right) == monoid.finish(monoid.merge(monoid.zero(), left))
    assert [a, b, c] == states()


def test_answers_of_files_can_be_added_up_for_a_count_and_not_for_different_ones_means_and_sessions():
    records = [Record(at * S, at * S, "k", value) for at, value in [(0, 1), (1, 1), (9, 4), (11, 4), (12, 7), (31, 1)]]
    found = {}
    for monoid in (COUNT, MAX, DISTINCT, MEAN, sessions(5)):
        run = BatchJob(monoid, period_us=10 * S).run(records)
        found[monoid.name] = run.again("k"), run.merged("k")
    assert found == {"count": (6, 6), "max": (7, 7), "distinct": (5, 3), "mean": (8.5 / 3, 3), "sessions": (4, 3)}


def test_a_session_that_grew_at_both_ends_takes_in_what_lies_within():
    visits = sessions(30)
    for order in itertools.permutations([0, 25, 50, 10]):
        assert visits.finish(visits.fold(at * S for at in order)) == 1
    assert visits.finish(visits.fold(at * S for at in (0, 30))) == 2


def test_a_file_of_events_waits_its_grace_and_what_comes_later_is_counted_as_missing_and_told():
    records = [Record(8 * S, 9 * S, "k"), Record(9 * S, 11 * S, "k", message="m"), Record(4 * S, 14 * S, "k")]
    missing = {}
    for grace in (0, 1, 4):
        trace = Trace()
        job = BatchJob(COUNT, period_us=10 * S, grace_us=grace * S, cut="event", recorder=trace)
        run = job.run(records)
        missing[grace] = run.missing
        assert [part.ready_us for part in run.parts] == [(10 + grace) * S]
        assert run.merged("k") == 3 - run.missing == 3 - len(trace.of("late"))
    assert missing == {0: 2, 1: 1, 4: 0}


def test_a_stream_job_knows_what_it_keeps():
    job = StreamJob(COUNT)
    assert job.status().newest_us is None
    job.run([Record(5, 5, "a"), Record(3, 6, "b"), Record(4, 7, "a")])
    assert (job.status().records, job.status().keys, job.status().newest_us) == (3, 2, 5)


POISONED = [Record(S, S, "k", 4), Record(2 * S, 2 * S, "k", "four", "m2"), Record(3 * S, 3 * S, "k", 6)]


def test_a_file_with_poison_in_it_has_no_answer_and_it_is_told_which_record():
    with pytest.raises(PoisonRecord, match="record m2: mean cannot add 'four'; mend it"):
        BatchJob(MEAN, period_us=10 * S).run(POISONED)


def test_a_stream_job_stops_at_poison_skips_it_or_parks_it_and_its_state_is_as_before():
    stopped = StreamJob(MEAN)
    with pytest.raises(PoisonRecord, match="m2"):
        stopped.run(POISONED)
    assert stopped.answers() == {"k": 4}
    skips, parks = StreamJob(MEAN, poison="skip"), StreamJob(MEAN, poison="park")
    assert skips.run(POISONED) == parks.run(POISONED) == {"k": 5}
    assert (skips.status().skipped, skips.parked) == (1, [])
    assert (parks.status().skipped, parks.parked) == (0, POISONED[1:2])
    assert skips.status().records == parks.status().records == 2


@pytest.mark.parametrize("wrong", [
    lambda: StreamJob(COUNT, poison="ignore"),
    lambda: BatchJob(COUNT, period_us=0),
    lambda: BatchJob(COUNT, period_us=1, grace_us=-1),
    lambda: BatchJob(COUNT, period_us=1, cut="size"),
    lambda: sessions(0),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match="give"):
        wrong()
