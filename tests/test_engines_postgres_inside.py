"""What PostgreSQL tells of its inside: plans, versions in pages, the log, and a page torn on purpose."""
from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from dsys_lab.engines.postgres import (
    Connection,
    Plan,
    PostgresDatabase,
    Space,
    explain,
    heap_page,
    page_count,
    space,
    torn_page,
    update_after_checkpoint,
    wal_of,
)
from dsys_lab.errors import BadParameter, EngineMissing, Refused


@pytest.fixture
def database(postgres: Connection) -> Iterator[PostgresDatabase]:
    with PostgresDatabase(postgres) as database:
        database.run("CREATE TABLE nights (id int PRIMARY KEY, hours int) WITH (autovacuum_enabled = off)")
        yield database


# -------------------------------------------------------------------------------------------------------------- plans

def test_a_plan_is_a_tree_of_counted_steps(database: PostgresDatabase) -> None:
    database.run("INSERT INTO nights SELECT n, n % 10 FROM generate_series(1, 2000) n")
    database.run("VACUUM ANALYZE nights")
    plan = explain(database, "SELECT * FROM nights WHERE hours < 3 ORDER BY hours")
    scan = plan.steps[0]
    assert (plan.step, plan.on, scan.step, scan.on, scan.steps) == ("Sort", "", "Seq Scan", "nights", ())
    assert (plan.rows, scan.rows, scan.rows_removed, scan.loops) == (600, 600, 1400, 1)
    assert scan.pages_hit + scan.pages_read == page_count(database, "nights") == 9
    assert plan.wal_records == 0
    assert str(plan) == "Sort: 600 rows, 9 pages (0 read)\n  Seq Scan on nights: 600 rows, 9 pages (0 read)"
    lookup = explain(database, "SELECT * FROM nights WHERE id = 5")
    assert (lookup.step, lookup.on, lookup.pages_hit) == ("Index Scan", "nights_pkey", 3)


def test_rows_of_a_step_that_is_repeated_are_those_of_all_its_loops(database: PostgresDatabase) -> None:
    database.run("INSERT INTO nights SELECT n, n FROM generate_series(1, 100) n")
    three = "SELECT sum(a.hours) FROM nights a WHERE a.id BETWEEN b.id AND b.id + 2"
    plan = explain(database, f"SELECT ({three}) FROM nights b WHERE b.id <= 9")
    inner = next(step for step in plan.steps if step.step == "Aggregate").steps[0]
    while inner.steps and inner.loops != 9:
        inner = inner.steps[0]
    assert (inner.loops, inner.rows) == (9, 27)


def test_an_explained_change_is_carried_out_and_its_log_counted(database: PostgresDatabase) -> None:
    plan = explain(database, "INSERT INTO nights SELECT n, n FROM generate_series(1, 50) n")
    assert database.run("SELECT count(*) FROM nights") == [(50,)]
    assert plan.wal_records >= 100, "each row, and its entry in the index"
    assert plan.wal_bytes > 50 * 60
    assert "log records" in str(plan)


def test_a_plan_without_counters_is_no_plan_of_zeros() -> None:
    with pytest.raises(EngineMissing, match="tells no 'Plan Rows' of a plan"):
        Plan.of({"Node Type": "Result"})


# -------------------------------------------------------------------------------------------------------------- pages

def test_old_versions_stay_until_vacuum(database: PostgresDatabase) -> None:
    database.run("INSERT INTO nights VALUES (1, 7), (2, 8)")
    database.run("UPDATE nights SET hours = 6 WHERE id = 1")
    database.run("DELETE FROM nights WHERE id = 2")
    first, second, third = heap_page(database, "nights")
    assert [version.state for version in (first, second, third)] == ["normal"] * 3
    assert (first.slot, first.ctid) == (1, (0, 3)), "the old version leads to the new one"
    assert first.xmin == second.xmin
    assert first.xmin < first.xmax == third.xmin < second.xmax
    assert (third.xmax, third.ctid, third.size_bytes) == (0, (0, 3), 32)
    assert space(database, "nights") == Space(8192, 1, 32, 2, 64, 8060)
    database.run("VACUUM nights")
    assert [(version.state, version.ctid, version.size_bytes) for version in heap_page(database, "nights")] == [
        ("redirect", (0, 3), 0), ("unused", None, 0), ("normal", (0, 3), 32)]
    assert space(database, "nights") == Space(8192, 1, 32, 0, 0, 8124)


