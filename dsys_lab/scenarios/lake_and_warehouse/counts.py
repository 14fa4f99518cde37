"""What drift, loading, small files, races and power cuts come to, counted for a chart, without a picture."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from random import Random
from statistics import fmean, median, stdev
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import DsysLabError, MayHaveHappened, require_choice, require_positive
from dsys_lab.scenarios.lake_and_warehouse.river import ALL_SHAPES, FIRST_SHAPE, documents
from dsys_lab.scenarios.lake_and_warehouse.sweeps import sweep
from dsys_lab.scenarios.lake_and_warehouse.writers import NIGHTS, new_table, race
from dsys_lab.simulation import Measured
from dsys_lab.stores.lake import JsonLines, LakeTable, TableLog, VersionGone
from dsys_lab.stores.lake.schema_on_read import MODES, RESCUED, Outcome, Wanted, load, parsed, read, wanted
from dsys_lab.stores.object_store import Facts, JournaledStore
from dsys_lab.stores.table import Between
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.trace import Trace

READERS: Final = {
    "knows firmware 1": wanted("day text d", "sleep number hours_sleep*60"),
    "takes what is there, no units": wanted("day text d", "sleep number hours_sleep sleep_minutes sleep.minutes"),
    "knows all shapes": wanted("day text d", "sleep number hours_sleep*60 sleep_minutes sleep.minutes"),
}
WITH_OXYGEN: Final = (*FIRST_SHAPE, *(one for one in ALL_SHAPES if one.name == "spo2"))
RUNS: Final = 8


# ------------------------------------------------------------------------------------------ drift
def drift(seed: int = 7, count: int = 6_000) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return, for each reader and day, the median night as the reader sees it, and the share that is NULL to it."""
    lines, told = documents(seed, count), {}
    for name, schema in READERS.items():
        days: dict[str, list[float | None]] = defaultdict(list)
        for day, value in read(lines, schema).rows:
            days[day].append(value)
        known = {day: [one for one in values if one is not None] for day, values in days.items()}
        places = {day: place for place, day in enumerate(sorted(days))}
        told[name] = {
            "median": [(places[day], float(median(values))) for day, values in sorted(known.items()) if values],
            "null": [(places[day], 1 - len(known[day]) / len(values)) for day, values in sorted(days.items())],
        }
    return told


def mismatches(seed: int = 7, count: int = 6_000) -> dict[str, dict[str, int]]:
    """Count, for each reader, the nights whose sleep stands nowhere it looks, and those that it cannot take."""
    told = {name: read(documents(seed, count), schema) for name, schema in READERS.items()}
    return {
        name: {"rows": len(one.rows), "stands nowhere": one.absent["sleep"], "does not fit": one.mismatched["sleep"]}
        for name, one in told.items()
    }


def unseen(*sources: str, seed: int = 7, count: int = 6_000) -> float:
    """Return the share of the nights that have no length to a reader who looks for it in these places."""
    told = read(documents(seed, count), wanted(f"sleep number {' '.join(sources)}"))
    return told.absent["sleep"] / count


def unseen_by_day(*sources: str, seed: int = 7, count: int = 6_000) -> list[tuple[int, float]]:
    """Return (day, the same share of its nights)."""
    lines, days = documents(seed, count), defaultdict(list)
    for line, (day,) in zip(lines, read(lines, wanted("day text d")).rows, strict=True):
        days[day].append(line)
    schema = wanted(f"sleep number {' '.join(sources)}")
    return [
        (place, read(days[day], schema).absent["sleep"] / len(days[day])) for place, day in enumerate(sorted(days))
    ]


# ------------------------------------------------------------------------------------------ regret
def regret(seed: int = 7, count: int = 6_000, *, noticed_after: int = 5_000) -> dict[str, dict[str, int]]:
    """Count the nights whose oxygen can be told, when the column is added after so many documents.

    In each mode of loading, and in a lake that is read in the end: how many stand in the column, how many can be told
    by who looks into the quarantine and beside the rows, too, and how many are lost for ever.
    """
    lines, told = documents(seed, count), {}
    for mode in MODES:
        before = load(lines[:noticed_after], FIRST_SHAPE, mode=mode)
        since = load(lines[noticed_after:], WITH_OXYGEN, mode=mode)
        there = sum(value is not None for value in since.column("spo2"))
        told[mode] = {"in the column": there, "can be told": there + _aside(before) + _aside(since),
                      "lost": before.lost["spo2"] + since.lost["spo2"]}  # fmt: skip
    told["lake"] = {"in the column": 0, "can be told": len(with_oxygen(seed, count)), "lost": 0}
    return told


def _aside(told: Outcome) -> int:
    """Count the nights whose oxygen stands in the quarantine, or beside its row."""
    beside = told.column(RESCUED) if RESCUED in told.columns else []
    return sum("spo2" in (parsed(text) or {}) for text in (*told.quarantine, *beside) if text)


def with_oxygen(seed: int = 7, count: int = 6_000) -> list[int]:
    """Return the places of the documents that have the new field, in the order in which they came."""
    return [number for number, line in enumerate(documents(seed, count)) if "spo2" in (parsed(line) or {})]


