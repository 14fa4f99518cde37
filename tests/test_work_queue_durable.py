"""A durable queue keeps its word: whenever the power goes, what was answered has happened, one verb more at most."""

from __future__ import annotations

import random
from inspect import signature

import pytest

from dsys_lab.brokers.work_queue import Acknowledged, DurableQueue, Rejected, Settings, WorkQueue
from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Misuse, Refused
from dsys_lab.structures import EVERY_RECORD, NEVER, Fsync, PowerCut, RealDisk, VolatileDisk
from dsys_lab.trace import NO_TRACE, Trace, lamp

S = 1_000_000
SETTINGS = {
    "standard": Settings(visibility_s=5, max_receives=2, retention_s=60, copy_share=0.3, order_window=3),
    "fifo": Settings(kind="fifo", visibility_s=5, max_receives=2, retention_s=60),
}
POLICIES = {
    "every record": EVERY_RECORD,
    "every third": Fsync(records=3),
    "every 4 s": Fsync(after_s=4),
    "never": NEVER,
}


def story(kind):
    """Verbs that meet loans that end, acknowledgements in time and too late, dead letters, expiry, redrive."""
    handles = []

    def send(number):
        given = {"group": f"g{number % 2}", "dedup_id": f"d{number % 7}"} if kind == "fifo" else {}
        return lambda queue, now_us: queue.send(now_us, f"m{number}", "x" * 40, **given)

    def receive(limit):
        def act(queue, now_us):
            luck = random.Random(now_us).random
            got = queue.receive(now_us, limit=limit, chance=luck)
            handles.extend(delivery.handle for delivery in got)
            return got

        return act

    def by_handle(verb, position, *given):
        return lambda queue, now_us: getattr(queue, verb)(now_us, handles[position], *given)

    verbs = [send(0), send(1), receive(2), by_handle("acknowledge", 0), send(2), send(3), receive(3), send(4)]
    verbs += [by_handle("extend", -1, 20), send(5), receive(1), by_handle("nack", -1), receive(2), receive(2), send(6)]
    verbs += [receive(1), receive(2), by_handle("acknowledge", -1), lambda queue, now_us: queue.redrive(now_us)]
    verbs += [receive(3), by_handle("acknowledge", -1), by_handle("acknowledge", 0), send(7), receive(1)]
    verbs += [lambda queue, now_us: queue.tick(now_us + 50 * S), send(8), receive(1), by_handle("acknowledge", -1)]
    times = [2 * S * number + (50 * S if number > 24 else 0) for number in range(len(verbs))]
    return list(zip(verbs, times, strict=True)), handles


def tell(queue, kind, recorder=NO_TRACE, answered=None):
    """Tell the story to a queue; note the answers, and the producer's rows."""
    verbs, handles = story(kind)
    handles.clear()
    for number, (verb, now_us) in enumerate(verbs):
        answer = verb(_Producer(queue, recorder), now_us)
        if answered is not None:
            answered.append((number, answer))


class _Producer:
    """Passes every verb on, and writes the rows of whoever sends."""

    def __init__(self, queue, recorder):
        self._queue, self._recorder = queue, recorder

    def send(self, now_us, message, body, **given):
        self._recorder.emit(now_us, "publish", "phone", message, attempt=1)
        answer = self._queue.send(now_us, message, body, **given)
        if not isinstance(answer, Rejected):
            self._recorder.emit(now_us, "publish_ok", "phone", message, attempt=1)
        return answer

    def __getattr__(self, verb):
        return getattr(self._queue, verb)


def states(kind):
    """The queue after each verb of the story, in memory."""
    queue, states = WorkQueue("clips", SETTINGS[kind]), []
    verbs, _ = story(kind)
    states.append(queue.snapshot())
    for verb, now_us in verbs:
        verb(queue, now_us)
        states.append(queue.snapshot())
    return states


def settled(snapshot, now_us):
    """A snapshot once time has come to `now_us`."""
    queue = WorkQueue.restore("clips", snapshot)
    queue.tick(max(now_us, snapshot["now_us"]))
    return queue.snapshot()


