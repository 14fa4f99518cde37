"""A question over Parquet files, answered by many tasks: partial measures, as between the slices of a warehouse.

Files are cut into *pieces* of whole row groups. A task takes one piece of the first table, and all of the second if two
are joined (so the second should be the small one), and brings partial measures by group; here they are added up. Which
worker takes which task is decided when it is free; what a dead worker had in hand is done again by another, and a piece
counts once, for a task's answer is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cloudpickle
import distributed
import duckdb
from distributed.scheduler import KilledWorker

from dsys_lab.engines.dask import piece
from dsys_lab.engines.dask.connection import GONE, Connection, connection
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.table_sql import quoted
from dsys_lab.errors import BadParameter, Refused, require_positive
from dsys_lab.stores.warehouse import Answer
from dsys_lab.stores.warehouse import sql as dialect
from dsys_lab.stores.warehouse.grouping import Groups, Partial, measured_rows, merged
from dsys_lab.stores.warehouse.questions import Item, Name, Question
from dsys_lab.stores.warehouse.running import in_order
from dsys_lab.structures.schema import Column, Schema

PIECE_ROWS: Final = 100_000
_TYPES: Final = {
    "UTINYINT": "u8", "USMALLINT": "u16", "UINTEGER": "u32", "UBIGINT": "u64", "TINYINT": "i32", "SMALLINT": "i32",
    "INTEGER": "i32", "BIGINT": "i64", "DOUBLE": "f64", "FLOAT": "f64", "VARCHAR": "text",
}  # fmt: skip
cloudpickle.register_pickle_by_value(piece)

DIFFERENCES: Final = (
    Difference(
        "slices own their rows: a distribution says where each lies",
        "files lie where all workers reach them; a worker takes the next piece when it is free",
        "Nobody stays behind because of a skewed key, and no join finds its partners in place.",
        ("worked_rows", "label"),
    ),
    Difference(
        "rows travel to their partners, in parcels that are counted",
        "every task reads the second table itself, whole",
        "It is a broadcast by way of the files; no bytes stand in the answer.",
        ("shuffled",),
    ),
    Difference(
        "a process that dies ends the question with an error, and it is asked again",
        "what a dead worker had in hand is done again by another",
        "The answer comes late and is the same.",
        ("died",),
    ),
    Difference(
        "zone maps of blocks, asked by the leader before anything is read",
        "zone maps of row groups, asked by DuckDB within each task",
        "Every piece costs a task, also one without a row that passes.",
        ("blocks_read",),
    ),
)
"""What dask over Parquet does otherwise than `stores.warehouse`."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows `first` to `last` of a file, both included."""

    path: str
    first: int
    last: int


