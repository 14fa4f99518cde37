"""A table of sales with a log, and machines that keep a view of it: what `capture` wires together.

The log is drawn as a tape with a cell for each commit. Under it, for each view, an open caret: what it has; and a
filled one: what it has confirmed, up to where the log may be let go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.dataflows.change_capture import Beginning, Follower
from dsys_lab.dataflows.derived_view import Counts, Latest, View
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.stores.relational import ChangeSource, Commit, RelationalDatabase, SlotStatus
from dsys_lab.structures.disk import PowerCut, VolatileDisk

CLERKS, LOG, INDEX, TOTAL = "clerks", "log", "index", "total"
SALES: Final = "sales"
ITEMS: Final = ("mask", "pillow", "tea")
CREATE: Final = f"CREATE TABLE {SALES} (id integer PRIMARY KEY, item text NOT NULL, cents integer NOT NULL)"
POLL_S: Final = 0.5
"""How long a view that has everything waits before it asks again."""
TRAVEL_S: Final = 0.05
DOWN_S: Final = 2.0
MAKES: Final[dict[str, Callable[[], View]]] = {
    INDEX: lambda: Latest(SALES),
    TOTAL: lambda: Counts(SALES, by="item", of="cents"),
}
"""The views: one puts rows in their places, the other adds them up."""


def size_of(view: View) -> dict[str, int]:
    """Return what a view says of all sales: how many there are and what they cost together."""
    rows = view.state().values()
    if isinstance(view, Latest):
        return {"count": len(rows), "sum": sum(row["cents"] for row in rows)}
    return {"count": sum(row["count"] for row in rows), "sum": sum(row["sum"] for row in rows)}


class Ledger:
    """The system of record: a table of sales, and its log."""

    def __init__(self, sim: Simulation, *, clerk: str = CLERKS) -> None:
        self.sim, self.clerk = sim, clerk
        self.database = RelationalDatabase(VolatileDisk())
        self._session = self.database.session(CLERKS)
        self._session.execute(CREATE)
        self._own = self.database.make_slot(CLERKS)
        self.sold = self.cents = 0
        self.sales: list[int] = []
        self.number_of: dict[int, int] = {}
        self.positions: list[int] = []
        self.committed_us: list[int] = []

    def sell(self, item: str, cents: int) -> int:
        """Commit a sale; return its position in the log."""
        self.sold, self.cents = self.sold + 1, self.cents + cents
        self._session.execute(f"INSERT INTO {SALES} VALUES ({self.sold}, '{item}', {cents})")  # noqa: S608  # our own
        (commit,) = self._own.peek()
        self._own.confirm(commit.position)
        self.sales.append(cents)
        number = self.number_of[commit.position] = len(self.positions)
        self.positions.append(commit.position)
        self.committed_us.append(self.sim.now_us)
        self.sim.emit("publish", self.clerk, f"c{number}", attempt=1, copy=0)
        self.sim.emit("append", LOG, f"c{number}", shard=LOG, offset=number, key=item, copy=0)
        return commit.position

    def open_for(self, rate: float, until_s: float) -> Body:
        """Sell at random, `rate` a second."""
        luck = self.sim.stream(CLERKS)
        while True:
            yield self.sim.sleep(exponential(1 / rate)(luck))
            if self.sim.now_s > until_s:
                return
            self.sell(ITEMS[int(luck() * len(ITEMS))], 100 * (5 + int(luck() * 20)))


class _Steps:
    """A source whose confirmations are steps, too, before which a follower's power may go."""

    def __init__(self, source: ChangeSource, follows: Follows) -> None:
        self._source, self._follows = source, follows

    def peek(self, limit: int | None = None) -> list[Commit]:
        return self._source.peek(limit)

    def confirm(self, position: int) -> None:
        self._follows.step()
        self._source.confirm(position)
        self._follows.confirmed(position)

    def status(self) -> SlotStatus:
        return self._source.status()


