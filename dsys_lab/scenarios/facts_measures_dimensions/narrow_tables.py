"""Can a row store look like a column store?

One question, the average of `minutes_sleep` over all nights, asked of the same nights in four layouts by row, from wide
to narrow, and of one column. A row store reads whole pages of whole rows, so a narrower row means fewer pages; but each
row keeps its header and its key, so the narrowest is still far from the two bytes of the value.

Source: Abadi, Madden and Hachem, "Column-stores vs. row-stores: how different are they really?", SIGMOD 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import require_positive
from dsys_lab.scenarios.oltp_and_analytics.night_tables import NIGHT, night_columns, night_disk, open_nights
from dsys_lab.stores.table import Measure
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import Counters
from dsys_lab.workloads.slumber import Slumber

KEY: Final = "night_id"
VALUE: Final = "minutes_sleep"
QUESTION: Final = (Measure("avg", VALUE),)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table by row, and whether an index on the value answers instead of the table."""

    schema: Schema
    by_index: bool = False


LAYOUTS: Final[Mapping[str, Layout]] = {
    "wide: one table of everything": Layout(Schema.of(f"{NIGHT}, city text, country text, continent text, tz text")),
    "star: the fact table": Layout(
        Schema.of(f"{KEY} u64, person_id u32, date_key u16, city_id u8, age u8, {VALUE} u16?")
    ),
    "vertical: the key and one value": Layout(Schema.of(f"{KEY} u64, {VALUE} u16?")),
    "index: on the one value": Layout(NIGHT, by_index=True),
}
"""The layouts by row, from wide to narrow."""
COLUMN: Final = "column: the values alone"


def pages_by_layout(make: Callable[..., Any], *, nights: int = 20_000, seed: int = 7) -> dict[str, int]:
    """Return the pages of 8,192 bytes that the question reads, cold, by layout; the last is a column store's.

    Parameters
    ----------
    make : callable
        `(name, schema, key=, indexes=, recorder=)` -> an engine's table, as `dsys_lab.engines.sqlite.SqliteTable`.
    nights : int
    seed : int

    Raises
    ------
    BadParameter
        If there are no nights.
    """
    require_positive(nights=nights)
    columns = _everything(nights, seed)
    pages = {name: _pages_by_row(make, layout, columns) for name, layout in LAYOUTS.items()}
    return pages | {COLUMN: _pages_by_column(nights, seed)}


def by_columns(nights: int = 20_000, *, seed: int = 7) -> dict[str, tuple[Schema, dict[str, list[Any]]]]:
    """Return the same nights as tables that get narrower: everything, the facts, key and value, the value."""
    require_positive(nights=nights)
    columns = _everything(nights, seed)
    wide, star, vertical, _ = (layout.schema for layout in LAYOUTS.values())
    narrow = {"wide": wide, "star": star, "vertical": vertical, "the value alone": Schema.of(f"{VALUE} u16?")}
    return {name: (schema, {column: columns[column] for column in schema.names}) for name, schema in narrow.items()}


def _everything(nights: int, seed: int) -> dict[str, list[Any]]:
    """Return the nights by column, each with what its city says of it."""
    columns = {name: column.tolist() for name, column in night_columns(0, nights, seed).items()}
    cities = Slumber(seed=seed, nights=nights).read("city")
    said = ("city", "country", "continent", "tz")
    return columns | {name: cities[name][columns["city_id"]].tolist() for name in said}


def _pages_by_row(make: Callable[..., Any], layout: Layout, columns: Mapping[str, Sequence[Any]]) -> int:
    counters = Counters()
    indexes = (VALUE,) if layout.by_index else ()
    with make("night", layout.schema, key=KEY, indexes=indexes, recorder=counters) as table:
        table.append(zip(*(columns[name] for name in layout.schema.names), strict=True))
        table.checkpoint()
        table.drop_cache()
        before = counters.count("page_read")
        table.aggregate(QUESTION, via=None if layout.by_index else "scan")
        return counters.count("page_read") - before


def _pages_by_column(nights: int, seed: int) -> int:
    counters = Counters()
    store = open_nights(night_disk("columns", nights=nights, seed=seed), "columns", recorder=counters)
    before = counters.count("page_read")
    store.aggregate(QUESTION)
    return counters.count("page_read") - before
