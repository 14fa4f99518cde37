"""The model of a topic, core NATS, a JetStream stream with a consumer each, and SNS with a queue each keep the same
promises; where one does not, its `DIFFERENCES` say so, and a test below goes red when it has changed its mind.
"""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.engines import aws, nats
from dsys_lab.engines.nats.topic import CoreTopic, StreamTopic, subject_of, subjects_of
from dsys_lab.engines.topic import CORE_NATS, ENGINES, JETSTREAM, SNS, Broadcast, opened, told
from dsys_lab.errors import BadParameter, Refused

DIFFERENCES = {"model": (), "core NATS": CORE_NATS, "JetStream": JETSTREAM, "SNS": SNS}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()
    aws.connection().close()


@pytest.fixture(params=ENGINES)
def topic(request: pytest.FixtureRequest) -> Iterator[Broadcast]:
    case = request.node.originalname
    for difference in DIFFERENCES[request.param]:
        if case in difference.skips:
            pytest.skip(f"{request.param}: {difference.difference}")
    with opened(request.param) as made:
        yield made


def test_everyone_who_is_there_hears_every_message_once(topic: Broadcast) -> None:
    for name in "abc":
        topic.subscribe(name)
    for number in range(5):
        topic.publish(f"m{number}", kind="clip")
    for name in "abc":
        assert sorted(topic.heard(name)) == [f"m{number}" for number in range(5)]
        assert topic.heard(name) == []


def test_who_is_not_there_hears_nothing_and_nobody_is_told(topic: Broadcast) -> None:
    topic.publish("m1")
    topic.subscribe("late")
    topic.publish("m2")
    assert topic.heard("late") == ["m2"]
    topic.unsubscribe("late")
    topic.publish("m3")
    topic.subscribe("late again")
    assert topic.heard("late again") == []


def test_a_filter_lets_through_what_it_names(topic: Broadcast) -> None:
    topic.subscribe("films", {"kind": ["film", "series"]})
    topic.subscribe("all")
    for message, kind in (("m1", "film"), ("m2", "clip"), ("m3", "series")):
        topic.publish(message, kind=kind)
    topic.publish("m4")
    assert sorted(topic.heard("films")) == ["m1", "m3"]
    assert sorted(topic.heard("all")) == ["m1", "m2", "m3", "m4"]


def test_who_is_down_hears_it_later(topic: Broadcast) -> None:
    topic.subscribe("down")
    topic.goes_down("down")
    topic.publish("m1")
    topic.comes_back("down")
    topic.publish("m2")
    assert sorted(topic.heard("down")) == ["m1", "m2"]


def test_one_who_is_down_is_nothing_to_the_others(topic: Broadcast) -> None:
    topic.subscribe("down")
    topic.subscribe("up")
    topic.goes_down("down")
    topic.publish("m1")
    assert topic.heard("up") == ["m1"]


