"""What does it cost to bring rows in, and what do they do to a table that was in order?

1. `tiny`: what a table of a few rows takes, each column in a block of its own on every slice.
2. `one_by_one`, `blocks_a_row`, `files`: rows loaded one at a time against all at once; files against slices.
3. `late_days`: a day's load with some late rows, again and again, with and without a vacuum.
4. `twice`: a load that comes twice, plain and by a staging table.
5. `cuts`: a load that is cut off before each of its steps.
6. `lost`: slices that die, with managed storage and without.

`load` and `days` are to be played.

Sources: the laws and their sources in `dsys_lab.laws.warehouse`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

import numpy as np

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Damaged, require_choice, require_fraction, require_positive
from dsys_lab.scenarios.column_store.nights import NARROW, NIGHT, NIGHTS, files_of, in_order, night_columns
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Machine, Simulation
from dsys_lab.simulation.chance import uniform
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import Cluster, ManagedStorage, Warehouse
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import NO_TRACE, Recorder, Scalar

MIB: Final = 1 << 20
SLICES: Final = 4
"""Of the cluster into which single rows are inserted."""


# ------------------------------------------------------------------------------------------ 1. a tiny table
def tiny(rows: int = 1_000, *, slices: int = 4, block_bytes: int = MIB, unsorted_too: bool = True) -> dict[str, float]:
    """Load a few nights of thirteen columns, then some that come late; count what they take on disk, and by law."""
    lab = Warehouse(Cluster(1, slices), block_bytes=block_bytes)
    lab.create_table("night", NIGHT, sort_key=["date_key"])
    columns = in_order("by date", NIGHT, max(rows, 100))
    late = rows // 10 if unsorted_too else 0
    lab.copy("night", [{name: values[late:rows] for name, values in columns.items()}])
    if late:
        lab.copy("night", [{name: values[:late] for name, values in columns.items()}])
    status = lab.status().tables["night"]
    by_law_bytes = laws.least_table_bytes(block_bytes, len(NIGHT.columns), slices, regions=1 + unsorted_too)
    return {
        "MiB on disk": status.size_bytes / MIB, "by law": by_law_bytes / MIB, "blocks": status.blocks,
        "MiB of values in them": round(status.encoded_bytes / MIB, 3),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------ 2. how rows come in
def one_by_one(rows: int = 40) -> dict[str, dict[str, float]]:
    """Load some nights a row at a time, and all at once; count the blocks written for each row."""
    told = {}
    for name, pieces in (("a row at a time", rows), ("all at once", 1)):
        written = _loaded(rows, pieces)
        told[name] = {"transactions": pieces, "blocks written": written, "a row": written / rows}
    return told


def insert_by_law(at_once: float = 1) -> float:
    """Return the blocks written for each of so many rows that come at once, by law.

    They go to the slices in turn, and on each slice that gets one the last block of every column is written anew.
    """
    return laws.least_table_bytes(1, len(NIGHT.columns), 1, regions=1) * min(at_once, SLICES) / at_once


def blocks_a_row(*at_once: int, rows: int = 40) -> list[tuple[float, float, float]]:
    """Return (rows that come at once, blocks written for each, no error) of 40 nights, or so many."""
    return [(count, _loaded(rows, rows // count) / rows, 0.0) for count in at_once]


def _loaded(rows: int, pieces: int) -> int:
    """Load some nights in so many pieces; return the blocks that were written."""
    lab = Warehouse(Cluster(2, SLICES // 2))
    lab.create_table("night", NIGHT, sort_key=["date_key"])
    parts = files_of({column: values[:rows] for column, values in night_columns(1_000).items()}, pieces)
    return sum(lab.copy("night", [part]).blocks_written for part in parts)


def files(count: int, slices: int = 4) -> dict[str, Any]:
    """Load as many files; say how many each slice reads, and the rounds that the busiest takes."""
    lab = Warehouse(Cluster(1, slices))
    lab.create_table("night", NARROW)
    told = lab.copy("night", files_of(in_order("by date", nights=1_000), count)).files_by_slice
    return {
        "files by slice": ", ".join(map(str, told)), "rounds": max(told), "by law": laws.load_rounds(count, slices),
        "slices idle in the last round": sum(files < max(told) for files in told),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------ 3. late rows
def daily_loads(days: int, late: float, *, rows: int = 2_000, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Yield a load for each day: its own rows, and a share of rows of the two weeks before that come only now."""
    require_fraction(late=late)
    require_positive(days=days, rows=rows)
    chance = np.random.default_rng([seed, days])
    for day in range(14, 14 + days):
        behind = np.where(chance.random(rows) < late, chance.integers(1, 15, rows), 0)
        yield {"date_key": np.sort(day - behind).astype(np.uint16), "minutes": chance.integers(200, 600, rows)}


