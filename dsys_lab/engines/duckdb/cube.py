"""The cuboids of `dsys_lab.stores.star_schema`, asked of DuckDB, with the verbs of `engines.cube_sql`.

DuckDB's planner knows what merges. After a question, `rows_grouped` says how many rows went into all of its
GROUP BYs: it is counted in the profile, operator by operator.

Sources: duckdb.org, "GROUP BY: grouping sets", "Aggregate functions", "Profiling"; behaviour as of DuckDB 2.0.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab.engines.cube_sql import Answers, SqlCube, plain
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import EngineMissing

SQL: Final = {
    "count": "count({})",
    "sum": "sum({})",
    "min": "min({})",
    "max": "max({})",
    "avg": "avg({})",
    "var": "var_pop({})",
    "median": "median({})",
    "median_of_all": "median({})",
    "distinct": "count(distinct {})",
    "median_sketch": "approx_quantile({}, 0.5)",
    "distinct_sketch": "approx_count_distinct({})",
}
"""Each aggregate of the model in DuckDB's words."""

DIFFERENCES: Final = (
    Difference(
        "a cuboid keeps states, and is rolled up when somebody asks",
        "answers are worked out for each question; nothing is kept",
        "Within one question with GROUPING SETS, coarser groups are made of finer ones, where the aggregate merges.",
        ("kept",),
    ),
    Difference(
        "median_sketch: KLL of k = 200",
        "approx_quantile: a t-digest",
        "Both merge; each has an error of its own, so the answers differ a little.",
        ("median_sketch",),
    ),
    Difference(
        "distinct_sketch: HyperLogLog, 1,024 registers",
        "approx_count_distinct: a HyperLogLog of its own size and hash",
        "Estimates differ within their errors; two sketches of different makers do not merge.",
        ("distinct_sketch",),
    ),
    Difference(
        "NotDecomposable for a rolled-up median",
        "a median is worked out from the facts, again for each set of dimensions",
        "No error: the price is in `rows_grouped`.",
        ("refusals",),
    ),
)  # fmt: skip
"""What the engine does otherwise than `stores.star_schema`, as a table."""


class DuckdbCube(SqlCube):
    """Facts in DuckDB, in memory, on one thread, that answer by any dimensions.

    Examples
    --------
    >>> from dsys_lab.stores.star_schema import Measured
    >>> nights = {"city": ["Oslo", "Oslo", "Lima"], "minutes": [400, 460, None]}
    >>> with DuckdbCube.of(nights) as cube:
    ...     cube.cuboid(("city",), [Measured("avg", "minutes")])
    [('Lima', None), ('Oslo', 430.0)]
    """

    engine = f"DuckDB {duckdb.__version__}"
    words = SQL

    def __init__(self) -> None:
        super().__init__()
        self._db = connected(threads=1)
        self._db.execute("set enable_profiling = 'no_output'")
        self._db.execute("set profiling_mode = 'detailed'")
        self.rows_grouped = 0

    def _table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Make a table of columns, which DuckDB takes where they are."""
        given = {column: _array(values) for column, values in columns.items()}
        self._db.register("given", given)
        self._db.execute(f"create table {quoted(name)} as select * from given")  # noqa: S608  quoted
        self._db.unregister("given")

    def _ask(self, sql: str) -> Answers:
        answers = [tuple(map(plain, row)) for row in self._db.execute(sql).fetchall()]
        self.rows_grouped = rows_grouped(self._db.get_profiling_information(format="json"))
        return answers

    def close(self) -> None:
        """Let go of everything."""
        self._db.close()


def rows_grouped(profile: str) -> int:
    """Return how many rows went into all the GROUP BYs of a profile in JSON.

    Raises
    ------
    EngineMissing
        If this DuckDB names its counters otherwise.
    """
    return sum(_rows_of(one["children"][0]) for one in _operators(json.loads(profile)) if _groups(one))


def _groups(operator: Mapping[str, Any]) -> bool:
    return str(operator.get("type", "")).endswith(("GROUP_BY", "AGGREGATE"))


def _rows_of(operator: Mapping[str, Any]) -> int:
    """Return how many rows an operator hands on; one that tells nothing of it hands on what it gets."""
    for name in ("intermediate_rows", "rows_scanned"):
        if name in operator:
            return int(operator[name])
    if not operator.get("children"):
        version = duckdb.__version__
        raise EngineMissing(f"DuckDB {version} tells no rows of {operator.get('type')}: install duckdb>=2,<3")
    return _rows_of(operator["children"][0])


def _operators(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    below = [*one.get("children", []), *one.get("operator", [])]
    return [one, *(deeper for each in below for deeper in _operators(each))]


def _array(values: Sequence[Any]) -> Any:
    """Return a column as an array, NULLs masked."""
    empty = np.array([value is None for value in values], np.bool_)
    is_text = any(isinstance(value, str) for value in values)
    filled = [("" if is_text else 0) if value is None else value for value in values]
    column = np.array(filled, object) if is_text else np.array(filled)
    return np.ma.masked_array(column, empty) if empty.any() else column
