"""Whole runs: the same orders to the model, to JetStream and to SQS.

Nothing is left to chance and one worker asks at a time. So what each of the three does can be compared row for row,
with only the times taken off; and where they differ, the difference is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from dsys_lab.brokers.work_queue import Accepted, Acknowledged, Delivery, Returned, Sent, Settings, Stale, Status
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.model import ModelQueue, VirtualClock
from dsys_lab.errors import Misuse, require_choice, require_positive
from dsys_lab.trace import NO_TRACE, Header, Recorder, Trace

if TYPE_CHECKING:
    from dsys_lab.engines.aws.work_queue import SqsQueue
    from dsys_lab.engines.nats.work_queue import JetStreamQueue

PLACE: Final = "clips"
PHONE: Final = "phone"
WORKER: Final = "encoder"
SLACK_S: Final = 0.15
"""So much longer than a loan is waited for its end: an engine's clock is not ours."""


class AnyQueue(Protocol):
    """What a run asks of a queue."""

    clock: Any

    def send(self, message: str, body: str = "") -> Sent:
        """Store a message."""

    def receive(self, *, to: str = "worker") -> list[Delivery]:
        """Borrow a message."""

    def acknowledge(self, handle: str) -> Acknowledged | Stale:
        """Let go of it."""

    def nack(self, handle: str) -> Returned | Stale:
        """Hand it back."""

    def redrive(self) -> int:
        """Put dead letters back."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def status(self) -> Status:
        """Where the messages are."""


def model(settings: Settings, recorder: Recorder = NO_TRACE) -> tuple[ModelQueue, str]:
    """Return the model on a clock of its own, and what its header says."""
    return ModelQueue(PLACE, settings, clock=VirtualClock(recorder)), "model"


def jetstream(settings: Settings, recorder: Recorder = NO_TRACE) -> tuple[JetStreamQueue, str]:
    """Return a queue on JetStream, and the server's name and version."""
    from dsys_lab.engines.nats.connection import connection
    from dsys_lab.engines.nats.work_queue import JetStreamQueue

    return JetStreamQueue(PLACE, settings, clock=WallClock(recorder)), connection().engine


def sqs(settings: Settings, recorder: Recorder = NO_TRACE) -> tuple[SqsQueue, str]:
    """Return a queue on SQS, and who plays it."""
    from dsys_lab.engines.aws.connection import connection
    from dsys_lab.engines.aws.work_queue import SqsQueue

    return SqsQueue(PLACE, settings, clock=WallClock(recorder)), connection().engine


QUEUES: Final[dict[str, Callable[..., tuple[Any, str]]]] = {"model": model, "jetstream": jetstream, "sqs": sqs}
"""The three, by the name that a run takes."""


# ------------------------------------------------------------------------------------------ the runs
def drill(
    engine: str = "model",
    *,
    messages: int = 8,
    crash_at: int = 2,
    hand_back_at: int = 4,
    poison_at: int = 6,
    max_receives: int = 2,
    visibility_s: float = 1,
) -> Trace:
    """One worker, one message after the other, and three that go wrong.

    At the first the worker dies between effect and acknowledgement, so it is carried out twice. The second it hands
    back, and gets it again. The third is poison: nobody can read it, until it is set aside.

    Parameters
    ----------
    engine : str
        "model", "jetstream" or "sqs".
    messages : int
        c1, c2 and so on.
    crash_at, hand_back_at, poison_at : int
        At which of them it goes wrong; 0: at none.
    """
    require_positive(messages=messages, max_receives=max_receives)
    settings = Settings(visibility_s=visibility_s, max_receives=max_receives)

    def work(queue: AnyQueue) -> None:
        for number in range(1, messages + 1):
            _publish(queue, f"c{number}")
        while True:
            while given := queue.receive(to=WORKER):
                treat(queue, given[0])
            if not queue.status().in_flight:
                break
            queue.wait(visibility_s + SLACK_S)

    def treat(queue: AnyQueue, given: Delivery) -> None:
        emit, message, first = queue.clock.emit, given.message, given.attempt == 1
        emit("start", WORKER, message, attempt=given.attempt, copy=given.copy)
        if message == f"c{poison_at}":
            emit("fail", WORKER, message, why="it cannot be read", attempt=given.attempt)
        elif message == f"c{hand_back_at}" and first:
            queue.nack(given.handle)
        else:
            emit("effect", WORKER, message, key=f"encode {message}", copy=given.copy)
            if message == f"c{crash_at}" and first:
                emit("crash", WORKER)
                emit("restart", WORKER)
            else:
                queue.acknowledge(given.handle)

    promises = ("conservation", "depth adds up", "no acknowledged loss", "at least once", "invisible while lent")
    params = {"messages": messages, "crash_at": crash_at, "hand_back_at": hand_back_at, "poison_at": poison_at}
    return _run(engine, settings, work, params, promises)


def two_hands(engine: str = "model", *, visibility_s: float = 1) -> Trace:
    """A loan that ends before the work does, and an acknowledgement that comes too late.

    Anna is slow; when her loan is over, Bert gets the message too. Then she acknowledges with her old handle, and he
    with his. Whose counts? Here SQS, JetStream and a stand-in for SQS differ.
    """
    settings = Settings(visibility_s=visibility_s)

    def work(queue: AnyQueue) -> None:
        emit = queue.clock.emit
        _publish(queue, "c1")
        hands = {}
        for worker in ("anna", "bert"):
            [hands[worker]] = queue.receive(to=worker)
            emit("start", worker, "c1", attempt=hands[worker].attempt, copy=0)
            if worker == "anna":
                queue.wait(visibility_s + SLACK_S)
        for worker, given in hands.items():
            emit("effect", worker, "c1", key="encode c1", copy=0)
            queue.acknowledge(given.handle)

    return _run(engine, settings, work, {}, ("conservation", "depth adds up", "at least once", "at most once"))


def cycles(engine: str = "model", *, count: int = 1_000, body: str = "a night of video") -> int:
    """Send, receive and acknowledge `count` messages, one after the other, unrecorded; return how many."""
    queue, _ = _open(engine, Settings(), NO_TRACE)
    with queue:
        for number in range(count):
            queue.send(f"c{number}", body)
            [given] = queue.receive()
            queue.acknowledge(given.handle)
    return count


def _open(engine: str, settings: Settings, recorder: Recorder) -> tuple[Any, str]:
    require_choice("engine", engine, tuple(QUEUES))
    return QUEUES[engine](settings, recorder)


def _run(
    engine: str,
    settings: Settings,
    work: Callable[[AnyQueue], None],
    params: dict[str, Any],
    promises: tuple[str, ...],
) -> Trace:
    """Let `work` happen to one of the queues, and return its trace."""
    trace = Trace()
    queue, name = _open(engine, settings, trace)
    with queue:
        work(queue)
        end_us = queue.clock.now_us
    params = {**params, "engine": engine, "visibility_s": settings.visibility_s, "max_receives": settings.max_receives}
    trace.header = Header(
        scenario=work.__qualname__.partition(".")[0],
        engine=name,
        params=params,
        title=name,
        invariants={promise: {} for promise in promises},
        end_us=end_us,
    )
    return trace


def _publish(queue: AnyQueue, message: str) -> None:
    queue.clock.emit("publish", PHONE, message, attempt=1)
    answer = queue.send(message, "a night of video")
    if not isinstance(answer, Accepted):
        raise Misuse(f"{message} was not accepted but {answer}: a run gives each message once")
    queue.clock.emit("publish_ok", PHONE, message, attempt=1)
