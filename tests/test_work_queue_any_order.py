"""Any verbs in any order, with time, redelivery and loss of power among them: the queue is what thirty lines say."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.brokers.work_queue import Acknowledged, Duplicate, DurableQueue, Extended, Returned, Settings
from dsys_lab.structures import EVERY_RECORD, PowerCut, VolatileDisk
from dsys_lab.trace import Trace, lamp

S = 1_000_000
VISIBILITY_US, RETENTION_US, DEDUP_US, RECEIVES_MAX, FIFO_DELAY_S = 5 * S, 40 * S, 20 * S, 2, 3
INVARIANTS = ("conservation", "depth adds up", "invisible while lent")


class Reference:
    """The queue in thirty lines: a dict of messages, searched from end to end at each question."""

    def __init__(self, *, fifo):
        self.fifo, self.now_us, self.count = fifo, 0, 0
        self.kept, self.dead, self.seen = {}, {}, {}  # number -> [group, sent, hidden until, receives]; id -> when

    def wait(self, us):
        self.now_us += us
        for place in (self.kept, self.dead):
            for number in [n for n, m in place.items() if m[1] + RETENTION_US <= self.now_us]:
                del place[number]

    def send(self, group, dedup_id, delay_us):
        if self.fifo and self.seen.get(dedup_id, -DEDUP_US) + DEDUP_US > self.now_us:
            return False
        self.seen[dedup_id] = self.now_us
        self.kept[self.count] = [group, self.now_us, self.now_us + delay_us, 0]
        self.count += 1
        return True

    def next(self):
        """The numbers that may be lent now; of a FIFO group its head, if none of the group is hidden."""
        visible = [n for n, m in sorted(self.kept.items()) if m[2] <= self.now_us]
        if not self.fifo:
            return visible[:1]
        hidden = {m[0] for m in self.kept.values() if m[2] > self.now_us and m[3]}  # lent, and not just delayed
        heads = {self.kept[n][0]: n for n in reversed(visible)}
        return sorted(n for group, n in heads.items() if group not in hidden)

    def bury(self, number):
        self.dead[number] = m = self.kept.pop(number)
        m[1] = self.now_us if self.fifo else m[1]

    def lend(self, number):
        self.kept[number][2] = self.now_us + VISIBILITY_US
        self.kept[number][3] += 1

    def is_current(self, number, attempt, *, on_loan):
        m = self.kept.get(number)
        return m is not None and m[3] == attempt and (m[2] > self.now_us or not on_loan)


class AnyOrder(RuleBasedStateMachine):
    fifo = False

    @initialize()
    def open(self):
        self.disk, self.trace, self.handles, self.sent = VolatileDisk(), Trace(), [], 0
        self.reference = Reference(fifo=self.fifo)
        self.queue = self.opened(
            Settings(
                kind="fifo" if self.fifo else "standard",
                visibility_s=VISIBILITY_US / S,
                delay_s=FIFO_DELAY_S if self.fifo else 0,
                retention_s=RETENTION_US / S,
                dedup_s=DEDUP_US / S,
                max_receives=RECEIVES_MAX,
            )
        )

    def opened(self, settings=None, told_lsn=None):
        return DurableQueue(
            "clips",
            self.disk,
            settings,
            fsync=EVERY_RECORD,
            snapshot_every=5,
            segment_bytes=1_000,
            recorder=self.trace,
            told_lsn=told_lsn,
            now_us=self.reference.now_us,
        )

    @property
    def now_us(self):
        return self.reference.now_us

    # -------------------------------------------------------- verbs
    @rule(group=st.sampled_from("ab"), dedup=st.integers(0, 5), delay_s=st.sampled_from([0, 0, 3]))
    def send(self, group, dedup, delay_s):
        delay_s = FIFO_DELAY_S if self.fifo else delay_s
        answer = self.send_it(group, dedup, delay_s)
        assert isinstance(answer, Duplicate) != self.reference.send(group, dedup, delay_s * S)

    def send_it(self, group, dedup, delay_s):
        self.sent += 1
        message = f"m{self.sent}"
        given = {"group": group, "dedup_id": str(dedup)} if self.fifo else {"delay_s": delay_s}
        self.trace.emit(self.now_us, "publish", "phone", message, attempt=1)
        return self.queue.send(self.now_us, message, "x" * 20, **given)

    @rule(limit=st.integers(1, 3))
    def receive(self, limit):
        dead = {letter.message for letter in self.queue.dead_letters()}
        number_of = {}
        deliveries = self.queue.receive(self.now_us, limit=limit)
        set_aside = len(self.queue.dead_letters()) - len(dead)
        for delivery in deliveries:
            number_of[delivery.message] = int(delivery.handle.rpartition("#")[2].split(".")[0])
        for _ in range(set_aside + len(deliveries)):  # each step: somebody who may be next is set aside, or lent
            may = self.reference.next()
            worn_out = [n for n in may if self.reference.kept[n][3] >= RECEIVES_MAX]
            if worn_out and set_aside:
                self.reference.bury(worn_out[0])
                set_aside -= 1
                continue
            delivery = deliveries.pop(0)
            number = number_of[delivery.message]
            assert number in may
            self.reference.lend(number)
            assert delivery.attempt == self.reference.kept[number][3] <= RECEIVES_MAX
            self.handles.append((delivery.handle, number, delivery.attempt))
            limit -= 1
        assert not limit or not self.reference.next(), "it could have given one more"

    @rule(data=st.data())
    def acknowledge(self, data):
        if not self.handles:
            return
        handle, number, attempt = data.draw(st.sampled_from(self.handles))
        current = self.reference.is_current(number, attempt, on_loan=self.fifo)
        assert isinstance(self.queue.acknowledge(self.now_us, handle), Acknowledged) == current
        if current:
            del self.reference.kept[number]

    @rule(data=st.data(), seconds=st.integers(1, 10))
    def extend(self, data, seconds):
        if not self.handles:
            return
        handle, number, attempt = data.draw(st.sampled_from(self.handles))
        current = self.reference.is_current(number, attempt, on_loan=True)
        assert isinstance(self.queue.extend(self.now_us, handle, seconds), Extended) == current
        if current:
            self.reference.kept[number][2] = self.now_us + seconds * S

    @rule(data=st.data(), delay_s=st.sampled_from([0, 0, 2]))
    def nack(self, data, delay_s):
        if not self.handles:
            return
        handle, number, attempt = data.draw(st.sampled_from(self.handles))
        current = self.reference.is_current(number, attempt, on_loan=True)
        assert isinstance(self.queue.nack(self.now_us, handle, delay_s=delay_s), Returned) == current
        if current:
            self.reference.kept[number][2] = self.now_us + delay_s * S

    @rule()
    def redrive(self):
        assert self.queue.redrive(self.now_us) == len(self.reference.dead)
        for _, (group, *_) in sorted(self.reference.dead.items(), key=lambda one: (one[1][1], one[0])):
            self.reference.kept[self.reference.count] = [group, self.now_us, self.now_us, 0]
            self.reference.count += 1
        self.reference.dead.clear()

    # -------------------------------------------------------- time and trouble
    @rule(seconds=st.integers(1, 15), ticks=st.booleans())
    def wait(self, seconds, ticks):
        self.reference.wait(seconds * S)
        while ticks and (due_us := self.queue.deadline_us()) is not None and due_us <= self.now_us:
            assert self.queue.tick(due_us)

    @rule(seed=st.integers(0, 99))
    def crash(self, seed):
        self.disk.crash(random.Random(seed).random)
        self.queue = self.opened(told_lsn=self.queue.told_lsn)

    @rule(steps=st.integers(0, 6), dedup=st.integers(0, 5), seed=st.integers(0, 99))
    def crash_while_sending(self, steps, dedup, seed):
        self.disk.power_cut_before = self.disk.steps + steps
        accepted = len(self.reference.kept) + len(self.reference.dead)
        try:
            answer = self.send_it("a", dedup, 0)
            must = not isinstance(answer, Duplicate)
        except PowerCut:
            must = None  # it may have happened
        self.crash(seed)
        self.queue.tick(self.now_us)
        happened = self.queue.status().kept > accepted
        assert must is None or happened == must
        if happened:
            assert self.reference.send("a", dedup, FIFO_DELAY_S * S if self.fifo else 0)

    # -------------------------------------------------------- what must hold
    @invariant()
    def it_keeps_what_the_reference_keeps(self):
        if not hasattr(self, "queue"):
            return
        self.queue.tick(self.now_us)
        status = self.queue.status()
        assert status.kept - status.dead == len(self.reference.kept)
        assert status.dead == len(self.reference.dead)
        assert status.visible == sum(m[2] <= self.now_us for m in self.reference.kept.values())
        assert status.accepted == status.kept + status.acknowledged + status.expired

    def teardown(self):
        if not hasattr(self, "trace"):
            return
        for name in (*INVARIANTS, *(("one at a time per group",) if self.fifo else ())):
            assert lamp(self.trace, name).rows == (), name


class AnyOrderFifo(AnyOrder):
    fifo = True


EFFORT = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestStandard = AnyOrder.TestCase
TestStandard.settings = EFFORT
TestFifo = AnyOrderFifo.TestCase
TestFifo.settings = EFFORT
