"""After a crash: what must be done again before the first query is answered?

On one machine the whole log since the last checkpoint, by one process, before the doors open. On a volume of segments
nothing before the doors open: segments make pages of records all the time, and what is left is a short tail of each
page, redone by whoever reads that page. Both are counted: `restarts` opens a database on the disk that a crash left,
and `volume_restarts` lets a new writer take over and reads every page.

What is counted is records and bytes; `seconds` puts a device's price on them (`dsys_lab.simulation.devices`).

Sources: Mohan et al., "ARIES", ACM TODS 1992, sec. 10; Verbitski et al., "Amazon Aurora", SIGMOD 2017, sec. 4.3.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.scenarios.relational.people import STOCK, database, stocked
from dsys_lab.simulation.chance import stream
from dsys_lab.simulation.devices import device
from dsys_lab.stores.relational import RelationalDatabase
from dsys_lab.stores.relational.shared_volume import SharedVolume
from dsys_lab.stores.relational.shared_volume.volume import page_of
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.page import PAGE_BYTES
from dsys_lab.trace import Trace

PRODUCTS, NOTE = 200, "n" * 400


class Restart(NamedTuple):
    """What was done again before the first answer, after so many updates since the checkpoint.

    Attributes
    ----------
    updates : int
    records, log_bytes : int
        Of the log, replayed.
    pages : int
        Read from the disk for it.
    """

    updates: int
    records: int
    log_bytes: int
    pages: int = 0

    def seconds(self, name: str = "hdd") -> float:
        """Return what a device takes for it: the log in one go, and each page by itself."""
        log_us = device(name).cost_us(self.log_bytes, accesses=bool(self.log_bytes))
        return (log_us + device(name).cost_us(self.pages * PAGE_BYTES, accesses=self.pages)) / 1e6


def restarts(*updates: int, seed: int = 7) -> list[Restart]:
    """Cut the power after so many updates since a checkpoint, each of one row drawn at random; open again and count."""
    _require_rising(updates)
    disk = VolatileDisk()
    shop, chance = database(disk=disk), stream(seed, "updates")
    seller, found = stocked(shop, PRODUCTS, NOTE), list[Restart]()
    shop.checkpoint()
    for number in range(1, updates[-1] + 1):
        product = int(chance() * PRODUCTS)
        seller.execute(f"UPDATE {STOCK} SET left_over = left_over - 1 WHERE id = {product}")
        if number in updates:
            found.append(_opened(number, copy.deepcopy(disk), seed))
    return found


def _opened(updates: int, disk: VolatileDisk, seed: int) -> Restart:
    disk.crash(stream(seed, f"power/{updates}"))
    trace = Trace()
    log_bytes = RelationalDatabase(disk, recorder=trace).status().log_bytes
    (replay,) = trace.of("recover")
    records = int(replay.fields["redo_to"] or 0) - int(replay.fields["redo_from"] or 0)
    pages = sum(row.fields["source"] == "disk" for row in trace.of("page_read"))
    return Restart(updates, records - 1, log_bytes, pages)  # the first is the checkpoint itself


def volume_restarts(*updates: int, made_every: int = 50, seed: int = 7) -> list[Restart]:
    """Let a new writer take over after so many updates, and read every page; segments make pages when they have time.

    Here that is after each `made_every` updates. What they have not made yet is redone by those who read a page, each
    page by itself: the whole of it is counted.
    """
    _require_rising(updates)
    require_positive(made_every=made_every)
    volume, chance, found = SharedVolume(), stream(seed, "updates"), list[Restart]()
    for number in range(1, updates[-1] + 1):
        volume.commit({f"product-{int(chance() * PRODUCTS)}": str(number)})
        if number % made_every == 0:
            for segment in volume.segments[0]:
                segment.make_pages()
        if number in updates:
            found.append(_taken_over(number, copy.deepcopy(volume)))
    return found


def _taken_over(updates: int, volume: SharedVolume) -> Restart:
    before = sum(segment.redone for segment in volume.segments[0])
    volume.fail_over()
    for key in {page_of(key): key for key in (f"product-{number}" for number in range(PRODUCTS))}.values():
        volume.read(key)
    redone = sum(segment.redone for segment in volume.segments[0]) - before
    tail = volume.segments[0][0].records()[-redone:] if redone else []
    return Restart(updates, redone, sum(record.size_bytes for record in tail))


def _require_rising(updates: Sequence[int]) -> None:
    if not updates or updates[0] < 1 or list(updates) != sorted(set(updates)):
        raise BadParameter(f"updates = {updates!r}: give some numbers from 1 on, in order")
