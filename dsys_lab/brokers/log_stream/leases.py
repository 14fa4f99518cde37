"""Who works on which shard, when workers come, go, freeze and come back?

Whose name stands in the *lease table*. It has one row a shard, and one verb that matters: *write this if the row is
still as I saw it*. Of two workers that take a shard at once, one succeeds; who was away for too long finds the row
changed, and learns that way. Nobody is told anything, and no clock is compared with another's.

==============  ====================================================================================================
column          what it is for
==============  ====================================================================================================
`owner`         who works on the shard
`epoch`         how often it has changed hands: who has a lower one is late, and a sink can refuse it
`beats`         goes up with every sign of life; who has seen it stand still for the length of a lease may take over
`checkpoint`    the last record that was worked up: the next owner goes on behind it
`done`          the shard was closed, and all of it has been worked up: its children may begin
==============  ====================================================================================================

The table is durable: a write is answered when it is on an append-only log. In reality it is a table of DynamoDB, for
which `dsys_lab.stores.key_value.partitioned` has the same conditional write.

Cost: a record of some 100 bytes and a sync a write; every `rewrite_every` writes the log begins anew with all rows.

Sources: Gray and Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file cache consistency", SOSP
1989; Amazon Kinesis Data Streams Developer Guide, "Use a lease table to track the shards processed by the KCL consumer
application"; Kleppmann, "How to do distributed locking", 2016 (fencing).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from dsys_lab.errors import Damaged, require_positive
from dsys_lab.structures import EVERY_RECORD, AppendLog, Disk
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Lease:
    """One row; see the table above."""

    shard: str
    owner: str | None = None
    epoch: int = 0
    beats: int = 0
    checkpoint: int | None = None
    done: bool = False

    def taken_by(self, owner: str) -> Lease:
        """Return the row once `owner` has taken it over."""
        return replace(self, owner=owner, epoch=self.epoch + 1, beats=self.beats + 1)

    def beaten(self) -> Lease:
        """Return the row with one more sign of life."""
        return replace(self, beats=self.beats + 1)

    def worked_up(self, sequence: int) -> Lease:
        """Return the row with a checkpoint, which is a sign of life too."""
        return replace(self, checkpoint=sequence, beats=self.beats + 1)


class LeaseTable:
    """Rows that are written only by who has seen what they are.

    Parameters
    ----------
    place : str
        The name under which its rows appear: that of the group of workers.
    disk : Disk
        Where it is; if there is one already, this is it.
    rewrite_every : int
        After so many writes its log begins anew.

    Examples
    --------
    >>> from dsys_lab.structures import VolatileDisk
    >>> table = LeaseTable("billing", VolatileDisk())
    >>> free = Lease("shard-000")
    >>> table.write_if(0, free, seen=None)
    True
    >>> table.write_if(1, free.taken_by("anna"), seen=free), table.write_if(1, free.taken_by("bert"), seen=free)
    (True, False)
    """

    def __init__(
        self,
        place: str,
        disk: Disk,
        *,
        rewrite_every: int = 1_000,
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_positive(rewrite_every=rewrite_every)
        self.place, self.recorder, self.rewrite_every = place, recorder, rewrite_every
        self.log = AppendLog(disk, fsync=EVERY_RECORD, place=f"{place}/log", recorder=recorder, now_us=now_us)
        self._rows: dict[str, Lease] = {}
        self._written = 0
        for lsn, payload in self.log.read():
            try:
                self._do(json.loads(payload))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                told = f"{place}/log, record {lsn}: {error!r}"
                raise Damaged(f"{told}; this is no lease table, open the right disk") from error

    def leases(self) -> list[Lease]:
        """Return all rows, by shard."""
        return [self._rows[shard] for shard in sorted(self._rows)]

    def write_if(self, now_us: int, lease: Lease, *, seen: Lease | None) -> bool:
        """Write a row if it is still as it was `seen` (None: not there); say whether.

        Raises
        ------
        MayHaveHappened
            If the disk failed; open the table anew to see.
        """
        return self._change(now_us, lease.shard, lease, seen)

    def remove_if(self, now_us: int, seen: Lease) -> bool:
        """Remove a row if it is still as it was `seen`; say whether."""
        return self._change(now_us, seen.shard, None, seen)

    def _change(self, now_us: int, shard: str, lease: Lease | None, seen: Lease | None) -> bool:
        self.log.require_working()
        if self._rows.get(shard) != seen:
            return False
        with self.log.or_break(f"the lease of {shard}"):
            change: dict[str, object] = {"gone": shard} if lease is None else asdict(lease)
            self.log.append(now_us, _json(change))
            self._do(change)
            if self._written >= max(self.rewrite_every, 2 * len(self._rows)):
                self._rewrite(now_us)
        if lease is not None:
            self._tell(now_us, lease, seen)
        return True

    def _do(self, change: dict[str, object]) -> None:
        self._written += 1
        if "rows" in change:
            rows = change["rows"]
            assert isinstance(rows, list)
            self._rows, self._written = {row["shard"]: Lease(**row) for row in rows}, 0
        elif "gone" in change:
            self._rows.pop(str(change["gone"]), None)
        else:
            lease = Lease(**change)  # type: ignore[arg-type]  # JSON of our own
            self._rows[lease.shard] = lease

    def _rewrite(self, now_us: int) -> None:
        """Begin the log anew with all rows as its first record, then take away what is older."""
        self.log.roll(now_us)
        lsn = self.log.append(now_us, _json({"rows": [asdict(lease) for lease in self.leases()]}))
        self.log.drop_before(lsn)
        self._written = 0

    def _tell(self, now_us: int, lease: Lease, seen: Lease | None) -> None:
        shard, owner, epoch = lease.shard, lease.owner, lease.epoch
        if owner is not None and epoch != (seen.epoch if seen else 0):
            self.recorder.emit(now_us, "lease", self.place, shard=shard, owner=owner, epoch=epoch)
        if owner is not None and lease.checkpoint is not None and lease.checkpoint != (seen and seen.checkpoint):
            offset, group = lease.checkpoint, self.place
            self.recorder.emit(now_us, "commit", owner, shard=shard, offset=offset, epoch=epoch, group=group)


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
