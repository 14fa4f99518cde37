"""A chart of counts against a law says every number that it draws, and asks the law only where it holds."""

from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.views import charts

COUNTED = {"newest": [(1, 1.6, 0.02), (4, 1.1, 0.01)], "any": [(2, 1.2, 0.02)]}


@pytest.mark.parametrize("more", [{}, {"log_x": True}, {"log_y": True, "predicted": (2, 3.0)}])
def test_it_says_what_it_draws(more):
    chart = charts.against_law(COUNTED, laws={"newest": lambda at: 1 + 1 / at}, title="Loans", x="loan", **more)
    assert str(chart).splitlines() == [
        "Loans against loan: newest and any.",
        "newest at 1: counted 1.6, law 2",
        "newest at 4: counted 1.1, law 1.25",
        "any at 2: counted 1.2",
    ]
    assert chart.png == charts.against_law(
        COUNTED, laws={"newest": lambda at: 1 + 1 / at}, title="Loans", x="loan", **more
    ).png


def test_laws_that_are_bounds_stand_in_the_legend_each_by_its_own_name():
    bounds = {"least": lambda at: 0.8 * at, "most": lambda at: 1.2 * at}
    chart = charts.against_law({"n": [(1, 1.1, 0), (4, 4.1, 0)]}, laws=bounds, x="loan")
    (legend,) = [legend for axes in chart.figure.axes if (legend := axes.get_legend())] or chart.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["n", "the law: least", "the law: most"]
    assert str(chart).splitlines()[-2:] == ["the law, least: 0.8 at 1, 3.2 at 4", "the law, most: 1.2 at 1, 4.8 at 4"]


@pytest.mark.parametrize("lowest", [-5.0, 1.0])
def test_the_axis_begins_at_nought_unless_something_lies_below(lowest):
    chart = charts.against_law({"n": [(1, lowest, 0), (4, 4.0, 0)]}, laws={})
    bottom, _ = chart.figure.axes[0].get_ylim()
    assert bottom < lowest if lowest < 0 else bottom == 0


def test_a_law_of_whole_numbers_is_asked_for_no_other():
    asked = []
    charts.against_law({"n": [(3, 1, 0), (6, 2, 0)]}, laws={"": lambda at: asked.append(at) or 1}, whole_x=True)
    assert set(asked) == {3, 4, 5, 6}


def test_nothing_counted_is_refused():
    with pytest.raises(BadParameter, match="no points"):
        charts.against_law({"n": []}, laws={})


@pytest.mark.parametrize(("error", "said"), [(0.02, ["n", "bar: 3 standard errors"]), (0, ["n"])])
def test_a_legend_says_what_bars_are_where_there_are_any(error, said):
    (legend,) = charts.against_law({"n": [(1, 1.6, error), (4, 1.1, 0)]}, laws={}, x="loan").figure.legends
    assert [text.get_text() for text in legend.get_texts()] == said


@pytest.mark.parametrize(("error", "said"), [(2.0, "nights   (bar: 3 standard errors)"), (0.0, "nights")])
def test_a_reveal_says_what_its_bar_is_where_it_has_one(error, said):
    chart = charts.predicted_counted_law(50, unit="nights", between=(0, 100), standard_error=error)
    assert chart.figure.axes[0].get_xlabel() == said
