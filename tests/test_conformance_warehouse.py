"""The same question has the same answer in the model and in DuckDB, on Slumber and on real flights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pytest

from dsys_lab.engines.duckdb import DuckdbWarehouse, groups_met
from dsys_lab.errors import BadParameter
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import All, Cluster, Distribution, Even, Key, Warehouse
from dsys_lab.structures.schema import Schema
from dsys_lab.workloads import flights
from dsys_lab.workloads.slumber import Slumber, minutes

Both = tuple[Warehouse, DuckdbWarehouse]
NIGHT = Schema.of("night_id u64, person_id u32, date_key u16, city_id u8, age u8, minutes_sleep u16?, sync_lag_s u32")
PERSON = Schema.of("person_id u32, name text, plan u8")
CITY = Schema.of("city_id u8, city text, country text")
FLIGHT = Schema.of("month i32, day i32, dep_delay i32?, air_time i32?, distance i32, carrier text, tailnum text?, "
                   "origin text, dest text")  # fmt: skip
PLANE = Schema.of("tailnum text, year i32?, manufacturer text, seats i32")
AIRLINE = Schema.of("carrier text, name text")
STYLES: dict[str, dict[str, Distribution]] = {
    "even": {},
    "keys": {"night": Key("person_id"), "person": Key("person_id"), "flights": Key("tailnum"),
             "planes": Key("tailnum")},
    "small tables everywhere": {"person": All(), "city": All(), "planes": All(), "airlines": All()},
    "by a skewed key": {"night": Key("city_id"), "city": Key("city_id"), "flights": Key("carrier"),
                        "airlines": Even()},
}  # fmt: skip
SLUMBER = (
    "SELECT count(*), count(minutes_sleep), sum(minutes_sleep), avg(minutes_sleep), min(age), max(age) FROM night",
    "SELECT city_id, count(*), avg(minutes_sleep) FROM night WHERE date_key BETWEEN 10 AND 19 GROUP BY city_id",
    "SELECT night_id, minutes_sleep FROM night WHERE date_key = 17 AND city_id = 0 AND age < 40",
    ("SELECT plan, count(*), avg(minutes_sleep) AS mean FROM night n JOIN person p ON n.person_id = p.person_id "
    "GROUP BY plan"),
    ("SELECT n.city_id, plan, sum(sync_lag_s), max(minutes_sleep) FROM night n "
    "JOIN person p ON n.person_id = p.person_id WHERE p.plan = 1 GROUP BY n.city_id, p.plan, age"),
    ("SELECT c.city, count(*), min(minutes_sleep) FROM city c JOIN night n ON c.city_id = n.city_id "
    "WHERE country >= 'B' AND country <= 'J' GROUP BY c.city"),
    "SELECT name, night_id FROM night n JOIN person p ON n.person_id = p.person_id WHERE p.person_id = 17",
)
FLIGHTS = (
    "SELECT carrier, count(*), sum(dep_delay), avg(air_time), max(distance) FROM flights GROUP BY carrier",
    ("SELECT origin, month, count(dep_delay), min(dep_delay) FROM flights WHERE month > 3 AND month <= 6 "
    "GROUP BY origin, month"),
    ("SELECT manufacturer, count(*), avg(distance) FROM flights f JOIN planes p ON f.tailnum = p.tailnum "
    "GROUP BY manufacturer"),
    ("SELECT a.name, count(*), avg(dep_delay) FROM flights f JOIN airlines a ON f.carrier = a.carrier "
    "WHERE month = 2 AND day BETWEEN 8 AND 9 GROUP BY a.name"),
    "SELECT month, day, dest, tailnum FROM flights WHERE tailnum = 'N14228' AND dep_delay > 60",
)


def both(tables: dict[str, tuple[Schema, dict[str, Any], tuple[str, ...]]], styles: dict[str, Distribution]) -> Both:
    """Return both, with the same tables."""
    model, engine = Warehouse(Cluster(2, 2)), DuckdbWarehouse()
    for name, (schema, columns, sort_key) in tables.items():
        model.create_table(name, schema, distribution=styles.get(name), sort_key=sort_key)
        engine.create_table(name, schema, sort_key=sort_key)
        chosen = {column: columns[column] for column in schema.names}
        files = [{column: values[at::3] for column, values in chosen.items()} for at in range(3)]
        assert model.copy(name, files).rows == engine.copy(name, files)
    return model, engine


@pytest.fixture(scope="module", params=STYLES)
def slumber(request: pytest.FixtureRequest) -> Iterator[Both]:
    world = Slumber(10_000)
    night, person, city = (dict(world.read(name)) for name in ("night", "person", "city"))
    night["minutes_sleep"] = minutes(night)
    made = both({"night": (NIGHT, night, ("date_key",)), "person": (PERSON, person, ()), "city": (CITY, city, ())},
                STYLES[request.param])  # fmt: skip
    yield made
    made[1].close()


@pytest.fixture(scope="module")
def flown() -> dict[str, Any]:
    """Return three tables as columns, of the flights every 32nd."""
    con = duckdb.connect()
    flight = {name: values[::32] for name, values in flights.columns(con, "flights", *FLIGHT.names).items()}
    planes, airlines = (flights.columns(con, name, *schema.names)
                        for name, schema in (("planes", PLANE), ("airlines", AIRLINE)))  # fmt: skip
    con.close()
    return {
        "flights": (FLIGHT, flight, ("month", "day")),
        "planes": (PLANE, planes, ()),
        "airlines": (AIRLINE, airlines, ("carrier",)),
    }


@pytest.fixture(scope="module", params=STYLES)
def real(request: pytest.FixtureRequest, flown: dict[str, Any]) -> Iterator[Both]:
    made = both(flown, STYLES[request.param])
    yield made
    made[1].close()


def same(made: Both, sql: str) -> int:
    """Hold both answers against each other, and return how many rows they have."""
    model, engine = (one.query(sql) for one in made)
    assert [len(row) for row in model.rows] == [len(row) for row in engine.rows]
    assert model.digest() == engine.digest(), (model.rows[:3], engine.rows[:3])
    return len(model.rows)


@pytest.mark.parametrize("sql", SLUMBER, ids=lambda sql: sql[:40])
def test_slumber_is_answered_alike(slumber: Both, sql: str) -> None:
    assert same(slumber, sql) > 0


@pytest.mark.parametrize("sql", FLIGHTS, ids=lambda sql: sql[:40])
def test_flights_are_answered_alike(real: Both, sql: str) -> None:
    assert same(real, sql) > 0


def test_after_late_loads_deletes_and_a_failed_load_answers_are_alike() -> None:
    schema = Schema.of("k u16, x i64?, t text?")
    chance = np.random.default_rng(2)
    x = np.ma.masked_array(chance.integers(-9, 9, 900), chance.random(900) < 0.1)
    rows = {"k": chance.integers(0, 50, 900), "x": x,
            "t": [None if n % 7 == 0 else f"t{n % 5}" for n in range(900)]}  # fmt: skip
    made = both({"t": (schema, rows, ("k",))}, {"t": Key("k")})
    for one in made:
        one.copy("t", [{"k": [3, 60], "x": [None, 2**62], "t": ["late", None]}])
        assert one.delete("t", Between("k", 10, 20)) > 0
        with pytest.raises(BadParameter):
            one.copy("t", [{"k": [1], "x": [1], "t": ["a"]}, {"k": [-1], "x": [1], "t": ["a"]}])
        one.create_table("new", schema)
        one.copy("new", [{"k": [3, 61, 62, 5], "x": [7, 8, None, 9], "t": ["n", "n", None, "m"]}])
    told = [one.merge("t", "new", on="k") for one in made]
    assert told[0] == told[1]
    assert told[0].updated > told[0].inserted == 2
    for _ in range(2):
        assert same(made, "SELECT k, x, t FROM t") > 600
        assert same(made, "SELECT t, count(*), count(x), sum(x), min(x), max(x), avg(x) FROM t GROUP BY t") == 5 + 2 + 1
        made[0].vacuum("t")
    made[1].close()


@pytest.mark.parametrize("wrong", [
    lambda lab: lab.create_table("t", AIRLINE), lambda lab: lab.create_table("a b", AIRLINE),
    lambda lab: lab.create_table("u", AIRLINE, sort_key=["x"]), lambda lab: lab.copy("x", []),
    lambda lab: lab.copy("t", [{"carrier": ["UA"]}]), lambda lab: lab.delete("t", Between("x")),
    lambda lab: lab.merge("t", "t", on="name"), lambda lab: lab.merge("t", "u", on="name"),
    lambda lab: lab.query("SELECT x FROM t"), lambda lab: lab.query("SELEC"),
])  # fmt: skip
@pytest.mark.parametrize("kind", [Warehouse, DuckdbWarehouse])
def test_both_refuse_the_same_misuse(kind: Any, wrong: Any) -> None:
    lab = kind()
    lab.create_table("t", AIRLINE)
    with pytest.raises(BadParameter):
        wrong(lab)


def test_row_groups_of_parquet_are_met_as_the_order_says() -> None:
    rows = np.arange(20_480)
    columns = {"a": rows, "b": (rows * 7_919) % 20_480}
    for key, other in (("a", "b"), ("b", "a")):
        told = groups_met(columns, wanted={"a": 5_000, "b": 5_000}, order_by=[key], group_rows=2_048)
        assert (told[key]["groups"], told[key]["met"], told[other]["met"]) == (10, 1, 10)
    for wrong, why in (({"group_rows": 5}, "group_rows"), ({"order_by": ["x"]}, "no column 'x'")):
        with pytest.raises(BadParameter, match=why):
            groups_met(columns, wanted={"a": 1}, **wrong)
