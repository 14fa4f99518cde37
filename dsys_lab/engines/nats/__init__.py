"""NATS: messages that are gone unless somebody listens (core), and messages that are kept (JetStream).

One server for a process, started at the first use; `DSYS_LAB_NATS=nats://a,b,c` uses yours instead (`connection`).
`stream` and `subscriber` have the verbs of the model `dsys_lab.brokers.overflow`; `overflow` has whole runs, and says
what is otherwise. `work_queue` has the verbs of the model `dsys_lab.brokers.work_queue`, and
`log_stream` those of `dsys_lab.brokers.log_stream`. `missed` has three ways to miss a message there.

Sources: docs.nats.io, "Core NATS", "JetStream: streams: discard policy", "Slow consumers"; behaviour as measured with
nats-server 2.15.1 and nats-py 2.16.0.
"""

from dsys_lab.engines.nats.connection import Connection, connection
from dsys_lab.engines.nats.event_bus import SubjectBus
from dsys_lab.engines.nats.log_stream import JetStreamLog
from dsys_lab.engines.nats.missed import FallenOff, fallen_off, killed_at_the_seam, unheard
from dsys_lab.engines.nats.overflow import DIFFERENCES, jetstream_overflow, slow_subscriber
from dsys_lab.engines.nats.stream import POLICIES, StreamBuffer
from dsys_lab.engines.nats.subscriber import SlowSubscriber
from dsys_lab.engines.nats.topic import CoreTopic, StreamTopic
from dsys_lab.engines.nats.work_queue import JetStreamQueue

__all__ = [
    "DIFFERENCES",
    "POLICIES",
    "Connection",
    "CoreTopic",
    "FallenOff",
    "JetStreamLog",
    "JetStreamQueue",
    "SlowSubscriber",
    "StreamBuffer",
    "StreamTopic",
    "SubjectBus",
    "connection",
    "fallen_off",
    "jetstream_overflow",
    "killed_at_the_seam",
    "slow_subscriber",
    "unheard",
]
