"""Who does the work, when many could, some crash, and nobody may forget it?

A *durable work queue* lends messages. A worker that receives one gets it for a while, its *visibility timeout*; the
others do not see it. If the worker acknowledges in time, the message is gone for good; if it crashed, or was too slow,
the message shows again and somebody else gets it. So nothing is lost when a worker dies, and the price is that work may
be done twice: *at least once*. The states of a message::

                       receive                acknowledge
    delayed --> visible ------> in flight(handle n) ------> gone
                  ^  |              |                        ^
                  |  |              | timeout, or nack       |
                  +--|--------------+                        | retention: expired, wherever it is
                     |                                       |
                     +--> dead (received too often) ---------+
                            |
                            +--> visible, by redrive

The semantics are those of Amazon SQS, standard, fair and FIFO. `WorkQueue` is pure: time and chance are arguments,
nothing sleeps, so the same object is simulated, tested, benchmarked and run beside the real service. `DurableQueue` has
the same verbs and keeps its word across a loss of power. In reading order:

================  ==================================================================================================
`settings`        what can be set, with the defaults of SQS
`answers`         what it says: a frozen value for each answer to each verb
`lines`           who is next: three policies of order
`shelf`           where every message stands, and what time does by itself
`queue`           the verbs
`durable`         the same verbs on an append-only log
================  ==================================================================================================

The queue promises
------------------
1. An accepted message is lent until somebody acknowledges it, it is too old, or it was received too often.
2. While a message is on loan nobody else receives it; standard and fair queues break this on purpose, by a share of
   `copy_share`, and name the copy.
3. Only the newest handle acknowledges (`handles="newest"`). An old one changes nothing, and the answer says so.
4. FIFO: the messages of a group are lent in the order in which they were sent, one at a time; a message that is sent
   again under the same deduplication id within the window is not stored twice.
5. What leaves without being acknowledged leaves a row that says why.

Cost: O(1) a send, receive and acknowledge while messages are acknowledged in time; O(log n) for one that comes back.

What is otherwise in SQS: a receive may give several messages of one FIFO group in one batch, here one; dead letters are
in a queue of their own, here in a tray of this one that is looked at and redriven; a FIFO queue looks for groups among
its first 120,000 messages only. Left out: request rates (put a `TokenBucket` in front), batches of sends, several
servers (their effects are three settings: `copy_share`, `order_window`, `short_poll_share`), encryption, permissions.

Sources: Amazon SQS Developer Guide and API Reference, read in November 2026; Hohpe and Woolf, *Enterprise Integration
Patterns*, "Competing Consumers", "Dead Letter Channel", "Idempotent Receiver"; Gray, "Queues are databases", 1995;
Helland, "Idempotence is not a medical condition", ACM Queue 2012.
"""

from dsys_lab.brokers.answers import Duplicate, Rejected
from dsys_lab.brokers.work_queue.answers import (
    Accepted,
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Extended,
    Returned,
    Sent,
    Stale,
    Status,
)
from dsys_lab.brokers.work_queue.durable import DurableQueue
from dsys_lab.brokers.work_queue.queue import WorkQueue
from dsys_lab.brokers.work_queue.settings import Settings

__all__ = [
    "Accepted",
    "Acknowledged",
    "Became",
    "DeadLetter",
    "Delivery",
    "Duplicate",
    "DurableQueue",
    "Extended",
    "Rejected",
    "Returned",
    "Sent",
    "Settings",
    "Stale",
    "Status",
    "WorkQueue",
]
