"""A month of real flights as a table: eighteen columns, real NULLs, and a number as key, for a flight has none.

Where a flight was cancelled it has no departure; where it was diverted, no arrival delay. Nothing of that was made up
(`dsys_lab.workloads.flights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab.errors import BadParameter
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import NO_TRACE, Recorder
from dsys_lab.workloads import flights

FLIGHT: Final = Schema.of(
    "id u32, month u8, day u8, dep_time u16?, sched_dep_time u16, dep_delay i32?, arr_time u16?, sched_arr_time u16, "
    "arr_delay i32?, carrier text, flight u16, tailnum text?, origin text, dest text, air_time u16?, distance u16, "
    "hour u8, minute u8"
)
KEY: Final = "id"
TABLE: Final = "flights"


@lru_cache(maxsize=2)
def flight_columns(month: int = 1) -> Mapping[str, Any]:
    """Return the flights of a month of 2013 by column, numbered from 0; NULL is masked.

    Raises
    ------
    BadParameter
        If there is no such month.
    """
    if not 1 <= month <= 12:
        raise BadParameter(f"month = {month!r}: give 1 to 12")
    with duckdb.connect() as connection:
        every = flights.columns(connection, "flights", *FLIGHT.names[1:])
    chosen = np.flatnonzero(every["month"] == month)
    columns = {name: column[chosen] for name, column in every.items()}
    return {KEY: np.arange(len(chosen), dtype=np.uint32), **{name: columns[name] for name in FLIGHT.names[1:]}}


def fill_flights(table: Any, *, month: int = 1) -> Any:
    """Add the flights of a month to any table that is empty, and return it."""
    columns = flight_columns(month)
    if hasattr(table, "append_columns"):
        table.append_columns(columns)
    else:
        table.append(zip(*(column.tolist() for column in columns.values()), strict=True))
    table.checkpoint()
    return table


def flight_table(layout: str, *, month: int = 1, recorder: Recorder = NO_TRACE) -> RowStore | ColumnStore:
    """Return a store that holds the flights of a month, nothing of it in memory."""
    disk, more = VolatileDisk(), {"key": KEY}
    make: Any = RowStore if layout == "rows" else ColumnStore
    given = (TABLE, FLIGHT) if layout == "rows" else (FLIGHT,)
    if layout == "columns":
        more |= {"codec": "plain", "place": TABLE}
    fill_flights(make(disk, *given, **more), month=month)
    return make(disk, *given, **more, recorder=recorder)
