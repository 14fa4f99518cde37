"""The plane of event and processing time says of a run what its rows say, and follows its bound."""

from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.streaming_sql import windows
from dsys_lab.trace import Trace
from dsys_lab.views import charts


def lines_of(chart):
    return dict(line.split(": ") for line in chart.summary.splitlines())


def test_each_ping_is_one_point_and_each_late_one_is_told_apart():
    for changes in ({}, {"bound_s": 0.0}, {"lateness_s": 30.0, "bound_s": 1.0}, {"kind": "hopping"}):
        trace = windows(**changes)
        told = lines_of(charts.event_plane(trace))
        late = {row.message for row in trace.of("late")}
        assert int(told["late, dropped"]) == len(trace.of("drop"))
        assert int(told["late, dropped"]) + int(told["late, counted"]) == len(late)
        points = sum(int(told[name]) for name in ("in time", "late, counted", "late, dropped"))
        assert points == len(trace.of("receive"))


def test_a_longer_bound_moves_the_stair_and_the_points():
    found = [charts.event_plane(windows(bound_s=bound_s)) for bound_s in (0.0, 30.0)]
    assert int(lines_of(found[0])["late, dropped"]) > int(lines_of(found[1])["late, dropped"])
    assert found[0].png != found[1].png


def test_what_was_taken_back_is_struck_out():
    figure = charts.event_plane(windows(early_s=4.0)).figure
    written = [text.get_text() for text in figure.axes[0].texts]
    assert sum("\u0336" in text for text in written) == len(windows(early_s=4.0).of("retract")) > 0


def test_a_run_without_event_time_is_refused():
    with pytest.raises(BadParameter, match="event_us"):
        charts.event_plane(Trace())
