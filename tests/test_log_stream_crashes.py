"""Whenever the power goes, a log stream has what was durable, under the same numbers, and a split wholly or not."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from dsys_lab.brokers.log_stream import HASHES, Entry, LogStream, Settings
from dsys_lab.structures import EVERY_RECORD, NEVER, Fsync, PowerCut, VolatileDisk
from dsys_lab.trace import NO_TRACE, Trace, lamp

S = 1_000_000
SETTINGS = Settings(shards=2, retention_s=60, limits=None)
POLICIES = {
    "every record": EVERY_RECORD,
    "every third": Fsync(records=3),
    "every 4 s": Fsync(after_s=4),
    "never": NEVER,
}


def story(stream, now_us=0):
    """Put, split, merge, change the retention, let records and shards grow too old; give what each verb answered."""
    count = 0

    def put(*hashes):
        nonlocal count
        entries = []
        for hashed in hashes:
            entries.append(Entry(f"m{count}", f"k{count % 3}", b"x" * 30, hash_key=hashed * HASHES // 8))
            stream.recorder.emit(now_us, "publish", "phone", f"m{count}", attempt=1)
            count += 1
        return [(stored, entry) for stored, entry in zip(stream.put_many(now_us, entries), entries, strict=True)]

    script = [
        (0, lambda: put(0, 1, 4)), (2, lambda: put(2)), (4, lambda: put(7, 0, 0)), (5, lambda: put(1)),
        (6, lambda: stream.split(now_us, "shard-000")), (8, lambda: put(0, 3, 5)), (12, lambda: put(3, 3)),
        (14, lambda: stream.merge(now_us, "shard-003", "shard-001")), (16, lambda: put(0, 2, 3, 7)),
        (17, lambda: stream.tick(now_us)), (40, lambda: put(6, 6)), (62, lambda: put(1)),
        (63, lambda: stream.set_retention(now_us, 80)), (70, lambda: put(0, 5)), (90, lambda: stream.tick(now_us)),
        (150, lambda: put(0, 4)), (151, lambda: stream.tick(now_us)),
    ]  # fmt: skip
    for at_s, act in script:
        now_us = at_s * S
        yield now_us, act()


def opened(disk, policy, recorder=NO_TRACE, settings=SETTINGS, **given):
    return LogStream(
        "nights", disk, settings, fsync=POLICIES[policy], segment_bytes=200, recorder=recorder, **given
    )  # fmt: skip


def contents(stream, now_us):
    """Every record that can be read, by where it lies."""
    found = {}
    for shard in stream.shards():
        page = stream.read(now_us, stream.iterator(now_us, shard.name, "TRIM_HORIZON"))
        assert [record.sequence for record in page.records] == list(range(shard.first, shard.durable))
        found |= {(shard.name, record.sequence): record for record in page.records}
    return found


def steps_of(policy):
    disk = VolatileDisk()
    for _ in story(opened(disk, policy)):
        pass
    return disk.steps


def run_until_cut(disk, policy, recorder=NO_TRACE):
    """Tell the story until the power goes; return stream, answers, what was durable, and how far time had come."""
    stream, answered, durable = None, [], {}
    try:
        stream = opened(disk, policy, recorder)
        for now_us, answer in story(stream):
            answered.append((now_us, answer))
            puts = [put for _, said in answered if isinstance(said, list) for put in said]
            names = {shard.name for shard in stream.shards()}
            durable |= {stored: entry for stored, entry in puts if stored.shard in names and stream.is_durable(stored)}
    except PowerCut:
        pass
    return stream, answered, durable, stream._shards.now_us if stream else 0


@pytest.mark.parametrize("policy", POLICIES)
def test_wherever_the_power_goes_what_was_durable_is_there_and_shards_are_whole(policy):
    steps, lost, seen_maps = steps_of(policy), 0, set()
    for step in range(steps + 1):
        disk = VolatileDisk(power_cut_before=step)
        _, answered, durable, now_us = run_until_cut(disk, policy)
        disk.crash(random.Random(step).random)
        stream = opened(disk, policy, now_us=now_us)
        shards = stream.shards()
        seen_maps.add(tuple((shard.name, shard.is_open) for shard in shards))
        ranges = sorted(shard.keys for shard in shards if shard.is_open)
        assert (ranges[0].low, ranges[-1].high) == (0, HASHES)
        assert all(low.high == high.low for low, high in pairwise(ranges)), f"step {step}: keys without a shard"
        children = {name for _, answer in answered if type(answer) in (str, tuple) for name in
                    ((answer,) if isinstance(answer, str) else answer)}
        gone_shards = {"shard-000", "shard-001", "shard-003"} if now_us >= 94 * S else set()
        assert children <= {shard.name for shard in shards} | gone_shards, f"step {step}: a split was forgotten"
        files = {name.partition(".")[0] for name in disk.names()}
        assert files == {"map", *(shard.name for shard in shards)}, f"step {step}: files that belong to nobody"
        there = contents(stream, now_us)
        for stored, entry in durable.items():
            record = there.get(tuple(stored))
            if record is None:
                put_us = next(us for us, said in answered if isinstance(said, list) and (stored, entry) in said)
                assert put_us + 60 * S <= now_us, f"step {step}: {entry.message} is lost"
            else:
                assert (record.message, record.key, record.data) == (entry.message, entry.key, entry.data)
        puts = [stored for _, said in answered if isinstance(said, list) for stored, _ in said]
        lost += sum(stored not in durable and tuple(stored) not in there for stored in puts)
        again = stream.put(now_us, Entry("after", "k", hash_key=0))
        stream.sync(now_us)
        assert contents(stream, now_us)[tuple(again)].message == "after"
    assert bool(lost) == (policy != "every record"), "a lazy policy must be seen to lose"
    assert len(seen_maps) >= 4, "the story meets a split, a merge and shards that go"


@pytest.mark.parametrize("policy", ["every record", "every third"])
def test_the_rows_of_a_run_with_a_crash_keep_the_books(policy):
    for step in range(steps_of(policy) + 1):
        disk, trace = VolatileDisk(power_cut_before=step), Trace()
        stream, *_ = run_until_cut(disk, policy, trace)
        disk.crash(random.Random(step).random)
        told, now_us = (stream.told if stream else None), trace.end_us
        stream = opened(disk, policy, trace, told=told, now_us=now_us)
        assert lamp(trace, "conservation").held, f"power cut before step {step}"
        said = [(row.fields["shard"], row.fields["offset"]) for row in trace if row.kind == "append"]
        assert len(said) == len(set(said)), f"power cut before step {step}: told twice"
        assert set(contents(stream, now_us)) <= set(said), f"power cut before step {step}: never told"


def test_a_second_crash_at_every_step_of_a_recovery_takes_nothing_either():
    disk = VolatileDisk(power_cut_before=60)
    *_, durable, now_us = run_until_cut(disk, "every record")
    disk.crash(random.Random(1).random)
    image = disk
    for step in range(40):
        disk = copied(image, power_cut_before=step)
        try:
            opened(disk, "every record", now_us=now_us)
        except PowerCut:
            pass
        else:
            assert step, "a recovery writes something"
        disk.crash(random.Random(step).random)
        there = contents(opened(disk, "every record", now_us=now_us), now_us)
        assert {tuple(stored) for stored in durable} <= set(there)


def copied(disk, *, power_cut_before):
    """A disk with the same durable files."""
    copy = VolatileDisk()
    for name in disk.names():
        copy.append(name, disk.read(name))
        copy.sync(name)
    copy.sync_names()
    copy.power_cut_before = copy.steps + power_cut_before
    return copy
