"""The stream job of `dsys_lab.dataflows.batch` over a stream of JetStream: the very same object folds.

The records are published to a stream; a reader takes them in pages, folds each, and may ask the server how many are
still to come. When it reads again from the first one, it comes to the same: the log is still there.

Sources: docs.nats.io, "JetStream: consumers"; behaviour as measured with nats-server 2.15.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dsys_lab.brokers.log_stream import Entry, Settings
from dsys_lab.dataflows.batch import Monoid, Record, StreamJob
from dsys_lab.engines.log_stream.verbs import Read
from dsys_lab.engines.nats.log_stream import JetStreamLog
from dsys_lab.errors import Refused, require_positive

PAGE = 50
"""Records that are read at once."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What came of a fold over a stream of JetStream.

    Attributes
    ----------
    answers : dict
        By key, when all was read.
    again : dict
        The same, of a second job that read the stream from its first record.
    pending : list of int
        After each page of the first: records that were put and not yet read.
    """

    answers: dict[str, Any]
    again: dict[str, Any]
    pending: list[int]


def through_jetstream(monoid: Monoid, records: Iterable[Record], *, page: int = PAGE) -> Folded:
    """Publish all records, and fold them with `monoid` as they are read; twice."""
    require_positive(page=page)
    given = list(records)
    with JetStreamLog("pings", Settings(shards=1, limits=None)) as log:
        log.put_many([Entry(f"r{number}", record.key, _packed(record)) for number, record in enumerate(given)])
        (first, pending), (second, _) = (_folded(log, monoid, len(given), page) for _ in range(2))
    return Folded(first.answers(), second.answers(), pending)


def _folded(log: JetStreamLog, monoid: Monoid, put: int, page: int) -> tuple[StreamJob, list[int]]:
    job, pending, is_at_tip = StreamJob(monoid), list[int](), False
    position = log.iterator(log.shards()[0].name, "TRIM_HORIZON")
    while not is_at_tip:
        read = log.read(position, limit=page)
        if not isinstance(read, Read):
            raise Refused("JetStream turned a read away: it has no limits, so run again")
        job.run(_unpacked(one.data) for one in read.records)
        position, is_at_tip = read.next, read.is_at_tip
        pending.append(put - job.status().records)
    return job, pending


def _packed(record: Record) -> bytes:
    return json.dumps(record).encode()


def _unpacked(data: bytes) -> Record:
    return Record(*json.loads(data))
