"""Whenever the power goes, what a delivery stream accepted is delivered, set aside or expired, and nothing else."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import settings as run_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dsys_lab.brokers.delivery_stream import Accepted, DeliveryStream, Dropped, Entry, Failed, Ok, Settings
from dsys_lab.structures import PowerCut, VolatileDisk
from dsys_lab.trace import NO_TRACE, Trace

S = 1_000_000
SETTINGS = Settings(size_bytes=12, interval_s=20, hold_s=70, pause_s=5, retry_s=30, names="crate", limits=None)


def transform(records):
    return {
        record.number: Failed("x") if b"x" in record.data else Dropped() if b"-" in record.data
        else Ok(record.data.upper()) if b"u" in record.data else Ok(record.data)
        for record in records
    }  # fmt: skip


def opened(disk, recorder=NO_TRACE, **given):
    return DeliveryStream(
        "nights", disk, SETTINGS, transform=transform, partition_by=lambda data: f"city={data[:1].decode()}",
        segment_bytes=250, recorder=recorder, **given,
    )  # fmt: skip


class World:
    """Who puts, and where objects arrive; what it has seen outlives every crash of the stream."""

    def __init__(self):
        self.offered, self.accepted, self.objects, self.now_us = {}, set(), {}, 0

    def put(self, stream, now_us, *data):
        entries = []
        for one in data:
            message = f"m{len(self.offered)}"
            self.offered[message] = one
            stream.recorder.emit(now_us, "publish", "phone", message, attempt=1)
            entries.append(Entry(message, one))
        answers = stream.put_many(now_us, entries)
        self.accepted |= {answer.message for answer in answers if isinstance(answer, Accepted)}

    def carry(self, stream, now_us, up=("destination", "backup")):
        for attempt in stream.attempts(now_us):
            if attempt.to in up:
                self.objects[attempt.key] = attempt
                stream.delivered(now_us, attempt.number)
            else:
                stream.failed(now_us, attempt.number, "down")

    def arrived(self):
        return [message for attempt in self.objects.values() for message in attempt.messages]


def story(world, stream, now_us=0):
    """Put, reshape, drop, fail; a destination that is down, then its backup too, then both are up."""
    none, backup = (), ("backup",)
    script = [
        (0, lambda: world.put(stream, now_us, b"o-1", b"ou23456789", b"b1")),
        (1, lambda: world.carry(stream, now_us)), (5, lambda: world.put(stream, now_us, b"ox", b"b-", b"bu")),
        (25, lambda: world.carry(stream, now_us, none)), (30, lambda: world.carry(stream, now_us, none)),
        (31, lambda: world.put(stream, now_us, b"o12345678901", b"b2")),
        (60, lambda: world.carry(stream, now_us, none)), (62, lambda: world.carry(stream, now_us, backup)),
        (66, lambda: world.carry(stream, now_us, backup)), (110, lambda: stream.tick(now_us)),
        (111, lambda: world.put(stream, now_us, b"o9")), (140, lambda: world.carry(stream, now_us)),
        (150, lambda: world.carry(stream, now_us)),
    ]  # fmt: skip
    for at_s, act in script:
        world.now_us = now_us = at_s * S
        act()


def run_until_cut(disk, recorder=NO_TRACE):
    world, stream = World(), None
    try:
        stream = opened(disk, recorder)
        story(world, stream)
    except PowerCut:
        pass
    return world, stream, world.now_us


def steps():
    disk = VolatileDisk()
    run_until_cut(disk)
    return disk.steps


def check(world, stream, now_us):
    """After all is delivered, whatever was accepted is somewhere, once, and what it was."""
    up = now_us + 200 * S
    world.carry(stream, now_us + 30 * S)
    world.carry(stream, up)
    assert (stream.status().held, stream.status().filling) == (0, {})
    arrived = world.arrived()
    assert len(arrived) == len(set(arrived)), "names of crates: no object twice"
    for attempt in world.objects.values():
        if "failed/" in attempt.key:
            raws = [json.loads(line) for line in attempt.data.splitlines()]
            assert len(raws) == len(attempt.messages)
        else:
            sent = [world.offered[message] for message in attempt.messages]
            assert attempt.data == b"".join(one.upper() if b"u" in one else one for one in sent)
    return set(arrived)


@pytest.mark.parametrize("luck", [0.0, 0.5, 0.99])
def test_wherever_the_power_goes_nothing_accepted_is_lost(luck: float) -> None:
    chance = random.Random(7)
    for step in range(1, steps() + 1):
        disk = VolatileDisk(power_cut_before=step)
        world, before, now_us = run_until_cut(disk)
        disk.crash(chance=chance.random if luck == 0.5 else lambda: luck)
        stream = opened(disk, now_us=now_us)
        arrived = check(world, stream, now_us)
        told = stream.status()
        expired = told.expired + (before.status().expired if before else 0)
        missing = {message for message in world.accepted - arrived if b"-" not in world.offered[message]}
        assert len(missing) <= expired, f"cut before step {step}: {missing} went without a word"


def test_the_rows_of_both_lives_tell_what_became_of_each_record() -> None:
    for step in range(1, steps() + 1, 3):
        trace = Trace()
        disk = VolatileDisk(power_cut_before=step)
        world, before, now_us = run_until_cut(disk, trace)
        disk.crash(chance=lambda: 0.0)
        stream = opened(disk, trace, now_us=now_us, told_lsn=before.told_lsn if before else 0)
        check(world, stream, now_us)
        said = {row.message for row in trace if row.kind in {"filed", "set_aside", "expire", "drop"}}
        assert world.accepted <= said, f"cut before step {step}"
        assert len([row for row in trace if row.kind == "enqueue"]) == len({
            row.message for row in trace if row.kind == "enqueue"}), "each is told once"  # fmt: skip


@run_settings(max_examples=20, stateful_step_count=20, deadline=None)
class AnyOrder(RuleBasedStateMachine):
    """Any order of puts, deliveries, refusals, time and crashes: acked is delivered, told of, or still held."""

    @initialize()
    def begin(self):
        self.disk, self.world, self.now_us, self.over = VolatileDisk(), World(), 0, 0
        self.stream = opened(self.disk)

    @rule(data=st.lists(st.sampled_from([b"o1", b"ox", b"b-", b"bu2345", b"o12345678901"]), min_size=1, max_size=4))
    def put(self, data):
        self.world.put(self.stream, self.now_us, *data)

    @rule(seconds=st.integers(1, 30))
    def wait(self, seconds):
        self.now_us += seconds * S
        self.stream.tick(self.now_us)

    @rule(up=st.sampled_from([(), ("backup",), ("destination", "backup")]))
    def carry(self, up):
        self.world.carry(self.stream, self.now_us, up)

    @rule(luck=st.floats(0, 0.99))
    def crash(self, luck):
        self.over += self.stream.status().expired
        self.disk.crash(chance=lambda: luck)
        self.stream = opened(self.disk, now_us=self.now_us)

    @precondition(lambda self: hasattr(self, "stream"))
    @invariant()
    def all_is_somewhere(self):
        status, arrived = self.stream.status(), set(self.world.arrived())
        wanted = {m for m in self.world.accepted if b"-" not in self.world.offered[m]}
        filling = sum(status.filling.values())
        missing = wanted - arrived
        assert len(missing) <= status.held + self.over + status.expired + filling
        assert len(self.world.arrived()) == len(arrived)
        assert all(size < SETTINGS.size_bytes for size in status.filling.values())

    def teardown(self):
        if hasattr(self, "stream"):
            self.world.carry(self.stream, self.now_us + 21 * S)
            for more in range(1, 30):
                self.world.carry(self.stream, self.now_us + 21 * S + more * 6 * S)
            status = self.stream.status()
            assert (status.held, status.filling) == (0, {})


TestAnyOrder = AnyOrder.TestCase
