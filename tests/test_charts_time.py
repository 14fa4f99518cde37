"""Charts of time: bars that gates saw through, news above the time at which it happened."""

from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.views import charts

BARS = [(0, 5), (5, 15), (9, 10), (10, 20), (12, 18)]


@pytest.mark.parametrize(("period", "sawn"), [(10, 1), (5, 3), (100, 0), (1, 4)])
def test_a_bar_is_sawn_that_a_gate_goes_through_and_not_one_that_only_touches_it(period, sawn):
    chart = charts.sawn_bars(BARS, period)
    assert chart.summary == f"A gate every {period}: {sawn} of 5 bars are sawn through."


def test_the_gates_are_not_drawn_where_they_would_be_a_wall():
    def gates(period):
        (axes,) = charts.sawn_bars(BARS, period).figure.axes
        return len(axes.lines)

    assert (gates(5), gates(0.01)) == (4, 0)


def test_news_is_in_time_up_to_the_end_of_its_window_and_the_patience():
    points = [(1, 2), (9, 10), (9, 13), (9, 14), (12, 22.5), (19, 24)]
    found = {patience: charts.two_clocks(points, window=10, patience=patience).summary for patience in (0, 3, 4)}
    assert found == {
        0: "in time: 2, too late: 4", 3: "in time: 4, too late: 2", 4: "in time: 6, too late: 0"
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [
    lambda: charts.sawn_bars([], 1),
    lambda: charts.sawn_bars([(2, 1)], 1),
    lambda: charts.sawn_bars(BARS, 0),
    lambda: charts.two_clocks([], window=1, patience=0),
    lambda: charts.two_clocks([(1, 1)], window=0, patience=0),
    lambda: charts.two_clocks([(1, 1)], window=1, patience=-1),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match="give"):
        wrong()
