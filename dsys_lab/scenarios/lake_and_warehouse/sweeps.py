"""A vacuum comes while others write: what does the retention protect?

A load puts its file, has more to do, and commits hours later. Until then no commit names the file, and to a vacuum it
looks like one that a crash left behind; all that tells them apart is how long ago the file was put. So the retention is
not only how far back one can read: it is how long a load may take.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.scenarios.lake_and_warehouse.writers import NIGHTS, new_table
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.stores.lake import JsonLines
from dsys_lab.stores.lake.actions import Add, CommitInfo
from dsys_lab.stores.lake.files import checked, stats_of

HOUR_S: Final = 3_600
NAMED, UNNAMED, LOADER = "folder/in the table", "folder/no commit yet", "loader"


@scenario("files are kept for {retention_h:g} h")
def sweep(
    sim: Simulation, *, retention_h: float = 168.0, load_h: float = 10.0, every_h: float = 24.0, loads: int = 10
) -> Claims:
    """Let loads take `load_h` from their file to their commit, while a vacuum comes every `every_h`.

    They begin in the first five rounds of the vacuum. The first load crashes, and never commits: its file is what a
    vacuum is for. A night is lost if its commit was acknowledged and its file is gone.
    """
    require_positive(load_h=load_h, every_h=every_h, loads=loads)
    require_not_negative(retention_h=retention_h)
    folder = Folder(sim)
    luck = sim.stream("loads")
    for number in range(loads + 1):
        begin_h = 5 * every_h * (number + luck()) / (loads + 1)
        sim.after(begin_h * HOUR_S, partial(folder.begin, number, load_h * HOUR_S))
    for number in range(1, 6 + int((retention_h + load_h) / every_h)):
        sim.after(number * every_h * HOUR_S, partial(folder.vacuum, int(retention_h * HOUR_S * 1_000)))
    sim.run()
    lost = folder.lost()
    sim.emit("check", "folder", name="acknowledged nights whose file is gone", ok=lost == 0, expected=0, got=lost)
    return Claims({"checks hold": {}})


class Folder(Machine):
    """Those who load, the table, and its vacuum."""

    def __init__(self, simulation: Simulation) -> None:
        self.table = new_table()
        self.put_ms: dict[str, int] = {}
        super().__init__(simulation, LOADER)

    @property
    def now_ms(self) -> int:
        """The time."""
        return self.simulation.now_us // 1_000

    def begin(self, number: int, load_s: float) -> None:
        """Let a load begin."""
        self.spawn(self._load(number, load_s))

    def _load(self, number: int, load_s: float) -> Body:
        """Put a file, work on, commit; number 0 crashes in between."""
        simulation, log, message = self.simulation, self.table.log, f"night {number}"
        simulation.emit("publish", LOADER, message, attempt=1)
        rows = checked(NIGHTS, {"id": [number], "minutes": [430]})
        path, data = f"part-{number:05d}.jsonl", JsonLines().encode(NIGHTS, rows)
        log.store.put(f"nights/{path}", data)
        self.put_ms[f"nights/{path}"] = self.now_ms
        yield simulation.sleep(HOUR_S / 4)
        simulation.emit("archive", UNNAMED, message)
        yield simulation.sleep(load_s - HOUR_S / 4)
        if number == 0:
            simulation.emit("publish_fail", LOADER, message, why="its load crashed", attempt=1)
            return
        add = Add(path, len(data), self.now_ms, stats_of(rows))
        done = log.commit(log.snapshot(), [CommitInfo("WRITE", self.now_ms), add])
        simulation.emit("publish_ok", LOADER, message, attempt=1)
        if log.store.get(f"nights/{path}") is None:
            simulation.emit("note", LOADER, text=f"commit {done.version} names the file of {message}, which is gone")
        else:
            simulation.emit("archive", NAMED, message)

    def vacuum(self, retention_ms: int) -> None:
        """Delete what no commit names, if it is as old as that."""
        told = self.table.vacuum(now_ms=self.now_ms, retention_ms=retention_ms, written_ms=self.put_ms.get)
        why = f"no commit names it, and it is older than {retention_ms // 3_600_000} h"
        for path in told.orphans:
            self.simulation.emit("gone", UNNAMED, f"night {int(path[5:10])}", why=why)

    def lost(self) -> int:
        """Count the nights that were acknowledged, and cannot be read."""
        store = self.table.log.store
        return sum(store.get(f"nights/{path}") is None for path in self.table.log.snapshot().files)
