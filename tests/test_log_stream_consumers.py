"""Workers share shards by leases: every record is worked on, whoever dies, and a key's records in order."""

from __future__ import annotations

import random
from collections import Counter
from inspect import GEN_CREATED, getgeneratorstate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.brokers.log_stream import (
    Consumer,
    Entry,
    Lease,
    LeaseTable,
    Limits,
    LogStream,
    Settings,
    finish,
)
from dsys_lab.brokers.log_stream.assignment import even_share, may_begin, next_to_take
from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.structures import PowerCut, VolatileDisk
from dsys_lab.trace import Trace

S = 1_000_000


class Sink:
    """What the effects do: a list, and if it is told to, an eye on the epochs."""

    def __init__(self, *, fences=False):
        self.done, self.refused, self.fences = [], [], fences
        self._epochs = {}

    def __call__(self, now_us, record, lease):
        if self.fences and lease.epoch < self._epochs.get(lease.shard, 0):
            self.refused.append(record.message)
            return
        self._epochs[lease.shard] = lease.epoch
        self.done.append((record.key, record.message))

    def messages(self):
        return [message for _, message in self.done]


def floor(shards=1, records=0, **given):
    stream = LogStream("nights", VolatileDisk(), Settings(shards=shards, limits=None, **given))
    put(stream, 0, records)
    return stream, LeaseTable("billing", VolatileDisk()), Sink()


def put(stream, now_us, count, begin=0):
    for number in range(begin, begin + count):
        stream.put(now_us, Entry(f"m{number}", f"k{number % 7}"))


def inversions(sink):
    """How often a key's record was worked on for the first time after a later one of the key."""
    newest, seen, count = Counter(), set(), 0
    for key, message in sink.done:
        number = int(message[1:])
        count += message not in seen and number < newest[key]
        seen.add(message)
        newest[key] = max(newest[key], number)
    return count


# ------------------------------------------------------------------------------------------ the table
def test_only_who_saw_the_row_as_it_is_writes_it():
    table, free = LeaseTable("billing", VolatileDisk()), Lease("s")
    assert table.write_if(0, free, seen=None)
    assert not table.write_if(0, free, seen=None)
    anna = free.taken_by("anna")
    assert table.write_if(0, anna, seen=free)
    assert not table.write_if(0, free.taken_by("bert"), seen=free)
    assert not table.remove_if(0, free)
    assert table.write_if(0, anna.worked_up(5), seen=anna)
    assert not table.write_if(0, anna.worked_up(9), seen=anna)
    assert table.leases() == [Lease("s", "anna", epoch=1, beats=2, checkpoint=5)]


def test_the_table_survives_a_power_cut_before_every_step():
    def run(table, written):
        rows = {}
        for number in range(12):
            shard = f"s{number % 3}"
            if number == 7:
                table.remove_if(number, rows.pop(shard))
            else:
                row = rows.get(shard, Lease(shard)).taken_by(f"w{number}")
                assert table.write_if(number, row, seen=rows.get(shard))
                rows[shard] = row
            written.append(dict(rows))

    whole = VolatileDisk()
    states = [{}]
    run(LeaseTable("billing", whole, rewrite_every=4), states)
    steps = whole.steps
    assert LeaseTable("billing", whole).leases() == sorted(states[-1].values(), key=lambda lease: lease.shard)
    for step in range(steps):
        disk, written = VolatileDisk(power_cut_before=step), [{}]
        with pytest.raises(PowerCut):
            run(LeaseTable("billing", disk, rewrite_every=4), written)
        disk.crash(random.Random(step).random)
        found = {lease.shard: lease for lease in LeaseTable("billing", disk).leases()}
        assert found in states[len(written) - 1 : len(written) + 1], f"power cut before step {step}"


def test_the_log_of_the_table_begins_anew():
    table, row = LeaseTable("billing", VolatileDisk(), rewrite_every=10), Lease("s")
    table.write_if(0, row, seen=None)
    for number in range(200):
        table.write_if(number, row.beaten(), seen=row)
        row = row.beaten()
    assert table.log.status().size_bytes < 3_000
    assert table.leases() == [row]


