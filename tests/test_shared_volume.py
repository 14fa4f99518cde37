"""The log is the database: in any order of answers, losses and crashes, what was acknowledged is found, and whole."""

from __future__ import annotations

import copy
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Damaged, Misuse, Refused
from dsys_lab.stores.relational.shared_volume import (
    AURORA,
    Behind,
    CannotRecover,
    Change,
    LogRecord,
    Quorum,
    Recovery,
    Replica,
    Segment,
    SharedVolume,
    StaleEpoch,
    Writer,
    group_complete,
    recovery_point,
    segment_complete,
    volume_complete,
    volume_durable,
)
from dsys_lab.stores.relational.shared_volume.page_mirror import PageMirror
from dsys_lab.stores.relational.shared_volume.segment import BEGIN, Report
from dsys_lab.stores.relational.shared_volume.volume import page_of
from dsys_lab.structures.page import PAGE_BYTES
from dsys_lab.trace import Trace, lamp


# ------------------------------------------------------------------------------------------ positions, by definition
def a_log(shape):
    """Records of a log, from (group, whether a consistency point) each."""
    last, records = {}, []
    for lsn, (group, point) in enumerate(shape, 1):
        records.append(LogRecord(lsn, group, last.get(group, 0), lsn, 1, point, Change(group, "k", str(lsn))))
        last[group] = lsn
    return records


@st.composite
def logs_with_holes(draw):
    """(all records, group -> what each of its segments that can be reached has)."""
    groups = draw(st.integers(1, 3))
    shape = draw(st.lists(st.tuples(st.integers(0, groups - 1), st.booleans()), max_size=12))
    records = a_log(shape)
    reached = {}
    for group in range(groups):
        own = [record for record in records if record.group == group]
        reached[group] = [
            draw(st.permutations([record for record in own if draw(st.integers(0, 9)) > 1]))
            for _ in range(draw(st.integers(3, 6)))
        ]
    return records, reached


def brute_force(records, reached):
    """The last point so that each record up to there is in a segment that has all of its group before it."""

    def is_kept(record):
        before = {r.lsn for r in records if r.group == record.group and r.lsn <= record.lsn}
        return any(before <= {r.lsn for r in segment} for segment in reached[record.group])

    good = [r.lsn for r in records if r.is_consistency_point and all(is_kept(q) for q in records[: r.lsn])]
    return max(good, default=0)


@given(logs_with_holes())
@settings(max_examples=80, deadline=None)
def test_the_recovery_point_is_what_its_definition_says(case):
    records, reached = case
    assert recovery_point(reached, 3) == brute_force(records, reached)