def _table(recorder: Recorder = NO_TRACE, *, block_bytes: int = 512, slices: int = 1) -> Warehouse:
    lab = Warehouse(Cluster(1, slices), block_bytes=block_bytes, recorder=recorder)
    schema = Schema.of("date_key u16, minutes u16")
    lab.create_table("night", schema, sort_key=["date_key"], encodings={"date_key": "plain", "minutes": "plain"})
    return lab


def late_days(late: float = 0.01, days: int = 30, *, vacuum_every: int = 0) -> dict[str, Any]:
    """Load day after day, ask for the day a week before; count blocks read a question, and those of the vacuums."""
    lab = _table()
    read, unsorted, vacuumed = [], [], [(0, 0)]
    for number, load in enumerate(daily_loads(days, late), start=1):
        lab.copy("night", [load])
        if vacuum_every and number % vacuum_every == 0:
            told = lab.vacuum("night")
            vacuumed.append((number, vacuumed[-1][1] + told.blocks_read + told.blocks_written))
        answer = lab.query(f"SELECT avg(minutes) FROM night WHERE date_key = {14 + number - 7}")
        read.append((number, sum(answer.blocks_read.values())))
        status = lab.status().tables["night"]
        unsorted.append((number, status.unsorted_rows / status.rows))
    return {"blocks read": read, "unsorted": unsorted, "blocks of vacuums": vacuumed}


def unsorted_by_law(late: float = 0.01, days: int = 30, *, rows: int = 2_000) -> float:
    """Return the share of the rows that is unsorted without a vacuum, by law.

    Of the late rows one in fourteen is of the day before, which is the last that is there: it goes on in order.
    """
    return laws.unsorted_share(days, rows=rows, late=late * 13 / 14)


# ------------------------------------------------------------------------------------------ 4. a load that comes twice
def twice() -> dict[str, dict[str, Any]]:
    """Load a file of nights a second time, plainly and by a staging table; count nights, and their minutes."""
    columns = in_order("by date", nights=2_000)
    again = {name: values[500:1_000] for name, values in columns.items()}
    told = {}
    for way in ("once", "twice", "twice, by staging and merge"):
        lab = Warehouse(Cluster(2, 2))
        lab.create_table("night", NARROW, sort_key=["date_key"])
        lab.copy("night", [columns])
        if way == "twice":
            lab.copy("night", [again])
        elif way != "once":
            lab.create_table("staging", NARROW)
            lab.copy("staging", [again])
            lab.merge("night", "staging", on="night_id")
            lab.drop_table("staging")
        [(rows, total)] = lab.query("SELECT count(*), sum(minutes_sleep) FROM night").rows
        told[way] = {"nights": rows, "minutes": total}
    return told


# ------------------------------------------------------------------------------------------ 5. cut off
class _Cut(Exception):
    """The load is cut off here."""


def cuts(files: int = 6) -> dict[str, int]:
    """Cut a load off before each of its files in turn; count how often some of it, but not all, is seen."""
    columns = in_order("by date", nights=1_200)
    there, coming = (files_of(columns, 2)[half] for half in (0, 1))
    told = {"moments": 0, "whole": 0, "nothing": 0, "some": 0, "rows left in the blocks": 0}
    for cut in range(files + 1):
        lab = Warehouse(Cluster(2, 2))
        lab.create_table("night", NARROW, sort_key=["date_key"])
        lab.copy("night", [there])
        with suppress(_Cut):
            lab.copy("night", _until(files_of(coming, files), cut))
        rows = int(lab.query("SELECT count(*) FROM night").rows[0][0] or 0)
        seen = rows - len(there["night_id"])
        told["moments"] += 1
        told["whole" if seen == len(coming["night_id"]) else "some" if seen else "nothing"] += 1
        told["rows left in the blocks"] += sum(lab.status().tables["night"].rows_by_slice) - rows
    return told


def _until(files: list[dict[str, Any]], cut: int) -> Iterator[dict[str, Any]]:
    for number, file in enumerate(files):
        if number == cut:
            raise _Cut
        yield file


