"""What is an item, and how many bytes is it?

An item is not an opaque blob: it is a map from attribute names to typed values, so that the store can compare one
attribute, change another and index a third. Everything is priced by its size, and the size counts the *names* too: a
long name is paid for in every item.

====================================  =====================================================================
value                                 bytes, beside its name's UTF-8 bytes
====================================  =====================================================================
`str`                                 its UTF-8 bytes
`int`, `Decimal`                      1 for two significant digits, and 1
`bytes`                               its length
`bool`, `None`                        1
`list`, `dict`                        3, 1 for each element, and the elements (of a dict with their names)
`frozenset` of one of the first three  its elements
====================================  =====================================================================

A float is refused, as boto3 refuses it: 0.1 has no exact binary form, so what is read back would not be what was
written.

Promises
--------
1. Sizes are counted from the values, never assumed.
2. An item that was accepted cannot be changed from outside: `frozen` copies it.

Left out: the sign of a number, for which some count a byte more; the 100 bytes an item that storage is billed for.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats", "Constraints in DynamoDB".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.facts import fact

Value = Any
"""One of the kinds in the table above."""
Item = Mapping[str, Value]

KB: Final = 1024
ITEM_BYTES_MAX: Final = int(fact("dynamodb_item_max").value) * KB
DIGITS_MAX: Final = 38
EXPONENT_MIN: Final = -130
EXPONENT_MAX: Final = 125


class Frozen(dict[str, Any]):
    """An item that was accepted, with its size, which is asked for again and again."""

    __slots__ = ("size_bytes",)

    def __init__(self, item: dict[str, Value]) -> None:
        super().__init__(item)
        self.size_bytes = size_bytes(item)


def size_bytes(item: Item) -> int:
    """Return the bytes of an item, names and values.

    Examples
    --------
    >>> size_bytes({"person": "17", "minutes": 435})
    18
    """
    if type(item) is Frozen:
        return item.size_bytes
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Value) -> int:  # noqa: PLR0911  # one for each kind
    """Return the bytes of a value alone."""
    match value:
        case bool() | None:
            return 1
        case str():
            return len(value.encode())
        case int() | Decimal():
            return (significant_digits(value) + 1) // 2 + 1
        case bytes():
            return len(value)
        case list():
            return 3 + sum(1 + value_bytes(element) for element in value)
        case dict():
            return 3 + sum(1 + len(name.encode()) + value_bytes(element) for name, element in value.items())
        case frozenset():
            return sum(map(value_bytes, value))
    raise BadParameter(_no_kind(value))


def significant_digits(number: int | Decimal) -> int:
    """Return how many digits a number has without its leading and trailing zeros; 0 has one."""
    digits = str(abs(number)) if isinstance(number, int) else "".join(map(str, number.as_tuple().digits))
    return max(1, len(digits.strip("0")))


def frozen(item: Item) -> Frozen:
    """Return a copy of an item that nobody else holds, checked.

    Raises
    ------
    BadParameter
        If a name is empty or no string, a value of no kind of an item, a number too long, a set empty or mixed, or the
        item too large.
    """
    if not isinstance(item, Mapping):
        raise BadParameter(f"item = {item!r}: give a dict of attribute names and values")
    copy = Frozen({_name(name): _frozen(value) for name, value in item.items()})
    if copy.size_bytes > ITEM_BYTES_MAX:
        raise BadParameter(
            f"an item of {copy.size_bytes:,} bytes: give at most {ITEM_BYTES_MAX:,}, names included; keep large things "
            "in an object store and their key here"
        )
    return copy


def _name(name: object) -> str:
    if type(name) is not str or not name:
        raise BadParameter(f"attribute name {name!r}: give a string that is not empty")
    return name


def _frozen(value: Value) -> Value:
    match value:
        case dict():
            return {_name(name): _frozen(element) for name, element in value.items()}
        case list():
            return [_frozen(element) for element in value]
        case set() | frozenset():
            kinds = {_kind_of_element(element) for element in value}
            if len(kinds) != 1:
                raise BadParameter(f"a set {value!r}: give at least one element, all strings, all numbers or all bytes")
            return frozenset(_frozen(element) for element in value)
        case bool() | None | str() | bytes():
            return value
        case int() | Decimal():
            _check_number(Decimal(value))
            return value
    raise BadParameter(_no_kind(value))


def _check_number(number: Decimal) -> None:
    in_range = number.is_finite() and (not number or EXPONENT_MIN <= number.adjusted() <= EXPONENT_MAX)
    if not in_range or significant_digits(number) > DIGITS_MAX:
        raise BadParameter(
            f"number {number:.6g}: give 0 or a finite one from 1E{EXPONENT_MIN} to below 1E+{EXPONENT_MAX + 1} on "
            f"either side of it, with at most {DIGITS_MAX} significant digits"
        )


def _kind_of_element(element: Value) -> type:
    if isinstance(element, bool) or not isinstance(element, str | int | Decimal | bytes):
        raise BadParameter(f"set element {element!r}: give strings, numbers or bytes")
    return Decimal if isinstance(element, int | Decimal) else type(element)


def _no_kind(value: object) -> str:
    if isinstance(value, float):
        return f"the float {value!r}: give Decimal({str(value)!r}), which is read back exactly as it was written"
    return f"{value!r} is a {type(value).__name__}: give a str, int, Decimal, bytes, bool, None, list, dict or set"
