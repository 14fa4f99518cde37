"""A trace is a closed vocabulary, written in order, and the same run gives the same trace."""

from __future__ import annotations

import os
import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsys_lab.trace.kinds as vocabulary
from dsys_lab.errors import BadRow
from dsys_lab.scenarios.not_consumed_in_time import bursts as lab
from dsys_lab.simulation import Fault
from dsys_lab.trace import ACCOUNTS, KINDS, NO_TRACE, VERBS, Counters, Trace, replay

TEXTS = st.text('aé☃"\\\n\u2028', max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | TEXTS


def said_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@st.composite
def rows(draw: st.DrawFn) -> list[tuple]:
    """Rows that a trace takes: any kind with its fields and more, in order of time."""
    time_us, made = 0, []
    for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=12)):
        time_us += draw(st.integers(0, 10**9))
        more = draw(st.dictionaries(st.sampled_from(["size_bytes", "waited_us", "note", "é"]), SCALARS, max_size=2))
        fields = {name: draw(SCALARS) for name in sorted(KINDS[kind].required)} | more
        made.append((time_us, kind, draw(st.sampled_from(["a", "a/b", "ü"])), draw(st.none() | st.just("m1")), fields))
    return made


def written(recorder, rows):
    for time_us, kind, place, message, fields in rows:
        recorder.emit(time_us, kind, place, message, **fields)
    return recorder


