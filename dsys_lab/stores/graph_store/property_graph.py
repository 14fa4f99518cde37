"""A property graph: vertices and edges with labels and properties, kept as statements of four terms.

::

    (:Person {id: 17, name: 'Ada'})            vertex  ~label  Person  ~            subject, predicate, object, graph
                                               vertex  id      17      ~
                                               vertex  name    'Ada'   ~
    (17)-[:FRIEND {since: 2019}]->(42)         vertex  FRIEND  vertex  edge         the edge's id is in the fourth place
                                               edge    since   2019    ~            so an edge can be a subject, too

To follow an edge is a range of SPOG; to follow it backwards, of POGS. Nobody stores a list of neighbours: it is read
off an index, in O(log n) and not in O(1). `adjacency` makes such lists, in memory, for those who want to go far.

An edge has two ends: that is checked at each write, and a write is all or nothing, so it is so at all times.

Source: Amazon Neptune User Guide, "Neptune graph data model".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.graph_store.adjacency import Adjacency
from dsys_lab.stores.graph_store.cypher.running import Answer, answer
from dsys_lab.stores.graph_store.quad_store import QuadStore
from dsys_lab.stores.graph_store.quads import Quad
from dsys_lab.stores.graph_store.schema import GraphSchema
from dsys_lab.stores.graph_store.terms import Term, Value, plain
from dsys_lab.stores.graph_store.verbs import GraphStatus, Loaded, Rows, Table, check_tables
from dsys_lab.structures.disk import Disk

LABEL: Final = "~label"
NO_GRAPH: Final = "~"
BOTH, OUT, IN = "both", "out", "in"


class Edge(NamedTuple):
    """An edge as it is followed.

    Attributes
    ----------
    id : int
        Its term.
    type : str
    source, target : int
        The terms of its ends.
    """

    id: int
    type: str
    source: int
    target: int

    def other(self, vertex: int) -> int:
        """Return the end that is not `vertex`; of a loop, the same."""
        return self.target if vertex == self.source else self.source


@dataclass(slots=True)
class Draft:
    """Changes that are being gathered: written all at once, or not."""

    added: list[Quad] = field(default_factory=list)
    removed: list[Quad] = field(default_factory=list)
    new_keys: dict[tuple[str, Any], int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """How many vertices more there are of each label."""


class PropertyGraph:
    """A graph on a `QuadStore` (see `verbs` for what may be asked of it).

    Parameters
    ----------
    schema : GraphSchema
    disk : Disk
    paths : str
        What `*` means in a query, and whether a pattern may use an edge twice. "trail": no edge twice in a `MATCH`, as
        openCypher and Neptune have it; "walk": any, as Ladybug has it.
    budget : int
        Edges that one query may look at before it is refused.
    **more
        Of the `QuadStore`.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> graph = PropertyGraph(GraphSchema.of("Person(id: int)", "Person-FRIEND->Person"), VolatileDisk())
    >>> graph.load({"Person": {"id": [1, 2, 3]}}, {"FRIEND": {"from": [1, 2, 9], "to": [2, 3, 1]}})
    Loaded(vertices=3, edges=2, orphans=1)
    >>> graph.run("MATCH (a:Person {id: $who})-[:FRIEND*1..2]-(b) RETURN b.id ORDER BY b.id", who=1)
    [(2,), (3,)]
    """

    def __init__(
        self, schema: GraphSchema, disk: Disk, *, paths: str = "trail", budget: int = 200_000, **more: Any
    ) -> None:
        if paths not in {"trail", "walk"}:
            raise BadParameter(f"paths = {paths!r}: give 'trail' or 'walk'")
        if budget < 1:
            raise BadParameter(f"budget = {budget!r}: give the edges that a query may look at, 1 or more")
        self.schema, self.paths, self.budget = schema, paths, budget
        self.store = QuadStore(disk, **more)
        made = [int(term.value) for term in self.store.terms.since(0) if term.role == "edge"]
        self._next_edge = max(made, default=-1) + 1
        self._counts = {label: sum(1 for _ in self.vertices(label)) for label in schema.vertices}

    # ------------------------------------------------------------ the verbs
    def load(self, vertices: Mapping[str, Table], edges: Mapping[str, Table]) -> Loaded:
        """Add many at once, in one change; edges that name nobody are turned away and counted.

        Raises
        ------
        BadParameter
            If the tables are not of this graph; nothing is loaded.
        Refused
            If a key is there already, or twice.
        """
        check_tables(self.schema, vertices, edges)
        draft, orphans, made = Draft(), 0, 0
        with self.changing(draft):
            for label, table in vertices.items():
                for row in _rows(table):
                    self.add_vertex(draft, label, row)
            for type_, table in edges.items():
                kind = self.schema.edge(type_)
                for row in _rows(table):
                    source = self.find(kind.source, row.pop("from"), draft)
                    target = self.find(kind.target, row.pop("to"), draft)
                    if source is None or target is None:
                        orphans += 1
                    else:
                        self.add_edge(draft, type_, source, target, row)
                        made += 1
        return Loaded(sum(len(next(iter(table.values()))) for table in vertices.values()), made, orphans)

    def run(self, text: str, **parameters: Any) -> Rows:
        """Return the rows of a query.

        Raises
        ------
        Misuse
            If it cannot be read, names what is not there, or lacks a parameter.
        Refused
            If it would leave an edge dangling, take a key twice, or look at more edges than its budget.
        """
        return self.explain(text, **parameters).rows

    def explain(self, text: str, *, start: str | None = None, **parameters: Any) -> Answer:
        """Run a query and say how: its steps with the rows that each gave, and how many edges were looked at.

        Parameters
        ----------
        start : str, optional
            The variable to begin at, instead of where it seems cheapest.
        """
        return answer(self, text, parameters, start=start)

    def status(self) -> GraphStatus:
        """Return how many of each kind there are."""
        vertices = {label: sum(1 for _ in self.vertices(label)) for label in self.schema.vertices}
        edges = {type_: sum(1 for _ in self.all_edges(type_)) for type_ in self.schema.edges}
        return GraphStatus(vertices, edges)

    def close(self) -> None:
        """Write everything into runs."""
        self.store.checkpoint()

    def adjacency(self, type_: str) -> tuple[Adjacency, list[Value]]:
        """Return all edges of a type as lists of neighbours, and the key of each of its vertices.

        Only where both ends have one label: then a walk can go on.
        """
        kind = self.schema.edge(type_)
        if kind.source != kind.target:
            raise BadParameter(f"{type_} leads from {kind.source} to {kind.target}: give edges within one label")
        terms = list(self.vertices(kind.source))
        place = {term: number for number, term in enumerate(terms)}
        pairs = [(place[edge.source], place[edge.target]) for edge in self.all_edges(type_)]
        key = self.schema.vertex(kind.source).key
        keys = [self.property(term, key) for term in terms]
        return Adjacency.of(len(terms), pairs), [value for value in keys if value is not None]

    # ------------------------------------------------------------ reading
    def find(self, label: str, key: Any, draft: Draft | None = None) -> int | None:
        """Return the vertex with this key, or None."""
        kind, value = self.schema.vertex(label), plain(key)
        if not kind.may_be_key(value):
            return None
        if draft and (drafted := draft.new_keys.get((label, value))) is not None:
            return drafted
        term = self.store.terms.find(Term("vertex", f"{label}/{value}"))
        if term is None or not any(True for _ in self.store.match(Quad(s=term, p=self._name(LABEL)))):
            return None
        return term

    def vertices(self, label: str | None = None) -> Iterator[int]:
        """Give all vertices, or those of a label."""
        for one in self.schema.vertices if label is None else (label,):
            known = self._name(one)
            if known is not None:
                found = list(self.store.match(Quad(p=self._name(LABEL), o=known)))
                yield from (quad.s for quad in found if quad.s is not None)

    def count_label(self, label: str | None = None) -> int:
        """Return how many vertices there are, or how many have a label: what a planner goes by."""
        return sum(count for one, count in self._counts.items() if label in {None, one})

    def label(self, vertex: int) -> str:
        """Return the label of a vertex."""
        return str(self.store.terms.of(vertex).value).partition("/")[0]

    def property(self, subject: int, name: str) -> Value | None:
        """Return a property of a vertex or an edge, or None."""
        predicate = self._name(name)
        if predicate is None:
            return None
        for quad in self.store.match(Quad(s=subject, p=predicate, g=self._name(NO_GRAPH))):
            assert quad.o is not None
            return self.store.terms.of(quad.o).value
        return None

    def edges(self, vertex: int, type_: str | None = None, direction: str = BOTH) -> Iterator[Edge]:
        """Give the edges of a vertex, a loop once."""
        for one in self.schema.edges if type_ is None else (type_,):
            predicate = self._name(one)
            if predicate is None:
                continue
            if direction != IN:
                yield from self._edges_of(one, Quad(s=vertex, p=predicate))
            if direction != OUT:
                behind = self._edges_of(one, Quad(p=predicate, o=vertex))
                yield from (edge for edge in behind if direction == IN or edge.source != edge.target)

    def all_edges(self, type_: str) -> Iterator[Edge]:
        """Give all edges of a type."""
        predicate = self._name(type_)
        if predicate is not None:
            yield from self._edges_of(type_, Quad(p=predicate))

    def _edges_of(self, type_: str, pattern: Quad) -> Iterator[Edge]:
        for quad in self.store.match(pattern):
            assert quad.s is not None and quad.o is not None and quad.g is not None  # noqa: PT018  four numbers
            if self.store.terms.of(quad.g).role == "edge":
                yield Edge(quad.g, type_, quad.s, quad.o)

    def _name(self, name: str) -> int | None:
        return self.store.terms.find(Term("name", name))

    # ------------------------------------------------------------ writing
    def changing(self, draft: Draft) -> _Changing:
        """Write the draft at the end of a `with` block; nothing of it, where there is an error."""
        return _Changing(self.store, draft, self._counts)

    def add_vertex(self, draft: Draft, label: str, given: Mapping[str, Any]) -> int:
        """Draft a vertex.

        Raises
        ------
        Refused
            If its key is taken.
        """
        kind = self.schema.vertex(label)
        properties = kind.checked(given)
        key = properties[kind.key]
        if self.find(label, key, draft) is not None:
            raise Refused(f"there is a {label} with {kind.key} = {key!r} already: keys are unique; use SET")
        vertex = self.store.term("vertex", f"{label}/{key}")
        draft.new_keys[label, key] = vertex
        draft.counts[label] = draft.counts.get(label, 0) + 1
        draft.added.append(self._statement(vertex, LABEL, self.store.term("name", label)))
        self._describe(draft, vertex, properties)
        return vertex

    def add_edge(self, draft: Draft, type_: str, source: int, target: int, given: Mapping[str, Any]) -> Edge:
        """Draft an edge between two vertices that are there, or drafted."""
        properties = self.schema.edge(type_).checked(given)
        edge = Edge(self.store.term("edge", self._next_edge), type_, source, target)
        self._next_edge += 1
        draft.added.append(Quad(source, self.store.term("name", type_), target, edge.id))
        self._describe(draft, edge.id, properties)
        return edge

    def set_property(self, draft: Draft, subject: int, name: str, value: Value | None) -> None:
        """Draft another value of a property; None takes it away."""
        predicate = self.store.term("name", name)
        draft.added = [quad for quad in draft.added if (quad.s, quad.p) != (subject, predicate)]
        old = list(self.store.match(Quad(s=subject, p=predicate, g=self.store.term("name", NO_GRAPH))))
        new = [] if value is None else [self._statement(subject, name, self.store.term("value", value))]
        draft.removed = [quad for quad in draft.removed if (quad.s, quad.p) != (subject, predicate)]
        draft.removed += [quad for quad in old if quad not in new]
        draft.added += [quad for quad in new if quad not in old]

    def drop(self, draft: Draft, vertices: list[int], edges: list[Edge], *, detach: bool) -> None:
        """Draft the removal of vertices and edges.

        Raises
        ------
        Refused
            If an edge would be left without an end, and `detach` does not say to take it along.
        """
        gone = dict.fromkeys(edges)
        for vertex in vertices:
            left = [edge for edge in self.edges(vertex) if edge not in gone]
            if left and not detach:
                name = self.store.terms.of(vertex).value
                raise Refused(f"{name} has connected edges, {len(left)} of them: delete those first, or DETACH DELETE")
            gone |= dict.fromkeys(left)
        for edge in gone:
            draft.removed += self.store.match(Quad(edge.source, self._name(edge.type), edge.target, edge.id))
            draft.removed += self.store.match(Quad(s=edge.id))
        for vertex in vertices:
            draft.removed += self.store.match(Quad(s=vertex, g=self._name(NO_GRAPH)))
            draft.counts[self.label(vertex)] = draft.counts.get(self.label(vertex), 0) - 1

    def _describe(self, draft: Draft, subject: int, properties: Mapping[str, Value]) -> None:
        for name, value in properties.items():
            draft.added.append(self._statement(subject, name, self.store.term("value", value)))

    def _statement(self, subject: int, name: str, value: int) -> Quad:
        return Quad(subject, self.store.term("name", name), value, self.store.term("name", NO_GRAPH))


class _Changing:
    """One draft, from its first word to its write."""

    def __init__(self, store: QuadStore, draft: Draft, counts: dict[str, int]) -> None:
        self._store, self._draft, self._counts = store, draft, counts

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if kind is not None:
            self._store.forget_new_terms()
        elif self._draft.added or self._draft.removed:
            self._store.write(self._draft.added, self._draft.removed)
            for label, more in self._draft.counts.items():
                self._counts[label] += more
        else:
            self._store.forget_new_terms()


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    for values in zip(*table.values(), strict=True):
        yield dict(zip(table, (plain(value) for value in values), strict=True))
