"""Every promise is settled exactly once, whenever the power goes: each step of the disk is tried, and any order."""
from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dsys_lab.dataflows.verification import (
    MEMORIES,
    Call,
    Line,
    by_hand,
    crashed_everywhere,
    findings,
    work,
    world,
)
from dsys_lab.dataflows.verification.crashes import HOUR_US
from dsys_lab.structures import VolatileDisk

CHANCES = {"all is kept": lambda step: lambda: 0.0, "all is gone": lambda step: lambda: 0.99,
           "some of it": lambda step: lambda: (step * 0.37) % 1.0}  # fmt: skip


def test_with_keys_and_a_journal_each_promise_is_settled_once_wherever_the_power_goes() -> None:
    for chance in CHANCES.values():
        outcomes = crashed_everywhere("keys and journal", chance=chance)
        assert len(outcomes) > 60, "every write, every sync and every new name is a step"
        assert {outcome[1:6] for outcome in outcomes} == {(3, 2, 1, 0, 0)}


def test_also_where_every_call_fails_once_before_and_once_after_it_was_done() -> None:
    def half_way(call: Call, attempt: int) -> str:
        return {1: "down", 2: "no answer"}.get(attempt, "")

    assert {outcome[1:6] for outcome in crashed_everywhere(plan=half_way)} == {(3, 2, 1, 0, 0)}


def test_also_where_the_refund_never_works_and_a_person_does_it_by_hand() -> None:
    def never(call: Call, attempt: int) -> str:
        return "no answer" if call.verb == "refund" else ""

    assert {outcome[1:6] for outcome in crashed_everywhere(plan=never)} == {(3, 2, 1, 0, 0)}


def test_keys_alone_are_enough_and_cost_more_calls_and_a_journal_alone_is_not() -> None:
    outcomes = {memory: crashed_everywhere(memory) for memory in MEMORIES}
    twice = {memory: sum(o.twice > 0 for o in told) for memory, told in outcomes.items()}
    assert twice["keys and journal"] == twice["keys only"] == 0 < twice["journal only"]
    again = {memory: max(o.calls_after for o in told) for memory, told in outcomes.items()}
    late = {memory: told[-1].calls_after for memory, told in outcomes.items()}
    assert late["keys and journal"] == 0 < late["keys only"]
    assert again["keys and journal"] <= again["keys only"]


class AnyOrder(RuleBasedStateMachine):
    """Promises, turns of work, failing calls and losses of power, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = VolatileDisk()
        self.here = world(self.disk, pillows=2)
        self.now_us = self.promised = 0

    @rule()
    def promise(self) -> None:
        self.promised += 1
        self.here.promise(self.now_us, f"o{self.promised}")

    @rule(trouble=st.sampled_from(["", "down", "no answer"]), verb=st.sampled_from(["charge", "take", "refund"]))
    def turn(self, trouble: str, verb: str) -> None:
        self.here.take_in(self.now_us)
        self.now_us += 60_000_000
        lines = {name: Line(party, lambda call, n: trouble if call.verb == verb else "")
                 for name, party in self.here.parties.items()}  # fmt: skip
        work(self.here.desk, lines, self.now_us)

    @rule(chance=st.floats(0, 0.99))
    def lose_power(self, chance: float) -> None:
        self.disk.crash(lambda: chance)
        self.here = world(self.disk, pillows=2)

    @invariant()
    def what_was_promised_is_there_and_nothing_was_done_twice(self) -> None:
        assert len(self.here.promises.entries) == self.promised
        assert {f.what for f in findings(self.here)} <= {"never settled", "refund without an apology"}

    def teardown(self) -> None:
        self.here.take_in(self.now_us)
        for _ in range(12):
            self.now_us += HOUR_US
            work(self.here.desk, self.here.parties, self.now_us)
            for saga in self.here.desk.owned():
                by_hand(self.here.desk, self.here.parties, self.now_us, saga.order)
        assert findings(self.here) == []
        status = self.here.desk.status()
        assert (status.kept, status.open) == (min(self.promised, 2), 0)


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestAnyOrder = AnyOrder.TestCase
