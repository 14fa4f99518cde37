"""A machine that works on pings: file by file, each after its period is over, or ping by ping.

`batch`: a run takes `setup_s` and `per_record_s` for each ping of its file; the next file waits until it is over.
`stream`: each ping takes `per_record_s` alone, when it comes.

Sources: the semantics in `dsys_lab.dataflows.batch`; the laws in `dsys_lab.laws.streams`.
"""

from __future__ import annotations

from typing import Final

from dsys_lab import laws
from dsys_lab.dataflows.batch import COUNT, Record, StreamJob
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.stream_and_batch.world import sent
from dsys_lab.simulation import Body, Machine, Simulation

WAYS: Final = ("batch", "stream")
INPUT, JOB = "input", "job"


class Worker(Machine):
    """Takes what waits, and folds it.

    Parameters
    ----------
    period_s : float or None
        A file at a time, each closed after so long; None takes each ping by itself.
    """

    def __init__(
        self, simulation: Simulation, records: list[Record], *, period_s: float | None, setup_s: float,
        per_record_s: float,
    ) -> None:  # fmt: skip
        super().__init__(simulation, JOB)
        self.records, self.period_s, self.setup_s, self.per_record_s = records, period_s, setup_s, per_record_s
        self.job = StreamJob(COUNT)
        self.waiting: list[Record] = []
        self.files: list[list[Record]] = []
        self.news = simulation.event()

    def boot(self) -> None:
        """Let pings come, close files, and work."""
        self.spawn(self._pings_come())
        if self.period_s is not None:
            self.spawn(self._files_close())
        self.spawn(self._work())

    def _pings_come(self) -> Body:
        simulation = self.simulation
        for record in self.records:
            yield simulation.sleep(max(0, record.arrived_us - simulation.now_us) / 1e6)
            simulation.emit("publish", "wearables", record.message, attempt=1, event_us=record.event_us)
            self.waiting.append(record)
            simulation.emit("enqueue", INPUT, record.message, depth=self._depth())
            if self.period_s is None:
                self._close()

    def _files_close(self) -> Body:
        while True:
            yield self.simulation.sleep(self.period_s or 0)
            if self.waiting:
                now_us, count = self.simulation.now_us, len(self.waiting)
                self.simulation.emit(
                    "flush", INPUT, count=count, size_bytes=0, by="time", to=JOB, arrive_us=now_us
                )  # fmt: skip
                self._close()

    def _close(self) -> None:
        self.files.append(self.waiting)
        self.waiting = []
        if not self.news.triggered:
            self.news.succeed()

    def _work(self) -> Body:
        simulation = self.simulation
        while True:
            while not self.files:
                self.news = simulation.event()
                yield self.news
            file = self.files.pop(0)
            for record in file:
                simulation.emit("start", JOB, record.message, attempt=1)
            yield from self.work((self.setup_s if self.period_s is not None else 0) + self.per_record_s * len(file))
            for record in file:
                answer = self.job.on_record(record)
                sojourn_us = simulation.now_us - record.arrived_us
                simulation.emit("finish", JOB, record.message, attempt=1, sojourn_us=sojourn_us)
            simulation.emit("gauge", JOB, name="count", value=answer, unit="pings")

    def _depth(self) -> int:
        return len(self.waiting) + sum(map(len, self.files))


@scenario("{way}, period {period_s} s")
def pings(
    sim: Simulation,
    *,
    way: str = "batch",
    period_s: float = 1.0,
    setup_s: float = 0.1,
    per_record_s: float = 0.01,
    rate: float = 50.0,
    seconds: float = 20.0,
) -> Claims:
    """Pings come at random, `rate` a second, for so many `seconds`; the run ends when all are done, or at twice that.

    `way` is "batch" or "stream"; the other parameters are those of `laws.batch_delay_s`.
    """
    require_choice("way", way, WAYS)
    require_positive(period_s=period_s, seconds=seconds)
    if rate * seconds > 20_000:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most 20,000 pings")
    records = sent(sim.seed, seconds=seconds, rate=rate, delay_mean_s=0)
    period = period_s if way == "batch" else None
    worker = Worker(sim, records, period_s=period, setup_s=setup_s, per_record_s=per_record_s)
    while sim.now_s < 2 * seconds and worker.job.status().records < len(records):
        sim.run(sim.now_s + 1)
    lines = {}
    if way == "batch" and period_s >= laws.least_period_s(rate, setup_s, per_record_s):
        delay_s = laws.batch_delay_s(period_s, rate, setup_s, per_record_s)
        lines = {"latency": {"value": delay_s, "label": "law"}}
    return Claims({"conservation": {}, "depth adds up": {}}, lines)