def test_an_open_snapshot_keeps_vacuum_from_what_it_may_see(database: PostgresDatabase) -> None:
    database.run("INSERT INTO nights SELECT n, 7 FROM generate_series(1, 10) n")
    ada = database.session("ada")
    ada.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    ada.execute("SELECT count(*) FROM nights")
    database.run("UPDATE nights SET hours = 8")
    database.run("VACUUM nights")
    assert space(database, "nights").live_rows + space(database, "nights").dead_rows == 20
    ada.execute("COMMIT")
    database.run("VACUUM nights")
    assert (space(database, "nights").live_rows, space(database, "nights").dead_rows) == (10, 0)


@pytest.mark.parametrize(("table", "page", "words"), [
    ("nowhere", 0, 'relation "nowhere" does not exist'),
    ("nights", 0, "page = 0: nights has 0 pages"),
    ("nights", -1, "page = -1"),
    ("nights; DROP TABLE nights", 0, "does not exist|syntax"),
])
def test_a_page_that_is_not_there_is_refused(database: PostgresDatabase, table: str, page: int, words: str) -> None:
    with pytest.raises((BadParameter, Refused), match=words):
        heap_page(database, table, page)
    assert page_count(database, "nights") == 0


# ---------------------------------------------------------------------------------------------------------------- log

@pytest.mark.usefixtures("postgres")
def test_after_a_checkpoint_a_change_writes_its_whole_page() -> None:
    """The curriculum's numbers are of a table that it does not name; these are of the one that stands in `wal`."""
    first, again = update_after_checkpoint(rows=100)
    assert (first.records, first.images) == (101, 100), "a page each, and the commit"
    assert dict(first.records_by_kind) == {"Heap/HOT_UPDATE": 100, "Transaction/COMMIT": 1}
    assert 100 * 7000 < first.image_bytes < first.size_bytes < 100 * 8192
    assert (again.images, again.image_bytes) == (0, 0)
    assert again.records_by_kind["Heap/HOT_UPDATE"] == 100
    assert first.size_bytes > 50 * again.size_bytes
    assert update_after_checkpoint(rows=100) == (first, again), "the same, whenever it is asked"


def test_without_full_page_writes_there_are_no_images(database: PostgresDatabase) -> None:
    database.run("ALTER SYSTEM SET full_page_writes = off")
    try:
        database.run("SELECT pg_reload_conf()")
        while database.run("SHOW full_page_writes") != [("off",)]:
            pass
        first, _ = update_after_checkpoint(rows=10)
    finally:
        database.run("ALTER SYSTEM RESET full_page_writes")
        database.run("SELECT pg_reload_conf()")
    assert (first.records, first.images) == (11, 0)


def test_what_only_reads_writes_no_log(database: PostgresDatabase) -> None:
    assert wal_of(database, "SELECT 1", "SELECT 2").records == 0
    assert wal_of(database).size_bytes == 0


@pytest.mark.parametrize("rows", [0, -1])
def test_an_experiment_without_rows_is_refused(rows: int) -> None:
    with pytest.raises(BadParameter, match=f"rows = {rows}"):
        update_after_checkpoint(rows=rows)


def test_an_experiment_leaves_nothing(postgres: Connection) -> None:
    schemas = "SELECT nspname FROM pg_namespace ORDER BY 1"
    update_after_checkpoint(rows=1)
    before = postgres.run(schemas)
    update_after_checkpoint(rows=1)
    assert postgres.run(schemas) == before


# ---------------------------------------------------------------------------------------------------------- torn page

@pytest.mark.parametrize("full_page_writes", [True, False])
def test_a_torn_page_is_repaired_from_its_image_or_found_and_never_used(full_page_writes: bool) -> None:
    before = psutil.Process().children()
    torn = torn_page(full_page_writes=full_page_writes)
    assert (torn.full_page_writes, torn.recovered, torn.expected) == (full_page_writes, full_page_writes, 19)
    if full_page_writes:
        assert torn.found == 19
        assert any("redo done" in line for line in torn.said)
    else:
        assert torn.found is None
        assert any("page verification failed" in line for line in torn.said)
        assert any("FATAL:  invalid page in block 0 of relation" in line for line in torn.said)
    assert psutil.Process().children() == before
