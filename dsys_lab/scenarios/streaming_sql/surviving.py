"""A query on a machine that loses its power: what is read again, and what is seen twice?

The pings lie in a log that is safe elsewhere. The job reads them as they come, writes a checkpoint every so many, and
its answers go to a sink of the chosen kind. After a crash it reads on from its checkpoint. In the end its rows are held
against those of a job that never crashed.

Sources: the semantics in `dsys_lab.dataflows.streaming_sql.job` and `sinks`.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from dsys_lab.dataflows.streaming_sql import KINDS, Job, sink
from dsys_lab.dataflows.streaming_sql.changes import Row
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.streaming_sql.counts import PER_CITY
from dsys_lab.scenarios.streaming_sql.world import Told, catalog, told
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk

PHONES, LOG, JOB, SINK = "phones", "pings/log", "job", "sink"
KEY: Final = (0, 2)
"""The places of window and city, which make a row of the answer one."""
READ_S: Final = 0.05
"""How long a job that reads again takes for a record."""


class Worker(Machine):
    """The job's machine; what its disk has not synced may be gone after a crash."""

    def __init__(self, simulation: Simulation, rows: list[Told], *, kind: str, every: int) -> None:
        super().__init__(simulation, JOB)
        self.rows, self.kind, self.every, self.device = rows, kind, every, VolatileDisk()
        self.furthest = 0
        self.is_done = False

    def boot(self) -> None:
        """Begin, or begin again from the last checkpoint."""
        self.began_us = self.simulation.now_us
        self.job = _opened(self.device, self.kind, self.every)
        self.spawn(self._read())

    def on_crash(self) -> None:
        """Lose what was not synced."""
        self.device.crash(self.simulation.stream("job/power"))

    def _read(self) -> Body:
        simulation, job = self.simulation, self.job
        for position in range(job.position, len(self.rows)):
            came_us, table, row = self.rows[position]
            yield simulation.sleep(max((came_us - simulation.now_us) / 1e6, READ_S if position < self.furthest else 0))
            now_us, before = simulation.now_us, job.status().checkpoint
            behind_us = now_us - came_us
            simulation.emit("read", JOB, shard=LOG, first=position, count=1, behind_us=behind_us, arrive_us=now_us)
            self.furthest = max(self.furthest, position + 1)
            job.on_record(now_us, position, table, row)
            if job.status().checkpoint > before:
                simulation.emit("commit", JOB, shard=LOG, offset=job.position, group="checkpoint")
            self._show()
        job.finish(simulation.now_us)
        self._show()
        self.is_done = True

    def _show(self) -> None:
        rows = self.job.sink.rows()
        self.simulation.emit("gauge", SINK, name="seen", value=rows.total(), unit="rows")


def _append(sim: Simulation, position: int, city: str) -> None:
    message = f"p{position}"
    sim.emit("publish", PHONES, message, attempt=1, key=city)
    sim.emit("append", LOG, message, shard="log", offset=position, key=city)


def _opened(disk: VolatileDisk, kind: str, every: int) -> Job:
    goes_to = sink(kind, PartOfDisk(disk, "sink."), KEY)
    return Job(catalog().query(PER_CITY), PartOfDisk(disk, "job."), goes_to, every=every)


def _never_crashed(rows: list[Told]) -> dict[Row, int]:
    job = _opened(VolatileDisk(), "two-phase", len(rows) + 1)
    for position, (came_us, table, row) in enumerate(rows):
        job.on_record(came_us, position, table, row)
    job.finish(rows[-1].came_us if rows else 0)
    return dict(job.sink.rows())


@scenario("{kind} sink, a checkpoint every {every} pings")
def surviving(
    sim: Simulation, *, kind: str = "two-phase", every: int = 40, rate: float = 2.0, seconds: float = 60.0
) -> Claims:
    """Pings come at random, `rate` a second, and are counted per city in windows of ten seconds.

    Crash "job" by a fault to see it come back. The check at the end holds for the two-phase and the upsert sink.
    """
    require_choice("kind", kind, KINDS)
    require_positive(every=every)
    if rate * seconds > 2_000:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most 2,000 pings")
    rows = [one for one in told(sim.seed, rate=rate, seconds=seconds) if one.table == "pings"]
    for position, ping in enumerate(rows):
        sim.after(ping.came_us / 1e6, partial(_append, sim, position, str(ping.row[0])))
    worker = Worker(sim, rows, kind=kind, every=every)
    while not worker.is_done:
        sim.run(sim.now_s + 1)
    expected, found = _never_crashed(rows), dict(worker.job.sink.rows())
    counted = {"expected": sum(expected.values()), "got": sum(found.values())}
    sim.emit("check", SINK, name="as without a crash", ok=found == expected, **counted)
    again_us = worker.began_us + round(3 * READ_S * 1e6) if worker.began_us else None
    return Claims({"checks hold": {}}, poster_us=again_us)
