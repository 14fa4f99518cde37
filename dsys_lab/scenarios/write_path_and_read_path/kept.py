"""Nights that change, for views that a real database keeps."""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import require_positive
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import Change

CITIES: Final = ("Oslo", "Lima", "Cairo", "Quito", "Turku")

Night = dict[str, Any]


def nights_and_changes(nights: int, changes: int, seed: int = 7) -> tuple[list[Night], list[Change]]:
    """Return so many nights with a city and minutes, drawn at random, and so many changes of both in turn."""
    require_positive(nights=nights, changes=changes)
    luck = stream(seed, "kept")

    def night(number: int) -> Night:
        return {"id": number, "city": CITIES[int(luck() * len(CITIES))], "minutes": 300 + int(luck() * 240)}

    table = [night(number) for number in range(nights)]
    there, told = list(table), []
    for _ in range(changes):
        number = int(luck() * nights)
        before, there[number] = there[number], night(number)
        told.append(Change("nights", before, there[number]))
    return table, told
