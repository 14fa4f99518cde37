"""delta-rs: the Delta protocol in Rust, behind verbs of `dsys_lab.stores.lake.LakeTable`.

What it lists is read by DuckDB, so that two programs which share no line with the model have a word in every answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.lakehouse.parquet import arrays, quoted, read_files, typed
from dsys_lab.errors import BadParameter, EngineMissing, Refused
from dsys_lab.stores.lake import Columns, CommitConflict, Fields, VersionGone
from dsys_lab.stores.lake.files import checked
from dsys_lab.stores.table import Between

try:
    import deltalake
    from arro3.core import Table
    from deltalake import DeltaTable, QueryBuilder, write_deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError
except ModuleNotFoundError as missing:
    raise EngineMissing(f"{missing.name} is not installed: pip install 'dsys_lab[lake]'") from missing

class DeltaRs:
    """A Delta table in a folder.

    Parameters
    ----------
    folder : path
        Of a table that there is already; `DeltaRs.create` makes one.
    """

    engine = f"delta-rs {deltalake.__version__}"

    def __init__(self, folder: str | Path) -> None:
        self.folder = str(folder)
        self._db = connected(threads=1)

    @classmethod
    def create(cls, folder: str | Path, fields: Fields, *, partition_by: Sequence[str] = ()) -> DeltaRs:
        """Make a table without rows."""
        told = cls(folder)
        none: Columns = {name: [] for name in fields.names}
        write_deltalake(told.folder, told._arrow(fields, none), partition_by=list(partition_by) or None)
        return told

    def fields(self, version: int | None = None) -> Fields:
        """Return the columns."""
        return Fields.from_json(self._table(version).schema().to_json())

    def version(self) -> int:
        """Return the latest version."""
        return self._table(None).version()

    def files(self, version: int | None = None) -> list[str]:
        """Return the paths of the files that are the table."""
        return sorted(self._table(version).file_uris())

    def read(self, *names: str, version: int | None = None) -> Columns:
        """Return columns, read by DuckDB from the files that delta-rs lists.

        Raises
        ------
        VersionGone
            If a file of that version was deleted.
        """
        fields = self.fields(version)
        wanted = names or fields.names
        fields.require(wanted)
        files = self.files(version)
        if not files:
            return {name: [] for name in wanted}
        chosen = ", ".join(map(quoted, wanted))
        try:
            by = self._table(version).metadata().partition_columns
            rows = self._db.execute(f"select {chosen} from {read_files(files, fields, by)}").fetchall()  # noqa: S608  quoted
        except duckdb.IOException as error:
            raise VersionGone(f"version {version}: {str(error).splitlines()[0]}; read a newer version") from None
        return {name: [row[place] for row in rows] for place, name in enumerate(wanted)}

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the answer of delta-rs itself (by DataFusion) to SQL about `this`, the latest version."""
        return duckdb.from_arrow(QueryBuilder().register("this", self._table(None)).execute(sql)).fetchall()

    def append(self, columns: Mapping[str, Iterable[Any]]) -> int:
        """Add rows, and return the version."""
        fields = self.fields()
        try:
            write_deltalake(self.folder, self._arrow(fields, checked(fields, columns)), mode="append")
        except (SchemaMismatchError, DeltaError) as error:
            raise BadParameter(f"delta-rs: {error}") from None
        return self.version()

    def delete(self, where: Between, *, seen: int | None = None) -> int:
        """Take away the rows that pass, as they stood at version `seen`, and return the version.

        Raises
        ------
        CommitConflict
            If somebody changed meanwhile what it depends on.
        """
        table = self._table(seen)
        bounds = ((">=", where.low), ("<=", where.high))
        terms = [f"{where.column} {sign} {_literal(bound)}" for sign, bound in bounds if bound is not None]
        try:
            table.delete(" and ".join(terms) or f"{where.column} is not null")
        except CommitFailedError as error:
            raise CommitConflict(f"delta-rs: {error}") from None
        return table.version()

    def compact(self) -> int:
        """Write many files as one, and return the version."""
        table = self._table(None)
        table.optimize.compact()
        return table.version()

    def checkpoint(self) -> None:
        """Write a checkpoint."""
        self._table(None).create_checkpoint()

    def vacuum(self) -> list[str]:
        """Delete at once what the latest version does not need, and say which files."""
        return self._table(None).vacuum(0, dry_run=False, enforce_retention_duration=False)

    def operations(self) -> list[str]:
        """Return what each commit did, from the first on."""
        return [row["operation"] for row in reversed(self._table(None).history())]

    def close(self) -> None:
        """Let go of DuckDB."""
        self._db.close()

    def _table(self, version: int | None) -> DeltaTable:
        try:
            return DeltaTable(self.folder, version=version)
        except DeltaError as error:
            raise Refused(f"delta-rs: {error}") from None

    def _arrow(self, fields: Fields, columns: Columns) -> Table:
        self._db.register("rows_in", arrays(fields, columns))
        try:
            return Table.from_arrow(self._db.sql(typed(fields, "rows_in")))
        finally:
            self._db.unregister("rows_in")


def _literal(bound: float | str) -> str:
    return "'" + bound.replace("'", "''") + "'" if isinstance(bound, str) else repr(bound)
