"""A cube that pours: facts fall into cells, cells are poured into coarser ones, and what does not merge stays shut.

It begins with the table of the notes, `ID | HoursSleep | Age | City`, a night of each sleeper. Age and city go to the
dimension, age as a band; hours stay with the fact. The store itself leaves the rows of the trace (`recorder`); here
they get the time that eyes need, and each cell a level: what its measure says, by what is full.

`late` lets a night come before its sleeper; `spoiled` adds a night in minutes and one that comes twice.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.stores.star_schema import (
    UNKNOWN,
    Cuboid,
    Dimension,
    FactTable,
    Link,
    Measured,
    NotDecomposable,
    Stored,
)
from dsys_lab.stores.star_schema.cube import place_of
from dsys_lab.trace import Scalar

HOWS: Final = ("sum", "avg", "median", "median_of_all")
CITIES: Final = ("Lima", "Oslo")
TABLE: Final = "the notes' table"
FINE: Final = ("person.city", "person.age")
STRANGER: Final = 99
OLDER_FROM: Final = 40
HOURS_FULL: Final = 12.0
ROW_S: Final = 0.5
SLEEPERS_MOST: Final = 16


class _Slow:
    """A recorder that lets time pass between rows, and writes places as one says them."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, a little later than the one before."""
        self._sim.run(self._sim.now_s + ROW_S)
        self._sim.emit(kind, plainly(place), initials(message) if kind in ("cell", "pour") else message, **fields)


def plainly(place: str) -> str:
    """Return a place without the name of the dimension's table; who is unknown is so once.

    >>> plainly("by person.city, person.age/Oslo older")
    'by city, age/Oslo older'
    """
    return place.replace("person.", "").replace(f"{UNKNOWN} {UNKNOWN}", UNKNOWN)


def initials(labels: str | None) -> str | None:
    """Return what fits on the disc of a cell that is poured: its label, or the first letters of several.

    >>> initials("Oslo older"), initials("Oslo"), initials(f"{UNKNOWN} {UNKNOWN}")
    ('Oo', 'Oslo', '?')
    """
    words = plainly(labels or "").split()
    return "?" if words == [UNKNOWN] else "".join(word[0] for word in words) if len(words) > 1 else labels


def table_of_the_notes(sim: Simulation, sleepers: int) -> list[dict[str, Any]]:
    """Return so many rows of `ID | HoursSleep | Age | City`, by the seed; hours are in quarters."""
    chance = sim.stream("table")
    return [
        {
            "ID": number,
            "HoursSleep": 5 + int(chance() * 20) / 4,
            "Age": 20 + int(chance() * 45),
            "City": CITIES[int(chance() * len(CITIES))],
        }
        for number in range(1, sleepers + 1)
    ]


@scenario("{how} of the hours")
def pouring(
    sim: Simulation, *, how: str = "sum", sleepers: int = 7, late: bool = False, spoiled: bool = False
) -> Claims:
    """From the table of the notes to a star, to cells by city and age, to cells by city, to one number.

    Parameters
    ----------
    how : str
        What is measured of the hours: "sum", "avg", "median", or "median_of_all" that keeps every value.
    sleepers : int
        Rows of the table, 2 to 16.
    late : bool
        Whether the last night comes before its sleeper is known.
    spoiled : bool
        Whether a night in minutes and one that comes twice are among the rows.
    """
    require_choice("how", how, HOWS)
    if not 2 <= sleepers <= SLEEPERS_MOST:
        raise BadParameter(f"sleepers = {sleepers!r}: give 2 to {SLEEPERS_MOST}, for each is drawn")
    rows, slow = table_of_the_notes(sim, sleepers), _Slow(sim)
    more = [rows[0], {**rows[-1], "ID": STRANGER, "HoursSleep": 435}] if spoiled else []
    for number, row in enumerate([*rows, *more]):
        said = ", ".join(f"{name} {value}" for name, value in row.items() if name != "ID")
        slow.emit(0, "fact", TABLE, str(row["ID"]), values=said, copy=int(number == sleepers))
    person = Dimension("person", historic=["city"], overwritten=["age"], recorder=slow)
    for row in rows[:-1] if late else rows:
        _introduce(person, row)
    nights = FactTable(
        "night", ("person",), links={"person": Link(person, "infer")}, measures={"hours": Stored(1, 16)},
        plain=("day",), when="day", recorder=slow,
    )  # fmt: skip
    nights.load({"person": row["ID"], "day": 1, "hours": row["HoursSleep"]} for row in [*rows, *more])
    fine = _cells(sim, nights, how, FINE, slow)
    if late:
        _introduce(person, rows[-1])
        slow.emit(0, "fact", nights.name, str(rows[-1]["ID"]), values="the same, its sleeper known by now")
        emptied, fine = fine, _cells(sim, nights, how, FINE, slow)
        for labels in [one for one in emptied.cells if one not in fine.cells]:
            sim.emit("gauge", plainly(place_of(FINE, labels)), name="hours", value=0, unit="h", full=HOURS_FULL)
    try:
        by_city = fine.rollup(FINE[:1])
        _fill(sim, by_city, rows)
        total = by_city.rollup(())
    except NotDecomposable as refusal:
        sim.emit("note", "night", text=f"{refusal}")
        _cells(sim, nights, how, FINE[:1], slow)
        total = _cells(sim, nights, how, (), slow)
    _fill(sim, total, rows)
    told = Cuboid.of(nights.read("hours"), (), [Measured(how, "hours")]).answers()
    sim.emit(
        "check", "in all", name="the last cell says what the facts say", ok=total.answers() == told,
        expected=f"{told[0][0]:.4g}", got=f"{total.answers()[0][0]:.4g}",
    )  # fmt: skip
    sim.run()
    return Claims({"checks hold": {}})


def _introduce(person: Dimension, row: dict[str, Any]) -> None:
    person.put(row["ID"], {"city": row["City"], "age": "older" if row["Age"] >= OLDER_FROM else "younger"}, at=0)


def _cells(sim: Simulation, nights: FactTable, how: str, by: tuple[str, ...], slow: _Slow) -> Cuboid:
    """Let the facts fall into cells, and fill these."""
    columns = nights.read("person", *by, "hours")
    names = {"night": [str(nights.links["person"].dimension.version(one).key) for one in columns["person"]]}
    cuboid = Cuboid.of(columns | names, by, [Measured(how, "hours")], recorder=slow, named="night")
    _fill(sim, cuboid, columns["hours"])
    return cuboid


def _fill(sim: Simulation, cuboid: Cuboid, facts: list[Any]) -> None:
    """Show what each cell's measure says as a level: of the whole sum, or of twelve hours."""
    (measured,) = cuboid.measures
    total = sum(fact["HoursSleep"] if isinstance(fact, dict) else fact for fact in facts)
    for labels, (state,) in cuboid.cells.items():
        value = round(measured.aggregate.final(state), 2)
        sim.emit(
            "gauge", plainly(place_of(cuboid.by, labels)), name="hours", value=value, unit="h",
            full=total if measured.how == "sum" else HOURS_FULL,
        )  # fmt: skip
