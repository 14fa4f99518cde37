"""Cypher on the model: what is found, what is written, what is refused, and that nothing dangles."""
from __future__ import annotations

from contextlib import suppress
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.graph_store import Adjacency, GraphSchema, Loaded, PropertyGraph
from dsys_lab.stores.graph_store.quads import restored
from dsys_lab.structures.disk import PowerCut, VolatileDisk

SCHEMA = GraphSchema.of(
    "Person(id: int, name: text, age: int, score: float)", "Card(number: text)",
    "Person-FRIEND->Person(since: int)", "Person-PAYS->Card",
)  # fmt: skip
PEOPLE = {"id": [1, 2, 3, 4, 5], "name": ["Ada", "Ben", "Cy", "Di", None], "age": [30, 41, 17, 41, 60]}
FRIENDS = {"from": [1, 2, 3, 3, 4], "to": [2, 3, 1, 4, 5], "since": [2010, 2011, 2012, 2013, None]}


def make(**more):
    graph = PropertyGraph(SCHEMA, VolatileDisk(), **more)
    cards = {"Card": {"number": ["a", "b"]}}
    pays = {"PAYS": {"from": [1, 2, 3], "to": ["a", "a", "b"]}}
    graph.load({"Person": PEOPLE, **cards}, {"FRIEND": FRIENDS, **pays})
    return graph


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("MATCH (a:Person {id: 1})-[:FRIEND]->(b) RETURN b.name", [("Ben",)]),
        ("MATCH (a:Person {id: 1})<-[:FRIEND]-(b) RETURN b.name", [("Cy",)]),
        ("MATCH (a:Person {id: 1})-[:FRIEND]-(b) RETURN b.id ORDER BY b.id DESC", [(3,), (2,)]),
        ("MATCH (a:Person)--(b:Card {number: 'a'}) RETURN a.id ORDER BY a.id", [(1,), (2,)]),
        ("MATCH (a:Person) WHERE a.age >= 41 AND NOT a.id = 4 RETURN a.id ORDER BY a.id", [(2,), (5,)]),
        ("MATCH (a:Person) WHERE a.name IS NULL RETURN a.id", [(5,)]),
        ("MATCH (a:Person) WHERE a.name <> 'Ada' RETURN count(*)", [(3,)]),
        ("MATCH (a:Person) WHERE NOT a.name = 'Ada' RETURN count(a), count(a.name)", [(3, 3)]),
        ("MATCH (a:Person) WHERE a.id IN [1, 9, 3] RETURN collect(a.id) AS ids", [([1, 3],)]),
        ("MATCH (a:Person) RETURN a.age AS age, count(*) AS n ORDER BY n DESC, age LIMIT 2", [(41, 2), (17, 1)]),
        ("MATCH (a:Person) RETURN sum(a.age), min(a.age), max(a.age), avg(a.age)", [(189, 17, 60, 37.8)]),
        ("MATCH (a:Person) WHERE a.id > 99 RETURN count(*), min(a.id)", [(0, None)]),
        ("MATCH (a:Person)-[f:FRIEND]->(b) WHERE f.since > 2011 RETURN a.id, b.id, f.since ORDER BY f.since",
         [(3, 1, 2012), (3, 4, 2013)]),
        ("MATCH (a:Person)-[f:FRIEND {since: 2013}]->(b) RETURN b.id", [(4,)]),
        ("MATCH (a:Person {id: 1})-[:PAYS]->(c:Card)<-[:PAYS]-(b:Person) RETURN b.id", [(2,)]),
        ("match (a:Person {id: 1})-[:FRIEND*2..2]-(b) return b.id order by b.id", [(2,), (3,), (4,)]),
        ("MATCH (a:Person {id: 1})-[:FRIEND*0..1]-(b) RETURN b.id ORDER BY b.id", [(1,), (2,), (3,)]),
        ("MATCH (a:Person {id: 1})-[p:FRIEND* SHORTEST 1..9]-(b) RETURN b.id, length(p) ORDER BY b.id",
         [(2, 1), (3, 1), (4, 2), (5, 3)]),
        ("MATCH p = (a:Person {id: 1})-[:FRIEND*2]-(b)-[:FRIEND]-(c:Person {id: 5}) RETURN length(p)", [(3,)]),
        ("MATCH (a:Person {id: 1}), (b:Person {id: 5}) RETURN a.name, b.age", [("Ada", 60)]),
        ("MATCH (a:Person {id: 1})-[:FRIEND]-(b), (b)-[:FRIEND]-(c {id: 1}) RETURN count(*)", [(0,)]),
        ("MATCH (a:Person)-[:FRIEND]-(b:Person) RETURN DISTINCT a.age ORDER BY a.age", [(17,), (30,), (41,), (60,)]),
        ("MATCH (a:Person {id: 99}) RETURN a.name", []),
        ("MATCH (a:Person {name: 'O\\'Neil'}) RETURN a.name", []),
    ],
)  # fmt: skip
def test_a_query_finds(text, rows):
    assert make().run(text) == rows


