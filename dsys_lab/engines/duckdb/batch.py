"""The batch job of `dsys_lab.dataflows.batch`, by DuckDB: a Parquet file for each period, and SQL over one or over all.

The same verb, `run`, and the same answers. DuckDB keeps no state from file to file: `merged` reads all files again,
which is what a batch job does that has no carried state and must be right.

Sources: duckdb.org, "Parquet", "Aggregate functions", "Window functions"; behaviour as measured with DuckDB 2.0.0.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

from dsys_lab.dataflows.batch import Record
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.errors import require_choice, require_positive

SQL: Final = {
    "count": "count(*)",
    "sum": "sum(value)",
    "max": "max(value)",
    "min": "min(value)",
    "distinct": "count(distinct value)",
    "mean": "avg(value)",
    "last": "max_by(value, (event_us, value))",
    "sessions": "sum(begins)",
}
"""Each function of the model in DuckDB's words; `begins` is 1 where a session of half a minute's silence begins."""
_BEGINS: Final = (
    "coalesce(event_us - lag(event_us) over (partition by key order by event_us) >= 30000000, true)::bigint as begins"
)

DIFFERENCES: Final = (
    Difference(
        "a job hands on its state",
        "a query has no state: what is to be right over all files reads all files",
        "A file that came yesterday is read again today; the answer is the same.",
        ("carries",),
    ),
    Difference(
        "add, merge and finish are functions that anybody may give",
        "aggregates are DuckDB's own",
        "Sessions are written as a window function over the events.",
        ("monoid",),
    ),
)


class DuckdbBatchJob:
    """Reads a file a period.

    Parameters
    ----------
    function : str
        One of `SQL`.
    period_us : int
    """

    def __init__(self, function: str, *, period_us: int) -> None:
        require_choice("function", function, tuple(SQL))
        require_positive(period_us=period_us)
        self.function, self.period_us = function, period_us
        self._folder = tempfile.TemporaryDirectory(prefix="dsys_lab-")
        self._db = connected(threads=1)

    def run(self, records: Iterable[Record]) -> list[tuple[int, dict[str, Any]]]:
        """Write a file for each period in which something arrived; return when each begins, and its answers by key."""
        rows = list(records)
        columns = [[getattr(row, name) for row in rows] for name in ("event_us", "arrived_us", "key", "value")]
        self._db.execute(
            "create or replace temp table given as select unnest(?::bigint[]) as event_us, "
            "unnest(?::bigint[]) as arrived_us, unnest(?::varchar[]) as key, unnest(?::bigint[]) as value",
            columns,
        )
        starts = sorted({row.arrived_us // self.period_us * self.period_us for row in rows})
        for start_us in starts:
            of_period = f"arrived_us >= {start_us} and arrived_us < {start_us + self.period_us}"
            path = str(self._path(start_us)).replace("'", "''")
            self._db.execute(f"copy (from given where {of_period}) to '{path}' (format parquet)")
        return [(start_us, self._answers(self._path(start_us))) for start_us in starts]

    def merged(self) -> dict[str, Any]:
        """Return the answers over all files, by key."""
        return self._answers(Path(self._folder.name) / "*.parquet")

    def files(self) -> list[tuple[str, int]]:
        """Return the name and the size in bytes of each file."""
        return [(path.name, path.stat().st_size) for path in sorted(Path(self._folder.name).glob("*.parquet"))]

    def close(self) -> None:
        """Take the files away."""
        self._db.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _path(self, start_us: int) -> Path:
        return Path(self._folder.name) / f"{start_us:020d}.parquet"

    def _answers(self, path: Path) -> dict[str, Any]:
        quoted = str(path).replace("'", "''")
        source = f"(select *, {_BEGINS} from read_parquet('{quoted}'))"
        found = self._db.execute(f"select key, {SQL[self.function]} from {source} group by key order by key").fetchall()
        return dict(found)
