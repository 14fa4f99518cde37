"""How do several logs live on one disk?

Each on a part of its own: the files of a part have its prefix in their names on the disk, and none within the part. To
make a name durable is to make all names of the disk durable, for it is one folder.

>>> from dsys_lab.structures.disk import VolatileDisk
>>> disk = VolatileDisk()
>>> PartOfDisk(disk, "a.").append("log", b"x"); PartOfDisk(disk, "b.").append("log", b"yy")
>>> disk.names(), PartOfDisk(disk, "b.").names()
(['a.log', 'b.log'], ['log'])
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.structures.disk import Disk


@dataclass(frozen=True, slots=True)
class PartOfDisk:
    """The files of `disk` whose names begin with `prefix`, as a disk; no prefix may begin another."""

    disk: Disk
    prefix: str

    def names(self) -> list[str]:
        """Return the names of its files, in order."""
        return [name.removeprefix(self.prefix) for name in self.disk.names() if name.startswith(self.prefix)]

    def size_bytes(self, name: str) -> int:
        """Return how long a file is."""
        return self.disk.size_bytes(self.prefix + name)

    def read(self, name: str, offset: int = 0, size_bytes: int | None = None) -> bytes:
        """Return the bytes of a file, or some of them."""
        return self.disk.read(self.prefix + name, offset, size_bytes)

    def append(self, name: str, data: bytes) -> None:
        """Add bytes at the end of a file; make it if there is none."""
        self.disk.append(self.prefix + name, data)

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Put bytes at `offset`, over what is there."""
        self.disk.write(self.prefix + name, offset, data)

    def cut(self, name: str, size_bytes: int) -> None:
        """Shorten a file."""
        self.disk.cut(self.prefix + name, size_bytes)

    def remove(self, name: str) -> None:
        """Take a file away."""
        self.disk.remove(self.prefix + name)

    def sync(self, name: str) -> None:
        """Wait until the bytes of a file are durable."""
        self.disk.sync(self.prefix + name)

    def sync_names(self) -> None:
        """Wait until it is durable which files there are, on the whole disk."""
        self.disk.sync_names()
