"""What the floor costs: the event loop, a row of a trace, a new picture."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any, Final

import simpy

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.scenarios.not_consumed_in_time.bursts import burst, hockey_stick
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.trace import NO_TRACE, Counters, Recorder, Trace

CUSTOMERS: Final = 100_000


def plain_simpy() -> float:
    """M/M/1 as SimPy's own tutorial would write it, which records nothing."""
    environment = simpy.Environment()
    server = simpy.Resource(environment, capacity=1)
    arrivals, work = stream(1, "wearables/arrivals"), stream(1, "scorer/work")
    gap, service = exponential(1 / 8), exponential(1 / 10)

    def customer() -> simpy.events.ProcessGenerator:
        with server.request() as turn:
            yield turn
            yield environment.timeout(int(service(work) * 1e6 + 0.5))

    def source() -> simpy.events.ProcessGenerator:
        for _ in range(CUSTOMERS):
            yield environment.timeout(int(gap(arrivals) * 1e6 + 0.5))
            environment.process(customer())

    environment.process(source())
    environment.run()
    return CUSTOMERS


_HAPPYSIM: Final = f"""
import sys, time
from happysimulator import Instant, Server, Simulation, Sink, Source
from happysimulator.distributions import ExponentialLatency
from happysimulator.instrumentation.recorder import InMemoryTraceRecorder
recorder = InMemoryTraceRecorder() if sys.argv[1] == "traced" else None
sink = Sink()
server = Server("Server", service_time=ExponentialLatency(0.1), downstream=sink)
source = Source.poisson(rate=8, target=server)
sim = Simulation(sources=[source], entities=[server, sink],
                 end_time=Instant.from_seconds({CUSTOMERS} / 8), trace_recorder=recorder)
began = time.perf_counter()
sim.run()
print(sink.events_received / (time.perf_counter() - began))
"""


def happysim(python: str, recorder: str) -> float:
    """Customers a second of the same M/M/1 in happysim, measured by itself in its own Python."""
    run = subprocess.run([python, "-c", _HAPPYSIM, recorder], check=True, capture_output=True, text=True)
    return float(run.stdout.split()[-1])


def simulation() -> None:
    """M/M/1 with every row kept against loops that keep none."""
    busy: dict[str, Any] = {"utilisation": 0.8, "customers": CUSTOMERS}
    rivals = [
        Rival("ours, every row kept (4 a customer)", lambda: len(hockey_stick(**busy)) / 4),
        Rival("ours, counters only", lambda: hockey_stick.count(**busy).count("finish")),
        Rival("plain SimPy, nothing recorded", plain_simpy),
    ]
    python = os.environ.get("DSYS_LAB_HAPPYSIM")
    if python:
        rivals += [
            Rival("happysim, its trace kept", lambda: happysim(python, "traced"), measures_itself=True),
            Rival("happysim, nothing recorded", lambda: happysim(python, "untraced"), measures_itself=True),
        ]
    compare(f"M/M/1, {CUSTOMERS:,} customers", "customers", rivals)
    if not python:
        print("  happysim: not measured; set DSYS_LAB_HAPPYSIM to a Python 3.13 that has it")


def _emit(make: Callable[[], Recorder]) -> Callable[[], float]:
    def run() -> float:
        recorder = make()
        for number in range(200_000):
            recorder.emit(number, "enqueue", "inbox", "n1", depth=3, copy=0)
        return 200_000

    return run


def _append() -> float:
    rows: list[tuple[object, ...]] = []
    for number in range(200_000):
        rows.append((number, "enqueue", "inbox", "n1", {"depth": 3, "copy": 0}))  # noqa: PERF401  # the floor is a loop
    return 200_000


def trace() -> None:
    """What a row costs, against the floor: the same tuple appended to a list."""
    compare(
        "The recorder",
        "rows",
        [
            Rival("Trace, checked and kept", _emit(Trace)),
            Rival("Counters", _emit(Counters)),
            Rival("NO_TRACE", _emit(lambda: NO_TRACE)),
            Rival("a tuple appended to a list, unchecked", _append),
        ],
    )


def player() -> None:
    """From a slider's value to the bytes of a new picture, and what of it is the run itself."""
    from dsys_lab.views.player.pack import pack

    ready = burst()
    rows = len(ready)

    def run() -> float:
        return len(burst())

    def run_and_pack() -> float:
        new = burst()
        pack(new)
        return len(new)

    def only_pack() -> float:
        pack(ready)
        return rows

    compare(
        f"A new picture of {rows:,} rows",
        "rows",
        [Rival("run and pack", run_and_pack), Rival("the run alone", run), Rival("packing alone", only_pack)],
        rounds=9,
    )
