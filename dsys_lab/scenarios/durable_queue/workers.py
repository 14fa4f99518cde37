"""Those who borrow from a work queue: what a worker does with a message, and when it dares to go on.

A `Worker` borrows, works, carries the effect out, and then acknowledges: between the last two stands a `yield`, the
seam at which a crash makes work be done twice.

A receive is a call: the request takes no time, the answer takes the network's delay, and either fails where the network
is split. A message whose delivery is lost is on loan to nobody, until the loan ends.

Whose clock rules? The queue's alone: it says when a loan is over, and a worker whose clock is wrong changes nothing. A
worker that looks at its loan before the effect (`Task.loan_watch`) must do so with a *stopwatch*; if it holds the
*timestamp* that the queue's clock wrote against its own clock, it throws good work away, or does it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from dsys_lab.brokers.work_queue import Delivery
from dsys_lab.scenarios.durable_queue.machines import ASK_AGAIN_S, QueueHost
from dsys_lab.simulation import Body, Interrupt, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Distribution
from dsys_lab.simulation.network import DELAY_S

SHORT_POLL_EVERY_S: Final = 1.0
"""How often a worker asks that does not wait."""
WATCHES: Final = ("none", "timestamp", "stopwatch")
"""Nobody looks; the loan's end, against this machine's clock; the time that has passed, on this machine's clock."""
MARGIN_S: Final = 4 * DELAY_S
"""So much must be left of a loan for the effect: what was received, and what is said, is on its way for a while."""


@dataclass(slots=True)
class Task:
    """What a worker is to do with a delivery, and how.

    Attributes
    ----------
    work_time : Distribution
        Seconds of work at full speed.
    poison : callable
        `(message)` -> whether the work fails, whoever does it.
    done : set of str or None
        The keys of effects that were carried out, kept where no crash reaches them; None: nobody looks.
    heartbeat_s : float or None
        Ask for more time that often.
    visibility_s : float
        How much time a heartbeat asks for.
    wait_s : float
        How long a receive waits for a message; 0: it answers at once, and the worker asks once a second.
    batch : int
        How many messages it takes at once at most.
    loan_watch : str
        One of `WATCHES`: by what a worker knows that its loan is over, and throws its work away before the effect.
    applied : list of str
        The messages whose effects were carried out, in order.
    """

    work_time: Distribution
    poison: Callable[[str], bool] = lambda message: False
    done: set[str] | None = None
    heartbeat_s: float | None = None
    visibility_s: float = 30.0
    wait_s: float = 20.0
    batch: int = 1
    loan_watch: str = "none"
    applied: list[str] = field(default_factory=list)


