"""The batch answer to a streaming query: the same text, asked of DuckDB when all rows are there.

What DuckDB does not have is written in words that it has, in place: a window function becomes a subquery that gives
each row `window_start` and `window_end`, `FOR SYSTEM_TIME AS OF` an `ASOF JOIN`. Everything else, what is filtered,
grouped, joined and ranked, is DuckDB's own work on the text as it stands. So it is a witness who was not there.

Sources: duckdb.org, "Time bucket", "Window functions", "AsOf join"; behaviour as measured with DuckDB 2.0.0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Self

from dsys_lab.dataflows.streaming_sql import Catalog, StreamTable, WindowCall, read
from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.table_sql import quoted

TYPES: Final = {"text": "VARCHAR", "i32": "INTEGER", "i64": "BIGINT", "f64": "DOUBLE", "time": "TIMESTAMP"}
_ORIGIN: Final = "TIMESTAMP '1970-01-01'"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  DuckDB's TIMESTAMP has no zone either
_AS_OF: Final = re.compile(
    r"\bJOIN\s+(\w+)\s+FOR\s+SYSTEM_TIME\s+AS\s+OF\s+([\w.]+)(?:\s+(?:AS\s+)?(?!ON\b)(\w+))?\s+ON\b",
    flags=re.IGNORECASE,
)


def batch_sql(sql: str, catalog: Catalog) -> str:
    """Return the text with DuckDB's words for what it does not have.

    Examples
    --------
    >>> catalog = Catalog()
    >>> catalog.execute("CREATE TABLE pings (city STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)")
    >>> print(batch_sql("SELECT * FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' SECOND))", catalog))
    SELECT * FROM (SELECT *, time_bucket(to_microseconds(1000000), "ts", TIMESTAMP '1970-01-01') AS window_start, \
window_start + to_microseconds(1000000) AS window_end FROM "pings")
    """
    text = read(sql)
    for call in sorted(text.calls.values(), key=lambda call: -call.start):
        sql = f"{sql[: call.start]}({_windowed(call)}){sql[call.end :]}"
    sql = re.sub(r"^\s*INSERT\s+INTO\s+\w+\s+", "", sql, flags=re.IGNORECASE)
    return _AS_OF.sub(lambda found: _as_of(catalog.tables[found[1]], found[2], found[3] or found[1]), sql)


def _as_of(table: StreamTable, time: str, alias: str) -> str:
    return f"ASOF JOIN {quoted(table.name)} AS {alias} ON {time} >= {alias}.{quoted(table.time)} AND"


def _windowed(call: WindowCall) -> str:
    time, table = quoted(call.time), quoted(call.table)
    intervals = [f"to_microseconds({us})" for us in call.intervals_us]
    bucket = f"time_bucket({intervals[0]}, {time}, {_ORIGIN})"
    if call.kind == "TUMBLE":
        return f"SELECT *, {bucket} AS window_start, window_start + {intervals[0]} AS window_end FROM {table}"
    if call.kind == "SESSION":
        return _sessions(call, time, table, intervals[0])
    numbers = f"(SELECT unnest(range({call.intervals_us[1] // call.intervals_us[0]})) AS number)"
    step, size = intervals
    if call.kind == "HOP":
        bounds = f"{bucket} - number * {step} AS window_start, window_start + {size} AS window_end"
        return f"SELECT * EXCLUDE (number), {bounds} FROM {table}, {numbers}"
    start = f"time_bucket({size}, {time}, {_ORIGIN})"
    bounds = f"{start} AS window_start, window_start + (number + 1) * {step} AS window_end"
    return f"SELECT * EXCLUDE (number), {bounds} FROM {table}, {numbers} WHERE {time} < {start} + (number + 1) * {step}"


def _sessions(call: WindowCall, time: str, table: str, gap: str) -> str:
    by = ", ".join(map(quoted, call.by)) or "true"
    begins = f"coalesce({time} - lag({time}) OVER (PARTITION BY {by} ORDER BY {time}) >= {gap}, true)::INTEGER"
    number = f"sum(begins) OVER (PARTITION BY {by} ORDER BY {time} ROWS UNBOUNDED PRECEDING)"
    inner = f"SELECT *, {number} AS number FROM (SELECT *, {begins} AS begins FROM {table})"
    over = f"OVER (PARTITION BY {by}, number)"
    bounds = f"min({time}) {over} AS window_start, max({time}) {over} + {gap} AS window_end"
    return f"SELECT * EXCLUDE (begins, number), {bounds} FROM ({inner})"


class DuckdbBatch:
    """The tables of a catalog, with all their rows.

    Parameters
    ----------
    catalog : Catalog
    rows : mapping
        Table -> its rows.
    threads : int
    """

    def __init__(self, catalog: Catalog, rows: Mapping[str, Iterable[tuple[Any, ...]]], *, threads: int = 1) -> None:
        self.catalog = catalog
        self._db = connected(threads=threads)
        self._db.execute("SET integer_division = true")
        self._db.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")  # as in Flink
        for table in catalog.tables.values():
            names = [f"{quoted(field.name)} {TYPES[field.type]}" for field in table.fields]
            self._db.execute(f"CREATE TABLE {quoted(table.name)} ({', '.join(names)})")
            columns = list(zip(*rows.get(table.name, ()), strict=True))
            if columns:
                given = [f"unnest(?::{_LISTS[field.type]}[])" for field in table.fields]
                made = [
                    f"make_timestamp({one})" if field.type == "time" else one
                    for field, one in zip(table.fields, given, strict=True)
                ]
                self._db.execute(f"INSERT INTO {quoted(table.name)} SELECT {', '.join(made)}", list(map(list, columns)))

    def answer(self, sql: str) -> Counter[tuple[Any, ...]]:
        """Return the rows of the answer, each with how often it is there; times in microseconds."""
        found = self._db.execute(batch_sql(sql, self.catalog)).fetchall()
        return Counter(tuple(map(_plain, row)) for row in found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()


_LISTS: Final = {**TYPES, "time": "BIGINT"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        apart = value - _EPOCH
        return (apart.days * 86_400 + apart.seconds) * 1_000_000 + apart.microseconds
    return value
