"""What a film in fragments should keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsys_lab.trace.ledger import ACCOUNT_OF, FINAL

if TYPE_CHECKING:
    from dsys_lab.trace.recorder import Row


def every_moment_kept(rows: Iterable[Row]) -> list[Row]:
    """What was filmed waits, is on its way, or was kept: nothing of it was gone before."""
    filmed: dict[str, Row | None] = {}
    kept: set[str] = set()
    for row in rows:
        if row.kind == "filming" and row.message is not None:
            filmed[row.message] = None
        elif row.message in filmed and row.message not in kept:
            if row.kind == "append":
                kept.add(row.message)
            elif row.kind in ACCOUNT_OF:
                filmed[row.message] = row if ACCOUNT_OF[row.kind] in FINAL else None
    gone = [row for message, row in filmed.items() if row is not None and message not in kept]
    return sorted(gone, key=lambda row: row.seq)
