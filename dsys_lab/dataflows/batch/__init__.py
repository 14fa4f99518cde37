r"""How can the same function run over a file and over a stream?

If it can be taken apart. A *monoid* is four small functions: `zero` (nothing seen), `add` (one record more), `merge`
(two states become one) and `finish` (the answer that a reader is shown). A batch job folds a file with them, a stream
job folds record by record, and both must come to the same, because `merge` does not mind where the cut was. ::

    input   | a b b | c a | b d a | ...      files of one period each: what arrived, or what happened, in it
               |       |       |
             state   state   state           fold:  zero, add, add, add
               |       |       |
    finish     3       2       3             a file's answer; adding these up is right for a count, wrong for
               \_______|_______/             "how many different ones" and for sessions that a cut saws through
                     merge
                       |
                     finish                  the answer over everything

The smaller the period, the fresher the answer, and the more is cut. What survives the cut is *carried state*: the state
before `finish`, handed on from file to file. With it a batch job of any period is a stream job that looks rarely.

In reading order: `records`, `monoids`, `poison`, `batch_job`, `stream_job`.

The room promises
-----------------
1. `merge` is associative, and the state of A then B is the merged state of A and B, wherever the input is cut.
2. A batch job that carries its state answers, after its last file, what one fold over everything answers.
3. A stream job over the same records, in whatever order, answers the same (`LAST` by event time, sessions too).
4. No record counts in two files, and every record that is in none is counted as missing.
5. A record that cannot be added changes no state: a file that has one has no answer, a stream job stops at it, skips
   it or parks it, as it was told, and counts which.

Cost: one `add` a record; one `merge` a key and file; a state for each key (of `DISTINCT` a member for each value).

Left out: how long a job takes, which is a matter of the machine that it runs on (`dsys_lab.scenarios.stream_and_batch`,
`dsys_lab.laws.batch_delay_s`); a shuffle between machines; sums of floating point agree but for their last digits.

Sources: Akidau et al., "The Dataflow Model", VLDB 2015, sections 1 and 2; Dean and Ghemawat, "MapReduce", OSDI 2004;
Kreps, "Questioning the Lambda Architecture", 2014; Kleppmann, *Designing Data-Intensive Applications*, ch. 10 and 11.
"""

from dsys_lab.dataflows.batch.batch_job import BatchJob, Part, Run
from dsys_lab.dataflows.batch.monoids import COUNT, DISTINCT, LAST, MAX, MEAN, MIN, MONOIDS, SUM, Monoid, sessions
from dsys_lab.dataflows.batch.poison import PoisonRecord
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.dataflows.batch.stream_job import StreamJob, StreamStatus

__all__ = [
    "COUNT",
    "DISTINCT",
    "LAST",
    "MAX",
    "MEAN",
    "MIN",
    "MONOIDS",
    "SUM",
    "BatchJob",
    "Monoid",
    "Part",
    "PoisonRecord",
    "Record",
    "Run",
    "StreamJob",
    "StreamStatus",
    "sessions",
]
