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
PARTS: Final = ("in the morning", "at noon", "in the evening, before he writes it down")


class Dated(NamedTuple):
    """A fact with its two times, in hours of the day."""

    happened_h: float
    recorded_h: float
    event: Event


@lru_cache(maxsize=16)
def a_day(*, facts: int = 40, late_share: float = 0.25, seed: int = DEFAULT_SEED) -> tuple[Dated, ...]:
    """Return the facts of a day as they were recorded: some were told to the porter, who wrote them down at night.

    Facts about one bed are recorded in the order in which they happened, so the evening's are the last of their beds.
    """
    require_fraction(late_share=late_share)
    house, luck = filled(a_house(beds=BEDS), facts, seed=seed), stream(seed, "past")
    events = [house.types.read(one.written) for one in house.store.load("n1")]
    step_h = (CLOSES_H - OPENS_H) / facts
    last = {event.says["bed"]: number for number, event in enumerate(events) if "bed" in event.says}
    dated = []
    for number, event in enumerate(events):
        happened_h = OPENS_H + number * step_h
        is_late = number > 0 and last[event.says["bed"]] == number and luck() < late_share * 2
        dated.append(Dated(happened_h, CLOSES_H if is_late else happened_h, event))
    return tuple(sorted(dated, key=lambda one: one.recorded_h))


def free_at(hour: float, *, known_h: float = 24.0, late_share: float = 0.25, seed: int = DEFAULT_SEED) -> int:
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


def through_the_day(*, late_share: float = 0.25, seed: int = DEFAULT_SEED) -> dict[str, list[tuple[float, float]]]:
    """Return how many beds were free through the day: as everybody saw it then, and as is known at night."""
    hours = [OPENS_H + quarter / 4 for quarter in range(int(4 * (CLOSES_H - OPENS_H)) + 1)]
    about = {"late_share": late_share, "seed": seed}
    return {
        "as it was seen then": [(hour, free_at(hour, known_h=hour, **about)) for hour in hours],  # type: ignore[arg-type]
        "as is known at night": [(hour, free_at(hour, **about)) for hour in hours],  # type: ignore[arg-type]
    }


def furthest_apart(*, late_share: float = 0.25, seed: int = DEFAULT_SEED) -> str:
    """Return in which part of the day what was seen and what is known differ most."""
    then, now = through_the_day(late_share=late_share, seed=seed).values()
    apart = {hour: abs(seen - known) for (hour, seen), (_, known) in zip(then, now, strict=True)}
    hour = max(apart, key=lambda at: apart[at])
    return PARTS[0] if hour < 11 else PARTS[1] if hour < 14 else PARTS[2]
