"""The same Cypher text gives the same rows on the model and on Ladybug; what differs is a difference that is told."""
from __future__ import annotations

from random import Random

import pytest

from dsys_lab.engines.graph import DIFFERENCES, LadybugGraph, SqlGraph
from dsys_lab.errors import BadParameter, DsysLabError, Misuse, Refused
from dsys_lab.stores.graph_store import Adjacency, GraphSchema, GraphStatus, Loaded, PropertyGraph
from dsys_lab.structures.disk import VolatileDisk

SCHEMA = GraphSchema.of(
    "Person(id: int, name: text, age: int, score: float)", "Card(number: text)",
    "Person-FRIEND->Person(since: int)", "Person-PAYS->Card",
)  # fmt: skip
SKIPS = {case for difference in DIFFERENCES for case in difference.skips}


def tables(seed=4, people=14, edges=26):
    luck = Random(seed)
    names = ["Ada", "Ben", "Cy", None]
    pairs = [(luck.randrange(people), luck.randrange(people + 2)) for _ in range(edges)]
    pairs = [(a, b) for a, b in pairs if a != b] + [(0, people), (people + 1, 1)]
    return (
        {"Person": {"id": list(range(people)), "name": [luck.choice(names) for _ in range(people)],
                    "age": [luck.choice([20, 30, 40, None]) for _ in range(people)],
                    "score": [n / 4 for n in range(people)]},
         "Card": {"number": ["a", "b", "c"]}},
        {"FRIEND": {"from": [a for a, _ in pairs], "to": [b for _, b in pairs],
                    "since": [2000 + n for n in range(len(pairs))]},
         "PAYS": {"from": list(range(people)), "to": [luck.choice("abc") for _ in range(people)]}},
    )  # fmt: skip


@pytest.fixture(params=["model", "ladybug"])
def graph(request):
    made = PropertyGraph(SCHEMA, VolatileDisk()) if request.param == "model" else LadybugGraph(SCHEMA)
    yield made
    made.close()


@pytest.fixture(scope="module")
def both():
    model, walking, engine = (
        PropertyGraph(SCHEMA, VolatileDisk()), PropertyGraph(SCHEMA, VolatileDisk(), paths="walk"), LadybugGraph(SCHEMA)
    )  # fmt: skip
    loaded = [one.load(*tables()) for one in (model, walking, engine)]
    assert len({str(one) for one in loaded}) == 1
    assert loaded[0].orphans == 2
    yield model, walking, engine
    engine.close()


QUERIES = [
    "MATCH (a:Person {id: 3})-[:FRIEND]->(b:Person) RETURN b.id",
    "MATCH (a:Person {id: 3})<-[:FRIEND]-(b:Person) RETURN b.id, b.name",
    "MATCH (a:Person)-[f:FRIEND]-(b:Person) WHERE f.since > 2010 AND a.age >= 30 RETURN a.id, f.since, b.id",
    "MATCH (a:Person) WHERE a.name IS NULL OR NOT a.age = 20 RETURN a.id",
    "MATCH (a:Person) WHERE a.name IN ['Ada', 'Cy'] RETURN a.id",
    "MATCH (a:Person) RETURN a.age, count(*), count(a.name), sum(a.id), min(a.score), max(a.id), avg(a.score)",
    "MATCH (a:Person) RETURN DISTINCT a.name",
    "MATCH (a:Person)-[:PAYS]->(c:Card) RETURN c.number AS card, count(DISTINCT a.age) AS ages",
    "MATCH (a:Person {id: $who})-[:FRIEND* TRAIL 1..4]-(b:Person) RETURN b.id, count(*)",
    "MATCH (a:Person {id: $who})-[:FRIEND* TRAIL 2..3]->(b:Person) WHERE b.age > 20 RETURN count(*)",
    "MATCH (a:Person {id: $who})-[p:FRIEND* SHORTEST 1..6]-(b:Person) RETURN b.id, length(p)",
    "MATCH (a:Person {id: $who})-[p:FRIEND* SHORTEST 1..6]->(b:Person) RETURN b.id, length(p)",
    "MATCH p = (a:Person {id: 1})-[:FRIEND* SHORTEST 1..9]-(b:Person {id: 5}) RETURN length(p)",
    "MATCH (a:Person {id: $who})-[:FRIEND*0..1]-(b:Person) RETURN b.id",
    "MATCH (a:Person)-[:PAYS]->(c:Card)<-[:PAYS]-(b:Person) WHERE a.id < b.id RETURN count(*)",
    "MATCH (a:Person {id: 1}), (b:Card {number: 'a'}) RETURN a.name, b.number",
    "MATCH (a:Person {id: 99})-[:FRIEND]-(b:Person) RETURN b.id",
    "match (a:Person) where a.score <= 1.5 return a.id",
]


