"""Which of three orders answers, and what does a fourth one save?

Sixteen patterns are asked of the same statements, kept in three orders and in four; what is counted is keys looked at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import require_choice
from dsys_lab.scenarios.graph.companies import SCHEMA, tables
from dsys_lab.stores.graph_store import DEFAULT_ORDERS, ORDERS, PATTERNS, PropertyGraph, Quad, Way, way
from dsys_lab.stores.graph_store.quads import arranged, matches, restored
from dsys_lab.structures.disk import VolatileDisk

SETS: Final = {"three": DEFAULT_ORDERS, "four": ORDERS}


@lru_cache(maxsize=4)
def friend_statements(orders: tuple[str, ...] = DEFAULT_ORDERS, nights: int = 1_000) -> PropertyGraph:
    """Return the company with these indexes."""
    graph = PropertyGraph(SCHEMA, VolatileDisk(), orders=orders)
    graph.load(*tables(nights))
    return graph


def asked(graph: PropertyGraph, letters: str) -> Quad:
    """Return the pattern in which what `letters` know is taken from the statement *person 17 knows …*."""
    store = graph.store
    person = graph.find("Person", 17)
    assert person is not None, "17 was among the first"
    edge = min(graph.edges(person, "FRIEND", "out"))
    statement = Quad(edge.source, store.term("name", "FRIEND"), edge.target, edge.id)
    return Quad(*(term if letter != "?" else None for term, letter in zip(statement, letters, strict=True)))


def keys_looked_at(letters: str, orders: str = "three") -> dict[str, Any]:
    """Ask one pattern; return the index, the keys that were looked at, those of the law, and what was found."""
    require_choice("pattern", letters, PATTERNS)
    require_choice("orders", orders, tuple(SETS))
    graph = friend_statements(SETS[orders])
    store, pattern = graph.store, asked(graph, letters)
    before = store.status().keys
    found = sum(1 for _ in store.match(pattern))
    chosen = way(letters, SETS[orders])
    keys = store.status().keys - before
    law = laws.keys_of_prefix(store.match(Quad()), chosen.prefix, pattern, skips=chosen.skips)
    return {"index": chosen.order, "begins with": chosen.prefix, "keys": keys, "law": law, "found": found}


def all_patterns(orders: str = "three") -> dict[str, dict[str, Any]]:
    """Return what every pattern costs."""
    return {letters: keys_looked_at(letters, orders) for letters in PATTERNS}


def dearest(orders: str = "three") -> str:
    """Return the pattern that knows something and looks at the most keys for each statement that it finds."""
    told = {letters: one for letters, one in all_patterns(orders).items() if letters != "????"}
    return max(told, key=lambda letters: told[letters]["keys"] / max(1, told[letters]["found"]))


# ------------------------------------------------------------------------------------------ the picture
PEOPLE: Final = {0: "Ada", 1: "Ben", 2: "Cy", 3: "Di"}
NAMES: Final = {4: "knows", 5: "paid"}
GRAPHS: Final = {6: "a", 7: "b"}
_SMALL: Final = (
    Quad(0, 4, 1, 6), Quad(0, 4, 2, 6), Quad(0, 5, 1, 7), Quad(1, 4, 2, 6), Quad(1, 4, 3, 7), Quad(1, 5, 2, 7),
    Quad(2, 4, 0, 6), Quad(2, 5, 0, 6), Quad(2, 5, 3, 7), Quad(3, 4, 0, 7), Quad(3, 4, 2, 7), Quad(3, 5, 2, 6),
)  # fmt: skip


def ribbons(letters: str = "??O?", orders: str = "three") -> dict[str, Any]:
    """Return twelve statements in every order, each key as words, and whether the pattern finds or looks at it."""
    require_choice("pattern", letters, PATTERNS)
    require_choice("orders", orders, tuple(SETS))
    words = {**PEOPLE, **NAMES, **GRAPHS}
    wanted = Quad(*(term if letter != "?" else None for term, letter in zip((1, 4, 2, 6), letters, strict=True)))
    chosen = way(letters, SETS[orders])
    told: dict[str, Any] = {"pattern": " ".join(words[t] if t is not None else "?" for t in wanted), "ribbons": {}}
    for order in SETS[orders]:
        keys = sorted(arranged((*quad,), order) for quad in _SMALL)
        told["ribbons"][order] = [
            (tuple(words[term] for term in key), _state(restored(key, order), wanted, chosen, order)) for key in keys
        ]
    told["used"] = chosen.order
    return told


def _state(quad: Quad, wanted: Quad, chosen: Way, order: str) -> str:
    """Say of a key whether it is found, looked at in vain, found elsewhere, or left alone."""
    places = ["SPOG".index(letter) for letter in chosen.prefix[chosen.skips :]]
    if matches(quad, wanted):
        return "found" if order == chosen.order else "elsewhere"
    begins = all(quad[place] == wanted[place] for place in places)
    return "in vain" if order == chosen.order and begins else "left alone"