def options(policy):
    return {"fsync": POLICIES[policy], "snapshot_every": 6, "segment_bytes": 900}


# ------------------------------------------------------------------------------------------ the same queue
@pytest.mark.parametrize("kind", SETTINGS)
def test_the_story_meets_everything_that_it_is_about(kind):
    trace = Trace()
    tell(WorkQueue("clips", SETTINGS[kind], recorder=trace), kind, trace)
    wanted = {"enqueue", "deliver", "visible", "ack", "ack_stale", "extend", "nack", "dead", "redrive", "expire"}
    assert wanted | ({"duplicate"} if kind == "fifo" else {"copied"}) <= {row.kind for row in trace}


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("policy", POLICIES)
def test_it_answers_and_tells_as_the_one_in_memory(kind, policy):
    in_memory, durable = ([], Trace()), ([], Trace())
    tell(WorkQueue("clips", SETTINGS[kind], recorder=in_memory[1]), kind, *reversed(in_memory))
    disk = VolatileDisk()
    queue = DurableQueue("clips", disk, SETTINGS[kind], recorder=durable[1], **options(policy))
    tell(queue, kind, *reversed(durable))
    assert durable[0] == in_memory[0]
    told = [row[1:] for row in durable[1] if row.place != "clips/log"]
    assert told == [row[1:] for row in in_memory[1]]
    now_us = queue.snapshot()["now_us"]
    assert settled(DurableQueue("clips", disk).snapshot(), now_us) == queue.snapshot()


def test_it_takes_up_in_a_real_folder(tmp_path):
    for now_us in range(0, 30 * S, 10 * S):
        disk = RealDisk(tmp_path / "clips")
        queue = DurableQueue("clips", disk, Settings(visibility_s=30), now_us=now_us)
        queue.send(now_us, f"m{now_us}")
        disk.close()
    [first] = DurableQueue("clips", RealDisk(tmp_path / "clips")).receive(30 * S)
    assert first.message == "m0"


# ------------------------------------------------------------------------------------------ the power goes
def durable_steps(kind, policy):
    disk = VolatileDisk()
    tell(DurableQueue("clips", disk, SETTINGS[kind], **options(policy)), kind)
    return disk.steps


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(2))
def test_whenever_the_power_goes_the_queue_is_as_after_a_whole_number_of_verbs(kind, policy, seed):
    """With a sync at every record: as after what was answered, or one verb more. Else: as after some verb before."""
    steps, after = durable_steps(kind, policy), states(kind)
    assert steps > 20
    lost = 0
    for step in range(steps + 1):
        disk, answered = VolatileDisk(power_cut_before=step), []
        try:
            tell(DurableQueue("clips", disk, SETTINGS[kind], **options(policy)), kind, answered=answered)
        except PowerCut:
            assert step < steps
        else:
            assert step == steps
        disk.crash(random.Random(f"{seed}/{step}").random)
        snapshot = DurableQueue("clips", disk, SETTINGS[kind]).snapshot()
        count = len(answered)
        possible = range(count if policy == "every record" else 0, min(count + 2, len(after)))
        fits = [k for k in possible if settled(after[k], snapshot["now_us"]) == settled(snapshot, after[k]["now_us"])]
        assert fits, f"power cut before step {step}, after {count} answers: a queue that never was"
        lost += count > fits[-1]
    assert bool(lost) == (policy in ("every third", "never", "every 4 s")), "a lazy policy must be seen to lose"


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_rows_of_a_run_with_a_crash_keep_every_invariant(kind):
    for step in range(durable_steps(kind, "every record") + 1):
        disk, trace = VolatileDisk(power_cut_before=step), Trace()
        queue = None
        try:
            queue = DurableQueue("clips", disk, SETTINGS[kind], recorder=trace, **options("every record"))
            tell(queue, kind, trace)
        except PowerCut:
            pass
        disk.crash(random.Random(step).random)
        told_lsn = queue.told_lsn if queue else None
        end_us = trace.end_us + S
        queue = DurableQueue("clips", disk, SETTINGS[kind], recorder=trace, told_lsn=told_lsn, now_us=end_us)
        while deliveries := queue.receive(end_us, limit=10):
            for delivery in deliveries:
                trace.emit(end_us, "effect", "anna", delivery.message, key=delivery.message, copy=delivery.copy)
                assert queue.acknowledge(end_us, delivery.handle) == Acknowledged(delivery.message)
        for name in ("conservation", "depth adds up", "invisible while lent"):
            assert lamp(trace, name).rows == (), f"power cut before step {step}: {name}"


