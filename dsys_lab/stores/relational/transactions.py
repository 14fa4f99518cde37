"""Who runs, since when, and who waits for whom?

A transaction gets a number, its `xid`, with its first change; who only reads needs none. A snapshot is taken for each
statement at read committed, and once, with the first statement, at repeatable read and serializable. (Nobody here shows
what has not been committed, so read uncommitted is read committed. The standard allows that.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dsys_lab.stores.relational.deadlock import circle
from dsys_lab.stores.relational.failure import StatementFails
from dsys_lab.stores.relational.fates import Fates
from dsys_lab.stores.relational.serializable import Party
from dsys_lab.stores.relational.sessions import DEADLOCK, SERIALIZATION_FAILURE
from dsys_lab.stores.relational.visibility import NOBODY, RUNNING, Snapshot, Stamp, is_visible


@dataclass(eq=False, slots=True)
class Transaction:
    """One transaction that is open.

    Attributes
    ----------
    number : int
        In the order in which they began.
    session, level : str
    xid : int
        Its number in the stamps, or `NOBODY` before its first change.
    snapshot : Snapshot or None
        What it sees, or None where the next statement takes a new one.
    party : Party or None
        What the serializable ones know of it, from its first statement on.
    noted_from : int or None
        The first record of the log that says what it changed.
    """

    number: int
    session: str
    level: str
    xid: int = NOBODY
    snapshot: Snapshot | None = None
    party: Party | None = field(default=None, repr=False)
    noted_from: int | None = None

    @property
    def keeps_its_snapshot(self) -> bool:
        """Whether one snapshot serves for the whole transaction."""
        return self.level in {"repeatable read", "serializable"}


class Transactions:
    """The transactions that are open, and the fates of those that were."""

    def __init__(self, fates: Fates, next_xid: int) -> None:
        self._fates, self.next_xid = fates, next_xid
        self.open: list[Transaction] = []
        self._running: dict[int, Transaction] = {}
        self._waits_for: dict[int, int] = {}
        self._begun = 0

    def begin(self, session: str, level: str) -> Transaction:
        """Begin a transaction."""
        self._begun += 1
        self.open.append(Transaction(self._begun, session, level))
        return self.open[-1]

    def number(self, transaction: Transaction) -> int:
        """Return a transaction's xid; it gets one if it has none."""
        if transaction.xid == NOBODY:
            transaction.xid, self.next_xid = self.next_xid, self.next_xid + 1
            self._running[transaction.xid] = transaction
        return transaction.xid

    def end(self, transaction: Transaction) -> None:
        """Let a transaction go; its fate has been written down."""
        self.open.remove(transaction)
        self._running.pop(transaction.xid, None)
        self._waits_for.pop(transaction.number, None)

    def writers(self) -> list[str]:
        """Return the sessions whose transaction has changed something."""
        return sorted(one.session for one in self._running.values())

    def noted_from(self, ending: Transaction) -> int | None:
        """Return the first record of the log that says what the open transactions changed, but for one that ends."""
        others = (one.noted_from for one in self.open if one is not ending)
        return min((lsn for lsn in others if lsn is not None), default=None)

    # ------------------------------------------------------------ who sees what
    def snapshot(self) -> Snapshot:
        """Return a note of who runs now."""
        return Snapshot(self.next_xid, frozenset(self._running))

    def fate(self, xid: int) -> int:
        """Return what has become of a transaction."""
        return RUNNING if xid in self._running else self._fates.of(xid)

    def sees(self, transaction: Transaction, stamp: Stamp) -> bool:
        """Whether a transaction sees a version, by its snapshot."""
        assert transaction.snapshot is not None, "a statement takes a snapshot before it reads"
        return is_visible(stamp, transaction.snapshot, transaction.xid, self.fate)

    def horizon(self) -> int:
        """Return the oldest transaction that some open snapshot does not see: what died before it is dead to all."""
        oldest = [one.snapshot.oldest for one in self.open if one.snapshot is not None]
        return min([*oldest, self.snapshot().oldest])

    # ------------------------------------------------------------ who waits for whom
    def holder(self, xid: int) -> Transaction | None:
        """Return the transaction of a number if it still runs."""
        return self._running.get(xid)

    def wait(self, waiting: Transaction, holder: Transaction) -> None:
        """Note that one waits for another; it ends with that other, whose number comes never again.

        Raises
        ------
        StatementFails
            If that closes a circle.
        """
        self._waits_for[waiting.number] = holder.number
        numbers = circle(self._waits_for, waiting.number)
        if numbers:
            names = {one.number: one.session for one in self.open}
            around = " -> ".join(names[number] for number in (*numbers, waiting.number))
            raise StatementFails(DEADLOCK, f"deadlock detected: {around}")


def concurrent_update(kind: str) -> StatementFails:
    """Return the failure of a writer whose row was changed behind its snapshot: "update" or "delete"."""
    return StatementFails(SERIALIZATION_FAILURE, f"could not serialize access due to concurrent {kind}")
