"""Slumber: the golden digests hold, rows depend on nothing but seed and number, and memory stays one chunk."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.workloads.slumber import (
    CITIES,
    NIGHT,
    TABLES,
    TRUTHS,
    Slumber,
    combined,
    digest,
    luck,
    minutes,
    records,
    size_law,
    world,
)

GOLDEN = {
    10**3: 0xCF73DA7E983237FE,
    10**4: 0xE35B3DEEA2012329,
    10**5: 0xA502D521EAA2CC7B,
    10**6: 0xC70FAA33A37DB67B,
}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two tables have the same columns, of the same types, with the same rows in the same order."""
    assert list(one) == list(other)
    return all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)


def joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


# ------------------------------------------------------------------------------------------ the same rows everywhere
@pytest.mark.parametrize("nights", GOLDEN)
def test_the_golden_digests_hold(nights: int) -> None:
    assert hex(Slumber(seed=7, nights=nights).digest("night")) == hex(GOLDEN[nights])


def test_another_seed_or_one_changed_bit_is_another_digest() -> None:
    assert Slumber(seed=8, nights=1000).digest("night") != GOLDEN[1000]
    rows = records(Slumber(nights=1000).read("night"), NIGHT)
    assert digest(rows) == digest(rows[::-1]) == GOLDEN[1000]
    rows["avg_hr"][500] ^= 1
    assert digest(rows) != GOLDEN[1000]
    assert digest(rows[1:]) != digest(rows)


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_chunks_joined_are_the_whole_and_a_range_is_a_slice_of_it(table: str, data: st.DataObject) -> None:
    nights = 300 if table == "ping" else 3000
    small = Slumber(seed=data.draw(st.integers(0, 2**64 - 1)), nights=nights)
    whole = small.read(table)
    rows = data.draw(st.integers(50, 5000))
    assert same(joined(list(small.chunks(table, rows=rows))), whole)

    first = data.draw(st.integers(0, small.units(table)))
    last = data.draw(st.integers(first, small.units(table)))
    parts = [small.read(table, 0, first), small.read(table, first, last), small.read(table, last)]
    assert same(joined(parts), whole)


@pytest.mark.parametrize("table", TABLES)
def test_a_small_world_is_the_beginning_of_a_large_one(table: str) -> None:
    small, large = Slumber(nights=2000), Slumber(nights=10**8)
    assert same(small.read(table), large.read(table, 0, small.units(table)))


def test_a_row_far_out_is_had_without_the_rows_before_it() -> None:
    large = Slumber(nights=10**8)
    assert large.read("night", 99_999_999)["date_key"].tolist() == [3161]
    middle = large.read("night", 500_000, 500_100)
    whole = Slumber(nights=10**6).read("night")
    assert same(middle, {name: column[500_000:500_100] for name, column in whole.items()})
    assert large.units("person") == 63_240
    last = Slumber(nights=size_law.NIGHTS_MOST)
    assert last.read("night", last.nights - 1)["date_key"].tolist() == [size_law.DAYS_MOST - 1]


def test_the_rows_do_not_depend_on_the_process_or_its_hash_seed() -> None:
    program = (
        "from zlib import crc32; from dsys_lab.workloads.slumber import *;"
        "w = Slumber(nights=2000, faults=Faults(True, .1, .1, .1, .1, .1));"
        "print([w.digest(t) for t in TABLES if t != 'ping'], crc32(''.join(w.documents()).encode()))"
    )
    seen = {
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, encoding="utf-8", check=True).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip
    assert len(seen) == 1
    assert seen.pop().startswith("[")


def test_every_question_has_a_stream_of_its_own() -> None:
    streams = list(luck.Stream.__members__.values())
    assert len(set(streams)) == len(luck.Stream.__members__)
    words = [int(luck.luck(7, stream, np.array([5]))[0]) for stream in streams]
    assert len(set(words)) == len(words)
    assert luck.mix(12345) == int(luck.mix_in_place(np.array([12345], np.uint64))[0])


# ------------------------------------------------------------------------------------------ bounded memory
def test_memory_is_one_chunk_however_many_nights_pass() -> None:
    def peak_bytes(nights: int, rows: int) -> int:
        large = Slumber(nights=nights)
        tracemalloc.start()
        total = combined(digest(records(chunk, NIGHT)) for chunk in large.chunks("night", rows=rows))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert nights != 10**5 or total == GOLDEN[10**5]
        return peak

    peak_bytes(1000, 1000)
    three_chunks, ten_chunks = peak_bytes(30_000, 10_000), peak_bytes(100_000, 10_000)
    assert ten_chunks < 1.2 * three_chunks
    assert peak_bytes(10**5, 10**5) > 3 * ten_chunks, "the measurement can tell a chunk from the whole"


