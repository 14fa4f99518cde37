"""The exercises of lab 04: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.cut_computations import key_of_kinds
from dsys_lab.lessons.exercises.stream_and_batch import (
    KINDS_OF_STATE,
    MERGES,
    PERIOD_MIN,
    kinds_of_state,
    merges,
    period_min,
)


@pytest.mark.parametrize("task", [PERIOD_MIN, MERGES, KINDS_OF_STATE], ids=lambda task: task.name)
def test_the_answer_passes(task):
    assert task.check(task.answer).passed


def test_it_is_drawn_and_played():
    assert "50 a second: 0.2" in str(PERIOD_MIN.picture(period_min))
    assert len(PERIOD_MIN.play(period_min)) == 2


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda rate, setup_s, per_record_s: setup_s, "falls behind"),
    (lambda rate, setup_s, per_record_s: 2 * (period_min(rate, setup_s, per_record_s) or 1), "shorter period will do"),
    (lambda rate, setup_s, per_record_s: abs(setup_s / (1.000001 - rate * per_record_s)), "no period is long enough"),
    (lambda rate, setup_s, per_record_s: None, "there is a shortest period"),
    (lambda rate, setup_s, per_record_s: float("inf"), "give None|no period"),
])  # fmt: skip
def test_a_slip_in_the_period_is_named(wrong, says):
    verdict = PERIOD_MIN.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


def changing():
    def add(state, record):
        return [state[0] + 1, state[1] + record[1]]

    def merge(one, other):
        one[0] += other[0]
        one[1] += other[1]
        return one

    return lambda: [0, 0], add, merge, lambda state: state[1] / state[0] if state[0] else None


MEAN_OF_MEANS = (
    lambda: (0, None), lambda state, record: (state[0] + 1, ((state[1] or 0) * state[0] + record[1]) / (state[0] + 1)),
    lambda one, other: (one[0] + other[0], other[1] if one[1] is None else one[1] if other[1] is None
                        else (one[1] + other[1]) / 2),
    lambda state: state[1],
)  # fmt: skip
BY_ARRIVAL = (
    lambda: None, lambda state, record: record[1], lambda one, other: one if other is None else other,
    lambda state: state,
)  # fmt: skip


@pytest.mark.parametrize(("name", "four", "says"), [
    ("mean", MEAN_OF_MEANS, "forgets how many"),
    ("mean", changing(), "merge changed a state"),
    ("mean", (*merges()["mean"][:3], lambda state: state[1] / max(1, state[0])), "Of nothing it is None"),
    ("last", BY_ARRIVAL, "by event time"),
    ("last", (*merges()["last"][:2], lambda one, other: one if other is None else other, merges()["last"][3]),
     "needs the time"),
])  # fmt: skip
def test_a_slip_in_merging_is_named(name, four, says):
    verdict = MERGES.check(lambda: {**merges(), name: four})
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def test_the_marks_of_the_answer_are_those_that_cutting_shows():
    assert kinds_of_state() == key_of_kinds()


@pytest.mark.parametrize(("name", "kind", "says"), [
    ("minutes", "carried", "One night is enough"),
    ("count", "stateless", "One night does not say it"),
    ("count", "carried", "Put the answers of the files together: it is right"),
    ("mean", "mergeable", "it is not that of the whole"),
    ("welcome", "stateless", "it is not that of the whole"),
])  # fmt: skip
def test_a_wrong_mark_is_named(name, kind, says):
    verdict = KINDS_OF_STATE.check(lambda: {**kinds_of_state(), name: kind})
    assert not verdict.passed
    assert says in verdict.saw
    assert "11 of 12" in verdict.saw


@pytest.mark.parametrize(("task", "function", "says"), [
    (PERIOD_MIN, lambda *_: "0.2", "a number of seconds"),
    (PERIOD_MIN, lambda *_: -1, "a number of seconds"),
    (MERGES, dict, "the keys mean, last"),
    (MERGES, lambda: {"mean": 1, "last": 2}, "the four functions"),
    (KINDS_OF_STATE, dict, "each of the 12 names"),
    (KINDS_OF_STATE, lambda: {**kinds_of_state(), "mean": "state"}, "stateless, mergeable, carried"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
