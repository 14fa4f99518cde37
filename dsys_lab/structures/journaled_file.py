"""One file of pages under a journal: what a tree or a heap stands on, and what the pool loads and writes back.

The rules are those of `journaled_pages`: a page is changed inside a commit, and reaches its file after the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsys_lab.structures.page import PAGE_BYTES, Page, Used
from dsys_lab.trace import NO_TRACE

if TYPE_CHECKING:
    from dsys_lab.structures.journaled_pages import JournaledPages


class JournaledFile:
    """The pages of one file, as a tree or a heap sees them (see `page.Pages`)."""

    def __init__(self, journal: JournaledPages, name: str, place: str = "") -> None:
        self.journal, self.name = journal, name
        self.place = place or f"{journal.place}/{name.rpartition('.')[2]}"
        self.page_count = 0

    def __len__(self) -> int:
        return self.page_count

    def read(self, number: int, used: Used) -> Page:
        """Return a page to look at; the trace says how many of its bytes were wanted."""
        journal = self.journal
        page, hit = journal.pool.fetch(self, number)
        if journal.recorder is not NO_TRACE:
            journal.recorder.emit(
                journal.now_us, "page_read", self.place, file=self.name, page=number,
                size_bytes=PAGE_BYTES, used_bytes=used if isinstance(used, int) else used(page),
                source="cache" if hit else "disk", op=journal.op,
            )  # fmt: skip
        return page

    def change(self, number: int) -> Page:
        """Return a page to change. That is not one more read of a page that was found by reading it just before."""
        if not self.journal.pool.holds(self, number):
            self.read(number, PAGE_BYTES)
        return self.journal.begin_change(self, number)

    def new(self, kind: int) -> tuple[int, Page]:
        """Add an empty page, to be changed; return its number and the page."""
        number = self.page_count
        self.journal.pool.add(self, number, Page(kind))
        self.page_count += 1
        return number, self.journal.begin_change(self, number)

    # ------------------------------------------------------------ for the pool
    def load(self, number: int) -> Page:
        """Return a page from the disk."""
        return Page.load(self.journal.disk.read(self.name, number * PAGE_BYTES, PAGE_BYTES), self.name, number)

    def write_back(self, number: int, page: Page) -> None:
        """Bring a page to the disk, after the log."""
        journal = self.journal
        if page.lsn > journal.log.durable_lsn:
            journal.log.sync(journal.now_us)
        with journal.or_give_up(f"page {number} of {self.name}"):
            journal.disk.write(self.name, number * PAGE_BYTES, page.sealed(number))
        journal.recorder.emit(
            journal.now_us, "page_write", self.place, file=self.name, page=number,
            size_bytes=PAGE_BYTES, op=journal.op,
        )  # fmt: skip
