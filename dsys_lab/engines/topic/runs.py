"""The same story told to every topic: who is there, who wants what, who comes late, who leaves, who is down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.engines.topic.model import Broadcast, ModelTopic
from dsys_lab.engines.wanted import when_wanted
from dsys_lab.errors import require_choice, require_positive

ENGINES: Final[dict[str, Callable[[], Broadcast]]] = {
    "model": ModelTopic,
    "core NATS": when_wanted("nats.topic", "CoreTopic"),
    "JetStream": when_wanted("nats.topic", "StreamTopic"),
    "SNS": when_wanted("aws.topic", "SnsTopic"),
}
"""Every topic by the name that a page uses."""
SHARERS: Final = ("thumbnail", "search")


def opened(engine: str) -> Broadcast:
    """Return a new topic of this engine.

    Raises
    ------
    EngineMissing
        If it is not installed or does not start.
    """
    require_choice("engine", engine, tuple(ENGINES))
    return ENGINES[engine]()


def told(engine: str) -> dict[str, list[str]]:
    """Tell the story, and return what each subscriber heard, in the order of the names of the messages.

    `present` is there all the time, `films` wants those, `late` comes after two messages, `leaver` goes after three,
    and `down` is down for the fourth and fifth.
    """
    with opened(engine) as topic:
        topic.subscribe("present")
        topic.subscribe("films", {"kind": ["film"]})
        topic.subscribe("leaver")
        topic.subscribe("down")
        publish = topic.publish
        publish("m1", kind="clip")
        publish("m2", kind="film")
        topic.subscribe("late")
        publish("m3", kind="clip")
        heard = {"leaver": topic.heard("leaver")}
        topic.unsubscribe("leaver")
        topic.goes_down("down")
        publish("m4", kind="film")
        publish("m5", kind="clip")
        topic.comes_back("down")
        publish("m6", kind="film")
        heard |= {name: topic.heard(name) for name in ("present", "films", "late", "down")}
    return {name: sorted(messages) for name, messages in sorted(heard.items())}


def heard_alike(stories: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the subscribers who heard the same in all engines."""
    first, *others = stories.values()
    return [name for name, messages in first.items() if all(story[name] == messages for story in others)]


def who_missed(stories: dict[str, dict[str, list[str]]]) -> str:
    """Say in which engines the one who was down heard less than the one who was present."""
    missed = [engine for engine, heard in stories.items() if heard["down"] != heard["present"]]
    return " and ".join(missed) + " alone" * (len(missed) == 1) if 0 < len(missed) < len(stories) else (
        "in all" if missed else "in none"
    )


def shared_seat(messages: int) -> dict[str, list[str]]:
    """Let two members of a queue group of core NATS sit on one seat, and return what each of them heard."""
    require_positive(messages=messages)
    from dsys_lab.engines.nats.topic import CoreTopic

    with CoreTopic() as topic:
        for name in SHARERS:
            topic.subscribe(name, group="sharers")
        for number in range(messages):
            topic.publish(f"m{number}")
        return {name: topic.heard(name) for name in SHARERS}


def how_it_was_shared(heard: dict[str, list[str]]) -> str:
    """Say in words how a hundred messages came to the two who shared a seat."""
    one, other = (len(set(messages)) for messages in heard.values())
    if one == other == 100:
        return "a hundred each"
    return "one of them all hundred" if 100 in (one, other) else "about fifty each"


def heard_by(heard: dict[str, list[str]]) -> dict[str, int]:
    """Return how many messages were heard by only one of the two who shared a seat, and how many by both."""
    one, other = map(set, heard.values())
    names = " or ".join(heard), " and ".join(heard)
    return {f"one, {names[0]}": len(one ^ other), f"two, {names[1]}": len(one & other)}
