"""A table in DuckDB, with the verbs of `dsys_lab.stores.table`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab.engines import table_sql
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.duckdb.profile import Profile
from dsys_lab.engines.sql_table import SqlTable
from dsys_lab.errors import Damaged, DsysLabError, MayHaveHappened, Refused, require_positive
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.incoming import from_rows
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder, Scalar

TYPES: Final = {
    "u8": "utinyint", "u16": "usmallint", "u32": "uinteger", "u64": "ubigint",
    "i32": "integer", "i64": "bigint", "f64": "double", "text": "varchar",
}  # fmt: skip
_ONE_BY_ONE: Final = 16
"""So many rows are inserted one by one; more come as arrays, by column."""
_FETCHED: Final = 2_048
_INCOMING: Final = "incoming rows"
"""A name that no table can have."""
_DAMAGED: Final = ("Corrupt database", "Could not read enough bytes", "not a valid DuckDB database")
"""What DuckDB says of a file that is not what it wrote; it has no class of errors for it."""

DIFFERENCES: Final = (
    Difference(
        "row groups of 8,192 rows, pages of 8,168 bytes",
        "row groups of 122,880 rows, blocks of 256 KiB",
        "The least that is read is larger: at ten thousand nights there is one row group, and nothing to skip.",
    ),
    Difference(
        "a `page_read` for each page, with the bytes that were asked for",
        "totals a question: bytes from the file, rows and row groups scanned",
        "They stand in the `end` row of the question.",
        ("page_read",),
    ),
    Difference(
        "a point read searches the key's column in the groups whose zone map has room for it",
        "the primary key has an index (a radix tree)",
        "A point read asks the index, then one vector of each column. What it reads stands in no profile: the file is "
        "read for blocks of 256 KiB, and `read_bytes` is empty.",
        ("read_bytes of a point read",),
    ),
    Difference(
        "rows wait in a delta until so many are there",
        "a change goes to a log, and to row groups in memory at once; a checkpoint writes them",
        "There is no `flush` row.",
        ("flush",),
    ),
    Difference(
        "one thread",
        "as many as there are cores",
        "Held to one here (`threads`), so that times compare.",
    ),
    Difference(
        "a sum of whole numbers is exact, however large",
        "exact to 2**127, then an error",
        "No table of the lab comes near.",
    ),
)
"""What the engine does otherwise than `stores.column_store`, as a table."""


@dataclass(frozen=True, slots=True)
class DuckdbStatus:
    """What is where.

    Attributes
    ----------
    rows, groups : int
    codecs : dict
        By column, how many segments use which compression (DuckDB's own names).
    size_bytes : dict
        By file.
    """

    rows: int
    groups: int
    codecs: dict[str, dict[str, int]]
    size_bytes: dict[str, int]


def insert_columns(
    db: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Filled], *, order_by: Sequence[str] = ()
) -> None:
    """Add columns, which DuckDB reads where they are, as masked arrays."""
    given = {
        name: values if nulls is None else np.ma.masked_array(values, nulls)
        for name, (values, nulls) in columns.items()
    }
    order = f" order by {', '.join(map(_q, order_by))}" if order_by else ""
    db.register(_INCOMING, given)
    try:
        db.execute(f"insert into {_q(table)} select * from {_q(_INCOMING)}{order}")  # noqa: S608  quoted
    finally:
        db.unregister(_INCOMING)


class DuckdbTable(SqlTable):
    """A table in DuckDB (see `dsys_lab.stores.table` for what may be asked of it).

    Time is real: `now_us` is taken and not looked at, rows of the trace carry microseconds since the start.

    Parameters
    ----------
    name : str
        The table's name: of its file, and of its place in the trace.
    schema : Schema
    key : str
        A column of whole numbers without NULL.
    folder : path, optional
        Where the file is; by default in a temporary folder that goes with this object.
    threads : int
    recorder : Recorder

    Examples
    --------
    >>> sleep = DuckdbTable("sleep", Schema.of("id u32, hours_sleep f64?, age u8, city text"), key="id")
    >>> sleep.append([(1, 7.5, 40, "Oslo"), (2, None, 31, "Lagos"), (3, 6.5, 62, "Oslo")])
    3
    >>> sleep.aggregate([Measure("avg", "hours_sleep"), Measure("count", "id")], by="city")
    [('Lagos', None, 1), ('Oslo', 7.0, 2)]
    >>> sleep.close()
    """

    engine = f"DuckDB {duckdb.__version__}"
    suffix = "duckdb"
    types = TYPES

    def __init__(
        self,
        name: str,
        schema: Schema,
        *,
        key: str,
        folder: str | Path | None = None,
        threads: int = 1,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        super().__init__(name, schema, key=key, folder=folder, recorder=recorder)
        require_positive(threads=threads)
        self.threads = threads
        self.profile: Profile | None = None
        with self._in_our_words():
            self._open()
        with self._beginning():
            self._begin()

    def _open(self) -> None:
        self._db = connected(str(self.path), threads=self.threads)
        if self.clock.is_recorded:
            self._db.execute("set enable_profiling = 'no_output'")
            self._db.execute("set profiling_mode = 'detailed'")

    # ------------------------------------------------------------ the dialect
    def _ask(self, text: str, values: Sequence[Value] = ()) -> list[Any]:
        return self._db.execute(text, values).fetchall()

    def _each(self, text: str, values: Sequence[Value]) -> Iterator[Any]:
        asked = self._db.cursor().execute(text, values)
        while some := asked.fetchmany(_FETCHED):
            yield from some

    def _change(self, text: str, values: Sequence[Value]) -> int:
        [(changed,)] = self._ask(text, values)
        return changed

    def _insert(self, rows: Sequence[Values]) -> None:
        if len(rows) > _ONE_BY_ONE:
            self._insert_columns(from_rows(self.schema, rows))
            return
        self._db.begin()
        try:
            for row in rows:
                self._db.execute(table_sql.insert(self.name, self.schema), row)
            self._db.commit()
        except duckdb.Error:
            self._db.rollback()
            raise

    def _insert_columns(self, columns: dict[str, Filled]) -> None:
        insert_columns(self._db, self.name, columns)

    def _meaning(self, error: Exception) -> DsysLabError | None:
        first = str(error).partition("\n")[0]
        match error:
            case duckdb.ConstraintException():
                return Refused(f"{self.name}: a key is there twice; nothing was written ({first})")
            case duckdb.Error() if any(words in first for words in _DAMAGED):
                return Damaged(f"{self.path.name} is not what was written ({first}); restore it from a copy")
            case duckdb.IOException():
                return MayHaveHappened(f"{self.name}: the disk failed ({first}); open the table anew to see")
        return None

    def _told(self, name: str) -> Mapping[str, Scalar]:
        if not self.clock.is_recorded or name not in ("get", "aggregate"):
            return {}
        self.profile = Profile.of(self._db.get_profiling_information(format="json"))
        return asdict(self.profile)

    # ------------------------------------------------------------ the verbs, where they are more
    def checkpoint(self, *, now_us: int = 0) -> None:
        """Write what is in the log to its place."""
        with self._during("checkpoint"):
            self._db.execute("checkpoint")

    def status(self) -> DuckdbStatus:
        """Return what is where."""
        rows = self._aside(f"select count(*) from {self._table}")[0][0]  # noqa: S608  quoted
        segments = self._aside(
            "select column_name, compression, count(*), max(row_group_id) + 1 from pragma_storage_info(?) "
            "where segment_type <> 'VALIDITY' group by all order by all",
            self._table,
        )
        codecs: dict[str, dict[str, int]] = {name: {} for name in self.schema.names}
        for column, codec, segments_count, _ in segments:
            codecs[column][codec.lower()] = segments_count
        groups = max((row[3] for row in segments), default=0)
        return DuckdbStatus(rows, groups, codecs, self._file_sizes())

    def _aside(self, text: str, *values: Value) -> list[Any]:
        """Ask beside the questions of the workload, on a connection of its own that is not profiled."""
        return self._db.cursor().execute(text, values).fetchall()

    # ------------------------------------------------------------ upkeep
    def drop_cache(self) -> None:
        """Let go of what is in DuckDB's memory: it is closed and opened again."""
        self._db.close()
        self._open()

    def close(self) -> None:
        """Close the file; remove it, if it is in a temporary folder."""
        self._db.close()
        self._remove_temporary()


_q = table_sql.quoted
