"""The exercises of lab 19: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import json

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.deliveries import DELIVER
from dsys_lab.lessons.exercises.delivery_stream import FLUSH_PLAN, HINTS, TRANSFORM, transform


@pytest.mark.parametrize("task", [FLUSH_PLAN, HINTS, TRANSFORM, DELIVER], ids=lambda task: task.name)
def test_the_answer_passes(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert all(len(list(trace)) for trace in task.play(task.answer))


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda r, b, t: (max(t, b / r), r * t, 1), "Whichever is full first"),
    (lambda r, b, t: (min(t, b / r), b, 86_400 / min(t, b / r)), "hourglass was empty"),
    (lambda r, b, t: (min(t, b / r), r * min(t, b / r), 24), "crates a day"),
])  # fmt: skip
def test_a_slip_in_the_plan_is_named(wrong, says):
    verdict = FLUSH_PLAN.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(("said", "says"), [
    ({"dashboard": (5, 300), "archive": (100, 900)}, "waited"),
    ({"dashboard": (5, 12), "archive": (100, 60)}, "for the hourglass sealed it"),
    ({"dashboard": (5, 12), "archive": (32, 900)}, "for the glass sealed it"),
    ({"dashboard": (5, 12), "archive": (500, 900)}, "size_bytes"),
    ({"dashboard": (5, 0), "archive": (100, 900)}, "more than 0 s"),
    ({"dashboard": 5, "archive": (100, 900)}, "dashboard"),
])  # fmt: skip
def test_hints_that_miss_are_shown_the_crate(said, says):
    verdict = HINTS.check(lambda: said)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def raises(records):
    assert all(isinstance(json.loads(data), dict) for _, data in records)
    return transform(records)


def forgets(records):
    return {number: fate for number, fate in transform(records).items() if fate[0] == "Ok"}


def drops_the_bad(records):
    return {number: ("Dropped",) if fate[0] == "Failed" else fate for number, fate in transform(records).items()}


@pytest.mark.parametrize(("wrong", "says"), [
    (raises, "If the transform raises"), (forgets, "does not answer for"), (drops_the_bad, "must be found again"),
    (lambda records: {number: ("Ok", data) for number, data in records}, "should be"),
])  # fmt: skip
def test_a_transform_that_loses_is_shown_the_record(wrong, says):
    verdict = TRANSFORM.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


def carried(crate_id=lambda crate, attempt: str(crate), *, timeout=False, nobody=False, enough=300):
    """Return a courier who believes too much, or gives a crate another id each time."""
    def deliver(crate, attempt, body, call):
        try:
            return call(crate_id(crate, attempt), body) < enough
        except TimeoutError:
            return timeout
        except ConnectionError:
            return nobody
    return deliver


@pytest.mark.parametrize(("wrong", "says"), [
    (carried(lambda crate, attempt: f"{crate}-{attempt}"), "are there twice"),
    (carried(lambda crate, attempt: "the id"), "never arrived"),
    (carried(timeout=True), "never arrived"), (carried(nobody=True), "never arrived"),
    (carried(enough=600), "never arrived"),
    (lambda crate, attempt, body, call: False, "never arrived"),
])  # fmt: skip
def test_a_courier_who_loses_or_doubles_is_shown_the_ping(wrong, says):
    verdict = DELIVER.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(("task", "wrong"), [
    (DELIVER, lambda crate, attempt, body, call: call("x", body)), (DELIVER, carried(lambda crate, attempt: crate)),
    (DELIVER, lambda crate, attempt, body, call: carried()(crate, attempt, b"other", call)),
    (FLUSH_PLAN, lambda r, b, t: 3), (HINTS, dict), (TRANSFORM, lambda records: [1]),
    (TRANSFORM, lambda records: {number: "Ok" for number, _ in records}),
    (TRANSFORM, lambda records: {n: ("Ok", b"no ping") if f[0] == "Ok" else f for n, f in transform(records).items()}),
])  # fmt: skip
def test_another_shape_is_refused_with_the_right_one(task, wrong):
    with pytest.raises(Misuse, match="give"):
        task.check(wrong)
