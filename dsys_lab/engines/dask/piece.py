"""What a task does with its piece of a file: one statement of DuckDB, on one thread.

This module travels with the task, so a worker elsewhere needs DuckDB and the files, and nothing of this package.
"""

from __future__ import annotations

from typing import Any

import duckdb


def ask(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    """Return the rows that a statement brings."""
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(sql, values).fetchall()
