"""The same story told to every bus: rules that come and go, events that one, several or none of them picks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dsys_lab.brokers.event_bus import Entry, Transformer
from dsys_lab.engines.event_bus.model import ModelBus, Routing
from dsys_lab.engines.wanted import when_wanted
from dsys_lab.errors import require_choice

ENGINES: Final[dict[str, Callable[[], Routing]]] = {
    "model": ModelBus,
    "EventBridge": when_wanted("aws.event_bus", "EventBridgeBus"),
    "core NATS": when_wanted("nats.event_bus", "SubjectBus"),
}
"""Every bus by the name that a page uses."""
PUT_AT_ONCE: Final = 10


def opened(engine: str) -> Any:
    """Return a new bus of this engine.

    Raises
    ------
    EngineMissing
        If it is not installed or does not start.
    """
    require_choice("engine", engine, tuple(ENGINES))
    return ENGINES[engine]()


def told(engine: str) -> dict[str, list[str]]:
    """Tell the story, and return which events each rule's target got.

    `wearables` wants what they say, `nights` every night whoever says so, `orders` comes after two events, and `gone`
    is taken away then. One event is picked by nobody.
    """
    with opened(engine) as bus:
        bus.rule("wearables", {"source": ["wearable"]})
        bus.rule("nights", {"detail-type": ["Night"]})
        bus.rule("gone", {"source": ["shop"], "detail-type": ["Order"]})
        number = 0

        def put(source: str, detail_type: str) -> None:
            nonlocal number
            number += 1
            bus.put(Entry(source, detail_type, {"name": f"n{number}"}))

        put("wearable", "Night")
        put("shop", "Order")
        heard = {"gone": bus.heard("gone")}
        bus.remove("gone")
        bus.rule("orders", {"source": ["shop"], "detail-type": ["Order"]})
        put("shop", "Order")
        put("partner", "Night")
        put("wearable", "Battery")
        put("partner", "Order")
        heard |= {rule: bus.heard(rule) for rule in ("wearables", "nights", "orders")}
    return {rule: sorted(event["detail"]["name"] for event in events) for rule, events in sorted(heard.items())}


def picked(engine: str, patterns: Mapping[str, Any], events: Sequence[Entry]) -> dict[str, int]:
    """Return how many of these events each pattern picks, for buses that look into events.

    There is a rule for each pattern, and one queue for all of them, into which each puts its own number.
    """
    with opened(engine) as bus:
        for number, pattern in enumerate(patterns.values()):
            says_so = Transformer({"id": "$.id"}, f'{{"rule": {number}, "id": "<id>"}}')
            bus.rule(f"rule-{number}", pattern, says_so, into="rule-0" if number else "")
        for first in range(0, len(events), PUT_AT_ONCE):
            bus.put(*events[first : first + PUT_AT_ONCE])
        counted = Counter(one["rule"] for one in bus.heard("rule-0"))
    return {name: counted[number] for number, name in enumerate(patterns)}


def who_differs(one: Mapping[str, int], other: Mapping[str, int]) -> str:
    """Say whether there are patterns for which two buses do not pick as many events."""
    return "for some" if any(one[name] != other[name] for name in one) else "for none"
