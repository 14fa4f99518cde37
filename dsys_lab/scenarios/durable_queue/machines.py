"""A work queue on a machine, and those who send to it; those who borrow from it are in `queue_workers`.

The queue is pure and asks to be told the time: `QueueHost` does that at its deadlines, and wakes who waits for a
message. A `Sender` counts a message as safe once it is answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from dsys_lab.brokers.work_queue import Delivery, DurableQueue, Settings, WorkQueue
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.simulation import Body, Event, Machine, Simulation, to_us
from dsys_lab.simulation.chance import exponential
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.structures import Fsync, VolatileDisk

ASK_AGAIN_S: Final = 0.5
"""How soon somebody asks again whose call did not come through."""
ANSWER_WITHIN_S: Final = 1.0
TRIES: Final = 3
"""How long a sender waits for its answer, and how often it sends."""


class QueueHost(Machine):
    """The machine of a queue. While it is down nobody is answered; what it holds is where it was when it is back."""

    def __init__(self, simulation: Simulation, queue: WorkQueue | DurableQueue) -> None:
        super().__init__(simulation, queue.place)
        self.queue = queue
        self._waiting: dict[str, Event] = {}  # who waits for a message; who began first is told first
        self._deadlines = Deadlines(simulation, self._tick)

    def boot(self) -> None:
        """Catch up with the time, and tell those who wait."""
        self.queue.tick(self.simulation.now_us)
        self.spread_the_news()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Store what was sent, and say so; carry out what a worker says."""
        queue, now_us = self.queue, self.simulation.now_us
        what = body.get("type", "message")
        if what == "message":
            group, dedup_id = body.get("group"), body.get("dedup_id")
            queue.send(now_us, message, body.get("text", ""), group=group, dedup_id=dedup_id, copy=copy)
            self.simulation.network.answer(self.name, source, message, {"type": "accepted"}, copy=copy)
        else:
            self._hear(what, message, body)
        self.spread_the_news()

    def _hear(self, what: str, message: str, body: dict[str, Any]) -> None:
        """Carry out what a worker says. A handle may be older than the memory of this queue."""
        queue, now_us, handle = self.queue, self.simulation.now_us, body["handle"]
        try:
            if what == "acknowledge":
                queue.acknowledge(now_us, handle)
            else:
                queue.extend(now_us, handle, body["seconds"])
        except BadParameter:
            attempt = int(handle.rpartition(".")[2])
            self.simulation.emit("ack_stale", self.name, message, handle=handle, attempt=attempt, why="forgotten")

    def receive(self, to: str, *, limit: int = 1, long_poll: bool = True) -> list[Delivery]:
        """Lend messages to the worker `to`, which has them after the network's delay."""
        simulation = self.simulation
        arrive_us = simulation.now_us + to_us(DELAY_S)
        chance = simulation.stream(f"{self.name}/chance")
        lent = self.queue.receive(
            simulation.now_us, limit=limit, to=to, arrive_us=arrive_us, chance=chance, long_poll=long_poll
        )
        self._deadlines.wait_for(self.queue.deadline_us())
        return lent

    def redrive(self) -> None:
        """Put all dead letters back."""
        if self.up and self.queue.redrive(self.simulation.now_us):
            self.spread_the_news()

    def wait_for_news(self, name: str, seconds: float) -> Body:
        """Wait until there may be a message for `name`, for `seconds` at most."""
        told = self._waiting[name] = self.simulation.event()
        try:
            yield told | self.simulation.sleep(seconds)
        finally:
            if self._waiting.get(name) is told:
                del self._waiting[name]

    def spread_the_news(self) -> None:
        """Wake as many of those who wait as there are messages."""
        visible = self.queue.status().visible if self._waiting else 0
        for name in [name for name in self._waiting if visible and self.is_reached_by(name)][:visible]:
            self._waiting.pop(name).succeed()
        self._deadlines.wait_for(self.queue.deadline_us())

    def _tick(self) -> None:
        if not self.up:
            return
        if self.queue.tick(self.simulation.now_us):
            self.spread_the_news()
        else:
            self._deadlines.wait_for(self.queue.deadline_us())


