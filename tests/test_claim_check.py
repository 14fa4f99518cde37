"""A payload beside its message: the same room over our queue and store, and over SQS and S3 as moto plays them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import permutations

import pytest

from dsys_lab.brokers.work_queue import Accepted, Settings
from dsys_lab.dataflows.claim_check import ORDERS, ClaimCheck, ClaimGone, crashed_everywhere
from dsys_lab.dataflows.claim_check.check import SIZE_MAX_BYTES, written_whole
from dsys_lab.dataflows.claim_check.crashes import RECEIVER, SENDER, QueueAtHand
from dsys_lab.engines import aws
from dsys_lab.engines.aws.object_store import S3Bucket
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.facts import fact
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.structures.disk import VolatileDisk

FILM = bytes(range(256)) * 8_000  # 2 MB: no queue takes that


def model() -> ClaimCheck:
    return ClaimCheck(QueueAtHand("clips"), JournaledStore(VolatileDisk()))


@pytest.fixture(params=["model", "moto"])
def clips(request: pytest.FixtureRequest) -> Iterator[ClaimCheck]:
    if request.param == "model":
        yield model()
        return
    with ExitStack() as stack:
        queue = stack.enter_context(aws.SqsQueue("clips", Settings(visibility_s=1)))
        yield ClaimCheck(queue, stack.enter_context(S3Bucket()))


@pytest.fixture(scope="module", autouse=True)
def no_server_is_left_running() -> Iterator[None]:
    yield
    aws.connection().close()


# ------------------------------------------------------------------------------------------ what both promise
def test_what_was_sent_is_received_whatever_its_size_and_leaves_nothing_behind(clips: ClaimCheck) -> None:
    for message, payload in (("clip-1", FILM), ("ping-1", b"\x00\xff here")):
        assert isinstance(clips.send(message, payload), Accepted)
        [taken] = clips.receive()
        assert (taken.message, clips.payload(taken)) == (message, payload)
        assert (taken.ticket is not None) == (payload is FILM)
        clips.done(taken)
        assert clips.receive() == []
    assert clips.store.list().keys == ()


def test_only_the_ticket_goes_through_the_queue(clips: ClaimCheck) -> None:
    clips.send("clip-1", FILM)
    [taken] = clips.receive()
    assert len(taken.body) < 200
    assert clips.store.list().keys == ("claims/clip-1",)


def test_whose_loan_is_over_takes_the_object_away_from_nobody() -> None:
    clips = model()
    clips.send("clip-1", FILM)
    [slow] = clips.receive()
    clips.queue.wait(60)
    [next_one] = clips.receive()
    assert clips.done(slow) is False
    assert clips.payload(next_one) == FILM
    assert clips.done(next_one) is True
    assert clips.store.list().keys == ()


def test_an_object_that_is_gone_or_changed_is_an_error_with_a_name(clips: ClaimCheck) -> None:
    clips.send("clip-1", FILM)
    [taken] = clips.receive()
    clips.store.put(taken.ticket.key, b"another night")
    with pytest.raises(ClaimGone, match="somebody changed it"):
        clips.payload(taken)
    clips.store.delete(taken.ticket.key)
    with pytest.raises(ClaimGone, match=r"'claims/clip-1' \(2,048,000 bytes\) is gone.*for longer than the queue"):
        clips.payload(taken)


def test_who_sends_again_writes_over_what_it_left(clips: ClaimCheck) -> None:
    clips.check_in("clip-1", FILM)  # and here it crashed
    clips.send("clip-1", FILM)
    assert clips.store.list().keys == ("claims/clip-1",)


# ------------------------------------------------------------------------------------------ sizes
def test_the_largest_message_that_the_queue_takes_goes_whole_and_one_byte_more_does_not() -> None:
    check = model()
    payload = bytes(SIZE_MAX_BYTES * 3 // 4)
    while len(written_whole(payload)) > SIZE_MAX_BYTES:
        payload = payload[:-1]
    assert check.message_bytes_max == fact("sqs_size_max").value
    for number, whole in ((0, payload), (1, payload + b"123")):
        assert isinstance(check.send(f"m{number}", whole), Accepted)
    assert [taken.ticket is None for taken in check.receive(limit=2)] == [True, False]


def test_a_refused_message_leaves_no_object() -> None:
    check = ClaimCheck(QueueAtHand("clips", Settings(size_max_bytes=20)), JournaledStore(VolatileDisk()))
    check.send("clip-1", FILM)
    assert check.store.list().keys == ()


def test_what_a_queue_with_a_lower_limit_finds_too_large_goes_beside_it_and_takes_nothing_from_others() -> None:
    check = ClaimCheck(QueueAtHand("clips", Settings(size_max_bytes=1024)), JournaledStore(VolatileDisk()))
    sizes = {"film": 3_000_000, "photo": 5_000, "ping": 100}
    for message, size in sizes.items():
        assert isinstance(check.send(message, bytes(size)), Accepted)
    lent = {taken.message: taken for taken in check.receive(limit=3)}
    assert {message: len(check.payload(taken)) for message, taken in lent.items()} == sizes
    assert [message for message, taken in lent.items() if taken.ticket is None] == ["ping"]


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda check: ClaimCheck(check.queue, check.store, message_bytes_max=SIZE_MAX_BYTES + 1), BadParameter, "SQS"),
        (lambda check: ClaimCheck(check.queue, check.store, message_bytes_max=True), BadParameter, "_max = True: give"),
        (lambda check: ClaimCheck(check.queue, check.store, message_bytes_max=1.5), BadParameter, "a whole number"),
        (lambda check: ClaimCheck(check.queue, check.store, message_bytes_max="x"), BadParameter, "a whole number"),
        (lambda check: ClaimCheck(check.queue, check.store, message_bytes_max=None), BadParameter, "a whole number"),
        (lambda check: ClaimCheck(check.queue, check.store, prefix="x" * 2_000), BadParameter, "key of 2,001 bytes"),
        (lambda check: check.send("m", "text"), BadParameter, "payload = str"),
        (lambda check: check.send("m" * 2_000, FILM), BadParameter, "key of"),
        (lambda check: (check.queue.send("m", "somebody else's"), check.receive()), Misuse, "no claim check"),
        (lambda check: (check.queue.send("m", "[1]"), check.receive()), Misuse, "no claim check"),
        (lambda check: crashed_everywhere("at random"), BadParameter, "object first, deleted last"),
        (lambda check: crashed_everywhere(["get", "put"]), BadParameter, "the sender's first"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(call: object, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        call(model())


# ------------------------------------------------------------------------------------------ a crash at every step
@pytest.mark.parametrize("sends_again", [False, True])
def test_object_first_and_deleted_last_never_leaves_a_ticket_to_nowhere(sends_again: bool) -> None:
    crashed = crashed_everywhere("object first, deleted last", sends_again=sends_again)
    assert [one.to_nowhere for one in crashed] == [0] * 7
    litter = [one.before for one in crashed if one.litter]
    assert litter == (["delete"] if sends_again else ["send", "delete"])  # who sends again sweeps up its own
    assert [one.before for one in crashed if not one.done] == ([] if sends_again else ["put", "send"])


def test_every_order_with_a_mistake_leaves_a_ticket_to_nowhere_and_no_other_does() -> None:
    for first in permutations(SENDER):
        for then in permutations(RECEIVER):
            if then[0] != "get":
                continue  # that one lets go of what it has not fetched yet
            bad = any(one.to_nowhere for one in crashed_everywhere((*first, *then)))
            assert bad == (first == ("send", "put") or then.index("delete") < then.index("acknowledge"))


def test_an_acknowledgement_before_the_work_loses_it() -> None:
    steps = ("put", "send", "get", "acknowledge", "work", "delete")
    assert [one.before for one in crashed_everywhere(steps, sends_again=True) if not one.done] == ["work"]
    assert "message first" in ORDERS
