"""The model of an event bus, EventBridge with a queue for each rule, and the subjects of core NATS keep the same
promises; where one does not, its `DIFFERENCES` say so, and a test below goes red when it has changed its mind.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dsys_lab.brokers.event_bus import Entry, Transformer
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.engines import aws, nats
from dsys_lab.engines.event_bus import ENGINES, EVENTBRIDGE, SUBJECTS, opened, told
from dsys_lab.engines.event_bus.runs import picked
from dsys_lab.engines.nats.event_bus import SubjectBus, subject_of
from dsys_lab.errors import BadParameter, DsysLabError, Refused
from tests.test_event_patterns import EVENT, PASSED_BY, PICKED

DIFFERENCES = {"model": (), "EventBridge": EVENTBRIDGE, "core NATS": SUBJECTS}
HOURS = Transformer({"h": "$.detail.hours"}, '{"slept": <h>, "text": "it was <h> h"}')


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()
    aws.connection().close()


@pytest.fixture(params=ENGINES)
def bus(request: pytest.FixtureRequest) -> Iterator[Any]:
    case = request.node.originalname
    for difference in DIFFERENCES[request.param]:
        if case in difference.skips:
            pytest.skip(f"{request.param}: {difference.difference}")
    with opened(request.param) as made:
        yield made


def night(hours: float, name: str = "n") -> Entry:
    return Entry("wearable", "Night", {"hours": hours, "name": name})


def names(events: list[Any]) -> list[str]:
    return sorted(event["detail"]["name"] for event in events)


def test_each_rule_that_picks_an_event_gets_it_once(bus: Any) -> None:
    bus.rule("nights", {"detail-type": ["Night"]})
    bus.rule("wearables", {"source": ["wearable"]})
    bus.rule("orders", {"source": ["shop"], "detail-type": ["Order"]})
    order, other = Entry("shop", "Order", {"name": "o1"}), Entry("partner", "Night", {"name": "p1"})
    assert bus.put(night(7, "n1"), order, other) == [True] * 3
    assert names(bus.heard("nights")) == ["n1", "p1"]
    assert names(bus.heard("wearables")) == ["n1"]
    assert names(bus.heard("orders")) == ["o1"]
    assert bus.heard("orders") == []


def test_what_no_rule_picks_is_gone_and_nobody_is_told(bus: Any) -> None:
    assert bus.put(night(7, "n1")) == [True]
    bus.rule("nights", {"detail-type": ["Night"]})
    bus.put(night(7, "n2"))
    bus.remove("nights")
    bus.put(night(7, "n3"))
    assert names(bus.heard("nights")) == ["n2"]


def test_a_pattern_looks_into_the_detail(bus: Any) -> None:
    bus.rule("short", {"detail": {"hours": [{"numeric": ["<", 5]}]}})
    bus.put(night(7, "long"), night(4, "short"))
    assert names(bus.heard("short")) == ["short"]


def test_a_transformer_gives_another_shape(bus: Any) -> None:
    bus.rule("nights", {"detail-type": ["Night"]}, HOURS)
    bus.put(night(7.5))
    assert bus.heard("nights") == [{"slept": 7.5, "text": "it was 7.5 h"}]


def test_a_bad_entry_fails_alone(bus: Any) -> None:
    bus.rule("nights", {"detail-type": ["Night"]})
    assert bus.put(night(7, "n1"), Entry("wearable", "Night", "{"), night(7, "n2")) == [True, False, True]
    assert names(bus.heard("nights")) == ["n1", "n2"]


def test_an_archive_keeps_what_its_pattern_picks(bus: Any) -> None:
    bus.put(night(4))
    bus.keep("short", {"detail": {"hours": [{"numeric": ["<", 5]}]}})
    bus.keep("all")
    bus.put(night(4), night(7))
    assert (bus.kept("short"), bus.kept("all")) == (1, 2)


def test_a_replay_hands_it_on_again(bus: Any) -> None:
    bus.rule("nights", {"detail-type": ["Night"]})
    bus.keep("all")
    bus.put(night(4, "n1"), Entry("shop", "Order", {"name": "o1"}))
    bus.heard("nights")
    bus.replay("all")
    [again] = bus.heard("nights")
    assert again["detail"]["name"] == "n1"
    assert again["replay-name"]
    assert bus.kept("all") == 2  # what is replayed is not kept again


def test_a_replay_goes_to_the_chosen_rules_alone(bus: Any) -> None:
    for rule in ("mail", "search"):
        bus.rule(rule, {"detail-type": ["Night"]})
    bus.keep("all")
    bus.put(night(4, "n1"))
    for rule in ("mail", "search"):
        bus.heard(rule)
    bus.replay("all", "search")
    assert bus.heard("mail") == []
    assert names(bus.heard("search")) == ["n1"]


def test_a_replay_is_shaped_as_well(bus: Any) -> None:
    bus.rule("nights", {"detail-type": ["Night"]}, HOURS)
    bus.keep("all")
    bus.put(night(4))
    bus.replay("all")
    assert bus.heard("nights") == [{"slept": 4, "text": "it was 4 h"}] * 2


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_story_is_told(engine: str) -> None:
    assert told(engine) == told("model")


# ------------------------------------------------------------------------------------------- the grammar at moto
KNOWN_OTHERWISE = {
    "an empty list has no value", "in a list of objects", "in a list in a list", "two fields of one object in a list",
    "1 for true", "numeric of true", "does not exist in one object of a list, but in another", "an empty list",
}  # fmt: skip
"""Documented cases of which moto thinks otherwise: see its differences."""


def test_every_documented_case_is_picked_or_passed_by_as_moto_does() -> None:
    cases = {name: {"detail": pattern} for name, pattern in {**PICKED, **PASSED_BY}.items()}
    counted = picked("EventBridge", cases, [Entry("shop", "Test", EVENT)])
    otherwise = {name for name, count in counted.items() if count != (name in PICKED)}
    assert otherwise == KNOWN_OTHERWISE
    mine = picked("model", cases, [Entry("shop", "Test", EVENT)])
    assert {name for name, count in mine.items() if count == 1} == set(PICKED)


# ------------------------------------------------------------------------------------------- what is otherwise there
def test_moto_refuses_what_is_no_pattern_and_takes_an_unknown_operator_for_any_value() -> None:
    """When this goes red moto has learned them: say so in its differences."""
    with aws.EventBridgeBus() as bus:
        for pattern in ({"source": []}, {"source": "x"}):
            with pytest.raises(Refused):
                bus.rule("bad", pattern)
            with pytest.raises(BadParameter):
                Pattern(pattern)
        bus.rule("odd", {"source": [{"odd": "x"}]})
        bus.put(night(4))
        assert len(bus.heard("odd")) == 1


def test_moto_leaves_quotes_out_and_holes_in() -> None:
    with aws.EventBridgeBus() as bus:
        bus.rule("hole", {"source": ["wearable"]}, Transformer({"m": "$.detail.nothing"}, '{"x": "<m>"}'))
        bus.put(night(4))
        assert bus.heard("hole") == [{"x": "<m>"}]
        bus.rule("text", {"source": ["wearable"]}, Transformer({"n": "$.detail.name"}, '{"x": <n>}'))
        with pytest.raises(DsysLabError):
            bus.put(night(4))


def test_moto_replays_to_all_rules_whatever_the_time_under_another_id_and_unshaped() -> None:
    with aws.EventBridgeBus() as bus:
        bus.rule("mail", {"detail-type": ["Night"]})
        bus.rule("search", {"detail-type": ["Night"]}, HOURS)
        bus.keep("all")
        bus.put(night(4, "n1"))
        [first], [shaped] = bus.heard("mail"), bus.heard("search")
        bus.replay("all", "search")
        [again], [unshaped] = bus.heard("mail"), bus.heard("search")
    assert again["detail"] == first["detail"]
    assert again["id"] != first["id"]
    assert "slept" in shaped
    assert "slept" not in unshaped


def test_moto_does_not_try_again_nor_look_at_parts_constants_and_the_number_of_targets() -> None:
    with aws.EventBridgeBus() as bus:
        bus.rule("nights", {"detail-type": ["Night"]})
        call, queue = aws.connection().call, bus._queues["nights"]
        for number, given in enumerate(({"InputPath": "$.detail"}, {"Input": '{"go": 1}'}, {}, {}, {})):
            one = {"Id": f"more-{number}", "Arn": queue.arn, **given}
            call("events", "put_targets", Rule="nights", EventBusName=bus.name, Targets=[one])
        bus.put(night(4))
        heard = bus.heard("nights")
        assert len(heard) == 6  # one target more than there may be
        assert all(event["detail"]["hours"] == 4 for event in heard)
        call("sqs", "delete_queue", QueueUrl=queue.url)
        with pytest.raises(Refused, match="queue"):
            bus.put(night(4))
        call("sqs", "create_queue", QueueName=queue.url.rpartition("/")[2], tags=aws.connection().tags)


def test_what_was_made_is_found_by_its_tag_until_it_is_removed() -> None:
    connection = aws.connection()
    with aws.EventBridgeBus() as bus:
        bus.rule("nights", {"detail-type": ["Night"]})
        bus.keep("all")
        connection._made, kept = {}, connection._made  # as if another process had made it
        left = connection.left_behind()
        connection._made = kept
        assert sorted(left) == sorted(bus._made)
    connection._made, kept = {}, connection._made
    assert connection.left_behind() == []
    connection._made = kept


@pytest.mark.parametrize("pattern", [
    {"detail": {"hours": [1]}}, {"source": ["a", "b"]}, {"source": [{"prefix": "a"}]},
])  # fmt: skip
def test_a_subject_cannot_say_more_than_two_words(pattern: dict[str, Any]) -> None:
    with pytest.raises(BadParameter, match="a subject can say"):
        subject_of("root", pattern)


@pytest.mark.parametrize("word", ["", "a.b", "a b", "*", ">"])
def test_a_word_of_a_subject_has_no_dots_and_stars(word: str) -> None:
    with SubjectBus() as bus, pytest.raises(BadParameter, match="without blanks"):
        bus.put(Entry(word, "Night", {}))


def test_an_unknown_rule_archive_or_engine_is_refused() -> None:
    with aws.EventBridgeBus() as bus:
        with pytest.raises(BadParameter, match="there are none"):
            bus.heard("x")
        with pytest.raises(BadParameter, match="no archives"):
            bus.kept("x")
    with pytest.raises(BadParameter, match="model, EventBridge, core NATS"):
        opened("kafka")
