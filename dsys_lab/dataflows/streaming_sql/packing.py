"""How does what an operator remembers become bytes, and come back as it was?

As JSON, in which lists are lists; tuples, sets and mappings say what they are. Nothing else is let in, so that what is
read is data and never code.

>>> unpacked(packed({("Oslo", 1): [{2, 3}, None]})) == {("Oslo", 1): [{2, 3}, None]}
True
"""

from __future__ import annotations

import json
from typing import Any

from dsys_lab.errors import Misuse


def packed(value: Any) -> bytes:
    """Return plain values as bytes, the same for equal values."""
    return json.dumps(_marked(value), separators=(",", ":")).encode()


def unpacked(data: bytes) -> Any:
    """Return the values that were packed."""
    return _unmarked(json.loads(data))


def _marked(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return {"t": [_marked(one) for one in value]}
    if isinstance(value, list):
        return [_marked(one) for one in value]
    if isinstance(value, set):
        return {"s": sorted((_marked(one) for one in value), key=json.dumps)}
    if isinstance(value, dict):
        return {"d": [[_marked(key), _marked(one)] for key, one in value.items()]}
    raise Misuse(f"{value!r} is a {type(value).__name__}: only plain values can be packed")


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((mark, inner),) = value.items()
    if mark == "t":
        return tuple(map(_unmarked, inner))
    if mark == "s":
        return set(map(_unmarked, inner))
    return {_unmarked(key): _unmarked(one) for key, one in inner}
