"""The two ends of a web hook on machines: the partner, and the door with a worker behind it.

The partner calls and can be asked; the door answers, and asks now and then. The door's clock may be wrong, its machine
may go down; what it stored is on its disk, and a door that is opened there again goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from dsys_lab.brokers.web_hook import Call, Page, Partner, Settings, WebHookDoor, compare, window
from dsys_lab.scenarios.event_bus.attack_script import EPOCH_US, GOOD, Step
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.structures.disk import VolatileDisk

ANSWER_WITHIN_S: Final = 15.0
"""How long either waits for an answer: the standard advises 15 to 30 s."""
WORK_S: Final = 0.2


class PartnerHost(Machine):
    """The partner's machine: calls what is due, and answers who asks.

    Parameters
    ----------
    pushes : bool
        Whether it calls at all; else it only keeps its list.
    """

    def __init__(
        self, simulation: Simulation, partner: Partner, door: str, *, name: str = "partner", pushes: bool = True
    ) -> None:
        super().__init__(simulation, name)
        self.partner, self.door, self.pushes = partner, door, pushes
        self._deadlines = Deadlines(simulation, self.call)

    def happens(self, message: str, body: bytes) -> None:
        """Say that something happened; who only keeps a list offers it to nobody before it is asked."""
        if self.pushes:
            copy = self.simulation.network.next_copy(message)
            self.simulation.emit("publish", self.name, message, attempt=1, copy=copy)
        self.partner.publish(EPOCH_US + self.simulation.now_us, message, body)
        position = self.partner.status().published
        self.simulation.emit("change", self.name, message, table="list", op="add", key=message, position=position)
        self.call()

    def call(self) -> None:
        """Make the calls that are due."""
        if not self.pushes:
            return
        simulation = self.simulation
        for call in self.partner.calls(EPOCH_US + simulation.now_us):
            message = call.headers["webhook-id"]
            attempt, copy = self.partner.attempt(message), 0
            if attempt > 1:
                copy = simulation.network.next_copy(message)
                simulation.emit("publish", self.name, message, attempt=attempt, copy=copy)
            simulation.network.send(self.name, self.door, message, {"type": "call", "call": call}, copy=copy)
            self.spawn(self._give_up_waiting(message, attempt))
        due_us = self.partner.deadline_us()
        self._deadlines.wait_for(None if due_us is None else due_us - EPOCH_US)

    def _give_up_waiting(self, message: str, attempt: int) -> Body:
        yield self.simulation.sleep(ANSWER_WITHIN_S)
        if self.partner.attempt(message) == attempt:
            self._hear(message, None)

    def _hear(self, message: str, status: int | None) -> None:
        simulation, attempt = self.simulation, self.partner.attempt(message)
        outcome = self.partner.answered(EPOCH_US + simulation.now_us, message, status)
        if outcome == "delivered":
            simulation.emit("publish_ok", self.name, message, attempt=attempt)
        elif outcome == "given up":
            why = "no answer" if status is None else f"told {status}"
            simulation.emit("publish_fail", self.name, message, attempt=attempt, why=why)
        self.call()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear an answer, or answer who asks for the list."""
        if body["type"] == "ask":
            page = self.partner.page(body["since_us"], body["until_us"], after=body["after"])
            self.simulation.network.answer(self.name, source, message, {"type": "list", "page": page})
        elif body["type"].isdigit():
            self._hear(message, int(body["type"]))


class Street(Machine):
    """Plays those of a script's calls that one of its people makes; hears no answer."""

    def __init__(self, simulation: Simulation, name: str, door: str, steps: Iterable[Step]) -> None:
        super().__init__(simulation, name)
        self.door, self.steps = door, [step for step in steps if step.by == name]

    def boot(self) -> None:
        """Begin with the script."""
        for step in self.steps:
            self.simulation.after(step.at_us / 1e6, lambda step=step: self._make(step))  # type: ignore[misc]

    def _make(self, step: Step) -> None:
        copy = self.simulation.network.next_copy(step.message)
        self.simulation.emit("publish", self.name, step.message, attempt=1, copy=copy, sort=step.kind)
        body = {"type": "call", "call": step.call, "kind": step.kind}
        self.simulation.network.send(self.name, self.door, step.message, body, copy=copy)


