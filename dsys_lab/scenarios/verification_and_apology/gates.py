"""The machines of a launch: one stock that decides, gates that promise on old news or ask first, buyers who may leave.

The stock tells every change of its count to the gates, and says it again each `BEAT_S`, so that a gate can tell old
news from no news. News takes `news_s`; where the network is split when it leaves or when it arrives, it is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from dsys_lab.dataflows.verification import Call, Gate, Holds, Promised, SoldOut, Stock
from dsys_lab.dataflows.verification.parties import parties_on
from dsys_lab.scenarios.durable_queue.machines import ASK_AGAIN_S, at_random
from dsys_lab.simulation import Body, Event, Machine, Simulation, to_us
from dsys_lab.simulation.chance import exponential
from dsys_lab.simulation.machine import Crashed
from dsys_lab.structures import VolatileDisk

STOCK, SORRY = "stock", "apologies"
BEAT_S: Final = 0.5
ANSWER_WITHIN_S: Final = 1.0
SAY_AGAIN_S: Final = 10.0
"""After so long a gate that asks takes its word, or the answer, for lost: an answer is hardly ever so slow."""
SORRY_S: Final = 0.4
"""How long an apology takes, with its refund: in this picture it is one act; `settle` shows its parts."""
WHY_SORRY: Final = "promised, and not there: paid back, with an apology"
HOLD_ENDED: Final = "told yes, but the hold had ended: paid back, with an apology"


class StockHost(Machine):
    """The one who decides. Its book is on disk, and so is who holds what (the very object: how is left out)."""

    def __init__(
        self, simulation: Simulation, *, pillows: int, keyed: bool, news_s: float, until_s: float, ttl_s: float | None
    ) -> None:
        self.pillows, self.keyed, self.news_s, self.until_s = pillows, keyed, news_s, until_s
        self.gates: list[GateHost] = []
        self.holds = Holds(pillows, ttl_s=ttl_s)
        self._device = VolatileDisk()
        super().__init__(simulation, STOCK)
        self.disk["told"] = dict[str, bool]()

    def boot(self) -> None:
        """Read the book, and begin to tell the news."""
        book = parties_on(self._device, pillows=self.pillows, keyed=self.keyed)["stock"]
        assert isinstance(book, Stock)
        self.stock = book
        self._gauge()
        self.spawn(self._beat())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Decide an order, hold a pillow, or sell what was held."""
        {"order": self._decide, "ask": self._hold, "paid": self._keep}[body["type"]](message, copy, source)

    def _decide(self, message: str, copy: int, source: str) -> None:
        simulation, before = self.simulation, len(self.stock.book.entries)
        yes = self.stock.do(simulation.now_us, Call("take", message))
        if len(self.stock.book.entries) == before:
            simulation.emit("duplicate", self.name, message, of=0, copy=copy)
        elif yes:
            simulation.emit("effect", self.name, message, key=f"take/{message}", copy=copy)
            simulation.emit("confirm", self.name, message, order=message, copy=copy)
            simulation.emit("finish", self.name, message, attempt=1, copy=copy)
        else:
            self._send_to_apologies(message, copy, WHY_SORRY)
        self._gauge()
        self._tell_gates()
        simulation.network.answer(self.name, source, message, {"type": "yes" if yes else "no"}, copy=copy)

    def _send_to_apologies(self, message: str, copy: int, why: str) -> None:
        simulation = self.simulation
        arrive_us = simulation.now_us + to_us(SORRY_S)
        simulation.emit("push", self.name, message, to=SORRY, attempt=1, arrive_us=arrive_us, copy=copy)

        def apologise() -> None:
            simulation.emit("compensate", SORRY, message, order=message, of="charge", copy=copy)
            simulation.emit("apologise", SORRY, message, order=message, cost=1, copy=copy)
            simulation.emit("reject", SORRY, message, why=why, copy=copy)

        simulation.after(SORRY_S, apologise)

    def _hold(self, message: str, copy: int, source: str) -> None:
        held = self.holds.hold(self.simulation.now_us, message)
        self._gauge()
        self.simulation.network.answer(self.name, source, message, {"type": "yes" if held else "no"}, copy=copy)

    def _keep(self, message: str, copy: int, source: str) -> None:
        simulation = self.simulation
        if message in self.disk["told"]:  # its answer was lost, and the gate says it again
            yes = self.disk["told"][message]
        else:
            yes = self.disk["told"][message] = self.holds.keep(simulation.now_us, message)
            if yes:
                simulation.emit("confirm", self.name, message, order=message, copy=copy)
                simulation.emit("finish", self.name, message, attempt=1, copy=copy)
            else:  # told yes, and now no: asking first has apologies, too
                self._send_to_apologies(message, copy, HOLD_ENDED)
        self._gauge()
        simulation.network.answer(self.name, source, message, {"type": "yes" if yes else "no"}, copy=copy)

    def _gauge(self) -> None:
        simulation, holds = self.simulation, self.holds.status()
        left = self.stock.left - holds.sold - holds.held
        simulation.emit("gauge", self.name, name="left", value=left, unit="pillows", full=self.pillows)
        if holds.held or holds.sold:
            simulation.emit("gauge", self.name, name="held", value=holds.held, unit="pillows")

    def _beat(self) -> Body:
        while self.simulation.now_s < self.until_s:
            yield self.simulation.sleep(BEAT_S)
            self.holds.tick(self.simulation.now_us)
            self._tell_gates()

    def _tell_gates(self) -> None:
        """Send the count to each gate that the network reaches now; it arrives if the network still does then."""
        simulation, left, as_of_us = self.simulation, self.stock.left, self.simulation.now_us
        for gate in self.gates:
            if gate.is_reached_by(self.name):
                simulation.after(self.news_s, lambda gate=gate: gate.hears(left, as_of_us))  # type: ignore[misc]


