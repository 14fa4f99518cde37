"""How is every interleaving made to look like one after the other, without locking what was read?

With snapshots alone it may go wrong in one way only. Say R *reads before* W when R read something as it was before W
changed it; so R must come first in any order one after the other. Fekete and others proved: when the outcome fits no
order, there are two such edges in a row ::

    T1 --reads before--> T2 --reads before--> T3          and T3 committed first of the three
                       (the pivot)

So it is enough to note the edges and never let both be there. Some transactions are let down that would have done no
harm, for nobody looks whether the circle really closes; but nobody ever waits for a reader. That is *serializable
snapshot isolation*, as PostgreSQL does it.

An edge is found from either side. A reader meets a version that somebody made or removed whom its snapshot does not
see: `saw`. A writer changes a row that lies in what somebody has read: `wrote`; therefore what was read is noted, as a
range of an indexed column or as the whole table, and kept until everybody has ended who ran at the same time.

Who is let down: the pivot, while it can still be; else whoever asks.

Left out: PostgreSQL notes single rows and pages of indexes instead of ranges, and coarser ones when there are many, so
it lets down a few more; `READ ONLY DEFERRABLE`; summaries of old transactions.

Sources: Fekete et al., "Making snapshot isolation serializable", ACM TODS 2005; Cahill, Roehm and Fekete, "Serializable
isolation for snapshot databases", SIGMOD 2008; Ports and Grittner, "Serializable snapshot isolation in PostgreSQL",
VLDB 2012; PostgreSQL's predicate.c (the conditions of `_is_dangerous`, and `before_commit`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from dsys_lab.stores.relational.expressions import Range
from dsys_lab.stores.relational.failure import StatementFails
from dsys_lab.stores.relational.sessions import SERIALIZATION_FAILURE

_WHY: Final = "could not serialize access due to read/write dependencies among transactions"


@dataclass(eq=False, slots=True)
class Party:
    """A serializable transaction as the others know it.

    Attributes
    ----------
    number : int
        Its number in the order of beginning.
    began : int
        How many had committed when it took its snapshot.
    committed : int or None
        How many had committed when it did, itself counted.
    doomed : bool
        Whether it will be let down at its next word.
    has_written : bool
    reads : list
        Tables that were read, each with a range, or None for all of it.
    readers, writers : list of Party
        Who reads before it, and before whom it reads.
    """

    number: int
    began: int
    committed: int | None = None
    doomed: bool = False
    has_written: bool = False
    reads: list[tuple[str, Range | None]] = field(default_factory=list)
    readers: list[Party] = field(default_factory=list)
    writers: list[Party] = field(default_factory=list)

    def by(self, moment: int) -> bool:
        """Whether it had committed by a moment."""
        return self.committed is not None and self.committed <= moment

    @property
    def only_read(self) -> bool:
        """Whether it is over and has changed nothing."""
        return self.committed is not None and not self.has_written


class Conflicts:
    """Who reads before whom.

    Parameters
    ----------
    tell : callable
        Called with the numbers of a reader and a writer when an edge is found.
    """

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self._commits = 0
        self._by_number: dict[int, Party] = {}
        self._by_xid: dict[int, Party] = {}

    def enter(self, number: int) -> Party:
        """Return a new party, as it takes its snapshot."""
        self._by_number[number] = Party(number, self._commits)
        return self._by_number[number]

    # ------------------------------------------------------------ finding edges
    def read(self, party: Party, table: str, wanted: Range | None) -> None:
        """Note what is being read."""
        if (table, wanted) not in party.reads:
            party.reads.append((table, wanted))

    def saw(self, reader: Party, xid: int) -> None:
        """Note that a reader met what `xid` did, which its snapshot does not see."""
        writer = self._by_xid.get(xid)
        if writer is not None and writer is not reader:
            self._edge(reader, writer, reader)

    def wrote(self, writer: Party, xid: int, table: str, touched: Iterable[Callable[[Range], bool]]) -> None:
        """Note that a writer changes rows, old and new; each of `touched` says whether one lies in a range."""
        writer.has_written = True
        self._by_xid[xid] = writer
        touched = list(touched)
        for reader in list(self._by_number.values()):
            if reader is not writer and not reader.by(writer.began) and _has_read(reader, table, touched):
                self._edge(reader, writer, writer)

    def _edge(self, reader: Party, writer: Party, asks: Party) -> None:
        """Add an edge; let somebody down if it is one too many."""
        if writer in reader.writers or reader.doomed or writer.doomed:
            return
        self._tell(reader.number, writer.number)
        dangerous = _is_dangerous(reader, writer)
        reader.writers.append(writer)
        writer.readers.append(reader)
        if dangerous:
            if asks is writer or writer.committed is not None:
                raise StatementFails(SERIALIZATION_FAILURE, _WHY)
            writer.doomed = True

    # ------------------------------------------------------------ the end of a transaction
    def require_not_doomed(self, party: Party) -> None:
        """Fail if it was let down while others spoke."""
        if party.doomed:
            raise StatementFails(SERIALIZATION_FAILURE, _WHY)

    def before_commit(self, party: Party) -> None:
        """Doom the pivots for whom this commit would be the first of three, and fail if it is one itself."""
        self.require_not_doomed(party)
        for pivot in party.readers:
            if pivot.committed is None and not pivot.doomed and any(
                first is party or (first.committed is None and not first.doomed) for first in pivot.readers
            ):  # fmt: skip
                pivot.doomed = True

    def committed(self, party: Party) -> None:
        """Note a commit."""
        self._commits += 1
        party.committed = self._commits
        self._forget()

    def gone(self, party: Party) -> None:
        """Forget one that was rolled back: what never happened stands in nobody's way."""
        for other in party.readers:
            other.writers.remove(party)
        for other in party.writers:
            other.readers.remove(party)
        del self._by_number[party.number]
        self._forget()

    def _forget(self) -> None:
        """Forget those who ended before all began that still run."""
        active = [one.began for one in self._by_number.values() if one.committed is None]
        past = min(active, default=self._commits)
        self._by_number = {number: one for number, one in self._by_number.items() if not one.by(past)}
        self._by_xid = {xid: one for xid, one in self._by_xid.items() if one.number in self._by_number}


def _is_dangerous(reader: Party, writer: Party) -> bool:
    """Whether an edge from `reader` to `writer` makes two in a row with the last of them committed first."""
    for third in writer.writers:  # reader -> writer -> third
        if (
            third.committed is not None
            and (reader.committed is None or third.committed <= reader.committed)
            and (writer.committed is None or third.committed <= writer.committed)
            and not (reader.only_read and third.committed > reader.began)
        ):
            return True
    if writer.committed is None or reader.only_read:
        return False
    return any(  # first -> reader -> writer
        not first.doomed
        and (first.committed is None or first.committed >= writer.committed)
        and not (first.only_read and first.began < writer.committed)
        for first in reader.readers
    )


def _has_read(reader: Party, table: str, touched: list[Callable[[Range], bool]]) -> bool:
    return any(
        name == table and (wanted is None or any(lies_in(wanted) for lies_in in touched))
        for name, wanted in reader.reads
    )
