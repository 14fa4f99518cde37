"""The exercises of lab 07: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import math
from bisect import bisect_left

import pytest

from dsys_lab.errors import MayHaveHappened, Misuse
from dsys_lab.lessons.exercises import exercise, object_store
from dsys_lab.lessons.exercises.object_store import APPEND, GIB, LINES, MIB, PARTS, REFUSED, expected_s
from dsys_lab.stores.object_store import ConditionFailed


@pytest.mark.parametrize("task", [PARTS, APPEND, REFUSED], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    assert task.check(task.answer).passed
    assert task.picture(task.answer) is not None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda *line: 1 * MIB, "5 MiB to 5 GiB"),
        (lambda *line: 6 * GIB, "5 MiB to 5 GiB"),
        (lambda size, *rest: 5 * MIB, "each part is a request|10,000 are the most"),
        (lambda size, *rest: max(8 * MIB, size // 20_000), "each part|10,000"),
        (lambda *line: 5 * GIB, "sent again"),
    ],
)
def test_a_slip_in_the_part_is_named(wrong, says):
    verdict = PARTS.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


def test_no_part_is_better_than_the_answers():
    for line in LINES:
        best = expected_s(line, PARTS.answer(*line))
        least = object_store.least_part_bytes(line.size_bytes)
        sizes = [size for step in range(60) if least <= (size := int(5 * MIB * 1.1**step)) <= 5 * GIB]
        assert best <= 1.05 * min(expected_s(line, size) for size in sizes)


def test_a_short_last_part_is_counted_as_short():
    line = object_store.Line(12 * MIB, 1.0, MIB, 0.0)
    assert expected_s(line, 5 * MIB) == pytest.approx(3 + 12)
    assert expected_s(line, 50 * MIB) == pytest.approx(1 + 12)


def by_the_hints(size_bytes, request_s, rate, failures_per_byte):
    def cost(x):
        return math.log(request_s / x + 1 / rate) + failures_per_byte * x

    size = best = max(5 * MIB, math.ceil(size_bytes / 10_000))
    while size <= 5 * GIB:
        best = min(best, size, key=cost)
        size = int(size * 1.1) + 1
    return best


def test_who_follows_the_hints_as_written_passes():
    verdict = PARTS.check(by_the_hints)
    assert verdict.passed, verdict.saw


def blind(store, key, line):
    found = store.get(key)
    try:
        store.put(key, (found.data if found else b"") + line + b"\n")
    except MayHaveHappened:
        return


def repeats_blindly(store, key, line):
    while True:
        found = store.get(key)
        condition = {"if_match": found.etag} if found else {"if_absent": True}
        try:
            store.put(key, (found.data if found else b"") + line + b"\n", **condition)
        except (ConditionFailed, MayHaveHappened):
            continue
        return


def believes_a_refusal(store, key, line):
    found = store.get(key)
    condition = {"if_match": found.etag} if found else {"if_absent": True}
    try:
        store.put(key, (found.data if found else b"") + line + b"\n", **condition)
    except (ConditionFailed, MayHaveHappened):
        return


def believes_that_no_answer_means_done(store, key, line):
    while True:
        found = store.get(key)
        before = found.data if found else b""
        if line in before.splitlines():
            return
        condition = {"if_match": found.etag} if found else {"if_absent": True}
        try:
            store.put(key, before + line + b"\n", **condition)
        except ConditionFailed:
            continue
        except MayHaveHappened:
            pass
        return


def looks_for_letters(store, key, line):
    while True:
        found = store.get(key)
        before = found.data if found else b""
        if line in before:
            return
        try:
            store.put(key, before + line + b"\n", **({"if_match": found.etag} if found else {"if_absent": True}))
        except (ConditionFailed, MayHaveHappened):
            continue
        return


def never_returns(store, key, line):
    while True:
        store.get(key)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(blind, "lines are gone"), (repeats_blindly, "times"), (believes_a_refusal, "of yours"),
     (believes_that_no_answer_means_done, "never arrived"), (looks_for_letters, "longer line")],
)
def test_a_slip_in_the_append_is_named(wrong, says):
    verdict = APPEND.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


def lets_it_out(store, key, line):
    found = store.get(key)
    store.put(key, (found.data if found else b"") + line + b"\n")


def test_an_error_that_was_not_caught_is_named_and_what_to_do():
    verdict = APPEND.check(lets_it_out)
    assert not verdict.passed
    assert "MayHaveHappened" in verdict.saw
    assert "except" in verdict.saw


def test_an_append_without_an_end_is_stopped():
    with pytest.raises(Misuse, match="5,000 calls"):
        APPEND.check(never_returns)


def by_left(rates, cuts, limit):
    loads = [0.0] * (len(cuts) + 1)
    for key, rate in rates.items():
        loads[bisect_left(cuts, key)] += rate
    return 1 - sum(min(load, limit) for load in loads) / sum(loads)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda rates, cuts, limit: max(0, 1 - limit * (len(cuts) + 1) / sum(rates.values())), "helps no other"),
        (by_left, "behind it"),
        (lambda *given: 1 - object_store.refused(*given), "passes"),
        (
            lambda rates, cuts, limit: 1 - sum(min(rate, limit) for rate in rates.values()) / sum(rates.values()),
            "share its limit",
        ),
        (lambda *given: 0.123, "you said 0.123"),
        (lambda *given: float("nan"), "you said nan"),
    ],
)
def test_a_slip_in_what_is_refused_is_named(wrong, says):
    verdict = REFUSED.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize("task", [PARTS, REFUSED], ids=lambda task: task.name)
def test_no_number_is_told(task):
    with pytest.raises(Misuse, match="it returned"):
        task.check(lambda *given: None)


def test_they_are_found_by_their_keys():
    assert exercise("07/part_bytes") is PARTS
    assert "hash" in exercise("07/design").model_answer
