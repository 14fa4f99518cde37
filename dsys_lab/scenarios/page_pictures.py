"""A store at work, as a picture of its pages.

A store tells where it reads by place and file. For a picture that stands beside another store's, all its pages belong
to one place, the table; rows come at the pace of a device; and in the end each page that nobody touched is said to be
left alone, so that the whole table is in the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dsys_lab import laws
from dsys_lab.scenarios.night_tables import TABLE
from dsys_lab.simulation.devices import Priced, device
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore
from dsys_lab.trace import Recorder, Scalar

UNTOLD: Final = {"begin", "end", "recover", "flush", "block_skip"}


class PagePicture:
    """A recorder that shows a store as one place, at the pace of a device, with the pages that nobody asked for.

    Parameters
    ----------
    recorder : Recorder
    on : str
        The device.
    stamps : bool
        Whether rows get the device's time; else their own.
    """

    def __init__(self, recorder: Recorder, on: str = "nvme", *, stamps: bool = True) -> None:
        self.priced = Priced(recorder, device(on), stamps=stamps)
        self._seen: set[tuple[Scalar, Scalar]] = set()

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, unless it is of no account here."""
        if kind in {"page_read", "page_write"}:
            self._seen.add((fields["file"], fields["page"]))
            self.priced.emit(time_us, kind, TABLE, **fields)
        elif kind not in UNTOLD:
            self.priced.emit(time_us, kind, place.removeprefix(f"{TABLE}/"), message, **fields)

    def leave_unread(self, files: Iterable[tuple[str, int]], why: str) -> None:
        """Say of each page that was not touched that it was left alone."""
        for file, pages in files:
            for page in range(pages):
                if (file, page) not in self._seen:
                    self.priced.emit(0, "block_skip", TABLE, file=file, block=page, why=why)


def files_of(table: RowStore | ColumnStore) -> list[tuple[str, int]]:
    """Return the files of a table and how many pages each has; of the indexes that of the key."""
    if isinstance(table, RowStore):
        status = table.status()
        return [(f"{TABLE}.heap", status.heap_pages), (f"{TABLE}.by_{table.key}", status.index_pages[table.key])]
    pages = {file: -(-size // laws.PAGE_ROOM_BYTES) for file, size in table.status().size_bytes.items()}
    return sorted(pages.items())
