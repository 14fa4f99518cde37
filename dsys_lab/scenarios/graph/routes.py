"""The flights of 2013 as a graph: airports, and a route wherever a plane flew.

Only flights that left New York are in the data: so every route begins at one of three airports, and these three are
hubs by the way the data were gathered. What a graph says is first of all what was recorded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import duckdb

from dsys_lab.stores.graph_store import GraphSchema, Loaded, PropertyGraph
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.workloads import flights

SCHEMA: Final = GraphSchema.of("Airport(faa: text, name: text)", "Airport-ROUTE->Airport(flights: int)")


@lru_cache(maxsize=1)
def loaded() -> tuple[PropertyGraph, Loaded]:
    """Return the route graph, and what its load took and turned away."""
    connection = duckdb.connect()
    flights.attach(connection)
    airports = connection.execute("select faa, name from airports order by faa").fetchall()
    routes = connection.execute(
        "select origin, dest, count(*) from flights group by origin, dest order by origin, dest"
    ).fetchall()
    connection.close()
    graph = PropertyGraph(SCHEMA, VolatileDisk())
    told = graph.load(
        {"Airport": {"faa": [faa for faa, _ in airports], "name": [name for _, name in airports]}},
        {"ROUTE": dict(zip(("from", "to", "flights"), map(list, zip(*routes, strict=True)), strict=True))},
    )
    return graph, told


def reached(start: str, hops: int = 4, *, without: tuple[str, ...] = ()) -> dict[str, list[int]]:
    """Count airports first reached from `start`, and walks, hop by hop."""
    near, keys = loaded()[0].adjacency("ROUTE")
    number = {key: at for at, key in enumerate(keys)}
    sizes = near.wave(number[start], hops, without=[number[one] for one in without]).sizes
    return {"first reached": sizes, "walks": near.walks(number[start], hops)}


def busiest(count: int = 6) -> list[tuple[Any, ...]]:
    """Return the airports with the most routes, and how many."""
    text = f"MATCH (a:Airport)-[r:ROUTE]-(b) RETURN a.faa, count(*) AS routes ORDER BY routes DESC, a.faa LIMIT {count}"
    return loaded()[0].run(text)
