"""The outbox of a topic and a bus, promise by promise: what waits, is out, is tried again, given up, redriven."""
from __future__ import annotations

from dataclasses import dataclass

import pytest

from dsys_lab.brokers.outbox import Books, Copy, DeadLetter, Outbox, Seat
from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace

S = 1_000_000


@dataclass(frozen=True)
class Every:
    """Tries again after so many seconds, up to an age."""

    pause: float
    age_most_s: float

    def ends(self, retry: int, age_s: float) -> str:
        return "too old" if age_s + self.pause > self.age_most_s else ""

    def pause_s(self, retry: int) -> float:
        return self.pause

    def phase(self, retry: int) -> str:
        return "pause"


class Text(Copy):
    @property
    def body(self) -> str:
        return f"the body of {self.message}"


@pytest.fixture
def trace() -> Trace:
    return Trace()


@pytest.fixture
def outbox(trace: Trace) -> Outbox[Text]:
    return Outbox("hall", trace)


def seat(name: str = "ann", *, sets_aside: bool = True) -> Seat:
    return Seat(name=name, place=f"hall/{name}", retry=Every(10, 25), sets_aside=sets_aside)


def stand(outbox: Outbox[Text], whose: Seat, number: int, at_s: int = 0) -> Text:
    copy = Text(number=number, copy=1, message=f"m{number}", seat=whose, made_us=at_s * S)
    whose.books["matched"] += 1
    outbox.stand(copy, at_s * S)
    return copy


def test_what_was_due_first_goes_first_and_each_is_out_once(outbox: Outbox[Text]) -> None:
    ann, bob = seat(), seat("bob")
    for number, (whose, at_s) in enumerate([(ann, 5), (bob, 3), (ann, 3), (bob, 9)], start=1):
        stand(outbox, whose, number, at_s)
    assert outbox.deadline_us() == 3 * S
    assert [copy.number for copy in outbox.attempts(5 * S)] == [2, 3, 1]
    assert outbox.attempts(5 * S) == []
    assert (ann.to_books(), bob.to_books()) == (
        Books(matched=2, in_flight=2), Books(matched=2, in_flight=1, waiting=1))  # fmt: skip


def test_it_is_tried_by_its_seats_own_retry_and_a_dead_letter_says_what_ended_it(outbox: Outbox[Text]) -> None:
    ann, at = seat(), []
    stand(outbox, ann, 1)
    while (due_us := outbox.deadline_us()) is not None:
        [copy] = outbox.attempts(due_us)
        at.append((due_us // S, copy.attempt))
        ended = outbox.failed(due_us, 1, "down")
        assert ended in (None, copy)
    assert at == [(0, 1), (10, 2), (20, 3)]
    assert ann.letters() == [DeadLetter("m1", "the body of m1", 3, "down", "too old")]
    assert ann.to_books() == Books(matched=1, set_aside=1, dead=1)


def test_a_redrive_begins_anew_in_attempts_and_age(outbox: Outbox[Text]) -> None:
    ann = seat()
    stand(outbox, ann, 1)
    outbox.attempts(0)
    outbox.failed(0, 1, "gone", again=False)
    [copy] = outbox.redrive(1_000 * S, ann)
    outbox.stand(copy, 1_000 * S)
    [again] = outbox.attempts(1_000 * S)
    assert (again.attempt, ann.letters()) == (1, [])
    assert outbox.failed(1_000 * S, 1, "down") is None, "old by its first life, young by its second"
    assert outbox.deadline_us() == 1_010 * S
    assert ann.to_books() == Books(matched=1, redriven=1, set_aside=1, waiting=1)


def test_who_is_gone_gets_nothing_and_what_is_told_of_him_changes_nothing(
    outbox: Outbox[Text], trace: Trace
) -> None:
    ann = seat(sets_aside=False)
    stand(outbox, ann, 1)
    outbox.attempts(0)
    waiting = stand(outbox, ann, 2, at_s=5)
    outbox.forget(S, ann, [waiting], "unsubscribed")
    assert outbox.deadline_us() is None
    assert outbox.delivered(2 * S, 1) is None
    assert [(row.kind, row.message) for row in trace.of("drop", "handed")] == [("drop", "m2")]
    with pytest.raises(BadParameter, match="no such attempt of hall is out"):
        outbox.delivered(2 * S, 1)


def test_without_a_place_for_dead_letters_it_is_dropped_with_the_reason(outbox: Outbox[Text], trace: Trace) -> None:
    ann = seat(sets_aside=False)
    stand(outbox, ann, 1)
    outbox.attempts(0)
    outbox.failed(0, 1, "no such queue", again=False)
    assert [row.fields["why"] for row in trace.of("drop")] == ["given up: no such queue"]
    assert ann.to_books() == Books(matched=1, dropped=1)
