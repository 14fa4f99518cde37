"""The nights of Slumber as a table, in every store that takes one, and one workload for all of them.

A night is 64 bytes in thirteen columns (`dsys_lab.workloads.slumber.nights`); here its `note` is 36 characters long and
`minutes_sleep` may be NULL, as where a device was off. Loading takes longer than asking, so a loaded disk is kept and
every run begins with a copy of it, its memory cold.

`carry_out` does an operation of `dsys_lab.workloads.operations` by the verbs of `dsys_lab.stores.table`, so the same
value runs through models and engines, and the answers compare by digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore
from dsys_lab.stores.table import Between, Measure, Table
from dsys_lab.structures.append_log import EVERY_RECORD, NEVER
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema, Values
from dsys_lab.trace import NO_TRACE, Recorder, Trace
from dsys_lab.workloads.operations import Answer, Insert, Operation, PointRead, Question, answer_digest
from dsys_lab.workloads.slumber import Slumber, minutes

NIGHT: Final = Schema.of(
    "night_id u64, person_id u32, date_key u16, city_id u8, age u8, bed_min u16, minutes_sleep u16?, awakenings u8, "
    "avg_hr u8, fw u8, status u8, sync_lag_s u32, note text"
)
KEY: Final = "night_id"
TABLE: Final = "night"
INDEXES: Final = ("person_id", "date_key")
LAYOUTS: Final = ("rows", "columns")
"""By row, and by column: each column a file of its own."""
BETWEEN: Final = "row_groups"
"""By column within a piece of the table, the pieces one after the other (PAX)."""
GROUP_ROWS: Final = 8_192
NIGHTS: Final = 24_000
"""Two hundred pages by row: enough to see, and loaded in two seconds."""
COLD_FRAMES: Final = 1_024
NOTE: Final = "slept as one sleeps, night {:010d}"
WIDTH_BYTES: Final = {
    "night_id": 8, "person_id": 4, "date_key": 2, "city_id": 1, "age": 1, "bed_min": 2, "minutes_sleep": 2.125,
    "awakenings": 1, "avg_hr": 1, "fw": 1, "status": 1, "sync_lag_s": 4, "note": 40,
}  # fmt: skip
"""Bytes a value by column, plain: a column that may be NULL has a bit more, a text four bytes for its length."""
RECORD_BYTES: Final = 64
_LOADED_AT_ONCE: Final = 6_000


# ------------------------------------------------------------------------------------------ the data
@lru_cache(maxsize=8)
def night_columns(first: int, last: int, seed: int = 7) -> Mapping[str, Any]:
    """Return the nights `first` to `last` - 1 by column; NULL is masked."""
    columns = Slumber(seed=seed, nights=last).read("night", first, last)
    columns["minutes_sleep"] = minutes(columns)
    columns["note"] = np.array([f"{NOTE.format(number):36.36}" for number in range(first, last)], object)
    return {name: columns[name] for name in NIGHT.names}


def night_rows(first: int, last: int, seed: int = 7) -> list[Values]:
    """Return the same nights by row."""
    return list(zip(*(column.tolist() for column in night_columns(first, last, seed).values()), strict=True))


# ------------------------------------------------------------------------------------------ the stores
@lru_cache(maxsize=12)
def _loaded(
    layout: str, nights: int, seed: int, *, codec: str | None, indexes: tuple[str, ...], group_rows: int
) -> VolatileDisk:
    disk = VolatileDisk()
    table = open_nights(disk, layout, codec=codec, indexes=indexes, group_rows=group_rows, durable=False)
    if isinstance(table, ColumnStore):
        table.append_columns(night_columns(0, nights, seed))
    else:
        rows = night_rows(0, nights, seed)
        for start in range(0, nights, _LOADED_AT_ONCE):
            table.append(rows[start : start + _LOADED_AT_ONCE])
    table.checkpoint()
    return disk


def open_nights(
    disk: VolatileDisk,
    layout: str,
    *,
    codec: str | None = "plain",
    indexes: Sequence[str] = (),
    pool: BufferPool | None = None,
    group_rows: int = GROUP_ROWS,
    merge_rows: int = 8_192,
    durable: bool = True,
    recorder: Recorder = NO_TRACE,
    now_us: int = 0,
) -> RowStore | ColumnStore:
    """Open a disk of nights as a store.

    Parameters
    ----------
    layout : {"rows", "columns", "row_groups"}
    codec : str or None
        How columns are written: "plain", or None for what is smallest.
    indexes : sequence of str
        More columns by which rows are found; by row only.
    group_rows : int
        How many rows there are in a row group, a piece of the table; not by row.
    durable : bool
        Whether an insert waits until it is safe in the log.
    """
    require_choice("layout", layout, (*LAYOUTS, BETWEEN))
    if layout == "rows":
        return RowStore(
            disk, TABLE, NIGHT, key=KEY, indexes=indexes, pool=pool or BufferPool(COLD_FRAMES), durable=durable,
            recorder=recorder, now_us=now_us,
        )  # fmt: skip
    fsync = EVERY_RECORD if durable else NEVER
    return ColumnStore(
        disk, NIGHT, key=KEY, layout=layout, row_group_rows=group_rows, codec=codec, merge_rows=merge_rows,
        fsync=fsync, place=TABLE, recorder=recorder, now_us=now_us,
    )  # fmt: skip


def night_disk(
    layout: str,
    *,
    nights: int = NIGHTS,
    codec: str | None = "plain",
    indexes: Sequence[str] = (),
    group_rows: int = GROUP_ROWS,
    seed: int = 7,
) -> VolatileDisk:
    """Return a disk of its own that holds the first `nights` nights."""
    require_choice("layout", layout, (*LAYOUTS, BETWEEN))
    require_positive(nights=nights, group_rows=group_rows)
    if layout == "rows":
        return deepcopy(_loaded(layout, nights, seed, codec=None, indexes=tuple(indexes), group_rows=GROUP_ROWS))
    return deepcopy(_loaded(layout, nights, seed, codec=codec, indexes=(), group_rows=group_rows))


def night_table(
    layout: str,
    *,
    nights: int = NIGHTS,
    codec: str | None = "plain",
    indexes: Sequence[str] = (),
    group_rows: int = GROUP_ROWS,
    seed: int = 7,
    **more: Any,
) -> RowStore | ColumnStore:
    """Return a store that holds the first `nights` nights, nothing of it in memory; `more` as for `open_nights`."""
    disk = night_disk(layout, nights=nights, codec=codec, indexes=indexes, group_rows=group_rows, seed=seed)
    return open_nights(disk, layout, codec=codec, indexes=indexes, group_rows=group_rows, **more)


def fill(table: Any, *, nights: int = NIGHTS, seed: int = 7) -> Any:
    """Add the first nights to any table that is empty, and return it."""
    if hasattr(table, "append_columns"):
        table.append_columns(night_columns(0, nights, seed))
    else:
        table.append(night_rows(0, nights, seed))
    table.checkpoint()
    return table


# ------------------------------------------------------------------------------------------ the workload
def carry_out(table: Table, operation: Operation, *, now_us: int = 0) -> Answer:
    """Do an operation by the verbs of a table, and return its answer: for an insert, how many rows there were.

    Raises
    ------
    BadParameter
        If a question has more than one filter, which no table of ours takes.
    """
    match operation:
        case PointRead(key, columns):
            row = table.get(key, now_us=now_us)
            places = [table.schema.position(name) for name in columns or table.schema.names]
            return [] if row is None else [tuple(row[place] for place in places)]  # type: ignore[misc]  # whole numbers, texts
        case Insert(first, last):
            return [(table.append(night_rows(first, last), now_us=now_us),)]
        case Question(aggregates, where, by):
            if len(where) > 1:
                raise BadParameter(f"{len(where)} filters: a table takes one; SQL engines take more")
            measures = [Measure(one.function, one.column or table.key) for one in aggregates]
            filter_ = Between(where[0].column, where[0].low, where[0].high) if where else None
            return table.aggregate(measures, where=filter_, by=by, now_us=now_us)  # type: ignore[return-value]  # no `avg`


class Told(NamedTuple):
    """What a table read for an answer (None if it does not tell), and 64 bits of the answer."""

    kib: float | None
    digest: str


def side_by_side(
    makers: Mapping[str, Callable[[Recorder], Any]], operations: Mapping[str, Operation]
) -> dict[str, dict[str, Told]]:
    """Return what each table reads for each operation, cold, and the digest of its answer: by operation, by table.

    Parameters
    ----------
    makers : mapping
        Name -> a function that opens the table, filled, with its memory cold or to be dropped by `drop_cache`.
    operations : mapping
        Name -> operation.
    """
    told: dict[str, dict[str, Told]] = {name: {} for name in operations}
    for system, make in makers.items():
        trace = Trace()
        table = make(trace)
        for name, operation in operations.items():
            if hasattr(table, "drop_cache"):
                table.drop_cache()
            elif any(system in answers for answers in told.values()):
                table = make(trace)
            began = len(trace)
            digest = answer_digest(carry_out(table, operation))
            told[name][system] = Told(_kib_read(trace, began), f"{digest:016x}")
        if hasattr(table, "close"):
            table.close()
    return told


def kib_told(told: Mapping[str, Told]) -> dict[str, float]:
    """Return for each table that tells it how much it read."""
    return {system: one.kib for system, one in told.items() if one.kib is not None}


def _kib_read(trace: Trace, began: int) -> float | None:
    """Count what came from disk since a row: by page, or as an engine counts it at the end of a question."""
    rows = [trace[seq] for seq in range(began, len(trace))]
    told = [row.fields["size_bytes"] for row in rows if row.kind == "page_read"]
    told += [row.fields["read_bytes"] for row in rows if row.kind == "end" and "read_bytes" in row.fields]
    if None in told:
        return None
    return sum(int(size or 0) for size in told) / 1024