class DurableHost(QueueHost):
    """The machine of a queue on a log: a crash is a loss of power, and the queue is made again from what the disk kept.

    What was there before the crash and is not there after it leaves a `drop` row.

    Parameters
    ----------
    fsync : Fsync
        When the queue may answer.
    """

    def __init__(self, simulation: Simulation, place: str, settings: Settings, fsync: Fsync) -> None:
        device = VolatileDisk()
        super().__init__(simulation, DurableQueue(place, device, settings, fsync=fsync, recorder=simulation.recorder))
        self.device, self._fsync = device, fsync
        self._before: dict[str, Any] | None = None

    def on_crash(self) -> None:
        """Forget what a loss of power may forget."""
        self._before = self.queue.snapshot()
        self.device.crash(self.simulation.stream(f"{self.name}/power"))

    def boot(self) -> None:
        """Read the log, name what is missing, and go on."""
        if self._before is not None:
            self.queue = self._opened_again(self._before)
        super().boot()

    def _opened_again(self, before: dict[str, Any]) -> DurableQueue:
        simulation, told_lsn = self.simulation, self.queue.told_lsn  # type: ignore[union-attr]  # always a durable one
        opened = DurableQueue(
            self.name, self.device, fsync=self._fsync, recorder=simulation.recorder, told_lsn=told_lsn,
            now_us=simulation.now_us,
        )  # fmt: skip
        kept = {stored[0] for part in ("stored", "dead") for stored in opened.snapshot()[part]}
        for number, message, copy, *_ in (*before["stored"], *before["dead"]):
            if number not in kept:
                simulation.emit("drop", self.name, message, why="it was not yet durable", copy=copy)
        return opened


class Sender(Machine):
    """Sends messages to the queue, the next one after each of the given gaps, and each again until it is answered.

    A message that was answered is safe (`publish_ok`). A sender that crashes forgets which were not.

    Parameters
    ----------
    gaps : iterable of float
        Seconds between one message and the next.
    group_of : callable, optional
        `()` -> the group of the next message.
    prefix, text : str
        What the messages' names begin with, and the body of each.
    """

    def __init__(
        self,
        simulation: Simulation,
        host: QueueHost,
        gaps: Iterable[float],
        *,
        name: str,
        group_of: Callable[[], str] | None = None,
        prefix: str = "c",
        text: str = "",
    ) -> None:
        super().__init__(simulation, name)
        self.host, self.gaps, self.group_of, self.prefix, self.text = host, iter(gaps), group_of, prefix, text
        self.sent = 0
        self._unanswered: dict[str, Event] = {}
        self._has_more = True

    @property
    def is_done(self) -> bool:
        """Whether everything was sent and is answered, or given up."""
        return not (self._has_more or self._unanswered)

    def boot(self) -> None:
        """Start to send, or go on."""
        self._unanswered.clear()
        self.spawn(self._send())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Learn that a message is safe."""
        answered = self._unanswered.get(message)
        if answered is not None and not answered.triggered:
            answered.succeed()

    def _send(self) -> Body:
        simulation = self.simulation
        for gap in self.gaps:
            yield simulation.sleep(gap)
            self.sent += 1
            message, group = f"{self.prefix}{self.sent}", {}
            if self.group_of:
                group = {"group": self.group_of()}
            self.spawn(self._offer(message, group))
        self._has_more = False

    def _offer(self, message: str, group: dict[str, str]) -> Body:
        """Send a message up to three times, until it is answered."""
        simulation, network = self.simulation, self.simulation.network
        answered = self._unanswered[message] = simulation.event()
        for attempt in range(1, TRIES + 1):
            copy = network.next_copy(message) if attempt > 1 else 0
            simulation.emit("publish", self.name, message, attempt=attempt, copy=copy, **group)
            body = {**group, "dedup_id": message, "text": self.text}
            while not self.host.is_reached_by(self.name):  # nobody takes the call: the message stays here
                yield simulation.sleep(ASK_AGAIN_S)
            network.send(self.name, self.host.name, message, body, copy=copy)
            yield answered | simulation.sleep(ANSWER_WITHIN_S)
            if answered.triggered:
                simulation.emit("publish_ok", self.name, message, attempt=attempt)
                break
        else:
            simulation.emit("publish_fail", self.name, message, attempt=TRIES, why="no answer")
        del self._unanswered[message]


def at_random(
    simulation: Simulation, name: str, *, rate: float, count: int | None = None, for_s: float = math.inf
) -> Iterator[float]:
    """Yield gaps in seconds between independent arrivals, `rate` a second: `count` of them, or those within `for_s`."""
    gap, chance, passed_s = exponential(1 / rate), simulation.stream(f"{name}/arrivals"), 0.0
    while count is None or count > 0:
        next_s = gap(chance)
        passed_s += next_s
        if passed_s > for_s:
            return
        yield next_s
        count = None if count is None else count - 1
