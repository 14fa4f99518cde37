"""The chart of old news counts every promise once, and refuses a run in which nobody believes anything."""
from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.verification_and_apology import counts, launch
from dsys_lab.views import charts


@pytest.mark.parametrize("news_s", [0.2, 1.0, 2.0])
def test_every_promise_is_a_stroke_and_those_taken_back_are_crossed(news_s: float) -> None:
    run = launch(news_s=news_s)
    sorry = counts.outcome(run)["apologies"]
    told = charts.old_news(run).summary
    assert f"promised: {40 + sorry}\nkept: 40\napologised for: {sorry}" in told


def test_a_run_without_beliefs_is_refused() -> None:
    with pytest.raises(BadParameter, match="gauges `left` and `believed`"):
        charts.old_news(launch(way="ask"))