def test_another_log_is_no_lease_table():
    disk = VolatileDisk()
    LeaseTable("billing", disk).log.append(0, b'{"verb": "send"}')
    with pytest.raises(Damaged, match="this is no lease table"):
        LeaseTable("billing", disk)


# ------------------------------------------------------------------------------------------ who takes what
@pytest.mark.parametrize(("shards", "workers", "share"), [(4, 2, 2), (5, 2, 3), (3, 5, 1), (0, 3, 0)])
def test_an_even_share_is_rounded_up(shards, workers, share):
    assert even_share(shards, workers) == share


@given(st.lists(st.sampled_from([None, "w1", "w2", "w3"]), max_size=9), st.sampled_from(["w1", "w2", "w3", "w4"]),
       st.integers(0, 9))
def test_taking_one_at_a_time_ends_at_even_shares(owners, me, dead):
    leases = {f"s{n}": Lease(f"s{n}", owner) for n, owner in enumerate(owners)}
    workers = sorted({*filter(None, owners), me})
    moves = 0
    while True:
        before = moves
        for worker in workers:
            wanted = next_to_take(worker, leases.values(), ready=leases, silent=())
            if wanted is not None:
                leases[wanted.shard] = wanted.taken_by(worker)
                moves += 1
        if moves == before:
            break
        assert moves <= 3 * len(owners), "they swing to and fro"
    counts = Counter(lease.owner for lease in leases.values())
    assert None not in counts
    assert max(counts.values(), default=0) <= even_share(len(owners), len(workers))


def test_a_child_may_begin_when_its_parents_are_worked_up_or_gone():
    stream, *_ = floor(2, retention_s=60)
    merged = stream.merge(0, "shard-000", "shard-001")
    child = next(shard for shard in stream.shards() if shard.name == merged)
    one, both = {"shard-000": Lease("shard-000", done=True)}, {}
    both = one | {"shard-001": Lease("shard-001", done=True)}
    assert not may_begin(child, {})
    assert not may_begin(child, one | {"shard-001": Lease("shard-001")})
    assert may_begin(child, both)
    stream.tick(60 * S)
    assert may_begin(stream.shards()[-1], {})


# ------------------------------------------------------------------------------------------ work
def test_one_worker_works_all_shards_off_and_then_only_what_is_new():
    stream, table, sink = floor(3, 50)
    worker = Consumer("w1", stream, table, sink)
    for now_us in range(3):
        finish(worker.turn(now_us), now_us)
    assert sorted(sink.messages()) == sorted(f"m{n}" for n in range(50))
    put(stream, 4, 10, begin=50)
    finish(worker.turn(5), 5)
    assert len(sink.done) == 60
    assert inversions(sink) == 0
    assert (worker.status().effects, len(worker.status().shards)) == (60, 3)


def test_two_groups_know_nothing_of_each_other_and_one_may_begin_late():
    stream, table, sink = floor(1, 5)
    finish(Consumer("w1", stream, table, sink).turn(1), 1)
    late = Sink()
    put(stream, 10, 3, begin=5)
    finish(Consumer("w1", stream, LeaseTable("alerts", VolatileDisk()), late, since_us=10).turn(11), 11)
    assert (sink.messages(), late.messages()) == ([f"m{n}" for n in range(5)], ["m5", "m6", "m7"])


def test_workers_who_come_share_the_shards_and_those_of_the_dead_are_taken_over():
    stream, table, sink = floor(4)
    workers = [Consumer(f"w{n}", stream, table, sink) for n in range(2)]
    for second in range(10):
        for worker in workers:
            finish(worker.turn(second * S), second * S)
    assert [len(worker.status().shards) for worker in workers] == [2, 2]
    for second in range(10, 19):
        finish(workers[1].turn(second * S), second * S)
    assert len(workers[1].status().shards) == 2, "a lease lasts its time"
    for second in range(19, 24):
        finish(workers[1].turn(second * S), second * S)
    assert len(workers[1].status().shards) == 4
    assert {lease.epoch for lease in table.leases()} >= {2}