class Worker(Machine):
    """Borrows a message, works, carries the effect out, acknowledges; then the next."""

    def __init__(self, simulation: Simulation, host: QueueHost, name: str, task: Task) -> None:
        super().__init__(simulation, name)
        self.host, self.task = host, task

    def boot(self) -> None:
        """Ask for the first message."""
        self.spawn(self._live())

    def on_crash(self) -> None:
        """Leave to others what this machine had been told of."""
        self.host.spread_the_news()

    def _live(self) -> Body:
        simulation = self.simulation
        while True:
            asked_us = simulation.now_us
            deliveries = yield from self._poll()
            if deliveries:
                yield simulation.sleep(DELAY_S)
            arrived_us = simulation.now_us
            for delivery in deliveries:
                if self._has_come(delivery):
                    yield from self._handle(delivery, arrived_us)
            if not self.task.wait_s:
                yield simulation.sleep(max(0.0, SHORT_POLL_EVERY_S - (simulation.now_us - asked_us) / 1e6))

    def _poll(self) -> Body:
        """Ask for messages, and wait for one for up to `wait_s`."""
        simulation, host, since_us = self.simulation, self.host, self.simulation.now_us
        while True:
            if not host.is_reached_by(self.name):
                yield simulation.sleep(ASK_AGAIN_S)
                since_us = simulation.now_us
                continue
            lent = host.receive(self.name, limit=self.task.batch, long_poll=self.task.wait_s > 0)
            if lent:
                return lent
            again_us = host.queue.ask_again_us(simulation.now_us, since_us=since_us, wait_s=self.task.wait_s)
            if again_us is None:
                simulation.emit("empty", self.name, source=host.name)
                return []
            yield from host.wait_for_news(self.name, (again_us - simulation.now_us) / 1e6)

    def _has_come(self, delivery: Delivery) -> bool:
        """Whether what was lent reached this machine; if not, the loan will end by itself."""
        host, network = self.host, self.simulation.network
        lost = self.simulation.stream(f"network/{host.name}/{self.name}")() < network.loss_fraction
        if host.is_reached_by(self.name) and not lost:
            return True
        why = "lost on the way" if lost else "the network is split"
        self.simulation.emit("answer_lost", self.name, delivery.message, source=host.name, copy=delivery.copy,
                             type="delivery", why=why)  # fmt: skip
        return False

    def _handle(self, delivery: Delivery, arrived_us: int) -> Body:
        simulation, task, message = self.simulation, self.task, delivery.message
        waited_us = simulation.now_us - delivery.sent_us
        simulation.emit(
            "start", self.name, message, attempt=delivery.attempt, copy=delivery.copy, waited_us=waited_us
        )
        heart = self.spawn(self._beat(delivery)) if task.heartbeat_s else None
        luck = simulation.stream(f"work/{message}/{delivery.copy}/{delivery.attempt}")  # whoever does it
        yield from self.work(task.work_time(luck))
        if task.poison(message):
            why = "poison: it fails whoever tries"
            simulation.emit("fail", self.name, message, attempt=delivery.attempt, why=why)
        elif self._sees_its_loan_over(delivery, arrived_us):
            why = "too late, as its clock says: another may have it"
            simulation.emit("fail", self.name, message, attempt=delivery.attempt, why=why)
        else:
            self.apply(delivery)
            yield simulation.sleep(0)  # the seam: a crash here leaves an effect that nobody acknowledged
            self._tell(delivery, "acknowledge")
        if heart is not None and heart.is_alive:
            heart.interrupt("done")
        yield simulation.sleep(DELAY_S)  # it asks for more when what it said has arrived

    def _sees_its_loan_over(self, delivery: Delivery, arrived_us: int) -> bool:
        """Whether a careful worker would rather not go on."""
        now_us, margin_us = self.simulation.now_us, to_us(MARGIN_S)
        if self.task.loan_watch == "timestamp":  # the queue's clock wrote it, and this machine's reads it
            return now_us + self.skew_us > delivery.visible_until_us - margin_us
        if self.task.loan_watch == "stopwatch":  # one clock alone: by how much it is off does not matter
            return now_us - arrived_us > to_us(self.task.visibility_s) - margin_us
        return False

    def apply(self, delivery: Delivery) -> None:
        """Carry the effect of a message out, or skip it if it was done before."""
        task, message = self.task, delivery.message
        if task.done is not None and message in task.done:
            self.simulation.emit("effect_skip", self.name, message, key=message)
            return
        if task.done is not None:
            task.done.add(message)
        task.applied.append(message)
        self.simulation.emit("effect", self.name, message, key=message)

    def _beat(self, delivery: Delivery) -> Body:
        assert self.task.heartbeat_s
        try:
            while True:
                yield self.simulation.sleep(self.task.heartbeat_s)
                if self.speed:  # who stands still asks for nothing
                    self._tell(delivery, "extend", seconds=self.task.visibility_s)
        except Interrupt:
            return

    def _tell(self, delivery: Delivery, what: str, **more: Any) -> None:
        body = {"type": what, "handle": delivery.handle, **more}
        self.simulation.network.answer(self.name, self.host.name, delivery.message, body, copy=delivery.copy)
