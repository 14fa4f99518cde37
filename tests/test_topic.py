"""Who hears what of a topic, how long it tries, and that one subscriber never feels another."""
from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic import (
    TO_HTTP,
    TO_PEOPLE,
    TO_QUEUES,
    DeliveryPolicy,
    Duplicate,
    Published,
    Rejected,
    Subscription,
    Topic,
    of_http,
)
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.facts import fact
from dsys_lab.trace import Trace, balance
from dsys_lab.trace.invariants import conservation
from dsys_lab.views.player.fold import folded

S = 1_000_000
ONCE = DeliveryPolicy()


def topic_of(*names: str, **more: Any) -> Topic:
    topic = Topic("uploads", **more)
    for name in names:
        topic.subscribe(0, Subscription(name=name))
    return topic


def heard(topic: Topic, now_us: int, *, by: str | None = None) -> list[str]:
    """Deliver all that is due, and return which messages."""
    due = topic.attempts(now_us)
    for attempt in due:
        topic.delivered(now_us, attempt.number)
    return [attempt.message for attempt in due if by in (None, attempt.subscription)]


# ------------------------------------------------------------------------------------------------- who hears
def test_only_those_hear_who_are_there_when_it_is_published() -> None:
    topic = topic_of("present")
    topic.publish(0, "m1")
    topic.subscribe(1 * S, Subscription(name="late"))
    topic.publish(2 * S, "m2")
    topic.unsubscribe(3 * S, "late")
    topic.publish(4 * S, "m3")
    topic.subscribe(5 * S, Subscription(name="late"))
    topic.publish(6 * S, "m4")
    assert heard(topic, 7 * S) == ["m1", "m2", "m3", "m4", "m4"]
    assert topic.status().seats["late"].matched == 1  # m2's copy went with the first seat


def test_a_message_without_a_listener_is_gone_and_that_is_no_error() -> None:
    topic = Topic("uploads")
    assert topic.publish(0, "m1") == Published("m1", to=(), passed_by=())
    topic.subscribe(0, Subscription(name="late"))
    assert topic.attempts(10 * S) == []
    assert (topic.status().published, topic.status().unheard) == (1, 1)


def test_a_filter_of_attributes_or_of_the_body() -> None:
    topic = Topic("uploads")
    dear = Pattern({"price": [{"numeric": [">", 100]}]})
    topic.subscribe(0, Subscription(name="by attribute", only=dear))
    topic.subscribe(0, Subscription(name="by body", only=dear, scope="body"))
    assert topic.publish(0, "m1", '{"price": 120}').to == ("by body",)
    assert topic.publish(0, "m2", "no JSON", attributes={"price": 120}).to == ("by attribute",)
    assert topic.publish(0, "m3", '[{"price": 120}]', attributes={"price": 99}).passed_by == ("by attribute", "by body")


def test_too_large_is_rejected_with_the_attributes_counted() -> None:
    topic = topic_of("all")
    largest = "x" * int(fact("sns_size_max").value)
    assert isinstance(topic.publish(0, "m1", largest), Published)
    assert topic.publish(0, "m2", largest, attributes={"a": "b"}) == Rejected("m2", "too large")
    assert topic.status().published == 1


# ------------------------------------------------------------------------------------------------- how long it tries
def times_of_attempts(policy: DeliveryPolicy, most: int) -> list[float]:
    """Let every attempt fail and return when each came, in seconds."""
    topic = Topic("uploads")
    topic.subscribe(0, Subscription(name="down", policy=policy))
    topic.publish(0, "m1")
    came = []
    while (due_us := topic.deadline_us()) is not None and len(came) < most:
        [attempt] = topic.attempts(due_us)
        came.append(due_us / S)
        assert attempt.attempt == len(came)
        topic.failed(due_us, attempt.number, "down")
    return came


def test_the_four_phases_to_a_queue() -> None:
    came = times_of_attempts(TO_QUEUES, 20)
    assert came[:6] == [0, 0, 0, 0, 1, 2]
    pauses = [round(b - a, 3) for a, b in pairwise(came)]
    assert pauses[5:15] == pytest.approx([1, 1.395, 1.946, 2.714, 3.787, 5.282, 7.368, 10.278, 14.337, 20], abs=0.002)
    assert pauses[15:] == [20] * 4


