"""SQLite as an engine: the pages that it really reads, and what it does otherwise than the row store."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.errors import BadParameter, MayHaveHappened, Refused
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import Counters, Trace

SCHEMA = Schema.of("id u32, day u16, city u8, note text")
ROWS = 20_000


@pytest.fixture
def counted() -> Iterator[tuple[SqliteTable, Counters]]:
    """A table of twenty thousand rows on disk, nothing of it in memory, nothing counted yet."""
    counters = Counters()
    with SqliteTable("night", SCHEMA, key="id", indexes=["day"], recorder=counters) as table:
        table.append((i, i // 200, i % 50, "x" * 36) for i in range(ROWS))
        table.checkpoint()
        _forget(table, counters)
        yield table, counters


def _forget(table: SqliteTable, counters: Counters) -> None:
    table.drop_cache()
    counters.counts.clear()
    counters.sums.clear()


def test_a_point_read_reads_a_page_for_each_level_of_the_tree(counted: tuple[SqliteTable, Counters]) -> None:
    table, counters = counted
    assert table.get(777) == (777, 3, 27, "x" * 36)
    assert counters.count("page_read") in (2, 3)          # the root, a leaf; and the first page of the file
    assert counters.sum("page_read", "size_bytes") == 8192 * counters.count("page_read")


def test_a_scan_reads_every_page_of_the_table_once_whatever_it_asks_for(counted: tuple[SqliteTable, Counters]) -> None:
    table, counters = counted
    pages = table.status().pages["night"]
    for column in ("city", "note"):
        _forget(table, counters)
        table.aggregate([Measure("count", column)], via="scan")
        assert pages <= counters.count("page_read") <= pages + 1


def test_what_is_in_its_cache_is_not_read_again(counted: tuple[SqliteTable, Counters]) -> None:
    table, counters = counted
    table.get(777)
    before = counters.count("page_read")
    table.get(777)
    assert counters.count("page_read") == before


def test_the_index_reads_few_pages_for_few_rows(counted: tuple[SqliteTable, Counters]) -> None:
    table, counters = counted
    question: dict[str, Any] = {"measures": [Measure("sum", "city")], "where": Between("day", 50, 50)}
    answers = []
    reads = []
    for via in ("index", "scan"):
        _forget(table, counters)
        answers.append(table.aggregate(**question, via=via))
        reads.append(counters.count("page_read"))
    assert answers[0] == answers[1]
    assert reads[0] < 12 < reads[1]
    assert "USING INDEX night_by_day" in table.explain(**question)


def test_an_insert_is_durable_in_the_log_before_it_is_acknowledged() -> None:
    trace = Trace()
    with SqliteTable("night", SCHEMA, key="id", recorder=trace) as table:
        table.append([(1, 1, 1, "")])
        assert [row.kind for row in trace] == ["begin", "log_append", "log_sync", "end"]
        table.checkpoint()
        assert {row.fields["file"] for row in trace.of("page_write")} == {"night.sqlite"}


def test_it_does_not_tell_which_bytes_of_a_page_were_asked_for(counted: tuple[SqliteTable, Counters]) -> None:
    table, _ = counted
    trace = Trace()
    table.clock.recorder = trace
    table.get(5)
    assert {row.fields["used_bytes"] for row in trace.of("page_read")} == {None}


def test_numbers_beyond_its_own_are_refused_and_never_cut() -> None:
    with SqliteTable("night", Schema.of("id u64, x u64"), key="id") as table:
        with pytest.raises(BadParameter, match=r"row 1.*2\*\*63"):
            table.append([(1, 1), (2, 2**63)])
        assert table.get(1) is None
        assert table.get(2**64 - 1) is None
        table.append([(1, 2**63 - 1), (2, 2**63 - 1)])
        with pytest.raises(Refused, match=r"passes 2\*\*63"):
            table.aggregate([Measure("sum", "x")])
        with pytest.raises(BadParameter):
            table.update(1, {"x": 2**63})


def test_a_way_that_is_not_there_is_refused() -> None:
    with SqliteTable("night", SCHEMA, key="id", indexes=["day"]) as table:
        with pytest.raises(BadParameter, match="id, day"):
            list(table.scan(where=Between("city", 1, 2), via="index"))
        with pytest.raises(BadParameter, match="via"):
            list(table.scan(via="guess"))


def test_two_tables_of_one_name_are_two() -> None:
    with SqliteTable("night", SCHEMA, key="id") as one, SqliteTable("night", SCHEMA, key="id") as other:
        one.append([(1, 1, 1, "")])
        assert other.get(1) is None


def test_a_question_about_a_column_that_is_not_there_is_not_explained_as_one_about_a_text() -> None:
    with SqliteTable("night", SCHEMA, key="id") as table, pytest.raises(BadParameter, match="no column 'cities'"):
        table.explain([Measure("count", "cities")])  # SQLite would read "cities" as a text


def test_a_key_beyond_its_numbers_is_nowhere() -> None:
    with SqliteTable("night", Schema.of("id u64, x u8"), key="id") as table:
        table.append([(2**63 - 1, 1)])
        for key, there in ((2**63 - 1, True), (2**63, False), (2**64 - 1, False)):
            assert (table.get(key) is not None, table.update(key, {"x": 2}), table.delete(key)) == (there, there, there)
        with pytest.raises(BadParameter, match=r"row 1.*2\*\*63 - 1"):
            table.append_columns({"id": [1, 2**63], "x": [1, 1]})


@pytest.mark.parametrize("index", ["note", "id", "nowhere"])
def test_an_index_is_of_another_column_of_whole_numbers(index: str) -> None:
    with pytest.raises(BadParameter, match=index):
        SqliteTable("night", SCHEMA, key="id", indexes=[index])


def test_a_file_without_room_is_an_honest_do_not_know() -> None:
    with SqliteTable("night", SCHEMA, key="id") as table:
        table.append([(1, 1, 1, "")])
        table._db.pragma("max_page_count", table._db.pragma("page_count"))
        with pytest.raises(MayHaveHappened, match="open the table anew"):
            table.append((key, 1, 1, "x" * 1000) for key in range(2, 100))
        assert list(table.scan(["id"])) == [(1,)]
