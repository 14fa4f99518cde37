"""Shapes that systems share.

`disk` is the seam to what survives a loss of power; `append_log` stands on it, a file to which records are only ever
added. What uses them (a durable queue, a log stream, a store's journal) stands higher up.

For stores, in reading order: `schema` (what may stand in a table), `page` (rows in blocks), `buffer_pool` (which blocks
are in memory), `journal_records` and `journaled_pages` (several blocks change together, or none), `b_tree` (finding
one among many), `encoding` (columns in few bytes).
"""

from dsys_lab.structures.append_log import EVERY_RECORD, NEVER, AppendLog, Cut, Fsync, LogStatus
from dsys_lab.structures.disk import SECTOR_BYTES, Disk, PowerCut, RealDisk, VolatileDisk

__all__ = [
    "EVERY_RECORD",
    "NEVER",
    "SECTOR_BYTES",
    "AppendLog",
    "Cut",
    "Disk",
    "Fsync",
    "LogStatus",
    "PowerCut",
    "RealDisk",
    "VolatileDisk",
]
