"""A work queue on a machine, those who send to it, and those who borrow from it.

The queue is pure and asks to be told the time: `QueueHost` does that at its deadlines, and wakes who waits for a
message. A `Worker` borrows, works, carries the effect out, and then acknowledges: between the last two stands a
`yield`, the seam at which a crash makes work be done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from dsys_lab.brokers.work_queue import Delivery, WorkQueue
from dsys_lab.simulation import Body, Event, Interrupt, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Distribution, exponential
from dsys_lab.simulation.network import DELAY_S

SHORT_POLL_EVERY_S = 1.0
"""How often a worker asks that does not wait."""


class QueueHost(Machine):
    """The machine of a queue: durable, so a crash of this machine loses time and no message.

    Attributes
    ----------
    news : simpy.Event
        Happens when somebody sends, hands back, or acknowledges, or when a loan ends.
    """

    def __init__(self, simulation: Simulation, queue: WorkQueue) -> None:
        self.queue = queue
        self.news: Event = simulation.event()
        self._ticks: set[int] = set()
        super().__init__(simulation, queue.place)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Store what was sent; carry out what a worker says."""
        queue, now_us = self.queue, self.simulation.now_us
        what = body.get("type", "message")
        if what == "message":
            group, dedup_id = body.get("group"), body.get("dedup_id")
            queue.send(now_us, message, body.get("text", ""), group=group, dedup_id=dedup_id, copy=copy)
        elif what == "acknowledge":
            queue.acknowledge(now_us, body["handle"])
        elif what == "extend":
            queue.extend(now_us, body["handle"], body["seconds"])
        else:
            queue.nack(now_us, body["handle"])
        self.spread_the_news()

    def receive(self, to: str, *, long_poll: bool = True) -> list[Delivery]:
        """Lend one message to the worker `to`, which has it after the network's delay."""
        if not self.up:
            return []
        simulation = self.simulation
        arrive_us = simulation.now_us + to_us(DELAY_S)
        chance = simulation.stream(f"{self.name}/chance")
        lent = self.queue.receive(simulation.now_us, to=to, arrive_us=arrive_us, chance=chance, long_poll=long_poll)
        self._tick_at_deadline()
        return lent

    def spread_the_news(self) -> None:
        """Wake everybody who waits for a message."""
        news, self.news = self.news, self.simulation.event()
        news.succeed()
        self._tick_at_deadline()

    def _tick_at_deadline(self) -> None:
        deadline_us = self.queue.deadline_us()
        if deadline_us is None or any(tick_us <= deadline_us for tick_us in self._ticks):
            return
        self._ticks.add(deadline_us)
        self.simulation.after(max(0, deadline_us - self.simulation.now_us) / 1e6, lambda: self._tick(deadline_us))

    def _tick(self, due_us: int) -> None:
        self._ticks.discard(due_us)
        if self.queue.tick(self.simulation.now_us):
            self.spread_the_news()
        else:
            self._tick_at_deadline()


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
        How long a receive waits for a message; 0: it answers at once, and the worker asks again a little later.
    applied : list of str
        The messages whose effects were carried out, in order.
    """

    work_time: Distribution
    poison: Callable[[str], bool] = lambda message: False
    done: set[str] | None = None
    heartbeat_s: float | None = None
    visibility_s: float = 30.0
    wait_s: float = 20.0
    applied: list[str] = field(default_factory=list)


class Worker(Machine):
    """Borrows one message at a time, works, carries the effect out, acknowledges."""

    def __init__(self, simulation: Simulation, host: QueueHost, name: str, task: Task) -> None:
        self.host, self.task = host, task
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Ask for the first message."""
        self.spawn(self._live())

    def _live(self) -> Body:
        while True:
            for delivery in (yield from self._poll()):
                yield self.simulation.sleep(DELAY_S)
                yield from self._handle(delivery)
            if not self.task.wait_s:
                yield self.simulation.sleep(SHORT_POLL_EVERY_S)

    def _poll(self) -> Body:
        """Ask for a message, and wait for one for up to `wait_s`."""
        simulation, host, since_us = self.simulation, self.host, self.simulation.now_us
        while True:
            lent = host.receive(self.name, long_poll=self.task.wait_s > 0)
            if lent:
                return lent
            again_us = host.queue.ask_again_us(simulation.now_us, since_us=since_us, wait_s=self.task.wait_s)
            if again_us is None:
                simulation.emit("empty", self.name, source=host.name)
                return []
            yield host.news | simulation.sleep((again_us - simulation.now_us) / 1e6)

    def _handle(self, delivery: Delivery) -> Body:
        simulation, task, message = self.simulation, self.task, delivery.message
        simulation.emit("start", self.name, message, attempt=delivery.attempt, copy=delivery.copy)
        heart = self.spawn(self._beat(delivery)) if task.heartbeat_s else None
        yield from self.work(task.work_time(simulation.stream(f"{self.name}/work")))
        if task.poison(message):
            why = "poison: it fails whoever tries"
            simulation.emit("fail", self.name, message, attempt=delivery.attempt, why=why)
        else:
            self._apply(message)
            yield simulation.sleep(0)  # the seam: a crash here leaves an effect that nobody acknowledged
            self._tell(delivery, "acknowledge")
        if heart is not None and heart.is_alive:
            heart.interrupt("done")

    def _apply(self, message: str) -> None:
        task = self.task
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
                self._tell(delivery, "extend", seconds=self.task.visibility_s)
        except Interrupt:
            return

    def _tell(self, delivery: Delivery, what: str, **more: Any) -> None:
        body = {"type": what, "handle": delivery.handle, **more}
        self.simulation.network.answer(self.name, self.host.name, delivery.message, body, copy=delivery.copy)


class Sender(Machine):
    """Sends messages to the queue after the given gaps, each once."""

    def __init__(
        self, simulation: Simulation, host: QueueHost, gaps: Iterable[float], *, name: str, groups: int = 0
    ) -> None:
        self.host, self.gaps, self.groups = host, iter(gaps), groups
        self.sent = 0
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Start to send, or go on."""
        self.spawn(self._send())

    def _send(self) -> Body:
        simulation = self.simulation
        for gap in self.gaps:
            yield simulation.sleep(gap)
            self.sent += 1
            message, body = f"c{self.sent}", {}
            if self.groups:
                group = int(simulation.stream(f"{self.name}/groups")() * self.groups)
                body = {"group": f"g{group}", "dedup_id": message}
            simulation.emit("publish", self.name, message, attempt=1, **{k: v for k, v in body.items() if k == "group"})
            simulation.network.send(self.name, self.host.name, message, body)


def at_random(simulation: Simulation, name: str, *, rate: float, count: int) -> Iterable[float]:
    """Yield `count` gaps in seconds between independent arrivals, `rate` a second."""
    gap, chance = exponential(1 / rate), simulation.stream(f"{name}/arrivals")
    for _ in range(count):
        yield gap(chance)
