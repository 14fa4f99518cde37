"""The flights of 2013 as a graph: airports, and a route wherever a plane flew.

Only flights that left New York are in the data: so every route begins at one of three airports, and these three are
hubs by the way the data were gathered. What a graph says is first of all what was recorded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import duckdb

from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store import GraphSchema, Loaded, PropertyGraph
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.workloads import flights

SCHEMA: Final = GraphSchema.of(
    "Airport(faa: text, name: text, lon: float, lat: float)", "Airport-ROUTE->Airport(flights: int)"
)


@lru_cache(maxsize=1)
def loaded() -> tuple[PropertyGraph, Loaded]:
    """Return the route graph, and what its load took and turned away."""
    connection = duckdb.connect()
    flights.attach(connection)
    airports = connection.execute("select faa, name, lon, lat from airports order by faa").fetchall()
    routes = connection.execute(
        "select origin, dest, count(*) from flights group by origin, dest order by origin, dest"
    ).fetchall()
    connection.close()
    graph = PropertyGraph(SCHEMA, VolatileDisk())
    told = graph.load(
        {"Airport": dict(zip(("faa", "name", "lon", "lat"), map(list, zip(*airports, strict=True)), strict=True))},
        {"ROUTE": dict(zip(("from", "to", "flights"), map(list, zip(*routes, strict=True)), strict=True))},
    )
    return graph, told


def reached(start: str, hops: int = 4, *, without: tuple[str, ...] = ()) -> dict[str, list[int]]:
    """Count airports first reached from `start`, and walks, hop by hop."""
    near, keys = loaded()[0].adjacency("ROUTE")
    number = {key: at for at, key in enumerate(keys)}
    away = [number[one] for one in without]
    sizes = near.wave(number[start], hops, without=away).sizes
    return {"first reached": sizes, "walks": near.walks(number[start], hops, without=away)}


def drawn(start: str, hops: int = 4, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what a chart of the wave needs, each airport where it lies on the map."""
    graph = loaded()[0]
    near, keys = graph.adjacency("ROUTE")
    number = {key: at for at, key in enumerate(keys)}
    if start not in number:
        raise BadParameter(f"start = {start!r}: give an airport's code, such as 'EWR' or 'LAX'")
    ends = graph.run("MATCH (a:Airport)-[r:ROUTE]->(b:Airport) RETURN a.faa, b.faa")
    flown = sorted({*(one for pair in ends for one in pair), start})
    away = [number[one] for one in without if one != start]
    wave = near.wave(number[start], hops, without=away)
    places = graph.run("MATCH (a:Airport) RETURN a.faa, a.lon, a.lat")
    return {
        "places": {number[faa]: (lon / 20, lat / 16) for faa, lon, lat in places if faa in flown},
        "ties": [(number[one], number[other]) for one, other in ends],
        "hops": [hop.tolist() for hop in wave.hops],
        "rows": [1, *near.walks(number[start], hops, without=away)],
        "hub": number[busiest(1)[0][0]],
        "without": away,
        "what": "airports",
    }


def busiest(count: int = 6) -> list[tuple[Any, ...]]:
    """Return the airports with the most routes, and how many."""
    text = f"MATCH (a:Airport)-[r:ROUTE]-(b) RETURN a.faa, count(*) AS routes ORDER BY routes DESC, a.faa LIMIT {count}"
    return loaded()[0].run(text)
