"""The exercises of lab 21: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import json

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.event_bus import CASES, MATCHES, SHAPES, _cases, _truth, matches, shapes


@pytest.mark.parametrize("task", [MATCHES, SHAPES], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    assert task.check(task.answer).passed
    assert task.picture(task.answer) is not None


def test_the_cases_are_sixty_and_of_both_kinds():
    picked = sum(map(_truth, _cases()))
    assert len(_cases()) == CASES
    assert CASES / 4 < picked < 3 * CASES / 4


def first_field_only(pattern, event):
    [name, *_] = pattern
    return matches({name: pattern[name]}, event)


def whole_lists(pattern, event):
    return matches(pattern, json.loads(json.dumps(event).replace('["nap", "snore"]', '"nap, snore"')))


def none_for_missing(pattern, event):
    return matches(pattern, json.loads(json.dumps(event), object_hook=lambda one: {"mood": None, **one}))


def null_is_missing(pattern, event):
    hook = lambda one: {name: value for name, value in one.items() if value is not None}  # noqa: E731
    return matches(pattern, json.loads(json.dumps(event), object_hook=hook))


def texts_are_numbers(pattern, event):
    return matches(pattern, json.loads(json.dumps(event).replace('"4.5"', "4.5")))


@pytest.mark.parametrize(("wrong", "says"), [
    (first_field_only, "All fields must hold"),
    (whole_lists, "any of its values will do"),
    (none_for_missing, "What is missing is not null"),
    (null_is_missing, "null is a value"),
    (texts_are_numbers, "A text is no number"),
    (lambda pattern, event: True, "All fields must hold|does not pick"),
    (lambda pattern, event: False, "picks"),
])  # fmt: skip
def test_a_slip_in_matching_is_named(wrong, says):
    verdict = MATCHES.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


def changed(**of_ring):
    ring = {**shapes()["partner.ring"], **of_ring}
    return lambda: {**shapes(), "partner.ring": ring}


@pytest.mark.parametrize(("wrong", "says"), [
    (changed(template='{"sleeper": <who>, "hours": "<hours>", "text": "<who> slept <hours> h"}'), "becomes a text"),
    (changed(template='{"sleeper": "<who>", "hours": <hours>, "text": <who> slept}'), "is no JSON"),
    (changed(template='{"sleeper": <who>, "hours": <hours>}'), "and wants sleeper, hours, text"),
    (changed(template='{"sleeper": <who>, "hours": <hours>, "text": "<hours>"}'), "text is"),
    (changed(paths={"who": "$.detail.name", "hours": "$.detail.sleep.hours"}), "Look at its path"),
    (changed(paths={"who": "$.detail.user", "hours": "$.detail.sleep.deep"}), "hours is"),
    (changed(paths={"who": "$.detail.user"}), "no path for <hours>"),
    (changed(paths={"who": "detail.user", "hours": "$.x"}), "give a path such as"),
])  # fmt: skip
def test_a_slip_in_a_shape_is_named(wrong, says):
    verdict = SHAPES.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("task", "function", "says"), [
    (MATCHES, lambda pattern, event: 1, "True or False"),
    (SHAPES, dict, "partner.ring and partner.mat"),
    (SHAPES, lambda: dict.fromkeys(shapes(), "x"), "paths and template"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
