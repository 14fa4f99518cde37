"""A shared line makes the very same run again, and a line that cannot be read says what is wrong with it."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.lessons import reproduce, share
from dsys_lab.scenarios.not_consumed_in_time.bursts import burst, pipeline, retry_storm
from dsys_lab.trace import Header, Trace

CRASH = {"do": "crash", "target": "scorer", "at_s": 3.5, "lasts_s": 2}
ON_A_ROW = {"do": "slow", "target": "scorer", "on": {"kind": "enqueue", "place": "inbox"}, "nth": 3, "value": 0.5}


@settings(max_examples=25, deadline=None)
@given(
    policy=st.sampled_from(["unbounded", "block", "drop_oldest"]),
    capacity=st.integers(1, 60),
    burst_rate=st.floats(1, 40),
    seed=st.integers(0, 10**9),
    faults=st.lists(st.sampled_from([CRASH, ON_A_ROW]), max_size=2),
)
def test_the_line_makes_the_same_run(policy, capacity, burst_rate, seed, faults) -> None:
    run = burst(policy=policy, capacity=capacity, burst_rate=burst_rate, seed=seed, faults=faults,
                burst_from_s=1, burst_to_s=3, until_s=5)
    line = str(share(run))
    assert "\n" not in line
    again = reproduce(line)
    assert again.digest() == run.digest()
    assert again.header.as_dict() == run.header.as_dict()


def test_it_names_only_what_is_not_usual() -> None:
    assert str(share(burst(policy="block", seed=3, until_s=5.0))) == (
        "reproduce('not_consumed_in_time/burst?policy=block&until_s=5.0&seed=3')")


def test_the_line_is_python_that_a_cell_can_run() -> None:
    run = burst(seed=2, until_s=3, faults=[CRASH])
    assert eval(str(share(run))).digest() == run.digest()


def test_nothing_and_tuples_come_back_as_they_were() -> None:
    for run in (pipeline(window=3, stage_rates=(9.0, 8.0, 7.0), until_s=2), retry_storm(budget=0.5, until_s=2)):
        assert reproduce(str(share(run))).header.params == run.header.params


def test_a_quotation_mark_at_the_end_belongs_to_the_value() -> None:
    with pytest.raises(BadParameter, match="policy = '7'"):
        reproduce('not_consumed_in_time/burst?seed=1&policy="7"')


@pytest.mark.parametrize(("line", "says"), [
    ("", "as `share"),
    ("reproduce('not_consumed_in_time/burst?seed=1)", "paste the whole line"),
    ("burst?seed=1", "as `share"),
    ("attic/burst?seed=1", "no lab 'attic'"),
    ("not_consumed_in_time/bust?seed=1", "no scenario 'bust'"),
    ("not_consumed_in_time/burst?colour=red", "no parameter 'colour'"),
    ("not_consumed_in_time/burst?policy=zzz", "policy = 'zzz'"),
    ("not_consumed_in_time/burst?seed=1&seed=2", "seed is given twice"),
    ("not_consumed_in_time/burst?capacity=many", "capacity = 'many': give a whole number"),
    ('not_consumed_in_time/burst?faults=[{"do":"melt"}]', "melt"),
    ('not_consumed_in_time/burst?faults=[{"do":"crash","target":"attic","at_s":1}]', "no machine 'attic'"),
    ("not_consumed_in_time/burst?faults=3", "cannot run with these values"),
])
def test_a_line_that_cannot_be_run_says_why(line: str, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        reproduce(line)


def test_a_run_that_cannot_be_made_again_is_not_shared() -> None:
    with pytest.raises(BadParameter, match=r"nats 2\.15: only a scenario's run"):
        share(Trace(Header(lab="not_consumed_in_time", scenario="burst", engine="nats 2.15")))
    with pytest.raises(BadParameter, match="no scenario"):
        share(Trace())
