"""How many beds were free at noon? And how many did we *believe* to be free at noon?

A fact *happens* at one time and is *recorded* at another. Most are recorded at once; some a guest had told the porter,
who wrote them down in the evening. Folding up to a moment therefore has two answers: by when things happened, as far as
is known now, and by when they were recorded, which is what everybody saw then. Who keeps both times is *bitemporal*.

Source: Snodgrass, *Developing Time-Oriented Database Applications in SQL*, 1999 (valid time, transaction time).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from dsys_lab.dataflows.event_sourcing import NIGHT, Event
from dsys_lab.errors import BadParameter, require_fraction
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.simulation.chance import stream

OPENS_H, CLOSES_H = 8.0, 20.0
BEDS: Final = 12
_GIVEN_BACK: Final = ("BedReleased", "BookingCancelled")
LINES: Final = ("as it was seen then", "as is known at night")


class Dated(NamedTuple):
    """A fact with its two times, in hours of the day."""

    happened_h: float
    recorded_h: float
    event: Event


@lru_cache(maxsize=16)
def a_day(*, facts: int = 40, late_share: float = 1.0, seed: int = DEFAULT_SEED) -> tuple[Dated, ...]:
    """Return the facts of a day as they were recorded: some were told to the porter, who wrote them down at night.

    The porter hears that a bed is given back which nobody takes after that; he is told of `late_share` of those.
    """
    require_fraction(late_share=late_share)
    house, luck = filled(a_house(beds=BEDS), facts, seed=seed), stream(seed, "past")
    events = [house.types.read(one.written) for one in house.store.load("n1")]
    step_h = (CLOSES_H - OPENS_H) / facts
    last = {event.says["bed"]: number for number, event in enumerate(events) if "bed" in event.says}
    dated = []
    for number, event in enumerate(events):
        happened_h = OPENS_H + number * step_h
        is_last = event.kind in _GIVEN_BACK and last[event.says["bed"]] == number
        is_late = is_last and luck() < late_share
        dated.append(Dated(happened_h, CLOSES_H if is_late else happened_h, event))
    return tuple(sorted(dated, key=lambda one: one.recorded_h))


def free_at(hour: float, *, known_h: float = 24.0, late_share: float = 1.0, seed: int = DEFAULT_SEED) -> int:
    """Return how many beds were free at an hour, as far as was known at another.

    Parameters
    ----------
    hour, known_h : float
        Facts count that happened by `hour` and were recorded by `known_h`.
    """
    if not OPENS_H <= hour <= 24:
        raise BadParameter(f"hour = {hour:g}: give {OPENS_H:g} to 24")
    counted = [one for one in a_day(late_share=late_share, seed=seed) if one.happened_h <= hour]
    counted = [one for one in counted if one.recorded_h <= known_h]
    return NIGHT.fold(one.event for one in sorted(counted, key=lambda one: one.happened_h)).free


def through_the_day(*, late_share: float = 1.0, seed: int = DEFAULT_SEED) -> dict[str, list[tuple[float, float]]]:
    """Return how many beds were free through the day: as everybody saw it then, and as is known at night."""
    hours = [OPENS_H + quarter / 4 for quarter in range(int(4 * (CLOSES_H - OPENS_H)) + 1)]
    about = {"late_share": late_share, "seed": seed}
    return {
        LINES[0]: [(hour, free_at(hour, known_h=hour, **about)) for hour in hours],  # type: ignore[arg-type]
        LINES[1]: [(hour, free_at(hour, **about)) for hour in hours],  # type: ignore[arg-type]
    }



def which_is_more(*, seed: int = DEFAULT_SEED) -> str:
    """Return which of `LINES` says more free beds, over the quarters of the hours in which they differ, or neither."""
    then, now = through_the_day(seed=seed).values()
    more = {known > seen for (_, seen), (_, known) in zip(then, now, strict=True) if known != seen}
    said = {frozenset({True}): LINES[1], frozenset({False}): LINES[0], frozenset[bool](): "neither"}
    return said.get(frozenset(more), "now one, now the other")
