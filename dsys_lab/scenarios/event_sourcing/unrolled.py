"""A night rolled up to any of its facts: what the house looked like then, by the beds and by two views of the takings.

Nothing is kept for it: each look folds the facts from the first one, or from the last checkpoint before the hand.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from dsys_lab.dataflows.event_sourcing import NIGHT, Event, EventSource, FreeBeds, Handler, Night, Takings
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.scenarios.scenario import DEFAULT_SEED

BEDS = 10
WORDS = {
    "NightOpened": "open", "BedHeld": "bed {bed}", "BedBooked": "bed {bed}", "BedReleased": "bed {bed}",
    "BookingCancelled": "bed {bed}",
}  # fmt: skip


class Unrolled(NamedTuple):
    """What `charts.fact_tape` draws: the facts, where the hand is, and what they come to there."""

    facts: list[tuple[str, str]]
    position: int
    cards: list[tuple[str, str, str]]


def unrolled(
    position: int, *, facts: int = 26, seed: int = DEFAULT_SEED, takings: bool = True, refunds: int = -1
) -> Unrolled:
    """Return a night of so many facts, and what the first `position` of them come to.

    Parameters
    ----------
    takings : bool
        Whether there are cards of the views, too.
    refunds : int
        What a second view of the takings does with them: -1 takes them off, +1 adds them.
    """
    house, events = _night(facts, seed)
    if not 0 <= position <= facts:
        raise BadParameter(f"position = {position}: give 0 to {facts}")
    night = NIGHT.fold(events[:position])
    cards = [_bed(night, bed) for bed in range(1, BEDS + 1)]
    if takings:
        cards += _views(house, position, refunds)
    told = [(event.kind, WORDS[event.kind].format(**event.says)) for event in events]
    return Unrolled(told, position, cards)


@lru_cache(maxsize=8)
def _night(facts: int, seed: int) -> tuple[Handler[Night], list[Event]]:
    house = filled(a_house(beds=BEDS), facts, seed=seed)
    return house, [house.types.read(one.written) for one in house.store.load("n1")]


def _bed(night: Night, bed: int) -> tuple[str, str, str]:
    name = f"bed {bed}"
    if bed not in night.taken:
        return (name, "free", "free" if bed <= night.beds else "-")
    guest, cents = night.taken[bed]
    return (name, "held", f"held, {guest}") if cents is None else (name, "booked", f"{guest}, {cents // 100} EUR")


def _views(house: Handler[Night], position: int, refunds: int) -> list[tuple[str, str, str]]:
    free, right, other = FreeBeds(), Takings(), Takings(refunds=refunds)
    source = EventSource(house.store, house.types)
    for commit in source.peek(position):
        for change in map(source.open, commit.changes):
            for view in (free, right, other):
                view.apply(change)
    look = "said" if other.total == right.total else "wrong"
    return [("view: free beds", "said", str(free.free["n1"])), ("view: takings", look, f"{other.total // 100} EUR")]
