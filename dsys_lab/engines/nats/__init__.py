"""NATS: messages that are gone unless somebody listens (core), and messages that are kept (JetStream).

One server for a process, started at the first use; `DSYS_LAB_NATS=nats://a,b,c` uses yours instead (`connection`).
`overflow` holds it against the model `dsys_lab.brokers.overflow`.

Sources: docs.nats.io, "Core NATS", "JetStream: streams: discard policy", "Slow consumers"; behaviour as measured with
nats-server 2.15.1 and nats-py 2.16.0.
"""

from dsys_lab.engines.nats.connection import Connection, connection
from dsys_lab.engines.nats.overflow import (
    DIFFERENCES,
    POLICIES,
    SlowSubscriber,
    StreamBuffer,
    jetstream_overflow,
    slow_subscriber,
)

__all__ = [
    "DIFFERENCES",
    "POLICIES",
    "Connection",
    "SlowSubscriber",
    "StreamBuffer",
    "connection",
    "jetstream_overflow",
    "slow_subscriber",
]
