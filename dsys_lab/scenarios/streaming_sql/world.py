"""The streams of lab 18: wearables ping, pillows are ordered and paid, and their prices change.

Every row happens at a moment and comes later: mostly by seconds, one in a hundred by minutes, when a phone had no
network. The tables are Flink's words, and Flink takes them as they stand (but for WITH, which says where rows are).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from dsys_lab.dataflows.streaming_sql import Catalog
from dsys_lab.errors import require_positive
from dsys_lab.simulation.chance import Stream, exponential, mixture, stream

CITIES: Final = ("Oslo", "Rome", "Bonn", "Lima")
ITEMS: Final = ("pillow", "mask")
TABLES: Final = {
    "pings": """CREATE TABLE pings (city STRING, person BIGINT, hours DOUBLE, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '{bound}' SECOND)""",
    "orders": """CREATE TABLE orders (id BIGINT, item STRING, amount BIGINT, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '{bound}' SECOND)""",
    "payments": """CREATE TABLE payments (id BIGINT, cents BIGINT, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '{bound}' SECOND)""",
    "prices": """CREATE TABLE prices (item STRING, cents BIGINT, ts TIMESTAMP(3), PRIMARY KEY (item) NOT ENFORCED,
    WATERMARK FOR ts AS ts - INTERVAL '{bound}' SECOND)""",
}
"""CREATE TABLE of each stream, with the bound of its watermark to be filled in."""


class Told(NamedTuple):
    """A row of a stream, and when it came."""

    came_us: int
    table: str
    row: tuple[Any, ...]

    @property
    def event_us(self) -> int:
        """When it happened: the last column of every table here."""
        return int(self.row[-1])


def catalog(bound_s: float = 5.0) -> Catalog:
    """Return the four tables, their watermarks so far behind."""
    made = Catalog()
    for sql in TABLES.values():
        made.execute(sql.format(bound=f"{bound_s:g}"))
    return made


def told(
    seed: int = 7, *, seconds: float = 300, rate: float = 4.0, delay_mean_s: float = 2.0, rare_delay_s: float = 60.0
) -> list[Told]:
    """Return the rows of all streams in the order in which they come: `rate` pings and half as many orders a second.

    An order is paid after 8 s on average; prices change every 20 s on average.
    """
    require_positive(seconds=seconds, rate=rate, delay_mean_s=delay_mean_s, rare_delay_s=rare_delay_s)
    delay = mixture(0.01, exponential(delay_mean_s), exponential(rare_delay_s))
    rows: list[Told] = []

    def tell(draw: Stream, at_s: float, table: str, *values: Any) -> None:
        at_us = round(at_s * 1e3) * 1_000  # whole milliseconds, as TIMESTAMP(3) has them
        rows.append(Told(at_us + round(delay(draw) * 1e3) * 1_000, table, (*values, at_us)))

    draw = stream(seed, "told/pings")
    for at_s in _times(draw, rate, seconds):
        city = CITIES[int(len(CITIES) * draw() ** 2)]
        tell(draw, at_s, "pings", city, int(draw() * 50), round(4 + 5 * draw(), 1))
    draw = stream(seed, "told/orders")
    for number, at_s in enumerate(_times(draw, rate / 2, seconds)):
        tell(draw, at_s, "orders", number, ITEMS[int(2 * draw())], 1 + int(3 * draw()))
        tell(draw, at_s + exponential(8)(draw), "payments", number, 100 * (1 + int(60 * draw())))
    draw = stream(seed, "told/prices")
    for item in ITEMS:
        for at_s in (0.0, *_times(draw, 1 / 20, seconds)):
            tell(draw, at_s, "prices", item, 1_000 + int(4_000 * draw()))
    return sorted(rows, key=lambda row: (row.came_us, row.table, row.event_us))


def by_table(rows: list[Told]) -> Mapping[str, list[tuple[Any, ...]]]:
    """Return the rows of each table that has any."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for one in rows:
        found.setdefault(one.table, []).append(one.row)
    return found


def _times(draw: Stream, rate: float, seconds: float) -> list[float]:
    at_s, times = exponential(1 / rate)(draw), []
    while at_s < seconds:
        times.append(at_s)
        at_s += exponential(1 / rate)(draw)
    return times
