"""Lab 23's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.derived_dataflows import (
    APPLY,
    ENDS_APART,
    POLL,
    TASKS,
    all_orders,
    apply,
    ends_apart,
    looks_of,
    poll,
    polled,
)
from dsys_lab.lessons.exercises.task import Exercise

EXERCISES = [task for task in TASKS if isinstance(task, Exercise)]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of this test's own."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_reference_answer_passes_and_the_skeleton_does_not(task: Exercise) -> None:
    done = exercise(task.key, task.answer)
    assert done.passed, str(done)
    written: dict = {}
    exec(task.skeleton, written)
    assert not exercise(task.key, written[task.function_name]).passed


def test_the_examples_hold():
    assert ends_apart([("ada", "table"), ("ada", "copy")]) is False
    assert poll([(8, 12)], 11, None) == ([], 11)
    view: dict = {}
    for change in (("k", 5, 9), ("k", 4, 3)):
        apply(view, change)
    assert view == {"k": (5, 9)}
    assert len(all_orders()) == 1 + 6 + 90


# ------------------------------------------------------------------------------------------ (a)
@pytest.mark.parametrize(("wrong", "says"), [
    (lambda order: True, "does no harm"),
    (lambda order: False, "need not be last"),
    (lambda order: order[0][0] != order[-1][0], "you said"),
    (lambda order: len({who for who, _ in order}) > 1, "does no harm"),
])  # fmt: skip
def test_a_slip_in_orders_is_named(wrong, says):
    verdict = ENDS_APART.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def test_another_right_way_to_see_orders_passes():
    def by_search(order):
        return len({next(who for who, at in reversed(order) if at == where) for where in ("table", "copy")}) > 1

    assert ENDS_APART.check(by_search).passed


# ------------------------------------------------------------------------------------------ (b)
def by_id(rows, oldest_running, state):
    ids = [id_ for id_, _ in rows if id_ > (state or 0)]
    return ids, max(ids, default=state or 0)


def everything(rows, oldest_running, state):
    return [id_ for id_, _ in rows], None


def remembers_all(rows, oldest_running, state):
    sent = set(state or ())
    new = [id_ for id_, _ in rows if id_ not in sent]
    return new, sent | set(new)


def skips_the_edge(rows, oldest_running, state):
    ids = [id_ for id_, transaction in rows if (state or 0) < transaction < oldest_running]
    return ids, oldest_running


def remembers_the_open_ones(rows, oldest_running, state):
    """Sends at once, and remembers what it sent of those that are not older than all that run: few."""
    below, sent = state or (0, frozenset())
    new = [(id_, transaction) for id_, transaction in rows if transaction >= below and id_ not in sent]
    kept = {id_ for id_, transaction in rows if transaction >= oldest_running}
    return [id_ for id_, _ in new], (oldest_running, frozenset(kept))


@pytest.mark.parametrize(("wrong", "says"), [
    (by_id, "not when it can be seen"),
    (everything, "times: what do"),
    (remembers_all, "runs for years"),
    (skips_the_edge, "never sent"),
    (lambda rows, oldest_running, state: ([999], state), "nobody committed"),
    (lambda rows, oldest_running, state: ([], state), "was done when"),
])  # fmt: skip
def test_a_slip_in_polling_is_named(wrong, says):
    verdict = POLL.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


def test_who_remembers_a_little_more_and_sends_at_once_passes_too():
    assert POLL.check(remembers_the_open_ones).passed


def test_the_outboxes_have_what_the_exercise_is_about():
    for seed in (1, 2, 3, 4):
        looks, committed = looks_of(seed)
        assert len(committed) < 40, "some are rolled back"
        assert committed - set(polled(by_id, looks)), "ids alone miss some"
        assert {id_ for id_, _ in looks[-1].rows} == committed


# ------------------------------------------------------------------------------------------ (c)
def forgets_the_dead(view, change):
    key, value, position = change
    if key not in view or position > view[key][1]:
        if value is None:
            view.pop(key, None)
        else:
            view[key] = (value, position)


def last_wins(view, change):
    key, value, position = change
    view[key] = (value, position)


def never_deletes(view, change):
    key, value, position = change
    if value is not None and (key not in view or position > view[key][1]):
        view[key] = (value, position)


@pytest.mark.parametrize(("wrong", "says"), [
    (forgets_the_dead, "needs its position"),
    (last_wins, "compare the positions"),
    (never_deletes, "in their order"),
    (lambda view, change: None, "highest position"),
])  # fmt: skip
def test_a_slip_in_applying_is_named(wrong, says):
    verdict = APPLY.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("task", "function", "says"), [
    (ENDS_APART, lambda order: "yes", "True or False"),
    (POLL, lambda rows, oldest_running, state: [], "a pair"),
    (APPLY, lambda view, change: view.update({change[0]: change[1]}), "a pair"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
