"""The shared volume's exercises pass their answers, and tell each usual slip what was seen."""

from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.shared_volume import FEWEST_COPIES, RECOVER_VDL, TASKS, Rec, recover_vdl, what_stops


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
def test_the_reference_answer_passes_and_is_played_and_the_skeleton_does_not(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert all(len(trace) for trace in task.play(task.answer))
    written: dict = {}
    exec(task.skeleton, written)
    assert not task.check(written[task.function_name]).passed


@pytest.mark.parametrize(
    ("said", "saw"),
    [
        ((3, 2, 2), "without zone 1 and one more there are 1 left, and a read needs 2"),
        ((6, 3, 3), "have taken a write"),
        ((6, 3, 4), "may take the write of one writer and the others that of another"),
        ((6, 5, 2), "without zone 1 there are 4 copies left, and a write needs 5"),
        ((9, 6, 4), "6 copies are enough"),
        ((5, 3, 3), "a read needs 3"),
    ],
)
def test_a_quorum_that_will_not_do_is_told_the_failure_that_shows_it(said, saw):
    verdict = FEWEST_COPIES.check(lambda: said)
    assert not verdict.passed
    assert saw in verdict.saw


def test_only_six_four_three_will_do_with_six():
    assert [(w, r) for w in range(1, 7) for r in range(1, 7) if not what_stops(6, w, r)] == [(4, 3)]


def test_the_example_holds():
    def chain(upto, *more):
        return [Rec(n, n - 1, n in (2, 5, 8)) for n in (*range(1, upto + 1), *more)]

    assert recover_vdl([chain(4), chain(6), chain(6, 8), None, None, None]) == 5


def _any_point(segments):
    reached = [segment for segment in segments if segment is not None]
    return None if len(reached) < 3 else max((r.lsn for s in reached for r in s if r.is_point), default=0)


@pytest.mark.parametrize(
    ("function", "saw"),
    [
        (lambda segments: 0 if sum(s is not None for s in segments) < 3 else recover_vdl(segments), "Fewer than three"),
        (_any_point, "you said"),
    ],
)
def test_a_slip_is_told_the_case_that_shows_it(function, saw):
    verdict = RECOVER_VDL.check(function)
    assert not verdict.passed
    assert saw in verdict.saw


@pytest.mark.parametrize(
    ("task", "said", "says"),
    [
        (FEWEST_COPIES, (6, 4), "give three whole numbers"),
        (FEWEST_COPIES, (20, 4, 3), "give 3 to 12 copies"),
        (RECOVER_VDL, "five", "give a whole number, or None"),
    ],
)
def test_an_answer_of_the_wrong_shape_is_misuse(task, said, says):
    with pytest.raises(Misuse, match=says):
        task.check(lambda *_: said)
