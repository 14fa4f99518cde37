"""In which order does a table lie, and which blocks does that spare?

1. `drawn`: a column in order but for some rows, its blocks and a range, for the picture of the lab.
2. `touched`, `touched_by_law`: how many blocks a range reads, counted and by law.
3. `as_they_arrived`: the real lateness of nights whose phones were without a network.
4. `three_orders`: one table by date, by person, shuffled; one question by date, one by person.

`scan` is a question to be played, block by block.

Sources: the law and its source in `dsys_lab.laws.warehouse`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from dsys_lab import laws
from dsys_lab.errors import BadParameter, require_choice, require_fraction
from dsys_lab.scenarios.column_store.nights import ORDERS, in_order
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.stores.warehouse import Answer, BlockStatus, Cluster, Warehouse
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import NO_TRACE, Recorder, Scalar, Trace

BLOCK_ROWS: Final = 1_000
ROWS: Final = 400_000
WHERE: Final = {"the middle": (0.495, 0.505), "the recent end": (0.99, 1.0), "the beginning": (0.0, 0.01)}
PERSON: Final = 17
TILE_S: Final = 0.06


def _moments(rows: int, displaced: float, seed: int) -> Any:
    """Return whole numbers in order, but for some that are elsewhere, each at any place alike."""
    require_fraction(displaced=displaced)
    chance = np.random.default_rng([seed, rows])
    stray = chance.random(rows) < displaced
    return np.where(stray, chance.integers(0, rows, rows), np.arange(rows)).astype(np.uint32)


def _one_column(values: Any, block_rows: int, recorder: Recorder = NO_TRACE) -> Warehouse:
    lab = Warehouse(Cluster(1, 1), block_bytes=4 * block_rows, recorder=recorder)
    lab.create_table("t", Schema.of("moment u32"), encodings={"moment": "plain"})
    lab.copy("t", [{"moment": values}])
    return lab


def _between(low: int, high: int) -> str:
    return f"SELECT count(moment) FROM t WHERE moment >= {low} AND moment < {high}"


# ------------------------------------------------------------------------------------------ 1. the picture
def drawn(
    displaced: float = 0.0, middle: float = 0.6, *, width: float = 0.05, blocks: int = 48, block_rows: int = 50,
    seed: int = 7,
) -> dict[str, Any]:  # fmt: skip
    """Return what `charts.zone_maps` needs: the blocks of a column that is nearly in order, and a range of it."""
    if not 4 <= blocks <= 60:
        raise BadParameter(f"blocks = {blocks!r}: give 4 to 60, for each is drawn")
    require_fraction(middle=middle, width=width)
    rows = blocks * block_rows
    values, trace = _moments(rows, displaced, seed), Trace()
    lab = _one_column(values, block_rows, trace)
    low, high = int(max(0, middle - width / 2) * rows), int(min(1, middle + width / 2) * rows)
    lab.query(_between(low, high))
    read = {row.fields["page"] for row in trace.of("page_read")}
    tiles = []
    for block in (block for block in lab.blocks("t") if block.column == "moment"):
        mine = values[block.block * block_rows : (block.block + 1) * block_rows]
        held = ((mine >= low) & (mine < high)).any()
        state = "skipped" if block.block not in read else "read" if held else "in vain"
        tiles.append((block.low, block.high, state))
    return {"columns": {"moment": tiles}, "bands": {"moment": (low, high)}}


# ------------------------------------------------------------------------------------------ 2. counted, and by law
def touched(
    displaced: float, where: str = "the middle", *, block_rows: int = BLOCK_ROWS, rows: int = ROWS, seed: int = 7
) -> float:
    """Return the share of the blocks that a hundredth of a table reads."""
    low, high = _range(where)
    answer = _one_column(_moments(rows, displaced, seed), block_rows).query(_between(int(low * rows), int(high * rows)))
    return share(answer, "t.moment")


def touched_by_law(displaced: float, where: str = "the middle", *, block_rows: int = BLOCK_ROWS) -> float:
    """Return the same by law."""
    return laws.touched_share(*_range(where), block_rows=block_rows, displaced=displaced)


def share(answer: Answer, column: str) -> float:
    """Return the share of a column's blocks that were read."""
    read = answer.blocks_read[column]
    return read / (read + answer.blocks_skipped[column])