@given(logs_with_holes(), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_the_positions_are_what_their_definitions_say(case, write):
    records, reached = case
    pgcls = {}
    for group, segments in reached.items():
        own = [record.lsn for record in records if record.group == group]
        scls = []
        for segment in segments:
            have = {record.lsn for record in segment}
            whole = list(itertools.takewhile(have.__contains__, own))
            scls.append(whole[-1] if whole else 0)
            assert segment_complete(segment) == scls[-1]
        reach = [lsn for lsn in own if sum(scl >= lsn for scl in scls) >= write]
        pgcls[group] = max(reach, default=0)
        assert group_complete(scls, write) == pgcls[group]
    vcl = volume_complete(records, pgcls)
    stopped = [record.lsn for record in records if record.lsn > pgcls[record.group]]
    assert vcl == (min(stopped) - 1 if stopped else len(records))
    assert volume_durable(records, vcl) == max((r.lsn for r in records[:vcl] if r.is_consistency_point), default=0)


def test_a_record_past_a_hole_does_not_count_though_four_segments_have_it():
    one, two = a_log([(0, True), (0, True)])
    writer, segments = Writer(AURORA), [Segment(0, index) for index in range(6)]
    changes = [Change(0, "k", "1")], [Change(0, "k", "2")]
    first, second = (writer.commit(0, txn, change).batches[0][1] for txn, change in enumerate(changes, 1))
    assert (first.records[0].lsn, second.records[0].previous) == (one.lsn, two.previous) == (1, 1)
    for index in (2, 3, 4, 5):
        writer.hear(0, segments[index].append(0, first))
    for index in (0, 1, 2, 3):
        writer.hear(0, segments[index].append(0, second))
    assert (writer.vdl, segments[0].status().past_holes) == (1, 1)  # record 2 lies on four, and is complete on two
    segments[0].fill(0, segments[5].give(segments[0].scl))
    segments[1].fill(0, segments[2].give(segments[1].scl))
    for index in (0, 1):
        writer.hear(0, segments[index].append(0, writer.again(0, index)))
    assert writer.vdl == 2


def test_too_few_segments_are_no_answer():
    with pytest.raises(CannotRecover, match="2 segments can be reached, and 3 must be asked"):
        recovery_point({0: [[], []]}, 3)


# ------------------------------------------------------------------------------------------ any order at all
class Story:
    """Batches arrive in any order, again, or never; segments crash; others take over, and die of it; the old write on.

    `told` is what clients were told. No chance is kept out: whoever reads, at any time, reads at least that.
    """

    def __init__(self, seed, quorum=AURORA, groups=2):
        self.luck, self.quorum, self.groups = random.Random(seed), quorum, groups
        self.trace = Trace()
        self.segments = {
            (group, index): Segment(group, index, place=f"{group}/{index}", recorder=self.trace)
            for group in range(groups)
            for index in range(quorum.copies)
        }
        self.writers = [Writer(quorum, groups, recorder=self.trace)]
        self.down, self.on_the_way, self.epoch = set(), [], 1
        self.wrote, self.told = {}, set()

    def play(self, steps):
        acts = (
            self.commit, self.arrive, self.gossip, self.crash_or_restart, self.make_pages, self.take_over,
            self.lose_and_repair,
        )  # fmt: skip
        for act in self.luck.choices(acts, weights=(6, 16, 8, 3, 2, 1, 1), k=steps):
            act()
            if self.luck.random() < 0.3:
                self.look()
        return self

    def send(self, writer, batch, to):
        if self.luck.random() < 0.8:
            self.on_the_way.append((writer, batch, to))

    def commit(self):
        writer = self.luck.choice([*self.writers[-2:], self.writers[-1]])
        if writer.is_deposed:
            return
        txn = len(self.wrote) + 1
        changes = [Change(self.luck.randrange(4), f"k{n}", str(txn)) for n in range(self.luck.randint(1, 3))]
        self.wrote[txn] = changes
        for group, batch in writer.commit(0, txn, changes).batches:
            for index in range(self.quorum.copies):
                self.send(writer, batch, (group, index))

    def arrive(self):
        for _ in range(self.luck.randint(1, 20)):
            if not self.on_the_way:
                return
            at = self.luck.randrange(len(self.on_the_way))
            writer, batch, to = self.on_the_way[at] if self.luck.random() < 0.1 else self.on_the_way.pop(at)
            if to in self.down:
                continue
            try:
                report = self.segments[to].append(0, batch)
            except StaleEpoch:
                assert batch.epoch < self.segments[to].epoch
                if self.luck.random() < 0.3:
                    writer.is_deposed = True
                continue
            if self.luck.random() < 0.9:
                self.told |= set(writer.hear(0, report))

    def gossip(self):
        group, (one, other) = self.luck.randrange(self.groups), self.luck.sample(range(self.quorum.copies), 2)
        asks, gives = self.segments[group, one], self.segments[group, other]
        if not {(group, one), (group, other)} & self.down:
            before = asks.scl
            asks.fill(0, gives.give(before, limit=3))

    def crash_or_restart(self):
        to = self.luck.choice(sorted(self.down) if len(self.down) > 2 else list(self.segments))
        self.down ^= {to}
        if to not in self.down:
            self.send(self.writers[-1], self.writers[-1].again(*to), to)

    def lose_and_repair(self):
        """A node loses its disk; a new one is filled from a read quorum of its peers, and promises the last epoch."""
        index = self.luck.randrange(self.quorum.copies)
        peers = {
            group: [one for one in range(self.quorum.copies) if one != index and (group, one) not in self.down]
            for group in range(self.groups)
        }
        if min(map(len, peers.values())) < self.quorum.read:
            return
        for writer in self.writers:
            writer.forget(index)
        for group in range(self.groups):
            lost = self.segments[group, index]
            for record in lost.records():
                self.trace.emit(0, "gone", lost.place, record.name, why="its disk is lost", copy=index)
            new = Segment(group, index, place=f"{lost.place}'", recorder=self.trace)
            for peer in self.luck.sample(peers[group], self.quorum.read):
                new.fill(0, self.segments[group, peer].give(new.scl))
            new.promise(self.epoch)
            self.segments[group, index] = new
            self.down.discard((group, index))

    def make_pages(self):
        self.luck.choice(list(self.segments.values())).make_pages(limit=4)

    def take_over(self):
        self.epoch += 1
        recovery = Recovery(self.quorum, self.groups, self.epoch, recorder=self.trace)
        for group in range(self.groups):
            up = [index for index in range(self.quorum.copies) if (group, index) not in self.down]
            for index in self.luck.sample(up, min(self.quorum.read, len(up))):
                recovery.hear(self.segments[group, index].promise(self.epoch))
        if not recovery.is_ready:
            with pytest.raises(CannotRecover):
                recovery.finish(0)
        elif self.luck.random() < 0.8:  # else it dies before it has cut anything
            recovered = recovery.finish(0)
            self.writers.append(Writer(self.quorum, self.groups, recovered=recovered, recorder=self.trace))
            for to in self.segments:
                self.send(self.writers[-1], self.writers[-1].again(*to), to)
            self.require_whole(recovered.records)

    def require_whole(self, records):
        """Who was told is there; of the others each is there whole or not at all."""
        for txn, changes in self.wrote.items():
            kept = [record.change for record in records if record.txn == txn]
            assert kept in ([changes] if txn in self.told else [[], changes]), (txn, txn in self.told)

    def look(self):
        writer, durable = self.writers[-1], max(writer.vdl for writer in self.writers)
        for segment in self.segments.values():
            assert segment.scl == segment_complete(segment.records())
            assert segment.status().made_lsn <= durable
        log = [record for group in writer._of_group for record in group]
        assert not writer.vdl or [r.is_consistency_point for r in log if r.lsn == writer.vdl] == [True]
        for page in range(4):
            group, at_lsn = writer.group_of(page), writer.vdl
            wanted = {}
            for record in writer._of_group[group]:
                if record.change.page == page and record.lsn <= at_lsn:
                    wanted[record.change.key] = record.change.value
            for index in writer.may_answer(group, at_lsn):
                segment = self.segments[group, index]
                if (group, index) not in self.down and segment.epoch <= writer.epoch:
                    needs = writer.needs_lsn(group, at_lsn)
                    assert segment.read(0, page, at_lsn=at_lsn, needs_lsn=needs, history=writer.history) == wanted


LAMPS = ("no acknowledged commit lost", "epochs never run back")


@pytest.mark.parametrize("seed", range(30))
def test_in_any_order_nothing_that_was_acknowledged_is_lost_and_nothing_is_there_in_part(seed):
    story = Story(seed, groups=1 + seed % 2).play(300)
    assert len(story.writers) > 1
    assert len(story.told) >= 2
    assert all(lamp(story.trace, name).held for name in LAMPS)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("quorum", [AURORA, Quorum(3, 2, 2), Quorum(5, 3, 3), Quorum(4, 3, 2, zones=2)])
def test_nothing_acknowledged_is_lost_wherever_the_writer_crashes(seed, quorum):
    """The writer dies before each single batch of a story arrives, and each read quorum in turn takes over."""
    luck = random.Random(seed)
    count = 5 * quorum.copies
    order = [(txn, index) for txn in range(1, 6) for index in range(quorum.copies)]
    luck.shuffle(order)
    for crash_at in range(0, count + 1, 3):
        for asked in itertools.combinations(range(quorum.copies), quorum.read):
            segments = [Segment(0, index) for index in range(quorum.copies)]
            writer = Writer(quorum)
            batches = {txn: writer.commit(0, txn, [Change(0, f"k{txn}", "x")]).batches[0][1] for txn in range(1, 6)}
            told = []
            for txn, index in order[:crash_at]:
                told += writer.hear(0, segments[index].append(0, batches[txn]))
            recovery = Recovery(quorum, 1, 2)
            for index in asked:
                recovery.hear(segments[index].promise(2))
            kept = {record.txn for record in recovery.finish(0).records}
            assert set(told) <= kept


@pytest.mark.parametrize("quorum", [Quorum(6, 3, 3), Quorum(6, 2, 4), Quorum(3, 1, 1)])
def test_an_unsafe_quorum_loses_what_it_acknowledged(quorum):
    assert not quorum.is_safe
    volume = SharedVolume(quorum)
    volume.crash(*range(quorum.write, quorum.copies))
    assert volume.commit({"ada": "7.5"})
    volume.crash(*range(quorum.write))
    volume.up = list(range(quorum.write, quorum.copies))  # those come back who have seen nothing
    if len(volume.up) < quorum.read:
        volume.up = list(range(quorum.copies - quorum.read, quorum.copies))
    assert volume.fail_over() == 0 or quorum.read + quorum.write > quorum.copies


# ------------------------------------------------------------------------------------------ trouble, by hand
def rows(volume, count):
    return [volume.commit({f"k{n}": str(n)}) for n in range(count)]


@pytest.mark.parametrize("zone", range(3))
def test_a_lost_zone_stops_nothing_and_one_more_stops_writes_only(zone):
    volume = SharedVolume(groups=2)
    assert all(rows(volume, 5))
    volume.lose_zone(zone)
    assert all(rows(volume, 5))
    volume.crash(volume.up[0])
    status = volume.status()
    assert (status.can_write, status.can_read) == (False, True)
    assert not any(rows(volume, 3))
    assert [volume.read(f"k{n}") for n in range(5)] == ["0", "1", "2", "3", "4"]
    volume.restart(*volume.quorum.in_zone(zone))
    assert volume.status().vdl == volume.writer.status().next_lsn - 1
    assert volume.commit({"k9": "9"})


def test_repair_asks_a_read_quorum_and_the_new_segment_is_as_good_as_the_old_one():
    volume = SharedVolume()
    volume.crash(4, 5)
    assert volume.commit({"ada": "1"})  # on 0, 1, 2, 3
    volume.restart(4, 5)
    volume.lose(3)
    with pytest.raises(CannotRecover, match="an empty one must not vote"):
        volume.restart(3)
    volume.crash(0, 1, 2)
    with pytest.raises(CannotRecover, match="2 peers are up, and 3 must be asked"):
        volume.repair(3)
    volume.restart(2)
    volume.repair(3)
    assert volume.segments[0][3].records() == volume.segments[0][2].records()
    assert volume.fail_over() == 1


def test_the_old_writer_is_refused_and_its_tail_is_cut_off_everywhere():
    segments, old = [Segment(0, index) for index in range(6)], Writer(AURORA)

    def sent(writer, txn, value, to):
        (_, batch), told = writer.commit(0, txn, [Change(0, "ada", value)]).batches[0], []
        for index in to:
            told += writer.hear(0, segments[index].append(0, batch))
        return told

    assert sent(old, 1, "first", range(6)) == [1]
    assert sent(old, 2, "tail", (0, 1, 2)) == []
    recovery = Recovery(AURORA, 1, 2)
    assert [recovery.hear(segments[index].promise(2)) for index in (3, 4, 5)] == [False, False, True]
    new = Writer(AURORA, recovered=recovery.finish(0))
    assert sent(new, 3, "new", (2, 3, 4, 5)) == [3]
    assert sent(old, 4, "more tail", (0, 1)) == []  # these have not heard of the new one, and are too few
    with pytest.raises(StaleEpoch, match="has promised epoch 2, and this is from epoch 1"):
        sent(old, 5, "stale", (2,))
    for index in (0, 1):
        new.hear(0, segments[index].append(0, new.again(0, index)))
    assert [[record.change.value for record in segment.records()] for segment in segments] == [["first", "new"]] * 6
    known = old.durability.scl(0, 0)
    assert old.hear(0, segments[0].append(0, new.again(0, 0))) == ()  # an answer that was meant for the other
    assert (old.is_deposed, old.durability.scl(0, 0)) == (True, known)
    with pytest.raises(Misuse, match="was told of a later writer"):
        old.commit(0, 6, [Change(0, "ada", "again")])


def test_a_dead_tail_that_nobody_has_cut_off_yet_does_not_come_back_at_the_next_takeover():
    segments, first = [Segment(0, index) for index in range(6)], Writer(AURORA)
    for txn in (1, 2, 3):
        (_, batch) = first.commit(0, txn, [Change(0, "ada", f"dead {txn}")]).batches[0]
        segments[0].append(0, batch)
    vdls = []
    for epoch, asked in ((2, (3, 4, 5)), (3, (0, 4, 5))):
        recovery = Recovery(AURORA, 1, epoch)
        for index in asked:
            recovery.hear(segments[index].promise(epoch))
        recovered = recovery.finish(0)
        vdls.append(recovered.vdl)
        writer = Writer(AURORA, recovered=recovered)
        for index in range(2, 6):
            segments[index].append(0, writer.again(0, index))
    assert vdls == [0, 0]


def test_what_an_epoch_wrote_that_nobody_remembers_is_no_part_of_the_log():
    segments, first = [Segment(0, index) for index in range(6)], Writer(AURORA)

    def taken_over(epoch, asked):
        recovery = Recovery(AURORA, 1, epoch)
        for index in asked:
            recovery.hear(segments[index].promise(epoch))
        return Writer(AURORA, recovered=recovery.finish(0))

    (_, batch) = first.commit(0, 1, [Change(0, "ada", "first")]).batches[0]
    segments[0].append(0, batch)
    second = taken_over(2, (3, 4, 5))  # finds nothing, and dies after it has told one segment
    (_, batch) = second.commit(0, 2, [Change(0, "ada", "second")]).batches[0]
    segments[5].append(0, batch)
    third = taken_over(3, (0, 1, 2))  # finds the record of the first, and knows nothing of the second
    for index in range(6):
        third.hear(0, segments[index].append(0, third.again(0, index)))
    assert [[record.change.value for record in segment.records()] for segment in segments] == [["first"]] * 6


def test_an_answer_that_was_overtaken_on_its_way_takes_nothing_back():
    writer, segment = Writer(AURORA), Segment(0, 0)
    reports = [segment.append(0, writer.commit(0, n, [Change(0, "k", "v")]).batches[0][1]) for n in (1, 2)]
    for report in reversed(reports):
        writer.hear(0, report)
    assert writer.durability.scl(0, 0) == 2


def test_by_hand_the_old_writer_of_a_volume_is_refused():
    volume = SharedVolume()
    old = volume.writer
    assert volume.commit({"ada": "1"})
    assert volume.fail_over() == 1
    assert not volume.commit({"ada": "stale"}, writer=old)
    assert (old.is_deposed, volume.read("ada")) == (True, "1")


def test_a_takeover_that_is_refused_leaves_the_old_writer_at_work():
    volume = SharedVolume()
    volume.crash(0, 1, 2, 3)
    with pytest.raises(CannotRecover, match="2 segments are up, and 3 must promise"):
        volume.fail_over()
    volume.restart(0, 1, 2, 3)
    assert volume.commit({"ada": "1"})


def test_a_recovered_tail_is_shown_only_when_a_write_quorum_has_it():
    volume = SharedVolume()
    assert volume.commit({"ada": "1"})
    volume.crash(0, 1, 2)
    assert not volume.commit({"ada": "2"})
    assert volume.fail_over() == 2
    assert volume.writer.vdl == 0  # three segments have it: nothing is shown yet
    with pytest.raises(Refused, match="goes up to lsn 2, and a write quorum has it up to 0: bring a segment back"):
        volume.read("ada")  # to say that there is no such row would deny what was acknowledged
    volume.restart(0)
    assert (volume.writer.vdl, volume.read("ada")) == (2, "2")


# ------------------------------------------------------------------------------------------ pages
def test_a_page_is_made_of_records_with_and_without_the_pages_made_before():
    volume = SharedVolume()
    for n in range(20):
        volume.commit({f"k{n % 3}": str(n)})
    volume.commit({"k1": None})
    segment = volume.segments[0][0]
    before = [volume.read(f"k{n}") for n in range(3)]
    redone = segment.redone
    assert redone > 0
    assert segment.make_pages() == 20  # the last record is durable, but this segment has not been told yet
    assert [volume.read(f"k{n}") for n in range(3)] == before == ["18", None, "17"]
    assert segment.redone - redone <= 1


def test_reads_of_the_past_and_reads_that_a_segment_cannot_answer():
    volume = SharedVolume()
    for n in range(3):
        volume.commit({"k": str(n)})
    segment = volume.segments[0][0]
    segment.make_pages()
    page = page_of("k")
    assert segment.read(0, page, at_lsn=1, needs_lsn=1, history=BEGIN) == {"k": "0"}
    with pytest.raises(Refused, match="complete up to 3, and the read needs 4"):
        segment.read(0, page, at_lsn=4, needs_lsn=4, history=BEGIN)
    segment.promise(2)
    with pytest.raises(StaleEpoch, match="this read is from epoch 1"):
        segment.read(0, page, at_lsn=1, needs_lsn=1, history=BEGIN)


# ------------------------------------------------------------------------------------------ a reader that follows
def test_a_replica_shows_a_moment_that_was_and_says_when_that_is_too_old():
    writer, replica, trace = Writer(AURORA), Replica(), Trace()
    replica.keep(7, {})
    first = writer.commit(0, 1, [Change(7, "a", "1"), Change(7, "b", "1")]).batches[0][1].records
    assert replica.hear(0, first[:1], vdl=0) == 0  # not durable: nothing is shown
    assert replica.hear(0, first[1:], vdl=2) == 2
    assert (replica.read(0, 7, "a"), replica.read(0, 7, "b", at_least=2)) == ("1", "1")
    with pytest.raises(Behind, match="shows lsn 2, and you have seen 3"):
        replica.read(0, 7, "a", at_least=3)
    other = writer.commit(0, 2, [Change(8, "c", "1")]).batches[0][1].records
    replica.hear(5, other, vdl=3)
    assert (replica.status().applied, replica.status().dropped, replica.has(8)) == (2, 1, False)
    assert not len(trace)


def one_record(lsn, epoch, value):
    return LogRecord(lsn, 0, lsn - 1, lsn, epoch, True, Change(7, "a", value))


@pytest.mark.parametrize(
    "told",
    [
        [(1, 1), (2, 1), (1, 1), (3, 1)],  # twice
        [(3, 1), (1, 1), (2, 1)],  # overtaken
        [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2)],  # a tail that a later epoch has cut off
        [(2, 2), (3, 1), (2, 1), (1, 1), (3, 2)],  # and that comes after it
    ],
)
def test_a_replica_shows_the_log_however_it_is_told(told):
    replica = Replica()
    replica.keep(7, {})
    last_epoch = max(epoch for _, epoch in told)
    for lsn, epoch in told:
        replica.hear(0, [one_record(lsn, epoch, f"{lsn}.{epoch}")], vdl=0)
        replica.hear(0, [], vdl=1)
    assert replica.hear(0, [], vdl=3) == 3
    assert replica.read(0, 7, "a") == f"3.{last_epoch}"
    assert replica.status().waiting == 0


