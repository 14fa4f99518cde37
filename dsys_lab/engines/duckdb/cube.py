"""The cuboids of `dsys_lab.stores.star_schema`, asked of DuckDB: the same labels, the same answers, in SQL.

A star becomes a table of facts and a table for each dimension, and a view that joins them, with columns of the names
that `FactTable.read` has (`person.city`). A cuboid is a GROUP BY over it, `grouped` all cuboids at once: `CUBE` for
every set of dimensions, `ROLLUP` for their prefixes; both are short for `GROUPING SETS`.

DuckDB's planner knows what merges. After a question, `rows_grouped` says how many rows went into all of its
GROUP BYs: it is counted in the profile, operator by operator.

Sources: duckdb.org, "GROUP BY: grouping sets", "Aggregate functions", "Profiling"; behaviour as of DuckDB 2.0.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import duckdb
import numpy as np

from dsys_lab.engines.difference import Difference
from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import BadParameter, EngineMissing, require_choice, require_positive
from dsys_lab.stores.star_schema import FactTable, Measured

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
SETS: Final = ("cube", "rollup")
FACTS: Final = "facts"
WIDE: Final = "wide"

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
    Difference(
        "a label None comes first",
        "NULL comes last, and a dimension that was left out shows as NULL, too",
        "`GROUPING_ID` tells them apart.",
    ),
)  # fmt: skip
"""What the engine does otherwise than `stores.star_schema`, as a table."""

Answers = list[tuple[Any, ...]]


class DuckdbCube:
    """Facts in DuckDB, in memory, that answer by any dimensions.

    Examples
    --------
    >>> nights = {"city": ["Oslo", "Oslo", "Lima"], "minutes": [400, 460, None]}
    >>> with DuckdbCube.of(nights) as cube:
    ...     cube.cuboid(("city",), [Measured("avg", "minutes")])
    [('Lima', None), ('Oslo', 430.0)]
    """

    engine = f"DuckDB {duckdb.__version__}"

    def __init__(self, *, threads: int = 1) -> None:
        require_positive(threads=threads)
        self._db = duckdb.connect(":memory:", config={"threads": threads})
        self._db.execute("set enable_profiling = 'no_output'")
        self._db.execute("set profiling_mode = 'detailed'")
        self._columns: tuple[str, ...] = ()
        self.rows_grouped = 0

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]], *, threads: int = 1) -> Self:
        """Return the facts given by column; None is NULL.

        Raises
        ------
        BadParameter
            If there is no column, or one is shorter than another.
        """
        if not columns or len({len(column) for column in columns.values()}) > 1:
            raise BadParameter(f"{len(columns)} columns: give at least one, all of the same length")
        made = cls(threads=threads)
        made._table(WIDE, columns)
        made._columns = tuple(columns)
        return made

    @classmethod
    def of_star(cls, star: FactTable, *, as_of: str = "then", threads: int = 1) -> Self:
        """Return a star: facts, dimensions, and a view that joins them, with the attributes of then or of now."""
        made = cls(threads=threads)
        made._table(FACTS, star.read(*star.columns))
        chosen = [f"{FACTS}.{quoted(name)}" for name in star.columns]
        joins, named = [], list(star.columns)
        for column, link in star.links.items():
            dimension = link.dimension
            surrogates = list(range(dimension.status().versions + 1))
            look = dimension.version if as_of == "then" else dimension.current
            said = {name: [look(one).attributes[name] for one in surrogates] for name in dimension.attributes}
            made._table(f"of {column}", {"surrogate": surrogates, **said})
            table = quoted(f"of {column}")
            joins.append(f"join {table} on {FACTS}.{quoted(column)} = {table}.surrogate")
            named += [f"{column}.{name}" for name in said]
            chosen += [f"{table}.{quoted(name)} as {quoted(f'{column}.{name}')}" for name in said]
        sql = f"select {', '.join(chosen)} from {FACTS} {' '.join(joins)}"  # noqa: S608  quoted
        made._db.execute(f"create view {WIDE} as {sql}")
        made._columns = tuple(named)
        return made

    def _table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Make a table of columns, which DuckDB takes where they are."""
        given = {column: _array(values) for column, values in columns.items()}
        self._db.register("given", given)
        self._db.execute(f"create table {quoted(name)} as select * from given")  # noqa: S608  quoted
        self._db.unregister("given")

    # ------------------------------------------------------------ questions
    def cuboid(self, by: Sequence[str], measures: Sequence[Measured]) -> Answers:
        """Return labels and measures of each cell, in the order of the labels, NULL first."""
        order = f" group by {', '.join(map(quoted, by))} order by all nulls first" if by else ""
        return self._ask(f"select {', '.join(self._select(by, measures))} from {WIDE}{order}")  # noqa: S608  quoted

    def grouped(
        self, by: Sequence[str], measures: Sequence[Measured], *, sets: str = "cube"
    ) -> dict[tuple[str, ...], Answers]:
        """Return all cuboids of `CUBE` or `ROLLUP` in one question: dimensions -> labels and measures of each cell.

        Raises
        ------
        BadParameter
            If a column or the kind of sets is unknown.
        """
        require_choice("sets", sets, SETS)
        names = ", ".join(map(quoted, by))
        chosen = ", ".join([*self._select(by, measures), f"grouping_id({names}) as left_out"])
        rows = self._ask(f"select {chosen} from {WIDE} group by {sets}({names}) order by all nulls first")  # noqa: S608
        found: dict[tuple[str, ...], Answers] = {}
        for *answer, left_out in rows:
            stays = [place for place in range(len(by)) if not left_out >> (len(by) - 1 - place) & 1]
            labels = [answer[place] for place in stays]
            found.setdefault(tuple(by[place] for place in stays), []).append((*labels, *answer[len(by) :]))
        return found

    def _select(self, by: Sequence[str], measures: Sequence[Measured]) -> list[str]:
        for name in (*by, *(measured.column for measured in measures)):
            if name not in self._columns:
                raise BadParameter(f"no column {name!r}: there are {', '.join(self._columns)}")
        if not measures or len(set(by)) < len(by):
            raise BadParameter(f"by {tuple(by)}, {len(measures)} measures: name each dimension once, and measure")
        asked = [f"{SQL[one.how].format(quoted(one.column))} as {quoted(str(one))}" for one in measures]
        return [*map(quoted, by), *asked]

    def _ask(self, sql: str) -> Answers:
        answers = [tuple(map(_plain, row)) for row in self._db.execute(sql).fetchall()]
        self.rows_grouped = rows_grouped(self._db.get_profiling_information(format="json"))
        return answers

    def close(self) -> None:
        """Let go of everything."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


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


def _plain(value: Any) -> Any:
    """Return a whole number as int, whatever DuckDB's sum calls it."""
    return int(value) if hasattr(value, "as_tuple") and value == int(value) else value

