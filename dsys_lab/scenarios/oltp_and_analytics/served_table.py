"""One table for many: small reads that wait for their turn, and a scan that goes on when nobody waits.

The table is a row store with a pool of pages; what is in the pool costs a few microseconds, what is not has to come
from the device, and another page has to leave. So how long a read takes depends on what others have pushed out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.scenarios.oltp_and_analytics.page_pictures import PagePicture
from dsys_lab.simulation import Body, Simulation
from dsys_lab.stores.row_store import Cursor, RowStore

QUEUE, READER, MEMORY = "reads", "night/reader", "night/memory"
READ, SCAN = "a read", "the scan"
PAGE_IN_MEMORY_US: Final = 5.0


class ServedTable:
    """One table, one device, one worker: reads come first, and when none waits the scan may read a page."""

    def __init__(self, sim: Simulation, table: RowStore, picture: PagePicture) -> None:
        self.sim, self.table, self._picture = sim, table, picture
        self.waiting: list[tuple[str, int, int]] = []
        self.came = sim.event()
        self.wanted = self.found = 0
        self._scan: Cursor | None = None

    def ask(self, message: str, key: int) -> None:
        """Let a read wait for its turn."""
        self.waiting.append((message, key, self.sim.now_us))
        self.sim.emit("enqueue", QUEUE, message, depth=len(self.waiting))
        if not self.came.triggered:
            self.came.succeed()

    def serve(self) -> Body:
        """Do the read that has waited longest."""
        message, key, came_us = self.waiting.pop(0)
        self.sim.emit("start", READER, message, attempt=1)
        yield self.sim.sleep(self._seconds(lambda: self.table.get(key, now_us=self.sim.now_us), wants=READ))
        self.sim.emit("finish", READER, message, attempt=1, sojourn_us=self.sim.now_us - came_us)

    def scan_on(self) -> Body:
        """Read one page more for the dashboard, from the start again after the last one."""
        scan = self._scan = self._scan or self.table.cursor(["minutes_sleep"])
        rows: list[Any] = []
        yield self.sim.sleep(self._seconds(lambda: rows.append(scan.step(self.sim.now_us)), wants=SCAN))
        if rows == [None]:
            self._scan = None

    def _seconds(self, act: Callable[[], object], *, wants: str) -> float:
        """Do it, and return how long it takes: what the device takes for the pages that were not in memory."""
        pool, priced = self.table.pool, self._picture.priced
        before, priced.now_us = pool.status(), float(self.sim.now_us)
        act()
        after = pool.status()
        if after.evictions > before.evictions:
            self._picture.leave_memory(self.sim.now_us, set(pool.pages()), f"room for {wants}")
        hits, misses = after.hits - before.hits, after.misses - before.misses
        if wants == READ:
            self.wanted, self.found = self.wanted + hits + misses, self.found + hits
        return (priced.now_us - self.sim.now_us + PAGE_IN_MEMORY_US * (hits + misses)) / 1e6
