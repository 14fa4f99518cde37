"""A query from its text to its rows, and to one change of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store.cypher import syntax
from dsys_lab.stores.graph_store.cypher.binding import Names
from dsys_lab.stores.graph_store.cypher.expressions import constant, evaluate
from dsys_lab.stores.graph_store.cypher.grammar import parse
from dsys_lab.stores.graph_store.cypher.matching import Counted, Match, Matching
from dsys_lab.stores.graph_store.cypher.planning import plan
from dsys_lab.stores.graph_store.schema import checked_properties

if TYPE_CHECKING:
    from dsys_lab.stores.graph_store.property_graph import Draft, PropertyGraph


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave, and how.

    Attributes
    ----------
    columns : tuple of str
    rows : list of tuple
    steps : list of Counted
        In the order in which they were taken, each with the rows that it gave.
    edges : int
        Looked at.
    keys : int
        Of indexes, looked at.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    steps: list[Counted]
    edges: int
    keys: int


def answer(graph: PropertyGraph, text: str, parameters: Mapping[str, Any], *, start: str | None = None) -> Answer:
    """Read a query, check it, run it, write what it changes."""
    query = parse(text)
    Names(graph.schema).check(query)
    before = graph.store.status().keys
    matching = Matching(graph, parameters)
    plans = plan(query.match, graph.schema, graph.count_label, start=start)
    found: Iterable[Match] = matching.rows(plans, query.where)
    if query.writes:
        found = list(found)  # all is read before the first word is written
        found = _write(graph, query, matching, found)
    returning = query.returning
    columns = tuple(column.name for column in returning.columns)
    rows = _returned(returning, matching, found) if columns else []
    return Answer(columns, rows, matching.steps, matching.edges, graph.store.status().keys - before)


# ------------------------------------------------------------------------------------------ writing
def _write(graph: PropertyGraph, query: syntax.Query, matching: Matching, found: list[Match]) -> list[Match]:
    from dsys_lab.stores.graph_store.property_graph import Draft

    draft, after = Draft(), []
    with graph.changing(draft):
        for match in found:
            after.append(_create(graph, draft, query.create, matching, match))
            for target, value in query.set:
                _set(graph, draft, match, target, constant(value, matching.parameters))
        gone = [match.names[name] for match in found for name in query.delete]
        vertices = list(dict.fromkeys(one for one in gone if isinstance(one, int)))
        edges = list(dict.fromkeys(one for one in gone if not isinstance(one, int)))
        graph.drop(draft, vertices, edges, detach=query.detach)
    return after


def _create(
    graph: PropertyGraph, draft: Draft, paths: tuple[syntax.Path, ...], matching: Matching, match: Match
) -> Match:
    for path in paths:
        for node in path.nodes:
            if node.variable not in match.names:
                assert node.label is not None, "it was checked that a new vertex has a label"
                vertex = graph.add_vertex(draft, node.label, _values(node.properties, matching))
                match = match.plus({node.variable: vertex})
        for number, relation in enumerate(path.relations):
            ends = [match.names[path.nodes[at].variable] for at in (number, number + 1)]
            if relation.direction == syntax.IN:
                ends.reverse()
            assert relation.type is not None, "it was checked that a new edge has a type"
            edge = graph.add_edge(draft, relation.type, ends[0], ends[1], _values(relation.properties, matching))
            match = match.plus({relation.variable: edge})
    return match


def _values(properties: tuple[tuple[str, syntax.Expression], ...], matching: Matching) -> dict[str, Any]:
    return {name: constant(value, matching.parameters) for name, value in properties}


def _set(graph: PropertyGraph, draft: Draft, match: Match, target: syntax.Property, value: Any) -> None:
    subject = match.names[target.variable]
    if isinstance(subject, int):
        kind: Any = graph.schema.vertex(graph.label(subject))
        known, name = kind.properties, kind.label
    else:
        kind, subject = graph.schema.edge(subject.type), subject.id
        known, name = kind.properties, kind.type
    checked = checked_properties(name, known, {target.name: value})
    graph.set_property(draft, subject, target.name, checked.get(target.name))


# ------------------------------------------------------------------------------------------ returning
def _returned(returning: syntax.Returning, matching: Matching, found: Iterable[Match]) -> list[tuple[Any, ...]]:
    columns = [column.expression for column in returning.columns]
    if any(isinstance(column, syntax.Aggregate) for column in columns):
        rows = _grouped(columns, matching, found)
    else:
        rows = [tuple(_value(one, matching, match) for one in columns) for match in found]
    if returning.distinct:
        rows = list({_identity(row): row for row in reversed(rows)}.values())[::-1]
    for order in reversed(returning.order):
        names = [column.name for column in returning.columns]
        said = [str(column.expression) for column in returning.columns]
        at = (names if order.name in names else said).index(order.name)
        rows.sort(key=partial(_sorted_by, at), reverse=order.descending)
    return rows[: returning.limit]


def _value(expression: syntax.Expression, matching: Matching, match: Match) -> Any:
    return evaluate(expression, matching.reader(match), matching.parameters)


def _identity(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what tells rows apart: 1 and true are two values."""
    return tuple((type(value).__name__, value) for value in row)


def _grouped(
    columns: list[syntax.Expression], matching: Matching, found: Iterable[Match]
) -> list[tuple[Any, ...]]:
    """Return a row for every group of equal values in the columns that are not aggregates."""
    plain = [one for one in columns if not isinstance(one, syntax.Aggregate)]
    gathered = [one for one in columns if isinstance(one, syntax.Aggregate)]
    groups: dict[tuple[Any, ...], tuple[tuple[Any, ...], list[list[Any]]]] = {}
    if not plain:
        groups[()] = (), [[] for _ in gathered]
    for match in found:
        values = tuple(_value(one, matching, match) for one in plain)
        _, lists = groups.setdefault(_identity(values), (values, [[] for _ in gathered]))
        for one, into in zip(gathered, lists, strict=True):
            is_row = one.of is None or isinstance(one.of, syntax.Variable)
            into.append(_one(one.of, match) if is_row else _value(one.of, matching, match))  # type: ignore[arg-type]
    rows = []
    for values, lists in groups.values():
        plainly, told = iter(values), iter(zip(gathered, lists, strict=True))
        rows.append(
            tuple(_fold(*next(told)) if isinstance(one, syntax.Aggregate) else next(plainly) for one in columns)
        )
    return rows


def _one(of: syntax.Variable | None, match: Match) -> Any:
    """Return what stands for a row when rows are counted."""
    return True if of is None else match.names[of.name]


def _fold(aggregate: syntax.Aggregate, values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    if aggregate.distinct:
        known = list({(type(value).__name__, value): value for value in known}.values())
    if aggregate.function == "count":
        return len(known)
    if aggregate.function == "collect":
        return known
    if aggregate.function in {"sum", "avg"}:
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in known):
            raise BadParameter(f"{aggregate}: give numbers to add up")
        total = sum(known)
        return total if aggregate.function == "sum" else (total / len(known) if known else None)
    chosen = min if aggregate.function == "min" else max
    return chosen(known) if known else None


def _sorted_by(at: int, row: tuple[Any, ...]) -> tuple[bool, Any]:
    """Return what a row is sorted by; what is missing comes last."""
    return row[at] is None, 0 if row[at] is None else row[at]
