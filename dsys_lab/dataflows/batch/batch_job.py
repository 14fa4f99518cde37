"""What does a job see that reads one file after another?

Each file holds the records of one period. Two ways to cut: by *arrival*, a file of whatever came while it was open; or
by *event*, a file of what happened in the period, closed `grace` after its end, without what comes later than that.
A job without carried state begins every file with nothing; one with carried state begins with what the last one left.

>>> from dsys_lab.dataflows.batch import DISTINCT
>>> records = [Record(0, 0, "k", "a"), Record(9, 9, "k", "b"), Record(12, 12, "k", "b")]
>>> run = BatchJob(DISTINCT, period_us=10).run(records)
>>> run.again("k"), run.merged("k")
(3, 2)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.batch.poison import added
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.trace import NO_TRACE, Recorder

CUTS = ("arrival", "event")


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one file.

    Attributes
    ----------
    start_us, end_us : int
        Its period: from, and up to but not with.
    ready_us : int
        When it was closed.
    records : int
    states : dict
        By key: the state of the file alone.
    answers : dict
        By key: what the job says after this file.
    """

    start_us: int
    end_us: int
    ready_us: int
    records: int
    states: dict[str, Any]
    answers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """All files of a job.

    Attributes
    ----------
    parts : list of Part
    missing : int
        Records that came too late for their file.
    """

    monoid: Monoid
    parts: list[Part]
    missing: int

    @property
    def keys(self) -> list[str]:
        """All keys, in order."""
        return sorted({key for part in self.parts for key in part.states})

    def again(self, key: str) -> Any:
        """Return what somebody takes for the answer who has only the answers of files, each by itself."""
        return self.monoid.again([self.monoid.finish(part.states[key]) for part in self.parts if key in part.states])

    def merged(self, key: str) -> Any:
        """Return the answer from the merged states of all files."""
        state = self.monoid.zero()
        for part in self.parts:
            state = self.monoid.merge(state, part.states[key]) if key in part.states else state
        return self.monoid.finish(state)


class BatchJob:
    """Reads a file a period, and folds it.

    Parameters
    ----------
    monoid : Monoid
    period_us : int
        How long a file is open.
    grace_us : int
        How long a file of events waits after its period for those that are late.
    cut : str
        "arrival" or "event".
    carries : bool
        Whether a file begins with the state that the one before it left.
    recorder : Recorder
        Told `flush` for each file and `late` for each record that is missing.
    """

    def __init__(
        self,
        monoid: Monoid,
        *,
        period_us: int,
        grace_us: int = 0,
        cut: str = "arrival",
        carries: bool = False,
        place: str = "batch",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        require_positive(period_us=period_us)
        require_not_negative(grace_us=grace_us)
        require_choice("cut", cut, CUTS)
        self.monoid, self.period_us, self.grace_us, self.cut, self.carries = monoid, period_us, grace_us, cut, carries
        self.place, self.recorder = place, recorder

    def run(self, records: Iterable[Record]) -> Run:
        """Fold all records, which come in the order of their arrival; a period without any has no file.

        Raises
        ------
        PoisonRecord
            If one cannot be added: a file has an answer for all of it, or none.
        """
        files: dict[int, list[Record]] = {}
        late: list[tuple[int, Record]] = []
        for record in records:
            moment_us = record.arrived_us if self.cut == "arrival" else record.event_us
            number = moment_us // self.period_us
            by_us = record.arrived_us - self.closes_us(number)
            if self.cut == "event" and by_us > 0:
                late.append((by_us, record))
            else:
                files.setdefault(number, []).append(record)
        self._tell(files, late)
        return Run(self.monoid, list(self._parts(files)), len(late))

    def closes_us(self, number: int) -> int:
        """Return when file `number` is closed."""
        return (number + 1) * self.period_us + (self.grace_us if self.cut == "event" else 0)

    def _parts(self, files: dict[int, list[Record]]) -> Iterator[Part]:
        monoid, carried = self.monoid, dict[str, Any]()
        for number, file in sorted(files.items()):
            states: dict[str, Any] = {}
            for record in file:
                state = states[record.key] if record.key in states else monoid.zero()
                states[record.key] = added(monoid, state, record)
            for key, state in states.items() if self.carries else ():
                carried[key] = monoid.merge(carried[key], state) if key in carried else state
            shown = carried if self.carries else states
            answers = {key: monoid.finish(state) for key, state in sorted(shown.items())}
            start_us = number * self.period_us
            end_us = start_us + self.period_us
            yield Part(start_us, end_us, self.closes_us(number), len(file), states, answers)

    def _tell(self, files: dict[int, list[Record]], late: list[tuple[int, Record]]) -> None:
        rows: list[tuple[int, str, str | None, dict[str, Any]]] = [
            (record.arrived_us, "late", record.message or None, {"by_us": by_us, "action": "drop"})
            for by_us, record in late
        ]
        for number, file in files.items():
            at_us, count = self.closes_us(number), len(file)
            flushed = {"count": count, "size_bytes": 0, "by": "time", "to": f"{self.place}/file-{number}"}
            rows.append((at_us, "flush", None, {**flushed, "arrive_us": at_us}))
        for time_us, kind, message, fields in sorted(rows, key=lambda row: row[0]):
            self.recorder.emit(time_us, kind, self.place, message, **fields)