def test_an_edge_is_not_used_twice_in_a_trail_and_may_be_in_a_walk():
    text = "MATCH (a:Person {id: 1})-[:FRIEND]-(b)-[:FRIEND]-(c) RETURN count(*)"
    assert make().run(text) == [(3,)]
    assert make(paths="walk").run(text) == [(5,)]
    assert make(paths="walk").run("MATCH (a:Person {id: 1})-[:FRIEND*1..3]-(c) RETURN count(*)") == [(18,)]
    assert make(paths="walk").run("MATCH (a:Person {id: 1})-[:FRIEND* TRAIL 1..3]-(c) RETURN count(*)") == [(9,)]


def test_it_does_not_matter_where_a_query_begins_but_for_the_work():
    graph = make()
    text = "MATCH (a:Person {id: 1})-[:FRIEND]-(b)-[:FRIEND]-(c:Person) RETURN c.id ORDER BY c.id"
    told = {start: graph.explain(text, start=start) for start in "abc"}
    assert len({tuple(one.rows) for one in told.values()}) == 1
    assert told["a"].edges < told["b"].edges
    assert graph.explain(text).steps[0].step == "begin at (a:Person {id})", "the key is where it begins by itself"
    assert [step.rows for step in told["a"].steps] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MATCH (a:Person RETURN a", "line 1, column 17: found 'RETURN', expected"),
        ("MATCH (a:Person)\nRETURN a.name LIMIT x", "line 2, column 21: found 'x'"),
        ("MATCH (a:Person)", "must RETURN something"),
        ("MATCH (a:Person) WHERE", "found the end"),
        ("MERGE (a:Person {id: 1})", "MERGE is openCypher, and not in this subset"),
        ("MATCH (a:Person) WITH a RETURN a.id", "WITH is openCypher"),
        ("MATCH (a:Person) RETURN a.id ; DROP", "found 'DROP'"),
        ("MATCH (a:Person)-[:FRIEND*3..1]-(b) RETURN b.id", "smaller number first"),
        ("MATCH (a:Persn) RETURN a.id", "label 'Persn': give one of Person, Card"),
        ("MATCH (a:Person)-[:LIKES]-(b) RETURN b.id", "type 'LIKES'"),
        ("MATCH (a:Person) RETURN a.height", "a.height: there is no such property; there are age, id"),
        ("MATCH (a:Person {height: 1}) RETURN a.id", "a.height"),
        ("MATCH (a:Person) RETURN b.id", "'b' is not in the pattern; its variables are a"),
        ("MATCH (a:Person) RETURN a", "a by itself"),
        ("MATCH (a:Person) WHERE count(*) > 1 RETURN a.id", "stands alone, in RETURN"),
        ("MATCH (a:Person) WHERE a.id = 'x' RETURN a.id", "cannot be compared"),
        ("MATCH (a:Person) WHERE a.age RETURN a.id", "compar"),
        ("MATCH (a:Person) RETURN upper(a.name)", "column 25: upper.* is not in this subset"),
        ("MATCH (a:Person) RETURN sum(a.name)", "give numbers"),
        ("MATCH (a:Person {id: $who}) RETURN a.id", r"\$who has no value"),
        ("MATCH (a:Person) RETURN a.id ORDER BY a.age", "order by something that is returned"),
        ("MATCH (a:Person)-[f:FRIEND*1..2]-(b) RETURN f.since", "f is a path"),
        ("MATCH (a:Person)-[f:FRIEND*1..2 {since: 1}]-(b) RETURN b.id", "of which edge"),
        ("MATCH (a:Person)-[a:FRIEND]-(b) RETURN b.id", "used for two things"),
        ("MATCH (a:Person)-[:FRIEND* SHORTEST 2..3]-(b) RETURN b.id", "begins at 1"),
        ("MATCH (a:Person) RETURN length(a)", "is no path"),
        ("CREATE (:Person {name: 'Eve'})", "a Person without id"),
        ("CREATE (:Person {id: 'x'})", "Person.id = 'x': give int"),
        ("CREATE (:Person {id: 99999999999999999999})", "64 bits"),
        ("CREATE (a)-[:FRIEND]->(b)", "give it a label"),
        ("MATCH (a:Person {id: 1}), (b:Person {id: 2}) CREATE (a)-[:FRIEND]-(b)", "a type and a direction"),
        ("MATCH (a:Person {id: 1}), (c:Card) CREATE (c)-[:PAYS]->(a)", "leads from Person to Card"),
        ("MATCH (a:Person {id: 1}) CREATE (a:Person {id: 7})-[:PAYS]->(a)", "is there already"),
        ("MATCH (a:Person {id: 1}) SET a.id = 7", "a key does not change"),
        ("MATCH (a:Person {id: 1}) SET a.age = 'old'", "Person.age = 'old': give int"),
        ("MATCH (a:Person {id: 1}) DELETE b", "no vertex and no single edge is called 'b'"),
        ("", "give a text"),
        (None, "give a text"),
    ],
)
def test_a_wrong_query_says_what_is_wrong_and_changes_nothing(text, says):
    graph = make()
    before, quads = graph.status(), graph.store.status().quads
    with pytest.raises(BadParameter, match=says):
        graph.run(text)
    assert graph.status() == before
    assert graph.store.status().quads == quads


