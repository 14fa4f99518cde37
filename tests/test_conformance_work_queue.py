"""The model of the durable work queue, JetStream and SQS keep the same promises: one suite, three factories.

A case that an engine does not imitate is skipped under the name that its `DIFFERENCES` give, and below stands a test
for each row of these tables that goes red when the engine has changed its mind.
"""
from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest

from dsys_lab.brokers.work_queue import (
    Accepted,
    Acknowledged,
    DeadLetter,
    Delivery,
    Duplicate,
    Extended,
    Rejected,
    Returned,
    Settings,
    Stale,
)
from dsys_lab.engines import aws, nats
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue import JETSTREAM, SQS, ModelQueue, drill, two_hands
from dsys_lab.engines.work_queue.model import VirtualClock
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.trace import NO_TRACE, Trace, lamps
from dsys_lab.trace.invariants import conservation, depth_adds_up, invisible_while_lent

SHORT_S = {"model": 30, "jetstream": 0.4, "sqs": 1}
Make = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()
    aws.connection().close()


def model_queue(settings: Settings, recorder: Any = NO_TRACE) -> ModelQueue:
    return ModelQueue("clips", settings, clock=VirtualClock(recorder))


def jetstream_queue(settings: Settings, recorder: Any = NO_TRACE) -> nats.JetStreamQueue:
    return nats.JetStreamQueue("clips", settings, clock=WallClock(recorder))


def sqs_queue(settings: Settings, recorder: Any = NO_TRACE) -> aws.SqsQueue:
    return aws.SqsQueue("clips", settings, clock=WallClock(recorder))


def put(queue: Any, *messages: str) -> None:
    """Send these messages; `m1@anna` is m1 in the group anna."""
    for text in messages:
        message, _, group = text.partition("@")
        dedup = {"dedup_id": message} if queue.settings.is_fifo else {}
        assert queue.send(message, f"the body of {message}", group=group or None, **dedup) == Accepted(
            message, queue.status().accepted - 1)


def names(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message for delivery in deliveries]


def drain(queue: Any) -> list[str]:
    """Receive and acknowledge until there is nothing; return the messages in order."""
    got = []
    while given := queue.receive():
        got += names(given)
        queue.acknowledge(given[0].handle)
    return got


# ------------------------------------------------------------------------------------------ what all of them promise