# ------------------------------------------------------------------------------------------ the log stays short
def test_the_log_does_not_grow_for_ever():
    queue = DurableQueue("clips", VolatileDisk(), snapshot_every=50, segment_bytes=4_096)
    sizes = []
    for number in range(500):
        queue.send(number, f"m{number}", "x" * 50)
        [delivery] = queue.receive(number)
        queue.acknowledge(number, delivery.handle)
        sizes.append(queue.log.status().size_bytes)
    assert max(sizes[250:]) <= max(sizes[:250]) < 20_000
    assert queue.log.status().first_lsn > 1_000
    assert queue.log.next_lsn <= 1_500 + 1_500 / 50 + 1, "a snapshot every fifty verbs, and not more often"


def test_what_changes_nothing_is_not_written():
    queue = DurableQueue("clips", VolatileDisk(), Settings(size_max_bytes=10, visibility_s=30))
    queue.send(0, "m1")
    [delivery] = queue.receive(0)
    before = queue.log.next_lsn
    queue.receive(S)
    queue.send(S, "m2", "x" * 11)
    queue.tick(2 * S)
    with pytest.raises(BadParameter):
        queue.receive(2 * S, limit=11)
    assert queue.log.next_lsn == before
    queue.acknowledge(2 * S, delivery.handle)
    assert queue.acknowledge(3 * S, delivery.handle).why == "gone"
    assert queue.log.next_lsn == before + 1


def test_a_refused_call_still_tells_what_time_did():
    trace = Trace()
    queue = DurableQueue("clips", VolatileDisk(), Settings(in_flight_max=1), recorder=trace)
    queue.send(0, "m1")
    queue.receive(0)
    queue.send(0, "m2", delay_s=10)
    with pytest.raises(Refused, match="1 messages on loan"):
        queue.receive(10 * S)
    assert [row.time_us for row in trace.of("visible", message="m2")] == [10 * S]


def test_a_lazy_policy_says_when_it_wants_to_be_called():
    queue = DurableQueue("clips", VolatileDisk(), fsync=Fsync(after_s=2))
    queue.send(S, "m1")
    assert queue.deadline_us() == 3 * S
    assert queue.log.durable_lsn < queue.log.next_lsn
    queue.tick(3 * S)
    assert queue.log.durable_lsn == queue.log.next_lsn
    queue.send(4 * S, "m2")
    queue.sync(4 * S)
    assert queue.log.durable_lsn == queue.log.next_lsn


# ------------------------------------------------------------------------------------------ trouble
def test_a_torn_tail_is_reported_and_damage_is_named():
    disk = VolatileDisk()
    queue = DurableQueue("clips", disk)
    queue.send(0, "m1")
    queue.send(0, "m2")
    segment = disk.names()[0]
    disk.append(segment, b"half a rec")
    again = DurableQueue("clips", disk)
    assert (again.log.cut.size_bytes, again.status().visible) == (10, 2)
    disk.flip(segment, 40)
    with pytest.raises(Damaged, match=f"{segment}, byte 0"):
        DurableQueue("clips", disk)


