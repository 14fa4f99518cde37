"""The log: what it grows by, what must be replayed, and what it costs to send it elsewhere."""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.laws.rows import pages_hit


def images_after_checkpoint(updates: int, *, heap_pages: int, index_pages: int, versions_a_page: int) -> float:
    """Pages that go into the log whole when so many rows, drawn at random, are updated after a checkpoint.

    Each update stamps an old version, anywhere in the heap; adds a new one at the end, where pages fill one after the
    other; adds an entry to a leaf of the index, which is anywhere; and its commit writes one bit on a page that all
    share: `hit(H, u) + ceil(u / v) + hit(L, u) + 1`. The first change of each page is the one that counts, so the curve
    bends and the log grows fastest just after a checkpoint. One index; no page splits.
    """
    require_positive(heap_pages=heap_pages, index_pages=index_pages, versions_a_page=versions_a_page)
    require_not_negative(updates=updates)
    if not updates:
        return 0.0
    new_pages = math.ceil(updates / versions_a_page)
    return pages_hit(heap_pages, updates) + new_pages + pages_hit(index_pages, updates) + 1


def page_ship_bytes(pages: float, wal_bytes: float, *, mirrors: int = 2, page_bytes: int = 8_192) -> float:
    """Bytes that leave the machine for a transaction when pages are mirrored: `mirrors * (2 * pages * size + wal)`.

    Each changed page is written twice, once where it belongs and once beside, against tearing (the double write of
    MySQL, or the image in PostgreSQL's log); and all of it on every mirror.
    Source: Verbitski et al., "Amazon Aurora", SIGMOD 2017, sec. 3.1.
    """
    require_not_negative(pages=pages, wal_bytes=wal_bytes)
    require_positive(mirrors=mirrors, page_bytes=page_bytes)
    return mirrors * (2 * pages * page_bytes + wal_bytes)


def log_ship_bytes(wal_bytes: float, *, copies: int = 6) -> float:
    """Bytes that leave the machine for a transaction when only the log does: `copies * wal`, without any image.

    Source: as `page_ship_bytes`.
    """
    require_not_negative(wal_bytes=wal_bytes)
    require_positive(copies=copies)
    return copies * wal_bytes


def records_to_replay(updates: int, *, rows_a_txn: int = 1) -> int:
    """Records that must be done again after so many transactions since a checkpoint: one a row, and one a commit.

    None is saved by the pages having been written meanwhile: redo begins at the checkpoint.
    """
    require_not_negative(updates=updates)
    require_positive(rows_a_txn=rows_a_txn)
    return updates * (rows_a_txn + 1)


def replay_s(log_bytes: float, *, bytes_a_s: float) -> float:
    """Seconds until a database answers again after a crash: the log since the checkpoint, at the replay's pace."""
    require_not_negative(log_bytes=log_bytes)
    if not bytes_a_s > 0:
        raise BadParameter(f"bytes_a_s = {bytes_a_s!r}: give the pace of the replay, above 0")
    return log_bytes / bytes_a_s
