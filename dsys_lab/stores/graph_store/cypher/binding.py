"""Does the graph have what a query names? Asked before the first edge is looked at.

A label, a type or a property that is unknown is an error here, with what there is; a graph without a schema would give
an empty answer, and whoever misspelt a word would believe it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.cypher import syntax
from dsys_lab.stores.graph_store.schema import GraphSchema

VERTEX, EDGE, PATH = "vertex", "edge", "path"


class Names:
    """What the variables of a query are: vertices, edges or paths, and of which kinds they may be."""

    def __init__(self, schema: GraphSchema) -> None:
        self._schema = schema
        self._what: dict[str, str] = {}
        self._kinds: dict[str, tuple[str, ...]] = {}

    def check(self, query: syntax.Query) -> None:
        """Refuse what the graph does not have.

        Raises
        ------
        BadParameter
        """
        for path in query.match:
            self._learn(path)
        if query.where is not None:
            self._check(query.where, aggregates=False)
        for path in query.create:
            self._check_new(path)
        for target, value in query.set:
            self._check_set(target, value)
        for name in query.delete:
            if self._what.get(name) not in {VERTEX, EDGE}:
                raise BadParameter(f"DELETE {name}: no vertex and no single edge is called {name!r} in the MATCH")
        for column in query.returning.columns:
            self._check(column.expression, aggregates=True)
        returned = [column.name for column in query.returning.columns]
        returned += [str(column.expression) for column in query.returning.columns]
        for order in query.returning.order:
            if order.name not in returned:
                raise BadParameter(f"ORDER BY {order.name}: order by something that is returned: {', '.join(returned)}")

    # ------------------------------------------------------------ patterns
    def _learn(self, path: syntax.Path) -> None:
        for node in path.nodes:
            self._name(node.variable, VERTEX, self._labels(node))
            self._check_properties(node.variable, node.properties)
        for relation in path.relations:
            types = tuple(self._schema.edges) if relation.type is None else (self._schema.edge(relation.type).type,)
            self._name(relation.variable, PATH if relation.span else EDGE, types, again=False)
            if relation.span and relation.properties:
                raise BadParameter("a path of several edges takes no {properties}: they would be of which edge?")
            if relation.span and relation.span.mode == "shortest" and relation.span.low != 1:
                raise BadParameter(f"SHORTEST {relation.span.low}..: a shortest path begins at 1")
            self._check_properties(relation.variable, relation.properties)
        if path.variable:
            self._name(path.variable, PATH, (), again=False)

    def _labels(self, node: syntax.Node) -> tuple[str, ...]:
        return tuple(self._schema.vertices) if node.label is None else (self._schema.vertex(node.label).label,)

    def _name(self, variable: str, what: str, kinds: tuple[str, ...], *, again: bool = True) -> None:
        known = self._what.get(variable)
        if known is not None and (known != what or not again):
            raise BadParameter(f"{variable!r} is used for two things: give each edge and path a name of its own")
        self._what[variable] = what
        before = self._kinds.get(variable, kinds)
        self._kinds[variable] = tuple(kind for kind in before if kind in kinds) or kinds

    def _check_properties(self, variable: str, properties: tuple[tuple[str, syntax.Expression], ...]) -> None:
        for name, value in properties:
            self._check_property(variable, name)
            self._check_constant(value)

    def _check_property(self, variable: str, name: str) -> None:
        kinds = self._kinds[variable]
        known = [self._properties(variable, kind) for kind in kinds]
        if not any(name in properties for properties in known):
            there = sorted({one for properties in known for one in properties})
            shown = variable if not variable.startswith("[") else " or ".join(kinds)
            raise BadParameter(f"{shown}.{name}: there is no such property; there are {', '.join(there) or 'none'}")

    def _properties(self, variable: str, kind: str) -> dict[str, str]:
        of_vertex = self._what[variable] == VERTEX
        return self._schema.vertices[kind].properties if of_vertex else self._schema.edges[kind].properties

    # ------------------------------------------------------------ writing
    def _check_new(self, path: syntax.Path) -> None:
        for node in path.nodes:
            if node.variable in self._what:
                if node.label or node.properties:
                    raise BadParameter(f"({node.variable}:…) is there already: refer to it as ({node.variable})")
                continue
            if node.label is None:
                raise BadParameter("CREATE () makes a vertex: give it a label and its key, (:Person {id: 1})")
            self._name(node.variable, VERTEX, self._labels(node))
            self._check_properties(node.variable, node.properties)
        for number, relation in enumerate(path.relations):
            if relation.direction == syntax.EITHER or relation.span or relation.type is None:
                raise BadParameter("CREATE of an edge needs a type and a direction: (a)-[:FRIEND]->(b)")
            kind = self._schema.edge(relation.type)
            ends = [path.nodes[number].variable, path.nodes[number + 1].variable]
            if relation.direction == syntax.IN:
                ends.reverse()
            for variable, label in zip(ends, (kind.source, kind.target), strict=True):
                if label not in self._kinds[variable]:
                    raise BadParameter(f"{kind.type} leads from {kind.source} to {kind.target}; {variable} is neither")
            self._name(relation.variable, EDGE, (kind.type,), again=False)
            self._check_properties(relation.variable, relation.properties)

    def _check_set(self, target: syntax.Property, value: syntax.Expression) -> None:
        self._check(target, aggregates=False)
        self._check_constant(value)
        kinds = self._schema.vertices
        keys = [kinds[kind].key for kind in self._kinds[target.variable] if kind in kinds]
        if target.name in keys:
            raise BadParameter(f"SET {target.variable}.{target.name}: a key does not change; create another vertex")

    def _check_constant(self, value: syntax.Expression) -> None:
        if not isinstance(value, syntax.Literal | syntax.Parameter):
            raise BadParameter(f"{value}: give a value or a $parameter here; compare in WHERE")

    # ------------------------------------------------------------ expressions
    def _check(self, expression: syntax.Expression, *, aggregates: bool) -> None:
        if isinstance(expression, syntax.Aggregate):
            if not aggregates:
                raise BadParameter(f"{expression}: a value of many rows stands alone, in RETURN")
            if isinstance(expression.of, syntax.Variable):
                self._require(expression.of.name)
            elif expression.of is not None:
                self._check(expression.of, aggregates=False)
            return
        match expression:
            case syntax.Variable(name):
                self._require(name)
                raise BadParameter(f"{name} by itself: say which of its properties, as in {name}.id, or length({name})")
            case syntax.Property(variable, name):
                self._require(variable)
                if self._what[variable] == PATH:
                    raise BadParameter(f"{variable}.{name}: {variable} is a path; it has length({variable})")
                self._check_property(variable, name)
            case syntax.Length(variable):
                self._require(variable)
                if self._what[variable] != PATH:
                    raise BadParameter(f"length({variable}): {variable} is no path")
            case _:
                for part in _parts(expression):
                    self._check(part, aggregates=aggregates)

    def _require(self, variable: str) -> None:
        if variable not in self._what:
            known = ", ".join(name for name in self._what if not name.startswith("[")) or "none"
            raise BadParameter(f"{variable!r} is not in the pattern; its variables are {known}")


def _parts(expression: syntax.Expression) -> Iterator[syntax.Expression]:
    match expression:
        case syntax.Comparison(_, left, right):
            yield left
            yield from right if isinstance(right, tuple) else (right,)
        case syntax.Logic(_, parts):
            yield from parts
        case syntax.IsNull(of):
            yield of
