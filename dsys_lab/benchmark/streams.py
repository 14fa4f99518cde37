"""Streams: pings in windows by our operators, beside a plain loop, and DuckDB's batch over the same rows."""

from __future__ import annotations

from collections import Counter
from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.dataflows.batch import COUNT, Record, StreamJob
from dsys_lab.dataflows.streaming_sql import Job, sink
from dsys_lab.dataflows.windows import Tumbling, WindowedStream
from dsys_lab.laws import windows_kept_most
from dsys_lab.scenarios.streaming_sql.counts import PER_CITY
from dsys_lab.scenarios.streaming_sql.world import CITIES, Told, by_table, catalog, told
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk

WINDOW_US: Final = 10_000_000


def by_stream(seconds: float = 300.0) -> float:
    """Count pings a city in windows row by row, as they come; return how many rows."""
    rows, running = [one for one in told(seconds=seconds) if one.table == "pings"], catalog().query(PER_CITY)
    for came_us, table, row in rows:
        running.on_row(came_us, table, row)
    running.finish(rows[-1].came_us)
    return len(rows)


def by_batch_again(seconds: float = 300.0, *, every: int = 50) -> float:
    """Count them anew over all rows so far, each time that so many have come; return how many rows were read in all."""
    rows = [one for one in told(seconds=seconds) if one.table == "pings"]
    read = 0
    for end in range(every, len(rows), every):
        counts = Counter((row[3] - row[3] % WINDOW_US, row[0]) for _, _, row in rows[:end])
        read += counts.total()
    return read


def streams() -> None:
    """Count pings a city in windows of ten seconds: SQL, the windows room, a loop, DuckDB; and what is kept."""
    from dsys_lab.engines.duckdb import DuckdbBatch

    rows = [one for one in told(seconds=5_000) if one.table == "pings"]
    records = [Record(one.event_us, one.came_us, one.row[0]) for one in rows]
    most = 0

    def query() -> float:
        nonlocal most
        running = catalog().query(PER_CITY)
        for number, (came_us, table, row) in enumerate(rows):
            running.on_row(came_us, table, row)
            if number % 100 == 0:
                most = max(most, running.status().kept_in_all)
        running.finish(rows[-1].came_us)
        return len(rows)

    def windowed() -> float:
        stream = WindowedStream(Tumbling(WINDOW_US), COUNT, bound_us=5_000_000)
        for record in records:
            stream.on_record(record.arrived_us, record)
        stream.finish(records[-1].arrived_us)
        return len(records)

    def folding() -> float:
        StreamJob(COUNT).run(records)
        return len(records)

    def loop() -> float:
        counts: Counter[tuple[int, str]] = Counter()
        for _, _, row in rows:
            counts[row[3] - row[3] % WINDOW_US, row[0]] += 1
        return len(rows)

    tables = catalog()
    with DuckdbBatch(tables, by_table(rows)) as batch:

        def duckdb() -> float:
            batch.answer(PER_CITY)
            return len(rows)

        compare("Pings a city in windows of ten seconds", "pings", [
            Rival("our SQL, row by row", query), Rival("our windows, row by row", windowed),
            Rival("our fold without windows", folding), Rival("a plain loop, no watermark", loop),
            Rival("DuckDB, batch, one thread", duckdb),
        ])  # fmt: skip
    law = len(CITIES) * windows_kept_most(WINDOW_US / 1e6, WINDOW_US / 1e6, 5)
    print(f"  windows in memory: {most} at most; the law for a watermark 5 s behind says {law} at most")


def checkpoints() -> None:
    """Run the same query with checkpoints and a two-phase sink, at several distances, on memory for a disk."""
    rows = [one for one in told(seconds=500) if one.table == "pings"]
    rivals = [
        Rival(f"a checkpoint every {every:,} pings", lambda every=every: _with_checkpoints(rows, every))  # type: ignore[misc]
        for every in (len(rows), 1_000, 100, 10)
    ]
    compare("Pings through a job that survives a crash", "pings", rivals)


def _with_checkpoints(rows: list[Told], every: int) -> float:
    disk = VolatileDisk()
    goes_to = sink("two-phase", PartOfDisk(disk, "sink."))
    job = Job(catalog().query(PER_CITY), PartOfDisk(disk, "job."), goes_to, every=every)
    for position, (came_us, table, row) in enumerate(rows):
        job.on_record(came_us, position, table, row)
    job.finish(rows[-1].came_us)
    return len(rows)


def folded(records: list[Record]) -> int:
    """Count records one by one, without windows."""
    job = StreamJob(COUNT)
    job.run(records)
    return job.status().records


def in_windows(records: list[Record]) -> int:
    """Count records one by one, each in its window of ten seconds."""
    stream = WindowedStream(Tumbling(WINDOW_US), COUNT, bound_us=5_000_000)
    for record in records:
        stream.on_record(record.arrived_us, record)
    return stream.status().assigned