def test_a_replica_stops_where_a_record_is_missing():
    replica = Replica()
    replica.keep(7, {})
    assert replica.hear(0, [one_record(1, 1, "x"), one_record(3, 1, "z")], vdl=3) == 1
    assert replica.hear(0, [one_record(4, 2, "dead tail is gone")], vdl=3) == 1
    assert replica.hear(0, [one_record(2, 1, "y")], vdl=3) == 3
    with pytest.raises(Misuse, match="does not have page 8: ask a segment"):
        replica.read(0, 8, "a")


def test_a_record_of_a_dead_tail_is_not_shown_in_the_place_of_one_that_is_late():
    replica = Replica()
    replica.keep(7, {})
    replica.hear(0, [one_record(1, 1, "x"), one_record(2, 2, "y"), one_record(3, 1, "dead")], vdl=1)
    assert replica.hear(0, [], vdl=3) == 2
    assert replica.read(0, 7, "a") == "y"


# ------------------------------------------------------------------------------------------ a disk that is lost
def test_the_word_of_a_lost_disk_makes_no_record_durable():
    writer, segments = Writer(AURORA), [Segment(0, index) for index in range(6)]
    batch = writer.commit(0, 1, [Change(0, "k", "v")]).batches[0][1]
    writer.hear(0, segments[0].append(0, batch))
    segments[0] = Segment(0, 0)  # its disk is lost, and what comes in its place is filled from 3, 4 and 5
    writer.forget(0)
    for index in (1, 2, 3):
        assert writer.hear(0, segments[index].append(0, batch)) == (), "three copies have it"
    assert writer.hear(0, segments[4].append(0, batch)) == (1,)