@pytest.mark.parametrize("text", QUERIES)
def test_the_same_text_gives_the_same_rows(both, text):
    model, _, engine = both
    for who in (1, 7):
        parameters = {"who": who} if "$who" in text else {}
        assert sorted(model.run(text, **parameters), key=str) == sorted(engine.run(text, **parameters), key=str)


def test_the_order_is_the_same_where_one_is_asked_for(both):
    model, _, engine = both
    for order in ("a.name, a.id", "a.age DESC, a.id DESC"):
        text = f"MATCH (a:Person) RETURN a.name, a.age, a.id ORDER BY {order} LIMIT 9"
        assert model.run(text) == engine.run(text)


# ------------------------------------------------------------------------------------------ what is told to differ
OTHERWISE = {
    "trails_by_themselves": "MATCH (a:Person {id: 1})-[:FRIEND*1..3]-(b:Person) RETURN count(*)",
    "edges_of_a_pattern_differ": "MATCH (a:Person {id: 1})-[:FRIEND]-(b:Person)-[:FRIEND]-(c:Person) RETURN count(*)",
    "the_sum_of_nothing": "MATCH (a:Person) WHERE a.id > 99 RETURN sum(a.id)",
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_a_difference_is_one(both, case):
    model, walking, engine = both
    assert case in SKIPS
    assert model.run(OTHERWISE[case]) != engine.run(OTHERWISE[case])
    if case != "the_sum_of_nothing":
        assert walking.run(OTHERWISE[case]) == engine.run(OTHERWISE[case]), "walks are what Ladybug gives"


def test_a_loop_is_met_once_here_and_twice_there():
    told = []
    for one in (PropertyGraph(SCHEMA, VolatileDisk()), LadybugGraph(SCHEMA)):
        one.load({"Person": {"id": [1]}}, {"FRIEND": {"from": [1], "to": [1]}})
        told.append(one.run("MATCH (a:Person {id: 1})-[:FRIEND]-(b:Person) RETURN count(*)"))
        one.close()
    assert told == [[(1,)], [(2,)]]
    assert "a_loop_is_met_once" in SKIPS


def test_every_difference_that_is_told_has_its_case():
    assert {*OTHERWISE, "a_loop_is_met_once", "a_text_is_no_number"} == SKIPS


def test_a_text_is_no_number(both):
    model, _, engine = both
    text = "MATCH (a:Person {id: 99}) WHERE a.name = 3 RETURN a.id"
    assert model.run(text) == engine.run(text) == []
    for one in both:
        with pytest.raises(BadParameter):
            one.run("MATCH (a:Person) WHERE a.name = 3 RETURN a.id")


# ------------------------------------------------------------------------------------------ one suite for both
def test_writes_and_what_is_refused(graph):
    graph.run("CREATE (:Person {id: 1, name: 'Ada'})")
    graph.run("CREATE (:Person {id: 2})")
    join = "MATCH (a:Person {id: 1}), (b:Person {id: $to}) CREATE (a)-[:FRIEND {since: 2019}]->(b) RETURN count(*)"
    assert graph.run(join, to=2) == [(1,)]
    assert graph.run(join, to=99) == [(0,)], "nobody there: nothing happens, and only the count tells"
    graph.run("MATCH (a:Person {id: 2}) SET a.age = 41, a.score = 2.5")
    found = graph.run("MATCH (a:Person {id: 1})-[f:FRIEND]-(b:Person) RETURN f.since, b.age, b.score")
    assert found == [(2019, 41, 2.5)]
    before = graph.status()
    assert before == GraphStatus({"Person": 2, "Card": 0}, {"FRIEND": 1, "PAYS": 0})
    for text, error in (
        ("MATCH (a:Person {id: 1}) DELETE a", Refused), ("CREATE (:Person {id: 1})", Refused),
        ("MATCH (a:Person RETURN a.id", BadParameter), ("MATCH (a:Nobody) RETURN a.id", BadParameter),
        ("MATCH (a:Person) RETURN a.height", BadParameter), ("MATCH (a:Person {id: $x}) RETURN a.id", BadParameter),
        ("CREATE (:Person {name: 'x'})", BadParameter), ("MATCH (a:Person {id: 1}) SET a.id = 7", BadParameter),
        ("MATCH (a:Person) RETURN b.id", BadParameter), ("CREATE (:Person {id: 'x'})", BadParameter),
        ("", BadParameter), (None, BadParameter), ("MERGE (a", BadParameter),
    ):  # fmt: skip
        with pytest.raises(error):
            graph.run(text)
        assert graph.status() == before
    with pytest.raises(BadParameter, match="64 bits"):
        graph.run("MATCH (a:Person {id: $x}) RETURN a.id", x=2**64)
    graph.run("MATCH (a:Person {id: 1}) DETACH DELETE a")
    assert graph.status() == GraphStatus({"Person": 1, "Card": 0}, {"FRIEND": 0, "PAYS": 0})


@pytest.mark.parametrize(
    ("vertices", "edges", "error"),
    [
        ({"Person": {"id": [9, 1]}}, {}, Refused), ({"Person": {"id": [9, 9]}}, {}, Refused),
        ({"Person": {"id": [9], "age": ["x"]}}, {}, BadParameter), ({"Person": {"name": ["x"]}}, {}, BadParameter),
        ({"Person": {"id": [9], "age": []}}, {}, BadParameter), ({"Dog": {"id": [9]}}, {}, BadParameter),
        ({"Person": {"id": [9]}}, {"FRIEND": {"from": [1], "to": [1], "since": ["x"]}}, BadParameter),
        ({"Person": {"id": [9]}}, {"LIKES": {"from": [1], "to": [1]}}, BadParameter),
    ],
)  # fmt: skip
def test_a_load_is_whole_or_not_at_all(graph, vertices, edges, error):
    assert graph.load({"Person": {"id": [1, 2]}}, {"FRIEND": {"from": [1, 1], "to": [2, 7]}}) == Loaded(2, 1, 1)
    before = graph.status()
    with pytest.raises(error):
        graph.load(vertices, edges)
    assert graph.status() == before


@pytest.mark.parametrize("end", [2.0, True, "2", None])
def test_what_only_equals_a_key_in_python_is_nobody(graph, end):
    graph.load({"Person": {"id": [1, 2]}}, {})
    assert graph.load({}, {"FRIEND": {"from": [1], "to": [end]}}) == Loaded(0, 0, 1)


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path):
    graph = LadybugGraph(SCHEMA, folder=tmp_path)
    graph.run("CREATE (:Person {id: 1})")
    graph.close()
    again = LadybugGraph(SCHEMA, folder=tmp_path)
    assert again.run("MATCH (a:Person) RETURN a.id") == [(1,)]
    again.close()
    with pytest.raises(DsysLabError):
        again.run("MATCH (a:Person) RETURN a.id")


