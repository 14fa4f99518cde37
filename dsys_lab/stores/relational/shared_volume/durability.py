"""The writer's book of answers: which record is durable, and up to where the whole volume is.

Records wait here in the order of their lsn. Each answer raises the SCL of one segment; when the PGCL of its group
grows, records leave from the front, and the last consistency point among those that left is the VDL. So it costs
O(copies) an answer and O(1) a record, and a record that is durable early waits for those before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from dsys_lab.stores.relational.shared_volume.points import group_complete
from dsys_lab.stores.relational.shared_volume.quorum import Quorum
from dsys_lab.stores.relational.shared_volume.record import LogRecord


class Durability:
    """What is durable, as far as answers have come.

    Attributes
    ----------
    vcl, vdl : int
        They never run back.
    """

    def __init__(self, quorum: Quorum, groups: int) -> None:
        self.quorum = quorum
        self.vcl = self.vdl = 0
        self._scls = [[0] * quorum.copies for _ in range(groups)]
        self._pgcls = [0] * groups
        self._waiting: deque[LogRecord] = deque()

    def sent(self, records: Iterable[LogRecord]) -> None:
        """Remember records that were sent, in the order of their lsn."""
        self._waiting.extend(records)

    def heard(self, group: int, index: int, scl: int) -> bool:
        """Take a segment's word; return whether the VDL has grown. A word overtaken on its way changes nothing."""
        scls = self._scls[group]
        if scl <= scls[index]:
            return False
        scls[index] = scl
        self._pgcls[group] = group_complete(scls, self.quorum.write)
        before = self.vdl
        while self._waiting and self._waiting[0].lsn <= self._pgcls[self._waiting[0].group]:
            record = self._waiting.popleft()
            self.vcl = record.lsn
            if record.is_consistency_point:
                self.vdl = record.lsn
        return self.vdl > before

    def forget(self, index: int) -> None:
        """Count the words of a segment no more, in any group: its disk is lost. What was durable by then stays so."""
        for scls in self._scls:
            scls[index] = 0

    def scl(self, group: int, index: int) -> int:
        """Return how far a segment is known to be complete."""
        return self._scls[group][index]

    def pgcl(self, group: int) -> int:
        """Return how far a write quorum of the group is complete."""
        return self._pgcls[group]

    @property
    def waiting(self) -> int:
        """How many records are not durable yet."""
        return len(self._waiting)
