"""One table, laid down twice: by row, and by column.

A service asks for all that is known of one night, thousands of times a second; an analyst asks for one number of every
night, once an hour. The same bytes serve one of them well and the other badly. Six claims, a function each:

1. `columns_asked`: by row every column is carried along, by column only those that are asked for.
2. `one_or_all`: the row of one key, or one column of all rows: each layout has its own. Between the two are row groups:
   small ones are as good as rows at the one, large ones as good as columns at the other.
3. `taking_in`: a row is one page by row, a page for each column by column, unless rows wait and are written together.
4. `rows_asked`: an index saves pages only while few rows are asked for.
5. `interference`: a scan pushes out of memory what many small reads live from, unless the pool resists.
6. `calls`: a call for each row costs more than the work; a call for thousands of rows costs nothing.

and what goes wrong: `every_power_cut` and `after_a_flipped_bit`. What the lab counts of it is in `layout_counts`.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 3; the laws and their sources in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, Final

from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, require_choice, require_positive
from dsys_lab.scenarios.oltp_and_analytics.night_tables import (
    GROUP_ROWS,
    INDEXES,
    NIGHT,
    NIGHTS,
    TABLE,
    night_disk,
    night_rows,
    night_table,
    open_nights,
)
from dsys_lab.scenarios.oltp_and_analytics.page_pictures import PagePicture, files_of
from dsys_lab.scenarios.oltp_and_analytics.served_table import MEMORY, ServedTable
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import PowerCut
from dsys_lab.workloads.keys import hot
from dsys_lab.workloads.operations import point_reads

ASKED: Final = (
    "minutes_sleep", "city_id", "age", "date_key", "awakenings", "avg_hr", "bed_min", "person_id", "fw", "status",
    "sync_lag_s", "night_id", "note",
)  # fmt: skip
"""The order in which a question of k columns takes them."""
CODECS: Final[dict[str, str | None]] = {"plain": "plain", "packed": None}


# ------------------------------------------------------------------------------------------ 1. few columns of all rows
@scenario("by {layout}: {columns} of 13 columns")
def columns_asked(
    sim: Simulation,
    *,
    layout: str = "columns",
    columns: int = 1,
    codec: str = "plain",
    nights: int = NIGHTS,
    on: str = "nvme",
) -> Claims:
    """By row every column is carried along, by column only those that are asked for.

    All nights are read for their first `columns` columns of `ASKED`, `minutes_sleep` first.
    """
    if not 1 <= columns <= len(ASKED):
        raise BadParameter(f"columns = {columns!r}: a night has 13; give 1 to 13")
    require_choice("codec", codec, tuple(CODECS))
    picture = PagePicture(sim.recorder, on)
    table = night_table(layout, nights=nights, codec=CODECS[codec], recorder=picture)
    for _ in table.scan(ASKED[:columns]):
        pass
    picture.leave_unread(files_of(table), "nobody asked for it")
    sim.run()  # no machine, so a fault finds nothing to strike, and says so
    return Claims()


# ------------------------------------------------------------------------------------------ 2. one row or all of them
@scenario("{question}, by {layout}")
def one_or_all(
    sim: Simulation,
    *,
    layout: str = "rows",
    question: str = "one night",
    group_rows: int = GROUP_ROWS,
    nights: int = NIGHTS,
    on: str = "nvme",
) -> Claims:
    """The row of one key, or one column of all rows: each layout has its own.

    `one night` is all thirteen columns of night 17; `every night` is the mean of `minutes_sleep`. There are
    `group_rows` rows in a piece of a column, or of the table where the layout is `row_groups`.
    """
    require_choice("question", question, ("one night", "every night"))
    picture = PagePicture(sim.recorder, on)
    table = night_table(layout, nights=nights, group_rows=group_rows, recorder=picture)
    if question == "one night":
        table.get(17)
    else:
        table.aggregate([Measure("avg", "minutes_sleep")])
    picture.leave_unread(files_of(table), "nobody asked for it")
    sim.run()  # no machine, so a fault finds nothing to strike, and says so
    return Claims()


# ------------------------------------------------------------------------------------------ 3. new rows
APP, WAITING = "app", "in memory"


@scenario("by {layout}, {together} written together")
def taking_in(
    sim: Simulation,
    *,
    layout: str = "columns",
    inserts: int = 60,
    together: int = 16,
    synced: bool = True,
    power_cut_after: int | None = None,
    nights: int = 4_000,
) -> Claims:
    """A row is one page by row, a page for each column by column, unless rows wait and are written together.

    A night comes every millisecond; it is acknowledged when it is safe in the log (or, with `synced` off, when it is in
    memory). After every `together` of them what has changed is written to its place. The power may go after some.
    Only writing is shown: what is read on the way is left out.
    """
    require_positive(inserts=inserts, together=together)
    picture = PagePicture(sim.recorder, without=frozenset({"page_read"}))
    disk = night_disk(layout, nights=nights)
    opened = partial(open_nights, disk, layout, merge_rows=together, durable=synced, recorder=picture)
    table, waiting = opened(), list[tuple[str, int]]()

    def written(now_us: int) -> None:
        table.checkpoint(now_us=now_us)
        picture.emit(now_us, "gauge", TABLE, name="written", value=picture.pages_written, unit="pages")
        for message, _ in waiting:
            picture.emit(now_us, "finish", TABLE, message, attempt=1)
        waiting.clear()

    for number, row in enumerate(night_rows(nights, nights + inserts), start=1):
        now_us, message = number * 1_000, f"n{number}"
        picture.emit(now_us, "publish", APP, message, attempt=1)
        table.append([row], now_us=now_us)
        waiting.append((message, int(row[0] or 0)))
        picture.emit(now_us, "enqueue", WAITING, message, depth=len(waiting))
        picture.emit(now_us, "publish_ok", APP, message, attempt=1)
        if number % together == 0:
            written(now_us)
        if number == power_cut_after:
            picture.emit(now_us, "crash", WAITING)
            disk.crash(sim.stream("power"))
            table = opened(now_us=now_us)
            picture.emit(now_us, "restart", WAITING)
            for lost, key in [one for one in waiting if table.get(one[1]) is None]:
                waiting.remove((lost, key))
                picture.emit(now_us, "drop", WAITING, lost, why="it was nowhere but in memory")
    written((inserts + 1) * 1_000)
    sim.run()
    return Claims({"conservation": {}, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ 4. some rows
@scenario("{people} people, by {layout}, {via}")
def rows_asked(
    sim: Simulation,
    *,
    layout: str = "rows",
    via: str = "index",
    people: int = 10,
    columns: int = 1,
    nights: int = NIGHTS,
    on: str = "nvme",
) -> Claims:
    """An index saves pages only while few rows are asked for.

    The question is about all nights of so many people, for the first `columns` columns of `ASKED`. By column there is
    no index, so `via` is of no account: the column `person_id` is read to see who passes.
    """
    if people < 1 or not 1 <= columns <= len(ASKED):
        raise BadParameter(f"people = {people!r}, columns = {columns!r}: give 1 or more, and 1 to 13")
    picture = PagePicture(sim.recorder, on)
    table = night_table(layout, nights=nights, indexes=INDEXES, recorder=picture)
    where = Between("person_id", 0, people - 1)
    ask = partial(table.scan, via=via) if isinstance(table, RowStore) else table.scan
    for _ in ask(ASKED[:columns], where):
        pass
    picture.leave_unread(files_of(table), "no row on it was asked for")
    sim.run()  # no machine, so a fault finds nothing to strike, and says so
    return Claims()


# ------------------------------------------------------------------------------------------ 5. both at once
FOUND: Final = "in memory"


@scenario("{policy}, {frames} frames")
def interference(
    sim: Simulation,
    *,
    policy: str = "lru",
    frames: int = 64,
    reads_a_ms: float = 4.0,
    scan_from_ms: float = 30.0,
    scan_to_ms: float = 55.0,
    until_ms: float = 80.0,
    hot_keys: float = 0.1,
    nights: int = NIGHTS,
) -> Claims:
    """A scan pushes out of memory what many small reads live from, unless the pool resists.

    The app reads single nights, nine of ten among a share `hot_keys` of them, the first; from `scan_from_ms` to
    `scan_to_ms` a dashboard reads the whole table over and over, a page whenever no read waits. The picture shows which
    pages are in one of the `frames` of memory.
    """
    require_positive(reads_a_ms=reads_a_ms, until_ms=until_ms, frames=frames)
    picture = PagePicture(sim.recorder, place=MEMORY, stamps=False)
    table = night_table("rows", nights=nights, pool=BufferPool(frames, policy), recorder=picture)
    assert isinstance(table, RowStore), "by row it is"
    served = ServedTable(sim, table, picture)

    def app() -> Body:
        gap, chance = exponential(1e-3 / reads_a_ms), sim.stream(f"{APP}/arrivals")
        keys = hot(nights, hot_keys=hot_keys, hot_requests=0.9)
        for number, read in enumerate(point_reads(keys, seed=sim.seed, name=APP), start=1):
            yield sim.sleep(gap(chance))
            if sim.now_us >= until_ms * 1e3:
                return
            sim.emit("publish", APP, f"r{number}", attempt=1)
            served.ask(f"r{number}", read.key)

    def worker() -> Body:
        while sim.now_us < until_ms * 1e3 or served.waiting:
            if served.waiting:
                yield from served.serve()
            elif scan_from_ms * 1e3 <= sim.now_us < scan_to_ms * 1e3:
                yield from served.scan_on()
            else:
                served.came = sim.event()
                yield served.came | sim.sleep(1e-3)

    def gauges() -> Body:
        while sim.now_us < until_ms * 1e3:
            yield sim.sleep(4e-3)
            share = round(served.found / max(1, served.wanted), 3)
            sim.emit("gauge", MEMORY, name=FOUND, value=share, unit="share of the pages wanted")
            served.wanted = served.found = 0

    for body in (app(), worker(), gauges()):
        sim.spawn(body)
    sim.run()
    return Claims({"conservation": {}, "depth adds up": {}, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ 6. calls
def calls(*, vector_rows: int = 2_048, nights: int = NIGHTS) -> tuple[int, int]:
    """Return how often three operators called each other, and what they worked out: the minutes that all lay awake.

    Scan, five minutes for each awakening, add up. Each operator asks the one below for more; with `vector_rows` = 1 it
    is handed a row, else arrays of so many rows.
    """
    require_positive(vector_rows=vector_rows)
    table, made = night_table("columns", nights=nights), [0]
    assert isinstance(table, ColumnStore), "by column it is"

    def counted(below: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while True:
            made[0] += 1
            if (given := next(below, end)) is end:
                return
            yield given

    if vector_rows == 1:
        rows = counted(table.scan(["awakenings"]))
        lain_awake = sum(counted(5 * one for (one,) in rows))
        return made[0], lain_awake
    vectors = counted(table.vectors(["awakenings"], vector_rows=vector_rows))
    lain = (5 * one["awakenings"].values.astype("int64") for one in vectors)
    lain_awake = sum(int(one.sum()) for one in counted(lain))
    return made[0], lain_awake


# ------------------------------------------------------------------------------------------ what goes wrong
def after_a_flipped_bit(*, layout: str = "columns", file: str, offset: int, nights: int = NIGHTS) -> dict[str, str]:
    """Return what each column has to say when one stored bit of one file is another: readable, or the error."""
    disk = night_disk(layout, nights=nights)
    sizes = {name: disk.size_bytes(name) for name in disk.names()}
    if not 0 <= offset < sizes.get(file, 0):
        there = ", ".join(f"{name} ({size:,} bytes)" for name, size in sizes.items())
        raise BadParameter(f"no byte {offset:,} in {file!r}: there are {there}")
    disk.flip(file, offset)
    table = open_nights(disk, layout)

    def said(column: str) -> str:
        try:
            return f"{sum(1 for _ in table.scan([column])):,} rows"
        except Damaged as damage:
            return str(damage)

    return {column: said(column) for column in NIGHT.names}


def every_power_cut(
    *, layout: str = "columns", synced: bool = True, inserts: int = 6, together: int = 3, nights: int = 600
) -> list[int]:
    """Return how many nights were acknowledged and not there, for a power cut before every step that a disk takes.

    The same inserts are done again and again; the power goes before the first step of the disk, the second, and so on
    to the last, and the table is opened anew. A night that is there but not whole counts as not there. With `synced`
    off a night is acknowledged as soon as it is in memory.
    """
    rows, lost = night_rows(nights, nights + inserts), list[int]()
    for step in count():
        disk, safe = night_disk(layout, nights=nights), 0
        opened = partial(open_nights, disk, layout, merge_rows=together, durable=synced)
        table = opened()
        disk.power_cut_before = disk.steps + step
        try:
            for number, row in enumerate(rows, start=1):
                table.append([row])
                safe = number
                if number % together == 0:
                    table.checkpoint()
        except (PowerCut, MayHaveHappened):
            pass
        else:
            return lost
        disk.crash(stream(step, "power"))
        there = opened()
        lost.append(sum(there.get(int(row[0] or 0)) != row for row in rows[:safe]))
    return lost
