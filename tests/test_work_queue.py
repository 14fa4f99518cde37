"""A work queue lends messages: what each verb answers, what time does, and what a run of it teaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsys_lab.brokers.work_queue import (
    Accepted,
    Acknowledged,
    Became,
    DeadLetter,
    Duplicate,
    Extended,
    Rejected,
    Returned,
    Settings,
    Stale,
    Status,
    WorkQueue,
)
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.trace import Counters, Trace, balance, lamp

S = 1_000_000
HOUR = 3_600 * S
DAY = 24 * HOUR
GOLDEN = Path(__file__).parent / "golden"


def queue_of(*messages, recorder=None, at_us=0, **settings):
    """A queue with these messages; `m1@anna` is m1 in the group anna."""
    queue = WorkQueue("clips", Settings(**settings), **({} if recorder is None else {"recorder": recorder}))
    for text in messages:
        message, _, group = text.partition("@")
        dedup = {"dedup_id": message} if queue.settings.is_fifo else {}
        queue.send(at_us, message, group=group or None, **dedup)
    return queue


def names(deliveries):
    return [delivery.message for delivery in deliveries]


def drain(queue, now_us, **options):
    """Receive and acknowledge until there is nothing; return the messages in order."""
    got = []
    while deliveries := queue.receive(now_us, **options):
        got += names(deliveries)
        for delivery in deliveries:
            queue.acknowledge(now_us, delivery.handle)
    return got


# ------------------------------------------------------------------------------------------ loans
def test_a_received_message_is_hidden_until_its_visibility_timeout_and_then_shows_again():
    queue = queue_of("m1", visibility_s=30)
    [first] = queue.receive(S)
    assert (first.attempt, first.visible_until_us, first.sent_us) == (1, 31 * S, 0)
    assert queue.receive(31 * S - 1) == []
    [again] = queue.receive(31 * S)
    assert (again.message, again.attempt) == ("m1", 2)
    assert again.handle != first.handle


def test_an_acknowledged_message_never_comes_back():
    queue = queue_of("m1")
    [delivery] = queue.receive(0)
    assert queue.acknowledge(S, delivery.handle) == Acknowledged("m1")
    assert queue.receive(3 * DAY) == []
    assert queue.tick(5 * DAY) == []


@pytest.mark.parametrize(("kind", "handles", "wait_s", "received_again", "answer"), [
    ("standard", "newest", 1, False, Acknowledged("m1")),
    ("standard", "newest", 31, False, Acknowledged("m1")),            # the loan is over, the handle is still the newest
    ("standard", "newest", 31, True, Stale("m1", "received again")),
    ("standard", "any", 31, True, Acknowledged("m1")),
    ("fair", "newest", 31, True, Stale("m1", "received again")),
    ("fifo", "newest", 1, False, Acknowledged("m1")),
    ("fifo", "newest", 31, False, Stale("m1", "the loan is over")),
    ("fifo", "any", 31, True, Stale("m1", "received again")),
])  # fmt: skip
def test_which_handle_acknowledges(kind, handles, wait_s, received_again, answer):
    queue = queue_of("m1@anna", kind=kind, handles=handles, visibility_s=30)
    [first] = queue.receive(0)
    if received_again:
        assert names(queue.receive(wait_s * S)) == ["m1"]
    assert queue.acknowledge(wait_s * S, first.handle) == answer
    assert queue.status().kept == (0 if isinstance(answer, Acknowledged) else 1)


def test_an_acknowledgement_that_comes_twice_changes_nothing_the_second_time():
    queue = queue_of("m1", "m2")
    [delivery] = queue.receive(0)
    queue.acknowledge(0, delivery.handle)
    assert queue.acknowledge(0, delivery.handle) == Stale("m1", "gone")
    assert queue.status().acknowledged == 1


def test_a_loan_can_be_extended_up_to_twelve_hours_from_the_receive():
    queue = queue_of("m1", visibility_s=30)
    [delivery] = queue.receive(0)
    assert queue.extend(20 * S, delivery.handle, 60) == Extended("m1", 80 * S)
    assert queue.receive(79 * S) == []
    assert queue.extend(79 * S, delivery.handle, 43_200) == Rejected("m1", "more than 12 hours since it was received")
    assert queue.extend(79 * S, delivery.handle, 5) == Extended("m1", 84 * S)  # it can be made shorter, too
    assert names(queue.receive(84 * S)) == ["m1"]
    assert queue.extend(85 * S, delivery.handle, 5) == Stale("m1", "received again")


def test_who_is_too_late_cannot_extend():
    queue = queue_of("m1", visibility_s=30)
    [delivery] = queue.receive(0)
    assert queue.extend(30 * S, delivery.handle, 60) == Stale("m1", "the loan is over")
    assert queue.nack(30 * S, delivery.handle) == Stale("m1", "the loan is over")


def test_handing_back_and_extending_share_one_limit_for_they_are_one_call_of_sqs():
    queue = queue_of("m1", visibility_s=43_200)
    [delivery] = queue.receive(0)
    too_long = Rejected("m1", "more than 12 hours since it was received")
    assert queue.nack(HOUR, delivery.handle, delay_s=40_000) == too_long
    assert queue.nack(HOUR, delivery.handle, delay_s=39_600) == Returned("m1", 12 * HOUR)


@pytest.mark.parametrize("handles", ["newest", "any"])
def test_a_handle_that_was_never_given_out_acknowledges_nothing(handles):
    queue = queue_of("m1", handles=handles, visibility_s=30)
    for handle in ("m1#0.1", "m1#0.2"):
        for verb in (queue.acknowledge, queue.nack, lambda now_us, handle: queue.extend(now_us, handle, 5)):
            with pytest.raises(BadParameter, match="never gave it out"):
                verb(0, handle)
        queue.receive(0)
    assert queue.status().kept == 1


def test_a_message_handed_back_shows_at_once_or_after_its_delay():
    queue = queue_of("m1")
    [first] = queue.receive(0)
    assert queue.nack(S, first.handle) == Returned("m1", S)
    assert queue.status().visible == 1
    [second] = queue.receive(S)
    assert queue.nack(2 * S, second.handle, delay_s=10) == Returned("m1", 12 * S)
    assert queue.status().in_flight == 1  # SQS counts it as on loan, too
    assert queue.receive(12 * S - 1) == []
    assert names(queue.receive(12 * S)) == ["m1"]


def test_a_receive_gives_up_to_its_limit_the_oldest_first():
    queue = queue_of(*"abcde")
    assert names(queue.receive(0, limit=3)) == ["a", "b", "c"]
    assert names(queue.receive(0, limit=10)) == ["d", "e"]


def test_what_comes_back_goes_before_what_is_younger():
    queue = queue_of(*"abc", visibility_s=30)
    queue.receive(0, limit=2)
    assert drain(queue, 30 * S) == ["a", "b", "c"]


# ------------------------------------------------------------------------------------------ limits
def test_a_delayed_message_shows_after_its_delay():
    queue = queue_of("late", delay_s=60)
    queue.send(S, "soon", delay_s=0)
    assert (queue.status().visible, queue.status().delayed) == (1, 1)
    assert drain(queue, 59 * S) == ["soon"]
    assert queue.deadline_us() == 60 * S
    assert queue.tick(60 * S) == [Became("late", 0, "visible")]
    assert drain(queue, 60 * S) == ["late"]


@pytest.mark.parametrize("stands", ["visible", "delayed", "in_flight", "dead"])
def test_at_its_retention_a_message_is_gone_wherever_it_stands(stands):
    queue = queue_of("m1", retention_s=100, max_receives=1, delay_s=500 if stands == "delayed" else 0)
    if stands in ("in_flight", "dead"):
        [delivery] = queue.receive(S, visibility_s=500)
    if stands == "dead":
        queue.nack(2 * S, delivery.handle)
        assert queue.receive(3 * S) == []
    assert getattr(queue.status(), stands) == queue.status().kept == 1
    assert queue.deadline_us() == 100 * S
    assert queue.tick(100 * S - 1) == []
    assert queue.tick(100 * S) == [Became("m1", 0, "expired")]
    assert (queue.status().kept, queue.status().expired, queue.deadline_us()) == (0, 1, None)


@pytest.mark.parametrize(("body", "answer"), [
    ("x" * 1_024, Accepted("m1", 0)),
    ("x" * 1_025, Rejected("m1", "too large")),
    ("é" * 512, Accepted("m1", 0)),
    ("é" * 513, Rejected("m1", "too large")),
    ("x" * 300, Accepted("m1", 0)),
])  # fmt: skip
def test_a_message_is_measured_in_bytes(body, answer):
    assert WorkQueue("clips", Settings(size_max_bytes=1_024)).send(0, "m1", body) == answer


def test_at_the_limit_of_loans_a_standard_queue_refuses_and_a_fifo_queue_gives_nothing():
    standard = queue_of(*"abc", in_flight_max=2)
    assert names(standard.receive(0, limit=10)) == ["a", "b"]
    with pytest.raises(Refused, match="2 messages on loan"):
        standard.receive(0)
    fifo = queue_of("a@1", "b@2", "c@3", kind="fifo", in_flight_max=2)
    assert names(fifo.receive(0, limit=10)) == ["a", "b"]
    assert fifo.receive(0) == []


# ------------------------------------------------------------------------------------------ dead letters
def test_a_message_received_too_often_is_set_aside_with_its_id_and_count_and_the_others_are_not():
    queue = queue_of("poison", "healthy", max_receives=2, visibility_s=30)
    for now_us in (0, 30 * S):
        assert names(queue.receive(now_us)) == ["poison"]
    assert names(queue.receive(60 * S)) == ["healthy"]
    assert queue.dead_letters() == [DeadLetter("poison", 0, "", None, 2, 0)]
    assert queue.status().dead == 1


def test_redriven_letters_are_as_new():
    queue = queue_of("a", "b", max_receives=1, retention_s=1_000, visibility_s=5)
    queue.receive(0, limit=2)
    assert queue.receive(5 * S) == []
    assert queue.redrive(500 * S, limit=1) == 1
    [delivery] = queue.receive(500 * S)
    assert (delivery.message, delivery.attempt, delivery.sent_us) == ("a", 1, 500 * S)
    assert queue.tick(1_000 * S) == [Became("a", 0, "visible"), Became("b", 0, "expired")]  # b was left as it was
    assert queue.tick(1_500 * S) == [Became("a", 0, "expired")]


def test_the_age_of_a_dead_letter_goes_on_and_in_fifo_begins_anew():
    expired = {}
    for kind in ("standard", "fifo"):
        queue = queue_of("a@1", "b@2", kind=kind, max_receives=1, visibility_s=5, retention_s=100)
        _, second = queue.receive(0, limit=2)
        queue.extend(0, second.handle, 45)
        assert queue.receive(5 * S) == queue.receive(45 * S) == []
        assert [letter.message for letter in queue.dead_letters()] == ["a", "b"]
        expired[kind] = [(became.message, due_us // S) for due_us in (100 * S, 105 * S, 145 * S)
                         for became in queue.tick(due_us)]  # fmt: skip
    assert expired == {"standard": [("a", 100), ("b", 100)], "fifo": [("a", 105), ("b", 145)]}


# ------------------------------------------------------------------------------------------ FIFO and fair
def test_a_message_whose_delay_ends_does_not_unlock_its_group():
    queue = queue_of("a1@a", kind="fifo", delay_s=5, visibility_s=30)
    queue.send(3 * S, "a2", group="a", dedup_id="a2")
    [a1] = queue.receive(5 * S)
    assert queue.tick(8 * S) == [Became("a2", 0, "visible")]
    assert queue.receive(8 * S) == []
    queue.acknowledge(9 * S, a1.handle)
    assert names(queue.receive(9 * S)) == ["a2"]


def test_a_group_is_in_order_and_one_of_it_is_on_loan_at_a_time():
    queue = queue_of("a1@a", "a2@a", "b1@b", kind="fifo", visibility_s=30)
    a1, b1 = queue.receive(0, limit=10)
    assert names([a1, b1]) == ["a1", "b1"]
    assert queue.receive(S) == []
    queue.nack(S, a1.handle)
    assert names(queue.receive(S, limit=10)) == ["a1"]  # not a2: a1 comes first
    assert drain(queue, 31 * S, limit=10) == ["b1", "a1", "a2"]


def test_a_dead_head_lets_its_group_go_on():
    queue = queue_of("poison@a", "next@a", kind="fifo", max_receives=1, visibility_s=30)
    assert names(queue.receive(0)) == ["poison"]
    assert names(queue.receive(30 * S)) == ["next"]


def test_an_expired_loan_unlocks_its_group():
    queue = queue_of("old@a", kind="fifo", retention_s=10, visibility_s=100)
    queue.receive(0)
    queue.send(5 * S, "young", group="a", dedup_id="young")
    assert queue.receive(9 * S) == []
    assert names(queue.receive(10 * S)) == ["young"]


@pytest.mark.parametrize(("after_s", "answer"), [(299.999999, Duplicate("m2", "m1")), (300, Accepted("m2", 1))])
def test_a_deduplication_id_is_remembered_for_five_minutes_even_when_the_message_is_gone(after_s, answer):
    queue = queue_of(kind="fifo")
    queue.send(0, "m1", group="a", dedup_id="order-1")
    drain(queue, S)
    assert queue.send(int(after_s * S), "m2", group="b", dedup_id="order-1") == answer


def test_without_an_id_the_body_can_be_hashed():
    queue = queue_of(kind="fifo", content_dedup=True)
    assert queue.send(0, "m1", "same", group="a") == Accepted("m1", 0)
    assert queue.send(0, "m2", "same", group="a") == Duplicate("m2", "m1")
    assert queue.send(0, "m3", "other", group="a") == Accepted("m3", 1)


def test_in_a_fair_queue_the_quiet_tenant_does_not_wait_for_the_noisy_one():
    noisy = [f"n{number}@noisy" for number in range(5)]
    assert drain(queue_of(*noisy, "q@quiet", kind="standard"), 0)[-1] == "q"
    assert drain(queue_of(*noisy, "q@quiet", kind="fair"), 0) == ["n0", "q", "n1", "n2", "n3", "n4"]
    assert names(queue_of(*noisy, kind="fair").receive(0, limit=3)) == ["n0", "n1", "n2"]  # no lock


# ------------------------------------------------------------------------------------------ chance
def test_a_standard_queue_may_keep_a_copy_and_names_it():
    trace = Trace()
    queue = queue_of("m1", recorder=trace, copy_share=0.5, order_window=1)
    [first] = queue.receive(0, chance=lambda: 0.4)
    queue.acknowledge(0, first.handle)
    [copy] = queue.receive(0, chance=lambda: 0.6)
    assert (first.copy, copy.copy, copy.message) == (0, 1_000, "m1")
    assert queue.status().copied == 1
    assert [row.kind for row in trace] == ["enqueue", "deliver", "copied", "enqueue", "ack", "deliver"]


def test_a_fifo_queue_leaves_nothing_to_chance():
    queue = queue_of("a1@a", "a2@a", kind="fifo", copy_share=1.0, short_poll_share=0.1)
    assert drain(queue, 0, chance=lambda: 0.99, long_poll=False) == ["a1", "a2"]
    assert queue.status().copied == 0


def test_order_is_best_effort_within_a_window():
    queue = queue_of(*"abcdefgh", order_window=3, copy_share=0)
    assert drain(queue, 0, chance=lambda: 0.99) == list("cdefghba")
    assert drain(queue_of(*"abcdefgh", order_window=3), 0) == list("abcdefgh")


def test_a_short_poll_may_miss_what_a_long_poll_finds():
    queue = queue_of("m1", short_poll_share=0.8)
    assert queue.receive(0, chance=lambda: 0.9, long_poll=False) == []
    assert names(queue.receive(0, chance=lambda: 0.9)) == ["m1"]


# ------------------------------------------------------------------------------------------ time
def test_a_long_poll_is_told_what_to_wait_for():
    queue = queue_of("m1", visibility_s=30)
    queue.receive(0)
    assert queue.ask_again_us(15 * S, since_us=15 * S, wait_s=20) == 30 * S  # m1 shows again
    assert queue.ask_again_us(5 * S, since_us=5 * S, wait_s=20) == 25 * S  # the poll ends
    assert queue.ask_again_us(25 * S, since_us=5 * S, wait_s=20) is None


def test_answers_do_not_depend_on_whether_somebody_ticks():
    ticked, silent = (
        queue_of(*"abc", visibility_s=10, retention_s=25),
        queue_of(*"abc", visibility_s=10, retention_s=25),
    )
    for queue in (ticked, silent):
        queue.receive(0, limit=2)
    while (due_us := ticked.deadline_us()) is not None and due_us <= 20 * S:
        assert ticked.tick(due_us)
    for queue in (ticked, silent):
        assert names(queue.receive(20 * S, limit=10)) == ["a", "b", "c"]
    assert ticked.snapshot() == silent.snapshot()


def test_a_snapshot_is_the_queue():
    queue = queue_of("a1@a", "a2@a", "b1@b", "c1@c", kind="fifo", max_receives=1, visibility_s=5)
    queue.receive(0)
    queue.receive(6 * S)
    again = WorkQueue.restore("clips", queue.snapshot())
    assert again.snapshot() == queue.snapshot()
    assert again.status() == queue.status()
    assert drain(again, 20 * S) == drain(queue, 20 * S)


def test_loans_that_ended_early_do_not_pile_up():
    queue = queue_of(visibility_s=30)
    for number in range(20_000):
        queue.send(number, f"m{number}")
        [delivery] = queue.receive(number)
        queue.extend(number, delivery.handle, 60)
        queue.acknowledge(number, delivery.handle)
    assert len(queue._shelf._ends) < 2_000


# ------------------------------------------------------------------------------------------ books and rows
def test_the_books_balance():
    queue = queue_of(*"abcdef", delay_s=0, max_receives=1, visibility_s=10, retention_s=100, copy_share=1.0)
    [a] = queue.receive(0, chance=lambda: 0.0)
    queue.acknowledge(0, a.handle)
    queue.receive(0)
    queue.receive(10 * S)
    queue.send(15 * S, "late", delay_s=50)
    status = queue.status()
    assert status.accepted + status.copied == status.kept + status.acknowledged + status.expired
    assert status == Status(visible=4, delayed=1, in_flight=1, dead=1, accepted=7, copied=1, acknowledged=1, expired=0,
                            oldest_sent_us=0)  # fmt: skip


def test_the_result_is_the_same_with_every_recorder():
    runs = []
    for recorder in (None, Counters(), Trace()):
        queue = queue_of("a@a", "b@a", "c@b", kind="fifo", visibility_s=10, recorder=recorder)
        runs.append((drain(queue, S, limit=2), queue.snapshot()))
    assert runs[0] == runs[1] == runs[2]


# ------------------------------------------------------------------------------------------ misuse
SENDABLE = {"group": "a", "dedup_id": "1"}


@pytest.mark.parametrize(("settings", "call", "words"), [
    ({}, lambda q: q.send(0, "m1", delay_s=901), "delay_s = 901: give 0 to 900"),
    ({}, lambda q: q.send(0, "m1", delay_s=-1), "delay_s = -1"),
    ({}, lambda q: q.send(0, "m1", b"bytes"), "body of <class 'bytes'>.*give each as a str"),
    ({}, lambda q: q.send(0, 7), "message = 7"),
    ({}, lambda q: q.send(0, "m1", group=7), "group = 7"),
    ({"kind": "fifo"}, lambda q: q.send(0, "m1", group="a", dedup_id=7), "dedup_id = 7: give each as a str"),
    ({}, lambda q: q.redrive(0, limit=-1), "limit = -1"),
    ({}, lambda q: q.receive(0, limit=11), "limit = 11: give 1 to 10"),
    ({}, lambda q: q.receive(0, limit=0), "limit = 0"),
    ({}, lambda q: q.receive(0, visibility_s=43_201), "visibility_s = 43201: give 0 to 43,200"),
    ({}, lambda q: q.ask_again_us(0, since_us=0, wait_s=21), "wait_s = 21: give 0 to 20"),
    ({}, lambda q: q.acknowledge(0, "nonsense"), "handle = 'nonsense': give the handle of a delivery"),
    ({}, lambda q: q.acknowledge(0, None), "handle = None"),
    ({}, lambda q: q.acknowledge(0, "m1#7.1"), "clips never gave it out"),
    ({}, lambda q: q.extend(0, "m1#0.1", -5), "seconds = -5"),
    ({}, lambda q: q.nack(0, "m1#0.1", delay_s=50_000), "delay_s = 50000"),
    ({"kind": "fifo"}, lambda q: q.send(0, "m1", dedup_id="1"), "FIFO needs a group"),
    ({"kind": "fifo"}, lambda q: q.send(0, "m1", **SENDABLE, delay_s=1), "delays all alike"),
    ({"kind": "fifo"}, lambda q: q.send(0, "m1", group="a"), "dedup_id = None.*content_dedup=True"),
])  # fmt: skip
def test_a_wrong_call_says_what_is_allowed_and_changes_nothing(settings, call, words):
    queue = queue_of(**settings)
    before = queue.snapshot()
    with pytest.raises(BadParameter, match=words):
        call(queue)
    assert queue.snapshot() == before


@pytest.mark.parametrize(("settings", "words"), [
    ({"kind": "lifo"}, "kind = 'lifo': give one of standard, fair, fifo"),
    ({"handles": "oldest"}, "handles = 'oldest'"),
    ({"visibility_s": 50_000}, "visibility_s = 50000: give 0 to 43,200"),
    ({"retention_s": 0}, "retention_s = 0"),
    ({"retention_s": 15 * 86_400}, "retention_s = 1296000: give 0 to 1,209,600"),
    ({"delay_s": 901}, "delay_s = 901"),
    ({"size_max_bytes": 2**21}, "size_max_bytes = 2097152"),
    ({"in_flight_max": 0}, "in_flight_max = 0"),
    ({"max_receives": 0}, "max_receives = 0"),
    ({"copy_share": 1.5}, "copy_share = 1.5"),
    ({"short_poll_share": 0}, "short_poll_share = 0"),
])  # fmt: skip
def test_settings_out_of_range_say_what_is_allowed(settings, words):
    with pytest.raises(BadParameter, match=words):
        Settings(**settings)


def test_time_cannot_run_back():
    queue = queue_of("m1", at_us=5)
    for call in (queue.receive, queue.tick, lambda now_us: queue.send(now_us, "m2")):
        with pytest.raises(Misuse, match="now_us = 4 lies before 5"):
            call(4)


# ------------------------------------------------------------------------------------------ lessons
class Workers:
    """Workers with a stopwatch: they receive, work, take effect once a key if they are idempotent, acknowledge."""

    def __init__(self, trace, **settings):
        self.trace = trace
        self.queue = WorkQueue("clips", Settings(**settings), recorder=trace)
        self.done = set()

    def publish(self, now_us, message, *, copy=0, group=None):
        dedup = {"dedup_id": message} if group else {}
        self.trace.emit(now_us, "publish", "phone", message, attempt=copy + 1, copy=copy)
        if not isinstance(self.queue.send(now_us, message, group=group, copy=copy, **dedup), Rejected):
            self.trace.emit(now_us, "publish_ok", "phone", message, attempt=copy + 1)

    def begin(self, now_us, worker, **options):
        [delivery] = self.queue.receive(now_us, to=worker, **options)
        self.trace.emit(now_us, "start", worker, delivery.message, attempt=delivery.attempt, copy=delivery.copy)
        return delivery

    def finish(self, now_us, worker, delivery, *, idempotent=False, acknowledge=True):
        again = idempotent and delivery.message in self.done
        self.done.add(delivery.message)
        kind = "effect_skip" if again else "effect"
        self.trace.emit(now_us, kind, worker, delivery.message, key=f"encode {delivery.message}", copy=delivery.copy)
        return self.queue.acknowledge(now_us, delivery.handle) if acknowledge else None


def too_short(trace, *, idempotent):
    lab = Workers(trace, visibility_s=30)
    lab.publish(0, "m1")
    slow = lab.begin(S, "anna")
    quick = lab.begin(31 * S, "bert")  # anna is still at work
    lab.finish(35 * S, "bert", quick, idempotent=idempotent)
    lab.finish(41 * S, "anna", slow, idempotent=idempotent)  # her work took 40 s, her loan 30 s
    return lab


def visibility_shorter_than_the_work_is_done_twice(trace):
    too_short(trace, idempotent=False)
    assert [row.place for row in trace.of("effect")] == ["bert", "anna"]
    assert not lamp(trace, "at most once").held
    assert not lamp(trace, "exactly-once effect").held
    return ("conservation", "depth adds up", "no acknowledged loss", "at least once", "invisible while lent")


def an_idempotent_worker_is_called_twice_and_does_it_once(trace):
    too_short(trace, idempotent=True)
    return ("conservation", "depth adds up", "at least once", "at most once", "exactly-once effect")


def a_crash_between_effect_and_acknowledgement_repeats_the_effect(trace):
    lab = Workers(trace, visibility_s=30)
    lab.publish(0, "m1")
    lab.finish(5 * S, "anna", lab.begin(S, "anna"), acknowledge=False)
    trace.emit(5 * S, "crash", "anna")
    lab.queue.tick(lab.queue.deadline_us())
    lab.finish(36 * S, "bert", lab.begin(32 * S, "bert"))
    assert not lamp(trace, "at most once").held
    return ("conservation", "depth adds up", "no acknowledged loss", "at least once")


def poison_goes_to_the_dead_and_the_healthy_pass(trace):
    lab = Workers(trace, visibility_s=30, max_receives=2)
    for message in ("poison", "healthy"):
        lab.publish(0, message)
    for now_us in (S, 31 * S):
        delivery = lab.begin(now_us, "anna")
        trace.emit(now_us, "fail", "anna", delivery.message, why="cannot be read", attempt=delivery.attempt)
    lab.finish(62 * S, "anna", lab.begin(61 * S, "anna"))
    lab.queue.redrive(70 * S)
    assert lab.queue.status().visible == 1
    return ("conservation", "depth adds up", "no acknowledged loss")


def nobody_home_for_five_days_and_all_are_gone_without_an_error(trace):
    lab = Workers(trace)
    for day in range(3):
        lab.publish(day * DAY, f"m{day}")
    while (due_us := lab.queue.deadline_us()) is not None and due_us <= 5 * DAY:
        lab.queue.tick(due_us)
    assert lab.queue.status().expired == 2
    return ("conservation", "depth adds up", "no acknowledged loss")


def a_fifo_group_is_one_worker_wide_and_a_lost_answer_is_no_second_message(trace):
    lab = Workers(trace, kind="fifo")
    for message, group in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        lab.publish(0, message, group=group)
    lab.publish(S, "a1", group="a", copy=1)  # the answer was lost: sent again, not stored again
    a1, b1 = lab.begin(2 * S, "anna"), lab.begin(2 * S, "bert")
    assert lab.queue.receive(2 * S, to="cleo") == []
    lab.finish(4 * S, "anna", a1)
    lab.finish(6 * S, "cleo", lab.begin(5 * S, "cleo"))
    lab.finish(7 * S, "bert", b1)
    return ("conservation", "depth adds up", "at least once", "at most once", "exactly-once effect",
            "order per group", "one at a time per group", "invisible while lent")  # fmt: skip


LESSONS = (
    visibility_shorter_than_the_work_is_done_twice,
    an_idempotent_worker_is_called_twice_and_does_it_once,
    a_crash_between_effect_and_acknowledgement_repeats_the_effect,
    poison_goes_to_the_dead_and_the_healthy_pass,
    nobody_home_for_five_days_and_all_are_gone_without_an_error,
    a_fifo_group_is_one_worker_wide_and_a_lost_answer_is_no_second_message,
)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.__name__)
def test_a_golden_trace_tells_its_lesson(lesson):
    """To renew them after a change that is meant: delete the file, run twice, read the difference."""
    trace = Trace()
    kept = lesson(trace)
    assert {name: lamp(trace, name).rows for name in kept} == dict.fromkeys(kept, ())
    books = balance(trace)
    assert books.offered == len(trace.of("publish", "copied"))
    golden = GOLDEN / f"work_queue_{lesson.__name__}.txt"
    if not golden.exists():
        golden.write_text(trace.text() + "\n", encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert trace.text() + "\n" == golden.read_text(encoding="utf-8")
