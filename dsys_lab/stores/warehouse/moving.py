"""Which rows must travel, so that the partners of a join meet on one slice?

Every slice joins what it has with what it has. So before that, rows must lie right, or be brought there, and EXPLAIN
says which of five ways it is. The *inner* table is the one that a hash table is made of, n the number of nodes:

=================  =======================================================  ===============================
label              what travels                                             bytes between nodes
=================  =======================================================  ===============================
DS_DIST_NONE       nothing: both lie by the column that joins them          0
DS_DIST_ALL_NONE   nothing: the inner table is on every node                0
DS_DIST_INNER      the inner table, to where the outer one lies by its key  inner * (1 - 1/n)
DS_BCAST_INNER     the whole inner table to every node                      inner * (n - 1)
DS_DIST_BOTH       both, by the hash of the column that joins them          (outer + inner) * (1 - 1/n)
=================  =======================================================  ===============================

The policy is a pure function: of all ways that are possible, with either table as the inner one, it takes that with the
fewest bytes; of equal ones the earlier in this table, and the smaller table as the inner one.

Left out: DS_DIST_OUTER and DS_DIST_ALL_INNER, which say the same with the roles exchanged, or on one slice.

Source: Amazon Redshift Database Developer Guide, "Evaluating the query plan".
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.laws.warehouse import broadcast_bytes, redistributed_bytes
from dsys_lab.stores.warehouse.distribution import All, Distribution, Key

LABELS = ("DS_DIST_NONE", "DS_DIST_ALL_NONE", "DS_DIST_INNER", "DS_BCAST_INNER", "DS_DIST_BOTH")


@dataclass(frozen=True, slots=True)
class Side:
    """What the policy knows of one table of a join.

    Attributes
    ----------
    style : Distribution
    column : str
        By which it is joined.
    size_bytes : float
        Of the columns that the question needs, as they would travel; an estimate.
    """

    style: Distribution
    column: str
    size_bytes: float

    @property
    def lies_right(self) -> bool:
        """Whether it lies by the column that joins it."""
        return self.style == Key(self.column)


@dataclass(frozen=True, slots=True)
class Move:
    """What was decided.

    Attributes
    ----------
    label : str
        One of `LABELS`.
    inner : int
        Which of the two tables is the inner one, 0 or 1.
    size_bytes : float
        Bytes between nodes, an estimate as those of the sides.
    """

    label: str
    inner: int
    size_bytes: float


def decide(first: Side, second: Side, *, nodes: int) -> Move:
    """Return how the partners of a join are brought together.

    Examples
    --------
    >>> night, city = Side(Key("person_id"), "city_id", 3_000_000), Side(All(), "city_id", 250)
    >>> decide(night, city, nodes=4).label
    'DS_DIST_ALL_NONE'
    """
    ways = [*_ways(first, second, 1, nodes), *_ways(second, first, 0, nodes)]
    sides = (first, second)
    return min(ways, key=lambda way: (way.size_bytes, LABELS.index(way.label), sides[way.inner].size_bytes, -way.inner))


def _ways(outer: Side, inner: Side, at: int, nodes: int) -> list[Move]:
    if isinstance(inner.style, All):
        return [Move("DS_DIST_ALL_NONE", at, 0)]
    if isinstance(outer.style, All):
        return []  # the roles exchanged need no byte
    if outer.lies_right and inner.lies_right:
        return [Move("DS_DIST_NONE", at, 0)]
    ways = [Move("DS_BCAST_INNER", at, broadcast_bytes(inner.size_bytes, nodes))]
    if outer.lies_right:
        ways.append(Move("DS_DIST_INNER", at, redistributed_bytes(inner.size_bytes, nodes)))
    return [*ways, Move("DS_DIST_BOTH", at, redistributed_bytes(outer.size_bytes + inner.size_bytes, nodes))]
