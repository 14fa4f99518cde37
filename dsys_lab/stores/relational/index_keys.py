"""How does a tree of 64-bit numbers keep texts and negative numbers in order?

By a key that sorts as the values do: whole numbers are moved up by 2**63; of a float the bits are turned so that they
sort like the number; of a text only the first eight bytes count. Texts that begin alike share a key, so whoever finds
an entry looks at the row before believing it. That is needed anyway: an index leads to versions, and not all of them
are visible.
"""

from __future__ import annotations

import struct
from typing import Final

from dsys_lab.structures.schema import Value

_FLOAT: Final = struct.Struct(">d")
_HALF: Final = 2**63


def index_key(value: Value) -> int:
    """Return a key from 0 to 2**64 - 1; of two values of a type the greater has no smaller key.

    Examples
    --------
    >>> [index_key(value) - 2**63 for value in (-2, 0, 7)]
    [-2, 0, 7]
    >>> index_key(-1.5) < index_key(0.0) < index_key(2.25)
    True
    >>> index_key("Lagos") < index_key("Oslo"), index_key("Reykjavik N") < index_key("Reykjavik S")
    (True, False)
    """
    if isinstance(value, str):
        return int.from_bytes(value.encode()[:8].ljust(8, b"\0"), "big")
    if isinstance(value, float):
        bits = int.from_bytes(_FLOAT.pack(value + 0.0), "big")
        return bits ^ (2**64 - 1) if bits & _HALF else bits | _HALF
    assert value is not None, "NULL is in no index"
    return min(max(value + _HALF, 0), 2**64 - 1)