class Cases:
    """What a work queue promises, asked of whatever `open_queue` opens. Times are in visibility timeouts, `v`."""

    open_queue: ClassVar[Callable[..., Any]]
    differences: ClassVar[tuple[Difference, ...]] = ()
    v: ClassVar[float]

    @pytest.fixture(autouse=True)
    def skip_by_name(self, request: pytest.FixtureRequest) -> None:
        case = request.node.originalname.removeprefix("test_")
        for difference in self.differences:
            if case in difference.skips:
                pytest.skip(f"{difference.model} | {difference.engine}")

    @pytest.fixture
    def make(self) -> Iterator[Make]:
        """Open a queue: `make("m1", "m2", max_receives=2)`."""
        with ExitStack() as opened:
            def make(*messages: str, recorder: Any = NO_TRACE, **settings: Any) -> Any:
                wanted = Settings(**{"visibility_s": self.v, **settings})
                queue = opened.enter_context(type(self).open_queue(wanted, recorder))
                put(queue, *messages)
                return queue

            yield make

    def let_the_loan_end(self, queue: Any) -> None:
        queue.wait(1.2 * self.v)

    # -------------------------------------------------------------------------------- loans
    def test_a_received_message_is_hidden_until_its_visibility_timeout_and_then_shows_again(self, make: Make) -> None:
        queue = make("m1")
        [first] = queue.receive()
        assert (first.message, first.body, first.attempt) == ("m1", "the body of m1", 1)
        queue.wait(0.5 * self.v)
        assert queue.receive() == []
        queue.wait(0.7 * self.v)
        [again] = queue.receive()
        assert (again.message, again.attempt) == ("m1", 2)
        assert again.handle != first.handle

    def test_an_acknowledged_message_never_comes_back(self, make: Make) -> None:
        queue = make("m1")
        assert queue.acknowledge(queue.receive()[0].handle) == Acknowledged("m1")
        self.let_the_loan_end(queue)
        assert queue.receive() == []
        assert queue.status().kept == 0

    def test_an_acknowledgement_that_comes_twice_changes_nothing_the_second_time(self, make: Make) -> None:
        queue = make("m1", "m2")
        [delivery] = queue.receive()
        assert queue.acknowledge(delivery.handle) == Acknowledged("m1")
        assert queue.acknowledge(delivery.handle) == Stale("m1", "gone")
        assert queue.status().kept == 1

    def test_who_is_late_may_still_acknowledge_while_nobody_else_has_the_message(self, make: Make) -> None:
        queue = make("m1")
        [delivery] = queue.receive()
        self.let_the_loan_end(queue)
        assert queue.acknowledge(delivery.handle) == Acknowledged("m1")
        assert queue.receive() == []

    def test_an_old_handle_changes_nothing(self, make: Make) -> None:
        queue = make("m1")
        [slow] = queue.receive()
        self.let_the_loan_end(queue)
        [quick] = queue.receive()
        assert queue.acknowledge(slow.handle) == Stale("m1", "received again")
        assert queue.acknowledge(quick.handle) == Acknowledged("m1")

    def test_an_old_handle_does_not_hand_back(self, make: Make) -> None:
        queue = make("m1")
        [slow] = queue.receive()
        self.let_the_loan_end(queue)
        queue.receive()
        assert queue.nack(slow.handle) == Stale("m1", "received again")
        assert queue.receive() == []

    def test_a_loan_can_be_extended(self, make: Make) -> None:
        queue = make("m1")
        [delivery] = queue.receive()
        queue.wait(0.6 * self.v)
        assert isinstance(queue.extend(delivery.handle, self.v), Extended)
        queue.wait(0.6 * self.v)
        assert queue.receive() == []
        queue.wait(0.6 * self.v)
        assert names(queue.receive()) == ["m1"]

    def test_who_is_too_late_cannot_extend(self, make: Make) -> None:
        queue = make("m1")
        [delivery] = queue.receive()
        self.let_the_loan_end(queue)
        assert queue.extend(delivery.handle, self.v) == Stale("m1", "the loan is over")
        assert names(queue.receive()) == ["m1"]

    def test_a_loan_may_be_as_long_as_you_say(self, make: Make) -> None:
        queue = make("m1", visibility_s=30)
        [first] = queue.receive(visibility_s=1)
        queue.wait(1.2)
        [again] = queue.receive()
        assert again.attempt == first.attempt + 1
        assert isinstance(queue.extend(again.handle, 60), Extended)

    def test_a_message_handed_back_shows_at_once(self, make: Make) -> None:
        queue = make("m1", "m2")
        [first] = queue.receive()
        assert isinstance(queue.nack(first.handle), Returned)
        [again] = queue.receive()
        assert (again.message, again.attempt) == ("m1", 2)

    def test_a_message_handed_back_with_a_delay_shows_after_it(self, make: Make) -> None:
        queue = make("m1", visibility_s=30)
        [first] = queue.receive()
        assert isinstance(queue.nack(first.handle, delay_s=self.v), Returned)
        assert queue.receive() == []
        assert queue.status().in_flight == 1
        queue.wait(1.2 * self.v)
        assert names(queue.receive()) == ["m1"]

    def test_a_receive_gives_up_to_its_limit_the_oldest_first(self, make: Make) -> None:
        queue = make(*"abcde")
        assert names(queue.receive(limit=3)) == ["a", "b", "c"]
        assert names(queue.receive(limit=10)) == ["d", "e"]
        assert queue.receive(limit=10) == []

    def test_what_comes_back_goes_before_what_is_younger(self, make: Make) -> None:
        queue = make(*"abc")
        queue.receive(limit=2)
        self.let_the_loan_end(queue)
        assert drain(queue) == ["a", "b", "c"]

    def test_what_comes_back_is_in_order_again(self, make: Make) -> None:
        queue = make(*"abc")
        a, b = queue.receive(limit=2)
        queue.nack(b.handle)
        queue.nack(a.handle)
        assert drain(queue) == ["a", "b", "c"]

    # -------------------------------------------------------------------------------- limits
    def test_a_delayed_message_shows_after_its_delay(self, make: Make) -> None:
        queue = make(visibility_s=30)
        queue.send("late", "x", delay_s=self.v)
        queue.send("soon", "x")
        assert (queue.status().visible, queue.status().delayed) == (1, 1)
        assert drain(queue) == ["soon"]
        queue.wait(1.2 * self.v)
        assert drain(queue) == ["late"]

    def test_at_its_retention_a_message_is_gone(self, make: Make) -> None:
        queue = make("old", "older", retention_s=1, visibility_s=30)
        queue.receive()
        queue.wait(0.5)
        put(queue, "young")
        queue.wait(0.8)
        assert names(queue.receive(limit=10)) == ["young"]
        assert (queue.status().kept, queue.status().expired) == (1, 2)

    def test_a_message_that_is_too_large_is_rejected(self, make: Make) -> None:
        queue = make(size_max_bytes=2_048)
        assert queue.send("m1", "x" * 4_096) == Rejected("m1", "too large")
        assert queue.send("m2", "x" * 1_024) == Accepted("m2", 0)
        assert drain(queue) == ["m2"]

    def test_a_body_is_measured_in_bytes(self, make: Make) -> None:
        queue = make(size_max_bytes=1_024)
        assert queue.send("m1", "x" * 1_024) == Accepted("m1", 0)
        assert queue.send("m2", "é" * 513) == Rejected("m2", "too large")

    def test_at_the_limit_of_loans_it_refuses(self, make: Make) -> None:
        queue = make(*"abc", in_flight_max=2)
        queue.receive(limit=2)
        with pytest.raises(Refused, match="2 messages on loan"):
            queue.receive()

    # -------------------------------------------------------------------------------- dead letters
    def test_a_message_received_too_often_is_set_aside_with_its_id_and_count_and_the_others_are_not(
            self, make: Make) -> None:
        queue = make("poison", "healthy", max_receives=2)
        assert names(queue.receive()) == ["poison"]
        self.let_the_loan_end(queue)
        assert names(queue.receive()) == ["poison"]
        self.let_the_loan_end(queue)
        assert names(queue.receive(limit=10)) == ["healthy"]
        [letter] = queue.dead_letters()
        assert letter == DeadLetter("poison", 0, "the body of poison", None, 2, letter.sent_us)
        assert (queue.status().dead, queue.status().in_flight, queue.status().visible) == (1, 1, 0)

    def test_redriven_letters_are_as_new(self, make: Make) -> None:
        queue = make("a", "b", max_receives=1)
        for delivery in queue.receive(limit=2):
            queue.nack(delivery.handle)
        assert queue.receive() == []
        assert [letter.message for letter in queue.dead_letters()] == ["a", "b"]
        assert queue.redrive(limit=1) == 1
        [delivery] = queue.receive()
        assert (delivery.message, delivery.attempt, delivery.body) == ("a", 1, "the body of a")
        assert queue.acknowledge(delivery.handle) == Acknowledged("a")
        assert queue.redrive() == 1
        assert drain(queue) == ["b"]
        assert queue.status().kept == 0

    # -------------------------------------------------------------------------------- FIFO and fair
    def test_a_group_is_in_order_and_one_of_it_is_on_loan_at_a_time(self, make: Make) -> None:
        queue = make("a1@a", "a2@a", "b1@b", kind="fifo")
        [a1], [b1] = queue.receive(), queue.receive()
        assert names([a1, b1]) == ["a1", "b1"]
        assert queue.receive() == []
        queue.acknowledge(a1.handle)
        assert drain(queue) == ["a2"]

    def test_a_head_that_comes_back_is_still_the_head(self, make: Make) -> None:
        queue = make("a1@a", "a2@a", kind="fifo")
        queue.receive()
        self.let_the_loan_end(queue)
        assert drain(queue) == ["a1", "a2"]

    def test_a_dead_head_lets_its_group_go_on(self, make: Make) -> None:
        queue = make("poison@a", "next@a", kind="fifo", max_receives=1)
        queue.receive()
        self.let_the_loan_end(queue)
        assert names(queue.receive()) == ["next"]

    def test_a_batch_holds_one_message_of_a_group(self, make: Make) -> None:
        queue = make("a1@a", "a2@a", "b1@b", kind="fifo")
        assert names(queue.receive(limit=10)) == ["a1", "b1"]

    def test_fifo_takes_no_acknowledgement_after_the_loan(self, make: Make) -> None:
        queue = make("a1@a", kind="fifo")
        [delivery] = queue.receive()
        self.let_the_loan_end(queue)
        assert queue.acknowledge(delivery.handle) == Stale("a1", "the loan is over")

    def test_what_is_sent_again_under_its_deduplication_id_is_stored_once(self, make: Make) -> None:
        queue = make(kind="fifo")
        assert queue.send("m1", "x", group="a", dedup_id="order-1") == Accepted("m1", 0)
        assert queue.send("m1", "x", group="a", dedup_id="order-1", copy=1) == Duplicate("m1", "m1")
        assert queue.send("m2", "x", group="a", dedup_id="order-2") == Accepted("m2", 1)
        assert drain(queue) == ["m1", "m2"]

    def test_a_deduplication_id_outlives_its_message(self, make: Make) -> None:
        queue = make("m1@a", kind="fifo")
        assert drain(queue) == ["m1"]
        assert queue.send("m2", "x", group="a", dedup_id="m1") == Duplicate("m2", "m1")

    def test_after_the_window_a_deduplication_id_is_forgotten(self, make: Make) -> None:
        queue = make("m1@a", kind="fifo", dedup_s=self.v)
        queue.wait(1.2 * self.v)
        assert queue.send("m2", "x", group="a", dedup_id="m1") == Accepted("m2", 1)

    def test_without_an_id_the_body_can_be_hashed(self, make: Make) -> None:
        queue = make(kind="fifo", content_dedup=True)
        assert queue.send("m1", "same", group="a") == Accepted("m1", 0)
        assert queue.send("m2", "same", group="a") == Duplicate("m2", "m1")
        assert queue.send("m3", "other", group="a") == Accepted("m3", 1)

    def test_in_a_fair_queue_groups_take_turns(self, make: Make) -> None:
        assert drain(make("n1@noisy", "n2@noisy", "n3@noisy", "q@quiet", kind="fair")) == ["n1", "q", "n2", "n3"]

    # -------------------------------------------------------------------------------- waiting
    def test_a_long_poll_gets_what_shows_meanwhile(self, make: Make) -> None:
        queue = make("m1")
        queue.receive()
        began_us = queue.clock.now_us
        [again] = queue.receive(wait_s=10)
        assert again.attempt == 2
        assert 0.5 * self.v < (queue.clock.now_us - began_us) / 1e6 < 5

    def test_a_long_poll_of_nothing_ends(self, make: Make) -> None:
        queue = make()
        assert queue.receive(wait_s=1) == []
        assert 0.9 < queue.clock.now_us / 1e6 < 3

    # -------------------------------------------------------------------------------- rows
    def test_the_rows_keep_the_books(self, make: Make) -> None:
        trace = Trace()
        perform(make(recorder=trace, visibility_s=30, max_receives=3), SCRIPT)
        assert len(trace.of("deliver")) > 20
        assert [check(trace) for check in (conservation, depth_adds_up, invisible_while_lent)] == [[], [], []]

    def test_a_wrong_call_says_what_is_allowed(self, make: Make) -> None:
        queue = make("m1")
        with pytest.raises(BadParameter, match="limit = 11: give 1 to 10"):
            queue.receive(limit=11)
        with pytest.raises(BadParameter, match=r"handle = 'm9#9\.1': clips never gave it out"):
            queue.acknowledge("m9#9.1")


