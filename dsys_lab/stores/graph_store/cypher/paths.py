"""From one vertex along any number of edges: every path, or everybody once.

- *walk*: edges and vertices may come again. In a cycle there is no end but `high`.
- *trail*: no edge twice. It ends by itself, but there may be very many.
- *shortest*: everybody once, by a path that is as short as any: breadth first. Never more than there are vertices.

Each is lazy, and looks at edges through `edges`, which counts them and stops at the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dsys_lab.stores.graph_store.cypher import syntax

Edges = Callable[[int], Iterable[Any]]
"""Vertex -> its edges, each with `id` and `other(vertex)`."""
Found = tuple[int, tuple[Any, ...]]
"""Where a path ends, and its edges."""


def followed(start: int, span: syntax.Span, mode: str, edges: Edges, used: frozenset[int]) -> Iterator[Found]:
    """Give the paths of a span; `used` are edges that a trail may not take."""
    if mode == "shortest":
        yield from shortest(start, span, edges)
    elif mode == "trail":
        yield from trails(start, span, edges, used)
    else:
        yield from walks(start, span, edges)


def walks(start: int, span: syntax.Span, edges: Edges) -> Iterator[Found]:
    """Give every walk, the shorter first."""
    ends: list[Found] = [(start, ())]
    hop = 0
    while ends:
        if hop >= span.low:
            yield from ends
        if hop == span.high:
            return
        ends = [(edge.other(vertex), (*path, edge)) for vertex, path in ends for edge in edges(vertex)]
        hop += 1


def trails(start: int, span: syntax.Span, edges: Edges, used: frozenset[int]) -> Iterator[Found]:
    """Give every trail, depth first."""
    stack: list[tuple[int, tuple[Any, ...], frozenset[int]]] = [(start, (), used)]
    while stack:
        vertex, path, taken = stack.pop()
        if len(path) >= span.low:
            yield vertex, path
        if len(path) != span.high:
            after = [edge for edge in edges(vertex) if edge.id not in taken]
            stack += [(edge.other(vertex), (*path, edge), taken | {edge.id}) for edge in reversed(after)]


def shortest(start: int, span: syntax.Span, edges: Edges) -> Iterator[Found]:
    """Give everybody but `start` once, the nearer first."""
    seen, frontier, hop = {start}, [(start, ())], 0
    while frontier and hop != span.high:
        hop += 1
        after: list[Found] = []
        for vertex, path in frontier:
            for edge in edges(vertex):
                other = edge.other(vertex)
                if other not in seen:
                    seen.add(other)
                    after.append((other, (*path, edge)))
        frontier = after
        yield from frontier
