"""One person at the model: statements, one after the other, each carried on until it has its answer or must wait."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.stores.relational.execution import Work
from dsys_lab.stores.relational.failure import StatementFails
from dsys_lab.stores.relational.sessions import TRANSACTION_IS_LOST, Answer, Done, Failed, Waits
from dsys_lab.stores.relational.sql import (
    Begin,
    CreateIndex,
    CreateTable,
    Delete,
    End,
    Insert,
    Select,
    Statement,
    Tend,
    Update,
    parse,
)
from dsys_lab.stores.relational.transactions import Transaction
from dsys_lab.stores.relational.visibility import NOBODY

if TYPE_CHECKING:
    from dsys_lab.stores.relational.database import RelationalDatabase


class ModelSession:
    """One person at the model (see `sessions.Session`)."""

    def __init__(self, database: RelationalDatabase, name: str) -> None:
        self.database, self.name = database, name
        self.transaction: Transaction | None = None
        self._by_itself = False
        self._is_lost = False
        self._work: Work | None = None
        self._waits_for = NOBODY
        self._op = 0

    # ------------------------------------------------------------ the protocol
    def execute(self, sql: str, *, now_us: int = 0) -> Answer:
        """Run one statement (see `sessions.Session.execute`)."""
        self._require_open()
        if self._work is not None:
            raise Misuse(f"{self.name} still waits; ask `proceed`, or close the session")
        statement = parse(sql)
        if self._is_lost and not isinstance(statement, End):
            return Failed(
                TRANSACTION_IS_LOST, "current transaction is aborted, commands ignored until end of transaction block"
            )
        self._op = self.database.operations.begin(sql, now_us)
        self._work = self._begun(statement)
        return self._go_on(now_us)

    def proceed(self, *, now_us: int = 0) -> Answer:
        """Ask again for the statement that waits (see `sessions.Session.proceed`)."""
        self._require_open()
        if self._work is None:
            raise Misuse(f"{self.name} waits for nothing; give `execute` a statement")
        if (holder := self.database.transactions.holder(self._waits_for)) is not None:
            return Waits((holder.session,))
        self.database.operations.resume(self._op, now_us)
        assert self.transaction is not None
        self.database.tell("wait_over", self.transaction)
        return self._go_on(now_us)

    def close(self) -> None:
        """Roll back what is open, and go."""
        if self.transaction is not None:
            self._let_go("the session was closed")
        self.database.leave(self)

    # ------------------------------------------------------------ a statement, from its first step to its answer
    def _go_on(self, now_us: int) -> Answer:
        assert self._work is not None
        database = self.database
        try:
            holder = database.transactions.holder(next(self._work))
            assert holder is not None, "nobody waits for one who is gone"
            assert self.transaction is not None
            database.tell("must_wait", self.transaction, on=holder.session)
            database.transactions.wait(self.transaction, holder)
            self._waits_for = holder.xid
            return Waits((holder.session,))
        except StopIteration as finished:
            answer: Answer = finished.value
        except StatementFails as failure:
            answer = failure.answer
            self._is_lost = not self._by_itself
            if self.transaction is not None:
                self._let_go(answer.why)
        except Exception as error:
            self._work = None
            if self.transaction is not None and (self._by_itself or not isinstance(error, BadParameter | Misuse)):
                self._is_lost = not self._by_itself  # it may have happened in part
                self._let_go(f"{type(error).__name__}: {error}")
            database.operations.end(self._op, now_us, ok=False)
            raise
        self._work = None
        database.operations.end(self._op, now_us, ok=not isinstance(answer, Failed))
        return answer

    def _begun(self, statement: Statement) -> Work:
        """Return the work of a statement, with a transaction of its own where there is none."""
        if isinstance(statement, Begin | End | Tend | CreateTable | CreateIndex):
            return self._at_once(statement)
        self._by_itself = self.transaction is None
        if self.transaction is None:
            self.transaction = self.database.begin(self.name, "read committed")
        return self._inside(self.transaction, statement)

    def _inside(self, transaction: Transaction, statement: Insert | Select | Update | Delete) -> Work:
        database, execution = self.database, self.database.execution
        database.look(transaction)
        work: Generator[int, None, Answer]
        match statement:
            case Select():
                work = execution.select(transaction, statement)
            case Insert():
                work = execution.insert(transaction, statement)
            case Update():
                work = execution.update(transaction, statement)
            case Delete():
                work = execution.delete(transaction, statement)
        answer = yield from work
        if self._by_itself:
            database.commit(transaction)
            self.transaction = None
        elif not transaction.keeps_its_snapshot:
            transaction.snapshot = None
        return answer

    def _at_once(self, statement: Begin | End | Tend | CreateTable | CreateIndex) -> Work:
        """Carry out what never waits; a generator like the others."""
        yield from ()
        if isinstance(statement, End):
            return self._ended(statement)
        if self.transaction is not None:
            raise Misuse(f"{self.name} is in a transaction: COMMIT or ROLLBACK first; this goes by itself only")
        match statement:
            case Begin(level):
                self.transaction, self._by_itself = self.database.begin(self.name, level), False
                return Done("BEGIN")
            case CreateTable():
                self.database.catalogue.create_table(statement)
                return Done("CREATE TABLE")
            case CreateIndex():
                self.database.catalogue.create_index(statement)
                return Done("CREATE INDEX")
            case Tend("VACUUM", table):
                return Done("VACUUM", self.database.vacuum(table, now_us=self.database.journal.now_us))
            case Tend(verb):
                self.database.checkpoint(now_us=self.database.journal.now_us)
                return Done(verb)

    def _ended(self, statement: End) -> Answer:
        """COMMIT or ROLLBACK; of a transaction that is lost, both are the latter."""
        commits = statement.commits and not self._is_lost
        transaction, self.transaction, self._is_lost = self.transaction, None, False
        if transaction is not None and commits:
            try:
                self.database.commit(transaction)
            except StatementFails as failure:
                self._by_itself = True  # it is over, and not lost: COMMIT was its last word
                self.database.roll_back(transaction, str(failure))
                raise
        elif transaction is not None:
            self.database.roll_back(transaction, "rolled back")
        return Done("COMMIT" if commits else "ROLLBACK")

    def _let_go(self, why: str) -> None:
        assert self.transaction is not None
        transaction, self.transaction, self._work = self.transaction, None, None
        self.database.roll_back(transaction, why)

    def _require_open(self) -> None:
        if not self.database.knows(self):
            raise Misuse(f"the session {self.name!r} is closed; ask the database for a new one")
        self.database.journal.log.require_working()
