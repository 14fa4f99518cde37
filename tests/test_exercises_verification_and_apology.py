"""Lab 25's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsys_lab import laws
from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.task import Exercise
from dsys_lab.lessons.exercises.verification_and_apology import TASKS, charged_again, next_act, runs_with_double_charges
from dsys_lab.trace import lamps

EXERCISES = [task for task in TASKS if isinstance(task, Exercise)]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of this test's own."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_reference_answer_passes_and_is_played(task: Exercise) -> None:
    done = exercise(task.key, task.answer)
    assert done.passed, str(done)
    assert done.traces
    assert all(len(trace) for trace in done.traces)


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_skeleton_runs_and_does_not_pass(task: Exercise) -> None:
    written: dict = {}
    exec(task.skeleton, written)
    assert not exercise(task.key, written[task.function_name]).passed


@pytest.mark.parametrize(("key", "said", "told"), [
    ("25/choose_reserve", float("nan"), "give a whole number of pillows"),
    ("25/choose_reserve", float("inf"), "give a whole number of pillows"),
    ("25/choose_reserve", 2.5, "give a whole number of pillows"),
    ("25/choose_reserve", True, "give a whole number of pillows"),
    ("25/next_act", ["charge"], "give one of charge"),
    ("25/charged_again", [-1], "give a list of numbers"),
    ("25/charged_again", 7, "give a list of numbers"),
    ("25/charged_again", ["o3"], "give a list of numbers"),
])  # fmt: skip
def test_what_is_no_answer_is_told_what_to_give(key: str, said: object, told: str) -> None:
    assert told in str(exercise(key, lambda *given: said))


def test_the_picture_of_the_acts_shows_who_is_settled_and_who_is_not() -> None:
    (right,) = exercise("25/next_act", next_act).traces
    assert lamps(right)[0].held
    assert {row.message for row in right.of("finish")} == {"o1", "o2"}

    def sorry_first(done):
        said = next_act(done)
        return "apologise" if said == "refund" and "apologise" not in done else said

    wrong = exercise("25/next_act", sorry_first)
    assert not wrong.passed
    assert not lamps(wrong.traces[0])[0].held


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    right = exercise("25/choose_reserve", lambda *market: np.int64(next(task for task in TASKS).answer(*market)))
    assert right.passed, str(right)
    assert exercise("25/charged_again", lambda rows: np.array(charged_again(rows), dtype=int)).passed


# ------------------------------------------------------------------------------------------ other right answers
def by_the_law(rate, delay_s, apology, margin):
    return laws.best_reserve(rate * delay_s, apology=apology, margin=margin)


def take_before_charging(done):
    if "take" not in done:
        return "take"
    if not done["take"]:
        return None if "apologise" in done else "apologise"
    return next((verb for verb in ("charge", "confirm") if verb not in done), None)


@pytest.mark.parametrize(("key", "answer"), [("25/choose_reserve", by_the_law), ("25/next_act", take_before_charging)])
def test_other_right_answers_pass(key, answer):
    done = exercise(key, answer)
    assert done.passed, str(done)


# ------------------------------------------------------------------------------------------ usual slips
def sorry_first(done):
    verb = next_act(done)
    return "apologise" if verb == "refund" and "apologise" not in done else verb


def forgets_the_refund(done):
    verb = next_act(done)
    return "apologise" if verb == "refund" else verb


def confirms_before_it_knows(done):
    return next((verb for verb in ("charge", "confirm", "take") if verb not in done), None)


def stops_at_no(done):
    return None if done.get("take") is False else next_act(done)


def sorry_for_everybody(done):
    return None if "apologise" in done else "apologise"


def money_back_for_everybody(done):
    return next((verb for verb in ("charge", "take", "refund", "apologise") if verb not in done), None)


def for_ever(done):
    return "charge"


def every_attempt(rows):
    return [row["seq"] for row in rows if row["kind"] == "publish" and (row["attempt"] or 0) > 1]


def every_skip(rows):
    return charged_again(rows) + [row["seq"] for row in rows if row["kind"] == "effect_skip"]


@pytest.mark.parametrize(("key", "slip", "says"), [
    ("25/choose_reserve", lambda rate, delay_s, apology, margin: 0, "Nothing held back"),
    ("25/choose_reserve", lambda rate, delay_s, apology, margin: round(rate * delay_s), "That is the mean"),
    ("25/choose_reserve", lambda rate, delay_s, apology, margin: 200, "too much"),
    ("25/choose_reserve", lambda rate, delay_s, apology, margin: -1, "0 or more"),
    ("25/choose_reserve", lambda rate, delay_s, apology, margin: 2.5, "whole number"),
    ("25/next_act", sorry_first, "apology without a refund"),
    ("25/next_act", forgets_the_refund, "apology without a refund"),
    ("25/next_act", confirms_before_it_knows, "kept without a pillow"),
    ("25/next_act", stops_at_no, "never settled"),
    ("25/next_act", sorry_for_everybody, "apology without a no"),
    ("25/next_act", money_back_for_everybody, "apology without a no"),
    ("25/next_act", for_ever, "asked for again"),
    ("25/next_act", lambda done: "dance", "give one of"),
    ("25/charged_again", every_attempt, "asked twice is not to do it twice"),
    ("25/charged_again", every_skip, "looked its key up"),
    ("25/charged_again", lambda rows: [], "you miss row"),
    ("25/charged_again", lambda rows: "o3", "give a list"),
])  # fmt: skip
def test_a_slip_is_told_what_was_seen(key, slip, says):
    done = exercise(key, slip)
    assert not done.passed
    assert says in str(done)


def test_the_hidden_runs_have_what_is_looked_for() -> None:
    runs = runs_with_double_charges()
    assert [len(run.of("effect_skip")) > 0 for run in runs] == [False, False, True]
    assert sum(row.fields["key"].startswith("charge/") for run in runs[:2] for row in run.of("effect")) >= 16 + 3
