"""The steps of a plan, one after another: each takes rows and gives rows.

A row is what the variables stand for so far. A step *expands*: to every row it adds an edge and the vertex behind it,
so one row becomes as many as there are edges, or none. What `explain` shows is the number of rows after each step, and
that is where a graph query is slow or fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.graph_store.cypher import syntax
from dsys_lab.stores.graph_store.cypher.expressions import LENGTH, constant, evaluate
from dsys_lab.stores.graph_store.cypher.paths import followed
from dsys_lab.stores.graph_store.cypher.planning import Step, Walked

if TYPE_CHECKING:
    from dsys_lab.stores.graph_store.property_graph import PropertyGraph


@dataclass(frozen=True, slots=True)
class Match:
    """One row: what each variable stands for, and which edges were used."""

    names: Mapping[str, Any] = field(default_factory=dict)
    used: frozenset[int] = frozenset()

    def plus(self, names: Mapping[str, Any], used: Iterable[int] = ()) -> Match:
        """Return the row with more in it."""
        return Match({**self.names, **names}, self.used.union(used))


@dataclass(slots=True)
class Counted:
    """One step of an answer: what it did, and the rows that it gave."""

    step: str
    rows: int = 0


class Matching:
    """A query's patterns at work on one graph.

    Attributes
    ----------
    edges : int
        Looked at so far.
    steps : list of Counted
    """

    def __init__(self, graph: PropertyGraph, parameters: Mapping[str, Any]) -> None:
        self.graph, self.parameters = graph, parameters
        self.edges = 0
        self.steps: list[Counted] = []

    def rows(self, plans: list[Walked], where: syntax.Expression | None) -> Iterator[Match]:
        """Give every match."""
        found: Iterator[Match] = iter([Match()])
        for walked in plans:
            found = self._counted(f"begin at {_node(walked.start)}", self._begin(found, walked.start))
            for step in walked.steps:
                found = self._counted(_told(step), self._expand(found, step))
            if walked.path.variable:
                found = self._name_path(found, walked.path)
        if where is not None:
            found = self._counted("where", self._filter(found, where))
        return found

    def _counted(self, step: str, found: Iterator[Match]) -> Iterator[Match]:
        told = Counted(step)
        self.steps.append(told)

        def counting() -> Iterator[Match]:
            for match in found:
                told.rows += 1
                yield match

        return counting()

    # ------------------------------------------------------------ the operators
    def _begin(self, found: Iterator[Match], node: syntax.Node) -> Iterator[Match]:
        for match in found:
            if node.variable in match.names:
                candidates: Iterable[int] = [match.names[node.variable]]
            else:
                candidates = self._candidates(node)
            for vertex in candidates:
                if self._fits(vertex, node):
                    yield match.plus({node.variable: vertex})

    def _candidates(self, node: syntax.Node) -> Iterable[int]:
        labels = list(self.graph.schema.vertices) if node.label is None else [node.label]
        given = dict(node.properties)
        if len(labels) == 1 and (key := self.graph.schema.vertex(labels[0]).key) in given:
            vertex = self.graph.find(labels[0], constant(given[key], self.parameters))
            return [] if vertex is None else [vertex]
        return self.graph.vertices(node.label)

    def _expand(self, found: Iterator[Match], step: Step) -> Iterator[Match]:
        relation, once = step.relation, self.graph.paths == "trail"

        def edges(vertex: int) -> Iterator[Any]:
            for edge in self.graph.edges(vertex, relation.type, relation.direction):
                self.edges += 1
                if self.edges > self.graph.budget:
                    raise Refused(
                        f"the query looked at {self.graph.budget:,} edges, its budget: bound the path, as in *1..3, "
                        "begin at one vertex, or give the graph a larger budget"
                    )
                yield edge

        for match in found:
            source = match.names[step.source]
            if relation.span:
                mode = relation.span.mode or self.graph.paths
                ends = followed(source, relation.span, mode, edges, match.used if once else frozenset())
            else:
                one = (edge for edge in edges(source) if not once or edge.id not in match.used)
                ends = ((edge.other(source), (edge,)) for edge in one if self._has(edge.id, relation.properties))
            for target, path in ends:
                known = match.names.get(step.target.variable, target)
                if known == target and self._fits(target, step.target):
                    value = path if relation.span else path[0]
                    used = [edge.id for edge in path] if once else []
                    yield match.plus({relation.variable: value, step.target.variable: target}, used)

    def _filter(self, found: Iterator[Match], where: syntax.Expression) -> Iterator[Match]:
        for match in found:
            held = evaluate(where, self.reader(match), self.parameters)
            if held is not None and not isinstance(held, bool):
                raise BadParameter(f"WHERE came to {held!r}: give a comparison")
            if held:
                yield match

    def _name_path(self, found: Iterator[Match], path: syntax.Path) -> Iterator[Match]:
        for match in found:
            edges: list[Any] = []
            for relation in path.relations:
                value = match.names[relation.variable]
                edges += value if relation.span else [value]
            yield match.plus({path.variable: tuple(edges)})

    # ------------------------------------------------------------ what fits
    def _fits(self, vertex: int, node: syntax.Node) -> bool:
        return (node.label is None or self.graph.label(vertex) == node.label) and self._has(vertex, node.properties)

    def _has(self, subject: int, properties: tuple[tuple[str, syntax.Expression], ...]) -> bool:
        for name, expression in properties:
            wanted, there = constant(expression, self.parameters), self.graph.property(subject, name)
            if there is None or there != wanted or isinstance(there, bool) != isinstance(wanted, bool):
                return False
        return True

    def reader(self, match: Match) -> Any:
        """Return how the properties of a row's variables are read."""

        def read(variable: str, name: str) -> Any:
            value = match.names[variable]
            if name == LENGTH:
                return len(value)
            return self.graph.property(value if isinstance(value, int) else value.id, name)

        return read


def _node(node: syntax.Node) -> str:
    name = "" if node.variable.startswith("[") else node.variable
    keys = f" {{{', '.join(key for key, _ in node.properties)}}}" if node.properties else ""
    return f"({name}{f':{node.label}' if node.label else ''}{keys})"


def _told(step: Step) -> str:
    relation = step.relation
    span = ""
    if relation.span:
        high = "" if relation.span.high is None else relation.span.high
        span = f"*{f' {relation.span.mode.upper()} ' if relation.span.mode else ''}{relation.span.low}..{high}"
    left, right = ("<-" if relation.direction == "in" else "-"), ("->" if relation.direction == "out" else "-")
    return f"expand {left}[:{relation.type or ''}{span}]{right}{_node(step.target)}"
