"""What a company asks of its graph, and what it costs to begin at the wrong end.

1. `from_either_end`: the same path from its selective end and from the other one.
2. `paying`, `shared`, `ring_score`: who shares a card, held against the rings that were planted.
3. `recommended`: friends of friends, and those who bought a product.
4. `one_fact`: a tie with two properties as a property graph and as triples.
5. `cuts`: the power goes before every step; do forward and backward agree?
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from dsys_lab import laws
from dsys_lab.scenarios.graph.companies import SCHEMA, company, friends, neighbours
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.graph_store import GraphSchema, PropertyGraph, Quad, QuadStore
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.workloads.slumber import Slumber
from dsys_lab.workloads.slumber import rings as planted_rings

NIGHTS: Final = 10_000
MANY_NIGHTS: Final = 1_000_000
FRIENDS_OF_FRIENDS: Final = """
MATCH (a:Person {id: $who})-[:FRIEND]-(b:Person)-[:FRIEND]-(c:Person)
RETURN c.id, count(*) AS common ORDER BY common DESC, c.id LIMIT 5"""
WHO_BOUGHT: Final = """
MATCH (a:Person {id: $who})-[:FRIEND]-(b:Person)-[:FRIEND]-(c:Person)-[:BOUGHT]->(p:Product {id: $product})
WHERE c.id <> $who RETURN DISTINCT c.id ORDER BY c.id"""
SHARED: Final = "MATCH (c:Card)<-[:PAYS]-(a:Person) RETURN c.number, count(*) AS people, collect(a.id) AS ids"


# ------------------------------------------------------------------------------------------ 1. where to begin
def from_either_end(who: int = 17, nights: int = 1_000) -> dict[str, dict[str, int]]:
    """Follow two friendships from `who`, and from everybody towards `who`; count edges looked at, and by law."""
    graph, text = company(nights), FRIENDS_OF_FRIENDS
    people = graph.count_label("Person")
    near = neighbours(friends(people))
    told = {}
    for start, starts in (("a", [who]), ("c", range(people))):
        answer = graph.explain(text, start=start, who=who)
        law = laws.edges_looked_at(near, starts, 2)
        rows = max(step.rows for step in answer.steps)
        told[f"from {'one person' if start == 'a' else 'everybody'}"] = {
            "edges looked at": answer.edges, "by law": law, "rows of a step, most": rows, "returned": len(answer.rows),
        }  # fmt: skip
    return told


# ------------------------------------------------------------------------------------------ 2. rings
def ring_score(found: list[tuple[int, ...]], people: int) -> dict[str, float]:
    """Hold groups against the rings that were planted: how many of each, and precision and recall."""
    planted = set(planted_rings(7, people))
    right = len(planted & {*found})
    return {
        "found": len(found), "planted": len(planted),
        "precision": right / len(found) if found else 1.0, "recall": right / len(planted) if planted else 1.0,
    }  # fmt: skip


def paying(people: int = 6_320) -> PropertyGraph:
    """Return who pays with which card, for as many people as there are after a million nights."""
    table = Slumber(nights=MANY_NIGHTS).read("person", 0, people)
    ids, cards = table["person_id"].tolist(), table["card_id"].tolist()
    graph = PropertyGraph(GraphSchema.of("Person(id: int)", "Card(number: int)", "Person-PAYS->Card"), VolatileDisk())
    graph.load(
        {"Person": {"id": ids}, "Card": {"number": sorted({*cards})}}, {"PAYS": {"from": ids, "to": cards}}
    )
    return graph


def shared(graph: PropertyGraph, *, at_least: int = 3) -> list[tuple[int, ...]]:
    """Return the groups of at least so many people who pay with one card."""
    return sorted(tuple(sorted(ids)) for _, people, ids in graph.run(SHARED) if people >= at_least)


# ------------------------------------------------------------------------------------------ 3. recommendations
def recommended(who: int = 17, nights: int = NIGHTS) -> list[tuple[int, int]]:
    """Return (person, friends in common) of those whom `who` may know: not friends yet, the most in common first."""
    graph = company(nights)
    near = {row[0] for row in graph.run("MATCH (a:Person {id: $who})-[:FRIEND]-(b) RETURN b.id", who=who)}
    text = FRIENDS_OF_FRIENDS.replace(" LIMIT 5", "")
    return [(one, common) for one, common in graph.run(text, who=who) if one not in near and one != who][:5]


def who_bought(product: int = 3, who: int = 17, nights: int = NIGHTS) -> list[int]:
    """Return the friends of friends of `who` that bought a product."""
    return [row[0] for row in company(nights).run(WHO_BOUGHT, who=who, product=product)]


# ------------------------------------------------------------------------------------------ 4. one fact, two models
PROPERTY_GRAPH: Final = "MATCH (a:Person {id: 17})-[f:FRIEND]->(b) WHERE f.since > 2018 RETURN b.id, f.closeness"
SPARQL: Final = {
    "triples that describe a triple": (
        "SELECT ?b ?c WHERE { ?t rdf:type rdf:Statement . ?t rdf:subject :p17 . ?t rdf:predicate :friend . "
        "?t rdf:object ?b . ?t :since ?y . ?t :closeness ?c . FILTER (?y > 2018) }"
    ),
    "a graph with a name": (
        "SELECT ?b ?c WHERE { GRAPH ?g { :p17 :friend ?b } . ?g :since ?y . ?g :closeness ?c . FILTER (?y > 2018) }"
    ),
}


def one_fact() -> dict[str, dict[str, int]]:
    """Store *17 and 42 are friends since 2019, closeness 0.8* in three ways; count statements and the query's letters.

    The property graph's are counted in the store, after a load of two people; the SPARQL is not run here.
    """
    schema = GraphSchema.of("Person(id: int)", "Person-FRIEND->Person(since: int, closeness: float)")
    graph = PropertyGraph(schema, VolatileDisk())
    graph.load({"Person": {"id": [17, 42]}}, {})
    before = graph.store.status().quads
    graph.load({}, {"FRIEND": {"from": [17], "to": [42], "since": [2019], "closeness": [0.8]}})
    told = {"edge with properties": (graph.store.status().quads - before, PROPERTY_GRAPH)}
    tie, about = ("17", "friend", "42"), (("since", "2019"), ("closeness", "0.8"))
    parts = (("type", "Statement"), ("subject", "17"), ("predicate", "friend"), ("object", "42"))
    ways = {
        "triples that describe a triple": [(*tie, ""), *(("t", *pair, "") for pair in (*parts, *about))],
        "a graph with a name": [(*tie, "g"), *(("g", *pair, "") for pair in about)],
    }
    for name, statements in ways.items():
        store = QuadStore(VolatileDisk())
        store.write([Quad(*(store.term("name", word) for word in one)) for one in statements])
        told[name] = (store.status().quads, SPARQL[name])
    return {name: {"statements": count, "letters of the query": len(text)} for name, (count, text) in told.items()}


# ------------------------------------------------------------------------------------------ 5. the power goes
def cuts(*, one_record: bool = True, seed: int = 7) -> Counter[str]:
    """Cut the power before every step of six befriendings; count where forward and backward then differ, and losses."""
    whole, told = VolatileDisk(), Counter[str]()
    _befriend(whole, one_record=one_record)
    for step in range(whole.steps):
        disk = VolatileDisk(power_cut_before=step)
        done = _befriend(disk, one_record=one_record)
        disk.crash(stream(seed, str(step)))
        graph = PropertyGraph(SCHEMA, disk)
        ways = [
            {edge.id for one in graph.vertices() for edge in graph.edges(one, "FRIEND", direction)}
            for direction in ("out", "in")
        ]
        told["moments"] += 1
        told["forward and backward differ"] += bool(graph.store.disagreements())
        told["acknowledged and lost"] += max(0, done - min(map(len, ways)))
    return told


def _befriend(disk: VolatileDisk, *, one_record: bool) -> int:
    """Make people and ties one by one; return how many ties were acknowledged before the power went."""
    done = 0
    try:
        graph = PropertyGraph(SCHEMA, disk, one_record=one_record)
        graph.load({"Person": {"id": list(range(7))}}, {})
        for one in range(6):
            graph.load({}, {"FRIEND": {"from": [one], "to": [one + 1]}})
            done += 1
            if one == 3:
                graph.close()
    except PowerCut:
        pass
    return done