# ------------------------------------------------------------------------------------------ the vocabulary
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_word_is_known_to_the_player_and_to_the_ledger(kind):
    assert kind.verb in VERBS
    assert kind.account in ("", *ACCOUNTS)
    assert kind.name.islower()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_sentence_says_only_what_its_row_carries(kind):
    assert said_in(kind.sentence) <= kind.required | {"place", "message"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_required_field_is_said_in_the_sentence_or_explained(kind):
    for name in kind.required - said_in(kind.sentence):
        assert f"`{name}`" in vocabulary.__doc__, name


def test_every_verb_is_used_and_explained():
    assert {kind.verb for kind in KINDS.values()} == set(VERBS)
    assert all(f"`{verb}`" in vocabulary.__doc__ for verb in VERBS)


def test_a_state_that_a_place_enters_can_be_left_and_no_other():
    entered = {kind.state for kind in KINDS.values() if kind.state}
    stays = {"idle"}  # a slice without a block of the question has nothing to do from its beginning to its end
    assert entered - stays == {state for kind in KINDS.values() for state in kind.ends} == {
        "down", "slow", "blocked", "split", "absent", "locked", "apart", "stale", "open", "mistaken", "shown"}


# ------------------------------------------------------------------------------------------ what is refused
Q = "q", "m1"
BAD_ROWS = {
    "an unknown kind, with the nearest word": ((5, "enqeue", *Q), {"depth": 1}, r"row 1.*'enqeue'.*enqueue"),
    "a kind like nothing known": ((5, "zzzz", *Q), {}, r"row 1.*'zzzz'.*kinds.py"),
    "a field missing": ((5, "enqueue", *Q), {"deep": 1}, r"row 1.*'enqueue' needs the field 'depth'.*deep"),
    "a list in a field": ((5, "enqueue", *Q), {"depth": [1]}, r"row 1.*field 'depth'.*list"),
    "a subclass": ((5, "enqueue", *Q), {"depth": type("Wide", (int,), {})(3)}, r"row 1.*'depth'.*Wide"),
    "time that runs back": ((4, "enqueue", *Q), {"depth": 1}, r"row 1.*time_us = 4.*behind 5"),
    "a time that is not whole": ((5.5, "enqueue", *Q), {"depth": 1}, r"row 1.*time_us = 5.5.*whole"),
    "a place without a name": ((5, "enqueue", None, "m1"), {"depth": 1}, r"row 1.*place = None"),
    "a message that is a number": ((5, "enqueue", "q", 7), {"depth": 1}, r"row 1.*message = 7"),
}


@pytest.mark.parametrize(("row", "fields", "says"), BAD_ROWS.values(), ids=list(BAD_ROWS))
def test_a_bad_row_is_refused_by_name_and_leaves_nothing_behind(row, fields, says):
    trace = Trace()
    trace.emit(5, "publish", "p", "m1", attempt=1)
    before = trace.digest()
    with pytest.raises(BadRow, match=says):
        trace.emit(*row, **fields)
    assert (len(trace), trace.digest(), trace.end_us) == (1, before, 5)
    trace.emit(5, "enqueue", "q", "m1", depth=1)  # and time has not moved either
    assert trace[1].seq == 1


def test_time_before_the_beginning_is_refused():
    with pytest.raises(BadRow, match=r"row 0.*-1"):
        Trace().emit(-1, "note", "q", text="early")


# ------------------------------------------------------------------------------------------ three recorders, one run
@given(rows())
def test_counters_that_ride_along_equal_counters_folded_afterwards(rows):
    assert written(Counters(), rows) == written(Trace(), rows).counters()


@given(rows())
def test_a_replayed_trace_is_the_same_trace(rows):
    first, second = written(Trace(), rows), Trace()
    replay(first, second)
    assert second.digest() == first.digest()
    assert list(second) == list(first)


def test_counters_add_up_measures_but_not_points_in_time():
    counters = Counters()
    counters.emit(0, "send", "a", "m1", to="b", copy=0, type="x", arrive_us=500, size_bytes=7)
    counters.emit(9, "send", "a", "m2", to="b", copy=0, type="x", arrive_us=900, size_bytes=5)
    assert counters.sum("send", "size_bytes") == 12
    assert counters.sum("send", "arrive_us") == 0
    assert (counters.count("send"), counters.count("send", "a"), counters.count("send", "b")) == (2, 2, 0)


def test_the_result_of_a_system_is_the_same_whoever_listens():
    from dsys_lab.brokers.overflow import POLICIES, Buffer, Request

    def served(recorder, policy):
        buffer = Buffer("q", capacity=3, policy=policy, recorder=recorder)
        requests = [Request(f"m{i}", deadline_us=20, priority=i % 2) for i in range(9)]
        answers = [buffer.offer(i, request, chance=0.3).value for i, request in enumerate(requests)]
        return answers, [buffer.take(19 + i) for i in range(4)], buffer.status()

    for policy in POLICIES:
        assert served(Trace(), policy) == served(Counters(), policy) == served(NO_TRACE, policy)


# ------------------------------------------------------------------------------------------ reading
def test_the_text_form_is_one_aligned_line_a_row():
    trace = Trace()
    trace.emit(34_658, "receive", "cli", "m3", source="srv", copy=0, type="pong")
    trace.emit(61_000_000, "crash", "a-rather-long-place")
    assert trace.text() == (
        "    0.034658s  cli          receive      m3       source=srv copy=0 type=pong\n"
        "   61.000000s  a-rather-long-place crash        -"
    )
    assert trace.text(-1) == trace.text(1, 2) == trace.text().splitlines()[1]


def test_rows_are_found_by_position_kind_place_and_message():
    trace = Trace()
    trace.emit(0, "publish", "p", "m1", attempt=1)
    trace.emit(1, "enqueue", "q", "m1", depth=1)
    trace.emit(2, "enqueue", "r", "m2", depth=1)
    assert [row.seq for row in trace] == [0, 1, 2]
    assert trace[-1] == trace[2]
    assert [row.seq for row in trace.of("enqueue")] == [1, 2]
    assert [row.seq for row in trace.of(message="m1")] == [0, 1]
    assert [row.seq for row in trace.of("enqueue", place="r", message="m2")] == [2]
    with pytest.raises(IndexError, match="rows 0 to 2"):
        trace[3]


def test_a_trace_is_a_table_for_sql_in_which_whole_numbers_stay_whole():
    trace = Trace()
    big = 2**60 + 1  # a float would round it
    trace.emit(0, "publish", "p", "m1", attempt=1)
    trace.emit(1, "enqueue", "q", "m1", depth=3, until_us=big)
    trace.emit(2, "check", "q", None, name="x", ok=True, expected=1, got="two")
    trace.emit(3, "gauge", "q", None, name="x", value=2, unit="u", kind="its own", place="elsewhere")
    assert trace.sql("select count(*) from trace").iloc[0, 0] == 4
    assert trace.sql("select max(until_us), max(depth), count(depth) from trace").iloc[0].tolist() == [big, 3, 1]
    gauge = trace.sql("select kind, kind_, place_ from trace where kind_ is not null")
    assert gauge.iloc[0].tolist() == ["gauge", "its own", "elsewhere"]
    assert trace.sql("select seq from trace where ok").iloc[0, 0] == 2
    assert trace.sql("select got from trace where got is not null").iloc[0, 0] == "two"
    frame = trace.frame()
    assert str(frame["depth"].dtype) == "Int64"
    assert frame["message"].isna().tolist() == [False, False, True, True]
    assert Trace().sql("select count(*) from trace").iloc[0, 0] == 0


# ------------------------------------------------------------------------------------------ same run, same digest
DIGESTS = """
from dsys_lab.scenarios.not_consumed_in_time import bursts as lab
faults = [
    dict(do="split", target="wearables, scorer, inbox", at_s=3, lasts_s=1),
    dict(do="slow", target="scorer", at_s=5, lasts_s=2),
    dict(do="loss", target="network", at_s=1, value=.1),
    dict(do="duplication", target="network", at_s=1, value=.1),
]
print(
    lab.retry_storm(until_s=40, spike_from_s=5, spike_to_s=9, faults=faults).digest(),
    lab.burst(policy="sample", until_s=30).digest(),
    lab.hockey_stick(customers=500, servers=3, utilisation=.9).digest(),
    lab.pipeline(window=4, until_s=20).digest(),
    lab.fair_shares(control="aimd", until_s=10).digest(),
)
"""


def test_two_processes_with_any_hash_seed_make_the_same_rows():
    def digests(hash_seed):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = [sys.executable, "-c", DIGESTS]
        return subprocess.run(run, env=environment, check=True, capture_output=True, encoding="utf-8").stdout

    first = digests("0")
    assert len(first.split()) == 5
    assert {digests("1"), digests("4242"), digests("random")} == {first}


def test_another_seed_fault_or_field_is_another_digest():
    faults = [Fault(do="slow", target="scorer", at_s=1, value=0.5)]
    runs = [lab.burst(until_s=5), lab.burst(until_s=5, seed=2), lab.burst(until_s=5, faults=faults)]
    assert len({run.digest() for run in runs}) == 3
    one, other = Trace(), Trace()
    one.emit(0, "enqueue", "q", "m", depth=1)
    other.emit(0, "enqueue", "q", "m", depth=2)
    assert one.digest() != other.digest()


def test_the_order_in_which_fields_are_given_does_not_matter():
    one, other = Trace(), Trace()
    one.emit(0, "gauge", "q", name="x", value=1, unit="u")
    other.emit(0, "gauge", "q", unit="u", value=1, name="x")
    assert one.digest() == other.digest()
