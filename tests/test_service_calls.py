"""A service carries a call out once, refuses what it cannot take, and its caller knows what to believe."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.service import (
    CALLER,
    DONE,
    FULL,
    IN_PROGRESS,
    NIGHT_V2,
    OTHER_BODY,
    UNREADABLE,
    Again,
    Contract,
    Conversation,
    Effect,
    MemoryLedger,
    Over,
    Reply,
    Request,
    Service,
    decode,
)
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.trace import Trace

OLD, NEW = b'{"person":17,"hours_sleep":7.25}', b'{"person":17,"sleep_minutes":435}'


def call(key: str = "n1", version: str = "v1", body: bytes = OLD) -> Request:
    """A call to keep a night."""
    return Request(key, version, body)


def carried_out(service: Service, request: Request) -> Reply:
    """Let a service that has nothing else to do carry a call out."""
    assert service.receive(0, request) is None
    assert service.begin(0) == request
    return service.finish(8_000, request)


def test_both_versions_are_kept_alike() -> None:
    service = Service("nights")
    assert carried_out(service, call("n1")).is_done
    assert carried_out(service, call("n2", "v2", NEW)).is_done
    kept = [service.ledger.find(key) for key in ("n1", "n2")]
    assert [decode(NIGHT_V2, effect.record) for effect in kept if effect] == [
        {"person": 17, "sleep_minutes": 435, "awakenings": 0}
    ] * 2


def test_without_a_mapper_old_callers_are_refused_with_what_is_served() -> None:
    service = Service("nights", contract=Contract(older={}))
    reply = service.receive(0, call())
    assert reply is not None
    assert (reply.status, service.status().refused) == (UNREADABLE, 1)
    assert "this service serves v2; ask in one of them" in reply.said


@pytest.mark.parametrize(("request_", "says"), [
    (call(body=b"{"), "is no JSON"),
    (call(body=b'{"person":17}'), "'hours_sleep': it is required and not there"),
    (call(body=b'{"person":17,"hours_sleep":-1.0}'), "maps to no record that is kept"),
    (call(version="v9"), "this service serves v1, v2"),
    (call(key=""), "a key of 0 characters: give 1 to 255"),
    (call(key="k" * 256), "a key of 256 characters"),
])  # fmt: skip
def test_a_bad_call_is_refused_and_leaves_nothing(request_: Request, says: str) -> None:
    service = Service("nights")
    reply = service.receive(0, request_)
    assert reply is not None
    assert reply.status == UNREADABLE
    assert says in reply.said
    assert (service.status().effects, service.status().waiting, service.status().refused) == (0, 0, 1)


def test_a_key_is_done_once_is_under_way_once_and_stands_for_one_body() -> None:
    service = Service("nights")
    assert service.receive(0, call()) is None
    other = call(body=b'{"person":18,"hours_sleep":7.25}')
    assert [service.receive(0, one).status for one in (call(), other)] == [IN_PROGRESS, OTHER_BODY]  # type: ignore[union-attr]
    service.begin(0)
    assert [service.receive(0, one).status for one in (call(), other)] == [IN_PROGRESS, OTHER_BODY]  # type: ignore[union-attr]
    first = service.finish(0, call())
    assert service.receive(0, call()) == Reply(DONE, first.said, repeated=True)
    assert service.receive(0, other).status == OTHER_BODY  # type: ignore[union-attr]
    assert (service.status().effects, service.status().repeated) == (1, 1)


def test_a_full_queue_refuses_at_once_and_says_when_to_ask_again() -> None:
    service = Service("nights", work_s=0.05)
    told = [service.receive(0, call(f"n{number}")) for number in range(102)]
    assert told[:100] == [None] * 100
    assert [(reply.status, reply.retry_after_s) for reply in told[100:] if reply] == [(FULL, 5)] * 2
    service.begin(0)
    assert service.receive(0, call("late")) is None
    assert (service.status().shed, service.status().at_work, service.status().waiting) == (2, 1, 100)


def test_no_more_are_worked_on_than_there_are_workers() -> None:
    service = Service("nights", workers=2)
    for number in range(3):
        service.receive(0, call(f"n{number}"))
    assert [bool(service.begin(0)) for _ in range(3)] == [True, True, False]


def test_its_rows_balance() -> None:
    trace = Trace()
    service = Service("nights", queue_max=1, recorder=trace)
    service.receive(0, call("n1"))
    service.receive(1, call("n2"))
    service.begin(2)
    service.receive(3, call("n3"))
    service.finish(4, call("n1"))
    service.receive(5, call("n1"))
    service.crash(6)
    kinds = Counter(row.kind for row in trace)
    assert kinds == {"enqueue": 2, "reject": 1, "start": 1, "effect": 1, "finish": 1, "duplicate": 1, "drop": 1}


class CalledService(RuleBasedStateMachine):
    """Calls, work and crashes in any order: one effect a key at most, and none for what was only refused."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = _CountingLedger()
        self.service = Service("nights", self.ledger, workers=2, queue_max=3)
        self.taken: set[str] = set()
        self.done: set[str] = set()
        self.at_work: list[Request] = []

    @rule(number=some.integers(0, 6), person=some.integers(1, 2))
    def ask(self, number: int, person: int) -> None:
        request = call(f"n{number}", body=b'{"person":%d,"hours_sleep":1.0}' % person)
        reply = self.service.receive(0, request)
        if reply is None:
            self.taken.add(request.key)
        elif reply.status == DONE:
            assert reply.repeated
            assert request.key in self.done

    @rule()
    def begin(self) -> None:
        request = self.service.begin(0)
        if request:
            self.at_work.append(request)

    @precondition(lambda self: self.at_work)
    @rule()
    def finish(self) -> None:
        request = self.at_work.pop()
        assert self.service.finish(0, request).status == DONE
        self.done.add(request.key)

    @rule()
    def crash(self) -> None:
        lost = self.service.status().waiting + self.service.status().at_work
        assert self.service.crash(0) == lost
        self.at_work.clear()
        self.service = Service("nights", self.ledger, workers=2, queue_max=3)

    @invariant()
    def one_effect_a_key_and_none_for_the_refused(self) -> None:
        assert self.ledger.writes == Counter(self.done)
        assert self.done <= self.taken
        assert self.service.status().waiting <= 3
        assert self.service.status().at_work <= 2


