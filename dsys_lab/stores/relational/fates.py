"""What has become of each transaction? Two bits say it, and the commit is the moment in which they change.

`fates` is a file of pages in which transaction 1 has the first two bits, 2 the next two, and so on: 32,672 to a page.
`COMMITTED` is written and synced before anybody is told. What is neither is not committed: a transaction that a crash
cut short needs no entry. (PostgreSQL: `pg_xact`, once called the commit log.)
"""

from __future__ import annotations

from typing import Final

from dsys_lab.stores.relational.visibility import ABORTED, RUNNING
from dsys_lab.structures.page import HEADER, PAGE_BYTES, Pages

FATES_KIND: Final = 4
"""What its pages are for (see `structures.page`)."""
A_PAGE: Final = (PAGE_BYTES - HEADER.size) * 4


class Fates:
    """Two bits a transaction, on pages; what was read or written once is remembered."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._known: dict[int, int] = {}

    def of(self, xid: int) -> int:
        """Return what has become of a transaction that does not run any more."""
        if xid not in self._known:
            number, place, shift = _where(xid)
            bits = self.pages.read(number, 1).data[place] >> shift & 3 if number < len(self.pages) else RUNNING
            self._known[xid] = bits if bits != RUNNING else ABORTED
        return self._known[xid]

    def write(self, xid: int, fate: int) -> None:
        """Write down what has become of a transaction."""
        number, place, shift = _where(xid)
        while len(self.pages) <= number:
            self.pages.new(FATES_KIND)
        page = self.pages.change(number)
        page.put(place, bytes([page.data[place] & ~(3 << shift) | fate << shift]))
        page.low = PAGE_BYTES  # an image keeps all of the page
        self._known[xid] = fate


def _where(xid: int) -> tuple[int, int, int]:
    """Return the page, the byte and the bit of a transaction."""
    number, place = divmod(xid - 1, A_PAGE)
    return number, HEADER.size + place // 4, place % 4 * 2