def loaded(schema: tuple[Wanted, ...] = FIRST_SHAPE, *, seed: int = 7, count: int = 6_000) -> dict[str, dict[str, int]]:
    """Count where the documents and their values are after each mode of loading."""
    told = {mode: load(documents(seed, count), schema, mode=mode) for mode in MODES}
    return {mode: {"rows": len(one.rows), "in quarantine": len(one.quarantine), "values lost": sum(one.lost.values()),
                   "values beside": sum(one.rescued.values())} for mode, one in told.items()}  # fmt: skip


def fates(lines: Mapping[str, str], schema: tuple[Wanted, ...]) -> dict[str, dict[str, str]]:
    """Return what becomes of each document in each mode of loading, in a few words."""
    return {mode: {name: _fate(load([line], schema, mode=mode)) for name, line in lines.items()} for mode in MODES}


def _fate(told: Outcome) -> str:
    if told.quarantine:
        return "set aside"
    if told.lost:
        return f"without {', '.join(told.lost)}"
    return f"beside: {', '.join(told.rescued)}" if told.rescued else "loaded"


# ------------------------------------------------------------------------------------------ small files
def small_files_s(
    *files: float, megabytes: float = 256, connections: int = 8, first_byte_ms: float = 30, rate_mb: float = 90
) -> list[tuple[float, float]]:
    """Return (files, seconds) to read so many files of together `megabytes`, file after file on each connection.

    Who is free takes the next file: it waits for the first byte, then its bytes come at `rate_mb`. A model's speeds.
    """
    require_positive(megabytes=megabytes, connections=connections, rate_mb=rate_mb)
    told = []
    for count in files:
        each_s = first_byte_ms / 1000 + megabytes / count / rate_mb
        free = [0.0] * connections
        for _ in range(int(count)):
            heapq.heappush(free, heapq.heappop(free) + each_s)
        told.append((count, max(free)))
    return told


def small_files_by_law(files: float, *, megabytes: float = 256, connections: int = 8, first_byte_ms: float = 30,
                       rate_mb: float = 90) -> float:  # fmt: skip
    """Return the same by law."""
    return laws.small_files_s(
        max(1, int(files)), megabytes, connections=connections, first_byte_s=first_byte_ms / 1000, rate=rate_mb
    )


def compacted(files: int = 60) -> dict[str, dict[str, int]]:
    """Count the requests of a question over many small files, and over the one that a compaction makes of them."""
    table, told = new_table(), {}
    for number in range(files):
        table.append({"id": [number], "minutes": [430]})
    for name in ("small files", "one file"):
        if name == "one file":
            table.compact()
        before = _gets(table)
        answer = table.read("id")
        told[name] = {"files": answer.files_read, "gets": _gets(table) - before, "rows": len(answer.rows)}
    return told


def _gets(table: LakeTable) -> int:
    store = table.log.store
    assert isinstance(store, JournaledStore)
    return store.status().requests.get("get", 0)


def log_gets(*commits: int, checkpoint_every: int = 10) -> list[tuple[int, int]]:
    """Return (commits, gets) of a reader who opens the log after so many commits."""
    table, told = new_table(checkpoint_every=checkpoint_every), []
    for number in range(1, max(commits) + 1):
        table.append({"id": [number]})
        if number in commits:
            before = _gets(table)
            table.log.snapshot()
            told.append((number, _gets(table) - before))
    return told


# ------------------------------------------------------------------------------------------ writers
def kept_rows(way: str, *writers: float, each: int = 4) -> list[Measured]:
    """Count which share of the acknowledged rows is in the table."""
    return _measured(writers, lambda count, seed: _share(race(seed=seed, way=way, writers=int(count), each=each)))


def _share(run: Trace) -> float:
    return float(_check(run)["got"] / _check(run)["expected"])


def _check(run: Trace) -> Mapping[str, Any]:
    (check,) = run.of("check")
    return check.fields


def _measured(values: Iterable[float], count: Callable[[float, int], float]) -> list[Measured]:
    told = []
    for value in values:
        counted = [count(value, seed) for seed in range(1, RUNS + 1)]
        told.append((value, fmean(counted), stdev(counted) / RUNS**0.5))
    return told


def race_tries(*writers: int) -> list[tuple[int, int]]:
    """Return (writers, names raced for) of appends that all began at the same version."""
    told = []
    for count in writers:
        table = new_table()
        seen = table.log.snapshot()
        hands = [LakeTable(table.log, writer=f"w{number}") for number in range(count)]
        tries = [hand.append({"id": [number]}, seen=seen).tries for number, hand in enumerate(hands)]
        told.append((count, sum(tries)))
    return told


