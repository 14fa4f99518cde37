"""Which codec is best for these values?

The one that makes them smallest, by the formula of each, if it saves something worth saving. The formulas ask five
things of the values: how many, how wide, how many different, how many runs, how many bits. Looking at all of them would
cost more than it saves, so a sample is looked at: a few stretches, for runs and steps live between neighbours.

The policy is a pure function of that profile, beside the mechanism: replace it, and everything else stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dsys_lab.structures.encoding.bit_slices import bits_of
from dsys_lab.structures.encoding.codec import DTYPES, Array, Codec, same_bits
from dsys_lab.structures.encoding.delta import DELTA, steps
from dsys_lab.structures.encoding.dictionary import DICTIONARY
from dsys_lab.structures.encoding.frame import FRAME
from dsys_lab.structures.encoding.plain import PLAIN
from dsys_lab.structures.encoding.run_length import RUN_LENGTH, starts_of_runs

CODECS: Final[dict[str, Codec]] = {codec.name: codec for codec in (PLAIN, FRAME, RUN_LENGTH, DICTIONARY, DELTA)}
"""Every codec by its name; of two that are as good the earlier one is taken, for it is read faster."""
STRETCHES, STRETCH_ROWS = 4, 256
WORTH: Final = 0.9
"""A codec is worth its work if it needs less than this share of the plain bytes."""
MANY: Final = 4
"""If more than one value in so many of a sample is new, the column does not hold few different values."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the formulas ask.

    Attributes
    ----------
    rows : int
        Values in the sample.
    width_bytes : float
        Of one value; of texts the mean, with the 4 bytes that say where it ends.
    different : int
    runs : int
    bits : int or None
        That hold the distance of any from the smallest; None where there are no distances.
    step_bits : int or None
        That hold the distance of any step from the smallest step.
    """

    rows: int
    width_bytes: float
    different: int
    runs: int
    bits: int | None = None
    step_bits: int | None = None


def sample(values: Array) -> Array:
    """Return a few stretches of neighbours, one a line, spread evenly; all in one, where there are not many."""
    if len(values) <= STRETCHES * STRETCH_ROWS:
        return values[np.newaxis]
    starts = np.linspace(0, len(values) - STRETCH_ROWS, STRETCHES).astype(int)
    return np.stack([values[start : start + STRETCH_ROWS] for start in starts])


def profile(stretches: Array) -> Profile:
    """Measure stretches of neighbours, shape (stretches, rows), at least one value."""
    values = stretches.ravel()
    runs = len(starts_of_runs(values))
    if values.dtype.kind == "O":
        text_bytes = sum(len(text.encode()) for text in values)
        return Profile(values.size, 4 + text_bytes / values.size, len(set(values.tolist())), runs)
    different = len(np.unique(same_bits(values)))
    if values.dtype.kind == "f":
        return Profile(values.size, values.dtype.itemsize, different, runs)
    climbs = steps(stretches)
    step_range = int(climbs.max()) - int(climbs.min()) if climbs.size else 0
    bits = bits_of(int(values.max()) - int(values.min()))
    return Profile(values.size, values.dtype.itemsize, different, runs, bits, bits_of(step_range))


def sizes(seen: Profile, rows: int) -> dict[str, float]:
    """Return how many bytes `rows` such values need, by codec; codecs that they are not for are missing.

    Examples
    --------
    >>> sizes(Profile(rows=1000, width_bytes=2, different=600, runs=999, bits=10, step_bits=11), rows=8192)["frame"]
    10248.0
    """
    share = rows / seen.rows
    few = seen.different * MANY <= seen.rows
    code_bytes = 1 if seen.different <= 1 << 8 else 2
    found = {
        "plain": rows * seen.width_bytes,
        "frame": None if seen.bits is None else 8 + rows * seen.bits / 8,
        "run_length": seen.runs * share * (seen.width_bytes + 4),
        "dictionary": 8 + rows * code_bytes + seen.different * seen.width_bytes if few else None,
        "delta": None if seen.step_bits is None else 16 + rows * seen.step_bits / 8,
    }
    return {name: size for name, size in found.items() if size is not None}


def decide(seen: Profile, rows: int, type_: str) -> str:
    """Return the name of the codec for `rows` values of this type, of which a sample looked like `seen`."""
    offered = {name: size for name, size in sizes(seen, rows).items() if type_ in CODECS[name].types}
    best = min(offered, key=offered.__getitem__)
    return best if offered[best] < WORTH * offered["plain"] else "plain"


def decide_by_sample(values: Array, type_: str) -> str:
    """Return the name of the codec for these values."""
    assert type_ in DTYPES
    return decide(profile(sample(values)), len(values), type_) if len(values) else "plain"
