"""A handler at work: a plain function that a worker calls for each clip, and the table that it writes to.

What must a handler do so that a clip counts once, although it may come twice, and the power may go at any moment? It
adds the clip's minutes to an account, which is the effect, and it may keep a note of what it did. Effect and note are
two writes: whichever comes first, a loss of power between them makes the account wrong. Only both or none keeps it
right.

A crash of the simulation strikes where a process yields, and a plain function does not yield. So the power goes in the
calls of the `Store`: `PowerLoss` leaves the handler, what was not yet written is gone, and the worker's machine goes
down with it. The handler is a part of the run: a name of `HANDLERS`, or a function of the reader's own.

Promises, on every trace of `handled`:

1. `conservation`, `at least once`: the queue forgets no clip.
2. `exactly-once effect`: kept by a handler that looks, adds and notes, all or nothing; broken by one that does not.

Left out: a store that several machines write to at the same time; each call of the handler here is over before the next
one begins.

Sources: Gray, "Queues are databases", 1995; Helland, "Idempotence is not a medical condition", ACM Queue 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.work_queue import Delivery, Settings, WorkQueue
from dsys_lab.errors import require_choice, require_fraction, require_positive
from dsys_lab.scenarios.durable_queue.clips import CLIPS, ENCODER, PHONE
from dsys_lab.scenarios.durable_queue.machines import QueueHost, Sender, at_random
from dsys_lab.scenarios.durable_queue.workers import Task, Worker
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import service

WORKERS: Final = 3


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


def minutes_of(message: str) -> int:
    """Return how long a clip is.

    >>> minutes_of("c1"), minutes_of("c7")
    (11, 10)
    """
    return 10 + int(message[1:]) % 7


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

    @property
    def ids_kept(self) -> int:
        """How many keys it must keep."""
        return len(self._keys)

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


def add_always(clip: Clip, store: Store) -> None:
    """Add, whatever was before: right as long as nothing goes wrong."""
    store.add(clip.minutes)


def add_then_note(clip: Clip, store: Store) -> None:
    """Add first: whoever dies before the note adds again."""
    if not store.seen(clip.id):
        store.add(clip.minutes)
        store.remember(clip.id)


def note_then_add(clip: Clip, store: Store) -> None:
    """Note first: whoever dies before it has added never will."""
    if not store.seen(clip.id):
        store.remember(clip.id)
        store.add(clip.minutes)


def add_and_note(clip: Clip, store: Store) -> None:
    """Add and note in one step: whoever dies has done both, or neither."""
    with store.all_or_nothing():
        if not store.seen(clip.id):
            store.add(clip.minutes)
            store.remember(clip.id)


HANDLERS: Final = {
    "add always": add_always, "add then note": add_then_note, "note then add": note_then_add,
    "add and note": add_and_note,
}  # fmt: skip
"""Handlers by what they do; only the last is right whatever happens."""


class HandlerWorker(Worker):
    """A worker whose effect is what a handler does to the store."""

    def __init__(
        self,
        simulation: Simulation,
        host: QueueHost,
        name: str,
        task: Task,
        *,
        handler: Callable[[Clip, Store], Any],
        store: Store,
    ) -> None:
        super().__init__(simulation, host, name, task)
        self.handler, self.store = handler, store

    def apply(self, delivery: Delivery) -> None:
        """Call the handler; if the power goes in it, so does this machine."""
        simulation, store, message = self.simulation, self.store, delivery.message
        clip = Clip(message, minutes_of(message), delivery.attempt, delivery.handle)
        dies = False
        try:
            self.handler(clip, store)
        except PowerLoss:
            dies = True
            simulation.after(0, self.crash)
            simulation.after(1, self.restart)
        for minutes in store.added:
            simulation.emit("effect", self.name, message, key=message, minutes=minutes, ids_kept=store.ids_kept)
        if not (store.added or dies):
            simulation.emit("note", self.name, text=f"the handler adds nothing for {message}")
        store.added.clear()


@scenario("{handler}, loan of {visibility_s:g} s")
def handled(
    sim: Simulation,
    *,
    handler: str | Callable = "add always",
    visibility_s: float = 20.0,
    work_s: float = 2.0,
    work_shape: str = "constant",
    power_loss_share: float = 0.0,
    clips: int = 20,
) -> Claims:
    """A handler must count each clip once, however often it comes.

    Three workers share one store. `power_loss_share` of the calls of the store meet a loss of power, which ends the
    handler there and takes its machine away for a second.
    """
    if isinstance(handler, str):
        require_choice("handler", handler, tuple(HANDLERS))
        handler = HANDLERS[handler]
    require_positive(visibility_s=visibility_s, work_s=work_s, clips=clips)
    require_fraction(power_loss_share=power_loss_share)
    luck = sim.stream("handler/power")
    store = Store(lambda: power_loss_share > 0 and luck() < power_loss_share)
    settings = Settings(visibility_s=visibility_s, copy_share=0.0, order_window=1)
    host = QueueHost(sim, WorkQueue(CLIPS, settings, recorder=sim.recorder))
    task = Task(service(work_shape, work_s))
    for number in range(1, WORKERS + 1):
        HandlerWorker(sim, host, f"{ENCODER}-{number}", task, handler=handler, store=store)
    Sender(sim, host, at_random(sim, PHONE, rate=1.0, count=clips), name=PHONE)
    sim.run(60.0 + visibility_s * clips * (power_loss_share > 0))
    return Claims({"conservation": {}, "at least once": {}, "exactly-once effect": {}})
