"""Exercises of lab 12: rows and people hop by hop, the index of a pattern, and rings of cards in Cypher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.errors import DsysLabError, Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.graph.companies import circle
from dsys_lab.scenarios.graph.companies import neighbours as lists_of
from dsys_lab.scenarios.graph.indexes import ribbons
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.graph_store import DEFAULT_ORDERS, ORDERS, PATTERNS, GraphSchema, PropertyGraph, way
from dsys_lab.stores.graph_store.quads import known_prefix
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.views import charts

LAB: Final = 12


# ------------------------------------------------------------------------------------------ (a) rows and people
def hops(neighbours: Sequence[Sequence[int]], start: int, most: int) -> tuple[list[int], list[int]]:
    """Return, for hop 1 to `most`, the rows that a join makes and the people that are first reached."""
    rows, people = [], []
    ends, frontier, seen = [start], {start}, {start}
    for _ in range(most):
        ends = [other for one in ends for other in neighbours[one]]
        rows.append(len(ends))
        frontier = {other for one in frontier for other in neighbours[one]} - seen
        seen |= frontier
        people.append(len(frontier))
    return rows, people


class Asked(NamedTuple):
    """From whom, how far, in which graph."""

    neighbours: list[list[int]]
    start: int
    most: int


def _graphs() -> list[Asked]:
    """Return a line, a ring, an island, a star, and circles of friends."""
    line, ring, island = [[1], [0, 2], [1]], [[1, 4], [0, 2], [1, 3], [2, 4], [3, 0]], [[1], [0], []]
    star = [[1, 2, 3, 4], [0], [0], [0], [0]]
    plain = [Asked(line, 0, 3), Asked(ring, 2, 4), Asked(island, 2, 2), Asked(star, 1, 3)]
    return plain + [Asked(lists_of(circle(30, 2, seed).graph), seed % 30, 4) for seed in range(100, 108)]


def check_hops(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the law and against a search, on hidden graphs."""
    for asked in _graphs():
        said = function([list(near) for near in asked.neighbours], asked.start, asked.most)
        rows, people = _two_lists(said, asked.most)
        right_rows, right_people = laws.walks_by_products(asked.neighbours, asked.start, asked.most), hops(*asked)[1]
        where = f"{len(asked.neighbours)} people, from {asked.start}, {asked.most} hops"
        if rows != right_rows:
            told = f"{where}: rows {rows}, they are {right_rows}. {_row_slip(rows, asked)}"
            return Verdict(passed=False, saw=told)
        if people != right_people:
            told = f"{where}: people {people}, they are {right_people}. {_people_slip(people, asked)}"
            return Verdict(passed=False, saw=told.strip())
    return Verdict(passed=True, saw=f"Right in {len(_graphs())} graphs, a star and an island among them.")


def _row_slip(rows: list[int], asked: Asked) -> str:
    degrees = [len(near) for near in asked.neighbours]
    mean = sum(degrees) / len(degrees)
    if rows == hops(*asked)[1]:
        return "A join does not know whom it has met: everybody counts once for each way to them, going back included."
    if rows == [round(degrees[asked.start] * mean**hop) for hop in range(asked.most)]:
        return "Not everybody has the mean number of friends: follow each row to its own."
    return "A row for each way to get there: follow every row, and let nobody out."


def _people_slip(people: list[int], asked: Asked) -> str:
    so_far = [sum(hops(*asked)[1][: hop + 1]) for hop in range(asked.most)]
    if people == so_far or people == [one + 1 for one in so_far]:
        return "Only those who are new at this hop."
    ends, distinct = {asked.start}, []
    for _ in range(asked.most):
        ends = {other for one in ends for other in asked.neighbours[one]}
        distinct.append(len(ends))
    return "Remember everybody since the beginning, not only within a hop." if people == distinct else ""


def _two_lists(said: Any, most: int) -> tuple[list[int], list[int]]:
    if not isinstance(said, tuple) or len(said) != 2 or any(not isinstance(one, list | tuple) for one in said):
        raise Misuse(f"it returned {brief(said)}; give two lists, (rows, people)")
    if any(len(one) != most for one in said):
        raise Misuse(f"it returned {brief(said)}; give {most} numbers in each list, one a hop, 0 where nobody is new")
    return list(said[0]), list(said[1])


def _hops_chart(function: Callable[..., Any]) -> charts.Chart:
    of = circle(40)
    rows, people = _two_lists(function(lists_of(of.graph), 5, 4), 4)
    series = {"rows": list(enumerate(rows, 1)), "people": list(enumerate(people, 1))}
    return charts.lines(series, title="Yours, from person 5 of forty", x="hop", y="rows, people", log_y=True)


