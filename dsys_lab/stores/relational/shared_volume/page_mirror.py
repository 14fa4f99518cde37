"""The simplest other way: a database that mirrors its disk sends pages, and each of them twice.

For every change the log record goes to each mirror, and so does the page, whole, however little of it has changed. As
a page may be torn when the power goes while it is written, it is written to a second place first (InnoDB's
double-write buffer; PostgreSQL puts the image into its log instead, once a checkpoint). So a transaction that changes
a few bytes on one page costs `mirrors * (2 * page + log)` bytes on the wire; where the log is the database it costs
`copies * log`.

A mirror must have all of it: the slowest decides, and there is no quorum.

Sources: Verbitski et al., SIGMOD 2017, sec. 3.1 and fig. 2; MySQL 8.4 Reference Manual, "Doublewrite buffer".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import require_positive
from dsys_lab.stores.relational.shared_volume.record import Change, LogRecord
from dsys_lab.structures.page import HEAP, Page

MIRRORS: Final = 4
"""Two disks in each of two zones: a disk and its mirror here, and the same for the standby."""


@dataclass(frozen=True, slots=True)
class Brick:
    """One thing that is sent: a log record, a page for the double-write buffer, or a page in its place."""

    what: str
    name: str
    data: bytes


class PageMirror:
    """A writer that sends log records and pages to mirrors.

    Parameters
    ----------
    mirrors : int
        How many disks get everything.
    """

    def __init__(self, mirrors: int = MIRRORS) -> None:
        require_positive(mirrors=mirrors)
        self.mirrors = mirrors
        self._pages: dict[int, tuple[Page, dict[str, int]]] = {}
        self._next_lsn = 1

    def commit(self, txn: int, changes: Sequence[Change]) -> list[Brick]:
        """Return what one mirror is sent for a transaction: its log records, and each changed page twice."""
        bricks, touched = [], dict.fromkeys(change.page for change in changes)
        for number, change in enumerate(changes, 1):
            lsn = self._next_lsn
            record = LogRecord(lsn, 0, lsn - 1, txn, 1, number == len(changes), change)
            self._next_lsn += 1
            self._change(change)
            bricks.append(Brick("log record", record.name, record.encoded()))
        for page in touched:
            image = self._pages[page][0].sealed(page)
            bricks += [Brick("double write", f"d{page}.{txn}", image), Brick("page", f"p{page}.{txn}", image)]
        return bricks

    def _change(self, change: Change) -> None:
        page, slots = self._pages.setdefault(change.page, (Page(HEAP), {}))
        row = f"{change.key}={change.value}".encode()
        slot = slots.get(change.key)
        if change.value is None:
            if slot is not None:
                page.remove(slots.pop(change.key))
        elif slot is None or not page.replace(slot, row):
            slots[change.key] = page.insert(row)
