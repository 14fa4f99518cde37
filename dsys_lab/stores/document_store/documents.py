"""What is a document, and what stands at a path of it?

A document is a tree: names with values, which may be documents and arrays again. A *path* is names with dots between,
`devices.fw`. On its way it opens every array that it meets, one level deep, so one path of one document may lead to
many values, or to none. That is what a filter asks about and what an index is made from::

    {"_id": 17, "city": "Oslo", "devices": [{"kind": "ring", "fw": 2}, {"kind": "watch", "fw": 3}]}

    values at `city`: "Oslo"        values at `devices.fw`: 2, 3        values at `plan`: none

None is a value (*null*), and not the same as no value (*absent*).

Limits: 100 levels; names of 1 to 255 bytes without a dot, a zero byte or a dollar sign in front, for paths and
operators are spelled with these; whole numbers of 64 bits; finite numbers; no zero bytes. `_id` is a whole number or
a string.

Left out: dates, binary data and decimals (six kinds show all there is to show); positions in paths (`devices.0.fw`).

Sources: the rules follow MongoDB's manual, "Query an Array" and "Limits and Thresholds", Amazon DocumentDB Developer
Guide, "Functional differences", and lax mode of SQL's JSON path, PostgreSQL 18 documentation, 9.16.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from dsys_lab.errors import BadParameter

Document = dict[str, Any]
LEVELS_MAX: Final = 100
NAME_BYTES_MAX: Final = 255
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
KINDS: Final = ("null", "number", "string", "object", "array", "boolean")
"""The kinds of values in their order: whatever they hold, a number comes before every string."""


def kind_of(value: Any) -> str:
    """Return the kind of a value.

    Raises
    ------
    BadParameter
        If a document cannot hold it.

    Examples
    --------
    >>> kind_of(7.5), kind_of("7.5"), kind_of(True), kind_of(None)
    ('number', 'string', 'boolean', 'null')
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
    allowed = "None, bool, int, float, str, a list or a dict of such"
    raise BadParameter(f"a value of type {type(value).__name__}, {value!r:.60}: give {allowed}")


def require_document(document: Any) -> None:
    """Refuse what is no document.

    Raises
    ------
    BadParameter
        With the path of what is wrong, what is allowed and what to do.
    """
    if not isinstance(document, dict):
        raise BadParameter(f"{document!r:.60} is no document: give a dict, {{'_id': 17, 'city': 'Oslo'}}")
    if "_id" not in document:
        raise BadParameter(f"a document without _id, {document!r:.60}: give it a whole number or a string")
    require_id(document["_id"])
    require_value(document)


def require_id(identity: Any) -> None:
    """Refuse what is no `_id`."""
    if isinstance(identity, bool) or not isinstance(identity, int | str):
        raise BadParameter(f"_id = {identity!r:.60}: give a whole number or a string")
    require_value(identity, "_id")


def require_value(value: Any, path: str = "", level: int = 1) -> None:
    """Refuse a value that no document can hold, here or anywhere below."""
    if level > LEVELS_MAX:
        raise BadParameter(f"{path[:60]}…: deeper than {LEVELS_MAX} levels; refer to another document by its _id")
    match kind_of(value):
        case "number" if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
            raise BadParameter(f"{path} = {value!r:.60}: a whole number has 64 bits; give a string or a float")
        case "number" if not math.isfinite(value):
            raise BadParameter(f"{path} = {value!r}: give a finite number, or None for none")
        case "string":
            _require_text(path, value)
        case "array":
            for element in value:
                require_value(element, f"{path}[]", level + 1)
        case "object":
            for name, below in value.items():
                _require_name(path, name)
                require_value(below, f"{path}.{name}" if path else name, level + 1)


def _require_text(path: str, text: str) -> bytes:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise BadParameter(f"{path} = {text!r:.60}: half of a surrogate pair; give text that UTF-8 can hold") from None
    if "\0" in text:  # PostgreSQL's JSON has none either
        raise BadParameter(f"{path} = {text!r:.60}: a zero byte; give text without it")
    return encoded


def _require_name(path: str, name: Any) -> None:
    if not isinstance(name, str):
        raise BadParameter(f"{path or 'the document'}: a name {name!r:.40}, no string; give one")
    encoded = _require_text(path or "a name", name)
    if not encoded or len(encoded) > NAME_BYTES_MAX or "." in name or name.startswith("$"):
        raise BadParameter(
            f"{path or 'the document'}: a name {name!r:.40}; give 1 to {NAME_BYTES_MAX} bytes, no dot in it "
            f"and no $ in front"
        )


def names_of(path: Any) -> tuple[str, ...]:
    """Return the names of a path.

    Raises
    ------
    BadParameter
        If it is none.
    """
    if not isinstance(path, str):
        raise BadParameter(f"path {path!r:.40}: give names with dots between, 'devices.fw'")
    names = tuple(path.split("."))
    for name in names:
        if not name or name.startswith("$") or name.isdecimal():
            raise BadParameter(f"path {path!r:.60}: give names with dots between, 'devices.fw'; no positions, no $")
        _require_name(path, name)
    return names


def values_at(value: Any, names: Sequence[str]) -> Iterator[Any]:
    """Give every value to which a path leads.

    Examples
    --------
    >>> document = {"devices": [{"kind": "ring", "fw": 2}, {"kind": "watch"}], "tags": ["a", "b"]}
    >>> list(values_at(document, ["devices", "fw"])), list(values_at(document, ["tags"]))
    ([2], ['a', 'b'])
    """
    if not names:
        yield from value if isinstance(value, list) else (value,)
    elif isinstance(value, dict):
        if names[0] in value:
            yield from values_at(value[names[0]], names[1:])
    elif isinstance(value, list):
        for element in value:
            if isinstance(element, dict):
                yield from values_at(element, names)


def is_present(value: Any, names: Sequence[str]) -> bool:
    """Whether a path leads anywhere; to an empty array, too."""
    if not names:
        return True
    if isinstance(value, dict):
        return names[0] in value and is_present(value[names[0]], names[1:])
    return isinstance(value, list) and any(is_present(one, names) for one in value if isinstance(one, dict))


def elements_at(value: Any, names: Sequence[str]) -> Iterator[Document]:
    """Give the documents that are elements of the arrays at a path."""
    if not names:
        if isinstance(value, list):
            yield from (element for element in value if isinstance(element, dict))
    elif isinstance(value, dict):
        if names[0] in value:
            yield from elements_at(value[names[0]], names[1:])
    elif isinstance(value, list):
        for element in value:
            if isinstance(element, dict):
                yield from elements_at(element, names)