def test_what_was_durable_stays_so_when_a_disk_is_lost_and_a_new_segment_is_told_all():
    volume = SharedVolume()
    volume.commit({"a": "1"})
    volume.crash(*range(1, 6))
    assert not volume.commit({"a": "2"})
    volume.lose(0)
    assert volume.writer.vdl == 1
    volume.restart(3, 4, 5)
    volume.repair(0)
    assert volume.segments[0][0].scl == 2
    assert volume.read("a") == "2"
    volume.restart(1, 2)
    for lost in ((0, 1, 2), (3, 4, 5), (0, 2, 4)):
        again = copy.deepcopy(volume)
        again.crash(*lost)
        assert again.fail_over() == 2


def test_a_repaired_segment_keeps_the_promise_of_the_lost_one():
    volume = SharedVolume()
    old = volume.writer
    volume.commit({"a": "1"})
    volume.fail_over()
    volume.lose(2)
    volume.repair(2)
    assert volume.segments[0][2].epoch == 2
    assert not volume.commit({"a": "stale"}, writer=old)


def test_a_volume_counts_no_more_on_a_disk_that_is_lost():
    volume = SharedVolume()
    volume.crash(*range(1, 6))
    assert not volume.commit({"a": "1"})
    volume.lose(0)
    volume.restart(1, 2, 3)
    assert volume.writer.vdl == 0, "three copies have it"
    volume.restart(4)
    assert volume.writer.vdl == 1


