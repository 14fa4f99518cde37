"""When to try again, and whether at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.brokers.retries import BACKOFFS, RetryBudget, RetryPolicy
from dsys_lab.errors import BadParameter
from dsys_lab.laws import attempts_per_call
from dsys_lab.simulation.chance import stream


def test_without_backoff_a_client_tries_again_at_once():
    assert [RetryPolicy(backoff="none").pause_s(retry, 0.7) for retry in (1, 2, 9)] == [0, 0, 0]


def test_full_jitter_doubles_its_reach_up_to_the_cap():
    policy = RetryPolicy(backoff="full_jitter", base_s=1, cap_s=20)
    assert [policy.pause_s(retry, 0.5) for retry in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]


@given(chance=st.floats(0, 1, exclude_max=True), retry=st.integers(1, 60), backoff=st.sampled_from(BACKOFFS))
def test_a_pause_lies_between_nothing_and_the_cap(chance, retry, backoff):
    assert 0 <= RetryPolicy(backoff=backoff, cap_s=20).pause_s(retry, chance) <= 20


@given(fraction=st.floats(0, 1), saved_max=st.floats(1, 20), moves=st.lists(st.booleans(), max_size=300))
def test_retries_are_at_most_a_share_of_the_first_attempts(fraction, saved_max, moves):
    budget, attempts, retries = RetryBudget(fraction, saved_max=saved_max), 0, 0
    for is_first in moves:
        if is_first:
            budget.first_attempt()
            attempts += 1
        else:
            retries += budget.may_retry()
        assert retries <= fraction * attempts + 1e-6


def test_a_budget_of_a_tenth_lets_exactly_every_tenth_through():
    budget = RetryBudget(0.1)
    allowed = 0
    for _ in range(1000):
        budget.first_attempt()
        allowed += budget.may_retry()
    assert allowed == 100


def test_a_budget_saves_no_more_than_its_maximum():
    budget = RetryBudget(0.5, saved_max=3)
    for _ in range(1000):
        budget.first_attempt()
    assert [budget.may_retry() for _ in range(4)] == [True, True, True, False]


def test_no_budget_is_no_limit_and_a_budget_of_nothing_lets_nothing_through():
    assert all(RetryBudget(None).may_retry() for _ in range(100))
    nothing = RetryBudget(0.0)
    nothing.first_attempt()
    assert not nothing.may_retry()


@pytest.mark.parametrize(("failure_share", "retries"), [(0.5, 3), (0.2, 1), (0.9, 5)])
def test_attempts_per_call_follow_the_law(failure_share, retries):
    """Mean of independent calls, within three standard errors of their own spread."""
    chance, calls = stream(7, f"{failure_share}/{retries}"), []
    for _ in range(20_000):
        attempts = 1
        while chance() < failure_share and attempts <= retries:
            attempts += 1
        calls.append(attempts)
    mean = sum(calls) / len(calls)
    variance = sum((attempts - mean) ** 2 for attempts in calls) / len(calls)
    law = attempts_per_call(failure_share, retries)
    assert abs(mean - law) < 3 * (variance / len(calls)) ** 0.5


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RetryPolicy(retries=-1), r"retries = -1"),
        (lambda: RetryPolicy(timeout_s=0), r"timeout_s = 0"),
        (lambda: RetryPolicy(base_s=0), r"base_s = 0"),
        (lambda: RetryPolicy(backoff="some"), r"backoff = 'some'.*full_jitter"),
        (lambda: RetryBudget(1.5), r"fraction = 1.5"),
        (lambda: RetryBudget(0.1, saved_max=0.5), r"saved_max = 0.5"),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_allowed(make, says):
    with pytest.raises(BadParameter, match=says):
        make()