class _CountingLedger(MemoryLedger):
    def __init__(self) -> None:
        super().__init__()
        self.writes = Counter[str]()

    def write(self, effect: Effect) -> None:
        self.writes[effect.key] += 1
        super().write(effect)


CalledService.TestCase.settings = settings(max_examples=8, stateful_step_count=15, deadline=None)
test_calls_work_and_crashes_in_any_order = CalledService.TestCase


# ------------------------------------------------------------ the caller
def test_a_caller_asks_four_times_with_growing_pauses_and_gives_up_unsure() -> None:
    talk = Conversation()
    told = [talk.told(None, chance=0.999999) for _ in range(4)]
    pauses = [round(step.pause_s, 3) for step in told if isinstance(step, Again)]
    assert (pauses, CALLER.timeout_s, talk.attempts) == ([0.1, 0.2, 0.4], 1.0, 4)
    assert told[-1] == Over(is_done=False, may_have_happened=True, why="no answer in time")


@pytest.mark.parametrize(("replies", "is_done", "may_have_happened"), [
    ([Reply(FULL, "full", 1)] * 4, False, False),
    ([Reply(FULL, "full", 1)] * 3 + [None], False, True),
    ([None] + [Reply(FULL, "full", 1)] * 3, False, True),
    ([Reply(IN_PROGRESS, "under way")] * 4, False, True),
    ([None, Reply(DONE, "kept")], True, True),
    ([Reply(UNREADABLE, "no")], False, False),
    ([None, Reply(OTHER_BODY, "no")], False, True),
])  # fmt: skip
def test_what_a_caller_may_believe(replies: list[Reply | None], *, is_done: bool, may_have_happened: bool) -> None:
    talk = Conversation()
    *before, last = [talk.told(reply, chance=0.0) for reply in replies]
    assert all(isinstance(step, Again) for step in before)
    assert isinstance(last, Over)
    assert (last.is_done, last.may_have_happened) == (is_done, may_have_happened)


def test_who_is_told_when_to_ask_again_does_not_ask_sooner() -> None:
    assert Conversation().told(Reply(FULL, "full", 2), chance=0.5) == Again(2)


def test_where_nobody_was_there_nothing_can_have_happened() -> None:
    over = Conversation(RetryPolicy(retries=0)).told(None, chance=0.0, certainly_not=True)
    assert isinstance(over, Over)
    assert not over.may_have_happened


@pytest.mark.parametrize("bad", [{"workers": 0}, {"queue_max": 0}, {"work_s": 0}])
def test_a_service_that_could_do_nothing_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(BadParameter, match=f"{next(iter(bad))} = 0: give a number above 0"):
        Service("nights", **bad)  # type: ignore[arg-type]


def test_what_no_worker_holds_cannot_be_finished() -> None:
    service = Service("nights")
    service.receive(0, call())
    with pytest.raises(Misuse, match="n1 is in no worker's hands"):
        service.finish(0, call())


class FullDisk(MemoryLedger):
    """A ledger that cannot write as long as its disk is full."""

    is_full = True

    def write(self, effect: Effect) -> None:
        if self.is_full:
            raise OSError("no space left on device")
        super().write(effect)


def test_a_call_that_the_ledger_did_not_take_stays_at_work() -> None:
    ledger = FullDisk()
    service = Service("nights", ledger)
    assert service.receive(0, call()) is None
    assert service.begin(0) == call()
    with pytest.raises(OSError, match="no space left"):
        service.finish(8_000, call())
    assert (service.status().at_work, service.status().effects) == (1, 0)
    ledger.is_full = False
    assert service.finish(9_000, call()).is_done
    assert (service.status().at_work, service.status().effects) == (0, 1)
