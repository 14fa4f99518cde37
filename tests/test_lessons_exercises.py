"""An exercise passes its reference answer, tells a wrong one what was seen, and survives whatever it is given."""
from __future__ import annotations

import builtins
import contextlib
import dis
import functools
import importlib
import math
import threading
import time
from pathlib import Path

import pytest

from dsys_lab.brokers.overflow import Answer, least_pays, newest_pays, oldest_pays
from dsys_lab.errors import BadParameter
from dsys_lab.lessons import exercise, exercises, progress, share
from dsys_lab.lessons.exercises import find
from dsys_lab.lessons.exercises.not_consumed_in_time import TASKS
from dsys_lab.lessons.exercises.task import Exercise
from dsys_lab.lessons.exercises.trying import attempt
from dsys_lab.lessons.exercises.watched import TookTooLong, Watched, fault_in, is_blank, within
from dsys_lab.scenarios import repeat
from dsys_lab.scenarios.not_consumed_in_time.bursts import burst

EXERCISES = [task for task in TASKS if isinstance(task, Exercise)]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader of this test's own."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    return tmp_path / "progress.json"


# ------------------------------------------------------------------------------------------------------------- answers

@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_reference_answer_passes_and_is_played(task: Exercise) -> None:
    done = exercise(task.key, task.answer)
    assert done.passed, str(done)
    assert done.traces
    assert all(len(trace) for trace in done.traces)
    assert task.answer.__name__ in done.html()
    bundle = done._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle


def fluid(burst_rate, rate, service_rate, burst_s):
    return max(0, burst_rate - service_rate) * burst_s / (service_rate - rate) if rate < service_rate else math.inf


def just_the_backlog(burst_rate, rate, service_rate, burst_s):
    return max(0, burst_rate - service_rate) * burst_s if rate < service_rate else math.inf


def no_new_ones(burst_rate, rate, service_rate, burst_s):
    return max(0, burst_rate - service_rate) * burst_s / service_rate if rate < service_rate else math.inf


def from_the_start(burst_rate, rate, service_rate, burst_s):
    return (fluid(burst_rate, rate, service_rate, burst_s) or -burst_s) + burst_s


def nothing_served(burst_rate, rate, service_rate, burst_s):
    if burst_rate <= service_rate:
        return 0
    return burst_rate * burst_s / (service_rate - rate) if rate < service_rate else math.inf


