"""Which runs are the store?

Those in the manifest, and no others. A flush or a compaction first writes its new run beside the old ones, where no
manifest knows it; then it writes a new manifest, makes it durable, and only then takes away what is not needed any
more: the older manifest, the log that was flushed, the runs that were merged. A crash before that moment leaves the
store as it was, with an orphan beside it; a crash after it the new one, with old files. Opening removes either.

A manifest is text, one line a run, the newest first, and the checksum of all other lines in the last::

    {"manifest": 3, "lsn": 4711, "next_run": 9}
    {"number": 8, "level": 0, "entries": 240, "blocks": 7, ..., "first_key": "6b3030", "last_key": "6b3939"}
    crc32 0a1b2c3d

Records of the log below `lsn` are in runs; opening replays the others.

Promise: a manifest counts if it is whole. One that is not whole counts for nothing if what it replaced is still there;
otherwise it is `Damaged`, and named.

Left out: a log of changes instead of whole manifests (LevelDB, RocksDB); 200 bytes a run are written at every flush.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import Final

from dsys_lab.structures.disk import Disk

NAME: Final = re.compile(r"^manifest-(\d{6,})$")
_LAST: Final = re.compile(rb"^crc32 ([0-9a-f]{8})\n$")


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known of a run without reading it.

    Attributes
    ----------
    number : int
        Counts up with every run that is written; names it and its file.
    level : int
    entries : int
        Tombstones too.
    blocks : int
    entry_bytes, data_bytes, size_bytes : int
        Of the entries; of their blocks; of the whole file, with its index and its filter.
    first_key, last_key : bytes
    """

    number: int
    level: int
    entries: int
    blocks: int
    entry_bytes: int
    data_bytes: int
    size_bytes: int
    first_key: bytes
    last_key: bytes

    @property
    def name(self) -> str:
        """The name that people use."""
        return f"run-{self.number}"

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"run-{self.number:06d}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the store is.

    Attributes
    ----------
    number : int
        Counts up with every swap.
    lsn : int
        The first log record that is in no run.
    next_run : int
    runs : tuple of RunInfo
        The newest first.
    """

    number: int = 0
    lsn: int = 0
    next_run: int = 1
    runs: tuple[RunInfo, ...] = ()

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"manifest-{self.number:06d}"

    def encode(self) -> bytes:
        """Return the manifest as text."""
        head = {"manifest": self.number, "lsn": self.lsn, "next_run": self.next_run}
        lines = [head, *(_as_json(run) for run in self.runs)]
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return content + f"crc32 {zlib.crc32(content):08x}\n".encode()


def decode(content: bytes) -> Manifest | None:
    """Return the manifest that was written so, or None if it is not whole."""
    lines = content.splitlines(keepends=True)
    last = _LAST.match(lines[-1]) if lines else None
    if last is None or zlib.crc32(b"".join(lines[:-1])) != int(last[1], 16):
        return None
    head, *runs = map(json.loads, lines[:-1])
    for run in runs:
        run.update({name: bytes.fromhex(run[name]) for name in ("first_key", "last_key")})
    return Manifest(head["manifest"], head["lsn"], head["next_run"], tuple(RunInfo(**run) for run in runs))


def _as_json(run: RunInfo) -> dict[str, int | str]:
    """Return the fields as JSON can say them."""
    values = {name: getattr(run, name) for name in RunInfo.__slots__}
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}


# ------------------------------------------------------------ on disk
def stored(disk: Disk) -> list[str]:
    """Return the names of the manifests on a disk, the newest first."""
    return sorted(filter(NAME.match, disk.names()), key=lambda name: int(name[9:]), reverse=True)


def newest(disk: Disk) -> Manifest | None:
    """Return the newest manifest that is whole, or None if there is none."""
    return next(filter(None, (decode(disk.read(name)) for name in stored(disk))), None)


def swap(disk: Disk, new: Manifest) -> None:
    """Make `new` the manifest that counts: from one moment on, which is a sync of names."""
    disk.append(new.name, new.encode())
    disk.sync(new.name)
    disk.sync_names()
    for name in stored(disk):
        if name != new.name:
            disk.remove(name)
    disk.sync_names()
