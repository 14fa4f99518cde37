"""The laws of a warehouse: each against its figure, its domain, and what the room really read, sent and wrote."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.stores.warehouse import All, Cluster, Distribution, Even, Key, Warehouse
from dsys_lab.structures.schema import Schema
from dsys_lab.workloads.slumber import Slumber

ROWS, BLOCK_ROWS = 100_000, 100


@pytest.mark.parametrize(("law", "figure"), [
    (lambda: laws.touched_share(0.99, 1, block_rows=1_000, displaced=1e-3), 0.01985),
    (lambda: laws.touched_share(0.495, 0.505, block_rows=1_000, displaced=1e-3), 0.4027),
    (lambda: laws.touched_share(0.495, 0.505, block_rows=1_000, displaced=1e-2), 0.9938),
    (lambda: laws.touched_share(0.2, 0.3, block_rows=1_000, displaced=0), 0.1),
    (lambda: laws.touched_share_unsorted(0.495, 0.505, block_rows=1), 0.01),
    (lambda: laws.touched_share_unsorted(0, 1, block_rows=9), 1),
    (lambda: laws.broadcast_bytes(90, 4), 270),
    (lambda: laws.broadcast_bytes(90, 1), 0),
    (lambda: laws.redistributed_bytes(100, 4), 75),
    (lambda: laws.redistributed_bytes(100, 1), 0),
    (lambda: laws.straggler_ratio([10, 10, 40]), 2),
    (lambda: laws.least_table_bytes(1 << 20, 13, 4), 128 << 20),
    (lambda: laws.load_rounds(5, 4), 2),
    (lambda: laws.load_rounds(0, 4), 0),
])  # fmt: skip
def test_a_law_gives_its_figure(law: Callable[[], float], figure: float) -> None:
    assert law() == pytest.approx(figure, rel=1e-2)


@pytest.mark.parametrize("wrong", [
    lambda: laws.touched_share(0.6, 0.5, block_rows=10, displaced=0),
    lambda: laws.touched_share_unsorted(-1, 1, block_rows=9),
    lambda: laws.touched_share(0, 1, block_rows=0, displaced=0),
    lambda: laws.touched_share(0, 1, block_rows=1, displaced=2),
    lambda: laws.broadcast_bytes(-1, 2), lambda: laws.redistributed_bytes(1, 0), lambda: laws.straggler_ratio([]),
    lambda: laws.straggler_ratio([0, 0]), lambda: laws.straggler_ratio([-1, 2]),
    lambda: laws.least_table_bytes(0, 1, 1), lambda: laws.load_rounds(1, 0),
])  # fmt: skip
def test_a_law_outside_its_domain_is_refused(wrong: Callable[[], float]) -> None:
    with pytest.raises(BadParameter):
        wrong()


# --------------------------------------------------------------------------------------- blocks touched

def share_read(days: np.ndarray, low: float, high: float) -> float:
    """Return the share of the blocks of a column that a range of it reads, of rows kept in the order given."""
    lab = Warehouse(Cluster(1, 1), block_bytes=4 * BLOCK_ROWS)
    lab.create_table("t", Schema.of("day u32"), encodings={"day": "plain"})
    lab.copy("t", [{"day": days}])
    answer = lab.query(f"SELECT count(day) FROM t WHERE day >= {int(low * ROWS)} AND day < {int(high * ROWS)}")
    read, skipped = answer.blocks_read["t.day"], answer.blocks_skipped["t.day"]
    assert read + skipped == ROWS // BLOCK_ROWS
    return read / (read + skipped)


def allowed(share: float) -> float:
    """Three standard errors of a share of the blocks, and the two blocks that the range cuts into."""
    blocks = ROWS // BLOCK_ROWS
    return 3 * math.sqrt(share * (1 - share) / blocks) + 2 / blocks


@pytest.mark.parametrize("displaced", [0, 1e-3, 1e-2])
@pytest.mark.parametrize(("low", "high"), [(0.99, 1), (0.495, 0.505), (0.2, 0.3)])
def test_blocks_are_read_as_the_law_of_displaced_rows_says(displaced: float, low: float, high: float) -> None:
    chance = np.random.default_rng(11)
    stray = chance.random(ROWS) < displaced
    days = np.where(stray, chance.integers(0, ROWS, ROWS), np.arange(ROWS)).astype("<u4")
    law = laws.touched_share(low, high, block_rows=BLOCK_ROWS, displaced=displaced)
    assert abs(share_read(days, low, high) - law) <= allowed(law)


@pytest.mark.parametrize(("low", "high"), [(0.99, 1), (0.001, 0.005), (0.4, 0.6)])
def test_blocks_in_no_order_are_read_as_the_law_says(low: float, high: float) -> None:
    days = np.random.default_rng(3).integers(0, ROWS, ROWS).astype("<u4")
    law = laws.touched_share_unsorted(low, high, block_rows=BLOCK_ROWS)
    assert abs(share_read(days, low, high) - law) <= allowed(law)


# --------------------------------------------------------------------------------------- bytes that travel

def joined(fact: Distribution, other: Distribution, *, facts: int, others: int, nodes: int) -> tuple[str, int]:
    """Return the label of a join of rows of 8 and of 4 bytes, and the bytes that travelled."""
    lab = Warehouse(Cluster(nodes, 2))
    lab.create_table("a", Schema.of("k u32, x u32"), distribution=fact)
    lab.create_table("b", Schema.of("k u32"), distribution=other)
    lab.copy("a", [{"k": np.arange(facts) % others, "x": np.arange(facts)}])
    lab.copy("b", [{"k": np.arange(others)}])
    answer = lab.query("SELECT count(*), sum(x) FROM a JOIN b ON a.k = b.k")
    assert answer.rows == [(facts, facts * (facts - 1) // 2)]
    return answer.label, answer.shuffled_bytes


def hashed(rows: int, width_bytes: int, nodes: int) -> tuple[float, float]:
    """Return the law for rows that are hashed anew, and three standard errors."""
    law = laws.redistributed_bytes(rows * width_bytes, nodes)
    return law, 3 * width_bytes * math.sqrt(rows * (1 - 1 / nodes) / nodes)


@pytest.mark.parametrize("nodes", [2, 4])
def test_a_join_sends_what_its_label_costs(nodes: int) -> None:
    assert joined(Key("k"), Key("k"), facts=5_000, others=300, nodes=nodes) == ("DS_DIST_NONE", 0)
    assert joined(Even(), All(), facts=5_000, others=300, nodes=nodes) == ("DS_DIST_ALL_NONE", 0)
    label, sent = joined(Even(), Even(), facts=5_000, others=300, nodes=nodes)
    assert (label, sent) == ("DS_BCAST_INNER", laws.broadcast_bytes(300 * 4, nodes))
    label, sent = joined(Key("k"), Even(), facts=5_000, others=900, nodes=nodes)
    law, error = hashed(900, 4, nodes)
    assert label == "DS_DIST_INNER"
    assert abs(sent - law) <= error


def test_two_large_tables_send_what_the_law_says() -> None:
    label, sent = joined(Even(), Even(), facts=4_000, others=4_000, nodes=4)
    (one, one_error), (other, other_error) = hashed(4_000, 8, 4), hashed(4_000, 4, 4)
    assert label == "DS_DIST_BOTH"
    assert abs(sent - one - other) <= one_error + other_error


# --------------------------------------------------------------------------------------- skew, size, load

def test_one_city_with_many_nights_makes_one_slice_last() -> None:
    nights = Slumber(10_000).read("night", 0, 10_000)
    top = np.bincount(nights["city_id"]).max()
    for style, skewed in ((Even(), False), (Key("person_id"), False), (Key("city_id"), True)):
        lab = Warehouse(Cluster(4, 4))
        lab.create_table("night", Schema.of("person_id u32, city_id u8"), distribution=style)
        lab.copy("night", [{name: nights[name] for name in ("person_id", "city_id")}])
        worked = lab.query("SELECT count(city_id), count(person_id) FROM night").worked_rows
        assert sum(worked) == 10_000
        assert worked == lab.status().tables["night"].rows_by_slice
        if skewed:
            assert laws.straggler_ratio(worked) >= top / fmean(worked)
        assert (laws.straggler_ratio(worked) > 2) == skewed


def test_a_small_table_takes_a_block_of_each_column_in_each_region_of_each_slice() -> None:
    lab = Warehouse(Cluster(2, 2))
    lab.create_table("t", Schema.of("a u16, b u16?, c text"), sort_key=["a"])
    rows: dict[str, Any] = {"a": list(range(100, 140)), "b": [None] * 40, "c": ["x"] * 40}
    lab.copy("t", [rows])
    assert lab.status().tables["t"].size_bytes == laws.least_table_bytes(1 << 14, 3, 4, regions=1)
    lab.copy("t", [{**rows, "a": list(range(40))}])
    assert lab.status().tables["t"].size_bytes == laws.least_table_bytes(1 << 14, 3, 4)
    lab.vacuum("t")
    assert lab.status().tables["t"].size_bytes == laws.least_table_bytes(1 << 14, 3, 4, regions=1)


def test_a_row_by_itself_writes_a_block_of_each_column_and_a_file_for_each_slice_idles_none() -> None:
    lab = Warehouse(Cluster(2, 2))
    lab.create_table("t", Schema.of("a u16, b u16"))
    one_by_one = [lab.copy("t", [{"a": [n], "b": [n]}]).blocks_written for n in range(8)]
    assert one_by_one == [laws.least_table_bytes(1, 2, 1, regions=1)] * 8
    for files in (1, 4, 5):
        loaded = lab.copy("t", [{"a": [1], "b": [1]}] * files)
        assert max(loaded.files_by_slice) == laws.load_rounds(files, 4)
        assert sum(loaded.files_by_slice) == files
