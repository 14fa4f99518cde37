"""The same work by us and by others, interleaved, as ratios.

A time alone says more about the computer than about the code, so every line is a ratio of rivals that ran in turn in
the same process of the same minute: A B A B ..., the median of the rounds, and their range. No test asserts one.

    python -m dsys_lab.benchmark            every table
    python -m dsys_lab.benchmark trace      the tables whose names begin so

A rival that lives in another Python is run there: `DSYS_LAB_HAPPYSIM=/path/to/python3.13` names one that has happysim.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import simpy

from dsys_lab.brokers.overflow import Buffer, Request
from dsys_lab.scenarios.not_consumed_in_time import burst, hockey_stick
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.trace import NO_TRACE, Counters, Recorder, Trace

CUSTOMERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rival:
    """One way to do the work.

    Attributes
    ----------
    name : str
    run : callable
        Does the work once and returns how many units of it were done.
    measures_itself : bool
        `run` returns units a second instead, for it ran in another process.
    """

    name: str
    run: Callable[[], float]
    measures_itself: bool = False


def compare(title: str, unit: str, rivals: list[Rival], *, rounds: int = 5) -> None:
    """Run the rivals in turn, and print each one's rate and its ratio to the first."""
    rates: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for _ in range(rounds):
        for rival in rivals:
            began = time.perf_counter()
            done = rival.run()
            rates[rival.name].append(done if rival.measures_itself else done / (time.perf_counter() - began))
    ours = statistics.median(rates[rivals[0].name])
    print(f"\n{title}\n{'':46}{unit + '/s':>16}{'range':>26}{'ours is':>12}")
    for name, measured in rates.items():
        median = statistics.median(measured)
        span = f"{min(measured):,.0f} to {max(measured):,.0f}"
        print(f"  {name:44}{median:16,.0f}{span:>26}{ours / median:11.2f}x")


