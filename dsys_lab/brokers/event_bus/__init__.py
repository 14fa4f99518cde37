"""Which events concern whom, when the senders do not know, and the shapes do not fit?

A *bus* has many senders and many receivers, and lets neither know the other. An **event** says what happened, in an
envelope that all events share. A **rule** is a pattern over what the event says, and the **targets** that are to have
what it picks; for each target the event may be given another shape::

                      +-- pattern --> rule 1 --> target a: whole ---> attempt ---------------> delivered
    put --> bus ------+-- pattern --> rule 1 --> target b: shaped --> attempt, fails, again -> delivered
       (some may      +-- pattern: passed by                             `-- given up: dead letter, or dropped
        fail alone)   `-- archive --> replay, to some rules or all

A topic (lab 15) is told by its publisher where a message belongs; a bus looks into the event and finds out. That is the
price as well: the pattern and the event must agree on the names of fields, and nobody is told if they do not.

The semantics are those of Amazon EventBridge's classic bus. `EventBus` is pure: it says which attempts are due, and is
told how they went. In reading order:

================  ==================================================================================================
`events`          an event in its envelope, and the entry that becomes one or fails
`shapes`          what a target is given: the whole, a part, a constant, a filled template
`retry`           how long a target is tried, and why no longer
`rules`           a pattern and up to five targets
`matching`        which rules pick an event: by a loop over all, or by an index
`archive`         what is kept of the past, and in which order it comes again
`answers`         what the bus says: a frozen value for each answer
`seats`           what the bus remembers; how a copy is tried and tried again is `dsys_lab.brokers.outbox`
`bus`             the verbs
================  ==================================================================================================

The bus promises
----------------
1. An event goes to exactly the targets of the rules that pick it when it is put; an index finds those that a loop does.
2. Each entry of a put is taken or fails for itself; a put of too many or too large ones changes nothing.
3. Each copy is delivered, is on its way, waits for its next attempt, or has left a row that says why it is no more. A
   dead letter says how often it was tried and which limit ended it.
4. What happens to one target's copies changes nothing for the others.
5. An archive has every event that its pattern picks, since it was made, until its days are over. A replay hands on only
   what the archive has of that time, marked with the replay's name, to the chosen rules, and archives nothing.
6. It is *at least once* and in no order: a target that took an event whose answer was lost is tried again.

Cost: a put asks the patterns that the index finds, and costs O(log n) for each copy; a copy is shaped when it is tried.

Left out: what carries an attempt to its target (the simulation, the notebook or a test does); rights, encryption, rates
and quotas; buses in other accounts and regions; schedules and pipes; the variables that the service defines for
templates; the bus of autumn 2026, which keeps events and gives each subscriber a position in them (that is a log with
filters, lab 17), but for its retry.

Sources: Amazon EventBridge User Guide and the service models of both buses in botocore 1.44.5, read in November 2026;
Hohpe and Woolf, *Enterprise Integration Patterns*, "Content-Based Router", "Message Translator", "Canonical Data
Model", "Wire Tap", "Dead Letter Channel".
"""

from dsys_lab.brokers.event_bus.answers import Attempt, Failed, Status, Taken
from dsys_lab.brokers.event_bus.archive import Archive
from dsys_lab.brokers.event_bus.bus import EventBus
from dsys_lab.brokers.event_bus.events import Entry, Event
from dsys_lab.brokers.event_bus.matching import Index, Loop, Matcher
from dsys_lab.brokers.event_bus.retry import CLASSIC, NEWER, NEWER_TUNED, Retry
from dsys_lab.brokers.event_bus.rules import CATCH_ALL, Rule, Target
from dsys_lab.brokers.event_bus.shapes import Constant, Part, Shape, Transformer, Whole
from dsys_lab.brokers.outbox import Books, DeadLetter

__all__ = [
    "CATCH_ALL",
    "CLASSIC",
    "NEWER",
    "NEWER_TUNED",
    "Archive",
    "Attempt",
    "Books",
    "Constant",
    "DeadLetter",
    "Entry",
    "Event",
    "EventBus",
    "Failed",
    "Index",
    "Loop",
    "Matcher",
    "Part",
    "Retry",
    "Rule",
    "Shape",
    "Status",
    "Taken",
    "Target",
    "Transformer",
    "Whole",
]