@pytest.mark.parametrize("parents_first", [True, False])
def test_across_split_and_merge_a_key_is_in_order_if_parents_come_first(parents_first):
    stream, table, sink = floor(1, 40)
    stream.split(1, "shard-000")
    put(stream, 2, 40, begin=40)
    stream.merge(3, "shard-001", "shard-002")
    put(stream, 4, 40, begin=80)
    workers = [
        Consumer(f"w{n}", stream, table, sink, page_records=3, parents_first=parents_first) for n in range(3)
    ]
    for second in range(5, 60):
        for worker in workers:
            finish(worker.turn(second * S), second * S)
    assert sorted(sink.messages()) == sorted(f"m{n}" for n in range(120))
    assert (inversions(sink) == 0) == parents_first
    assert [lease.done for lease in table.leases()] == [True, True, True, False]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.sampled_from(["die", "freeze", "go on"])),
                min_size=1, max_size=12), st.integers(1, 8))
def test_at_least_once_whoever_dies_or_freezes_at_whatever_step(faults, checkpoint_every):
    stream, table, sink = floor(2, 30)
    lives, now_us, workers = 0, 0, {}

    def begin(slot):
        nonlocal lives
        lives += 1
        workers[slot] = Consumer(f"w{slot}.{lives}", stream, table, sink, checkpoint_every=checkpoint_every)

    for slot in range(3):
        begin(slot)
    frozen = {}
    for round_, (slot, steps, fault) in enumerate(faults):
        put(stream, now_us, 5, begin=30 + 5 * round_)
        if round_ == 2:
            stream.split(now_us, "shard-000")
        turn = frozen.pop(slot, None) or workers[slot].turn(now_us)
        for _ in range(steps):
            _next(turn, now_us)
        if fault == "freeze":
            if getgeneratorstate(turn) != GEN_CREATED:  # one that has not begun would begin at a time that is over
                frozen[slot] = turn
        elif fault == "die":
            begin(slot)
        else:
            _run_out(turn, now_us)
        now_us += 4 * S
    for turn in frozen.values():
        _run_out(turn, now_us)
    for _ in range(40):
        now_us += 4 * S
        for worker in workers.values():
            finish(worker.turn(now_us), now_us)
    assert {*sink.messages()} == {f"m{n}" for n in range(30 + 5 * len(faults))}
    assert inversions(sink) == 0


def _next(turn, now_us):
    try:
        return turn.send(None if getgeneratorstate(turn) == GEN_CREATED else now_us)
    except StopIteration:
        return None


def _run_out(turn, now_us):
    while _next(turn, now_us) is not None:
        pass


@pytest.mark.parametrize(("order", "lost"), [("effect first", False), ("commit first", True)])
def test_a_crash_repeats_or_misses_at_most_what_is_between_two_checkpoints(order, lost):
    every, records = 10, 30
    for step in range(200):
        stream, table, sink = floor(1, records)
        steps = Consumer("w1", stream, table, sink, checkpoint_every=every, order=order).turn(0)
        done = len(finish_some(steps, step))
        successor = Consumer("w2", stream, table, sink, checkpoint_every=every, order=order)
        for second in (1, 12, 13):
            finish(successor.turn(second * S), second * S)
        counts = Counter(sink.messages())
        missed, repeated = records - len(counts), sum(counts.values()) - len(counts)
        assert (missed, repeated) <= (every * lost, every * (not lost)), f"after {step} steps"
        assert (missed if not lost else repeated) == 0
        if done < step:
            return
    pytest.fail("the turn has no end")


def finish_some(steps, count):
    done = []
    for _ in range(count):
        try:
            done.append(next(steps) if not done else steps.send(0))
        except StopIteration:
            break
    return done


