"""Answers from answers are those of the facts, or are refused; DuckDB and NumPy are asked the same."""
from __future__ import annotations

import math
import statistics
from functools import lru_cache
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.stores.star_schema import (
    AGGREGATES,
    Cube,
    Cuboid,
    HyperLogLog,
    Lattice,
    Measured,
    NotDecomposable,
    QuantileSketch,
    drill_across,
    groupings,
)
from dsys_lab.workloads.slumber import Slumber

BY = ("city", "band", "weekend")
HOLISTIC = [name for name, each in AGGREGATES.items() if each.joined is None]
EXACT = ["count", "sum", "min", "max", "avg", "var", "median_of_all"]
IN_SQL = {"var": "var_pop(minutes)", "median_of_all": "median(minutes)"}
VALUES = st.lists(st.integers(-1000, 1000), max_size=40)


@lru_cache
def nights() -> dict[str, list[Any]]:
    """Slumber's first 5,000 nights: the band is ten years of age, minutes are NULL where the device was off."""
    read = Slumber(nights=5_000).read("night")
    off = (read["status"] & 1).astype(bool)
    return {
        "city": read["city_id"].tolist(), "band": (read["age"] // 10).tolist(),
        "weekend": (((read["date_key"] + 6) % 7) >= 5).astype(int).tolist(),
        "person": read["person_id"].tolist(),
        "minutes": [None if gone else int(m) for m, gone in zip(read["minutes_sleep"], off, strict=True)],
    }


def asked_of_duckdb(select: str, tail: str) -> list[tuple[Any, ...]]:
    columns = nights()
    with duckdb.connect() as connection:
        masked = np.ma.MaskedArray([m or 0 for m in columns["minutes"]], [m is None for m in columns["minutes"]])
        table = {**{name: np.array(columns[name]) for name in (*BY, "person")}, "minutes": masked}
        connection.register("nights", table)
        return connection.execute(f"select {select} from nights {tail}").fetchall()


def finest(*measures: str, column: str = "minutes") -> Cuboid:
    return Cuboid.of(nights(), BY, [Measured(how, column) for how in measures])


# ----------------------------------------------------------------------------------------------------------- roll up

def test_every_roll_up_is_what_duckdb_answers_by_cube() -> None:
    cube = Cube(finest(*EXACT))
    cube.keep([("city", "band"), ("weekend",)])
    measured = ", ".join(IN_SQL.get(how, f"{how}(minutes)") for how in EXACT)
    named = ", ".join(BY)
    truth = asked_of_duckdb(f"{named}, grouping({named}), {measured}", f"group by cube({named})")
    by_mask = {sum(1 << (2 - BY.index(name)) for name in BY if name not in by): by for by in groupings(BY)}
    ours = {(mask, answer[: len(by)]): answer[len(by):] for mask, by in by_mask.items()
            for answer in cube.answer(by).answers()}
    theirs = {(row[3], tuple(row[BY.index(name)] for name in by_mask[row[3]])): row[4:] for row in truth}
    assert ours.keys() == theirs.keys()
    for at, answer in ours.items():
        assert answer == pytest.approx(theirs[at], rel=1e-9), at


@pytest.mark.parametrize("how", HOLISTIC)
def test_a_holistic_answer_is_right_where_it_is_and_refuses_to_roll_up(how: str) -> None:
    column = "minutes" if how == "median" else "person"
    cuboid = finest(how, column=column)
    sql = f"median({column})" if how == "median" else f"count(distinct {column})"
    assert cuboid.answers() == asked_of_duckdb(f"{', '.join(BY)}, {sql}", "group by all order by all")
    for by in groupings(BY)[1:]:
        with pytest.raises(NotDecomposable, match="holistic"):
            cuboid.rollup(by)
    assert cuboid.rollup(("weekend", "city", "band")).by == ("weekend", "city", "band"), "only their order changed"
    with pytest.raises(NotDecomposable):
        Cube(cuboid).keep([("city",)])
    with pytest.raises(NotDecomposable):
        Cube(cuboid).grouping_sets([BY, ("city",)])
    assert len(Cube(cuboid).grouping_sets([BY])) == len(cuboid.cells)


def test_an_average_of_averages_and_a_median_of_medians_lie_and_states_do_not() -> None:
    fine, coarse = finest("avg", "median"), Cuboid.of(nights(), ("city",), [Measured("avg", "minutes")])
    lies = [abs(statistics.mean(row[3] for row in fine.answers() if row[0] == city and row[3] is not None) - avg)
            for city, avg in coarse.answers()]
    assert max(lies) > 1
    assert finest("avg").rollup(("city",)).answers() == coarse.answers()


def test_an_additive_measure_is_the_same_total_over_every_cuboid() -> None:
    raw = sum(m for m in nights()["minutes"] if m is not None)
    for by in groupings(BY):
        assert sum(row[-1] for row in finest("sum").rollup(by).answers() if row[-1] is not None) == raw


@settings(max_examples=80, deadline=None)
@given(one=VALUES, other=VALUES)
def test_merged_states_are_the_state_of_all_values(one: list, other: list) -> None:
    together = one + other
    numpy = {"count": len, "sum": sum, "min": min, "max": max,
             "avg": np.mean, "var": np.var, "median_of_all": np.median}
    for how in EXACT:
        aggregate = AGGREGATES[how]
        merged = aggregate.final(aggregate.merge(aggregate.of(one), aggregate.of(other)))
        if together:
            assert merged == pytest.approx(float(numpy[how](together)), rel=1e-9, abs=1e-9), how
        else:
            assert merged == (0 if how == "count" else None), how


def test_a_class_is_that_of_the_question_and_what_is_kept_decides_whether_it_merges() -> None:
    merges = {name: each.joined is not None for name, each in AGGREGATES.items()}
    assert all(merges[name] for name, each in AGGREGATES.items() if each.kind != "holistic")
    kept = {name: each.keeps for name, each in AGGREGATES.items() if each.kind == "holistic"}
    assert {name for name in kept if not merges[name]} == {name for name in kept if kept[name] == "its answer"}
    assert {name for name in kept if merges[name]} == {"median_of_all", "median_sketch", "distinct_sketch"}


def test_sums_of_whole_numbers_are_exact_beyond_63_bits() -> None:
    total = AGGREGATES["sum"]
    assert total.merge(total.of([2**63, 1]), total.of([2**63])) == 2**64 + 1


def test_a_variance_far_from_zero_survives_its_merge() -> None:
    variance, values = AGGREGATES["var"], [1e9 + each for each in (4, 7, 13, 16)]
    assert variance.final(variance.merge(variance.of(values[:1]), variance.of(values[1:]))) == pytest.approx(22.5)


# ------------------------------------------------------------------------------------------------- slice, dice, across

def test_to_slice_or_dice_is_to_filter_the_facts() -> None:
    where = asked_of_duckdb("city, band, sum(minutes)", "where weekend = 1 group by all order by all")
    assert finest("sum").slice("weekend", 1).answers() == where
    some = asked_of_duckdb("city, band, weekend, sum(minutes)",
                           "where city in (0, 3) and band in (2, 4) group by all order by all")
    assert finest("sum").dice({"city": {0, 3}, "band": [2, 4]}).answers() == some


def test_two_grains_are_laid_side_by_side_only_at_the_same_grain() -> None:
    slept = Cuboid.of({"person": [1, 1, 2], "minutes": [400, 440, 430]}, ("person",), [Measured("sum", "minutes")])
    bought = Cuboid.of({"person": [1, 1, 1, 3], "qty": [1, 2, 1, 5]}, ("person",), [Measured("sum", "qty")])
    assert drill_across(slept, bought) == [(1, 840, 4), (2, 430, None), (3, None, 5)], "nobody's sleep is multiplied"
    with pytest.raises(BadParameter, match="same dimensions"):
        drill_across(slept, bought.rollup(()))


def test_the_smallest_cuboid_that_will_do_is_read() -> None:
    cube = Cube(finest("sum"))
    assert cube.answer(("city",)).cells_read == cube.status()[BY]
    cube.keep([("city", "weekend")])
    assert cube.answer(("city",)).cells_read == cube.status()["city", "weekend"] < cube.status()[BY]


@pytest.mark.parametrize(("call", "said"), [
    (lambda: Cuboid.of({"a": [1]}, ("b",), [Measured("sum", "a")]), "no dimension 'b'"),
    (lambda: Cuboid.of({"a": [1], "b": [1, 2]}, ("a",), [Measured("sum", "b")]), "different length"),
    (lambda: Cuboid.of({"a": [1]}, ("a", "a"), [Measured("sum", "a")]), "once"),
    (lambda: Cuboid.of({"a": [1]}, ("a",), []), "nothing is measured"),
    (lambda: Measured("mode", "a"), "one of count"),
    (lambda: finest("sum").rollup(("town",)), "no dimension 'town'"),
    (lambda: finest("sum").slice("town", 1), "no dimension 'town'"),
    (lambda: finest("sum").dice({"town": [1]}), "no dimension 'town'"),
    (lambda: Cube(finest("sum")).answer(("town",)), "no dimension 'town'"),
    (lambda: Cube(finest("sum")).grouping_sets([("town",)]), "no dimension 'town'"),
    (lambda: Cube(finest("sum")).grouping_sets([("city",), ("city",)]), "each once"),
    (lambda: Cube(finest("sum")).grouping_sets([]), "at least one"),
    (lambda: Lattice(("a",), {("a",): 3}), "give the cells of each of the 2"),
    (lambda: Lattice.of({"a": [1]}).cost([("b",)]), "no cuboid"),
    (lambda: Lattice.of({"a": [1]}).greedy(-1), "0 or more"),
    (lambda: HyperLogLog.of([], p=3), "4 to 16"),
    (lambda: HyperLogLog.of([], p=4).merge(HyperLogLog.of([], p=5)), "the same p"),
    (lambda: QuantileSketch.of([], k=4), "8 or more"),
    (lambda: QuantileSketch.of([], k=8).merge(QuantileSketch.of([], k=9)), "the same k"),
    (lambda: QuantileSketch.of([]).quantile(2), "between 0 and 1"),
])
def test_a_wrong_call_says_what_is_allowed(call: Any, said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        call()


# -------------------------------------------------------------------------------------------------------------- lattice

def test_the_lattice_counts_what_duckdb_counts() -> None:
    lattice = Lattice.of({name: nights()[name] for name in BY})
    for by in groupings(BY):
        counted = asked_of_duckdb("1", f"group by {', '.join(by)}") if by else [(1,)]
        assert lattice.cells[by] == len(counted)


def test_what_the_lattice_says_is_what_the_cube_reads() -> None:
    lattice = Lattice.of({name: nights()[name] for name in BY})
    for cuboids in range(4):
        cube, kept = Cube(finest("sum")), [choice.by for choice in lattice.greedy(cuboids)]
        cube.keep(kept)
        assert sum(cube.answer(by).cells_read for by in groupings(BY)) == lattice.cost(kept)


def test_to_make_every_cuboid_of_the_smallest_finer_one_reads_what_the_lattice_says() -> None:
    lattice, cube, read = Lattice.of({name: nights()[name] for name in BY}), Cube(finest("sum")), 0
    for by in groupings(BY)[1:]:
        read += cube.answer(by).cells_read
        cube.keep([by])
    assert read == lattice.cost_of_rollups()


CELLS = st.lists(st.integers(1, 1000), min_size=8, max_size=8)


@settings(max_examples=60, deadline=None)
@given(sizes=CELLS, cuboids=st.integers(1, 3))
def test_greedy_saves_at_least_63_percent_of_the_most(sizes: list, cuboids: int) -> None:
    names = groupings("abc")
    cells = {by: min(size, 1000) for by, size in zip(names, sizes, strict=True)} | {names[0]: 1000}
    lattice = Lattice(("a", "b", "c"), cells)
    chosen = lattice.greedy(cuboids)
    most = max(lattice.cost() - lattice.cost(kept) for kept in combinations(names, cuboids))
    saved = sum(choice.saved_rows for choice in chosen)
    assert lattice.cost([choice.by for choice in chosen]) == lattice.cost() - saved
    assert saved >= (1 - 1 / math.e) * most
    assert [c.saved_rows for c in chosen] == sorted((c.saved_rows for c in chosen), reverse=True)


def test_the_paper_s_own_lattice_gives_the_paper_s_choice() -> None:
    """Part, supplier, customer of TPC-D (Harinarayan et al., figure 1): in millions of rows."""
    cells = {("p", "s", "c"): 6_000_000, ("p", "s"): 800_000, ("p", "c"): 6_000_000, ("s", "c"): 6_000_000,
             ("p",): 200_000, ("s",): 10_000, ("c",): 100_000, (): 1}
    assert Lattice(("p", "s", "c"), cells).greedy(1)[0].by == ("p", "s")


# ------------------------------------------------------------------------------------------------------------- sketches

MANY = st.lists(st.one_of(st.integers(), st.text(max_size=3)), max_size=20)


@settings(max_examples=40, deadline=None)
@given(one=MANY, other=MANY)
def test_a_merged_hyperloglog_is_that_of_all_values(one: list, other: list) -> None:
    assert HyperLogLog.of(one, p=6).merge(HyperLogLog.of(other, p=6)) == HyperLogLog.of(one + other, p=6)


@pytest.mark.parametrize("p", [6, 10])
def test_hyperloglog_errs_as_its_law_says(p: int) -> None:
    starts = range(0, 12 * 10**6, 10**6)
    errors = [HyperLogLog.of(range(start, start + 5_000), p=p).estimate() / 5_000 - 1 for start in starts]
    sigma = 1.04 / math.sqrt(1 << p)
    assert max(map(abs, errors)) < 4 * sigma
    assert abs(statistics.mean(errors)) < 3 * sigma / math.sqrt(len(errors))
    assert statistics.stdev(errors) > sigma / 3, "it is an estimate"


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.lists(st.integers(0, 500), max_size=120), max_size=6), share=st.floats(0.01, 1))
def test_a_merged_quantile_is_no_further_off_than_it_says(parts: list, share: float) -> None:
    sketch = QuantileSketch.of([], k=16)
    for part in parts:
        sketch = sketch.merge(QuantileSketch.of(part, k=16, seed=3))
    values = sorted(value for part in parts for value in part)
    assert sketch.count == len(values) == sum(len(level) << h for h, level in enumerate(sketch.levels))
    if values:
        answer = sketch.quantile(share)
        below, not_above = sum(v < answer for v in values), sum(v <= answer for v in values)
        target = share * len(values)
        assert below - sketch.rank_error_most <= target <= not_above + sketch.rank_error_most
    else:
        assert sketch.quantile(share) is None


def test_a_quantile_sketch_stays_small_and_close() -> None:
    values = np.random.default_rng(7).permutation(20_000).tolist()
    sketch = QuantileSketch.of(values, k=200)
    assert sketch.size_bytes <= sketch.room_bytes < 8 * 800
    assert max(abs(sketch.quantile(share) / 20_000 - share) for share in (0.1, 0.25, 0.5, 0.75, 0.9)) < 0.02
    assert QuantileSketch.of(values, k=200) == sketch, "the same values make the same sketch"


def test_medians_by_sketch_roll_up_close_to_the_true_ones() -> None:
    rolled = finest("median_sketch").rollup(("weekend",)).answers()
    for (weekend, about), (_, exact) in zip(rolled, Cuboid.of(nights(), ("weekend",), [Measured("median", "minutes")])
                                            .answers(), strict=True):
        assert about == pytest.approx(exact, abs=5), weekend
