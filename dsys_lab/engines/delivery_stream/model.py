"""The model on the wall clock: a thread looks after it, and its objects go into a bucket of S3, or a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, Self

from dsys_lab.brokers.delivery_stream import Accepted, DeliveryStream, Entry, Settings
from dsys_lab.errors import DsysLabError
from dsys_lab.structures import VolatileDisk

LOOK_S: Final = 0.02
"""How often the thread looks whether something is due."""


class Store(Protocol):
    """Where objects go."""

    def put(self, key: str, data: bytes) -> Any:
        """Let a key have these bytes."""


class Folder:
    """A folder of files as a bucket."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, key: str, data: bytes) -> None:
        """Write a file beside its place, then move it there: nobody sees half of it."""
        whole = self.path / key
        whole.parent.mkdir(parents=True, exist_ok=True)
        part = whole.with_name(f".{whole.name}.part")
        part.write_bytes(data)
        part.replace(whole)


class BufferOnTheClock:
    """A `DeliveryStream` that lives in real time.

    Use it in a `with` block: at its end what is still in the buffer waits for its hourglass, and goes out.

    Parameters
    ----------
    store : Store
        Where its objects go: `Folder(path)`, or a bucket of `dsys_lab.engines.aws`.
    settings : Settings, optional
    given
        For the stream: form, transform, partition_by.

    Examples
    --------
    >>> with BufferOnTheClock(Folder(path), Settings(interval_s=1)) as stream:  # doctest: +SKIP
    ...     stream.put(b"fell asleep")
    """

    def __init__(self, store: Store, settings: Settings | None = None, *, place: str = "pings", **given: Any) -> None:
        self._began_s = time.monotonic()
        self.store, self.delivered = store, dict[str, bytes]()
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
        for attempt in self.stream.attempts(self._now_us()):
            try:
                self.store.put(attempt.key, attempt.data)
            except (DsysLabError, OSError) as error:
                self.stream.failed(self._now_us(), attempt.number, str(error))
            else:
                self.delivered[attempt.key] = attempt.data
                self.stream.delivered(self._now_us(), attempt.number)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()
