"""The exercises of lab 14: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import re

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.missed_messages import (
    CHOOSE_INTERVALS,
    MISSING_NUMBERS,
    NAME_THE_LEAK,
    choose_intervals,
    missing_numbers,
    name_the_leak,
)


@pytest.mark.parametrize("task", [NAME_THE_LEAK, MISSING_NUMBERS, CHOOSE_INTERVALS], ids=lambda task: task.name)
def test_the_answer_passes(task):
    assert task.check(task.answer).passed


def test_it_is_drawn():
    assert CHOOSE_INTERVALS.picture(choose_intervals) is not None


def any_drop_is_an_overflow(rows):
    return "overflow" if rows[-1][0] == "drop" else name_the_leak(rows)


def silence_is_age(rows):
    said = name_the_leak(rows)
    return "too old" if said == "ack first" else said


@pytest.mark.parametrize(("wrong", "says"), [
    (any_drop_is_an_overflow, "nobody sits there"),
    (silence_is_age, "no row says that anything went wrong"),
    (lambda rows: "gives up", "You said 'gives up'"),
])  # fmt: skip
def test_a_wrong_tap_is_named(wrong, says):
    verdict = NAME_THE_LEAK.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def no_bound(came, reorder):
    return missing_numbers(came, 0)


def off_by_one(came, reorder):
    return [n for n in range(1, max(came, default=0) - reorder - 1) if n not in came]


def from_the_first_that_came(came, reorder):
    return [n for n in missing_numbers(came, reorder) if n > min(came)]


@pytest.mark.parametrize(("wrong", "says"), [
    (no_bound, "A false alarm"),
    (off_by_one, "cannot come any more"),
    (from_the_first_that_came, "cannot come any more"),
    (lambda came, reorder: missing_numbers(came, reorder)[::-1], "Each once, in order"),
    (lambda came, reorder: list(range(1, max(came, default=0) - reorder)), "has come"),
])  # fmt: skip
def test_a_slip_in_the_numbers_is_named(wrong, says):
    verdict = MISSING_NUMBERS.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda rate: (5, None), "It need not be so often"),
    (lambda rate: choose_intervals(rate) if rate < 0.46 else (60, None), "Numbers alone do it there"),
    (lambda rate: (60, None), "are known later"),
    (lambda rate: (None, None), "are known later"),
    (lambda rate: (None, 10), "it costs"),
])  # fmt: skip
def test_a_dear_or_late_choice_is_named(wrong, says):
    verdict = CHOOSE_INTERVALS.check(wrong)
    assert not verdict.passed
    assert re.search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(("task", "wrong"), [
    (NAME_THE_LEAK, lambda rows: "somewhere"),
    (MISSING_NUMBERS, lambda came, reorder: None),
    (CHOOSE_INTERVALS, lambda rate: 5),
    (CHOOSE_INTERVALS, lambda rate: (7, None)),
])  # fmt: skip
def test_what_is_no_answer_is_told_so(task, wrong):
    with pytest.raises(Misuse, match="give"):
        task.check(wrong)
