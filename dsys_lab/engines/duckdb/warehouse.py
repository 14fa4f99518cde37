"""The warehouse's questions, answered by DuckDB: the same SQL over the same rows, on one machine.

It keeps the verbs that have a meaning on one machine. What it cannot show is in `DIFFERENCES`; what it shows better is
that an answer is right: `Answer.digest` of both must be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import duckdb

from dsys_lab.engines import table_sql
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.duckdb.table import TYPES, insert_columns
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.stores.column_store.incoming import from_columns
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse.reports import Merged
from dsys_lab.stores.warehouse.running import Answer, in_order
from dsys_lab.stores.warehouse.warehouse import File
from dsys_lab.structures.schema import Schema

DIFFERENCES: Final = (
    Difference(
        "nodes and slices; a distribution for each table",
        "one machine; threads take row groups as they come free",
        "Nothing is shuffled, so there are no labels in a plan and no bytes between nodes.",
        ("shuffled", "label"),
    ),
    Difference(
        "a sort key: loads are sorted by it, and a vacuum merges what came late",
        "rows stay as they were inserted; each load is inserted in the order of the sort key",
        "There is no unsorted region and no vacuum; late rows widen the zone maps of their own row groups only.",
        ("vacuum",),
    ),
    Difference(
        "blocks of fixed bytes, each column cut at rows of its own",
        "row groups of 122,880 rows, all columns cut at the same rows",
        "Which blocks were read stands in no answer here.",
        ("blocks_read", "blocks_skipped"),
    ),
    Difference(
        "a few shapes of SQL, the rest refused by name",
        "all of SQL",
        "What the model refuses is answered here.",
        ("refusals",),
    ),
)
"""What the engine does otherwise than `stores.warehouse`, as a table."""


class DuckdbWarehouse:
    """Tables in DuckDB, in memory, with verbs of `dsys_lab.stores.warehouse.Warehouse`.

    Parameters
    ----------
    threads : int

    Examples
    --------
    >>> lab = DuckdbWarehouse()
    >>> lab.create_table("sleep", Schema.of("id u32, minutes u16?, city text"), sort_key=["id"])
    >>> lab.copy("sleep", [{"id": [1, 2, 3], "minutes": [450, None, 390], "city": ["Oslo", "Lima", "Oslo"]}])
    3
    >>> lab.query("SELECT city, avg(minutes) FROM sleep GROUP BY city").rows
    [('Lima', None), ('Oslo', 420.0)]
    >>> lab.close()
    """

    engine = f"DuckDB {duckdb.__version__}"

    def __init__(self, *, threads: int = 1) -> None:
        require_positive(threads=threads)
        self._db = connected(threads=threads)
        self._tables: dict[str, tuple[Schema, tuple[str, ...]]] = {}

    def create_table(self, name: str, schema: Schema, *, sort_key: Sequence[str] = ()) -> None:
        """Make a table; each load will be in the order of its sort key."""
        if name in self._tables or not name.isidentifier():
            raise BadParameter(f"table name {name!r}: give a name that is not taken, of letters, digits and _")
        for column in sort_key:
            schema.position(column)
        self._db.execute(table_sql.create(name, schema, key="", types=TYPES))
        self._tables[name] = schema, tuple(sort_key)

    def copy(self, name: str, files: Iterable[File]) -> int:
        """Load files, all of them or none, and return how many rows."""
        schema, sort_key = self._table(name)
        rows = 0
        self._db.begin()
        try:
            for file in files:
                rows += self._insert(name, schema, sort_key, file)
            self._db.commit()
        except BaseException:
            self._db.rollback()
            raise
        return rows

    def _insert(self, name: str, schema: Schema, sort_key: tuple[str, ...], file: File) -> int:
        columns = from_columns(schema, file)
        insert_columns(self._db, name, columns, order_by=sort_key)
        return len(next(iter(columns.values())).values)

    def delete(self, name: str, where: Between) -> int:
        """Take the rows away that pass, and return how many."""
        schema, _ = self._table(name)
        where.check(schema)
        condition, values = table_sql.filter_of(schema, where)
        text = f"delete from {table_sql.quoted(name)}{condition}"  # noqa: S608  quoted
        [(gone,)] = self._db.execute(text, values).fetchall()
        return gone

    def merge(self, name: str, staging: str, *, on: str) -> Merged:
        """Let the rows of a staging table take the place of those with the same key, and add the others."""
        schema, _ = self._table(name)
        schema.position(on)
        if staging == name or self._table(staging)[0].columns != schema.columns:
            raise BadParameter(f"merge {name} with {staging}: give another table of the same schema")
        table, other, key = (table_sql.quoted(one) for one in (name, staging, on))
        twice = f"select {key} from {other} where {key} is not null group by {key} having count(*) > 1"  # noqa: S608
        if self._db.execute(twice).fetchone():
            raise BadParameter(f"staging table {staging}: a key of {on} stands twice; keep one row of each")
        there = f"select {key} from {table} where {key} is not null"  # noqa: S608  quoted
        counts = (
            f"select (select count(*) from {table} where {key} in (select {key} from {other})), "  # noqa: S608  quoted
            f"(select count(*) from {other} where {key} is null or {key} not in ({there}))"
        )
        [(updated, inserted)] = self._db.execute(counts).fetchall()
        columns = [table_sql.quoted(column) for column in schema.names]
        self._db.execute(
            f"merge into {table} t using {other} s on t.{key} = s.{key} "
            f"when matched then update set {', '.join(f'{column} = s.{column}' for column in columns)} "
            f"when not matched then insert values ({', '.join(f's.{column}' for column in columns)})"
        )
        return Merged(updated, inserted)

    def query(self, sql: str) -> Answer:
        """Answer a SELECT; the rows come in the order of their values.

        Raises
        ------
        BadParameter
            If DuckDB cannot read it, with DuckDB's words.
        """
        try:
            asked = self._db.execute(sql)
            return Answer(tuple(column[0] for column in asked.description), in_order(asked.fetchall()))
        except duckdb.Error as error:
            raise BadParameter(f"SQL: {sql!r:.200}: {str(error).splitlines()[0]}") from None

    def close(self) -> None:
        """Let go of everything."""
        self._db.close()

    def _table(self, name: str) -> tuple[Schema, tuple[str, ...]]:
        if name not in self._tables:
            raise BadParameter(f"no table {name!r}; there are {', '.join(self._tables) or 'none'}")
        return self._tables[name]
