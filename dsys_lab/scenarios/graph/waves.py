"""One question, two ways: everybody once, or a row for every way to get there.

`wave` is the run to be played; the other functions count.

1. `hops`: walks and people reached, hop by hop, of one person.
2. `growths`: by which factor the walks of a person grow a hop.
3. `through_the_hub`: what the one with the most friends does to it.

Sources: the laws and their sources in `dsys_lab.laws.graphs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dsys_lab import laws
from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.scenarios.graph.companies import PEOPLE, Circle, circle, friends, neighbours
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.stores.graph_store import Adjacency

WAYS = ("join", "wave")


@scenario("{way} from person {start}")
def wave(
    sim: Simulation, *, way: str = "wave", people: int = 18, start: int = 5, hops: int = 3, ties_a_person: int = 2
) -> Claims:
    """Follow friends from one person, hop by hop.

    `join` makes a row for every walk, as SQL's joins do: going back counts, too. `wave` lets everybody in once.
    """
    require_choice("way", way, WAYS)
    graph = circle(people, ties_a_person, sim.seed).graph
    if not 0 <= start < people:
        raise BadParameter(f"start = {start!r}: give one of {people} people, 0 to {people - 1}")
    if not 1 <= hops <= 5:
        raise BadParameter(f"hops = {hops!r}: give 1 to 5")

    def body() -> Body:
        frontier, seen = [(start, str(start))], {start}
        sim.emit("reach", "hop 0", str(start), hop=0, source="the question")
        for hop in range(1, hops + 1):
            after: list[tuple[int, str]] = []
            for person, path in frontier:
                near = graph.either.after(np.array([person])).tolist()
                for other in near:
                    yield sim.sleep(0.05)
                    if way == "join":
                        after.append((other, f"{path}-{other}"))
                        sim.emit("row", f"hop {hop}", after[-1][1], hop=hop, source=path)
                    elif other in seen:
                        sim.emit("reached_before", f"hop {hop}", f"{person}-{other}", of=str(other))
                    else:
                        seen.add(other)
                        after.append((other, str(other)))
                        sim.emit("reach", f"hop {hop}", str(other), hop=hop, source=str(person))
            frontier = after
            sim.emit("gauge", f"hop {hop}", name="rows", value=len(frontier), unit="rows")

    sim.spawn(body())
    sim.run()
    return Claims()


# ------------------------------------------------------------------------------------------ 1. hops
def hops(start: int, most: int = 4, *, people: int = PEOPLE) -> dict[str, list[int]]:
    """Count, hop by hop, the walks from `start` and the people who are reached first; and the law of the walks."""
    graph = friends(people)
    sizes = graph.wave(start, most).sizes
    return {
        "walks": graph.walks(start, most),
        "walks by law": laws.walks_by_products(neighbours(graph), start, most),
        "first reached": sizes + [0] * (most - len(sizes)),
    }


def growths(start: int, most: int = 5, *, people: int = PEOPLE) -> list[tuple[int, float]]:
    """Return (hop, walks of so many steps over walks of one step less), from the second hop on."""
    walks = laws.walks_by_products(neighbours(friends(people)), start, most)
    return [(hop, walks[hop - 1] / walks[hop - 2]) for hop in range(2, most + 1) if walks[hop - 2]]


def factors(people: int = PEOPLE) -> dict[str, float]:
    """Return three candidates for the growth a hop: mean degree, mean degree of a friend, largest eigenvalue."""
    graph = friends(people)
    degrees = graph.either.degrees.tolist()
    return {
        "mean friends": laws.mean_degree(degrees),
        "mean friends of a friend": laws.mean_neighbour_degree(degrees),
        "largest eigenvalue": laws.growth(neighbours(graph), rounds=80),
    }


# ------------------------------------------------------------------------------------------ 2. the hub
def hub(people: int = PEOPLE) -> int:
    """Return the person with the most friends."""
    return int(np.argmax(friends(people).either.degrees))


def through_the_hub(people: int = PEOPLE) -> dict[str, float]:
    """Count what the best known do to the table of friends joined with itself."""
    degrees = np.sort(friends(people).either.degrees)[::-1]
    top = max(1, people // 100)
    squares = degrees.astype(np.int64) ** 2
    return {
        "friends of the hub": int(degrees[0]),
        "median friends": float(np.median(degrees)),
        "ends of ties at the top 1%": float(degrees[:top].sum() / degrees.sum()),
        "rows of two steps": laws.rows_of_two_steps(degrees.tolist()),
        "rows through the hub": float(squares[0] / squares.sum()),
        "rows through the top 1%": float(squares[:top].sum() / squares.sum()),
    }


def without_hubs(start: int, most: int = 4, *, cut: int = 0, people: int = PEOPLE) -> dict[str, list[int]]:
    """Count the wave and the edges it looks at, where the `cut` best known are not gone through."""
    graph = friends(people)
    best = [int(one) for one in np.argsort(-graph.either.degrees, kind="stable")[: cut + 1] if one != start][:cut]
    found = graph.wave(start, most, without=best)
    return {"first reached": found.sizes, "edges looked at": list(found.met[1:])}


# ------------------------------------------------------------------------------------------ the picture
def drawn(
    start: int = 5,
    hops: int = 4,
    *,
    people: int = 40,
    hub_matters: bool = False,
    cut_the_hub: bool = False,
    seed: int = 7,
) -> dict[str, Any]:
    """Return what a chart of the wave needs: places, ties, who is reached when, rows of the join.

    `hub_matters` adds who is farther away without the one with the most friends; `cut_the_hub` does not go through it.
    """
    of: Circle = circle(people, 2, seed)
    if not 0 <= start < people:
        raise BadParameter(f"start = {start!r}: give one of {people} people, 0 to {people - 1}")
    without = [of.hub] if cut_the_hub and of.hub != start else []
    found = of.graph.wave(start, hops, without=without)
    return {
        "places": of.places,
        "ties": of.ties,
        "hops": [hop.tolist() for hop in found.hops],
        "rows": [1, *of.graph.walks(start, hops, without=without)],
        "hub": of.hub,
        "behind_hub": behind(of.graph, start, of.hub) if hub_matters else [],
        "without": without,
    }


def behind(graph: Adjacency, start: int, hub: int) -> list[int]:
    """Return who is farther away, or out of reach, without the hub."""
    near = {int(one): hop for hop, found in enumerate(graph.wave(start).hops) for one in found}
    rest = {int(one): hop for hop, found in enumerate(graph.wave(start, without=[hub]).hops) for one in found}
    return [one for one in sorted(near) if one != hub and rest.get(one, graph.vertices) > near[one]]
