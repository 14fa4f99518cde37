"""The model `Buffer` and NATS say the same to every message, and leave the same rows."""
from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from dsys_lab.brokers.overflow import POLICIES, Answer, Buffer, Request, Status
from dsys_lab.engines import nats
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.trace import NO_TRACE, Trace, balance
from dsys_lab.trace.invariants import bounded_depth, conservation, depth_adds_up

CAPACITY = 3


# --------------------------------------------------------------------------------------- the same verbs on either side

@dataclass
class Model:
    """The model, under a clock that counts the calls."""

    buffer: Buffer
    ticks: Iterator[int] = field(default_factory=itertools.count)

    def emit(self, kind: str, place: str, message: str, **fields: Any) -> None:
        self.buffer.recorder.emit(next(self.ticks), kind, place, message, **fields)

    def offer(self, request: Request) -> Answer:
        return self.buffer.offer(next(self.ticks), request)

    def take(self) -> Request | None:
        request = self.buffer.take(next(self.ticks))
        if request:
            self.emit("start", "scorer", request.message, attempt=1)
            self.emit("finish", "scorer", request.message, attempt=1)
        return request

    def status(self) -> Status:
        return self.buffer.status()


@dataclass
class ModelWithOneInHand(Model):
    """The model, served by somebody who takes the next as soon as the hand is free: a core subscriber's handler."""

    in_hand: Request | None = None

    def offer(self, request: Request) -> Answer:
        answer = super().offer(request)
        if self.in_hand is None:
            self._start()
        return answer

    def take(self) -> Request | None:
        done = self.in_hand
        if done:
            self.emit("finish", "scorer", done.message, attempt=1)
            self._start()
        return done

    def _start(self) -> None:
        self.in_hand = self.buffer.take(next(self.ticks))
        if self.in_hand:
            self.emit("start", "scorer", self.in_hand.message, attempt=1)


@dataclass
class Stream:
    """JetStream, with the worker's rows beside the stream's own."""

    buffer: nats.StreamBuffer
    clock: WallClock

    def emit(self, kind: str, place: str, message: str, **fields: Any) -> None:
        self.clock.emit(kind, place, message, **fields)

    def offer(self, request: Request) -> Answer:
        return self.buffer.offer(request)

    def take(self) -> Request | None:
        request = self.buffer.take()
        if request:
            self.emit("start", "scorer", request.message, attempt=1)
            self.emit("finish", "scorer", request.message, attempt=1)
        return request

    def status(self) -> Status:
        return self.buffer.status()


class Subscriber(Stream):
    """Core NATS, whose handler's rows are its own."""

    def take(self) -> Request | None:
        return self.buffer.take()


Subject = Model | Stream


@pytest.fixture
def model() -> Callable[..., Model]:
    """Make a model: `model(policy, trace)`."""
    def make(policy: str, recorder: Any = NO_TRACE) -> Model:
        served = ModelWithOneInHand if policy == "drop_newest" else Model
        return served(Buffer("inbox", CAPACITY, policy, recorder=recorder))

    return make


@pytest.fixture
def engine() -> Iterator[Callable[..., Stream]]:
    """Make what stands in for a policy, or skip by the name of the difference that says why there is nothing."""
    opened = []

    def make(policy: str, recorder: Any = NO_TRACE) -> Stream:
        for difference in nats.DIFFERENCES:
            if policy in difference.skips:
                pytest.skip(f"{difference.model}: {difference.difference}")
        clock = WallClock(recorder)
        if policy == "drop_newest":
            subject = Subscriber(nats.SlowSubscriber("inbox", pending_limit=CAPACITY, clock=clock), clock)
        else:
            subject = Stream(nats.StreamBuffer("inbox", capacity=CAPACITY, policy=policy, clock=clock), clock)
        opened.append(subject.buffer)
        return subject

    yield make
    for buffer in opened:
        buffer.__exit__(None, None, None)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()


def perform(subject: Subject, script: str) -> list[str]:
    """Offer a message for each `o` of the script and take one for each `t`; return what was said each time."""
    said, numbers = [], itertools.count(1)
    for step in script:
        if step == "o":
            message = f"m{next(numbers)}"
            subject.emit("publish", "wearables", message, attempt=1)
            said.append(f"{message} {subject.offer(Request(message)).value}")
        else:
            request = subject.take()
            said.append(f"took {request.message if request else 'nothing'}")
    return said


