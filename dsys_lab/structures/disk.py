"""What is left of a file after the power went?

Less than a program believes. `write` hands bytes to the operating system, which keeps them in memory for some seconds;
only `fsync` waits until the device has them. When the power goes in between, *any* part of the bytes may have reached
the device, in any order: it writes whole sectors, and which of them came first is its own affair. The same holds for
names: a file that was just made has no name on the device before its folder is synced.

`Disk` is the seam at which a program meets this. Two stand behind it:

- `RealDisk` is a folder.
- `VolatileDisk` is memory that forgets as a device forgets: `crash(chance)` keeps everything that was synced, plus an
  arbitrary subset of the unsynced sectors of 4,096 bytes, plus the first few of the unsynced changes of names. It
  counts its steps, and cuts the power before the step that it is told. So a workload of E steps is run E + 1 times,
  with the power cut before each step and after the last, and what it promised is checked each time: *exhaustive crash
  testing*.

>>> disk = VolatileDisk()
>>> disk.append("notes", b"kept"); disk.sync("notes"); disk.sync_names()
>>> disk.append("notes", b" and not yet kept")
>>> disk.crash(chance=lambda: 0.9)
>>> disk.read("notes")
b'kept'

Left out: a device that lies about `fsync`; sectors that tear within themselves; bit rot, but for the one bit of `flip`.

Sources: Pillai et al., "All file systems are not created equal: on the complexity of crafting crash-consistent
applications", OSDI 2014; Rebello et al., "Can applications recover from fsync failures?", USENIX ATC 2020; Zheng et
al., "Torturing databases for fun and profit", OSDI 2014.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final, Protocol

from dsys_lab.errors import BadParameter, MayHaveHappened, Misuse

SECTOR_BYTES: Final = 4_096
"""What a device writes whole or not at all."""


class PowerCut(BaseException):
    """The power is gone. Not an `Exception` on purpose: no program survives it by catching it."""


class Disk(Protocol):
    """Files of bytes. Nothing is durable before it is synced, names no more than bytes.

    To ask for a file that is not there, other than by `append` or `write`, is `Misuse`. A failure of the device is an
    `OSError`: what was being written is there wholly, partly or not at all.
    """

    def names(self) -> list[str]:
        """Return the names of all files, in order."""

    def size_bytes(self, name: str) -> int:
        """Return how long a file is."""

    def read(self, name: str, offset: int = 0, size_bytes: int | None = None) -> bytes:
        """Return the bytes of a file, or `size_bytes` of them from `offset` on: fewer where the file ends."""

    def append(self, name: str, data: bytes) -> None:
        """Add bytes at the end of a file; make it if there is none."""

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Put bytes at `offset`, over what is there; beyond the end of the file the gap is filled with zeros."""

    def cut(self, name: str, size_bytes: int) -> None:
        """Shorten a file to its first `size_bytes`; a shorter file stays as it is."""

    def remove(self, name: str) -> None:
        """Take a file away."""

    def sync(self, name: str) -> None:
        """Wait until the bytes of a file are durable."""

    def sync_names(self) -> None:
        """Wait until it is durable which files there are."""


class OrGiveUp:
    """Around what is written: whatever cuts it short, `give_up` is called; of a failing disk, `MayHaveHappened` tells.

    Parameters
    ----------
    give_up : callable
        After it nothing more may be written.
    what, advice : str
        What is being done, and what the caller may think and do if the disk fails at it.
    """

    __slots__ = ("_advice", "_give_up", "_what")

    def __init__(self, give_up: Callable[[], None], what: str, advice: str) -> None:
        self._give_up, self._what, self._advice = give_up, what, advice

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            self._give_up()
        if isinstance(error, OSError):
            raise MayHaveHappened(f"the disk failed at {self._what} ({error}): {self._advice}") from error


def sync_names(folder: Path) -> None:
    """Wait until it is durable which files a folder has; where none can be synced (Windows), do nothing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class RealDisk:
    """A folder.

    Files are open without a buffer of ours: bytes that could not be written (the device is full) are forgotten with the
    error, and not written later over what somebody else put there since.

    Parameters
    ----------
    folder : path
        Made if it is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, FileIO] = {}

    def names(self) -> list[str]:
        """Return the names of all files, in order."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())

    def size_bytes(self, name: str) -> int:
        """Return how long a file is."""
        return os.fstat(self._file(name).fileno()).st_size

    def read(self, name: str, offset: int = 0, size_bytes: int | None = None) -> bytes:
        """Return the bytes of a file, or `size_bytes` of them from `offset` on: fewer where the file ends."""
        file = self._file(name)
        file.seek(offset)
        return file.readall() if size_bytes is None else file.read(size_bytes)

    def append(self, name: str, data: bytes) -> None:
        """Add bytes at the end of a file; make it if there is none."""
        file = self._file(name, make=True)
        file.seek(0, os.SEEK_END)
        _write_all(file, data)

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Put bytes at `offset`, over what is there; beyond the end of the file the gap is filled with zeros."""
        file = self._file(name, make=True)
        file.seek(offset)
        _write_all(file, data)

    def cut(self, name: str, size_bytes: int) -> None:
        """Shorten a file to its first `size_bytes`; a shorter file stays as it is."""
        if size_bytes < self.size_bytes(name):
            self._file(name).truncate(size_bytes)

    def remove(self, name: str) -> None:
        """Take a file away."""
        self._file(name).close()
        del self._open[name]
        (self.folder / name).unlink()

    def sync(self, name: str) -> None:
        """Wait until the bytes of a file are durable."""
        os.fsync(self._file(name).fileno())

    def sync_names(self) -> None:
        """Wait until it is durable which files there are; where a folder cannot be synced (Windows), do nothing."""
        sync_names(self.folder)

    def close(self) -> None:
        """Let go of the files; nothing is synced."""
        while self._open:
            self._open.popitem()[1].close()

    def _file(self, name: str, *, make: bool = False) -> FileIO:
        if name not in self._open:
            path = self.folder / name
            if make:
                path.touch()
            elif not path.is_file():
                raise _no_file(name, self.names())
            self._open[name] = path.open("r+b", buffering=0)
        return self._open[name]


