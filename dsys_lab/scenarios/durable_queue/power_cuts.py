"""One story of a durable queue, told again and again, with the power cut before each step of its disk.

A step is a write, a sync, a cut or a removal. A workload of E steps is run E + 1 times, so there is no moment that was
not tried: *exhaustive crash testing*. After each cut the queue is opened again, and what it holds is held against what
it had promised: a clip is promised from when its send was answered until its acknowledgement was.

Sources: as in `dsys_lab.structures.disk`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from dsys_lab.brokers.work_queue import Accepted, Acknowledged, DurableQueue, Settings
from dsys_lab.errors import require_choice
from dsys_lab.scenarios.durable_queue.clips import CLIPS, FSYNC
from dsys_lab.simulation.chance import stream
from dsys_lab.structures import PowerCut, VolatileDisk

NIGHT: Final = "z" * 3_000
"""The body of a clip: long enough that a record may lie in two sectors of the disk, of which one survives."""


class CutAt(NamedTuple):
    """What a power cut before a step of the disk came to.

    Attributes
    ----------
    step : int
        The step of the disk, from 0, before which the power went.
    answered : int
        Verbs that had been answered by then.
    torn_bytes : int
        What of the log ended no whole record, and was cut off.
    lost : int
        Clips that were accepted, not acknowledged, and are gone.
    back : int
        Clips that were acknowledged, and are there again.
    """

    step: int
    answered: int
    torn_bytes: int
    lost: int
    back: int


def power_cuts(*, fsync: str = "every record", clips: int = 4, seed: int = 1) -> list[CutAt]:
    """Run one story with the power cut before each step of the disk, and after the last; say what came of it.

    Each clip is sent; then each is received and acknowledged.
    """
    require_choice("fsync", fsync, tuple(FSYNC))
    whole = VolatileDisk()
    _tell(whole, fsync, clips)
    return [_cut_at(step, fsync, clips, seed) for step in range(whole.steps + 1)]


def _tell(disk: VolatileDisk, fsync: str, clips: int) -> tuple[int, set[str], set[str]]:
    """Tell the story until the power goes; return the verbs answered, the clips promised, and those let go."""
    answered, promised, let_go = 0, set[str](), set[str]()
    try:
        queue = DurableQueue(CLIPS, disk, Settings(visibility_s=30.0), fsync=FSYNC[fsync])
        for number in range(1, clips + 1):
            if isinstance(queue.send(number, f"c{number}", NIGHT), Accepted):
                promised.add(f"c{number}")
                answered += 1
        for number in range(1, clips + 1):
            (delivery,) = queue.receive(clips + number)
            answered += 1
            promised.remove(delivery.message)
            if isinstance(queue.acknowledge(clips + number, delivery.handle), Acknowledged):
                let_go.add(delivery.message)
                answered += 1
    except PowerCut:
        pass
    return answered, promised, let_go


def _cut_at(step: int, fsync: str, clips: int, seed: int) -> CutAt:
    disk = VolatileDisk(power_cut_before=step)
    answered, promised, let_go = _tell(disk, fsync, clips)
    disk.crash(stream(seed, f"power/{step}"))
    queue = DurableQueue(CLIPS, disk)
    kept = {stored[1] for stored in queue.snapshot()["stored"]}
    torn_bytes = queue.log.cut.size_bytes if queue.log.cut else 0
    return CutAt(step, answered, torn_bytes, lost=len(promised - kept), back=len(let_go & kept))