def test_policies_are_the_documented_ones() -> None:
    assert TO_QUEUES.retries == fact("sns_retries_to_queues").value
    assert 23 <= TO_QUEUES.lasts_s / 86_400 < 24
    assert TO_PEOPLE.retries == fact("sns_retries_to_people").value
    assert 6 <= TO_PEOPLE.lasts_s / 3_600 < 8
    assert times_of_attempts(TO_HTTP, 9) == [0, 20, 40, 60]


@pytest.mark.parametrize("policy", [
    TO_HTTP, TO_PEOPLE, DeliveryPolicy(2, 1, 5, 3, 1.0, 9.0, "linear"), DeliveryPolicy(0, 0, 1, 0, 2.0, 5.0), ONCE,
])  # fmt: skip
def test_what_it_survives_is_what_the_attempts_do(policy: DeliveryPolicy) -> None:
    came = times_of_attempts(policy, 1_000)
    assert len(came) == policy.retries + 1
    assert came[-1] == pytest.approx(policy.lasts_s, abs=1e-4)
    assert policy.survives(policy.lasts_s)
    assert not policy.survives(policy.lasts_s + 0.001)


def test_given_up_is_set_aside_or_dropped_and_said() -> None:
    trace = Trace()
    topic = Topic("uploads", recorder=trace)
    topic.subscribe(0, Subscription(name="careful", policy=ONCE, dead_letters=True))
    topic.subscribe(0, Subscription(name="careless", policy=ONCE))
    topic.publish(0, "m1", "a video")
    for attempt in topic.attempts(0):
        topic.failed(0, attempt.number, "gone")
    assert [letter.body for letter in topic.dead_letters("careful")] == ["a video"]
    assert [(row.place, row.fields["why"]) for row in trace if row.kind == "drop"] == [
        ("uploads/careless", "given up: no retry left")]  # fmt: skip
    assert topic.redrive(1 * S, "careful") == 1
    assert heard(topic, 1 * S) == ["m1"]
    assert topic.dead_letters("careful") == []
    seat = topic.status().seats["careful"]
    assert (seat.matched, seat.redriven, seat.set_aside, seat.delivered, seat.dead) == (1, 1, 1, 1, 0)


def test_an_endpoint_that_never_will_is_not_tried_again() -> None:
    topic = topic_of("deleted")
    topic.publish(0, "m1")
    topic.failed(0, topic.attempts(0)[0].number, "deleted", again=False)
    assert topic.deadline_us() is None
    assert topic.status().seats["deleted"].dropped == 1


# ------------------------------------------------------------------------------------------------- isolation and order
def test_a_seat_that_fails_changes_nothing_for_the_others() -> None:
    def told(*, fails: bool) -> list[tuple[int, str]]:
        topic, heard_by_b = topic_of("a", "b"), []
        for second in range(40):
            topic.publish(second * S, f"m{second}")
            for attempt in topic.attempts(second * S):
                if attempt.subscription == "a" and fails:
                    topic.failed(second * S, attempt.number, "down")
                else:
                    topic.delivered(second * S, attempt.number)
                    heard_by_b += [(second, attempt.message)] * (attempt.subscription == "b")
        return heard_by_b

    assert told(fails=True) == told(fails=False)


def test_fifo_holds_up_a_group_at_one_seat_only() -> None:
    topic = topic_of("a", "b", fifo=True)
    for number, group in enumerate("xxy"):
        topic.publish(0, f"m{number}", group=group, dedup_id=str(number))
    out = {(attempt.subscription, attempt.message): attempt for attempt in topic.attempts(0)}
    assert sorted(out) == [("a", "m0"), ("a", "m2"), ("b", "m0"), ("b", "m2")]  # m1 stands behind m0
    topic.delivered(0, out["b", "m0"].number)
    topic.failed(0, out["a", "m0"].number, "down")
    assert [(one.subscription, one.message) for one in topic.attempts(0)] == [("a", "m0"), ("b", "m1")]


def test_fifo_hands_on_once_for_a_deduplication_id_within_its_window() -> None:
    topic, window_us = topic_of("a", fifo=True), int(fact("sns_dedup_window").value) * S
    assert isinstance(topic.publish(0, "m1", group="g", dedup_id="d"), Published)
    assert topic.publish(window_us - 1, "m2", group="g", dedup_id="d") == Duplicate("m2", of="m1")
    assert isinstance(topic.publish(window_us, "m3", group="g", dedup_id="d"), Published)


