"""Which documents does somebody ask for?

A question is a document itself: `{"city": "Oslo", "devices.fw": {"$gte": 3}}`. Here it is read into conditions, which
are pure: a document matches or it does not. Three rules explain nearly every surprise:

1. **Any element will do.** A path through an array leads to many values, and a condition holds if one of them fits.
   Two conditions may be met by two different elements; `{"devices": {"$elemMatch": {"kind": "ring", "fw": 3}}}` asks
   for one element that meets both.
2. **Kinds do not meet.** `{"hours": {"$gt": 7}}` finds 7.5 and never "7.5".
3. **Null or absent.** `{"plan": None}` finds documents whose plan is null, and those that have none.
   `{"plan": {"$exists": True}}` finds the first and not the second.

=============================  =====================================================================
`$eq` (or the value itself)     equal: null, boolean, number or string
`$gt` `$gte` `$lt` `$lte`       beyond a number or a string
`$in`                           equal to one of a list
`$ne`                           no value is equal, absent ones included
`$exists`                       True or False
`$type`                         one of null, number, string, object, boolean
`$elemMatch`                    an element, a document, that matches a filter
`$and` `$or`                    a list of filters
=============================  =====================================================================

Left out: comparing with whole documents and arrays (compare the paths inside), regular expressions, text, places.

Source: MongoDB manual, "Query and projection operators", "Query an array", "Query for null or missing fields".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.stores.document_store.documents import (
    KINDS,
    LEVELS_MAX,
    elements_at,
    is_present,
    kind_of,
    names_of,
    require_value,
    values_at,
)

RANGES: Final = ("$gt", "$gte", "$lt", "$lte")
OPERATORS: Final = ("$eq", *RANGES, "$in", "$ne", "$exists", "$type", "$elemMatch")
TYPES: Final = tuple(kind for kind in KINDS if kind != "array")
_BEYOND: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
}


class Condition(Protocol):
    """What a document meets or does not."""

    def matches(self, document: Any) -> bool:
        """Whether the document meets it."""


def equal(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, of one kind: 1 is not True, and 7.0 is 7."""
    return kind_of(one) == kind_of(other) and bool(one == other)


@dataclass(frozen=True, slots=True)
class Compare:
    """Some value at a path is equal to, or beyond, one of `values`."""

    path: tuple[str, ...]
    operator: str
    values: tuple[Any, ...]

    def matches(self, document: Any) -> bool:
        """Whether one value fits."""
        found = list(values_at(document, self.path))
        if self.operator == "$eq" and None in self.values and not is_present(document, self.path):
            return True
        return any(self.fits(value) for value in found)

    def fits(self, value: Any) -> bool:
        """Whether this value does."""
        if self.operator == "$eq":
            return any(equal(value, wanted) for wanted in self.values)
        (wanted,) = self.values
        return kind_of(value) == kind_of(wanted) and _BEYOND[self.operator](value, wanted)


@dataclass(frozen=True, slots=True)
class Exists:
    """A path leads somewhere."""

    path: tuple[str, ...]

    def matches(self, document: Any) -> bool:
        """Whether it does."""
        return is_present(document, self.path)


@dataclass(frozen=True, slots=True)
class OfKind:
    """Some value at a path is of a kind."""

    path: tuple[str, ...]
    kind: str

    def matches(self, document: Any) -> bool:
        """Whether one is."""
        return any(kind_of(value) == self.kind for value in values_at(document, self.path))


@dataclass(frozen=True, slots=True)
class SameElement:
    """One element of the array at a path meets a whole filter."""

    path: tuple[str, ...]
    filter: All

    def matches(self, document: Any) -> bool:
        """Whether one element does."""
        return any(self.filter.matches(element) for element in elements_at(document, self.path))


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: Condition

    def matches(self, document: Any) -> bool:
        """Whether it is not met."""
        return not self.condition.matches(document)