class TestModel(Cases):
    open_queue = model_queue
    v = 1.0


class TestJetStream(Cases):
    open_queue = jetstream_queue
    differences = JETSTREAM
    v = 0.4


class TestSqs(Cases):
    open_queue = sqs_queue
    differences = SQS
    v = 1.0


# ------------------------------------------------------------------------------------------------ message by message

SCRIPT = "".join(random.Random(16).choices("srran", (4, 3, 3, 2, 1), k=90))


def perform(queue: Any, script: str) -> list[str]:
    """Do each letter: send, receive, acknowledge the oldest in hand, hand it back and receive. Return what was said."""
    said, hands, numbers = [], [], itertools.count(1)

    def receive() -> None:
        given = queue.receive(to="encoder")
        hands.extend(given)
        said.append(" ".join(f"{d.message} attempt {d.attempt} {d.handle}" for d in given) or "nothing")

    for letter in script:
        if letter == "s":
            message = f"m{next(numbers)}"
            queue.clock.emit("publish", "phone", message, attempt=1)
            said.append(str(queue.send(message, "x")))
        elif letter == "r":
            receive()
        elif hands:
            handle = hands.pop(0).handle
            if letter == "a":
                said.append(str(queue.acknowledge(handle)))
            else:
                said.append(type(queue.nack(handle)).__name__)
                receive()
    return said


