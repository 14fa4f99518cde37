"""Lab 18's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.streaming_sql import (
    BOUND_FOR,
    CHANGES_OF,
    REMEMBERING,
    REMEMBERS_S,
    TASKS,
    bound_for,
    changes_of,
    forgotten_after_s,
    in_time,
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
    assert bound_for([(1, 1), (14, 14), (9, 15)], 1.0) == 5
    assert in_time([(1, 1), (14, 14), (9, 15)], 4) < 1 == in_time([(1, 1), (14, 14), (9, 15)], 5)
    assert changes_of([("Oslo", 1), ("Oslo", 2), ("Oslo", 2), ("Oslo", None)]) == [
        ("+I", ("Oslo", 1)), ("-U", ("Oslo", 1)), ("+U", ("Oslo", 2)), ("-D", ("Oslo", 2)),
    ]  # fmt: skip


def by_search(pings, completeness):
    return next(bound for bound in range(10_000) if not pings or in_time(pings, bound) >= completeness)


def test_another_right_way_to_a_bound_passes():
    assert BOUND_FOR.check(by_search).passed


def by_delay(pings, completeness):
    late = sorted(came - happened for happened, came in pings)
    return late[math.ceil(completeness * len(late)) - 1] if late else 0


@pytest.mark.parametrize(("wrong", "says"), [
    (by_delay, "its window is still open"),
    (lambda pings, share: max(0, bound_for(pings, share) - 1), "*reached* its end"),
    (lambda pings, share: bound_for(pings, share) + 1, "are enough"),
    (lambda pings, share: 0, "you said 0 s"),
    (lambda pings, share: bound_for(pings, share) if pings else 7, "none is late"),
])  # fmt: skip
def test_a_slip_in_bounds_is_named(wrong, says):
    verdict = BOUND_FOR.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


def without_taking_back(answers):
    return [one for one in changes_of(answers) if one[0] != "-U"]


def new_in_place_of_old(answers):
    said = changes_of(answers)
    return [("-U", said[n + 1][1]) if op == "-U" else (op, row) for n, (op, row) in enumerate(said)]


def says_all(answers):
    said, stands = [], {}
    for key, value in answers:
        if key in stands:
            said.append(("-U" if value is not None else "-D", (key, stands.pop(key))))
        if value is not None:
            said.append(("+U" if said and said[-1][0] == "-U" else "+I", (key, value)))
            stands[key] = value
    return said


@pytest.mark.parametrize(("wrong", "says"), [
    (without_taking_back, "must go before"),
    (new_in_place_of_old, "is not there"),
    (says_all, "need not be said"),
    (lambda answers: [], "due was"),
])  # fmt: skip
def test_a_slip_in_changes_is_named(wrong, says):
    verdict = CHANGES_OF.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("slip", "says"), [
    ({"a minute": 60}, "5 s behind"),
    ({"sliding": 15}, "later"),
    ({"sliding": 90}, "sooner"),
    ({"a city": 3600}, "still there"),
    ({"paid": math.inf}, "its memory ends"),
    ({"a filter": 60}, "sooner"),
])  # fmt: skip
def test_a_slip_in_memory_is_named(slip, says):
    verdict = REMEMBERS_S.check(lambda: REMEMBERS_S.answer() | slip)
    assert not verdict.passed
    assert says in verdict.saw


def test_what_is_remembered_is_counted():
    assert {name: forgotten_after_s(name) for name in REMEMBERING} == pytest.approx(REMEMBERS_S.answer(), abs=1)


@pytest.mark.parametrize(("task", "function", "says"), [
    (BOUND_FOR, lambda pings, share: 1.5, "a whole number"),
    (CHANGES_OF, lambda answers: None, "a list of"),
    (REMEMBERS_S, lambda: {"a filter": 0}, "the keys"),
    (REMEMBERS_S, lambda: dict.fromkeys(REMEMBERING, "long"), "give seconds"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
