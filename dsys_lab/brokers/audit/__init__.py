"""How does anybody notice that a message is missing, and what brings it back?

A message that is missed makes no noise: whoever should have received it does not know that it exists. So something
must say what *ought* to have come, and somebody at the far end must hold that against what has come. Four ways::

    phone --- 1 2 . 4 5 --- 5! --- [12:00 to 12:01: 31 messages, hash 9f2c] ---> reader
              |             |       |                                             |
              numbers       heart   tallies, compared now and then                a ledger of ids, crossed off one by
              in a row      beat                                                  one, each with a deadline

================  ==================================================================================================
`numbers`         `SequenceGap`: numbers in a row for each key; a gap is seen when the next number comes
`heartbeat`       `Heartbeat`: the sender says its last number again and again, so the *tail* is seen as well
`tally`           `Tally`, `differing`, `compare_trees`: counts and hashes of both ends, by stretches of time
`ledger`          `Ledger`: each expected id with a deadline
`repairs`         what is read again: `resend`, `replay`, `patch`, `resume`
================  ==================================================================================================

Everything is pure: time is an argument, and who carries the word from one end to the other is not said.

The detectors promise
---------------------
1. *Sound*: as long as the network keeps to the bound that the detector was given (`reorder`, `grace_s`, `within_s`),
   nothing is called missing that comes after all.
2. *Complete*: what is lost is reported at the latest when the bound allows it: `SequenceGap` when a number more than
   `reorder` above it has come; `Heartbeat` at the grace after the first beat that knows it; `Ledger` at its deadline.
3. What was called missing and comes after all is crossed off, and counted as late: the bound was broken.

What none of them sees: a message that its sender never numbered, counted or expected. Only the last receiver can know
what ought to be there (the end-to-end argument).

Cost: a detector by number keeps two numbers for each key and those within `reorder`; a tally keeps each id until it is
forgotten; a ledger each id that is under way.

Left out: how a detector's own memory survives a crash (it is a table like any other); clocks that disagree about which
stretch of time a message belongs to (it carries its sender's time).

Sources: Saltzer, Reed and Clark, "End-to-end arguments in system design", ACM TOCS 1984; Merkle, "A digital signature
based on a conventional encryption function", CRYPTO 1987; DeCandia et al., "Dynamo", SOSP 2007, section 4.7 (trees of
hashes); Kleppmann, *Designing Data-Intensive Applications*, ch. 12, "The end-to-end argument for databases".
"""

from dsys_lab.brokers.audit.heartbeat import Heartbeat
from dsys_lab.brokers.audit.ledger import Ledger
from dsys_lab.brokers.audit.numbers import Missing, SequenceGap
from dsys_lab.brokers.audit.repairs import Kept, Plan, patch, replay, resend, resume
from dsys_lab.brokers.audit.tally import Comparison, Tally, compare_trees, differing

__all__ = [
    "Comparison",
    "Heartbeat",
    "Kept",
    "Ledger",
    "Missing",
    "Plan",
    "SequenceGap",
    "Tally",
    "compare_trees",
    "differing",
    "patch",
    "replay",
    "resend",
    "resume",
]
