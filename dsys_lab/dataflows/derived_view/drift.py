"""Two copies ought to be the same: are they, and if not, where?

Nobody notices a row that a view has missed: it answers, and wrongly. To compare every row is to read and send every
row. Instead both ends cut the keys into the same ranges, add up the hashes of each, and compare the sums as a tree: the
root first, then only what lies under a sum that differs. One bad range among n is found by about 2 log n comparisons,
and only its rows are fetched. ::

                     root*                     compared: 1
              left          right*                       2
                          a*       b                     2
                       keys 40..49: fetch these

The tree is that of `brokers.audit`, over ranges of keys in place of stretches of time.

It says that they differ, not who is right: that is what "derived" means. And where both are wrong alike, as when a bug
wrote the table, nothing differs.

Source: DeCandia et al., "Dynamo", SOSP 2007, section 4.7; Apache Cassandra documentation, "Repair".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dsys_lab.brokers.audit import compare_trees
from dsys_lab.brokers.audit.tally import WORD
from dsys_lab.dataflows.derived_view.view import State, entry_hash
from dsys_lab.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Drift:
    """Where two states differ, and what it took to find out.

    Attributes
    ----------
    keys : tuple
        Whose entries differ, or are in one of them only, in order.
    compared : int
        Digests that one end had to send to the other.
    fetched_rows : int
        Rows of the ranges that differ, which then were compared one by one.
    """

    keys: tuple[Any, ...]
    compared: int
    fetched_rows: int


def find_drift(table: State, copy: State, *, ranges: int = 256, fan_out: int = 2) -> Drift:
    """Return the keys at which `copy` differs from `table`.

    Parameters
    ----------
    table, copy : dict
        What a view's `state` returns; the keys are all numbers or all texts.
    ranges : int
        Into how many ranges of about as many keys each the table's keys are cut.
    fan_out : int
        How many children a node of the tree has.

    Examples
    --------
    >>> find_drift(dict.fromkeys(range(1000), "warm"), dict.fromkeys(range(1000), "warm") | {41: "cold"})
    Drift(keys=(41,), compared=17, fetched_rows=3)
    """
    bounds = range_bounds(table, ranges)
    ours, theirs = range_digests(table, bounds), range_digests(copy, bounds)
    found = compare_trees(ours, theirs, fan_out=fan_out)
    bad = set(found.leaves)
    fetched = [key for key in table if range_of(key, bounds) in bad]
    strangers = [key for key in copy if key not in table and range_of(key, bounds) in bad]
    keys = [key for key in fetched if key not in copy or entry_hash((key, table[key])) != entry_hash((key, copy[key]))]
    return Drift(tuple(sorted(keys + strangers)), found.compared, len(fetched) + len(strangers))


def range_bounds(table: State, ranges: int) -> list[Any]:
    """Return the first key of each range but the first; what lies before it belongs to the first."""
    if type(ranges) is not int or ranges < 1:
        raise BadParameter(f"ranges = {ranges!r}: give a whole number, 1 or more")
    try:
        keys = sorted(table)
    except TypeError:
        raise BadParameter("the keys are of several kinds and have no order: give all numbers or all texts") from None
    return [keys[len(keys) * number // ranges] for number in range(1, min(ranges, len(keys)))]


def range_of(key: Any, bounds: Sequence[Any]) -> int:
    """Return in which range a key lies."""
    return bisect_right(bounds, key)


def range_digests(state: State, bounds: Sequence[Any]) -> list[int]:
    """Return for each range the sum of the hashes of its entries, modulo 2^64."""
    sums = [0] * (len(bounds) + 1)
    for entry in state.items():
        place = range_of(entry[0], bounds)
        sums[place] = (sums[place] + entry_hash(entry)) % WORD
    return sums
