"""What may one ask of a graph store, whatever keeps it?

The model and Ladybug answer to the same verbs, and to the same Cypher text. ::

    graph.load({"Person": {"id": [1, 2], "name": ["Ada", "Ben"]}}, {"FRIEND": {"from": [1], "to": [2]}})
    graph.run("MATCH (a:Person {id: 1})-[:FRIEND]-(b) RETURN b.name")           [("Ben",)]

Every graph store promises
--------------------------
1. An edge has two ends. A load turns edges away that name nobody, and counts them; `DELETE` of a vertex with edges is
   refused, `DETACH DELETE` takes its edges along.
2. What `run` and `load` did is there after a crash; cut short by one, it is there whole or not at all.
3. A query that is wrong changes nothing and says what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.schema import GraphSchema

Rows = list[tuple[Any, ...]]
Table = Mapping[str, Sequence[Any]]
"""Columns of one length."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load took.

    Attributes
    ----------
    vertices, edges : int
    orphans : int
        Edges that were turned away, for there is nobody at one of their ends.
    """

    vertices: int
    edges: int
    orphans: int


@dataclass(frozen=True, slots=True)
class GraphStatus:
    """How many there are, by label and by type."""

    vertices: dict[str, int]
    edges: dict[str, int]


class Graph(Protocol):
    """A graph that can be asked in Cypher."""

    schema: GraphSchema

    def load(self, vertices: Mapping[str, Table], edges: Mapping[str, Table]) -> Loaded:
        """Add many at once: columns by property, those of an edge with the keys of its ends, `from` and `to`."""

    def run(self, text: str, **parameters: Any) -> Rows:
        """Return the rows of a query; an empty list for one that only writes."""

    def status(self) -> GraphStatus:
        """Return how many of each kind there are."""

    def close(self) -> None:
        """Let go of what it holds; it can be opened again."""


def check_tables(schema: GraphSchema, vertices: Mapping[str, Table], edges: Mapping[str, Table]) -> None:
    """Refuse tables that are not of this graph: unknown names, missing keys or ends, columns of several lengths.

    Raises
    ------
    BadParameter
    """
    for label, table in vertices.items():
        kind = schema.vertex(label)
        _check(label, table, {*kind.properties}, (kind.key,))
    for type_, table in edges.items():
        _check(type_, table, {*schema.edge(type_).properties, "from", "to"}, ("from", "to"))


def _check(name: str, table: Table, known: set[str], needed: tuple[str, ...]) -> None:
    if missing := [column for column in needed if column not in table]:
        raise BadParameter(f"{name}: no column {missing[0]!r}; it needs {' and '.join(needed)}")
    if unknown := sorted({*table} - known):
        raise BadParameter(f"{name}: column {unknown[0]!r} is unknown; give some of {', '.join(sorted(known))}")
    lengths = {column: len(values) for column, values in table.items()}
    if len({*lengths.values()}) > 1:
        raise BadParameter(f"{name}: columns of {lengths} rows; give columns of one length")
