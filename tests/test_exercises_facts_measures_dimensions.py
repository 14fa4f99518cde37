"""The exercises of lab 05: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises import Exercise
from dsys_lab.lessons.exercises import facts_measures_dimensions as lab
from dsys_lab.lessons.exercises.facts_measures_dimensions import FIRST_THREE, MAY_ADD, MERGED


@pytest.mark.parametrize("task", [MAY_ADD, MERGED, FIRST_THREE], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task: Exercise) -> None:
    assert task.check(task.answer).passed
    assert task.picture(task.answer) is not None


def but(name: str, along: str, said: bool) -> Callable[[str, str], bool]:
    return lambda number, way: said if (number, way) == (name, along) else lab.may_add(number, way)


@pytest.mark.parametrize(("wrong", "says"), [
    (but("stock", "day", True), "level is not a flow"), (but("stock", "warehouse", False), "lies in no other"),
    (but("sleepers", "city", True), "one person in the whole"), (but("sleepers", "day", True), "one person"),
    (but("average minutes", "city", True), "averages are not added"), (but("median minutes", "day", True), "middle"),
    (but("share under 6 hours", "day", True), "ratio"), (but("longest night", "city", True), "longest"),
    (but("minutes", "city", False), "parts add up"), (lambda number, along: True, "one person"),
])  # fmt: skip
def test_a_number_that_does_not_add_is_named(wrong: Callable[..., Any], says: str) -> None:
    verdict = MAY_ADD.check(wrong)
    assert not verdict.passed
    assert re.search(says, verdict.saw), verdict.saw


def mean_of_means(one: lab.Spread, other: lab.Spread) -> lab.Spread:
    n, _, m2 = lab.merged(one, other)
    return n, (one[1] + other[1]) / 2, m2


def without_the_shift(one: lab.Spread, other: lab.Spread) -> lab.Spread:
    n, mean, _ = lab.merged(one, other)
    return n, mean, one[2] + other[2]


def by_large_squares(one: lab.Spread, other: lab.Spread) -> lab.Spread:
    n, mean, _ = lab.merged(one, other)
    squares = sum(m2 + count * middle * middle for count, middle, m2 in (one, other))
    return n, mean, squares - n * mean * mean


@pytest.mark.parametrize(("wrong", "says"), [
    (mean_of_means, "larger part weighs more"), (without_the_shift, "means lie apart"),
    (by_large_squares, "lose their digits"), (lambda one, other: (*lab.merged(one, other)[:2], 1.0), "common mean"),
    (lambda one, other: (1, *lab.merged(one, other)[1:]), "count is 1"),
])  # fmt: skip
def test_a_slip_in_the_variance_is_named(wrong: Callable[..., Any], says: str) -> None:
    verdict = MERGED.check(wrong)
    assert not verdict.passed
    assert re.search(says, verdict.saw), verdict.saw


def test_who_divides_by_nothing_is_told_by_the_division() -> None:
    def careless(one: lab.Spread, other: lab.Spread) -> lab.Spread:
        n = one[0] + other[0]
        return n, (one[0] * one[1] + other[0] * other[1]) / n, lab.merged(one, other)[2]

    with pytest.raises(ZeroDivisionError):
        MERGED.check(careless)


def smallest(cells: lab.Cells) -> list[tuple[str, ...]]:
    return sorted(cells, key=lambda by: cells[by])[:3]


def each_alone(cells: lab.Cells) -> list[tuple[str, ...]]:
    top = max(cells, key=len)

    def cost(by: tuple[str, ...]) -> int:
        return sum(min(cells[one] for one in (top, by) if set(below) <= set(one)) for below in cells)

    return sorted(cells, key=cost)[:3]


@pytest.mark.parametrize(("wrong", "says"), [
    (smallest, "hardly any other question"), (each_alone, "kept already answers"),
    (lambda cells: [max(cells, key=len)] * 3, "kept anyway"),
    (lambda cells: sorted(cells, key=lambda by: -cells[by])[1:4], "what \\*all\\* questions cost"),
])  # fmt: skip
def test_a_choice_that_saves_less_is_named(wrong: Callable[..., Any], says: str) -> None:
    verdict = FIRST_THREE.check(wrong)
    assert not verdict.passed
    assert re.search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(("task", "wrong"), [
    (MAY_ADD, lambda *one: 1), (MAY_ADD, lambda *one: None), (MERGED, lambda *one: 3), (MERGED, lambda *one: (1, 2)),
    (MERGED, lambda *one: (1, "a", 2)), (MERGED, lambda *one: (1, float("nan"), 2)), (FIRST_THREE, lambda *one: []),
    (FIRST_THREE, lambda *one: ["city", "band", "week"]), (FIRST_THREE, lambda *one: [("x",)] * 3),
])  # fmt: skip
def test_an_answer_of_another_kind_is_misuse(task: Exercise, wrong: Callable[..., Any]) -> None:
    with pytest.raises(Misuse, match="give"):
        task.check(wrong)


def test_the_model_and_the_reader_choose_alike() -> None:
    for lattice in lab._lattices():
        assert lattice.cost(lab.first_three(lattice.cells)) == lattice.greedy(3)[-1].cost_rows
