"""The exercises of lab 09: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import math

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises import key_value
from dsys_lab.lessons.exercises.key_value import QUORUM, SUFFIXES, UNITS


@pytest.mark.parametrize("task", [UNITS, SUFFIXES, QUORUM], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn_or_played(task):
    assert task.check(task.answer).passed
    assert task.play(task.answer) or task.picture(task.answer) is not None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            lambda call, sizes, way: (
                sum(key_value.units(call, [size], way) for size in sizes or [0])
                if call == "query"
                else key_value.units(call, sizes, way)
            ),
            "rounds once",
        ),
        (
            lambda call, sizes, way: (
                key_value.units(call, sizes[-1:], way) if call == "put" else key_value.units(call, sizes, way)
            ),
            "larger of before and after",
        ),
        (
            lambda call, sizes, way: (
                sum(sizes) / 4096 * (0.5 if way == "eventual" else 1)
                if call == "get"
                else key_value.units(call, sizes, way)
            ),
            "least|begun",
        ),
        (lambda call, sizes, way: sum(sizes) / 4096, "1 KB, and one that was begun is paid whole"),
        (lambda call, sizes, way: 1.0, "it is 3"),
    ],
)
def test_a_slip_in_the_price_is_named(wrong, says):
    verdict = UNITS.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda writes, item_bytes: 1, "9,000 units a second"),
        (lambda writes, item_bytes: 1_000, "would do"),
        (lambda writes, item_bytes: max(1, math.ceil(writes * item_bytes / 1024 / 1000)), "is 2 units"),
    ],
)
def test_a_spread_too_thin_or_too_thick_is_told(wrong, says):
    verdict = SUFFIXES.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda replies: (replies[0][2], []), "the newest is"),
        (lambda replies: (max(replies, key=lambda r: r[1])[2], [machine for machine, _, _ in replies]), "you repair"),
        (lambda replies: (max(replies, key=lambda r: r[1])[2], []), "nobody"),
    ],
)
def test_an_old_answer_or_a_wrong_repair_is_told(wrong, says):
    verdict = QUORUM.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(
    ("task", "wrong"),
    [
        (UNITS, lambda call, sizes, way: "3"),
        (SUFFIXES, lambda writes, item_bytes: 2.5),
        (SUFFIXES, lambda writes, item_bytes: 0),
        (QUORUM, lambda replies: "v3"),
        (QUORUM, lambda replies: (replies[0][2], ["somebody else"])),
    ],
)
def test_an_answer_of_another_kind_is_misuse(task, wrong):
    with pytest.raises(Misuse, match="give"):
        task.check(wrong)


def test_the_buckets_agree_with_the_arithmetic():
    for hot in key_value.HOTS[:2]:
        least = key_value.suffixes(*hot)
        assert key_value.passes(hot, least) > 0.99
        assert least == 1 or key_value.passes(hot, least - 1) < 0.95
