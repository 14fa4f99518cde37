"""The laws of cubes, each held against the room that it speaks of."""
from __future__ import annotations

import math
import statistics
from itertools import product

import duckdb
import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.stores.star_schema import HyperLogLog, Lattice
from dsys_lab.workloads.slumber import Slumber


def test_a_full_cube_has_as_many_cuboids_and_cells_as_the_laws_say() -> None:
    rows = list(product(range(5), range(4), range(3), range(2)))
    lattice = Lattice.of(dict(zip("abcd", zip(*rows, strict=True), strict=True)))
    assert len(lattice.cells) == laws.cuboids(4)
    assert sum(lattice.cells.values()) == laws.cube_cells_most(5, 4, 3, 2)


def test_a_cube_of_slumber_has_fewer_cells_than_the_most() -> None:
    night = Slumber(nights=5_000).read("night")
    columns = {"city": night["city_id"].tolist(), "band": (night["age"] // 10).tolist(),
               "day": (night["date_key"] % 7).tolist()}
    most = laws.cube_cells_most(*(len(set(column)) for column in columns.values()))
    assert most / 2 < sum(Lattice.of(columns).cells.values()) < most


@pytest.mark.parametrize("facts", [50, 300, 2_000])
def test_facts_that_fall_anywhere_fill_so_many_cells(facts: int) -> None:
    draw = np.random.default_rng(7)
    filled = [Lattice.of({"a": draw.integers(0, 20, facts).tolist(), "b": draw.integers(0, 15, facts).tolist()})
              .cells["a", "b"] for _ in range(30)]
    within = 3 * max(statistics.stdev(filled), 0.5) / math.sqrt(len(filled))
    assert statistics.mean(filled) == pytest.approx(laws.cells_filled(300, facts), abs=within)


def test_a_join_of_two_grains_is_as_wrong_as_the_law_says() -> None:
    world = Slumber(nights=4_000)
    night, orders = world.read("night"), world.read("orders")
    with duckdb.connect() as connection:
        connection.register("night", {name: night[name] for name in ("night_id", "person_id", "minutes_sleep")})
        connection.register("bought", {"person_id": orders["person_id"]})
        joined, true = connection.execute(
            "select (select sum(minutes_sleep) from night join bought using (person_id)),"
            "(select sum(minutes_sleep) from night where person_id in (from bought select person_id))").fetchone()
    matches = np.bincount(orders["person_id"], minlength=int(night["person_id"].max()) + 1)[night["person_id"]]
    assert laws.fan_trap(night["minutes_sleep"].tolist(), matches.tolist()) == pytest.approx(joined / true)
    assert joined / true == pytest.approx(matches[matches > 0].mean(), rel=0.05)


@pytest.mark.parametrize("registers", [64, 1_024])
def test_hyperloglog_strays_as_far_as_the_law_says(registers: int) -> None:
    p, runs = registers.bit_length() - 1, 20
    errors = [HyperLogLog.of(range(k * 10**6, k * 10**6 + 4_000), p=p).estimate() / 4_000 - 1 for k in range(runs)]
    root_mean_square = math.sqrt(statistics.fmean(error * error for error in errors))
    assert root_mean_square == pytest.approx(laws.hyperloglog_error(registers), rel=3 / math.sqrt(2 * runs))


def test_the_greedy_share_falls_to_63_percent() -> None:
    shares = [laws.greedy_share_least(k) for k in (1, 2, 1_000_000)]
    assert shares == pytest.approx([1, 0.75, 0.632121], abs=1e-6)


@pytest.mark.parametrize(("call", "says"), [
    (lambda: laws.cuboids(-1), "dimensions = -1"),
    (lambda: laws.cube_cells_most(3, 0), "labels_1 = 0"),
    (lambda: laws.cells_filled(0, 1), "combinations = 0"),
    (lambda: laws.cells_filled(1, -1), "facts = -1"),
    (lambda: laws.fan_trap([1], [1, 2]), "1 values and 2 matches"),
    (lambda: laws.fan_trap([1], [0]), "true sum is 0"),
    (lambda: laws.greedy_share_least(0), "chosen = 0"),
    (lambda: laws.hyperloglog_error(8), "registers = 8"),
])
def test_a_law_outside_its_domain_gives_no_number(call, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        call()
