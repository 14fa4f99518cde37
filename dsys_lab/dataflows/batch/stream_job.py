"""What does a job see that reads one record after another, and never comes to an end?

A state a key, and an answer after every record. Run over a file it is the batch job; run over the past of a log beside
the live job, it mends what a wrong job said (*reprocessing*), as long as the log still has the past.

>>> from dsys_lab.dataflows.batch import COUNT
>>> job = StreamJob(COUNT)
>>> [job.on_record(Record(at, at, "k")) for at in (1, 2, 3)]
[1, 2, 3]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.batch.records import Record


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How much a stream job has seen and keeps.

    Attributes
    ----------
    records, keys : int
    newest_us : int or None
        The latest event time that it has seen.
    """

    records: int
    keys: int
    newest_us: int | None


class StreamJob:
    """Folds record by record, a state a key.

    Parameters
    ----------
    monoid : Monoid
    """

    def __init__(self, monoid: Monoid) -> None:
        self.monoid = monoid
        self.states: dict[str, Any] = {}
        self._records = 0
        self._newest_us: int | None = None

    def on_record(self, record: Record) -> Any:
        """Fold one record; return the answer for its key."""
        monoid, key = self.monoid, record.key
        state = self.states[key] if key in self.states else monoid.zero()
        self.states[key] = state = monoid.add(state, monoid.of(record))
        self._records += 1
        self._newest_us = record.event_us if self._newest_us is None else max(self._newest_us, record.event_us)
        return monoid.finish(state)

    def run(self, records: Iterable[Record]) -> dict[str, Any]:
        """Fold all records; return the answers."""
        for record in records:
            self.on_record(record)
        return self.answers()

    def answers(self) -> dict[str, Any]:
        """Return the answer of each key."""
        return {key: self.monoid.finish(state) for key, state in sorted(self.states.items())}

    def status(self) -> StreamStatus:
        """Return how much it has seen and keeps."""
        return StreamStatus(self._records, len(self.states), self._newest_us)
