"""Two write at once, or one stops half way: what does a reader of the folder see, and what a reader of the table?

A *folder* is a table by agreement: there is a list of its files, which each writer reads, adds to, and puts back. The
*log* is the model's (`dsys_lab.stores.lake`), on the model's object store.

`race` has writers who begin at the same version. `half_a_job` has one who writes a day of files; let it crash.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import uniform
from dsys_lab.stores.lake import CommitConflict, Fields, JsonLines, LakeTable, Objects, TableLog
from dsys_lab.stores.lake.actions import Add, CommitInfo
from dsys_lab.stores.lake.files import checked, stats_of
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.table import Between
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("folder", "log")
CHANGES: Final = ("appends", "deletes")
NIGHTS: Final = Fields.of("id long, minutes integer?")
LIST: Final = "nights/_files.json"
TABLE: Final = "table"


def new_table(*, checkpoint_every: int = 10) -> LakeTable:
    """Return an empty table on a store of its own."""
    log = TableLog(JournaledStore(VolatileDisk()), "nights", JsonLines(), checkpoint_every=checkpoint_every)
    return LakeTable.create(log, NIGHTS)


# ------------------------------------------------------------------------------------------ two at once
@scenario("{writers} writers, {way}, {change}")
def race(
    sim: Simulation, *, way: str = "log", change: str = "appends", writers: int = 2, each: int = 3,
    think_ms: float = 400.0,
) -> Claims:  # fmt: skip
    """Let writers read the table, think, and commit: which rows are there in the end?

    By the `log`, who comes second tries the next number; if what it read was changed, it reads and thinks again.
    `deletes` take one row each out of the same file, which only the log can do.
    """
    require_choice("way", way, WAYS)
    require_choice("change", change, CHANGES)
    require_positive(writers=writers, each=each, think_ms=think_ms)
    if way == "folder" and change == "deletes":
        raise BadParameter("way = 'folder', change = 'deletes': a list of files has no deletes; give way='log'")
    table = new_table()
    table.log.store.put(LIST, b"[]")
    rows = list(range(writers * each))
    if change == "deletes":
        table.append({"id": [*rows, len(rows)], "minutes": [430] * (len(rows) + 1)})
    for number in range(writers):
        WriterHost(sim, table, f"writer-{number + 1}", way, change, rows[number * each : (number + 1) * each], think_ms)
    sim.run()
    there = seen_in_folder(table) if way == "folder" else sorted(table.read("id").columns["id"])
    expected = rows if change == "appends" else [len(rows)]
    name = "nights in the table" if change == "appends" else "nights left in the table"
    sim.emit("check", TABLE, name=name, ok=sorted(there) == expected, expected=len(expected), got=len(there))
    return Claims({"checks hold": {}})


class WriterHost(Machine):
    """Reads, thinks, commits; and again, if it was told that it came too late."""

    def __init__(  # noqa: PLR0917  # one of several alike, made in one line
        self, simulation: Simulation, table: LakeTable, name: str, way: str, change: str, rows: list[int],
        think_ms: float,
    ) -> None:  # fmt: skip
        self.table = LakeTable(table.log, writer=name.replace("-", "_"))
        self.way, self.change, self.rows, self.think_ms = way, change, rows, think_ms
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._write())

    def _write(self) -> Body:
        simulation, think = self.simulation, uniform(0.5 * self.think_ms / 1000, 1.5 * self.think_ms / 1000)
        chance = simulation.stream(f"{self.name}/thinks")
        for row in self.rows:
            message, attempt, is_done = f"night {row}", 0, False
            while not is_done:
                attempt += 1
                simulation.emit("publish", self.name, message, attempt=attempt, copy=attempt - 1)
                yield simulation.sleep(think(chance))
                change = self._by_log if self.way == "log" else self._by_list
                is_done = yield from change(row, message, attempt, think(chance))

    def _by_list(self, row: int, message: str, attempt: int, think_s: float) -> Body:
        """Add a file, and its name to the list, which is put back as it was read."""
        store = self.table.log.store
        found = store.get(LIST)
        assert found is not None, "it was put when the run began"
        files = json.loads(found.data)
        self._looks(len(files))
        yield self.simulation.sleep(think_s)
        path = f"nights/{self.name}-{row}.jsonl"
        store.put(path, JsonLines().encode(NIGHTS, {"id": [row], "minutes": [430]}))
        self._show_what_changes({*seen_in_folder(self.table)}, {*_rows_of(store, files)})
        store.put(LIST, json.dumps([*files, path]).encode())
        self._is_in(message, attempt, len(files) + 1)
        return True

    def _show_what_changes(self, there: set[int], read: set[int]) -> None:
        """Show what the list loses when it is put back as it was read, and what was lost before and is back."""
        for night in sorted(there - read):
            why = f"{self.name} puts the list back without it"
            self.simulation.emit("drop", TABLE, f"night {night}", why=why)
        for night in sorted(read - there):
            self.simulation.emit("archive", TABLE, f"night {night}")

    def _by_log(self, row: int, message: str, attempt: int, think_s: float) -> Body:
        """Write a file, and commit it at the next number that is free."""
        seen = self.table.log.snapshot()
        self._looks(seen.version)
        yield self.simulation.sleep(think_s)
        try:
            if self.change == "appends":
                done = self.table.append({"id": [row], "minutes": [430]}, seen=seen)
            else:
                done = self.table.delete(Between("id", row, row), seen=seen)
        except CommitConflict as error:
            self.simulation.emit("reject", TABLE, message, why=str(error).split(":")[0], copy=attempt - 1)
            return False
        for version in range(seen.version + 1, done.version):
            self.simulation.emit("refuse", TABLE, message, why=f"commit {version} is taken", copy=attempt - 1)
            yield self.simulation.sleep(0.05)
        self._is_in(message, attempt, done.version)
        return True

    def _looks(self, position: int) -> None:
        self.simulation.emit("look", self.name, view=TABLE, key="version", position=position, behind_us=0)

    def _is_in(self, message: str, attempt: int, version: int) -> None:
        self.simulation.emit("append", TABLE, message, shard="files", offset=version, key=self.name, copy=attempt - 1)


def seen_in_folder(table: LakeTable) -> list[int]:
    """Return the rows of the files that the list names."""
    store = table.log.store
    found = store.get(LIST)
    assert found is not None, "it was put when the run began"
    return _rows_of(store, json.loads(found.data))


def _rows_of(store: Objects, paths: Iterable[str]) -> list[int]:
    """Return the rows of these files."""
    files = [store.get(path) for path in paths]
    return [row for one in files if one for row in JsonLines().decode(one.data, NIGHTS, ["id"])["id"]]


# ------------------------------------------------------------------------------------------ half a job
@scenario("{files} files, {way}")
def half_a_job(sim: Simulation, *, way: str = "folder", files: int = 6, write_s: float = 0.5) -> Claims:
    """Let one write a day of files, and another count the rows that it sees, again and again.

    In the `folder` a reader reads all files that are there; by the `log`, those of the latest version. Let the writer
    crash: `faults=[{"do": "crash", "target": "writer", "at_s": 1.6}]`.
    """
    require_choice("way", way, WAYS)
    require_positive(files=files, write_s=write_s)
    table = new_table()
    JobHost(sim, table, way, files, write_s)
    reader = ReaderHost(sim, table, way)
    sim.run((files + 3) * write_s)
    wrong = sum(0 < rows < files for rows in reader.saw)
    sim.emit("check", "reader", name="looks that saw a part of the day", ok=wrong == 0, expected=0, got=wrong)
    return Claims({"checks hold": {}})


class JobHost(Machine):
    """Writes a file after the other; by the log, commits them all in the end."""

    def __init__(self, simulation: Simulation, table: LakeTable, way: str, files: int, write_s: float) -> None:
        self.table, self.way, self.files, self.write_s = table, way, files, write_s
        super().__init__(simulation, "writer")

    def boot(self) -> None:
        """Begin, at the beginning."""
        self.spawn(self._write())

    def _write(self) -> Body:
        simulation, seen = self.simulation, self.table.log.snapshot()
        added = []
        for number in range(1, self.files + 1):
            yield simulation.sleep(self.write_s)
            rows = checked(NIGHTS, {"id": [number], "minutes": [430]})
            path, data = f"part-{number:05d}.jsonl", JsonLines().encode(NIGHTS, rows)
            simulation.emit("publish", "writer", f"file {number}", attempt=1)
            self.table.log.store.put(f"nights/{path}", data)
            added.append(Add(path, len(data), simulation.now_us // 1000, stats_of(rows)))
            yield simulation.sleep(0.02)
            simulation.emit("archive", "folder", f"file {number}")
        if self.way == "log" and not seen.files:
            done = self.table.log.commit(seen, [CommitInfo("WRITE", simulation.now_us // 1000), *added])
            simulation.emit("append", TABLE, f"commit {done.version}", shard="log", offset=done.version, key="writer")


class ReaderHost(Machine):
    """Counts the rows that it sees."""

    def __init__(self, simulation: Simulation, table: LakeTable, way: str) -> None:
        self.table, self.way = table, way
        self.saw: list[int] = []
        self.known: set[int] = set()
        super().__init__(simulation, "reader")

    def boot(self) -> None:
        """Begin."""
        self.spawn(self._read())

    def _read(self) -> Body:
        while True:
            yield self.simulation.sleep(0.4)
            rows = sorted(rows_in_folder(self.table) if self.way == "folder" else self.table.read("id").columns["id"])
            for row in [row for row in rows if row not in self.known]:
                self.known.add(row)
                self.simulation.emit("archive", "folder", f"row {row}")
                self.simulation.emit("archive", "reader", f"row {row}")
            self.saw.append(len(rows))
            self.simulation.emit("gauge", "reader", name="rows seen", value=len(rows), unit="rows")


def rows_in_folder(table: LakeTable) -> list[int]:
    """Return the rows of all files that lie in the folder, whoever wrote them."""
    return _rows_of(table.log.store, [facts.key for facts in every(table.log.store, "nights/part-")])
