"""Readers at their own pace: one follows, one comes seldom, one reads all again, one was away and must catch up.

What the runs show: a reader leaves nothing on the tape but its own position; what is too old goes, whether it was read
or not; and who was away catches up with what its speed has to spare.

Sources: the semantics and their sources in `dsys_lab.brokers.log_stream`; the laws in `dsys_lab.laws.queues`.
"""

from __future__ import annotations

from itertools import cycle
from typing import Final

from dsys_lab.brokers.log_stream import Settings
from dsys_lab.errors import require_positive
from dsys_lab.scenarios.log_stream.gauges import watch
from dsys_lab.scenarios.log_stream.machines import Phone, StreamHost
from dsys_lab.scenarios.log_stream.polling import SLEEPERS, Poller
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures import EVERY_RECORD

AGAIN_RECORDS: Final = 8
"""Who reads all again takes so many at a call, so that it can be watched."""
AWAY_AT_S: Final = 30.0
TURN_S: Final = 2.0
"""Who catches up takes what it can do in so many seconds at a call."""


def _host(sim: Simulation, retention_s: float) -> StreamHost:
    return StreamHost(sim, "nights", Settings(limits=None, retention_s=retention_s), EVERY_RECORD)


@scenario("kept for {retention_s:g} s")
def own_pace(
    sim: Simulation,
    *,
    retention_s: float = 600.0,
    seldom_s: float = 12.0,
    again_at_s: float = 25.0,
    rate: float = 2.0,
    records: int = 80,
) -> Claims:
    """Three read one tape: *billing* each second, *science* each `seldom_s`, *auditor* from `again_at_s` on all of it.

    `records` are put at random, `rate` a second, and kept for `retention_s`.
    """
    require_positive(seldom_s=seldom_s, again_at_s=again_at_s, rate=rate, records=records)
    host = _host(sim, retention_s)
    readers = [
        Poller(sim, host, name="billing", poll_s=1.0),
        Poller(sim, host, name="science", poll_s=seldom_s),
        Poller(sim, host, name="auditor", poll_s=1.0, begins_s=again_at_s, page_records=AGAIN_RECORDS),
    ]
    arrivals = sim.stream("phone/arrivals")
    gaps = (exponential(1 / rate)(arrivals) for _ in range(records))
    phone = Phone(sim, host, gaps, cycle(SLEEPERS).__next__, name="phone")
    watch(sim, host, {reader.name: reader.positions for reader in readers if reader.name != "auditor"})
    while not phone.is_done:
        sim.run(sim.now_s + 1)
    sim.run(sim.now_s + max(seldom_s, 8) + 1)
    return Claims({"no acknowledged loss": {}})


@scenario("{rate:g} a second come, {speed:g} can be worked off")
def catch_up(
    sim: Simulation,
    *,
    rate: float = 1.0,
    speed: float = 1.25,
    away_s: float = 60.0,
    retention_s: float = 3_600.0,
    until_s: float = 400.0,
) -> Claims:
    """One reader can work off `speed` records a second, of which `rate` come; at 30 s it is away for `away_s`."""
    require_positive(rate=rate, speed=speed, away_s=away_s, until_s=until_s)
    host = _host(sim, retention_s)
    page_records = max(1, round(speed * TURN_S))
    reader = Poller(sim, host, name="scoring", poll_s=page_records / speed, page_records=page_records)
    arrivals, draw = sim.stream("phone/arrivals"), exponential(1 / rate)
    gaps = (draw(arrivals) for _ in iter(int, 1))
    Phone(sim, host, gaps, cycle(SLEEPERS).__next__, name="phone")
    watch(sim, host, {reader.name: reader.positions})
    sim.after(AWAY_AT_S, reader.crash)
    sim.after(AWAY_AT_S + away_s, reader.restart)
    sim.run(until_s)
    return Claims({"no acknowledged loss": {}})
