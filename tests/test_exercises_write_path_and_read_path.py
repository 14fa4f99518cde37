"""The exercises of lab 22: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import re

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.write_path_and_read_path import (
    IN_ORDER,
    PLACE_WALL,
    PUSH_SET,
    TECHNIQUES,
    in_order,
    place_wall,
    push_set,
)
from dsys_lab.scenarios.write_path_and_read_path.standings import standings

TASKS = [PLACE_WALL, PUSH_SET, IN_ORDER]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert task.picture(task.answer) is not None


def within_loads(choose):
    """Let `choose(stands, writes, reads)` answer among the places that are allowed."""
    def function(stands, writes, reads, wait_rows):
        allowed = [place for place, stand in enumerate(stands) if stand[1] <= wait_rows]
        return min(allowed, key=lambda place: choose(stands[place], writes, reads), default=None)

    return function


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda stands, writes, reads, wait_rows: place_wall(stands, writes, reads, 1e9), "more than a reader waits for"),
    (within_loads(lambda stand, writes, reads: sum(stand)), "do not come equally often"),
    (within_loads(lambda stand, writes, reads: stand[1]), "each as often as it comes"),
    (lambda stands, writes, reads, wait_rows: None, "no read touches more than is allowed"),
    (lambda stands, writes, reads, wait_rows: place_wall(stands, writes, reads, wait_rows) or 0, "so None"),
])  # fmt: skip
def test_a_wall_in_the_wrong_place_is_told_what_it_costs(wrong, says):
    verdict = PLACE_WALL.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda followers, posts, reads: set(followers), "All pushed"),
    (lambda followers, posts, reads: set(), "Nobody pushed"),
    (lambda followers, posts, reads: {one for one in followers if len(followers[one]) <= 6}, "does not decide it"),
    (lambda followers, posts, reads: followers.keys() - push_set(followers, posts, reads), "Dearest is u"),
    (lambda followers, posts, reads: [one for one in followers if posts[one] < reads[one]], "Dearest is u"),
])  # fmt: skip
def test_whoever_copies_the_wrong_posts_is_shown_the_dearest(wrong, says):
    verdict = PUSH_SET.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw
    assert re.search(r"\d+ posts to \d+ followers are \d+ copies; asked for, it is \d+ looks", verdict.saw)


def swapped(names, one=3, other=4):
    line = in_order(names)
    line[one], line[other] = line[other], line[one]
    return line


@pytest.mark.parametrize(("wrong", "says"), [
    (swapped, "You put a feed, copied to each follower before a secondary index"),
    (lambda names: in_order(names)[::-1], "The other way round"),
    (lambda names: names, "You put"),
])  # fmt: skip
def test_two_in_the_wrong_order_are_told_what_they_keep(wrong, says):
    verdict = IN_ORDER.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def test_the_line_is_that_of_the_wall():
    rows = [one.a_read for one in standings()]
    assert len(TECHNIQUES) == len(rows) + 1
    assert rows == sorted(rows, reverse=True)


@pytest.mark.parametrize(("task", "function", "says"), [
    (PLACE_WALL, lambda *given: 99, "the place of a wall"),
    (PLACE_WALL, lambda *given: 1.0, "the place of a wall"),
    (PUSH_SET, lambda *given: {"nobody"}, "a set of authors"),
    (PUSH_SET, lambda *given: None, "a set of authors"),
    (IN_ORDER, lambda names: names[1:], "the eight names, each once"),
    (IN_ORDER, lambda names: None, "the eight names, each once"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
