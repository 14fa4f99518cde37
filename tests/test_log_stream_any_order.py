"""Any verbs in any order, with time, splits, merges and power cuts among them: the stream is what forty lines say."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.brokers.log_stream import HASHES, Entry, LogStream, Settings
from dsys_lab.structures import Fsync, PowerCut, VolatileDisk
from dsys_lab.trace import Trace, lamp

S = 1_000_000
RETENTION_US, GROUP = 40 * S, Fsync(records=2)
EIGHTH = HASHES // 8


class Reference:
    """The stream in a list: shards with what they had, searched from end to end at each question."""

    def __init__(self):
        self.now_us, self.count = 0, 0
        self.shards = {"shard-000": [0, 8, 0, None, []]}  # from and to eighth, first number, closed, (message, when)

    def of(self, eighth):
        return next(name for name in self.open() if self.shards[name][0] <= eighth < self.shards[name][1])

    def put(self, eighth, message):
        name = self.of(eighth)
        self.shards[name][4].append((message, self.now_us))
        return name, self.shards[name][2] + len(self.shards[name][4]) - 1

    def open(self):
        return [name for name, shard in sorted(self.shards.items(), key=lambda item: item[1][0]) if shard[3] is None]

    def replace(self, parents, ranges):
        begin = max(self.shards[name][2] + len(self.shards[name][4]) for name in parents)
        for name in parents:
            self.shards[name][3] = self.now_us
        names = [f"shard-{self.count + 1 + number:03d}" for number in range(len(ranges))]
        self.count += len(ranges)
        self.shards |= {name: [low, high, begin, None, []] for name, (low, high) in zip(names, ranges, strict=True)}
        return names

    def readable(self, name):
        begin, records = self.shards[name][2], self.shards[name][4]
        young = self.now_us - RETENTION_US
        return [(begin + n, message) for n, (message, when) in enumerate(records) if when > young]

    def wait(self, us):
        self.now_us += us
        for name in [n for n, s in self.shards.items() if s[3] is not None and s[3] + RETENTION_US <= self.now_us]:
            del self.shards[name]


class AnyOrder(RuleBasedStateMachine):
    @initialize()
    def open(self):
        self.disk, self.trace, self.reference, self.sent = VolatileDisk(), Trace(), Reference(), 0
        self.stream = self.opened(Settings(retention_s=RETENTION_US / S, limits=None))

    def opened(self, given=None, told=None):
        return LogStream(
            "nights", self.disk, given, fsync=GROUP, segment_bytes=150, recorder=self.trace, told=told,
            now_us=self.reference.now_us,
        )  # fmt: skip

    @property
    def now_us(self):
        return self.reference.now_us

    def entries(self, eighths):
        for eighth in eighths:
            self.sent += 1
            self.trace.emit(self.now_us, "publish", "phone", f"m{self.sent}", attempt=1)
            yield Entry(f"m{self.sent}", f"k{eighth}", b"x" * self.sent, hash_key=eighth * EIGHTH)

    @rule(eighths=st.lists(st.integers(0, 7), min_size=1, max_size=4))
    def put(self, eighths):
        entries = list(self.entries(eighths))
        answers = self.stream.put_many(self.now_us, entries)
        told = [self.reference.put(eighth, entry.message) for eighth, entry in zip(eighths, entries, strict=True)]
        assert [tuple(answer) for answer in answers] == told

    @rule(pick=st.integers(0, 20), share=st.integers(1, 7))
    def split(self, pick, share):
        names = self.reference.open()
        name = names[pick % len(names)]
        low, high = self.reference.shards[name][:2]
        if high - low > 1:
            at = low + 1 + share % (high - low - 1) if high - low > 2 else low + 1
            told = self.reference.replace([name], [(low, at), (at, high)])
            assert list(self.stream.split(self.now_us, name, at * EIGHTH)) == told

    @rule(pick=st.integers(0, 20))
    def merge(self, pick):
        names = self.reference.open()
        if len(names) > 1:
            first = pick % (len(names) - 1)
            pair = names[first : first + 2]
            [told] = self.reference.replace(
                pair, [(self.reference.shards[pair[0]][0], self.reference.shards[pair[1]][1])]
            )
            assert self.stream.merge(self.now_us, *reversed(pair)) == told

    @rule(us=st.sampled_from([1, S, 15 * S, 40 * S]))
    def wait(self, us):
        self.reference.wait(us)
        self.stream.tick(self.now_us)

    @rule(seed=st.integers(0, 99), eighths=st.lists(st.integers(0, 7), min_size=1, max_size=3), steps=st.integers(0, 9))
    def power_goes_during_a_put(self, seed, eighths, steps):
        """What was durable stays; of the rest each shard keeps its first few, wherever it was cut."""
        entries = list(self.entries(eighths))
        durable = {shard.name: shard.durable for shard in self.stream.shards()}
        for eighth, entry in zip(eighths, entries, strict=True):
            self.reference.put(eighth, entry.message)
        self.disk.power_cut_before = self.disk.steps + steps
        try:
            self.stream.put_many(self.now_us, entries)
        except PowerCut:
            pass
        else:
            durable |= {shard.name: shard.durable for shard in self.stream.shards()}
        told = self.stream.told
        self.disk.crash(random.Random(seed).random)
        self.stream = self.opened(told=told)
        for shard in self.stream.shards():
            assert shard.durable >= durable[shard.name]
            records = self.reference.shards[shard.name][4]
            assert shard.end - self.reference.shards[shard.name][2] <= len(records)
            del records[shard.end - self.reference.shards[shard.name][2] :]

    @invariant()
    def everybody_reads_what_is_durable_and_young(self):
        if not hasattr(self, "stream"):
            return
        shards = {shard.name: shard for shard in self.stream.shards()}
        assert list(shards) == list(self.reference.shards)
        for name, shard in shards.items():
            page = self.stream.read(self.now_us, self.stream.iterator(self.now_us, name, "TRIM_HORIZON"))
            found = [(record.sequence, record.message) for record in page.records]
            assert found == [told for told in self.reference.readable(name) if told[0] < shard.durable]
            assert shard.is_open == (self.reference.shards[name][3] is None)

    def teardown(self):
        if hasattr(self, "trace"):
            self.stream.sync(self.now_us)
            lost_at_a_crash = {row.message for row in self.trace if row.kind == "publish"} - {
                row.message for row in self.trace if row.kind == "append"}
            rows = [row for row in self.trace if row.message not in lost_at_a_crash]
            assert lamp(rows, "conservation").held


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
