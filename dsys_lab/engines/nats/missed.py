"""Three ways to miss a message of NATS, none of which anybody is told of.

`killed_at_the_seam` kills a real worker, with SIGKILL, between its effect and its acknowledgement. `fallen_off` lets
JetStream's `max_age` take what a slow consumer has not read. `unheard` publishes where nobody is subscribed.

What each of them says to those concerned is nothing: the producer has its acknowledgement, the consumer no error. One
must ask: the stream's `first_seq` against the consumer's `ack_floor`, or the sender's numbers.

Sources: docs.nats.io, "JetStream: streams", "consumers: acknowledgement"; behaviour as measured with nats-server
2.15.1.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from dsys_lab.brokers.audit import Missing, SequenceGap
from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S, Connection, connection, settle
from dsys_lab.engines.nats.doomed_worker import DURABLE
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import MayHaveHappened, require_choice, require_positive
from dsys_lab.trace import Header, Trace

ORDERS: Final = ("acknowledge, then do", "do, then acknowledge")
STREAM, WORKER, PHONE = "pings", "worker", "phone"
ACK_WAIT_S: Final = 1.0
"""How long the server waits for an acknowledgement before it delivers again."""
WORKER_WITHIN_S: Final = 60.0
PROGRAM: Final = Path(__file__).with_name("doomed_worker.py")


@contextmanager
def _stream(nats: Connection, **settings: Any) -> Iterator[tuple[JetStreamContext, str]]:
    """Make a stream with one pull consumer, and remove both afterwards."""
    name, js = nats.new_name(), nats.client.jetstream(timeout=ANSWER_WITHIN_S)
    nats.call(js.add_stream(StreamConfig(name=name, subjects=[name], **settings)))
    nats.made(name, lambda: nats.call(js.delete_stream(name)))
    consumer = ConsumerConfig(durable_name=DURABLE, ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_WAIT_S)
    try:
        nats.call(js.add_consumer(name, consumer))
        yield js, name
    finally:
        nats.remove(name)


def killed_at_the_seam(order: str, *, messages: int = 6, dies_at: int = 3) -> Trace:
    """Let a worker process die at the seam of one message, and a second one take over.

    Parameters
    ----------
    order : str
        One of `ORDERS`: what the worker does first.
    messages, dies_at : int
        m1, m2 and so on; the number of the one at whose seam it is killed.

    Returns
    -------
    Trace
        In wall-clock microseconds: what the two workers said, and the kill as a `crash`.

    Raises
    ------
    MayHaveHappened
        If a worker does not come to its end.
    """
    require_choice("order", order, ORDERS)
    require_positive(messages=messages, dies_at=dies_at)
    nats, trace = connection(), Trace()
    clock = WallClock(trace)
    with _stream(nats) as (js, name):
        for number in range(1, messages + 1):
            clock.emit("publish", PHONE, f"m{number}", attempt=1)
            nats.call(js.publish(name, f"m{number}".encode()))
            clock.emit("enqueue", STREAM, f"m{number}", depth=number)
            clock.emit("publish_ok", PHONE, f"m{number}", attempt=1)
        told = {"addresses": nats.addresses, "stream": name, "acknowledges_first": order == ORDERS[0]}
        attempts: Counter[str] = Counter()
        _run_worker({**told, "dies_at": f"m{dies_at}"}, clock, attempts)
        clock.emit("crash", WORKER)
        time.sleep(2 * ACK_WAIT_S)  # what is not acknowledged is due again, and comes before what is new
        clock.emit("restart", WORKER)
        _run_worker({**told, "dies_at": ""}, clock, attempts)
    trace.header = Header(
        scenario="killed_at_the_seam", engine=nats.engine, title=f"{nats.engine}: {order}", end_us=clock.now_us,
        params={"order": order, "messages": messages, "dies_at": dies_at},
        invariants={"at most once": {}, "at least once": {}},
    )  # fmt: skip
    return trace


def _run_worker(told: dict[str, Any], clock: WallClock, attempts: Counter[str]) -> None:
    """Run a worker until it ends, or kill it at its seam; write a row for each of its words."""
    command = [sys.executable, "-P", str(PROGRAM)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:  # noqa: S603
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(json.dumps(told) + "\n")
            worker.stdin.flush()
            for line in worker.stdout:
                word, message = line.split()
                if word == "seam":
                    worker.kill()
                    break
                attempts[message] += word == "start"
                _tell(word, message, attempts[message], clock)
            worker.wait(WORKER_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            raise MayHaveHappened(f"the worker did not end within {WORKER_WITHIN_S:g} s: run again") from error
        finally:
            worker.kill()


def _tell(word: str, message: str, attempt: int, clock: WallClock) -> None:
    if word == "start":
        clock.emit("start", WORKER, message, attempt=attempt)
    elif word == "effect":
        clock.emit("effect", WORKER, message, key=message)
    else:
        clock.emit("ack", STREAM, message, handle=f"{message}.{attempt}", attempt=attempt)


# ------------------------------------------------------------------------------------------ too old
@dataclass(frozen=True, slots=True)
class FallenOff:
    """What a slow consumer found in a stream that keeps messages for a while only.

    Attributes
    ----------
    published : int
    acknowledged : int
        The consumer's `ack_floor`: all up to this number of the stream are acknowledged.
    first : int
        The stream's `first_seq`: what is below is gone.
    heard : tuple of int
        The numbers of all that it got.
    errors : int
        How many it was told of.
    seen : tuple of Missing
        What a `SequenceGap` says of the numbers that it got.
    """

    published: int
    acknowledged: int
    first: int
    heard: tuple[int, ...]
    errors: int
    seen: tuple[Missing, ...]

    @property
    def told(self) -> str:
        """What the consumer was told when it read on: "an error", or "nothing"."""
        return "an error" if self.errors else "nothing"

    def table(self) -> pd.DataFrame:
        """Return what each of those concerned knows."""
        missing = ", ".join(f"{gap.first} to {gap.last}" for gap in self.seen)
        return pd.DataFrame({
            "its numbers": {
                "the phone: published": f"1 to {self.published}",
                "the stream: begins at (first_seq)": f"{self.first}",
                "the consumer: heard": ", ".join(map(str, self.heard)),
                "the consumer: acknowledged up to (ack_floor)": f"{self.acknowledged}",
                "an audit of the numbers: missing": missing or "none",
            }
        })  # fmt: skip


def fallen_off(*, messages: int = 12, reads_first: int = 3, max_age_s: float = 1.0) -> FallenOff:
    """Read a few messages, be slow for longer than the stream keeps them, and read on.

    Parameters
    ----------
    messages, reads_first : int
        How many are published in the beginning, and read; three more come after the pause.
    max_age_s : float
        The stream's `max_age`.
    """
    require_positive(messages=messages, reads_first=reads_first, max_age_s=max_age_s)
    nats = connection()
    with _stream(nats, max_age=max_age_s) as (js, name):
        return nats.call(_fall_off(js, name, messages, reads_first, max_age_s))


async def _fall_off(js: JetStreamContext, name: str, messages: int, reads_first: int, max_age_s: float) -> FallenOff:
    gaps, heard = SequenceGap(), []
    consumer = await js.pull_subscribe_bind(DURABLE, name)

    async def read(count: int) -> None:
        for message in await consumer.fetch(count, timeout=ANSWER_WITHIN_S):
            await message.ack_sync()
            heard.append(int(message.data))
            gaps.observe(PHONE, int(message.data))

    for number in range(1, messages + 1):
        await js.publish(name, str(number).encode())
    await read(reads_first)
    await asyncio.sleep(max_age_s)
    while (await js.stream_info(name)).state.messages:  # noqa: ASYNC110  # nobody is told that something is gone
        await asyncio.sleep(0.1)
    acknowledged = (await js.consumer_info(name, DURABLE)).ack_floor.stream_seq
    for number in range(messages + 1, messages + 4):
        await js.publish(name, str(number).encode())
    first = (await js.stream_info(name)).state.first_seq
    errors = 0
    try:
        await read(3)
    except Exception:  # noqa: BLE001  # whatever it is told counts
        errors += 1
    return FallenOff(messages + 3, acknowledged, first, tuple(heard), errors, gaps.missing())


# ------------------------------------------------------------------------------------------ nobody there
def unheard(*, before: int = 5, after: int = 3) -> dict[str, int]:
    """Publish to core NATS while nobody is subscribed, subscribe, publish again; count what was heard."""
    require_positive(before=before, after=after)
    nats = connection()
    return nats.call(_unheard(nats, before, after))


async def _unheard(nats: Connection, before: int, after: int) -> dict[str, int]:
    name, heard = nats.new_name(), 0
    client = nats.client
    for _ in range(before):
        await client.publish(name, b"ping")
    await settle(client)
    subscription = await client.subscribe(name)
    for _ in range(after):
        await client.publish(name, b"ping")
    await settle(client)
    while subscription.pending_msgs:
        await subscription.next_msg(timeout=1)
        heard += 1
    await subscription.unsubscribe()
    return {"published": before + after, "heard": heard}