# ------------------------------------------------------------------------------------------ writing
def test_what_is_created_can_be_found_changed_and_deleted():
    graph = make()
    assert graph.run("CREATE (:Person {id: 6, name: 'Flo'})-[:PAYS]->(:Card {number: 'c'})") == []
    assert graph.run("MATCH (a {id: 6})-[:PAYS]->(c:Card) RETURN a.name, c.number") == [("Flo", "c")]
    graph.run("MATCH (a:Person {id: 6}) SET a.age = 7, a.age = 8, a.score = 2")
    assert graph.run("MATCH (a:Person {id: 6}) RETURN a.age, a.score") == [(8, 2.0)]
    graph.run("MATCH (a:Person {id: 6}) SET a.age = 9, a.age = 8")
    graph.run("MATCH (a:Person {id: 6}) SET a.name = null")
    assert graph.run("MATCH (a:Person {id: 6}) RETURN a.age, a.name") == [(8, None)]
    graph.run("MATCH (a:Person {id: 6})-[f:PAYS]->(c) DELETE f, a")
    assert graph.status().edges["PAYS"] == 3
    assert graph.status().vertices == {"Person": 5, "Card": 3} == {"Person": graph.count_label("Person"), "Card": 3}


def test_a_vertex_with_edges_is_deleted_only_with_them():
    graph = make()
    with pytest.raises(Refused, match="Person/3 has connected edges, 4 of them"):
        graph.run("MATCH (a:Person {id: 3}) DELETE a")
    assert graph.status().edges["FRIEND"] == 5
    graph.run("MATCH (a:Person {id: 3}) DETACH DELETE a")
    assert graph.status().edges == {"FRIEND": 2, "PAYS": 2}
    assert graph.store.disagreements() == []


def test_an_edge_to_nobody_is_not_created_and_only_the_count_tells():
    graph = make()
    text = "MATCH (a:Person {id: 1}), (b:Person {id: 99}) CREATE (a)-[:FRIEND]->(b) RETURN count(*)"
    assert graph.run(text) == [(0,)]
    assert graph.status().edges["FRIEND"] == 5
    assert graph.run(text.replace("99", "5")) == [(1,)]


