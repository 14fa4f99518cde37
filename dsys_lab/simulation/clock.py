"""The simulation: SimPy's clock and event loop, in whole microseconds, with luck, trouble and a trace.

SimPy runs *processes*: generators that yield what they wait for. This module adds only what SimPy leaves to others:
integer microseconds (so that two machines never differ in a last bit), named streams of luck, a recorder, machines and
a network that can fail, and a fault plan that is data.

>>> from dsys_lab.trace import Trace
>>> trace = Trace()
>>> sim = Simulation(seed=1, recorder=trace)
>>> def ticking(sim):
...     for _ in range(2):
...         yield sim.sleep(0.5)
...         sim.emit("note", "clock", text="tick")
>>> process = sim.spawn(ticking(sim))
>>> sim.run()
>>> print(trace.text())
    0.500000s  clock        note         -        text=tick
    1.000000s  clock        note         -        text=tick

A process yields SimPy's own events: `sim.sleep(seconds)`, `sim.event()`, another process, or `a | b` for whichever is
first.

Promises
--------
1. Same seed, same parameters, same faults: the same rows, in the same order, on any machine.
2. Ties run in the order in which they were scheduled.
3. A crash strikes a machine's processes where they yield, and they cannot survive it by `except Exception`.

Sources: SimPy 4 documentation (simpy.readthedocs.io); FoundationDB, *Simulation and Testing*; TigerBeetle,
`docs/internals/vopr.md`.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import simpy

from dsys_lab.errors import Misuse
from dsys_lab.simulation.chance import Stream, stream
from dsys_lab.simulation.faults import Fault, arm, require_struck
from dsys_lab.simulation.network import Network
from dsys_lab.trace import NO_TRACE, Recorder, Scalar

if TYPE_CHECKING:
    from dsys_lab.simulation.machine import Machine

Body = Generator[simpy.Event, Any, Any]
"""The body of a process: a generator that yields SimPy events."""
Matches = Callable[[str, str, str | None, dict[str, Scalar]], bool]
"""Says whether a row, given as kind, place, message and fields, is the one waited for."""


def to_us(seconds: float) -> int:
    """Return whole microseconds, rounded half up; never negative."""
    if not 0 <= seconds < math.inf:
        raise Misuse(f"a wait of {seconds} s: time cannot run back nor stop, give 0 or more")
    return int(seconds * 1e6 + 0.5)


WAITS_MOST = 2_000_000
"""The most waits that a run may have: some tens of seconds of yours."""


class Simulation:
    """Virtual time, chance and trouble for one run.

    Parameters
    ----------
    seed : int
        Seeds every stream of luck.
    faults : iterable of Fault
        The trouble, as data.
    recorder : Recorder
        Where rows go: a `Trace`, `Counters`, or `NO_TRACE`.

    Attributes
    ----------
    machines : dict
        Machines by name.
    network : Network
    recorder : Recorder
        To be handed to the systems under test; a fault plan that waits for a row listens here.
    in_force : dict
        The faults that last now, by what they do and to whom; the one that struck last is the last.
    """

    def __init__(self, *, seed: int = 0, faults: Iterable[Fault] = (), recorder: Recorder = NO_TRACE) -> None:
        self.seed = seed
        self.environment = simpy.Environment()
        self.machines: dict[str, Machine] = {}
        self.network: Network = Network(self)
        self.recorder = recorder
        self.in_force: dict[tuple[str, str], list[Fault]] = {}
        self._streams: dict[str, Stream] = {}
        self._sleeps = 0
        faults = tuple(faults)
        if any(fault.on is not None for fault in faults):
            self.recorder = _Listening(recorder)
        self._plan = [arm(fault, self) for fault in faults]

    @property
    def now_us(self) -> int:
        """Virtual microseconds since the run began."""
        return self.environment.now  # type: ignore[return-value]  # SimPy's clock holds what it was given: integers

    @property
    def now_s(self) -> float:
        """Virtual seconds since the run began."""
        return self.environment.now / 1e6

    def emit(self, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Record a row now."""
        self.recorder.emit(self.environment.now, kind, place, message, **fields)  # type: ignore[arg-type]

    def stream(self, name: str) -> Stream:
        """Return the stream of luck called `name`; the same one at every call."""
        if name not in self._streams:
            self._streams[name] = stream(self.seed, name)
        return self._streams[name]

    def sleep(self, seconds: float) -> simpy.Timeout:
        """Return an event that happens after `seconds` of virtual time.

        Raises
        ------
        Misuse
            If it is the `WAITS_MOST`-th of the run: somebody gave 95 for 95 %, and waits for an end that is far away.
        """
        self._sleeps += 1
        if self._sleeps > WAITS_MOST:
            raise Misuse(
                f"stopped at {self.now_s:g} s of the run after {WAITS_MOST:,} waits: too much happens in it; "
                "lower a rate, a number of customers or the run's end (a utilisation of 95% is 0.95)"
            )
        return self.environment.timeout(to_us(seconds))

    def event(self) -> simpy.Event:
        """Return an event that somebody else will make happen, with `event.succeed(value)`."""
        return self.environment.event()

    def spawn(self, body: Body) -> simpy.Process:
        """Start a process that belongs to no machine, so that no crash strikes it."""
        return self.environment.process(body)

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Call `act` after `seconds`."""
        self.sleep(seconds).callbacks.append(lambda _: act())  # type: ignore[arg-type]  # what it returns is ignored

    def when(self, matches: Matches, act: Callable[[], object]) -> None:
        """Call `act` right after each row for which `matches(kind, place, message, fields)`."""
        if not isinstance(self.recorder, _Listening):
            raise Misuse("nobody listens to the rows of this simulation: give it the fault when it is made")
        self.recorder.listeners.append((matches, act))

    def goes_on(self) -> bool:
        """Whether something is left to happen."""
        return self.environment.peek() < math.inf

    def run(self, until_s: float | None = None) -> None:
        """Switch the machines on, and run until nothing is left to happen, or until `until_s` seconds of virtual time.

        What would happen at `until_s` itself does not happen any more. Without an end, a run with an endless source of
        work loops for ever.

        Raises
        ------
        Misuse
            If `until_s` does not lie ahead.
        """
        if until_s is not None and to_us(until_s) <= self.now_us:
            raise Misuse(f"until_s = {until_s}, and it is {self.now_s} s already: give a later end")
        for machine in tuple(self.machines.values()):
            machine.switch_on()
        with _collector_paused():
            self.environment.run(None if until_s is None else to_us(until_s))


    def require_struck(self) -> None:
        """Refuse a plan of faults of which a part did not strike in the run that is over, or struck at nothing.

        Raises
        ------
        BadParameter
            With what the fault waited for.
        """
        require_struck(self._plan, self)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause Python's cycle collector: a trace keeps all that it makes, so collections would look and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Listening:
    """A recorder that passes every row on and calls whoever waits for one like it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.listeners: list[tuple[Callable[..., bool], Callable[[], object]]] = []

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        self._recorder.emit(time_us, kind, place, message, **fields)
        for matches, act in self.listeners:
            if matches(kind, place, message, fields):
                act()
