"""A chart says in words what it shows, is the same picture each time, and refuses what it cannot draw."""
from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys

import matplotlib.image
import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.not_consumed_in_time.bursts import burst
from dsys_lab.trace import Trace, balance
from dsys_lab.views import charts

RUNS = [burst(policy=policy) for policy in ("unbounded", "drop_oldest")]
EVERY_CHART = {
    "predicted_counted_law": lambda: charts.predicted_counted_law(10.1, 10, 3, unit="times", between=(1, 100)),
    "lines": lambda: charts.lines({"a": [(0, 1), (10, 5)]}, references={"limit": 4}, bands={"burst": (2, 3)}, y="n"),
    "depth_over_time": lambda: charts.depth_over_time(*RUNS, place="inbox"),
    "rate_over_time": lambda: charts.rate_over_time(*RUNS, kind="finish", window_s=2),
    "bars": lambda: charts.bars(
        {"block": 5.0, "reject": 1.5}, title="p99", references={"limit": 2}, predicted={"block": 7}),
    "outcomes": lambda: charts.outcomes(*RUNS),
    "wait_histogram": lambda: charts.wait_histogram(*RUNS, limit_s=5),
    "hockey_stick": lambda: charts.hockey_stick(
        {"exponential": [(0.5, 0.2, 0.01), (0.9, 1.02, 0.1)]}, laws={"exponential": lambda u: 0.1 / (1 - u)},
        high={"exponential": [(0.5, 0.92)]}, predicted=(0.9, 0.4)),
}


@pytest.mark.parametrize("draw", EVERY_CHART.values(), ids=EVERY_CHART)
def test_a_chart_is_the_same_each_time_and_carries_its_words(draw, monkeypatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    (data, metadata), (again, _) = (draw()._repr_mimebundle_() for _ in range(2))
    assert data == again
    assert set(data) == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"]
    assert "Figure" not in data["text/plain"]
    assert " at 0x" not in data["text/plain"]


@pytest.mark.parametrize("draw", EVERY_CHART.values(), ids=EVERY_CHART)
def test_nothing_is_cut_at_the_edge(draw) -> None:
    picture = matplotlib.image.imread(io.BytesIO(draw().png))[:, :, :3]
    edges = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    assert all((edge == 1).all() for edge in edges), "ink touches the edge: a label is cut"


def test_live_a_chart_is_described_for_those_who_do_not_see_it(monkeypatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    data, _ = EVERY_CHART["bars"]()._repr_mimebundle_()
    assert 'alt="p99, for block and reject.' in data["text/html"]
    assert "block: 5" in data["text/html"]


def test_live_a_chart_has_no_ground_of_its_own_and_turns_with_a_dark_page() -> None:
    html = EVERY_CHART["bars"]().html()
    drawn = io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]))
    assert matplotlib.image.imread(drawn)[0, 0, 3] == 0
    assert "[data-jp-theme-light=false] .dsys-chart" in html


def test_what_stands_at_whole_numbers_only_has_no_others_on_its_axis() -> None:
    hops = charts.lines({"rows": [(1, 5), (2, 20), (4, 90)]}, x="hop", y="rows", whole_x=True)
    assert list(hops.figure.axes[0].get_xticks()) == [1, 2, 4]


def test_a_number_beside_a_bar_gives_way_to_a_line_that_would_run_through_it() -> None:
    [axes] = charts.bars({"near": 64.7, "far": 43.7}, unit="%", references={"the most": 66.7}).figure.axes
    assert [text.xy[0] for text in axes.texts] == [66.7, 43.7]


def test_laws_of_several_curves_are_one_line_of_the_legend() -> None:
    points = {"leveled": [(1, 5), (2, 20)], "tiered": [(1, 2), (2, 4)]}
    (legend,) = charts.lines(points, laws=points, y="times").figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["leveled", "tiered", "the law"]


def test_several_references_are_told_apart() -> None:
    chart = charts.lines({"rows": [(1, 5), (2, 20)]}, y="rows", references={"mean": 6, "friends": 21, "long": 24})
    drawn = [line for line in chart.figure.axes[0].lines if line.get_label() in {"mean", "friends", "long"}]
    assert len({str(line._unscaled_dash_pattern) for line in drawn}) == 3


