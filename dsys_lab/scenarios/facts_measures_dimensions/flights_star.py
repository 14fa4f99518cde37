"""The flights of New York as a star, orphans as they are.

A fact is a flight; it points at a plane by its tail number, and at the airport where it went. The table of planes lacks
some tail numbers and the table of airports some destinations, and some cancelled flights have no tail number at all.
"""

from __future__ import annotations

from functools import lru_cache

import duckdb

from dsys_lab.errors import BadParameter
from dsys_lab.stores.star_schema import UNKNOWN, Cuboid, Dimension, FactTable, Link, Measured, Stored
from dsys_lab.workloads import flights

MAKER_UNSAID = "none"
"""What a plane's maker says where the table of planes says nothing."""


@lru_cache(maxsize=2)
def flights_star(month: int = 1) -> FactTable:
    """Return a month's flights: an unknown plane is surrogate 0, an unknown airport is inferred.

    Raises
    ------
    BadParameter
        If there is no such month.
    """
    if month not in range(1, 13):
        raise BadParameter(f"month = {month!r}: give 1 to 12")
    with duckdb.connect() as connection:
        flights.attach(connection)
        planes = connection.execute(
            f"select tailnum, coalesce(manufacturer, '{MAKER_UNSAID}') from planes"  # noqa: S608  our own word
        ).fetchall()
        airports = connection.execute("select faa, name from airports").fetchall()
        rows = connection.execute(
            "select row_number() over () - 1, day, tailnum, carrier, dest, distance, arr_delay "
            "from flights where month = $1", [month],
        ).fetchall()  # fmt: skip
    plane, airport = Dimension("plane", historic=["manufacturer"]), Dimension("airport", overwritten=["name"])
    for tail, manufacturer in planes:
        plane.put(tail, {"manufacturer": manufacturer}, at=0)
    for code, name in airports:
        airport.put(code, {"name": name}, at=0)
    table = FactTable(
        "flight",
        ("number",),
        links={"plane": Link(plane), "dest": Link(airport, "infer")},
        measures={"distance": Stored(1), "arr_delay": Stored(nullable=True)},
        plain=("number", "day", "carrier"),
        when="day",
    )
    names = ("number", "day", "plane", "carrier", "dest", "distance", "arr_delay")
    table.load(dict(zip(names, row, strict=True)) for row in rows)
    return table


def miles(star: FactTable) -> dict[str, int]:
    """Return the miles of all flights, of those whose plane is known, and of those that an inner join would lose."""
    maker = "plane.manufacturer"
    told = dict(Cuboid.of(star.read(maker, "distance"), (maker,), [Measured("sum", "distance")]).answers())
    whole, lost = sum(told.values()), told[UNKNOWN]
    return {"all flights": whole, "an inner join": whole - lost, "lost by it": lost}


def inferred(star: FactTable) -> list[str]:
    """Return the airports that only flights know of."""
    airport = star.links["dest"].dimension
    return sorted(one.key for one in map(airport.version, range(1, airport.status().versions + 1)) if one.inferred)
