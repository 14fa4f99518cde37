"""What a run came to in numbers is counted from its rows, and agrees with what its parts said themselves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.not_consumed_in_time.bursts import burst
from dsys_lab.trace import Trace, depths, outcome, quantile, rates

RUNS = [burst(policy=policy) for policy in ("unbounded", "drop_oldest")]


def test_depth_is_what_the_buffer_itself_reports() -> None:
    for run in RUNS:
        reported = max(row.fields["depth"] for row in run.of("enqueue"))
        assert max(depth for _, depth in depths(run, "inbox")) == reported


def test_rates_add_up_to_the_rows_of_whole_windows() -> None:
    for window_s in (1.0, 2.5):
        counted = sum(rate * window_s for _, rate in rates(RUNS[0], "finish", window_s=window_s))
        whole_us = int(RUNS[0].end_us / 1e6 / window_s) * window_s * 1e6
        assert counted == pytest.approx(sum(row.time_us < whole_us for row in RUNS[0].of("finish")))


@given(st.lists(st.floats(0, 1e6), min_size=1).map(sorted), st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(ordered: list[float], share: float) -> None:
    value = quantile(ordered, share)
    assert sum(x <= value for x in ordered) >= share * len(ordered)
    smaller = [x for x in ordered if x < value]
    assert not smaller or sum(x <= smaller[-1] for x in ordered) < share * len(ordered)


def test_a_copy_waits_where_it_was_stored_until_any_row_moves_it() -> None:
    trace = Trace()
    trace.emit(0, "publish", "phone", "m1", attempt=1)
    trace.emit(1_000_000, "enqueue", "clips", "m1", depth=1)
    trace.emit(2_000_000, "deliver", "clips", "m1", to="w", attempt=1, handle="h", visible_until_us=0, arrive_us=0)
    trace.emit(3_000_000, "visible", "clips", "m1", attempt=1)
    trace.emit(4_000_000, "dead", "clips", "m1", receives=1, to="morgue")
    assert depths(trace, "clips") == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0), (4, 0)]


def test_what_is_not_there_is_said_and_is_no_number() -> None:
    with pytest.raises(BadParameter, match="no value"):
        quantile([], 0.5)
    with pytest.raises(BadParameter, match="give one of inbox"):
        depths(RUNS[0], "attic")
    with pytest.raises(BadParameter, match="window_s = 0"):
        rates(RUNS[0], "finish", window_s=0)
    assert math.isnan(outcome(Trace()).p99_s)
