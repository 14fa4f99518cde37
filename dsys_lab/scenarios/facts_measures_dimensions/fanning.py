"""The fan trap: two kinds of facts of different grain are joined, and then one of them is summed.

A night is a row for each person and day; an order line is a row for each product in an order. Joined by person, a night
becomes as many rows as the person bought things, and its hours are summed as often; who bought nothing is gone. The
other way sums each kind of facts to the grain that both have, and lays the sums side by side (`drill_across`).

Source: Kimball and Ross, "The Data Warehouse Toolkit", 3rd edition, chapters 4 and 6.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.stores.star_schema import Cuboid, Measured, drill_across

WAYS: Final = ("joined first", "summed first")
NIGHTS, LINES, ROWS, SUM = "nights", "order lines", "rows of the answer", "sum of hours"
ROW_S: Final = 0.6
PEOPLE_MOST: Final = 8


@scenario("{way}")
def fan_trap(sim: Simulation, *, way: str = "joined first", people: int = 4, lines_most: int = 3) -> Claims:
    """How long did all of them sleep? A question about nights, asked of nights and order lines together.

    Parameters
    ----------
    way : str
        "joined first" or "summed first".
    people : int
        Each with a night; 1 to 8.
    lines_most : int
        Order lines that somebody may have, 0 to 6.
    """
    require_choice("way", way, WAYS)
    if not 1 <= people <= PEOPLE_MOST or not 0 <= lines_most <= 6:
        raise BadParameter(f"people = {people!r}, lines_most = {lines_most!r}: give 1 to {PEOPLE_MOST}, and 0 to 6")
    chance = sim.stream("people")
    hours = [6 + int(chance() * 12) / 4 for _ in range(people)]
    lines = [int(chance() * (lines_most + 1)) for _ in range(people)]
    owners = [person for person, count in enumerate(lines) for _ in range(count)]
    true, full = sum(hours), max(sum(hours), sum(hours[person] for person in owners))
    for person in range(people):
        _later(sim, "fact", NIGHTS, f"n{person + 1}", values=f"person {person + 1}, {hours[person]} hours")
    for number, person in enumerate(owners, 1):
        _later(sim, "fact", LINES, f"l{number}", values=f"bought by person {person + 1}")
    got = (_joined if way == WAYS[0] else _summed)(sim, hours, owners, full)
    _later(sim, "fall", SUM, "sum", value=f"{got} hours")
    sim.emit("check", SUM, name="hours of all nights", ok=got == true, expected=true, got=got)
    sim.run()
    return Claims({"checks hold": {}}, {"hours": {"value": true, "label": "of all nights"}})


def _joined(sim: Simulation, hours: list[float], owners: list[int], full: float) -> float:
    """Make a row for each pair of a night and a line of one person, and sum the hours of the rows."""
    got = 0.0
    for number, person in enumerate(owners, 1):
        got += hours[person]
        _later(sim, "joined", f"{ROWS}/person {person + 1}", f"l{number}", of=f"n{person + 1}", value=hours[person])
        sim.emit("gauge", SUM, name="hours", value=got, unit="h", full=full)
    return got


def _summed(sim: Simulation, hours: list[float], owners: list[int], full: float) -> float:
    """Sum nights by person and count lines by person, and lay both side by side."""
    people = list(range(len(hours)))
    slept = Cuboid.of({"person": people, "hours": hours}, ("person",), [Measured("sum", "hours")])
    bought = Cuboid.of({"person": owners, "line": owners}, ("person",), [Measured("count", "line")])
    got = 0.0
    for person, by_person, lines in drill_across(slept, bought):
        got += by_person
        said = f"{by_person} hours, {lines or 0} order lines"
        _later(sim, "fall", f"{ROWS}/person {person + 1}", f"n{person + 1}", value=said)
        sim.emit("gauge", SUM, name="hours", value=got, unit="h", full=full)
    return got


def _later(sim: Simulation, kind: str, place: str, message: str | None = None, **fields: str | float) -> None:
    sim.run(sim.now_s + ROW_S)
    sim.emit(kind, place, message, **fields)
