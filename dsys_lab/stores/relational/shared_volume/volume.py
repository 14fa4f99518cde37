"""The whole volume in one process: a writer and its segments, by hand.

Nothing is on its way here: what is sent arrives at every segment that is up, and its answer comes back at once. So it
shows *what* holds; how long it takes, and what a network does to it, is the scenarios' part.

>>> volume = SharedVolume()
>>> volume.commit({"ada": "7.5"}), volume.lose_zone(0), volume.commit({"bob": "6"})
(True, (0, 1), True)
>>> volume.lose(2), volume.commit({"ada": "8"}), volume.read("bob")
(None, False, '6')
>>> volume.repair(2), volume.fail_over(), volume.read("ada")
(None, 3, '8')
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, Refused, require_positive
from dsys_lab.stores.relational.shared_volume.points import CannotRecover
from dsys_lab.stores.relational.shared_volume.quorum import AURORA, Quorum
from dsys_lab.stores.relational.shared_volume.record import Change
from dsys_lab.stores.relational.shared_volume.recovery import Recovery
from dsys_lab.stores.relational.shared_volume.segment import Batch, Segment, StaleEpoch
from dsys_lab.stores.relational.shared_volume.writer import Writer
from dsys_lab.trace import NO_TRACE, Recorder

PAGES: Final = 64
"""How many pages rows are spread over."""


def page_of(key: str) -> int:
    """Return the page of a row."""
    return zlib.crc32(key.encode()) % PAGES


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """A volume at a glance: who is up by index, whether one can write and repair, and how far the log is."""

    epoch: int
    up: tuple[int, ...]
    can_write: bool
    can_read: bool
    vcl: int
    vdl: int
    scls: tuple[tuple[int, ...], ...]


class SharedVolume:
    """A writer and the segments of its groups, which answer at once or not at all.

    Parameters
    ----------
    quorum : Quorum
    groups : int
    """

    def __init__(self, quorum: Quorum = AURORA, groups: int = 1, *, recorder: Recorder = NO_TRACE) -> None:
        require_positive(groups=groups)
        self.quorum, self.groups = quorum, groups
        self._recorder = recorder
        self.writer = Writer(quorum, groups, recorder=recorder)
        self.segments = [[self._new(group, index) for index in range(quorum.copies)] for group in range(groups)]
        self.up = list(range(quorum.copies))
        self._lost: set[int] = set()
        self._txn = 0

    def _new(self, group: int, index: int) -> Segment:
        return Segment(group, index, place=self.quorum.place(index), recorder=self._recorder)

    # ------------------------------------------------------------------------------------------ asking
    def commit(self, rows: Mapping[str, str | None], *, now_us: int = 0, writer: Writer | None = None) -> bool:
        """Change rows in one transaction; return whether it is acknowledged. If not, it may be later.

        Parameters
        ----------
        writer : Writer, optional
            Who writes; an old one after a fail-over, to see it refused.
        """
        writer = writer or self.writer
        self._txn += 1
        changes = [Change(page_of(key), key, value) for key, value in rows.items()]
        commit = writer.commit(now_us, self._txn, changes)
        for group, batch in commit.batches:
            self._send(now_us, writer, group, batch)
        return writer.vdl >= commit.lsn

    def _send(self, now_us: int, writer: Writer, group: int, batch: Batch) -> None:
        for index in self.up:
            self._send_to(now_us, writer, group, index, batch)

    def _send_to(self, now_us: int, writer: Writer, group: int, index: int, batch: Batch) -> None:
        segment = self.segments[group][index]
        try:
            writer.hear(now_us, segment.append(now_us, batch))
        except StaleEpoch:
            writer.is_deposed = True

    def read(self, key: str, *, now_us: int = 0) -> str | None:
        """Return a row as of the VDL, from one segment that is complete up to there.

        Raises
        ------
        Refused
            If no such segment is up, or a new writer's tail has no write quorum yet.
        """
        if not self.writer.is_open:
            found, has = self.writer.recovered_lsn, self.writer.vdl
            raise Refused(
                f"the log goes up to lsn {found}, and a write quorum has it up to {has}: "
                "bring a segment back or repair one, then read"
            )
        page, at_lsn = page_of(key), self.writer.vdl
        group = self.writer.group_of(page)
        for index in self.writer.may_answer(group, at_lsn):
            if index in self.up:
                needs = self.writer.needs_lsn(group, at_lsn)
                segment = self.segments[group][index]
                return segment.read(now_us, page, at_lsn=at_lsn, needs_lsn=needs, history=self.writer.history).get(key)
        raise Refused(f"no segment that is up is complete up to lsn {at_lsn}: bring one back, or let them gossip")

    # ------------------------------------------------------------------------------------------ trouble
    def crash(self, *indexes: int) -> None:
        """Switch segments off, of every group; their disks stay."""
        for index in indexes:
            if index not in range(self.quorum.copies):
                raise BadParameter(f"segment {index!r}: give 0 to {self.quorum.copies - 1}")
        self.up = [index for index in self.up if index not in indexes]

    def lose_zone(self, zone: int) -> tuple[int, ...]:
        """Switch a zone off; return its segments."""
        if zone not in range(self.quorum.zones):
            raise BadParameter(f"zone {zone!r}: give 0 to {self.quorum.zones - 1}")
        indexes = tuple(self.quorum.in_zone(zone))
        self.crash(*indexes)
        return indexes

    def lose(self, index: int) -> None:
        """Lose a segment with its disk."""
        self.crash(index)
        for group in range(self.groups):
            self.segments[group][index] = self._new(group, index)
        self.writer.forget(index)
        self._lost.add(index)

    def restart(self, *indexes: int, now_us: int = 0) -> None:
        """Switch segments on again; the writer sends what they have missed. A lost one must be repaired first."""
        for index in indexes:
            if index in self._lost:
                raise CannotRecover(f"segment {index} has lost its disk, and an empty one must not vote: repair it")
            if index not in self.up:
                self.up = sorted([*self.up, index])
                self._catch_up(now_us, index)

    def repair(self, index: int, *, now_us: int = 0) -> None:
        """Put a new segment in the place of a lost one, filled from a read quorum of its peers.

        One peer is not enough: the lost one may have been among the four that made a record durable, and the peer not.

        Raises
        ------
        CannotRecover
            If fewer than a read quorum of peers is up.
        """
        peers = [peer for peer in self.up if peer != index]
        if not self.quorum.can_read(peers):
            raise CannotRecover(f"{len(peers)} peers are up, and {self.quorum.read} must be asked: bring one back")
        for group in range(self.groups):
            for peer in peers:
                filled = self.segments[group][index]
                filled.fill(now_us, self.segments[group][peer].give(filled.scl))
        self._lost.discard(index)
        self.restart(index, now_us=now_us)

    def fail_over(self, *, now_us: int = 0) -> int:
        """Let a new writer take over; return the VDL that it found.

        Raises
        ------
        CannotRecover
            If too few segments are up. They have promised nothing, and the old writer goes on.
        """
        if not self.quorum.can_read(self.up):
            raise CannotRecover(f"{len(self.up)} segments are up, and {self.quorum.read} must promise: bring one back")
        promised = (segment.epoch for group in self.segments for segment in group)
        recovery = Recovery(self.quorum, self.groups, max(1, *promised) + 1, recorder=self._recorder)
        for group in self.segments:
            for index in self.up:
                recovery.hear(group[index].promise(recovery.epoch))
        recovered = recovery.finish(now_us)
        self.writer = Writer(self.quorum, self.groups, recovered=recovered, recorder=self._recorder)
        for index in self.up:
            self._catch_up(now_us, index)
        return recovered.vdl

    def _catch_up(self, now_us: int, index: int) -> None:
        for group in range(self.groups):
            self._send_to(now_us, self.writer, group, index, self.writer.again(group, index))

    # ------------------------------------------------------------------------------------------ looking
    def status(self) -> VolumeStatus:
        """Return how far it is."""
        scls = tuple(tuple(segment.scl for segment in group) for group in self.segments)
        can_write, can_read = self.quorum.can_write(self.up), self.quorum.can_read(self.up)
        book = self.writer.durability
        return VolumeStatus(self.writer.epoch, tuple(self.up), can_write, can_read, book.vcl, book.vdl, scls)
