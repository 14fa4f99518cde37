"""Nine answers to a full buffer: each held against a plain list, its books, and a script that can be read.

The reference below is written from the table in the module's docstring and shares no line with the module: it keeps a
list sorted by hand and answers in words. A state machine drives both with the same offers, takes, and crashes.
"""

from __future__ import annotations

import os
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.brokers.overflow import POLICIES, Answer, Buffer, Policy, Request, newest_first, nobody_pays
from dsys_lab.errors import BadParameter
from dsys_lab.trace import INVARIANTS, Counters, Trace

GOLDEN = Path(__file__).parent / "golden"
CHANCES = st.integers(0, 999).map(lambda n: (n + 0.5) / 1000)  # off every round share, where rounding could decide


class Reference:
    """What the table says, on a list in order of arrival."""

    def __init__(self, policy: str, capacity: int, margin_us: int) -> None:
        self.policy, self.capacity, self.margin_us = policy, capacity, margin_us
        self.line: list[Request] = []
        self.gone: list[tuple[str, str]] = []

    def offer(self, newcomer: Request, chance: float) -> str:
        full = len(self.line) == self.capacity
        match self.policy:
            case "block" if full:
                return "must wait"
            case "reject" if full:
                return self.says("reject", newcomer, "rejected")
            case "drop_newest" | "deadline" if full:
                return self.says("drop", newcomer, "dropped")
            case "drop_oldest" | "lifo" if full:
                self.says("drop", self.line.pop(0), "")
            case "priority" if full:
                by_worth = sorted([*self.line, newcomer], key=lambda one: one.priority, reverse=True)  # stable
                if by_worth[-1] is newcomer:
                    return self.says("drop", newcomer, "dropped")
                self.says("drop", by_worth[-1], "")
                self.line.remove(by_worth[-1])
            case "sample" if chance < (len(self.line) - self.capacity / 2) / (self.capacity / 2):
                return self.says("drop", newcomer, "dropped")
        self.line.append(newcomer)
        return self.says("enqueue", newcomer, "accepted")

    def take(self, now_us: int) -> Request | None:
        while self.line:
            chosen = self.line[0]
            if self.policy == "lifo":
                chosen = self.line[-1]
            if self.policy == "priority":
                chosen = next(one for worth in (2, 1, 0) for one in self.line if one.priority == worth)
            self.line.remove(chosen)
            if self.policy != "deadline" or chosen.deadline_us is None or chosen.deadline_us - now_us >= self.margin_us:
                return chosen
            self.says("expire", chosen, "")
        return None

    def crash(self) -> None:
        for one in self.line:
            self.says("drop", one, "")
        self.line = []

    def says(self, kind: str, one: Request, answer: str) -> str:
        self.gone.append((kind, one.message))
        return answer


