"""The cuboids of `dsys_lab.stores.star_schema`, asked of PostgreSQL, with the verbs of `engines.cube_sql`.

PostgreSQL has `GROUPING SETS`, `CUBE` and `ROLLUP`, and a median (`percentile_cont`). (Its extension `cube` is another
thing: points and boxes in space.) It reads the facts once for all sets, but makes no coarser group of a finer one: each
fact is added to a cell of every set. What is sorted serves a set and its prefixes in one pass; the others are hashed.

Sources: PostgreSQL 18 documentation, "GROUPING SETS, CUBE, and ROLLUP", "Aggregate Functions"; behaviour as measured
with PostgreSQL 18.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dsys_lab.engines.cube_sql import WIDE, Answers, SqlCube, plain, short
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.table_sql import quoted
from dsys_lab.stores.star_schema import Measured

_MEDIAN: Final = "percentile_cont(0.5) within group (order by {})"
SQL: Final = {
    "count": "count({})",
    "sum": "sum({})",
    "min": "min({})",
    "max": "max({})",
    "avg": "avg({})::float8",
    "var": "var_pop({})::float8",
    "median": _MEDIAN,
    "median_of_all": _MEDIAN,
    "distinct": "count(distinct {})",
}
"""Each aggregate of the model in PostgreSQL's words."""

DIFFERENCES: Final = (
    Difference(
        "coarser cuboids are made of finer ones",
        "each fact is added to a cell of every set",
        "One pass over the facts serves all sets that are hashed; that a sum would merge saves nothing.",
    ),
    Difference(
        "median_sketch, distinct_sketch",
        "not without an extension",
        "Refused, with the aggregates that there are.",
        ("median_sketch", "distinct_sketch"),
    ),
    Difference(
        "NotDecomposable for a rolled-up median",
        "percentile_cont is worked out from the facts",
        "No error: the facts are sorted once for each chain of sets of which one is the beginning of the next.",
    ),
)
"""What the engine does otherwise than `stores.star_schema`, as a table."""


class PostgresCube(SqlCube):
    """Facts in PostgreSQL, in a schema of their own, that answer by any dimensions.

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there.
    """

    words = SQL

    def __init__(self) -> None:
        super().__init__()
        self._database = PostgresDatabase()
        self.engine = self._database.engine

    def _table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        types = {column: _type(values) for column, values in columns.items()}
        made = ", ".join(f"{quoted(column)} {kind}" for column, kind in types.items())
        self._database.run(f"create table {quoted(name)} ({made})")
        arrays = ", ".join(f"%s::{kind}[]" for kind in types.values())
        self._database.run(
            f"insert into {quoted(name)} select * from unnest({arrays})",  # noqa: S608  quoted
            [list(values) for values in columns.values()],
        )
        if name == WIDE:
            self._database.run(f"analyze {WIDE}")

    def _ask(self, sql: str) -> Answers:
        return [tuple(map(plain, row)) for row in self._database.run(sql)]

    def explained(self, by: Sequence[str], measures: Sequence[Measured], *, sets: str = "cube") -> list[str]:
        """Return the lines of the plan by which PostgreSQL would answer `grouped`."""
        return [line for (line,) in self._ask(f"explain (costs off) {self._in_sql(by, measures, short(by, sets))}")]

    def close(self) -> None:
        """Drop the schema."""
        self._database.close()


def _type(values: Sequence[Any]) -> str:
    """Return the type that holds all of these values."""
    if any(isinstance(value, str) for value in values):
        return "text"
    return "double precision" if any(isinstance(value, float) for value in values) else "bigint"
