"""What has become of each transaction? One bit says it, and the commit is the moment in which it changes.

`fates` is a file of pages in which transaction 1 has the first bit, 2 the next, and so on: 65,344 to a page. The bit
says *committed*; it is written and synced before anybody is told. Who has no bit and does not run has come to nothing,
so a transaction that fails, or that a crash cuts short, needs no entry. (PostgreSQL: `pg_xact`, two bits each.)
"""

from __future__ import annotations

from typing import Final

from dsys_lab.stores.relational.visibility import ABORTED, COMMITTED
from dsys_lab.structures.page import HEADER, PAGE_BYTES, Pages

FATES_KIND: Final = 4
"""What its pages are for (see `structures.page`)."""
A_PAGE: Final = (PAGE_BYTES - HEADER.size) * 8


class Fates:
    """One bit a transaction, on pages; what was read once is remembered."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._known: dict[int, int] = {}

    def of(self, xid: int) -> int:
        """Return what has become of a transaction that does not run any more."""
        if xid not in self._known:
            number, place, bit = _where(xid)
            is_there = number < len(self.pages) and self.pages.read(number, 1).data[place] & bit
            self._known[xid] = COMMITTED if is_there else ABORTED
        return self._known[xid]

    def write_committed(self, xid: int) -> None:
        """Write down that a transaction has committed."""
        number, place, bit = _where(xid)
        while len(self.pages) <= number:
            self.pages.new(FATES_KIND)
        page = self.pages.change(number)
        page.put(place, bytes([page.data[place] | bit]))
        page.low = PAGE_BYTES  # an image keeps all of the page

    def learn_committed(self, xid: int) -> None:
        """Remember it, once it is written for good."""
        self._known[xid] = COMMITTED


def _where(xid: int) -> tuple[int, int, int]:
    """Return the page, the byte and the bit of a transaction."""
    number, place = divmod(xid - 1, A_PAGE)
    return number, HEADER.size + place // 8, 1 << place % 8
