"""Where do the bytes of an object lie, and what if the place is lost?

A *blob* is a stretch of bytes that never changes: the whole of an object, or a part. It has a number, and is written
once. Two keep blobs:

- `BlobFiles`: each is a file of one disk. What the disk loses is lost.
- `ShardedBlobs`: each is coded into k + m shards, on as many drives, in turn over the zones. Any k bring it back.

What a sharded blob promises
----------------------------
1. It is written when at least k + 1 of its shards are durable; with fewer drives in reach the put is refused. A drive
   that fails at its shard is one that lacks it: `restore` brings it back.
2. It is read whole or in ranges while k of its shards are whole, and its bytes are checked; from fewer, `Damaged`.
3. `lost` and `restore` bring back what was lost, or does not pass its checksum, on every drive that is in reach.

Cost: a write is a file with two syncs for each shard. A range read touches the shards that it lies in; if one of them
is gone, k whole shards: that is the price of a *degraded read*, and of repair.

Left out: moving shards to other drives when one is full, or gone for long.

Sources: Bornholt et al., "Using lightweight formal methods to validate a key-value storage node in Amazon S3", SOSP
2021; Warfield, "Building and operating a pretty big storage system (my adventures in Amazon S3)", FAST 2023 keynote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from dsys_lab.errors import BadParameter, Damaged, Misuse, Refused
from dsys_lab.stores.object_store import block_file
from dsys_lab.stores.object_store.erasure_code import ErasureCode
from dsys_lab.stores.object_store.index import Piece
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


class Blobs(Protocol):
    """Stretches of bytes by number, written once."""

    def require_room(self, blob: int) -> None:
        """Refuse if a blob of this number could not be written now."""

    def write(self, blob: int, data: bytes, *, now_us: int) -> None:
        """Keep a blob, durable when this returns."""

    def read(self, piece: Piece, first: int, size_bytes: int, *, now_us: int) -> bytes:
        """Return a range of it, checked."""

    def remove(self, blob: int) -> None:
        """Let go of it, where it can be reached."""

    def stored(self) -> list[int]:
        """Return the numbers of all blobs of which there is anything."""

    def lost(self, piece: Piece, *, now_us: int) -> dict[int, bytes]:
        """Read all that is kept of a blob and check it; return what is not whole and can be brought back."""

    def restore(self, piece: Piece, lost: Mapping[int, bytes], *, now_us: int) -> None:
        """Write what was lost."""


class BlobFiles:
    """Each blob is a file of one disk, which may hold the journal, too."""

    def __init__(self, disk: Disk, *, place: str = "bucket", recorder: Recorder = NO_TRACE) -> None:
        self.disk, self.place, self.recorder = disk, place, recorder

    def require_room(self, blob: int) -> None:
        """Refuse nothing: whether a disk is full is seen when it is written."""

    def write(self, blob: int, data: bytes, *, now_us: int) -> None:
        """Keep a blob, durable when this returns."""
        size_bytes = block_file.write(self.disk, _name(blob), data)
        self.recorder.emit(now_us, "page_write", self.place, file=_name(blob), page=0, size_bytes=size_bytes)

    def read(self, piece: Piece, first: int, size_bytes: int, *, now_us: int) -> bytes:
        """Return a range of it, checked."""
        name = _name(piece.blob)
        found = _read(self.disk, name, piece.size_bytes, first, size_bytes)
        self.recorder.emit(now_us, "page_read", self.place, **_touched(name, piece.size_bytes, first, found))
        return found

    def remove(self, blob: int) -> None:
        """Take its file away."""
        self.disk.remove(_name(blob))

    def stored(self) -> list[int]:
        """Return the numbers of all blobs."""
        return [int(name[:16], 16) for name in self.disk.names() if name.endswith(".blob")]

    def lost(self, piece: Piece, *, now_us: int) -> dict[int, bytes]:
        """Check the file; there is no second copy to bring it back from, so what is not whole is `Damaged`."""
        self.read(piece, 0, piece.size_bytes, now_us=now_us)
        return {}

    def restore(self, piece: Piece, lost: Mapping[int, bytes], *, now_us: int) -> None:
        """Write nothing, for nothing can be brought back."""


@dataclass(slots=True)
class Drive:
    """A drive in a zone; `is_up` says whether it is in reach."""

    disk: Disk
    zone: str
    is_up: bool = True


class ShardedBlobs:
    """Each blob is k + m shards on as many drives.

    Parameters
    ----------
    disks : sequence of Disk
        At least k + m.
    code : ErasureCode
    zones : sequence of str
        The drives belong to them in turn.
    place : str
        Drive 4 of zone b appears as `place/b/drive-4`.
    """

    def __init__(
        self,
        disks: Sequence[Disk],
        code: ErasureCode,
        *,
        zones: Sequence[str] = ("a", "b", "c"),
        place: str = "bucket",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        if len(disks) < code.shards:
            raise BadParameter(f"{len(disks)} drives for {code.shards} shards: give each shard a drive of its own")
        if not zones:
            raise BadParameter("zones = (): give at least one")
        self.code, self.recorder, self.place = code, recorder, place
        self.drives = [Drive(disk, zones[number % len(zones)]) for number, disk in enumerate(disks)]

    # ------------------------------------------------------------ where is what
    def place_of(self, drive: int) -> str:
        """Return the place of a drive."""
        return f"{self.place}/{self._drive(drive).zone}/drive-{drive}"

    def homes(self, blob: int) -> list[int]:
        """Return the drives of its shards, in order of the shards: neighbours are in different zones."""
        return [(blob + shard) % len(self.drives) for shard in range(self.code.shards)]

    def stored(self) -> list[int]:
        """Return the numbers of all blobs of which a drive in reach has anything."""
        names = {name for drive in self.drives if drive.is_up for name in drive.disk.names()}
        return sorted({int(name[:16], 16) for name in names if name.endswith(".shard")})

    # ------------------------------------------------------------ write path
    def require_room(self, blob: int) -> None:
        """Refuse if fewer than k + 1 of its drives are in reach: one loss more, and it would be gone."""
        up, needed = sum(self.drives[home].is_up for home in self.homes(blob)), self.code.data_shards + 1
        if up < needed:
            told = f"{up} of {self.code.shards} drives are in reach, and a put needs {needed}"
            raise Refused(f"{told}: bring drives back")

    def write(self, blob: int, data: bytes, *, now_us: int) -> None:
        """Write a shard to every drive in reach, durable when this returns.

        Raises
        ------
        OSError
            If so many drives fail at it that fewer than k + 1 have their shard.
        """
        self.require_room(blob)
        written, failed = 0, None
        for shard, content in enumerate(self.code.encode(data)):
            try:
                written += self._write_shard(blob, shard, content, now_us)
            except OSError as error:
                failed = error
        if failed is not None and written <= self.code.data_shards:
            raise failed

    def _write_shard(self, blob: int, shard: int, content: bytes, now_us: int) -> bool:
        """Write a shard, if its drive is in reach; return whether it is."""
        home = self.homes(blob)[shard]
        if not self.drives[home].is_up:
            return False
        name, place = _name(blob, shard), self.place_of(home)
        size_bytes = block_file.write(self.drives[home].disk, name, content)
        self.recorder.emit(now_us, "page_write", place, file=name, page=0, size_bytes=size_bytes)
        return True

    def remove(self, blob: int) -> None:
        """Take its shards away; a drive that is away, or fails at it, keeps its own until the next opening."""
        for shard, home in enumerate(self.homes(blob)):
            drive = self.drives[home]
            if drive.is_up:
                with suppress(Misuse, OSError):  # Misuse: it never came here
                    drive.disk.remove(_name(blob, shard))

    # ------------------------------------------------------------ read path
    def read(self, piece: Piece, first: int, size_bytes: int, *, now_us: int) -> bytes:
        """Return a range: from the shards that it lies in, or, if one of them is not whole, from any k."""
        width, end = self.code.shard_bytes(piece.size_bytes), min(piece.size_bytes, first + size_bytes)
        found = []
        for shard in range(first // width, -(-end // width)):
            start = max(first, shard * width) - shard * width
            stretch = self._shard(piece, shard, now_us, start, min(end - shard * width, width) - start)
            if stretch is None:
                return self._whole(piece, now_us)[first:end]
            found.append(stretch)
        return b"".join(found)

    def _whole(self, piece: Piece, now_us: int) -> bytes:
        """Return the whole from the first k shards that are whole."""
        shards: list[bytes | None] = [None] * self.code.shards
        left = self.code.data_shards
        for shard in range(self.code.shards):
            if left:
                shards[shard] = self._shard(piece, shard, now_us)
                left -= shards[shard] is not None
        return self.code.decode(shards, piece.size_bytes)

    def _shard(
        self, piece: Piece, shard: int, now_us: int, first: int = 0, size_bytes: int | None = None
    ) -> bytes | None:
        """Return a shard or a range of it; None if it is out of reach, not there, or not to be read as written."""
        home, name = self.homes(piece.blob)[shard], _name(piece.blob, shard)
        drive, width = self.drives[home], self.code.shard_bytes(piece.size_bytes)
        if not drive.is_up:
            return None
        try:
            found = _read(drive.disk, name, width, first, width if size_bytes is None else size_bytes)
        except (Damaged, OSError):
            return None
        self.recorder.emit(now_us, "page_read", self.place_of(home), **_touched(name, width, first, found))
        return found

    # ------------------------------------------------------------ trouble and upkeep
    def take_away(self, drive: int) -> None:
        """Let a drive be out of reach; what is on it stays on it."""
        self._drive(drive).is_up = False

    def bring_back(self, drive: int, disk: Disk | None = None) -> None:
        """Let a drive be in reach again, or an empty `disk` in its place."""
        found = self._drive(drive)
        found.is_up, found.disk = True, disk if disk is not None else found.disk

    def lost(self, piece: Piece, *, now_us: int) -> dict[int, bytes]:
        """Read every shard; return those that a drive in reach should have and has not, worked out from the others.

        Raises
        ------
        Damaged
            If fewer than k are whole.
        """
        shards = [self._shard(piece, shard, now_us) for shard in range(self.code.shards)]
        homes = self.homes(piece.blob)
        gone = [n for n, shard in enumerate(shards) if shard is None and self.drives[homes[n]].is_up]
        return dict(zip(gone, self.code.rebuild(shards, gone), strict=True))

    def restore(self, piece: Piece, lost: Mapping[int, bytes], *, now_us: int) -> None:
        """Write these shards, in the place of what is left of them."""
        for shard, content in lost.items():
            disk = self.drives[self.homes(piece.blob)[shard]].disk
            with suppress(Misuse):  # there is nothing left of it
                disk.remove(_name(piece.blob, shard))
                disk.sync_names()
            self._write_shard(piece.blob, shard, content, now_us)

    def _drive(self, number: int) -> Drive:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(self.drives):
            raise Misuse(f"drive {number!r}: give 0 to {len(self.drives) - 1}")
        return self.drives[number]


def _name(blob: int, shard: int | None = None) -> str:
    return f"{blob:016x}.blob" if shard is None else f"{blob:016x}-{shard:03d}.shard"


def _read(disk: Disk, name: str, size_bytes: int, first: int, wanted_bytes: int) -> bytes:
    try:
        return block_file.read(disk, name, size_bytes, first, wanted_bytes)
    except Misuse as missing:
        raise Damaged(f"{name} is missing: restore it from a copy") from missing


def _touched(name: str, size_bytes: int, first: int, found: bytes) -> dict[str, Any]:
    """Return what a `page_read` row tells of a range: which bytes of the disk it took."""
    touched, page = block_file.touched_bytes(size_bytes, first, len(found)), first // block_file.BLOCK_BYTES
    return {"file": name, "page": page, "size_bytes": touched, "used_bytes": len(found), "source": "disk"}
