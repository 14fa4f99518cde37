"""An auditor who reads the books now and then, and what nobody reported in between.

Orders are settled at once, and some of them wrongly: a message is dropped without a word, a party lies, a bug does
something twice. The desk believes that all is well. Only who holds what was promised against what was done can tell.

Sources: as in `dsys_lab.dataflows.verification.auditor`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from dsys_lab.dataflows.verification import Call, Line, World, audit, work, world
from dsys_lab.dataflows.verification.books import tell
from dsys_lab.errors import require_choice, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.durable_queue.machines import at_random
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation, to_us
from dsys_lab.structures import VolatileDisk

GATE, DESK, AUDITOR = "gate", "desk", "auditor"
SHOWN_S: Final = 0.4
"""How long an order is seen on its way to the desk; there it is shown for twice that, and settled all the same."""


class Silent(NamedTuple):
    """A fault that nobody reports: the verb that it strikes, what happens to it, and what it must be found as."""

    verb: str
    trouble: str
    found_as: str
    sold_out: bool = False


DROPPED: Final = "a promise dropped on its way"
SILENT: Final[dict[str, Silent]] = {
    DROPPED: Silent("", "", "never settled"),
    "a confirmation that was never sent": Silent("confirm", "lied", "never settled"),
    "a charge made twice": Silent("charge", "twice", "done twice"),
    "a pillow that was never taken": Silent("take", "lied", "kept without a pillow"),
    "an apology sent twice": Silent("apologise", "twice", "done twice", sold_out=True),
    "a refund that was never paid": Silent("refund", "lied", "apology without a refund", sold_out=True),
}
"""The faults, by what a reader is told of them."""


class Shop:
    """A world in which some orders go wrong, and a witness who says so in the trace."""

    def __init__(self, simulation: Simulation, pillows: int, fault: str, share: float) -> None:
        self.simulation, self.fault, self.share = simulation, fault, share
        self.world: World = world(VolatileDisk(), pillows=pillows)
        self.struck: dict[str, str] = {}
        self.known: dict[tuple[str, str], None] = {}
        self._lines = {name: Line(party, self._plan) for name, party in self.world.parties.items()}

    def sell(self, order: str) -> None:
        """Promise an order and settle it, well or not."""
        simulation, here = self.simulation, self.world
        simulation.emit("publish", GATE, order, attempt=1)
        simulation.emit("accept", GATE, order, order=order)
        here.promise(simulation.now_us, order)
        self._strike(order)
        if self.struck.get(order) != DROPPED:
            here.desk.take_in(simulation.now_us, len(here.promises.entries) - 1, order)
            before = {name: len(party.book.entries) for name, party in here.parties.items()}
            work(here.desk, self._lines, simulation.now_us)
            for name, party in here.parties.items():
                for entry in party.book.entries[before[name] :]:
                    tell(simulation.recorder, DESK, entry)
            arrive_us = simulation.now_us + to_us(SHOWN_S)
            simulation.emit("push", GATE, order, to=DESK, attempt=1, arrive_us=arrive_us)
            simulation.after(3 * SHOWN_S, lambda: simulation.emit("finish", DESK, order, attempt=1))
        else:
            here.desk.position = len(here.promises.entries)

    def _strike(self, order: str) -> None:
        """Choose by luck whether this order goes wrong, and how."""
        luck, which = self.simulation.stream("troubles"), self.simulation.stream("which")
        left = self.world.parties["stock"].left > 0  # type: ignore[attr-defined]  # the stock has some
        fitting = [
            name
            for name, silent in SILENT.items()
            if self.fault in ("any", name) and (silent.sold_out != left or (name == DROPPED and not left))
        ]
        strikes, choice = luck() < self.share, which()
        if strikes and fitting:
            name = self.struck[order] = fitting[int(choice * len(fitting))]
            place = GATE if name == DROPPED else DESK
            self.simulation.emit("hole", place, order, to=AUDITOR, why=name, copy=1)
            self._gauge()

    def _plan(self, call: Call, attempt: int) -> str:
        silent = SILENT.get(self.struck.get(call.order, ""))
        return silent.trouble if silent and silent.verb == call.verb else ""

    def audit(self, within_s: float) -> None:
        """Read the books, and say what is new in them."""
        simulation = self.simulation
        simulation.emit("note", AUDITOR, text="the auditor reads all books")
        struck_us = dict(self.world.books().promises)
        for finding in audit(self.world.books(), simulation.now_us, within_s=within_s):
            if finding[:2] in self.known:
                continue
            self.known[finding[:2]] = None
            simulation.emit("finding", AUDITOR, finding.order, order=finding.order, what=finding.what)
            if finding.order in self.struck:
                after_us = simulation.now_us - struck_us[finding.order]
                simulation.emit("detect", AUDITOR, finding.order, by="auditor", after_us=after_us, copy=1)
        self._gauge()

    def _gauge(self) -> None:
        """Say how many orders went wrong so far, and how many of them are known."""
        found = {order for _, order in self.known}
        for name, value in (("gone wrong", len(self.struck)), ("found", len(found))):
            self.simulation.emit("gauge", AUDITOR, name=name, value=value, unit="orders")


@scenario("an audit every {every_s:g} s")
def audited(
    sim: Simulation,
    *,
    every_s: float = 10.0,
    within_s: float = 4.0,
    orders_a_s: float = 2.0,
    until_s: float = 60.0,
    pillows: int = 60,
    fault: str = "any",
    fault_share: float = 0.08,
) -> Claims:
    """Sell for `until_s`, let a share of the orders go wrong in silence, and read the books `every_s`.

    A promise may be open for `within_s` before it is overdue. `fault` is one of `SILENT`, or "any".
    """
    require_positive(every_s=every_s, within_s=within_s, orders_a_s=orders_a_s, until_s=until_s)
    require_not_negative(pillows=pillows)
    require_fraction(fault_share=fault_share)
    require_choice("fault", fault, ("any", *SILENT))
    shop = Shop(sim, pillows, fault, fault_share)
    sim.spawn(_sales(sim, shop, orders_a_s, until_s))
    sim.spawn(_audits(sim, shop, every_s, within_s))
    sim.run(until_s + within_s + 2 * every_s + 0.001)
    return Claims({"promises settled once": {}})


def _sales(sim: Simulation, shop: Shop, rate: float, until_s: float) -> Body:
    for number, gap_s in enumerate(at_random(sim, GATE, rate=rate, for_s=until_s), start=1):
        yield sim.sleep(gap_s)
        shop.sell(f"o{number}")


def _audits(sim: Simulation, shop: Shop, every_s: float, within_s: float) -> Body:
    while True:
        yield sim.sleep(every_s)
        shop.audit(within_s)
