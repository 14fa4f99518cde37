"""The exercises of lab 15: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.publish_subscribe import FILTERS, RULES, SURVIVES, WHO_HEARS, policies, who_hears


@pytest.mark.parametrize("task", [WHO_HEARS, SURVIVES, FILTERS], ids=lambda task: task.name)
def test_the_answer_passes(task):
    assert task.check(task.answer).passed


@pytest.mark.parametrize("task", [SURVIVES, FILTERS], ids=lambda task: task.name)
def test_it_is_drawn(task):
    assert task.picture(task.answer) is not None


def deaf_to_kinds(events):
    return who_hears([("subscribe", one[1], "") if one[0] == "subscribe" else one for one in events])


def hears_the_past(events):
    return who_hears(sorted(events, key=lambda one: one[0] == "publish"))


def forgets_at_leaving(events):
    heard = who_hears(events)
    left = {one[1] for one in events if one[0] == "unsubscribe"}
    return {name: [] if name in left else messages for name, messages in heard.items()}


@pytest.mark.parametrize(("wrong", "says"), [
    (deaf_to_kinds, "was not there, or wanted another kind"),
    (forgets_at_leaving, "is not unheard"),
    (lambda events: {}, "Everyone who was ever subscribed"),
    (lambda events: {name: heard[::-1] for name, heard in who_hears(events).items()}, "In the order of publishing"),
])  # fmt: skip
def test_a_slip_in_hearing_is_named(wrong, says):
    verdict = WHO_HEARS.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw, verdict.saw


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda policy, outage_s: policy.retries * policy.longest_s >= outage_s, "Not every pause is the longest"),
    (lambda policy, outage_s: policy.lasts_s > outage_s, "comes just then"),
    (lambda policy, outage_s: True, "together they are|add up to"),
    (lambda policy, outage_s: (policy.pre_backoff * policy.shortest_s + policy.post_backoff * policy.longest_s
                               >= outage_s), "add up to"),
])  # fmt: skip
def test_a_slip_in_the_pauses_is_named(wrong, says):
    verdict = SURVIVES.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(("seat", "policy", "says"), [
    ("films", {"kind": ["film"]}, "does not hear"),
    ("dear", {"price": [{"numeric": [">=", 10, "<=", 50]}]}, "dear .* hears"),
    ("not trailers", {"kind": [{"anything-but": ["trailer", "clip"]}]}, "does not hear"),
    ("not trailers", {"kind": [{"exists": True}]}, "hears"),
    ("free", {"price": [0]}, "does not hear|hears"),
    ("nordic", {"$or": [{"kind": ["film"]}, {"country": [{"prefix": "N"}]}]}, "nordic .* hears"),
    ("nordic", {"kind": ["film"], "country": [{"prefx": "N"}]}, r"country\[0\]: unknown operator"),
    ("films", {"kind": "film"}, "give a list of wishes"),
])  # fmt: skip
def test_a_filter_that_hears_the_wrong_ones_is_shown_one(seat, policy, says):
    verdict = FILTERS.check(lambda: {**policies(), seat: policy})
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(("task", "function", "says"), [
    (WHO_HEARS, lambda events: [], "a dict of names"),
    (SURVIVES, lambda policy, outage_s: 1, "True or False"),
    (FILTERS, dict, "a policy for each of films"),
])  # fmt: skip
def test_an_answer_of_another_shape_is_refused(task, function, says):
    with pytest.raises(Misuse, match=says):
        task.check(function)


def test_every_rule_lets_some_through_and_keeps_some_back():
    chart = FILTERS.picture(policies)
    assert all(name in str(chart) for name in RULES)
