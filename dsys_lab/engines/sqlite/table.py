"""A table in SQLite, with the verbs of `dsys_lab.stores.table`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from dsys_lab.engines import table_sql
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.sql_table import SqlTable
from dsys_lab.engines.sqlite.pages import WatchedFiles
from dsys_lab.errors import BadParameter, Damaged, DsysLabError, MayHaveHappened, Refused, require_choice
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.view import as_values
from dsys_lab.stores.table import Between, Measure, check_question
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder

PAGE_BYTES: Final = 8_192
TYPES: Final = dict.fromkeys(("u8", "u16", "u32", "u64", "i32", "i64"), "integer") | {"f64": "real", "text": "text"}
_SOURCES: Final = {None: "", "scan": " not indexed", "index": " indexed by "}

DIFFERENCES: Final = (
    Difference(
        "a heap for the rows, a tree for the keys",
        "one tree: the rows stand in the leaves of the key's tree",
        "The walk is a page shorter, but a cold read needs the file's first page, too; a row grows in place only until "
        "its leaf splits.",
    ),
    Difference(
        "`page_read` says how many bytes of the page were asked for",
        "SQLite's file system is not told",
        "`used_bytes` is empty in its rows.",
        ("used_bytes",),
    ),
    Difference(
        "whole numbers from -2**63 to 2**64 - 1",
        "to 2**63 - 1",
        "A larger one is refused; a sum that grows larger is an error instead of a number.",
        ("u64",),
    ),
    Difference(
        "every whole number takes the bytes of its type",
        "0 to 8 bytes, as many as the number needs, and a byte a column that says so",
        "Small numbers take less, and every column a little more: 24,000 nights come to about the same, 202 pages "
        "for 200, and the file's first page.",
    ),
    Difference(
        "the caller says `via`",
        "a planner chooses, from statistics",
        "`via='index'` and `via='scan'` hold it to one way (INDEXED BY, NOT INDEXED); without `via` it is free.",
    ),
    Difference(
        "a pool of so many frames",
        "a cache of its own beside the operating system's",
        "`drop_cache` empties SQLite's; the pages that it then asks for may still come from the system's memory.",
    ),
)
"""What the engine does otherwise than `stores.row_store`, as a table."""


@dataclass(frozen=True, slots=True)
class SqliteStatus:
    """What is where.

    Attributes
    ----------
    rows : int
    pages : dict
        Pages of the table, and of each index (SQLite's own count, its table `dbstat`).
    size_bytes : dict
        By file.
    """

    rows: int
    pages: dict[str, int]
    size_bytes: dict[str, int]


class SqliteTable(SqlTable):
    """A table in SQLite (see `dsys_lab.stores.table` for what may be asked of it).

    Time is real: `now_us` is taken and not looked at, rows of the trace carry microseconds since the start.

    Parameters
    ----------
    name : str
        The table's name: of its file, and of its place in the trace.
    schema : Schema
    key : str
        A column of whole numbers without NULL.
    indexes : sequence of str
        More columns to find rows by.
    folder : path, optional
        Where the file is; by default in a temporary folder that goes with this object.
    durable : bool
        Whether what is acknowledged survives a crash (`PRAGMA synchronous`).
    recorder : Recorder

    Examples
    --------
    >>> sleep = SqliteTable("sleep", Schema.of("id u32, hours_sleep f64?, age u8, city text"), key="id")
    >>> sleep.append([(1, 7.5, 40, "Oslo"), (2, None, 31, "Lagos"), (3, 6.5, 62, "Oslo")])
    3
    >>> sleep.aggregate([Measure("avg", "hours_sleep"), Measure("count", "id")], by="city")
    [('Lagos', None, 1), ('Oslo', 7.0, 2)]
    >>> sleep.close()
    """

    engine = f"SQLite {apsw.sqlite_lib_version()}"
    suffix = "sqlite"
    types = TYPES
    whole_max = 2**63 - 1

    def __init__(
        self,
        name: str,
        schema: Schema,
        *,
        key: str,
        indexes: Sequence[str] = (),
        folder: str | Path | None = None,
        durable: bool = True,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        super().__init__(name, schema, key=key, indexes=indexes, folder=folder, recorder=recorder)
        self._files = WatchedFiles(name, PAGE_BYTES, self.clock)
        self._db = apsw.Connection(str(self.path), vfs=self._files.name)
        with self._beginning(), self._files.quietly():
            self._db.pragma("page_size", PAGE_BYTES)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full" if durable else "off")
            self._begin(more="strict")
            for index in indexes:
                self._ask(f"create index if not exists {self._index(index)} on {self._table} ({_q(index)})")

    # ------------------------------------------------------------ the dialect
    def _ask(self, text: str, values: Sequence[Value] = ()) -> list[Any]:
        return list(self._each(text, values))

    def _each(self, text: str, values: Sequence[Value]) -> Iterator[Any]:
        return self._db.execute(text, _sized(values))

    def _change(self, text: str, values: Sequence[Value]) -> int:
        with self._transaction():
            self._db.execute(text, values)
            return self._db.changes()

    def _insert(self, rows: Iterable[Values]) -> None:
        with self._transaction():
            self._db.executemany(table_sql.insert(self.name, self.schema), rows)

    def _insert_columns(self, columns: dict[str, Filled]) -> None:
        self._insert(zip(*map(as_values, columns.values()), strict=True))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Do what is inside or nothing; of some errors (no room) SQLite has rolled back by itself."""
        self._db.execute("begin")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def _meaning(self, error: Exception) -> DsysLabError | None:
        match error:
            case apsw.ConstraintError():
                return Refused(f"{self.name}: a key is there twice; nothing was written ({error})")
            case apsw.CorruptError() | apsw.NotADBError():
                return Damaged(f"{self.path.name} is not what was written ({error}); restore it from a copy")
            case apsw.IOError() | apsw.FullError():
                return MayHaveHappened(f"{self.name}: the disk failed ({error}); open the table anew to see")
            case apsw.SQLError() if "overflow" in str(error):
                return Refused(f"{self.name}: the sum passes 2**63, the end of SQLite's whole numbers")
        return None

    # ------------------------------------------------------------ the verbs, where they are more
    def scan(
        self,
        columns: Sequence[str] | None = None,
        where: Between | None = None,
        *,
        via: str | None = None,
        now_us: int = 0,
    ) -> Iterator[Values]:
        """Give these columns of every row that passes; `via` as in the model, or as the planner likes."""
        return self._scan(self._source(via, where), columns, where)

    def aggregate(
        self,
        measures: Sequence[Measure],
        *,
        where: Between | None = None,
        by: str | None = None,
        via: str | None = None,
        now_us: int = 0,
    ) -> list[Values]:
        """Return one row of measures, or one for each value of `by`.

        Raises
        ------
        Refused
            If a sum of whole numbers passes 2**63.
        """
        return self._aggregate(self._source(via, where), measures, where, by)

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Bring the log's pages to where they belong, and gather the planner's statistics."""
        with self._during("checkpoint"):
            if self.indexes:
                self._db.execute("analyze")
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def status(self) -> SqliteStatus:
        """Return what is where."""
        with self._files.quietly():
            [(rows,)] = self._ask(f"select count(*) from {self._table}")  # noqa: S608  quoted
            pages = dict(self._ask("select name, count(*) from dbstat group by name order by name"))
        mine = {name: count for name, count in pages.items() if not name.startswith("sqlite_")}
        return SqliteStatus(rows, mine, self._file_sizes())

    def explain(self, measures: Sequence[Measure], *, where: Between | None = None, by: str | None = None) -> str:
        """Return in SQLite's words how it would answer (EXPLAIN QUERY PLAN)."""
        check_question(self.schema, (by,) if by else (), where, measures)
        text, values = table_sql.aggregate(self._table, self.schema, measures, where, by)
        with self._files.quietly():
            return "\n".join(row[3] for row in self._ask(f"explain query plan {text}", values))

    # ------------------------------------------------------------ upkeep
    def drop_cache(self) -> None:
        """Let go of the pages in SQLite's memory: the next question asks the file system for them."""
        self._db.pragma("shrink_memory")

    def close(self) -> None:
        """Close the file; remove it, if it is in a temporary folder."""
        with self._files.quietly():
            self._db.close()
        self._files.unregister()
        self._remove_temporary()

    def _index(self, column: str) -> str:
        return _q(f"{self.name}_by_{column}")

    def _source(self, via: str | None, where: Between | None) -> str:
        if via is not None:
            require_choice("via", via, ("scan", "index"))
        if via != "index":
            return self._table + _SOURCES[via]
        if where is None or where.column not in (*self.indexes, self.key):
            raise BadParameter(
                f"via='index' needs a filter on an indexed column: {', '.join((self.key, *self.indexes))}"
            )
        return self._table + (_SOURCES[via] + self._index(where.column) if where.column != self.key else "")


_q = table_sql.quoted


def _sized(values: Iterable[Value]) -> tuple[Value, ...]:
    """Return bounds as SQLite can compare them: one beyond its whole numbers as a float."""
    return tuple(float(v) if isinstance(v, int) and abs(v) > SqliteTable.whole_max else v for v in values)