WRONG = [
    ("13/drain_time", just_the_backlog, "how many wait when the burst ends"),
    ("13/drain_time", no_new_ones, "new ones keep coming"),
    ("13/drain_time", from_the_start, "Count from the end"),
    ("13/drain_time", nothing_served, "During the burst the scorer works"),
    ("13/drain_time", lambda b, r, s, t: (b - s) * t / (s - r), "nothing piles up: give 0"),
    ("13/drain_time", lambda b, r, s, t: max(0, b - s) * t / max(1, s - r), "give math.inf"),
    ("13/drain_time", lambda b, r, s, t: 40, "For 30/s for 20 s and 8/s afterwards, with 10/s served you said 40 s"),
    ("13/drain_time", lambda b, r, s, t: "long", "returned 'long'; give a number"),
    ("13/overflow", newest_pays, "messages of high priority were lost, the first at 2"),
    ("13/overflow", oldest_pays, "messages of high priority were lost"),
    ("13/overflow", least_pays, "what stays has waited too long"),
    ("13/overflow", lambda w, n, c, x: 0 if len(w) > c else None, "Hidden seed 1001: it let"),
    ("13/overflow", lambda w, n, c, x: 0 if len(w) > c else None, "somebody must go"),
    ("13/overflow", lambda w, n, c, x: Answer.DROPPED if len(w) > c // 2 else None, "let everybody in"),
    ("13/overflow", lambda w, n, c, x: Answer.MUST_WAIT, "here the wearables cannot"),
    ("13/overflow", lambda w, n, c, x: len(w), "give None, Answer.DROPPED or a position"),
    ("13/storm_proof", lambda: {"retries": 3}, "what bounds its queue?"),
    ("13/storm_proof", lambda: {"retries": 0}, "Each loss is final"),
    ("13/storm_proof", lambda: {"budget": 0.1}, "99 answered too late"),
    ("13/storm_proof", lambda: {"policy": "drop_newest", "capacity": 50}, "what bounds its queue?"),
    ("13/storm_proof", lambda: {"capacity": 4, "policy": "reject", "budget": 0.1}, "13 told no, 8 lost in the network"),
    ("13/storm_proof", lambda: {"retries": 3, "timeout_s": 60}, "set 'timeout_s'; give only"),
    ("13/storm_proof", lambda: [3], "give a dict"),
    ("13/storm_proof", lambda: {"policy": "luck"}, "give one of unbounded"),
]


@pytest.mark.parametrize(("key", "function", "says"), WRONG, ids=[f"{key}: {says}" for key, _, says in WRONG])
def test_a_wrong_answer_is_told_what_was_seen(key: str, function, says: str) -> None:
    tried = exercise(key, function)
    assert not tried.passed
    assert says in str(tried)


def all_exercises() -> list[Exercise]:
    folder = Path(exercises.__file__).parent
    modules = [importlib.import_module(f"{exercises.__name__}.{path.stem}") for path in sorted(folder.glob("*.py"))]
    return [task for module in modules for task in getattr(module, "TASKS", ()) if isinstance(task, Exercise)]


@pytest.mark.parametrize("task", all_exercises(), ids=lambda task: task.key)
def test_the_folded_answer_runs_in_an_empty_cell_and_lacks_no_name(task: Exercise) -> None:
    cell: dict[str, object] = {"__name__": "__main__"}
    exec(task.answer_source, cell)
    codes, used = [cell[task.function_name].__code__], set[str]()
    while codes:
        code = codes.pop()
        named = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        used |= named
        codes += [one for one in code.co_consts if isinstance(one, type(code))]
    assert {name for name in used if name not in cell and not hasattr(builtins, name)} <= {"__name__", "__qualname__"}


def test_the_law_passes_as_its_own_formula() -> None:
    assert exercise("13/drain_time", fluid).passed


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_skeleton_runs_and_does_not_pass(task: Exercise) -> None:
    written: dict = {}
    exec(task.skeleton, written)
    assert not exercise(task.key, written[task.function_name]).passed


# ------------------------------------------------------------------------------------------------ help grows with tries

def defaults() -> dict:
    return {"retries": 3}


def test_hints_come_one_by_one_and_the_answer_after_the_third_failure() -> None:
    task = find("13/storm_proof")
    assert task.hints[0] in task._repr_mimebundle_()["text/html"]
    pages = [exercise("13/storm_proof", defaults).html() for _ in range(3)]
    due = ("A second hint", "A third hint", "The reference answer</summary>")
    shown = [[help_ in page for help_ in due] for page in pages]
    assert shown == [[True, False, False], [True, True, False], [True, True, True]]
    assert progress().of("exercises", "13/storm_proof") == {"tries": 3, "failed": 3, "passed": False}


def test_what_was_solved_stays_solved() -> None:
    exercise("13/storm_proof", find("13/storm_proof").answer)
    exercise("13/storm_proof", defaults)
    assert progress().of("exercises", "13/storm_proof") == {"tries": 2, "failed": 1, "passed": True}


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_an_unwritten_function_is_no_try_and_reads_the_same_everywhere(task, record: Path, monkeypatch) -> None:
    def unwritten(*given): ...

    live = exercise(task.key, unwritten)._repr_mimebundle_()
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    assert exercise(task.key, unwritten)._repr_mimebundle_() == live
    assert "Not yet attempted: " in live["text/plain"]
    assert not record.exists()


def test_only_what_is_not_written_yet_is_blank() -> None:
    def skeleton(waiting):
        ...

    def documented(waiting):
        """Say who pays."""

    def answers_none(waiting):
        return None

    def passes(waiting):
        pass

    assert all(map(is_blank, (skeleton, documented, passes)))
    assert not is_blank(answers_none)
    assert not is_blank(functools.partial(max, 0))
    assert not is_blank(len)


def test_none_may_be_the_answer() -> None:
    def smallest_k(nights, rows):
        return None

    tried = exercise("02/smallest_k", smallest_k)
    assert tried.verdict is not None
    assert "you said None; it is" in str(tried)


# ------------------------------------------------------------------------------------------- whatever the reader writes

def test_an_error_is_told_by_the_readers_own_line_and_input() -> None:
    def drain_time(burst_rate, rate, service_rate, burst_s):
        spare = service_rate - rate
        return burst_rate / (spare - spare)

    told = str(exercise("13/drain_time", drain_time))
    assert "ZeroDivisionError" in told
    assert "`return burst_rate / (spare - spare)`" in told
    assert "burst_rate = 30, rate = 8" in told


def test_an_error_deep_inside_the_run_is_told_the_same_way() -> None:
    def overflow(waiting, newcomer, capacity, chance):
        return waiting[capacity + 1] if len(waiting) == capacity else None

    told = str(exercise("13/overflow", overflow))
    assert "IndexError" in told
    assert "`return waiting[capacity + 1] if len(waiting) == capacity else None`" in told
    assert "waiting = 50 of Request" in told


def test_a_loop_without_end_is_stopped_and_said() -> None:
    def drain_time(burst_rate, rate, service_rate, burst_s):
        while True:
            with contextlib.suppress(Exception):  # the careless handler that must not save it
                rate += 1

    began = time.monotonic()
    tried = attempt(find("13/drain_time"), drain_time, limit_s=0.3)
    assert time.monotonic() - began < 5
    assert "did not come to an end within 0.3 s and was stopped" in str(tried)
    assert "burst_rate = 30" in str(tried)
    assert not [thread for thread in threading.enumerate() if thread.name == "exercise"]


def test_a_loop_inside_the_simulation_is_stopped_too() -> None:
    def overflow(waiting, newcomer, capacity, chance):
        while len(waiting) == capacity:
            pass

    assert "was stopped" in str(attempt(find("13/overflow"), overflow, limit_s=0.5))


def test_what_ends_in_time_is_returned_and_its_error_is_its_own() -> None:
    assert within(5, lambda: 42) == 42
    with pytest.raises(KeyError):
        within(5, lambda: {}["x"])
    with pytest.raises(TookTooLong):
        within(0.05, lambda: time.sleep(0.2))


def test_an_error_without_words_or_lines_is_still_named() -> None:
    assert fault_in(len, ValueError()) == "ValueError"
    watched = Watched(lambda a, b=2: a)
    watched(1)
    assert watched.told() == "a = 1"


def test_the_readers_policy_stays_at_hand_for_a_fork() -> None:
    tried = exercise("13/overflow", find("13/overflow").answer)
    mine, _ = tried.traces
    slowed = repeat(mine.header, more_faults=[{"do": "slow", "target": "scorer", "at_s": 25.0, "value": 0.5}])
    assert len(slowed.of("drop")) > len(mine.of("drop"))
    with pytest.raises(BadParameter, match="policy = 'yours' is code of your own"):
        share(mine)


def test_the_list_of_policies_does_not_offer_the_readers_own() -> None:
    exercise("13/overflow", find("13/overflow").answer)
    with pytest.raises(BadParameter, match=r"deadline, lifo, block, reject$"):
        burst(policy="luck")


def test_an_answer_that_is_a_number_is_drawn_on_the_case_that_it_misses() -> None:
    tried = exercise("13/drain_time", lambda b, r, s, t: 200 if b == 30 else 7)
    assert tried.picture is not None
    assert "7 s after the burst" in tried.html()
    assert str(tried.traces[0].header.title).startswith("25/s for 40 s")


# -------------------------------------------------------------------------------------------------------- finding tasks

@pytest.mark.parametrize(("call", "says"), [
    (lambda: exercise("13/attic"), "give one of 13/drain_time, 13/overflow"),
    (lambda: exercise("00/anything"), "lab 00_start_here has no exercises yet"),
    (lambda: exercise("drain_time"), "as in '13/drain_time'"),
    (lambda: exercise("13/drain_time", 200), "give the function itself"),
    (lambda: exercise("13/design", lambda: 1), "a question to think about"),
])
def test_a_task_that_is_not_there_is_said(call, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        call()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_reads_the_same_in_every_mode(task, monkeypatch) -> None:
    live = exercise(f"13/{task.name}")._repr_mimebundle_()
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    assert exercise(f"13/{task.name}")._repr_mimebundle_() == live
    assert task.statement.strip() in live["text/plain"]


def test_a_list_in_a_statement_is_a_list_on_the_page() -> None:
    page = exercise("08/least_copies")._repr_mimebundle_()["text/html"]
    assert page.count("<li>") == 3
    assert "- every read" not in page
