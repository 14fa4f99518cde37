"""The exercises of lab 20: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.video_stream import BEHIND, MISSING, SETTINGS, missing


@pytest.mark.parametrize("task", [BEHIND, SETTINGS, MISSING], ids=lambda task: task.name)
def test_the_answer_passes(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert all(len(list(trace)) for trace in task.play(task.answer))


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda f, k, way: ((k - 1) * f + way, k * f + way), "not as one less"),
    (lambda f, k, way: (k * f, (k + 1) * f), "the way counts"),
    (lambda f, k, way: (k * f + way, k * f + way), "who joins just before"),
])  # fmt: skip
def test_a_slip_about_the_delay_is_named(wrong, says):
    verdict = BEHIND.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw.lower()


@pytest.mark.parametrize(("said", "says"), [
    ({"doorbell": (2, 3), "evidence": (180,)}, "s behind"),
    ({"doorbell": (0.25, 2), "evidence": (180,)}, "bytes a second"),
    ({"doorbell": (0.75, 1), "evidence": (30,)}, "was lost"),
])  # fmt: skip
def test_settings_that_miss_are_shown_by_how_much(said, says):
    verdict = SETTINGS.check(lambda: said)
    assert not verdict.passed
    assert says in verdict.saw


def unsorted(fragments, start, end):
    gaps, reached = [], start
    for begins, lasts in fragments:
        if begins > reached:
            gaps.append((reached, begins))
        reached = begins + lasts
    return gaps


def within(fragments, start, end):
    """Forget that an earlier fragment may reach further."""
    gaps, reached = [], start
    for begins, lasts in sorted(fragments):
        if begins > reached and reached < end:
            gaps.append((reached, min(begins, end)))
        reached = begins + lasts
    return [*gaps, (reached, end)] if reached < end else gaps


@pytest.mark.parametrize(("wrong", "says"), [
    (unsorted, "After the last fragment"),
    (lambda fragments, start, end: missing(fragments, start, end)[:-1], "After the last fragment"),
    (within, "within another one"),
    (lambda fragments, start, end: missing(fragments, start, end + 5), "not asked for"),
])  # fmt: skip
def test_a_gap_that_is_overlooked_is_shown(wrong, says):
    verdict = MISSING.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def test_the_order_in_which_they_came_is_named():
    def keeps_the_order(fragments, start, end):
        gaps, reached = [], start
        for begins, lasts in fragments:
            if begins > reached and reached < end:
                gaps.append((reached, min(begins, end)))
            reached = max(reached, begins + lasts)
        return [*gaps, (reached, end)] if reached < end else gaps

    assert "in the order in which they came" in MISSING.check(keeps_the_order).saw


@pytest.mark.parametrize(("task", "wrong", "says"), [
    (BEHIND, lambda f, k, way: 3, "least, most"), (SETTINGS, dict, "doorbell"),
    (SETTINGS, lambda: {"doorbell": 2, "evidence": (3,)}, "fragment_s, buffered"),
    (SETTINGS, lambda: {"doorbell": (0.01, 1), "evidence": (3,)}, "0.1 to 10"),
    (SETTINGS, lambda: {"doorbell": (1, 1), "evidence": (999,)}, "room for"),
    (MISSING, lambda fragments, start, end: 3, "list of"),
])  # fmt: skip
def test_another_shape_is_refused_with_the_right_one(task, wrong, says):
    with pytest.raises(Misuse, match=says):
        task.check(wrong)
