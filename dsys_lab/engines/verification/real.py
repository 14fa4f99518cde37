"""The real ones as a running shop: JetStream has the promises, PostgreSQL the journal and the books.

The desk is the model's own, with a journal in PostgreSQL; nothing of the policy is written again.
"""

from __future__ import annotations

import time
from typing import Any

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import Books, Desk, DeskStatus, Finding, Line, Saga, by_hand, work
from dsys_lab.dataflows.verification.troubles import Plan
from dsys_lab.engines import nats, postgres
from dsys_lab.engines.verification.promise_log import PromiseLog, read
from dsys_lab.engines.verification.tables import SqlJournal, audit_in, create, entries_in, parties_in
from dsys_lab.engines.verification.verbs import HASTY, no_trouble, now_us
from dsys_lab.errors import Misuse


class RealShop:
    """See the Protocol `RunningShop`.

    Attributes
    ----------
    schema, stream : str
        Where its tables are, and the name of its stream: what a desk in a process of its own is told.
    parties : dict
    """

    def __init__(self, pillows: int, *, trouble: Plan = no_trouble, patience: RetryPolicy = HASTY) -> None:
        self._postgres, self._nats, self._patience = postgres.connection(), nats.connection(), patience
        self.pillows = pillows
        self.schema = self._postgres.make_schema()
        self._postgres.made(self.schema, self._drop)
        create(self._postgres.client, self.schema, pillows)
        self.parties = parties_in(self._postgres.client, self.schema)
        self._lines = {name: Line(party, trouble) for name, party in self.parties.items()}
        self.stream = self._nats.new_name()
        self._log = PromiseLog(self._nats.client, self.stream)
        self._nats.call(self._log.create())
        self._nats.made(self.stream, lambda: self._nats.call(self._log.remove()))
        self._desk = self.desk()

    def desk(self) -> Desk:
        """Open one more desk over the same journal."""
        journal = SqlJournal(self._postgres.client, self.schema)
        return Desk("desk", journal, patience=self._patience)

    def promise(self, order: str) -> bool:
        """Write a promise down; say whether it is new."""
        return bool(self._nats.call(self._log.promise(order, now_us())))

    def work(self, calls: int | None = None, *, desk: Desk | None = None) -> int:
        """Let the desk, or another one, work; what nobody has acknowledged yet is waited for."""
        desk, made = desk or self._desk, 0
        while made != calls:
            message = self._nats.call(self._log.next())
            if message is not None:
                desk.take_in(now_us(), *read(message))
                self._nats.call(message.ack_sync())
                continue
            made += work(desk, self._lines, now_us(), calls_max=None if calls is None else calls - made)
            if desk.deadline_us() is None and not self._nats.call(self._log.is_waiting()):
                break
            time.sleep(0.002)
        return made

    def crash(self) -> None:
        """Let the desk lose what it has in memory."""
        self._desk = self.desk()

    def by_hand(self, order: str) -> Saga:
        """Let a person do an act."""
        return by_hand(self._desk, self.parties, now_us(), order)

    def skip(self, order: str) -> None:
        """Drop the next promise on its way to the desk: acknowledge it, and do nothing."""
        message: Any = self._nats.call(self._log.next())
        if message is None or read(message)[1] != order:
            raise Misuse(f"{order} is not the next promise: skip the one that is")
        self._nats.call(message.ack_sync())

    def status(self) -> DeskStatus:
        """Return the desk's counts."""
        return self._desk.status()

    def saga(self, order: str) -> Saga:
        """Return how far a promise has come."""
        return self._desk.saga(order)

    def books(self) -> Books:
        """Return what an auditor reads."""
        entries = entries_in(self._postgres.client, self.schema)
        return Books(self._nats.call(self._log.all()), entries, self.pillows)

    def audit(self, *, within_s: float) -> list[Finding]:
        """Let PostgreSQL audit, by one statement."""
        promises = self._nats.call(self._log.all())
        client, schema = self._postgres.client, self.schema
        return audit_in(client, schema, promises, now_us(), pillows=self.pillows, within_s=within_s)

    def _drop(self) -> None:
        self._postgres.run(f"DROP SCHEMA {self.schema} CASCADE")

    def close(self) -> None:
        """Remove the stream and the tables."""
        self._nats.remove(self.stream)
        self._postgres.remove(self.schema)
