"""The star of Slumber: a fact for each person and night, and persons who move.

A person's city and plan come from the survey, and the day on which somebody moves is known, so the dimension can be
told the truth: a version from the first day on, another from the move on, if that is to another city and has happened
by the last night. The first moves come after thirty days, about 10,000 nights.
"""

from __future__ import annotations

from dsys_lab.errors import require_positive
from dsys_lab.stores.star_schema import Dimension, FactTable, Link, Stored
from dsys_lab.workloads.slumber import Faults, Slumber


def night_star(
    nights: int = 5_000, *, seed: int = 7, missing: str = "infer", faults: Faults | None = None, again: int = 0
) -> FactTable:
    """Return the nights as facts, linked to persons (city as history, name overwritten).

    Parameters
    ----------
    nights : int
    seed : int
    missing : {"unknown", "infer", "quarantine"}
        What becomes of a night whose person is not known.
    faults : Faults, optional
        What goes wrong with nights on their way.
    again : int
        How many of the nights are given a second time, after all others.
    """
    require_positive(nights=nights)
    world = Slumber(seed=seed, nights=nights, faults=faults or Faults())
    night = {name: column.tolist() for name, column in world.read("night").items()}
    facts = FactTable(
        "night",
        ("person", "day"),
        links={"person": Link(persons(world, last_day=max(night["date_key"])), missing)},
        measures={"minutes": Stored(60, 960, nullable=True)},
        plain=("day", "city_then"),
        when="day",
    )
    rows = zip(
        night["person_id"], night["date_key"], night["city_id"], night["minutes_sleep"], night["status"], strict=True
    )
    cities = world.read("city")["city"].tolist()
    given = [
        {"person": person, "day": day, "city_then": cities[city], "minutes": None if status & 1 else minutes}
        for person, day, city, minutes, status in rows
    ]
    facts.load(given + given[:again])
    return facts


def persons(world: Slumber, *, last_day: int) -> Dimension:
    """Return the persons of a world, each with its cities in turn, as is known on `last_day`."""
    dimension = Dimension("person", historic=["city"], overwritten=["name"])
    read = {name: column.tolist() for name, column in world.read("person").items()}
    cities = world.read("city")["city"].tolist()
    for person, name, first, second, joined, moved in zip(
        read["person_id"], read["name"], read["city_id"], read["moved_city_id"], read["joined"], read["move_day"],
        strict=True,
    ):  # fmt: skip
        dimension.put(person, {"city": cities[first], "name": name}, at=joined)
        if moved <= last_day:
            dimension.put(person, {"city": cities[second]}, at=moved)
    return dimension


def moved_nights(star: FactTable) -> int:
    """Return the nights of which "city then" and "city now" are not the same."""
    then, now = (star.read("person.city", as_of=when)["person.city"] for when in ("then", "now"))
    return sum(one != other for one, other in zip(then, now, strict=True))