HOPS: Final = Exercise(
    lab=LAB,
    name="hops",
    title="How many rows, how many people?",
    statement="""
`neighbours[v]` is the list of friends of person v. Begin at `start` and take up to `most` steps.

Return two lists of `most` numbers: the rows that a join makes at hop 1, 2, … (a row for every way to get there, going
back included), and the people who are *first* reached at hop 1, 2, …""",
    skeleton="def hops(neighbours, start, most):\n    ...",
    example="`hops([[1], [0, 2], [1]], 0, 2)` is `([1, 2], [1, 1])`: the second step goes back to 0, or on to 2.",
    hints=(
        "Rows: keep a list of all ends, replace each by its friends, count. Nobody is let out.",
        "People: keep who was seen, and the frontier. The next frontier is its friends, without those who were seen.",
        "`frontier = {o for one in frontier for o in neighbours[one]} - seen`, then `seen |= frontier`.",
    ),
    check=check_hops,
    play=lambda function: (),
    picture=_hops_chart,
    is_pure=True,
    answer=hops,
)


# ------------------------------------------------------------------------------------------ (b) the index
def choose_index(pattern: str, orders: Sequence[str]) -> str:
    """Return the order that answers a pattern such as `?PO?`."""

    def prefix(order: str) -> int:
        length = 0
        while length < 4 and order[length] in pattern:
            length += 1
        return length

    best = max(orders, key=prefix)
    if prefix(best) == 0 and "O" in pattern and "POGS" in orders:
        return "POGS"
    return best


SETS: Final = (DEFAULT_ORDERS, ORDERS, ("GPSO", "OSGP", "POGS"), ("POGS", "SPOG"))


