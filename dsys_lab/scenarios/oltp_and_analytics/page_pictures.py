"""A store at work, as a picture of its pages.

A store tells where it reads by place and file. For a picture that stands beside another store's, all its pages belong
to one place, the table; rows come at the pace of a device; and in the end each page that nobody touched is said to be
left alone, so that the whole table is in the picture.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from dsys_lab import laws
from dsys_lab.scenarios.oltp_and_analytics.night_tables import TABLE
from dsys_lab.simulation.devices import Priced, device
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore
from dsys_lab.trace import Recorder, Scalar

UNTOLD: Final = frozenset({"begin", "end", "recover", "flush", "block_skip"})


class PagePicture:
    """A recorder that shows a store as one place, at the pace of a device, with the pages that nobody asked for.

    Parameters
    ----------
    recorder : Recorder
    on : str
        The device.
    place : str
        Where the pages are.
    without : frozenset of str
        Kinds that are not shown, for the picture is about something else.
    stamps : bool
        Whether rows get the device's time; else their own.

    Attributes
    ----------
    pages_written : int
        Pages that were written so far, one more each time.
    """

    def __init__(
        self,
        recorder: Recorder,
        on: str = "nvme",
        *,
        place: str = TABLE,
        without: frozenset[str] = frozenset(),
        stamps: bool = True,
    ) -> None:
        self.priced = Priced(recorder, device(on), stamps=stamps)
        self.place, self.pages_written, self._untold = place, 0, UNTOLD | without
        self._seen: dict[tuple[Scalar, Scalar], None] = {}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, unless it is of no account here."""
        self.pages_written += kind == "page_write"
        if kind in self._untold:
            return
        if kind in {"page_read", "page_write"}:
            self._seen[fields["file"], fields["page"]] = None
            self.priced.emit(time_us, kind, self.place, **fields)
        else:
            self.priced.emit(time_us, kind, place.removeprefix(f"{TABLE}/"), message, **fields)

    def leave_memory(self, now_us: int, in_memory: Collection[tuple[str, int]], why: str) -> None:
        """Say of each page that was seen in memory and is not there any more that it had to go."""
        for file, page in [page for page in self._seen if page not in in_memory]:
            del self._seen[file, page]
            self.priced.emit(now_us, "page_evict", self.place, file=file, page=page, why=why)

    def leave_unread(self, files: Iterable[tuple[str, int]], why: str) -> None:
        """Say of each page that was not touched that it was left alone."""
        for file, pages in files:
            for page in range(pages):
                if (file, page) not in self._seen:
                    self.priced.emit(0, "block_skip", self.place, file=file, block=page, why=why)


def files_of(table: RowStore | ColumnStore) -> list[tuple[str, int]]:
    """Return the files of a table and how many pages each has; of the indexes that of the key."""
    if isinstance(table, RowStore):
        status = table.status()
        return [(f"{TABLE}.heap", status.heap_pages), (f"{TABLE}.by_{table.key}", status.index_pages[table.key])]
    pages = {file: -(-size // laws.PAGE_ROOM_BYTES) for file, size in table.status().size_bytes.items()}
    return sorted(pages.items())
