"""Bulkhead: one pool of workers for all, or one for each tenant?

Two tenants send jobs to eight workers. For a while one of them sends many times as much. In one pool its jobs stand
before everybody's; with four workers each, the other tenant does not notice: not a job of it is done a microsecond
later than without the noise. What it costs: workers stand idle beside a line that is not theirs, so in quiet times the
mean wait is longer, and the noisy tenant needs longer to work off what it sent.

Each job brings its own work, so both lanes do exactly the same jobs.

Sources: Nygard, *Release It!*, 2007, "Bulkheads"; Azure Architecture Center, "Bulkhead pattern".
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.overflow import Buffer, Request
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.machines import Inbox
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.trace import Trace

POOLS: Final = ("one for all", "one each")
QUIET, NOISY = "quiet", "noisy"
TENANTS: Final = (QUIET, NOISY)
P99_S: Final = 5.0
"""What the quiet tenant was promised: ten times the mean work of a job."""


def line_of(pool: str) -> str:
    """Return the name of the line before a pool: `quiet-line` before `quiet-workers`."""
    return pool.removesuffix("workers") + "line"


class Pool(Machine):
    """So many workers, and the line before them.

    Parameters
    ----------
    jobs : dict
        Message -> (tenant, seconds of work).
    """

    def __init__(self, simulation: Simulation, name: str, workers: int, jobs: dict[str, tuple[str, float]]) -> None:
        line = Buffer(line_of(name), capacity=1, policy="unbounded", recorder=simulation.recorder)
        self.inbox = Inbox(simulation, line)
        self.workers, self.jobs = workers, jobs
        self._in_hand: dict[int, Request] = {}
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Start one process a worker."""
        for number in range(1, self.workers + 1):
            self.spawn(self._serve(number))

    def _serve(self, number: int) -> Body:
        simulation, inbox = self.simulation, self.inbox
        while True:
            request = inbox.take()
            if request is None:
                yield inbox.arrival
                continue
            message, copy = request.message, request.copy
            self._in_hand[number] = request
            simulation.emit("start", self.name, message, attempt=1, copy=copy)
            tenant, work_s = self.jobs[message]
            yield from self.work(work_s)
            del self._in_hand[number]
            sojourn_us = simulation.now_us - request.offered_us
            simulation.emit(
                "finish", self.name, message, attempt=1, copy=copy, sojourn_us=sojourn_us, tenant=tenant
            )

    def on_crash(self) -> None:
        """Drop what was in hand; the line is another machine's."""
        for request in self._in_hand.values():
            self.simulation.emit("drop", self.name, request.message, why=f"{self.name} crashed", copy=request.copy)
        self._in_hand.clear()


@scenario("workers: {pools}")
def pools(
    sim: Simulation,
    *,
    pools: str = "one each",
    workers: int = 8,
    utilisation: float = 0.7,
    noise: float = 4.0,
    noisy_from_s: float = 20.0,
    noisy_to_s: float = 40.0,
    work_s: float = 0.5,
    until_s: float = 80.0,
) -> Claims:
    """Two tenants keep `workers` busy to `utilisation`; from `noisy_from_s` on one sends `noise` times as much.

    Nothing new comes after `until_s`, and the run ends when all is done.
    """
    require_choice("pools", pools, POOLS)
    require_positive(utilisation=utilisation, noise=noise, work_s=work_s, until_s=until_s)
    if workers < 2 or workers % 2:
        raise BadParameter(f"workers = {workers!r}: give an even number, 2 or more, for two tenants share them")
    jobs: dict[str, tuple[str, float]] = {}
    if pools == "one for all":
        shared = Pool(sim, "workers", workers, jobs)
        of = dict.fromkeys(TENANTS, shared)
    else:
        of = {name: Pool(sim, f"{name}-workers", workers // 2, jobs) for name in TENANTS}
    rate = utilisation * workers / 2 / work_s

    def send(tenant: Machine) -> Body:
        name = tenant.name
        chance, work, number = sim.stream(f"{name}/arrivals"), sim.stream(f"{name}/work"), 0
        while True:
            is_noisy = name == NOISY and noisy_from_s <= sim.now_s < noisy_to_s
            yield sim.sleep(exponential(1 / (rate * noise if is_noisy else rate))(chance))
            if sim.now_s > until_s:
                return
            if not tenant.up:
                continue
            number += 1
            message = f"{name[0]}{number}"
            jobs[message] = name, exponential(work_s)(work)
            sim.emit("publish", name, message, attempt=1, tenant=name)
            sim.network.send(name, of[name].inbox.name, message, {})

    for name in TENANTS:
        sim.spawn(send(Machine(sim, name)))
    sim.run()
    return Claims(
        {
            "conservation": {},
            "depth adds up": {},
            "nothing lost": {},
            "kept waiting at most": {"tenant": QUIET, "p99_s": P99_S},
        },
    )


# ------------------------------------------------------------------------------------------ what it came to
def waits_s(trace: Trace, tenant: str = "") -> list[float]:
    """Return the seconds from arrival to done of the jobs of a tenant, or of all, in the order of their ends."""
    found = [row.fields for row in trace.of("finish") if not tenant or row.fields["tenant"] == tenant]
    return [int(fields["sojourn_us"] or 0) / 1e6 for fields in found]


def mean_wait_s(*, pools_are: str, seed: int, **params: Any) -> float:
    """Return the mean seconds from arrival to done, of the jobs of all."""
    counted = pools.count(pools=pools_are, seed=seed, **params)
    return counted.sum("finish", "sojourn_us") / counted.count("finish") / 1e6


def idle_beside_a_line_s(trace: Trace) -> float:
    """Return for how many seconds of a worker it had nothing to do while a job waited in another line.

    Those of a pool that is down do not work, and are not idle either.
    """
    params = trace.header.params
    names = ["workers"] if params["pools"] == "one for all" else [f"{name}-workers" for name in TENANTS]
    idle = dict.fromkeys(names, params["workers"] // len(names))
    waiting = dict.fromkeys(map(line_of, names), 0)
    of_a_pool, idle_us, before_us = idle[names[0]], 0, 0
    for row in trace:
        idle_us += sum(idle.values()) * (row.time_us - before_us) * (sum(waiting.values()) > 0)
        before_us = row.time_us
        if row.place in waiting:
            waiting[row.place] += {"enqueue": 1, "drop": -1}.get(row.kind, 0)
        elif row.place in idle and row.kind in ("crash", "restart"):
            idle[row.place] = of_a_pool if row.kind == "restart" else 0
        elif row.place in idle:
            idle[row.place] += {"start": -1, "finish": 1}.get(row.kind, 0)
            waiting[line_of(row.place)] -= row.kind == "start"
    return idle_us / 1e6
