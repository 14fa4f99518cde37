"""A sleeper uploads a night of video; somebody must encode it, once, whatever happens.

`phone` sends clips to the queue `clips`; `encoder-1`, `encoder-2`, … borrow them. The claims, one function each:

1. `encode`: a message is lent, not given. Too short a loan and the work is done twice; a worker that dies loses
   nothing; an effect with a key is carried out once; poison goes to the dead, and takes healthy messages along when the
   loan is short.
2. `groups`: in a FIFO queue a group is one worker wide.
3. `quiet`: asking an empty queue costs money; a long poll asks less and answers sooner.
4. `nobody_home`: what nobody receives is gone after the retention, without any error.
5. `tenants`: one noisy tenant delays all, unless tenants take turns.
6. `power_failure`: a queue keeps its word through a loss of power if it writes before it answers.

`queue_machines` and `queue_workers` hold the machines, `queue_counts` what the notebook counts over many runs,
`power_cuts` one story with the power cut before every step of the disk.

Sources: the semantics and their sources in `dsys_lab.brokers.work_queue`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any, Final

from dsys_lab.brokers.work_queue import Settings, WorkQueue
from dsys_lab.brokers.work_queue.settings import BATCH_MAX
from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive
from dsys_lab.facts import fact
from dsys_lab.scenarios.durable_queue.machines import DurableHost, QueueHost, Sender, at_random
from dsys_lab.scenarios.durable_queue.workers import WATCHES, Task, Worker
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation, to_us
from dsys_lab.simulation.chance import constant, service
from dsys_lab.structures import EVERY_RECORD, NEVER, Fsync
from dsys_lab.trace import Recorder, Scalar

RETENTION_DAYS: Final = float(fact("sqs_retention_default").value)
AT_ONCE_S: Final = 0.005
"""Between two clips that are sent in one go."""
PHONE, CLIPS, ENCODER = "phone", "clips", "encoder"
Kept = dict[str, dict[str, Any]]
KEPT: Final[Kept] = {"conservation": {}, "no acknowledged loss": {}}
FSYNC: Final = {"every record": EVERY_RECORD, "every tenth": Fsync(records=10), "never": NEVER}
"""When a durable queue waits for its disk, by the words that a page uses."""


def _queue(sim: Simulation, settings: Settings) -> QueueHost:
    return QueueHost(sim, WorkQueue(CLIPS, settings, recorder=sim.recorder))


def _hire(sim: Simulation, host: QueueHost, workers: int, task: Task) -> list[Worker]:
    if workers < 1:
        raise BadParameter(f"workers = {workers!r}: give 1 or more")
    return [Worker(sim, host, f"{ENCODER}-{number}", task) for number in range(1, workers + 1)]


def _run_until_empty(sim: Simulation, host: QueueHost, sender: Sender, *, patience_s: float) -> None:
    """Run until all was sent and nothing is left to do, or until patience ends: workers never stop asking."""
    while sim.now_s < patience_s:
        sim.run(sim.now_s + 10)
        status = host.queue.status()
        if sender.is_done and not (status.visible or status.delayed or status.in_flight):
            return


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
    redrive_every_s: float | None = None,
    fixed_at_s: float | None = None,
    copy_share: float = 0.0,
    loan_watch: str = "none",
) -> Claims:
    """A message is lent, not given.

    `clips` are uploaded at random, `rate` a second. A worker borrows one for `visibility_s`, works `work_s` on average,
    carries the effect out and then acknowledges. `idempotent` workers look up whether the effect was carried out
    before; with `heartbeat` a worker asks for more time every half loan. A share of the clips is poison: whoever tries,
    fails, until the bug is mended at `fixed_at_s`. Without `max_receives` there are no dead letters, and poison is
    tried for ever; dead letters are put back every `redrive_every_s`. By its `loan_watch` ("timestamp", "stopwatch") a
    worker sees that its loan is over, and rather throws its work away than carry out an effect that another may repeat.
    """
    require_positive(work_s=work_s, rate=rate, clips=clips, visibility_s=visibility_s)
    require_fraction(poison_share=poison_share, copy_share=copy_share)
    require_choice("loan_watch", loan_watch, WATCHES)
    if heartbeat and loan_watch != "none":
        raise BadParameter(f"heartbeat = True, loan_watch = {loan_watch!r}: give one, for who asks for time has it")
    settings = Settings(
        visibility_s=visibility_s, handles=handles, max_receives=max_receives, copy_share=copy_share, order_window=1
    )
    host = _queue(sim, settings)
    poisoned: dict[str, bool] = {}
    luck = sim.stream("poison")

    def is_poison(message: str) -> bool:
        if message not in poisoned:
            poisoned[message] = luck() < poison_share
        return poisoned[message] and (fixed_at_s is None or sim.now_s < fixed_at_s)

    task = Task(
        service(work_shape, work_s),
        poison=is_poison,
        done=set() if idempotent else None,
        heartbeat_s=visibility_s / 2 if heartbeat else None,
        visibility_s=visibility_s,
        loan_watch=loan_watch,
    )
    _hire(sim, host, workers, task)
    sender = Sender(sim, host, at_random(sim, PHONE, rate=rate, count=clips), name=PHONE)
    if redrive_every_s is not None:
        sim.spawn(_redrives(sim, host, every_s=redrive_every_s))
    until_s = 2 * clips / rate + 60
    if redrive_every_s is not None:
        sim.run(until_s)
    else:
        _run_until_empty(sim, host, sender, patience_s=until_s + visibility_s * (max_receives or 0))
    once: Kept = {"exactly-once effect": {}} if idempotent else {"at most once": {}}
    return Claims({**KEPT, **once, "invisible while lent": {}})


def _redrives(sim: Simulation, host: QueueHost, *, every_s: float) -> Body:
    while True:
        yield sim.sleep(every_s)
        host.redrive()


# ------------------------------------------------------------------------------------------ 2. FIFO groups
@scenario("{groups} groups, {workers} workers")
def groups(
    sim: Simulation,
    *,
    groups: int = 1,
    workers: int = 4,
    work_s: float = 1.0,
    clips: int = 60,
    kind: str = "fifo",
    poison: str | None = None,
    visibility_s: float = 5.0,
    max_receives: int | None = None,
) -> Claims:
    """In a FIFO queue a group is one worker wide: throughput is `min(workers, groups) / work`.

    All clips are sent in one go, spread over the groups in turn. The clip called `poison` fails whoever tries,
    and holds its group up until it is dead.
    """
    require_positive(groups=groups, work_s=work_s, clips=clips)
    host = _queue(sim, Settings(kind=kind, visibility_s=visibility_s, max_receives=max_receives, copy_share=0.0))
    _hire(sim, host, workers, Task(constant(work_s), poison=lambda message: message == poison))
    group_of = (f"g{number % groups + 1}" for number in range(clips))
    sender = Sender(sim, host, repeat(AT_ONCE_S, clips), name=PHONE, group_of=lambda: next(group_of))
    _run_until_empty(sim, host, sender, patience_s=60 + 2 * clips * work_s)
    ordered: Kept = {"order per group": {}, "one at a time per group": {}} if kind == "fifo" else {}
    return Claims({**KEPT, **ordered, "at most once": {}})


# ------------------------------------------------------------------------------------------ 3. a quiet queue
@scenario("long poll of {wait_s:g} s")
def quiet(sim: Simulation, *, wait_s: float = 20.0, rate: float = 0.1, until_s: float = 7_200.0) -> Claims:
    """Asking an empty queue costs money; a long poll asks less and answers sooner.

    One worker, which takes up to ten at once and works no time; with `wait_s` = 0 it asks once a second. An `empty` row
    is a call that was paid for and brought nothing.
    """
    require_positive(rate=rate, until_s=until_s)
    host = _queue(sim, Settings(copy_share=0.0))
    _hire(sim, host, 1, Task(constant(0.0), wait_s=wait_s, batch=BATCH_MAX))
    Sender(sim, host, at_random(sim, PHONE, rate=rate, for_s=until_s), name=PHONE)
    sim.run(until_s)
    return Claims({"conservation": {}})


# ------------------------------------------------------------------------------------------ 4. nobody home
@scenario("nobody home for {away_days:g} days, kept for {retention_days:g}")
def nobody_home(
    sim: Simulation, *, away_days: float = 5.0, retention_days: float = RETENTION_DAYS, clips_a_day: float = 40.0
) -> Claims:
    """What nobody receives is gone after the retention, and no error appears anywhere.

    Clips come in evenly; the only worker is down, comes back after `away_days`, and works off what is left. Gauges tell
    how many clips are there, and how old the oldest is.
    """
    require_positive(away_days=away_days, retention_days=retention_days, clips_a_day=clips_a_day)
    day_s = 86_400
    host = _queue(sim, Settings(retention_s=retention_days * day_s, copy_share=0.0))
    Sender(sim, host, repeat(day_s / clips_a_day, int(away_days * clips_a_day)), name=PHONE)
    sim.spawn(_gauges(sim, host))
    (worker,) = _hire(sim, host, 1, Task(constant(1.0)))
    worker.crash()
    sim.after(away_days * day_s + 1, worker.restart)
    sim.run(away_days * day_s + 600)
    return Claims({**KEPT, "promised and kept": {}})


def _gauges(sim: Simulation, host: QueueHost, *, every_s: float = 7_200.0) -> Body:
    while True:
        yield sim.sleep(every_s)
        status = host.queue.status()
        age_us = 0 if status.oldest_sent_us is None else sim.now_us - status.oldest_sent_us
        sim.emit("gauge", CLIPS, name="kept", value=status.kept, unit="clips")
        sim.emit("gauge", CLIPS, name="age of the oldest", value=age_us / 86.4e9, unit="days")


# ------------------------------------------------------------------------------------------ 5. a noisy tenant
QUIET_TENANTS: Final = ("ann", "bob", "cy")
NOISY_TENANT, NOISY_AT_S = "noisy", 10.0


@scenario("{kind} queue")
def tenants(
    sim: Simulation,
    *,
    kind: str = "standard",
    noisy_clips: int = 100,
    workers: int = 4,
    work_s: float = 0.5,
    quiet_rate: float = 0.5,
    until_s: float = 60.0,
) -> Claims:
    """One noisy tenant delays all, unless tenants take turns.

    Three quiet tenants send at random, `quiet_rate` a second each. After 10 s the noisy one sends `noisy_clips` in one
    go.
    """
    require_positive(noisy_clips=noisy_clips, work_s=work_s, quiet_rate=quiet_rate, until_s=until_s)
    settings = Settings(kind=kind, copy_share=0.0, order_window=1)
    host = QueueHost(sim, WorkQueue(CLIPS, settings, recorder=_Waits(sim.recorder)))
    _hire(sim, host, workers, Task(constant(work_s)))
    for name in QUIET_TENANTS:
        _tenant(sim, host, name, at_random(sim, name, rate=quiet_rate, for_s=until_s))
    _tenant(sim, host, NOISY_TENANT, chain([NOISY_AT_S], repeat(AT_ONCE_S, noisy_clips - 1)))
    sim.run(until_s + 60)
    half_way_s = NOISY_AT_S + 0.5 * noisy_clips * work_s / workers
    return Claims({**KEPT, "at most once": {}}, strip=("waited",), poster_us=to_us(min(half_way_s, until_s)))


class _Waits:
    """Passes a queue's rows on, and reads off at each sender how long the clip waited that is lent just now."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._came_us: dict[str, int] = {}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Write a row, and behind one of a loan what it says of the wait."""
        self.recorder.emit(time_us, kind, place, message, **fields)
        if kind == "enqueue" and message:
            self._came_us[message] = time_us
        elif kind == "deliver" and message:
            waited_s, sender = round((time_us - self._came_us[message]) / 1e6, 2), message.rpartition("-")[0]
            self.recorder.emit(time_us, "gauge", sender, name="waited", value=waited_s, unit="s")


