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
from dsys_lab.dataflows.batch.poison import PoisonRecord, added
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.errors import require_choice

POISON = ("stop", "skip", "park")


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How much a stream job has seen and keeps.

    Attributes
    ----------
    records, keys : int
    newest_us : int or None
        The latest event time that it has seen.
    skipped : int
        Records that could not be added and were let go.
    """

    records: int
    keys: int
    newest_us: int | None
    skipped: int


class StreamJob:
    """Folds record by record, a state a key.

    Parameters
    ----------
    monoid : Monoid
    poison : str
        What becomes of a record that cannot be added: "stop" raises, and the next call meets it again if it is given
        again; "skip" counts it; "park" keeps it in `parked` for somebody to look at.

    Attributes
    ----------
    states : dict
        By key.
    parked : list of Record
    """

    def __init__(self, monoid: Monoid, *, poison: str = "stop") -> None:
        require_choice("poison", poison, POISON)
        self.monoid, self.poison = monoid, poison
        self.states: dict[str, Any] = {}
        self.parked: list[Record] = []
        self._records = self._skipped = 0
        self._newest_us: int | None = None

    def on_record(self, record: Record) -> Any:
        """Fold one record; return the answer for its key.

        Raises
        ------
        PoisonRecord
            If it cannot be added, and the job is to stop at such a one.
        """
        monoid, key = self.monoid, record.key
        state = self.states[key] if key in self.states else monoid.zero()
        try:
            self.states[key] = state = added(monoid, state, record)
        except PoisonRecord:
            if self.poison == "stop":
                raise
            self._set_aside(record)
            return monoid.finish(state)
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
        return StreamStatus(self._records, len(self.states), self._newest_us, self._skipped)

    def _set_aside(self, record: Record) -> None:
        if self.poison == "park":
            self.parked.append(record)
        else:
            self._skipped += 1
