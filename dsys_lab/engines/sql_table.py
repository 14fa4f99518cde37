"""A table in an SQL engine, with the verbs of `dsys_lab.stores.table`: what all such engines share.

The verbs, what is refused before the engine sees it, the rows of the trace, a file in a folder that comes and goes.
An engine adds a *dialect*: how it is opened, asked and told of changes, and which of its errors mean what (`_opened`,
`_ask`, `_each`, `_change`, `_insert`, `_meaning`). The statements are in `table_sql`.

Promises
--------
1. Those of `stores.table`: bad input is refused whole, before the engine sees it, in the words of the models.
2. An engine's own error never comes out where ours say the same: a key that is there is `Refused`, a file that is not
   what was written is `Damaged` and named, a failing disk is `MayHaveHappened`.
3. A table is opened only as what it is, as far as the engine can tell its types apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

from dsys_lab.engines import table_sql
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import BadParameter, DsysLabError
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.incoming import from_columns
from dsys_lab.stores.row_store.column_index import indexed_columns
from dsys_lab.stores.table import Between, Measure, check_question
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder, Scalar


class SqlTable(ABC):
    """A table in an SQL engine; see the engines for their parameters.

    Attributes
    ----------
    engine : str
        Name and version.
    path : Path
        Its file.
    clock : WallClock
        Where its rows go.
    """

    engine: ClassVar[str]
    suffix: ClassVar[str]
    """Of its file."""
    types: ClassVar[Mapping[str, str]]
    """The engine's word for each type of a schema."""
    whole_max: ClassVar[int] = 2**64 - 1
    """The largest whole number that the engine stores."""

    def __init__(
        self,
        name: str,
        schema: Schema,
        *,
        key: str,
        indexes: Sequence[str] = (),
        folder: str | Path | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        _check_names(name, schema)
        indexed_columns(schema, key, tuple(indexes))
        self.name, self.schema, self.key, self.indexes = name, schema, key, tuple(indexes)
        self.clock = WallClock(recorder)
        self._wide = [place for place, column in enumerate(schema.columns) if column.type == "u64"]
        self._op = 0
        self._temporary = TemporaryDirectory(prefix="dsys_lab-", ignore_cleanup_errors=True) if folder is None else None
        self.path = Path(self._temporary.name if self._temporary else folder or ".") / f"{name}.{self.suffix}"
        self.path.parent.mkdir(parents=True, exist_ok=True)

    # ------------------------------------------------------------ the dialect
    @abstractmethod
    def _ask(self, text: str, values: Sequence[Value] = ()) -> list[Any]:
        """Return all rows of an answer."""

    @abstractmethod
    def _each(self, text: str, values: Sequence[Value]) -> Iterator[Any]:
        """Give the rows of an answer one by one; others may ask in between."""

    @abstractmethod
    def _change(self, text: str, values: Sequence[Value]) -> int:
        """Change rows, durably, and return how many."""

    @abstractmethod
    def _insert(self, rows: Sequence[Values]) -> None:
        """Add checked rows, all or none, durably."""

    @abstractmethod
    def _insert_columns(self, columns: dict[str, Filled]) -> None:
        """Add checked columns, all or none, durably."""

    @abstractmethod
    def _meaning(self, error: Exception) -> DsysLabError | None:
        """Return what an error of the engine lets one conclude; None for one that is not the engine's, or unknown."""

    def _told(self, name: str) -> Mapping[str, Scalar]:
        """Return what the engine tells of an operation that it has done, for its `end` row."""
        return {}

    # ------------------------------------------------------------ write path
    def append(self, rows: Iterable[Sequence[Value]], *, now_us: int = 0) -> int:
        """Add rows, all or none, and return how many."""
        checked = self.schema.check_all(rows)
        for place in self._wide:
            self._check_size([row[place] for row in checked])
        with self._during("append"):
            self._insert(checked)
        return len(checked)

    def append_columns(self, columns: Mapping[str, Any], *, now_us: int = 0) -> int:
        """Add rows given by column, all or none, and return how many: sequences or NumPy arrays, NULL None or masked.

        Raises
        ------
        BadParameter
            If columns are missing, unknown or of different lengths, or a value does not fit.
        Refused
            If a key is there already, or twice.
        """
        checked = from_columns(self.schema, columns)
        for place in self._wide:
            self._check_size(checked[self.schema.names[place]].values.tolist())
        with self._during("append"):
            self._insert_columns(checked)
        return len(checked[self.key].values)

    def update(self, key: int, changes: Mapping[str, Value], *, now_us: int = 0) -> bool:
        """Change columns of the row of `key`; return whether there was such a row."""
        self._check_key(key)
        checked = {name: self.schema.columns[self.schema.position(name)].check(new) for name, new in changes.items()}
        if checked.get(self.key, key) != key:
            raise BadParameter(f"the key {self.key!r} of a row stays; delete the row and append the new one")
        self._check_size(checked.values())
        columns = [name for name in checked if name != self.key]
        if not columns:
            return self.get(key) is not None
        text, values = table_sql.update(self.name, self.key, columns), (*(checked[name] for name in columns), key)
        with self._during("update"):
            return key <= self.whole_max and self._change(text, values) > 0

    def delete(self, key: int, *, now_us: int = 0) -> bool:
        """Take the row of `key` away; return whether there was one."""
        self._check_key(key)
        with self._during("delete"):
            return key <= self.whole_max and self._change(table_sql.delete(self.name, self.key), (key,)) > 0

    # ------------------------------------------------------------ read path
    def get(self, key: int, *, now_us: int = 0) -> Values | None:
        """Return the row of `key`, or None."""
        self._check_key(key)
        with self._during("get"):
            found = self._ask(table_sql.get(self.name, self.key), (key,)) if key <= self.whole_max else []
        return found[0] if found else None

    def scan(
        self, columns: Sequence[str] | None = None, where: Between | None = None, *, now_us: int = 0
    ) -> Iterator[Values]:
        """Give these columns of every row that passes."""
        return self._scan(self._table, columns, where)

    def aggregate(
        self, measures: Sequence[Measure], *, where: Between | None = None, by: str | None = None, now_us: int = 0
    ) -> list[Values]:
        """Return one row of measures, or one for each value of `by`.

        Raises
        ------
        Refused
            If a sum is larger than the engine's numbers.
        """
        return self._aggregate(self._table, measures, where, by)

    def _scan(self, source: str, columns: Sequence[str] | None, where: Between | None) -> Iterator[Values]:
        names = self.schema.names if columns is None else tuple(columns)
        check_question(self.schema, names, where)
        return self._scanned(table_sql.scan(source, self.schema, names, where), nothing=not names)

    def _scanned(self, statement: table_sql.Statement, *, nothing: bool) -> Iterator[Values]:
        with self._during("scan"):
            for row in self._each(*statement):
                yield () if nothing else row

    def _aggregate(
        self, source: str, measures: Sequence[Measure], where: Between | None, by: str | None
    ) -> list[Values]:
        check_question(self.schema, (by,) if by else (), where, measures)
        text, values = table_sql.aggregate(source, self.schema, measures, where, by)
        with self._during("aggregate"):
            rows = self._ask(text, values)
        return rows if measures or by else [() for _ in rows[:1]]

    # ------------------------------------------------------------ upkeep
    @abstractmethod
    def close(self) -> None:
        """Close the file; remove it, if it is in a temporary folder."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _beginning(self) -> Iterator[None]:
        """Make the engine's own table inside; let go of the file if that fails."""
        try:
            with self._in_our_words():
                yield
        except BaseException:
            self.close()
            raise

    def _begin(self, *, more: str = "") -> None:
        """Make the table if there is none, and refuse one that is something else."""
        self._ask(table_sql.create(self.name, self.schema, key=self.key, types=self.types, more=more))
        found = [(name, type_.lower(), bool(held or key), bool(key)) for name, type_, held, key in
                 self._ask(table_sql.DESCRIPTION, (self.name,))]  # fmt: skip
        wanted = [(column.name, self.types[column.type], not column.nullable, column.name == self.key) for column in
                  self.schema.columns]  # fmt: skip
        if found != wanted:
            there = ", ".join(f"{name} {type_}" for name, type_, _, _ in found)
            raise BadParameter(f"{self.path.name} holds another table ({there}): open it as that, or take a new folder")

    def _remove_temporary(self) -> None:
        if self._temporary:
            self._temporary.cleanup()

    def _file_sizes(self) -> dict[str, int]:
        files = sorted(path for path in self.path.parent.iterdir() if path.name.startswith(self.path.name))
        return {path.name: path.stat().st_size for path in files}

    @property
    def _table(self) -> str:
        return table_sql.quoted(self.name)

    def _check_key(self, key: int) -> None:
        self.schema.columns[self.schema.position(self.key)].check(key)

    def _check_size(self, values: Iterable[Value]) -> None:
        for number, value in enumerate(values):
            if isinstance(value, int) and value > self.whole_max:
                end = f"2**{self.whole_max.bit_length()} - 1"
                raise BadParameter(f"row {number}: {value:,} is beyond {end}, the end of {self.engine}'s whole numbers")

    @contextmanager
    def _during(self, name: str) -> Iterator[None]:
        """Make what happens inside one operation, between its rows `begin` and `end`."""
        self._op += 1
        op = self._op
        self.clock.emit("begin", self.name, op=op, name=name)
        try:
            with self._in_our_words():
                yield
        except Exception:
            self.clock.emit("end", self.name, op=op, ok=False)
            raise
        self.clock.emit("end", self.name, op=op, ok=True, **self._told(name))

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if (meant := self._meaning(error)) is None:
                raise
            raise meant from error


def _check_names(name: str, schema: Schema) -> None:
    """Refuse names that an SQL engine takes for something else."""
    if not name.isidentifier():
        raise BadParameter(f"table name {name!r}: give letters, digits and _, not a digit first")
    seen: dict[str, str] = {}
    for column in schema.names:
        if (other := seen.setdefault(column.lower(), column)) != column:
            raise BadParameter(f"columns {other!r} and {column!r} differ only in case, which SQL does not tell apart")
