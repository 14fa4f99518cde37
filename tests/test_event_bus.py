"""Which events go where, in which shape, how long they are tried, and what an archive lets happen again."""
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dsys_lab.brokers.event_bus import (
    CATCH_ALL,
    CLASSIC,
    NEWER,
    Archive,
    Constant,
    Entry,
    EventBus,
    Failed,
    Part,
    Retry,
    Rule,
    Taken,
    Target,
    Transformer,
)
from dsys_lab.brokers.event_bus.bus import ENTRIES_MAX, SIZE_MAX_BYTES
from dsys_lab.brokers.event_bus.retry import TOO_OFTEN, TOO_OLD
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.facts import fact
from dsys_lab.trace import Trace, lamps

S = 1_000_000
NIGHTS = Pattern({"detail-type": ["Night"]})
SHORT = Pattern({"detail": {"hours": [{"numeric": ["<", 5]}]}})
ONCE = Retry(retries=0)


def night(hours: float = 7, **more: Any) -> Entry:
    return Entry("wearable", "Night", {"hours": hours, "sleeper": "ann"}, **more)


def bus_of(*rules: Rule, **more: Any) -> EventBus:
    bus = EventBus("bus", **more)
    for one in rules:
        bus.put_rule(0, one)
    return bus


def told(bus: EventBus, now_us: int) -> list[tuple[str, str]]:
    """Deliver all that is due, and return which target got which event."""
    due = bus.attempts(now_us)
    for attempt in due:
        bus.delivered(now_us, attempt.number)
    return [(attempt.target, attempt.message) for attempt in due]


# ------------------------------------------------------------------------------------------------- who gets what
def test_an_event_goes_to_each_target_of_each_rule_that_picks_it() -> None:
    bus = bus_of(Rule("all", NIGHTS, [Target("shop"), Target("coach")]), Rule("short", SHORT, [Target("doctor")]))
    bus.put(0, [night(7, id="long"), night(4, id="short"), Entry("shop", "Order", {"pillow": 1}, id="order")])
    assert told(bus, 0) == [("shop", "long"), ("coach", "long"), ("shop", "short"), ("coach", "short"),
                            ("doctor", "short")]  # fmt: skip
    assert bus.status().unmatched == 1


def test_rules_are_asked_when_the_event_is_put() -> None:
    bus = EventBus("bus")
    bus.put(0, [night(id="before")])
    bus.put_rule(1, Rule("all", NIGHTS, [Target("coach")]))
    bus.put(1, [night(id="now")])
    bus.remove_rule(1, "all")
    bus.put(2, [night(id="after")])
    assert told(bus, 3) == []
    bus.put_rule(3, Rule("all", NIGHTS, [Target("coach")]))
    bus.put(3, [night(id="again")])
    assert told(bus, 3) == [("coach", "again")]


def test_a_rule_that_is_put_again_keeps_what_its_targets_had() -> None:
    bus = bus_of(Rule("all", NIGHTS, [Target("coach"), Target("shop")]))
    bus.put(0, [night(id="n1")])
    bus.put_rule(1, Rule("all", SHORT, [Target("coach", Part("$.detail.hours"))]))
    [attempt] = bus.attempts(1)
    assert (attempt.target, attempt.body) == ("coach", "7")
    bus.put(1, [night(7, id="n2"), night(4, id="n3")])
    assert told(bus, 1) == [("coach", "n3")]
    assert list(bus.status().targets) == ["all/coach"]


def test_what_is_out_when_its_rule_goes_may_still_come_back() -> None:
    bus = bus_of(Rule("all", NIGHTS, [Target("coach")]))
    bus.put(0, [night(), night()])
    one, other = bus.attempts(0)
    bus.remove_rule(0, "all")
    bus.delivered(0, one.number)
    bus.failed(0, other.number, "down")
    assert bus.deadline_us() is None
    with pytest.raises(BadParameter, match="no such attempt"):
        bus.delivered(0, one.number)


