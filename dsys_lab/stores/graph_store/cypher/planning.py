"""Where to begin? At the end that is found by its key.

A path can be walked from any of its vertices, and the rows in between are very different: from one person along
friends of friends, or from everybody. Each vertex of the pattern is *estimated*: known already, found by its key (1),
or one of so many with its label. The smallest is the start; from there the pattern is followed to its right end, and
then to its left one.

`plan` is pure: the counts come in as an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.cypher import syntax
from dsys_lab.stores.graph_store.schema import GraphSchema

_TURNED: Final = {syntax.OUT: syntax.IN, syntax.IN: syntax.OUT, syntax.EITHER: syntax.EITHER}


@dataclass(frozen=True, slots=True)
class Step:
    """From a vertex that is known along a relation to the next; `relation.direction` is as it is walked."""

    source: str
    relation: syntax.Relation
    target: syntax.Node


@dataclass(frozen=True, slots=True)
class Walked:
    """One path of the pattern: where it begins, and its steps."""

    path: syntax.Path
    start: syntax.Node
    steps: tuple[Step, ...]


def plan(
    paths: tuple[syntax.Path, ...],
    schema: GraphSchema,
    count: Callable[[str | None], int],
    *,
    start: str | None = None,
) -> list[Walked]:
    """Return the paths, each with its start and its steps.

    Parameters
    ----------
    count : callable
        Label -> how many vertices have it; None: how many there are.
    start : str, optional
        A variable of the first path to begin at.
    """
    known: set[str] = set()
    walked = []
    for number, path in enumerate(paths):
        names = [node.variable for node in path.nodes]
        if number == 0 and start is not None:
            if start not in names:
                raise BadParameter(f"start = {start!r}: give a variable of the first path, of {', '.join(names)}")
            first = names.index(start)
        else:
            costs = [estimate(node, known, schema, count) for node in path.nodes]
            first = costs.index(min(costs))
        walked.append(Walked(path, path.nodes[first], _steps(path, first)))
        known |= {*names}
    return walked


def estimate(node: syntax.Node, known: set[str], schema: GraphSchema, count: Callable[[str | None], int]) -> int:
    """Return how many vertices a node of the pattern stands for, as far as one can say without looking."""
    if node.variable in known:
        return 0
    labels = list(schema.vertices) if node.label is None else [node.label]
    given = {name for name, _ in node.properties}
    if len(labels) == 1 and schema.vertices[labels[0]].key in given:
        return 1
    return count(node.label)


def _steps(path: syntax.Path, first: int) -> tuple[Step, ...]:
    right = [
        Step(path.nodes[at].variable, path.relations[at], path.nodes[at + 1])
        for at in range(first, len(path.relations))
    ]
    left = [
        Step(path.nodes[at + 1].variable, turned(path.relations[at]), path.nodes[at]) for at in reversed(range(first))
    ]
    return (*right, *left)


def turned(relation: syntax.Relation) -> syntax.Relation:
    """Return a relation as it is walked from its other end."""
    return replace(relation, direction=_TURNED[relation.direction])
