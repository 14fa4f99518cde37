"""Delivery: the same bytes through the stream, every call on disk before its answer, and into a plain file.

The stream writes every byte twice, into its journal and into an object, and syncs more often than a call: a sealed
buffer, an attempt and a delivery are each written down before the next step, and the object is synced, too.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, Settings, carry
from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.structures import RealDisk

CALLS, RECORDS, RECORD = 20, 100, b"x" * 512
MIB = 1 << 20
MOVED_MIB = CALLS * RECORDS * len(RECORD) / MIB
"""What is moved if nothing else is said."""


def put_and_delivered(calls: int = CALLS) -> float:
    """Put calls of a hundred records, and let each crate of 256 KiB become a file; return MiB."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        disk = stack.enter_context(closing(RealDisk(Path(folder, "journal"))))
        stream = DeliveryStream("pings", disk, Settings(size_bytes=MIB // 4, limits=None))
        bucket = FolderStore(Path(folder, "bucket"))
        for call in range(calls):
            stream.put_many(call, [Entry(f"p{call}.{number}", RECORD) for number in range(RECORDS)])
            carry(stream, call, {"destination": bucket})
    return calls * RECORDS * len(RECORD) / MIB


def appended(calls: int = CALLS, *, safe: bool = False) -> float:
    """Append the same bytes to a file, if `safe` with a sync for each call; return MiB."""
    with TemporaryDirectory() as folder, Path(folder, "file").open("ab", buffering=0) as file:
        for _ in range(calls):
            file.write(RECORD * RECORDS)
            if safe:
                os.fsync(file.fileno())
    return calls * RECORDS * len(RECORD) / MIB


def deliveries() -> None:
    """Deliver, and append to a plain file with and without a sync for each call."""
    rivals = [
        Rival("the model", put_and_delivered),
        Rival("a plain file, a sync a call", lambda: appended(safe=True)),
        Rival("a plain file", lambda: appended(200)),
    ]
    compare("Calls of a hundred records of 512 bytes", "MiB", rivals)