def test_the_envelope_is_the_documented_one() -> None:
    bus = bus_of(Rule("all", NIGHTS, [Target("coach")]))
    bus.put(0, [night(6, id="n1", resources=("arn:x",), time_us=1_447_277_394 * S)])
    [attempt] = bus.attempts(0)
    assert json.loads(attempt.body) == {
        "version": "0", "id": "n1", "detail-type": "Night", "source": "wearable", "account": "123456789012",
        "time": "2015-11-11T21:29:54Z", "region": "eu-north-1", "resources": ["arn:x"],
        "detail": {"hours": 6, "sleeper": "ann"},
    }  # fmt: skip


def test_a_catch_all_picks_what_no_other_rule_does() -> None:
    bus = bus_of(Rule("short", SHORT, [Target("doctor")]), Rule("log", CATCH_ALL, [Target("log")]))
    bus.put(0, [Entry("x", "y", {"a": 1}, id="odd")])
    assert told(bus, 0) == [("log", "odd")]
    assert bus.status().unmatched == 0


def test_what_was_put_is_the_buss_own() -> None:
    detail = {"hours": 7}
    bus = bus_of(Rule("all", NIGHTS, [Target("coach", Part("$.detail"))]))
    bus.put(0, [Entry("wearable", "Night", detail)])
    detail["hours"] = 1
    assert bus.attempts(0)[0].body == '{"hours": 7}'


# ------------------------------------------------------------------------------------------------- entries
@pytest.mark.parametrize(("entry", "code"), [
    (Entry("", "Night", {"a": 1}), "InvalidArgument"), (Entry("w", "", {"a": 1}), "InvalidArgument"),
    (Entry("w", "Night", ""), "MalformedDetail"), (Entry("w", "Night", "[1]"), "MalformedDetail"),
    (Entry("w", "Night", "{"), "MalformedDetail"), (Entry("w", "Night", {"a": {1}}), "MalformedDetail"),
    (Entry("w", "Night", {"a": float("nan")}), "MalformedDetail"), (Entry(5, "Night", {}), "InvalidArgument"),
    (Entry("aws.s3", "Night", {"a": 1}), "NotAuthorizedForSourceException"),
])  # fmt: skip
def test_a_bad_entry_fails_alone(entry: Entry, code: str) -> None:
    bus = bus_of(Rule("all", CATCH_ALL, [Target("coach")]))
    before, bad, after = bus.put(0, [night(), entry, night()])
    assert isinstance(before, Taken)
    assert isinstance(after, Taken)
    assert isinstance(bad, Failed)
    assert bad.code == code
    assert len(told(bus, 0)) == bus.status().taken == 2
    assert bus.status().failed == 1


