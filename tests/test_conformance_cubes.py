"""Cuboids have the same answers in the model and in DuckDB, of columns and of a star, for then and for now."""

from __future__ import annotations

import math
from typing import Any

import pytest

from dsys_lab.engines.duckdb import DuckdbCube
from dsys_lab.engines.duckdb.cube import rows_grouped
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.scenarios.facts_measures_dimensions import flights_star, night_star
from dsys_lab.scenarios.facts_measures_dimensions.cells import DIMENSIONS, nights_by_column
from dsys_lab.stores.star_schema import AGGREGATES, Cuboid, FactTable, Measured, groupings

EXACT = ("count", "sum", "min", "max", "avg", "var", "median", "distinct", "median_of_all")
NIGHTS = 4_000


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    return dict(nights_by_column(NIGHTS))


def alike(one: list, other: list) -> bool:
    """The same labels and answers, but for the last digits."""
    return len(one) == len(other) and all(
        all(a == b or (isinstance(a, float) and math.isclose(a, b, rel_tol=1e-9)) for a, b in zip(x, y, strict=True))
        for x, y in zip(one, other, strict=True)
    )


def test_every_cuboid_of_a_cube_has_the_answers_of_the_model(columns: dict[str, Any]) -> None:
    asked = [Measured(how, "minutes") for how in EXACT]
    with DuckdbCube.of(columns) as cube:
        found = cube.grouped(DIMENSIONS, asked)
    assert set(found) == set(groupings(DIMENSIONS))
    for by, answers in found.items():
        model = Cuboid.of(columns, by, asked).answers()
        assert alike(sorted(answers, key=str), sorted(model, key=str)), by


def test_a_rollup_is_of_prefixes(columns: dict[str, Any]) -> None:
    with DuckdbCube.of(columns) as cube:
        found = cube.grouped(("city", "band"), [Measured("sum", "minutes")], sets="rollup")
        assert set(found) == {("city", "band"), ("city",), ()}
        assert cube.cuboid((), [Measured("sum", "minutes")]) == found[()]


@pytest.mark.parametrize("as_of", ["then", "now"])
def test_a_star_joins_to_what_was_true_then_or_now(as_of: str) -> None:
    star = night_star(30_000)
    asked = [Measured("count", "day"), Measured("sum", "minutes"), Measured("median", "minutes")]
    model = Cuboid.of(star.read("person.city", "day", "minutes", as_of=as_of), ("person.city",), asked).answers()
    with DuckdbCube.of_star(star, as_of=as_of) as cube:
        assert alike(cube.cuboid(("person.city",), asked), model)


def test_the_flights_have_the_same_miles_in_both() -> None:
    star: FactTable = flights_star()
    asked = [Measured("sum", "distance"), Measured("avg", "arr_delay"), Measured("count", "arr_delay")]
    by = ("plane.manufacturer", "carrier")
    with DuckdbCube.of_star(star) as cube:
        assert alike(cube.cuboid(by, asked), Cuboid.of(star.read(*by, "distance", "arr_delay"), by, asked).answers())


def test_sketches_of_both_are_near_what_is_true(columns: dict[str, Any]) -> None:
    with DuckdbCube.of(columns) as cube:
        (((median, people),), ((exact, counted),)) = (
            cube.cuboid((), [Measured(f"median{way}", "minutes"), Measured(f"distinct{way}", "person")])
            for way in ("_sketch", "")
        )
    assert abs(median - exact) < 5
    assert abs(people / counted - 1) < 0.2


def test_what_merges_is_rolled_up_and_a_median_reads_the_facts_each_time(columns: dict[str, Any]) -> None:
    rows = {}
    with DuckdbCube.of(columns) as cube:
        for how in ("sum", "avg", "median_sketch", "median"):
            cube.grouped(DIMENSIONS, [Measured(how, "minutes")])
            rows[how] = cube.rows_grouped
    assert rows["sum"] == rows["avg"] == rows["median_sketch"] < 3 * NIGHTS
    assert rows["median"] == 2 ** len(DIMENSIONS) * NIGHTS


@pytest.mark.parametrize(("call", "said"), [
    (lambda cube: cube.cuboid(("town",), [Measured("sum", "minutes")]), "no column 'town'"),
    (lambda cube: cube.cuboid(("city",), [Measured("sum", "hours")]), "no column 'hours'"),
    (lambda cube: cube.cuboid(("city", "city"), [Measured("sum", "minutes")]), "once"),
    (lambda cube: cube.cuboid(("city",), []), "0 measures"),
    (lambda cube: cube.grouped(("city",), [Measured("sum", "minutes")], sets="all"), "one of cube, rollup"),
    (lambda cube: DuckdbCube.of({}), "at least one"),
    (lambda cube: DuckdbCube.of({"a": [1], "b": []}), "same length"),
    (lambda cube: DuckdbCube(threads=0), "threads"),
])  # fmt: skip
def test_a_wrong_question_is_told(call: Any, said: str, columns: dict[str, Any]) -> None:
    with DuckdbCube.of(columns) as cube, pytest.raises(BadParameter, match=said):
        call(cube)


def test_another_duckdb_is_not_believed() -> None:
    told = '{"operator": [{"type": "HASH_GROUP_BY", "children": [{"type": "NEW_SCAN"}]}]}'
    with pytest.raises(EngineMissing, match="NEW_SCAN"):
        rows_grouped(told)


def test_every_aggregate_of_the_model_has_a_word_in_sql() -> None:
    from dsys_lab.engines.duckdb.cube import SQL

    assert set(SQL) == set(AGGREGATES)
