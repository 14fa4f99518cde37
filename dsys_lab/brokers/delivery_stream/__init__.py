"""How do millions of small records become a few large files, and who holds them while the destination is down?

Somebody must wait. A *delivery stream* takes records one by one, makes each durable, and lets them fill a buffer; the
buffer is sealed when it is large enough or old enough, whichever comes first, and goes out as one *crate*::

    put ──> |  durable log  | ──> buffer ── size or time ──> transform ──> crate ──> destination
             each record,          a glass and                 | dropped on purpose     | down: held, tried again
             before its answer     an hourglass                v                        v for 24 hours
                                                        processing-failed/        expired, or a backup after a while

From rate r, size B and interval T follows all the rest: a crate every min(T, B/r), of min(B, rT) bytes. A longer
interval makes fewer and larger files, and older data.

The semantics are those of Amazon Data Firehose (Kinesis Data Firehose until February 2024) with records put directly.
Everything is sans-I/O but for the disk: time, the destination, the transform and the format are arguments. In reading
order:

================  ==================================================================================================
`settings`        what can be set: hints, limits, how long to hold and to try
`answers`         what a stream says
`transforms`      what becomes of each record: fine, dropped on purpose, failed
`formats`         how records become the bytes of one object
`sealing`         what a sealed buffer becomes
`crates`          buffers and crates, and the names of their objects
`journal`         what is written down before it is promised
`ledger`          which records wait where, as the journal says it
`stream`          the verbs
`destinations`    where crates go, and how the stream hears whether one arrived
`endpoint`        a destination that is called, over HTTP
================  ==================================================================================================

The stream promises
-------------------
1. What was accepted is durable, and is delivered, set aside under a prefix that says why, dropped by the transform, or
   expired and counted, whenever the power goes. Nothing else can happen to it.
2. Every accepted record lies in one crate, in the order of its partition; a crate is smaller than `size_bytes` and one
   record, and nothing waits in a buffer for longer than `interval_s`.
3. Who is tried again gets the same records. A destination that is down, raises, or whose answer is lost changes nothing
   but how long a crate is held: `status` says how much, and since when. After a crash a crate whose delivery was not
   written down goes out again: a second object with `names="attempt"`, the same one with `names="crate"`. Its `retry_s`
   begins anew.
4. What fails in the transform goes out as it came, with the reason, and holds up nobody else.

Not promised: that a record is delivered once. A producer that had no answer puts again; a destination that took a crate
and could not say so takes it twice.

Cost: 40 bytes a record beside its message and data in the log, one sync a call; some 300 bytes of memory a record that
is held, and its data only while its crate is made.

What is otherwise in Firehose: hints are hints, and the service may choose others; a transform is a Lambda function with
a buffer of its own before the destination's; Amazon S3 is tried for 24 hours and other destinations for a set time, at
pauses that are not published (here: `pause_s`). Left out: the copy of all source records, decompression, Splunk's
acknowledgements, limits of calls a second.

Sources: Amazon Data Firehose service model in botocore 1.44.5 (PutRecord, PutRecordBatch, BufferingHints,
HttpEndpointRetryOptions) and Developer Guide ("Understand data delivery", "Transform source data", "Handle failure in
data transformation", "Understand partitioning keys"), read in November 2026.
"""

from dsys_lab.brokers.delivery_stream.answers import Accepted, Attempt, Status, Throttled
from dsys_lab.brokers.delivery_stream.destinations import Destination, carry
from dsys_lab.brokers.delivery_stream.endpoint import Endpoint, RequestBody, records_of
from dsys_lab.brokers.delivery_stream.formats import AS_THEY_ARE, Format, Lines
from dsys_lab.brokers.delivery_stream.settings import Entry, Limits, Settings
from dsys_lab.brokers.delivery_stream.stream import DeliveryStream
from dsys_lab.brokers.delivery_stream.transforms import Dropped, Failed, Given, Ok, Transform

__all__ = [
    "AS_THEY_ARE",
    "Accepted",
    "Attempt",
    "DeliveryStream",
    "Destination",
    "Dropped",
    "Endpoint",
    "Entry",
    "Failed",
    "Format",
    "Given",
    "Limits",
    "Lines",
    "Ok",
    "RequestBody",
    "Settings",
    "Status",
    "Throttled",
    "Transform",
    "carry",
    "records_of",
]
