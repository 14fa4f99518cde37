"""Which shard should a worker take next? Pure policies: from what the lease table and the stream say to an answer.

*Parents first.* A shard may be begun when its parents are worked up wholly, or too old to be there: else a key's later
records, on the child, would come before its earlier ones.

*An even share.* With S shards to work on and W workers a worker wants S / W, rounded up. It takes what nobody owns and
whose owner shows no sign of life; only if there is none, and somebody has more than the share, it *steals* one from who
has most. One at a time, so that workers who look at the same moment do not swing to and fro.

Left out: the weighing of workers by their processor's load, as version 3 of the KCL does; hand-over without a pause.

Sources: Amazon Kinesis Client Library, `LeaseTaker`; Developer Guide, "KCL concepts".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from dsys_lab.brokers.log_stream.answers import ShardStatus
from dsys_lab.brokers.log_stream.leases import Lease


def may_begin(shard: ShardStatus, leases: Mapping[str, Lease]) -> bool:
    """Whether all parents that are still there have been worked up."""
    return all(parent in leases and leases[parent].done for parent in shard.parents)


def even_share(shards: int, workers: int) -> int:
    """Return how many shards a worker wants: S / W, rounded up."""
    return -(-shards // max(1, workers))


def next_to_take(me: str, leases: Iterable[Lease], *, ready: Collection[str], silent: Collection[str]) -> Lease | None:
    """Return the lease that a worker should take, or None.

    Parameters
    ----------
    me : str
    leases : iterable of Lease
        What the table says.
    ready : collection of str
        The shards that may be worked on.
    silent : collection of str
        Those whose owner has shown no sign of life for the length of a lease, or has let go.

    Examples
    --------
    >>> table = [Lease("a", "anna"), Lease("b", "anna"), Lease("c", "anna"), Lease("d")]
    >>> next_to_take("bert", table, ready="abcd", silent="").shard
    'd'
    >>> next_to_take("bert", [*table[:3], Lease("d", "bert")], ready="abcd", silent="").shard
    'a'
    >>> next_to_take("bert", [*table[:2], Lease("c", "bert"), Lease("d", "bert")], ready="abcd", silent="") is None
    True
    """
    open_ones = [lease for lease in leases if lease.shard in ready and not lease.done]
    owned = Counter(lease.owner for lease in open_ones if lease.owner is not None and lease.shard not in silent)
    share = even_share(len(open_ones), len({*owned, me}))
    if owned[me] >= share:
        return None
    for lease in open_ones:
        if lease.owner is None or lease.shard in silent:
            return lease
    richest = min(owned, key=lambda owner: (-owned[owner], owner or ""), default=None)
    if richest is None or owned[richest] <= share:
        return None
    return next(lease for lease in open_ones if lease.owner == richest and lease.shard not in silent)