def test_a_load_turns_orphans_away_and_is_whole_or_not_at_all():
    graph = make()
    assert graph.load({"Person": {"id": [8]}}, {"FRIEND": {"from": [8, 8, 77], "to": [1, 99, 1]}}) == Loaded(1, 1, 2)
    before = graph.store.status().quads
    for tables, says in (
        (({"Person": {"id": [9, 1]}}, {}), "already"),
        (({"Person": {"id": [9, 9]}}, {}), "already"),
        (({"Person": {"id": [9], "age": ["x"]}}, {}), "give int"),
        (({"Person": {"name": ["x"]}}, {}), "no column 'id'"),
        (({"Person": {"id": [9], "tall": [1]}}, {}), "'tall' is unknown"),
        (({"Person": {"id": [9, 10], "age": [1]}}, {}), "one length"),
        (({"Dog": {"id": [9]}}, {}), "label 'Dog'"),
        (({"Person": {"id": [10]}}, {"FRIEND": {"from": [1]}}), "no column 'to'"),
        (({"Person": {"id": [9]}}, {"LIKES": {"from": [1], "to": [2]}}), "type 'LIKES'"),
    ):
        with pytest.raises((BadParameter, Refused), match=says):
            graph.load(*tables)
    assert graph.store.status().quads == before
    assert graph.run("MATCH (a:Person {id: 9}) RETURN a.id") == []


def test_a_key_that_is_taken_is_refused():
    with pytest.raises(Refused, match="keys are unique"):
        make().run("CREATE (:Person {id: 1})")


def test_an_unbounded_path_ends_at_its_budget():
    graph = PropertyGraph(SCHEMA, VolatileDisk(), budget=500)
    ids = list(range(12))
    pairs = [(a, b) for a in ids for b in ids if a < b]
    graph.load({"Person": {"id": ids}}, {"FRIEND": {"from": [a for a, _ in pairs], "to": [b for _, b in pairs]}})
    with pytest.raises(Refused, match="500 edges, its budget"):
        graph.run("MATCH (a:Person {id: 1})-[:FRIEND*]-(b) RETURN count(*)")
    assert graph.run("MATCH (a:Person {id: 1})-[:FRIEND* SHORTEST]-(b) RETURN count(*)") == [(11,)]


def test_a_cycle_ends_by_itself():
    assert make().run("MATCH (a:Person {id: 1})-[:FRIEND*]->(b) RETURN count(*)") == [(5,)]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("Person",), "no kind of a graph"), (("Person()",), "first property is the key"),
        (("P(id: int, id: int)",), "twice"),
        (("P(id: date)",), "no property"), (("P(id: int)", "P(id: int)"), "used twice"),
        (("P(id: int)", "P-F->Q"), "there is no Q"),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_told(lines, says):
    with pytest.raises(BadParameter, match=says):
        GraphSchema.of(*lines)


@pytest.mark.parametrize(("wrong", "says"), [({"paths": "acyclic"}, "'trail' or 'walk'"), ({"budget": 0}, "1 or more")])
def test_wrong_settings_are_told(wrong, says):
    with pytest.raises(BadParameter, match=says):
        PropertyGraph(SCHEMA, VolatileDisk(), **wrong)


# ------------------------------------------------------------------------------------------ crashes
STORY = (
    "CREATE (:Person {id: 1})", "CREATE (:Person {id: 2, age: 3})",
    "MATCH (a:Person {id: 1}), (b:Person {id: 2}) CREATE (a)-[:FRIEND {since: 2020}]->(b)",
    "CREATE (:Person {id: 3})-[:PAYS]->(:Card {number: 'x'})", "MATCH (a:Person {id: 2}) SET a.age = 4",
    "MATCH (a:Person {id: 1}) DETACH DELETE a",
)  # fmt: skip


def told(graph):
    people = graph.run("MATCH (a:Person) RETURN a.id, a.age ORDER BY a.id")
    return str((people, graph.run("MATCH (a)-[f]->(b) RETURN count(*)")))


def play(disk, states):
    graph = PropertyGraph(SCHEMA, disk)
    for number, text in enumerate(STORY):
        states.append(None)
        graph.run(text)
        states[:] = [number + 1]
        if number == 3:
            graph.close()