def test_the_archive_plays_again_to_one_seat_what_it_hears_and_no_longer_than_it_keeps() -> None:
    topic = topic_of("old", fifo=True, archive_days=1)
    for number in range(4):
        topic.publish(number * S, f"m{number}", group="g", dedup_id=str(number), attributes={"kind": "ab"[number % 2]})
    topic.subscribe(5 * S, Subscription(name="late", only=Pattern({"kind": ["b"]})))
    assert topic.replay(6 * S, "late", since_us=0) == 2
    while topic.deadline_us() is not None:
        for attempt in topic.attempts(6 * S):
            assert (attempt.subscription == "late") is attempt.is_replay
            topic.delivered(6 * S, attempt.number)
    assert topic.status().seats["late"].delivered == 2
    day_us = 86_400 * S
    assert topic.replay(day_us + 2 * S, "old", since_us=0) == 1  # m3 alone is younger than a day
    with pytest.raises(Refused, match="keeps no archive"):
        topic_of("a", fifo=True).replay(0, "a", since_us=0)


def test_the_archive_holds_a_copy_of_its_own_until_it_is_too_old() -> None:
    trace = Trace()
    topic = Topic("uploads", fifo=True, archive_days=1, recorder=trace)
    trace.emit(0, "publish", "phone", "m1", attempt=1)
    topic.publish(0, "m1", group="g", dedup_id="d")
    assert [place for place, _ in folded(trace).where.values()] == ["uploads/archive"]
    assert (balance(trace).done, balance(trace).stored) == (1, 1)
    topic.status()
    topic.attempts(86_400 * S)
    assert balance(trace).expired == 1
    assert not conservation(trace)


# ------------------------------------------------------------------------------------------------- misuse
@pytest.mark.parametrize(("call", "says"), [
    (lambda t: Subscription(name=""), "give a name"),
    (lambda t: Subscription(name="x", scope="header"), "scope = 'header'"),
    (lambda t: Subscription(name="x", only={"a": ["b"]}), "give a Pattern"),
    (lambda t: Subscription(name="x", only=Pattern({name: [1] for name in "abcdef"})), "has 6 fields"),
    (lambda t: Subscription(name="x", only=Pattern({"a": list(range(151))})), "151 combinations"),
    (lambda t: Subscription(name="x", only=Pattern({"a": {"b": [1]}})), "scope='body'"),
    (lambda t: t.subscribe(0, Subscription(name="a")), "a is subscribed to uploads"),
    (lambda t: t.unsubscribe(0, "b"), "name = 'b': uploads has a"),
    (lambda t: t.publish(0, "m", b"bytes"), "give each as a str"),
    (lambda t: t.publish(0, "m", group="g", dedup_id="d"), "only a FIFO topic has them"),
    (lambda t: t.publish(0, "m", attributes={"a": {"b": 1}}), "attribute 'a'"),
    (lambda t: t.publish(0, "m", attributes=["a"]), "give a mapping"),
    (lambda t: topic_of(fifo=True).publish(0, "m", group="g"), "a FIFO topic needs both"),
    (lambda t: t.delivered(0, 99), "no such attempt of uploads is out"),
    (lambda t: t.failed(0, "1", "x"), "no such attempt"),
    (lambda t: Topic("x", archive_days=400, fifo=True), "give 0 to 365"),
    (lambda t: Topic("x", archive_days=1), "only a FIFO topic keeps"),
    (lambda t: topic_of("a", fifo=True, archive_days=1).replay(0, "a", since_us=5), "give 0 <= since"),
    (lambda t: DeliveryPolicy(immediate=-1), "immediate = -1"),
    (lambda t: DeliveryPolicy(backoff=2.5), "as a whole number"),
    (lambda t: DeliveryPolicy(shortest_s=5, longest_s=1), "give at least shortest_s"),
    (lambda t: DeliveryPolicy(backoff=2, longest_s=5), "grows exponentially from 0"),
    (lambda t: DeliveryPolicy(growth="cubic"), "linear, exponential"),
    (lambda t: TO_HTTP.pause_s(4), "this policy has retries 1 to 3"),
    (lambda t: TO_HTTP.survives(-1), "outage_s = -1"),
    (lambda t: of_http(retries=1, shortest_s=1, longest_s=1, immediate=2), "more than that"),
    (lambda t: of_http(retries=100, shortest_s=40, longest_s=40), "an HTTP endpoint has 3,600 s"),
])  # fmt: skip
def test_misuse_says_what_was_given_and_what_is_allowed(call: Any, says: str) -> None:
    with pytest.raises((BadParameter, Refused), match=says):
        call(topic_of("a"))


