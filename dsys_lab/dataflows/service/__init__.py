"""One fact, three ways to those who need it: they reach into my table, they ask my service, they read a broker's log.

Each way hides something and leaves something shared. A *shared database* hides nothing: whoever reads my table knows
its columns. A *service* hides them behind a contract, and must be there when it is called. A *broker* hides even
whether I am there, and leaves the bytes of the messages shared. ::

                        schema       address      availability   scale       time
    shared database     shared       shared       shared         shared      hidden (they poll)
    service             hidden       shared       shared         hidden      shared
    broker              the bytes    hidden       hidden         hidden      hidden

In reading order: `versions`, `wire`, `compatibility` (what may be changed first, tried on bytes).

The room promises
-----------------
1. A reader understands what the writer meant, or says that it does not; where it cannot notice, the matrix does.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 4, "Modes of dataflow"; Newman, *Building
Microservices*; Hohpe and Woolf, *Enterprise Integration Patterns*.
"""

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
from dsys_lab.dataflows.service.versions import CannotRead, Field, Version
from dsys_lab.dataflows.service.wire import FORMS, decode, encode

__all__ = [
    "EDITS", "FORMS", "NIGHT", "CannotRead", "Compatibility", "Field", "Reading", "Version", "classified", "compared",
    "decode", "edit", "encode", "matrix", "read_across",
]  # fmt: skip
