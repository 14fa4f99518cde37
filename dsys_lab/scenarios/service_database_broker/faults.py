"""Five things that go wrong around a broker, each made to happen and counted.

=====================  =============================================================================================
`broker_crash`         it says yes before the record is durable, and the power goes
`poison`               one message fails whoever tries it
`paused`               a worker stands still for longer than its loan lasts
`delivered_twice`      the network copies a call
`position_lost`        the file with a reader's position is gone, so it reads all again
=====================  =============================================================================================

Sources: as in the rooms that are struck, `dsys_lab.structures.append_log`, `dsys_lab.brokers.work_queue` and
`dsys_lab.dataflows.service`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.brokers.work_queue import Acknowledged, Settings, WorkQueue
from dsys_lab.dataflows.service import Request, Service
from dsys_lab.dataflows.service.acknowledgement import Consumer, Kept
from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.service_database_broker.machines import night
from dsys_lab.simulation.chance import stream
from dsys_lab.structures import AppendLog, Fsync, VolatileDisk

MINUTE_US: Final = 60_000_000
WATCHED: Final = ("seen ids", "nothing")
"""What keeps an effect from being carried out twice."""


@dataclass(frozen=True, slots=True)
class CrashCounted:
    """What a loss of power did to a broker.

    Attributes
    ----------
    said_yes : int
        Records whose producer was told yes.
    lost : int
        Those of them that are gone.
    torn_bytes : int
        What of the log's end was no whole record, and was cut off.
    """

    said_yes: int
    lost: int
    torn_bytes: int


def broker_crash(*, sync_every: int = 100, records: int = 250, seed: int = 1) -> CrashCounted:
    """Let a broker say yes to each record as soon as it is written, sync after every so many, and cut the power."""
    require_positive(sync_every=sync_every, records=records)
    disk = VolatileDisk()
    log = AppendLog(disk, fsync=Fsync(records=sync_every))
    for number in range(records):
        log.append(number, night(number))
    disk.crash(stream(seed, "power"))
    again = AppendLog(disk)
    return CrashCounted(records, records - again.next_lsn, again.cut.size_bytes if again.cut else 0)


@dataclass(frozen=True, slots=True)
class PoisonCounted:
    """What one poisonous message did: how often it was received, where it ended, and what became of the others."""

    receives: int
    set_aside: int
    done: int
    stuck: int


def poison(*, messages: int = 10, max_receives: int | None = 5, rounds: int = 20) -> PoisonCounted:
    """Let a worker try each message that it is lent; the first one fails every time, and comes back."""
    require_positive(messages=messages, rounds=rounds)
    queue = WorkQueue("queue", Settings(max_receives=max_receives, visibility_s=30))
    for number in range(messages):
        queue.send(0, f"n{number}")
    receives = done = 0
    for turn in range(1, rounds + 1):
        for delivery in queue.receive(turn * MINUTE_US, limit=10):
            if delivery.message == "n0":
                receives += 1
                continue
            done += isinstance(queue.acknowledge(turn * MINUTE_US, delivery.handle), Acknowledged)
    set_aside = len(queue.dead_letters())
    return PoisonCounted(receives, set_aside, done, messages - done - set_aside)


@dataclass(frozen=True, slots=True)
class PauseCounted:
    """What a worker's pause did: who got the message, how often it took effect, whose acknowledgement was taken."""

    received: int
    effects: int
    acknowledged: int


def paused(*, pause_s: float = 40.0, visibility_s: float = 30.0, watched: str = "nothing") -> PauseCounted:
    """Let a worker stand still between its work and its word, while another asks for messages."""
    require_not_negative(pause_s=pause_s)
    require_choice("watched", watched, WATCHED)
    queue, seen, effects = WorkQueue("queue", Settings(visibility_s=visibility_s)), set[str](), list[str]()
    queue.send(0, "n1")
    [slow] = queue.receive(0)
    pause_us = int(pause_s * 1e6)
    deliveries = [*queue.receive(pause_us), slow]  # another worker asks; then the first one goes on
    said = []
    for delivery in deliveries:
        if watched == "nothing" or delivery.message not in seen:
            effects.append(delivery.message)
            seen.add(delivery.message)
        said.append(queue.acknowledge(pause_us + 1, delivery.handle))
    return PauseCounted(len(deliveries), len(effects), sum(isinstance(one, Acknowledged) for one in said))


def delivered_thrice(*, calls: int = 10, watched: str = "seen ids") -> tuple[int, int]:
    """Deliver each of so many calls three times, last after its work; return the calls that came, and the effects.

    The ids that a service has seen are its callers' keys; with "nothing" each copy has a key of its own.
    """
    require_positive(calls=calls)
    require_choice("watched", watched, WATCHED)
    service = Service("nights")
    for number in range(calls):
        keys = [f"n{number}" if watched == "seen ids" else f"n{number}.{copy}" for copy in range(3)]
        first, second, third = (Request(key, "v1", night(number)) for key in keys)
        service.receive(0, first)
        service.receive(0, second)
        _work_off(service)
        service.receive(0, third)
        _work_off(service)
    return 3 * calls, service.status().effects


def _work_off(service: Service) -> None:
    while (at_work := service.begin(0)) is not None:
        service.finish(0, at_work)


@dataclass(frozen=True, slots=True)
class ReplayCounted:
    """What a reader that lost its position did: the records that there are, and the effects that it had."""

    records: int
    effects: int


def position_lost(*, records: int = 100, batch: int = 10, watched: str = "seen ids") -> ReplayCounted:
    """Let a reader work a log off, lose the file with its position, and begin again."""
    require_positive(records=records, batch=batch)
    require_choice("watched", watched, WATCHED)
    lines = ("read", "skip seen", "process", "commit") if watched == "seen ids" else ("read", "process", "commit")
    kept = Kept()
    Consumer(lines, records, batch, kept).run()
    kept.position = 0
    Consumer(lines, records, batch, kept).run()
    return ReplayCounted(records, kept.effects.total())


def effects_each(watched: str) -> dict[str, float]:
    """Return by fault how many effects there are for each one that there should be."""
    replay = position_lost(watched=watched)
    return {
        "a worker stands still": paused(watched=watched).effects,
        "the network doubles": delivered_thrice(calls=10, watched=watched)[1] / 10,
        "the bookmark is lost": replay.effects / replay.records,
    }