class DaskParquet:
    """Tables in Parquet files, asked by tasks.

    Parameters
    ----------
    files : mapping
        Table -> its files.
    piece_rows : int
        A piece is as many row groups as have about so many rows.

    Raises
    ------
    EngineMissing
        If dask is not there (see `connection`).
    BadParameter
        If a file is no Parquet.
    """

    def __init__(self, files: Mapping[str, Sequence[Path]], *, piece_rows: int = PIECE_ROWS) -> None:
        require_positive(piece_rows=piece_rows)
        self.connection: Connection = connection()
        self.engine = self.connection.engine
        self._files = {table: [str(Path(path).resolve()) for path in paths] for table, paths in files.items()}
        self._schemas = {table: _schema(table, paths) for table, paths in self._files.items()}
        self._pieces = {table: list(_pieces(paths, piece_rows)) for table, paths in self._files.items()}

    def pieces(self, table: str) -> int:
        """Return how many tasks a question over this table takes."""
        return len(self._pieces[table])

    def tasks(self, sql: str) -> list[tuple[str, list[Any]]]:
        """Return what each task of a question does: a statement of DuckDB, and its values."""
        question = dialect.read(sql, self._schemas)
        return [self._task(question, one) for one in self._pieces[question.tables[0][1]]]

    def query(self, sql: str, *, after_piece: Callable[[int, int], object] = lambda done, of: None) -> Answer:
        """Answer a SELECT of the warehouse's SQL.

        Parameters
        ----------
        after_piece : callable
            `(done, of)`, called after each piece that has come in.

        Raises
        ------
        BadParameter
            If it asks for what is left out, or what is not there.
        Refused
            If a file is not there any more, workers died again and again, or the scheduler is gone.
        """
        question = dialect.read(sql, self._schemas)
        found: dict[int, list[tuple[Any, ...]]] = {}
        tasks = self.tasks(sql)
        client = self.connection.client
        try:
            futures = client.map(piece.ask, *zip(*tasks, strict=True), pure=False)
            numbers = {future.key: number for number, future in enumerate(futures)}
            for future, rows in distributed.as_completed(futures, loop=client.loop, with_results=True):
                found[numbers[future.key]] = rows
                after_piece(len(found), len(tasks))
        except KilledWorker as error:
            raise Refused(f"workers died at the same piece again and again ({error}): nothing is answered") from error
        except duckdb.Error as error:
            raise Refused(f"a task failed at its file: {str(error).splitlines()[0]}; nothing is answered") from error
        except GONE as error:
            raise Refused(f"{self.engine} is gone ({type(error).__name__}): nothing is answered; ask again") from error
        return self._answer(question, [found[number] for number in sorted(found)])

    def _task(self, question: Question, one: Piece) -> tuple[str, list[Any]]:
        """Return the statement for a piece, and its values."""
        (alias, _), *others = question.tables
        values: list[Any] = [one.path, one.first, one.last]
        text = (
            "from (select * from read_parquet(?, file_row_number = true) "
            f"where file_row_number between ? and ?) {quoted(alias)}"
        )
        for other, table in others:
            assert question.on is not None
            text += f" join read_parquet(?) {quoted(other)} on {_column(question.on[0])} = {_column(question.on[1])}"
            values.append(self._files[table])
        conditions = []
        for condition in question.where:
            column = _column(Name(condition.alias, condition.between.column))
            for sign, end in ((">=", condition.between.low), ("<=", condition.between.high)):
                if end is not None:
                    conditions.append(f"{column} {sign} ?")
                    values.append(end)
            conditions.append(f"{column} is not null")
        where = f" where {' and '.join(conditions)}" if conditions else ""
        if not question.is_grouped:
            chosen = [_column(item.name) for item in question.items if item.name is not None]
            return f"select {', '.join(chosen)} {text}{where}", values
        by = [_column(name) for name in question.by]
        chosen = [*by, *(part for item in question.items if item.how for part in _parts(item))]
        group = f" group by {', '.join(by)}" if by else ""
        return f"select {', '.join(chosen)} {text}{where}{group}", values

    def _answer(self, question: Question, found: Sequence[list[tuple[Any, ...]]]) -> Answer:
        labels = tuple(item.label for item in question.items)
        if not question.is_grouped:
            return Answer(labels, in_order([row for rows in found for row in rows]))
        keys = len(question.by)
        groups: list[Groups] = [{row[:keys]: _partials(row[keys:]) for row in rows} for rows in found]
        return Answer(labels, in_order(measured_rows(question, merged(groups))))


def _column(name: Name) -> str:
    return f"{quoted(name.alias)}.{quoted(name.column)}"


def _parts(item: Item) -> Iterator[str]:
    """Yield what makes a `Partial`: how many there are, their sum, the smallest, the largest; only what is needed."""
    column = _column(item.name) if item.name else "*"
    yield f"count({column})"
    yield f"sum({column})" if item.how in {"sum", "avg"} else "null"
    yield f"min({column})" if item.how == "min" else "null"
    yield f"max({column})" if item.how == "max" else "null"


def _partials(values: tuple[Any, ...]) -> tuple[Partial, ...]:
    """Return what the columns of `_parts` say."""
    fours = zip(*[iter(values)] * 4, strict=True)
    return tuple(Partial(present, total or 0, low, high) for present, total, low, high in fours)


def _schema(table: str, paths: Sequence[str]) -> Schema:
    try:
        told = duckdb.execute("describe select * from read_parquet(?)", [paths]).fetchall()
    except duckdb.Error as error:
        raise BadParameter(f"table {table}: {str(error).splitlines()[0]}") from None
    return Schema(tuple(
        Column(name, _TYPES[type_], nullable=True) for name, type_, *_ in told if type_ in _TYPES
    ))  # fmt: skip


def _pieces(paths: Sequence[str], piece_rows: int) -> Iterator[Piece]:
    for path in paths:
        first = last = 0
        for (rows,) in duckdb.execute(
            "select any_value(row_group_num_rows) from parquet_metadata(?) group by row_group_id order by row_group_id",
            [path],
        ).fetchall():
            last += rows
            if last - first >= piece_rows:
                yield Piece(path, first, last - 1)
                first = last
        if last > first:
            yield Piece(path, first, last - 1)
