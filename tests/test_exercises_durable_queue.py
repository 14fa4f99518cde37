"""Lab 16's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.durable_queue import POWER, TASKS, TROUBLES
from dsys_lab.lessons.exercises.task import Exercise
from dsys_lab.scenarios import repeat
from dsys_lab.scenarios.durable_queue import handler as clip_handler
from dsys_lab.scenarios.durable_queue.handler import HANDLERS, PowerLoss, Store, handled
from dsys_lab.trace import lamps

EXERCISES = [task for task in TASKS if isinstance(task, Exercise)]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of this test's own."""
    monkeypatch.setenv("DSYS_LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_reference_answer_passes_and_is_played(task: Exercise) -> None:
    done = exercise(task.key, task.answer)
    assert done.passed, str(done)
    assert done.traces
    assert all(len(trace) for trace in done.traces)


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.key)
def test_the_skeleton_runs_and_does_not_pass(task: Exercise) -> None:
    written: dict = {}
    exec(task.skeleton, written)
    assert not exercise(task.key, written[task.function_name]).passed


# ------------------------------------------------------------------------------------------ other right answers
def with_numpy(samples, repeat_share):
    import numpy as np

    loan_s = float(np.quantile(samples, 1 - repeat_share))
    return loan_s if loan_s <= 43_200 else None


def a_little_longer(samples, repeat_share):
    loan_s = with_numpy(samples, repeat_share)
    return loan_s and 1.1 * loan_s


def note_first(clip, store):
    with store.all_or_nothing():
        if store.seen(clip.id):
            return
        store.remember(clip.id)
        store.add(clip.minutes)


def look_before(clip, store):
    if store.seen(clip.id):
        return
    with store.all_or_nothing():
        store.add(clip.minutes)
        store.remember(clip.id)


def by_summing(visibility_s, work_mean_s, max_receives, poison_share):
    fails = math.exp(-visibility_s / work_mean_s)
    healthy = sum(fails**n for n in range(max_receives))
    return [healthy * (1 - poison_share) + poison_share * max_receives, fails**max_receives]


@pytest.mark.parametrize(("key", "function"), [
    ("16/choose_visibility", with_numpy),
    ("16/choose_visibility", a_little_longer),
    ("16/handler", note_first),
    ("16/handler", look_before),
    ("16/loan_cost", by_summing),
])  # fmt: skip
def test_another_right_answer_passes(key: str, function) -> None:
    tried = exercise(key, function)
    assert tried.passed, str(tried)


# ------------------------------------------------------------------------------------------ the usual slips
def quantile(samples, share):
    return sorted(samples)[int(share * len(samples))]


def or_none(loan_s):
    return loan_s if loan_s <= 43_200 else None


def naive(clip, store):
    store.add(clip.minutes)


def by_handle(clip, store):
    with store.all_or_nothing():
        if not store.seen(clip.handle):
            store.add(clip.minutes)
            store.remember(clip.handle)


def by_attempt(clip, store):
    with store.all_or_nothing():
        if not store.seen(f"{clip.id}{clip.attempt}"):
            store.add(clip.minutes)
            store.remember(f"{clip.id}{clip.attempt}")


def first_attempt_only(clip, store):
    if clip.attempt == 1:
        store.add(clip.minutes)


def add_then_note(clip, store):
    if not store.seen(clip.id):
        store.add(clip.minutes)
        store.remember(clip.id)


def note_then_add(clip, store):
    if not store.seen(clip.id):
        store.remember(clip.id)
        store.add(clip.minutes)


def in_memory(clip, store, done=set()):  # noqa: B006
    if clip.id not in done:
        store.add(clip.minutes)
        done.add(clip.id)


def by_length(clip, store):
    with store.all_or_nothing():
        if not store.seen(clip.minutes):
            store.add(clip.minutes)
            store.remember(clip.minutes)


def seconds(clip, store):
    with store.all_or_nothing():
        if not store.seen(clip.id):
            store.add(60 * clip.minutes)
            store.remember(clip.id)


def exact(v, m, r, p):
    return by_summing(v, m, r, p)


