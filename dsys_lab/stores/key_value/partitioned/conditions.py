"""What must hold of an item before it is written, or for it to be part of an answer?

A condition is a value: the store asks it, and an engine spells it out in its own language. It looks at the attributes
of one item; an item that is not there has none.

Values compare within their kind: a string is neither less nor more than a number, and an attribute that is missing is
neither less, nor more, nor equal.

Examples
--------
>>> enough = Compare("minutes", ">=", 420) & ~Exists("deleted")
>>> enough.holds({"minutes": 435}), enough.holds({"minutes": "435"}), enough.holds({})
(True, False, False)

Left out: paths into lists and maps, sizes, `contains`.

Sources: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.stores.key_value.partitioned.items import Item, Value

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class Condition:
    """Something that holds of an item, or not; `&`, `|` and `~` join conditions."""

    __slots__ = ()

    def holds(self, item: Item) -> bool:
        """Say whether it holds of an item; `{}` is one that is not there."""
        raise NotImplementedError

    def __and__(self, other: Condition) -> Condition:
        return Both(self, other)

    def __or__(self, other: Condition) -> Condition:
        return Either(self, other)

    def __invert__(self) -> Condition:
        return Not(self)


@dataclass(frozen=True, slots=True)
class Exists(Condition):
    """The item has the attribute `name`."""

    name: str

    def holds(self, item: Item) -> bool:  # noqa: D102
        return self.name in item


@dataclass(frozen=True, slots=True)
class Compare(Condition):
    """The attribute `name` stands in this relation (`=`, `<`, `<=`, `>`, `>=`) to `value`."""

    name: str
    relation: str
    value: Value

    def __post_init__(self) -> None:
        require_choice("relation", self.relation, ("=", *_OPERATORS))
        if self.relation != "=" and order_kind(self.value) is None:
            raise BadParameter(
                f"{self.name} {self.relation} {self.value!r}: only strings, numbers and bytes are ordered"
            )

    def holds(self, item: Item) -> bool:  # noqa: D102
        if self.name not in item or order_kind(item[self.name]) != order_kind(self.value):
            return False
        if self.relation == "=":
            return equal(item[self.name], self.value)
        return _OPERATORS[self.relation](item[self.name], self.value)


@dataclass(frozen=True, slots=True)
class BeginsWith(Condition):
    """The attribute `name` is a string, or bytes, that begins with `prefix`."""

    name: str
    prefix: str | bytes

    def holds(self, item: Item) -> bool:  # noqa: D102
        value = item.get(self.name)
        return isinstance(value, str | bytes) and type(value) is type(self.prefix) and value.startswith(self.prefix)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """Both hold."""

    first: Condition
    second: Condition

    def holds(self, item: Item) -> bool:  # noqa: D102
        return self.first.holds(item) and self.second.holds(item)


@dataclass(frozen=True, slots=True)
class Either(Condition):
    """One of them holds, or both."""

    first: Condition
    second: Condition

    def holds(self, item: Item) -> bool:  # noqa: D102
        return self.first.holds(item) or self.second.holds(item)


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """It does not hold."""

    denied: Condition

    def holds(self, item: Item) -> bool:  # noqa: D102
        return not self.denied.holds(item)


def equal(one: Value, other: Value) -> bool:
    """Whether two values are the same in kind and content, all the way down: to Python `[True]` and `[1]` are equal."""
    match one, other:
        case list(), list():
            return len(one) == len(other) and all(map(equal, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def order_kind(value: Value) -> str | None:
    """Return among which values this one has its place: "S", "N" or "B"; None for what is not ordered."""
    match value:
        case bool():
            return None
        case str():
            return "S"
        case int() | Decimal():
            return "N"
        case bytes():
            return "B"
    return None
