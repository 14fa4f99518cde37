"""Which index answers a pattern? The one whose order begins with what is known.

A statement is four numbers: *subject, predicate, object, graph*. A *pattern* leaves some of them open, so there are
2**4 = 16. An index keeps all statements in one order of the four, as text is sorted by its first letter, then its
second; the statements that begin with what is known stand side by side in it, and a binary search finds the first. ::

    pattern        S P ? ?     "who are 17's friends?"          SPOG: begins with S P
                   ? P O ?     "whose friend is 42?"            POGS: begins with P O
                   ? ? O ?     "what leads to 42 at all?"       OSGP, if there is one; else P by P in POGS

Three orders (SPOG, POGS, GPSO) leave some patterns to a longer look, with a fourth (OSGP) a few less; it takes six for
every pattern to have an order that begins with all that it knows.

`ways` is the pure policy. Of several orders it takes the one with the longest *prefix* of known letters. Where the
prefix of POGS is empty and the object is known, it *skips*: for every predicate there is, one search for (P, O).

Source: Amazon Neptune User Guide, "How statements are indexed in Neptune" (16 patterns, SPOG, POGS, GPSO, OSGP).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter

LETTERS: Final = "SPOG"
ORDERS: Final = ("SPOG", "POGS", "GPSO", "OSGP")
"""The orders that are known here; Neptune has the first three unless it is told to keep the fourth."""
DEFAULT_ORDERS: Final = ORDERS[:3]
TERM_MAX: Final = 2**64 - 1


class Quad(NamedTuple):
    """A statement; in a pattern None leaves a place open."""

    s: int | None = None
    p: int | None = None
    o: int | None = None
    g: int | None = None

    @property
    def letters(self) -> str:
        """What is known, as in `S?O?`."""
        return "".join(letter if term is not None else "?" for letter, term in zip(LETTERS, self, strict=True))


class Way(NamedTuple):
    """How a pattern is answered.

    Attributes
    ----------
    order : str
        The index.
    prefix : str
        The letters, in the index's order, that are searched for.
    skips : bool
        Whether every predicate is tried in turn: then `prefix` begins with a P that is not in the pattern.
    """

    order: str
    prefix: str
    skips: bool = False


PATTERNS: Final = tuple(
    "".join(letter if known else "?" for letter, known in zip(LETTERS, bits, strict=True))
    for bits in product((True, False), repeat=4)
)
"""All sixteen, from `SPOG` to `????`."""


def known_prefix(order: str, pattern: str) -> str:
    """Return the letters with which `order` begins and which `pattern` knows.

    >>> known_prefix("POGS", "?PO?"), known_prefix("SPOG", "?PO?")
    ('PO', '')
    """
    length = 0
    while length < len(order) and order[length] in pattern:
        length += 1
    return order[:length]


def way(pattern: str, orders: Sequence[str] = DEFAULT_ORDERS) -> Way:
    """Choose how to answer a pattern such as `?PO?`.

    >>> way("?PO?"), way("??O?"), way("??O?", ORDERS)
    (Way(order='POGS', prefix='PO', skips=False), Way(order='POGS', prefix='PO', skips=True), Way(order='OSGP', prefix='O', skips=False))
    """  # noqa: E501  the answers of the example stand in one line
    if pattern not in PATTERNS:
        raise BadParameter(f"pattern {pattern!r}: give four letters, S P O G in this order, with ? where one is open")
    if not orders or not {*orders} <= {*ORDERS} or len({*orders}) < len(orders):
        raise BadParameter(f"orders {list(orders)!r}: give some of {', '.join(ORDERS)}, each once")
    best = max(orders, key=lambda order: len(known_prefix(order, pattern)))  # the first of equals
    prefix = known_prefix(best, pattern)
    if not prefix and "O" in pattern and "POGS" in orders:
        return Way("POGS", "P" + known_prefix("OGS", pattern), skips=True)
    return Way(best, prefix)


def arranged(quad: Sequence[Any], order: str) -> tuple[int, int, int, int]:
    """Return a statement's four numbers in an index's order."""
    a, b, c, d = (quad[LETTERS.index(letter)] for letter in order)
    return a, b, c, d


def restored(key: Sequence[int], order: str) -> Quad:
    """Return the statement that an index keeps as `key`."""
    return Quad(*(key[order.index(letter)] for letter in LETTERS))


def matches(quad: Quad, pattern: Quad) -> bool:
    """Whether a statement has what the pattern knows."""
    return all(wanted is None or wanted == term for wanted, term in zip(pattern, quad, strict=True))
