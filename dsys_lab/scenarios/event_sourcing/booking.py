"""Guests order at once, and each order is thought about for a while: who has thought in vain?

An order reads the stream as it is, thinks for `think_s`, and appends what it came to on the version that it saw. If
another was faster it bounces, or, with `retries`, reads on and thinks again. With `streams` the house is divided into
wings that decide for themselves.

Sources: the semantics in `dsys_lab.dataflows.event_sourcing`; the law `laws.conflict_share`.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.dataflows.event_sourcing import Conflict, Done, Folded, Handler, Night, Open
from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.scenarios.event_sourcing.world import SHORT, a_house, asked
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential

DESK, LOG = "desk", "log"
STREAMS_MOST, ORDERS_MOST = 12, 20_000
_STEP_S: Final = 1.0


class Desk:
    """Where orders are thought about, each on what it saw."""

    def __init__(self, simulation: Simulation, house: Handler[Night], nights: list[str], *, think_s: float) -> None:
        self.simulation, self.house, self.think_s = simulation, house, think_s
        self.newest = {night: house.load(night) for night in nights}
        self.busy = self.done = self.conflicts = self.most = self.busiest_us = 0

    def see(self, night: str) -> Folded[Night]:
        """Return what a stream comes to now."""
        newest = self.house.catch_up(night, self.newest[night])
        return Folded(newest.state, newest.version)

    def order(self, message: str, night: str, *, retries: int) -> Body:
        """Think, append, and think again if another was faster."""
        sim, luck = self.simulation, self.simulation.stream("orders/wishes")
        sim.emit("publish", DESK, message, attempt=1)
        self.busy += 1
        if self.busy > self.most:
            self.most, self.busiest_us = self.busy, sim.now_us
        for attempt in range(1, retries + 2):
            seen = self.see(night)
            wish = asked(seen.state, luck, int(message[1:]))
            yield sim.sleep(self.think_s)
            answer = self.house.decide_on(night, seen, wish, command_id=message)
            if isinstance(answer, Done):
                self._append(message, night, answer)
                break
            self._too_late(message, answer, attempt, again=attempt <= retries)
        self.busy -= 1

    def _append(self, message: str, night: str, done: Done) -> None:
        self.done += 1
        kind = SHORT[done.events[0].kind]
        self.simulation.emit("append", f"{LOG}/{night}", message, shard=night, offset=done.version - 1, key=kind)

    def _too_late(self, message: str, conflict: Conflict, attempt: int, *, again: bool) -> None:
        self.conflicts += 1
        why = f"it saw version {conflict.expected}, and there are {conflict.version}"
        if again:
            self.simulation.emit("fail", DESK, message, why=why, attempt=attempt)
            self.simulation.emit("start", DESK, message, attempt=attempt + 1)
        else:
            self.simulation.emit("reject", DESK, message, why=why)
        share = self.conflicts / (self.conflicts + self.done)
        self.simulation.emit("gauge", DESK, name="in vain", value=round(share, 3), unit="share of all that was thought")


@scenario("{rate:g} orders a second, {think_s:g} s to think, streams: {streams}, retries: {retries}")
def booking(
    sim: Simulation,
    *,
    rate: float = 5.0,
    think_s: float = 0.1,
    streams: int = 1,
    retries: int = 0,
    beds: int = 12,
    seconds: float = 8.0,
) -> Claims:
    """Orders come at random, `rate` a second, each for one of the wings (`streams`), and think for `think_s`."""
    require_positive(rate=rate, seconds=seconds, beds=beds)
    require_not_negative(think_s=think_s, retries=retries)
    if not 1 <= streams <= STREAMS_MOST:
        raise BadParameter(f"streams = {streams}: give 1 to {STREAMS_MOST}, so that each has its place in the picture")
    if rate * seconds > ORDERS_MOST:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most {ORDERS_MOST:,} orders")
    house, nights = _opened(sim, streams, beds)
    desk = Desk(sim, house, nights, think_s=think_s)

    def guests() -> Body:
        luck, number = sim.stream("orders"), 0
        while True:
            yield sim.sleep(exponential(1 / rate)(luck))
            if sim.now_s >= seconds:
                return
            number += 1
            sim.spawn(desk.order(f"o{number}", nights[int(luck() * streams)], retries=retries))

    sim.spawn(guests())
    sim.run(seconds)
    while desk.busy:
        sim.run(sim.now_s + _STEP_S)
    events = house.store.status().events - streams
    sim.emit("check", LOG, name="each acknowledged order is one event", ok=events == desk.done, expected=desk.done,
             got=events)  # fmt: skip
    return Claims({"checks hold": {}, "conservation": {}}, poster_us=desk.busiest_us, strip=("in vain",))


def _opened(sim: Simulation, streams: int, beds: int) -> tuple[Handler[Night], list[str]]:
    nights = ["n1"] if streams == 1 else [f"wing-{number:02d}" for number in range(1, streams + 1)]
    house = a_house(night=nights[0], beds=beds)
    for night in nights[1:]:
        house.handle(night, Open(beds))
    for night in nights:
        sim.emit("publish", DESK, night, attempt=1)
        sim.emit("append", f"{LOG}/{night}", night, shard=night, offset=0, key=SHORT["NightOpened"])
    return house, nights
