"""The same jobs through a log and through a queue: who is held up by a slow one, and who is overtaken?

Eight workers. Behind a log each has a shard, and works its records off in order; behind a queue each takes the next job
that there is. Arrivals, keys and work are the same luck in both. There is no network here and nobody polls: a worker
that has nothing to do is told when something comes, so that all that is counted is waiting for each other.

Source: Kleinrock, *Queueing Systems* vol. 1 (one server a line, or one line for all servers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Settings
from dsys_lab.brokers.work_queue import Settings as QueueSettings
from dsys_lab.brokers.work_queue import WorkQueue
from dsys_lab.errors import require_choice, require_fraction, require_positive
from dsys_lab.scenarios.log_stream.machines import RecordsOnly
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Event, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures import VolatileDisk

MODES: Final = ("log", "queue")
PLACE: Final = "jobs"
WORK_S: Final = 0.5
TIMES: Final = 100
"""So much longer a slow job takes."""
SLEEPERS: Final = 200
LOAN_S: Final = 3_600.0


class Bells:
    """Who has nothing to do waits here, at the bell of its line, and is woken when something comes."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._waiting: dict[str, list[Event]] = {}

    def wait(self, line: str) -> Event:
        """Return what to wait for."""
        event = self._sim.event()
        self._waiting.setdefault(line, []).append(event)
        return event

    def ring(self, line: str) -> None:
        """Wake the one who has waited longest."""
        if self._waiting.get(line):
            self._waiting[line].pop(0).succeed()


def mean_work_s(slow_share: float) -> float:
    """Return the mean seconds of a job."""
    return WORK_S * (1 + slow_share * (TIMES - 1))


def squared_variation(slow_share: float) -> float:
    """Return the squared coefficient of variation of the work."""
    second = WORK_S**2 * (1 + slow_share * (TIMES**2 - 1))
    return second / mean_work_s(slow_share) ** 2 - 1


@scenario("a {mode}, {lanes} workers")
def jobs(
    sim: Simulation,
    *,
    mode: str = "log",
    lanes: int = 8,
    slow_share: float = 0.01,
    load: float = 0.5,
    jobs: int = 300,
) -> Claims:
    """A share `slow_share` of the jobs takes a hundred times as long as the others; the workers are busy `load`."""
    require_choice("mode", mode, MODES)
    require_fraction(slow_share=slow_share, load=load)
    require_positive(lanes=lanes, jobs=jobs, load=load)
    bells, luck = Bells(sim), sim.stream("work")
    work_s: dict[str, float] = {}
    put = _log(sim, bells, lanes, work_s) if mode == "log" else _queue(sim, bells, lanes, work_s)
    arrivals, keys = sim.stream("arrivals"), sim.stream("keys")
    gap = exponential(mean_work_s(slow_share) / (load * lanes))

    def arrive() -> Body:
        for number in range(1, jobs + 1):
            yield sim.sleep(gap(arrivals))
            job, key = f"j{number}", f"sleeper-{int(keys() * SLEEPERS)}"
            work_s[job] = WORK_S * (TIMES if luck() < slow_share else 1)
            sim.emit("publish", "phone", job, attempt=1, key=key)
            put(job, key)

    sim.spawn(arrive())
    sim.run(jobs * mean_work_s(slow_share) / (load * lanes))
    while len(work_s) < jobs or any(work_s.values()):
        sim.run(sim.now_s + 10)
    return Claims({"in order of arrival": {}})


def _work(sim: Simulation, worker: str, job: str, key: str, work_s: dict[str, float]) -> Body:
    """Work on a job; what is left of its work is then 0."""
    yield sim.sleep(work_s[job])
    work_s[job] = 0.0
    sim.emit("effect", worker, job, key=key, copy=0)


def _log(sim: Simulation, bells: Bells, lanes: int, work_s: dict[str, float]) -> Callable[[str, str], None]:
    """Hire a worker for each shard; return how a job is put."""
    settings = Settings(shards=lanes, limits=None, iterator_life_s=1e9)
    stream = LogStream(PLACE, VolatileDisk(), settings, recorder=RecordsOnly(sim.recorder))

    def worker(name: str, shard: str) -> Body:
        position = stream.iterator(0, shard, "TRIM_HORIZON")
        while True:
            page = stream.read(sim.now_us, position, limit=1, to=name)
            assert isinstance(page, Page)
            assert page.next is not None
            position = page.next
            for record in page.records:
                yield from _work(sim, name, record.message, record.key, work_s)
                sim.emit("commit", name, shard=shard, offset=record.sequence, epoch=1, group="done")
            if not page.records:
                yield bells.wait(shard)

    def put(job: str, key: str) -> None:
        answer = stream.put(sim.now_us, Entry(job, key))
        bells.ring(answer.shard)

    for number, shard in enumerate(stream.shards(), 1):
        sim.spawn(worker(f"worker-{number}", shard.name))
    return put


def _queue(sim: Simulation, bells: Bells, lanes: int, work_s: dict[str, float]) -> Callable[[str, str], None]:
    """Hire as many workers for one queue; return how a job is sent."""
    queue = WorkQueue(PLACE, QueueSettings(visibility_s=LOAN_S), recorder=sim.recorder)
    keys: dict[str, str] = {}

    def worker(name: str) -> Body:
        while True:
            lent = queue.receive(sim.now_us, to=name, arrive_us=sim.now_us)
            for delivery in lent:
                sim.emit("start", name, delivery.message, attempt=delivery.attempt)
                yield from _work(sim, name, delivery.message, keys[delivery.message], work_s)
                job, now_us = delivery.message, sim.now_us
                sim.emit("answer", name, job, to=PLACE, copy=0, type="acknowledge", arrive_us=now_us)
                queue.acknowledge(now_us, delivery.handle)
            if not lent:
                yield bells.wait(PLACE)

    def put(job: str, key: str) -> None:
        keys[job] = key
        queue.send(sim.now_us, job)
        bells.ring(PLACE)

    for number in range(1, lanes + 1):
        sim.spawn(worker(f"worker-{number}"))
    return put
