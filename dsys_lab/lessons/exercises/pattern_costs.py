"""Twelve costs, each of one pattern: which belongs to which? Held against what the cards count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.patterns.cards import PATTERNS
from dsys_lab.trace import Trace
from dsys_lab.views.charts.picture import number

COSTS: Final = {
    "Queue-Based Load Leveling": "all wait, and nobody is told no",
    "Throttling": "somebody is told no who could have waited",
    "Circuit Breaker": "somebody is told no by their own side",
    "Bulkhead": "somebody stands idle beside a line",
    "Cache-Aside": "what is read may be old",
    "Materialized View": "every write has more to do",
    "Idempotent Consumer": "something small must be kept for ever, or nearly",
    "Lease": "something is done twice, for the first one was only slow",
    "Leader Election": "somebody is asked all day who it is",
    "Verification with Apology": "a yes turns out to be a no",
    "Claim Check": "two places must keep things for equally long, and two more journeys are made",
    "Choreography": "whoever looks for something must go from one to the next",
}
"""Pattern -> what it costs, in other words than on its card."""
WRONG_MOST: Final = 2


def price(pattern: str) -> str:
    """Say what a pattern costs."""
    return COSTS[pattern]


def check_price(function: Callable[..., Any]) -> Verdict:
    """Ask for each of the twelve; of the first wrong one say what was counted."""
    wrong = []
    for pattern, cost in COSTS.items():
        said = function(pattern)
        if said not in COSTS.values():
            raise Misuse(f"price({pattern!r}) returned {brief(said)}; give one of the twelve sentences")
        if said != cost:
            wrong.append((pattern, said))
    saw = f"{len(COSTS) - len(wrong)} of {len(COSTS)} are right."
    if wrong:
        pattern, said = wrong[0]
        card, counted = PATTERNS[pattern], PATTERNS[pattern].counted()
        before, after = map(number, counted.costs)
        saw += f" The first that is not: {pattern}, *{said}*. Counted there: {card.costs.name}, {before} to {after}."
    return Verdict(passed=len(wrong) <= WRONG_MOST, saw=saw)


def _played(function: Callable[..., Any]) -> Sequence[Trace]:
    """Play the pattern that the function prices first wrongly; if none, the first."""
    wrong = [pattern for pattern, cost in COSTS.items() if function(pattern) != cost]
    return PATTERNS[(wrong or list(COSTS))[0]].runs()


PRICE: Final = Exercise(
    lab=26,
    name="price",
    title="Twelve costs",
    statement=f"""
Each of these is what one of the patterns costs, said in other words than on its card: {"; ".join(
        f"**{cost}**" for cost in sorted(COSTS.values()))}.

`price(pattern)` is given a name, and returns the sentence. The names are {", ".join(COSTS)}. At most {WRONG_MOST} of
{len(COSTS)} may be wrong.""",
    skeleton="def price(pattern):\n    ...",
    example='`price("Throttling")` may not be "what is read may be old": a throttle reads nothing.',
    hints=(
        "Ask of each pattern: who waits for it, who keeps something for it, who does something again?",
        ("Three of them say no: the server before its work, the caller before the call, and somebody who had "
        "said yes."),
        "What is left of something that is slow and not dead, once another has taken its place?",
    ),
    check=check_price,
    play=_played,
    answer=price,
    is_pure=True,
)
