"""The flights of 2013 as a table of files: one commit a month, in the order in which the months lie in the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.engines.lakehouse.parquet import Parquet
from dsys_lab.stores.lake import Columns, Fields, LakeTable, TableLog
from dsys_lab.stores.table import Between
from dsys_lab.workloads import flights

FLIGHTS: Final = Fields.of("month integer, day integer, origin string, carrier string, dep_delay integer?")


def months() -> dict[int, Columns]:
    """Return the columns of each month, in the order of the data: 1, 10, 11, 12, 2, …"""
    with connected() as db:
        found = flights.columns(db, "flights", *FLIGHTS.names)
    order = list(dict.fromkeys(found["month"].tolist()))
    return {month: {name: found[name][np.asarray(found["month"] == month)].tolist() for name in FLIGHTS.names}
            for month in order}  # fmt: skip


def flight_table(folder: str | Path, *, name: str = "flights", partition_by: Sequence[str] = ()) -> LakeTable:
    """Return a Delta table in `folder`/`name` with a commit for each month."""
    log = TableLog(FolderStore(folder), name, Parquet())
    table = LakeTable.create(log, FLIGHTS, partition_by=partition_by)
    for batch, columns in enumerate(months().values()):
        table.append(columns, batch=batch)
    return table


def opened(tables: Mapping[str, LakeTable], questions: Mapping[str, Between]) -> list[dict[str, str | int]]:
    """Return, for each table and question, how many files it opens of how many, and what these weigh."""
    told: list[dict[str, str | int]] = []
    for name, table in tables.items():
        for question, where in questions.items():
            answer = table.read("dep_delay", where=where)
            told.append({"table": name, "question": question, "files opened": answer.files_read,
                         "of": answer.files_read + answer.files_skipped, "KB": round(answer.bytes_read / 1_000),
                         "flights": len(answer.rows)})  # fmt: skip
    return told