def zombie(sink, *, looks):
    """A worker that freezes before its third effect, for longer than its lease, while another takes over."""
    stream, table, _ = floor(1, 6)
    slow = Consumer("slow", stream, table, sink, looks_at_its_clock=looks)
    turn = slow.turn(0)
    step = next(turn)
    while (step.what, step.sequence) != ("start", 2):
        step = turn.send(0)
    quick = Consumer("quick", stream, table, sink)
    finish(quick.turn(1 * S), 1 * S)
    finish(quick.turn(15 * S), 15 * S)
    steps = []
    try:
        while True:
            steps.append(turn.send(16 * S).what)
    except StopIteration:
        return steps


def test_a_frozen_worker_does_harm_unless_the_sink_looks_at_epochs():
    blind, clocked, fenced = Sink(), Sink(), Sink(fences=True)
    assert zombie(blind, looks=False)[-1] == "lost", "its checkpoint is refused"
    zombie(clocked, looks=True)
    zombie(fenced, looks=False)
    first = ["m0", "m1", *(f"m{n}" for n in range(6))]
    assert blind.messages() == [*first, "m2", "m3", "m4", "m5"]
    assert clocked.messages() == [*first, "m2"]
    assert (fenced.messages(), fenced.refused) == (first, ["m2", "m3", "m4", "m5"])


def test_a_worker_alone_that_froze_goes_on_under_a_new_epoch():
    stream, table, sink = floor(1, 3)
    worker = Consumer("w1", stream, table, sink)
    finish(worker.turn(0), 0)
    put(stream, 1, 2, begin=3)
    for second in (400, 401):
        finish(worker.turn(second * S), second * S)
    assert sink.messages() == ["m0", "m1", "m2", "m3", "m4"]
    assert table.leases()[0].epoch == 2


def test_a_worker_that_is_too_slow_learns_how_many_it_missed_and_a_shard_that_is_gone_leaves_the_table():
    stream, table, sink = floor(1, 10, retention_s=20)
    worker = Consumer("w1", stream, table, sink, page_records=4)
    finish(worker.turn(0), 0)
    put(stream, 5 * S, 3, begin=10)
    finish(worker.turn(21 * S), 21 * S)
    finish(worker.turn(22 * S), 22 * S)
    assert sink.messages() == ["m0", "m1", "m2", "m3", "m10", "m11", "m12"]
    assert worker.status().missed == 6
    stream.split(23 * S, "shard-000")
    for second in (43, 44):
        finish(worker.turn(second * S), second * S)
    assert [lease.shard for lease in table.leases()] == ["shard-001", "shard-002"]


def test_over_the_limit_of_reads_a_worker_comes_back_later():
    stream = LogStream("nights", VolatileDisk(), Settings(limits=Limits(read_calls=1)))
    put(stream, 0, 4)
    sinks = [Sink(), Sink()]
    workers = [Consumer("w", stream, LeaseTable(f"g{n}", VolatileDisk()), sink) for n, sink in enumerate(sinks)]
    steps = [[step.what for step in finish(worker.turn(1), 1)] for worker in workers]
    assert steps[1] == ["lease", "throttled"]
    finish(workers[1].turn(2 * S), 2 * S)
    assert sinks[0].messages() == sinks[1].messages()


def test_a_worker_does_one_thing_at_a_time():
    stream, table, sink = floor(1, 3)
    worker = Consumer("w1", stream, table, sink)
    turn = worker.turn(0)
    next(turn)
    with pytest.raises(Misuse, match="is not over"):
        next(worker.turn(0))
    turn.close()
    finish(worker.turn(1), 1)
    assert sink.messages() == ["m0", "m1", "m2"]


def test_the_rows_say_who_owned_and_how_far():
    trace = Trace()
    stream = LogStream("nights", VolatileDisk(), Settings(limits=None), recorder=trace)
    put(stream, 0, 5)
    table = LeaseTable("billing", VolatileDisk(), recorder=trace)
    finish(Consumer("w1", stream, table, Sink(), checkpoint_every=2).turn(1), 1)
    said = [(row.kind, row.place, row.fields.get("offset", row.fields.get("epoch"))) for row in trace
            if row.kind in ("lease", "commit", "read")]
    assert said == [("lease", "billing", 1), ("read", "w1", None), *(("commit", "w1", n) for n in (1, 3, 4))]


