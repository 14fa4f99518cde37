"""A graph in Ladybug, with the verbs of `dsys_lab.stores.graph_store.verbs`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import ladybug
import pandas as pd

from dsys_lab.engines.difference import Difference
from dsys_lab.errors import BadParameter, DsysLabError, Misuse, Refused, require_positive
from dsys_lab.stores.graph_store.schema import EdgeKind, GraphSchema, VertexKind
from dsys_lab.stores.graph_store.terms import check_value, plain
from dsys_lab.stores.graph_store.verbs import GraphStatus, Loaded, Rows, Table, check_tables

TYPES: Final = {"int": "INT64", "float": "DOUBLE", "text": "STRING", "bool": "BOOL"}
_WRONG: Final = ("Parser", "Binder", "Conversion", "Catalog")
_PARAMETER: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\$(\w+)")
_TUPLES: Final = re.compile(r"NumOutputTuples: (\d+)")

DIFFERENCES: Final = (
    Difference(
        "`*` gives trails: no edge twice, as openCypher and Neptune have it",
        "`*` gives walks: an edge may come again",
        "The same text counts more on Ladybug. `* TRAIL` says what is meant; `PropertyGraph(paths='walk')` answers as "
        "Ladybug does.",
        ("trails_by_themselves", "edges_of_a_pattern_differ"),
    ),
    Difference(
        "an unbounded `*` is stopped at a budget of edges",
        "by the memory that it may take",
        "Either refuses; neither would end.",
    ),
    Difference(
        "an edge from a vertex to itself is met once where the direction is open",
        "twice, once from each end",
        "Degrees and walks differ where there are such edges.",
        ("a_loop_is_met_once",),
    ),
    Difference(
        "the sum of nothing is 0, as in openCypher",
        "it is NULL, as in SQL",
        "Ask for `count(*)` beside it.",
        ("the_sum_of_nothing",),
    ),
    Difference(
        "a number and a text cannot be compared",
        "the text is read as a number, and it fails on the first that is none",
        "Whether a query is an error depends on the rows.",
        ("a_text_is_no_number",),
    ),
    Difference(
        "statements in ordered indexes, O(log n) an edge",
        "rows of neighbours in columns, found by the number of the vertex",
        "Its pages are not told; `PROFILE` tells the rows of every operator.",
    ),
    Difference(
        "a load of tables is one change",
        "COPY of rows with a key that is taken may end the process (seen in 0.22.0)",
        "So keys and ends are compared before anything is copied.",
    ),
)
"""What the engine does otherwise than the model, as a table."""


class LadybugGraph:
    """A graph in Ladybug.

    Parameters
    ----------
    schema : GraphSchema
    folder : path, optional
        Where its file is, `graph.lbug`; by default it is in memory only.
    threads : int
        One, so that counts and times can be compared.
    memory_bytes : int
        What it may take for its pages.

    Examples
    --------
    >>> graph = LadybugGraph(GraphSchema.of("Person(id: int)", "Person-FRIEND->Person"))
    >>> graph.load({"Person": {"id": [1, 2, 3]}}, {"FRIEND": {"from": [1, 2, 9], "to": [2, 3, 1]}})
    Loaded(vertices=3, edges=2, orphans=1)
    >>> graph.run("MATCH (a:Person {id: $who})-[:FRIEND*1..2]->(b) RETURN b.id ORDER BY b.id", who=1)
    [(2,), (3,)]
    >>> graph.close()
    """

    engine = f"Ladybug {ladybug.__version__}"

    def __init__(
        self, schema: GraphSchema, *, folder: str | Path | None = None, threads: int = 1, memory_bytes: int = 1 << 28
    ) -> None:
        require_positive(threads=threads, memory_bytes=memory_bytes)
        self.schema = schema
        path = ":memory:" if folder is None else str(Path(folder) / "graph.lbug")
        with _told():
            self._database = ladybug.Database(path, buffer_pool_size=memory_bytes)
            self._connection: Any = ladybug.Connection(self._database, num_threads=threads)
        kinds: dict[str, VertexKind | EdgeKind] = {**schema.vertices, **schema.edges}
        there = {row[1] for row in self._ask("CALL show_tables() RETURN *")}
        for name, kind in kinds.items():
            if name not in there:
                self._ask(_create(kind))

    # ------------------------------------------------------------ the verbs
    def load(self, vertices: Mapping[str, Table], edges: Mapping[str, Table]) -> Loaded:
        """Add many at once, in one transaction; edges that name nobody are turned away and counted."""
        check_tables(self.schema, vertices, edges)
        keys = {label: {row[0] for row in self._ask(_keys(kind))} for label, kind in self.schema.vertices.items()}
        for label, table in vertices.items():
            kind = self.schema.vertex(label)
            _check_values(table, kind.checked)
            for key in table[kind.key]:
                if key in keys[label]:
                    raise Refused(f"there is a {label} with {kind.key} = {key!r} already: keys are unique; use SET")
                keys[label].add(key)
        whole = {type_: self._with_ends(self.schema.edge(type_), table, keys) for type_, table in edges.items()}
        self._ask("BEGIN TRANSACTION")
        try:
            for name, table in {**vertices, **whole}.items():
                if len(next(iter(table.values()))):
                    columns = [column for column in table if column not in {"from", "to"}]
                    self._copy(name, columns, _frame(table))
        except BaseException:
            with suppress(Refused):  # where a COPY failed, Ladybug has rolled back by itself
                self._ask("ROLLBACK")
            raise
        self._ask("COMMIT")
        offered = sum(len(table["from"]) for table in edges.values())
        made = sum(len(table["from"]) for table in whole.values())
        return Loaded(sum(len(next(iter(table.values()))) for table in vertices.values()), made, offered - made)

    def run(self, text: str, **parameters: Any) -> Rows:
        """Return the rows of a query.

        Raises
        ------
        BadParameter
            If it cannot be read, names what is not there, or lacks a parameter.
        Refused
            If it would leave an edge dangling, take a key twice, or take more memory than there is.
        """
        if not isinstance(text, str) or not text.strip():
            raise BadParameter(f"query {text!r}: give a text, as in MATCH (a:Person {{id: 1}}) RETURN a.name")
        asked = {found for found in _PARAMETER.findall(text) if found}
        for name in sorted(asked - {*parameters}):
            raise BadParameter(f"${name} has no value: run(text, {name}=…)")  # Ladybug takes it for NULL
        for name, value in parameters.items():
            if value is not None:
                check_value(value, f"${name}")
        return self._ask(text, {name: value for name, value in parameters.items() if name in asked})

    def tuples(self, text: str, **parameters: Any) -> list[int]:
        """Return how many rows each operator of a query gave, the last one first, by Ladybug's `PROFILE`."""
        return [int(found) for found in _TUPLES.findall(str(self.run(f"PROFILE {text}", **parameters)))]

    def status(self) -> GraphStatus:
        """Return how many of each kind there are."""
        vertices = {label: self._ask(f"MATCH (a:{label}) RETURN count(*)")[0][0] for label in self.schema.vertices}
        edges = {type_: self._ask(f"MATCH ()-[f:{type_}]->() RETURN count(*)")[0][0] for type_ in self.schema.edges}
        return GraphStatus(vertices, edges)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()
        self._database.close()

    # ------------------------------------------------------------ talking to it
    def _ask(self, text: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        with _told():
            result: Any = self._connection.execute(text, dict(parameters or {}))
            rows = []
            while result.has_next():
                rows.append(tuple(_plain(value) for value in result.get_next()))
            result.close()
            return rows

    def _copy(self, name: str, columns: list[str], frame: pd.DataFrame) -> None:
        into = f"{name}({', '.join(columns)})" if columns else name
        with _told():
            self._connection.execute(f"COPY {into} FROM $frame", {"frame": frame})

    def _with_ends(self, kind: EdgeKind, table: Table, keys: Mapping[str, set[Any]]) -> Table:
        """Return the edges whose two ends are there."""
        properties = [name for name in table if name not in {"from", "to"}]
        _check_values({name: table[name] for name in properties}, kind.checked)
        kept = [
            row
            for row, ends in enumerate(zip(table["from"], table["to"], strict=True))
            if self._is_key(ends[0], kind.source, keys) and self._is_key(ends[1], kind.target, keys)
        ]
        whole = {name: [table[name][row] for row in kept] for name in ("from", "to", *properties)}
        return {**whole, **{name: [None] * len(kept) for name in kind.properties if name not in properties}}

    def _is_key(self, end: Any, label: str, keys: Mapping[str, set[Any]]) -> bool:
        """Whether somebody has this key."""
        value = plain(end)
        return self.schema.vertex(label).may_be_key(value) and value in keys[label]


def _create(kind: VertexKind | EdgeKind) -> str:
    columns = [f"{name} {TYPES[type_]}" for name, type_ in kind.properties.items()]
    if isinstance(kind, VertexKind):
        return f"CREATE NODE TABLE {kind.label}({', '.join([*columns, f'PRIMARY KEY({kind.key})'])})"
    return f"CREATE REL TABLE {kind.type}({', '.join([f'FROM {kind.source} TO {kind.target}', *columns])})"


def _keys(kind: VertexKind) -> str:
    return f"MATCH (a:{kind.label}) RETURN a.{kind.key}"


def _check_values(table: Table, checked: Any) -> None:
    for values in zip(*table.values(), strict=True):
        checked(dict(zip(table, map(plain, values), strict=True)))


def _frame(table: Table) -> pd.DataFrame:
    """Return the columns as they are: pandas would make a float of a whole number beside a missing one."""
    return pd.DataFrame({name: pd.Series(list(values), dtype=_dtype(values)) for name, values in table.items()})


def _dtype(values: Any) -> str | None:
    return "object" if any(value is None for value in values) else None


def _plain(value: Any) -> Any:
    """Return a sum as a whole number: Ladybug gives a decimal of 38 digits."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


@contextmanager
def _told() -> Iterator[None]:
    """Say an error of the engine in this package's terms."""
    try:
        yield
    except DsysLabError:
        raise
    except RuntimeError as error:
        words = str(error)
        if words.startswith(_WRONG):
            raise BadParameter(f"Ladybug: {words}") from None
        if "closed" in words:
            raise Misuse(f"Ladybug: {words}; open the graph anew") from None
        raise Refused(f"Ladybug: {words}") from None
