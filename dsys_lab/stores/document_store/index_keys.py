r"""How do values of any kind stand on one shelf, in order, as bytes?

An index is a shelf of cards, sorted by what is written on them. So that one comparison of bytes decides, each value is
written such that its bytes sort as it does. First comes its *bracket*, for values of different kinds are never equal
and never between each other::

    0x10 null   0x20 number   0x30 string   0x40 object   0x50 array   0x60 boolean

    number  f64 with its sign turned about (u64), then what a whole number has beyond it (i64, moved up by 2**63)
    string  UTF-8, and 0x00 at its end; so "a" is before "ab", whatever follows on the card
    object, array  TLV, each 0x00 as 0x00 0xff, and 0x00 at the end

So 7.5 and "7.5" lie far apart, and a search for numbers never meets a string: a `range` ends with its bracket.

`emitted` says which cards a document puts up: one for each element of an array on a path. Two paths into the *same*
array take their values from one element; two arrays side by side would give every pair, and are refused.

Sources: MongoDB manual, "BSON comparison order", "Multikey indexes" (the rule about parallel arrays); FoundationDB's
tuple layer (the encoding).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from dsys_lab.errors import Refused
from dsys_lab.stores.document_store import tlv
from dsys_lab.stores.document_store.documents import KINDS, kind_of

BRACKET: Final = {kind: 0x10 * (place + 1) for place, kind in enumerate(KINDS)}
BEYOND: Final = b"\xff"
"""After a value: above all cards that begin with it."""
_NUMBER: Final = struct.Struct(">QQ")
_DOUBLE: Final = struct.Struct(">d")
_SIGN: Final = 1 << 63


class Interval(NamedTuple):
    """A stretch of a shelf: from `low` on, up to but not with `high`."""

    low: bytes
    high: bytes


WHOLE: Final = Interval(b"", BEYOND)


def key_of(value: Any) -> bytes:
    """Return bytes that sort as the value does.

    Examples
    --------
    >>> sorted(["7.5", 8, None, 7.5, True, -1], key=key_of)
    [None, -1, 7.5, 8, '7.5', True]
    """
    kind = kind_of(value)
    head = bytes((BRACKET[kind],))
    match kind:
        case "null":
            return head
        case "boolean":
            return head + bytes((value,))
        case "number":
            return head + _number(value)
        case "string":
            return head + value.encode() + b"\0"
    return head + tlv.encode({"": value}).replace(b"\0", b"\0\xff") + b"\0"


def _number(value: float) -> bytes:
    nearest = float(value) + 0.0  # -0.0 becomes 0.0
    (bits,) = struct.unpack(">Q", _DOUBLE.pack(nearest))
    ordered = bits ^ (2**64 - 1) if bits & _SIGN else bits | _SIGN
    return _NUMBER.pack(ordered, _SIGN + (value - int(nearest) if isinstance(value, int) else 0))


def interval_of(prefix: bytes, operator: str, value: Any) -> Interval:
    """Return the stretch of a shelf on which cards begin with `prefix`, and then with a value that fits."""
    key, bracket = prefix + key_of(value), BRACKET[kind_of(value)]
    first, last = prefix + bytes((bracket,)), prefix + bytes((bracket + 1,))
    match operator:
        case "$eq":
            return Interval(key, key + BEYOND)
        case "$gt":
            return Interval(key + BEYOND, last)
        case "$gte":
            return Interval(key, last)
        case "$lt":
            return Interval(first, key)
    return Interval(first, key + BEYOND)


class _Absent:
    """Stands for no value until a card is written, where it counts as null."""


ABSENT: Final = _Absent()


def emitted(document: Any, paths: Sequence[tuple[str, ...]]) -> list[tuple[Any, ...]]:
    """Return the cards of a document: for each a value a path, `ABSENT` where there is none.

    Raises
    ------
    Refused
        If two paths lead into two arrays.

    Examples
    --------
    >>> device = {"city": "Oslo", "devices": [{"kind": "ring", "fw": 2}, {"kind": "watch", "fw": 3}]}
    >>> emitted(device, [("city",), ("devices", "kind"), ("devices", "fw")])
    [('Oslo', 'ring', 2), ('Oslo', 'watch', 3)]
    """
    if not isinstance(document, dict):
        return [tuple(ABSENT if path else document for path in paths)]
    by_name: dict[str, list[int]] = {}
    for place, path in enumerate(paths):
        by_name.setdefault(path[0] if path else "", []).append(place)
    cards: list[dict[int, Any]] = [{}]
    several = ""
    for name, places in by_name.items():
        tails = [paths[place][1:] for place in places]
        child = document if not name else document.get(name, ABSENT)
        below = _emitted_below(child, tails) if name else [(document,)]
        if isinstance(child, list) or len(below) > 1:
            if several:
                raise Refused(
                    f"{several!r} and {name!r} are both arrays: an index would hold every pair of their elements; "
                    f"make an index for each"
                )
            several = name
        cards = [card | dict(zip(places, values, strict=True)) for card in cards for values in below]
    return [tuple(card[place] for place in range(len(paths))) for card in cards]


def _emitted_below(child: Any, tails: Sequence[tuple[str, ...]]) -> list[tuple[Any, ...]]:
    if not isinstance(child, list):
        return emitted(child, tails)
    cards = [card for element in child for card in emitted(element, tails)]
    return cards or [(ABSENT,) * len(tails)]
