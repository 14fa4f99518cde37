"""Choreography or an orchestrator: who knows how an order goes on?

An order goes through four services. In a *choreography* each says what has happened (*done*, *refused*, *undone*), and
whoever is concerned by that knows what to do: the next one its part, the one before its undoing. Nobody gives orders,
and nobody knows the whole. An *orchestrator* knows it: it tells each service what to do, hears how that went, and
writes both into its journal. That costs it nearly twice the messages, and it is one more machine that can crash.

What it buys shows when one order is stuck. In the choreography one goes from service to service until one of them says
why; the orchestrator's journal names the one to go to. (There are not fewer rows to read: what four services write down
stands in one journal then.) And an orchestrator can lose patience: it undoes what was
done, in reverse, and apologises. In a choreography nobody is there to. To undo, one part after the other, is what makes
a row of steps a *saga*: without it (`undoes=False`) an order that failed leaves what was done of it by then.

Every machine keeps what it must still say on its disk (an *outbox*), and says it again until it is acknowledged; a
service keeps what it was told (an *inbox*) and does nothing twice. So a crash delays, and loses nothing; an
orchestrator that keeps its state in memory alone (`journal=False`) shows what that is worth.

Sources: Azure Architecture Center, "Choreography" and "Saga distributed transactions"; Newman, *Building
Microservices*, second edition, 2021, ch. 6; Garcia-Molina and Salem, "Sagas", SIGMOD 1987.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.machines import wake
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Event, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Stream, exponential
from dsys_lab.trace import Trace

WAYS: Final = ("choreography", "orchestrator")
SERVICES: Final = ("stock", "payment", "shipping", "mail")
SHOP: Final = "shop"
DO, UNDO = "do", "undo"
ACCEPTED, DONE, REFUSED, UNDONE = "accepted", "done", "refused", "undone"
MEANS: Final = {ACCEPTED: DO, DONE: DO, REFUSED: UNDO, UNDONE: UNDO}
"""What somebody else's news means for the one whom it concerns."""
REFUSES, STICKS = "payment", "shipping"
APOLOGY_COST: Final = 1
AGAIN_S: Final = 1.0
"""How soon something is said, or tried, again."""
LOOKS_AFTER_S: Final = 6.0
"""How long after an order somebody begins to look for it."""
NOTHING_LEFT: Final = "nothing is left done of an order that failed"


