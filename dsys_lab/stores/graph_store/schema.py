"""What may stand in a graph: kinds of vertices with a key, kinds of edges between them, each with typed properties.

>>> people = GraphSchema.of("Person(id: int, name: text)", "Person-FRIEND->Person(since: int)")
>>> people.vertices["Person"].key, people.edges["FRIEND"].source
('id', 'Person')

The first property of a kind of vertex is its *key*: no two vertices of the kind share it, and it is never missing.
All other properties may be. Neptune has no schema; with one, a misspelt label is an error instead of an empty answer,
and an engine that wants one (Ladybug) takes the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.terms import Value, check_value

TYPES: Final[dict[str, Any]] = {"int": int, "float": float, "text": str, "bool": bool}
_NAME: Final = r"[A-Za-z][A-Za-z_0-9]*"
_VERTEX: Final = re.compile(rf"^({_NAME})\((.*)\)$")
_EDGE: Final = re.compile(rf"^({_NAME})-({_NAME})->({_NAME})(?:\((.*)\))?$")
_PROPERTY: Final = re.compile(rf"^({_NAME}): ?({'|'.join(TYPES)})$")
_HOW: Final = "write 'Person(id: int, name: text)' or 'Person-FRIEND->Person(since: int)'"


@dataclass(frozen=True, slots=True)
class VertexKind:
    """A label: its properties by name, and which of them is the key."""

    label: str
    properties: dict[str, str]

    @property
    def key(self) -> str:
        """The property that tells one vertex from another."""
        return next(iter(self.properties))

    def may_be_key(self, value: object) -> bool:
        """Whether a value is of the key's type: in Python 2.0 is equal to 2 and True to 1, and neither is an int."""
        return type(value) is TYPES[self.properties[self.key]]

    def checked(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Return the properties of a new vertex, those that are missing left out.

        Raises
        ------
        BadParameter
            If the key is missing, a property is unknown, or a value is of another type.
        """
        kept = checked_properties(self.label, self.properties, given)
        if self.key not in kept:
            raise BadParameter(f"a {self.label} without {self.key}: give it one, it is what it is found by")
        return kept


@dataclass(frozen=True, slots=True)
class EdgeKind:
    """A type of edge: from which label to which, and its properties."""

    type: str
    source: str
    target: str
    properties: dict[str, str]

    def checked(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Return the properties of a new edge, those that are missing left out."""
        return checked_properties(self.type, self.properties, given)


@dataclass(frozen=True, slots=True)
class GraphSchema:
    """All kinds by their names."""

    vertices: dict[str, VertexKind]
    edges: dict[str, EdgeKind]

    @classmethod
    def of(cls, *kinds: str) -> GraphSchema:
        """Return the schema that these lines describe.

        Raises
        ------
        BadParameter
            If a line says neither, a name is used twice, or an edge names a label that is not there.
        """
        vertices: dict[str, VertexKind] = {}
        edges: dict[str, EdgeKind] = {}
        for kind in kinds:
            if edge := _EDGE.match(kind):
                type_, source, target = edge[2], edge[1], edge[3]
                edges[type_] = EdgeKind(type_, source, target, _properties(kind, edge[4] or ""))
            elif vertex := _VERTEX.match(kind):
                vertices[vertex[1]] = VertexKind(vertex[1], _properties(kind, vertex[2]))
                if not vertices[vertex[1]].properties:
                    raise BadParameter(f"{kind!r}: the first property is the key; give one")
            else:
                raise BadParameter(f"{kind!r} is no kind of a graph: {_HOW}")
        if len(vertices) + len(edges) < len(kinds) or {*vertices} & {*edges}:
            raise BadParameter(f"a name is used twice in {list(kinds)}: give every kind a name of its own")
        for edge_kind in edges.values():
            for label in (edge_kind.source, edge_kind.target):
                if label not in vertices:
                    raise BadParameter(f"{edge_kind.type}: there is no {label}; labels are {', '.join(vertices)}")
        return cls(vertices, edges)

    def vertex(self, label: str) -> VertexKind:
        """Return the kind of a label."""
        if label not in self.vertices:
            raise BadParameter(f"label {label!r}: give one of {', '.join(self.vertices)}")
        return self.vertices[label]

    def edge(self, type_: str) -> EdgeKind:
        """Return the kind of a type of edge."""
        if type_ not in self.edges:
            raise BadParameter(f"type {type_!r}: give one of {', '.join(self.edges) or '(there are none)'}")
        return self.edges[type_]


def checked_properties(kind: str, known: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Value]:
    """Return the properties that have a value, each of its type; a whole number will do where a float is asked for."""
    kept: dict[str, Any] = {}
    for name, said in given.items():
        if name not in known:
            raise BadParameter(f"{kind}.{name}: there is no such property; give some of {', '.join(known) or 'none'}")
        if said is None:
            continue
        check_value(said, f"{kind}.{name}")
        wanted = TYPES[known[name]]
        if type(said) is not wanted and not (wanted is float and type(said) is int):
            raise BadParameter(f"{kind}.{name} = {said!r}: give {known[name]}")
        kept[name] = wanted(said)
    return kept


def _properties(kind: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _PROPERTY.match(part)
        if not match or match[1] in found:
            raise BadParameter(f"{kind!r}: {part!r} is no property, or is there twice; {_HOW}, of {', '.join(TYPES)}")
        found[match[1]] = match[2]
    return found
