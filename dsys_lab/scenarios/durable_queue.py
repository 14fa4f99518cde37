"""A sleeper uploads a night of video; somebody must encode it, once, whatever happens.

`phone` sends clips to the queue `clips`; `encoder-1`, `encoder-2`, … borrow them. The claims, one function each:

1. `encode`: a message is lent, not given. Too short a loan and the work is done twice; a worker that dies loses
   nothing; an effect with a key is carried out once; poison goes to the dead, and takes healthy messages along when the
   loan is short.
2. `groups`: in a FIFO queue a group is one worker wide.
3. `quiet`: asking an empty queue costs money; a long poll asks less and answers sooner.
4. `nobody_home`: what nobody receives is gone after the retention, without any error.
5. `tenants`: one noisy tenant delays all, unless tenants take turns.

Sources: the semantics and their sources in `dsys_lab.brokers.work_queue`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from dsys_lab.brokers.work_queue import Settings, WorkQueue
from dsys_lab.errors import BadParameter, require_fraction, require_positive
from dsys_lab.scenarios.queue_machines import QueueHost, Sender, Task, Worker, at_random
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Measured, Simulation, over_seeds
from dsys_lab.simulation.chance import constant, service
from dsys_lab.trace import Trace, quantile

PHONE, CLIPS, ENCODER = "phone", "clips", "encoder"
KEPT: Final[dict[str, dict[str, Any]]] = {"conservation": {}, "no acknowledged loss": {}}


def _queue(sim: Simulation, settings: Settings) -> QueueHost:
    return QueueHost(sim, WorkQueue(CLIPS, settings, recorder=sim.recorder))


def _hire(sim: Simulation, host: QueueHost, workers: int, task: Task) -> None:
    if workers < 1:
        raise BadParameter(f"workers = {workers!r}: give 1 or more")
    for number in range(1, workers + 1):
        Worker(sim, host, f"{ENCODER}-{number}", task)


# ------------------------------------------------------------------------------------------ 1. messages on loan
@scenario("loan of {visibility_s:g} s, work of {work_s:g} s")
def encode(
    sim: Simulation,
    *,
    visibility_s: float = 4.0,
    work_s: float = 2.0,
    work_shape: str = "exponential",
    workers: int = 4,
    rate: float = 1.0,
    clips: int = 60,
    handles: str = "newest",
    idempotent: bool = False,
    heartbeat: bool = False,
    poison_share: float = 0.0,
    max_receives: int | None = None,
    copy_share: float = 0.0,
) -> Claims:
    """A message is lent, not given.

    `clips` are uploaded at random, `rate` a second. A worker borrows one for `visibility_s`, works `work_s` on average,
    carries the effect out and then acknowledges. `idempotent` workers look up whether the effect was carried out
    before; with `heartbeat` a worker asks for more time every half loan. A share of the clips is poison: whoever tries,
    fails.
    """
    require_positive(work_s=work_s, rate=rate, clips=clips, visibility_s=visibility_s)
    require_fraction(poison_share=poison_share, copy_share=copy_share)
    settings = Settings(
        visibility_s=visibility_s, handles=handles, max_receives=max_receives, copy_share=copy_share, order_window=1
    )
    host = _queue(sim, settings)
    poisoned: dict[str, bool] = {}
    luck = sim.stream("poison")
    task = Task(
        service(work_shape, work_s),
        poison=lambda message: poisoned.setdefault(message, luck() < poison_share),
        done=set() if idempotent else None,
        heartbeat_s=visibility_s / 2 if heartbeat else None,
        visibility_s=visibility_s,
    )
    _hire(sim, host, workers, task)
    Sender(sim, host, at_random(sim, PHONE, rate=rate, count=clips), name=PHONE)
    _run_until_empty(sim, host, clips)
    once: dict[str, dict[str, Any]] = {"exactly-once effect": {}} if idempotent else {"at most once": {}}
    return Claims({**KEPT, **once, "invisible while lent": {}})


def _run_until_empty(sim: Simulation, host: QueueHost, clips: int, *, patience_s: float = 3_600.0) -> None:
    """Run until all clips were sent and none is stored, or until patience ends: workers never stop asking."""
    while sim.now_s < patience_s:
        sim.run(sim.now_s + 10)
        status = host.queue.status()
        if status.accepted >= clips and not (status.visible or status.delayed or status.in_flight):
            return
        if sim.now_s > 60 + 10 * clips and not status.in_flight:
            return


# ------------------------------------------------------------------------------------------ 2. FIFO groups
@scenario("{groups} groups, {workers} workers")
def groups(
    sim: Simulation, *, groups: int = 1, workers: int = 4, work_s: float = 1.0, clips: int = 60, kind: str = "fifo"
) -> Claims:
    """In a FIFO queue a group is one worker wide: throughput is `min(workers, groups) / work`.

    All clips are there from the start, spread over the groups by chance.
    """
    require_positive(groups=groups, work_s=work_s, clips=clips)
    host = _queue(sim, Settings(kind=kind, visibility_s=30 * work_s, copy_share=0.0))
    _hire(sim, host, workers, Task(constant(work_s)))
    Sender(sim, host, (0.0 for _ in range(clips)), name=PHONE, groups=groups)
    _run_until_empty(sim, host, clips)
    ordered: dict[str, dict[str, Any]] = {"order per group": {}, "one at a time per group": {}} if kind == "fifo" else {}
    return Claims({**KEPT, **ordered, "at most once": {}})


# ------------------------------------------------------------------------------------------ 3. a quiet queue
@scenario("long poll of {wait_s:g} s")
def quiet(sim: Simulation, *, wait_s: float = 20.0, rate: float = 0.1, until_s: float = 7_200.0) -> Claims:
    """Asking an empty queue costs money; a long poll asks less and answers sooner.

    One worker, work that takes no time; with `wait_s` = 0 it asks once a second. An `empty` row is a call that was paid
    for and brought nothing.
    """
    require_positive(rate=rate, until_s=until_s)
    host = _queue(sim, Settings(copy_share=0.0))
    _hire(sim, host, 1, Task(constant(0.0), wait_s=wait_s))
    Sender(sim, host, at_random(sim, PHONE, rate=rate, count=int(2 * rate * until_s) + 10), name=PHONE)
    sim.run(until_s)
    return Claims({"conservation": {}})


# ------------------------------------------------------------------------------------------ 4. nobody home
@scenario("nobody home for {away_days:g} days, kept for {retention_days:g}")
def nobody_home(
    sim: Simulation, *, away_days: float = 5.0, retention_days: float = 4.0, clips_a_day: float = 40.0
) -> Claims:
    """What nobody receives is gone after the retention, and no error appears anywhere.

    Clips come in evenly; the only worker comes back after `away_days` and then works off what is left.
    """
    require_positive(away_days=away_days, retention_days=retention_days, clips_a_day=clips_a_day)
    day_s = 86_400
    host = _queue(sim, Settings(retention_s=retention_days * day_s, copy_share=0.0))
    clips = int(away_days * clips_a_day)
    Sender(sim, host, (day_s / clips_a_day for _ in range(clips)), name=PHONE)
    sim.after(away_days * day_s + 1, lambda: _hire(sim, host, 1, Task(constant(1.0))))
    sim.run(away_days * day_s + 600)
    return Claims({**KEPT, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ 5. a noisy tenant
@scenario("{kind} queue")
def tenants(
    sim: Simulation,
    *,
    kind: str = "standard",
    noise: int = 50,
    workers: int = 4,
    work_s: float = 0.5,
    quiet_rate: float = 0.5,
    until_s: float = 60.0,
) -> Claims:
    """One noisy tenant delays all, unless tenants take turns.

    Three quiet tenants send at random, `quiet_rate` a second each. After 10 s the noisy one sends `noise` times as many
    clips in one go as a quiet tenant sends in four seconds.
    """
    require_positive(noise=noise, work_s=work_s, quiet_rate=quiet_rate, until_s=until_s)
    host = _queue(sim, Settings(kind=kind, copy_share=0.0, order_window=1))
    _hire(sim, host, workers, Task(constant(work_s)))
    sent = 0

    def tenant(name: str, gaps: Iterator[float]) -> Body:
        nonlocal sent
        for gap in gaps:
            yield sim.sleep(gap)
            if sim.now_s > until_s:
                return
            sent += 1
            sim.emit("publish", name, f"{name}-{sent}", attempt=1, group=name)
            sim.network.send(name, CLIPS, f"{name}-{sent}", {"group": name})

    for name in ("ann", "bob", "cy"):
        sim.spawn(tenant(name, iter(at_random(sim, name, rate=quiet_rate, count=1_000))))
    sim.spawn(tenant("noisy", chain([10.0], (0.0 for _ in range(int(4 * quiet_rate * noise))))))
    sim.run(until_s + 60)
    return Claims({**KEPT, "at most once": {}})


# ------------------------------------------------------------------------------------------ what the notebook counts
def deliveries(*ratios: float, handles: str = "newest", clips: int = 400, work_s: float = 2.0) -> list[Measured]:
    """Return the mean deliveries of a message at each ratio of loan to mean work, over four seeds."""

    def mean(*, ratio: float, seed: int) -> float:
        counted = encode.count(
            seed=seed, visibility_s=ratio * work_s, work_s=work_s, handles=handles, workers=24, clips=clips
        )
        return counted.count("deliver") / clips

    return over_seeds(mean, ratio=ratios)


def effects(trace: Trace) -> dict[str, int]:
    """Return how many clips were encoded once, more often, never, and set aside as dead."""
    times: dict[str | None, int] = {}
    for row in trace.of("effect"):
        times[row.message] = times.get(row.message, 0) + 1
    sent = {row.message for row in trace.of("publish")}
    return {
        "once": sum(n == 1 for n in times.values()),
        "more often": sum(n > 1 for n in times.values()),
        "never": len(sent - times.keys()),
        "dead": len({row.message for row in trace.of("dead")}),
    }


def waits_of(trace: Trace, tenant: str, *, share: float = 0.95) -> float:
    """Return the seconds within which this share of a tenant's clips were encoded, from when they were sent."""
    sent = {row.message: row.time_us for row in trace.of("publish", place=tenant)}
    waits = [(row.time_us - sent[row.message]) / 1e6 for row in trace.of("effect") if row.message in sent]
    return quantile(waits, share)