def interleaved(*runs: Callable[[], object], rounds: int = 5) -> list[list[float]]:
    """Return the seconds that each of `runs` took in each round; they take turns, so that a busy minute hits all."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, taken in zip(runs, seconds, strict=True):
            began = time.perf_counter()
            run()
            taken.append(time.perf_counter() - began)
    return seconds


# ------------------------------------------------------------------------------------------ the simulation
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


# ------------------------------------------------------------------------------------------ the trace
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


# ------------------------------------------------------------------------------------------ brokers
def overflow() -> None:
    """Offer and take, one by one: the model in memory against a server with a network and a file."""
    from dsys_lab.engines import nats

    def model(cycles: int = 50_000) -> float:
        buffer = Buffer("inbox", capacity=8, policy="reject")
        for now_us in range(cycles):
            buffer.offer(now_us, Request("m"))
            buffer.take(now_us)
        return cycles

    def jetstream(cycles: int = 500) -> float:
        with nats.StreamBuffer("inbox", capacity=8, policy="reject") as buffer:
            for _ in range(cycles):
                buffer.offer(Request("m"))
                buffer.take()
        return cycles

    nats.connection()
    compare("Offer and take", "cycles", [Rival("the model's buffer", model), Rival("JetStream", jetstream)])
    nats.connection().close()


# ------------------------------------------------------------------------------------------ tables
VALUES: Final = 10_000_000
READS: Final = 2_000


def columns() -> None:
    """A sum, and a sum by group, over ten million values: in memory, on one thread, the same answers."""
    import numpy as np

    from dsys_lab.engines.duckdb import DuckdbTable
    from dsys_lab.stores.column_store import ColumnStore
    from dsys_lab.stores.table import Measure
    from dsys_lab.structures.disk import VolatileDisk
    from dsys_lab.structures.schema import Schema

    schema = Schema.of("id u32, minutes u16, city u8")
    ids = np.arange(VALUES, dtype=np.uint32)
    minutes = (ids * np.uint32(2_654_435_761) >> 22).astype(np.uint16)
    given = {"id": ids, "minutes": minutes, "city": (ids * np.uint32(40_503) >> 8).astype(np.uint8) % 50}
    total = [Measure("sum", "minutes")]
    stores: dict[str, Any] = {
        f"column store, {name}": ColumnStore(VolatileDisk(), schema, codec=codec)
        for name, codec in (("plain", "plain"), ("packed", None))
    }
    with DuckdbTable("nights", schema, key="id") as duckdb:
        stores["DuckDB, one thread"] = duckdb
        for store in stores.values():
            store.append_columns(given)
            store.checkpoint()

        def rival(name: str, by: str | None) -> Rival:
            def run() -> float:
                stores[name].aggregate(total, by=by)
                return VALUES / 1e6

            assert stores[name].aggregate(total, by=by) == duckdb.aggregate(total, by=by)
            return Rival(name, run)

        def floor() -> float:
            minutes.sum(dtype=np.int64)
            return VALUES / 1e6

        sums = [*(rival(name, None) for name in stores), Rival("numpy.sum of the array", floor)]
        compare("A sum over ten million values", "million values", sums, rounds=9)
        compare("A sum by city", "million values", [rival(name, "city") for name in stores], rounds=9)


def point_reads() -> None:
    """One row by its key, a hundred thousand nights, all in memory; SQLite is called from Python, as we are."""
    from dsys_lab.scenarios.night_tables import NIGHT, night_rows, night_table

    nights = 100_000
    table = night_table("rows", nights=nights)
    names = ", ".join(f"{name}{' integer primary key' * (name == 'night_id')}" for name in NIGHT.names)
    database = sqlite3.connect(":memory:")
    database.execute(f"create table night ({names})")
    marks = ", ".join("?" * len(NIGHT.names))
    database.executemany(f"insert into night values ({marks})", night_rows(0, nights))  # noqa: S608  marks only
    keys = [number * 7_919 % nights for number in range(READS)]

    def ours() -> float:
        for key in keys:
            table.get(key)
        return READS

    def theirs() -> float:
        for key in keys:
            database.execute("select * from night where night_id = ?", (key,)).fetchone()
        return READS

    assert table.get(17) == database.execute("select * from night where night_id = 17").fetchone()
    compare("One night by its key", "reads", [Rival("row store", ours), Rival("SQLite, in memory", theirs)], rounds=9)


def slumber() -> None:
    """Nights made out of a hash, on one core, against as many columns of NumPy's own luck."""
    import numpy as np

    from dsys_lab.workloads.slumber import Slumber

    nights = 1_000_000
    world, luck = Slumber(nights=nights), np.random.default_rng(7)

    def made() -> float:
        return sum(len(chunk["night_id"]) for chunk in world.chunks("night"))

    def drawn() -> float:
        for _ in range(12):
            luck.integers(0, 720, nights, dtype=np.int64)
        return nights

    rivals = [
        Rival("nights, thirteen columns that hang together", made),
        Rival("twelve columns of random numbers", drawn),
    ]
    compare("Slumber", "nights", rivals)


def work_queue() -> None:
    """Send, receive and acknowledge, one by one: the pure model, the same on a clock, JetStream and SQS at moto."""
    from dsys_lab.brokers.work_queue import WorkQueue
    from dsys_lab.engines import aws, nats
    from dsys_lab.engines.work_queue import cycles

    def pure(count: int = 50_000) -> float:
        queue = WorkQueue("clips")
        for now_us in range(count):
            queue.send(now_us, "c", "a night of video")
            [given] = queue.receive(now_us)
            queue.acknowledge(now_us, given.handle)
        return count

    rivals = [
        Rival("WorkQueue, pure", pure),
        Rival("the model behind the engines' verbs", lambda: cycles("model", count=20_000)),
        Rival("JetStream", lambda: cycles("jetstream", count=300)),
        Rival("SQS at moto", lambda: cycles("sqs", count=40)),
    ]
    compare("Send, receive, acknowledge", "cycles", rivals)
    nats.connection().close()
    aws.connection().close()


TABLES: Final[dict[str, Callable[[], None]]] = {
    "simulation": simulation,
    "trace": trace,
    "player": player,
    "overflow": overflow,
    "work_queue": work_queue,
    "columns": columns,
    "point_reads": point_reads,
    "slumber": slumber,
}


def main(names: list[str]) -> None:
    """Print the tables whose names begin with one of `names`; all, where there is none."""
    for name, table in TABLES.items():
        if not names or name.startswith(tuple(names)):
            table()


if __name__ == "__main__":
    main(sys.argv[1:])
