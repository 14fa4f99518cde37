"""An event bus on a machine, those who put events, and those who get them.

Calling a target is calling an endpoint of a topic (lab 15), so the host and the one who is called are those of that
lab; here they know of events, and a service may look whether it did something before, or put events itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dsys_lab.brokers.event_bus import Attempt, Entry, EventBus, Rule
from dsys_lab.scenarios.publish_subscribe.machines import Listener, PushingHost
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Distribution, constant


class BusHost(PushingHost):
    """The machine of a bus."""

    def __init__(self, simulation: Simulation, bus: EventBus) -> None:
        super().__init__(simulation, bus)
        self.bus = bus

    def called(self, attempt: Attempt) -> str:
        """Return the target."""
        return attempt.target

    def put_rule(self, rule: Rule, *services: Service) -> None:
        """Make a rule whose targets are these services."""
        self.bus.put_rule(self.simulation.now_us, rule)
        self.endpoints |= {service.name: service for service in services}

    def replay(
        self, name: str, archive: str, *, since_s: float, until_s: float, rules: Sequence[str] | None = None
    ) -> None:
        """Hand on again what an archive has of this time, to some rules or to all."""
        simulation = self.simulation
        self.bus.replay(
            simulation.now_us, name, archive, since_us=to_us(since_s), until_us=to_us(until_s),
            rules=rules, luck=simulation.stream("replay"),
        )  # fmt: skip
        self.push()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take an event in, say so, and push it to those who are to have it."""
        [answer] = self.bus.put(self.simulation.now_us, [body["entry"]], copy=copy)
        said = type(answer).__name__.lower()
        self.simulation.network.answer(self.name, source, message, {"type": said}, copy=copy)
        self.push()

    def watch(self, every_s: float, on_call: str) -> None:
        """Look from time to time whether events came that no rule picked, and say so to somebody."""
        self.spawn(self._watch(every_s, on_call))

    def _watch(self, every_s: float, on_call: str) -> Body:
        seen = 0
        while True:
            yield self.simulation.sleep(every_s)
            unmatched = self.bus.status().unmatched
            self.simulation.emit("gauge", self.name, name="picked by no rule", value=unmatched, unit="events")
            if unmatched > seen:
                self.simulation.emit("note", on_call, text=f"alarm: {unmatched - seen} events that no rule picked")
            seen = unmatched


class PutsEvents(Machine):
    """A machine that may put events on the bus, and hears only that they were taken."""

    def __init__(self, simulation: Simulation, host: BusHost, name: str) -> None:
        self.host = host
        super().__init__(simulation, name)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that an event was taken."""
        self.simulation.emit("publish_ok", self.name, message, attempt=1)

    def put(self, entry: Entry) -> None:
        """Send an event to the bus."""
        self.simulation.emit("publish", self.name, entry.id, attempt=1, copy=0)
        self.simulation.network.send(self.name, self.host.name, entry.id, {"entry": entry})


class Sender(PutsEvents):
    """Puts each event after its gap, in seconds."""

    def __init__(
        self, simulation: Simulation, host: BusHost, events: Iterable[tuple[float, Entry]], *, name: str
    ) -> None:
        self.events = iter(events)
        super().__init__(simulation, host, name)

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._send())

    def _send(self) -> Body:
        for gap_s, entry in self.events:
            yield self.simulation.sleep(gap_s)
            self.put(entry)


class Service(Listener):
    """A target: works on one event after the other.

    Parameters
    ----------
    once : bool
        Whether it does nothing twice: the key of what it did is kept on disk, in one step with the effect.
    """

    def __init__(self, simulation: Simulation, name: str, work_time: Distribution, *, once: bool = False) -> None:
        super().__init__(simulation, name, work_time)
        self.once = once

    def handle(self, attempt: Any) -> Body:
        """Carry an event out, unless that was done before."""
        key = f"{attempt.message} at {self.name}"
        if self.once and key in self.disk:
            self.simulation.emit("effect_skip", self.name, attempt.message, key=key, copy=attempt.copy)
            return
        yield from super().handle(attempt)

    def carry_out(self, attempt: Any, key: str) -> None:
        """Let the effect come about, and keep its key."""
        super().carry_out(attempt, key)
        self.disk[key] = True


class WritingService(Service):
    """A target that puts events on the bus for each that it gets, `after_s` later.

    Parameters
    ----------
    writes : callable
        `(attempt)` -> the events that follow. The machine `writer` puts them.
    """

    def __init__(
        self, simulation: Simulation, host: BusHost, name: str, writes: Callable[[Attempt], Iterable[Entry]],
        *, after_s: float,
    ) -> None:  # fmt: skip
        super().__init__(simulation, name, constant(0.0))
        self.writer, self.writes, self.after_s = PutsEvents(simulation, host, "writer"), writes, after_s

    def carry_out(self, attempt: Any, key: str) -> None:
        """Let the effect come about, and write later."""
        super().carry_out(attempt, key)
        self.writer.spawn(self._write(attempt))

    def _write(self, attempt: Attempt) -> Body:
        yield self.simulation.sleep(self.after_s)
        for entry in self.writes(attempt):
            self.writer.put(entry)