class GateHost(Machine):
    """A gate: promises on its news, or asks for each buyer and lets them wait.

    A promise is on its disk before the buyer hears of it, and so is a payment, and both stay there until the stock has
    answered. Its news is in memory: a gate that comes back promises nothing before it has heard how many are left.

    Parameters
    ----------
    make : callable
        `(left)` -> a gate that believes that so many are left.
    """

    def __init__(
        self,
        simulation: Simulation,
        stock: StockHost,
        name: str,
        make: Callable[[int], Gate],
        *,
        asks: bool,
        patience_s: float,
    ) -> None:
        self.stock, self.make, self.asks = stock, make, asks
        self.gate = make(stock.pillows)
        self._patience = exponential(patience_s)
        self._answers: dict[str, Event] = {}
        self._believed: int | None = None
        super().__init__(simulation, name)
        self.disk["promised"] = {}
        stock.gates.append(self)

    @property
    def waits(self) -> bool:
        """Whether anything is still unanswered here, or a buyer waits."""
        return bool(self._answers or self.disk["promised"])

    def boot(self) -> None:
        """Say what it knows, and tell the stock what is not answered yet."""
        self._say()
        for buyer in self.disk["promised"]:
            self.spawn(self._pay(buyer) if self.asks else self._report(buyer))

    def on_crash(self) -> None:
        """Forget the news; what was promised is on the disk."""
        self._answers.clear()
        self.gate = self.make(0)

    def hears(self, left: int, as_of_us: int) -> None:
        """Hear how many pillows were left, if the network lets the news through."""
        if self.is_reached_by(STOCK):
            self.gate.told(self.simulation.now_us, left, as_of_us)
            self._say()

    def _say(self) -> None:
        believed = self.gate.status().left
        if believed != self._believed and not self.asks:
            self._believed = believed
            full = self.stock.pillows
            self.simulation.emit("gauge", self.name, name="believed", value=believed, unit="pillows", full=full)

    def comes(self, buyer: str) -> None:
        """Serve a buyer."""
        simulation = self.simulation
        simulation.emit("publish", self.name, buyer, attempt=1)
        if not self.up:
            simulation.emit("reject", self.name, buyer, why="nobody is there")
            return
        if self.asks:
            self.spawn(self._ask(buyer))
            return
        said = self.gate.offer(simulation.now_us, buyer)
        if isinstance(said, Promised):
            self.disk["promised"][buyer] = 0  # how often the stock was told
            simulation.emit("accept", self.name, buyer, order=buyer)
            self.spawn(self._report(buyer))
        else:
            why = "sold out, as far as it knows" if isinstance(said, SoldOut) else "its news is too old"
            simulation.emit("reject", self.name, buyer, why=why)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Give an answer to whoever waits for it; nobody may wait any more."""
        self.disk["promised"].pop(message, None)
        waiting = self._answers.pop(message, None)
        if waiting is not None:
            waiting.succeed(body["type"] == "yes")

    def _report(self, buyer: str) -> Body:
        """Tell the stock what was promised, again and again until it answers."""
        simulation, network = self.simulation, self.simulation.network
        answered = self._answers[buyer] = simulation.event()
        while not answered.triggered:
            while not self.stock.is_reached_by(self.name):
                yield simulation.sleep(ASK_AGAIN_S)
            attempt = self.disk["promised"][buyer] = self.disk["promised"][buyer] + 1
            copy = network.next_copy(buyer) if attempt > 1 else 0
            if copy:
                simulation.emit("publish", self.name, buyer, attempt=attempt, copy=copy)
            network.send(self.name, STOCK, buyer, {"type": "order"}, copy=copy)
            yield answered | simulation.sleep(ANSWER_WITHIN_S)

    def _ask(self, buyer: str) -> Body:
        """Ask the stock, and let the buyer wait for as long as the buyer will."""
        simulation = self.simulation
        began_us, waits_s = simulation.now_us, self._patience(simulation.stream("buyers/patience"))
        leaves = simulation.sleep(waits_s)
        answered = self._answers[buyer] = simulation.event()
        try:
            yield from self._say_until(buyer, "ask", answered, leaves)
        except Crashed:
            self._leaves(buyer, began_us)
            raise
        if not answered.triggered:
            self._leaves(buyer, began_us)
        elif answered.value:
            self.disk["promised"][buyer] = 1
            yield from self._pay(buyer)
        else:
            simulation.emit("reject", self.name, buyer, why="sold out")

    def _pay(self, buyer: str) -> Body:
        """Tell the stock that a buyer has paid, again and again until it answers."""
        answered = self._answers[buyer] = self.simulation.event()
        yield from self._say_until(buyer, "paid", answered)

    def _say_until(self, buyer: str, what: str, answered: Event, leaves: Event | None = None) -> Body:
        """Say a word to the stock, and again after a long while without an answer; or let the buyer leave."""
        simulation = self.simulation
        while not answered.triggered and not (leaves and leaves.processed):
            pause = simulation.sleep(ASK_AGAIN_S)
            if self.stock.is_reached_by(self.name):
                simulation.network.answer(self.name, STOCK, buyer, {"type": what})
                pause = simulation.sleep(SAY_AGAIN_S)
            yield answered | pause | leaves if leaves else answered | pause

    def _leaves(self, buyer: str, began_us: int) -> None:
        waited_us = self.simulation.now_us - began_us
        self.simulation.emit("abandon", self.name, buyer, order=buyer, waited_us=waited_us)
        self.simulation.emit("expire", self.name, buyer, age_us=waited_us)
        self._answers.pop(buyer, None)


def buyers(simulation: Simulation, gates: Sequence[GateHost], *, rate: float, for_s: float) -> Body:
    """Let buyers come at random, each to a gate at random."""
    which = simulation.stream("buyers/gate")
    for number, gap_s in enumerate(at_random(simulation, "buyers", rate=rate, for_s=for_s), start=1):
        yield simulation.sleep(gap_s)
        gates[int(which() * len(gates))].comes(f"b{number}")