# ------------------------------------------------------------------------------------------ 6. a slice is lost
def lost(*, kept: bool = True, slices: int = 4, nights: int = 20_000) -> dict[str, Any]:
    """Let every slice die, then ask for a day and for everything; say what was fetched, and what was answered."""
    storage = ManagedStorage(JournaledStore(VolatileDisk())) if kept else None
    lab = Warehouse(Cluster(2, slices // 2), block_bytes=1_024, storage=storage)
    lab.create_table("night", NARROW, sort_key=["date_key"], encodings={"date_key": "plain"})
    lab.copy("night", [in_order("by date", nights=nights)])
    day, whole = "SELECT avg(minutes_sleep) FROM night WHERE date_key = 20", "SELECT avg(minutes_sleep) FROM night"
    before = {sql: lab.query(sql).digest() for sql in (day, whole)}
    for at in range(slices):
        lab.lose_slice(at)
    told: dict[str, Any] = {"bytes of the table": lab.status().tables["night"].encoded_bytes}
    for name, sql in (("a day", day), ("a day again", day), ("all days", whole)):
        try:
            answer = lab.query(sql)
            told[f"{name}: bytes fetched"] = answer.fetched_bytes
            told[f"{name}: same answer"] = answer.digest() == before[sql]
        except Damaged as damaged:
            told[name] = str(damaged)
    return told


def sums_are_the_same(*, nights: int = NIGHTS // 4) -> set[str]:
    """Return the digests of one question over nights that lie in all kinds of ways: there should be one."""
    found = set()
    sql = "SELECT city_id, count(*), sum(minutes_sleep) FROM night WHERE date_key <= 20 GROUP BY city_id"
    for order in ("by date", "shuffled"):
        for cluster in (Cluster(1, 1), Cluster(3, 2)):
            for encodings in ({}, dict.fromkeys(NARROW.names, "plain"), dict.fromkeys(NARROW.names, "delta")):
                lab = Warehouse(cluster, block_bytes=2_048)
                lab.create_table("night", NARROW, sort_key=["date_key"], encodings=encodings)
                lab.copy("night", files_of(in_order(order, nights=nights), 3))
                lab.delete("night", Between("date_key", 3, 5))
                found.add(lab.query(sql).digest())
                lab.vacuum("night")
                found.add(lab.query(sql).digest())
    return found


# ------------------------------------------------------------------------------------------ to be played
LEADER: Final = "leader"
ROWS_A_S: Final = 400.0
LATE_IN_THE_RUN: Final = 0.8
"""Where a picture opens, as a share of the run: who has nothing more to do waits for the others."""


@scenario("{files} files on {slices} slices")
def load(sim: Simulation, *, files: int = 5, slices: int = 4, nights: int = 4_000) -> Claims:
    """COPY: the leader gives each file to a slice, which reads it from first to last; who has none waits.

    A slice reads `ROWS_A_S` rows a second, one file after the other. The rows count when the last file is there.
    """
    require_positive(files=files, slices=slices)
    if files > 16 or slices > 6:
        raise BadParameter(f"files = {files!r}, slices = {slices!r}: give at most 16 and 6, for each is drawn")
    lab = Warehouse(Cluster(1, slices))
    lab.create_table("night", NARROW)
    parts = files_of(in_order("by date", nights=nights), files)
    told = lab.copy("night", parts)
    sim.network.delay = uniform(0.2, 0.3)
    hosts = [_Reader(sim, f"slice {at}") for at in range(slices)]
    for host in hosts[files:]:
        sim.emit("idle", host.name)
    leader = _Loader(sim, hosts, [len(part["night_id"]) for part in parts])
    sim.run()
    sim.emit(
        "check", LEADER, name="files each slice read", ok=tuple(host.read for host in hosts) == told.files_by_slice,
        expected=str(told.files_by_slice), got=str(tuple(host.read for host in hosts)),
    )  # fmt: skip
    sim.emit("note", LEADER, text=f"{sum(leader.loaded.values()):,} of {nights:,} rows count now")
    return Claims({"checks hold": {}}, poster_us=int(LATE_IN_THE_RUN * sim.now_us))


class _Loader(Machine):
    """Gives files away, and counts rows when the last one is in its place."""

    def __init__(self, sim: Simulation, readers: list[_Reader], rows: list[int]) -> None:
        self.readers, self.rows, self.loaded = readers, rows, dict[str, int]()
        super().__init__(sim, LEADER)

    def boot(self) -> None:
        """Give every file to a slice, in turn."""
        for number, rows in enumerate(self.rows):
            message = f"f{number + 1}"
            self.simulation.emit("publish", LEADER, message, attempt=1)
            reader = self.readers[number % len(self.readers)]
            self.simulation.network.send(LEADER, reader.name, message, {"type": f"{rows:,} rows", "rows": rows})

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that a file is in its place."""
        self.loaded[message] = body["rows"]
        self.simulation.emit("finish", LEADER, message, attempt=1, copy=copy)
        self.simulation.emit("gauge", LEADER, name="files in place", value=len(self.loaded), unit="")
        if len(self.loaded) == len(self.rows):
            self.simulation.emit("transaction_commit", LEADER, transaction=1)


class _Reader(Machine):
    """A slice that reads its files one after the other."""

    def __init__(self, sim: Simulation, name: str) -> None:
        self.waiting: list[tuple[str, int, int]] = []
        self.read, self.busy = 0, False
        super().__init__(sim, name)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a file."""
        self.waiting.append((message, copy, body["rows"]))
        self.simulation.emit("enqueue", self.name, message, copy=copy, depth=len(self.waiting))
        self._go_on()

    def _go_on(self) -> None:
        if self.waiting and not self.busy:
            self.busy = True
            message, copy, rows = self.waiting.pop(0)
            self.simulation.emit("start", self.name, message, attempt=1, copy=copy)
            self.simulation.after(rows / ROWS_A_S, partial(self._done, message, copy, rows))

    def _done(self, message: str, copy: int, rows: int) -> None:
        self.busy, self.read = False, self.read + 1
        self.simulation.network.send(self.name, LEADER, message, {"type": "in its place", "rows": rows}, copy=copy)
        self._go_on()


class _Blocks:
    """A recorder that shows one column's blocks, those of the unsorted region as a file of their own, slowly.

    `lies` are the dates as they lie in each region, `wanted` the one that is asked for: so it says of every block that
    is read how much of it was asked for.
    """

    def __init__(self, sim: Simulation) -> None:
        self.sim, self.read, self.wanted = sim, 0, 0
        self.lies = {region: np.zeros(0, np.uint16) for region in ("sorted", "unsorted")}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a block on."""
        if kind not in {"page_read", "page_write", "block_skip"} or fields["file"] != "night.date_key":
            return
        if kind == "page_read":
            held = self.lies[str(fields["source"])][int(fields["page"] or 0) * DATES_A_BLOCK :]
            fields["used_bytes"] = 2 * int(np.count_nonzero(held[:DATES_A_BLOCK] == self.wanted))
        late = "unsorted" in str(fields.get("source", fields.get("why", "")))
        fields["file"] = "came late, unsorted" if late else "in order"
        self.read += kind == "page_read"
        self.sim.run(self.sim.now_s + 0.03)
        self.sim.emit(kind, "night", message, **fields)

    def loaded(self, dates: Any, *, unsorted: bool) -> None:
        """Remember where a load went."""
        region = "unsorted" if unsorted else "sorted"
        self.lies[region] = np.concatenate((self.lies[region], dates))

    def vacuumed(self) -> None:
        """Remember that all lies in order."""
        everything = np.sort(np.concatenate([*self.lies.values()]))
        self.lies = {"sorted": everything, "unsorted": everything[:0]}


DATES_A_BLOCK: Final = 256
"""A date is 2 bytes, a block of `days` 512."""
VACUUMS: Final = {"never": 0, "every day": 1, "every four days": 4, "after twelve days": 12}


@scenario("{late} of the rows come late; vacuum {vacuum}")
def days(
    sim: Simulation, *, late: float = 0.01, days: int = 12, vacuum: str = "never", rows: int = 600
) -> Claims:  # fmt: skip
    """Day after day a load, and then a question for the day a week before; perhaps a vacuum.

    Blocks of the date: some are written, some read (green as far as they were asked for), some skipped. A load whose
    rows all come behind those that are there goes on in order; one late row, and all of it, and all that comes after,
    lies unsorted until a vacuum.
    """
    if not 1 <= days <= 20:
        raise BadParameter(f"days = {days!r}: give 1 to 20")
    require_choice("vacuum", vacuum, tuple(VACUUMS))
    blocks = _Blocks(sim)
    lab = _table(blocks)
    for number, one in enumerate(daily_loads(days, late, rows=rows, seed=sim.seed), start=1):
        sim.run(sim.now_s + 0.4)
        before = lab.status().tables["night"].unsorted_rows
        lab.copy("night", [one])
        blocks.loaded(one["date_key"], unsorted=lab.status().tables["night"].unsorted_rows > before)
        if VACUUMS[vacuum] and number % VACUUMS[vacuum] == 0:
            sim.emit("note", "night", text=f"day {number}: vacuum")
            lab.vacuum("night")
            blocks.vacuumed()
        already, blocks.wanted = blocks.read, 14 + number - 7
        lab.query(f"SELECT avg(minutes) FROM night WHERE date_key = {blocks.wanted}")
        sim.emit("gauge", "night", name="blocks read a question", value=blocks.read - already, unit="")
    sim.run()
    return Claims({"checks hold": {}})
