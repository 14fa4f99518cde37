"""Shapes that systems share.

`disk` is the seam to what survives a loss of power; `append_log` stands on it, a file to which records are only ever
added. What uses them (a durable queue, a log stream, a store's journal) stands higher up.
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
