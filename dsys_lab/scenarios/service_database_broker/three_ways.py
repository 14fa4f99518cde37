"""One night after the other, three ways at the same time: into a table, to a service, onto a log. Then a reader dies.

All three lanes have the same nights, the same moments and the same work, so whatever is different comes from the way.
Whoever needs the nights is down for `outage_s` in each lane. Nobody is down but them: not the table, not the broker.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.laws import waiting_after_outage
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.service_database_broker.machines import (
    App,
    LogHost,
    LogReader,
    PollingReader,
    ServiceHost,
    TableHost,
    night,
)
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.chance import constant, exponential

LANES: Final = ("table", "service", "broker")
NETWORK_S: Final = 0.005
DOWN_AT_S: Final = 2.0
SEES_EVERY_S: Final = 0.25
"""How often the gauges are read."""


class Lanes:
    """The lanes of a run, and what came of it.

    Attributes
    ----------
    app : App
    readers : dict
        By lane, the machine of whoever needs the nights.
    stood_most : dict
        By lane, the most nights that stood in the store and were not worked off.
    """

    def __init__(self, sim: Simulation, lanes: tuple[str, ...], *, work_s: float, poll_s: float) -> None:
        self.sim, self.app = sim, App(sim)
        self.readers: dict[str, Any] = {}
        self._hosts: dict[str, Any] = {}
        if "table" in lanes:
            self._hosts["table"] = table = TableHost(sim)
            self.readers["table"] = PollingReader(sim, table, work_s=work_s, poll_s=poll_s)
        if "service" in lanes:
            self.readers["service"] = ServiceHost(sim, work_s=work_s)
        if "broker" in lanes:
            self._hosts["broker"] = log = LogHost(sim)
            self.readers["broker"] = LogReader(sim, log, work_s=work_s)
        self.offered = 0
        self.stood_most = dict.fromkeys(lanes, 0)

    def offer(self, number: int) -> None:
        """Send a night down each lane."""
        self.offered = number
        data = night(number)
        for lane in self.readers:
            message = f"{lane[0]}{number}"
            if lane == "service":
                self.app.call(message, data)
            else:
                self.app.write(message, data, lane)

    def waiting(self, lane: str) -> int:
        """Return how many nights stand in a lane and are not worked off."""
        reader = self.readers[lane]
        if lane == "service":
            status = reader.service.status()
            return int(status.waiting + status.at_work)
        host = self._hosts[lane]
        return int((host.end if lane == "broker" else len(host.messages)) - reader.done)

    def watch(self) -> Body:
        """Read the gauges."""
        while True:
            yield self.sim.sleep(SEES_EVERY_S)
            for lane, reader in self.readers.items():
                waiting = self.waiting(lane)
                self.stood_most[lane] = max(self.stood_most[lane], waiting)
                self.sim.emit("gauge", reader.name, name="backlog", value=waiting, unit="nights")


def run_lanes(
    sim: Simulation,
    lanes: tuple[str, ...],
    *,
    nights_a_second: float,
    works_a_second: float,
    outage_s: float,
    lasts_s: float,
    poll_s: float = 1.0,
) -> Lanes:
    """Run some of the lanes; whoever needs the nights is down from `DOWN_AT_S` on."""
    for lane in lanes:
        require_choice("lane", lane, LANES)
    require_positive(nights_a_second=nights_a_second, works_a_second=works_a_second, lasts_s=lasts_s, poll_s=poll_s)
    require_not_negative(outage_s=outage_s)
    if lasts_s <= DOWN_AT_S + outage_s:
        raise BadParameter(f"lasts_s = {lasts_s}: the outage ends after {DOWN_AT_S + outage_s:g} s; give more")
    sim.network.delay = constant(NETWORK_S)
    ways = Lanes(sim, lanes, work_s=1 / works_a_second, poll_s=poll_s)
    sim.spawn(_nights(sim, ways, nights_a_second))
    sim.spawn(ways.watch())
    if outage_s:
        for reader in ways.readers.values():
            sim.after(DOWN_AT_S, _crashed(reader, outage_s))
    sim.run(until_s=lasts_s)
    return ways


def _nights(sim: Simulation, ways: Lanes, nights_a_second: float) -> Body:
    gap, chance = exponential(1 / nights_a_second), sim.stream("nights")
    while True:
        yield sim.sleep(gap(chance))
        ways.offer(ways.offered + 1)


def _crashed(reader: Machine, outage_s: float) -> Any:
    def crash() -> None:
        reader.crash()
        reader.simulation.after(outage_s, reader.restart)

    return crash


@scenario("one fact, three ways; readers down for {outage_s:g} s")
def three_ways(
    sim: Simulation,
    *,
    nights_a_second: float = 4.0,
    works_a_second: float = 8.0,
    outage_s: float = 6.0,
    lasts_s: float = 20.0,
    poll_s: float = 1.0,
) -> Claims:
    """Three lanes, same clock, same nights; whoever needs them is down for a while in all three."""
    run_lanes(sim, LANES, nights_a_second=nights_a_second, works_a_second=works_a_second, outage_s=outage_s,
              lasts_s=lasts_s, poll_s=poll_s)  # fmt: skip
    stood = {"value": waiting_after_outage(nights_a_second, outage_s), "label": "rate × outage"}
    return Claims({"conservation": {}}, {"backlog": stood}, poster_us=to_us(DOWN_AT_S + outage_s * 0.98))
