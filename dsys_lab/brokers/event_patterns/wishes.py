"""What a pattern may wish of one value: one small class an operator, each with the rule by which it holds.

A wish is made from the JSON behind its operator and refuses what the operator does not take; it never sees a field's
name or a whole event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import pairwise
from operator import eq, ge, gt, le, lt
from typing import Any, Final, Protocol

Scalar = str | int | float | bool | None


class Wish(Protocol):
    """What a value must be."""

    def holds(self, value: Scalar) -> bool:
        """Whether this value will do."""
        ...


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Equals:
    """The same value: numbers by value, texts by their letters."""

    wanted: Scalar

    def holds(self, value: Scalar) -> bool:
        """Whether the value is this one."""
        return value == self.wanted and isinstance(value, bool) is isinstance(self.wanted, bool)


@dataclass(frozen=True, slots=True)
class Text:
    """A text that stands in some relation to this one."""

    operator: str
    wanted: str
    fits: Callable[[str], Any]

    def holds(self, value: Scalar) -> bool:
        """Whether the value is a text and fits."""
        return isinstance(value, str) and bool(self.fits(value))


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number within bounds."""

    bounds: tuple[tuple[str, float], ...]

    def holds(self, value: Scalar) -> bool:
        """Whether the value is a number and within every bound."""
        return is_number(value) and all(COMPARISONS[sign](value, bound) for sign, bound in self.bounds)


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address in a block of addresses."""

    block: IPv4Network | IPv6Network

    def holds(self, value: Scalar) -> bool:
        """Whether the value is written as an address and lies in the block."""
        try:
            return isinstance(value, str) and ip_address(value) in self.block
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class AnythingBut:
    """A value that fulfils none of these wishes. Where there is no value, it does not hold."""

    unwanted: tuple[Wish, ...]

    def holds(self, value: Scalar) -> bool:
        """Whether the value fulfils none of them."""
        return not any(wish.holds(value) for wish in self.unwanted)


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value, or there is none; the second is asked of the whole event by the pattern."""

    wanted: bool

    def holds(self, value: Scalar) -> bool:
        """Whether any value will do."""
        return self.wanted


class BadWish(ValueError):
    """An operator was given what it does not take; the pattern adds the path."""


COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
NUMBER_MAX: Final = 5.0e9  # Ruler's range, which is wider than that of SNS


def wish(given: Any) -> Wish:
    """Return the wish that stands in a pattern's list: a value, or an object of one operator.

    Raises
    ------
    BadWish
        If it is neither, or the operator does not take what it was given.
    """
    if isinstance(given, list):
        raise BadWish("a list in a list of wishes: give values or operators")
    if not isinstance(given, Mapping):
        return Equals(given)
    operator, wanted = only_entry(given)
    if operator not in OPERATORS:
        raise BadWish(f"unknown operator {operator!r}: there are {', '.join(OPERATORS)}")
    return OPERATORS[operator](wanted)


