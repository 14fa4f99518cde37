"""Twenty patterns and two hundred events: which picks how many?

The events are nights, orders and odds and ends, with the gaps that real ones have: a field that is missing, one that is
null, one that is a list. `seen` tells what each rule of a small bus finds in one event, for the picture of the sieves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import pandas as pd

from dsys_lab.brokers.event_bus import CATCH_ALL, Entry, Event, Part, Shape, Whole
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.scenarios.event_bus.nights import ADVICE, ORDERS, SHORT
from dsys_lab.simulation.chance import stream

EVENTS: Final = 200
CITIES: Final = ("Oslo", "oslo", "Bergen", "Berlin", "Lima")
TAGS: Final = ("nap", "snore", "dream")


def _event(number: int) -> Entry:
    luck = stream(21, f"event/{number}")
    if (kind := luck()) < 0.2:
        return Entry("shop", "Order", {"pillows": 1 + int(luck() * 4), "city": CITIES[int(luck() * 5)]})
    detail: dict[str, Any] = {"city": CITIES[int(luck() * 5)], "device": f"ring-{int(luck() * 30)}"}
    if luck() < 0.9:
        detail["hours"] = None if luck() < 0.1 else 2 + int(luck() * 15) / 2
    if luck() < 0.7:
        detail["tags"] = [tag for tag in TAGS if luck() < 0.5] or ["none"]
    detail["address"] = f"10.0.{int(luck() * 4)}.{int(luck() * 250)}"
    return Entry("wearable" if kind < 0.75 else "partner.ring", "Night", detail)


@cache
def events() -> tuple[Entry, ...]:
    """Return the two hundred events."""
    return tuple(map(_event, range(EVENTS)))


def of(**wishes: list[Any]) -> dict[str, Any]:
    """Return a pattern over the detail."""
    return {"detail": wishes}


PATTERNS: Final[dict[str, dict[str, Any]]] = {
    "from a wearable": {"source": ["wearable"]},
    "not from a wearable": {"source": [{"anything-but": "wearable"}]},
    "from a partner": {"source": [{"prefix": "partner."}]},
    "a night": {"detail-type": ["Night"]},
    "an order of 2 or 3": {"detail-type": ["Order"], "detail": {"pillows": [2, 3]}},
    "less than 5 h": of(hours=[{"numeric": ["<", 5]}]),
    "5 to 8 h": of(hours=[{"numeric": [">=", 5, "<=", 8]}]),
    "hours is null": of(hours=[None]),
    "has hours": of(hours=[{"exists": True}]),
    "has no hours": of(hours=[{"exists": False}]),
    "has no hours, or null": of(hours=[None, {"exists": False}]),
    "Oslo": of(city=["Oslo"]),
    "Oslo, any case": of(city=[{"equals-ignore-case": "oslo"}]),
    "B*": of(city=[{"wildcard": "B*"}]),
    "not in Oslo": of(city=[{"anything-but": ["Oslo", "oslo"]}]),
    "snore": of(tags=["snore"]),
    "nap and snore?": {"detail": {"tags": ["nap", "snore"]}},
    "a tag that is not snore": of(tags=[{"anything-but": "snore"}]),
    "10.0.1.*": of(address=[{"cidr": "10.0.1.0/24"}]),
    "short, or in Lima": {"$or": [of(hours=[{"numeric": ["<", 5]}]), of(city=["Lima"])]},
}
"""Patterns by what somebody might call them; not every name is right."""


def envelope(entry: Entry) -> dict[str, Any]:
    """Return what a pattern sees of an entry."""
    return entry.event(0, "e").envelope()


@cache
def picks(name: str) -> tuple[int, ...]:
    """Return the numbers of the events that a pattern picks."""
    pattern = Pattern(PATTERNS[name])
    return tuple(number for number, entry in enumerate(events()) if pattern.matches(envelope(entry)))


def written(*names: str) -> pd.DataFrame:
    """Return some patterns as they are written."""
    return pd.DataFrame({"pattern": {name: json.dumps(PATTERNS[name]) for name in names}})


def match_matrix() -> dict[str, list[bool]]:
    """Return for each pattern of each event whether it picks it."""
    return {name: [number in picks(name) for number in range(EVENTS)] for name in PATTERNS}


def which_tags_count() -> str:
    """Say which events the pattern that wants two tags picks."""
    wanted, found = {"nap", "snore"}, {number: tags_of(number) for number in range(EVENTS)}
    by_rule = {
        "those that have both tags": {number for number, tags in found.items() if wanted <= tags},
        "those that have either tag": {number for number, tags in found.items() if wanted & tags},
        "those whose list is exactly these two": {number for number, tags in found.items() if wanted == tags},
    }
    return next(words for words, numbers in by_rule.items() if numbers == set(picks("nap and snore?")))


def tags_of(number: int) -> set[str]:
    """Return the tags of an event."""
    return set(envelope(events()[number])["detail"].get("tags", ()))


# ------------------------------------------------------------------------------------------ one event, some sieves
class Sieve(NamedTuple):
    """A rule with the shape that its target wants."""

    pattern: Pattern
    shape: Shape


SIEVES: Final[dict[str, Sieve]] = {
    "short": Sieve(SHORT, ADVICE),
    "orders": Sieve(ORDERS, Part("$.detail")),
    "snoring-in-Oslo": Sieve(
        Pattern(of(city=[{"equals-ignore-case": "oslo"}], tags=["snore"])), Part("$.detail.sleeper")
    ),
    "everything": Sieve(CATCH_ALL, Whole()),
}
CARDS: Final = (
    Event("e1", "wearable", "Night", {"sleeper": "ann", "hours": 4.5, "city": "oslo", "tags": ["nap", "snore"]}, 0),
    Event("e2", "wearable", "Night", {"sleeper": "bob", "hours": 7.5, "city": "Oslo", "tags": ["dream"]}, 0),
    Event("e3", "shop", "Order", {"sleeper": "ann", "pillows": 2}, 0),
    Event("e4", "wearable", "Night", {"sleeper": "cy", "hours": "4.5", "city": "Lima"}, 0),
    Event("e5", "partner", "Night", {"sleeper": "dan", "hours_slept": 3, "city": "Oslo", "tags": ["snore"]}, 0),
    Event("e6", "partner", "Battery", {"percent": 9}, 0),
)
"""The events that fly through the sieves."""


def seen(event: int) -> dict[str, Any]:
    """Return what `charts.sieves` draws of event number `event`, from 1: its card, and what each sieve finds in it."""
    whole = CARDS[event - 1].envelope()
    card = {"source": whole["source"], "detail-type": whole["detail-type"]}
    card |= {f"detail.{name}": value for name, value in whole["detail"].items()}
    return {
        "card": {name: json.dumps(value) for name, value in card.items()},
        "sieves": {name: _looked_through(sieve, whole) for name, sieve in SIEVES.items()},
    }


def _looked_through(sieve: Sieve, whole: Mapping[str, Any]) -> tuple[list[tuple[str, str, bool]], str | None]:
    """Return each field that a sieve looks at, what it wants there, whether it holds; and what the target is given."""
    judged = [(one.path, one.wanted, one.holds) for one in sieve.pattern.judge(whole)]
    if not sieve.pattern.matches(whole):
        return judged, None
    return judged, "the whole event" if isinstance(sieve.shape, Whole) else sieve.shape.of(whole)