WRONG = [
    ("16/choose_visibility", lambda s, p: quantile(s, 1 - p), "give None"),
    ("16/choose_visibility", lambda s, p: or_none(fmean(s)), "That is the mean"),
    ("16/choose_visibility", lambda s, p: or_none(2 * fmean(s)), "Twice the mean is a guess"),
    ("16/choose_visibility", lambda s, p: or_none(max(s)), "a worker died, and its clip lay there"),
    ("16/choose_visibility", lambda s, p: or_none(quantile(s, 0.5)), "of the clips were lent again"),
    ("16/choose_visibility", lambda s, p: None if s else 1, "gave up"),
    ("16/choose_visibility", lambda s, p: None if max(s) > 43_200 else 43_200, "are enough"),
    ("16/choose_visibility", lambda s, p: None if max(s) > 43_200 else 0, "give more than 0"),
    ("16/choose_visibility", lambda s, p: "long", "give a number of seconds, or None"),
    ("16/handler", naive, "were added twice"),
    ("16/handler", by_handle, "It was delivered twice: who knows that it was done before?"),
    ("16/handler", by_attempt, "were added twice"),
    ("16/handler", first_attempt_only, "on a network that doubles"),
    ("16/handler", add_then_note, "The power went between the effect and the note"),
    ("16/handler", note_then_add, "It was remembered, and then the power went"),
    ("16/handler", by_length, "were never added"),
    ("16/handler", seconds, "minutes were added for"),
    ("16/loan_cost", lambda v, m, r, p: (1 - p + p * r, math.exp(-r * v / m)), "Healthy clips are tried again, too"),
    ("16/loan_cost", lambda v, m, r, p: ((1 - p) / -math.expm1(-v / m) + p * r, 0.0), "Nobody is tried"),
    ("16/loan_cost", lambda v, m, r, p: (exact(v, m, r, p)[0], math.exp(-v / m)), "it must fail every time"),
    ("16/loan_cost", lambda v, m, r, p: (exact(v, m, r, p)[0], math.exp(-(r + 1) * v / m)), "it is set aside"),
    ("16/loan_cost", lambda v, m, r, p: 1.5, "give two numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "function", "says"), WRONG, ids=[f"{key}: {says}" for key, _, says in WRONG])
def test_a_wrong_answer_is_told_what_was_seen(key: str, function, says: str) -> None:
    tried = exercise(key, function)
    assert not tried.passed
    assert says in str(tried)


def test_what_is_kept_in_memory_does_not_survive() -> None:
    assert not exercise("16/handler", in_memory).passed


def test_an_error_in_the_handler_is_told_by_its_own_line() -> None:
    def handler(clip, store):
        store.add(clip.length)

    told = str(exercise("16/handler", handler))
    assert "AttributeError" in told
    assert "`store.add(clip.length)`" in told


# ------------------------------------------------------------------------------------------ the store
def test_what_stands_together_happens_together_whenever_the_power_goes() -> None:
    for crash_at in range(8):
        calls = iter(range(100))
        store = Store(lambda calls=calls, crash_at=crash_at: next(calls) == crash_at)
        try:
            with store.all_or_nothing():
                store.add(30)
                store.remember("c1")
        except PowerLoss:
            pass
        store.crashes = lambda: False
        assert (store.minutes == 30) == store.seen("c1")


def test_every_trouble_is_met_and_the_same_each_time() -> None:
    for trouble in TROUBLES:
        one, two = (trouble.run(naive, 2001) for _ in range(2))
        assert one.digest() == two.digest()
        assert bool(one.of("crash")) == (trouble is POWER or "dies" in trouble.name)


def red(trace):
    return {lamp.name for lamp in lamps(trace) if not lamp.held}


@pytest.mark.parametrize("seed", range(1, 9))
def test_between_effect_and_note_either_order_is_wrong_when_the_power_goes(seed: int) -> None:
    adds, notes = (
        handled(handler=name, power_loss_share=0.15, seed=seed) for name in ("add then note", "note then add")
    )
    assert (red(adds), red(notes)) == ({"exactly-once effect"}, {"at least once"})
    assert red(handled(handler=note_first, power_loss_share=0.15, seed=seed)) == set()


def test_a_readers_own_handler_meets_one_more_fault_in_the_same_run() -> None:
    once, (trace, _) = {"exactly-once effect"}, exercise("16/handler", add_then_note).traces
    assert red(trace) == set(), "a short loan alone does it no harm"
    (at, *_) = trace.of("effect")
    crash = {"do": "crash", "target": at.place, "at_s": at.time_us / 1e6, "lasts_s": 1}
    forked = repeat(trace.header, more_faults=[crash])
    before = [row for row in trace if row.time_us < at.time_us]
    assert list(forked)[: len(before)] == before
    assert forked.of("crash")
    worse = repeat(trace.header, power_loss_share=0.15)
    assert red(worse) == once


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_by_name_is_right_as_long_as_nothing_goes_wrong(name: str) -> None:
    assert red(handled(handler=name)) == set()
    assert HANDLERS[name].__name__ in vars(clip_handler)


def test_a_handler_that_is_none_is_refused() -> None:
    with pytest.raises(BadParameter, match="give one of add always, add then note, note then add"):
        handled(handler="hope")
    with pytest.raises(BadParameter, match="handler = 3"):
        handled(handler=3)
