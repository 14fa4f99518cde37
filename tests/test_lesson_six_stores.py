"""Lab 26: six stores give one answer to each question, and take very different things for it."""

from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.patterns.six_stores import STORES, all_asked, asked
from dsys_lab.scenarios.patterns.three_questions import PRODUCT, QUESTIONS, WHO, Cost, world

COSTS = all_asked()


@pytest.mark.parametrize("question", QUESTIONS)
def test_all_six_say_the_same(question):
    answers = [cost.answer for cost in COSTS[question].values()]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]


def test_the_answers_are_those_of_the_data():
    given = world()
    last = max((night for night in given.nights if night.person == WHO), key=lambda night: (night.day, night.minutes))
    assert COSTS["Q1"]["graph"].answer == last.minutes
    beyond = {far for near in given.friends[WHO] for far in given.friends[near]} - {WHO}
    assert COSTS["Q3"]["graph"].answer == [far for far in sorted(beyond) if PRODUCT in given.bought[far]]
    [(mean,)] = [(mean,) for city, weekend, mean in COSTS["Q2"]["graph"].answer if (city, weekend) == (0, 1)]
    slept = [night.minutes for night in given.nights if (night.city, night.weekend) == (0, 1)]
    assert mean == pytest.approx(sum(slept) / len(slept))


def test_one_sleeper_is_little_for_all_but_the_columns():
    assert {store for store, cost in COSTS["Q1"].items() if cost.share > 0.05} == {"column store"}


def test_all_nights_are_less_than_all_for_the_columns_alone():
    assert {store for store, cost in COSTS["Q2"].items() if cost.share < 0.9} == {"column store"}


def test_friends_of_friends_are_a_call_each_where_nobody_joins():
    friends = world().friends
    beyond = {far for near in friends[WHO] for far in friends[near]} - {WHO}
    one_each = 1 + len(friends[WHO]) + len(beyond)
    assert COSTS["Q3"]["object store"].calls == COSTS["Q3"]["key-value"].calls == one_each
    assert COSTS["Q3"]["document"].calls == 3
    assert COSTS["Q3"]["relational"].calls == COSTS["Q3"]["graph"].calls == 1


@pytest.mark.parametrize(("calls", "share", "word"), [
    (1, 0.1, "a little"), (1, 0.11, "a part"), (9, 0.5, "a part"), (1, 0.51, "nearly all"), (10, 0.001, "call by call"),
])  # fmt: skip
def test_a_cost_has_one_word(calls, share, word):
    assert Cost(None, calls, share).word == word


def test_an_unknown_store_or_question_is_refused():
    with pytest.raises(BadParameter, match="store = 'paper'"):
        asked("paper", "Q1")
    with pytest.raises(BadParameter, match="question = 'Q4'"):
        asked("graph", "Q4")
    assert set(STORES) == set(COSTS["Q1"])
