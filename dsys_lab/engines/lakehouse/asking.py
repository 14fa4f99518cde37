"""SQL over a table of files: the log says which files it is, DuckDB reads them. It needs no more than that."""

from __future__ import annotations

from typing import Any

import duckdb

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.engines.lakehouse.parquet import read_files
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
    seen = table.log.snapshot(version)
    if not isinstance(store, FolderStore) or not seen.files or seen.metadata is None:
        raise BadParameter("the table has no files in a folder: make it on a FolderStore with Parquet, and append rows")
    paths = [str(store.path(f"{table.log.place}/{path}")) for path in seen.files]
    partition_by = seen.metadata.partition_by
    with connected(threads=1) as db:
        try:
            db.execute(f"create view this as from {read_files(paths, seen.fields, partition_by)}")
            return db.execute(sql).fetchall()
        except duckdb.Error as error:
            raise BadParameter(f"SQL: {sql!r:.200}: {str(error).splitlines()[0]}") from None