def _range(where: str) -> tuple[float, float]:
    require_choice("where", where, tuple(WHERE))
    return WHERE[where]


# ------------------------------------------------------------------------------------------ 3. real lateness
def as_they_arrived(*, block_rows: int = 250, nights: int = 100_000, vacuumed: bool = False) -> dict[str, float]:
    """Ask for one day in the middle of nights that lie as they arrived; count blocks, and those of a perfect order."""
    columns = in_order("as they arrived", nights=nights)
    day = int(np.median(columns["date_key"]))
    lab = Warehouse(Cluster(1, 1), block_bytes=2 * block_rows)
    encodings = {"date_key": "plain"}
    lab.create_table("t", Schema.of("date_key u16"), encodings=encodings, sort_key=["date_key"] if vacuumed else [])
    lab.copy("t", [{"date_key": columns["date_key"]}])
    answer = lab.query(f"SELECT count(date_key) FROM t WHERE date_key = {day}")
    wanted = float(np.mean(columns["date_key"] == day))
    return {"rows asked for": wanted, "blocks read": share(answer, "t.date_key")}


# ------------------------------------------------------------------------------------------ 4. one table, three orders
ASKED: Final = {"a day": "date_key", "a person": "person_id"}
"""By which column each of the two questions asks."""
DRAWN_NIGHTS: Final = 12_000
LAID: Final = Schema.of("date_key u16, person_id u32, minutes_sleep u16?")
PLAIN: Final = {"date_key": "plain", "person_id": "plain"}


def three_orders(*, nights: int = DRAWN_NIGHTS) -> dict[str, dict[str, int]]:
    """Count in each order the blocks of the two columns that a question names, and the bytes of two columns, packed.

    The blocks are those that `ordered_tiles` draws.
    """
    told = {}
    for order in ("by date", "by person", "shuffled"):
        counted: dict[str, int] = {}
        for asked in ASKED:
            tiles = [tile for some in ordered_tiles(order, asked, nights=nights)["columns"].values() for tile in some]
            counted[f"{asked}: blocks read"] = sum(state != "skipped" for *_, state in tiles)
            counted[f"{asked}: of"] = len(tiles)
        lab = _laid(order, nights, encodings={})
        for column in ASKED.values():
            counted[f"{column}: bytes"] = sum(one.size_bytes for one in lab.blocks("night") if one.column == column)
        told[order] = counted
    return told


def _laid(
    order: str, nights: int, *, encodings: Mapping[str, str] = PLAIN, recorder: Recorder = NO_TRACE
) -> Warehouse:  # fmt: skip
    """Return nights on one slice, as they lie in an order."""
    columns = in_order(order, LAID, nights)
    lab = Warehouse(Cluster(1, 1), block_bytes=1_200, recorder=recorder)
    lab.create_table("night", LAID, encodings=encodings)
    lab.copy("night", [columns])
    return lab


def _question(asked: str, nights: int) -> tuple[str, int, str]:
    """Return the column by which is asked, the value, and the question in SQL."""
    require_choice("asked", asked, tuple(ASKED))
    column = ASKED[asked]
    value = int(np.median(in_order("by date", nights=nights)["date_key"])) if asked == "a day" else PERSON
    return column, value, f"SELECT avg(minutes_sleep) FROM night WHERE {column} = {value}"


