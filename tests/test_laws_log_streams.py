"""The laws of a log stream: each against its figure, its domain, and what the room counts."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest

from dsys_lab import laws
from dsys_lab.brokers.log_stream import (
    Consumer,
    Entry,
    LeaseTable,
    Limits,
    LogStream,
    Settings,
    Stored,
    Throttled,
    finish,
)
from dsys_lab.errors import BadParameter
from dsys_lab.structures import Fsync, VolatileDisk
from dsys_lab.trace import Trace

S = 1_000_000
MIB = 1 << 20


@pytest.mark.parametrize(("law", "figure"), [
    (lambda: laws.polling_delay_s(1), 0.5),
    (lambda: laws.polls_refused(5, 1), 0),
    (lambda: laws.polls_refused(6, 1), 1 / 6),
    (lambda: laws.polls_refused(5, 0.2), 0.8),
    (lambda: laws.pollers_most(MIB, 1), 2),
    (lambda: laws.pollers_most(1_000, 1), 5),
    (lambda: laws.pollers_most(1_000, 0.2), 1),
    (lambda: laws.usable_share([0.25] * 4), 1),
    (lambda: laws.usable_share([0.7, 0.1, 0.1, 0.1]), 1 / 2.8),
    (lambda: laws.shards_needed(1_000, 0), 1),
    (lambda: laws.shards_needed(1_001, 0), 2),
    (lambda: laws.shards_needed(100, 10 * MIB), 10),
    (lambda: laws.shards_needed(0, 0), 1),
    (lambda: laws.repeated_after_crash(100), 49.5),
    (lambda: laws.missed_after_crash(100), 50.5),
    (lambda: laws.takeover_most_s(10, 1), 12),
    (lambda: laws.records_a_sync(1_000, 0.01), 11),
])  # fmt: skip
def test_a_law_gives_its_figure(law, figure):
    assert law() == pytest.approx(figure)


@pytest.mark.parametrize("wrong", [
    lambda: laws.polling_delay_s(0),
    lambda: laws.polls_refused(0, 1),
    lambda: laws.pollers_most(0, 1),
    lambda: laws.usable_share([0.5, 0.4]),
    lambda: laws.usable_share([1.5, -0.5]),
    lambda: laws.usable_share([]),
    lambda: laws.shards_needed(-1, 0),
    lambda: laws.repeated_after_crash(0),
    lambda: laws.missed_after_crash(0),
    lambda: laws.takeover_most_s(0, 1),
    lambda: laws.records_a_sync(-1, 1),
])  # fmt: skip
def test_outside_its_domain_a_law_says_so(wrong):
    with pytest.raises(BadParameter):
        wrong()


# ------------------------------------------------------------------------------------------ held against the room
def made(shards=1, **given):
    fsync = {"fsync": given.pop("fsync")} if "fsync" in given else {}
    return LogStream("nights", VolatileDisk(), Settings(shards=shards, **{"limits": None, **given}), **fsync)


def within_three_errors(found, law):
    mean = math.fsum(found) / len(found)
    error = math.sqrt(math.fsum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))
    assert abs(mean - law) <= 3 * error + 1e-9, f"{mean:.4f} against {law:.4f}, a standard error is {error:.4f}"


def test_a_poller_learns_half_an_interval_late():
    rng, stream, waited = Random(1), made(), []
    position = stream.iterator(0, "shard-000", "LATEST")
    times = sorted(rng.random() * 400 for _ in range(1_500))
    for second in range(1, 401):
        while times and times[0] < second:
            stream.put(int(times.pop(0) * 1e6), Entry("m", "k"))
        page = stream.read(second * S, position)
        position = page.next
        waited += [second - record.arrived_us / 1e6 for record in page.records]
    assert len(waited) == 1_500
    within_three_errors(waited, laws.polling_delay_s(1))


@pytest.mark.parametrize(("readers", "every_s"), [(4, 1), (6, 1), (10, 1), (2, 0.2)])
def test_the_share_of_polls_that_are_refused(readers, every_s):
    stream, calls, refused = made(limits=Limits()), 0, 0
    for turn in range(300):
        for reader in range(readers):
            now_us = int((turn + reader / readers) * every_s * S)
            answer = stream.read(now_us, stream.iterator(now_us, "shard-000", "LATEST"))
            calls, refused = calls + 1, refused + isinstance(answer, Throttled)
    saved_up = 5  # calls of the second that the bucket holds at the beginning
    assert abs(refused / calls - laws.polls_refused(readers, every_s)) <= saved_up / calls + 1e-9


def test_two_who_poll_keep_up_with_a_full_shard_and_a_third_does_not():
    for readers in (2, 3):
        stream = made(limits=Limits(write_bytes=1_000, read_bytes=2_000))
        positions = [stream.iterator(0, "shard-000", "LATEST")] * readers
        behind = []
        for second in range(1, 40):
            stream.put(second * S, Entry("m", "k", b"x" * 999))
            for number in range(readers):
                now_us = second * S + number * S // readers
                answer = stream.read(now_us, positions[number])
                positions[number] = positions[number] if isinstance(answer, Throttled) else answer.next
            behind.append(stream.status().shards[0].end - min(position.sequence for position in positions))
        assert (max(behind[20:]) <= 1) == (readers <= laws.pollers_most(1_000, 1, read_bytes=2_000))


@pytest.mark.parametrize(("over", "throttles"), [(0.97, False), (1.1, True)])
def test_the_hottest_shard_decides_how_much_all_can_take(over, throttles):
    shards, limit = 8, 50
    keys = [f"cart-{number}" for number in range(200)]
    weights = [1 / rank for rank in range(1, 201)]
    probe, load = made(shards), Counter()
    for key, weight in zip(keys, weights, strict=True):
        load[probe.put(0, Entry("m", key)).shard] += weight / sum(weights)
    usable = laws.usable_share([load[shard.name] for shard in probe.shards()])
    assert usable < 0.7
    stream, throttled = made(shards, limits=Limits(write_records=limit)), Counter()
    offered, carry = over * usable * shards * limit, [0.0] * len(keys)
    for tick in range(200):  # every key at its steady rate, a tenth of a second at a time
        for number, key in enumerate(keys):
            carry[number] += offered * weights[number] / sum(weights) / 10
            while carry[number] >= 1:
                carry[number] -= 1
                answer = stream.put(tick * S // 10, Entry("m", key))
                throttled[answer.shard] += isinstance(answer, Throttled)
    hottest = max(load, key=load.get)
    assert +throttled == ({hottest: throttled[hottest]} if throttles else {})
    assert bool(throttled[hottest]) == throttles


@pytest.mark.parametrize(("order", "law"), [
    ("effect first", laws.repeated_after_crash), ("commit first", laws.missed_after_crash)])
def test_what_a_crash_repeats_or_misses(order, law):
    every, records, found = 20, 100, []
    stream = made()
    for number in range(records):
        stream.put(0, Entry(f"m{number}", "k"))
    rng, now_us = Random(3), 0
    for _ in range(120):
        table, done = LeaseTable("g", VolatileDisk()), Counter()

        def effect(_now_us, record, _lease, done=done):
            done[record.message] += 1

        now_us, crash_at = now_us + 20 * S, rng.randrange(records)
        turn = Consumer("w1", stream, table, effect, checkpoint_every=every, order=order).turn(now_us)
        step = next(turn)
        while (step.what, step.sequence) != ("start", crash_at):
            step = turn.send(now_us)
        heir = Consumer("w2", stream, table, effect, checkpoint_every=every, order=order)
        finish(heir.turn(now_us), now_us)
        now_us += 10 * S
        finish(heir.turn(now_us), now_us)
        found.append(sum(done.values()) - len(done) if order == "effect first" else records - len(done))
    within_three_errors(found, law(every))


def test_a_dead_workers_shard_is_taken_over_within_the_law_and_not_before_its_lease_is_over():
    rng, found = Random(4), []
    for _ in range(30):
        stream, table = made(), LeaseTable("g", VolatileDisk())
        one, two = (Consumer(name, stream, table, lambda *_: None, lease_s=10) for name in ("w1", "w2"))
        dies_us, phase_us = int((20 + rng.random()) * S), int(rng.random() * S)
        turns = [(second * S + phase_us * (worker is two), worker) for second in range(60) for worker in (one, two)]
        for now_us, worker in sorted(turns, key=lambda turn: turn[0]):
            if worker is two or now_us < dies_us:
                finish(worker.turn(now_us), now_us)
            if table.leases()[0].owner == "w2" and now_us >= dies_us:
                found.append((now_us - dies_us) / 1e6)
                break
    assert len(found) == 30
    assert 10 - 1 <= min(found) <= max(found) <= laws.takeover_most_s(10, 1)


def test_one_sync_serves_one_record_and_those_that_came_in_its_window():
    rng, now_s, trace = Random(5), 0.0, Trace()
    stream = LogStream("nights", VolatileDisk(), Settings(limits=None), fsync=Fsync(after_s=0.01), recorder=trace)
    for _ in range(4_000):
        now_s += rng.expovariate(400)
        while (due_us := stream.deadline_us()) is not None and due_us <= now_s * 1e6:
            stream.tick(due_us)
        assert isinstance(stream.put(int(now_s * 1e6), Entry("m", "k")), Stored)
    batches = Counter(row.time_us for row in trace if row.kind == "append")
    within_three_errors(list(batches.values()), laws.records_a_sync(400, 0.01))
