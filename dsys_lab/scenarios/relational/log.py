"""The log: what it grows by, what it costs to send it elsewhere, and what is there after the power went.

`log_growth` counts what updates write to the log after a checkpoint; `shipped` what would leave the machine for it;
`power_cuts` runs one story with the power cut before each step of the disk, so that no moment is left out.

Sources: Verbitski et al., "Amazon Aurora: design considerations", SIGMOD 2017, sec. 3; PostgreSQL documentation,
"Reliability"; the laws and their sources in `dsys_lab.laws`.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Damaged, require_not_negative, require_positive
from dsys_lab.scenarios.relational.people import STOCK, database, stocked
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import RelationalDatabase, Rows
from dsys_lab.structures.disk import PowerCut, VolatileDisk

# ------------------------------------------------------------------------------------------ what the log grows by
PRODUCTS, NOTE_CHARS = 1_000, 400
"""So that the table has some fifty pages."""


class LogUse(NamedTuple):
    """What so many updates, drawn at random, wrote to the log after a checkpoint.

    Attributes
    ----------
    updates : int
    log_bytes : int
        All that would be replayed after a crash.
    images, image_bytes : int
        Pages that are in it whole, and their bytes.
    """

    updates: int
    log_bytes: int
    images: int
    image_bytes: int

    @property
    def record_bytes(self) -> int:
        """What is left without the images: what changed."""
        return self.log_bytes - self.image_bytes


class Shape(NamedTuple):
    """The pages of the table that `log_growth` updates."""

    heap_pages: int
    index_pages: int
    versions_a_page: int


def log_growth(*updates: int, note_chars: int = NOTE_CHARS, seed: int = 7) -> list[LogUse]:
    """Return what the log has grown by after so many updates since a checkpoint, each of one row drawn at random.

    A row carries a note of `note_chars`: the wider the rows, the fewer on a page.
    """
    require_not_negative(note_chars=note_chars)
    if not updates or list(updates) != sorted(set(updates)):
        raise BadParameter(f"updates = {updates!r}: give some numbers, in order")
    shop = database()
    seller, chance = stocked(shop, PRODUCTS, "n" * note_chars), stream(seed, "updates")
    shop.checkpoint()
    start, found = shop.status(), list[LogUse]()
    for number in range(1, updates[-1] + 1):
        product = int(chance() * PRODUCTS)
        seller.execute(f"UPDATE {STOCK} SET left_over = left_over - 1 WHERE id = {product}")
        if number in updates:
            now = shop.status()
            found.append(LogUse(number, now.log_bytes - start.log_bytes, now.images, now.image_bytes))
    first = start.images, start.image_bytes
    return [use._replace(images=use.images - first[0], image_bytes=use.image_bytes - first[1]) for use in found]


@cache
def stock_shape() -> Shape:
    """Return the pages of that table as it is filled."""
    shop = database()
    stocked(shop, PRODUCTS, "n" * NOTE_CHARS)
    status = shop.status().tables[STOCK]
    return Shape(status.pages, status.index_pages, PRODUCTS // (status.pages - 1))


def law_of_images(*updates: int) -> list[tuple[float, float]]:
    """Return what the law says of the same: pages in the log whole."""
    shape = stock_shape()._asdict()
    return [(number, laws.images_after_checkpoint(number, **shape)) for number in updates]


def shipped(updates: int = 200, *, note_chars: int = NOTE_CHARS) -> dict[str, float]:
    """Return the bytes that leave the machine for one transaction: pages to a mirror, or the log to six copies.

    A page that many updates have changed leaves once, at the next checkpoint: with many rows on a page that is little.
    """
    (use,) = log_growth(updates, note_chars=note_chars)
    pages, wal_bytes = use.images / updates, use.record_bytes / updates
    return {
        "pages, to one mirror": laws.page_ship_bytes(pages, wal_bytes, mirrors=1),
        "pages, to two mirrors": laws.page_ship_bytes(pages, wal_bytes, mirrors=2),
        "the log alone, to six copies": laws.log_ship_bytes(wal_bytes),
    }


# ------------------------------------------------------------------------------------------ the power goes
class CutAt(NamedTuple):
    """What a power cut before a step of the disk came to.

    Attributes
    ----------
    step : int
    committed : int
        Transactions that had been told COMMIT.
    lost : int
        Of these, those that are not there afterwards.
    half : int
        Transactions of which some is there and some is not.
    opened : bool
        Whether the database opened at all.
    said : str
        What it said if not.
    """

    step: int
    committed: int
    lost: int
    half: int
    opened: bool
    said: str


def power_cuts(*, full_page_images: bool = True, synced: bool = True, moves: int = 10, seed: int = 1) -> list[CutAt]:
    """Move beds between wards, with the power cut before each step of the disk and after the last; say what came of it.

    Each move takes a bed from one ward and adds it to another, in one transaction; the beds of all wards stay the same.
    There is a checkpoint before the first, and pages are written now and then. With `synced` off COMMIT does not wait
    for the disk.
    """
    require_positive(moves=moves)
    whole = VolatileDisk()
    _move_beds(whole, moves, full_page_images=full_page_images, synced=synced)
    cuts = []
    for step in range(whole.steps + 1):
        disk = VolatileDisk(power_cut_before=step)
        told = _move_beds(disk, moves, full_page_images=full_page_images, synced=synced)
        disk.crash(stream(seed, f"power/{step}"))
        cuts.append(_found(step, disk, told, moves, full_page_images=full_page_images))
    return cuts


WARDS, BEDS, LONG = 16, 10, "a long note about a ward " * 20


def _opened(disk: VolatileDisk, *, full_page_images: bool, synced: bool = True) -> RelationalDatabase:
    return RelationalDatabase(disk, full_page_images=full_page_images, durable=synced)


def _move_beds(disk: VolatileDisk, moves: int, *, full_page_images: bool, synced: bool) -> int:
    """Move beds until the power goes; return how many moves were told that they are committed."""
    told = 0
    try:
        clinic = _opened(disk, full_page_images=full_page_images, synced=synced)
        nurse = clinic.session("nurse")
        nurse.execute("CREATE TABLE wards (id integer PRIMARY KEY, free integer NOT NULL, note text)")
        nurse.execute("INSERT INTO wards VALUES " + ", ".join(f"({key}, {BEDS}, '{LONG}')" for key in range(WARDS)))
        clinic.checkpoint()
        for move in range(moves):
            nurse.execute("BEGIN")
            nurse.execute(f"UPDATE wards SET free = free - 1 WHERE id = {_taken_from(move)}")
            nurse.execute(f"UPDATE wards SET free = free + 1 WHERE id = {_added_to(move)}")
            nurse.execute("COMMIT")
            told = move + 1
            if move % 3 == 2:
                clinic.pool.flush(clinic.catalogue.table("wards").file)  # pages go when it suits
    except PowerCut:
        pass
    return told


def _found(step: int, disk: VolatileDisk, told: int, moves: int, *, full_page_images: bool) -> CutAt:
    """Open the database after a crash, and hold what is there against what was told."""
    try:
        clinic = _opened(disk, full_page_images=full_page_images)
        known = "wards" in clinic.catalogue.tables
        answer = clinic.session("reader").execute("SELECT free FROM wards ORDER BY id") if known else Rows((), ())
    except Damaged as damage:
        return CutAt(step, told, told, 0, opened=False, said=str(damage))
    assert isinstance(answer, Rows)
    there = [free for (free,) in answer.rows]
    done = [move for move in range(moves + 1) if there == _beds_after(move)]
    if not done:
        return CutAt(step, told, told, half=bool(there), opened=True, said="")
    return CutAt(step, told, max(0, told - done[0]), 0, opened=True, said="")


def _taken_from(move: int) -> int:
    return move % WARDS


def _added_to(move: int) -> int:
    return (move + 5) % WARDS


def _beds_after(moves: int) -> list[int]:
    beds = [BEDS] * WARDS
    for move in range(moves):
        beds[_taken_from(move)] -= 1
        beds[_added_to(move)] += 1
    return beds
