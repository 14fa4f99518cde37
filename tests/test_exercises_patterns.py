"""The exercises of lab 26: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import re

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.breaker import BREAKER, may_call
from dsys_lab.lessons.exercises.pattern_costs import COSTS, PRICE
from dsys_lab.lessons.exercises.patterns import (
    DECIDE,
    FEWEST,
    LOSES,
    NAME_IT,
    TASKS,
    YOURS,
    decide,
    fewest,
    loses,
    name_it,
)
from dsys_lab.scenarios.patterns.smallest import AT_HAND

CHECKED = [task for task in TASKS if task is not YOURS]


@pytest.mark.parametrize("task", CHECKED, ids=lambda task: task.name)
def test_the_answer_passes(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    task.picture(task.answer)
    task.play(task.answer)


# ------------------------------------------------------------------------------------------ name it
def blind_to(kind):
    def name(without, with_it):
        return name_it({**without, kind: 0}, {**with_it, kind: 0})

    return name


@pytest.mark.parametrize("kind", ["hit", "transform", "detect", "lease", "look", "fan_out", "reject", "publish_fail"])
def test_who_does_not_look_at_a_kind_names_a_pair_wrongly(kind):
    verdict = NAME_IT.check(blind_to(kind))
    assert not verdict.passed
    assert "Its rows differ most in" in verdict.saw


def test_a_name_that_is_none_of_them_is_refused():
    with pytest.raises(Misuse, match="'CQRS'; give one of Queue-Based Load Leveling"):
        NAME_IT.check(lambda without, with_it: "CQRS")


# ------------------------------------------------------------------------------------------ twelve costs
def swapped(*names):
    """The answer, with the costs of two patterns exchanged for each pair of names."""
    other = dict(zip(names, names[::-1], strict=True))
    return lambda pattern: COSTS[other.get(pattern, pattern)]


def test_two_costs_may_be_wrong_and_four_may_not_and_the_count_is_told():
    assert PRICE.check(swapped("Lease", "Cache-Aside")).passed
    verdict = PRICE.check(swapped("Lease", "Cache-Aside", "Bulkhead", "Throttling"))
    assert not verdict.passed
    assert verdict.saw.startswith("8 of 12 are right. The first that is not: Throttling")
    assert "Counted there: messages refused, 0 to 188" in verdict.saw


def test_a_sentence_that_is_none_of_the_twelve_is_refused():
    with pytest.raises(Misuse, match="give one of the twelve sentences"):
        PRICE.check(lambda pattern: "money")


# ------------------------------------------------------------------------------------------ a breaker
def failed_in_a_row(ended):
    return next((n for n, call in enumerate(reversed(ended)) if call.well), len(ended))


@pytest.mark.parametrize(("slip", "saw"), [
    (lambda ended, out, now_s: True, r"In a hidden storm 0 of \d+ calls"),
    (lambda ended, out, now_s: failed_in_a_row(ended) < 5, r"In a hidden storm 0 of \d+ calls"),
    (lambda ended, out, now_s: not failed_in_a_row(ended) or now_s > ended[-1].at_s + 5, "that the server would have"),
    (lambda ended, out, now_s: failed_in_a_row(ended) < 5 or now_s > ended[-1].at_s + 20, "that the server would have"),
    (lambda ended, out, now_s: may_call(ended, out, now_s) and (now_s > 9 or now_s % 2 < 1), "before the spike"),
], ids=["no breaker", "never again", "after one failure", "for too long", "every other second"])  # fmt: skip
def test_a_rule_that_is_none_is_told_what_became_of_the_callers(slip, saw):
    verdict = BREAKER.check(slip)
    assert not verdict.passed
    assert re.search(saw, verdict.saw)


@pytest.mark.parametrize("rule", [
    lambda ended, out, now_s: len(out) < 6,
    lambda ended, out, now_s: failed_in_a_row(ended) < 5 or now_s >= ended[-1].at_s + 5,
    lambda ended, out, now_s: failed_in_a_row(ended) < 5 or now_s >= ended[-1].at_s + 2,
    lambda ended, out, now_s: failed_in_a_row(ended) < 5 or not out,
], ids=["so many at once", "all after a pause", "all after a short one", "one at a time, and no pause"])  # fmt: skip
def test_what_comes_through_the_storms_and_is_no_breaker_calls_into_a_network_that_is_gone(rule):
    verdict = BREAKER.check(rule)
    assert not verdict.passed
    told = r"The network was cut for 30 s, and after the first 5 s \d\d+ calls were made all the same\."
    assert re.fullmatch(told, verdict.saw)


@pytest.mark.parametrize("pause_s", [1, 2, 3, 5])
def test_a_rule_with_a_pause_and_one_probe_passes_whatever_its_pause(pause_s):
    def rule(ended, on_their_way, now_s):
        if failed_in_a_row(ended) < 5:
            return True
        opens_s = ended[-1].at_s + pause_s
        return now_s >= opens_s and not any(since_s >= opens_s for since_s in on_their_way)

    assert BREAKER.check(rule).passed


def test_a_rule_that_loses_heart_in_a_long_cut_is_seen():
    def loses_heart(ended, on_their_way, now_s):
        failed = ended[len(ended) - failed_in_a_row(ended):]
        return may_call(ended, on_their_way, now_s) and not (failed and failed[-1].at_s - failed[0].at_s > 25)

    verdict = BREAKER.check(loses_heart)
    assert not verdict.passed
    assert re.search(r"network was cut for 30 s, and of \d+ calls 20 s after it and later 0 were answered", verdict.saw)


def test_a_rule_must_say_yes_or_no():
    with pytest.raises(Misuse, match="may_call returned 'open'; give True or False"):
        BREAKER.check(lambda ended, out, now_s: "open")


# ------------------------------------------------------------------------------------------ the fewest
@pytest.mark.parametrize(("slip", "saw"), [
    (lambda wishes: AT_HAND, "a set of fewer does it, too"),
    (lambda wishes: fewest({*wishes, "in time"}), "Wished: once. You chose Competing Consumers"),
    (lambda wishes: fewest(wishes) - {"Lease"}, "clips were late or never done"),
    (lambda wishes: fewest(wishes) - {"Competing Consumers"}, "clips were late or never done"),
    (lambda wishes: fewest(wishes) - {"Idempotent Consumer"}, "clips were done more than once"),
    (lambda wishes: fewest(wishes) - {"Dead Letter Channel"}, "clips were given out again and again"),
])  # fmt: skip
def test_a_pattern_too_many_or_too_few_is_told(slip, saw):
    verdict = FEWEST.check(slip)
    assert not verdict.passed
    assert saw in verdict.saw


@pytest.mark.parametrize("said", ["Lease", {"Retry"}, None])
def test_what_is_no_set_of_the_four_is_refused(said):
    with pytest.raises(Misuse, match="give a set of Competing Consumers"):
        FEWEST.check(lambda wishes: said)


# ------------------------------------------------------------------------------------------ decide
def test_fourteen_of_eighteen_are_not_enough_and_fifteen_are():
    wrong = iter([("Q1", "graph"), ("Q1", "document"), ("Q2", "graph"), ("Q3", "graph")])

    def but_for(*cells):
        return lambda question, store: "call by call" if (question, store) in cells else decide(question, store)

    cells = list(wrong)
    assert DECIDE.check(but_for(*cells[:3])).passed
    verdict = DECIDE.check(but_for(*cells))
    assert not verdict.passed
    assert "14 of 18" in verdict.saw
    assert "Q1 to the document" in verdict.saw


def test_a_word_that_is_none_is_refused():
    with pytest.raises(Misuse, match=r"decide\('Q1', 'object store'\) returned 'much'; give one of a little"):
        DECIDE.check(lambda question, store: "much")


# ------------------------------------------------------------------------------------------ loses
@pytest.mark.parametrize(("store", "pair", "says"), [
    ("graph", ("Q3", "share"), "That is little"),
    ("key-value", ("Q3", "share"), "That is little"),
    ("document", ("Q3", "calls"), "That is little"),
    ("column store", ("Q2", "share"), "no loss of 2 times"),
])  # fmt: skip
def test_what_is_no_loss_is_said(store, pair, says):
    verdict = LOSES.check(lambda: {**loses(), store: pair})
    assert not verdict.passed
    assert says in verdict.saw
    assert verdict.saw.startswith(store)


@pytest.mark.parametrize("wrong", [{}, [], {**loses(), "graph": "Q2"}, {**loses(), "graph": ("Q2", "seconds")}])
def test_what_is_no_answer_is_told_so(wrong):
    with pytest.raises(Misuse, match="give"):
        LOSES.check(lambda: wrong)
