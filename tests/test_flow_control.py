"""How a producer is slowed down: by credit, by a bucket of tokens, by feeling its way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.brokers.flow_control import Aimd, Credit, TokenBucket
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.laws import AIMD_UTILISATION, token_bucket_most


# ------------------------------------------------------------------------------------------ credit
@given(window=st.integers(1, 5), moves=st.lists(st.booleans(), max_size=40))
def test_no_more_is_outstanding_than_the_window_and_every_credit_can_be_used(window, moves):
    credit, outstanding = Credit(window), 0
    for takes in moves:
        if takes:
            assert credit.take() == (outstanding < window)
            outstanding = min(window, outstanding + 1)
        elif outstanding:
            credit.give_back()
            outstanding -= 1
        assert credit.outstanding == outstanding


def test_without_a_window_there_is_always_credit():
    credit = Credit(None)
    assert all(credit.take() for _ in range(1000))
    assert credit.outstanding == 1000


def test_a_credit_that_nobody_took_cannot_come_back():
    credit = Credit(2)
    with pytest.raises(Misuse, match="nobody took"):
        credit.give_back()
    assert credit.outstanding == 0


# ------------------------------------------------------------------------------------------ the token bucket
@given(
    rate=st.floats(0.5, 500),
    burst=st.floats(1, 50),
    gaps_us=st.lists(st.integers(0, 400_000), min_size=1, max_size=150),
)
def test_no_window_of_any_length_lets_through_more_than_the_law(rate, burst, gaps_us):
    bucket, now_us, passed = TokenBucket(rate=rate, burst=burst), 0, []
    for gap_us in gaps_us:
        now_us += gap_us
        if bucket.take(now_us):
            passed.append(now_us)
    for first, began_us in enumerate(passed):
        for count, ended_us in enumerate(passed[first:], start=1):
            assert count <= token_bucket_most(rate, burst, (ended_us - began_us) / 1e6) + 1e-6


def test_who_asks_all_the_time_gets_the_whole_law_and_not_less():
    bucket = TokenBucket(rate=10, burst=20)
    passed = sum(bucket.take(now_us) for now_us in range(0, 60_000_001, 1_000))
    assert passed == token_bucket_most(10, 20, 60) == 620


def test_a_bucket_saves_no_more_than_its_burst():
    bucket = TokenBucket(rate=10, burst=3)
    assert [bucket.take(3_600_000_000) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(3_600_100_000)  # a tenth of a second later there is one more


def test_a_bucket_is_asked_in_order_of_time():
    bucket = TokenBucket(rate=1, burst=1)
    bucket.take(10)
    with pytest.raises(Misuse, match="now_us = 9 runs back"):
        bucket.take(9)


# ------------------------------------------------------------------------------------------ feeling one's way
def feel(control: dict[str, float], rates: tuple[float, float], *, limit: float = 100, rounds: int = 4000):
    """Two senders that both hear, round by round, whether together they were too many; the second half of it."""
    senders = [Aimd(rate, **control) for rate in rates]
    seen = []
    for _ in range(rounds):
        together = sum(sender.rate for sender in senders)
        seen.append([sender.rate for sender in senders])
        for sender in senders:
            (sender.was_refused if together > limit else sender.went_well)()
    return seen[rounds // 2 :]


@pytest.mark.parametrize("rates", [(80, 10), (1, 99), (50, 50), (0.1, 500)])
def test_halving_makes_shares_equal_from_any_start_and_uses_three_quarters(rates):
    seen = feel({}, rates)
    assert all(abs(one - other) < 0.01 for one, other in seen)
    used = sum(one + other for one, other in seen) / len(seen) / 100
    assert used == pytest.approx(AIMD_UTILISATION, abs=0.02)  # a step of 2 in 100 is not small


def test_each_halving_halves_the_difference():
    one, other = Aimd(80), Aimd(16)
    differences = []
    for _ in range(5):
        differences.append(one.rate - other.rate)
        one.was_refused()
        other.was_refused()
    assert all(after == before / 2 for before, after in pairwise(differences))


def test_subtracting_keeps_the_first_difference_for_ever():
    seen = feel({"factor": 1.0, "decrease": 1.0}, (86, 16))
    assert all(one - other == pytest.approx(70) for one, other in seen)


def test_a_sender_never_stops_for_then_it_would_never_learn():
    sender = Aimd(8, rate_min=0.1)
    for _ in range(100):
        sender.was_refused()
    assert sender.rate == 0.1


# ------------------------------------------------------------------------------------------ bad parameters
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Credit(0), r"window = 0.*None for no limit"),
        (lambda: TokenBucket(rate=0, burst=1), r"rate = 0"),
        (lambda: TokenBucket(rate=1, burst=0.5), r"burst = 0.5.*whole token"),
        (lambda: Aimd(0), r"rate = 0"),
        (lambda: Aimd(1, increase=-1), r"increase = -1"),
        (lambda: Aimd(1, factor=2), r"factor = 2.*slow down"),
        (lambda: Aimd(1, factor=1), r"factor = 1.*slow down"),
        (lambda: Aimd(1, decrease=-1), r"decrease = -1"),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_allowed(make, says):
    with pytest.raises(BadParameter, match=says):
        make()
