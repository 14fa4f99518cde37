"""Lab 24's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.event_sourcing import (
    CASES,
    EVOLVE,
    LIFTED,
    SWAP_AT,
    TASKS,
    evolve,
    lifted,
    swap_at,
    true_swap,
)
from dsys_lab.lessons.exercises.task import Exercise

EXERCISES = [task for task in TASKS if isinstance(task, Exercise)]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of this test's own."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_reference_answer_passes_and_the_skeleton_does_not(task: Exercise) -> None:
    done = exercise(task.key, task.answer)
    assert done.passed, str(done)
    written: dict = {}
    exec(task.skeleton, written)
    assert not exercise(task.key, written[task.function_name]).passed


def test_the_examples_hold():
    assert evolve({1: None, 2: None}, ("BedHeld", {"bed": 2, "guest": "ben"})) == {1: None, 2: ("held", "ben")}
    assert lifted(2, {"person": 5, "minutes": 430, "city": "nowhere"}) == {
        "person": 5, "minutes": 430, "place": "unknown", "source": "typed in"}  # fmt: skip
    assert swap_at([(1, "v1", 7), (2, "v2", 6), (3, "v2", 7)]) == 3


def in_place(beds, event):
    beds.update(evolve(beds, event))
    return beds


def but(kind):
    return lambda beds, event: beds if event[0] == kind else evolve(beds, event)


@pytest.mark.parametrize(("wrong", "says"), [
    (in_place, "changed what it was given"),
    (but("BookingCancelled"), "BookingCancelled"),
    (but("BedReleased"), "BedReleased"),
    (lambda beds, event: {} if event[0] == "NightInspected" else evolve(beds, event), "says nothing about beds"),
    (lambda beds, event: {**evolve(beds, event), 99: None}, "bed 99"),
])  # fmt: skip
def test_a_wrong_fold_is_told_what_was_seen(wrong, says):
    found = EVOLVE.check(wrong)
    assert not found.passed
    assert says in found.saw


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda schema, says: {**lifted(schema, says), "minutes": int(says["hours"] * 60)} if schema == 1
     else lifted(schema, says), "nearest minute"),
    (lambda schema, says: {**lifted(schema, says), "place": says.get("city", says.get("place"))}, "is 'unknown' there"),
    (lambda schema, says: {**lifted(schema, says), "place": "unknown"} if says.get("place") == "nowhere"
     else lifted(schema, says), "newest schema already"),
    (lambda schema, says: {**lifted(schema, says), "hours": 7}, "no 'hours'"),
    (lambda schema, says: {"person": says["person"]}, "There is no 'minutes'"),
    (lambda schema, says: says.update(a=1) or lifted(schema, says), "changed what it was given"),
    (lambda schema, says: {**lifted(schema, says), "source": "phone"}, "'source'"),
])  # fmt: skip
def test_a_wrong_lift_is_told_what_was_seen(wrong, says):
    found = LIFTED.check(wrong)
    assert not found.passed
    assert says in found.saw


def by_last(reads):
    at = {"v1": 0, "v2": 0}
    for second, view, position in reads:
        at[view] = position
        if at["v2"] >= at["v1"]:
            return second
    return None


def only_past(reads):
    shown = coming = 0
    for second, view, position in reads:
        shown, coming = (max(shown, position), coming) if view == "v1" else (shown, position)
        if coming > shown:
            return second
    return None


@pytest.mark.parametrize(("wrong", "says"), [
    (by_last, "led back in time"), (only_past, "you said"), (lambda reads: reads[0][0], "led back in time"),
    (lambda reads: None, "you said never"), (lambda reads: 1234.5, "nobody read at that moment"),
    (lambda reads: reads[-1][0] if swap_at(reads) else None, "had seen as much already"),
])  # fmt: skip
def test_a_wrong_moment_is_told_what_was_seen(wrong, says):
    found = SWAP_AT.check(wrong)
    assert not found.passed
    assert says in found.saw


def test_the_hidden_rebuilds_have_both_ends():
    ends = [true_swap(reads) for reads in CASES]
    assert ends.count(None) == 2
    assert any(by_last(reads) != true_swap(reads) for reads in CASES)


@pytest.mark.parametrize(("task", "wrong"), [
    (EVOLVE, lambda beds, event: [1]), (LIFTED, lambda schema, says: "x"), (SWAP_AT, lambda reads: "soon"),
    (SWAP_AT, lambda reads: True),
])  # fmt: skip
def test_an_answer_of_no_meaning_is_refused(task, wrong):
    with pytest.raises(Misuse, match="it returned"):
        task.check(wrong)


@pytest.mark.parametrize("task", [EVOLVE, SWAP_AT], ids=lambda task: task.key)
def test_the_readers_own_answer_is_drawn(task):
    assert task.picture is not None
    assert task.picture(task.answer) is not None