class BufferIsItsTable(RuleBasedStateMachine):
    """The buffer does what its table says, row by row, and its books add up at every step."""

    @initialize(policy=st.sampled_from(sorted(POLICIES)), capacity=st.integers(1, 5), margin_us=st.sampled_from([0, 3]))
    def start(self, policy, capacity, margin_us):
        self.now_us, self.number, self.waits, self.taken = 0, 0, 0, 0
        self.trace = Trace()
        self.buffer = Buffer("inbox", capacity=capacity, policy=policy, margin_us=margin_us, recorder=self.trace)
        self.reference = Reference(policy, capacity, margin_us)

    @rule(chance=CHANCES, left_us=st.none() | st.integers(0, 9), priority=st.integers(0, 2))
    def offer(self, chance, left_us, priority):
        self.number += 1
        deadline_us = None if left_us is None else self.now_us + left_us
        request = Request(f"m{self.number}", self.number % 3, self.now_us, deadline_us, priority)
        self.trace.emit(self.now_us, "publish", "phone", request.message, attempt=1, copy=request.copy)
        answer = self.buffer.offer(self.now_us, request, chance=chance)
        self.waits += answer is Answer.MUST_WAIT
        assert answer.value == self.reference.offer(request, chance)

    @rule()
    def take(self):
        request = self.buffer.take(self.now_us)
        assert request == self.reference.take(self.now_us)
        if request:
            self.taken += 1
            self.trace.emit(self.now_us, "start", "scorer", request.message, attempt=1, copy=request.copy)

    @rule()
    def crash(self):
        assert self.buffer.lose_all(self.now_us, "crashed") == len(self.reference.line)
        self.reference.crash()

    @rule(us=st.integers(1, 5))
    def time_passes(self, us):
        self.now_us += us

    @invariant()
    def every_message_left_the_row_that_the_table_says(self):
        kinds = ("enqueue", "drop", "reject", "expire")
        assert [(row.kind, row.message) for row in self.trace.of(*kinds)] == self.reference.gone

    @invariant()
    def the_books_add_up(self):
        books, rows = self.buffer.status(), self.trace.counters()
        assert books.waiting == len(self.buffer) == len(self.reference.line)
        assert books.offered == self.number - self.waits
        assert books.offered == books.waiting + books.taken + books.dropped + books.expired + books.rejected
        assert (books.accepted, books.dropped) == (rows.count("enqueue"), rows.count("drop"))
        assert (books.rejected, books.expired) == (rows.count("reject"), rows.count("expire"))
        assert books.taken == self.taken

    @invariant()
    def the_lamps_are_green(self):
        assert INVARIANTS["conservation"](self.trace) == []
        assert INVARIANTS["depth adds up"](self.trace) == []
        if self.reference.policy != "unbounded":
            assert INVARIANTS["bounded depth"](self.trace, depth_max=self.reference.capacity) == []

    @invariant()
    def there_is_room_below_capacity(self):
        assert self.buffer.has_room() == (len(self.reference.line) < self.reference.capacity)


BufferIsItsTable.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_every_policy_does_what_its_table_says = BufferIsItsTable.TestCase


# ------------------------------------------------------------------------------------------ golden scripts
STORY = """
    Room for three. Three come, then three more; a server takes two; time passes; one more comes; the rest is taken.
    `!` marks the important ones, `by` a deadline in seconds, `luck` the draw of a policy that samples.
"""
LESSONS = {
    "unbounded": "nobody is turned away, and everybody waits longer",
    "drop_newest": "who comes when it is full has come for nothing",
    "drop_oldest": "who has waited longest has waited for nothing",
    "sample": "some are turned away before it is full",
    "priority": "the important pass, and the newest of the others pays",
    "deadline": "who is too late to be served in time is not served at all",
    "lifo": "the freshest is served at once, the oldest never",
    "block": "nothing is lost, and the producer stands",
    "reject": "nothing is lost in silence: the producer is told",
}
SCRIPT = """
    0 offer m1
    0 offer m2! by 2
    0 offer m3 by 4 luck 0.3
    1 offer m4 luck 0.9
    1 offer m5! luck 0.1
    1 offer m6 luck 0.5
    1 take
    1 take
    5 offer m7! by 6 luck 0.2
    5 take
    5 take
    5 take
"""