def check_choose_index(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the policy, for every pattern and several sets of indexes."""
    for orders in SETS:
        for pattern in PATTERNS:
            said, right = function(pattern, list(orders)), way(pattern, orders)
            if said not in orders:
                raise Misuse(f"it returned {brief(said)} for {pattern}; give one of {', '.join(orders)}")
            if len(known_prefix(said, pattern)) == len(known_prefix(right.order, pattern)) and not right.skips:
                continue  # as good as the other
            if said != right.order:
                return Verdict(passed=False, saw=_index_slip(pattern, said, right.order, skips=right.skips))
    return Verdict(passed=True, saw=f"Right for all 16 patterns with {len(SETS)} sets of indexes.")


def _index_slip(pattern: str, said: str, right: str, *, skips: bool) -> str:
    if skips:
        return (
            f"{pattern}: you took {said}, and no order begins with what is known. POGS has objects in order for each "
            "predicate, so it can be asked once for each; the others are read whole."
        )
    return (
        f"{pattern}: you took {said}, which begins with {known_prefix(said, pattern) or 'nothing'} of what is known; "
        f"{right} begins with {known_prefix(right, pattern)}. An index helps as far as its *first* letters are known."
    )


CHOOSE: Final = Exercise(
    lab=LAB,
    name="choose_index",
    title="Which index?",
    statement="""
`pattern` has four letters, S, P, O and G in this order, with ? where a place is open: `"?PO?"`. `orders` are the
indexes that are kept, as `["SPOG", "POGS", "GPSO"]`.

Return the one that begins with the most of what is known. If none begins with anything that is known, but the object
is, and there is POGS, take POGS: it is asked once for each predicate.""",
    skeleton="def choose_index(pattern, orders):\n    ...",
    example='`choose_index("?PO?", ["SPOG", "POGS", "GPSO"])` is `"POGS"`.',
    hints=(
        "Only a prefix counts: SPOG knows S and O of `S?O?`, but between them stands P, which is open.",
        "For each order: how many letters from its beginning are in the pattern? Take the order with the most.",
        "And `??O?` without OSGP: every prefix is 0, so POGS.",
    ),
    check=check_choose_index,
    play=lambda function: (),
    picture=lambda function: charts.index_strips(**ribbons("S?O?", "four")),
    is_pure=True,
    answer=choose_index,
)


# ------------------------------------------------------------------------------------------ (c) rings in Cypher
def ring_query() -> str:
    """Return Cypher that finds who shares a card with at least two others, and which card."""
    return """
        MATCH (a:Person)-[:PAYS]->(c:Card)<-[:PAYS]-(b:Person), (c)<-[:PAYS]-(d:Person)
        RETURN DISTINCT c.number, a.id"""


def _bank(seed: int) -> tuple[PropertyGraph, set[tuple[int, int]]]:
    """Return people, cards, some shared by two, some by three to five; and (card, person) of the latter."""
    luck, cards, rings = stream(seed, "bank"), list[int](), set[tuple[int, int]]()
    while len(cards) < 60:
        card, people = len(cards), (1, 1, 1, 2, 3, 4, 5)[int(luck() * 7)]
        if people > 2:
            rings |= {(card, len(cards) + one) for one in range(people)}
        cards += [card] * people
    graph = PropertyGraph(GraphSchema.of("Person(id: int)", "Card(number: int)", "Person-PAYS->Card"), VolatileDisk())
    ids = list(range(len(cards)))
    vertices = {"Person": {"id": ids}, "Card": {"number": sorted({*cards})}}
    graph.load(vertices, {"PAYS": {"from": ids, "to": cards}})
    return graph, rings


def check_ring_query(function: Callable[..., Any]) -> Verdict:
    """Run the query on hidden banks, and compare what it finds with what was planted."""
    text = function()
    if not isinstance(text, str):
        raise Misuse(f"it returned {brief(text)}; give the query as a text")
    for seed in range(1012, 1016):
        graph, rings = _bank(seed)
        before = graph.status()
        try:
            rows = graph.run(text)
        except DsysLabError as error:
            return Verdict(passed=False, saw=f"The query was refused: {error}")
        if graph.status() != before:
            return Verdict(passed=False, saw="The query changed the graph; it should only MATCH and RETURN.")
        if slip := _ring_slip(rows, rings):
            return Verdict(passed=False, saw=slip)
    return Verdict(passed=True, saw="Exactly the planted rings in four hidden banks; no couple among them.")


def _ring_slip(rows: list[tuple[Any, ...]], rings: set[tuple[int, int]]) -> str:
    if any(len(row) != 2 for row in rows):
        return f"A row is {brief(rows[0])}; return two columns, the card's number and a person's id."
    if len({*rows}) < len(rows):
        row, times = Counter(rows).most_common(1)[0]
        return f"{row} came {times} times: once for every pair of the others. RETURN DISTINCT."
    found, sizes = {*rows}, Counter(card for card, _ in rows)
    if missing := sorted(rings - found):
        return f"Card {missing[0][0]} is shared by three or more, and person {missing[0][1]} is not among the rows."
    if extra := sorted(found - rings):
        card = extra[0][0]
        shared = "one person only" if sizes[card] == 1 else f"{sizes[card]} people"
        return f"Card {card} is paid with by {shared}; a ring is three or more."
    return ""


def _rings_chart(function: Callable[..., Any]) -> charts.Chart:
    graph, _ = _bank(1)
    sizes: Iterable[tuple[Any, int]] = Counter(row[0] for row in graph.run(function())).items()
    return charts.bars({f"card {card}": people for card, people in sizes}, unit="people", title="What your query finds")


RINGS: Final = Exercise(
    lab=LAB,
    name="ring_query",
    title="Find the rings",
    statement="""
`(:Person {id})-[:PAYS]->(:Card {number})`. A *ring* is three or more people who pay with one card; a couple is none.

Return a Cypher query, as a text, whose rows are the card's number and a person's id, for every member of every ring,
each once.""",
    skeleton='def ring_query():\n    return "MATCH … RETURN …"',
    example="A bank where 7, 8 and 9 pay with card 7 and 1 and 2 with card 1: (7, 7), (7, 8), (7, 9).",
    hints=(
        "Two who share: `(a)-[:PAYS]->(c)<-[:PAYS]-(b)`. Now a third one, at the same card.",
        "`MATCH path, path`: several patterns may share a variable, `(c)`. No edge is used twice, so all three differ.",
        "Each member is found once for every pair of the others: `RETURN DISTINCT c.number, a.id`.",
    ),
    check=check_ring_query,
    play=lambda function: (),
    picture=_rings_chart,
    answer=ring_query,
)


DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="The feed of friends",
    statement="""
Everybody's app shows how their friends slept last night, the newest first. People have 6 friends on average; the best
known has 523. A night is written once a day; the feed is opened five times a day. Is that a graph question, a list by
key for everybody (who sleeps writes into the lists of all friends), or a view that is made when it is asked for? Give
numbers for the person with 6 friends and for the one with 523.""",
    model_answer="""
It is one hop, so no graph language is needed: the friends of a person are one range of an index.

*Write into every list* (fan-out on write): a night costs as many writes as there are friends: 6 on average, 523 for the
best known; a read is one key. In all, 6,320 people write the sum of degrees, 37,788 a day. *Ask when it is opened*: a
read costs 1 + d lookups, 7 on average, 524 for the best known, five times a day: five times the sum of degrees,
188,940 a day, and the slowest of 524 answers decides. So writing wins, by the ratio of reads to writes.

The usual answer is a mixture: write into lists, but not for those whom very many follow; their nights are looked up on
reading and merged. Here friendship goes both ways and ends at 523, so no mixture is needed; with followers by the
million it is. The graph store keeps who knows whom; the feed is *derived* from it, can be made again, and may be late.

Two hops (*friends of friends who slept badly*) change it: 21.5 friends of a friend on average, and lists to write for
some 130 people a night. There the question is asked when somebody asks it, of the graph.""",
)

TASKS: Final = (HOPS, CHOOSE, RINGS, DESIGN)
