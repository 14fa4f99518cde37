"""A whole run: the same orders to the model, to JetStream and to Kinesis.

Nothing is left to chance and nobody hurries. So what each of the three does can be compared row for row, with only the
times and the numbers of the records taken off; and where they differ, the difference is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.brokers.log_stream import Entry, Settings, Stored, Throttled
from dsys_lab.brokers.log_stream.settings import PUT_MANY_RECORDS
from dsys_lab.engines.log_stream.model import ModelStream
from dsys_lab.engines.log_stream.verbs import EngineStream, SeenShard
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import Refused, require_choice, require_positive
from dsys_lab.trace import Header, Trace

PLACE: Final = "nights"
PAGE: Final = 7
"""Records a read, so that a shard takes several."""


def model(settings: Settings) -> tuple[EngineStream, str]:
    """Return the model, and what its header says."""
    return ModelStream(PLACE, settings), "model"


def jetstream(settings: Settings) -> tuple[EngineStream, str]:
    """Return a stream of JetStream, and the server's name and version."""
    from dsys_lab.engines.nats.connection import connection
    from dsys_lab.engines.nats.log_stream import JetStreamLog

    return JetStreamLog(PLACE, settings), connection().engine


def kinesis(settings: Settings) -> tuple[EngineStream, str]:
    """Return a stream of Kinesis, and who plays it."""
    from dsys_lab.engines.aws.connection import connection
    from dsys_lab.engines.aws.log_stream import KinesisStream

    return KinesisStream(PLACE, settings), connection().engine


STREAMS: Final[dict[str, Callable[[Settings], tuple[EngineStream, str]]]] = {
    "model": model,
    "jetstream": jetstream,
    "kinesis": kinesis,
}
"""The three, by the name that a run takes."""


def read_twice(engine: str = "model", *, records: int = 40, keys: int = 5, shards: int = 2) -> Trace:
    """One puts, two read: the first follows from the start, the second comes when all is there, and finds the same.

    Parameters
    ----------
    engine : str
        "model", "jetstream" or "kinesis".
    records : int
        m1, m2 and so on, of `keys` keys in turn.

    Raises
    ------
    Refused
        If a record is turned away, as a real account may.
    """
    require_choice("engine", engine, tuple(STREAMS))
    require_positive(records=records, keys=keys, shards=shards)
    trace = Trace()
    clock = WallClock(trace)
    stream, name = STREAMS[engine](Settings(shards=shards, limits=None))
    with stream:
        for number in range(1, records + 1):
            _put(stream, clock, Entry(f"m{number}", f"sleeper-{number % keys}", b"turned over"))
        for reader in ("billing", "science"):
            for number, shard in enumerate(stream.shards()):
                _read_all(stream, clock, reader, shard, f"shard-{number:03d}")
    trace.header = Header(
        scenario="read_twice",
        engine=name,
        params={"engine": engine, "records": records, "keys": keys, "shards": shards},
        title=name,
        invariants={"at least once": {}},
        end_us=clock.now_us,
    )
    return trace


def _put(stream: EngineStream, clock: WallClock, entry: Entry) -> None:
    clock.emit("publish", "phone", entry.message, attempt=1, key=entry.key)
    answer = stream.put(entry)
    if not isinstance(answer, Stored):
        raise Refused(f"{entry.message} was turned away by {answer.shard or 'its shard'}: run again, and slower")
    place = f"shard-{[shard.name for shard in stream.shards()].index(answer.shard):03d}"
    clock.emit(
        "append", f"{PLACE}/{place}", entry.message, shard=place, offset=answer.sequence, key=entry.key, copy=0
    )
    clock.emit("publish_ok", "phone", entry.message, attempt=1)


def _read_all(stream: EngineStream, clock: WallClock, reader: str, shard: SeenShard, place: str) -> None:
    iterator, is_at_tip = stream.iterator(shard.name, "TRIM_HORIZON"), False
    while not is_at_tip:
        read = stream.read(iterator, limit=PAGE)
        if isinstance(read, Throttled):
            stream.wait(1)
            continue
        iterator, is_at_tip = read.next, read.is_at_tip
        if read.records:
            clock.emit(
                "read", reader, shard=f"{PLACE}/{place}", first=read.records[0].sequence, count=len(read.records),
                behind_us=0, arrive_us=clock.now_us,
            )  # fmt: skip
        for record in read.records:
            clock.emit("effect", reader, record.message, key=record.key, copy=record.copy)


def crowd(engine: str = "model", *, records: int = 1_500) -> dict[str, int]:
    """Put so many records at once into one shard that has its limits, and return how many were stored and refused."""
    require_choice("engine", engine, tuple(STREAMS))
    require_positive(records=records)
    stream, _ = STREAMS[engine](Settings(limits=None) if engine == "jetstream" else Settings())  # it has no limits
    with stream:
        for first in range(0, records, PUT_MANY_RECORDS):
            count = min(PUT_MANY_RECORDS, records - first)
            stream.put_many([Entry(f"m{first + number}", "anna") for number in range(count)])
        status = stream.status()
    return {"stored": status.put, "turned away": status.throttled}