class Follows(Machine):
    """A view on a machine of its own, with a disk of its own.

    Parameters
    ----------
    take_s : float
        How long it takes for a commit.
    power_cut_before : int, optional
        The step of its disk, or confirmation, before which its power goes, once.
    how : keyword parameters
        Of the `Follower`.
    """

    def __init__(
        self, sim: Simulation, name: str, make: Callable[[], View], ledger: Ledger, source: ChangeSource, *,
        take_s: float, copy: int, poll_s: float = POLL_S, power_cut_before: int | None = None, **how: Any,
    ) -> None:  # fmt: skip
        super().__init__(sim, name)
        self._ledger, self._make, self.source, self._take_s, self._copy = ledger, make, source, take_s, copy
        self._poll_s = poll_s
        self.device = VolatileDisk(power_cut_before=power_cut_before)
        self._how, self._shown = how, ""
        self.beginning: Beginning | None = None
        self._waiting: list[tuple[int, Event]] = []
        self.died_us: int | None = None

    def boot(self) -> None:
        """Open what is on the disk, and go on after it."""
        try:
            self.follower = Follower(self.device, self._make, _Steps(self.source, self), **self._how)
            if self.beginning is not None and self.follower.position < 0:
                self.follower.begin(self.beginning)
        except PowerCut:
            self._dies()
            return
        self.spawn(self._follow())

    def _follow(self) -> Body:
        sim = self.simulation
        while True:
            try:
                commits = self.source.peek(1)
                if not commits:
                    self._measure()
                    yield sim.sleep(self._poll_s)
                    continue
                number = self._ledger.number_of[commits[0].position]
                message, arrive_us = f"c{number}", sim.now_us + round(TRAVEL_S * 1e6)
                sim.emit("send", LOG, message, to=self.name, copy=self._copy, type="change", arrive_us=arrive_us)
                yield sim.sleep(TRAVEL_S)
                yield from self.work(max(0.0, self._take_s - TRAVEL_S))
                before = self.follower.status().repeated
                self.follower.follow(1)
                self._show(number, again=self.follower.status().repeated > before)
            except PowerCut:
                self._dies()
                return

    def step(self) -> None:
        """Count a step that is not the disk's, before which the power may go as well."""
        cut = self.device.power_cut_before
        if cut is not None and self.device.steps >= cut:
            raise PowerCut(f"the power went before step {self.device.steps}")
        self.device.steps += 1

    def confirmed(self, position: int) -> None:
        """Say up to where the log is not needed any more."""
        self.simulation.emit("commit", self.name, shard=LOG, offset=self._ledger.number_of[position])

    def _show(self, number: int, *, again: bool) -> None:
        sim, message = self.simulation, f"c{number}"
        if again:
            sim.emit("effect_skip", self.name, message, key=message, copy=self._copy)
        else:
            position = self._ledger.positions[number]
            behind_us = sim.now_us - self._ledger.committed_us[number]
            sim.emit("apply", self.name, message, view=self.name, position=number, copy=self._copy, behind_us=behind_us)
            if self._shown and self._shown != message:
                sim.emit("replaced", self.name, self._shown, by=message, copy=self._copy)
            self._shown = message
            for wanted, event in [one for one in self._waiting if one[0] <= position]:
                self._waiting.remove((wanted, event))
                event.succeed()
        sim.emit("read", self.name, shard=LOG, first=number, count=1, behind_us=0, arrive_us=sim.now_us)
        self._measure()

    def _measure(self) -> None:
        status = self.source.status()
        behind = sum(position > status.confirmed for position in self._ledger.positions)
        self.simulation.emit("gauge", self.name, name="log held back", value=status.lag_bytes, unit="bytes")
        self.simulation.emit("gauge", self.name, name="behind", value=behind, unit="commits")

    def has(self, position: int) -> Event:
        """Return what happens when this position is there."""
        event = self.simulation.event()
        if self.up and self.follower.position >= position:
            return event.succeed()
        self._waiting.append((position, event))
        return event

    def _dies(self) -> None:
        self.died_us = self.simulation.now_us
        self.device.crash(self.simulation.stream(f"{self.name}/power"))
        self.simulation.after(0, self.crash)
        self.simulation.after(DOWN_S, self.restart)

    def check(self) -> None:
        """Hold the view against the table."""
        found, expected = size_of(self.follower.view), {"count": self._ledger.sold, "sum": self._ledger.cents}
        self.simulation.emit("check", self.name, name=f"{self.name} is what the table says", ok=found == expected,
                             expected=expected["sum"], got=found["sum"])  # fmt: skip
