"""One door to every table of Slumber: `Slumber(seed=7, nights=10**6)`.

A world has a seed, a size and faults. Each table is asked for by name, by range of its *units*, or in chunks that fit
memory. The unit is what a row belongs to: a night has 96 pings, an order one to four lines, a day 800 stock levels.

>>> world = Slumber(nights=1000)
>>> world.units("person"), world.units("orders")
(200, 100)
>>> world.read("night", 0, 3)["minutes_sleep"]
array([449, 433, 409], dtype=uint16)
>>> hex(world.digest("night"))
'0xcf73da7e983237fe'

Doors to other tools need no code of ours, because a table is a dictionary of contiguous NumPy columns:

    nights = world.read("night")
    duckdb.sql("select avg(minutes_sleep) from nights where status = 0")      # scans the arrays where they are
    pandas.DataFrame(nights, copy=False)                                      # wraps them
    records(nights, NIGHT)                                                    # 64 bytes a night, for a row store

`nights["minutes_sleep"] = minutes(nights)` puts a masked array there, which DuckDB reads with NULLs.

Promises
--------
1. Chunks joined are the whole, whatever their size; the first N nights of a larger world are the world of N nights.
2. Memory is one chunk, so 10^8 nights pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.progress import with_progress
from dsys_lab.workloads.slumber import size_law
from dsys_lab.workloads.slumber.cities import CITIES, CITY, city_table
from dsys_lab.workloads.slumber.delivery import EVENT, deliveries, event_stream
from dsys_lab.workloads.slumber.documents import raw_documents
from dsys_lab.workloads.slumber.faults import Faults
from dsys_lab.workloads.slumber.luck import Columns, require_rows, require_seed
from dsys_lab.workloads.slumber.nights import NIGHT, PING, PINGS_A_NIGHT, night_table, ping_table
from dsys_lab.workloads.slumber.people import FRIEND, FRIENDS_A_PERSON, PERSON, friends_table, people_table
from dsys_lab.workloads.slumber.profiles import profiles
from dsys_lab.workloads.slumber.records import combined, digest, records
from dsys_lab.workloads.slumber.shop import (
    ORDER,
    ORDER_LINE,
    PRODUCT,
    PRODUCTS,
    STOCK,
    STOCK_DAYS_MOST,
    WAREHOUSES,
    order_line_table,
    order_table,
    product_table,
    stock_table,
)

CHUNK_ROWS: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the world.

    Attributes
    ----------
    grain : str
        What one row is.
    unit : str
        What its rows are asked for by.
    rows_a_unit : int
        At most.
    units : callable
        Number of nights -> number of units.
    layout : numpy.dtype
        Its record.
    make : callable
        `(seed, first, last)` of units -> columns; the two tables that faults can spoil take the faults too.
    """

    grain: str
    unit: str
    rows_a_unit: int
    units: Callable[[int], int]
    layout: np.dtype
    make: Callable[..., Columns]
    spoiled: bool = False


TABLES: Final = {
    "city": Table("a city", "city", 1, lambda _: len(CITIES), CITY, city_table),
    "person": Table("a person", "person", 1, size_law.people, PERSON, people_table),
    "friend": Table("a tie", "person", FRIENDS_A_PERSON, size_law.people, FRIEND, friends_table),
    "night": Table("a person's night", "night", 1, int, NIGHT, night_table, spoiled=True),
    "event": Table("a delivery of a night", "night", 2, int, EVENT, deliveries, spoiled=True),
    "ping": Table("five minutes of a night", "night", PINGS_A_NIGHT, int, PING, ping_table),
    "product": Table("a product", "product", 1, lambda _: PRODUCTS, PRODUCT, product_table),
    "orders": Table("an order", "order", 1, size_law.orders, ORDER, order_table),
    "order_line": Table("a product in an order", "order", 4, size_law.orders, ORDER_LINE, order_line_table),
    "stock": Table("a product in a warehouse on a day", "day", PRODUCTS * WAREHOUSES,
                   lambda nights: min(size_law.days(nights), STOCK_DAYS_MOST), STOCK, stock_table),
}  # fmt: skip
"""Every table by name. `orders` is the one plural: ORDER is a word of SQL."""


@dataclass(frozen=True, slots=True)
class Slumber:
    """The company when it has seen `nights` nights.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    nights : int
        The one size; all others follow from it (`size_law`).
    faults : Faults
        What goes wrong with the nights on their way.
    """

    seed: int = 7
    nights: int = 10_000
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        require_seed(self.seed)
        require_rows("nights", 0, self.nights, size_law.NIGHTS_MOST)

    def units(self, table: str) -> int:
        """Return how many units the table has: its rows, where a unit is a row."""
        require_choice("table", table, tuple(TABLES))
        return TABLES[table].units(self.nights)

    def read(self, table: str, first: int = 0, last: int | None = None) -> Columns:
        """Return the rows of units `first` to `last` - 1, or to the end.

        Raises
        ------
        BadParameter
            If there is no such table, or the range is not in it.
        """
        units = self.units(table)
        last = units if last is None else last
        require_rows(f"{table}: {TABLES[table].unit}", first, last, units)
        of = TABLES[table]
        return of.make(self.seed, first, last, self.faults) if of.spoiled else of.make(self.seed, first, last)

    def chunks(self, table: str, *, rows: int = CHUNK_ROWS) -> Iterator[Columns]:
        """Yield the whole table in chunks of at most `rows` rows (or one unit, if that is larger), with a bar."""
        require_positive(rows=rows)
        units = self.units(table)
        step = max(1, rows // TABLES[table].rows_a_unit)
        spans = [range(first, min(first + step, units)) for first in range(0, units, step)]
        for span in with_progress(spans, total=units, label=table, unit=f" {TABLES[table].unit}s", size=len):
            yield self.read(table, span.start, span.stop)

    def events(self, *, rows: int = CHUNK_ROWS) -> Iterator[Columns]:
        """Yield every delivery in the order of arrival (see `delivery`)."""
        return event_stream(self.seed, self.nights, self.faults, rows=rows)

    def documents(self, first: int = 0, last: int | None = None) -> Iterator[str]:
        """Yield the raw JSON of the nights `first` to `last` - 1, a line each (see `documents`)."""
        last = self.nights if last is None else last
        require_rows("night", first, last, self.nights)
        return raw_documents(self.seed, first, last, self.faults)

    def profiles(self, first: int = 0, last: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the profiles of the persons `first` to `last` - 1, a document each (see `profiles`)."""
        last = self.units("person") if last is None else last
        require_rows("person", first, last, self.units("person"))
        return profiles(self.seed, first, last)

    def digest(self, table: str, *, rows: int = CHUNK_ROWS) -> int:
        """Return the digest of the whole table, chunk by chunk."""
        require_choice("table", table, tuple(TABLES))
        return combined(digest(records(chunk, TABLES[table].layout)) for chunk in self.chunks(table, rows=rows))
