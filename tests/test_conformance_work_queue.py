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
from nats.js.api import AckPolicy, ConsumerConfig

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
from dsys_lab.errors import BadParameter, MayHaveHappened, Refused
from dsys_lab.trace import NO_TRACE, Trace, lamps
from dsys_lab.trace.invariants import conservation, depth_adds_up, invisible_while_lent

SHORT_S = {"model": 30, "jetstream": 0.8, "sqs": 1}
SLACK_S = 0.1
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
        queue.wait(self.v + SLACK_S)

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
        self.let_the_loan_end(queue)
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
        self.let_the_loan_end(queue)
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

    def test_what_has_expired_is_gone_for_its_worker_too(self, make: Make) -> None:
        queue = make("m1", retention_s=1, visibility_s=30)
        [delivery] = queue.receive()
        queue.wait(1.2)
        for said in (queue.acknowledge(delivery.handle), queue.extend(delivery.handle, 30),
                     queue.nack(delivery.handle)):
            assert said == Stale("m1", "gone")

    def test_a_loan_begins_when_the_message_is_given_and_not_when_it_is_asked_for(self, make: Make) -> None:
        queue = make()
        queue.send("late", "x", delay_s=self.v)
        [delivery] = queue.receive(wait_s=5)
        assert delivery.visible_until_us - queue.clock.now_us > 0.7e6 * self.v
        queue.wait(0.6 * self.v)
        assert isinstance(queue.extend(delivery.handle, self.v), Extended)

    @pytest.mark.parametrize("message", [" m1 ", "m\n1", "m#1.2", "é"])
    def test_a_message_keeps_its_name(self, make: Make, message: str) -> None:
        queue = make()
        queue.send(message, "x", copy=3)
        [delivery] = queue.receive()
        assert (delivery.message, delivery.copy) == (message, 3)
        assert queue.acknowledge(delivery.handle) == Acknowledged(message)

    @pytest.mark.parametrize(("call", "words"), [
        (lambda queue: queue.send("m2", "x", delay_s=-1), "delay_s = -1: give 0 to 900"),
        (lambda queue: queue.send("m2", "x", delay_s=901), "delay_s = 901: give 0 to 900"),
        (lambda queue: queue.send(7, "x"), "message = 7.*give each as a str"),
        (lambda queue: queue.receive(limit=11), "limit = 11: give 1 to 10"),
        (lambda queue: queue.receive(wait_s=21), "wait_s = 21: give 0 to 20"),
        (lambda queue: queue.receive(visibility_s=-1), "visibility_s = -1: give 0 to 43,200"),
        (lambda queue: queue.acknowledge("m1#0.1"), "handle = 'm1#0.1': clips never gave it out"),
        (lambda queue: queue.extend("m1#0.1", -1), "seconds = -1: give 0 to 43,200"),
        (lambda queue: queue.nack("m1#0.1", delay_s=-1), "delay_s = -1: give 0 to 43,200"),
        (lambda queue: queue.redrive(limit=-1), "limit = -1"),
    ])
    def test_a_wrong_call_says_what_is_allowed_and_changes_nothing(self, make: Make, call: Any, words: str) -> None:
        queue = make("m1", max_receives=1)
        with pytest.raises(BadParameter, match=words):
            call(queue)
        assert (queue.status().visible, queue.status().kept) == (1, 1)

    # -------------------------------------------------------------------------------- dead letters
    def test_all_dead_letters_of_a_group_are_found_and_put_back_in_order(self, make: Make) -> None:
        queue = make("a1@a", "a2@a", "a3@a", kind="fifo", max_receives=1)
        for _ in range(3):
            queue.nack(queue.receive()[0].handle)
        assert queue.receive() == []
        assert [letter.message for letter in queue.dead_letters()] == ["a1", "a2", "a3"]
        assert queue.redrive(limit=2) == 2
        assert drain(queue) == ["a1", "a2"]
        assert queue.redrive() == 1
        assert drain(queue) == ["a3"]

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
        self.let_the_loan_end(queue)
        assert queue.send("m2", "x", group="a", dedup_id="m1") == Accepted("m2", 1)

    def test_without_an_id_the_body_can_be_hashed(self, make: Make) -> None:
        queue = make(kind="fifo", content_dedup=True)
        assert queue.send("m1", "same", group="a") == Accepted("m1", 0)
        assert queue.send("m2", "same", group="a") == Duplicate("m2", "m1")
        assert queue.send("m3", "other", group="a") == Accepted("m3", 1)

    def test_a_fifo_queue_asks_for_a_group_and_an_id(self, make: Make) -> None:
        queue = make(kind="fifo")
        with pytest.raises(BadParameter, match="group = None, delay_s = None: FIFO needs a group"):
            queue.send("m1", "x", dedup_id="1")
        with pytest.raises(BadParameter, match="dedup_id = None: give one"):
            queue.send("m1", "x", group="a")
        assert queue.status().kept == 0

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