@dataclass(frozen=True, slots=True)
class Either:
    """At least one filter is met."""

    filters: tuple[All, ...]

    def matches(self, document: Any) -> bool:
        """Whether one is."""
        return any(one.matches(document) for one in self.filters)


@dataclass(frozen=True, slots=True)
class All:
    """Every condition is met; of no conditions, always."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, document: Any) -> bool:
        """Whether all are."""
        return all(one.matches(document) for one in self.conditions)


def read_filter(spelled: Any, level: int = 1) -> All:
    """Return the conditions that a filter spells; `level` says in how many others it stands.

    Raises
    ------
    BadParameter
        If it is none, with what is allowed.

    Examples
    --------
    >>> read_filter({"hours": {"$gt": 7}}).matches({"hours": "7.5"})
    False
    """
    if not isinstance(spelled, dict):
        raise BadParameter(f"filter {spelled!r:.60}: give a dict, {{'city': 'Oslo'}}; {{}} finds all")
    if level > LEVELS_MAX:
        raise BadParameter(f"filters in filters, deeper than {LEVELS_MAX}: give a flat one {{'city': 'Oslo', 'fw': 3}}")
    return All(tuple(condition for name, value in spelled.items() for condition in _read(name, value, level)))


def _read(name: Any, value: Any, level: int) -> Iterator[Condition]:
    if name in ("$and", "$or"):
        if not isinstance(value, list) or not value:
            raise BadParameter(f"{name}: {value!r:.60}; give a list of filters, at least one")
        filters = tuple(read_filter(one, level + 1) for one in value)
        yield from filters if name == "$and" else (Either(filters),)
        return
    if isinstance(name, str) and name.startswith("$"):
        raise BadParameter(f"{name} stands where a path belongs: give $and, $or or a path, {{'fw': {{'$gt': 2}}}}")
    path = names_of(name)
    if isinstance(value, dict) and value and all(isinstance(one, str) and one.startswith("$") for one in value):
        for operator, operand in value.items():
            yield _condition(path, operator, operand, level)
    else:
        yield Compare(path, "$eq", (_plain(name, value),))


def _condition(  # noqa: PLR0911  # one for each
    path: tuple[str, ...], operator: str, operand: Any, level: int
) -> Condition:
    name = ".".join(path)
    match operator:
        case "$eq":
            return Compare(path, "$eq", (_plain(name, operand),))
        case "$ne":
            return Not(Compare(path, "$eq", (_plain(name, operand),)))
        case "$in" if isinstance(operand, list) and operand:
            return Compare(path, "$eq", tuple(_plain(name, one) for one in operand))
        case "$gt" | "$gte" | "$lt" | "$lte" if kind_of(operand) in ("number", "string"):
            return Compare(path, operator, (_plain(name, operand),))
        case "$exists" if isinstance(operand, bool):
            return Exists(path) if operand else Not(Exists(path))
        case "$type" if operand in TYPES:
            return OfKind(path, operand)
        case "$elemMatch" if isinstance(operand, dict) and operand:
            return SameElement(path, read_filter(operand, level + 1))
    allowed = {
        "$in": "a list of plain values, at least one",
        "$exists": "True or False",
        "$type": f"one of {', '.join(TYPES)}",
        "$elemMatch": "a filter for one element, {'kind': 'ring', 'fw': 3}",
    }.get(operator, "a number or a string" if operator in RANGES else f"an operator of {', '.join(OPERATORS)}")
    raise BadParameter(f"{name}: {{{operator!r}: {operand!r:.60}}}; give {allowed}")


def _plain(name: str, value: Any) -> Any:
    if kind_of(value) in ("object", "array"):
        raise BadParameter(
            f"{name} = {value!r:.60}: a whole {kind_of(value)} is not compared; ask for the paths inside it, "
            f"{{'{name}.…': …}}, or for one element with $elemMatch"
        )
    require_value(value, name)
    return value
