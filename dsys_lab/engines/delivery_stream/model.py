"""The model on the wall clock: a thread looks after it, and its objects go into a bucket of S3, or a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Self

from dsys_lab.brokers.delivery_stream import Accepted, DeliveryStream, Destination, Entry, Settings, carry
from dsys_lab.structures import VolatileDisk

LOOK_S: Final = 0.02
"""How often the thread looks whether something is due."""


class BufferOnTheClock:
    """A `DeliveryStream` that lives in real time.

    Use it in a `with` block: at its end what is still in the buffer waits for its hourglass, and goes out.

    Parameters
    ----------
    store : Destination
        Where its objects go: `FolderStore(path)`, a bucket of `dsys_lab.engines.aws`, a warehouse, an endpoint.
    backup : Destination, optional
        Where goes what is set aside; without it the same.
    settings : Settings, optional
    given
        For the stream: form, transform, partition_by.

    Examples
    --------
    >>> with BufferOnTheClock(FolderStore(path), Settings(interval_s=1)) as stream:  # doctest: +SKIP
    ...     stream.put(b"fell asleep")
    """

    def __init__(
        self, store: Destination, settings: Settings | None = None, *, backup: Destination | None = None,
        place: str = "pings", **given: Any,
    ) -> None:  # fmt: skip
        self._began_s = time.monotonic()
        self.store, self.backup, self.delivered = store, backup or store, dict[str, bytes]()
        self.stream = DeliveryStream(place, VolatileDisk(), settings, **given)
        self._lock, self._ends, self._number = threading.Lock(), threading.Event(), 0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def put(self, data: bytes) -> None:
        """Take one record."""
        self.put_many([data])

    def put_many(self, records: Sequence[bytes]) -> int:
        """Take up to 500 records; return how many were throttled."""
        with self._lock:
            entries = [Entry(f"r{self._number + one}", data) for one, data in enumerate(records)]
            answers = self.stream.put_many(self._now_us(), entries)
            self._number += len(entries)
            self._deliver()
        return sum(not isinstance(answer, Accepted) for answer in answers)

    def objects(self) -> dict[str, bytes]:
        """Return what was delivered, in order."""
        with self._lock:
            return dict(self.delivered)

    def _now_us(self) -> int:
        return round((time.monotonic() - self._began_s) * 1e6)

    def _look(self) -> None:
        while not (self._ends.wait(LOOK_S) and self.stream.status().oldest_us is None):
            with self._lock:
                self._deliver()

    def _deliver(self) -> None:
        """Put what is due; one that cannot be put is tried again after a pause."""
        for attempt in carry(self.stream, self._now_us(), {"destination": self.store, "backup": self.backup}):
            self.delivered[attempt.key] = attempt.data

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()
