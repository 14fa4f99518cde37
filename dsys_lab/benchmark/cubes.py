"""Cubes: the model in Python against DuckDB, on one thread.

100,000 nights by city, band of age, week and weekend. Counters first: rows that went into all GROUP BYs, for a sum and
for a median. Then cuboids a second, each from the facts, in turns; and all sixteen, where the model rolls up.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.duckdb import DuckdbCube
from dsys_lab.scenarios.facts_measures_dimensions.cells import DIMENSIONS, night_lattice, nights_by_column
from dsys_lab.stores.star_schema import Cube, Cuboid, Measured, groupings

SUM: Final = [Measured("sum", "minutes")]
MEDIAN: Final = [Measured("median", "minutes")]


def cubes() -> None:
    """One cuboid of all dimensions, and all sixteen cuboids, against DuckDB's GROUP BY and CUBE."""
    columns = nights_by_column()
    lattice = night_lattice()
    with DuckdbCube.of(columns) as duckdb:
        for name, asked in (("sum", SUM), ("median", MEDIAN)):
            duckdb.grouped(DIMENSIONS, asked)
            print(f"CUBE, {name}: DuckDB's GROUP BYs take {duckdb.rows_grouped:,} rows")
        print(f"model, sum, all from the finest: {len(columns['city']) + lattice.cost():,} rows")

        def by_model() -> float:
            assert len(Cuboid.of(columns, DIMENSIONS, SUM).cells) == lattice.cells[DIMENSIONS]
            return 1

        def by_duckdb() -> float:
            assert len(duckdb.cuboid(DIMENSIONS, SUM)) == lattice.cells[DIMENSIONS]
            return 1

        def all_by_model() -> float:
            cube = Cube(Cuboid.of(columns, DIMENSIONS, SUM))
            cube.keep(one.by for one in lattice.greedy(3))
            return sum(bool(cube.answer(by).cells) for by in groupings(DIMENSIONS))

        def all_by_duckdb() -> float:
            return len(duckdb.grouped(DIMENSIONS, SUM))

        one = [Rival("model", by_model), Rival("DuckDB", by_duckdb)]
        every = [Rival("model", all_by_model), Rival("DuckDB", all_by_duckdb)]
        compare("The finest cuboid of 100,000 nights", "cuboids", one)
        compare("All sixteen of a sum", "cuboids", every)
