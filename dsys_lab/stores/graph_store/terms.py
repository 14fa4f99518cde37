"""Words become numbers: each term is kept once, and statements are four numbers of 8 bytes.

A term is a vertex, an edge, a name (a label, a property, a type of edge) or a plain value; the same text is another
term in another role, and 1 is another value than "1", 1.0 or true. Numbers are given in the order of first use and
never again, so a number that is on a disk means the same for ever.

Promises: `of(put(term)) == term`, and equal terms have equal numbers.

Left out: numbers of terms that nobody uses any more are not reclaimed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter, Damaged

Value = bool | int | float | str
ROLES: Final = ("vertex", "edge", "name", "value")
INTEGER_MAX: Final = 2**63 - 1


class Term(NamedTuple):
    """One word of the graph."""

    role: str
    value: Value


def _key(term: Term) -> tuple[str, str, Value]:
    return term.role, type(term.value).__name__, term.value


def plain(value: Any) -> Any:
    """Return a number of NumPy as Python's own."""
    return value.item() if hasattr(value, "item") else value


def check_value(value: object, what: str) -> None:
    """Refuse what no graph can keep, naming it."""
    if not isinstance(value, Value):
        raise BadParameter(f"{what} = {value!r}: give a number, a text, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadParameter(f"{what} = {value!r}: give a finite number")
    if isinstance(value, int) and not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
        raise BadParameter(f"{what} = {value!r}: give a whole number of 64 bits, -2**63 to 2**63 - 1")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadParameter(f"{what} = {value!r}: give text that UTF-8 can say; half a surrogate is none") from None


class Terms:
    """The dictionary, both ways.

    Examples
    --------
    >>> terms = Terms()
    >>> terms.put(Term("name", "FRIEND")), terms.put(Term("value", 1)), terms.put(Term("value", True))
    (0, 1, 2)
    >>> terms.find(Term("value", 1)), terms.find(Term("value", 2)), terms.of(0)
    (1, None, Term(role='name', value='FRIEND'))
    """

    def __init__(self, known: Iterable[Term] = ()) -> None:
        self._terms: list[Term] = []
        self._numbers: dict[tuple[str, str, Value], int] = {}
        for term in known:
            self.put(term)

    def __len__(self) -> int:
        return len(self._terms)

    def put(self, term: Term) -> int:
        """Return the term's number, a new one if it is new."""
        key = _key(term)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._terms)
            self._terms.append(term)
        return number

    def find(self, term: Term) -> int | None:
        """Return the term's number, or None if it was never used."""
        return self._numbers.get(_key(term))

    def of(self, number: int) -> Term:
        """Return the term of a number."""
        if not 0 <= number < len(self._terms):
            raise Damaged(f"term {number} of {len(self._terms)} is in no dictionary; restore the store from a copy")
        return self._terms[number]

    def since(self, count: int) -> list[Term]:
        """Return the terms from number `count` on."""
        return self._terms[count:]

    def forget(self, count: int) -> None:
        """Take back the terms from number `count` on, which nothing refers to."""
        for term in self._terms[count:]:
            del self._numbers[_key(term)]
        del self._terms[count:]
