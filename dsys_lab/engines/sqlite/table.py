"""A table in SQLite, with the verbs of `dsys_lab.stores.table`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import apsw

from dsys_lab.engines import table_sql
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.sqlite.pages import WatchedFiles
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import BadParameter, MayHaveHappened, Refused, require_choice
from dsys_lab.stores.table import Between, Measure, check_question
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder

PAGE_BYTES: Final = 8_192
TYPES: Final = dict.fromkeys(("u8", "u16", "u32", "u64", "i32", "i64"), "integer") | {"f64": "real", "text": "text"}
LARGEST: Final = 2**63 - 1
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


class SqliteTable:
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
        column = schema.columns[schema.position(key)]
        if column.nullable or column.type in ("text", "f64"):
            raise BadParameter(f"key {key!r} is a {column.type}; give a column of whole numbers without NULL")
        for index in indexes:
            schema.position(index)
        self.name, self.schema, self.key, self.indexes = name, schema, key, tuple(indexes)
        self.clock = WallClock(recorder)
        self._temporary = TemporaryDirectory(prefix="dsys_lab-", ignore_cleanup_errors=True) if folder is None else None
        self.path = Path(self._temporary.name if self._temporary else folder or ".") / f"{name}.sqlite"
        self._files = WatchedFiles(name, PAGE_BYTES, self.clock)
        with self._files.quietly():
            self._db = apsw.Connection(str(self.path), vfs=self._files.name)
            self._db.pragma("page_size", PAGE_BYTES)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full" if durable else "off")
            self._db.execute(table_sql.create(name, schema, key=key, types=TYPES, more="strict"))
            for index in indexes:
                self._db.execute(f"create index if not exists {self._index(index)} on {self._table} ({_q(index)})")
        self._op = 0

    # ------------------------------------------------------------ write path
    def append(self, rows: Iterable[Sequence[Value]], *, now_us: int = 0) -> int:
        """Add rows, all or none, and return how many."""
        checked = self.schema.check_all(rows)
        for number, row in enumerate(checked):
            _check_size(row, f"row {number}")
        with self._during("append"), self._writing(), self._db:
            self._db.executemany(table_sql.insert(self.name, self.schema), checked)
        return len(checked)

    def append_columns(self, columns: Mapping[str, Any], *, now_us: int = 0) -> int:
        """Add rows given by column: sequences or NumPy arrays, NULL as None or masked."""
        values = [columns[name] for name in self.schema.names]
        return self.append(zip(*(v.tolist() if hasattr(v, "tolist") else v for v in values), strict=True))

    def update(self, key: int, changes: Mapping[str, Value], *, now_us: int = 0) -> bool:
        """Change columns of the row of `key`; return whether there was such a row."""
        self._check_key(key)
        checked = {name: self.schema.columns[self.schema.position(name)].check(new) for name, new in changes.items()}
        _check_size(checked.values(), f"key {key}")
        if checked.get(self.key, key) != key:
            raise BadParameter(f"the key {self.key!r} of a row stays; delete the row and append the new one")
        columns = [name for name in checked if name != self.key]
        if not columns:
            return self.get(key) is not None
        with self._during("update"), self._writing(), self._db:
            self._db.execute(
                table_sql.update(self.name, self.key, columns), (*(checked[name] for name in columns), key)
            )
        return bool(self._db.changes())

    def delete(self, key: int, *, now_us: int = 0) -> bool:
        """Take the row of `key` away; return whether there was one."""
        self._check_key(key)
        with self._during("delete"), self._writing(), self._db:
            self._db.execute(table_sql.delete(self.name, self.key), (key,))
        return bool(self._db.changes())

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Bring the log's pages to where they belong, and gather the planner's statistics."""
        with self._during("checkpoint"):
            if self.indexes:
                self._db.execute("analyze")
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    # ------------------------------------------------------------ read path
    def get(self, key: int, *, now_us: int = 0) -> Values | None:
        """Return the row of `key`, or None."""
        self._check_key(key)
        if key > LARGEST:
            return None
        with self._during("get"):
            found = list(self._db.execute(table_sql.get(self.name, self.key), (key,)))
        return found[0] if found else None

    def scan(
        self,
        columns: Sequence[str] | None = None,
        where: Between | None = None,
        *,
        via: str | None = None,
        now_us: int = 0,
    ) -> Iterator[Values]:
        """Give these columns of every row that passes; `via` as in the model, or as the planner likes."""
        names = self.schema.names if columns is None else tuple(columns)
        check_question(self.schema, names, where)
        statement = table_sql.scan(self._source(via, where), self.schema, names, where)
        return self._scan(statement, nothing=not names)

    def _scan(self, statement: table_sql.Statement, *, nothing: bool) -> Iterator[Values]:
        with self._during("scan"):
            for row in self._db.execute(statement[0], _sized(statement[1])):
                yield () if nothing else row

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
        check_question(self.schema, (by,) if by else (), where, measures)
        text, values = table_sql.aggregate(self._source(via, where), self.schema, measures, where, by)
        with self._during("aggregate"):
            try:
                rows = list(self._db.execute(text, _sized(values)))
            except apsw.SQLError as error:
                if "overflow" not in str(error):
                    raise
                raise Refused(f"{self.name}: the sum passes 2**63, the end of SQLite's whole numbers") from None
        return rows if measures or by else [() for _ in rows[:1]]

    def status(self) -> SqliteStatus:
        """Return what is where."""
        with self._files.quietly():
            [(rows,)] = self._db.execute(f"select count(*) from {self._table}")  # noqa: S608  quoted
            pages = dict(self._db.execute("select name, count(*) from dbstat group by name order by name"))
        files = sorted(path for path in self.path.parent.iterdir() if path.name.startswith(self.path.name))
        mine = {name: count for name, count in pages.items() if not name.startswith("sqlite_")}
        return SqliteStatus(rows, mine, {path.name: path.stat().st_size for path in files})

    def explain(self, measures: Sequence[Measure], *, where: Between | None = None, by: str | None = None) -> str:
        """Return in SQLite's words how it would answer (EXPLAIN QUERY PLAN)."""
        text, values = table_sql.aggregate(self._table, self.schema, measures, where, by)
        with self._files.quietly():
            return "\n".join(row[3] for row in self._db.execute(f"explain query plan {text}", _sized(values)))

    # ------------------------------------------------------------ upkeep
    def drop_cache(self) -> None:
        """Let go of the pages in SQLite's memory: the next question asks the file system for them."""
        self._db.pragma("shrink_memory")

    def close(self) -> None:
        """Close the file; remove it, if it is in a temporary folder."""
        with self._files.quietly():
            self._db.close()
        self._files.unregister()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _table(self) -> str:
        return _q(self.name)

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

    def _check_key(self, key: int) -> None:
        self.schema.columns[self.schema.position(self.key)].check(key)

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
        self.clock.emit("end", self.name, op=op, ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except apsw.ConstraintError as error:
            raise Refused(f"{self.name}: a key is there twice; nothing was written ({error})") from None
        except (apsw.IOError, apsw.FullError) as error:
            raise MayHaveHappened(f"{self.name}: the disk failed ({error}); open the table anew to see") from error


_q = table_sql.quoted


def _check_size(values: Iterable[Value], which: str) -> None:
    for value in values:
        if isinstance(value, int) and value > LARGEST:
            raise BadParameter(f"{which}: {value:,} is beyond 2**63 - 1, the end of SQLite's whole numbers")


def _sized(values: Iterable[Value]) -> tuple[Value, ...]:
    """Return bounds as SQLite can compare them: one beyond its whole numbers as a float."""
    return tuple(float(v) if isinstance(v, int) and abs(v) > LARGEST else v for v in values)