def test_a_put_that_is_too_large_changes_nothing() -> None:
    bus = bus_of(Rule("all", CATCH_ALL, [Target("coach")]))
    with pytest.raises(Refused, match="11 entries"):
        bus.put(0, [night()] * (ENTRIES_MAX + 1))
    with pytest.raises(Refused, match="0 entries"):
        bus.put(0, [])
    half = Entry("w", "Night", {"x": "x" * (SIZE_MAX_BYTES // 2)})
    with pytest.raises(Refused, match="bytes"):
        bus.put(0, [half, half])
    assert bus.status().taken == 0
    assert isinstance(bus.put(0, [half])[0], Taken)


def test_an_entry_counts_as_documented() -> None:
    assert Entry("né", "T", '{"a":1}', ("arn",)).size_bytes == 3 + 1 + 7 + 3
    assert Entry("né", "T", '{"a":1}', ("arn",), time_us=5).size_bytes == 3 + 1 + 7 + 3 + 14


# ------------------------------------------------------------------------------------------------- again and again
def fails_until_the_end(retry: Retry, **more: Any) -> tuple[EventBus, list[int]]:
    bus = bus_of(Rule("all", NIGHTS, [Target("coach", retry=retry, **more)]))
    bus.put(0, [night(id="n1")])
    tried = []
    while (due_us := bus.deadline_us()) is not None:
        [attempt] = bus.attempts(due_us)
        tried.append(due_us // S)
        bus.failed(due_us, attempt.number, "down")
    return bus, tried


def test_the_classic_bus_tries_for_a_day() -> None:
    _, tried = fails_until_the_end(CLASSIC)
    assert tried[:5] == [0, 1, 3, 7, 15]
    assert tried[-1] == CLASSIC.lasts_s
    assert fact("eventbridge_retry_age").value - 512 < tried[-1] <= fact("eventbridge_retry_age").value
    assert len(tried) - 1 <= fact("eventbridge_retries").value


def test_the_newer_bus_gives_up_within_five_minutes_unless_told_otherwise() -> None:
    _, tried = fails_until_the_end(NEWER)
    assert tried == [0, 9, 27, 63, 135, 279]
    assert NEWER.survives(279)
    assert not NEWER.survives(280)


@pytest.mark.parametrize(("retry", "ended_by", "attempts"), [
    (Retry(retries=2), TOO_OFTEN, 3), (Retry(age_most_s=60), TOO_OLD, 6), (ONCE, TOO_OFTEN, 1),
])  # fmt: skip
def test_a_dead_letter_says_how_often_and_why(retry: Retry, ended_by: str, attempts: int) -> None:
    bus, _ = fails_until_the_end(retry, dead_letters=True)
    [letter] = bus.dead_letters("all", "coach")
    assert (letter.message, letter.attempts, letter.why, letter.ended_by) == ("n1", attempts, "down", ended_by)
    assert json.loads(letter.body)["id"] == "n1"
    assert bus.status().targets["all/coach"].dead == 1


def test_without_dead_letters_it_is_dropped() -> None:
    bus, _ = fails_until_the_end(ONCE)
    assert bus.status().targets["all/coach"].dropped == 1
    assert bus.dead_letters("all", "coach") == []


def test_a_target_that_is_gone_for_good_is_not_tried_again() -> None:
    bus = bus_of(Rule("all", NIGHTS, [Target("coach", dead_letters=True)]))
    bus.put(0, [night()])
    bus.failed(0, bus.attempts(0)[0].number, "no such queue", again=False)
    [letter] = bus.dead_letters("all", "coach")
    assert (letter.attempts, letter.ended_by) == (1, "")


def test_a_dead_letter_that_is_redriven_is_tried_as_if_it_were_new_and_only_at_its_target() -> None:
    bus, tried_s = fails_until_the_end(Retry(age_most_s=60), dead_letters=True)
    now_us = (tried_s[-1] + 100) * S
    bus.put_rule(now_us, Rule("more", NIGHTS, [Target("log")]))
    assert bus.redrive(now_us + S, "all", "coach") == 1
    [attempt] = bus.attempts(now_us + S)
    assert (attempt.message, attempt.target, attempt.attempt) == ("n1", "coach", 1)
    bus.failed(now_us + S, attempt.number, "down")
    assert bus.deadline_us() is not None, "its age begins anew"
    assert bus.dead_letters("all", "coach") == []
    assert bus.redrive(now_us + S, "all", "coach") == 0


# ------------------------------------------------------------------------------------------------- archive and replay
def test_an_archive_has_what_its_pattern_picks_until_its_days_are_over() -> None:
    bus = EventBus("bus")
    bus.put(0, [night(4, id="before")])
    bus.keep(0, Archive("short", SHORT, days=1))
    bus.keep(0, Archive("all"))
    bus.put(0, [night(4), night(7)])
    bus.put(3600 * S, [night(3)])
    assert dict(bus.status().archived) == {"short": 2, "all": 3}
    bus.put(86_400 * S, [night(7)])
    assert dict(bus.status().archived) == {"short": 1, "all": 4}


def archived() -> EventBus:
    """Three minutes with four events each, and two rules."""
    bus = bus_of(Rule("short", SHORT, [Target("doctor")]), Rule("all", NIGHTS, [Target("coach")]))
    bus.keep(0, Archive("past"))
    for number in range(12):
        bus.put(number * 15 * S, [night(4, id=f"n{number}")])
    told(bus, 180 * S)
    return bus


def test_a_replay_hands_on_what_the_archive_has_of_the_time_to_the_chosen_rules() -> None:
    bus = archived()
    assert bus.replay(200 * S, "r1", "past", since_us=60 * S, until_us=120 * S, rules=["all"]) == 4
    due = bus.attempts(200 * S)
    assert [(one.target, one.message, one.replay_name) for one in due] == [
        ("coach", f"n{number}", "r1") for number in range(4, 8)
    ]
    assert json.loads(due[0].body)["replay-name"] == "r1"
    assert bus.status().archived["past"] == 12  # what is replayed is not archived again
    assert bus.status().targets["all/coach"].replayed == 4
    assert bus.replay(200 * S, "r2", "past", since_us=0, until_us=200 * S) == 12
    assert len(told(bus, 200 * S)) == 24


def test_a_replay_goes_minute_by_minute_and_in_any_order_within_one() -> None:
    bus = archived()
    drawn = iter([0.9, 0.1, 0.5, 0.3] * 3)
    bus.replay(200 * S, "r1", "past", since_us=0, until_us=200 * S, rules=["all"], luck=lambda: next(drawn))
    came = [int(message[1:]) for _, message in told(bus, 200 * S)]
    assert came == [1, 3, 2, 0, 5, 7, 6, 4, 9, 11, 10, 8]


def test_a_pattern_can_keep_replayed_events_out() -> None:
    new = Pattern({"detail-type": ["Night"], "replay-name": [{"exists": False}]})
    bus = bus_of(Rule("new", new, [Target("mail")]))
    bus.keep(0, Archive("past"))
    bus.put(0, [night()])
    assert len(told(bus, 0)) == 1
    assert bus.replay(1 * S, "r1", "past", since_us=0, until_us=1 * S) == 1
    assert told(bus, 1 * S) == []


# ------------------------------------------------------------------------------------------------- misuse
BAD = {
    "no rule": (lambda bus: bus.put_rule(0, "all"), BadParameter, "give a Rule"),
    "no pattern": (lambda bus: Rule("x", {"a": [1]}), BadParameter, "give a Pattern"),
    "a rule without a name": (lambda bus: Rule("", NIGHTS), BadParameter, "not empty"),
    "a slash in a name": (lambda bus: Target("a/b"), BadParameter, "no slash"),
    "six targets": (lambda bus: Rule("x", NIGHTS, [Target(f"t{n}") for n in range(6)]), BadParameter, "may have 5"),
    "two targets of one name": (lambda bus: Rule("x", NIGHTS, [Target("t"), Target("t")]), BadParameter, "of one name"),
    "a shape that is none": (lambda bus: Target("t", "$.detail"), BadParameter, "Transformer"),
    "a retry that is none": (lambda bus: Target("t", retry=5), BadParameter, "give a Retry"),
    "a retry for too long": (lambda bus: Retry(age_most_s=90_000), BadParameter, "60 to 86,400"),
    "too many retries": (lambda bus: Retry(retries=186), BadParameter, "0 to 185"),
    "half a retry": (lambda bus: Retry(retries=1.5), BadParameter, "whole number"),
    "no pause": (lambda bus: Retry(first_pause_s=0), BadParameter, "above 0"),
    "a pause that shrinks": (lambda bus: Retry(first_pause_s=9, longest_pause_s=1), BadParameter, "at least 9"),
    "an outage before it began": (lambda bus: CLASSIC.survives(-1), BadParameter, "0 or more"),
    "no entries": (lambda bus: bus.put(0, [{"Source": "x"}]), BadParameter, "list of Entry"),
    "an unknown rule": (lambda bus: bus.remove_rule(0, "x"), BadParameter, "bus has all"),
    "an unknown target": (lambda bus: bus.dead_letters("all", "x"), BadParameter, "rule all has coach"),
    "a redrive of nobody": (lambda bus: bus.redrive(0, "all", "x"), BadParameter, "rule all has coach"),
    "an archive named like a rule": (lambda bus: bus.keep(0, Archive("all")), Refused, "another name"),
    "an archive twice": (lambda bus: bus.keep(0, Archive("past")), Refused, "another name"),
    "a rule named like an archive": (lambda bus: bus.put_rule(0, Rule("past", NIGHTS)), Refused, "another name"),
    "an archive for less than nothing": (lambda bus: Archive("x", days=-1), BadParameter, "0 or more"),
    "an archive of a mapping": (lambda bus: Archive("x", {"a": [1]}), BadParameter, "give a Pattern"),
    "a replay of no archive": (lambda bus: bus.replay(9, "r", "x", since_us=0, until_us=5), BadParameter, "has past"),
    "a replay of the future": (lambda bus: bus.replay(9, "r", "past", since_us=0, until_us=10), BadParameter, "until"),
    "a replay to no rule": (
        lambda bus: bus.replay(9, "r", "past", since_us=0, until_us=9, rules=["x"]), BadParameter, "has all"),
    "an attempt that is not out": (lambda bus: bus.delivered(0, 99), BadParameter, "no such attempt"),
    "a constant that is no JSON": (lambda bus: Constant("{"), BadParameter, "give JSON"),
    "a path that is none": (lambda bus: Part("detail"), BadParameter, r"\$.detail.name"),
    "a hole without a path": (lambda bus: Transformer({"a": "$.id"}, "<b>"), BadParameter, "no path for <b>"),
    "a name of the service's": (lambda bus: Transformer({"aws.x": "$.id"}, "x"), BadParameter, "service's own"),
    "an empty template": (lambda bus: Transformer({}, ""), BadParameter, "1 to 8,192"),
    "too many paths": (
        lambda bus: Transformer({f"p{n}": "$.id" for n in range(101)}, "x"), BadParameter, "there may be 100"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_misuse_is_refused_and_nothing_is_changed(case: str) -> None:
    call, error, says = BAD[case]
    bus = bus_of(Rule("all", NIGHTS, [Target("coach")]))
    bus.keep(0, Archive("past"))
    before = bus.status()
    with pytest.raises(error, match=says):
        call(bus)
    assert bus.status() == before


def test_a_replay_has_a_name_of_its_own_and_time_does_not_run_back() -> None:
    bus = archived()
    bus.replay(200 * S, "r1", "past", since_us=0, until_us=10 * S)
    with pytest.raises(Refused, match="another name"):
        bus.replay(200 * S, "r1", "past", since_us=0, until_us=10 * S)
    with pytest.raises(Misuse, match="run back"):
        bus.put(0, [night()])


# ------------------------------------------------------------------------------------------------- shapes
EVENT = {"source": "w", "detail": {"who": 'Ann "A"', "hours": 7.5, "tags": ["a", "b"], "none": None, "on": True}}


@pytest.mark.parametrize(("paths", "template", "given"), [
    ({"h": "$.detail.hours"}, '{"x": <h>}', '{"x": 7.5}'),
    ({"h": "$.detail.hours"}, '{"x": "<h>"}', '{"x": "7.5"}'),
    ({"w": "$.detail.who"}, '{"x": <w>, "y": "it is <w>"}', '{"x": "Ann \\"A\\"", "y": "it is Ann \\"A\\""}'),
    ({"t": "$.detail.tags"}, '{"x": <t>}', '{"x": ["a", "b"]}'),
    ({"t": "$.detail.tags[1]"}, '"second: <t>"', '"second: b"'),
    ({"t": "$.detail.tags[9]"}, '{"x": <t>, "y": "[<t>]"}', '{"x": null, "y": "[]"}'),
    ({"n": "$.detail.none", "o": "$.detail.on"}, '{"x": <n>, "y": <o>}', '{"x": null, "y": true}'),
    ({"h": "$.detail.hours"}, '"\\"<h>\\""', '"\\"7.5\\""'),
    ({}, '{"a": "1 < 2"}', '{"a": "1 < 2"}'),
    ({"all": "$"}, "<all>", json.dumps(EVENT)),
])  # fmt: skip
def test_a_template_is_filled(paths: dict[str, str], template: str, given: str) -> None:
    filled = Transformer(paths, template).of(EVENT)
    assert filled == given
    json.loads(filled)


def test_a_part_and_a_constant() -> None:
    assert Part("$.detail.tags").of(EVENT) == '["a", "b"]'
    assert Part("$.nowhere").of(EVENT) == "null"
    assert Constant('{"go": 1}').of(EVENT) == '{"go": 1}'


# ------------------------------------------------------------------------------------------------- in any order
class InAnyOrder(RuleBasedStateMachine):
    """Rules come and go, events are put and replayed, attempts go well or badly: the books hold."""

    def __init__(self) -> None:
        super().__init__()
        self.trace = Trace()
        self.bus = EventBus("bus", recorder=self.trace)
        self.bus.keep(0, Archive("past", days=0.0005))
        self.now_us = self.put = self.replays = 0
        self.out: list[int] = []

    @rule(name=st.sampled_from("abc"), short=st.booleans(), dead=st.booleans(), many=st.integers(1, 2))
    def makes_a_rule(self, name: str, short: bool, dead: bool, many: int) -> None:
        made = [Target(f"{name}{n}", retry=Retry(retries=1), dead_letters=dead) for n in range(many)]
        self.bus.put_rule(self.now_us, Rule(name, SHORT if short else NIGHTS, made))

    @rule(name=st.sampled_from("abc"))
    def takes_a_rule_away(self, name: str) -> None:
        if any(key.startswith(name) for key in self.bus.status().targets):
            self.bus.remove_rule(self.now_us, name)

    @rule(hours=st.integers(3, 7), seconds=st.integers(0, 30))
    def puts(self, hours: int, seconds: int) -> None:
        self.now_us += seconds * S
        self.put += 1
        self.trace.emit(self.now_us, "publish", "phone", f"n{self.put}", attempt=1, copy=0)
        self.bus.put(self.now_us, [night(hours, id=f"n{self.put}")])

    @precondition(lambda self: self.now_us > 0)
    @rule()
    def replays_all(self) -> None:
        self.replays += 1
        self.bus.replay(self.now_us, f"r{self.replays}", "past", since_us=0, until_us=self.now_us)

    @rule(name=st.sampled_from("abc"))
    def redrives(self, name: str) -> None:
        for target in [key for key in self.bus.status().targets if key.startswith(name)]:
            self.bus.redrive(self.now_us, *target.split("/"))
            assert self.bus.dead_letters(*target.split("/")) == []

    @rule()
    def gives_out(self) -> None:
        self.out += [attempt.number for attempt in self.bus.attempts(self.now_us)]

    @precondition(lambda self: self.out)
    @rule(data=st.data(), well=st.booleans())
    def hears_of_one(self, data: st.DataObject, well: bool) -> None:
        number = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if well:
            self.bus.delivered(self.now_us, number)
        else:
            self.bus.failed(self.now_us, number, "down")

    @invariant()
    def the_books_hold(self) -> None:
        self.trace.header.invariants = {"conservation": {}}
        assert [lamp.rows for lamp in lamps(self.trace)] == [()]
        for books in self.bus.status().targets.values():
            ends = books.waiting + books.in_flight + books.delivered + books.set_aside + books.dropped
            assert books.matched + books.replayed + books.redriven == ends
            assert books.dead <= books.set_aside


InAnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestInAnyOrder = InAnyOrder.TestCase
