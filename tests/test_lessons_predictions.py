"""A prediction is kept once and scored once, shows no truth before it is made, and is nobody's when committed."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.lessons import facts, predict, progress
from dsys_lab.lessons.answer_forms import CURVE_POINTS, ChoiceForm, CurveForm, NumberForm, filled, interpolated
from dsys_lab.lessons.predictions import Prediction

NUMBER, CHOICE = NumberForm(1, 100, "times"), ChoiceForm(("up", "down"))
CURVE = CurveForm((0, 10, "s"), (0, 4, "a second"))


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader of this test's own, in front of a live notebook."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    return tmp_path / "progress.json"


def wait() -> Prediction:
    return predict("13/wait", "How many times longer?", between=(1, 100), unit="times")


def button(widget, text: str):
    """Find a button by its words, wherever it is in a widget."""
    found = [child for child in walk(widget) if getattr(child, "description", "") == text]
    assert len(found) == 1
    return found[0]


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def shown(widget) -> str:
    return " ".join(child.value for child in walk(widget) if isinstance(getattr(child, "value", None), str))


# ------------------------------------------------------------------------------------------------------ kept and scored

def test_a_verdict_names_prediction_count_law_and_distance() -> None:
    prediction = wait()
    prediction.keep(3)
    assert prediction.reveal(10.1, law=10).verdict == "You said 3 times, counted 10.1, law 10: off by a factor of 3.4."


def test_what_was_not_counted_does_not_say_so() -> None:
    asked = predict("08/first-query", "How long?", between=(0, 120), unit="s", found="by AWS's account")
    assert asked.reveal(15).verdict == "By AWS's account 15; no prediction was made."
    asked.keep(10)
    assert asked.reveal(15).verdict == "You said 10 s, by AWS's account 15: off by 5 s."
    chart = str(asked.reveal(15)._chart(title=""))
    assert "by AWS's account" in chart
    assert "counted" not in chart


def test_the_first_answer_counts_and_is_kept_for_the_next_session() -> None:
    wait().keep(3)
    later = wait()
    later.keep(10)
    assert later.said == 3
    assert progress().of("predictions", "13/wait")["said"] == 3


def test_a_score_is_kept_when_the_truth_is_revealed_and_does_not_change_any_more() -> None:
    prediction = wait()
    prediction.keep(10)
    assert "score" not in progress().of("predictions", "13/wait")
    prediction.reveal(10).open()
    assert progress().of("predictions", "13/wait")["score"] == 1
    prediction.reveal(90).open()
    assert progress().of("predictions", "13/wait")["score"] == 1


def test_who_saw_the_truth_first_gets_no_score() -> None:
    prediction = wait()
    reveal = prediction.reveal(10)
    reveal.open()
    prediction.keep(10)
    prediction.reveal(10).open()
    assert "score" not in progress().of("predictions", "13/wait")


def test_an_answer_of_another_form_from_an_older_notebook_is_not_taken() -> None:
    wait().keep(3)
    assert predict("13/wait", "Which way?", choices=["up", "down"]).said is None


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_in_factors_too_much_and_too_little_score_alike(said: float, factor: float) -> None:
    over, under = NUMBER.judge(said * factor, said), NUMBER.judge(said, said * factor)
    assert over.score == pytest.approx(under.score)
    assert 0 <= over.score <= 1
    assert NUMBER.judge(said, said).score == 1


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10))
def test_closer_never_scores_less(truth: float, said: float, other: float) -> None:
    form = NumberForm(0, 10, "s")
    assume(abs(said - truth) <= abs(other - truth))
    assert form.judge(said, truth).score >= form.judge(other, truth).score


@given(st.lists(st.floats(0, 4), min_size=CURVE_POINTS, max_size=CURVE_POINTS), st.floats(0, 1))
def test_a_curve_is_as_far_as_it_is_lifted(drawn: list[float], lift: float) -> None:
    lifted = [y + lift for y in drawn]
    assert CURVE.judge(drawn, (CURVE.xs, drawn)).score == pytest.approx(1)
    assert CURVE.judge(lifted, (CURVE.xs, drawn)).score == pytest.approx(1 - 3 * lift / 4, abs=1e-6)


@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), min_size=2, max_size=30))
def test_gaps_of_a_drawing_are_filled_between_its_neighbours(drawn: list[float | None]) -> None:
    whole, known = filled(drawn), [y for y in drawn if y is not None]
    assert bool(whole) == (len(known) > 1)
    if whole:
        assert [y for y, was in zip(whole, drawn, strict=True) if was is not None] == pytest.approx(known)
        assert min(known) - 1e-9 <= min(whole)
        assert max(whole) <= max(known) + 1e-9


def test_a_line_is_level_beyond_its_ends_and_may_jump() -> None:
    assert [interpolated(x, [1, 2, 2, 3], [0, 4, 8, 8]) for x in (0, 1.5, 2, 2.5, 9)] == [0, 2, 4, 8, 8]


# ------------------------------------------------------------------------------------------------------ what is refused

@pytest.mark.parametrize(("call", "says"), [
    (lambda: predict("13/a", "?"), "no form of answer"),
    (lambda: predict("13/a", "?", between=(1, 2), choices=["a", "b"]), "given between, choices"),
    (lambda: predict("13/a", "?", between=(2, 1)), "lo < hi"),
    (lambda: predict("13/a", "?", choices=["a"]), "two or more"),
    (lambda: predict("13/a", "?", choices=["a", "a"]), "all different"),
    (lambda: predict("13/a", "?", curve={"x": (0, 1, "s")}), "'y': "),
    (lambda: predict("13/a", "?", curve={"x": (0, 1, "s"), "y": (3, 3, "n")}), r"curve y = \(3, 3"),
    (lambda: predict("wait", "?", between=(1, 2)), "as in '13/drain_time'"),
    (lambda: predict("77/wait", "?", between=(1, 2)), "the labs are 00 to 26"),
    (lambda: wait().keep(1000), "give a number from 1 to 100 times"),
    (lambda: predict("13/a", "?", choices=["a", "b"]).reveal("c"), "give one of the choices: a; b"),
    (lambda: Prediction("13/a", "?", CURVE).reveal(([0], [1])), "two points or more"),
])
def test_a_question_that_cannot_be_asked_or_answered_is_said(call, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        call()


# ---------------------------------------------------------------------------------------------------------- the widgets

def test_a_number_must_be_moved_before_it_is_kept() -> None:
    prediction = wait()
    _, number, row, _ = prediction.widget.children
    slider, keep, status = number.slider, *row.children
    keep.click()
    assert prediction.said is None
    assert "First give an answer" in status.value
    slider.value = 10
    keep.click()
    assert prediction.said == 10
    assert slider.disabled
    assert "you said" in status.value


def test_a_typed_number_is_kept_as_typed_and_the_slider_says_round_ones() -> None:
    prediction = wait()
    number = prediction.widget.children[1]
    number.slider.value = 10 ** 0.51
    assert number.box.value == 3.2
    number.box.value = 1.91
    assert number.slider.value == pytest.approx(1.91)
    button(prediction.widget, "Keep my prediction").click()
    assert prediction.said == 1.91


@pytest.mark.parametrize(("between", "typed", "step"), [
    ((1, 12), 1.25, 1.275), ((0, 8), 5.5, 5.52), ((100, 100_000), 756, 100 * 10 ** (59 * 0.015)),
])
def test_a_slider_that_snaps_to_its_step_does_not_change_what_was_typed(
    between: tuple[float, float], typed: float, step: float
) -> None:
    number = predict("13/snaps", "?", between=between, unit="times").widget.children[1]
    number.box.value = typed
    number.slider.value = step  # as the page says back what it made of it
    assert number.answer == typed
    number.slider.value = between[1]
    assert number.answer == between[1]


def test_the_slider_that_comes_back_does_not_change_what_was_kept() -> None:
    predict("13/kept", "?", between=(0, 8), unit="times").keep(5.5)
    number = predict("13/kept", "?", between=(0, 8), unit="times").widget.children[1]
    number.slider.value = 5.52  # as the page says back what it made of it
    assert number.box.value == 5.5


@pytest.mark.parametrize(("unit", "apart"), [("% of the blocks", "off by 20 points"), ("nights", "off by 20 nights")])
def test_shares_are_points_apart(unit: str, apart: str) -> None:
    assert NumberForm(0, 50, unit).judge(10, 30).words == apart


@pytest.mark.parametrize(("unit", "between", "whole"), [
    ("nights", (0, 50), True), ("pages", (1, 2000), True), ("times", (1, 100), False), ("nights", (0.0, 50.0), False),
    ("clips a second", (0, 50), False), ("% more", (0, 100), False), ("ms", (1, 90), False),
])
def test_what_is_counted_is_asked_for_in_whole_numbers(unit: str, between: tuple[float, float], whole: bool) -> None:
    number = predict("13/a", "?", between=between, unit=unit).widget.children[1]
    number.slider.value = between[0] + 2.4
    assert (number.box.value == int(number.box.value)) == whole
    assert number.form.whole == whole


def test_a_choice_and_a_curve_are_kept_by_their_button() -> None:
    way = predict("13/way", "Which way?", choices=["up", "down"])
    way.widget.children[1].value = "down"
    button(way.widget, "Keep my prediction").click()
    assert way.said == "down"

    curve = Prediction("13/curve", "Draw.", CURVE)
    pad = curve.widget.children[1]
    button(curve.widget, "Keep my prediction").click()
    assert curve.said is None
    pad.ys = [None] * 10 + [2.0] + [None] * (CURVE_POINTS - 11)
    button(curve.widget, "Keep my prediction").click()
    assert curve.said is None, "a click is no curve"
    pad.ys = [None] * 10 + [2.0, 2.0] + [None] * (CURVE_POINTS - 12)
    button(curve.widget, "Keep my prediction").click()
    assert curve.said == [2.0] * CURVE_POINTS
    assert pad.locked


def test_the_truth_waits_for_the_prediction() -> None:
    prediction = wait()
    reveal = prediction.reveal(77.7)
    bundle = reveal._repr_mimebundle_()
    assert "77.7" not in str(bundle)
    from dsys_lab.lessons.prediction_widget import reveal_widget

    widget = reveal_widget(reveal)
    assert "77.7" not in shown(widget)
    prediction.keep(10)
    assert "counted 77.7" in shown(widget)


def test_what_would_give_the_answer_away_stands_behind_the_same_door(monkeypatch, capsys) -> None:
    from dsys_lab.lessons.prediction_widget import reveal_widget
    from dsys_lab.scenarios.not_consumed_in_time.bursts import burst
    from dsys_lab.views.player import Player

    prediction = wait()
    counted = pd.DataFrame({"times": [77.7]})
    reveal = prediction.reveal(77.7, show=(counted, Player(burst(until_s=2.0)), facts("video_buffer")))
    widget = reveal_widget(reveal)
    assert "77.7" not in shown(widget)
    assert len(widget.children[1].children) == 0
    prediction.keep(10)
    table, played, card = widget.children[1].children
    assert "<td>77.7</td>" in table.value
    assert 'class="jp-RenderedHTMLCommon"' in table.value, "a table behind the door looks as one in front of it"
    assert played is reveal.show[1].widget
    assert "300" in card.value

    monkeypatch.setenv("DSYS_LAB_VIEW", "still")  # nobody predicts in a committed notebook: it shows all
    said = []
    monkeypatch.setattr("dsys_lab.lessons.predictions.display", lambda *what, **how: said.extend(what))
    prediction.reveal(77.7, show=counted)._ipython_display_()
    assert "77.7" in said[0]["text/plain"]
    assert said[1] is counted


def test_a_reader_who_would_not_predict_is_shown_the_truth_without_a_score() -> None:
    from dsys_lab.lessons.prediction_widget import reveal_widget

    prediction = wait()
    widget = reveal_widget(prediction.reveal(77.7))
    button(widget, "Show me anyway").click()
    assert "no prediction was made" in shown(widget)
    assert progress().of("predictions", "13/wait") == {"seen_first": True}


# --------------------------------------------------------------------------------------------------- the committed form

FORMS = [(NUMBER, 10.1, 10), (CHOICE, "up", None), (CURVE, ([0, 10], [1, 2]), None)]


@pytest.mark.parametrize(("form", "truth", "law"), FORMS, ids=["number", "choice", "curve"])
def test_a_committed_prediction_belongs_to_no_reader(form, truth, law, monkeypatch, record) -> None:
    said = {NUMBER: 3, CHOICE: "down"}.get(form, [1.0] * CURVE_POINTS)
    Prediction("13/q", "What?", form).keep(said)
    before = record.read_bytes()
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")

    prediction = Prediction("13/q", "What?", form)
    asked = prediction._repr_mimebundle_()
    assert set(asked) == {"text/plain", "text/html"}
    assert asked["text/plain"] == f"Predict: What?\nGive {form.ask()}."
    reveal = prediction.reveal(truth, law)
    reveal.open()
    told = reveal._repr_mimebundle_()
    data = told[0] if isinstance(told, tuple) else told
    assert "no prediction was made" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" not in data
    assert record.read_bytes() == before


def test_lessons_are_imported_without_what_is_heavy() -> None:
    asked = "import sys, dsys_lab.lessons; print(sorted({'matplotlib', 'ipywidgets', 'anywidget'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout.strip() == b"[]"