def _tenant(sim: Simulation, host: QueueHost, name: str, gaps: Iterable[float]) -> None:
    Sender(sim, host, gaps, name=name, group_of=lambda: name, prefix=f"{name}-")


# ------------------------------------------------------------------------------------------ 6. a loss of power
@scenario("synced: {fsync}")
def power_failure(
    sim: Simulation, *, fsync: str = "every record", rate: float = 3.0, clips: int = 40, crash_at_s: float = 10.0
) -> Claims:
    """A queue keeps its word through a loss of power if it writes, and waits for its disk, before it answers.

    More comes in than two workers do, so some clips wait. The queue stands on a log. At `crash_at_s` the power goes for
    two seconds; what the disk did not sync may be gone.
    """
    require_choice("fsync", fsync, tuple(FSYNC))
    require_positive(rate=rate, clips=clips, crash_at_s=crash_at_s)
    host = DurableHost(sim, CLIPS, Settings(visibility_s=5.0, copy_share=0.0), FSYNC[fsync])
    _hire(sim, host, 2, Task(service("exponential", 1.0)))
    sender = Sender(sim, host, at_random(sim, PHONE, rate=rate, count=clips), name=PHONE, text="z" * 1_000)
    sim.after(crash_at_s, host.crash)
    sim.after(crash_at_s + 2, host.restart)
    _run_until_empty(sim, host, sender, patience_s=60 + 4 * clips / rate)
    return Claims({**KEPT, "promised and kept": {}})
