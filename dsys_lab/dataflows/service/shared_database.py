"""Why not let them read my table? Nothing is quicker to begin with, and nothing harder to change.

Whoever reads the table knows its columns by name; the schema is the contract, and nobody signed it. News comes by
polling: "what has a higher number than the last that I saw?" So a reader that was down loses nothing and the writer
never notices, for nobody called anybody. But a column that is renamed is gone for all readers in the same moment.

The shared table promises
-------------------------
1. A reader gets each row once, in the order of the numbers, also when it comes back after days.
2. A reader of a column that is gone stops with `CannotRead`, and its position stays where it was.

Cost: a query a poll, whether or not there is news. Left out: two writers, whose numbers may be seen out of order
(`dsys_lab.dataflows.change_capture.outbox`); ALTER, which the model's SQL does not know: a migrated
table is made anew in a database of its own, with its rows, and readers ask that one; rows that were changed or deleted
(`dsys_lab.stores.relational.slots` hears of those).

Sources: Hohpe and Woolf, *Enterprise Integration Patterns*, "Shared Database"; Fowler and Sadalage, "Evolutionary
database design"; Newman, *Monolith to Microservices*, ch. 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from dsys_lab.dataflows.service.versions import CannotRead, Record, Version
from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational import Answer, Done, RelationalDatabase, Rows
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.schema import Value

TABLE: Final = "night"
SQL_TYPES: Final = {"u8": "integer", "u16": "integer", "i32": "integer", "u32": "bigint", "i64": "bigint",
                    "f64": "double precision", "text": "text"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableStatus:
    """The columns that a shared table has, and how many rows."""

    columns: tuple[str, ...]
    rows: int


class SharedTable:
    """A producer's table that others read.

    Parameters
    ----------
    version : Version
        Its columns; a column `number` counts the rows from 1.

    Examples
    --------
    >>> table = SharedTable(Version.of("v1", "1 person u32, 2 hours_sleep f64"))
    >>> billing = TableReader(table, "billing", ["hours_sleep"])
    >>> table.write({"person": 17, "hours_sleep": 7.25})
    1
    >>> billing.poll(), billing.poll()
    ([{'number': 1, 'hours_sleep': 7.25}], [])
    """

    def __init__(self, version: Version) -> None:
        self._open(version)

    def _open(self, version: Version) -> None:
        self.version, self._last = version, 0
        columns = ", ".join(f"{field.name} {_sql_type(field.name, field.type)}" for field in self.version.fields)
        self._session = RelationalDatabase(VolatileDisk(), name=TABLE).session("producer")
        self._session.execute(f"CREATE TABLE {TABLE} (number bigint PRIMARY KEY, {columns})")

    def write(self, record: Record) -> int:
        """Insert a row, and return its number.

        Raises
        ------
        BadParameter
            If the record is not of the table's version.
        """
        values = self.version.read(self.version.check(record))
        number = self._last + 1
        said = ", ".join(map(_literal, [number, *values.values()]))
        answer = self._session.execute(f"INSERT INTO {TABLE} VALUES ({said})")  # noqa: S608  # literals of ours
        assert isinstance(answer, Done)
        self._last = number
        return number

    def ask(self, sql: str) -> Answer:
        """Run a reader's query on the table as it is now."""
        return self._session.execute(sql)

    def migrate(self, version: Version, mapper: Callable[[Record], Record]) -> None:
        """Give the table the columns of another version, and map each row, in one moment for everybody.

        Raises
        ------
        BadParameter
            If the table cannot have such a column, or a mapped row is not of the version; then all stays as it was.
        """
        columns = ", ".join(field.name for field in self.version.fields)
        old = self._session.execute(f"SELECT {columns} FROM {TABLE} ORDER BY number")  # noqa: S608  # checked names
        assert isinstance(old, Rows)
        new = SharedTable(version)
        for row in old.rows:
            new.write(mapper(dict(zip(old.columns, row, strict=True))))
        self.version, self._last, self._session = version, new._last, new._session

    def status(self) -> TableStatus:
        """Return its columns and rows."""
        return TableStatus(tuple(field.name for field in self.version.fields), self._last)


class TableReader:
    """A consumer that polls a shared table.

    Parameters
    ----------
    fields : iterable of str
        The columns that its query names.

    Attributes
    ----------
    position : int
        The number of the last row that it has.
    """

    def __init__(self, table: SharedTable, name: str, fields: Iterable[str], *, position: int = 0) -> None:
        self.table, self.name, self.fields, self.position = table, name, tuple(fields), position
        if not self.fields:
            raise BadParameter(f"{name} reads no column: give at least one")

    def poll(self) -> list[dict[str, Value]]:
        """Return the rows that are new.

        Raises
        ------
        CannotRead
            If a column is gone.
        """
        try:
            columns, since = ", ".join(self.fields), f"number > {self.position}"
            answer = self.table.ask(f"SELECT number, {columns} FROM {TABLE} WHERE {since} ORDER BY number")  # noqa: S608
        except BadParameter as error:
            gone = next((one for one in self.fields if one not in self.table.status().columns), self.fields[0])
            why = f"{error}; let the old column stand until its readers have moved"
            raise CannotRead(self.name, gone, why) from None
        assert isinstance(answer, Rows)
        if answer.rows:
            self.position = int(answer.rows[-1][0])  # type: ignore[arg-type]  # the number is never NULL
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _sql_type(name: str, kind: str) -> str:
    if kind not in SQL_TYPES:
        raise BadParameter(f"column {name!r}: a table has no {kind}; give one of {', '.join(SQL_TYPES)}")
    return SQL_TYPES[kind]


def _literal(value: Value) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