def test_a_share_is_told_in_percent() -> None:
    assert str(charts.bars({"oldest": 0.0272}, unit="share of the calls")).endswith("oldest: 2.72%")
    chart = charts.lines({"full": [(1, 0.5), (10, 0.04)]}, y="share that finds no room", x="room")
    assert "from 50% over at most 50% (at 1) to 4%" in str(chart)
    axes = chart.figure.axes[0]
    assert axes.yaxis.get_major_formatter()(0.2, 0) == "20%"
    assert axes.xaxis.get_major_formatter()(0.2, 0) != "20%"
    law = charts.against_law({"n": [(0.1, 0.2, 0)]}, laws={}, x="share of poison", y="share lost", log_y=True)
    assert "n at 10%: counted 20%" in str(law)
    assert law.figure.axes[0].yaxis.get_major_formatter()(0.2, 0) == "20%"


def test_an_unknown_mode_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "film")
    with pytest.raises(BadParameter, match="give one of live, html, still"):
        charts.view_mode()


def test_the_words_hold_the_numbers() -> None:
    assert "you said 3" in str(EVERY_CHART["predicted_counted_law"]())
    assert "exponential at 90%: counted 1.02, law 1" in str(EVERY_CHART["hockey_stick"]())
    assert f"dropped {balance(RUNS[1]).dropped}" in str(EVERY_CHART["outcomes"]())


# ------------------------------------------------------------------------------------------------------- what is drawn

@pytest.mark.parametrize(("call", "says"), [
    (lambda: charts.lines({}), "no points"),
    (lambda: charts.bars({}), "nothing to compare"),
    (charts.outcomes, "no trace"),
    (lambda: charts.wait_histogram(Trace()), "finished nothing"),
    (lambda: charts.hockey_stick({}), "no points"),
    (lambda: charts.depth_over_time(RUNS[0], place="attic"), "give one of inbox"),
    (lambda: charts.rate_over_time(RUNS[0], kind="finish", window_s=0), "window_s = 0"),
    (lambda: charts.sliding(EVERY_CHART["bars"], room=(5, 1)), r"room = \(5, 1\)"),
])
def test_what_cannot_be_drawn_is_said(call, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        call()


# ------------------------------------------------------------------------------------------------------------- sliders

def doubled(users: int, kind: str = "a") -> charts.Chart:
    return charts.bars({kind: users * 2})


def test_a_slider_moves_the_picture() -> None:
    chart = charts.sliding(doubled, users=(1, 100), kind=["a", "b"])
    slider, menu, picture = chart.widget.children
    before = picture.value
    slider.value = 21
    assert (chart.values["users"], chart.chart.summary) == (21, "a: 42")
    assert picture.value != before
    menu.value = "b"
    assert chart.chart.summary == "b: 42"


def test_without_a_kernel_the_chart_stands_where_its_sliders_begin(monkeypatch) -> None:
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    data, _ = charts.sliding(doubled, at={"users": 5}, users=(1, 100))._repr_mimebundle_()
    assert data["text/plain"].endswith("a: 10")


def test_importing_the_charts_does_not_import_matplotlib() -> None:
    asked = "import json, sys, dsys_lab.views.charts; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout)
    assert not {"matplotlib", "numpy", "ipywidgets", "anywidget"} & set(modules)


def test_values_that_cannot_be_drawn_are_said_and_leave_the_chart_as_it_was() -> None:
    def picky(users: int) -> charts.Chart:
        if users == 7:
            raise BadParameter("users = 7: give <another>")
        return doubled(users)

    chart = charts.sliding(picky, users=(1, 100))
    slider, picture = chart.widget.children
    slider.value = 7
    assert "users = 7: give &lt;another&gt;" in picture.value
    assert (chart.values, chart.chart.summary) == ({"users": 1}, "a: 2")
    slider.value = 8
    assert "users = 7" not in picture.value
    assert chart.chart.summary == "a: 16"


def test_curves_over_whole_numbers_have_whole_ticks_and_a_bound_looks_other_than_a_law() -> None:
    points = [(buyers, buyers**2) for buyers in range(1, 21)]
    [axes] = charts.lines({"counted": points}, laws={"law": points}, references={"bound": 50}, y="n").figure.axes
    assert all(tick == int(tick) for tick in axes.get_xticks())
    counted, law, bound = axes.lines
    assert law._unscaled_dash_pattern != bound._unscaled_dash_pattern
    assert law.get_zorder() > counted.get_zorder(), "a law that holds would be hidden by what was counted"
