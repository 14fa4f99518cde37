"""On which slice does a row live?

A policy is chosen for each table when it is made, and is a pure function of the rows:

- `Even`: in turn. Every slice gets its share, whatever the values; a join finds its partners anywhere.
- `Key`: by a hash of one column. Rows with the same value are together, so a join on that column moves nothing; a value
  that every fifth row has puts every fifth row on one slice.
- `All`: all rows on every node (on its first slice). Joins move nothing, and the table is stored `nodes` times.

Promise: the hash of a value is the same in every process, for every width of whole number: 17 as a u8 and 17 as an i64
meet. NULLs, which join with nothing, all go to slice 0.

Sources: Amazon Redshift Database Developer Guide, "Distribution styles"; the mixing is the finaliser of splitmix64
(Steele, Lea and Flood, OOPSLA 2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from dsys_lab.errors import BadParameter
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.structures.encoding.codec import Array, wide
from dsys_lab.structures.hash_ring import position_of
from dsys_lab.structures.schema import Schema

_SHIFTS: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def slice_of(filled: Filled, slices: int) -> Array:
    """Return the slice of each value by its hash, shape (rows,)."""
    values, nulls = filled
    if values.dtype.kind == "O":
        texts, codes = np.unique(values, return_inverse=True) if len(values) else (values, np.zeros(0, np.intp))
        bits = np.array([position_of(text.encode()) for text in texts], np.uint64)[codes]
    else:
        bits = wide(values) + np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in _SHIFTS:
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        bits ^= bits >> np.uint64(31)
    chosen = (bits % np.uint64(slices)).astype(np.intp)
    return chosen if nulls is None else np.where(nulls, 0, chosen)


@dataclass(frozen=True, slots=True)
class Even:
    """In turn."""

    def check(self, schema: Schema) -> None:
        """Accept any table."""

    def __str__(self) -> str:
        return "EVEN"


@dataclass(frozen=True, slots=True)
class Key:
    """By the hash of a column."""

    column: str

    def check(self, schema: Schema) -> None:
        """Refuse a column that is not there, or of floating point, where equal numbers have several forms."""
        if schema.columns[schema.position(self.column)].type == "f64":
            raise BadParameter(f"distribution key {self.column!r} is an f64: give a column of whole numbers or text")

    def __str__(self) -> str:
        return f"KEY({self.column})"


@dataclass(frozen=True, slots=True)
class All:
    """All rows on every node."""

    def check(self, schema: Schema) -> None:
        """Accept any table."""

    def __str__(self) -> str:
        return "ALL"


Distribution = Even | Key | All


def placed(
    style: Distribution, columns: Mapping[str, Filled], *, rows: int, before: int, nodes: int, slices_a_node: int
) -> list[Array]:
    """Return for each slice which of some new rows it is given, as their positions.

    Parameters
    ----------
    before : int
        Rows that the table was given earlier: the turn goes on from there.

    Examples
    --------
    >>> [part.tolist() for part in placed(Even(), {}, rows=5, before=0, nodes=2, slices_a_node=1)]
    [[0, 2, 4], [1, 3]]
    """
    slices = nodes * slices_a_node
    match style:
        case All():
            everything, nothing = np.arange(rows), np.arange(0)
            return [nothing if at % slices_a_node else everything for at in range(slices)]
        case Key(column):
            chosen = slice_of(columns[column], slices)
        case Even():
            chosen = (before + np.arange(rows)) % slices
    return [np.flatnonzero(chosen == at) for at in range(slices)]
