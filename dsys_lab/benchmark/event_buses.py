"""Event buses: which of a thousand rules pick an event, by an index beside the loop over all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.brokers.event_bus import Index, Loop, Matcher
from dsys_lab.brokers.event_patterns import Pattern

RULES = 1_000
DEVICES = 100


@cache
def made(matcher: Callable[[], Matcher], rules: int = RULES) -> Matcher:
    """Return so many rules over a hundred devices, the same each time: to make them is not what is measured."""
    asked = matcher()
    for number in range(rules):
        asked.add(f"r{number}", Pattern({"detail-type": ["Night"], "detail": {"device": [f"ring-{number % DEVICES}"]}}))
    return asked


def events(count: int) -> list[dict[str, object]]:
    """Return nights of a hundred devices, one after the other."""
    return [{"detail-type": "Night", "detail": {"device": f"ring-{number % DEVICES}"}} for number in range(count)]


def routed(matcher: Callable[[], Matcher], *, count: int = 20) -> Callable[[], float]:
    """Return what asks a thousand rules of so many events, and says how many those were."""
    asked = made(matcher)

    def run() -> float:
        for event in events(count):
            sum(picks for _, picks in asked.verdicts(event))
        return count

    return run


def rules() -> None:
    """Find the rules of an event among a thousand: by the loop over all, and by the index."""
    rivals = [
        Rival("a loop over all rules", routed(Loop)),
        Rival("an index of plain values", routed(Index, count=2_000)),
    ]
    compare("Which of a thousand rules pick an event", "events", rivals)
