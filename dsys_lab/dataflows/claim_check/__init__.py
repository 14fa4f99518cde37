"""What if a message is too large for its bus?

Let the payload take another way: it is put into an object store, and the message carries the key, as a cloakroom's
ticket stands for a coat. A queue takes a mebibyte at most, and every byte that goes through it delays what stands
behind; the ticket has some hundred bytes, whatever the payload has.

`check` is the room: who sends, who receives, what becomes of the object. `crashes` tries every order of the steps with
a crash at each of them. Both speak to any queue and any object store with our verbs, ours and AWS's alike.

Sources: Hohpe and Woolf, *Enterprise Integration Patterns*, 2003, "Claim Check"; Azure Architecture Center,
"Claim-Check pattern"; Amazon SQS Extended Client Library, README.
"""

from dsys_lab.dataflows.claim_check.check import ClaimCheck, ClaimGone, Queue, Taken, Ticket
from dsys_lab.dataflows.claim_check.crashes import ORDERS, STEPS, Outcome, crashed_everywhere

__all__ = ["ORDERS", "STEPS", "ClaimCheck", "ClaimGone", "Outcome", "Queue", "Taken", "Ticket", "crashed_everywhere"]
