"""The star schema keeps its promises: versions that follow each other, one fact for each key, nothing lost."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.facts_measures_dimensions import flights_star
from dsys_lab.stores.star_schema import UNKNOWN, Dimension, FactTable, Link, Stored, Version
from dsys_lab.workloads import flights

ROW = {"person": 17, "day": 3, "minutes": 435}


def person() -> Dimension:
    return Dimension("person", historic=["city"], overwritten=["plan"])


def nights(dimension: Dimension, missing: str = "unknown") -> FactTable:
    return FactTable("night", ("person", "day"), links={"person": Link(dimension, missing)},
                     measures={"minutes": Stored(60, 960)}, plain=("day",), when="day")


# ----------------------------------------------------------------------------------------------------------- dimensions

CHANGES = st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ABC"), st.integers(0, 30)), max_size=25)


@settings(max_examples=120, deadline=None)
@given(changes=CHANGES, asked=st.integers(-5, 40))
def test_versions_follow_each_other_whatever_is_told_in_whatever_order(changes: list, asked: int) -> None:
    dimension = person()
    for key, city, at in changes:
        dimension.put(key, {"city": city, "plan": "free"}, at=at)
    for key in (1, 2, 3):
        history = dimension.history(key)
        if not history:
            assert dimension.find(key, at=asked) is None
            continue
        assert [v.valid_until for v in history] == [v.valid_from for v in history[1:]] + [None]
        assert all(v.valid_from < v.valid_until for v in history[:-1])
        covering = [v.surrogate for v in history if v.valid_from <= asked and (v.valid_until or 99) > asked]
        assert dimension.find(key, at=asked) == (covering or [history[0].surrogate])[0]
    assert Dimension.load("again", [v for key in (1, 2, 3) for v in dimension.history(key)],
                          historic=["city"], overwritten=["plan"]).status() == dimension.status()


@settings(max_examples=80, deadline=None)
@given(days=st.sets(st.integers(0, 30), min_size=1), order=st.randoms())
def test_a_late_change_tells_the_same_history(days: set, order: Any) -> None:
    changes = {day: f"city {day}" for day in sorted(days)}
    late = list(changes.items())
    order.shuffle(late)
    told = person()
    for at, city in late:
        told.put(1, {"city": city, "plan": "free"}, at=at)
    for day in range(min(changes), 32):
        expected = changes[max(at for at in changes if at <= day)]
        assert told.version(told.find(1, at=day)).attributes["city"] == expected, "as if told in order"


def test_history_is_kept_of_one_attribute_and_overwritten_of_another() -> None:
    dimension = person()
    first = dimension.put(17, {"city": "Oslo", "plan": "free"}, at=0)
    second = dimension.put(17, {"city": "Lagos"}, at=90)
    assert dimension.put(17, {"plan": "plus"}, at=95) == second, "an overwritten attribute makes no version"
    assert [v.attributes for v in dimension.history(17)] == [
        {"city": "Oslo", "plan": "plus"}, {"city": "Lagos", "plan": "plus"}]
    assert dimension.current(first).surrogate == second
    assert dimension.status().versions == 2


@pytest.mark.parametrize("spans", [[(0, 10), (5, None)], [(0, 10), (12, None)], [(0, None), (10, None)], [(0, 10)],
                                   [(0, 10), (0, None)]])
def test_versions_that_overlap_or_leave_a_gap_are_refused(spans: list) -> None:
    versions = [Version(0, 17, {"city": "Oslo", "plan": "free"}, first, until) for first, until in spans]
    with pytest.raises(BadParameter, match=r"without overlap or gap|leave it open"):
        Dimension.load("person", versions, historic=["city"], overwritten=["plan"])


@pytest.mark.parametrize(("key", "attributes", "at", "said"), [
    (None, {"city": "Oslo", "plan": "free"}, 0, "needs a key"),
    (18, {"city": "Oslo"}, 0, "'plan' is missing"),
    (17, {"town": "Oslo"}, 0, "no attribute 'town'"),
    (17, {"city": "Oslo"}, 1.5, "whole number"),
])
def test_a_wrong_change_is_refused_and_changes_nothing(key: Any, attributes: dict, at: Any, said: str) -> None:
    dimension = person()
    dimension.put(17, {"city": "Lima", "plan": "free"}, at=0)
    before = dimension.history(17)
    with pytest.raises(BadParameter, match=said):
        dimension.put(key, attributes, at=at)
    assert (dimension.history(17), dimension.status().versions) == (before, 1)


# ---------------------------------------------------------------------------------------------------------------- facts

def test_a_late_member_changes_the_label_and_not_the_total() -> None:
    dimension = person()
    table = nights(dimension, "infer")
    assert table.load([ROW, ROW | {"day": 9, "minutes": 400}]).loaded == 2
    assert table.read("person.city") == {"person.city": [UNKNOWN] * 2}
    surrogates, total = table.read("person"), sum(table.read("minutes")["minutes"])
    dimension.put(17, {"city": "Oslo", "plan": "free"}, at=5)
    assert table.read("person.city") == {"person.city": ["Oslo"] * 2}
    assert (table.read("person"), sum(table.read("minutes")["minutes"])) == (surrogates, total)
    assert dimension.status().inferred == 0
    assert dimension.version(1).valid_from == ROW["day"], "what is told of day 5 holds for the facts of day 3, too"


def test_a_late_fact_goes_to_the_version_of_then_and_a_filter_too() -> None:
    dimension = person()
    dimension.put(17, {"city": "Oslo", "plan": "free"}, at=0)
    dimension.put(17, {"city": "Lagos"}, at=90)
    table = nights(dimension)
    table.load([ROW | {"day": 100}, ROW | {"day": 30, "minutes": 400}])
    assert table.read("person.city")["person.city"] == ["Lagos", "Oslo"]
    assert table.read("person.city", as_of="now")["person.city"] == ["Lagos", "Lagos"]
    assert table.read("minutes", where={"person.city": {"Oslo"}}) == {"minutes": [400]}
    assert table.read("minutes", where={"person.city": {"Oslo"}}, as_of="now") == {"minutes": []}


def test_a_change_told_late_moves_facts_when_asked_to() -> None:
    dimension = person()
    dimension.put(17, {"city": "Oslo", "plan": "free"}, at=0)
    table = nights(dimension)
    table.load([ROW | {"day": day} for day in range(10)])
    dimension.put(17, {"city": "Lima"}, at=6)
    assert table.read("person.city")["person.city"].count("Lima") == 0
    assert table.relabel() == 4
    assert table.read("person.city")["person.city"] == ["Oslo"] * 6 + ["Lima"] * 4
    assert table.relabel() == 0


@pytest.mark.parametrize(("row", "rule"), [
    (ROW | {"minutes": 7.25}, "bounds"), (ROW | {"minutes": None}, "bounds"), (ROW | {"minutes": "435"}, "bounds"),
    (ROW | {"minutes": float("nan")}, "bounds"), (ROW | {"minutes": True}, "bounds"),
    (ROW | {"day": "3"}, "when"), (ROW | {"day": None}, "when"), (ROW | {"day": 2.5}, "columns"),
    (ROW | {"person": [17]}, "columns"), (ROW | {"person": None}, "orphan"), (ROW | {"person": 99}, "orphan"),
    (ROW | {"mood": 1}, "columns"), ({"person": 17}, "columns"), (ROW | {"day": 1}, "grain"),
])
def test_what_does_not_fit_is_put_aside_with_its_reason(row: dict, rule: str) -> None:
    dimension = person()
    dimension.put(17, {"city": "Oslo", "plan": "free"}, at=0)
    table = nights(dimension, "quarantine")
    assert table.load([ROW | {"day": 1}]).loaded == 1
    result = table.load([row, ROW | {"day": 2}])
    assert (result.given, result.loaded) == (2, 1), "its neighbour is loaded"
    assert [(one.row, one.rule) for one in result.quarantined] == [(row, rule)]
    assert result.quarantined[0].reason
    assert table.status().quarantined == {rule: 1}


ROWS = st.lists(st.fixed_dictionaries({"person": st.sampled_from([None, 1, 2, 3]), "day": st.integers(0, 4),
                                       "minutes": st.sampled_from([None, 7, 60, 435, 961])}), max_size=30)


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, missing=st.sampled_from(["unknown", "infer", "quarantine"]))
def test_every_row_is_a_fact_or_in_quarantine_and_no_key_is_there_twice(rows: list, missing: str) -> None:
    dimension = person()
    dimension.put(1, {"city": "Oslo", "plan": "free"}, at=0)
    table = nights(dimension, missing)
    result = table.load(rows)
    assert result.loaded + len(result.quarantined) == len(rows)
    first: dict[tuple, int] = {}
    for row in rows:
        fits = row["minutes"] in (60, 435) and row["person"] is not None
        if fits and (missing != "quarantine" or row["person"] == 1):
            first.setdefault((row["person"], row["day"]), row["minutes"])
    assert table.read("day", "minutes") == {"day": [day for _, day in first], "minutes": list(first.values())}
    assert table.load(rows).loaded == 0, "the same rows again"
    assert table.status().facts == len(first)


@pytest.mark.parametrize(("call", "said"), [
    (lambda table: table.read("hours"), "no column 'hours'"),
    (lambda table: table.read("person.town"), "person has no 'town'"),
    (lambda table: table.read("minutes.x"), "no column 'minutes.x'"),
    (lambda table: table.read("minutes", as_of="later"), "one of then, now"),
    (lambda table: table.read("minutes", where={"person.city": "Oslo"}), "one text"),
    (lambda table: table.load([ROW, (17, 3, 435)]), "row 1 is a tuple"),
    (lambda table: Link(person(), "drop"), "one of unknown, infer, quarantine"),
    (lambda table: table.links["person"].dimension.version(7), "no surrogate 7"),
    (lambda table: FactTable("x", ("minutes",), links={}, measures={"minutes": Stored()}, plain=("day",), when="day"),
     "the grain is of day"),
    (lambda table: FactTable("x", ("day",), links={}, measures={"day": Stored()}, plain=("day",), when="day"), "twice"),
    (lambda table: Dimension("person"), "at least one"),
])
def test_a_wrong_call_says_what_is_allowed_and_changes_nothing(call: Any, said: str) -> None:
    table = nights(person())
    with pytest.raises(BadParameter, match=said):
        call(table)
    assert table.status().facts == 0


# ------------------------------------------------------------------------------------------------------------ real data

def test_the_flights_star_counts_its_orphans_and_loses_no_mile() -> None:
    table = flights_star()
    with duckdb.connect() as connection:
        flights.attach(connection)
        (count, miles, orphans), = connection.execute(
            "select count(*), sum(distance), count(*) filter (p.tailnum is null) "
            "from flights f left join planes p on f.tailnum = p.tailnum where f.month = 1").fetchall()
        no_airport = connection.execute("select count(distinct dest) from flights f anti join airports a "
                                        "on f.dest = a.faa where month = 1").fetchone()[0]
    assert (table.status().facts, sum(table.read("distance")["distance"])) == (count, miles)
    assert table.status().unknown == {"plane": orphans, "dest": 0}
    assert table.read("plane.manufacturer")["plane.manufacturer"].count(UNKNOWN) == orphans > 0
    assert table.links["dest"].dimension.status().inferred == no_airport > 0


def test_a_version_says_nothing_of_the_number_that_it_was_given() -> None:
    made = [replace(Version(5, 1, {"city": "Oslo", "plan": "x"}, 0), surrogate=9)]
    assert Dimension.load("person", made, historic=["city"], overwritten=["plan"]).find(1, at=0) == 1