def ordered_tiles(order: str, asked: str = "a day", *, nights: int = DRAWN_NIGHTS) -> dict[str, Any]:
    """Return what `charts.zone_maps` needs of the two columns that a question names, in a table in an order."""
    require_choice("order", order, ORDERS)
    column, value, sql = _question(asked, nights)
    trace = Trace()
    lab = _laid(order, nights, recorder=trace)
    lab.query(sql)
    wanted = in_order(order, LAID, nights)[column] == value
    read = {(row.fields["file"], row.fields["page"]) for row in trace.of("page_read")}
    tiles: dict[str, list[tuple[float, float, str]]] = {column: [], "minutes_sleep": []}
    for (_, name, number), (block, held) in _held(lab, [wanted]).items():
        if name in tiles:
            state = "skipped" if (f"night.{name}", number) not in read else "read" if held else "in vain"
            tiles[name].append((float(block.low or 0), float(block.high or 0), state))
    return {"columns": tiles, "bands": {column: (value, value)}}


def _held(lab: Warehouse, wanted: Sequence[Any]) -> dict[tuple[int, str, int], tuple[BlockStatus, int]]:
    """Return by slice, column and number each block of the nights, and how many of its rows are wanted.

    `wanted` says it for the rows of each slice, in the order in which they lie there.
    """
    first: dict[tuple[int, str], int] = {}
    held = {}
    for block in lab.blocks("night"):
        start = first.get((block.slice, block.column), 0)
        first[block.slice, block.column] = start + block.rows
        rows = wanted[block.slice][start : start + block.rows]
        held[block.slice, block.column, block.block] = block, int(np.count_nonzero(rows))
    return held


# ------------------------------------------------------------------------------------------ to be played
class _Slow:
    """A recorder that lets time pass between blocks, counts them, and says how much of each was asked for."""

    def __init__(self, sim: Simulation) -> None:
        self.sim, self.counts = sim, {"page_read": 0, "block_skip": 0}
        self.held: dict[tuple[int, str, int], tuple[BlockStatus, int]] = {}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a block on, a little later than the one before."""
        if kind not in self.counts:
            return
        self.counts[kind] += 1
        column, at = str(fields["file"]).removeprefix("night."), int(place.rpartition(".")[2])
        if kind == "page_read":
            block, held = self.held[at, column, int(fields["page"] or 0)]
            fields["used_bytes"] = -(-block.size_bytes * held // block.rows)
        fields["file"] = f"{column}, slice {at}"
        self.sim.run(self.sim.now_s + (TILE_S if kind == "page_read" else TILE_S / 6))
        self.sim.emit(kind, place, message, **fields)
        name = "blocks read" if kind == "page_read" else "blocks skipped"
        self.sim.emit("gauge", place, name=name, value=self.counts[kind], unit="")


@scenario("{asked}, the nights lie {order}")
def scan(
    sim: Simulation, *, order: str = "by date", asked: str = "a day", nights: int = 10_000, slices: int = 2
) -> Claims:
    """One question, block by block of 1 KiB: what is read, green as far as it was asked for; grey is skipped.

    Parameters
    ----------
    order : str
        Of `ORDERS`.
    asked : str
        `a day` or `a person`: the mean of the minutes.
    """
    require_choice("order", order, ORDERS)
    column, value, sql = _question(asked, nights)
    if not 1 <= slices <= 4:
        raise BadParameter(f"slices = {slices!r}: give 1 to 4, for each is drawn")
    columns = in_order(order, LAID, nights)
    slow = _Slow(sim)
    lab = Warehouse(Cluster(1, slices), block_bytes=1_024, recorder=slow)
    lab.create_table("night", LAID, encodings=PLAIN)
    lab.copy("night", [columns])
    slow.held = _held(lab, [columns[column][at::slices] == value for at in range(slices)])
    answer = lab.query(sql)
    read, left = sum(answer.blocks_read.values()), sum(answer.blocks_skipped.values())
    sim.emit("note", "node-0.0", text=f"{read} blocks read, {left} skipped")
    sim.run()
    return Claims({"checks hold": {}})
