"""SQL over a table of files: the log says which files it is, DuckDB reads them. It needs no more than that."""

from __future__ import annotations

from typing import Any

import duckdb

from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.errors import BadParameter
from dsys_lab.stores.lake import LakeTable


def ask(table: LakeTable, sql: str, *, version: int | None = None) -> list[tuple[Any, ...]]:
    """Return the answer of DuckDB to SQL about `this`, the table at a version.

    Raises
    ------
    BadParameter
        If the table is in no folder, has no files, or DuckDB cannot answer.
    """
    store = table.log.store
    files = table.log.snapshot(version).files
    if not isinstance(store, FolderStore) or not files:
        raise BadParameter("the table has no files in a folder: make it on a FolderStore with Parquet, and append rows")
    paths = [str(store.path(f"{table.log.place}/{path}")) for path in files]
    with duckdb.connect(":memory:", config={"threads": 1}) as db:
        try:
            db.read_parquet(paths, union_by_name=True).create_view("this")
            return db.execute(sql).fetchall()
        except duckdb.Error as error:
            raise BadParameter(f"SQL: {sql!r:.200}: {str(error).splitlines()[0]}") from None