def rows(trace: Trace) -> list[tuple]:
    """The rows without what depends on the clock."""
    return [(row.kind, row.place, row.message,
             {name: value for name, value in row.fields.items() if not name.endswith("_us")}) for row in trace]


@pytest.mark.parametrize("open_queue", [jetstream_queue, sqs_queue])
def test_model_and_engine_agree_message_by_message(open_queue: Callable[..., Any]) -> None:
    settings, traces = Settings(visibility_s=30, max_receives=3), (Trace(), Trace())
    with open_queue(settings, traces[1]) as engine:
        model = model_queue(settings, traces[0])
        assert perform(engine, SCRIPT) == perform(model, SCRIPT)
        assert rows(traces[1]) == rows(traces[0])
        ours, theirs = model.status(), engine.status()
        assert theirs == type(ours)(**{**fields_of(ours), "oldest_sent_us": theirs.oldest_sent_us})


def fields_of(status: Any) -> dict[str, Any]:
    return {name: getattr(status, name) for name in status.__slots__}


@pytest.mark.parametrize("engine", ["jetstream", "sqs"])
def test_a_whole_run_leaves_the_same_rows(engine: str) -> None:
    ours, theirs = drill(), drill(engine, visibility_s=SHORT_S[engine])
    assert rows(theirs) == rows(ours)
    assert theirs.of("dead")
    assert [lamp.name for lamp in lamps(theirs) if not lamp.held] == []


@pytest.mark.parametrize(("engine", "ends"), [
    ("model", ["ack_stale anna", "ack bert"]),
    ("jetstream", ["ack anna", "ack_stale bert"]),
    ("sqs", ["ack anna", "ack_stale bert"]),
])
def test_whose_acknowledgement_counts_is_the_engines_choice(engine: str, ends: list[str]) -> None:
    trace = two_hands(engine, visibility_s=SHORT_S[engine])
    who = {row.fields["handle"]: row.fields["to"] for row in trace.of("deliver")}
    assert [f"{row.kind} {who[row.fields['handle']]}" for row in trace.of("ack", "ack_stale")] == ends
    assert [lamp.name for lamp in lamps(trace) if not lamp.held] == ["at most once"]


@pytest.mark.parametrize("open_queue", [jetstream_queue, sqs_queue])
def test_who_looks_on_changes_nothing(open_queue: Callable[..., Any]) -> None:
    settings = Settings(visibility_s=30)
    with open_queue(settings, Trace()) as watched, open_queue(settings) as unwatched:
        assert perform(watched, SCRIPT[:40]) == perform(unwatched, SCRIPT[:40])
