"""Lab 17's exercises pass their answers and other right ones, and tell each usual slip what was seen."""

from __future__ import annotations

import math
import re
from hashlib import md5
from pathlib import Path

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons import exercise
from dsys_lab.lessons.exercises.log_stream import (
    CARRY_OUT,
    SHARD_OF,
    SHARDS_FOR,
    TAKES,
    TASKS,
    TROUBLES,
    asked,
    loads,
    shard_of,
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


def number_of(key, order="big"):
    return int.from_bytes(md5(key.encode()).digest(), order)


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda key, shards: number_of(key) % shards, "the remainder"),
    (lambda key, shards: number_of(key, "little") * shards // 2**128, "big-endian"),
    (lambda key, shards: shard_of(key, shards) + 1, "number 0"),
    (lambda key, shards: len(key) % shards, "md5"),
])  # fmt: skip
def test_a_slip_in_hashing_is_named(wrong, says):
    verdict = SHARD_OF.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


def by_the_sum(rates):
    return math.ceil(sum(rates.values()) / TAKES)


def doubling(rates):
    if max(rates.values()) > TAKES:
        return None
    shards = 1
    while True:
        got = [0.0] * shards
        for key, rate in rates.items():
            got[shard_of(key, shards)] += rate
        if max(got) <= TAKES:
            return shards
        shards *= 2


@pytest.mark.parametrize(("wrong", "says"), [
    (by_the_sum, "the hottest gets"),
    (lambda rates: by_the_sum(rates) if max(rates.values()) > TAKES else SHARDS_FOR.answer(rates), "bot alone needs"),
    (lambda rates: None, "it is possible"),
    (lambda rates: 0, "one shard at least"),
    (doubling, "are as well"),
])  # fmt: skip
def test_a_slip_in_counting_shards_is_named(wrong, says):
    verdict = SHARDS_FOR.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


def test_among_the_loads_there_is_one_for_which_more_shards_are_worse():
    worse = [load for load in loads() if not load.impossible and load.hottest(load.enough + 1) > TAKES]
    assert worse


def only_fenced(wanted, parents, last):
    newest, done = {}, {}
    for shard, offset, epoch in wanted:
        newest[shard] = max(epoch, newest.get(shard, 0))
        if epoch == newest[shard]:
            done.setdefault((shard, offset), (shard, offset, epoch))
    return list(done.values())


def refuses_what_is_early(wanted, parents, last):
    done = []
    for one in only_fenced(wanted, parents, last):
        if all((parent, last[parent]) in {(shard, offset) for shard, offset, _ in done} for parent in parents[one[0]]):
            done.append(one)
    return done


def without_a_fence(wanted, parents, last):
    first = {}
    for one in wanted:
        first[one[:2]] = one
    return [first[record] for record in sorted(first)]


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda wanted, parents, last: wanted, "twice|before the end"),
    (only_fenced, "before the end of shard-000, its parent"),
    (refuses_what_is_early, "never carried out"),
    (lambda wanted, parents, last: CARRY_OUT.answer(wanted, parents, last)[::-1], "before"),
    (lambda wanted, parents, last: CARRY_OUT.answer(wanted, parents, last)[:-1], "never carried out"),
    (lambda wanted, parents, last: [("shard-000", 0, 99)], "no worker wanted"),
    (without_a_fence, "under epoch"),
])  # fmt: skip
def test_a_slip_of_the_sink_is_named(wrong, says):
    verdict = CARRY_OUT.check(wrong)
    assert not verdict.passed
    assert re.search(says, verdict.saw), verdict.saw


def test_every_trouble_is_one():
    for trouble in TROUBLES:
        told = asked(trouble, 1703)
        assert list(told.wanted) != CARRY_OUT.answer(told.wanted, told.parents, told.last), trouble


@pytest.mark.parametrize(("task", "function", "says"), [
    (SHARD_OF, lambda key, shards: "0", "a whole number"),
    (SHARDS_FOR, lambda rates: 1.5, "or None"),
    (CARRY_OUT, lambda wanted, parents, last: None, "a list of the effects"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)
