"""A view has added refunds where it should have taken them off. The code is mended: and what was summed up before?

The office reads the takings, once a second, while guests go on booking. At `mended_s` the right code is there:

================  ==================================================================================================
`from now on`     the sum was kept in a table, updated in place, and the facts are gone: it is right from now on, on top
                  of a wrong number
`in place`        the view is emptied and folded again from the first fact, while the office reads it
`beside`          a second view folds from the first fact, beside the one that answers; when it has seen as much, the
                  office is led to it
================  ==================================================================================================

An answer is wrong if it is not what the facts come to at its position, or if that position is older than half a second.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.dataflows.change_capture import Follower, Switch
from dsys_lab.dataflows.event_sourcing import EventSource, Handler, Night, Takings, projection
from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.event_sourcing.world import SHORT, a_house, asked, filled
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("from now on", "in place", "beside")
OFFICE, FACTS, OLD, NEW = "office", "log/facts", "v1", "v2"
NIGHT_NAME: Final = "n1"
FRESH_S: Final = 0.5
LOOK_S: Final = 1.0
IDLE_S: Final = 0.05
RATE_LIVE: Final = 200.0
"""Facts a second that a view folds which is at the end of the log: nobody waits for it."""
FACTS_MOST: Final = 4_000


class Facts:
    """The log, the guests who write it, and what it comes to at each position.

    Parameters
    ----------
    kept : bool
        Whether there is a log; without one a fact goes into the sum and is gone, and what it all comes to is known to
        this page alone.
    """

    def __init__(self, simulation: Simulation, *, history: int, rate: float, seconds: float, kept: bool) -> None:
        self.simulation, self.rate, self.seconds, self.kept = simulation, rate, seconds, kept
        self.house: Handler[Night] = filled(a_house(), history, seed=simulation.seed)
        self.came_us, self.comes_to = [0], [0]
        self._right, self._source = Takings(), EventSource(self.house.store, self.house.types)
        self._note()

    def write(self) -> Body:
        """Let guests come at random."""
        sim, luck, folded = self.simulation, self.simulation.stream("guests"), self.house.load(NIGHT_NAME)
        wishes = sim.stream("guests/wishes")
        while True:
            yield sim.sleep(exponential(1 / self.rate)(luck))
            if sim.now_s > self.seconds:
                return
            self.house.decide_on(NIGHT_NAME, folded, asked(folded.state, wishes, folded.version))
            self.house.catch_up(NIGHT_NAME, folded)
            self._note()

    def _note(self) -> None:
        """Say what is new in the log, and what all of it comes to."""
        for commit in self._source.peek():
            for change in map(self._source.open, commit.changes):
                self._right.apply(change)
                message, key = f"e{commit.position}", SHORT[change.table]
                self.simulation.emit("publish", "guests", message, attempt=1, key=key)
                if self.kept:
                    self.simulation.emit("append", FACTS, message, shard="facts", offset=commit.position - 1, key=key)
                else:
                    self.simulation.emit("finish", OLD, message, attempt=1)
            self.came_us.append(self.simulation.now_us)
            self.comes_to.append(self._right.total)
            self._source.confirm(commit.position)

    def behind_us(self, position: int) -> int:
        """Return for how long somebody who has so many facts has been behind; 0 if not at all."""
        is_last = position + 1 >= len(self.came_us)
        return 0 if is_last else self.simulation.now_us - self.came_us[position + 1]

    def is_wrong(self, position: int, cents: int) -> bool:
        """Whether an answer is not what the facts come to at its position, or too old."""
        return cents != self.comes_to[position] or self.behind_us(position) > FRESH_S * 1e6


class ViewMachine(Machine):
    """A view of the takings on a machine of its own; what its disk has it has after a crash."""

    def __init__(self, simulation: Simulation, name: str, facts: Facts, *, refunds: int, rate: float) -> None:
        super().__init__(simulation, name)
        self.facts, self.refunds, self.rate = facts, refunds, rate
        self.device = VolatileDisk()
        self.open()

    def open(self) -> None:
        """Fold what is on the disk."""
        house, refunds = self.facts.house, self.refunds
        self.follower: Follower[Takings] = projection(
            self.device, lambda: Takings(refunds=refunds), house.store, house.types
        )

    def boot(self) -> None:
        """Go on where it was."""
        self.open()
        self._point()
        self.spawn(self._follow())

    def on_crash(self) -> None:
        """Lose what was not synced."""
        self.device.crash(self.simulation.stream(f"{self.name}/power"))

    def begin_anew(self, *, refunds: int, rate: float) -> None:
        """Forget everything, and fold from the first fact with other code."""
        self.refunds, self.rate, self.device = refunds, rate, VolatileDisk()
        self.open()
        self._point()

    @property
    def position(self) -> int:
        """How many facts it has."""
        return max(0, self.follower.position)

    def _follow(self) -> Body:
        while True:
            is_behind = self.position < len(self.facts.comes_to) - 1
            if not is_behind:
                self.rate = max(self.rate, RATE_LIVE)
                yield self.simulation.sleep(IDLE_S)
                continue
            yield from self.work(1 / self.rate)
            self.follower.follow(1)
            self._point()

    def _point(self) -> None:
        if not self.facts.kept:
            return
        now_us = self.simulation.now_us
        first = max(0, self.position - 1)
        behind_us = self.facts.behind_us(self.position)
        self.simulation.emit("read", self.name, shard="facts", first=first, count=self.position - first,
                             behind_us=behind_us, arrive_us=now_us)  # fmt: skip


class Office:
    """Who reads the takings, and is sometimes told a wrong number."""

    def __init__(self, simulation: Simulation, facts: Facts, shown: ViewMachine) -> None:
        self.simulation, self.facts, self.shown = simulation, facts, shown
        self.looks = self.wrong = 0
        self._mistaken = ""

    def read(self) -> Body:
        """Look once a second."""
        while True:
            self.look()
            yield self.simulation.sleep(LOOK_S)

    def look(self) -> bool:
        """Read the number; return whether it is wrong."""
        sim, view = self.simulation, self.shown
        position, cents = view.position, view.follower.view.total
        wrong, right = self.facts.is_wrong(position, cents), self.facts.comes_to[-1]
        self.looks, self.wrong = self.looks + 1, self.wrong + wrong
        behind_us = self.facts.behind_us(position)
        sim.emit("look", OFFICE, view=view.name, key="takings", position=position, behind_us=behind_us)
        if wrong and self._mistaken != view.name:
            sim.emit("mistaken", view.name, expected=f"{right / 100:,.0f} EUR", got=f"{cents / 100:,.0f} EUR")
            self._mistaken = view.name
        elif not wrong and self._mistaken:
            if self._mistaken == view.name:
                sim.emit("mended", view.name)
            self._mistaken = ""
        sim.emit("gauge", OFFICE, name="off by", value=abs(cents - right) / 100, unit="EUR")
        sim.emit("gauge", OFFICE, name="wrong answers", value=self.wrong, unit="answers")
        return wrong


@scenario("{way}")
def rebuilding(
    sim: Simulation,
    *,
    way: str = "beside",
    history: int = 22,
    rate: float = 1.5,
    rebuild_rate: float = 5.0,
    mended_s: float = 3.0,
    seconds: float = 13.0,
    mistaken: bool = True,
) -> Claims:
    """There are `history` facts, `rate` more come a second; a rebuild folds `rebuild_rate` facts a second.

    Without the mistake (`mistaken=False`) the view is folded again for another reason, a new column for one. Crash "v1"
    or "v2" to see them go on where they were.
    """
    require_choice("way", way, WAYS)
    require_positive(rebuild_rate=rebuild_rate, seconds=seconds)
    require_not_negative(rate=rate, mended_s=mended_s)
    if history + rate * seconds > FACTS_MOST:
        raise BadParameter(f"history = {history}, rate = {rate:g}: give at most {FACTS_MOST:,} facts in all")
    if mended_s >= seconds:
        raise BadParameter(f"mended_s = {mended_s:g}: give a moment before the end, {seconds:g} s")
    facts = Facts(sim, history=history, rate=rate, seconds=seconds, kept=way != "from now on")
    old = ViewMachine(sim, OLD, facts, refunds=1 if mistaken else -1, rate=RATE_LIVE)
    old.follower.follow()
    office = Office(sim, facts, old)
    sim.emit("led_here", OLD)
    if rate:
        sim.spawn(facts.write())
    sim.spawn(office.read())
    sim.spawn(_mend(sim, facts, office, way=way, rebuild_rate=rebuild_rate, mended_s=mended_s))
    sim.run(seconds)
    while office.shown.position < len(facts.comes_to) - 1 or (way == "beside" and office.shown is old):
        sim.run(sim.now_s + 1)
    wrong = office.look()
    shown = office.shown.follower.view.total
    sim.emit("check", OFFICE, name="the office reads what the facts come to, in cents", ok=not wrong,
             expected=facts.comes_to[-1], got=shown)  # fmt: skip
    return Claims({"checks hold": {}}, poster_us=round((mended_s + 0.6 * history / rebuild_rate) * 1e6))


def _mend(
    sim: Simulation, facts: Facts, office: Office, *, way: str, rebuild_rate: float, mended_s: float
) -> Body:
    yield sim.sleep(mended_s)
    old = office.shown
    sim.emit("note", "code", text="new code is there, which takes refunds off")
    if way == "from now on":
        old.follower.view.refunds = -1
        return
    sim.emit("rebuild", NEW if way == "beside" else OLD, view="takings", phase="begins")
    coming = old
    if way == "in place":
        old.begin_anew(refunds=-1, rate=rebuild_rate)
    else:
        coming = ViewMachine(sim, NEW, facts, refunds=-1, rate=rebuild_rate)
        coming.switch_on()
    while coming.position < len(facts.comes_to) - 1 or not coming.up:
        yield sim.sleep(IDLE_S)
    sim.emit("rebuild", coming.name, view="takings", phase="has caught up")
    if way == "beside":
        switch = Switch(old.follower)
        switch.rebuild(coming.follower)
        switch.swap()
        office.shown = coming
        sim.emit("let_go", OLD)
        sim.emit("led_here", NEW)
        office.look()
