"""May we promise before we know, and how is every promise settled, once, whatever breaks?

A *gate* promises at once, on news of the stock that is a little old. A *desk* finds out later, and keeps the promise or
takes it back with a refund and an apology. What must never be wrong (money, pillows) is decided by one *party* each, in
a book with a key for every act; what may lag is what the gates believe. ::

    buyer --> gate --> promises --> desk --> payments   charge, and refund
              ^        (a log)       |  `--> stock      take: yes or no, decided once
              |                      |  `--> post       confirm, or apologise
              `--- news of the stock, old            journal: how far each promise has come

    auditor: reads all books, those of the gates too, and trusts nobody's word for it

In reading order: `way` (what comes next for a promise, as a table), `books` (acts under keys), `parties` (who decide),
`gate` and `holds` (promise now, or ask first), `desk` (who walks the way and remembers), `auditor` (what nobody
reported), `crashes` (one story, with the power cut at every step), `troubles` (lines and parties that fail).

The room promises
-----------------
1. Integrity: whatever the gates believe, no more pillows are taken than there are, and an act under a key happens once.
2. Every promise ends in exactly one of *kept* (charged, taken, confirmed) and *apologised* (refunded, then apologised),
   whenever the power goes, and also if the compensation itself fails half-way: `crashes` tries every step.
3. What fails too often is handed to a person, by name and with its state; the person's act has the same key.
4. An auditor who reads the books finds what was dropped, done twice or half done, and names it.

Cost: a record, synced, for each act in its party's book, and one in the journal; an audit reads every book once.

Left out: a party that has no keys (it can be asked what it did, or it may do things twice); parts of an order; money of
several currencies; a desk on several machines (partition it by order, as a log is partitioned).

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 12, "Aiming for Correctness" (timeliness and integrity;
trust, but verify); Helland and Campbell, "Building on Quicksand", CIDR 2009 (memories, guesses and apologies);
Garcia-Molina and Salem, "Sagas", SIGMOD 1987; Saltzer, Reed and Clark, "End-to-end arguments in system design", ACM
TOCS 1984; Hohpe, "Your Coffee Shop Does Not Use Two-Phase Commit", IEEE Software 2005.
"""

from dsys_lab.dataflows.verification.auditor import FINDINGS, Books, Finding, audit
from dsys_lab.dataflows.verification.books import Book, Entry
from dsys_lab.dataflows.verification.crashes import MEMORIES, Outcome, World, crashed_everywhere, findings, world
from dsys_lab.dataflows.verification.desk import Desk, DeskStatus, Does, Journal, LogJournal, by_hand, work
from dsys_lab.dataflows.verification.gate import Closed, Gate, GateStatus, Promised, SoldOut
from dsys_lab.dataflows.verification.holds import Holds, HoldsStatus
from dsys_lab.dataflows.verification.parties import PARTIES, Party, Stock, parties_on, require_own
from dsys_lab.dataflows.verification.troubles import TROUBLES, Line
from dsys_lab.dataflows.verification.way import PATIENCE, SETTLED, WAY, Call, Saga, Step, answered, failed, next_call

__all__ = [
    "FINDINGS", "MEMORIES", "PARTIES", "PATIENCE", "SETTLED", "TROUBLES", "WAY", "Book", "Books", "Call", "Closed",
    "Desk", "DeskStatus", "Does", "Entry", "Finding", "Gate", "GateStatus", "Holds", "HoldsStatus", "Journal", "Line",
    "LogJournal", "Outcome", "Party", "Promised", "Saga", "SoldOut", "Step", "Stock", "World", "answered", "audit",
    "by_hand", "crashed_everywhere", "failed", "findings", "next_call", "parties_on", "require_own", "work", "world",
]  # fmt: skip
