"""Parquet, by DuckDB: columns one after the other, and a directory at the end that says where each begins.

A `dsys_lab.stores.lake.files.Codec`, for rows and for the checkpoints of a log, whose columns are the protocol's own:
one for each kind of action, all but one of them NULL in a row.

DuckDB reads and writes files, not bytes, so each goes through a temporary one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.errors import Damaged
from dsys_lab.stores.lake import Columns, Fields

SQL_TYPES: Final = {
    "byte": "TINYINT", "short": "SMALLINT", "integer": "INTEGER", "long": "BIGINT", "float": "FLOAT",
    "double": "DOUBLE", "boolean": "BOOLEAN", "string": "VARCHAR", "date": "DATE",
}  # fmt: skip
"""The protocol's types in SQL."""
_NUMPY: Final = {"byte": np.int8, "short": np.int16, "integer": np.int32, "long": np.int64, "float": np.float32,
                 "double": np.float64, "boolean": np.bool_}  # fmt: skip
_TEXTS: Final = "MAP(VARCHAR, VARCHAR)"
_LINE: Final = {
    "txn": "STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)",
    "add": f"STRUCT(path VARCHAR, partitionValues {_TEXTS}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, "
    "stats VARCHAR)",
    "remove": "STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN)",
    "metaData": f"STRUCT(id VARCHAR, name VARCHAR, format STRUCT(provider VARCHAR, options {_TEXTS}), schemaString "
    f"VARCHAR, partitionColumns VARCHAR[], configuration {_TEXTS}, createdTime BIGINT)",
    "protocol": "STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)",
}
"""The columns of a checkpoint."""


class Parquet:
    """Rows as Parquet, and back.

    >>> codec, fields = Parquet(), Fields.of("id long, city string?")
    >>> data = codec.encode(fields, {"id": [1, 2], "city": ["Oslo", None]})
    >>> data[:4], codec.decode(data, fields, ["city"])
    (b'PAR1', {'city': ['Oslo', None]})
    """

    suffix = "parquet"

    def __init__(self) -> None:
        self._db = connected(threads=1)

    # ------------------------------------------------------------ rows
    def encode(self, fields: Fields, columns: Columns, *, field_ids: Mapping[str, int] | None = None) -> bytes:
        """Return a file of these rows; `field_ids` are numbers of the columns, which Iceberg knows them by."""
        ids = ", ".join(f"{quoted(name)}: {number}" for name, number in (field_ids or {}).items())
        self._db.register("rows_in", arrays(fields, columns))
        try:
            return self._written(typed(fields, "rows_in"), f", field_ids {{{ids}}}" if ids else "")
        finally:
            self._db.unregister("rows_in")

    def decode(self, data: bytes, fields: Fields, names: Sequence[str]) -> Columns:
        """Return these columns; one that the file does not have is NULL everywhere."""
        kinds = {field.name: field.type for field in fields.fields}
        with self._as_file(data) as path:
            there = {row[0] for row in self._db.execute(f"describe from {path}").fetchall()}
            chosen = ", ".join(_read_back(name, kinds[name], there) for name in names)
            rows = self._db.execute(f"select {chosen} from {path}").fetchall()  # noqa: S608  quoted
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}

    def column_bytes(self, data: bytes) -> dict[str, int]:
        """Return how many bytes of a file each column has."""
        with self._as_file(data) as path:
            asked = f"select path_in_schema, sum(total_compressed_size) from {path} group by all"  # noqa: S608  ours
            rows = self._db.execute(asked.replace("read_parquet", "parquet_metadata")).fetchall()
        return {name: int(size_bytes) for name, size_bytes in rows}

    # ------------------------------------------------------------ checkpoints
    def encode_actions(self, lines: Iterable[Mapping[str, Any]]) -> bytes:
        """Return a checkpoint."""
        shape = json.dumps(_LINE)
        self._db.execute("create or replace temp table lines (line varchar)")
        self._db.executemany("insert into lines values (?)", [[json.dumps(line)] for line in lines])
        return self._written(f"select unnest(from_json(line, '{shape}')) from lines")  # noqa: S608  our own

    def decode_actions(self, data: bytes) -> list[dict[str, Any]]:
        """Return the lines of a checkpoint."""
        with self._as_file(data) as path:
            rows = self._db.execute(f"select to_json(line)::varchar from {path} line").fetchall()  # noqa: S608  ours
        return [json.loads(line) for (line,) in rows]

    # ------------------------------------------------------------ files
    def _written(self, query: str, more: str = "") -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder, "file.parquet")
            self._db.execute(f"copy ({query}) to {quoted_text(path)} (format parquet, compression snappy{more})")
            return path.read_bytes()

    @contextmanager
    def _as_file(self, data: bytes) -> Iterator[str]:
        """Give what stands for the bytes in SQL; what cannot be read is `Damaged`."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "file.parquet")
            path.write_bytes(data)
            try:
                yield f"read_parquet({quoted_text(path)})"
            except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
                told = str(error).partition("\n")[0].replace(str(path), "the file")
                raise Damaged(f"this is not the Parquet file that was written ({told}): get it from a copy") from None

    def close(self) -> None:
        """Let go of DuckDB."""
        self._db.close()


def arrays(fields: Fields, columns: Columns) -> dict[str, Any]:
    """Return rows as DuckDB reads them where they are: an array for each column, NULLs masked."""
    return {field.name: _array(field.type, columns[field.name]) for field in fields.fields}


def typed(fields: Fields, table: str) -> str:
    """Return SQL for such rows in the types of the table."""
    columns = (f"cast({quoted(one.name)} as {SQL_TYPES[one.type]}) as {quoted(one.name)}" for one in fields.fields)
    return f"select {', '.join(columns)} from {table}"  # noqa: S608  quoted


def _array(kind: str, values: list[Any]) -> Any:
    nulls = np.array([value is None for value in values], np.bool_)
    if kind not in _NUMPY:
        return np.ma.masked_array(np.array(["" if one is None else one for one in values], dtype=object), nulls)
    return np.ma.masked_array(np.array([0 if one is None else one for one in values], _NUMPY[kind]), nulls)


def _read_back(name: str, kind: str, there: set[str]) -> str:
    """Return SQL for a column as it is handed out: a date as its text."""
    if name not in there:
        return "null"
    told = f"cast({quoted(name)} as {SQL_TYPES[kind]})"
    return f"cast({told} as varchar)" if kind == "date" else told


def read_files(paths: Iterable[str], fields: Fields, partition_by: Sequence[str] = ()) -> str:
    """Return SQL for the rows of files; what they are partitioned by is read off the names of their folders."""
    listed = ", ".join(quoted_text(Path(path)) for path in paths)
    kinds = ", ".join(f"'{one.name}': {SQL_TYPES[one.type]}" for one in fields.fields if one.name in partition_by)
    folders = f"hive_partitioning = true, hive_types = {{{kinds}}}" if kinds else "hive_partitioning = false"
    return f"read_parquet([{listed}], union_by_name = true, {folders})"


def quoted(name: str) -> str:
    """Return a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(path: Path) -> str:
    """Return a path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
