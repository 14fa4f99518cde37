"""Slumber as a graph: who knows whom, who pays with which card, who bought what."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import networkx as nx
import numpy as np

from dsys_lab.errors import BadParameter
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.graph_store import Adjacency, GraphSchema, PropertyGraph
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.workloads.slumber import Slumber, ties

SEED: Final = 7
PEOPLE: Final = 6_320
"""After a million nights."""
SCHEMA: Final = GraphSchema.of(
    "Person(id: int, name: text)", "Card(number: int)", "Product(id: int, name: text)",
    "Person-FRIEND->Person(since: int)", "Person-PAYS->Card", "Person-BOUGHT->Product",
)  # fmt: skip


@lru_cache(maxsize=8)
def friends(people: int = PEOPLE) -> Adjacency:
    """Return who knows whom among the first `people`, as lists of neighbours."""
    _require_people(people)
    pairs = ties(SEED, people)
    return Adjacency(people, pairs[:, 0], pairs[:, 1])


def neighbours(graph: Adjacency) -> list[list[int]]:
    """Return the lists of neighbours as a law takes them."""
    return [part.tolist() for part in np.split(graph.either.neighbours, graph.either.starts[1:-1])]


def tables(nights: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the vertices and the edges of the company when it had seen so many nights, as `load` takes them."""
    world = Slumber(seed=SEED, nights=nights)
    person, product, lines = world.read("person"), world.read("product"), world.read("order_line")
    people = len(person["person_id"])
    pairs = ties(SEED, people)
    buyer = dict(zip(*(world.read("orders")[name].tolist() for name in ("order_id", "person_id")), strict=True))
    sold = zip(lines["order_id"].tolist(), lines["product_id"].tolist(), strict=True)
    bought = sorted({(buyer[order], product_id) for order, product_id in sold})
    cards = sorted(set(person["card_id"].tolist()))
    vertices = {
        "Person": {"id": person["person_id"].tolist(), "name": person["name"].tolist()},
        "Card": {"number": cards},
        "Product": {"id": product["product_id"].tolist(), "name": product["product"].tolist()},
    }
    edges = {
        "FRIEND": {"from": pairs[:, 0].tolist(), "to": pairs[:, 1].tolist(), "since": (pairs[:, 0] // 20).tolist()},
        "PAYS": {"from": person["person_id"].tolist(), "to": person["card_id"].tolist()},
        "BOUGHT": {"from": [who for who, _ in bought], "to": [what for _, what in bought]},
    }
    return vertices, edges


@lru_cache(maxsize=2)
def company(nights: int = 10_000) -> PropertyGraph:
    """Return the company as a property graph, in runs on a disk in memory."""
    graph = PropertyGraph(SCHEMA, VolatileDisk(), place="graph")
    graph.load(*tables(nights))
    graph.close()
    return graph


# ------------------------------------------------------------------------------------------ a circle that can be drawn
class Circle(NamedTuple):
    """A few people with a place on the page each.

    Attributes
    ----------
    graph : Adjacency
    places : dict
        Person -> (x, y), between -1 and 1.
    ties : list of (int, int)
    """

    graph: Adjacency
    places: dict[int, tuple[float, float]]
    ties: list[tuple[int, int]]

    @property
    def hub(self) -> int:
        """The one with the most friends."""
        return int(np.argmax(self.graph.either.degrees))


@lru_cache(maxsize=16)
def circle(people: int = 40, ties_a_person: int = 2, seed: int = SEED) -> Circle:
    """Return people who each befriended `ties_a_person` earlier ones, half the time a friend's friend.

    The layout is Fruchterman and Reingold's: ties pull, people push.
    """
    if not 3 <= people <= 200:
        raise BadParameter(f"people = {people!r}: give 3 to 200; more cannot be told apart")
    if not 1 <= ties_a_person <= 4:
        raise BadParameter(f"ties_a_person = {ties_a_person!r}: give 1 to 4")
    luck, made = stream(seed, "circle"), list[tuple[int, int]]()
    for person in range(1, people):
        known: list[int] = []
        while len(known) < min(ties_a_person, person):
            one = int(luck() * person)
            near = [b if a == one else a for a, b in made if one in {a, b}]
            other = near[int(luck() * len(near))] if near and luck() < 0.5 else one
            if other != person and other not in known:
                known.append(other)
        made += [(person, other) for other in known]
    drawn = nx.Graph(made)
    drawn.add_nodes_from(range(people))
    layout = nx.spring_layout(drawn, seed=seed, iterations=120, k=1.4 / people**0.5)
    places = {int(one): (round(float(x), 3), round(float(y), 3)) for one, (x, y) in sorted(layout.items())}
    return Circle(Adjacency.of(people, made), places, made)


def _require_people(people: int) -> None:
    if not isinstance(people, int) or not 2 <= people <= 200_000:
        raise BadParameter(f"people = {people!r}: give 2 to 200,000")
