"""Wearables put pings into the stream `pings`, which fills the bucket `destination`.

The claims, one function each:

1. `glass`: what is full first seals the crate, the glass (its size) or the hourglass (its age).
2. `outage`: what nobody takes is held, for so long; then it is gone, unless there is a `backup`.
3. `answers_lost`: who has no answer puts again, and the ping lands twice.
4. `spoiled`: a bad ping is set aside alone, or takes its whole crate with it.
5. `folders`: a folder for each customer divides the crates, not the work.
6. `offline`: the folder of an hour holds what arrived in it, not what happened in it.

Sources: the semantics and their sources in `dsys_lab.brokers.delivery_stream`; the laws in `dsys_lab.laws.delivery`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from dsys_lab.brokers.delivery_stream import AS_THEY_ARE, Failed, Format, Given, Lines, Ok, Settings
from dsys_lab.brokers.delivery_stream.transforms import Fate
from dsys_lab.errors import require_choice, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.delivery_stream.machines import Bucket, Ping, StreamHost, Wearable
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import constant, exponential

H: Final = 3_600.0
PING_BYTES: Final = 100
PATIENCE_S: Final = 4 * 24 * H
BACKUPS: Final[dict[str, float | None]] = {"none": None, "after half an hour": 0.5, "after 2 h": 2.0}
"""When a crate that nobody takes goes to the backup, in hours, by the words that a page uses."""
FORMATS: Final[dict[str, Format]] = {"a line each": Lines(), "as they are": AS_THEY_ARE}
"""How pings become an object, by the words that a page uses."""
JUDGED: Final = ("each ping", "a whole crate")
BY: Final = ("arrival", "event")
BOOKS: Final[dict[str, dict[str, Any]]] = {"conservation": {}, "no acknowledged loss": {}}
KEPT: Final[dict[str, dict[str, Any]]] = {**BOOKS, "promised and kept": {}}


def ping_of(
    sim: Simulation, *, customers: int = 1, bad: float = 0.0, lag_s: Callable[[], float] = lambda: 0.0
) -> Callable[[str, int], bytes]:
    """Return how a ping is made: of one of some customers, about a moment some time ago, a share of them spoiled."""
    luck, spoils = sim.stream("pings"), sim.stream("pings/bad")

    def ping(message: str, now_us: int) -> bytes:
        customer, pulse = f"c{int(luck() * customers)}", 50 + int(luck() * 30)
        at_us = now_us - round(lag_s() * 1e6)
        return Ping(message, customer, at_us, "?" if spoils() < bad else pulse).data(PING_BYTES)

    return ping


def wired(
    sim: Simulation, settings: Settings, *, every_s: float, pings: int, wearables: int = 2, regular: bool = False,
    ping: Callable[[str, int], bytes] | None = None, **given: Any,
) -> StreamHost:  # fmt: skip
    """Return the stream's host with its buckets and those who put: together one ping `every_s` on average."""
    require_positive(every_s=every_s, pings=pings, wearables=wearables)
    host = StreamHost(sim, settings, [Bucket(sim, "destination"), Bucket(sim, "backup")], **given)
    gap = (constant if regular else exponential)(every_s * wearables)
    for number in range(1, wearables + 1):
        luck, share = sim.stream(f"gaps/{number}"), pings // wearables + (number <= pings % wearables)
        gaps = [gap(luck) for _ in range(share)]
        Wearable(sim, host, gaps, ping or ping_of(sim), name=f"watch-{number}")
    return host


def run_until_landed(sim: Simulation) -> None:
    """Run until everything was put and has left the stream, or patience ends."""
    machines = sim.machines.values()
    wearables = [machine for machine in machines if isinstance(machine, Wearable)]
    hosts = [machine for machine in machines if isinstance(machine, StreamHost)]
    step_s = hosts[0].settings.interval_s / 8
    while sim.now_s < PATIENCE_S:
        sim.run(sim.now_s + step_s)
        if all(one.is_done for one in wearables) and all(host.is_empty for host in hosts):
            return


# ------------------------------------------------------------------------------------------ 1. size or time
@scenario("a ping every {every_s:g} s, {size_bytes} bytes or {interval_s:g} s")
def glass(
    sim: Simulation,
    *,
    every_s: float = 1.0,
    size_bytes: int = 1_000,
    interval_s: float = 20.0,
    seconds: float = 120.0,
    form: str = "a line each",
    names: str = "attempt",
) -> Claims:
    """What is full first seals the crate: the glass, or the hourglass.

    Pings of 100 bytes come at random for some `seconds`, one `every_s` on average. A crate is sealed at `size_bytes`,
    or when its oldest ping has waited for `interval_s`.
    """
    require_choice("form", form, tuple(FORMATS))
    settings = Settings(size_bytes=size_bytes, interval_s=interval_s, names=names, pause_s=2.0, limits=None)
    require_positive(every_s=every_s, seconds=seconds)
    wired(sim, settings, every_s=every_s, pings=max(1, round(seconds / every_s)), form=FORMATS[form])
    run_until_landed(sim)
    return Claims(KEPT, poster_us=round(0.75e6 * seconds))


