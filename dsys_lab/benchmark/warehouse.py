"""A warehouse's work: bytes that a range touches against the law, and a group-by on one process, on two, and in DuckDB.

The flights are those of the real year, repeated until there are ten million, each copy in an order of its own; the
model, which is written in Python, is asked of a tenth of them.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.dask import DaskParquet, connection
from dsys_lab.engines.dask.piece import ask
from dsys_lab.scenarios.column_store import sorting
from dsys_lab.stores.warehouse import Cluster, Warehouse
from dsys_lab.structures.schema import Schema
from dsys_lab.workloads import flights

COPIES: Final = 30
SQL: Final = "SELECT carrier, origin, count(*), sum(dep_delay), avg(distance) FROM flights GROUP BY carrier, origin"
MODEL_SQL: Final = "SELECT carrier, month, count(*), sum(dep_delay), avg(distance) FROM flights GROUP BY carrier, month"
MODEL_COPIES: Final = 3


def zone_maps() -> None:
    """Print which share of a column's bytes a hundredth of a table reads, beside the law."""
    print("\nA hundredth of a table: share of the bytes that are read")
    for displaced in (0.0, 1e-3, 1e-2):
        for where in sorting.WHERE:
            counted, law = sorting.touched(displaced, where), sorting.touched_by_law(displaced, where)
            print(f"  {displaced:6.3f} elsewhere, {where:16}{counted:10.2%}   law {law:8.2%}")


def group_by() -> None:
    """Group ten million flights: two processes of dask against one process, and DuckDB with one thread and two."""
    with tempfile.TemporaryDirectory(prefix="dsys_lab-") as folder:
        files = many_flights(Path(folder), COPIES)
        lab = DaskParquet({"flights": files}, piece_rows=400_000)
        rows = COPIES * flights.FILES["flights"].rows
        compare(
            f"A group-by over {rows:,} flights in Parquet", "rows",
            [
                Rival(f"{lab.engine}, two processes", lambda: _answered(lab, rows)),
                Rival("the same pieces, one process", lambda: _one_process(lab, rows)),
                Rival("DuckDB, one thread", lambda: _duckdb(files, 1, rows)),
                Rival("DuckDB, two threads", lambda: _duckdb(files, 2, rows)),
            ],
            rounds=3,
        )  # fmt: skip
        connection().close()


def slices() -> None:
    """Group a million flights in the model: two slices here, one after the other, or in two processes; and DuckDB."""
    columns = _columns(MODEL_COPIES)
    rows = len(columns["month"])
    here = _model(columns, None)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes, duckdb.connect() as db:
        apart = _model(columns, processes)
        db.execute("set threads = 1")
        db.register("given", columns)
        db.execute("create table flights as from given")
        assert here.query(MODEL_SQL).digest() == apart.query(MODEL_SQL).digest()
        compare(
            f"A group-by over {rows:,} flights in memory", "rows",
            [
                Rival("the model, two processes", partial(_asked, apart, rows)),
                Rival("the model, one process", partial(_asked, here, rows)),
                Rival("DuckDB, one thread", lambda: float(bool(db.execute(MODEL_SQL).fetchall())) * rows),
            ],
            rounds=3,
        )  # fmt: skip


def many_flights(folder: Path, copies: int, *, seed: int = 7) -> list[Path]:
    """Write the year so many times, a file for each, the rows of each in an order of its own."""
    source, files = str(flights.path("flights")), []
    for number in range(copies):
        files.append(folder / f"flights-{number:02d}.parquet")
        duckdb.execute(
            f"copy (select carrier, origin, month, dep_delay, distance "  # noqa: S608  paths and numbers of our own
            f"from read_parquet('{source}', file_row_number = true) order by hash(file_row_number + {number * seed})) "
            f"to '{files[-1]}' (format parquet, row_group_size 122880)"
        )
    return files


def _columns(copies: int) -> dict[str, Any]:
    with duckdb.connect() as db:
        year = flights.columns(db, "flights", "carrier", "month", "dep_delay", "distance")
    year["carrier"] = np.unique(year["carrier"], return_inverse=True)[1].astype(np.int32)
    return {name: np.ma.concatenate([column] * copies) for name, column in year.items()}


def _model(columns: dict[str, Any], executor: Executor | None) -> Warehouse:
    lab = Warehouse(Cluster(1, 2), block_bytes=1 << 20, executor=executor)
    lab.create_table("flights", Schema.of("carrier i32, month i32, dep_delay i32?, distance i32"))
    lab.copy("flights", [columns])
    return lab


def _asked(lab: Warehouse, rows: int) -> float:
    lab.query(MODEL_SQL)
    return rows


def _answered(lab: DaskParquet, rows: int) -> float:
    lab.query(SQL)
    return rows


def _one_process(lab: DaskParquet, rows: int) -> float:
    for sql, values in lab.tasks(SQL):
        ask(sql, values)
    return rows


def _duckdb(files: list[Path], threads: int, rows: int = 1) -> float:
    with duckdb.connect(config={"threads": threads}) as db:
        db.execute("create view flights as from read_parquet([" + ", ".join(f"'{path}'" for path in files) + "])")
        db.execute(SQL).fetchall()
    return rows
