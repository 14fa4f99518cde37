"""How is a closed range asked of a column so that the machine's numbers answer exactly?

Python compares 3 with 3.5 and 2**63 with 1e300 exactly; a column of bytes compares only with numbers of its own type.
So the bounds are brought into the type first: 3.5 as a lower bound of whole numbers is 4, one beyond the type's last
number leaves nothing. Then `low <= value <= high` in the column's own type is the very answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dsys_lab.stores.table import Between
from dsys_lab.structures.encoding.codec import DTYPES, WHOLE, Array
from dsys_lab.structures.schema import Value


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `low` to `high`, both included; None leaves a side open; `nothing` means that no value can pass."""

    low: Value = None
    high: Value = None
    nothing: bool = False

    @classmethod
    def of(cls, where: Between, type_: str) -> Bounds:
        """Return the range that `where` means in a column of this type."""
        if type_ == "text":
            return cls(where.low, where.high)
        if type_ in WHOLE:
            limits = np.iinfo(DTYPES[type_])
            low, high = _whole(where.low, up=True), _whole(where.high, up=False)
            return cls(
                low=None if low is None or low < limits.min else low,
                high=None if high is None or high > limits.max else high,
                nothing=(low is not None and low > limits.max) or (high is not None and high < limits.min),
            )
        return cls(_number(where.low, up=True), _number(where.high, up=False))

    def meets(self, low: Value, high: Value) -> bool:
        """Whether a value from `low` to `high` (None: unknown) can pass."""
        if self.nothing:
            return False
        return not (_beyond(low, self.high) or _beyond(self.low, high))

    def covers(self, low: Value, high: Value) -> bool:
        """Whether every value from `low` to `high` (None: unknown) passes."""
        return (
            not self.nothing
            and (self.low is None or (low is not None and not _beyond(self.low, low)))
            and (self.high is None or (high is not None and not _beyond(high, self.high)))
        )

    def passes(self, values: Array) -> Array:
        """Return which values pass, shape (rows,) of bool; what stands for a NULL is a value like others."""
        if self.nothing:
            return np.zeros(len(values), bool)
        passing = np.ones(len(values), bool) if self.low is None else (values >= self.low).astype(bool, copy=False)
        if self.high is not None:
            passing &= (values <= self.high).astype(bool, copy=False)
        return passing


def _beyond(one: Value, other: Value) -> bool:
    return one is not None and other is not None and one > other  # type: ignore[operator]


def _whole(bound: Value, *, up: bool) -> int | None:
    """Return the nearest whole number that leaves the same ones inside; for infinity one that no type reaches."""
    if bound is None or isinstance(bound, str):
        return None
    if math.isinf(bound):
        return 1 << 65 if bound > 0 else -1 << 65
    return math.ceil(bound) if up else math.floor(bound)


def _number(bound: Value, *, up: bool) -> float | None:
    """Return the nearest float that leaves the same floats inside."""
    if bound is None or isinstance(bound, str):
        return None
    try:
        near = float(bound)
    except OverflowError:
        return math.inf if bound > 0 else -math.inf
    if up and near < bound:
        return math.nextafter(near, math.inf)
    if not up and near > bound:
        return math.nextafter(near, -math.inf)
    return near
