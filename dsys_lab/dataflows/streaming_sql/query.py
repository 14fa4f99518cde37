"""A query that never ends: rows go in, changes come out.

>>> catalog = Catalog()
>>> catalog.execute("CREATE TABLE pings (city STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)")
>>> query = catalog.query('''SELECT window_start, city, COUNT(*) AS n
...     FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))
...     GROUP BY window_start, window_end, city''')
>>> for second in (1, 8, 16):
...     changes = query.on_row(second, "pings", ("Oslo", second * 1_000_000))
>>> changes
[Change(op='+I', row=(0, 'Oslo', 2))]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import expressions as exp

from dsys_lab.dataflows.streaming_sql import plan
from dsys_lab.dataflows.streaming_sql.changes import Change
from dsys_lab.dataflows.streaming_sql.operators import Operator
from dsys_lab.dataflows.streaming_sql.planning import planned
from dsys_lab.dataflows.streaming_sql.tables import StreamTable, created
from dsys_lab.dataflows.streaming_sql.text import read
from dsys_lab.dataflows.windows import Emission, Watermarks
from dsys_lab.errors import BadParameter
from dsys_lab.trace import NO_TRACE, Recorder

_END_US = 1 << 62


@dataclass(frozen=True, slots=True)
class QueryStatus:
    """What a query has done and remembers.

    Attributes
    ----------
    rows, changes : int
        How many went in and came out.
    kept : dict
        By operator, numbered from the tables up: how many states or rows it remembers.
    watermark_us : int
    """

    rows: int
    changes: int
    kept: dict[str, int]
    watermark_us: int

    @property
    def kept_in_all(self) -> int:
        """States and rows of all operators."""
        return sum(self.kept.values())


class Catalog:
    """The tables that queries may name.

    Attributes
    ----------
    tables : dict
    """

    def __init__(self) -> None:
        self.tables: dict[str, StreamTable] = {}

    def execute(self, sql: str) -> None:
        """Make a table.

        Raises
        ------
        BadParameter
            With the position of what is not meant, or if there is a table of this name.
        """
        table = created(sql)
        if table.name in self.tables:
            raise BadParameter(f"there is a table {table.name} already: give another name")
        self.tables[table.name] = table

    def query(
        self, sql: str, *, emission: Emission | None = None, idle_us: int | None = None, ahead_us: int | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> Query:  # fmt: skip
        """Return a running query; see `Query`."""
        return Query(self, sql, emission=emission, idle_us=idle_us, ahead_us=ahead_us, recorder=recorder)


class Query:
    """A SELECT, or INSERT INTO ... SELECT, over streams.

    Parameters
    ----------
    catalog : Catalog
    sql : str
    emission : Emission, optional
        When windows speak: on time, without one.
    idle_us, ahead_us
        See `Watermarks`; of each table.

    Attributes
    ----------
    sink : str
        Where INSERT INTO sends what comes out; "" for a SELECT.
    """

    def __init__(
        self, catalog: Catalog, sql: str, *, emission: Emission | None = None, idle_us: int | None = None,
        ahead_us: int | None = None, recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        text = read(sql)
        tree = text.parsed()
        self.sql, self.sink = sql, ""
        if isinstance(tree, exp.Insert):
            self.sink, tree = tree.this.name, tree.expression
        emission = emission or Emission()
        if emission.mode != "retract":
            raise BadParameter(f"mode = {emission.mode!r}: a query says its changes as retractions; give 'retract'")
        self.plan = planned(text, tree, catalog.tables)
        self._again = emission.speaks_again
        if self._again and (misled := next(self.plan.misled_by_updates(), None)):
            raise BadParameter(
                f"{misled.name}({misled.details}) would count twice what windows say twice: let them speak once, with "
                "early_us=None and lateness_us=0, or ask in two queries"
            )
        self._require_sink(catalog)
        self._stages, self._ways = plan.stages(self.plan, emission, recorder)
        self.tables = {leaf.table.name: leaf.table for leaf in self.plan.leaves() if leaf.table is not None}
        self._times = {name: one.position(one.time) for name, one in self.tables.items() if one.time}
        self._marks = {
            name: Watermarks((name,), bound_us=self.tables[name].bound_us, ahead_us=ahead_us) for name in self._times
        }
        inputs = self._marks or ("no time",)
        self._all = Watermarks(inputs, bound_us=0, idle_us=idle_us, place="query", recorder=recorder)
        self._rows = self._changes = 0

    @property
    def columns(self) -> list[str]:
        """The names of the columns that come out."""
        return self.plan.names

    def explain(self) -> str:
        """Return the plan: each step, whether it only adds, and what it keeps."""
        return plan.explained(self.plan, again=self._again)

    # ------------------------------------------------------------ what happens
    def on_row(self, now_us: int, table: str, values: Mapping[str, Any] | Sequence[Any]) -> list[Change]:
        """Take in a row of a table; return what changes.

        Raises
        ------
        BadParameter
            If the query does not read this table, or the row is not one of it.
        """
        if table not in self.tables:
            raise BadParameter(f"this query reads {', '.join(self.tables)}, not {table}")
        row = self.tables[table].row(values)
        changes = []
        for way in self._ways[table]:
            changes += _up(now_us, [Change("+I", row)], way)
        if table in self._times:
            mark = self._marks[table]
            mark.on_event(now_us, table, row[self._times[table]])
            if self._all.on_watermark(now_us, table, mark.at_us):
                changes += self._on_watermark(now_us)
        self._rows += 1
        self._changes += len(changes)
        return changes

    def tick(self, now_us: int) -> list[Change]:
        """Let time pass: tables fall idle, windows speak early."""
        changes = self._on_watermark(now_us) if self._all.tick(now_us) else []
        for stage in self._stages:
            changes += _up(now_us, stage.operator.tick(now_us), stage.above)
        self._changes += len(changes)
        return changes

    def finish(self, now_us: int) -> list[Change]:
        """Come to the end of bounded tables: nothing is to come, so all that waits is said."""
        for name in self._times:
            self._all.on_watermark(now_us, name, _END_US)
        changes = self._on_watermark(now_us)
        self._changes += len(changes)
        return changes

    def _on_watermark(self, now_us: int) -> list[Change]:
        changes: list[Change] = []
        for stage in self._stages:
            changes += _up(now_us, stage.operator.on_watermark(now_us, self._all.at_us), stage.above)
        return changes

    def status(self) -> QueryStatus:
        """Return what it has done and remembers."""
        kept = {
            f"{number} {type(stage.operator).__name__}": stage.operator.kept()
            for number, stage in enumerate(self._stages)
        }
        return QueryStatus(self._rows, self._changes, kept, self._all.at_us)

    # ------------------------------------------------------------ what survives a crash
    def snapshot(self) -> Any:
        """Return all that it remembers, as plain values."""
        marks = {name: mark.snapshot() for name, mark in self._marks.items()}
        states = [stage.operator.snapshot() for stage in self._stages]
        return marks, self._all.snapshot(), states, self._rows, self._changes

    def restore(self, snapshot: Any) -> None:
        """Remember it again."""
        marks, together, states, self._rows, self._changes = snapshot
        for name, mark in marks.items():
            self._marks[name].restore(mark)
        self._all.restore(together)
        for stage, state in zip(self._stages, states, strict=True):
            stage.operator.restore(state)

    def _require_sink(self, catalog: Catalog) -> None:
        if self.sink and self.sink not in catalog.tables:
            raise BadParameter(f"INSERT INTO {self.sink}: there is no such table; CREATE TABLE makes it")
        if self.sink:
            wanted = [field.type for field in catalog.tables[self.sink].fields]
            given = [field.type for field in self.plan.fields]
            if wanted != given:
                raise BadParameter(f"INSERT INTO {self.sink}: its columns are {wanted}, what is selected is {given}")


def _up(now_us: int, changes: list[Change], way: list[tuple[Operator, int]]) -> list[Change]:
    """Take changes through the operators above."""
    for operator, side in way:
        if not changes:
            break
        changes = [one for change in changes for one in operator.on_change(now_us, change, side)]
    return changes