def only_entry(given: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the one key of an operator with what it is given."""
    if len(given) != 1:
        raise BadWish(f"an operator is an object of one key, here are {len(given)}: {', '.join(given) or 'none'}")
    return next(iter(given.items()))


def require_text(operator: str, wanted: Any) -> str:
    """Return a text that an operator was given."""
    if not isinstance(wanted, str):
        raise BadWish(f"{operator} takes a text, not {wanted!r}")
    return wanted


def at_an_end(operator: str, wanted: Any) -> Text:
    """Return a prefix or suffix, as written or whatever the case."""
    if isinstance(wanted, Mapping):
        inner, folded = only_entry(wanted)
        if inner != "equals-ignore-case":
            raise BadWish(f"{operator} takes a text or equals-ignore-case, not {inner!r}")
        text = require_text(operator, folded).casefold()
        return Text(operator, text, lambda value: _end(operator, value.casefold(), text))
    text = require_text(operator, wanted)
    return Text(operator, text, lambda value: _end(operator, value, text))


def _end(operator: str, value: str, text: str) -> bool:
    return value.startswith(text) if operator == "prefix" else value.endswith(text)


def ignoring_case(wanted: Any) -> Text:
    """Return a text that is this one whatever the case."""
    text = require_text("equals-ignore-case", wanted).casefold()
    return Text("equals-ignore-case", text, lambda value: value.casefold() == text)


def wildcard(wanted: Any) -> Text:
    """Return a text in which each free star stands for any text."""
    text = require_text("wildcard", wanted)
    pieces = re.findall(r"\\.|\\$|[^\\]", text, re.DOTALL)
    if any(a == b == "*" for a, b in pairwise(pieces)):
        raise BadWish(f"wildcard {text!r}: two stars in a row; give one")
    if wrong := [piece for piece in pieces if piece[0] == "\\" and piece not in (r"\*", r"\\")]:
        raise BadWish(f"wildcard {text!r}: {wrong[0]!r} is no escape; a backslash stands before a star or a backslash")
    shape = "".join(".*" if piece == "*" else re.escape(piece[-1]) for piece in pieces)
    return Text("wildcard", text, re.compile(shape, re.DOTALL).fullmatch)


def numeric(wanted: Any) -> Numeric:
    """Return one comparison, or two that leave room between them."""
    if not isinstance(wanted, list) or len(wanted) not in (2, 4):
        raise BadWish(f'numeric takes a list such as [">", 0] or [">", 0, "<=", 5], not {wanted!r}')
    signs, bounds = wanted[::2], wanted[1::2]
    for sign, bound in zip(signs, bounds, strict=True):
        if sign not in COMPARISONS:
            raise BadWish(f"numeric knows {', '.join(COMPARISONS)}, not {sign!r}")
        if not is_number(bound) or not -NUMBER_MAX <= bound <= NUMBER_MAX:
            raise BadWish(f"numeric compares with a number from {-NUMBER_MAX:g} to {NUMBER_MAX:g}, not {bound!r}")
    if len(signs) == 2 and not (signs[0][0] == ">" and signs[1][0] == "<" and bounds[0] < bounds[1]):
        raise BadWish(f'numeric {wanted!r}: of two comparisons the first is ">" or ">=" and the lower one')
    return Numeric(tuple(zip(signs, bounds, strict=True)))


def cidr(wanted: Any) -> Cidr:
    """Return a block of addresses."""
    try:
        return Cidr(ip_network(require_text("cidr", wanted), strict=False))
    except ValueError as error:
        raise BadWish(f"cidr {wanted!r}: give a block such as 10.0.0.0/24 or 2001:db8::/32") from error


def exists(wanted: Any) -> Exists:
    """Return whether there is to be a value."""
    if not isinstance(wanted, bool):
        raise BadWish(f"exists takes true or false, not {wanted!r}")
    return Exists(wanted)


def anything_but(wanted: Any) -> AnythingBut:
    """Return what is none of the texts or numbers, or fits none of the operators' texts."""
    if isinstance(wanted, Mapping):
        operator, texts = only_entry(wanted)
        if operator not in NEGATABLE:
            raise BadWish(f"anything-but takes {', '.join(NEGATABLE)} or values, not {operator!r}")
        return AnythingBut(tuple(NEGATABLE[operator](require_text(operator, text)) for text in _some(texts)))
    values = _some(wanted)
    if not (all(isinstance(value, str) for value in values) or all(map(is_number, values))):
        raise BadWish(f"anything-but takes texts or numbers, and of one kind, not {wanted!r}")
    return AnythingBut(tuple(map(Equals, values)))


def _some(wanted: Any) -> list[Any]:
    values = wanted if isinstance(wanted, list) else [wanted]
    if not values:
        raise BadWish("anything-but an empty list is anything: use exists")
    return values


NEGATABLE: Final[dict[str, Callable[[Any], Wish]]] = {
    "prefix": partial(at_an_end, "prefix"),
    "suffix": partial(at_an_end, "suffix"),
    "equals-ignore-case": ignoring_case,
    "wildcard": wildcard,
}
OPERATORS: Final[dict[str, Callable[[Any], Wish]]] = {
    **NEGATABLE,
    "numeric": numeric,
    "cidr": cidr,
    "anything-but": anything_but,
    "exists": exists,
}
"""Every operator with what makes a wish of it."""