def told(policy: str) -> str:
    """Play the script, and tell it: what was said, and the rows that it left."""
    trace = Trace()
    buffer = Buffer("inbox", capacity=3, policy=policy, recorder=trace)
    lines = [f"# {policy}: {LESSONS[policy]}", *("#" + line[3:] for line in STORY.strip("\n").splitlines()), ""]
    for text in SCRIPT.strip().splitlines():
        seconds, verb, *words = text.split()
        now_us, rows = int(seconds) * 1_000_000, len(trace)
        if verb == "take":
            request = buffer.take(now_us)
            answer = request.message if request else "nobody"
        else:
            more = dict(zip(words[1::2], map(float, words[2::2]), strict=True))
            deadline_us = int(more["by"] * 1e6) if "by" in more else None
            request = Request(words[0].strip("!"), 0, now_us, deadline_us, int("!" in words[0]))
            answer = buffer.offer(now_us, request, chance=more.get("luck", 0.0)).value
        lines += [f"{text.strip()} -> {answer}", *trace.text(rows).splitlines()]
    books = buffer.status()
    lines += ["", ", ".join(f"{name} {getattr(books, name)}" for name in books.__slots__)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("policy", POLICIES)
def test_the_script_of_each_policy_reads_as_its_lesson(policy):
    """`DSYS_LAB_GOLDEN=write pytest tests/test_overflow.py` writes them anew: then read the diff."""
    path = GOLDEN / f"overflow_{policy}.txt"
    if os.environ.get("DSYS_LAB_GOLDEN") == "write":
        path.write_text(told(policy), encoding="utf-8")
    assert told(policy) == path.read_text(encoding="utf-8")


def test_no_golden_script_is_left_of_a_policy_that_is_gone():
    assert {path.stem for path in GOLDEN.glob("overflow_*")} == {f"overflow_{policy}" for policy in POLICIES}


# ------------------------------------------------------------------------------------------ single promises
def test_a_policy_of_ones_own_rules_the_same_mechanism():
    mine = Policy("newest_first_of_all", nobody_pays, newest_first)
    buffer = Buffer("inbox", capacity=1, policy=mine)
    for number in range(3):
        buffer.offer(0, Request(f"m{number}"))
    assert [buffer.take(0).message for _ in range(3)] == ["m2", "m1", "m0"]
    assert str(mine) == "newest_first_of_all"


def test_sampling_begins_at_half_full_and_is_certain_at_full():
    def dropped(waiting: int, chance: float) -> bool:
        buffer = Buffer("inbox", capacity=10, policy="sample")
        for number in range(waiting):
            buffer.offer(0, Request(f"m{number}"), chance=0.999_999)
            assert buffer.status().dropped == 0 or number > 5
        buffer._waiting.extend(Request("filler") for _ in range(waiting - len(buffer)))
        return buffer.offer(0, Request("new"), chance=chance) is Answer.DROPPED

    assert not dropped(5, 0.0)
    assert dropped(6, 0.19)
    assert not dropped(6, 0.21)
    assert dropped(10, 0.999_999)


def test_a_margin_drops_what_would_come_too_late():
    def served(margin_us):
        buffer = Buffer("inbox", capacity=9, policy="deadline", margin_us=margin_us, recorder=(rows := Trace()))
        buffer.offer(0, Request("tight", deadline_us=10))
        buffer.offer(0, Request("easy", deadline_us=99))
        return buffer.take(8).message, [row.fields["age_us"] for row in rows.of("expire")]

    assert served(2) == ("tight", [])
    assert served(3) == ("easy", [8])


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"capacity": 0}, r"capacity = 0: .* 1 or more"),
        ({"capacity": 5, "policy": "newest"}, r"policy = 'newest'.*drop_newest"),
        ({"capacity": 5, "margin_us": -1}, r"margin_us = -1"),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_allowed(parameters, says):
    with pytest.raises(BadParameter, match=says):
        Buffer("inbox", **parameters)


def test_work_per_message_does_not_grow_with_what_waits_but_under_priority_by_one_look_each():
    class Counted(list):
        looks = 0

        def __getitem__(self, position):
            Counted.looks += 1
            return super().__getitem__(position)

        def __iter__(self):
            for item in super().__iter__():
                Counted.looks += 1
                yield item

    for name, policy in POLICIES.items():
        Counted.looks = 0
        waiting = Counted(Request(f"m{number}") for number in range(100))
        policy.victim(waiting, Request("new"), 100, 0.0)
        policy.next(waiting, 0)
        assert Counted.looks <= (200 if name == "priority" else 0), name


def test_counting_the_rows_gives_the_books():
    buffer = Buffer("inbox", capacity=2, policy="drop_oldest", recorder=(counters := Counters()))
    for number in range(5):
        buffer.offer(number, Request(f"m{number}"))
    assert astuple(buffer.status()) == (2, 5, 5, 0, 3, 0, 0)
    assert (counters.count("enqueue"), counters.count("drop", "inbox")) == (5, 3)