def test_an_epoch_is_promised_once():
    segment = Segment(0, 0)
    segment.promise(2)
    with pytest.raises(StaleEpoch, match="2 is not later: take the next one"):
        segment.promise(2)


def test_who_reads_in_a_later_epoch_shuts_the_old_writer_out():
    writer, segment = Writer(AURORA), Segment(0, 0)
    batch = writer.commit(0, 1, [Change(0, "k", "v")]).batches[0][1]
    segment.read(0, 0, at_lsn=0, needs_lsn=0, history=(*BEGIN, (2, 0)))
    with pytest.raises(StaleEpoch, match="has promised epoch 2"):
        segment.append(0, batch)


def test_a_page_is_made_anew_where_an_unsafe_quorum_let_a_made_record_be_cut_off():
    writer, segment = Writer(Quorum(3, 1, 1)), Segment(0, 0)
    for value in ("kept", "cut off"):
        writer.hear(0, segment.append(0, writer.commit(0, 1, [Change(0, "k", value)]).batches[0][1]))
    segment.append(0, writer.again(0, 0))
    assert segment.make_pages() == 2
    assert segment.read(0, 0, at_lsn=9, needs_lsn=1, history=(*BEGIN, (2, 1))) == {"k": "kept"}
    assert segment.make_pages() == 1