class Correspondent(Machine):
    """Says everything again until it is acknowledged; what it must still say is on its disk."""

    def boot(self) -> None:
        """Begin to say again what is left in the outbox."""
        self.disk.setdefault("outbox", {})
        self.spawn(self._say_again())

    def say(self, to: str, order: str, what: str) -> None:
        """Say something about an order."""
        self.disk["outbox"][to, order, what] = None
        self._send(to, order, what)

    def _send(self, to: str, order: str, what: str) -> None:
        self.simulation.network.send(self.name, to, order, {"type": what})

    def _say_again(self) -> Body:
        while True:
            before = list(self.disk["outbox"])
            yield self.simulation.sleep(AGAIN_S)
            for letter in before:
                if letter in self.disk["outbox"]:
                    self._send(*letter)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take note of an acknowledgement, or hear and acknowledge."""
        if "of" in body:
            self.disk["outbox"].pop((source, message, body["of"]), None)
            return
        self.hear(message, body["type"], source)
        self.simulation.network.answer(self.name, source, message, {"type": "heard", "of": body["type"]})

    def hear(self, order: str, what: str, source: str) -> None:
        """Do what is to be done, or write down that it is."""
        raise NotImplementedError


class Service(Correspondent):
    """Does its part of an order once, and undoes it when it is told to.

    Parameters
    ----------
    leader : str
        Who tells it what to do, and hears how that went; "" in a choreography, where it hears news of its neighbours
        and they of it.
    """

    def __init__(
        self, simulation: Simulation, name: str, *, leader: str, work_s: float, refused: float, sticks: str
    ) -> None:
        super().__init__(simulation, name)
        self.leader, self.work_s, self.refused, self.sticks = leader, work_s, refused, sticks
        self.disk |= {"inbox": [], "heard": set(), "undone": set(), "did": set()}
        self._news: Event = simulation.event()

    def boot(self) -> None:
        """Work off the inbox."""
        super().boot()
        self._news = self.simulation.event()
        self.spawn(self._work_off())

    def hear(self, order: str, what: str, source: str) -> None:
        """Write it into the inbox, unless it was heard before."""
        task = order, what if self.leader else MEANS[what]
        if task not in self.disk["heard"]:
            self.disk["heard"].add(task)
            self.disk["inbox"].append(task)
            self._news = wake(self.simulation, self._news)

    def _work_off(self) -> Body:
        simulation, work = self.simulation, self.simulation.stream(f"{self.name}/work")
        while True:
            if not self.disk["inbox"]:
                yield self._news
                continue
            order, what = self.disk["inbox"][0]
            simulation.emit("start", self.name, order, attempt=1)
            yield from self.work(exponential(self.work_s)(work))
            self.disk["inbox"].pop(0)
            if self._is_stuck_at(order, what):
                simulation.emit("fail", self.name, order, why="it fails each time", attempt=1)
                simulation.after(AGAIN_S, partial(self._once_more, (order, what)))
            else:
                self.tell(order, self._carry_out(order, what))

    def _is_stuck_at(self, order: str, what: str) -> bool:
        return self.name == STICKS and order == self.sticks and what == DO and order not in self.disk["undone"]

    def _once_more(self, letter: tuple[str, str]) -> None:
        self.disk["inbox"].append(letter)
        if self.up:
            self._news = wake(self.simulation, self._news)

    def _carry_out(self, order: str, what: str) -> str:
        """Do or undo, once; what is told to undo before it was done will never be done."""
        simulation, disk = self.simulation, self.disk
        if what == UNDO:
            disk["undone"].add(order)
            if order in disk["did"]:
                simulation.emit("compensate", self.name, order, order=order, of=self.name)
            return UNDONE
        if order in disk["undone"]:
            simulation.emit("refuse", self.name, order, why="it was told to undo that")
            return ""
        if self.name == REFUSES and order != self.sticks and simulation.stream(f"{order}/card")() < self.refused:
            simulation.emit("refuse", self.name, order, why="the card is refused")
            return REFUSED
        disk["did"].add(order)
        simulation.emit("effect", self.name, order, key=f"{self.name}/{order}")
        return DONE

    def tell(self, order: str, outcome: str) -> None:
        """Tell the leader; or the neighbour whom the news concerns."""
        if not outcome:
            return
        if self.leader:
            self.say(self.leader, order, outcome)
            return
        chain = (SHOP, *SERVICES, SHOP)
        place = chain.index(self.name)
        self.say(chain[place + 1] if outcome == DONE else chain[place - 1], order, outcome)


class Shop(Correspondent):
    """Accepts orders, starts each on its way, and hears how it ended.

    Attributes
    ----------
    promised, ended : int
        How many orders were: a witness's count, and no memory of the machine.
    """

    promised = ended = 0

    def accept(self, order: str) -> None:
        """Promise an order."""
        self.simulation.emit("publish", self.name, order, attempt=1)
        self.simulation.emit("accept", self.name, order, order=order)
        self.promised += 1
        self._count()
        self.begin(order)

    def begin(self, order: str) -> None:
        """Say that there is one."""
        self.say(SERVICES[0], order, ACCEPTED)

    def hear(self, order: str, what: str, source: str) -> None:
        """Tell the customer, once."""
        ended = self.disk.setdefault("ended", set())
        if order not in ended:
            ended.add(order)
            self.end(order, well=what == DONE)

    def _count(self) -> None:
        """Say how many customers wait."""
        self.simulation.emit("gauge", self.name, name="customers who wait", value=self.promised - self.ended,
                             unit="orders")  # fmt: skip

    def end(self, order: str, *, well: bool) -> None:
        """Confirm, or apologise."""
        self.ended += 1
        self._count()
        if not well:
            self.disk.setdefault("failed", set()).add(order)
        if well:
            self.simulation.emit("confirm", self.name, order, order=order)
        else:
            self.simulation.emit("apologise", self.name, order, order=order, cost=APOLOGY_COST)
        self.simulation.emit("finish", self.name, order, attempt=1)


class Orchestrator(Shop):
    """The shop as the one who leads: it tells each service what to do, and where each order is stands in its journal.

    Parameters
    ----------
    journal : bool
        Whether that is on the disk; without it a crash forgets all orders.
    patience_s : float
        After so long without an answer it begins to undo.
    undoes : bool
        Whether it has undone what was done of an order that failed; without it the order is over at once.
    """

    def __init__(self, simulation: Simulation, *, journal: bool, patience_s: float, undoes: bool) -> None:
        super().__init__(simulation, SHOP)
        self.journal, self.patience_s, self.undoes = journal, patience_s, undoes
        self.orders: dict[str, tuple[int, str]] = {}

    def boot(self) -> None:
        """Go on from the journal: what was being said is in the outbox, and is said again."""
        self.orders = self.disk.setdefault("journal", {}) if self.journal else {}
        if not self.journal:
            self.disk["outbox"] = {}
        super().boot()
        for order, (step, what) in self.orders.items():
            self._watch(order, step, what)

    def begin(self, order: str) -> None:
        """Tell the first service to do its part."""
        self._tell(order, 0, DO)

    def hear(self, order: str, what: str, source: str) -> None:
        """Write down how a step went, and take the next; news of a step that is over changes nothing."""
        if order not in self.orders:
            return
        step, asked = self.orders[order]
        if SERVICES[step] != source or (what == UNDONE) != (asked == UNDO):
            return
        self.simulation.emit("end", self.name, order, op=order, ok=what != REFUSED)
        forward = what == DONE
        step += 1 if forward else -1
        if 0 <= step < len(SERVICES) and (forward or self.undoes):
            self._tell(order, step, DO if forward else UNDO)
        else:
            self._let_go(order, well=forward)

    def _let_go(self, order: str, *, well: bool) -> None:
        del self.orders[order]
        self.end(order, well=well)

    def _tell(self, order: str, step: int, what: str) -> None:
        self.orders[order] = step, what
        self.simulation.emit("begin", self.name, order, op=order, name=f"{what} at {SERVICES[step]}")
        self.say(SERVICES[step], order, what)
        self._watch(order, step, what)

    def _watch(self, order: str, step: int, what: str) -> None:
        """Lose patience with a step after a while; with undoing, never."""
        if what == DO:
            self.spawn(self._lose_patience(order, step))

    def _lose_patience(self, order: str, step: int) -> Body:
        yield self.simulation.sleep(self.patience_s)
        if self.orders.get(order) == (step, DO):
            self.disk["outbox"].pop((SERVICES[step], order, DO), None)
            if self.undoes:
                self._tell(order, step, UNDO)
            else:
                self._let_go(order, well=False)


@scenario("{way}")
def order(
    sim: Simulation,
    *,
    way: str = "orchestrator",
    stuck: int = 7,
    journal: bool = True,
    undoes: bool = True,
    patience_s: float = 8.0,
    refused: float = 0.1,
    orders_per_s: float = 1.0,
    work_s: float = 0.1,
    until_s: float = 30.0,
) -> Claims:
    """Orders go through stock, payment, shipping and mail; order number `stuck` fails in shipping each time.

    `refused` is the share of cards that payment refuses; `stuck=0` is none. `journal`, `undoes` and `patience_s` are
    the orchestrator's. Nothing new comes after `until_s`, and the run goes on for as long again.
    """
    require_choice("way", way, WAYS)
    require_positive(patience_s=patience_s, orders_per_s=orders_per_s, work_s=work_s, until_s=until_s)
    require_fraction(refused=refused)
    if stuck < 0:
        raise BadParameter(f"stuck = {stuck!r}: give the number of an order, from 1, or 0 for none")
    leads = way == "orchestrator"
    if not (leads or undoes):
        raise BadParameter("undoes = False: give way = 'orchestrator', for in a choreography each undoes its own")
    services = [
        Service(sim, name, leader=SHOP if leads else "", work_s=work_s, refused=refused, sticks=f"o{stuck}")
        for name in SERVICES
    ]
    front = Orchestrator(sim, journal=journal, patience_s=patience_s, undoes=undoes) if leads else Shop(sim, SHOP)
    looked_for_us = None

    def come(number: int, _: Stream) -> None:
        nonlocal looked_for_us
        front.accept(f"o{number}")
        if number == stuck:
            looked_for_us = sim.now_us + to_us(LOOKS_AFTER_S)

    sim.spawn(at_random(sim, "customers/arrivals", rate=orders_per_s, until_s=until_s, comes=come, source=front))
    sim.run(2 * until_s)
    failed = front.disk.get("failed", set())
    left = sum(len(failed & service.disk["did"] - service.disk["undone"]) for service in services)
    sim.emit("check", SHOP, name=NOTHING_LEFT, ok=not left, expected=0, got=left)
    claims: dict[str, dict[str, Any]] = {"one end each": {}, "exactly-once effect": {}, "sends settle": {}}
    claims["checks hold"] = {}
    return Claims(claims, poster_us=looked_for_us, follow=f"o{stuck}" if looked_for_us else None)


# ------------------------------------------------------------------------------------------ what it came to
def parts_left(trace: Trace) -> int:
    """Return how many parts stay done of orders that were apologised for."""
    return next(int(row.fields["got"] or 0) for row in trace.of("check") if row.fields["name"] == NOTHING_LEFT)


def messages_an_order(trace: Trace) -> float:
    """Return how many messages were sent for each order that was confirmed, acknowledgements aside.

    Raises
    ------
    BadParameter
        If none was.
    """
    confirmed = {row.message for row in trace.of("confirm")}
    if not confirmed:
        raise BadParameter("messages_an_order: no order of this run was confirmed; give a run with some that were")
    return sum(row.message in confirmed for row in trace.of("send")) / len(confirmed)
