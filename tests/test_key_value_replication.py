"""Three copies of a partition: nothing acknowledged is lost, whoever fails when."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned import ReplicaGroup, first_alive, fullest_journal
from dsys_lab.stores.key_value.partitioned.keys import KeySchema
from dsys_lab.stores.key_value.partitioned.replica import Command, Write
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.trace import Trace

KEYS = KeySchema("k")


def put(value, key="x"):
    item = {"k": key, "v": value}
    return Command((Write(KEYS.key_of(item), item),))


def value(items, key="x"):
    item = items.get(KEYS.key_of({"k": key}))
    return None if item is None else item["v"]


# ------------------------------------------------------------------------------------------ the life of a write
def test_a_write_is_read_when_the_faster_follower_has_it_and_not_before():
    group = ReplicaGroup("p", lag=lambda follower: {1: 300, 2: 900}[follower])
    group.append(0, put(1))
    assert group.commits_us() == 300
    group.tick(299)
    assert (group.committed, value(group.read(strong=True))) == (0, None)
    group.tick(300)
    assert (group.committed, value(group.read(strong=True)), group.commits_us()) == (1, 1, None)
    assert [value(group.read(strong=False, replica=n)) for n in range(3)] == [1, 1, None]
    group.tick(900)
    assert value(group.read(strong=False, replica=2)) == 1


def test_messages_to_a_follower_do_not_overtake_each_other():
    lags = itertools.cycle([500, 500, 100, 100])
    group = ReplicaGroup("p", lag=lambda follower: next(lags))
    group.append(0, put(1))
    group.append(10, put(2))
    group.tick(400)
    assert group.committed == 0
    group.tick(500)
    assert (group.committed, value(group.read(strong=True))) == (2, 2)


def test_with_one_replica_left_nothing_is_written_and_nothing_is_read_strongly():
    group = ReplicaGroup("p")
    group.append(0, put(1))
    group.tick(0)
    group.crash(1, 1)
    group.crash(1, 2)
    for refused in (lambda: group.append(2, put(2)), lambda: group.read(strong=True), lambda: group.elect(2)):
        with pytest.raises(Refused):
            refused()
    assert value(group.read(strong=False, replica=1)) == 1
    group.restart(3, 2)
    group.append(4, put(3))
    group.tick(4)
    assert value(group.read(strong=True)) == 3


def behind_leader_crash(choose):
    """Commit a write that the second follower has not got, lose the leader, and let somebody lead on."""
    trace = Trace()
    group = ReplicaGroup("p", lag=lambda follower: {0: 0, 1: 10_000, 2: 100}[follower], choose=choose, recorder=trace)
    group.append(0, put("acknowledged"))
    group.tick(100)
    assert group.committed == 1
    group.crash(200, 0)
    group.elect(300)
    return group, trace


def test_the_fullest_journal_leads_on_and_has_what_was_acknowledged():
    group, trace = behind_leader_crash(fullest_journal)
    assert value(group.read(strong=True)) == "acknowledged"
    assert trace.of("lease")[0].fields["owner"] == "p/replica-2"


def test_any_live_replica_in_the_lead_loses_what_was_acknowledged():
    group, _ = behind_leader_crash(first_alive)
    assert value(group.read(strong=True)) is None


def test_the_old_leader_forgets_what_nobody_else_had():
    group = ReplicaGroup("p", lag=lambda follower: 100)
    group.append(0, put("kept"))
    group.tick(100)
    group.append(200, put("never shipped"))
    group.crash(210, 0)
    group.elect(220)
    group.append(230, put("new"))
    group.tick(330)
    group.restart(400, 0)
    group.tick(500)
    journals = [replica.journal for replica in group.replicas]
    assert journals[0] == journals[1] == journals[2]
    assert [value(group.read(strong=False, replica=n)) for n in range(3)] == ["new"] * 3


def test_what_a_quorum_had_counts_although_nobody_was_told():
    group = ReplicaGroup("p", lag=lambda follower: 100)
    group.append(0, put("on its way"))
    group.tick(99)
    group.replicas[1].append(99, group.replicas[0].journal[0])  # it arrived; the answer did not
    group.crash(100, 0)
    group.elect(101)
    assert value(group.read(strong=True)) == "on its way"


def test_an_eventual_read_asks_the_next_one_if_its_replica_is_down():
    group = ReplicaGroup("p")
    group.append(0, put(1))
    group.tick(0)
    group.crash(1, 2)
    assert value(group.read(strong=False, replica=2)) == 1
    with pytest.raises(BadParameter, match="0 to 2"):
        group.read(strong=False, replica=3)


# ------------------------------------------------------------------------------------------ any order of events
class Group(RuleBasedStateMachine):
    """Writes, lags, failures and elections in any order, against one dictionary of what may be there."""

    def __init__(self):
        super().__init__()
        self.luck = Random(5)
        self.group = ReplicaGroup("p", lag=lambda follower: self.luck.randrange(0, 400))
        self.now_us, self.count = 0, 0
        self.open: list[tuple[int, int]] = []  # number in the journal, value: sent and not yet acknowledged
        self.acknowledged = 0

    def settle(self):
        leader = self.group.leader
        for number, sent in list(self.open):
            if leader is None or number >= len(leader.journal) or leader.journal[number].command != put(sent):
                continue
            if self.group.committed > number:
                self.acknowledged = max(self.acknowledged, sent)
                self.open.remove((number, sent))

    @rule()
    def write(self):
        try:
            number = self.group.append(self.now_us, put(self.count + 1))
        except Refused:
            return
        self.count += 1
        self.open.append((number, self.count))

    @rule(gap_us=st.integers(0, 500))
    def wait(self, gap_us):
        self.now_us += gap_us
        self.group.tick(self.now_us)

    @precondition(lambda self: sum(replica.is_up for replica in self.group.replicas) == 3)
    @rule(number=st.integers(0, 2))
    def crash(self, number):
        self.settle()
        self.group.crash(self.now_us, number)

    @precondition(lambda self: not all(replica.is_up for replica in self.group.replicas))
    @rule()
    def restart(self):
        number = next(n for n, replica in enumerate(self.group.replicas) if not replica.is_up)
        self.group.restart(self.now_us, number)

    @precondition(lambda self: self.group.leader is None)
    @rule()
    def elect(self):
        self.group.elect(self.now_us)

    @invariant()
    def every_acknowledged_write_is_read_or_a_later_one(self):
        self.settle()
        if self.group.leader is not None:
            read = value(self.group.read(strong=True)) or 0
            assert self.acknowledged <= read <= self.count

    @invariant()
    def a_follower_has_what_the_leader_had_at_some_moment(self):
        for replica in self.group.replicas:
            assert (value(replica.items) or 0) <= self.count
            assert replica.applied <= len(replica.journal)


Group.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAnyOrder = Group.TestCase


# ------------------------------------------------------------------------------------------ the journals on disk
def story(disks, told):
    """Write, lose a leader, write, bring it back, write; `told` gets what was acknowledged."""
    group = ReplicaGroup("p", disks=disks, lag=lambda follower: 10 * follower)
    now_us = 0
    for number in range(1, 8):
        now_us += 100
        if number == 3:
            group.append(now_us, put(99))  # its leader dies before anybody has it
            group.crash(now_us, 0)
            group.elect(now_us)
        if number == 5:
            group.restart(now_us, 0)
        at = group.append(now_us, put(number))
        group.tick(now_us + 50)
        assert group.committed > at
        told.append(number)


@pytest.mark.parametrize("seed", range(3))
def test_at_every_step_of_every_disk_the_power_may_go_and_nothing_acknowledged_is_lost(seed):
    luck = Random(seed)
    steps = [VolatileDisk() for _ in range(3)]
    story(steps, [])
    for victim in range(3):
        for step in range(steps[victim].steps):
            disks, told = [VolatileDisk() for _ in range(3)], []
            disks[victim].power_cut_before = step
            with pytest.raises(PowerCut):
                story(disks, told)
            for disk in disks:  # the power goes for all three: a wider failure than promised
                disk.crash(luck.random)
            group = ReplicaGroup("p", disks=disks)
            group.elect(0)
            read = value(group.read(strong=True))
            last = max(told, default=None)
            in_flight = {(last or 0) + 1} | ({99} if last == 2 else set())
            assert read == last or read in in_flight, (victim, step, told, read)


def test_a_journal_is_read_back_with_what_was_forgotten():
    disks = [VolatileDisk() for _ in range(3)]
    story(disks, [])
    group = ReplicaGroup("p", disks=disks)
    group.elect(0)
    assert value(group.read(strong=True)) == 7
    assert [entry.command for entry in group.replicas[0].journal if entry.command == put(99)] == []