def test_ladybug_refuses_what_does_not_end():
    graph = LadybugGraph(SCHEMA, memory_bytes=1 << 25)
    ids = list(range(12))
    pairs = [(a, b) for a in ids for b in ids if a < b]
    graph.load({"Person": {"id": ids}}, {"FRIEND": {"from": [a for a, _ in pairs], "to": [b for _, b in pairs]}})
    with pytest.raises(Refused):
        graph.run("MATCH (a:Person {id: 1})-[:FRIEND*]-(b:Person) RETURN count(*)")
    assert graph.tuples("MATCH (a:Person {id: 1})-[:FRIEND]-(b:Person) RETURN b.id")
    graph.close()


# ------------------------------------------------------------------------------------------ SQL
@pytest.mark.parametrize("seed", range(4))
def test_sql_counts_what_lists_of_neighbours_count(seed):
    luck = Random(seed)
    pairs = [(luck.randrange(30), luck.randrange(30)) for _ in range(60)]
    near = Adjacency.of(30, pairs)
    with SqlGraph(30, pairs) as graph:
        for start in (0, 7):
            assert graph.walks(start, 3) == near.walks(start, 3)
            assert graph.walks(start, 3, recursive=True) == [count for count in near.walks(start, 3) if count]
            assert graph.reached(start, 4) == [size for size in near.wave(start, 4).sizes if size]
            assert graph.pages_read(start, 2) >= 1
        assert graph.status().edges == 60


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda g: g.walks(30, 1), "vertex 30"), (lambda g: g.walks(0, 0), "1 to 30"),
        (lambda g: g.reached("x", 1), "'x'"),
        (lambda g: g.reached(0, 31), "hops = 31"), (lambda g: SqlGraph(2, [(0, 2)]), "leads to vertex 2"),
    ],
)  # fmt: skip
def test_wrong_questions_to_sql_are_told(call, error):
    with SqlGraph(30, [(0, 1)]) as graph, pytest.raises(BadParameter, match=error):
        call(graph)


def test_a_closed_graph_says_so():
    graph = SqlGraph(2, [(0, 1)])
    graph.close()
    with pytest.raises(Misuse, match="closed"):
        graph.walks(0, 1)