# ------------------------------------------------------------------------- what each policy promises, on either side

PROMISED = {
    "unbounded": ("m1 accepted, m2 accepted, m3 accepted, m4 accepted, m5 accepted",
                  "took m1, took m2, took m3, took m4, took m5, took nothing"),
    "drop_oldest": ("m1 accepted, m2 accepted, m3 accepted, m4 accepted, m5 accepted",
                    "took m3, took m4, took m5, took nothing, took nothing, took nothing"),
    "reject": ("m1 accepted, m2 accepted, m3 accepted, m4 rejected, m5 rejected",
               "took m1, took m2, took m3, took nothing, took nothing, took nothing"),
    # Room for three, and one in the hand: the difference "drop_newest: `capacity` wait".
    "drop_newest": ("m1 accepted, m2 accepted, m3 accepted, m4 accepted, m5 dropped",
                    "took m1, took m2, took m3, took m4, took nothing, took nothing"),
}


@pytest.mark.parametrize("side", ["model", "engine"])
@pytest.mark.parametrize("policy", PROMISED)
def test_the_policy_keeps_its_promise(side: str, policy: str, request: pytest.FixtureRequest) -> None:
    subject = request.getfixturevalue(side)(policy)
    assert perform(subject, "ooooo" + "tttttt") == ", ".join(PROMISED[policy]).split(", ")


# ----------------------------------------------------------------------------------------------- message by message

SCRIPTS = {
    "nothing_to_take": "tt",
    "first_in_first_out": "ooottt",
    "more_than_fit": "oooooootttttt",
    "a_freed_place_is_used_again": "oooootoottooooottttt",
    "emptied_and_filled_again": "otototooooottttooooott",
    "a_long_mixed_run": "".join(random.Random(13).choices("ot", (2, 1), k=120)),
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("policy", PROMISED)
def test_model_and_engine_agree_message_by_message(policy: str, script: str, model: Callable, engine: Callable) -> None:
    traces = Trace(), Trace()
    subjects = model(policy, traces[0]), engine(policy, traces[1])
    said = [perform(subject, SCRIPTS[script]) for subject in subjects]
    assert said[1] == said[0]
    assert subjects[1].status() == subjects[0].status()
    assert rows(traces[1]) == rows(traces[0])
    assert balance(traces[1]) == balance(traces[0])


@pytest.mark.parametrize("policy", POLICIES)
def test_the_engine_keeps_the_books_in_order(policy: str, engine: Callable) -> None:
    """Also the policies that have no stand-in come by here, and are skipped by name."""
    trace = Trace()
    subject = engine(policy, trace)
    perform(subject, SCRIPTS["a_long_mixed_run"])
    assert trace.of("start"), "something must have happened"
    assert not conservation(trace)
    assert not depth_adds_up(trace)
    assert policy == "unbounded" or not bounded_depth(trace, depth_max=CAPACITY)
    assert balance(trace).stored == subject.status().waiting


@pytest.mark.parametrize("policy", PROMISED)
def test_who_looks_on_changes_nothing(policy: str, engine: Callable) -> None:
    script = SCRIPTS["a_long_mixed_run"]
    assert perform(engine(policy, Trace()), script) == perform(engine(policy), script)


def rows(trace: Trace) -> list[tuple]:
    """The rows without what depends on the clock."""
    return [
        (row.kind, row.place, row.message, {name: value for name, value in row.fields.items()
                                            if not name.endswith("_us") and name != "copy"})
        for row in trace
    ]


# ------------------------------------------------------------------------------------------------- what is different

def test_each_policy_of_the_model_has_a_stand_in_or_a_reason() -> None:
    skipped = {policy for difference in nats.DIFFERENCES for policy in difference.skips}
    assert skipped | set(PROMISED) == set(POLICIES)
    assert not skipped & set(PROMISED)
    assert set(nats.POLICIES) | {"drop_newest"} == set(PROMISED)


def test_each_difference_stands_in_the_docstring_too() -> None:
    told = nats.overflow.__doc__.partition("otherwise than the model")[2]
    named = [difference.model.partition(":")[0] for difference in nats.DIFFERENCES]
    assert named
    assert not [name for name in named if f"`{name}`" not in told]
