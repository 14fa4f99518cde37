"""Asynchronous request-reply: wait for it, or come back for it?

A sleeper asks for the report of a year, which takes seconds. The gateway bears so many open connections. Who waits
keeps one open until the report is there, and when all are taken the next is turned away, although the writers would
have had time for it a moment later. With a ticket the gateway says *accepted* at once and lets the sleeper go; the
report is written as before, and whoever wants it asks again and again whether it is ready.

It costs these questions, and the time between the report being there and somebody asking; a call back spares both, and
needs a door at the sleeper's (lab 21).

A report may never come: its writer has died. So both ways end. A connection is closed after `PATIENCE_S` without a
report; and who asks about a ticket that is `TICKET_S` old, for it takes up no room, is told that there is none.

Source: Azure Architecture Center, "Asynchronous Request-Reply"; HTTP's `202 Accepted`, RFC 9110, 15.3.3.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.overflow import Buffer, Request
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.machines import Consumer, Inbox
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import exponential

WAYS: Final = ("wait for it", "come back for it")
SLEEPERS, GATEWAY, DESK, WRITER = "sleepers", "gateway", "wanted", "writer"
AFTER_S: Final = 40.0
PATIENCE_S, TICKET_S = 20.0, 30.0
"""How long the gateway waits for a report, with a connection open and without."""
NONE: Final = "there is no report after so long"


class Gateway(Machine):
    """Takes questions in, each over a connection of its own.

    Parameters
    ----------
    connections : int
        How many may be open at once.
    keeps_open : bool
        Whether a connection stays open until the report is there; without it a ticket is given at once.
    """

    def __init__(self, simulation: Simulation, desk: Inbox, *, connections: int, keeps_open: bool) -> None:
        self.desk, self.connections, self.keeps_open = desk, connections, keeps_open
        self.waiting: dict[str, None] = {}
        super().__init__(simulation, GATEWAY)
        self.disk |= {"ready": set[str](), "since_us": dict[str, int]()}

    def is_ready(self, message: str) -> bool:
        """Whether a report may be fetched."""
        return message in self.disk["ready"]

    def is_given_up(self, message: str) -> bool:
        """Whether a report has been waited for long enough, and is not there."""
        since_us = self.disk["since_us"][message]
        return not self.is_ready(message) and self.simulation.now_us - since_us >= TICKET_S * 1e6

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a question in, if a connection is free."""
        if len(self.waiting) >= self.connections:
            self.simulation.emit("reject", self.name, message, why="no connection is free", copy=copy)
            self._say(message, "503 try later")
            return
        self.desk.offer(Request(message, copy, self.simulation.now_us))
        self.disk["since_us"][message] = self.simulation.now_us
        if self.keeps_open:
            self.waiting[message] = None
            self._count()
            self.spawn(self._give_up(message))
        else:
            self._say(message, "202 accepted")

    def _give_up(self, message: str) -> Body:
        yield self.simulation.sleep(PATIENCE_S)
        self._close(message, "504 no report")

    def written(self, request: Request) -> None:
        """Hand a report over to who waits, or keep it for who will come."""
        self.disk["ready"].add(request.message)
        self._close(request.message, "200 report")

    def _close(self, message: str, what: str) -> None:
        """Say something over a connection and close it, if it is still open."""
        if message in self.waiting:
            del self.waiting[message]
            self._count()
            self._say(message, what)

    def on_crash(self) -> None:
        """Break every connection; what is written is on the disk, and who holds a ticket may still have it."""
        for message in self.waiting:
            self.simulation.emit("answer_lost", SLEEPERS, message, source=self.name, copy=0, type="200 report",
                                 why="the connection broke")  # fmt: skip
        self.waiting.clear()

    def _count(self) -> None:
        self.simulation.emit("gauge", self.name, name="open connections", value=len(self.waiting),
                             unit="connections", full=self.connections)  # fmt: skip

    def _say(self, message: str, what: str) -> None:
        self.simulation.network.answer(self.name, SLEEPERS, message, {"type": what})


class Sleepers(Machine):
    """Ask for a report each, and with a ticket come back for it."""

    gateway: Gateway

    def __init__(self, simulation: Simulation, *, ask_every_s: float) -> None:
        self.ask_every_s = ask_every_s
        super().__init__(simulation, SLEEPERS)

    def ask(self, number: int) -> None:
        """Ask for a report."""
        message = f"r{number}"
        self.simulation.emit("publish", self.name, message, attempt=1)
        self.simulation.network.send(self.name, GATEWAY, message, {"type": "question"})

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear the answer; a ticket is no report yet."""
        if body["type"].startswith("200"):
            self.simulation.emit("publish_ok", self.name, message, attempt=1)
        elif body["type"].startswith("202"):
            self.spawn(self._come_back(message))
        elif body["type"].startswith("504"):
            self.simulation.emit("publish_fail", self.name, message, attempt=1, why=NONE)

    def _come_back(self, message: str) -> Body:
        simulation, attempt = self.simulation, 1
        while True:
            yield simulation.sleep(self.ask_every_s)
            if self.gateway.is_reached_by(self.name):
                attempt += 1
                simulation.emit("look", GATEWAY, None, view=GATEWAY, key=message, position=attempt, behind_us=0)
                if self.gateway.is_ready(message):
                    simulation.emit("publish_ok", self.name, message, attempt=attempt)
                    return
                if self.gateway.is_given_up(message):
                    simulation.emit("publish_fail", self.name, message, attempt=attempt, why=NONE)
                    return


@scenario("{way}")
def reports(
    sim: Simulation,
    *,
    way: str = "come back for it",
    connections: int = 6,
    writers: int = 4,
    rate: float = 1.0,
    write_s: float = 3.0,
    ask_every_s: float = 2.0,
    until_s: float = 60.0,
) -> Claims:
    """Reports are asked for at random, `rate` a second, and so many `writers` take `write_s` for each on average.

    Nothing new comes after `until_s`; the run goes on for `AFTER_S`.
    """
    require_choice("way", way, WAYS)
    require_positive(connections=connections, writers=writers, rate=rate, write_s=write_s, ask_every_s=ask_every_s,
                     until_s=until_s)  # fmt: skip
    desk = Inbox(sim, Buffer(DESK, capacity=1, policy="unbounded", recorder=sim.recorder))
    gateway = Gateway(sim, desk, connections=connections, keeps_open=way == "wait for it")
    sleepers = Sleepers(sim, ask_every_s=ask_every_s)
    sleepers.gateway = gateway
    Consumer(sim, desk, exponential(write_s), name=WRITER, servers=writers, done=gateway.written)
    sim.spawn(at_random(sim, f"{SLEEPERS}/arrivals", rate=rate, until_s=until_s,
                        comes=lambda number, _: sleepers.ask(number), source=sleepers))  # fmt: skip
    sim.run(until_s + AFTER_S)
    return Claims({"conservation": {}, "depth adds up": {}, "nothing lost": {}})
