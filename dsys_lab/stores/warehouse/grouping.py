"""How are the measures of a whole table made of those of its slices?

Each slice makes *partial* measures of its rows: a count, a sum, the smallest and the largest for each group. These few
numbers go to the leader, who adds counts and sums up and compares the ends. A mean is never made of means: it is the
whole sum by the whole count.

Promise: sums of whole numbers are exact; those of floating point may differ in their last digits with the slices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.view import as_values
from dsys_lab.stores.warehouse.questions import Item, Name, Question
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Value, Values

_INT64_END = 1 << 63


class Partial(NamedTuple):
    """What is known of one measure of one group: enough to go on from."""

    present: int
    total: int | float = 0
    low: Value = None
    high: Value = None

    def plus(self, other: Partial) -> Partial:
        """Return both together."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Partial(
            self.present + other.present, self.total + other.total,
            min(lows, default=None), max(highs, default=None),
        )  # fmt: skip

    def value(self, how: str) -> Value:
        """Return the measure."""
        if how == "count":
            return self.present
        if not self.present:
            return None
        return {"sum": self.total, "avg": self.total / self.present, "min": self.low, "max": self.high}[how]


Groups = dict[Values, tuple[Partial, ...]]


def partial(columns: Mapping[Name, Filled], rows: int, by: Sequence[Name], measured: Sequence[Item]) -> Groups:
    """Return the partial measures of some rows by group; without `by` there is one group, ()."""
    codes, first = _codes([columns[name] for name in by], rows)
    groups = len(first)
    keys: list[Values] = [()] * groups
    if by:
        keys = list(zip(*(as_values(columns[name].rows(first)) for name in by), strict=True))
    parts = [_measured(item, columns, codes, groups) for item in measured]
    return {key: tuple(part[at] for part in parts) for at, key in enumerate(keys)}


def _codes(by: Sequence[Filled], rows: int) -> tuple[Array, Array]:
    """Return the number of each row's group, and one row of each group."""
    codes = np.zeros(rows, np.int64)
    for values, nulls in by:
        labels, own = np.unique(values, return_inverse=True)
        if nulls is not None:
            own = np.where(nulls, len(labels), own)
        codes = np.unique(codes * (len(labels) + 1) + own, return_inverse=True)[1]
    first = np.unique(codes, return_index=True)[1]
    return codes, first


def _measured(item: Item, columns: Mapping[Name, Filled], codes: Array, groups: int) -> list[Partial]:
    if item.name is None:
        return [Partial(count) for count in np.bincount(codes, minlength=groups).tolist()]
    values, nulls = columns[item.name]
    if nulls is not None:
        values, codes = values[~nulls], codes[~nulls]
    counts = np.bincount(codes, minlength=groups).tolist()
    if item.how == "count" or not len(values):
        return [Partial(count) for count in counts]
    order = np.argsort(codes, kind="stable")
    values = values[order]
    there = np.flatnonzero(counts)
    starts = np.searchsorted(codes[order], there)
    totals = np.add.reduceat(_summable(values), starts).tolist()
    lows, highs = (end.reduceat(values, starts).tolist() for end in (np.minimum, np.maximum))
    found = dict(zip(there.tolist(), zip(totals, lows, highs, strict=True), strict=True))
    return [Partial(count, *found[at]) if count else Partial(0) for at, count in enumerate(counts)]


def _summable(values: Array) -> Array:
    """Return numbers whose sum cannot wrap around."""
    if values.dtype.kind == "f":
        return values
    largest = max(abs(values.min().item()), abs(values.max().item()))
    return values.astype(np.int64 if largest * len(values) < _INT64_END else object)


def merged(parts: Iterable[Groups]) -> Groups:
    """Return the groups of all slices together."""
    groups: Groups = {}
    for part in parts:
        for key, measures in part.items():
            known = groups.get(key)
            groups[key] = measures if known is None else tuple(a.plus(b) for a, b in zip(known, measures, strict=True))
    return groups


def measured_rows(question: Question, groups: Groups) -> list[Values]:
    """Return a row of the answer for each group; without GROUP BY there is always one."""
    if not groups and not question.by:
        return [tuple(0 if item.how == "count" else None for item in question.items)]
    rows = []
    for key, partials in groups.items():
        values = iter(partials)
        rows.append(tuple(
            next(values).value(item.how) if item.how else key[question.by.index(item.name)]
            for item in question.items
        ))  # fmt: skip
    return rows