def test_a_hundred_million_nights_begin_at_once() -> None:
    large = Slumber(nights=10**8)
    chunk = next(large.chunks("night"))
    assert len(chunk["night_id"]) == world.CHUNK_ROWS
    assert len(next(large.chunks("ping", rows=10_000))["slot"]) <= 10_000


# ------------------------------------------------------------------------------------------ the size law
@given(st.integers(0, size_law.NIGHTS_MOST - 1))
def test_the_day_of_a_night_is_the_one_that_holds_it(night: int) -> None:
    day = size_law.day_of_night(night)
    assert size_law.first_night(day) <= night < size_law.first_night(day + 1)


@given(st.integers(0, size_law.NIGHTS_MOST // 10))
def test_the_day_of_an_order_is_the_one_that_holds_it(order: int) -> None:
    day = int(size_law.day_of_order(np.array([order]))[0])
    assert day * (day + 1) <= order < (day + 1) * (day + 2)


def test_the_first_and_last_order_of_every_day_are_that_days() -> None:
    day = np.arange(size_law.DAYS_MOST)
    assert np.array_equal(size_law.day_of_order(day * (day + 1)), day)
    assert np.array_equal(size_law.day_of_order((day + 1) * (day + 2) - 1), day)


def test_sizes_are_those_of_the_table() -> None:
    sizes = [(size_law.days(10**k), size_law.people(10**k)) for k in (3, 4, 5, 6, 8)]
    assert sizes == [(10, 200), (32, 640), (100, 2000), (316, 6320), (3162, 63_240)]
    assert Slumber(nights=0).read("night")["night_id"].size == size_law.people(0) == 0


# ------------------------------------------------------------------------------------------ what was planted
@pytest.fixture(scope="module")
def million() -> Slumber:
    return Slumber(seed=7, nights=10**6)


@pytest.fixture(scope="module")
def nights(million: Slumber) -> dict[str, Any]:
    return million.read("night")


@pytest.mark.parametrize("truth", TRUTHS)
def test_a_planted_truth_is_found(truth: str, million: Slumber, nights: dict[str, Any]) -> None:
    people = million.read("person")
    assert TRUTHS[truth].holds(nights, people), TRUTHS[truth].measure(nights, people)


def test_a_truth_is_missed_when_the_data_is_spoiled(million: Slumber, nights: dict[str, Any]) -> None:
    people = million.read("person")
    shuffled = nights | {"minutes_sleep": np.roll(nights["minutes_sleep"], 1) // 2, "status": nights["status"] | 1}
    shuffled["status"][::2] = 0
    held = [name for name, truth in TRUTHS.items() if truth.holds(shuffled, people)]
    assert not {"mean", "median", "nulls", "weekend"} & set(held)


def test_the_plain_difference_hides_part_of_the_plans_effect(million: Slumber, nights: dict[str, Any]) -> None:
    people = million.read("person")
    assert TRUTHS["plan"].measure(nights, people) < 4 < TRUTHS["plan within age"].measure(nights, people)


def test_a_person_sleeps_once_a_night(nights: dict[str, Any]) -> None:
    key = nights["person_id"].astype(np.int64) * size_law.DAYS_MOST + nights["date_key"]
    assert len(np.unique(key)) == len(key)


def test_everybody_in_a_night_has_joined(million: Slumber, nights: dict[str, Any]) -> None:
    people = million.read("person")
    assert (people["joined"][nights["person_id"]] <= nights["date_key"]).all()
    assert nights["city_id"].max() == len(CITIES) - 1


def test_ties_are_those_of_the_copying_model(million: Slumber) -> None:
    ties = million.read("friend")
    one, other = ties["person_id"].astype(np.int64), ties["friend_id"].astype(np.int64)
    assert (len(one), int(other.sum())) == (6319 * 3, 20_017_834)
    assert (other < one).all()
    distinct = np.unique(one * 10**6 + other)
    degree = np.sort(np.bincount(np.concatenate([distinct // 10**6, distinct % 10**6])))
    assert (len(distinct), degree[-1], np.median(degree)) == (18_894, 523, 4)
    assert round(degree[-63:].sum() / degree.sum(), 3) == 0.108


def test_nine_fraud_rings_share_a_card(million: Slumber) -> None:
    people = million.read("person")
    cards, holders = np.unique(people["card_id"], return_counts=True)
    assert cards[holders > 1].tolist() == [860, 1844, 2080, 2752, 3188, 3432, 3652, 4176, 5156]
    assert set(holders[holders > 1].tolist()) == {4}
    brought = people["referred_by"] >= 0
    assert (people["referred_by"][brought] < people["person_id"][brought]).all()
    assert 0.57 < brought.mean() < 0.63


def test_orders_lines_pings_and_stock_come_to_the_published_sums(million: Slumber) -> None:
    assert len(million.read("order_line")["line"]) == int(million.read("orders")["lines"].sum()) == 250_042
    assert million.read("orders")["date_key"][-1] == 315
    pings = million.read("ping", 0, 1000)
    assert (len(pings["hr"]), int(pings["hr"].sum(dtype=int)), int(pings["motion"].sum(dtype=int))) == (
        96_000, 5_444_632, 907_530)  # fmt: skip
    stock = million.read("stock")
    assert len(stock["level"]) == 316 * 4 * 200
    assert (stock["level"].min(), stock["level"].max()) == (20, 219)
    prices = million.read("product")["price_cents"]
    lines = million.read("order_line")
    assert (lines["unit_price_cents"] == prices[lines["product_id"]]).all()


# ------------------------------------------------------------------------------------------ doors to other tools
def test_duckdb_and_pandas_take_the_columns_as_they_are() -> None:
    duckdb, pandas = pytest.importorskip("duckdb"), pytest.importorskip("pandas")
    table = Slumber(nights=1000).read("night")
    frame = pandas.DataFrame(table, copy=False)
    assert np.shares_memory(frame["minutes_sleep"].to_numpy(), table["minutes_sleep"])
    table["minutes_sleep"] = minutes(table)
    with duckdb.connect() as connection:
        connection.register("night", table)
        counted = connection.execute("select count(*), count(minutes_sleep), sum(minutes_sleep) from night").fetchall()
    known = table["minutes_sleep"].compressed()
    assert counted == [(1000, len(known), int(known.sum()))]
    assert len(known) < 1000


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_reads_every_table(table: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    columns = Slumber(nights=500).read(table)
    with duckdb.connect() as connection:
        connection.register("columns", columns)
        names = [row[0] for row in connection.execute("describe select * from columns").fetchall()]
        assert names == list(columns)
        assert connection.execute("select count(*) from columns").fetchall() == [(len(columns[names[0]]),)]


def test_a_record_refuses_what_does_not_fit() -> None:
    with pytest.raises(Misuse, match="no column 'night_id'"):
        records({"age": np.zeros(3)}, NIGHT)
    with pytest.raises(Misuse, match="'note' holds a text above 36 bytes"):
        records(Slumber(nights=10).read("night") | {"note": np.array(["x" * 37] * 10, dtype=object)}, NIGHT)
    with pytest.raises(Misuse, match="whole 8-byte words"):
        digest(np.zeros(3, np.uint8))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"seed": -1}, "seed = -1"),
        ({"seed": 2**64}, "seed = 18446744073709551616"),
        ({"seed": 7.0}, "seed = 7.0"),
        ({"nights": -1}, "nights 0 to -1"),
        ({"nights": 1e6}, "nights 0 to 1000000.0"),
        ({"nights": size_law.NIGHTS_MOST + 1}, "nights 0 to"),
    ],
)
def test_a_world_that_cannot_be_is_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadParameter, match=what):
        Slumber(**given)


@pytest.mark.parametrize(
    "ask",
    [
        lambda small: small.read("nights"),
        lambda small: small.read("night", 5, 4),
        lambda small: small.read("night", 0, 101),
        lambda small: small.read("night", -1, 4),
        lambda small: small.read("person", 0, 10**6),
        lambda small: small.digest("unknown"),
        lambda small: next(small.chunks("night", rows=0)),
        lambda small: next(small.documents(0, 101)),
    ],
)
def test_a_range_outside_the_world_is_refused(ask: Any) -> None:
    with pytest.raises(BadParameter, match="give "):
        ask(Slumber(nights=100))


@pytest.mark.parametrize("module", [world, sys.modules["dsys_lab.workloads.slumber.records"]])
def test_the_examples_in_the_chapters_are_true(module: Any) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
