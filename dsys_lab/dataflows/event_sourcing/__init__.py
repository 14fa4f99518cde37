r"""What happened is the truth; what is the case is worked out from it.

A table keeps what is the case *now*, and writes over what was. Event sourcing keeps what *happened*, one fact after the
other, for ever, and folds it whenever somebody wants to know what is the case: now, or at any moment in between; by
yesterday's rules, or by today's after a mistake was found. ::

    command --decide(state)--> events --append, if nobody was faster--> log (the truth)
                 ^                                                       |
                 '------------- state = fold of evolve <-----------------+----> projections: folds with other eyes
                                 |                                       |
                             checkpoint                                  '----> postman: effects, each once

What it costs: bytes of ten years ago must still be read (`schema`); views lag and are rebuilt (`following`); nothing
can simply be deleted (`forgetting`); and a replay must not post letters (`effects`).

In reading order: `events`, `store`, `deciding`, `handling`, `checkpoints`, `schema`, `following`, `effects`,
`forgetting`; then the example, `night` and `night_views`.

The room promises
-----------------
1. What was acknowledged is in the log after any crash, in versions without gaps; what was not is there wholly or not.
2. Of two who decide on the same version, one is told that it was too late.
3. The same events give the same state, with checkpoints or without, folded at once or in pieces.
4. Bytes of every schema that there ever was are read as events of the newest.
5. A view is rebuilt from the first event and comes to what it would have been; a rebuild has no effect on the world.
6. Each effect is carried out at least once, and a repetition is known by its key, whatever crashes.
7. A person who was forgotten cannot be read any more, neither in the log, of which no byte was changed, nor on the disk
   of a view.
8. Where the log lost what a checkpoint, a view or a postman had of it, or an event in between, they say so.
9. A command that comes again is answered as before; another one under its id is refused.

Left out: decisions over several streams at once (they become a process with its own stream); a global order on several
machines, which wants a sequencer.

Sources: Fowler, "Event Sourcing", 2005; Young, *Versioning in an Event Sourced System*, 2017; Helland, "Immutability
changes everything", CIDR 2015; Overeem, Spoor and Jansen, "The dark side of event sourcing", SANER 2017; Kleppmann,
*Designing Data-Intensive Applications*, ch. 11, "Event Sourcing".
"""

from dsys_lab.dataflows.event_sourcing.checkpoints import Checkpoints, CheckpointsStatus, Saved
from dsys_lab.dataflows.event_sourcing.deciding import Decider
from dsys_lab.dataflows.event_sourcing.effects import Postman, PostmanStatus, key_of
from dsys_lab.dataflows.event_sourcing.events import Commit, Event, Recorded, Written
from dsys_lab.dataflows.event_sourcing.following import EventSource, projection
from dsys_lab.dataflows.event_sourcing.forgetting import FORGOTTEN, KeyRing, KeyRingStatus
from dsys_lab.dataflows.event_sourcing.handling import Answered, Done, Folded, Handler
from dsys_lab.dataflows.event_sourcing.night import (
    NIGHT,
    TYPES,
    Book,
    Cancel,
    Hold,
    Night,
    Open,
    Release,
    Taken,
    decide,
    evolve,
)
from dsys_lab.dataflows.event_sourcing.night_views import FreeBeds, Takings
from dsys_lab.dataflows.event_sourcing.schema import EventType, EventTypes, Seals
from dsys_lab.dataflows.event_sourcing.store import Appended, Conflict, EventLog, EventStore, StoreStatus

__all__ = [
    "FORGOTTEN", "NIGHT", "TYPES", "Answered", "Appended", "Book", "Cancel", "Checkpoints", "CheckpointsStatus",
    "Commit", "Conflict", "Decider", "Done", "Event", "EventLog", "EventSource", "EventStore", "EventType",
    "EventTypes", "Folded", "FreeBeds", "Handler", "Hold", "KeyRing", "KeyRingStatus", "Night", "Open", "Postman",
    "PostmanStatus", "Recorded", "Release", "Saved", "Seals", "StoreStatus", "Taken", "Takings", "Written", "decide",
    "evolve", "key_of", "projection",
]  # fmt: skip
