"""What does NATS do with messages that are not consumed in time?

Three of the model's nine policies are a setting of JetStream, one is core NATS's own:

================  ==========================================  ===============================================
policy            engine                                      who is told
================  ==========================================  ===============================================
`unbounded`       a stream without a limit                    nobody, until the disk is full
`drop_oldest`     a stream, `max_msgs`, `discard: old`        nobody: the stream's first number has moved on
`reject`          a stream, `max_msgs`, `discard: new`        the producer, by error 10077
`drop_newest`     core NATS, a slow subscriber with           the subscriber's client, by a `SlowConsumerError`
                  `pending_msgs_limit`                        for each; the producer never
================  ==========================================  ===============================================

`StreamBuffer` (`stream`) and `SlowSubscriber` (`subscriber`) have the verbs of the model `Buffer`, `offer`, `take` and
`status`, and write its rows, stamped with real time. `jetstream_overflow` and `slow_subscriber` are whole runs.

What it does otherwise than the model, in full in `DIFFERENCES`:

- `sample`, `priority`, `deadline`, `lifo`, `block`: nothing stands in for them.
- `capacity`: a stream's limit also counts the messages that are lent to a worker.
- `take`: a message is lent until it is acknowledged; here that is at once.
- `drop_oldest`: nobody is told which message was dropped.
- `drop_newest`: one more is kept, in the handler's hand; and the producer is not told.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.brokers.overflow import Request
from dsys_lab.brokers.overflow_orders import burst
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.nats.connection import connection
from dsys_lab.engines.nats.stream import StreamBuffer
from dsys_lab.engines.nats.subscriber import SlowSubscriber
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import require_positive
from dsys_lab.trace import Header, Trace

DIFFERENCES: Final = (
    Difference(
        "sample",
        "none",
        "NATS never drops at random before it is full.",
        ("sample",),
    ),
    Difference(
        "priority",
        "none",
        "A stream keeps one order. Several streams, one a priority, stand in; who is dropped is then up to you.",
        ("priority",),
    ),
    Difference(
        "deadline",
        "none for a message's own deadline",
        "`max_age` ends messages by one age for the whole stream, whether or not somebody still wants the answer.",
        ("deadline",),
    ),
    Difference(
        "lifo",
        "none",
        "A consumer reads forwards only.",
        ("lifo",),
    ),
    Difference(
        "block",
        "none",
        "A full stream makes no producer wait: it refuses (`reject`), and to wait is the producer's own business.",
        ("block",),
    ),
    Difference(
        "capacity: those in service do not count",
        "`max_msgs` counts what is lent and not yet acknowledged",
        "Here `take` acknowledges at once, so the counts agree. A consumer that acknowledges after its work "
        "fills the stream with what it works on.",
    ),
    Difference(
        "take: the message has left",
        "a message is lent until it is acknowledged",
        "Here it is acknowledged when it is taken: a worker that dies then loses it, as in the model.",
    ),
    Difference(
        "drop_oldest: a `drop` row names the message",
        "JetStream tells nobody",
        "The row is found by looking at the stream's first sequence number after each offer.",
    ),
    Difference(
        "drop_newest: `capacity` wait",
        "core NATS: `pending_msgs_limit` wait, and one is in the handler's hand",
        "The client takes as soon as the handler is free, so one more is kept, as in the model once it has a consumer. "
        "A limit of 0 is no limit.",
    ),
    Difference(
        "drop_newest: the producer is told `DROPPED`",
        "core NATS tells only the subscriber's client",
        "Both ends are ours here, so `offer` can say what the producer would never learn.",
    ),
)
"""What the engine does otherwise than the model, as a table."""


# ------------------------------------------------------------------------------------------ whole runs
def jetstream_overflow(
    *, policy: str = "drop_oldest", capacity: int = 50, messages: int = 200, offers_per_take: int = 4
) -> Trace:
    """One `burst` against a JetStream stream.

    Parameters
    ----------
    policy : str
        One of `POLICIES`.
    capacity : int
        The stream's limit, in messages.

    Returns
    -------
    Trace
        In wall-clock microseconds since the start.
    """
    params = {"policy": policy, "capacity": capacity, "messages": messages, "offers_per_take": offers_per_take}
    trace = Trace(Header(scenario="jetstream_overflow", engine=connection().engine, params=params))
    trace.header.title = f"JetStream, {policy}"
    clock = WallClock(trace)
    with StreamBuffer("inbox", capacity=capacity, policy=policy, clock=clock) as buffer:
        burst(buffer, clock, messages=messages, offers_per_take=offers_per_take)
        trace.header.end_us = clock.now_us
    bounded = {} if policy == "unbounded" else {"bounded depth": {"depth_max": capacity}}
    trace.header.invariants = {"conservation": {}, "depth adds up": {}, **bounded, "nothing lost": {}}
    return trace


def slow_subscriber(*, pending_limit: int = 50, messages: int = 500) -> Trace:
    """A subscriber of core NATS that is busy with the first message while all the others arrive.

    Then it works on what its client has kept: `pending_limit` messages, and the one that it had in hand.

    Returns
    -------
    Trace
        In wall-clock microseconds since the start; each `drop` row was a `SlowConsumerError`.
    """
    require_positive(messages=messages)
    params = {"pending_limit": pending_limit, "messages": messages}
    trace = Trace(Header(scenario="slow_subscriber", engine=connection().engine, params=params))
    trace.header.title = f"core NATS, {pending_limit} may be pending"
    clock = WallClock(trace)
    with SlowSubscriber("inbox", pending_limit=pending_limit, clock=clock) as subscriber:
        for number in range(1, messages + 1):
            clock.emit("publish", "wearables", f"n{number}", attempt=1)
            subscriber.offer(Request(f"n{number}", offered_us=clock.now_us))
        while subscriber.take():
            pass
        trace.header.end_us = clock.now_us
    trace.header.invariants = {
        "conservation": {}, "depth adds up": {}, "bounded depth": {"depth_max": pending_limit}, "nothing lost": {},
    }  # fmt: skip
    return trace