# ------------------------------------------------------------------- each difference is one: these go red if it is not

PROVEN: list[Difference] = []


def proves(table: tuple[Difference, ...], model: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say for which row of a table a test is the proof."""
    PROVEN.extend(difference for difference in table if difference.model == model)
    return lambda test: test


@pytest.fixture
def jetstream() -> Iterator[Make]:
    with ExitStack() as opened:
        def make(*messages: str, visibility_s: float = 0.3, **settings: Any) -> nats.JetStreamQueue:
            queue = opened.enter_context(jetstream_queue(Settings(visibility_s=visibility_s, **settings)))
            put(queue, *messages)
            return queue

        yield make


@pytest.fixture
def sqs() -> Iterator[Make]:
    with ExitStack() as opened:
        def make(*messages: str, **settings: Any) -> aws.SqsQueue:
            queue = opened.enter_context(sqs_queue(Settings(**{"visibility_s": 30, **settings})))
            put(queue, *messages)
            return queue

        yield make


def ask(queue: nats.JetStreamQueue, what: str, *given: Any) -> Any:
    """Ask JetStream itself about the queue's stream."""
    nats_ = nats.connection()
    return nats_.call(getattr(nats_.client.jetstream(), what)(queue.stream.name, *given))


def test_every_difference_is_proven_and_every_skip_is_a_case() -> None:
    assert set(PROVEN) == {*JETSTREAM, *SQS}
    skipped = {f"test_{case}" for difference in [*JETSTREAM, *SQS] for case in difference.skips}
    assert sorted(name for name in skipped if not hasattr(Cases, name)) == []


# ------------------------------------------------------------------------------------------ JetStream
@proves(JETSTREAM, "acknowledge: only the newest handle counts")
def test_jetstream_takes_an_old_handle(jetstream: Make) -> None:
    queue = jetstream("m1")
    [slow] = queue.receive()
    queue.wait(0.4)
    [quick] = queue.receive()
    assert queue.acknowledge(slow.handle) == Acknowledged("m1")
    assert ask(queue, "stream_info").state.messages == 0
    assert queue.acknowledge(quick.handle) == Stale("m1", "gone")


@proves(JETSTREAM, "nack, extend: only for who has the message")
def test_jetstream_lets_an_old_handle_end_the_loan_of_another(jetstream: Make) -> None:
    queue = jetstream("m1")
    [slow] = queue.receive()
    queue.wait(0.4)
    assert queue.receive()[0].attempt == 2
    assert isinstance(queue.nack(slow.handle), Returned)
    assert queue.receive()[0].attempt == 3, "while the second worker is at it"
    queue.wait(0.2)
    assert isinstance(queue.extend(slow.handle, 0.3), Extended)
    queue.wait(0.2)
    assert queue.receive() == [], "the third one's loan was made longer"


@proves(JETSTREAM, "FIFO: an acknowledgement after the loan counts no more")
def test_jetstream_takes_a_late_acknowledgement_in_a_fifo_queue_too(jetstream: Make) -> None:
    queue = jetstream("a1@a", kind="fifo")
    [delivery] = queue.receive()
    queue.wait(0.4)
    assert queue.acknowledge(delivery.handle) == Acknowledged("a1")


@proves(JETSTREAM, "extend, receive: for as long as you say")
def test_jetstream_knows_one_time_for_all_loans(jetstream: Make) -> None:
    queue = jetstream("m1")
    [delivery] = queue.receive()
    for call in (lambda: queue.extend(delivery.handle, 60), lambda: queue.receive(visibility_s=60)):
        with pytest.raises(BadParameter, match=r"ack_wait of 0\.3 s; give that"):
            call()
    queue._say(queue._books.loan(delivery.handle), b'+WPI {"delay": 60000000000}')
    queue.wait(0.4)
    assert queue.receive()[0].attempt == 2, "a time is not heeded"


@proves(JETSTREAM, "dead letters: set aside")
def test_jetstream_keeps_poison_in_the_stream_for_the_next_consumer(jetstream: Make) -> None:
    queue = jetstream("poison", max_receives=1)
    queue.nack(queue.receive()[0].handle)
    assert queue.receive() == []
    assert [letter.message for letter in queue.dead_letters()] == ["poison"]
    assert ask(queue, "stream_info").state.messages == 1
    ask(queue, "delete_consumer", "lane-0")
    ask(queue, "add_consumer", ConsumerConfig(durable_name="lane-0", ack_policy=AckPolicy.EXPLICIT))
    assert names(queue.receive()) == ["poison"]


@proves(JETSTREAM, "dead letters: set aside")
def test_jetstream_lets_the_last_handle_acknowledge_a_dead_letter(jetstream: Make) -> None:
    queue = jetstream("poison", max_receives=1)
    [delivery] = queue.receive()
    queue.wait(0.4)
    assert queue.receive() == []
    assert queue.acknowledge(delivery.handle) == Stale("poison", "gone")
    assert queue.status().dead == ask(queue, "stream_info").state.messages == 1
    reply = queue._books.loan(delivery.handle).native.reply
    nats.connection().call(nats.connection().client.request(reply, b"+ACK", timeout=5))
    assert ask(queue, "stream_info").state.messages == 0


def test_a_dead_letter_whose_deliveries_never_reached_us_is_found(jetstream: Make) -> None:
    queue = jetstream("poison", "healthy", max_receives=1)
    lost = nats.connection().call(queue.stream.pull(1, 0))
    assert lost[0].message.metadata.num_delivered == 1
    queue._books.may_be_dead = lambda: True
    queue.wait(0.4)
    assert names(queue.receive()) == ["healthy"]
    assert [letter.message for letter in queue.dead_letters()] == ["poison"]


@proves(JETSTREAM, "in_flight_max: a standard queue refuses")
def test_jetstream_gives_nothing_at_its_limit_and_says_nothing(jetstream: Make) -> None:
    queue = jetstream("a", "b", "c", in_flight_max=2, visibility_s=30)
    assert names(queue.receive(limit=10)) == ["a", "b"]
    assert queue.receive() == []
    ask_for_one = queue.stream._pull_from("lane-0", 1, 0.3)
    began_us = queue.clock.now_us
    assert nats.connection().call(ask_for_one) == []
    assert queue.clock.now_us - began_us > 250_000, "a pull that need not wait was not answered at once"


@proves(JETSTREAM, "what comes back is in order again")
def test_jetstream_gives_again_in_the_order_of_handing_back(jetstream: Make) -> None:
    queue = jetstream(*"abc", visibility_s=30)
    for delivery in reversed(queue.receive(limit=2)):
        queue.nack(delivery.handle)
    assert names(queue.receive(limit=3)) == ["b", "a", "c"]


@proves(JETSTREAM, "size_max_bytes: of the body")
def test_jetstream_measures_the_headers_too(jetstream: Make) -> None:
    queue = jetstream(size_max_bytes=1_024)
    assert queue.send("m1", "x" * 1_000) == Rejected("m1", "too large")
    assert queue.send("m1", "x" * 900) == Accepted("m1", 0)


@proves(JETSTREAM, "dedup_id: for FIFO")
def test_jetstream_heeds_a_deduplication_id_in_any_queue(jetstream: Make) -> None:
    queue = jetstream()
    assert queue.send("m1", "x", dedup_id="1") == Accepted("m1", 0)
    assert queue.send("m2", "x", dedup_id="1") == Duplicate("m2", "m1")


@proves(JETSTREAM, "status: `in_flight` ends with the loan")
def test_jetstream_counts_a_loan_that_is_over_until_it_is_given_again(jetstream: Make) -> None:
    queue = jetstream("m1")
    queue.receive()
    queue.wait(0.5)
    assert ask(queue, "consumer_info", "lane-0").num_ack_pending == 1
    assert (queue.status().visible, queue.status().in_flight) == (1, 0)


# ------------------------------------------------------------------------------------------ moto
@proves(SQS, "acknowledge: only the newest handle counts")
def test_moto_takes_an_old_handle(sqs: Make) -> None:
    queue = sqs("m1")
    [slow], [quick] = queue.receive(visibility_s=0), queue.receive()
    assert quick.attempt == slow.attempt + 1
    assert queue.acknowledge(slow.handle) == Acknowledged("m1")
    assert queue.acknowledge(quick.handle) == Stale("m1", "gone")


@proves(SQS, "nack, extend: only for who has the message")
def test_moto_lets_an_old_handle_change_the_visibility(sqs: Make) -> None:
    queue = sqs("m1")
    [slow] = queue.receive(visibility_s=0)
    assert isinstance(queue.extend(slow.handle, 5), Extended), "after the loan"
    assert queue.receive() == []
    assert isinstance(queue.nack(slow.handle), Returned)
    queue.receive()
    assert isinstance(queue.nack(slow.handle), Returned), "on the loan of another"
    assert queue.receive()[0].attempt == 3


@proves(SQS, "FIFO: an acknowledgement after the loan counts no more")
def test_moto_takes_a_late_acknowledgement_in_a_fifo_queue_too(sqs: Make) -> None:
    queue = sqs("a1@a", kind="fifo")
    [delivery] = queue.receive(visibility_s=0)
    assert queue.acknowledge(delivery.handle) == Acknowledged("a1")


@proves(SQS, "FIFO: one message of a group at a time")
def test_moto_gives_several_messages_of_a_group_in_a_batch(sqs: Make) -> None:
    assert names(sqs("a1@a", "a2@a", "b1@b", kind="fifo").receive(limit=10)) == ["a1", "a2", "b1"]


@proves(SQS, "dedup_id: remembered for five minutes even when the message is gone")
@proves(SQS, "send: says that it is a duplicate")
def test_moto_forgets_a_deduplication_id_with_its_message_and_never_says_duplicate(sqs: Make) -> None:
    queue = sqs(kind="fifo")
    given = {"MessageBody": "x", "MessageGroupId": "a", "MessageDeduplicationId": "1"}
    first, second = queue._call("send_message", **given), queue._call("send_message", **given)
    assert (queue._there(), first["MessageId"] != second["MessageId"]) == (1, True)
    handle = queue._receive(queue._url, 1, 30)[0]["ReceiptHandle"]
    queue._call("delete_message", ReceiptHandle=handle)
    queue._call("send_message", **given)
    assert queue._there() == 1


@proves(SQS, "dedup_s: as long as you say")
def test_moto_has_a_fixed_window(sqs: Make) -> None:
    with pytest.raises(BadParameter, match="dedup_s = 1: SQS has a window of its own"):
        sqs(dedup_s=1)
    settable = aws.connection().client("sqs").meta.service_model.shape_for("QueueAttributeName").enum
    assert "FifoQueue" in settable
    assert not [name for name in settable if "Window" in name or "Interval" in name]


@proves(SQS, "body: may be empty")
def test_moto_takes_an_empty_body(sqs: Make) -> None:
    queue = sqs()
    assert queue.send("m1") == Accepted("m1", 0)
    assert queue.receive()[0].body == ""


def test_the_books_follow_an_old_handle_that_hides_a_message_again(sqs: Make) -> None:
    queue = sqs("m1")
    [delivery] = queue.receive(visibility_s=0)
    assert isinstance(queue.nack(delivery.handle, delay_s=30), Returned)
    assert (queue.status().in_flight, queue._books.shelf.in_flight) == (1, 1)


@proves(SQS, "size_max_bytes: in bytes")
def test_moto_measures_characters(sqs: Make) -> None:
    queue = sqs(size_max_bytes=1_024)
    assert queue.send("m1", "é" * 1_024) == Accepted("m1", 0)
    assert queue.send("m2", "é" * 1_025) == Rejected("m2", "too large")


@proves(SQS, "retention_s: expired, wherever it is, and counted")
def test_moto_counts_what_has_expired_and_stumbles_over_it(sqs: Make) -> None:
    queue = sqs("old", retention_s=1)
    queue.wait(1.1)
    put(queue, "young")
    assert queue.receive(limit=10) == [], "it met the old one, hid it, and stopped"
    assert names(queue.receive(limit=10)) == ["young"]
    assert queue._there() == 2
    assert queue.status().expired == 1


@proves(SQS, "in_flight_max: a standard queue refuses")
def test_moto_lends_more_than_120_000(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.sqs.models import Message, SQSBackend

    monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda: 2e12)  # asked for each message, it takes seconds
    backend = SQSBackend("us-east-1", "123456789012")
    queue = backend.create_queue("q", region="us-east-1")
    backend.send_message("q", "one more", {}, 0)
    lent = Message("lent", "x")
    lent.visible_at = 4e12
    queue._messages.extend([lent] * 120_000)
    assert queue.approximate_number_of_messages_not_visible == 120_000
    assert len(backend.receive_message("q", 1, 0, 30)) == 1


@proves(SQS, "redrive: a verb")
def test_moto_moves_no_dead_letters(sqs: Make) -> None:
    queue = sqs("m1", max_receives=1)
    told = queue._call("get_queue_attributes", QueueUrl=queue._dead_url, AttributeNames=["QueueArn"])["Attributes"]
    with pytest.raises(MayHaveHappened, match="500 Internal Server Error"):
        aws.connection().call("sqs", "start_message_move_task", SourceArn=told["QueueArn"])


@proves(SQS, "visibility_s, delay_s, wait_s: any")
def test_sqs_counts_in_whole_seconds(sqs: Make) -> None:
    queue = sqs("m1")
    for call in (lambda: sqs(visibility_s=0.5), lambda: queue.send("m2", "x", delay_s=0.5),
                 lambda: queue.receive(wait_s=0.5), lambda: queue.receive(visibility_s=0.5)):
        with pytest.raises(BadParameter, match=r"= 0\.5: SQS counts in whole seconds"):
            call()
    whole = aws.connection().client("sqs").meta.service_model.operation_model("ReceiveMessage").input_shape.members
    assert whole["VisibilityTimeout"].type_name == whole["WaitTimeSeconds"].type_name == "integer"


@proves(SQS, "fair: groups take turns")
def test_moto_has_one_line_whatever_the_groups(sqs: Make) -> None:
    assert drain(sqs("n1@noisy", "n2@noisy", "q@quiet", kind="fair")) == ["n1", "n2", "q"]
