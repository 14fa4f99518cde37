"""The relational database: what its sessions share, and what its transactions do at their beginning and their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from dsys_lab.errors import BadParameter, Misuse, Refused, require_positive
from dsys_lab.stores.relational.catalogue import Catalogue
from dsys_lab.stores.relational.change_log import commit_note
from dsys_lab.stores.relational.execution import Execution
from dsys_lab.stores.relational.fates import Fates
from dsys_lab.stores.relational.model_session import ModelSession
from dsys_lab.stores.relational.serializable import Conflicts
from dsys_lab.stores.relational.slots import Slot, Slots
from dsys_lab.stores.relational.transactions import Transaction, Transactions
from dsys_lab.stores.relational.vacuum import TableStatus, status_of, sweep
from dsys_lab.stores.relational.visibility import NOBODY
from dsys_lab.stores.row_store.operations import Operations
from dsys_lab.structures.buffer_pool import BufferPool, PoolStatus
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.journaled_pages import JournaledPages
from dsys_lab.trace import NO_TRACE, Recorder

_FRAMES_MIN: Final = 32
_FILES: Final = ("tables.catalogue", "transactions.fates")


@dataclass(frozen=True, slots=True)
class RelationalStatus:
    """What is where.

    Attributes
    ----------
    tables : dict
        What lies in each table.
    open_transactions : int
    next_xid : int
        The number that the next transaction gets which changes something.
    horizon : int
        The oldest transaction that some open snapshot does not see.
    log_bytes : int
        What would be replayed if the database were opened now, and the checkpoint before it.
    images, image_bytes : int
        Pages that went into the log whole since it was opened.
    pool : PoolStatus
    """

    tables: dict[str, TableStatus]
    open_transactions: int
    next_xid: int
    horizon: int
    log_bytes: int
    images: int
    image_bytes: int
    pool: PoolStatus


class RelationalDatabase:
    """Tables that several sessions share (see `sessions`).

    Parameters
    ----------
    disk : Disk
        Holds this database and nothing else.
    name : str
        The root of its places in the trace.
    pool : BufferPool, optional
        By default one of 1,024 frames (8 MiB) with `lru`.
    full_page_images : bool
        Whether the first change of a page after a checkpoint logs all of it. Without, a torn page cannot be repaired.
    durable : bool
        Whether COMMIT waits for the disk. False leaves the waiting to others, and may lose the last few commits.
    checkpoint_bytes : int
        A log this long is a reason for a checkpoint, at the next commit.
    slot_keep_bytes : int, optional
        How much of the log a slot may hold back before it is lost; without, as much as the disk takes (see `slots`).
    recorder : Recorder
    now_us : int
        When it is opened.

    Attributes
    ----------
    slots : Slots
        Who listens to its changes.

    Raises
    ------
    BadParameter
        If the disk holds something else.
    Damaged
        If what is stored is not what was written.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> database = RelationalDatabase(VolatileDisk())
    >>> ada, ben = database.session("ada"), database.session("ben")
    >>> ada.execute("CREATE TABLE wards (name text PRIMARY KEY, free integer NOT NULL)")
    Done(verb='CREATE TABLE', count=0)
    >>> ada.execute("INSERT INTO wards VALUES ('north', 2)")
    Done(verb='INSERT', count=1)
    >>> ada.execute("BEGIN"), ada.execute("UPDATE wards SET free = free - 1 WHERE name = 'north'")
    (Done(verb='BEGIN', count=0), Done(verb='UPDATE', count=1))
    >>> ben.execute("SELECT free FROM wards").rows
    ((2,),)
    >>> ben.execute("UPDATE wards SET free = free - 1 WHERE name = 'north'")
    Waits(on=('ada',))
    >>> ada.execute("COMMIT"), ben.proceed()
    (Done(verb='COMMIT', count=0), Done(verb='UPDATE', count=1))
    >>> ben.execute("SELECT free FROM wards").rows
    ((0,),)
    """

    def __init__(
        self,
        disk: Disk,
        *,
        name: str = "database",
        pool: BufferPool | None = None,
        full_page_images: bool = True,
        durable: bool = True,
        checkpoint_bytes: int = 64 << 20,
        slot_keep_bytes: int | None = None,
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_positive(checkpoint_bytes=checkpoint_bytes)
        self.name, self.recorder = name, recorder
        self.pool = pool if pool is not None else BufferPool()
        if self.pool.frames < _FRAMES_MIN:
            raise BadParameter(f"a pool of {self.pool.frames} frames: one row may change many; give {_FRAMES_MIN}")
        self._durable, self._checkpoint_bytes = durable, checkpoint_bytes
        self.journal = JournaledPages(
            disk, _FILES, {"database": "relational"}, pool=self.pool, full_page_images=full_page_images, place=name,
            recorder=recorder, now_us=now_us,
        )  # fmt: skip
        self.operations = Operations(self.journal)
        self.catalogue = Catalogue(self.journal, self.journal.files[0])
        self.fates = Fates(self.journal.files[1])
        self.transactions = Transactions(self.fates, max(1, self.journal.tally))
        self.conflicts = Conflicts(self._tell_conflict)
        self.slots = Slots(self.journal, slot_keep_bytes)
        self.execution = Execution(self.journal, self.catalogue, self.transactions, self.conflicts, self.slots)
        self._sessions: dict[str, ModelSession] = {}

    def session(self, name: str) -> ModelSession:
        """Return a new session."""
        if name in self._sessions:
            raise Misuse(f"a session {name!r} is open; give another name, or close it")
        self._sessions[name] = ModelSession(self, name)
        return self._sessions[name]

    def knows(self, session: ModelSession) -> bool:
        """Whether a session is open."""
        return self._sessions.get(session.name) is session

    def leave(self, session: ModelSession) -> None:
        """Forget a session."""
        if self.knows(session):
            del self._sessions[session.name]

    def close(self) -> None:
        """Let go of everything, as it is: what was not committed never happened."""
        self._sessions.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ upkeep
    def checkpoint(self, *, now_us: int = 0) -> None:
        """Write every changed page to its place, so that the next opening has nothing to replay."""
        with self.operations.during("CHECKPOINT", now_us):
            self.slots.checkpoint()

    def make_slot(self, name: str, *, now_us: int = 0) -> Slot:
        """Make a place in the log for a listener, who hears of every transaction from here on.

        Raises
        ------
        Refused
            While a transaction runs that has changed something: the first half of it would not be heard.
        Misuse
            If there is a slot of this name.
        """
        if writers := self.transactions.writers():
            raise Refused(f"slot {name!r}: {', '.join(writers)} changed something and did not end; end that first")
        with self.operations.during("SLOT", now_us):
            return self.slots.make(name)

    def vacuum(self, table: str = "", *, now_us: int = 0) -> int:
        """Take dead versions away, of a table or of all; return how many."""
        tables = [self.catalogue.table(table)] if table else list(self.catalogue.tables.values())
        with self.operations.during("VACUUM", now_us):
            return sum(self._sweep(one) for one in tables)

    def _sweep(self, table: Any) -> int:
        place = f"{self.name}/{table.name}"

        def tell(version: Any) -> None:
            rid, row = version.rid, table.row(version)
            self.recorder.emit(
                self.journal.now_us, "sweep", place, f"{row[0]}@{rid.page}.{rid.slot}", op=self.journal.op
            )

        swept, stayed = sweep(self.journal, table, self.transactions, tell)
        self.recorder.emit(self.journal.now_us, "gauge", place, name="dead versions", value=stayed, unit="")
        return swept

    def status(self) -> RelationalStatus:
        """Return what is where, by looking at every version."""
        transactions = self.transactions
        tables = {name: status_of(table, transactions) for name, table in self.catalogue.tables.items()}
        return RelationalStatus(
            tables, len(transactions.open), transactions.next_xid, transactions.horizon(),
            self.journal.redo_bytes, self.journal.images, self.journal.image_bytes, self.pool.status(),
        )  # fmt: skip

    def violations(self) -> list[str]:
        """Look at every page; return what is damaged or does not agree, in words: nothing, if all is well."""
        tables = self.catalogue.tables.values()
        return self.journal.damages() or [wrong for table in tables for wrong in table.violations()]

    # ------------------------------------------------------------ transactions
    def begin(self, session: str, level: str) -> Transaction:
        """Begin a transaction."""
        transaction = self.transactions.begin(session, level)
        self.tell("transaction_begin", transaction, level=level)
        return transaction

    def look(self, transaction: Transaction) -> None:
        """Give a transaction the snapshot for its next statement."""
        if transaction.snapshot is None or not transaction.keeps_its_snapshot:
            transaction.snapshot = self.transactions.snapshot()
            running = ",".join(map(str, sorted(transaction.snapshot.running)))
            self.tell("snapshot", transaction, next_xid=transaction.snapshot.next_xid, running=running)
        if transaction.level == "serializable" and transaction.party is None:
            transaction.party = self.conflicts.enter(transaction.number)
        if transaction.party is not None:
            self.conflicts.require_not_doomed(transaction.party)

    def commit(self, transaction: Transaction) -> None:
        """Make what a transaction did durable, and let others see it."""
        if transaction.party is not None:
            self.conflicts.before_commit(transaction.party)
        if transaction.xid != NOBODY:
            with self.journal.all_or_nothing():
                self.fates.write_committed(transaction.xid)
                if transaction.noted_from is not None:
                    read_from = self.transactions.noted_from(transaction)
                    after_this = self.journal.log.next_lsn + 1
                    self.journal.note(commit_note(transaction.xid, after_this if read_from is None else read_from))
            if self._durable:
                self.journal.sync()
            self.fates.learn_committed(transaction.xid)
        if transaction.party is not None:
            self.conflicts.committed(transaction.party)
        self.transactions.end(transaction)
        self.tell("transaction_commit", transaction, xid=transaction.xid)
        if self.journal.redo_bytes > self._checkpoint_bytes:
            self.slots.checkpoint()

    def roll_back(self, transaction: Transaction, why: str) -> None:
        """Let a transaction go. There is nothing to undo and nothing to write: nobody sees what it made."""
        if transaction not in self.transactions.open:
            return  # its commit was written, and what came after it went wrong
        if transaction.party is not None:
            self.conflicts.gone(transaction.party)
        self.transactions.end(transaction)
        self.tell("transaction_abort", transaction, xid=transaction.xid, why=why)

    def tell(self, kind: str, transaction: Transaction, **fields: Any) -> None:
        """Leave a row about a transaction, at its session."""
        self.recorder.emit(
            self.journal.now_us, kind, f"{self.name}/{transaction.session}", op=self.journal.op,
            transaction=transaction.number, **fields,
        )  # fmt: skip

    def _tell_conflict(self, reader: int, writer: int) -> None:
        self.recorder.emit(
            self.journal.now_us, "reads_before", self.name, op=self.journal.op, reader=reader, writer=writer
        )
