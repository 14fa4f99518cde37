"""How do many read the same, each at its own pace, and none too late to begin from the start?

By leaving things where they are. A *log stream* is a number of append-only files, its *shards*. Who writes appends;
who reads holds a position and moves it; nothing goes because somebody has read it, only because it is too old::

    shard-000  | 0 1 2 3 4 5 6 7 8 |        put by key: hash(key) -> shard, at its end
               |     ^       ^   ^ |
               |  replay  slow  live        each reader's position is its own
               v
        gone at the retention       split |==> shard-001 | 9 10 ...     the parent first,
                                          |==> shard-002 | 9 10 ...     then its children

That is the difference from a work queue: a queue lends a message to one worker and forgets it; a log hands every record
to everybody, in order, as often as they ask. Its price is that order and speed are tied to the shard: one reader of a
group works on a shard at a time, a slow record holds up those behind it, and a hot key stays where it is.

The semantics are those of Amazon Kinesis Data Streams, provisioned mode. Everything is sans-I/O but for the disk: time
and chance are arguments. In reading order:

================  ==================================================================================================
`key_ranges`      on which shard a key lies
`admission`       how much may pass a shard in a second
`on_demand`       how much may pass a stream whose capacity follows what came
`settings`        what can be set, and what is put
`answers`         what a stream says
`shard_log`       the records of one shard, on segment files
`shard_map`       which shards there are, durable as a whole at every change
`shards`          what a split does, and what time does
`stream`          the verbs
`fan_out`         pushing, with bandwidth for each reader
`leases`          who works on which shard: a table with conditional writes
`assignment`      which shard a worker takes next: parents first, an even share
`consumer`        what a worker does, turn by turn
================  ==================================================================================================

The stream promises
-------------------
1. What is durable is there until it is too old, whenever the power goes, under the same number on the same shard; what
   was put and not yet durable is there or not, and the earlier one is if the later one is.
2. Nobody reads what a crash could still take.
3. The records of a key have rising numbers in the order in which they were put, across splits and merges too.
4. The open shards tile all keys at every moment: a split or merge is done wholly, or never was.
5. A read changes nothing: what one reader sees, and when, depends on the others only through the shard's limits.
6. What a reader missed because it was too old is counted in its answer.

Not promised: that a record is there once. A producer that gets no answer and puts again has put it twice.

Cost: 38 bytes a record beside its message, key and data (24 of them the log's frame), and one sync a shard and call; in
memory some 350 bytes a record, for the index.

What is otherwise in Kinesis: numbers are of some 56 digits and have gaps; times of arrival need not be ordered; a split
takes a while, in which the stream is UPDATING. Left out: encryption, tags, limits of the calls that
change shards, three copies in three zones.

Sources: Amazon Kinesis service model in botocore 1.44.5 and Data Streams Developer Guide, read in November 2026; Kreps,
"The log: what every software engineer should know about real-time data's unifying abstraction", 2013; Kreps, Narkhede
and Rao, "Kafka: a distributed messaging system for log processing", NetDB 2011; Kleppmann, *Designing Data-Intensive
Applications*, ch. 11, "Partitioned logs".
"""

from dsys_lab.brokers.log_stream.admission import Gate, Limits
from dsys_lab.brokers.log_stream.answers import Page, Record, ShardIterator, ShardStatus, Status, Stored, Throttled
from dsys_lab.brokers.log_stream.consumer import Consumer, Step, WorkerStatus, finish
from dsys_lab.brokers.log_stream.fan_out import FanOut, Push
from dsys_lab.brokers.log_stream.key_ranges import HASHES, KeyRange, even_ranges, hash_of
from dsys_lab.brokers.log_stream.leases import Lease, LeaseTable
from dsys_lab.brokers.log_stream.on_demand import OnDemand
from dsys_lab.brokers.log_stream.settings import Entry, Settings
from dsys_lab.brokers.log_stream.stream import LogStream

__all__ = [
    "HASHES",
    "Consumer",
    "Entry",
    "FanOut",
    "Gate",
    "KeyRange",
    "Lease",
    "LeaseTable",
    "Limits",
    "LogStream",
    "OnDemand",
    "Page",
    "Push",
    "Record",
    "Settings",
    "ShardIterator",
    "ShardStatus",
    "Status",
    "Step",
    "Stored",
    "Throttled",
    "WorkerStatus",
    "even_ranges",
    "finish",
    "hash_of",
]
