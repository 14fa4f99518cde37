"""To which group does each row belong?

Every value of the column by which groups are formed gets a number from 0 up, its *slot*; whatever is measured is then
counted by slot. How the slots of a hundred thousand rows are found at once depends on the values:

- *whole numbers close together*: value - smallest, a subtraction;
- *codes of a dictionary*: looked up once a code, then taken by code;
- *other numbers*: a hash of the value leads to a bucket with one known value; rows that find another one there, or
  none, are sorted, which is slow, but after the first rows few are left, unless there are very many groups;
- *texts without a dictionary*: sorted.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.stores.column_store.stretches import Stored, Stretch
from dsys_lab.structures.encoding.codec import Array, same_bits, wide
from dsys_lab.structures.schema import Value

CLOSE: Final = 1 << 16
"""Whole numbers over a range of at most so many are their own slots."""
_BUCKETS: Final = 1 << 14
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - 14)


class Slots:
    """Numbers the values of the column by which groups are formed.

    Parameters
    ----------
    ends : (low, high) or None
        Between which all values are known to lie, if they are whole numbers.
    """

    def __init__(self, ends: tuple[int, int] | None) -> None:
        self._ends = ends if ends is not None and ends[1] - ends[0] < CLOSE else None
        self._by_label: dict[Value, int] = {}
        self._last_labels: tuple[list[Value], Array] = ([], np.empty(0, np.intp))
        self._bucket_slot = np.zeros(_BUCKETS, np.intp)
        self._bucket_bits = np.zeros(_BUCKETS, np.uint64)
        self._bucket_used = np.zeros(_BUCKETS, bool)

    def count(self) -> int:
        """Return how many slots there are so far."""
        return len(self._by_label) if self._ends is None else self._ends[1] - self._ends[0] + 2

    def of(self, stretch: Stretch, column: str) -> Array:
        """Return the slot of every row of a stretch, shape (rows,)."""
        if self._ends is None and isinstance(stretch, Stored) and (parts := stretch.codes(column)) is not None:
            return np.concatenate([self._numbers(labels)[codes] for labels, codes in parts])
        values, nulls = stretch.load(column)
        if self._ends is not None:
            slots = (values - values.dtype.type(self._ends[0])).astype(np.intp)  # in its own type: a u64 fits no intp
        else:
            slots = self._sorted(values) if values.dtype.kind == "O" else self._hashed(values)
        if nulls is not None:
            slots[nulls] = self._number(None) if self._ends is None else self.count() - 1
        return slots

    def labels(self) -> dict[Value, int]:
        """Return slot by value."""
        if self._ends is None:
            return self._by_label
        low, high = self._ends
        return {None: high - low + 1, **{label: label - low for label in range(low, high + 1)}}

    def _hashed(self, values: Array) -> Array:
        bits = wide(same_bits(values))
        bucket = (bits * _ODD >> _SHIFT).astype(np.intp)
        slots = self._bucket_slot[bucket]
        missed = self._bucket_bits[bucket] != bits
        missed |= ~self._bucket_used[bucket]
        if missed.any():
            slots[missed] = self._sorted(values[missed])
            self._bucket_slot[bucket[missed]] = slots[missed]
            self._bucket_bits[bucket[missed]] = bits[missed]
            self._bucket_used[bucket[missed]] = True
        return slots

    def _sorted(self, values: Array) -> Array:
        labels, codes = np.unique(values, return_inverse=True)
        return self._numbers(labels)[codes]

    def _numbers(self, labels: Array) -> Array:
        """Return the slots of different values; neighbouring chunks often have the same ones."""
        listed = labels.tolist()
        if listed != self._last_labels[0]:
            self._last_labels = listed, np.array([self._number(label) for label in listed], np.intp)
        return self._last_labels[1]

    def _number(self, label: Value) -> int:
        return self._by_label.setdefault(label, len(self._by_label))
