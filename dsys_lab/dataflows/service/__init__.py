"""One fact, three ways to those who need it: they reach into my table, they ask my service, they read a broker's log.

Each way hides something and leaves something shared. A *shared database* hides nothing: whoever reads my table knows
its columns. A *service* hides them behind a contract, and must be there when it is called. A *broker* hides even
whether I am there, and leaves the bytes of the messages shared. ::

                        schema       address      availability   scale       time
    shared database     shared       shared       shared         shared      hidden (they poll)
    service             hidden       shared       shared         hidden      shared
    broker              the bytes    hidden       hidden         hidden      hidden

In reading order: `shared_database` (no wall at all; imported from there, for a service needs no SQL); `versions`,
`wire`, `compatibility` (what may be changed first, tried on bytes); `answers`, `service`, `caller` (who asks, and who
answers); `acknowledgement` (where a consumer says that it has something). The brokers have rooms of their own.

The room promises
-----------------
1. A reader understands what the writer meant, or says that it does not; where it cannot notice, the matrix does.
2. A call takes effect once under its key, whenever the service crashes and however often it is asked.
3. Each place for an acknowledgement is tried with a crash at every step.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 4, "Modes of dataflow"; Newman, *Building
Microservices*; Hohpe and Woolf, *Enterprise Integration Patterns*.
"""

from dsys_lab.dataflows.service.acknowledgement import (
    LINES,
    PLACES,
    Consumer,
    Kept,
    Outcome,
    crashed_everywhere,
)
from dsys_lab.dataflows.service.answers import (
    DONE,
    FULL,
    IN_PROGRESS,
    OTHER_BODY,
    UNREADABLE,
    Effect,
    Ledger,
    MemoryLedger,
    Reply,
    Request,
)
from dsys_lab.dataflows.service.caller import CALLER, Again, Conversation, Over
from dsys_lab.dataflows.service.compatibility import (
    EDITS,
    NIGHT,
    Compatibility,
    Reading,
    classified,
    compared,
    edit,
    matrix,
    read_across,
)
from dsys_lab.dataflows.service.service import NIGHT_V1, NIGHT_V2, Contract, Service, Status, hours_to_minutes
from dsys_lab.dataflows.service.versions import CannotRead, Field, Version
from dsys_lab.dataflows.service.wire import FORMS, decode, encode

__all__ = [
    "CALLER", "DONE", "EDITS", "FORMS", "FULL", "IN_PROGRESS", "LINES", "NIGHT", "NIGHT_V1", "NIGHT_V2",
    "OTHER_BODY", "PLACES", "UNREADABLE", "Again", "CannotRead", "Compatibility", "Consumer", "Contract",
    "Conversation", "Effect", "Field", "Kept", "Ledger", "MemoryLedger", "Outcome", "Over", "Reading", "Reply",
    "Request", "Service", "Status", "Version", "classified", "compared", "crashed_everywhere", "decode", "edit",
    "encode", "hours_to_minutes", "matrix", "read_across",
]  # fmt: skip