@pytest.mark.parametrize(("payload", "words"), [
    (b'{"verb": "order a pillow"}', "verb = 'order a pillow': give one of snapshot, send"),
    (b'{"order": "a pillow"}', "KeyError: 'verb'"),
    (b'["a pillow"]', "TypeError"),
    (b"\xff\x00 a pillow", "UnicodeDecodeError"),
    (b'{"verb": "snapshot", "queue": {"settings": {"pillow": 1}}}', "pillow"),
    (b'{"verb": "snapshot", "queue": {"settings": {"visibility_s": -1}}}', "visibility_s = -1"),
])  # fmt: skip
def test_a_log_of_something_else_is_refused(payload, words):
    from dsys_lab.structures import AppendLog

    disk = VolatileDisk()
    AppendLog(disk).append(0, payload)
    with pytest.raises(Damaged, match=f"clips/log, record 0: .*{words}.*open the right one"):
        DurableQueue("clips", disk)


def test_after_a_failed_write_the_queue_refuses_until_it_is_opened_anew():
    class Full(VolatileDisk):
        full = False

        def append(self, name, data):
            if self.full:
                raise OSError(28, "No space left on device")
            super().append(name, data)

    disk = Full()
    queue = DurableQueue("clips", disk)
    queue.send(0, "m1")
    disk.full = True
    with pytest.raises(MayHaveHappened, match="No space left"):
        queue.send(0, "m2")
    with pytest.raises(Refused, match="open it anew"):
        queue.receive(0)
    assert queue.status().in_flight == 0
    disk.full = False
    assert DurableQueue("clips", disk).status().visible == 1


def luck_until(error):
    """Luck for who is next; then, with the message lent already, an error."""
    draws = iter([0.5])

    def draw():
        for draw in draws:
            return draw
        raise error

    return draw


@pytest.mark.parametrize(("breaks_off", "error"), [
    ({"to": object()}, TypeError),                                # JSON cannot say it: known only when it was lent
    ({"chance": luck_until(KeyboardInterrupt())}, KeyboardInterrupt),
    ({"chance": luck_until(OSError("no luck"))}, OSError),
])  # fmt: skip
def test_a_verb_that_breaks_off_half_way_leaves_no_two_queues(breaks_off, error):
    disk = VolatileDisk()
    queue = DurableQueue("clips", disk, Settings(visibility_s=30))
    queue.send(0, "m1")
    with pytest.raises(error):
        queue.receive(0, **breaks_off)
    with pytest.raises(Refused, match="open it anew"):
        queue.receive(S)
    again = DurableQueue("clips", disk)
    assert [delivery.attempt for delivery in again.receive(S)] == [1], "nobody was told of a first loan"


def test_a_slip_of_the_pen_breaks_nothing():
    queue = DurableQueue("clips", VolatileDisk())
    with pytest.raises(TypeError):
        queue.send(0, "m1", grp="a")
    assert queue.send(0, "m1").number == 0
    with pytest.raises(ZeroDivisionError):
        queue.receive(0, chance=lambda: 1 / 0)
    assert queue.receive(0)[0].attempt == 1


def test_its_verbs_are_those_of_the_queue_in_memory():
    for verb in ("send", "receive", "acknowledge", "extend", "nack", "redrive"):
        ours, theirs = getattr(DurableQueue, verb), getattr(WorkQueue, verb)
        assert (ours.__name__, ours.__doc__, signature(ours)) == (verb, theirs.__doc__, signature(theirs))


def test_other_settings_than_it_was_made_with_are_refused():
    disk = VolatileDisk()
    DurableQueue("clips", disk, Settings(visibility_s=7))
    with pytest.raises(BadParameter, match="visibility_s=7"):
        DurableQueue("clips", disk, Settings(visibility_s=8))
    assert DurableQueue("clips", disk).settings.visibility_s == 7
    with pytest.raises(BadParameter, match="snapshot_every = 0"):
        DurableQueue("clips", disk, snapshot_every=0)


def test_time_cannot_run_back_over_a_crash():
    disk = VolatileDisk()
    DurableQueue("clips", disk).send(5, "m1")
    with pytest.raises(Misuse, match="now_us = 4 lies before 5"):
        DurableQueue("clips", disk).receive(4)
