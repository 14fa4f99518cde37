"""A DuckDB in this process that does what it is asked and nothing else."""

from __future__ import annotations

import duckdb


def connected(path: str = ":memory:", *, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a connection that shows no progress bar of its own: a slow machine would find one in its notebook."""
    connection = duckdb.connect(path, config={"threads": threads})
    connection.execute("set enable_progress_bar = false")
    return connection