def swept_shares(*retention_h: float, load_h: float = 10.0, every_h: float = 24.0, loads: int = 160) -> list[Measured]:
    """Return (retention, share, standard error) of the acknowledged nights that a vacuum took, of so many."""
    told, runs = [], 4
    for hours in retention_h:
        run = partial(sweep, retention_h=hours, load_h=load_h, every_h=every_h, loads=loads // runs)
        share = sum(_check(run(seed=seed))["got"] for seed in range(1, runs + 1)) / loads
        told.append((hours, share, (share * (1 - share) / loads) ** 0.5))
    return told


# ------------------------------------------------------------------------------------------ trouble
def power_cuts(way: str = "log") -> dict[str, int]:
    """Cut the power before every step of a day's load of three files; count what a reader sees after each cut."""
    require_choice("way", way, ("folder", "log"))

    def work(disk: VolatileDisk, done: list[int]) -> None:
        store = JournaledStore(disk)
        log = TableLog(store, "nights", JsonLines())
        if log.snapshot().version < 0:
            LakeTable.create(log, NIGHTS)
        if way == "log":
            LakeTable(log).append({"id": [0, 1, 2]})
        else:
            for number in range(3):
                store.put(f"nights/part-{number}.jsonl", JsonLines().encode(NIGHTS, {"id": [number], "minutes": [1]}))
        done.append(1)

    whole = VolatileDisk()
    work(whole, [])
    told = dict.fromkeys(("moments", "a part of the day is seen", "acknowledged and lost", "files without a commit"), 0)
    for step in range(whole.steps + 1):
        disk, done = VolatileDisk(power_cut_before=step), list[int]()
        with suppress(PowerCut):
            work(disk, done)
        disk.crash(Random(step).random)
        rows, orphans = _seen(JournaledStore(disk), way)
        told["moments"] += 1
        told["a part of the day is seen"] += rows in {1, 2}
        told["acknowledged and lost"] += bool(done) and rows < 3
        told["files without a commit"] += orphans
    return told


def _seen(store: JournaledStore, way: str) -> tuple[int, int]:
    """Return the rows that a reader sees, and how many files no commit names."""
    if way == "folder":
        return len(store.list("nights/part-").keys), 0
    table = LakeTable(TableLog(store, "nights", JsonLines()))
    if table.log.snapshot().version < 0:
        return 0, 0
    return len(table.read("id").rows), len(_orphans(table))


def _orphans(table: LakeTable) -> tuple[str, ...]:
    """Return the files that no commit names."""
    return table.vacuum(now_ms=0, retention_ms=0, written_ms=lambda key: 0, dry_run=True).orphans


class _Deaf(JournaledStore):
    """A store that does what it is asked, and of the first commit of rows says nothing."""

    is_deaf = True

    def put(self, key: str, data: bytes, **more: Any) -> Facts:
        """Put, and perhaps do not answer."""
        told = super().put(key, data, **more)
        if self.is_deaf and key.endswith("1.json"):
            self.is_deaf = False
            raise MayHaveHappened(f"no answer about {key}: it may be there, or not")
        return told


def lost_answer() -> dict[str, int]:
    """Append a row, hear nothing, and try again: how often is it there, with a batch's number and without?"""
    told = {}
    for name, batch in (("tried again blindly", None), ("tried again as batch 1", 1)):
        log = TableLog(_Deaf(VolatileDisk()), "nights", JsonLines())
        table = LakeTable.create(log, NIGHTS, writer="loader")
        with suppress(MayHaveHappened):
            table.append({"id": [7]}, batch=batch)
        table.append({"id": [7]}, batch=batch)
        told[name] = len(table.read("id").rows)
    return told


def undone(retention_days: float = 7.0) -> list[dict[str, Any]]:
    """Load a bad day, undo it, and vacuum after eight days: what can be read at each step?"""
    table, told, day_ms = new_table(), [], 86_400_000

    def look(step: str) -> None:
        first = "can be read"
        try:
            table.read(version=2)
        except VersionGone:
            first = "is gone"
        rows = table.read().rows
        told.append({"step": step, "version": table.status().version, "rows": len(rows),
                     "of them bad": sum(minutes > 1_000 for _, minutes in rows), "version 2": first})  # fmt: skip

    table.append({"id": [1, 2], "minutes": [430, 440]}, now_ms=0)
    table.append({"id": [3, 4], "minutes": [26_000, 26_400]}, now_ms=day_ms)
    look("a day in seconds is loaded")
    table.restore(1, now_ms=day_ms)
    look("version 1 is restored")
    table.vacuum(now_ms=9 * day_ms, retention_ms=int(retention_days * day_ms))
    look("a vacuum on day 9")
    return told


def refused() -> dict[str, str]:
    """Return what a table says to what does not fit it."""
    table = new_table()
    table.append({"id": [1], "minutes": [430]})
    wrong: dict[str, Callable[[], object]] = {
        "hours as a text": lambda: table.append({"id": [2], "minutes": ["7.25"]}),
        "a new field": lambda: table.append({"id": [2], "spo2": [97]}),
        "no id": lambda: table.append({"minutes": [430]}),
        "a version that was never": lambda: table.read(version=9),
        "a range of no column": lambda: table.delete(Between("age", 1, 2)),
    }
    told = {}
    for name, call in wrong.items():
        try:
            call()
        except DsysLabError as error:
            told[name] = str(error)
    return told
