"""A window says what a batch would say, once its watermark is right, and takes back what it said too early."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.batch import COUNT, DISTINCT, MEAN, SUM, Record
from dsys_lab.dataflows.windows import (
    BEFORE_ALL,
    Cumulating,
    Emission,
    Hopping,
    Session,
    Tumbling,
    Watermarks,
    Window,
    WindowedStream,
    folded,
)
from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace

ASSIGNERS = {
    "tumbling": Tumbling(10), "hopping": Hopping(5, 15), "cumulating": Cumulating(5, 20), "session": Session(7),
}  # fmt: skip


def memberships(kind, records):
    """In which windows each record lies, by the definition: every window of the calendar is asked."""
    if kind == "session":
        found = []
        for key in {record.key for record in records}:
            mine = sorted((r for r in records if r.key == key), key=lambda record: record.event_us)
            cuts = [0, *(n + 1 for n, (a, b) in enumerate(itertools.pairwise(mine)) if b.event_us - a.event_us >= 7),
                    len(mine)]
            for low, high in itertools.pairwise(cuts):
                window = Window(mine[low].event_us, mine[high - 1].event_us + 7)
                found += [(record, window) for record in mine[low:high]]
        return found
    calendar = {
        "tumbling": [Window(start, start + 10) for start in range(-20, 140, 10)],
        "hopping": [Window(start, start + 15) for start in range(-20, 140, 5)],
        "cumulating": [Window(start, start + n) for start in range(-20, 140, 20) for n in (5, 10, 15, 20)],
    }[kind]
    return [(record, w) for record in records for w in calendar if w.start_us <= record.event_us < w.end_us]


def batch(kind, records, function):
    groups = {}
    for record, window in memberships(kind, records):
        groups.setdefault((record.key, window), []).append(record.value)
    return {place: function(values) for place, values in groups.items()}


@st.composite
def shuffled(draw, late_most):
    """Records in an order in which none comes more than `late_most` after a later one."""
    times = draw(st.lists(st.integers(0, 100), min_size=1, max_size=30))
    delays = [draw(st.integers(0, late_most)) for _ in times]
    rows = sorted((at + delay, number, at) for number, (at, delay) in enumerate(zip(times, delays, strict=True)))
    return [Record(at, came, draw(st.sampled_from("ab")), number % 5, f"m{number}") for came, number, at in rows]


def run(stream, records):
    said = []
    for record in records:
        while (due_us := stream.deadline_us()) is not None and due_us <= record.arrived_us:
            said += stream.tick(due_us)
        said += stream.on_record(record.arrived_us, record)
    return said + stream.finish(1_000)


@pytest.mark.parametrize("kind", ASSIGNERS)
@settings(max_examples=10, deadline=None)
@given(records=shuffled(late_most=8), early=st.sampled_from([None, 1, 7]),
       mode=st.sampled_from(["accumulate", "retract"]))
def test_in_any_order_within_the_bound_none_is_late_and_all_end_as_the_batch(kind, records, early, mode):
    mode = "retract" if kind == "session" else mode
    stream = WindowedStream(ASSIGNERS[kind], SUM, Emission(early_us=early, mode=mode), bound_us=8)
    said = run(stream, records)
    assert folded(said, mode) == batch(kind, records, sum)
    assert stream.status().late_drops == stream.status().late_updates == stream.status().kept == 0
    on_time = [pane for pane in said if pane.when == "on_time" and not pane.is_taken_back]
    assert len(on_time) == len({(pane.key, pane.window) for pane in on_time})
    if early is None:
        assert {(pane.key, pane.window): pane.value for pane in on_time} == batch(kind, records, sum)


@pytest.mark.parametrize("mode", ["discard", "accumulate", "retract"])
@pytest.mark.parametrize("kind", ["tumbling", "hopping", "cumulating"])
@settings(max_examples=8, deadline=None)
@given(records=shuffled(late_most=40), lateness=st.integers(1, 30), early=st.sampled_from([None, 4]))
def test_whatever_is_late_the_end_is_the_batch_over_all_that_was_not_dropped(kind, mode, records, lateness, early):
    trace = Trace()
    emission = Emission(early_us=early, lateness_us=lateness, mode=mode)
    stream = WindowedStream(ASSIGNERS[kind], SUM, emission, bound_us=3, recorder=trace)
    said = run(stream, records)
    dropped = {(row.message, row.fields["start_us"], row.fields["end_us"])
               for row in trace.of("late") if row.fields["action"] == "drop"}
    expected = {}
    for record, window in memberships(kind, records):
        if (record.message, *window) not in dropped:
            expected[record.key, window] = expected.get((record.key, window), 0) + record.value
    assert folded(said, mode, lambda one, other: one + other) == expected
    assert len(dropped) == stream.status().late_drops
    assert stream.status().kept == 0


@settings(max_examples=20, deadline=None)
@given(records=shuffled(late_most=40), lateness=st.integers(0, 30), early=st.sampled_from([None, 4]))
def test_late_sessions_lose_no_event_that_was_not_dropped_and_with_lateness_enough_they_are_the_batchs(
    records, lateness, early
):
    for lateness_us in (lateness, 60):
        trace = Trace()
        emission = Emission(early_us=early, lateness_us=lateness_us)
        stream = WindowedStream(Session(7), SUM, emission, bound_us=3, recorder=trace)
        ends = folded(run(stream, records), "retract")
        dropped = {row.message for row in trace.of("late") if row.fields["action"] == "drop"}
        assert sum(ends.values()) == sum(record.value for record in records if record.message not in dropped)
    assert ends == batch("session", records, sum)


@settings(max_examples=10, deadline=None)
@given(records=shuffled(late_most=20), at=st.integers(0, 30))
@pytest.mark.parametrize("kind", ASSIGNERS)
def test_what_is_restored_goes_on_as_if_nothing_had_been(kind, records, at):
    def stream():
        return WindowedStream(ASSIGNERS[kind], DISTINCT, Emission(lateness_us=5, early_us=6), bound_us=4)

    one, other, said = stream(), stream(), []
    for record in records[:at]:
        said += one.on_record(record.arrived_us, record)
    other.aggregate.restore(copy.deepcopy(one.aggregate.snapshot()))
    other.watermarks.restore(one.watermarks.snapshot())
    assert run(other, records[at:]) == run(one, records[at:])
    assert other.status() == one.status()


def test_a_retraction_corrects_a_mean_where_differences_cannot():
    records = [Record(1, 1, "k", 2), Record(2, 2, "k", 4), Record(20, 20, "k", 0), Record(3, 21, "k", 9)]
    ends = {}
    for mode in ("retract", "accumulate", "discard"):
        stream = WindowedStream(Tumbling(10), MEAN, Emission(lateness_us=50, mode=mode), bound_us=0)
        ends[mode] = folded(run(stream, records), mode, lambda one, other: (one + other) / 2)["k", Window(0, 10)]
    assert ends == {"retract": 5, "accumulate": 5, "discard": 6}


# ------------------------------------------------------------------------------------------ watermarks
def test_the_watermark_of_two_inputs_is_the_lesser_and_never_runs_back():
    marks, seen = Watermarks(("a", "b"), bound_us=5), []
    for now, source, event in [(1, "a", 30), (2, "b", 10), (3, "b", 8), (4, "b", 50), (5, "a", 20), (6, "a", 40)]:
        marks.on_event(now, source, event)
        seen.append(marks.at_us)
    assert seen == [BEFORE_ALL, 5, 5, 25, 25, 35]


def test_a_silent_input_holds_all_back_until_it_is_taken_for_idle_and_then_may_be_late():
    def story(idle_us):
        stream = WindowedStream(Tumbling(10), COUNT, inputs=("a", "b"), bound_us=0, idle_us=idle_us)
        said = stream.on_record(1, Record(1, 1, "k"), "b")
        for at in range(2, 40):
            said += stream.tick(at) + stream.on_record(at, Record(at, at, "k"), "a")
        return len(said), stream.on_record(40, Record(5, 40, "k"), "b"), stream.status().late_drops

    assert story(None) == (0, [], 0)
    assert story(5) == (3, [], 1)


def test_idleness_has_a_deadline_and_none_when_nobody_is_waited_for():
    marks = Watermarks(("a", "b"), bound_us=0, idle_us=10)
    marks.on_event(3, "a", 3)
    assert marks.deadline_us() == 10
    assert marks.tick(10)
    assert marks.idle(10) == ["b"]


def test_a_clock_that_is_ahead_makes_all_others_late_unless_it_is_capped():
    def late(ahead_us):
        stream = WindowedStream(Tumbling(10), COUNT, bound_us=5, ahead_us=ahead_us)
        for at in range(50):
            stream.on_record(at, Record(at + 600 * (at == 20), at, "k"))
        return stream.status().late_drops

    assert late(None) == 29
    assert late(0) == 0


@pytest.mark.parametrize(("watermark", "fate"), [(9, "on time"), (10, "update"), (14, "update"), (15, "drop")])
def test_a_window_hears_until_its_end_corrects_until_its_lateness_and_not_a_moment_longer(watermark, fate):
    stream = WindowedStream(Tumbling(10), COUNT, Emission(lateness_us=5), bound_us=0)
    for at in (5, watermark, 9):
        stream.on_record(at, Record(at, at, "k"))
    status = stream.status()
    assert (status.late_updates, status.late_drops) == {"on time": (0, 0), "update": (1, 0), "drop": (0, 1)}[fate]


def test_state_is_bounded_whatever_comes():
    stream = WindowedStream(Hopping(5, 10), COUNT, Emission(lateness_us=10), bound_us=5)
    kept = []
    for at in range(500):
        stream.on_record(at, Record(at, at, f"k{at % 3}"))
        kept.append(stream.status().kept)
    assert max(kept) <= 3 * ((10 + 5 + 10) // 5 + 1)
    assert max(kept[250:]) == max(kept[:250])


@pytest.mark.parametrize("wrong", [
    lambda: Tumbling(0),
    lambda: Hopping(4, 10),
    lambda: Cumulating(3, 10),
    lambda: Session(0),
    lambda: Emission(early_us=0),
    lambda: Emission(lateness_us=-1),
    lambda: Emission(mode="forget"),
    lambda: Watermarks((), bound_us=0),
    lambda: Watermarks(bound_us=-1),
    lambda: Watermarks(bound_us=0, idle_us=0),
    lambda: Watermarks(("a",), bound_us=0).on_event(0, "b", 0),
    lambda: WindowedStream(Session(5), COUNT, Emission(lateness_us=5, mode="accumulate"), bound_us=0),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_with_what_is_allowed(wrong):
    with pytest.raises(BadParameter, match=r"give|there are"):
        wrong()


# ------------------------------------------------------------------------------------------ golden traces
S = 1_000_000


def a_window_speaks_early_takes_it_back_is_corrected_once_and_then_hears_no_more(trace):
    stream = WindowedStream(Tumbling(10 * S), COUNT, Emission(4 * S, 8 * S), bound_us=2 * S, recorder=trace)
    for came, event in [(1, 1), (3, 2), (6, 5), (9, 8), (13, 12), (14, 7), (22, 21), (23, 9)]:
        if (due_us := stream.deadline_us()) is not None and due_us <= came * S:
            stream.tick(due_us)
        stream.on_record(came * S, Record(event * S, came * S, "oslo", message=f"at-{event}"))


def a_ping_between_two_sessions_makes_one_of_them_and_the_first_answer_goes(trace):
    stream = WindowedStream(Session(5 * S), COUNT, Emission(lateness_us=20 * S), bound_us=0, recorder=trace)
    for came, event in [(1, 1), (2, 2), (9, 9), (11, 5), (30, 30)]:
        stream.on_record(came * S, Record(event * S, came * S, "anna", message=f"at-{event}"))


@pytest.mark.parametrize("lesson", [
    a_window_speaks_early_takes_it_back_is_corrected_once_and_then_hears_no_more,
    a_ping_between_two_sessions_makes_one_of_them_and_the_first_answer_goes,
])  # fmt: skip
def test_a_golden_trace_tells_its_lesson(lesson):
    trace = Trace()
    lesson(trace)
    golden = Path(__file__).parent / "golden" / f"windows_{lesson.__name__}.txt"
    if not golden.exists():
        golden.write_text(trace.text() + "\n", encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert trace.text() + "\n" == golden.read_text(encoding="utf-8")
