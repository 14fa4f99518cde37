"""Two views follow one log: an index, which puts rows in their places, and a total, which adds them up.

`killed_at` cuts the power of both, once, before the step of this number: each write and sync of their disks is one, and
each confirmation. With `remembers` a view writes its position down with what it takes, and leaves alone what comes
again; `confirms` says whether it confirms after it has written, or before.

`rebuilding`: a new total is begun beside the old one, from the table as it is, and takes its place.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from dsys_lab.dataflows.change_capture import Switch, slot_and_rows
from dsys_lab.dataflows.change_capture.follower import CONFIRMS
from dsys_lab.dataflows.derived_view import Counts
from dsys_lab.dataflows.derived_view.view import Row
from dsys_lab.errors import BadParameter, Refused, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.derived_dataflows.machines import (
    DOWN_S,
    LOG,
    MAKES,
    SALES,
    TOTAL,
    TRAVEL_S,
    Follows,
    Ledger,
    size_of,
)
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential

SALES_MOST: Final = 400
QUIET_S, WAIT_MOST_S = 2.0, 120.0
"""What a run goes on for when nobody sells any more, and how long it waits for its views."""
FORGOTTEN: Final = "tea"
NEW, READERS = "new total", "readers"
READ_EVERY_S: Final = 0.5


@scenario("remembers: {remembers}, confirms {confirms}")
def capture(
    sim: Simulation,
    *,
    remembers: bool = True,
    confirms: str = "after",
    killed_at: int = 0,
    rate: float = 1.5,
    take_s: float = 0.3,
    seconds: float = 12.0,
) -> Claims:
    """Clerks sell, `rate` a second; two views take each commit in within `take_s`. With `killed_at` 0 nobody is killed.

    Crash "index" or "total" at any time, or make it slow, to see that nothing is missed.
    """
    require_choice("confirms", confirms, CONFIRMS)
    require_not_negative(killed_at=killed_at)
    require_sales(rate, take_s, seconds)
    ledger = Ledger(sim)
    followers = [
        Follows(sim, name, make, ledger, ledger.database.make_slot(name), take_s=take_s, copy=copy,
                power_cut_before=killed_at or None, remembers=remembers, confirms=confirms)
        for copy, (name, make) in enumerate(MAKES.items(), start=1)
    ]  # fmt: skip
    sim.spawn(ledger.open_for(rate, seconds))
    _until_followed(sim, ledger, followers, seconds)
    for follower in followers:
        follower.check()
    died_us = followers[0].died_us
    moment_us = round(seconds * 0.75e6) if died_us is None else died_us + round(0.9e6 * DOWN_S)
    return Claims({"checks hold": {}}, poster_us=moment_us)


def _until_followed(sim: Simulation, ledger: Ledger, followers: list[Follows], seconds: float) -> None:
    """Run until nobody sells any more and all views have what was sold."""
    sim.run(seconds + QUIET_S)
    until_s = sim.now_s + WAIT_MOST_S
    while sim.now_s < until_s and any(
        not one.up or one.source.status().confirmed < ledger.positions[-1] for one in followers if ledger.positions
    ):
        sim.run(sim.now_s + 1)


def require_sales(rate: float, take_s: float, seconds: float) -> None:
    """Refuse rates and times that are none, and more sales than a picture holds."""
    require_positive(rate=rate, take_s=take_s, seconds=seconds)
    if rate * seconds > SALES_MOST:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most {SALES_MOST} sales")


# ------------------------------------------------------------------------------------------ a view beside the old one
class _Forgets(Counts):
    """A total with a bug: it passes one item over."""

    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        if after is not None and after["item"] != FORGOTTEN:
            super()._take(before, after, position)


class _Swapping:
    """Begins a new total beside the old one, and leads the readers to it."""

    def __init__(self, sim: Simulation, ledger: Ledger, old: Follows, *, read_s: float, take_s: float) -> None:
        self.sim, self.ledger, self.old, self.read_s, self.take_s = sim, ledger, old, read_s, take_s
        self.current, self.swapped_us = old, 0

    def rebuild(self, at_s: float) -> Body:
        """Take the table as it is, which takes its time; follow; swap as soon as nobody is led back in time."""
        sim, ledger = self.sim, self.ledger
        yield sim.sleep(at_s)
        slot, beginning = slot_and_rows(ledger.database, "anew", [SALES])
        had = sum(position <= beginning.position for position in ledger.positions)
        sim.emit("rebuild", NEW, view=NEW, phase=f"the table is read as it was after {had} commits")
        yield sim.sleep(self.read_s)
        new = Follows(sim, NEW, MAKES[TOTAL], ledger, slot, take_s=self.take_s, copy=3)
        new.beginning = beginning
        new.switch_on()
        sim.emit("read", NEW, shard=LOG, first=0, count=had, behind_us=0, arrive_us=sim.now_us)
        switch = Switch(self.old.follower)
        switch.rebuild(new.follower)
        while switch.coming is not None:
            yield sim.sleep(0.05)
            with suppress(Refused):
                switch.swap()
        self.current, self.swapped_us = new, sim.now_us
        sim.emit("rebuild", NEW, view=NEW, phase="done, readers are led to it")

    def read(self) -> Body:
        """Let somebody ask for the total every so often."""
        sim, ledger, luck = self.sim, self.ledger, self.sim.stream(READERS)
        number = 0
        while True:
            yield sim.sleep(exponential(READ_EVERY_S)(luck))
            number += 1
            view, message = self.current, f"q{number}"
            has, arrive_us = view.follower.position, sim.now_us + round(TRAVEL_S * 1e6)
            sold = [cents for position, cents in zip(ledger.positions, ledger.sales, strict=True) if position <= has]
            wrong = sum(sold) - size_of(view.follower.view)["sum"]
            sim.emit("answer", view.name, message, to=READERS, copy=0, type="total", arrive_us=arrive_us)
            yield sim.sleep(TRAVEL_S)
            sim.emit("answered", READERS, message, source=view.name, copy=0, type="total")
            sim.emit("gauge", READERS, name="told too little", value=wrong, unit="cents")


@scenario("a new total, begun after {at_s} s")
def rebuilding(
    sim: Simulation,
    *,
    at_s: float = 6.0,
    read_s: float = 4.0,
    rate: float = 1.5,
    take_s: float = 0.2,
    seconds: float = 20.0,
) -> Claims:
    """The total that readers are shown passes an item over. After `at_s` a right one is begun, from a snapshot.

    It takes `read_s` to read the snapshot, and `take_s` for each commit after it.
    """
    require_not_negative(at_s=at_s)
    require_positive(read_s=read_s)
    require_sales(rate, take_s, seconds)
    if at_s + read_s >= seconds:
        raise BadParameter(f"at_s = {at_s:g}, read_s = {read_s:g}: give less than the {seconds:g} seconds of the run")
    ledger = Ledger(sim)
    old = Follows(sim, TOTAL, lambda: _Forgets(SALES, by="item", of="cents"), ledger, ledger.database.make_slot(TOTAL),
                  take_s=take_s, copy=2)  # fmt: skip
    swapping = _Swapping(sim, ledger, old, read_s=read_s, take_s=take_s)
    for body in (ledger.open_for(rate, seconds), swapping.rebuild(at_s), swapping.read()):
        sim.spawn(body)
    _until_followed(sim, ledger, [old], seconds)
    swapping.current.check()
    return Claims({"checks hold": {}}, poster_us=round((at_s + read_s) * 1e6), strip=("told too little",))
