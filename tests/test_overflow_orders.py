"""The orders that a model and a real broker are given: the same ones, and nobody is left without an answer."""

from __future__ import annotations

import itertools

import pytest

from dsys_lab.brokers.overflow import POLICIES, Buffer
from dsys_lab.brokers.overflow_orders import OnClock, burst
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.not_consumed_in_time.bursts import drill
from dsys_lab.trace import Trace, balance, lamp


class Ticking:
    """A clock that moves a microsecond at each look."""

    def __init__(self, recorder):
        self.recorder, self._ticks = recorder, itertools.count()

    @property
    def now_us(self):
        return next(self._ticks)

    def emit(self, kind, place, message=None, /, **fields):
        self.recorder.emit(self.now_us, kind, place, message, **fields)


def burst_of(policy, **orders):
    trace = Trace()
    clock = Ticking(trace)
    burst(OnClock(Buffer("inbox", capacity=50, policy=policy, recorder=trace), clock), clock, **orders)
    return trace


def rows(trace):
    return [
        (*row[2:5], {name: value for name, value in row.fields.items() if not name.endswith("_us")}) for row in trace
    ]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_message_comes_to_an_end_that_is_written_down(policy):
    trace = burst_of(policy)
    books = balance(trace)
    assert books.offered == 200
    assert books.done + books.dropped + books.expired + books.rejected == 200
    for name in ("conservation", "depth adds up"):
        assert lamp(trace, name).rows == (), name


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "block"])
def test_the_labs_drill_gives_the_same_orders(policy):
    assert rows(burst_of(policy)) == rows(drill(policy=policy))


def test_a_producer_that_must_wait_waits_for_the_worker():
    trace = burst_of("block")
    assert balance(trace).done == 200
    assert max(row.fields["depth"] for row in trace.of("enqueue")) == 50


def test_four_come_in_for_each_that_is_taken():
    kinds = [row.kind for row in burst_of("unbounded", messages=8, offers_per_take=4)]
    assert kinds[:10] == ["publish", "enqueue"] * 4 + ["start", "finish"]
    assert kinds.count("finish") == 8


@pytest.mark.parametrize("orders", [{"messages": 0}, {"offers_per_take": 0}])
def test_orders_that_are_none_are_refused(orders):
    (name,) = orders
    with pytest.raises(BadParameter, match=f"{name} = 0"):
        burst_of("reject", **orders)
