"""The log is the database: how does a commit survive a whole data centre, and cost a few bytes instead of a few pages?

A database on one machine writes everything twice, into its log and into its pages, and whoever mirrors it sends both
over the network. Here the writer sends **log records and nothing else**. Storage nodes keep them and make pages of them
on their own, when somebody reads one or when they have time. ::

    writer --- record 7 ---+--> zone-a/segment-1   zone-a/segment-2
                           +--> zone-b/segment-3   zone-b/segment-4      durable at the 4th answer
                           +--> zone-c/segment-5   zone-c/segment-6

The pages of the volume are spread over *protection groups*, each kept by `copies` *segments* in three zones. There is
one writer, so nobody has to agree on an order: it numbers the records itself (`lsn` 1, 2, 3, ...), and the quorum only
makes them durable. All positions in the log have names:

=====  ===============================================================================================================
SCL    segment complete: a segment has every record of its group up to here (it may have later ones, past a hole)
PGCL   protection group complete: `write` of its segments have an SCL of at least this
VCL    volume complete: every record up to here is at or below the PGCL of its group
VDL    volume durable: the last *consistency point* at or below the VCL. A page split takes several records; cutting
       between them would leave half a split, so only its last record is a point where the log may end
=====  ===============================================================================================================

In reading order: `quorum` (how many copies, how many answers), `record` (what is sent), `points` (the four positions,
and where a volume recovers to, as pure functions), `segment` (one copy of one group), `durability` (the writer's book
of answers), `writer`, `recovery` (a new writer takes over), `replica` (a reader that follows), `volume` (all of it in
one process, by hand), `page_mirror` (the simplest other way: send pages).

Promises
--------
1. A commit is acknowledged when the VDL has reached its last record, and not before.
2. After any losses that leave `read` segments of each group, a new writer finds every acknowledged commit, whole; of
   the others each is there whole or not at all.
3. Once a new writer has the promise of `read` segments, the old one commits nothing more: its epoch is refused. (What
   takes the place of a lost segment promises the latest epoch, too, before it answers anybody. Aurora writes the epoch
   to a write quorum, which outlives the loss of a copy.)
4. A read asks one segment, one that is known to be complete; a quorum is read only at recovery. Until a new writer has
   brought what it found to a write quorum, nothing is read.

Cost: `copies` times the bytes of a record a record; a page read redoes the records since the page was last made.

Left out: transactions of several mini-transactions and their undo; the life of a log (old records are not thrown away,
backups are not taken); choosing who takes over (somebody outside hands out epochs, each once); changes of membership by
quorum sets; segments that are full copies beside such that keep only the log.

Sources: Verbitski et al., "Amazon Aurora: Design Considerations for High Throughput Cloud-Native Relational Databases",
SIGMOD 2017; Verbitski et al., "Amazon Aurora: On Avoiding Distributed Consensus for I/Os, Commits, and Membership
Changes", SIGMOD 2018; Gupta, "Amazon Aurora under the hood", AWS Database Blog, 2017.
"""

from dsys_lab.stores.relational.shared_volume.points import (
    CannotRecover,
    group_complete,
    recovery_point,
    segment_complete,
    volume_complete,
    volume_durable,
)
from dsys_lab.stores.relational.shared_volume.quorum import AURORA, Quorum
from dsys_lab.stores.relational.shared_volume.record import Change, LogRecord
from dsys_lab.stores.relational.shared_volume.recovery import Recovery
from dsys_lab.stores.relational.shared_volume.replica import Behind, Replica
from dsys_lab.stores.relational.shared_volume.segment import Segment, StaleEpoch
from dsys_lab.stores.relational.shared_volume.volume import SharedVolume
from dsys_lab.stores.relational.shared_volume.writer import Writer

__all__ = [
    "AURORA",
    "Behind",
    "CannotRecover",
    "Change",
    "LogRecord",
    "Quorum",
    "Recovery",
    "Replica",
    "Segment",
    "SharedVolume",
    "StaleEpoch",
    "Writer",
    "group_complete",
    "recovery_point",
    "segment_complete",
    "volume_complete",
    "volume_durable",
]
