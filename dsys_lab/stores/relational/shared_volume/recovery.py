"""A new writer takes over: it fences the old one, asks a read quorum of every group, and finds where the log ends.

1. *Fence and look.* Segments promise the new epoch and tell what they have (`hear`). With `read` promises a group the
   old writer can find no write quorum any more, and nothing that it ever acknowledged is hidden from the new one.
2. *Cut.* The log ends at the VDL of what was found (`finish`). All above it was never acknowledged; the new epoch's
   history says that it is gone, and a segment that was away cuts it off when it hears of it.
3. *Write the tail again.* What was found may lie on one segment only. The new writer sends it like records of its
   own, and shows nothing of it until a write quorum has it.

No log is replayed into pages before the doors open: segments make pages all the time, with or without a writer. So
the time of a recovery does not depend on how much was written since the last checkpoint; there is no checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational.shared_volume.points import CannotRecover, recovery_point, segment_complete
from dsys_lab.stores.relational.shared_volume.quorum import Quorum
from dsys_lab.stores.relational.shared_volume.record import LogRecord
from dsys_lab.stores.relational.shared_volume.segment import BEGIN, History, Report, valid
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a new writer takes over.

    Attributes
    ----------
    history : History
        What its batches carry.
    vdl : int
    records : tuple of LogRecord
        All up to `vdl`.
    scls : tuple of (group, index, scl)
        How far each segment that has promised is complete, of these records.
    """

    history: History
    vdl: int
    records: tuple[LogRecord, ...]
    scls: tuple[tuple[int, int, int], ...]


class Recovery:
    """One attempt to take over.

    Parameters
    ----------
    epoch : int
        Later than any before; whoever decides on a fail-over gives each number once.
    """

    def __init__(
        self, quorum: Quorum, groups: int, epoch: int, *, place: str = "writer", recorder: Recorder = NO_TRACE
    ) -> None:
        if epoch < 2:
            raise BadParameter(f"epoch = {epoch!r}: the first writer has epoch 1, give a later one")
        self.quorum, self.groups, self.epoch, self.place = quorum, groups, epoch, place
        self._recorder = recorder
        self._reports: list[dict[int, Report]] = [{} for _ in range(groups)]

    def hear(self, report: Report) -> bool:
        """Take a segment's promise; return whether enough have come."""
        if report.epoch == self.epoch:
            self._reports[report.group][report.index] = report
        return self.is_ready

    @property
    def is_ready(self) -> bool:
        """Whether a read quorum of every group has promised."""
        return all(len(reports) >= self.quorum.read for reports in self._reports)

    def finish(self, now_us: int) -> Recovered:
        """Find where the log ends, and cut it there.

        Raises
        ------
        CannotRecover
            If too few segments have promised.
        """
        reports = [report for group in self._reports for report in group.values()]
        history = max((report.history for report in reports), default=BEGIN, key=lambda known: known[-1][0])
        logs = {
            group: [valid(report.records, history) for report in told.values()]
            for group, told in enumerate(self._reports)
        }
        vdl = recovery_point(logs, self.quorum.read)
        found = {record.lsn: record for group in logs.values() for log in group for record in log}
        last = max(found, default=0)
        self._recorder.emit(now_us, "recover", self.place, redo_from=0, redo_to=vdl, found=last, epoch=self.epoch)
        records = tuple(found[lsn] for lsn in range(1, vdl + 1))
        scls = tuple(
            (group, index, segment_complete(r for r in valid(report.records, history) if r.lsn <= vdl))
            for group, told in enumerate(self._reports)
            for index, report in told.items()
        )
        return Recovered((*history, (self.epoch, vdl)), vdl, records, scls)


__all__ = ["CannotRecover", "Recovered", "Recovery"]