def test_time_cannot_run_back() -> None:
    topic = topic_of("a")
    topic.publish(5, "m1")
    with pytest.raises(Misuse, match="time cannot run back"):
        topic.attempts(4)


# ------------------------------------------------------------------------------------------------- in any order
class InAnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order: books that add up, order within a group, exactly those who were there."""

    POLICY = DeliveryPolicy(immediate=1, post_backoff=1, shortest_s=1, longest_s=2)

    def __init__(self) -> None:
        super().__init__()
        self.topic = Topic("t", fifo=True, archive_days=1)
        self.now_us = self.published = 0
        self.out: list[tuple[int, str, str, str, bool]] = []
        self.owed: Counter[tuple[str, str]] = Counter()  # (seat, message) -> copies that are neither delivered nor gone
        self.order: dict[tuple[str, str], list[str]] = {}

    def seats(self) -> list[str]:
        return list(self.topic.status().seats)

    @rule(name=st.sampled_from("abc"), dead_letters=st.booleans())
    def subscribe_or_leave(self, name: str, dead_letters: bool) -> None:
        if name in self.seats():
            self.topic.unsubscribe(self.now_us, name)
            self.owed = Counter({key: count for key, count in self.owed.items() if key[0] != name})
            self.order = {key: line for key, line in self.order.items() if key[0] != name}
            self.out = [(number, seat, message, group, seat == name or gone)
                        for number, seat, message, group, gone in self.out]  # fmt: skip
        else:
            subscription = Subscription(name=name, policy=self.POLICY, dead_letters=dead_letters)
            self.topic.subscribe(self.now_us, subscription)

    @rule(group=st.sampled_from("xy"))
    def publish(self, group: str) -> None:
        self.published += 1
        message = f"m{self.published}"
        answer = self.topic.publish(self.now_us, message, group=group, dedup_id=message)
        assert isinstance(answer, Published)
        assert list(answer.to) == self.seats()
        for seat in answer.to:
            self.owed[seat, message] += 1
            self.order.setdefault((seat, group), []).append(message)

    @rule(seconds=st.integers(0, 3))
    def time_passes(self, seconds: int) -> None:
        self.now_us += seconds * S
        for one in self.topic.attempts(self.now_us):
            assert one.group is not None
            assert all(other[1:2] + other[3:4] != (one.subscription, one.group) or other[4] for other in self.out)
            assert self.order[one.subscription, one.group][0] == one.message
            self.out.append((one.number, one.subscription, one.message, one.group, False))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), well=st.booleans())
    def an_attempt_ends(self, data: st.DataObject, well: bool) -> None:
        index = data.draw(st.integers(0, len(self.out) - 1))
        number, seat, message, group, is_gone = self.out.pop(index)
        before = None if is_gone else self.topic.status().seats[seat]
        if well:
            self.topic.delivered(self.now_us, number)
        else:
            self.topic.failed(self.now_us, number, "down")
        if before is None:
            return
        after = self.topic.status().seats[seat]
        if (after.delivered, after.set_aside, after.dropped) != (before.delivered, before.set_aside, before.dropped):
            self.owed[seat, message] -= 1
            self.order[seat, group].pop(0)

    @invariant()
    def the_books_add_up(self) -> None:
        for name, seat in self.topic.status().seats.items():
            came = seat.matched + seat.replayed + seat.redriven
            assert came == seat.waiting + seat.in_flight + seat.delivered + seat.set_aside + seat.dropped
            owed = sum(count for (whose, _), count in self.owed.items() if whose == name)
            assert seat.waiting + seat.in_flight == owed


TestInAnyOrder = InAnyOrder.TestCase
TestInAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
