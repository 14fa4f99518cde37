"""The flights are the committed bytes or they are refused, and their real gaps are the ones that the labs speak of."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from dsys_lab.errors import BadParameter, Damaged
from dsys_lab.workloads import flights

duckdb = pytest.importorskip("duckdb")
README = (flights.FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    flights.attach(opened)
    yield opened
    opened.close()


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files in a folder whose name SQL could trip over, to be damaged."""
    folder = tmp_path / "it's data"
    shutil.copytree(flights.FOLDER, folder)
    monkeypatch.setattr(flights, "FOLDER", folder)
    return folder


@pytest.mark.parametrize("table", flights.FILES)
def test_a_file_is_what_the_code_and_the_readme_say(table: str, connection: duckdb.DuckDBPyConnection) -> None:
    expected = flights.FILES[table]
    content = flights.path(table).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (expected.size_bytes, expected.sha256)
    assert connection.execute(f"select count(*) from {table}").fetchall() == [(expected.rows,)]
    columns = len(connection.execute(f"describe {table}").fetchall())
    line = f"| `{table}.parquet` | {expected.rows:,} | {columns} | {expected.size_bytes:,} | `{expected.sha256}` |"
    assert line in README


def test_all_files_together_are_small() -> None:
    assert sum(file.size_bytes for file in flights.FILES.values()) < 10_000_000


@pytest.mark.parametrize("gap", flights.GAPS)
def test_a_real_gap_is_there_and_the_readme_says_so(gap: str, connection: duckdb.DuckDBPyConnection) -> None:
    known = flights.GAPS[gap]
    assert connection.execute(known.sql).fetchall() == [(known.count,)]
    assert re.search(rf"\| {known.count:,} \|$", README, flags=re.MULTILINE)


def test_the_totals_beside_the_gaps_are_right(connection: duckdb.DuckDBPyConnection) -> None:
    def counted(sql: str) -> int:
        return connection.execute(f"select {sql}").fetchall()[0][0]

    assert counted("count(distinct tailnum) from flights") == 4_043
    assert counted("count(distinct dest) from flights") == 105
    assert counted("count(*) from flights where month = 2 and day = 8") == 930
    assert counted("count(*) from flights where month = 2 and day = 9") == 684
    assert counted("count(*) from flights where tailnum is null") == flights.GAPS["no tail number"].count
    cancelled = connection.execute(
        "select count(*) as n from flights where dep_time is null group by month, day order by n desc limit 2"
    ).fetchall()
    assert cancelled == [(flights.GAPS["blizzard"].count,), (flights.GAPS["after the blizzard"].count,)]
    missing = "select distinct dest from flights anti join airports on dest = faa order by dest"
    assert connection.execute(missing).fetchall() == [("BQN",), ("PSE",), ("SJU",), ("STT",)]


def test_columns_keep_types_nulls_and_order() -> None:
    columns = flights.columns(duckdb, "flights", "month", "dep_time", "tailnum", "time_hour")
    assert list(columns) == ["month", "dep_time", "tailnum", "time_hour"]
    assert columns["month"].dtype == np.int32
    assert int(columns["dep_time"].mask.sum()) == flights.GAPS["cancelled"].count
    assert str(columns["time_hour"][0]) == "2013-01-01T10:00:00.000000"
    in_order = columns["month"][np.flatnonzero(np.diff(columns["month"], prepend=0))]
    assert in_order.tolist() == [1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9]
    assert len(flights.columns(duckdb, "airlines")["name"]) == 16


# ------------------------------------------------------------------------------------------ damaged
def test_a_changed_byte_is_named_with_both_sums_and_the_cure(copied: Path) -> None:
    file = copied / "planes.parquet"
    content = bytearray(file.read_bytes())
    content[10_000] ^= 1
    file.write_bytes(content)
    given = hashlib.sha256(content).hexdigest()
    expected = flights.FILES["planes"].sha256
    with pytest.raises(Damaged, match=rf"data/planes.parquet .*{given}, expected {expected}: .*checkout"):
        flights.path("planes")
    with pytest.raises(Damaged, match="planes"):
        flights.attach(duckdb.connect())
    assert flights.path("airports").parent == copied, "the other files are read as before"
    assert len(flights.columns(duckdb, "airports", "faa")["faa"]) == 1458


def test_a_file_cut_short_is_named_with_both_sizes(copied: Path) -> None:
    file = copied / "flights.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Damaged, match=r"data/flights\.parquet has 5,813,076 bytes, expected 5,813,077"):
        flights.columns(duckdb, "flights")


def test_a_missing_file_is_named_with_the_cure(copied: Path) -> None:
    (copied / "weather.parquet").unlink()
    with pytest.raises(Damaged, match=r"data/weather.parquet cannot be read .*git checkout -- data/weather.parquet"):
        flights.path("weather")


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(BadParameter, match="table = 'trains': give one of flights, weather"):
        flights.path("trains")