def _write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data`: without a buffer one call may write only some of it."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _no_file(name: str, there: list[str]) -> Misuse:
    return Misuse(f"no file {name!r} on this disk: give one of {', '.join(there) or 'none'}")


@dataclass(slots=True, eq=False)
class _File:
    """Bytes as programs see them, and as they are on the device."""

    seen: bytearray = field(default_factory=bytearray)
    kept: bytes = b""


class VolatileDisk:
    """Memory that forgets as a device forgets.

    Parameters
    ----------
    power_cut_before : int, optional
        The step, from 0, before which the power goes: `PowerCut` is raised there and at every step after it, until
        `crash` has been called.

    Attributes
    ----------
    steps : int
        Calls so far that write, sync, cut or remove.
    """

    def __init__(self, *, power_cut_before: int | None = None) -> None:
        if power_cut_before is not None and power_cut_before < 0:
            raise BadParameter(f"power_cut_before = {power_cut_before}: give the number of a step, 0 or more")
        self.power_cut_before = power_cut_before
        self.steps = 0
        self._files: dict[str, _File] = {}
        self._kept_names: dict[str, _File] = {}
        self._renamed: list[tuple[str, _File | None]] = []

    def names(self) -> list[str]:
        """Return the names of all files, in order."""
        return sorted(self._files)

    def size_bytes(self, name: str) -> int:
        """Return how long a file is, as programs see it."""
        return len(self._existing(name).seen)

    def read(self, name: str, offset: int = 0, size_bytes: int | None = None) -> bytes:
        """Return the bytes of a file, or some of them, as programs see them."""
        end = None if size_bytes is None else offset + size_bytes
        return bytes(self._existing(name).seen[offset:end])

    def append(self, name: str, data: bytes) -> None:
        """Add bytes at the end of a file; make it if there is none."""
        self._step()
        self._made(name).seen.extend(data)

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Put bytes at `offset`, over what is there; beyond the end of the file the gap is filled with zeros."""
        self._step()
        seen = self._made(name).seen
        seen.extend(bytes(max(0, offset - len(seen))))
        seen[offset : offset + len(data)] = data

    def cut(self, name: str, size_bytes: int) -> None:
        """Shorten a file to its first `size_bytes`; a shorter file stays as it is."""
        self._step()
        del self._existing(name).seen[size_bytes:]

    def remove(self, name: str) -> None:
        """Take a file away."""
        self._step()
        self._existing(name)
        del self._files[name]
        self._renamed.append((name, None))

    def sync(self, name: str) -> None:
        """Keep the bytes of a file."""
        self._step()
        file = self._existing(name)
        file.kept = bytes(file.seen)

    def sync_names(self) -> None:
        """Keep which files there are."""
        self._step()
        self._kept_names = dict(self._files)
        self._renamed.clear()

    # ------------------------------------------------------------ trouble
    def crash(self, chance: Callable[[], float]) -> None:
        """Forget what a loss of power may forget; the disk can be used again afterwards.

        Parameters
        ----------
        chance : callable
            Gives a number in [0, 1) at each call. What was not synced is kept where it gives less than a half.
        """
        for name, file in self._renamed[: int(chance() * (len(self._renamed) + 1))]:
            if file is None:
                self._kept_names.pop(name, None)
            else:
                self._kept_names[name] = file
        for _, file in sorted(self._kept_names.items()):
            file.kept = _some_sectors(file, chance)
            file.seen = bytearray(file.kept)
        self._files = dict(self._kept_names)
        self._renamed.clear()
        self.power_cut_before = None

    def flip(self, name: str, offset: int, *, bit: int = 0) -> None:
        """Change one stored bit, as a bad sector or a cosmic ray does."""
        file = self._existing(name)
        file.seen[offset] ^= 1 << bit
        if offset < len(file.kept):
            file.kept = file.kept[:offset] + bytes([file.kept[offset] ^ 1 << bit]) + file.kept[offset + 1 :]

    def _made(self, name: str) -> _File:
        if name not in self._files:
            self._files[name] = _File()
            self._renamed.append((name, self._files[name]))
        return self._files[name]

    def _existing(self, name: str) -> _File:
        if name not in self._files:
            raise _no_file(name, self.names())
        return self._files[name]

    def _step(self) -> None:
        if self.power_cut_before is not None and self.steps >= self.power_cut_before:
            raise PowerCut(f"the power went before step {self.steps}")
        self.steps += 1


def _some_sectors(file: _File, chance: Callable[[], float]) -> bytes:
    """Return the synced bytes of a file with some of the sectors that were changed since; holes are zeros."""
    survived = bytearray()
    for start in range(0, max(len(file.seen), len(file.kept)), SECTOR_BYTES):
        new, old = bytes(file.seen[start : start + SECTOR_BYTES]), file.kept[start : start + SECTOR_BYTES]
        sector = new if new == old or chance() < 0.5 else old
        if sector:
            survived += bytes(start - len(survived)) + sector
    return bytes(survived)
