"""At which moment does an object exist?

When one record of the journal is durable. What comes before it, the blob, nobody refers to; what comes after it, the
removal of what it replaced, may be done again. So there is one order for everything that changes the store::

    keep(bytes)      a blob, durable, that nobody refers to
    append(record)   durable: now it has happened. The index is told, and what is unused since is removed

A crash before the record leaves an *orphan*, a crash after it leaves an unused blob; opening removes both alike, for no
record refers to them.

Cost: a record is one write and one sync. A checkpoint is one record as large as the index.
"""

from __future__ import annotations

import json
from typing import Any, Final

from dsys_lab.errors import Damaged
from dsys_lab.stores.object_store.blobs import Blobs
from dsys_lab.stores.object_store.index import Index, Piece
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import Recorder

CHECKPOINT_RECORDS: Final = 10_000
_ONE_SEGMENT: Final = 1 << 40
"""Only a checkpoint begins a new segment, so that the older ones can go."""


class Journal:
    """What was acknowledged, and the blobs that it refers to.

    Attributes
    ----------
    index : Index
        The fold of all records.
    log : AppendLog
        The records.
    orphans : int
        Blobs without a record that opening took away.

    Raises
    ------
    Damaged
        If the log is not what was written, or a part of it is missing.
    """

    def __init__(
        self, disk: Disk, blobs: Blobs, *, checkpoint_records: int, place: str, recorder: Recorder, now_us: int
    ) -> None:
        self.blobs, self._checkpoint_records = blobs, checkpoint_records
        self.index = Index()
        self.log = AppendLog(disk, segment_bytes=_ONE_SEGMENT, place=place, recorder=recorder, now_us=now_us)
        self._since_checkpoint = self._replay()
        self.append(now_us, {"do": "open"})
        self.orphans = self._remove_orphans()

    def keep(self, data: bytes, now_us: int) -> list[Piece]:
        """Make bytes durable that nobody refers to yet; of no bytes there is no blob."""
        self.log.require_working()
        if not data:
            return []
        blob = self.index.new_blob()
        self.blobs.require_room(blob)
        with self.log.or_break(f"blob {blob:x}"):
            self.blobs.write(blob, data, now_us=now_us)
        return [Piece(blob, len(data))]

    def append(self, now_us: int, record: dict[str, Any]) -> None:
        """Make a record durable, let it have happened, and let go of what nobody refers to any more."""
        self.log.append(now_us, _encode(record))
        unused = self.index.apply(record)
        with self.log.or_break("the removal of what is no longer referred to"):
            for piece in unused:
                if piece.size_bytes:
                    self.blobs.remove(piece.blob)
        self._since_checkpoint += 1
        if self._since_checkpoint >= self._checkpoint_records:
            self.checkpoint(now_us)

    def checkpoint(self, now_us: int) -> None:
        """Begin the log anew with all that it said, in a segment of its own: a closed one has no torn tail."""
        self.log.roll(now_us)
        lsn = self.log.append(now_us, _encode({"do": "checkpoint", "state": self.index.state()}))
        self.log.roll(now_us)
        self.log.drop_before(lsn)
        self._since_checkpoint = 0

    def repair(self, now_us: int) -> int:
        """Read and check every blob, write again what is lost of it; return how many pieces that were.

        Raises
        ------
        Damaged
            If something cannot be brought back; all else is nevertheless.
        """
        rebuilt, beyond = 0, []
        for piece in sorted(set(self.index.pieces()), key=lambda one: one.blob):
            try:
                lost = self.blobs.lost(piece, now_us=now_us)
            except Damaged:
                beyond.append(f"{piece.blob:x}")
                continue
            with self.log.or_break(f"the repair of blob {piece.blob:x}"):
                self.blobs.restore(piece, lost, now_us=now_us)
            rebuilt += len(lost)
        if beyond:
            raise Damaged(f"blobs {', '.join(beyond)} cannot be brought back: restore them from another copy")
        return rebuilt

    def _replay(self) -> int:
        """Fold the log; return how many records it has since its last checkpoint.

        A crash may have spared some of the segments that a checkpoint replaces: what is left of them is skipped.
        """
        since, known = 0, self.log.first_lsn == 0
        for record in self.log.read():
            told = json.loads(record.payload)
            is_checkpoint = told["do"] == "checkpoint"
            known = known or is_checkpoint
            if known:
                since = 0 if is_checkpoint else since + 1
                self.index.apply(told)
        if not known:
            raise Damaged(f"the journal before record {self.log.first_lsn} is missing: restore its files from a copy")
        return since

    def _remove_orphans(self) -> int:
        referred = {piece.blob for piece in self.index.pieces()}
        orphans = [blob for blob in self.blobs.stored() if blob not in referred]
        with self.log.or_break("the removal of orphans"):
            for blob in orphans:
                self.blobs.remove(blob)
        return len(orphans)


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()