@pytest.mark.parametrize("wrong", [{"lease_s": 0}, {"checkpoint_every": 0}, {"order": "random"}, {"since_us": -1}])
def test_a_worker_with_wrong_settings_is_refused(wrong):
    stream, table, sink = floor()
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        Consumer("w", stream, table, sink, **wrong)


def test_a_hot_key_stays_on_one_shard_whatever_is_split():
    stream, *_ = floor()
    for _ in range(4):
        hot = stream.put(0, Entry("m", "bot")).shard
        stream.split(0, hot)
    shards = {stream.put(0, Entry("m", "bot")).shard for _ in range(20)}
    assert len(shards) == 1
    assert len([shard for shard in stream.shards() if shard.is_open]) == 5


# ------------------------------------------------------------------------------------------ golden traces
class Told:
    """Passes on all but the rows of the logs beneath."""

    def __init__(self, trace):
        self._trace = trace

    def emit(self, time_us, kind, place, message=None, /, **fields):
        if not kind.startswith("log_") and kind != "recover":
            self._trace.emit(time_us, kind, place, message, **fields)


class Night:
    """A stream, a lease table and workers whose effects are rows."""

    def __init__(self, trace, **given):
        self.told = Told(trace)
        self.stream = LogStream("nights", VolatileDisk(), Settings(limits=None, **given), recorder=self.told)
        self.table = LeaseTable("scoring", VolatileDisk(), recorder=self.told)

    def put(self, second, *messages, key="anna"):
        for message in messages:
            self.stream.put(second * S, Entry(message, key))

    def worker(self, name, **given):
        def effect(now_us, record, lease):
            self.told.emit(now_us, "effect", name, record.message, key=record.key, epoch=lease.epoch)

        return Consumer(name, self.stream, self.table, effect, **given)


def a_worker_that_dies_is_succeeded_behind_its_checkpoint_and_two_effects_are_repeated(trace):
    night = Night(trace)
    night.put(1, "m0", "m1", "m2", "m3", "m4")
    turn = night.worker("first", checkpoint_every=3).turn(2 * S)
    step = next(turn)
    while (step.what, step.sequence) != ("effect", 4):
        step = turn.send(2 * S)
    trace.emit(3 * S, "crash", "first")
    heir = night.worker("second", checkpoint_every=3)
    for second in (4, 14):
        finish(heir.turn(second * S), second * S)


def a_key_goes_on_with_a_child_and_is_worked_off_parent_first(trace):
    night = Night(trace)
    night.put(1, "m0", "m1")
    night.stream.split(2 * S, "shard-000")
    night.put(3, "m2")
    worker = night.worker("only")
    for second in (4, 5, 6, 7):
        finish(worker.turn(second * S), second * S)


def who_reads_from_the_start_again_changes_nothing_and_who_is_a_day_late_finds_less(trace):
    night = Night(trace, retention_s=86_400)
    night.put(0, "m0", "m1")
    night.put(3_600, "m2")
    for second, reader in ((3_601, "billing"), (3_602, "billing again"), (86_400, "late")):
        iterator = night.stream.iterator(second * S, "shard-000", "TRIM_HORIZON")
        night.stream.read(second * S, iterator, to=reader)


@pytest.mark.parametrize("lesson", [
    a_worker_that_dies_is_succeeded_behind_its_checkpoint_and_two_effects_are_repeated,
    a_key_goes_on_with_a_child_and_is_worked_off_parent_first,
    who_reads_from_the_start_again_changes_nothing_and_who_is_a_day_late_finds_less,
], ids=lambda lesson: lesson.__name__)
def test_a_golden_trace_tells_its_lesson(lesson):
    trace = Trace()
    lesson(trace)
    golden = Path(__file__).parent / "golden" / f"log_stream_{lesson.__name__}.txt"
    if not golden.exists():
        golden.write_text(trace.text() + "\n", encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert trace.text() + "\n" == golden.read_text(encoding="utf-8")
