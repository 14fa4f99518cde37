"""Hops: lists of neighbours, Ladybug, SQL and the model's Cypher, all called from Python.

Friends of friends of friends, everybody once, of people drawn by a hash; all in memory or in the system's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.graph import LadybugGraph, SqlGraph
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.graph_store import Adjacency, GraphSchema, PropertyGraph
from dsys_lab.stores.graph_store.verbs import Graph
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.workloads.slumber import ties

PEOPLE: Final = 6_320
MANY: Final = 334_500
"""People with a million ties."""
SCHEMA: Final = GraphSchema.of("Person(id: int)", "Person-FRIEND->Person")
TEXT: Final = "MATCH (a:Person {{id: $who}})-[:FRIEND* SHORTEST 1..{hops}]-(b:Person) RETURN count(*)"


def hops() -> None:
    """Three hops among 6,320 people; two and four among a third of a million with a million ties."""
    for people, steps, asked in ((PEOPLE, 3, 12), (MANY, 2, 12), (MANY, 4, 4)):
        ways, starts = hop_ways(people, steps, model=people == PEOPLE), some_people(people, asked)
        rivals = [Rival(name, partial(ask_all, way, starts)) for name, way in ways.items()]
        compare(f"{steps} hops among {people:,} people: lists of neighbours and others", "people", rivals, rounds=3)


def hop_ways(people: int, hops: int, *, model: bool = True) -> dict[str, Callable[[int], int]]:
    """Return by name a way to count who is within so many hops of a person."""
    pairs = ties(7, people)
    near = Adjacency(people, pairs[:, 0], pairs[:, 1])
    tables = {"Person": {"id": range(people)}}, {"FRIEND": {"from": pairs[:, 0].tolist(), "to": pairs[:, 1].tolist()}}
    text = TEXT.format(hops=hops)

    def ask(graph: Graph) -> Callable[[int], int]:
        graph.load(*tables)
        return lambda who: int(graph.run(text, who=who)[0][0])

    sql = SqlGraph(people, pairs.tolist())
    ways: dict[str, Callable[[int], int]] = {
        "lists of neighbours": lambda who: sum(near.wave(who, hops).sizes),
        "Ladybug": ask(LadybugGraph(SCHEMA, memory_bytes=1 << 30)),
        "SQLite, WITH RECURSIVE": lambda who: sum(sql.reached(who, hops)),
    }
    if model:
        ways["the model's Cypher"] = ask(PropertyGraph(SCHEMA, VolatileDisk()))
    return ways


def some_people(people: int, count: int) -> list[int]:
    """Return people to begin at, the same each time."""
    luck = stream(7, "who is asked")
    return [int(luck() * people) for _ in range(count)]


def ask_all(way: Callable[[int], int], starts: Sequence[int]) -> float:
    """Ask one way for everybody of `starts`; return how many that were."""
    for who in starts:
        way(who)
    return len(starts)
