"""Which codec is best for these values?

The one that makes them smallest, by the formula of each, if it saves something worth saving. The formulas ask of the
values how wide they are, how many runs, how many bits and how many different. Runs and bits are seen in one pass over
all of them; counting the different ones means to sort, so that is done with a sample: a few stretches of neighbours.

The policy is a pure function of that profile, beside the mechanism: replace it, and everything else stays.

It chooses among five. The others are there for who names them: what a general compressor makes of values no formula
says, and a `mostly` would ask for a pass over all values for each width, to win only where a few lie far off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dsys_lab.laws import dictionary_bytes
from dsys_lab.structures.encoding.bit_slices import bits_of
from dsys_lab.structures.encoding.codec import Array, Codec, same_bits
from dsys_lab.structures.encoding.delta import DELTA, steps
from dsys_lab.structures.encoding.dictionary import DICTIONARY
from dsys_lab.structures.encoding.frame import FRAME
from dsys_lab.structures.encoding.general import ZLIB
from dsys_lab.structures.encoding.mostly import MOSTLY8, MOSTLY16, MOSTLY32
from dsys_lab.structures.encoding.plain import PLAIN
from dsys_lab.structures.encoding.run_length import RUN_LENGTH, starts_of_runs

CHOSEN: Final = (PLAIN, FRAME, RUN_LENGTH, DICTIONARY, DELTA)
"""Those that are chosen unasked; of two that are as good the earlier one is taken, for it is read faster."""
CODECS: Final[dict[str, Codec]] = {
    codec.name: codec for codec in (*CHOSEN, MOSTLY8, MOSTLY16, MOSTLY32, ZLIB)
}  # fmt: skip
"""Every codec by its name."""
STRETCHES, STRETCH_ROWS = 4, 256
WORTH: Final = 0.9
"""A codec is worth its work if it needs less than this share of the plain bytes."""
MANY: Final = 4
"""If more than one value in so many of a sample is new, the column does not hold few different values."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the formulas ask of `rows` values.

    Attributes
    ----------
    rows : int
    width_bytes : float
        Of one value; of texts the mean, with the 4 bytes that say where it ends.
    runs : int
    different : int or None
        None where there are many.
    bits : int or None
        That hold the distance of any from the smallest; None where there are no distances.
    step_bits : int or None
        That hold the distance of any step from the smallest step.
    """

    rows: int
    width_bytes: float
    runs: int
    different: int | None = None
    bits: int | None = None
    step_bits: int | None = None


def sample(values: Array) -> Array:
    """Return a few stretches of neighbours, spread evenly; all, where there are not many."""
    if len(values) <= STRETCHES * STRETCH_ROWS:
        return values
    starts = np.linspace(0, len(values) - STRETCH_ROWS, STRETCHES).astype(int)
    return np.concatenate([values[start : start + STRETCH_ROWS] for start in starts])


def different(values: Array) -> int | None:
    """Return how many different values a sample holds; None where they are many."""
    seen = sample(values)
    count = len(set(seen.tolist())) if seen.dtype.kind == "O" else len(np.unique(same_bits(seen)))
    return count if count * MANY <= len(seen) else None


def profile(values: Array) -> Profile:
    """Measure values, at least one."""
    rows, width, runs = len(values), values.dtype.itemsize, len(starts_of_runs(values))
    if values.dtype.kind == "O":
        text_bytes = sum(len(text.encode()) for text in values)
        return Profile(rows, 4 + text_bytes / rows, runs, different(values))
    if values.dtype.kind == "f":
        return Profile(rows, width, runs, different(values))
    climbs = steps(values)
    step_range = int(climbs.max()) - int(climbs.min()) if len(climbs) else 0
    value_range = int(values.max()) - int(values.min())
    return Profile(rows, width, runs, different(values), bits_of(value_range), bits_of(step_range))


def sizes(seen: Profile) -> dict[str, float]:
    """Return how many bytes such values need, by codec; codecs that they are not for are missing.

    Examples
    --------
    >>> sizes(Profile(rows=8192, width_bytes=2, runs=8180, bits=10, step_bits=11))["frame"]
    10248.0
    """
    found = {
        "plain": seen.rows * seen.width_bytes,
        "frame": None if seen.bits is None else 8 + seen.rows * seen.bits / 8,
        "run_length": seen.runs * (seen.width_bytes + 4),
        "dictionary": None
        if seen.different is None
        else 8 + dictionary_bytes(seen.rows, seen.different, seen.width_bytes),
        "delta": None if seen.step_bits is None else 16 + seen.rows * seen.step_bits / 8,
    }
    return {name: size for name, size in found.items() if size is not None}


def decide(seen: Profile, type_: str) -> str:
    """Return the name of the codec for values of this type that look like `seen`."""
    offered = {name: size for name, size in sizes(seen).items() if type_ in CODECS[name].types}
    best = min(offered, key=offered.__getitem__)
    return best if offered[best] < WORTH * offered["plain"] else "plain"


def choose(values: Array, type_: str) -> str:
    """Return the name of the codec for these values."""
    return decide(profile(values), type_) if len(values) else "plain"
