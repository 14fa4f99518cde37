"""Who sees which version of a row?

Nothing is overwritten. Whoever changes a row leaves the old version where it is and adds a new one, and each version is
stamped: `xmin` made it, `xmax` replaced or deleted it (0: nobody did), `ctid` is where its successor stands. A reader
takes a *snapshot*, which is nothing but a note of who had not committed at that moment. Then one pure function decides,
without asking anybody to wait::

    time  ------------------------------------------------------------------------------------------->
    row       [ xmin 3, xmax 7, ctid ->]----[ xmin 7, xmax 9, ctid ->]----[ xmin 9, xmax 0, ctid self ]
    snapshot                        ^ 7 still runs: sees the first version, for ever

A version is visible when its maker is *seen* and its remover is not. A transaction is seen by a snapshot when it had
begun before it, did not run any more, and committed. That is read from three things only: the stamp, the snapshot, and
the fate of transactions. A crash needs no undo: who was running is running no more and never committed, so nobody ever
sees what it made.

Cost: O(1) a version. The price is paid elsewhere: every reader walks over the versions that others left (see `vacuum`).

Left out: the number of the command inside a transaction, by which PostgreSQL keeps a statement from meeting its own new
versions: here a statement first finds all its rows, and then changes them. Subtransactions; freezing of old numbers.

Sources: PostgreSQL documentation, ch. 13 "Concurrency control" and "Database page layout" (HeapTupleHeaderData);
src/backend/access/heap/heapam_visibility.c; Bernstein and Goodman, "Multiversion concurrency control", ACM TODS 1983.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dsys_lab.structures.b_tree import Rid

RUNNING, COMMITTED, ABORTED = 0, 1, 2
"""What has become of a transaction."""

NOBODY: Final = 0
"""No transaction has this number."""

Fates = Callable[[int], int]
"""Says what has become of the transaction of a number."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The header of a version.

    Attributes
    ----------
    xmin, xmax : int
        Who made it, and who replaced, deleted or locked it (0: nobody).
    ctid : Rid
        Where its successor is; its own place as long as there is none.
    is_lock : bool
        Whether `xmax` only holds the row for itself (SELECT ... FOR UPDATE).
    """

    xmin: int
    xmax: int
    ctid: Rid
    is_lock: bool = False

    @property
    def remover(self) -> int:
        """Who replaced or deleted it, or nobody."""
        return NOBODY if self.is_lock else self.xmax


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who had not committed at a moment.

    Attributes
    ----------
    next_xid : int
        The first number that was not given away yet: who has it or a higher one began later.
    running : frozenset of int
        Who had begun and not ended.
    """

    next_xid: int
    running: frozenset[int]

    @property
    def oldest(self) -> int:
        """The oldest transaction that it does not see: all below it have ended before."""
        return min(self.running, default=self.next_xid)

    def sees(self, xid: int, fates: Fates) -> bool:
        """Whether what `xid` did had happened by then."""
        return xid < self.next_xid and xid not in self.running and fates(xid) == COMMITTED


def is_visible(stamp: Stamp, snapshot: Snapshot, own: int, fates: Fates) -> bool:
    """Whether a reader sees a version.

    Parameters
    ----------
    stamp : Stamp
        The version's.
    snapshot : Snapshot
        The reader's.
    own : int
        The reader's own number, or `NOBODY` as long as it has changed nothing: its own work it always sees.
    fates : callable
        What has become of each transaction.

    Examples
    --------
    >>> fates = {3: COMMITTED, 7: COMMITTED, 9: RUNNING}.__getitem__
    >>> first, second = Stamp(3, 7, Rid(0, 1)), Stamp(7, 9, Rid(0, 2))
    >>> early, late = Snapshot(8, frozenset({7})), Snapshot(10, frozenset({9}))
    >>> is_visible(first, early, NOBODY, fates), is_visible(second, early, NOBODY, fates)
    (True, False)
    >>> is_visible(first, late, NOBODY, fates), is_visible(second, late, NOBODY, fates)
    (False, True)
    >>> is_visible(second, late, 9, fates)
    False
    """
    if stamp.xmin != own and not snapshot.sees(stamp.xmin, fates):
        return False
    remover = stamp.remover
    return remover == NOBODY or (remover != own and not snapshot.sees(remover, fates))


def is_dead(stamp: Stamp, horizon: int, fates: Fates) -> bool:
    """Whether nobody will ever see a version again, so that it may be swept away.

    Parameters
    ----------
    stamp : Stamp
    horizon : int
        The oldest transaction that some open snapshot does not see.
    fates : callable

    Examples
    --------
    >>> fates = {3: COMMITTED, 7: COMMITTED, 8: ABORTED}.__getitem__
    >>> replaced, never_was = Stamp(3, 7, Rid(0, 1)), Stamp(8, 0, Rid(0, 1))
    >>> is_dead(replaced, 7, fates), is_dead(replaced, 8, fates), is_dead(never_was, 1, fates)
    (False, True, True)
    """
    if fates(stamp.xmin) == ABORTED:
        return True
    remover = stamp.remover
    return remover != NOBODY and remover < horizon and fates(remover) == COMMITTED