def test_a_filter_of_numbers(topic: Broadcast) -> None:
    topic.subscribe("dear", {"price": [{"numeric": [">", 100]}]})
    for message, price in (("m1", 99), ("m2", 101)):
        topic.publish(message, price=price)
    assert topic.heard("dear") == ["m2"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_story_is_heard(engine: str) -> None:
    expected = told("model")
    if engine == "core NATS":
        expected["down"] = [message for message in expected["down"] if message not in ("m4", "m5")]
    assert told(engine) == expected


# ------------------------------------------------------------------------------------------- what is otherwise there
def test_core_nats_hands_a_message_once_to_who_is_connected() -> None:
    with CoreTopic() as topic:
        topic.subscribe("down")
        topic.goes_down("down")
        topic.publish("m1")
        topic.comes_back("down")
        assert topic.heard("down") == []


def test_members_of_a_group_share_one_seat() -> None:
    with CoreTopic() as topic:
        for name in ("worker-1", "worker-2"):
            topic.subscribe(name, group="workers")
        for number in range(100):
            topic.publish(f"m{number}")
        one, other = topic.heard("worker-1"), topic.heard("worker-2")
    assert len(one) + len(other) == len({*one, *other}) == 100
    assert one
    assert other


def test_a_late_one_may_begin_at_the_first_message_of_a_stream() -> None:
    with StreamTopic() as topic:
        topic.publish("m1", kind="clip")
        topic.publish("m2", kind="film")
        topic.subscribe("late")
        topic.subscribe("late, from the start", {"kind": ["film"]}, from_start=True)
        assert topic.heard("late") == []
        assert topic.heard("late, from the start") == ["m2"]


@pytest.mark.parametrize("only", [
    {"price": [{"numeric": [">", 1]}]}, {"kind": ["a"], "city": ["Oslo"]}, {"kind": [5]},
])  # fmt: skip
def test_a_subject_cannot_say_more_than_the_texts_of_one_field(only: dict[str, list[object]]) -> None:
    with pytest.raises(BadParameter, match="a subject can say"):
        subjects_of("root", only)


def test_a_subject_has_one_attribute() -> None:
    with pytest.raises(BadParameter, match="a subject can say one"):
        subject_of("root", {"kind": "film", "city": "Oslo"})


# ------------------------------------------------------------------------------------------- the filters of SNS at moto
MESSAGES = [
    {"kind": "film", "price": 120}, {"kind": "clip", "price": 0}, {"kind": "film-noir"}, {"price": 99.5},
    {"tags": ["new", "film"]}, {},
]  # fmt: skip
POLICIES = [
    {"kind": ["film"]}, {"kind": ["film", "clip"]}, {"kind": [{"prefix": "film"}]}, {"kind": [{"suffix": "noir"}]},
    {"kind": [{"anything-but": ["film"]}]}, {"kind": [{"anything-but": {"prefix": "film"}}]},
    {"kind": [{"exists": True}]}, {"kind": [{"exists": False}]}, {"price": [{"numeric": [">", 99]}]},
    {"price": [{"numeric": [">=", 0, "<", 100]}]}, {"price": [{"numeric": ["=", 99.5]}]},
    {"kind": ["film"], "price": [{"numeric": [">", 1]}]}, {"tags": ["film"]},
    {"$or": [{"kind": ["clip"]}, {"price": [{"numeric": ["<", 100]}]}]},
]  # fmt: skip


def test_the_model_lets_through_what_sns_lets_through() -> None:
    with aws.SnsTopic() as topic:
        for number, policy in enumerate(POLICIES):
            topic.subscribe(str(number), policy)
        for number, attributes in enumerate(MESSAGES):
            topic.publish(f"m{number}", **attributes)
        heard = {str(policy): sorted(topic.heard(str(number))) for number, policy in enumerate(POLICIES)}
    picked = {str(policy): [f"m{number}" for number, attributes in enumerate(MESSAGES)
                            if Pattern(policy).matches(attributes)] for policy in POLICIES}  # fmt: skip
    assert heard == picked
    assert all(picked.values())


def test_moto_refuses_a_wildcard_and_takes_ignored_case_and_an_empty_list_in_vain() -> None:
    """When this goes red moto has learned them: take the cases over into POLICIES."""
    with aws.SnsTopic() as topic:
        with pytest.raises(Refused):
            topic.subscribe("wild", {"kind": [{"wildcard": "f*m"}]})
        topic.subscribe("case", {"kind": [{"equals-ignore-case": "FILM"}]})
        topic.publish("m1", kind="film")
        assert topic.heard("case") == []
        topic.subscribe("empty", {"kind": []})
        topic.publish("m2", kind="film")
        assert topic.heard("empty") == []
    assert Pattern({"kind": [{"equals-ignore-case": "FILM"}]}).matches({"kind": "film"})


@pytest.mark.parametrize("policy", [{"kind": [{"numeric": [">"]}]}, {"kind": [{"odd": "x"}]}])
def test_what_the_model_refuses_sns_refuses(policy: dict[str, list[object]]) -> None:
    with aws.SnsTopic() as topic, pytest.raises(Refused):
        topic.subscribe("bad", policy)
    with pytest.raises(BadParameter):
        Pattern(policy)


def test_what_was_made_is_found_by_its_tag_until_it_is_removed() -> None:
    connection = aws.connection()
    with aws.SnsTopic() as topic:
        topic.subscribe("a")
        connection._made, kept = {}, connection._made  # as if another process had made it
        left = connection.left_behind()
        connection._made = kept
        assert sorted(left) == sorted(topic._made)
    connection._made, kept = {}, connection._made
    assert connection.left_behind() == []
    connection._made = kept
