"""Slumber's nights by column, with the dimensions that the lab cuts them by; and what its pictures of a cube need.

City and age are those of the night. Age is a continuous observation, so it is banded before it can be a dimension.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.stores.star_schema import Cuboid, Lattice, Measured, NotDecomposable
from dsys_lab.workloads.slumber import Slumber
from dsys_lab.workloads.slumber.size_law import FIRST_DATE

NIGHTS: Final = 100_000
DIMENSIONS: Final = ("city", "band", "week", "weekend")
MINUTES: Final = "minutes"
Columns = Mapping[str, Sequence[Any]]


@lru_cache(maxsize=8)
def nights_by_column(nights: int = NIGHTS, *, seed: int = 7) -> Columns:
    """Return city, age band, month, week and weekend of each night, its sleeper, and its minutes or None."""
    require_positive(nights=nights)
    world = Slumber(seed=seed, nights=nights)
    night = {name: column.tolist() for name, column in world.read("night").items()}
    cities = world.read("city")["city"].tolist()
    dates = {day: (FIRST_DATE + day).item() for day in dict.fromkeys(night["date_key"])}
    first = min(_week(one) for one in dates.values())
    said = {
        day: (f"{one:%m}", f"week {_week(one) - first:02}", "weekend" if one.weekday() >= 5 else "workday")
        for day, one in dates.items()
    }
    month, week, weekend = zip(*(said[day] for day in night["date_key"]), strict=True)
    return {
        "city": [cities[city] for city in night["city_id"]],
        "band": [f"{age // 10 * 10}s" for age in night["age"]],
        "month": month,
        "week": week,
        "weekend": weekend,
        "person": night["person_id"],
        MINUTES: [
            None if status & 1 else minutes
            for minutes, status in zip(night["minutes_sleep"], night["status"], strict=True)
        ],
    }  # fmt: skip


def _week(date: datetime.date) -> int:
    return (date.toordinal() - 1) // 7


@lru_cache(maxsize=4)
def night_lattice(nights: int = NIGHTS, *, seed: int = 7) -> Lattice:
    """Return the lattice over city, band, week and weekend."""
    columns = nights_by_column(nights, seed=seed)
    return Lattice.of({name: columns[name] for name in DIMENSIONS})


# ------------------------------------------------------------------------------------------ the pictures
HOWS: Final = ("sum", "avg", "median")
_CITIES: Final = 3
_BANDS: Final = {
    "20s": "20 to 39", "30s": "20 to 39", "40s": "40 to 59", "50s": "40 to 59", "60s": "60 on", "70s": "60 on",
}  # fmt: skip
_NAMES: Final = ("city", "age", "month")


@lru_cache(maxsize=2)
def _small_cube(nights: int, seed: int) -> Columns:
    """Return the nights of the three largest cities, in three bands of age, their hours instead of minutes."""
    columns = nights_by_column(nights, seed=seed)
    counted = dict(Cuboid.of(columns, ("city",), [Measured("count", "person")]).answers())
    largest = sorted(counted, key=lambda city: (-counted[city], city))[:_CITIES]
    rows = [
        (city, _BANDS[band], f"month {month}", minutes / 60)
        for city, band, month, minutes in zip(
            columns["city"], columns["band"], columns["month"], columns[MINUTES], strict=True
        )
        if city in largest and band in _BANDS and minutes is not None
    ]
    return dict(zip((*_NAMES, "hours"), zip(*rows, strict=True), strict=True))


def months(nights: int = NIGHTS, *, seed: int = 7) -> list[str]:
    """Return the layers of the picture's cube."""
    return sorted(set(_small_cube(nights, seed)["month"]))


def poured(
    how: str = "sum", layers: int = 0, only: str = "all", *, nights: int = NIGHTS, seed: int = 7
) -> dict[str, Any]:
    """Return what `charts.poured_cube` draws: cells by city, age and month, and the face with the poured layers.

    Parameters
    ----------
    how : str
        "sum", "avg" or "median" of the hours.
    layers : int
        Months that have been poured.
    only : str
        A month that is sliced out, as "month 01", and then nothing is poured but it; "all" for none.

    Raises
    ------
    BadParameter
        If there are not so many months, or no such month.
    """
    require_choice("how", how, HOWS)
    columns = _small_cube(nights, seed)
    every = months(nights, seed=seed)
    require_choice("only", only, ("all", *every))
    if not 0 <= layers <= len(every):
        raise BadParameter(f"layers = {layers!r}: give 0 to {len(every)}")
    measures = [Measured("sum", "hours"), Measured("count", "hours"), Measured(how, "hours")]
    fine = Cuboid.of(columns, _NAMES, measures)
    layers = layers if only == "all" else 0
    part = fine.dice({"month": every[:layers] if only == "all" else [only]})
    try:
        coarse = part.slice("month", only) if only != "all" else part.rollup(_NAMES[:2])
        face = {(city, age): tuple(said) for city, age, *said in coarse.answers()}
    except NotDecomposable:
        face = {}
    return {
        "cells": {answer[:3]: answer[3:] for answer in fine.answers()},
        "face": face,
        "names": _NAMES,
        "how": how,
        "layers": layers,
        "only": "" if only == "all" else only,
        "unit": "hours / nights" if how == "avg" else "hours",
    }

