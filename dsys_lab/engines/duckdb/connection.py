"""A DuckDB in this process that does what it is asked and nothing else."""

from __future__ import annotations

import duckdb


def connected(path: str = ":memory:", *, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection that shows no progress bar of its own: a slow machine would find one in its notebook.

    Parameters
    ----------
    path : str
        Its file; without one it is in memory.
    threads : int, optional
        How many work for it; without it as many as the machine has cores.
    """
    connection = duckdb.connect(path, config={} if threads is None else {"threads": threads})
    connection.execute("set enable_progress_bar = false")
    return connection
