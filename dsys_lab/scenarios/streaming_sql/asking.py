"""A reader's own SQL over the streams, beside the batch answer over the same rows.

Who gives the batch answer is brought by the caller: `dsys_lab.engines.duckdb.DuckdbBatch`.

>>> from dsys_lab.engines.duckdb import DuckdbBatch
>>> answer = ask("SELECT city, COUNT(*) AS n FROM pings GROUP BY city", DuckdbBatch, seconds=20)
>>> answer.agrees, answer.columns
(True, ['city', 'n'])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsys_lab.dataflows.streaming_sql import Catalog, Change, Query, QueryStatus, folded
from dsys_lab.dataflows.windows import Emission
from dsys_lab.scenarios.streaming_sql.world import Told, by_table, catalog, told

if TYPE_CHECKING:
    import pandas as pd

Table = Counter[tuple[Any, ...]]
Batch = Callable[[Catalog, Mapping[str, list[tuple[Any, ...]]]], AbstractContextManager[Any]]
"""Makes an engine, with a verb `answer`, of tables and their rows."""


@dataclass(frozen=True, slots=True)
class Said:
    """One change, and when it was said."""

    time_us: int
    change: Change


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query said of a stream, and what a batch says of the same rows.

    Attributes
    ----------
    sql : str
    columns : list of str
    times : tuple of int
        Which of them are times.
    said : list of Said
        Every change, in order.
    batch : Counter
        The rows of the batch answer.
    plan : str
        What EXPLAIN says.
    status : QueryStatus
    rows : int
        How many rows went in.
    """

    sql: str
    columns: list[str]
    times: tuple[int, ...]
    said: list[Said]
    batch: Table
    plan: str
    status: QueryStatus
    rows: int

    @property
    def table(self) -> Table:
        """The rows that stand in the end."""
        return folded(one.change for one in self.said)

    @property
    def agrees(self) -> bool:
        """Whether the rows that stand are those of the batch; fractions to nine digits."""
        return _rounded(self.table) == _rounded(self.batch)

    @property
    def missing(self) -> Table:
        """The rows of the batch answer that the query does not have: what came too late has changed them."""
        return _rounded(self.batch) - _rounded(self.table)

    def by_op(self) -> dict[str, int]:
        """Return how many changes of each kind were said."""
        return dict(sorted(Counter(one.change.op for one in self.said).items()))

    def changes(self, first: int = 20) -> pd.DataFrame:
        """Return the first changes as a table, times in seconds."""
        import pandas as pd

        rows = [(one.time_us / 1e6, one.change.op, *self._in_seconds(one.change.row)) for one in self.said[:first]]
        return pd.DataFrame(rows, columns=["said at s", "op", *self.columns])

    def frame(self) -> pd.DataFrame:
        """Return the rows that stand in the end, times in seconds."""
        import pandas as pd

        rows = sorted((self._in_seconds(row) for row in self.table.elements()), key=str)
        return pd.DataFrame(rows, columns=self.columns)

    def _in_seconds(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            value / 1e6 if place in self.times and value is not None else value for place, value in enumerate(row)
        )


def ask(
    sql: str, batch: Batch, *, seed: int = 7, bound_s: float = 5.0, early_s: float | None = None,
    lateness_s: float = 0.0, tables: Catalog | None = None, rows: list[Told] | None = None, **world: Any,
) -> Answer:  # fmt: skip
    """Run a query over the streams of `told` (its parameters are `world`), or over `rows` of other `tables`.

    `batch` takes the tables and their rows, and answers the same SQL when all are there. With `early_s` of None or 0
    no window speaks early.

    Raises
    ------
    BadParameter
        If the SQL is not supported: with line, column and what is.
    """
    tables = tables or catalog(bound_s)
    emission = Emission(
        early_us=round(early_s * 1e6) if early_s else None, lateness_us=round(lateness_s * 1e6)
    )
    query = tables.query(sql, emission=emission)
    given = told(seed, **world) if rows is None else rows
    said = performed(query, given, ticks_us=emission.early_us)
    with batch(tables, by_table(given)) as engine:
        truth = engine.answer(sql)
    times = tuple(place for place, field in enumerate(query.plan.fields) if field.type == "time")
    rows_in = sum(one.table in query.tables for one in given)
    return Answer(sql, query.columns, times, said, truth, query.explain(), query.status(), rows_in)


def performed(query: Query, rows: list[Told], *, ticks_us: int | None = None, ends: bool = True) -> list[Said]:
    """Let the rows come, and say what the query says and when; at the end all that waits, if the streams end."""
    said: list[Said] = []
    next_us = ticks_us or 0
    for came_us, table, row in rows:
        while ticks_us is not None and next_us <= came_us:
            said += [Said(next_us, change) for change in query.tick(next_us)]
            next_us += ticks_us
        if table in query.tables:
            said += [Said(came_us, change) for change in query.on_row(came_us, table, row)]
    last_us = rows[-1].came_us if rows else 0
    return said + [Said(last_us, change) for change in query.finish(last_us)] if ends else said


def changes_table(query: Query, changes: list[Change]) -> pd.DataFrame:
    """Return what a query has said as a table, a row a change, times in seconds; of no change it says so."""
    import pandas as pd

    is_time = [field.type == "time" for field in query.plan.fields]
    rows = [
        (change.op, *(value // 1_000_000 if time else value for time, value in zip(is_time, change.row, strict=True)))
        for change in changes
    ]
    rows = rows or [("nothing is said", *[""] * len(query.columns))]
    return pd.DataFrame(rows, columns=["op", *query.columns]).set_index("op")


def _rounded(table: Table) -> Table:
    rounded: Table = Counter()
    for row, count in table.items():
        rounded[tuple(round(value, 9) if isinstance(value, float) else value for value in row)] += count
    return rounded
