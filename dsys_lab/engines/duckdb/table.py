"""A table in DuckDB, with the verbs of `dsys_lab.stores.table`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import duckdb
import numpy as np

from dsys_lab.engines import table_sql
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.duckdb.profile import Profile
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import BadParameter, MayHaveHappened, Refused
from dsys_lab.stores.table import Between, Measure, check_question
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder

TYPES: Final = {
    "u8": "utinyint", "u16": "usmallint", "u32": "uinteger", "u64": "ubigint",
    "i32": "integer", "i64": "bigint", "f64": "double", "text": "varchar",
}  # fmt: skip
_DTYPES: Final = {
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "i32": np.int32, "i64": np.int64, "f64": np.float64, "text": object,
}  # fmt: skip
_ONE_BY_ONE: Final = 16
"""So many rows are inserted one by one; more come as arrays, by column."""
_FETCHED: Final = 2_048

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


class DuckdbTable:
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
        column = schema.columns[schema.position(key)]
        if column.nullable or column.type in ("text", "f64"):
            raise BadParameter(f"key {key!r} is a {column.type}; give a column of whole numbers without NULL")
        self.name, self.schema, self.key, self.threads = name, schema, key, threads
        self.clock = WallClock(recorder)
        self.profile: Profile | None = None
        self._temporary = TemporaryDirectory(prefix="dsys_lab-", ignore_cleanup_errors=True) if folder is None else None
        self.path = Path(self._temporary.name if self._temporary else folder or ".") / f"{name}.duckdb"
        self._open()
        self._db.execute(table_sql.create(name, schema, key=key, types=TYPES))
        self._op = 0

    def _open(self) -> None:
        self._db = duckdb.connect(str(self.path), config={"threads": self.threads})
        if self.clock.is_recorded:
            self._db.execute("set enable_profiling = 'no_output'")
            self._db.execute("set profiling_mode = 'detailed'")

    # ------------------------------------------------------------ write path
    def append(self, rows: Iterable[Sequence[Value]], *, now_us: int = 0) -> int:
        """Add rows, all or none, and return how many."""
        checked = self.schema.check_all(rows)
        if len(checked) > _ONE_BY_ONE:
            return self.append_columns(_by_column(self.schema, checked))
        with self._during("append"), self._writing():
            self._db.begin()
            try:
                for row in checked:
                    self._db.execute(table_sql.insert(self.name, self.schema), row)
                self._db.commit()
            except duckdb.Error:
                self._db.rollback()
                raise
        return len(checked)

    def append_columns(self, columns: Mapping[str, Any], *, now_us: int = 0) -> int:
        """Add rows given by column: sequences or NumPy arrays, NULL as None or masked."""
        if set(columns) != set(self.schema.names):
            raise BadParameter(f"given the columns {', '.join(columns)}; the table has {', '.join(self.schema.names)}")
        arrays = {name: columns[name] for name in self.schema.names}
        with self._during("append"), self._writing():
            self._db.register("incoming", arrays)
            try:
                self._db.execute(f"insert into {self._table} select * from incoming")  # noqa: S608  quoted
            finally:
                self._db.unregister("incoming")
        return len(next(iter(arrays.values())))

    def update(self, key: int, changes: Mapping[str, Value], *, now_us: int = 0) -> bool:
        """Change columns of the row of `key`; return whether there was such a row."""
        self._check_key(key)
        checked = {name: self.schema.columns[self.schema.position(name)].check(new) for name, new in changes.items()}
        if checked.get(self.key, key) != key:
            raise BadParameter(f"the key {self.key!r} of a row stays; delete the row and append the new one")
        columns = [name for name in checked if name != self.key]
        if not columns:
            return self.get(key) is not None
        values = (*(checked[name] for name in columns), key)
        return self._change("update", table_sql.update(self.name, self.key, columns), values)

    def delete(self, key: int, *, now_us: int = 0) -> bool:
        """Take the row of `key` away; return whether there was one."""
        self._check_key(key)
        return self._change("delete", table_sql.delete(self.name, self.key), (key,))

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Write what is in the log to its place."""
        with self._during("checkpoint"):
            self._db.execute("checkpoint")

    # ------------------------------------------------------------ read path
    def get(self, key: int, *, now_us: int = 0) -> Values | None:
        """Return the row of `key`, or None."""
        self._check_key(key)
        with self._during("get"):
            found = self._db.execute(table_sql.get(self.name, self.key), (key,)).fetchall()
        return found[0] if found else None

    def scan(
        self, columns: Sequence[str] | None = None, where: Between | None = None, *, now_us: int = 0
    ) -> Iterator[Values]:
        """Give these columns of every row that passes."""
        names = self.schema.names if columns is None else tuple(columns)
        check_question(self.schema, names, where)
        return self._scan(table_sql.scan(self._table, self.schema, names, where), nothing=not names)

    def _scan(self, statement: table_sql.Statement, *, nothing: bool) -> Iterator[Values]:
        with self._during("scan"):
            asked = self._db.cursor().execute(*statement)
            while some := asked.fetchmany(_FETCHED):
                for row in some:
                    yield () if nothing else row

    def aggregate(
        self, measures: Sequence[Measure], *, where: Between | None = None, by: str | None = None, now_us: int = 0
    ) -> list[Values]:
        """Return one row of measures, or one for each value of `by`."""
        check_question(self.schema, (by,) if by else (), where, measures)
        statement = table_sql.aggregate(self._table, self.schema, measures, where, by)
        with self._during("aggregate"):
            rows = self._db.execute(*statement).fetchall()
        return rows if measures or by else [() for _ in rows[:1]]

    def status(self) -> DuckdbStatus:
        """Return what is where."""
        rows = self._fetch(f"select count(*) from {self._table}")[0][0]  # noqa: S608  quoted
        segments = self._fetch(
            "select column_name, compression, count(*), max(row_group_id) + 1 from pragma_storage_info(?) "
            "where segment_type <> 'VALIDITY' group by all order by all",
            self._table,
        )
        codecs: dict[str, dict[str, int]] = {name: {} for name in self.schema.names}
        for column, codec, segments_count, _ in segments:
            codecs[column][codec.lower()] = segments_count
        files = sorted(path for path in self.path.parent.iterdir() if path.name.startswith(self.path.name))
        groups = max((row[3] for row in segments), default=0)
        return DuckdbStatus(rows, groups, codecs, {path.name: path.stat().st_size for path in files})

    # ------------------------------------------------------------ upkeep
    def drop_cache(self) -> None:
        """Let go of what is in DuckDB's memory: it is closed and opened again."""
        self._db.close()
        self._open()

    def close(self) -> None:
        """Close the file; remove it, if it is in a temporary folder."""
        self._db.close()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _table(self) -> str:
        return table_sql.quoted(self.name)

    def _check_key(self, key: int) -> None:
        self.schema.columns[self.schema.position(self.key)].check(key)

    def _change(self, name: str, statement: str, values: tuple[Value, ...]) -> bool:
        with self._during(name), self._writing():
            changed = self._db.execute(statement, values).fetchall()
        return bool(changed and changed[0][0])

    def _fetch(self, statement: str, *values: Value) -> list[Any]:
        """Ask beside the questions of the workload, on a connection of its own that is not profiled."""
        return self._db.cursor().execute(statement, values).fetchall()

    @contextmanager
    def _during(self, name: str) -> Iterator[None]:
        self._op += 1
        op = self._op
        self.clock.emit("begin", self.name, op=op, name=name)
        try:
            yield
        except Exception:
            self.clock.emit("end", self.name, op=op, ok=False)
            raise
        told: dict[str, int | None] = {}
        if self.clock.is_recorded and name in ("get", "aggregate"):
            self.profile = Profile.of(self._db.get_profiling_information(format="json"))
            told = asdict(self.profile)
        self.clock.emit("end", self.name, op=op, ok=True, **told)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except duckdb.ConversionException as error:
            raise BadParameter(f"{self.name}: {_first_line(error)}; nothing was written") from None
        except duckdb.ConstraintException as error:
            first = _first_line(error)
            if "NOT NULL" in first:
                raise BadParameter(f"{self.name}: {first}; nothing was written") from None
            raise Refused(f"{self.name}: a key is there twice; nothing was written ({first})") from None
        except duckdb.IOException as error:
            raise MayHaveHappened(f"{self.name}: the disk failed ({error}); open the table anew to see") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _by_column(schema: Schema, rows: Sequence[Values]) -> dict[str, Any]:
    """Return rows as masked arrays by column, which DuckDB reads where they are."""
    columns: dict[str, Any] = {}
    for column, values in zip(schema.columns, zip(*rows, strict=True), strict=True):
        nulls = np.array([value is None for value in values])
        filler = "" if column.type == "text" else 0
        present = np.array([filler if value is None else value for value in values], _DTYPES[column.type])
        columns[column.name] = np.ma.masked_array(present, nulls) if nulls.any() else present
    return columns
