"""A machine: processes that share a fate.

`disk` survives a crash, nothing else does. A crash strikes every process of the machine at the `yield` where it waits:
`Crashed` is thrown in there, so `finally` clauses run, but `except Exception` does not catch it, for no program
survives the loss of its machine. A piece of code without a `yield` between two effects is therefore atomic here; put
`yield sim.sleep(0)` where a crash must be able to come between.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import simpy

from dsys_lab.errors import Misuse

if TYPE_CHECKING:
    from dsys_lab.simulation.clock import Body, Simulation


class Crashed(BaseException):
    """Thrown into every process of a machine that crashes; not an `Exception` on purpose."""


_CRASH, _SPEED = "crash", "speed"


class Machine:
    """A computer that runs processes, may be slow, and may crash and come back.

    Subclasses fill in `boot` (start processes; called when the run begins and at every restart), `on_message`, and
    `on_crash` (name what is lost).

    Attributes
    ----------
    up : bool
    speed : float
        Share of full speed; 0 is a pause.
    skew_us : int
        By how much this machine's clock is ahead.
    disk : dict
        What survives a crash.
    """

    def __init__(self, simulation: Simulation, name: str) -> None:
        if name in simulation.machines:
            raise Misuse(f"there is a machine called {name!r} already: give each its own name")
        self.simulation = simulation
        self.name = name
        self.up = True
        self.speed = 1.0
        self.skew_us = 0
        self.disk: dict[str, Any] = {}
        self._processes: list[simpy.Process] = []
        self._working: dict[simpy.Process, None] = {}  # in the order in which they began
        self._is_on = False
        simulation.machines[name] = self

    def switch_on(self) -> None:
        """Boot, the first time: a run begins with all that was wired by then."""
        if not self._is_on:
            self._is_on = True
            if self.up:
                self.boot()

    def boot(self) -> None:
        """Reset memory and start processes."""

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take what the network delivered."""

    def is_reached_by(self, name: str) -> bool:
        """Whether a call from the machine `name` comes through now."""
        return self.up and not self.simulation.network.is_split_between(name, self.name)

    def on_crash(self) -> None:
        """Say, in rows, what was lost from memory."""

    def spawn(self, body: Body) -> simpy.Process:
        """Start a process that shares this machine's fate."""
        process = self.simulation.spawn(_mortal(body))
        self._processes = [p for p in self._processes if p.is_alive]
        self._processes.append(process)
        return process

    def work(self, seconds: float) -> Body:
        """Be busy for `seconds` at full speed, longer while the machine is slow: `yield from machine.work(2)`."""
        simulation, left_us = self.simulation, seconds * 1e6
        process = simulation.environment.active_process
        assert process is not None, "work is done by a process"
        self._working[process] = None
        try:
            while left_us > 0:
                began_us, speed = simulation.now_us, self.speed
                try:
                    yield simulation.sleep(left_us / speed / 1e6) if speed else simulation.event()
                    return
                except simpy.Interrupt:
                    left_us -= (simulation.now_us - began_us) * speed
        finally:
            self._working.pop(process, None)

    def set_speed(self, speed: float) -> None:
        """Run at this share of full speed from now on; work under way is stretched or sped up."""
        if not (0 <= speed < math.inf):
            raise Misuse(f"speed = {speed!r}: give 0 (a pause) or more")
        self.speed = speed
        if speed == 1.0:
            self.simulation.emit("steady", self.name)
        else:
            self.simulation.emit("slow", self.name, speed=speed)
        for process in self._working:
            process.interrupt(_SPEED)

    def crash(self) -> None:
        """Lose memory and processes; what is on `disk` stays."""
        if not self.up:
            return
        self.up = False
        self.simulation.emit("crash", self.name)
        for process in self._processes:
            if process.is_alive:
                process.interrupt(_CRASH)
        self._processes = []
        self.on_crash()

    def restart(self) -> None:
        """Come back with an empty memory and the old disk."""
        if self.up:
            return
        self.up = True
        self.simulation.emit("restart", self.name)
        if self._is_on:
            self.boot()


def _mortal(body: Body) -> Body:
    """Run `body`, but turn SimPy's interrupt for a crash, which is an `Exception`, into `Crashed`, which is not."""
    resume, value = body.send, None
    while True:
        try:
            event = resume(value)
        except StopIteration as stop:
            return stop.value
        try:
            resume, value = body.send, (yield event)
        except simpy.Interrupt as interrupt:
            if interrupt.cause == _CRASH:
                _kill(body)
                return None
            resume, value = body.throw, interrupt
        except Exception as error:  # noqa: BLE001  # whatever the event failed with is the body's to handle
            resume, value = body.throw, error


def _kill(body: Body) -> None:
    try:
        body.throw(Crashed())
    except (Crashed, StopIteration):
        return
    raise Misuse("a process yielded while its machine died: the dead cannot wait")
