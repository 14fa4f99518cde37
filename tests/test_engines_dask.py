"""The same question over the same Parquet by several processes: the same answer, also where one of them is killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dsys_lab.engines.dask import DaskParquet, connection
from dsys_lab.engines.dask.connection import SETTING, Connection
from dsys_lab.errors import BadParameter, EngineMissing, Refused
from dsys_lab.stores.warehouse import digest
from dsys_lab.workloads import flights

QUESTIONS = (
    "SELECT carrier, count(*), sum(dep_delay), avg(air_time), min(distance) FROM flights GROUP BY carrier",
    "SELECT origin, month, count(dep_delay) FROM flights WHERE month > 3 AND month <= 6 GROUP BY origin, month",
    ("SELECT manufacturer, count(*), avg(distance) FROM flights f JOIN planes p ON f.tailnum = p.tailnum "
     "WHERE p.year >= 2000 GROUP BY manufacturer"),
    "SELECT month, day, dest, tailnum FROM flights WHERE tailnum = 'N14228' AND dep_delay > 60",
    "SELECT count(*), sum(distance), max(dep_delay) FROM flights WHERE carrier = 'no one'",
    "SELECT f.year, count(*) FROM planes p JOIN flights f ON f.tailnum = p.tailnum GROUP BY f.year",
)  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[DaskParquet]:
    files = {name: [flights.path(name)] for name in ("flights", "planes")}
    yield DaskParquet(files, piece_rows=40_000)
    connection().close()


@pytest.fixture(scope="module")
def one_machine() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    flights.attach(con)
    yield con
    con.close()


@pytest.mark.parametrize("sql", QUESTIONS, ids=lambda sql: sql[:40])
def test_many_tasks_answer_as_one_machine_does(
    lab: DaskParquet, one_machine: duckdb.DuckDBPyConnection, sql: str
) -> None:
    assert lab.query(sql).digest() == digest(one_machine.execute(sql).fetchall())


def test_pieces_are_whole_row_groups_and_hold_every_row_once(lab: DaskParquet, tmp_path: Path) -> None:
    for rows in (100_000, 10**9):
        cut = DaskParquet({"flights": [flights.path("flights")] * 2}, piece_rows=rows)
        assert cut.query("SELECT count(*) FROM flights").rows == [(2 * 336_776,)]
    assert cut.pieces("flights") == 2
    assert lab.pieces("flights") == 9


def test_a_worker_that_is_killed_in_the_middle_changes_nothing_in_the_answer(
    lab: DaskParquet, one_machine: duckdb.DuckDBPyConnection
) -> None:
    killed: list[int] = []

    def kill(done: int, of: int) -> None:
        if done == 2 < of:
            killed.append(connection().kill_worker())

    answer = lab.query(QUESTIONS[0], after_piece=kill)
    assert len(killed) == 1
    assert answer.digest() == digest(one_machine.execute(QUESTIONS[0]).fetchall())


def test_a_cluster_of_your_own_is_reached_by_its_address(lab: DaskParquet, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = connection()
    assert ours.server is not None
    monkeypatch.setenv(SETTING, ours.server.cluster.scheduler_address)
    theirs = connection()
    assert theirs.server is None
    assert DaskParquet({"flights": [flights.path("flights")]}).query(QUESTIONS[1]).digest() == lab.query(
        QUESTIONS[1]
    ).digest()
    with pytest.raises(Refused, match="cluster of your own"):
        theirs.kill_worker()
    theirs.close()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "ftp://x:1"])
def test_an_address_where_nobody_answers_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, address)
    monkeypatch.setattr(sys.modules[Connection.__module__], "ANSWER_WITHIN_S", 0.5)
    with pytest.raises(EngineMissing, match="no scheduler of dask answers"):
        Connection()


def test_wrong_files_and_wrong_questions_are_told(lab: DaskParquet, tmp_path: Path) -> None:
    bad = tmp_path / "x.parquet"
    bad.write_bytes(b"no parquet")
    for wrong, why in (
        (lambda: DaskParquet({"t": [bad]}), "table t"), (lambda: DaskParquet({"t": [tmp_path / "none"]}), "table t"),
        (lambda: DaskParquet({}, piece_rows=0), "piece_rows"),
        (lambda: lab.query("SELECT x FROM flights"), "no column"),
        (lambda: lab.query("SELECT count(*) FROM airports"), "no table 'airports'"),
        (lambda: lab.query("SELECT sum(carrier) FROM flights"), "only be"),
    ):  # fmt: skip
        with pytest.raises(BadParameter, match=why):
            wrong()


def test_a_file_that_goes_before_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    duckdb.execute(f"copy (select 1 as a) to '{path}' (format parquet)")
    lab = DaskParquet({"t": [path]})
    path.unlink()
    with pytest.raises(Refused, match="a task failed"):
        lab.query("SELECT count(*) FROM t")
