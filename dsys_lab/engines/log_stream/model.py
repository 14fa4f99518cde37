"""The model, behind the verbs of the engines: on a clock of its own that only `wait` moves.

Every verb takes a microsecond, and waiting for a day takes none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from dsys_lab.brokers.log_stream import Entry, LogStream, Settings, ShardIterator, Stored, Throttled
from dsys_lab.brokers.log_stream.stream import READ_MAX_RECORDS
from dsys_lab.engines.log_stream.verbs import Read, SeenShard, Status
from dsys_lab.engines.work_queue.model import VirtualClock
from dsys_lab.structures import VolatileDisk


class ModelStream:
    """The model `LogStream` with the verbs of the engines.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings, optional
    clock : VirtualClock
        Tells the time; silent by default.

    Examples
    --------
    >>> with ModelStream("nights", Settings(shards=2)) as stream:
    ...     stored = stream.put(Entry("m1", "anna"))
    ...     stream.wait(3_600)
    ...     [record.message for record in stream.read(stream.iterator(stored.shard, "TRIM_HORIZON")).records]
    ['m1']
    """

    def __init__(self, place: str, settings: Settings | None = None, *, clock: VirtualClock | None = None) -> None:
        self.place, self.clock = place, clock or VirtualClock()
        self._stream = LogStream(place, VolatileDisk(), settings, recorder=self.clock.recorder)
        self.settings = self._stream.settings

    def _next_us(self) -> int:
        self.clock.now_us += 1
        return self.clock.now_us

    def put(self, entry: Entry) -> Stored | Throttled:
        """Write one record, and say where it lies."""
        return self._stream.put(self._next_us(), entry)

    def put_many(self, entries: Iterable[Entry]) -> list[Stored | Throttled]:
        """Write up to 500 records; each is stored or throttled for itself."""
        return self._stream.put_many(self._next_us(), entries)

    def iterator(
        self, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None
    ) -> ShardIterator:
        """Return a position on a shard."""
        return self._stream.iterator(self._next_us(), shard, kind, sequence=sequence, at_us=at_us)

    def read(self, iterator: ShardIterator, *, limit: int = READ_MAX_RECORDS) -> Read | Throttled:
        """Return the next records of a shard."""
        page = self._stream.read(self._next_us(), iterator, limit=limit)
        if isinstance(page, Throttled):
            return page
        return Read(page.records, page.next, page.behind_us == 0, page.children)

    def split(self, shard: str) -> tuple[str, str]:
        """Close a shard and open one for each half of its range."""
        return self._stream.split(self._next_us(), shard)

    def merge(self, shard: str, neighbour: str) -> str:
        """Close two neighbours and open one."""
        return self._stream.merge(self._next_us(), shard, neighbour)

    def shards(self) -> list[SeenShard]:
        """Return the shards, oldest first."""
        return [SeenShard(shard.name, shard.keys, shard.parents, shard.is_open) for shard in self._stream.shards()]

    def status(self) -> Status:
        """Return the shards, and what was answered so far."""
        status = self._stream.status()
        return Status(tuple(self.shards()), status.put, status.throttled)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now_us += int(seconds * 1e6)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: there is nothing to remove."""
