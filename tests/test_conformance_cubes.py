"""A cube has the same cells in the model, in DuckDB and in PostgreSQL: of columns, of stars, with NULLs."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from dsys_lab.engines.cube_sql import SqlCube
from dsys_lab.engines.duckdb import DuckdbCube
from dsys_lab.engines.duckdb.cube import rows_grouped
from dsys_lab.engines.postgres import PostgresCube
from dsys_lab.engines.postgres.cube import DIFFERENCES
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.scenarios.facts_measures_dimensions import flights_star, night_star
from dsys_lab.scenarios.facts_measures_dimensions.cells import DIMENSIONS, nights_by_column
from dsys_lab.stores.star_schema import (
    AGGREGATES,
    Cube,
    Cuboid,
    FactTable,
    GroupedRow,
    Measured,
    groupings,
    prefixes,
    told_apart,
)

EXACT = ("count", "sum", "min", "max", "avg", "var", "median", "distinct", "median_of_all")
MERGING = ("count", "sum", "min", "max", "avg", "var", "median_of_all")
NIGHTS = 4_000
BY = ("city", "band", "weekend")
pytestmark = pytest.mark.usefixtures("postgres")
both = pytest.mark.parametrize("engine", [DuckdbCube, PostgresCube])


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    return dict(nights_by_column(NIGHTS))


@pytest.fixture(scope="module")
def with_nulls(columns: dict[str, Any]) -> dict[str, Any]:
    """The same nights; of every ninth nobody knows the city, of every seventh nobody the band."""
    rows = range(NIGHTS)
    return columns | {
        "city": [None if row % 9 == 0 else columns["city"][row] for row in rows],
        "band": [None if row % 7 == 0 else columns["band"][row] for row in rows],
    }


def alike(one: list, other: list) -> bool:
    """The same labels and answers, but for the last digits."""
    return len(one) == len(other) and all(
        all(a == b or (isinstance(a, float) and math.isclose(a, b, rel_tol=1e-9)) for a, b in zip(x, y, strict=True))
        for x, y in zip(one, other, strict=True)
    )


def flat(rows: list[GroupedRow]) -> list[tuple]:
    return [(*row.labels, row.left_out, *row.answers) for row in rows]


# ------------------------------------------------------------------------------------------ several grains at once
@both
@pytest.mark.parametrize("sets", [groupings(BY), prefixes(BY), [("weekend", "city"), ("band",), ()], [()], [("band",)]])
def test_grouping_sets_are_equal_row_for_row_with_nulls_among_the_labels(
    engine: type[SqlCube], sets: list, with_nulls: dict[str, Any]
) -> None:
    asked = [Measured(how, "minutes") for how in MERGING]
    model = Cube(Cuboid.of(with_nulls, BY, asked)).grouping_sets(sets)
    with engine.of(with_nulls) as cube:
        assert alike(flat(cube.grouping_sets(sets, asked)), flat(model))


@both
@pytest.mark.parametrize(("short", "sets"), [("cube", groupings(BY)), ("rollup", prefixes(BY)), ("cube", [()])])
def test_cube_and_rollup_are_short_for_sets(
    engine: type[SqlCube], short: str, sets: list, with_nulls: dict[str, Any]
) -> None:
    asked = [Measured("sum", "minutes")]
    with engine.of(with_nulls) as cube:
        assert cube.grouped(max(sets, key=len), asked, sets=short) == cube.grouping_sets(sets, asked)


@both
def test_every_cuboid_of_a_cube_has_the_answers_of_the_facts(engine: type[SqlCube], columns: dict[str, Any]) -> None:
    asked = [Measured(how, "minutes") for how in EXACT]
    with engine.of(columns) as cube:
        found = told_apart(DIMENSIONS, cube.grouped(DIMENSIONS, asked))
        assert alike(cube.cuboid(("city",), asked), found["city",])
    assert list(found) == groupings(DIMENSIONS)
    for by, answers in found.items():
        assert alike(answers, Cuboid.of(columns, by, asked).answers()), by


@both
def test_the_null_of_a_subtotal_is_told_from_that_of_the_data(engine: type[SqlCube]) -> None:
    nights = {"city": ["Oslo", None, "Oslo"], "minutes": [400, 430, 410]}
    asked = [Measured("sum", "minutes")]
    unknown, every = GroupedRow((None,), 0, (430,)), GroupedRow((None,), 1, (1240,))
    with engine.of(nights) as cube:
        assert cube.grouped(("city",), asked) == [unknown, GroupedRow(("Oslo",), 0, (810,)), every]
    assert Cube(Cuboid.of(nights, ("city",), asked)).grouping_sets([("city",), ()])[::2] == [unknown, every]
    assert told_apart(("city",), [unknown, every]) == {("city",): [(None, 430)], (): [(1240,)]}


@both
def test_of_no_facts_there_is_one_row_for_all_and_no_other(engine: type[SqlCube]) -> None:
    nothing: dict[str, list] = {"city": [], "minutes": []}
    asked = [Measured("count", "minutes"), Measured("sum", "minutes")]
    with engine.of(nothing) as cube:
        said = cube.grouped(("city",), asked)
    assert said == Cube(Cuboid.of(nothing, ("city",), asked)).grouping_sets([("city",), ()])
    assert said == [GroupedRow((None,), 1, (0, None))]


def test_postgresql_reads_the_facts_once_for_all_sets_and_sorts_them_for_a_median(columns: dict[str, Any]) -> None:
    """What its table of differences says; a chain of prefixes shares a sort, and sixteen sets are six chains."""
    with PostgresCube.of(columns) as cube:
        plans = {how: cube.explained(DIMENSIONS, [Measured(how, "minutes")]) for how in ("sum", "median")}
    said = {how: Counter(line.split(":")[0].strip(" ->") for line in lines) for how, lines in plans.items()}
    for how, keys in (("sum", "Hash Key"), ("median", "Sort Key")):
        assert said[how][keys] == {"sum": 15, "median": 6}[how], plans[how]
        assert sum("Seq Scan on wide" in line for line in plans[how]) == 1


def test_sqlite_has_no_grouping_sets() -> None:
    with closing(sqlite3.connect(":memory:")) as database, pytest.raises(sqlite3.OperationalError):
        database.execute("select city, count(*) from (select 1 as city) group by grouping sets ((city), ())")


# ------------------------------------------------------------------------------------------ stars
@pytest.fixture(scope="module")
def star() -> FactTable:
    return night_star(30_000)


@both
@pytest.mark.parametrize("as_of", ["then", "now"])
def test_a_star_joins_to_what_was_true_then_or_now(engine: type[SqlCube], as_of: str, star: FactTable) -> None:
    asked = [Measured("count", "day"), Measured("sum", "minutes"), Measured("median", "minutes")]
    model = Cuboid.of(star.read("person.city", "day", "minutes", as_of=as_of), ("person.city",), asked).answers()
    with engine.of_star(star, as_of=as_of) as cube:
        assert alike(cube.cuboid(("person.city",), asked), model)


@both
def test_the_flights_have_the_same_miles_everywhere(engine: type[SqlCube]) -> None:
    star: FactTable = flights_star()
    asked = [Measured("sum", "distance"), Measured("avg", "arr_delay"), Measured("count", "arr_delay")]
    by = ("plane.manufacturer", "carrier")
    with engine.of_star(star) as cube:
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


@both
@pytest.mark.parametrize(("call", "said"), [
    (lambda cube: cube.cuboid(("town",), [Measured("sum", "minutes")]), "no column 'town'"),
    (lambda cube: cube.cuboid(("city",), [Measured("sum", "hours")]), "no column 'hours'"),
    (lambda cube: cube.cuboid(("city", "city"), [Measured("sum", "minutes")]), "once"),
    (lambda cube: cube.cuboid(("city",), []), "0 measures"),
    (lambda cube: cube.grouped(("city",), [Measured("sum", "minutes")], sets="all"), "one of cube, rollup"),
    (lambda cube: cube.grouping_sets([("town",)], [Measured("sum", "minutes")]), "no column 'town'"),
    (lambda cube: cube.grouping_sets([], [Measured("sum", "minutes")]), "at least one"),
    (lambda cube: cube.grouping_sets([("city", "band"), ("band", "city")], [Measured("sum", "minutes")]), "each once"),
    (lambda cube: cube.grouping_sets(["city"], [Measured("sum", "minutes")]), "give a tuple"),
    (lambda cube: type(cube).of({}), "at least one"),
    (lambda cube: type(cube).of({"a": [1], "b": []}), "same length"),
], ids=range(11))  # fmt: skip
def test_a_wrong_question_is_told(engine: type[SqlCube], call: Any, said: str) -> None:
    with engine.of({"city": ["Oslo"], "band": ["20s"], "minutes": [400]}) as cube:
        with pytest.raises(BadParameter, match=said):
            call(cube)
        assert cube.cuboid((), [Measured("sum", "minutes")]) == [(400,)], "and it answers on"


def test_a_sketch_that_postgresql_does_not_have_is_refused_with_what_there_is() -> None:
    (skipped,) = [one.skips for one in DIFFERENCES if one.skips]
    with PostgresCube.of({"minutes": [1]}) as cube:
        for how in skipped:
            with pytest.raises(BadParameter, match=rf"PostgreSQL .* has no {how}; give one of count, sum"):
                cube.cuboid((), [Measured(how, "minutes")])


def test_another_duckdb_is_not_believed() -> None:
    told = '{"operator": [{"type": "HASH_GROUP_BY", "children": [{"type": "NEW_SCAN"}]}]}'
    with pytest.raises(EngineMissing, match="NEW_SCAN"):
        rows_grouped(told)


def test_every_aggregate_of_the_model_has_words_in_sql() -> None:
    assert set(DuckdbCube.words) == set(AGGREGATES) == {*PostgresCube.words, "median_sketch", "distinct_sketch"}