class DoorHost(Machine):
    """The machine of the door: looks at calls, works on what was believed, and asks now and then.

    Parameters
    ----------
    stored_every_s : float
        Without "store first": how often what was answered is stored.
    asks : str or None
        Whom it asks for a list.
    ask_every_s : float
        How often.
    settle_s : float
        Of how lately it does not ask.

    Attributes
    ----------
    statuses : list of (str, int)
        The kind of each call and what it was told.
    """

    def __init__(
        self,
        simulation: Simulation,
        settings: Settings,
        *,
        name: str = "door",
        stored_every_s: float = 10.0,
        asks: str | None = None,
        ask_every_s: float = 60.0,
        settle_s: float = 0.0,
    ) -> None:
        super().__init__(simulation, name)
        self.settings, self.stored_every_s = settings, stored_every_s
        self.asks, self.ask_every_s, self.settle_s = asks, ask_every_s, settle_s
        self.files = VolatileDisk()
        self.disk["asked until"] = 0
        self.statuses: list[tuple[str, int]] = []
        self._kinds: dict[tuple[str, int], str] = {}  # of a copy: who truly sent it, which no door knows
        self._waits: dict[str, Event] = {}
        self._questions = 0
        self._open()

    def _open(self) -> None:
        self.door = WebHookDoor(self.name, self.settings, self.files, recorder=self.simulation.recorder)
        self._news = self.simulation.event()

    @property
    def clock_us(self) -> int:
        """What its clock shows, in microseconds since 1970."""
        return EPOCH_US + self.simulation.now_us + self.skew_us

    def boot(self) -> None:
        """Begin to work, to store and to ask."""
        self.spawn(self._work())
        if not self.settings.has("store first"):
            self.spawn(self._store_now_and_then())
        if self.asks is not None:
            self.spawn(self._ask_now_and_then())

    def on_crash(self) -> None:
        """Lose what was only in memory, and open the door on what the disk has."""
        self.door.lose(self.simulation.now_us)
        self.files.crash(self.simulation.stream("what the disk kept"))
        self._waits.clear()
        self._open()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Look at a call and answer it, or hear the answer to a question."""
        if body["type"] == "list":
            if message in self._waits:
                self._waits.pop(message).succeed(body["page"])
            return
        call: Call = body["call"]
        now_us, kind = self.simulation.now_us, body.get("kind", GOOD)
        self._kinds[message, copy] = kind
        answer = self.door.receive(now_us, call, clock_us=self.clock_us, message=message, copy=copy)
        self.statuses.append((kind, answer.status))
        self.simulation.network.answer(self.name, source, message, {"type": f"{answer.status}"}, copy=copy)
        self._tell()

    def _tell(self) -> None:
        if not self._news.triggered:
            self._news.succeed()

    # ------------------------------------------------------------ the work
    def _work(self) -> Body:
        simulation = self.simulation
        while True:
            while event := self.door.take(simulation.now_us):
                yield from self.work(WORK_S)
                kind = self._kinds.get((event.id, event.copy), GOOD)
                simulation.emit("effect", self.name, event.id, key=event.id, copy=event.copy, sort=kind)
                if kind != GOOD:
                    simulation.emit("check", self.name, event.id, name="meant by the partner", ok=False,
                                    expected="no effect", got=f"an effect of one that is {kind}")  # fmt: skip
                self.door.done(simulation.now_us, event.number)
            self._news = simulation.event()
            yield self._news

    def _store_now_and_then(self) -> Body:
        while True:
            yield self.simulation.sleep(self.stored_every_s)
            if self.door.store(self.simulation.now_us):
                self._tell()

    # ------------------------------------------------------------ asking
    def _ask_now_and_then(self) -> Body:
        while True:
            yield self.simulation.sleep(self.ask_every_s)
            since_us, until_us = window(self.disk["asked until"], self.simulation.now_us, settle_s=self.settle_s)
            pages = yield from self._list(EPOCH_US + since_us, EPOCH_US + until_us)
            if pages is not None:
                self._take_in(pages)
                self.disk["asked until"] = until_us

    def _list(self, since_us: int, until_us: int) -> Body:
        """Ask for the list of a window and return its pages; None: no answer came."""
        simulation, pages = self.simulation, list[Page]()
        after: str | None = None
        while not pages or after is not None:
            self._questions += 1
            question = f"ask{self._questions}"
            answer = self._waits[question] = simulation.event()
            body = {"type": "ask", "since_us": since_us, "until_us": until_us, "after": after}
            simulation.network.send(self.name, str(self.asks), question, body)
            yield answer | simulation.sleep(ANSWER_WITHIN_S)
            if not answer.triggered:
                self._waits.pop(question, None)
                return None
            page: Page = answer.value  # type: ignore[assignment]  # the event was given one
            pages.append(page)
            after = page.after
        return pages

    def _take_in(self, pages: list[Page]) -> None:
        """Compare the list with what came, and fetch what is missing."""
        found = compare(pages, [], known=_Known(self.door, self.clock_us))
        if not found.lost:
            self.simulation.emit("empty", self.name, source=str(self.asks))
        for sent in found.lost:
            copy = self.simulation.network.next_copy(sent.id)
            self.simulation.emit("publish", str(self.asks), sent.id, attempt=1, copy=copy)
            self.door.fetch(self.simulation.now_us, sent, clock_us=self.clock_us, copy=copy)
        self._tell()


class _Known:
    """The ids that a door remembers, as something that can be asked `in`."""

    def __init__(self, door: WebHookDoor, clock_us: int) -> None:
        self.door, self.clock_us = door, clock_us

    def __contains__(self, event_id: object) -> bool:
        return self.door.has_seen(self.clock_us, str(event_id))