# ------------------------------------------------------------------------------------------ 2. nobody takes it
@scenario("down for {down_h:g} h, held for {hold_h:g} h, backup: {backup}")
def outage(
    sim: Simulation,
    *,
    down_h: float = 1.0,
    hold_h: float = 24.0,
    backup: str = "none",
    every_s: float = 600.0,
    interval_s: float = 900.0,
    pause_s: float = 1_800.0,
) -> Claims:
    """What nobody takes is held for `hold_h`, then it is gone; with a `backup` it goes there before that.

    The destination goes down after an hour. A ping comes `every_s`, exactly; a crate that failed is tried again after
    `pause_s`.
    """
    require_not_negative(down_h=down_h)
    require_choice("backup", backup, tuple(BACKUPS))
    retry_h = BACKUPS[backup]
    settings = Settings(
        interval_s=interval_s, hold_s=hold_h * H, retry_s=None if retry_h is None else retry_h * H, pause_s=pause_s,
        limits=None,
    )  # fmt: skip
    pings = int((down_h + 2) * H / every_s)
    host = wired(sim, settings, every_s=every_s, pings=pings, wearables=1, regular=True, is_watched=False)
    sim.after(H, host.buckets["destination"].crash)
    sim.after((1 + down_h) * H, host.buckets["destination"].restart)
    run_until_landed(sim)
    return Claims(KEPT)


# ------------------------------------------------------------------------------------------ 3. put again
@scenario("{share:.0%} of the answers lost")
def answers_lost(
    sim: Simulation, *, share: float = 0.2, every_s: float = 1.0, pings: int = 40, size_bytes: int = 1_000
) -> Claims:
    """Who has no answer puts again, and the ping lands twice: the stream does not know that it has it."""
    require_fraction(share=share)
    settings = Settings(size_bytes=size_bytes, interval_s=20.0, limits=None)
    wired(sim, settings, every_s=every_s, pings=pings, form=Lines(), answers_lost=share)
    run_until_landed(sim)
    return Claims(KEPT, poster_us=24_000_000)


# ------------------------------------------------------------------------------------------ 4. what cannot be read
def checked(records: Sequence[Given]) -> Mapping[int, Fate]:
    """Judge each ping for itself: its pulse must be a number."""
    return {number: Ok(data) if has_pulse(data) else Failed("the pulse is no number") for number, data, _ in records}


def all_or_nothing(records: Sequence[Given]) -> Mapping[int, Fate]:
    """Judge all together: raise at the first ping whose pulse is no number."""
    for number, data, _ in records:
        if not has_pulse(data):
            raise ValueError(f"record {number}: the pulse is no number")
    return {number: Ok(data) for number, data, _ in records}


def has_pulse(data: bytes) -> bool:
    """Whether a ping says a number."""
    return isinstance(json.loads(data)["pulse"], int)


@scenario("{bad:.0%} bad, judged: {judged}")
def spoiled(
    sim: Simulation, *, bad: float = 0.1, judged: str = "each ping", every_s: float = 1.0, pings: int = 60,
    records_a_crate: int = 10,
) -> Claims:  # fmt: skip
    """A bad ping is set aside alone if each is judged for itself; else it takes its whole crate with it."""
    require_fraction(bad=bad)
    require_choice("judged", judged, JUDGED)
    settings = Settings(size_bytes=records_a_crate * PING_BYTES, interval_s=900.0, limits=None)
    transform = checked if judged == "each ping" else all_or_nothing
    wired(sim, settings, every_s=every_s, pings=pings, ping=ping_of(sim, bad=bad), form=Lines(), transform=transform)
    run_until_landed(sim)
    return Claims(KEPT, poster_us=24_000_000)


# ------------------------------------------------------------------------------------------ 5. a folder each
def of_customer(data: bytes) -> str:
    """Return the folder of a ping's customer."""
    return f"customer={json.loads(data)['customer']}"


@scenario("{customers} folders")
def folders(
    sim: Simulation,
    *,
    customers: int = 3,
    every_s: float = 0.5,
    size_bytes: int = 1_000,
    interval_s: float = 20.0,
    pings: int = 90,
) -> Claims:
    """Each folder has a glass and an hourglass of its own: more folders, more and smaller crates."""
    require_positive(customers=customers)
    settings = Settings(size_bytes=size_bytes, interval_s=interval_s, limits=None)
    wired(sim, settings, every_s=every_s, pings=pings, ping=ping_of(sim, customers=customers), form=Lines(),
          partition_by=of_customer)  # fmt: skip
    run_until_landed(sim)
    return Claims(KEPT, poster_us=32_000_000)


# ------------------------------------------------------------------------------------------ 6. which hour
def of_hour(data: bytes) -> str:
    """Return the folder of the hour in which a ping's moment was."""
    return f"{Settings().starts + timedelta(microseconds=json.loads(data)['at_us']):%Y/%m/%d/%H}"


@scenario("folders by {by}, a mean of {lag_h:g} h offline")
def offline(
    sim: Simulation, *, by: str = "arrival", lag_h: float = 0.5, every_s: float = 120.0, pings: int = 240
) -> Claims:
    """A phone that was offline puts late: by arrival its pings lie in the folder of a later hour."""
    require_choice("by", by, BY)
    require_positive(lag_h=lag_h)
    late, luck = exponential(lag_h * H), sim.stream("lags")
    settings = Settings(interval_s=60.0, limits=None)
    wired(sim, settings, every_s=every_s, pings=pings, ping=ping_of(sim, lag_s=lambda: late(luck)), form=Lines(),
          partition_by=of_hour if by == "event" else None, is_watched=False)  # fmt: skip
    run_until_landed(sim)
    return Claims(KEPT)
