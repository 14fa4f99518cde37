"""How is a column written that was made wide for a few large values, though most are small?

Every value in 1, 2 or 4 bytes; those that do not fit there leave a 0 in their place and stand once more behind, whole,
each with its position::

    | value of row 0 | value of row 1 | ... | position of exception 0 u32 | ... | exception 0 | ...
      1, 2 or 4 bytes each, signed                                                w bytes each

So `rows * narrow + exceptions * (4 + w)` bytes, and the size says how many exceptions there are. What fits is what
Redshift's MOSTLY8, MOSTLY16 and MOSTLY32 say: -128 to 127, -32,768 to 32,767, -2**31 to 2**31 - 1; each is for types
that are wider than it is. Unlike with a frame one value far off costs nothing but itself; where every value is far off,
each costs more than when plain.

Source: Amazon Redshift Database Developer Guide, "Mostly encoding".
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from dsys_lab.structures.encoding.codec import DTYPES, WHOLE, Array, Codec, exact_sum

_POSITION_BYTES: Final = 4


def encode(values: Array, narrow: str) -> bytes:
    """Return the narrow values, the positions of those that do not fit, and these as they are."""
    limits = np.iinfo(narrow)
    fits = values <= limits.max
    if values.dtype.kind == "i":
        fits &= values >= limits.min
    beyond = np.flatnonzero(~fits)
    kept = np.where(fits, values, values.dtype.type(0)).astype(narrow)
    return kept.tobytes() + beyond.astype("<u4").tobytes() + values[beyond].tobytes()


def parts(stack: Array, type_: str, rows: int, narrow: str) -> tuple[Array, Array, Array]:
    """Return narrow values, shape (chunks, rows), positions and exceptions, each of shape (chunks, exceptions)."""
    narrow_end = rows * np.dtype(narrow).itemsize
    exceptions = (stack.shape[1] - narrow_end) // (_POSITION_BYTES + np.dtype(DTYPES[type_]).itemsize)
    positions_end = narrow_end + exceptions * _POSITION_BYTES
    return (
        stack[:, :narrow_end].view(narrow),
        stack[:, narrow_end:positions_end].view("<u4"),
        stack[:, positions_end:].view(DTYPES[type_]),
    )


def decode(stack: Array, type_: str, rows: int, narrow: str) -> Array:
    """Return the values, the exceptions in their places."""
    kept, positions, exceptions = parts(stack, type_, rows, narrow)
    values = kept.astype(DTYPES[type_])
    np.put_along_axis(values, positions.astype(np.int64), exceptions, axis=1)
    return values


def total(stack: Array, type_: str, rows: int, largest: float, narrow: str) -> int | float:
    """Return the sum of the narrow values and that of the exceptions."""
    kept, _, exceptions = parts(stack, type_, rows, narrow)
    return exact_sum(kept, float(-np.iinfo(narrow).min)) + exact_sum(exceptions, largest)


def _mostly(bits: int) -> Codec:
    narrow = f"<i{bits // 8}"
    wider = frozenset(type_ for type_ in WHOLE if np.dtype(DTYPES[type_]).itemsize > bits // 8)
    encoding, decoding, totalling = (partial(do, narrow=narrow) for do in (encode, decode, total))
    return Codec(f"mostly{bits}", wider, encoding, decoding, totalling)  # type: ignore[arg-type]


MOSTLY8: Final = _mostly(8)
MOSTLY16: Final = _mostly(16)
MOSTLY32: Final = _mostly(32)
