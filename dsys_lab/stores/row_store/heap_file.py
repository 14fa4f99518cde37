"""Where does a row go that has no order to keep?

To the last page, and when that is full to a new one: a *heap*. A row is found by its page and slot (its "rid"), which
an index keeps. A row that grows stays on its page if there is room, and moves if there is none.

Left out: a map of free space. Room that deleted rows leave is used again by rows of the same page that grow, and by new
rows on the last page; a full rewrite (VACUUM) would give back the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from dsys_lab.structures.b_tree import Rid
from dsys_lab.structures.page import HEAP, Pages, Used

Record = tuple[bytes, bool]
"""The bytes of a row, and whether they begin with a bitmap of NULLs."""


class HeapFile:
    """Rows in slotted pages, in the order in which they came."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    # ------------------------------------------------------------ write path
    def insert(self, record: Record) -> Rid:
        """Add a row and return where it is."""
        data, has_nulls = record
        number = len(self.pages) - 1
        if number >= 0 and self.pages.read(number, 0).has_room(len(data)):
            page = self.pages.change(number)
        else:
            number, page = self.pages.new(HEAP)
        return Rid(number, page.insert(data, mark=has_nulls))

    def replace(self, rid: Rid, record: Record) -> Rid:
        """Put another row in the place of one; return where it is now."""
        data, has_nulls = record
        page = self.pages.change(rid.page)
        if page.replace(rid.slot, data, mark=has_nulls):
            return rid
        page.remove(rid.slot)
        return self.insert(record)

    def remove(self, rid: Rid) -> None:
        """Take a row away."""
        self.pages.change(rid.page).remove(rid.slot)

    # ------------------------------------------------------------ read path
    def read(self, rid: Rid) -> Record | None:
        """Return a row, or None if it is not there any more: one page."""
        page = self.pages.read(rid.page, lambda page: len((page.record(rid.slot) or (b"",))[0]))
        return page.record(rid.slot)

    def read_page(self, number: int, used: Used) -> Iterator[tuple[Rid, Record]]:
        """Give the rows of a page."""
        page = self.pages.read(number, used)
        return ((Rid(number, slot), (data, has_nulls)) for slot, data, has_nulls in page.records())
