"""Who takes the old versions away, and why does that sometimes not help?

A version is dead once nobody will ever see it again: its maker never committed, or its remover did, and before every
snapshot that is still open. A sweep goes over the table and takes the dead ones out of the indexes and out of the heap;
their room is used again, and the file does not shrink. One snapshot that stays open holds back all that died since: the
table grows with every update, and every reader walks over what nobody will read. That is *bloat*.

Left out: PostgreSQL sweeps by itself when a fifth of a table is dead (autovacuum), keeps a map of pages without dead
versions, gives empty pages at the end back, and uses a slot again as well as its bytes wherever it can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dsys_lab.stores.relational.table import Table
from dsys_lab.stores.relational.transactions import Transactions
from dsys_lab.stores.relational.versions import Version
from dsys_lab.stores.relational.visibility import COMMITTED, NOBODY, Stamp, is_dead
from dsys_lab.structures.journaled_pages import JournaledPages

_PAGES_A_COMMIT_MAX = 8


@dataclass(frozen=True, slots=True)
class TableStatus:
    """What lies in a table.

    Attributes
    ----------
    live : int
        Versions that a new transaction would see.
    dead : int
        Versions that no new transaction will ever see.
    held : int
        Those of the dead that an open snapshot may still see, so that a sweep must leave them.
    pages, index_pages : int
    """

    live: int
    dead: int
    held: int
    pages: int
    index_pages: int

    @property
    def bloat_fraction(self) -> float:
        """Share of the versions that are dead."""
        return self.dead / max(1, self.live + self.dead)


def status_of(table: Table, transactions: Transactions) -> TableStatus:
    """Return what lies in a table, by looking at every version."""
    horizon, fate = transactions.horizon(), transactions.fate

    def is_over(stamp: Stamp) -> bool:
        return is_dead(stamp, transactions.next_xid, fate)

    def is_live(stamp: Stamp) -> bool:
        removed = stamp.remover != NOBODY and fate(stamp.remover) == COMMITTED
        return fate(stamp.xmin) == COMMITTED and not removed

    stamps = [version.stamp for version in table.at_rest()]
    over = [stamp for stamp in stamps if is_over(stamp)]
    held = sum(not is_dead(stamp, horizon, fate) for stamp in over)
    index_pages = sum(len(tree.pages) for tree in table.indexes.values())
    return TableStatus(sum(map(is_live, stamps)), len(over), held, len(table.file), index_pages)


def sweep(
    journal: JournaledPages, table: Table, transactions: Transactions, tell: Callable[[Version], None]
) -> tuple[int, int]:
    """Take the dead versions away; return how many there were, and how many had to stay."""
    horizon, swept = transactions.horizon(), 0
    for number in range(len(table.file)):
        with journal.all_or_nothing():
            for version in table.heap.read_page(number):
                if is_dead(version.stamp, horizon, transactions.fate):
                    table.remove(version)
                    tell(version)
                    swept += 1
                if journal.changing >= _PAGES_A_COMMIT_MAX:
                    journal.commit()
    return swept, status_of(table, transactions).dead
