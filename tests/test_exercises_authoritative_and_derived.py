"""The exercises of lab 03: the reference answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import math

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.authoritative_and_derived import (
    ADJUST,
    BACK_UP,
    LONGEST_TTL,
    adjust,
    back_up,
    longest_ttl,
)


@pytest.mark.parametrize("task", [BACK_UP, ADJUST, LONGEST_TTL], ids=lambda task: task.name)
def test_the_answer_passes(task):
    assert task.check(task.answer).passed


def test_the_figure_of_the_curriculum_is_met_and_drawn():
    assert longest_ttl(0.02, 0.05) == pytest.approx(5.17, rel=1e-3)
    assert LONGEST_TTL.picture(longest_ttl) is not None
    assert len(LONGEST_TTL.play(longest_ttl)) == 2


def without_makers(copies, makers):
    return set(copies) - set(makers)


def believes_makers(copies, makers):
    return back_up(copies, {name: (lambda *_, name=name: copies[name], of) for name, (_, of) in makers.items()})


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda copies, makers: set(copies), "comes back from the others"),
    (lambda copies, makers: set(), "nothing makes it|not there either"),
    (without_makers, "is not what stands in it|not there either"),
    (believes_makers, "is not what stands in it"),
])  # fmt: skip
def test_what_is_lost_or_kept_in_vain_is_named(wrong, says):
    verdict = BACK_UP.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


def test_of_two_that_make_each_other_either_may_be_kept():
    def same(rows):
        return rows

    copies, makers = {"a": (1,), "b": (1,)}, {"a": (same, ("b",)), "b": (same, ("a",))}
    assert back_up(copies, makers) in ({"a"}, {"b"})

    def from_the_other_end(copies, makers):
        names = {name: f"{99 - at}" for at, name in enumerate(sorted(copies))}  # the last of them comes first
        back = {new: name for name, new in names.items()}
        found = back_up(
            {names[name]: rows for name, rows in copies.items()},
            {names[name]: (make, tuple(names[one] for one in of)) for name, (make, of) in makers.items()},
        )
        return {back[name] for name in found}

    assert BACK_UP.check(from_the_other_end).passed


def never_subtracts(groups, change):
    return adjust(groups, change) if change.before is None else groups


def keeps_empty_groups(groups, change):
    found = adjust(groups, change)
    return {**{city: (0, 0) for city in groups if city not in found}, **found}


def stays_in_its_city(groups, change):
    if change.before and change.after:
        after = {**change.after, "city": change.before["city"]}
        return adjust(groups, type(change)(change.table, change.before, after))
    return adjust(groups, change)


@pytest.mark.parametrize(("wrong", "says"), [
    (never_subtracts, "has to be taken out|moved|no group"),
    (keeps_empty_groups, "A group without rows is no group"),
    (stays_in_its_city, "The night moved"),
    (lambda groups, change: {}, "A city may be new"),
])  # fmt: skip
def test_a_slip_in_adding_is_named(wrong, says):
    verdict = ADJUST.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda w, share: share / w, "half-way"),
    (lambda w, share: 2 * share / w, "the curve bends"),
    (lambda w, share: -math.log(1 - share) / w, "at its end"),
    (lambda w, share: 1e-3, "Longer"),
    (lambda w, share: 1e6, "Shorter"),
])  # fmt: skip
def test_a_slip_in_the_ttl_is_named(wrong, says):
    verdict = LONGEST_TTL.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("task", "function", "says"), [
    (BACK_UP, lambda copies, makers: ["orders"], "a set of names"),
    (BACK_UP, lambda copies, makers: {"the moon"}, "a set of names"),
    (ADJUST, lambda groups, change: [], "two numbers each"),
    (ADJUST, lambda groups, change: {"Oslo": 3}, "two numbers each"),
    (LONGEST_TTL, lambda w, share: True, "seconds above 0"),
    (LONGEST_TTL, lambda w, share: math.inf, "seconds above 0"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
