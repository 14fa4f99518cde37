"""Who polls shares a shard's calls and bytes, and learns late; who is pushed to does not."""

from __future__ import annotations

import pytest

from dsys_lab.brokers.log_stream import Entry, FanOut, LogStream, Settings, Throttled
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.structures import Fsync, VolatileDisk
from dsys_lab.trace import Trace

S = 1_000_000
MIB = 1 << 20


def floor(*consumers, limits=True, **given):
    settings = Settings(record_max_bytes=10 * MIB, **({} if limits else {"limits": None}))
    stream = LogStream("nights", VolatileDisk(), settings, **given)
    fan_out = FanOut(stream)
    for consumer in consumers:
        fan_out.register(consumer)
        fan_out.subscribe(0, consumer, stream.iterator(0, "shard-000", "TRIM_HORIZON"))
    return stream, fan_out


def got(pushed):
    return {push.consumer: [record.message for record in push.page.records] for push in pushed if push.page}


def test_all_are_pushed_the_same_and_each_once():
    stream, fan_out = floor("a", "b")
    stream.put(1, Entry("m1", "k"))
    assert got(fan_out.push(1)) == {"a": ["m1"], "b": ["m1"]}
    assert fan_out.push(2) == []
    stream.put(3, Entry("m2", "k"))
    assert got(fan_out.push(3)) == {"a": ["m2"], "b": ["m2"]}


def test_nothing_is_pushed_before_it_is_durable():
    stream, fan_out = floor("a", fsync=Fsync(after_s=0.01))
    stream.put(0, Entry("m1", "k"))
    assert fan_out.push(5_000) == []
    stream.tick(10_000)
    assert got(fan_out.push(10_000)) == {"a": ["m1"]}


def test_twenty_subscribers_have_two_mebibytes_each_where_pollers_share_them():
    stream, fan_out = floor(*(f"c{n:02d}" for n in range(20)), limits=False)
    for number in range(12):
        stream.put(0, Entry(f"m{number}", "k", b"x" * (MIB - 1)))
    counts = []
    for now_us in (0, 1 * S, 2 * S, 3 * S, 4 * S, 5 * S):
        pushed = got(fan_out.push(now_us))
        assert len({tuple(messages) for messages in pushed.values()}) == 1
        counts.append((len(pushed), len(pushed["c00"])))
    assert counts == [(20, 2)] * 6
    with pytest.raises(Refused, match="20 at most"):
        fan_out.register("c20")


def test_the_share_of_calls_refused_is_that_of_the_law_and_pushes_are_not_counted():
    stream, fan_out = floor("pushed")
    readers, refused, calls = 8, 0, 0
    for tick in range(100 * readers):  # each polls once a second, one after the other
        now_us = tick * S // readers
        if tick % readers == 0:
            stream.put(now_us, Entry(f"m{tick}", "k"))
            assert got(fan_out.push(now_us)) == {"pushed": [f"m{tick}"]}
        answer = stream.read(now_us, stream.iterator(now_us, "shard-000", "LATEST"))
        refused, calls = refused + isinstance(answer, Throttled), calls + 1
    assert refused / calls == pytest.approx(1 - 5 / readers, abs=0.01)


def test_a_subscription_ends_and_is_made_anew_behind_what_came():
    stream, fan_out = floor("a")
    stream.put(1, Entry("m1", "k"))
    [push] = fan_out.push(1)
    assert fan_out.deadline_us(1) == 300 * S
    stream.put(300 * S, Entry("m2", "k"))
    assert [push.page and len(push.page.records) for push in fan_out.push(300 * S)] == [1, None]
    assert fan_out.status() == {"a": ()}
    stream.put(301 * S, Entry("m3", "k"))
    assert fan_out.push(301 * S) == []
    last = push.page.records[-1].sequence
    fan_out.subscribe(302 * S, "a", stream.iterator(302 * S, "shard-000", "AFTER_SEQUENCE_NUMBER", sequence=last))
    assert got(fan_out.push(302 * S)) == {"a": ["m2", "m3"]}


def test_to_subscribe_again_within_five_seconds_is_refused_and_later_takes_over():
    stream, fan_out = floor("a")
    again = stream.iterator(0, "shard-000", "TRIM_HORIZON")
    with pytest.raises(Refused, match="wait 5 s"):
        fan_out.subscribe(5 * S - 1, "a", again)
    stream.put(4 * S, Entry("m1", "k"))
    assert got(fan_out.push(4 * S)) == {"a": ["m1"]}
    fan_out.subscribe(5 * S, "a", again)
    assert got(fan_out.push(5 * S)) == {"a": ["m1"]}


def test_at_the_end_of_a_shard_the_subscriber_is_told_the_children():
    stream, fan_out = floor("a")
    stream.put(0, Entry("m1", "k"))
    stream.split(1, "shard-000")
    [push] = fan_out.push(1)
    assert (push.page.next, push.page.children) == (None, ("shard-001", "shard-002"))
    assert fan_out.status() == {"a": ()}


def test_who_owes_is_pushed_to_again_when_it_is_paid():
    stream, fan_out = floor("a", limits=False)
    stream.put(0, Entry("large", "k", b"x" * (6 * MIB - 1)))
    stream.put(0, Entry("next", "k"))
    assert got(fan_out.push(0)) == {"a": ["large"]}
    ready_us = fan_out.deadline_us(0)
    assert ready_us == pytest.approx(2 * S, abs=10)
    assert fan_out.push(ready_us - 10) == []
    assert got(fan_out.push(ready_us)) == {"a": ["next"]}


def test_only_the_registered_subscribe():
    stream, fan_out = floor("a")
    with pytest.raises(BadParameter, match="registered are a"):
        fan_out.subscribe(0, "b", stream.iterator(0, "shard-000", "LATEST"))
    fan_out.deregister("a")
    stream.put(0, Entry("m1", "k"))
    assert fan_out.push(0) == []


def test_a_push_leaves_a_row():
    trace = Trace()
    stream, fan_out = floor("a", recorder=trace)
    stream.put(3, Entry("m1", "k"))
    fan_out.push(3, arrive_us=70_003)
    [row] = [row for row in trace if row.kind == "read"]
    assert (row.place, row.fields["shard"], row.fields["count"], row.fields["arrive_us"]) == (
        "a", "nights/shard-000", 1, 70_003)
