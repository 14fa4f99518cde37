"""The cuboids of `dsys_lab.stores.star_schema`, asked in SQL: what all engines with `GROUPING SETS` share.

A star becomes a table of facts and a table for each dimension, and a view that joins them, with columns of the names
that `FactTable.read` has (`person.city`). A cuboid is a GROUP BY over it. Several at once are rows of one table
(`GroupedRow`): `grouping_sets` for any sets of dimensions, `grouped` for those that `CUBE` and `ROLLUP` are short for.
`GROUPING` tells the NULL of a dimension that was left out from the NULL of facts that have no label.

An engine adds how a table is made (`_table`), how it is asked (`_ask`), and its `words` for the aggregates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.stores.star_schema import FactTable, GroupedRow, Measured
from dsys_lab.stores.star_schema.grouping_sets import dimensions_of, finest_first, in_order

SETS: Final = ("cube", "rollup")
FACTS: Final = "facts"
WIDE: Final = "wide"
Answers = list[tuple[Any, ...]]


class SqlCube(ABC):
    """Facts in an SQL engine that answer by any dimensions; see the engines for how to make one.

    Attributes
    ----------
    engine : str
        Name and version.
    """

    engine: str
    words: ClassVar[Mapping[str, str]]
    """Each aggregate of the model that the engine has, in its SQL."""

    def __init__(self) -> None:
        self._columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """Return the facts given by column; None is NULL.

        Raises
        ------
        BadParameter
            If there is no column, or one is shorter than another.
        """
        if not columns or len({len(column) for column in columns.values()}) > 1:
            raise BadParameter(f"{len(columns)} columns: give at least one, all of the same length")
        made = cls()
        made._table(WIDE, columns)
        made._columns = tuple(columns)
        return made

    @classmethod
    def of_star(cls, star: FactTable, *, as_of: str = "then") -> Self:
        """Return a star: facts, dimensions, and a view that joins them, with the attributes of then or of now."""
        made = cls()
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
        made._ask(f"create view {WIDE} as {sql}")
        made._columns = tuple(named)
        return made

    # ------------------------------------------------------------ questions
    def cuboid(self, by: Sequence[str], measures: Sequence[Measured]) -> Answers:
        """Return labels and measures of each cell, in the order of the labels, NULL first."""
        grouping = f" group by {', '.join(map(quoted, by))}" if by else ""
        rows = self._ask(f"select {', '.join(self._select(by, measures))} from {WIDE}{grouping}")  # noqa: S608  quoted
        return sorted(rows, key=lambda row: in_order(row[: len(by)]))

    def grouped(self, by: Sequence[str], measures: Sequence[Measured], *, sets: str = "cube") -> list[GroupedRow]:
        """Return all cuboids of `CUBE` or `ROLLUP` in one question.

        Raises
        ------
        BadParameter
            If a column, an aggregate or the kind of sets is unknown.
        """
        return self._grouped(by, self._in_sql(by, measures, short(by, sets)))

    def grouping_sets(self, sets: Sequence[Sequence[str]], measures: Sequence[Measured]) -> list[GroupedRow]:
        """Return the cuboids of these sets of dimensions, in one question.

        Raises
        ------
        BadParameter
            If a column or an aggregate is unknown, or a set is there twice.
        """
        by, asked = dimensions_of(sets), ", ".join(f"({', '.join(map(quoted, one))})" for one in sets)
        return self._grouped(by, self._in_sql(by, measures, f"grouping sets ({asked})"))

    def _grouped(self, by: Sequence[str], sql: str) -> list[GroupedRow]:
        rows = [GroupedRow(row[: len(by)], row[-1], row[len(by) : -1]) for row in self._ask(sql)]
        return sorted(rows, key=finest_first)

    def _in_sql(self, by: Sequence[str], measures: Sequence[Measured], sets: str) -> str:
        """Return the question for labels, measures and what `GROUPING` says; `sets` is SQL already."""
        bits = f"grouping({', '.join(map(quoted, by))})" if by else "0"
        chosen = ", ".join([*self._select(by, measures), f"{bits} as left_out"])
        return f"select {chosen} from {WIDE} group by {sets}"  # noqa: S608  quoted

    def _select(self, by: Sequence[str], measures: Sequence[Measured]) -> list[str]:
        for name in (*by, *(measured.column for measured in measures)):
            if name not in self._columns:
                raise BadParameter(f"no column {name!r}: there are {', '.join(self._columns)}")
        for measured in measures:
            if measured.how not in self.words:
                raise BadParameter(f"{self.engine} has no {measured.how}; give one of {', '.join(self.words)}")
        if not measures or len(set(by)) < len(by):
            raise BadParameter(f"by {tuple(by)}, {len(measures)} measures: name each dimension once, and measure")
        asked = [f"{self.words[one.how].format(quoted(one.column))} as {quoted(str(one))}" for one in measures]
        return [*map(quoted, by), *asked]

    # ------------------------------------------------------------ what an engine adds
    @abstractmethod
    def _table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Make a table of columns; None is NULL."""

    @abstractmethod
    def _ask(self, sql: str) -> Answers:
        """Return the rows of a statement, whole numbers as int."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def short(by: Sequence[str], sets: str) -> str:
    """Return `CUBE` or `ROLLUP` of these dimensions as SQL."""
    require_choice("sets", sets, SETS)
    return f"{sets}({', '.join(map(quoted, by))})" if by else "()"


def plain(value: Any) -> Any:
    """Return a whole number as int, whatever an engine's sum calls it."""
    return int(value) if hasattr(value, "as_tuple") and value == int(value) else value
