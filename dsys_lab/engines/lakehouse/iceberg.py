"""Iceberg, through PyIceberg: the other answer to the same question.

No log of numbered commits, but a tree that is written anew at its top for each version, and one pointer to the top,
which a *catalogue* swaps if it is still what the writer read::

    catalogue (SQLite)  -->  metadata.json  -->  snap-….avro (manifest list)  -->  ….avro (manifest)  -->  data files
                              columns by number,    one line a manifest            one line a file, with its
                              all snapshots         with what its files span       least and greatest values

A column is its number: renamed, it keeps its rows, and a new one of the old name does not find them.

PyIceberg plans which files a question needs; DuckDB reads them, by the numbers of the columns.

Sources: iceberg.apache.org, "Spec"; behaviour as measured with pyiceberg 0.12.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.lakehouse.parquet import Parquet, quoted_text
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.stores.lake import Columns, CommitConflict, Fields
from dsys_lab.stores.lake.files import checked

try:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.schema import Schema
    from pyiceberg.typedef import Record
    from pyiceberg.types import (
        BooleanType,
        DateType,
        DoubleType,
        FloatType,
        IcebergType,
        IntegerType,
        LongType,
        NestedField,
        StringType,
    )
except ModuleNotFoundError as missing:
    raise EngineMissing(f"{missing.name} is not installed: pip install 'dsys_lab[lake]'") from missing

_TYPES: Final[dict[str, tuple[IcebergType, str]]] = {
    "integer": (IntegerType(), "INTEGER"), "long": (LongType(), "BIGINT"), "float": (FloatType(), "FLOAT"),
    "double": (DoubleType(), "DOUBLE"), "boolean": (BooleanType(), "BOOLEAN"), "string": (StringType(), "VARCHAR"),
    "date": (DateType(), "DATE"),
}  # fmt: skip
_WORDS: Final = {str(iceberg): word for word, (iceberg, _) in _TYPES.items()}


class IcebergTable:
    """An Iceberg table in a folder, with a catalogue of its own.

    Parameters
    ----------
    folder : path
        Made if it is missing.
    fields : Fields
    """

    def __init__(self, folder: str | Path, fields: Fields) -> None:
        for one in fields.fields:
            if one.type not in _TYPES:
                raise BadParameter(f"column {one.name!r}: {one.type} is unknown here; give one of {', '.join(_TYPES)}")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        place = {"uri": f"sqlite:///{self.folder / 'catalogue.db'}", "warehouse": self.folder.as_uri(),
                 "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"}  # fmt: skip
        self._catalogue = SqlCatalog("lab", **place)
        self._catalogue.create_namespace("lab")
        columns = [NestedField(number, one.name, _TYPES[one.type][0], required=not one.nullable)
                   for number, one in enumerate(fields.fields, start=1)]  # fmt: skip
        self._catalogue.create_table("lab.table", Schema(*columns))
        self._codec, self._written = Parquet(), 0

    @property
    def fields(self) -> Fields:
        """The columns as they are called now."""
        return Fields.of(", ".join(f"{one.name} {_WORDS[str(one.field_type)]}{'' if one.required else '?'}"
                                   for one in self._schema().fields))  # fmt: skip

    def append(self, columns: Mapping[str, Iterable[Any]], *, seen: Any = None) -> int:
        """Add rows as one file, and return the id of the snapshot.

        Raises
        ------
        CommitConflict
            If somebody else swapped the pointer, and `seen` is a table as it was before.
        """
        table = seen or self.table()
        rows = checked(self.fields, columns)
        ids = {one.name: one.field_id for one in self._schema().fields}
        data = self._codec.encode(self.fields, rows, field_ids=ids)
        self._written += 1
        path = self.folder / "data" / f"part-{self._written:05d}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        told = DataFile.from_args(
            content=DataFileContent.DATA, file_path=path.as_uri(), file_format=FileFormat.PARQUET, partition=Record(),
            record_count=len(next(iter(rows.values()))), file_size_in_bytes=len(data), sort_order_id=None, spec_id=0,
        )  # fmt: skip
        try:
            with table.transaction() as change, change.update_snapshot().fast_append() as files:
                files.append_data_file(told)
        except CommitFailedException as error:
            raise CommitConflict(f"PyIceberg: {error}") from None
        return int(self.table().current_snapshot().snapshot_id)

    def rename(self, name: str, to: str) -> None:
        """Call a column otherwise; no file is written."""
        with self.table().update_schema() as change:
            change.rename_column(name, to)

    def add_column(self, name: str, kind: str) -> None:
        """Add a column, NULL in the rows that are there."""
        with self.table().update_schema() as change:
            change.add_column(name, _TYPES[kind][0])

    def read(self, *, snapshot: int | None = None) -> Columns:
        """Return all columns, of a snapshot or the latest, under the names of that time."""
        table = self.table()
        files = [task.file.file_path.removeprefix("file://") for task in table.scan(snapshot_id=snapshot).plan_files()]
        fields = table.scan(snapshot_id=snapshot).projection().fields
        if not files:
            return {one.name: [] for one in fields}
        sql = [
            f"{one.field_id}: {{name: '{one.name}', type: '{_TYPES[_WORDS[str(one.field_type)]][1]}', "
            "default_value: NULL}"
            for one in fields
        ]
        listed = ", ".join(quoted_text(Path(file)) for file in files)
        with connected() as db:
            asked = f"from read_parquet([{listed}], schema = MAP {{{', '.join(sql)}}})"
            rows = db.execute(asked).fetchall()
        return {one.name: [row[place] for row in rows] for place, one in enumerate(fields)}

    def metadata_files(self) -> list[str]:
        """Return the names of what is written beside the data."""
        return sorted(path.name for path in self.folder.rglob("metadata/*"))

    def table(self) -> Any:
        """Return PyIceberg's table, as it stands now."""
        return self._catalogue.load_table("lab.table")

    def _schema(self) -> Schema:
        return self.table().schema()

    def close(self) -> None:
        """Let go of the catalogue and of DuckDB."""
        self._codec.close()
        self._catalogue.close()
