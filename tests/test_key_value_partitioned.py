"""The table in partitions: prices, refusals, cuts, indexes that lag, changes; and any order of calls against a dict."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned import (
    Compare,
    ConditionFailed,
    Exists,
    GlobalIndex,
    KeySchema,
    LocalIndex,
    PartitionedTable,
    Range,
    Settings,
    SplitPolicy,
    Throttled,
    Update,
)
from dsys_lab.stores.key_value.partitioned.verbs import pages
from dsys_lab.trace import Trace

SECOND = 1_000_000
NIGHTS = KeySchema("person", "night")
BY_CITY = GlobalIndex("by_city", KeySchema("city"), write_rate=10, mode="static", delay_us=50_000, backlog_max=20)


def night(person, day=1, **more):
    return {"person": str(person), "night": f"{day:02d}", **more}


def everything(table, now_us=0):
    return sorted((item["person"], item["night"]) for page in pages(table.scan, now_us) for item in page.items)


# ------------------------------------------------------------------------------------------ refusals
def test_a_refused_write_did_not_happen_and_says_which_of_the_two_limits_it_was():
    table = PartitionedTable("nights", NIGHTS, Settings(write_rate=2000, write_limit=3))
    for n in range(3):
        table.put(0, night(n))
    with pytest.raises(Throttled, match="try later") as told:
        table.put(0, night(4))
    assert told.value.reason == "TableWriteKeyRangeThroughputExceeded"
    promise = PartitionedTable("nights", NIGHTS, Settings(write_rate=3, mode="static"))
    for n in range(3):
        promise.put(0, night(n))
    with pytest.raises(Throttled) as told:
        promise.put(0, night(4))
    assert told.value.reason == "TableWriteProvisionedThroughputExceeded"
    assert everything(table) == everything(promise) == [(str(n), "01") for n in range(3)]
    assert promise.put(SECOND, night(4)).units == 1


def test_a_condition_that_does_not_hold_is_paid_nevertheless():
    table = PartitionedTable("nights", NIGHTS, Settings(write_rate=10, write_limit=10))
    table.put(0, night(1, note="x" * 3000))
    with pytest.raises(ConditionFailed):
        table.put(0, night(1), condition=~Exists("person"))
    assert table.status().units("writes") == 6


def test_time_does_not_run_back():
    table = PartitionedTable("nights", NIGHTS)
    table.put(10, night(1))
    with pytest.raises(BadParameter, match="runs back"):
        table.get(9, night(1))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda t: t.query(0, 17), "takes a string"),
        (lambda t: t.query(0, "17", Range(low=3)), "of kind S"),
        (lambda t: t.query(0, "17", limit=0), "1 item or more"),
        (lambda t: Range(low="a", prefix="b"), "one or the other"),
        (lambda t: t.get(0, {"person": "17"}), "'night' is missing"),
        (lambda t: t.scan(0, start="x"), "`next`"),
        (lambda t: t.get(0, night(1), replica=3), "0 to 2"),
        (lambda t: t.changes(0, after=-2), "-1 or the last"),
        (lambda t: t.partitions.split(0, t.partitions[0], 0, "mood"), "above 0"),
        (lambda t: Settings(partitions=0), "partitions = 0"),
        (lambda t: Settings(mode="x"), "static"),
        (lambda t: Settings(local_indexes=(LocalIndex("i", "a"),) * 2), "a name of its own"),
        (lambda t: Settings(local_indexes=tuple(LocalIndex(f"i{n}", "a") for n in range(6))), "at most 5 and 20"),
        (
            lambda t: PartitionedTable("t", KeySchema("p"), Settings(local_indexes=(LocalIndex("i", "a"),))),
            "no sort key",
        ),
        (lambda t: GlobalIndex("i", KeySchema("p"), backlog_max=0), "backlog_max"),
        (lambda t: GlobalIndex("i", KeySchema("p"), mode="x"), "static"),
    ],
)
def test_what_is_no_call_is_refused(wrong, says):
    with pytest.raises(BadParameter, match=says):
        wrong(PartitionedTable("nights", NIGHTS))


def test_an_index_key_of_another_kind_is_refused_before_anything_is_written():
    table = PartitionedTable("nights", NIGHTS, Settings(global_indexes=(BY_CITY,)))
    with pytest.raises(BadParameter, match="city = 7"):
        table.put(0, night(1, city=7))
    assert everything(table) == []


# ------------------------------------------------------------------------------------------ cuts
def test_a_partition_that_grows_too_large_is_cut_and_keeps_everything():
    table = PartitionedTable("nights", NIGHTS, Settings(split=SplitPolicy(size_bytes_max=2000), split_every_s=1))
    for n in range(100):
        table.put(n * 100_000, night(n, note="x" * 40))
    table.tick(20 * SECOND)
    status = table.status()
    assert len(status.partitions) >= 4
    assert max(partition.size_bytes for partition in status.partitions) <= 2000
    assert [p.first for p in status.partitions[1:]] == [p.end for p in status.partitions[:-1]]
    assert everything(table, 20 * SECOND) == sorted((str(n), "01") for n in range(100))


def test_a_hot_partition_is_cut_until_the_hot_key_is_alone_and_there_it_ends():
    def passed(split):
        table = PartitionedTable(
            "nights", NIGHTS, Settings(write_rate=1000, write_limit=50, split=split, split_every_s=2, saved=0)
        )
        loads, last = {f"cool {n}": 4 for n in range(20)} | {"hot": 80}, 0
        for second in range(12):
            asked = [person for person, load in loads.items() for _ in range(load)]
            for turn, person in enumerate(asked):
                with suppress(Throttled):
                    table.put(second * SECOND + turn * SECOND // len(asked), night(person))
                    last += second >= 10
        return table, last / 2

    whole, before = passed(None)
    cut, after = passed(SplitPolicy(heat=0.8))
    assert len(whole.status().partitions) == 1
    assert before == pytest.approx(50, abs=2)
    hot = NIGHTS.collection_of("hot").position
    [alone] = [partition for partition in cut.partitions if partition.first <= hot < partition.end]
    assert {key.partition for key, _ in alone.group.require_quorum().items} == {"hot"}
    assert after == pytest.approx(50 + 80, abs=6)  # the hot key at its limit, the others at what they ask


def test_what_is_on_its_way_is_not_cut():
    table = PartitionedTable("nights", NIGHTS, lag=lambda follower: 1000)
    table.put(0, night(1))
    with pytest.raises(Refused, match="on their way"):
        table.partitions.split(0, table.partitions[0], 1 << 63, "a wish")
    table.tick(1000)
    table.partitions.split(1000, table.partitions[0], 1 << 63, "a wish")
    assert everything(table, 1000) == [("1", "01")]


# ------------------------------------------------------------------------------------------ indexes
def in_city(table, now_us, city):
    return sorted(item["person"] for page in pages(table.query, now_us, city, index="by_city") for item in page.items)


def test_a_global_index_lags_by_its_delay():
    table = PartitionedTable("nights", NIGHTS, Settings(global_indexes=(BY_CITY,)))
    table.put(0, night(1, city="Oslo"))
    assert in_city(table, 49_999, "Oslo") == []
    assert in_city(table, 50_000, "Oslo") == ["1"]


def test_an_index_that_cannot_follow_stops_the_writers_and_catches_up():
    table = PartitionedTable("nights", NIGHTS, Settings(global_indexes=(BY_CITY,)))
    taken, reasons = [], []
    for n in range(400):  # 50 a second for 8 seconds, and the index does 10
        try:
            table.put(n * SECOND // 50, night(n, city="Oslo"))
            taken.append(str(n))
        except Throttled as told:
            reasons.append(told.reason)
    assert {*reasons} == {"IndexWriteProvisionedThroughputExceeded"}
    assert len(reasons) == pytest.approx(
        400 - 80 - 20 - 10, abs=3
    )  # it did 10 a second and one second's burst, 20 wait
    assert table.status().backlogs == {"by_city": 20}
    table.tick(8 * SECOND)
    table.tick(11 * SECOND)
    assert in_city(table, 11 * SECOND, "Oslo") == sorted(taken)
    assert in_city(table, 11 * SECOND, "Oslo") == sorted(
        item["person"] for p in pages(table.scan, 11 * SECOND) for item in p.items
    )


def test_a_change_costs_the_index_one_write_two_if_its_key_changes_and_none_if_nothing_does():
    spec = GlobalIndex("by_city", KeySchema("city"), include=("minutes",))
    table = PartitionedTable("nights", NIGHTS, Settings(global_indexes=(spec,)))

    def units(call):
        before = sum(use.passed for use in table.indexes["by_city"].writes.status().values())
        call()
        return sum(use.passed for use in table.indexes["by_city"].writes.status().values()) - before

    assert units(lambda: table.put(0, night(1, city="Oslo", minutes=1))) == 1
    assert units(lambda: table.update(0, night(1), Update(set={"note": "not kept"}))) == 0
    assert units(lambda: table.update(0, night(1), Update(set={"minutes": 2}))) == 1
    assert units(lambda: table.update(0, night(1), Update(set={"city": "Lagos"}))) == 2
    assert units(lambda: table.update(0, night(1), Update(remove=["city"]))) == 1
    assert units(lambda: table.put(0, night(2))) == 0


def test_a_local_index_is_paid_with_the_item_and_bounds_the_collection():
    table = PartitionedTable(
        "nights", NIGHTS, Settings(local_indexes=(LocalIndex("long", "minutes"),), collection_bytes_max=100)
    )
    assert table.put(0, night(1, minutes=1)).units == 2
    assert table.put(0, night(2)).units == 1
    for day in range(2, 5):
        table.put(0, night(1, day, minutes=day))
    with pytest.raises(Refused, match="one partition"):
        table.put(0, night(1, 5, minutes=5))
    assert table.put(0, night(3, minutes=1)).units == 2


# ------------------------------------------------------------------------------------------ the stream
def test_a_change_is_gone_after_a_day_and_who_missed_it_is_told():
    table = PartitionedTable("nights", NIGHTS)
    table.put(0, night(1))
    table.put(3600 * SECOND, night(2))
    table.put(3600 * SECOND, night(2))  # changes nothing, leaves no record
    assert [change.number for change in table.changes(3600 * SECOND)] == [0, 1]
    later = 24 * 3600 * SECOND
    with pytest.raises(Refused, match="0 to 0 are gone"):
        table.changes(later)
    assert [change.number for change in table.changes(later, after=0)] == [1]


def test_a_write_is_in_the_stream_when_it_is_committed_also_by_an_election():
    table = PartitionedTable("nights", NIGHTS, lag=lambda follower: 100)
    written = table.put(0, night(1))
    partition = table.partitions[0]
    assert (written.commits_us, table.is_committed(written), table.changes(50)) == (100, False, [])
    partition.group.replicas[1].append(50, partition.group.replicas[0].journal[0])
    table.crash(60, partition, 0)
    table.elect(70, partition)
    assert table.is_committed(written)
    assert len(table.changes(80)) == 1
    table.restart(90, partition, 0)
    assert len(table.changes(500)) == 1


# ------------------------------------------------------------------------------------------ the same with any recorder
def test_the_recorder_changes_nothing_and_every_row_is_in_the_vocabulary():
    def run(recorder=None):
        given = {} if recorder is None else {"recorder": recorder}
        table = PartitionedTable(
            "nights",
            NIGHTS,
            Settings(
                partitions=2,
                write_rate=20,
                split=SplitPolicy(heat=0.1),
                split_every_s=1,
                write_limit=15,
                saved=0,
                global_indexes=(BY_CITY,),
            ),
            lag=lambda follower: 700,
            **given,
        )
        for n in range(200):
            with suppress(Throttled):
                table.put(n * 20_000, night(n % 9, city="Oslo", n=n), message=f"m{n}")
        table.tick(20 * SECOND)
        return table.status()

    trace = Trace()
    assert run() == run(trace)
    assert {"consume", "reject", "shard", "apply", "log_sync"} <= {row.kind for row in trace}
    again = Trace()
    run(again)
    assert again.digest() == trace.digest()


# ------------------------------------------------------------------------------------------ any order of calls
PERSONS, DAYS = st.sampled_from(["1", "2", "3"]), st.integers(1, 3)


class Table(RuleBasedStateMachine):
    """Writes, reads, cuts, failures of replicas, in any order, against a dict."""

    def __init__(self):
        super().__init__()
        spec = GlobalIndex("by_city", KeySchema("city", "n", sort_kind="N"))
        self.table = PartitionedTable(
            "t", NIGHTS, Settings(partitions=2, global_indexes=(spec,), mode="global", split=None)
        )
        self.now_us, self.items, self.luck = 0, {}, Random(1)

    def later(self):
        self.now_us += SECOND
        return self.now_us

    @rule(person=PERSONS, day=DAYS, n=st.integers(0, 5), city=st.sampled_from(["Oslo", "Lagos", None]))
    def put(self, person, day, n, city):
        item = night(person, day, n=n) | ({"city": city} if city else {})
        assert self.table.put(self.later(), item).old == self.items.get((person, day))
        self.items[person, day] = item

    @rule(person=PERSONS, day=DAYS, least=st.integers(0, 5))
    def add_if(self, person, day, least):
        old = self.items.get((person, day))
        try:
            new = self.table.update(
                self.later(), night(person, day), Update(add={"n": 1}), condition=Compare("n", ">=", least)
            ).new
        except ConditionFailed:
            assert old is None or old["n"] < least
        else:
            assert old["n"] >= least
            self.items[person, day] = old | {"n": old["n"] + 1}
            assert new == self.items[person, day]

    @rule(person=PERSONS, day=DAYS)
    def delete(self, person, day):
        assert self.table.delete(self.later(), night(person, day)).old == self.items.pop((person, day), None)

    @rule(data=st.data())
    def cut(self, data):
        partition = self.table.partitions[data.draw(st.integers(0, len(self.table.partitions) - 1))]
        if len(self.table.partitions) < 6:
            self.table.partitions.split(self.later(), partition, (partition.first + partition.end) // 2, "a wish")

    @rule(number=st.integers(0, 2), data=st.data())
    def fail_over(self, number, data):
        partition = self.table.partitions[data.draw(st.integers(0, len(self.table.partitions) - 1))]
        self.table.crash(self.later(), partition, number)
        if partition.group.leader is None:
            self.table.elect(self.later(), partition)
        self.table.restart(self.later(), partition, number)

    @precondition(lambda self: self.items)
    @rule(person=PERSONS)
    def query(self, person):
        found = [
            item for page in pages(self.table.query, self.later(), person, strong=True, limit=2) for item in page.items
        ]
        assert found == [self.items[key] for key in sorted(self.items) if key[0] == person]

    @invariant()
    def every_read_agrees(self):
        now_us = self.later()
        assert everything(self.table, now_us) == sorted((person, f"{day:02d}") for person, day in self.items)
        in_index = [
            item
            for city in ("Oslo", "Lagos")
            for page in pages(self.table.query, now_us, city, index="by_city")
            for item in page.items
        ]
        expected = [item for item in self.items.values() if "city" in item]
        assert sorted(map(str, in_index)) == sorted(map(str, expected))

    def teardown(self):
        rebuilt = {}
        for change in self.table.changes(self.now_us, limit=10**6):
            assert rebuilt.get(tuple(change.key.values())) == change.old
            rebuilt[tuple(change.key.values())] = change.new
        assert {(p, int(d)): item for (p, d), item in rebuilt.items() if item is not None} == self.items


Table.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestAnyOrder = Table.TestCase
