"""A reader's handler at work: the table that it writes to, the worker that calls it, the trouble that it meets.

The handler is a plain function, and a crash must be able to strike inside it. A crash of the simulation strikes where a
process yields; a plain function does not yield. So here the power goes in the calls of the `Store`: `PowerLoss` leaves
the handler, what was not yet written is gone, and the worker's machine goes down with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.work_queue import Delivery, Settings, WorkQueue
from dsys_lab.scenarios.durable_queue import CLIPS, PHONE
from dsys_lab.scenarios.queue_machines import QueueHost, Sender, at_random
from dsys_lab.scenarios.queue_workers import Task, Worker
from dsys_lab.simulation import Simulation, fault
from dsys_lab.simulation.chance import constant, service
from dsys_lab.trace import Header, Trace


class Clip(NamedTuple):
    """What a handler is given.

    Attributes
    ----------
    id : str
        The clip: the same however often it is sent or delivered.
    minutes : int
    attempt : int
        How often it has been received.
    handle : str
        Of this delivery.
    """

    id: str
    minutes: int
    attempt: int
    handle: str


class PowerLoss(BaseException):
    """The machine died within the handler; no handler catches that."""


class Store:
    """A table on a disk: what was encoded, and how many minutes in all. A crash may strike before or after each call.

    Parameters
    ----------
    crashes : callable
        `()` -> whether the power goes now.
    """

    def __init__(self, crashes: Callable[[], bool] = lambda: False) -> None:
        self.crashes = crashes
        self.minutes = 0
        self.added: list[int] = []
        self._keys: set[str] = set()
        self._waiting: list[Callable[[], None]] | None = None

    def seen(self, key: str) -> bool:
        """Whether the key was remembered."""
        self._may_crash()
        return key in self._keys

    def remember(self, key: str) -> None:
        """Keep the key."""
        self._write(lambda: self._keys.add(key))

    def add(self, minutes: int) -> None:
        """Add to the minutes encoded: the effect."""

        def act() -> None:
            self.minutes += minutes
            self.added.append(minutes)

        self._write(act)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Do what is written inside at its end, all of it at once; nothing, if the power goes before."""
        self._waiting = []
        try:
            yield
            self._may_crash()
            for act in self._waiting:
                act()
        finally:
            self._waiting = None
        self._may_crash()

    def _write(self, act: Callable[[], None]) -> None:
        self._may_crash()
        if self._waiting is not None:
            self._waiting.append(act)
            return
        act()
        self._may_crash()

    def _may_crash(self) -> None:
        if self.crashes():
            raise PowerLoss


class Mine(NamedTuple):
    """The reader's handler and its store."""

    function: Callable[..., Any]
    store: Store


class Reader(Worker):
    """A worker whose effect is the reader's handler."""

    def __init__(self, simulation: Simulation, host: QueueHost, name: str, task: Task, mine: Mine) -> None:
        self.mine = mine
        super().__init__(simulation, name=name, host=host, task=task)

    def apply(self, delivery: Delivery) -> None:
        """Call the handler; if the power goes in it, so does this machine."""
        simulation, store, message = self.simulation, self.mine.store, delivery.message
        clip = Clip(message, minutes_of(message), delivery.attempt, delivery.handle)
        try:
            self.mine.function(clip, store)
        except PowerLoss:
            simulation.after(0, self.crash)
            simulation.after(1, self.restart)
        for minutes in store.added:
            simulation.emit("effect", self.name, message, key=message, minutes=minutes)
        if not store.added and self.up:
            simulation.emit("note", self.name, text=f"the handler adds nothing for {message}")
        store.added.clear()


class Trouble(NamedTuple):
    """A fault plan of this exercise.

    Attributes
    ----------
    name : str
        What goes wrong, as a reader is told.
    visibility_s : float
    faults : tuple
    crash_share : float
        Share of the calls of the store at which the power goes.
    """

    name: str
    visibility_s: float = 20.0
    faults: tuple[dict[str, Any], ...] = ()
    crash_share: float = 0.0


CRASH: Final = {"do": "crash", "target": "encoder-1", "on": {"kind": "effect", "place": "encoder-1"}, "lasts_s": 1}
TROUBLES: Final = (
    Trouble("without trouble"),
    Trouble("with a loan that is too short", visibility_s=1.5),
    Trouble("on a network that doubles", faults=({"do": "duplication", "target": "network", "at_s": 0, "value": 0.3},)),
    Trouble(
        "with a worker that dies before it acknowledges",
        faults=tuple({**CRASH, "nth": nth} for nth in (1, 2)),
    ),
    Trouble("with the power going in the middle of your handler", crash_share=0.15),
)


def minutes_of(message: str) -> int:
    """Return how long a clip is."""
    return 10 + int(message[1:]) % 7


def handled(function: Callable[..., Any], trouble: Trouble, seed: int, clips: int = 20) -> Trace:
    """Let the reader's handler work off some clips under this trouble."""
    trace = Trace(Header(title=f"your handler, {trouble.name}", seed=seed, engine="your handler"))
    simulation = Simulation(seed=seed, faults=[fault(plan) for plan in trouble.faults], recorder=trace)
    luck = simulation.stream("handler/power")
    mine = Mine(function, Store(lambda: trouble.crash_share > 0 and luck() < trouble.crash_share))
    settings = Settings(visibility_s=trouble.visibility_s, copy_share=0.0, order_window=1)
    host = QueueHost(simulation, WorkQueue(CLIPS, settings, recorder=simulation.recorder))
    work = constant(2.0) if seed % 2 else service("exponential", 1.5)
    for number in (1, 2, 3):
        Reader(simulation, host, f"encoder-{number}", Task(work), mine)
    Sender(simulation, host, at_random(simulation, PHONE, rate=1.0, count=clips), name=PHONE)
    simulation.run(60.0 + 20 * clips * (trouble.crash_share > 0))
    trace.header.end_us = simulation.now_us
    trace.header.invariants = {"conservation": {}, "at least once": {}, "exactly-once effect": {}}
    return trace
