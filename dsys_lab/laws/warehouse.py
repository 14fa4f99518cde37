"""A column store on several machines: which blocks are touched, what travels, who is last, what is least?"""

from __future__ import annotations

from collections.abc import Sequence

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def touched_share(low: float, high: float, *, block_rows: int, displaced: float) -> float:
    """Share of the blocks whose zone map meets a range, of a table in order but for some rows that lie anywhere.

    `(h - l) + l (1 - (1 - q (1 - l))**B) + (1 - h) (1 - (1 - q h)**B)`, where `l` to `h` is the range as shares of the
    sorted values, q = `displaced` the share of rows that are elsewhere, each at any place alike, and B = `block_rows`.
    A block below the range is touched if one of its B rows is a stray from `l` or above; one stray is enough. Holds for
    many blocks, for the two that the range cuts into are not counted. Source: the chance that none of B rows is such a
    stray, worked out here; zone maps: Moerkotte, "Small materialized aggregates", VLDB 1998.
    """
    _require_range(low, high)
    require_fraction(displaced=displaced)
    require_positive(block_rows=block_rows)
    below = 1 - (1 - displaced * (1 - low)) ** block_rows
    above = 1 - (1 - displaced * high) ** block_rows
    return (high - low) + low * below + (1 - high) * above


def touched_share_unsorted(low: float, high: float, *, block_rows: int) -> float:
    """Share of the blocks whose zone map meets a range, of a table in no order: `1 - l**B - (1 - h)**B`.

    A block is skipped only if all its B rows lie below the range, or all above.
    """
    _require_range(low, high)
    require_positive(block_rows=block_rows)
    return 1 - low**block_rows - (1 - high) ** block_rows


def _require_range(low: float, high: float) -> None:
    require_fraction(low=low, high=high)
    if low > high:
        raise BadParameter(f"low = {low!r}, high = {high!r}: give low at or below high")


def broadcast_bytes(size_bytes: float, nodes: int) -> float:
    """Bytes between nodes if each sends what it has of a table to all others: `size * (n - 1)`."""
    require_not_negative(size_bytes=size_bytes)
    require_positive(nodes=nodes)
    return size_bytes * (nodes - 1)


def redistributed_bytes(size_bytes: float, nodes: int) -> float:
    """Bytes between nodes if each row goes where a hash sends it: `size * (1 - 1/n)`, for 1/n is there already.

    An expectation, for values that are many and none of them frequent.
    """
    require_not_negative(size_bytes=size_bytes)
    require_positive(nodes=nodes)
    return size_bytes * (1 - 1 / nodes)


def straggler_ratio(rows_by_slice: Sequence[int]) -> float:
    """How much longer a question takes than on even slices, for the last slice decides: `largest / mean`."""
    if not rows_by_slice or min(rows_by_slice) < 0 or not sum(rows_by_slice):
        raise BadParameter(f"rows_by_slice = {list(rows_by_slice)!r:.80}: give counts of 0 or more, one of them above")
    return max(rows_by_slice) * len(rows_by_slice) / sum(rows_by_slice)


def least_table_bytes(block_bytes: int, columns: int, slices: int, *, regions: int = 2) -> int:
    """Bytes of a table with few rows, each column in a block of its own: `block * (columns + 3) * slices * regions`.

    Three columns are hidden; a table with a sort key has two regions, sorted and unsorted. Holds once rows stand in
    every region of every slice. Source: AWS re:Post, "Why does a table in my Amazon Redshift cluster consume more or
    less disk storage space than expected?".
    """
    require_positive(block_bytes=block_bytes, columns=columns, slices=slices, regions=regions)
    return block_bytes * (columns + 3) * slices * regions


def load_rounds(files: int, slices: int) -> int:
    """How many files the busiest slice loads, for a file is read by one slice: `ceil(files / slices)`."""
    require_not_negative(files=files)
    require_positive(slices=slices)
    return -(-files // slices)


def unsorted_share(loads: int, *, rows: int, late: float) -> float:
    """Share of the rows in the unsorted region after some loads without a vacuum: `1 - (1 - p**n) / (n (1 - p))`.

    `p = (1 - late)**rows` is the chance that no row of a load belongs before those that are there; `late` is the share
    of such rows. The first load lies in order, and each next one for as long as none has a late row; behind the first
    that has one nothing does. An expectation, for loads of `rows` rows each. Worked out here, from Redshift's rule that
    rows go on in order only behind a wholly sorted region (Developer Guide, "Loading your data in sort key order").
    """
    require_positive(loads=loads, rows=rows)
    require_fraction(late=late)
    none_late = (1 - late) ** rows
    return 1 - sum(none_late**load for load in range(loads)) / loads
