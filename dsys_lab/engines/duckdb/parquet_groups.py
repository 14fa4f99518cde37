"""The same rows as Parquet in an order: which row groups can hold a value, and how large does each column become?

A Parquet file says in its footer of each column of each row group what its smallest and largest values are: zone maps,
written by another hand for the same reason. `groups_met` lets DuckDB write the file and reads its footer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import BadParameter

GROUP_ROWS_LEAST = 2_048
"""DuckDB writes no smaller row groups."""


def groups_met(
    columns: Mapping[str, Any], *, wanted: Mapping[str, int], order_by: Sequence[str] = (), group_rows: int = 20_000
) -> dict[str, dict[str, int]]:
    """Write columns of whole numbers as Parquet, and return what its footer says.

    Parameters
    ----------
    columns : mapping of arrays, shape (rows,)
    wanted : mapping
        Column -> a value of it that is asked for.
    order_by : sequence of str
        Columns that the rows are sorted by before they are written.
    group_rows : int
        2,048 or more.

    Returns
    -------
    dict
        Column -> `groups` in all, those that may hold the value (`met`), and the compressed `bytes` of its chunks.
    """
    if group_rows < GROUP_ROWS_LEAST:
        raise BadParameter(f"group_rows = {group_rows!r}: give {GROUP_ROWS_LEAST:,} or more")
    for name in (*wanted, *order_by):
        if name not in columns:
            raise BadParameter(f"no column {name!r}; there are {', '.join(columns)}")
    with tempfile.TemporaryDirectory(prefix="dsys_lab-") as folder, connected(threads=1) as db:
        path = str(Path(folder) / "rows.parquet")
        db.register("given", dict(columns))
        order = f" order by {', '.join(map(quoted, order_by))}" if order_by else ""
        db.execute(
            f"copy (from given{order}) to '{path}' (format parquet, row_group_size {group_rows})"
        )
        told = db.execute(
            "select path_in_schema, try_cast(stats_min_value as bigint), try_cast(stats_max_value as bigint), "
            "total_compressed_size from parquet_metadata(?) order by row_group_id",
            [path],
        ).fetchall()
    found = {}
    for name, value in wanted.items():
        mine = [(low, high, size) for column, low, high, size in told if column == name]
        met = sum(low is None or low <= value <= high for low, high, _ in mine)
        found[name] = {"groups": len(mine), "met": met, "bytes": sum(size for *_, size in mine)}
    return found
