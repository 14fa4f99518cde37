"""DuckDB as an engine: what its profile counts, and what it does otherwise than the column store."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dsys_lab.engines.duckdb import DuckdbTable, Profile
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import Counters

SCHEMA = Schema.of("id u32, day u16, minutes u16?, city u8")
ROWS = 300_000


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[DuckdbTable, Counters]]:
    """Three row groups, by day, on disk."""
    counters = Counters()
    with DuckdbTable("night", SCHEMA, key="id", recorder=counters) as table:
        ids = np.arange(ROWS, dtype=np.uint32)
        minutes = np.ma.masked_array((ids * 7919 % 600).astype(np.uint16), ids % 33 == 0)
        day, city = (ids // 1000).astype(np.uint16), (ids % 50).astype(np.uint8)
        table.append_columns({"id": ids, "day": day, "minutes": minutes, "city": city})
        table.checkpoint()
        yield table, counters


@pytest.fixture
def counted(loaded: tuple[DuckdbTable, Counters]) -> tuple[DuckdbTable, Counters]:
    table, counters = loaded
    table.drop_cache()
    counters.counts.clear()
    counters.sums.clear()
    return table, counters


def test_a_question_says_what_it_scanned(counted: tuple[DuckdbTable, Counters]) -> None:
    table, counters = counted
    table.aggregate([Measure("sum", "minutes")])
    assert table.profile is not None
    assert (table.profile.scanned_groups, table.profile.all_groups, table.profile.scanned_rows) == (3, 3, ROWS)
    assert 0 < table.profile.read_bytes == counters.sum("end", "read_bytes")
    assert counters.sum("end", "scanned_rows") == ROWS


def test_zone_maps_skip_row_groups(counted: tuple[DuckdbTable, Counters]) -> None:
    table, _ = counted
    table.aggregate([Measure("sum", "minutes")], where=Between("day", 5, 9), by="city")
    assert table.profile is not None
    assert (table.profile.scanned_groups, table.profile.scanned_rows) == (1, 122_880)


def test_fewer_columns_are_fewer_bytes(counted: tuple[DuckdbTable, Counters]) -> None:
    table, counters = counted
    table.aggregate([Measure("sum", "city")])
    one = counters.sum("end", "read_bytes")
    table.drop_cache()
    counters.sums.clear()
    table.aggregate([Measure("sum", name) for name in ("id", "day", "minutes", "city")])
    assert one < counters.sum("end", "read_bytes")


def test_what_is_in_its_memory_is_not_read_again(counted: tuple[DuckdbTable, Counters]) -> None:
    table, counters = counted
    table.aggregate([Measure("sum", "minutes")])
    once = counters.sum("end", "read_bytes")
    table.aggregate([Measure("sum", "minutes")])
    assert counters.sum("end", "read_bytes") == once


def test_a_look_through_the_index_tells_no_bytes_and_does_not_say_zero(counted: tuple[DuckdbTable, Counters]) -> None:
    table, _ = counted
    table.get(200_000)
    assert table.profile is not None
    assert (table.profile.read_bytes, table.profile.scanned_rows) == (None, 1)


def test_null_is_masked_on_the_way_in_and_none_on_the_way_out(counted: tuple[DuckdbTable, Counters]) -> None:
    table, _ = counted
    assert table.get(33) == (33, 0, None, 33)
    [(there, all_)] = table.aggregate([Measure("count", "minutes"), Measure("count", "id")])
    assert (all_ - there, all_) == (len(range(0, ROWS, 33)), ROWS)


def test_many_rows_by_row_are_as_good_as_by_column() -> None:
    with DuckdbTable("night", SCHEMA, key="id") as table:
        assert table.append((i, 0, None if i % 2 else i, 1) for i in range(5000)) == 5000
        assert table.aggregate([Measure("count", "minutes"), Measure("max", "minutes")]) == [(2500, 4998)]
        status = table.status()
        assert (status.rows, status.groups, set(status.codecs)) == (5000, 1, set(SCHEMA.names))


def test_a_number_that_does_not_fit_by_column_is_refused() -> None:
    with DuckdbTable("night", Schema.of("id u32, x u8"), key="id") as table:
        with pytest.raises(BadParameter, match="300"):
            table.append_columns({"id": np.arange(3), "x": np.array([1, 2, 300])})
        with pytest.raises(BadParameter, match="NULL, but the column is not nullable"):
            table.append_columns({"id": np.arange(3), "x": np.ma.masked_array([1, 2, 3], [False, True, False])})
        with pytest.raises(BadParameter, match="'x' is missing"):
            table.append_columns({"id": np.arange(3)})
        assert table.status().rows == 0


def test_a_scan_goes_on_while_others_ask() -> None:
    with DuckdbTable("night", SCHEMA, key="id") as table:
        table.append((i, 0, 1, 1) for i in range(10_000))
        scan = table.scan(["id"])
        first = next(scan)
        assert table.get(5) == (5, 0, 1, 1)
        assert sorted([first, *scan]) == [(i,) for i in range(10_000)]


def test_a_profile_that_names_its_fields_otherwise_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(EngineMissing, match="install duckdb"):
        Profile.of('{"result": "select 1"}')


def test_a_table_may_be_called_what_it_calls_its_rows() -> None:
    with DuckdbTable("incoming", SCHEMA, key="id") as table:
        assert table.append((key, 1, None, 1) for key in range(40)) == 40
        assert table.status().rows == 40


def test_no_threads_are_refused() -> None:
    with pytest.raises(BadParameter, match="threads = 0"):
        DuckdbTable("night", SCHEMA, key="id", threads=0)
