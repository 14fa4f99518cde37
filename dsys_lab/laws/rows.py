"""Tables by row: how many pages does a table take, how high is its tree, and how many pages does a set of rows hit?"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.laws.columns import PAGE_ROOM_BYTES


def rows_on_page(record_bytes: float) -> int:
    """Records that fit a slotted page of 8,192 bytes, each with a slot of 4: `floor(8168 / (w + 4))`; 120 nights."""
    require_positive(record_bytes=record_bytes)
    return int(PAGE_ROOM_BYTES // (record_bytes + 4))


def row_pages(rows: int, record_bytes: float) -> int:
    """Pages of a heap, and so of every scan, whatever it asks for: `ceil(N / rows_on_page)`.

    Rows of one length, added in turn, none taken away. A record longer than a page has no place in one.
    """
    a_page = rows_on_page(record_bytes)
    if rows < 0 or not a_page:
        raise BadParameter(f"rows = {rows!r} of {record_bytes!r} bytes: give 0 rows or more, of at most 8,164 bytes")
    return math.ceil(rows / a_page)


def tree_height(entries: int, *, fan_out: float = 583, fill: float = 1.0) -> int:
    """Levels of a B+tree, leaves and root counted: `ceil(log(N) / log(fill * fan_out))`, and 1 at least.

    `fan_out` is the entries that fit a page (583 of 14 bytes in 8,192); `fill` is 1 for keys that came in order and
    about ln 2 for keys that came at random. A point read is one page a level, and one of the heap.
    Source: Comer, "The ubiquitous B-tree", Computing Surveys 1979.
    """
    require_positive(entries=entries)
    a_page = fan_out * fill
    if a_page < 2:
        raise BadParameter(f"{a_page:g} entries a page: a tree needs 2 or more to become smaller towards its root")
    height, reach = 1, a_page
    while reach < entries:
        height, reach = height + 1, reach * a_page
    return height


def pages_hit(pages: int, rows_wanted: float) -> float:
    """Pages of a heap that hold at least one of the rows wanted: `P (1 - (1 - 1/P)**k)`.

    Each row is on any page with equal chance, independently (Cardenas); rows that lie together, as one weekend's do,
    are on fewer. Each page is read once, in the order of the heap. A row more than once counts once more, so the law
    is a little low where k nears the rows there are (Yao's formula draws without putting back).
    Source: Cardenas, "Analysis and performance of inverted data base structures", CACM 1975; Yao, CACM 1977.
    """
    require_positive(pages=pages)
    if rows_wanted < 0:
        raise BadParameter(f"rows_wanted = {rows_wanted!r}: give 0 rows or more")
    return pages * -math.expm1(rows_wanted * math.log1p(-1 / pages)) if pages > 1 else min(1.0, rows_wanted)


def pages_hit_standard_error(pages: int, rows_wanted: float) -> float:
    """Standard deviation of the pages hit in one draw: balls into urns.

    `P (P-1) (1 - 2/P)**k + P (1 - 1/P)**k - P**2 (1 - 1/P)**(2k)` is the variance.
    Source: Johnson and Kotz, *Urn Models and Their Application*, 1977, sec. 3.2.
    """
    require_positive(pages=pages)
    missed = (1 - 1 / pages) ** rows_wanted
    variance = pages * (pages - 1) * (1 - 2 / pages) ** rows_wanted + pages * missed - (pages * missed) ** 2
    return math.sqrt(max(0.0, variance))
