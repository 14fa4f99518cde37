"""A machine that works on pings: file by file, each after its period is over, or ping by ping.

`batch`: a run takes `setup_s` and `per_record_s` for each ping of its file; the next file waits until it is over.
`stream`: each ping takes `per_record_s` alone, when it comes.

The input is another machine than the job, and keeps what came. What the job keeps on its disk is the number of the
file that it reads next, and the state with it: a batch job saves both when a file is done, at once (as one renames a
file that is whole), a stream job every `checkpoint` pings. With `checkpoint=0` it saves the number alone, after each
ping; its state is in memory only.

Sources: the semantics in `dsys_lab.dataflows.batch`; the laws in `dsys_lab.laws.streams`.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.dataflows.batch import COUNT, Record, StreamJob
from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.stream_and_batch.world import sent
from dsys_lab.simulation import Body, Machine, Simulation

WAYS: Final = ("batch", "stream")
INPUT, JOB, STATE, ANSWERS = "input", "job", "state", "answers"


class Input(Machine):
    """Keeps pings in files, each closed after a period; without a period each ping is a file."""

    def __init__(self, simulation: Simulation, records: list[Record], period_s: float | None) -> None:
        super().__init__(simulation, INPUT)
        self.records, self.period_s = records, period_s
        self.open: list[Record] = []
        self.files: list[list[Record]] = []
        self.taken = 0
        self.news = simulation.event()

    @property
    def depth(self) -> int:
        """Pings that no run has taken."""
        return len(self.open) + sum(map(len, self.files[self.taken :]))

    def boot(self) -> None:
        """Let pings come, and close files."""
        self.spawn(self._pings_come())
        if self.period_s is not None:
            self.spawn(self._files_close(self.period_s))

    def _pings_come(self) -> Body:
        simulation = self.simulation
        for record in self.records[sum(map(len, self.files)) + len(self.open) :]:
            yield simulation.sleep(max(0, record.arrived_us - simulation.now_us) / 1e6)
            simulation.emit("publish", "wearables", record.message, attempt=1, event_us=record.event_us)
            self.open.append(record)
            simulation.emit("enqueue", INPUT, record.message, depth=self.depth)
            if self.period_s is None:
                self._close()

    def _files_close(self, period_s: float) -> Body:
        simulation = self.simulation
        while True:
            yield simulation.sleep(period_s)
            if self.open:
                now_us, count = simulation.now_us, len(self.open)
                simulation.emit("flush", INPUT, count=count, size_bytes=0, by="time", to=JOB, arrive_us=now_us)
                self._close()

    def _close(self) -> None:
        self.files.append(self.open)
        self.open = []
        if not self.news.triggered:
            self.news.succeed()


class Job(Machine):
    """Takes file after file, and folds it."""

    def __init__(
        self, simulation: Simulation, given: Input, *, setup_s: float, per_record_s: float, checkpoint: int
    ) -> None:
        super().__init__(simulation, JOB)
        self.given, self.setup_s, self.per_record_s, self.checkpoint = given, setup_s, per_record_s, checkpoint
        self.disk = {"next": 0, "states": {}}
        self.job = StreamJob(COUNT)
        self.tries: Counter[str] = Counter()
        self.copies: Counter[str] = Counter()
        self.done: set[str] = set()
        self.has_crashed = False
        self._in_hand: list[Record] = []

    def on_crash(self) -> None:
        """Remember that there was one."""
        self.has_crashed = True

    def boot(self) -> None:
        """Begin with what the disk kept."""
        self.job = StreamJob(COUNT)
        self.job.states.update(self.disk["states"])
        self.given.taken = max(self.given.taken - bool(self._in_hand), self.disk["next"])
        for record in self._in_hand:
            attempt, copy = self.tries[record.message], self.copies[record.message]
            self.simulation.emit("visible", INPUT, record.message, attempt=attempt, copy=copy)
        self._in_hand = []
        if self.has_crashed:
            self._tell()
        self.spawn(self._work())

    def _work(self) -> Body:
        simulation, given, at = self.simulation, self.given, self.disk["next"]
        while True:
            while at == len(given.files):
                given.news = simulation.event()
                yield given.news
            self._in_hand = file = given.files[at]
            at += 1
            given.taken = max(given.taken, at)
            for record in file:
                self._start(record)
            yield from self.work(self.setup_s + self.per_record_s * len(file))
            self._finish(file)
            self._save(at)

    def _start(self, record: Record) -> None:
        """Take a ping; one that was done before comes out of the input as another copy."""
        simulation, message = self.simulation, record.message
        self.tries[message] += 1
        if message in self.done:
            self.copies[message] += 1
            copy, now_us = self.copies[message], simulation.now_us
            simulation.emit("replay", INPUT, message, of=message, to=JOB, arrive_us=now_us, copy=copy)
        simulation.emit("start", JOB, message, attempt=self.tries[message], copy=self.copies[message])

    def _finish(self, file: list[Record]) -> None:
        simulation = self.simulation
        for record in file:
            self.job.on_record(record)
            self.done.add(record.message)
            fields = {"attempt": self.tries[record.message], "copy": self.copies[record.message]}
            sojourn_us = simulation.now_us - record.arrived_us
            simulation.emit("finish", JOB, record.message, sojourn_us=sojourn_us, **fields)
        self._in_hand = []
        up_to = f"after-{int(file[-1].message.removeprefix('p')) + 1}"  # by its name, a file says what it counts
        self._write(up_to, ANSWERS, len(file))
        simulation.emit("landed", ANSWERS, up_to, count=len(file))
        self._write("n", STATE, len(file))
        self._tell()

    def _write(self, message: str, to: str, count: int) -> None:
        now_us = self.simulation.now_us
        self.simulation.emit("flush", JOB, message, count=count, size_bytes=0, by="count", to=to, arrive_us=now_us)

    def _save(self, at: int) -> None:
        if not self.checkpoint:
            self.disk["next"] = at
        elif at % self.checkpoint == 0:
            self.disk = {"next": at, "states": dict(self.job.states)}

    def _tell(self) -> None:
        simulation, full = self.simulation, len(self.given.records)
        simulation.emit("cell", STATE, "n", state=f"{self.counted} pings")
        simulation.emit("gauge", STATE, name="count", value=self.counted, unit="pings", full=full)

    @property
    def counted(self) -> int:
        """Pings that the state knows of."""
        return int(self.job.answers().get("all", 0))


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
    checkpoint: int = 1,
) -> Claims:
    """Pings come at random, `rate` a second, for so many `seconds`; the run ends when all are done, or at twice that.

    `way` is "batch" or "stream"; `checkpoint` is for the stream; the others are those of `laws.batch_delay_s`.
    """
    require_choice("way", way, WAYS)
    require_positive(period_s=period_s, seconds=seconds)
    require_not_negative(setup_s=setup_s, per_record_s=per_record_s, checkpoint=checkpoint)
    if rate * seconds > 20_000:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most 20,000 pings")
    records = sent(sim.seed, seconds=seconds, rate=rate, delay_mean_s=0)
    is_batch = way == "batch"
    given = Input(sim, records, period_s if is_batch else None)
    job = Job(
        sim, given, setup_s=setup_s if is_batch else 0, per_record_s=per_record_s,
        checkpoint=1 if is_batch else checkpoint,
    )  # fmt: skip
    while sim.now_s < 2 * seconds and len(job.done) < len(records):
        sim.run(sim.now_s + 1)
    expected, got = len(job.done), job.counted
    sim.emit("check", JOB, name="what was done is counted", ok=got == expected, expected=expected, got=got)
    lines = {}
    if is_batch and period_s >= laws.least_period_s(rate, setup_s, per_record_s):
        delay_s = laws.batch_delay_s(period_s, rate, setup_s, per_record_s)
        lines = {"latency": {"value": delay_s, "label": "law"}}
    files = max(1, math.floor(seconds / 2 / period_s))
    poster_s = files * period_s + (setup_s + per_record_s * rate * period_s) / 2  # a file is in work, another open
    promises: dict[str, dict[str, Any]] = {"conservation": {}, "depth adds up": {}, "checks hold": {}}
    return Claims(promises, lines, None if job.has_crashed else min(round(poster_s * 1e6), sim.now_us))
