"""Promises: the gate's, on old news; the desk's, that walks each to its end; the auditor's, who names what is wrong."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import (
    FINDINGS,
    WAY,
    Book,
    Books,
    Call,
    Closed,
    Desk,
    Entry,
    Gate,
    Holds,
    Line,
    LogJournal,
    Promised,
    Saga,
    SoldOut,
    Stock,
    answered,
    audit,
    by_hand,
    failed,
    findings,
    next_call,
    parties_on,
    work,
    world,
)
from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.structures import AppendLog, VolatileDisk
from dsys_lab.trace import Trace

S = 1_000_000


# ------------------------------------------------------------------------------------------ the gate
def test_gates_that_do_not_hear_of_each_other_promise_more_than_there_is() -> None:
    gates = [Gate(left=3) for _ in range(4)]
    said = [gate.offer(n, f"o{n}") for n, gate in enumerate(gates)]
    assert sum(isinstance(answer, Promised) for answer in said) == 4, "of three"


def test_a_reserve_is_held_back_and_later_news_opens_and_shuts_the_gate() -> None:
    gate = Gate(left=5, reserve=2)
    assert gate.offer(1, "a") == Promised("a", again=False)
    gate.told(10, left=2, as_of_us=8)
    assert gate.offer(11, "b") == SoldOut("b", left=2)
    gate.told(12, left=4, as_of_us=3)
    assert gate.offer(13, "b") == SoldOut("b", left=2), "older news changes nothing"
    gate.told(20, left=3, as_of_us=15)
    assert gate.offer(21, "b") == Promised("b", again=False)


def test_who_was_promised_something_is_promised_it_again_even_when_all_is_gone() -> None:
    gate = Gate(left=1, news_age_max_s=1)
    assert gate.offer(0, "a") == Promised("a", again=False)
    gate.told(1, left=0, as_of_us=1)
    assert gate.offer(2, "a") == Promised("a", again=True)
    assert gate.offer(100 * S, "a") == Promised("a", again=True)
    assert gate.status().promised == 1


def test_a_gate_whose_news_is_too_old_closes_until_it_hears_again() -> None:
    gate = Gate(left=5, news_age_max_s=2)
    assert gate.offer(2 * S, "a") == Promised("a", again=False)
    assert gate.offer(2 * S + 1, "b") == Closed("b", news_age_us=2 * S + 1)
    gate.told(3 * S, left=5, as_of_us=3 * S)
    assert gate.offer(4 * S, "b") == Promised("b", again=False)


# ------------------------------------------------------------------------------------------ holds
def test_a_hold_that_nobody_keeps_idles_for_ever_and_one_with_a_time_to_live_does_not() -> None:
    for_ever, for_10_s = Holds(1), Holds(1, ttl_s=10)
    for holds in (for_ever, for_10_s):
        assert holds.hold(0, "left without a word")
    assert not for_ever.hold(1_000 * S, "b")
    assert for_10_s.hold(10 * S, "b")
    assert for_10_s.status().ended == 1


def test_a_hold_is_kept_once_and_not_after_its_end() -> None:
    holds = Holds(2, ttl_s=10)
    assert [holds.hold(0, order) for order in "abac"] == [True, True, True, False]
    assert [holds.keep(9 * S, "a"), holds.keep(99 * S, "a"), holds.keep(99 * S, "b")] == [True, True, False]
    assert (holds.status().free, holds.status().held, holds.status().sold) == (1, 0, 1)


# ------------------------------------------------------------------------------------------ the way
def test_every_state_leads_to_an_end_and_no_way_goes_in_a_ring() -> None:
    for answers in itertools.product((True, False), repeat=5):
        saga = Saga("o")
        for yes in answers:
            if not saga.is_settled:
                saga = answered(saga, yes or not WAY[saga.state].no)
        assert saga.is_settled, answers


def test_a_compensation_is_tried_with_growing_pauses_and_then_a_person_owns_it() -> None:
    patience = RetryPolicy(retries=2, backoff="full_jitter", base_s=1, cap_s=20)
    first = failed(Saga("o", state="refused"), 0, 0.5, patience)
    second = failed(first, 0, 0.5, patience)
    third = failed(second, 0, 0.5, patience)
    assert (first.due_us, second.due_us) == (S // 2, S)
    assert (first.owner, second.owner, third.owner) == ("", "", "a person")
    assert next_call(third) == Call("refund", "o"), "a promise is never let go because it is hard to keep"
    assert answered(third, True) == Saga("o", state="refunded")


# ------------------------------------------------------------------------------------------ parties
@pytest.mark.parametrize(("keyed", "charges"), [(True, 1), (False, 3)])
def test_an_act_is_done_once_under_its_key_and_as_often_as_asked_without(keyed: bool, charges: int) -> None:
    payments = parties_on(VolatileDisk(), pillows=1, keyed=keyed)["payments"]
    assert [payments.do(n, Call("charge", "o1")) for n in range(3)] == [True] * 3
    assert len(payments.book.entries) == charges


def test_the_stock_decides_once_and_says_the_same_for_ever_whoever_comes_after() -> None:
    disk = VolatileDisk()
    stock = parties_on(disk, pillows=1)["stock"]
    assert [stock.do(0, Call("take", order)) for order in ("a", "b", "a", "b")] == [True, False, True, False]
    disk.crash(lambda: 0.9)
    again = parties_on(disk, pillows=1)["stock"]
    assert isinstance(again, Stock)
    assert (again.left, again.do(9, Call("take", "b")), again.do(9, Call("take", "c"))) == (0, False, False)


# ------------------------------------------------------------------------------------------ the desk
def promised(orders: int, pillows: int, plan: Callable[[Call, int], str] = lambda call, attempt: "") -> Any:
    here = world(VolatileDisk(), pillows=pillows)
    for number in range(1, orders + 1):
        here.promise(0, f"o{number}")
    here.take_in(0)
    return here, {name: Line(party, plan) for name, party in here.parties.items()}


def test_what_there_is_is_confirmed_and_what_there_is_not_is_refunded_and_apologised_for() -> None:
    here, lines = promised(orders=5, pillows=3)
    work(here.desk, lines, 0)
    status = here.desk.status()
    assert (status.kept, status.apologised, status.open) == (3, 2, 0)
    acts = [entry.key for entry in here.books().entries]
    assert acts.count("refund/o4") == acts.count("apologise/o4") == 1
    assert findings(here) == []


def test_a_refund_that_never_works_is_handed_to_a_person_whose_act_has_the_same_key() -> None:
    here, lines = promised(1, 0, lambda call, attempt: "down" if call.verb == "refund" else "")
    for hour in range(10):
        work(here.desk, lines, hour * 3_600 * S)
    assert here.desk.deadline_us() is None
    [saga] = here.desk.owned()
    assert (saga.state, saga.owner, saga.tries) == ("refused", "a person", 5)
    by_hand(here.desk, here.parties, 11 * 3_600 * S, "o1")
    work(here.desk, lines, 11 * 3_600 * S)
    assert here.desk.saga("o1").state == "apologised"
    assert here.parties["payments"].do(0, Call("refund", "o1")), "who tries once more is told that it was done"
    assert findings(here) == []


def test_a_person_keeps_a_promise_in_hand_over_a_crash_and_tries_are_not_forgotten() -> None:
    disk = VolatileDisk()
    here = world(disk, pillows=0)
    here.promise(0, "o1")
    here.take_in(0)
    lines = {name: Line(party, lambda call, n: "down" if call.verb == "charge" else "")
             for name, party in here.parties.items()}
    for hour in range(10):
        work(here.desk, lines, hour * 3_600 * S)
    disk.crash(lambda: 0.9)
    assert [saga.tries for saga in world(disk, pillows=0).desk.owned()] == [5]


def test_an_error_of_the_partys_own_is_the_callers_and_its_call_is_due_again() -> None:
    here = world(VolatileDisk(), pillows=1)
    here.promise(0, "o1")
    here.take_in(0)

    class Broken:
        def do(self, now_us: int, call: Call) -> bool:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work(here.desk, {**here.parties, "payments": Broken()}, 0)
    assert here.desk.saga("o1").tries == 0
    assert work(here.desk, here.parties, 0) == 3
    assert here.desk.saga("o1").state == "kept"


def test_a_deadline_counts_from_the_promise_and_no_act_begins_after_it() -> None:
    desk = Desk("desk", LogJournal(VolatileDisk()), deadline_s=6)
    desk.take_in(5 * S, 0, "o1", 1 * S)
    assert desk.saga("o1").accepted_us == 1 * S
    charge = desk.begin(5 * S)
    assert charge is not None
    assert desk.answer(8 * S, charge, yes=True).owner == "a person", "answered a second too late: the rest is theirs"
    assert desk.begin(9 * S) is None
    in_time = Desk("desk", LogJournal(VolatileDisk()), deadline_s=6)
    in_time.take_in(5 * S, 0, "o1", 1 * S)
    charge = in_time.begin(5 * S)
    assert charge is not None
    assert in_time.answer(6 * S, charge, yes=True).owner == ""


def test_an_answer_that_comes_twice_or_after_its_time_changes_nothing() -> None:
    desk = Desk("desk", LogJournal(VolatileDisk()))
    desk.take_in(0, 0, "o1")
    charge = desk.begin(0)
    assert charge == Call("charge", "o1")
    assert desk.begin(0) is None, "what is in hand is not handed out again"
    desk.fail(0, charge, "no answer", chance=0.5)
    late = desk.answer(1, charge, yes=True)
    assert late.state == "charged" == desk.answer(2, charge, yes=True).state
    assert desk.fail(3, charge, "no answer", chance=0.5).state == "charged"


def test_a_run_tells_each_step_in_the_rows_of_the_trace() -> None:
    trace = Trace()
    desk = Desk("desk", LogJournal(VolatileDisk()), recorder=trace)
    parties = parties_on(VolatileDisk(), pillows=1, recorder=trace)
    desk.take_in(0, 0, "o1")
    desk.take_in(0, 1, "o2")
    work(desk, parties, 0)
    assert [(row.kind, row.message) for row in trace if row.kind != "effect"] == [
        ("confirm", "o1"), ("compensate", "o2"), ("apologise", "o2")]


# ------------------------------------------------------------------------------------------ the auditor
TALES: dict[str, tuple[str, list[str]]] = {
    "never settled": ("o1", ["charge", "take"]),
    "done twice": ("o1", ["charge", "take", "confirm", "charge"]),
    "kept and apologised": ("o1", ["charge", "take", "confirm", "refund", "apologise"]),
    "apology without a refund": ("o1", ["charge", "take no", "apologise"]),
    "refund without an apology": ("o1", ["charge", "take no", "refund"]),
    "refunded and kept": ("o1", ["charge", "take", "confirm", "refund"]),
    "refund without a charge": ("o1", ["take no", "refund", "apologise"]),
    "apology without a no": ("o1", ["charge", "take", "refund", "apologise"]),
    "apology and a pillow": ("o1", ["charge", "take", "take no", "refund", "apologise"]),
    "kept without a pillow": ("o1", ["charge", "take no", "confirm"]),
    "kept without a charge": ("o1", ["take", "confirm"]),
    "more than there were": ("", ["charge", "take", "confirm"]),
    "never promised": ("o9", ["charge", "take", "confirm"]),
}


def entries(order: str, acts: list[str]) -> list[Entry]:
    return [Entry(act.split()[0], order, 1, yes=" " not in act) for act in acts]


@pytest.mark.parametrize("what", FINDINGS)
def test_each_fault_is_found_and_named_and_no_other_order_is_blamed(what: str) -> None:
    order, acts = TALES[what]
    good = entries("o2", ["charge", "take no", "refund", "apologise"])
    books = Books([("o1", 0), ("o2", 0)] if order != "o9" else [("o2", 0)], [*good, *entries(order or "o1", acts)],
                  pillows=0 if what == "more than there were" else 5)
    found = audit(books, 100 * S, within_s=60)
    assert what in {finding.what for finding in found}
    assert {finding.order for finding in found} == {order}


def test_a_refusal_that_stands_twice_is_no_act_done_twice() -> None:
    noes = entries("o1", ["charge", "take no", "take no", "refund", "apologise"])
    assert audit(Books([("o1", 0)], noes, 1), 10**12, within_s=1) == []


def test_the_auditor_is_silent_while_all_is_well_and_while_it_is_not_too_late() -> None:
    good = entries("o1", ["charge", "take", "confirm"]) + entries("o2", ["charge", "take no", "refund", "apologise"])
    assert audit(Books([("o1", 0), ("o2", 0)], good, 1), 10**12, within_s=1) == []
    under_way = Books([("o1", 0)], entries("o1", ["charge"]), 1)
    assert audit(under_way, 59 * S, within_s=60) == []
    assert [finding.what for finding in audit(under_way, 60 * S, within_s=60)] == ["never settled"]


@pytest.mark.parametrize(("verb", "trouble", "found"), [
    ("confirm", "lied", "never settled"),
    ("apologise", "lied", "refund without an apology"),
    ("refund", "lied", "apology without a refund"),
    ("take", "lied", "kept without a pillow"),
    ("charge", "lied", "kept without a charge"),
    ("charge", "lied, none left", "refund without a charge"),
    ("apologise", "twice", "done twice"),
    ("charge", "twice", "done twice"),
])  # fmt: skip
def test_what_a_party_does_in_silence_is_found(verb: str, trouble: str, found: str) -> None:
    trouble, _, none_left = trouble.partition(", ")
    pillows = 0 if verb in ("refund", "apologise") or none_left else 1
    here, lines = promised(1, pillows, lambda call, attempt: trouble if call.verb == verb else "")
    work(here.desk, lines, 0)
    assert here.desk.status().open == 0, "the desk believes that all is well"
    assert found in [finding.what for finding in findings(here)]


def test_a_promise_that_the_desk_never_heard_of_is_found_by_the_log_of_the_gates() -> None:
    here = world(VolatileDisk(), pillows=2)
    here.promise(0, "o1")
    here.promise(0, "o2")
    here.desk.take_in(0, 1, "o2")  # o1 is skipped, without a word
    here.take_in(0)
    work(here.desk, here.parties, 0)
    assert [(finding.what, finding.order) for finding in findings(here)] == [("never settled", "o1")]


# ------------------------------------------------------------------------------------------ misuse
def journal_of(payload: bytes) -> VolatileDisk:
    disk = VolatileDisk()
    AppendLog(disk).append(0, payload)
    return disk


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: Gate(left=-1), BadParameter, "left = -1"),
    (lambda: Gate(left=True), BadParameter, "left = True"),
    (lambda: Gate(left=1, reserve=0.5), BadParameter, "reserve = 0.5"),
    (lambda: Gate(left=1, news_age_max_s=0), BadParameter, "news_age_max_s = 0"),
    (lambda: Gate(left=1).told(1, left=1, as_of_us=2), Misuse, "what is to come"),
    (lambda: Holds(-1), BadParameter, "pillows = -1"),
    (lambda: Holds(1, ttl_s=-1), BadParameter, "ttl_s = -1"),
    (lambda: parties_on(VolatileDisk(), pillows=1.5), BadParameter, "pillows = 1.5"),
    (lambda: parties_on(VolatileDisk(), pillows=1)["post"].do(0, Call("take", "o")), BadParameter, "ask stock"),
    (lambda: parties_on(VolatileDisk(), pillows=1)["post"].do(0, Call("dance", "o")), BadParameter, "ask nobody"),
    (lambda: Saga("o", state="lost"), BadParameter, "state = 'lost'"),
    (lambda: answered(Saga("o", state="kept"), True), Misuse, "kept already"),
    (lambda: answered(Saga("o", state="refused"), False), Misuse, "may only say yes"),
    (lambda: failed(Saga("o", state="kept"), 0, 0.5), Misuse, "kept already"),
    (lambda: Desk("desk", LogJournal(VolatileDisk())).saga("o"), Misuse, "never heard of 'o'"),
    (lambda: by_hand(promised(1, 1)[0].desk, promised(1, 1)[0].parties, 0, "o1"), Misuse, "no person"),
    (lambda: Desk("desk", LogJournal(journal_of(b"not JSON"))), Damaged, "no journal of a desk"),
    (lambda: LogJournal(journal_of(b'{"order": "o", "state": "lost"}')).sagas(), Damaged, "no journal of a desk"),
    (lambda: Book("post", journal_of(b'{"a": 1, "b": 2}')), Damaged, "no log of acts"),
    (lambda: Book("post", journal_of(b"1")), Damaged, "no log of acts"),
    (lambda: audit(Books([("o", 0), ("o", 1)], [], 1), 0, within_s=1), BadParameter, "twice among the promises"),
    (lambda: audit(Books([], [], 1), 0, within_s=0), BadParameter, "within_s = 0"),
    (lambda: world(VolatileDisk(), pillows=1, memory="some"), BadParameter, "memory = 'some'"),
    (lambda: work(promised(1, 1)[0].desk, promised(1, 1, lambda c, n: "magic")[1], 0), BadParameter, "'magic'"),
])  # fmt: skip
def test_misuse_says_what_was_given(call: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
