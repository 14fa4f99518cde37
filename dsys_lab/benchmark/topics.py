"""Topics: one message to a thousand seats, beside the loop that anybody would write, and a server."""

from __future__ import annotations

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic import Subscription, Topic

SEATS = 1_000


def published(seats: int, *, messages: int = 20) -> float:
    """Publish to so many seats without a filter and hand each copy over; return how many messages."""
    topic = Topic("uploads")
    for number in range(seats):
        topic.subscribe(0, Subscription(name=f"seat-{number}"))
    for number in range(messages):
        topic.publish(number, "m", "a video")
        for attempt in topic.attempts(number):
            topic.delivered(number, attempt.number)
    return messages


def topics() -> None:
    """Hand copies to a thousand seats: the model, a loop over lists, core NATS with a thousand subscriptions."""
    from dsys_lab.engines import nats

    def model(messages: int = 20) -> float:
        return SEATS * published(SEATS, messages=messages)

    def loop(messages: int = 200) -> float:
        trays: list[list[tuple[str, str]]] = [[] for _ in range(SEATS)]
        for _ in range(messages):
            for tray in trays:
                tray.append(("m", "a video"))
        return SEATS * messages

    def core(messages: int = 20) -> float:
        with nats.CoreTopic() as topic:
            topic.subscribe("seat", times=SEATS)
            for number in range(messages):
                topic.publish(f"m{number}")
            return float(len(topic.heard("seat")))

    nats.connection()
    rivals = [Rival("a loop over lists", loop), Rival("the model", model), Rival("core NATS, one client", core)]
    compare("One message to a thousand seats", "copies", rivals)
    nats.connection().close()


def filters() -> None:
    """Ask a thousand filters of an event, against the same question as plain Python."""
    patterns = [Pattern({"kind": [f"kind-{number}"], "price": [{"numeric": [">", 10]}]}) for number in range(SEATS)]
    event = {"kind": "kind-7", "price": 20}

    def matcher(events: int = 50) -> float:
        for _ in range(events):
            sum(pattern.matches(event) for pattern in patterns)
        return SEATS * events

    def plain(events: int = 500) -> float:
        kinds = [f"kind-{number}" for number in range(SEATS)]
        for _ in range(events):
            sum(event["kind"] == kind and event["price"] > 10 for kind in kinds)  # type: ignore[operator]
        return SEATS * events

    rivals = [Rival("plain comparisons", plain), Rival("patterns", matcher)]
    compare("Ask a thousand filters", "filters", rivals)