def test_a_graph_survives_a_crash_at_every_step_and_no_edge_dangles():
    ideal, after = PropertyGraph(SCHEMA, VolatileDisk()), []
    after.append(told(ideal))
    for text in STORY:
        ideal.run(text)
        after.append(told(ideal))
    whole = VolatileDisk()
    play(whole, [0])
    for step in range(whole.steps + 1):
        disk, states = VolatileDisk(power_cut_before=step), [0]
        with suppress(PowerCut):
            play(disk, states)
        disk.crash(Random(step).random)
        graph = PropertyGraph(SCHEMA, disk)
        assert told(graph) in after[states[0] : states[0] + 2]
        assert graph.store.disagreements() == []
        vertices = set(graph.vertices())
        for type_ in SCHEMA.edges:
            assert all({edge.source, edge.target} <= vertices for edge in graph.all_edges(type_))
        graph.run("CREATE (:Person {id: 77})-[:PAYS]->(:Card {number: 'y'})")
        edges = [restored(key, "SPOG").g for key in graph.store.keys_in_order("SPOG")]
        ids = [one for one in edges if graph.store.terms.of(one).role == "edge"]
        assert len(ids) == len(set(ids)), "no edge has another one's id"


# ------------------------------------------------------------------------------------------ lists of neighbours
pairs = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=25)


@settings(max_examples=40, deadline=None)
@given(pairs, st.integers(0, 8))
def test_distances_are_those_of_networkx(edges, start):
    for direction, kind in (("either", nx.Graph), ("forward", nx.DiGraph)):
        oracle = kind()
        oracle.add_nodes_from(range(9))
        oracle.add_edges_from(edges)
        near = nx.single_source_shortest_path_length(oracle, start)
        ours = Adjacency.of(9, edges)
        hops = [sorted(hop.tolist()) for hop in ours.wave(start, direction=direction).hops]
        assert hops == [sorted(v for v in near if near[v] == hop) for hop in range(max(near.values()) + 1)]
        for goal in range(9):
            path = ours.shortest_path(start, goal, direction=direction)
            assert (path is None) == (goal not in near)
            assert path is None or (len(path) == near[goal] + 1 and nx.is_path(oracle, path))
        assert ours.agrees()


@settings(max_examples=25, deadline=None)
@given(pairs, st.integers(0, 8), st.sampled_from(["trail", "walk"]))
def test_cypher_and_lists_of_neighbours_agree(edges, start, paths):
    graph = PropertyGraph(GraphSchema.of("V(id: int)", "V-E->V"), VolatileDisk(), paths=paths)
    graph.load({"V": {"id": range(9)}}, {"E": {"from": [a for a, _ in edges], "to": [b for _, b in edges]}})
    made, keys = graph.adjacency("E")
    assert keys == list(range(9))
    text = "MATCH (a:V {id: $s})-[p:E* SHORTEST 1..3]-(b) RETURN length(p) AS hop, count(*) ORDER BY hop"
    rows = graph.run(text, s=start)
    assert [count for _, count in rows] == [size for size in made.wave(start, 3).sizes if size]
    if paths == "walk":
        assert graph.run("MATCH (a:V {id: $s})-[:E*2..2]-(b) RETURN count(*)", s=start) == [(made.walks(start, 2)[1],)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Adjacency.of(3, [(0, 3)]), "leads to vertex 3"), (lambda: Adjacency(3, [0], []), "as many"),
        (lambda: Adjacency(-1, [], []), "vertices"), (lambda: Adjacency.of(3, []).wave(3), "give 0 to 2"),
        (lambda: Adjacency.of(3, []).walks(0, -1), "hops"), (lambda: Adjacency.of(3, []).wave("x"), "vertex 'x'"),
        (lambda: Adjacency.of(3, []).wave(0, direction="up"), "give one of forward"),
        (lambda: Adjacency.of(3, []).shortest_path(0, 9), "vertex 9"),
    ],
)  # fmt: skip
def test_wrong_neighbours_are_told(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


def test_no_walk_passes_who_is_left_out():
    line = Adjacency.of(4, [(0, 1), (1, 2), (2, 3)])
    assert line.walks(0, 3) == [1, 2, 3]
    assert line.walks(0, 3, without=[2]) == [1, 1, 1], "to and fro between 0 and 1"
    assert line.walks(0, 3, without=[1]) == [0, 0, 0]


def test_too_many_rows_are_refused_before_they_are_made():
    star = Adjacency.of(101, [(0, n) for n in range(1, 101)])
    assert star.walks(0, 3) == [100, 100, 10_000]
    with pytest.raises(Refused, match="hop 3 makes 10,000 rows"):
        star.walks(0, 3, rows_max=5_000)
