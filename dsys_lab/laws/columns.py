"""Tables by column: how many bytes and pages does a question touch, and how many calls?"""

from __future__ import annotations

import math
from typing import Final

from dsys_lab.errors import BadParameter, require_positive

PAGE_ROOM_BYTES: Final = 8_168
"""What a page of 8,192 bytes has room for beside its header of 24."""


def column_pages(rows: int, *width_bytes: float) -> int:
    """Pages of the columns that a question touches, each a file of its own: `sum(ceil(N * w / 8168))`.

    Plain encoding. A column that may be NULL is an eighth of a byte wider in the row groups that hold a NULL.
    Source: Copeland and Khoshafian, "A decomposition storage model", SIGMOD 1985.
    """
    if rows < 0:
        raise BadParameter(f"rows = {rows!r}: give 0 or more")
    return sum(math.ceil(rows * width / PAGE_ROOM_BYTES) for width in width_bytes)


def run_length_bytes(runs: int, width_bytes: int) -> int:
    """Bytes of a column written as runs, each a value and a length of 4 bytes: `runs * (w + 4)`."""
    return runs * (width_bytes + 4)


def packed_bytes(rows: int, value_range: int) -> float:
    """Bytes of values packed in bits, without headers: `N * ceil(log2(range + 1)) / 8`.

    `value_range` is the largest less the smallest. Source: Zukowski et al., ICDE 2006 (frame of reference).
    """
    if value_range < 0:
        raise BadParameter(f"value_range = {value_range!r}: give the largest less the smallest, 0 or more")
    return rows * value_range.bit_length() / 8


def dictionary_bytes(rows: int, different: int, width_bytes: float) -> float:
    """Bytes of a column written as codes and a dictionary: `N * code + different * w`, a code of 1, 2 or 4 bytes."""
    require_positive(different=different)
    code_bytes = 1 if different <= 1 << 8 else 2 if different <= 1 << 16 else 4
    return rows * code_bytes + different * width_bytes


def merge_pages_per_row(columns: int, *, pages_per_chunk: float, merge_rows: float) -> float:
    """Pages that a column store writes for each row that it takes in: `columns * pages_per_chunk / merge_rows`.

    Rows wait in memory (and in a log) until `merge_rows` are written at once; with `merge_rows` = 1 that is a page a
    column. Source: Stonebraker et al., "C-Store", VLDB 2005.
    """
    require_positive(columns=columns, pages_per_chunk=pages_per_chunk, merge_rows=merge_rows)
    return columns * pages_per_chunk / merge_rows


def calls_by_vector(rows: int, operators: int, *, vector_rows: int) -> int:
    """Calls between the operators of a plan: one each for every vector, and one that finds the end.

    `operators * (ceil(N / vector_rows) + 1)`; tuple at a time is `vector_rows` = 1. Holds where no filter lets an
    operator ask twice for one answer. Source: Boncz, Zukowski and Nes, "MonetDB/X100", CIDR 2005.
    """
    require_positive(operators=operators, vector_rows=vector_rows)
    return operators * (math.ceil(rows / vector_rows) + 1)
