"""The exercises of lab 12: the answers pass, and each usual slip is seen and named."""
from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises import graph
from dsys_lab.lessons.exercises.graph import CHOOSE, HOPS, RINGS


@pytest.mark.parametrize("task", [HOPS, CHOOSE, RINGS], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    assert task.check(task.answer).passed
    assert task.picture(task.answer) is not None


def rows_as_people(near, start, most):
    people = graph.hops(near, start, most)[1]
    return people, people


def times_the_mean(near, start, most):
    mean = sum(map(len, near)) / len(near)
    return [round(len(near[start]) * mean**hop) for hop in range(most)], graph.hops(near, start, most)[1]


def all_so_far(near, start, most):
    rows, people = graph.hops(near, start, most)
    return rows, [sum(people[: hop + 1]) for hop in range(most)]


def within_a_hop(near, start, most):
    ends, told = {start}, []
    for _ in range(most):
        ends = {other for one in ends for other in near[one]}
        told.append(len(ends))
    return graph.hops(near, start, most)[0], told


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (rows_as_people, "does not know whom it has met"), (times_the_mean, "mean number of friends"),
        (all_so_far, "Only those who are new"), (within_a_hop, "since the beginning"),
        (lambda near, start, most: ([0] * most, [0] * most), "they are"),
    ],
)  # fmt: skip
def test_a_slip_in_the_hops_is_named(wrong, says):
    verdict = HOPS.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda pattern, orders: orders[0], "first"),
        (lambda pattern, orders: max(orders, key=lambda o: len(graph.known_prefix(o, pattern))), "once for each"),
        (lambda pattern, orders: "POGS", "begins with PO of what is known"),
    ],
)
def test_a_wrong_index_is_told(wrong, says):
    verdict = CHOOSE.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


PAIR = "MATCH (a:Person)-[:PAYS]->(c:Card)<-[:PAYS]-(b:Person)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{PAIR} RETURN DISTINCT c.number, a.id", "2 people; a ring is three or more"),
        (f"{PAIR}, (c)<-[:PAYS]-(d:Person) RETURN c.number, a.id", "RETURN DISTINCT"),
        (f"{PAIR} RETURN c.number", "two columns"),
        ("MATCH (a:Person)-[:PAYS]->(c:Card) RETURN c.number, a.id", "one person only"),
        (f"{PAIR}, (c)<-[:PAYS]-(d:Person) WHERE a.id < b.id RETURN DISTINCT c.number, a.id", "is not among the rows"),
        ("MATCH (a:Persn) RETURN a.id", "was refused"), ("CREATE (:Person {id: 999})", "changed the graph"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_told(text, says):
    verdict = RINGS.check(lambda: text)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(
    ("task", "wrong", "says"),
    [
        (HOPS, lambda *_: 3, "two lists"), (HOPS, lambda *_: ([1], [1]), "one a hop"),
        (CHOOSE, lambda *_: "best", "give one of"), (RINGS, lambda: 3, "as a text"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(task, wrong, says):
    with pytest.raises(Misuse, match=says):
        task.check(wrong)