def test_a_writer_hears_its_own_epoch_only_and_sends_what_is_missing_only():
    writer, segment = Writer(AURORA), Segment(0, 0)
    writer.hear(0, segment.append(0, writer.commit(0, 1, [Change(0, "k", "v")]).batches[0][1]))
    assert writer.again(0, 0).records == ()
    assert [record.lsn for record in writer.again(0, 1).records] == [1]
    for index in range(1, 5):
        assert writer.hear(0, Report(0, index, epoch=2, scl=1)) == ()
    assert (writer.vdl, writer.is_deposed) == (0, True)
    assert writer.durable_after(0) == (), "one copy is not durable, and a replica must not see it"


def test_a_replica_says_how_old_it_is():
    trace = Trace()
    replica = Replica(recorder=trace)
    replica.keep(7, {})
    replica.hear(10, [one_record(1, 1, "x")], vdl=1)
    replica.read(25, 7, "a")
    assert [row.fields["behind_us"] for row in trace.of("look")] == [15]


# ------------------------------------------------------------------------------------------ bytes
CHANGES = st.builds(
    Change, page=st.integers(0, 2**32 - 1), key=st.text(max_size=20), value=st.none() | st.text(max_size=40)
)


@given(lsn=st.integers(1, 2**63), group=st.integers(0, 65_535), point=st.booleans(), change=CHANGES)
def test_a_record_is_what_was_encoded_and_a_flipped_bit_is_found(lsn, group, point, change):
    record = LogRecord(lsn, group, lsn - 1, 5, 3, point, change)
    data = record.encoded()
    assert len(data) == record.size_bytes
    assert LogRecord.decoded(data) == record
    at = lsn % len(data)
    with pytest.raises(Damaged):
        LogRecord.decoded(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_a_mirror_is_sent_each_changed_page_twice_and_a_volume_only_the_records():
    mirror, writer = PageMirror(), Writer(AURORA)
    changes = [Change(1, "ada", "7.5"), Change(1, "bob", "6"), Change(2, "cy", "8")]
    bricks = mirror.commit(1, changes)
    record_bytes = writer.commit(0, 1, changes).batches[0][1].size_bytes
    assert sum(len(brick.data) for brick in bricks) == 2 * 2 * PAGE_BYTES + record_bytes
    assert record_bytes < 150
    for txn in range(3, 600):
        bricks = mirror.commit(txn, [Change(1, "ada", "8.5")])  # in its place: else the page would be full
    assert b"ada=8.5" in bricks[-1].data
    assert b"ada=7.5" not in bricks[-1].data
    gone = mirror.commit(2, [Change(1, "ada", None)])
    assert [brick.what for brick in gone] == ["log record", "double write", "page"]


# ------------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Quorum(0), "copies = 0: give 1 to 26"),
        (lambda: Quorum(3, 4, 1), "write = 4 of 3 copies: give 1 to 3"),
        (lambda: Quorum(3, 2, 0), "read = 0 of 3 copies"),
        (lambda: Quorum(2, 2, 1, zones=3), "zones = 3 of 2 copies"),
        (lambda: Change(-1, "a", "b"), "page = -1: give 0 to"),
        (lambda: Change(0, "a" * 70_000, "b"), "key of 70,000 bytes: give at most 65,535"),
        (lambda: Change(0, 7, "b"), "key = 7: give a text"),
        (lambda: Change(0, "a", 7.5), "value = 7.5: give a text or None"),
        (lambda: SharedVolume().commit({"a": 0}), "value = 0: give a text or None"),
        (lambda: Writer(AURORA, 0), "groups = 0: give 1 or more"),
        (lambda: SharedVolume(groups=0), "groups = 0: give a number above 0"),
        (lambda: Recovery(AURORA, 1, 1), "epoch = 1: the first writer has epoch 1"),
        (lambda: PageMirror(0), "mirrors = 0: give a number above 0"),
        (lambda: SharedVolume().crash(6), "segment 6: give 0 to 5"),
        (lambda: SharedVolume().lose_zone(3), "zone 3: give 0 to 2"),
        (lambda: SharedVolume().commit({}), "changes nothing"),
    ],
)
def test_bad_input_is_told_what_was_given_and_what_to_give(call, says):
    with pytest.raises((BadParameter, Misuse), match=says):
        call()
