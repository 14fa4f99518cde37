"""Lab 01's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.service_database_broker import BASE, TASKS, hidden_edits, may_change
from dsys_lab.lessons.exercises.task import Exercise

EXERCISES = [task for task in TASKS if isinstance(task, Exercise)]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of this test's own."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_reference_answer_passes(task: Exercise) -> None:
    done = exercise(task.key, task.answer)
    assert done.passed, str(done)
    assert all(len(trace) for trace in done.traces)


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_skeleton_runs_and_does_not_pass(task: Exercise) -> None:
    written: dict = {}
    exec(task.skeleton, written)
    assert not exercise(task.key, written[task.function_name]).passed


# ------------------------------------------------------------------------------------------ other right answers
def by_division(nights, works, outage_s):
    waiting = nights * outage_s
    seconds = waiting / (works - nights) if works > nights else math.inf if waiting else 0
    return [waiting, seconds]


def commit_of_the_last_turn(reader):
    reader.commit()
    reader.read()
    reader.skip_seen()
    reader.process()


def ask_twice(reader):
    reader.read()
    reader.skip_seen()
    reader.skip_seen()
    reader.process()
    reader.commit()


def by_verdicts(old, new):
    both_ways = may_change(old, new), may_change(new, old)
    mirror = {"backward": "forward", "forward": "backward"}
    assert both_ways[1] == mirror.get(both_ways[0], both_ways[0])
    return both_ways[0]


@pytest.mark.parametrize(("key", "function"), [
    ("01/backlog_and_drain", by_division),
    ("01/turn", commit_of_the_last_turn),
    ("01/turn", ask_twice),
    ("01/may_change", by_verdicts),
])  # fmt: skip
def test_another_right_answer_passes(key: str, function) -> None:
    tried = exercise(key, function)
    assert tried.passed, str(tried)


# ------------------------------------------------------------------------------------------ the usual slips
def at_most_once(reader):
    reader.read()
    reader.commit()
    reader.process()


def asks_too_late(reader):
    reader.read()
    reader.process()
    reader.skip_seen()
    reader.commit()


def asks_too_early(reader):
    reader.skip_seen()
    reader.read()
    reader.process()
    reader.commit()


def never_commits(reader):
    reader.read()
    reader.skip_seen()
    reader.process()


def never_works(reader):
    reader.read()
    reader.commit()


def never_reads(reader):
    reader.process()
    reader.commit()


def trusts_all(old, new):
    return "both"


def without_ranges(old, new):
    """Knows defaults, and takes all whole numbers for alike."""
    whole = {"u8", "u16", "u32", "u64", "i32", "i64"}
    alike = {one: ("i64" if kind in whole else kind, default) for one, (kind, default) in new.items()}
    return may_change({one: ("i64" if kind in whole else kind, d) for one, (kind, d) in old.items()}, alike)


def blind_to_defaults(old, new):
    same = {one: (kind, old[one][1] if one in old else default) for one, (kind, default) in new.items()}
    return may_change(old, same)


def wrong_way_round(old, new):
    return may_change(new, old)


WRONG = [
    ("01/backlog_and_drain", lambda n, w, t: (n * t, n * t / w), "While it works the old ones off, new ones come."),
    ("01/backlog_and_drain", lambda n, w, t: (w * t, 1.0), "not what could have been worked off"),
    ("01/backlog_and_drain", lambda n, w, t: (n * t, t), "That is the outage itself"),
    ("01/backlog_and_drain", lambda n, w, t: (n * t, n * t / (w - n) if w != n else math.inf), "it never catches up"),
    ("01/backlog_and_drain", lambda n, w, t: n * t, "give two numbers"),
    ("01/backlog_and_drain", lambda n, w, t: (n * t, "long"), "give two numbers"),
    ("01/turn", at_most_once, "the position behind was committed, and the work was not done"),
    ("01/turn", asks_too_late, "it was asked too late what was seen"),
    ("01/turn", asks_too_early, "it was asked what was seen before anything was in hand"),
    ("01/turn", never_commits, "the next start reads all from the beginning"),
    ("01/turn", never_works, "Who processes?"),
    ("01/turn", never_reads, "read in each turn"),
    ("01/may_change", trusts_all, "it is required and not there"),
    ("01/may_change", without_ranges, "pulse i32 becomes i64"),
    ("01/may_change", blind_to_defaults, "no error, and yet"),
    ("01/may_change", wrong_way_round, "you said"),
    ("01/may_change", lambda old, new: True, "give one of 'both', 'backward', 'forward', 'none'"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "function", "says"), WRONG, ids=[f"{key}: {says}" for key, _, says in WRONG])
def test_a_wrong_answer_is_told_what_was_seen(key: str, function, says: str) -> None:
    tried = exercise(key, function)
    assert not tried.passed
    assert says in str(tried)


def test_the_hidden_edits_have_every_verdict_and_none_is_the_contract_itself() -> None:
    edits = hidden_edits()
    assert {edit.decoded()[0] for edit in edits} == {"both", "backward", "forward", "none"}
    assert all(list(edit.new.items()) != list(BASE.items()) for edit in edits)
