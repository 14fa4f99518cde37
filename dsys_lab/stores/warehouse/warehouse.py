"""The leader: what may be done with the whole warehouse?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from dsys_lab.errors import BadParameter, DsysLabError, Refused
from dsys_lab.stores.bounds import Bounds
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.incoming import from_columns
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import sql as dialect
from dsys_lab.stores.warehouse.cluster import Cluster, on_all
from dsys_lab.stores.warehouse.distribution import All, Distribution, Even, placed
from dsys_lab.stores.warehouse.explaining import explained
from dsys_lab.stores.warehouse.questions import Question
from dsys_lab.stores.warehouse.running import Answer, Run, Stored, moved
from dsys_lab.stores.warehouse.slices import Layout, Slice, Snapshot, visible
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Schema, Value
from dsys_lab.trace import NO_TRACE, Recorder

File = Mapping[str, Sequence[Value] | Array]
"""What a load reads: the columns of some rows."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load took.

    Attributes
    ----------
    rows, blocks_written : int
    files_by_slice : tuple of int
        A file is read by one slice: where there are fewer files than slices, some have nothing to do.
    """

    rows: int
    blocks_written: int
    files_by_slice: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum took: blocks read and written, and rows that went for good, copies counted."""

    blocks_read: int
    blocks_written: int
    rows_gone: int


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table.

    Attributes
    ----------
    distribution : str
    rows : int
        To be seen, each once.
    rows_by_slice : tuple of int
        That lie there, those that are not to be seen included.
    unsorted_rows : int
        Of those, in unsorted regions.
    blocks, encoded_bytes, size_bytes : int
        Blocks, the bytes in them, and what they take on disk: each its full size.
    """

    distribution: str
    rows: int
    rows_by_slice: tuple[int, ...]
    unsorted_rows: int
    blocks: int
    encoded_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class WarehouseStatus:
    """All tables by name, the next transaction id, and those that came to nothing."""

    tables: dict[str, TableStatus]
    next_xid: int
    aborted: tuple[int, ...]


class Warehouse:
    """Tables on the slices of a cluster, and a leader that asks them.

    Parameters
    ----------
    cluster : Cluster
    block_bytes : int
        Of a block; Redshift's have 1 MiB.
    executor : concurrent.futures.Executor, optional
        Where slices work when a question is asked, such as a `ProcessPoolExecutor`; by default here, one after another.
    recorder : Recorder

    Examples
    --------
    >>> lab = Warehouse(Cluster(nodes=2, slices_a_node=1))
    >>> lab.create_table("sleep", Schema.of("id u32, minutes u16?, city text"), sort_key=["id"])
    >>> lab.copy("sleep", [{"id": [1, 2, 3], "minutes": [450, None, 390], "city": ["Oslo", "Lima", "Oslo"]}]).rows
    3
    >>> lab.query("SELECT city, avg(minutes) FROM sleep GROUP BY city").rows
    [('Lima', None), ('Oslo', 420.0)]
    """

    def __init__(
        self, cluster: Cluster | None = None, *, block_bytes: int = 1 << 14, executor: Executor | None = None,
        recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        self.cluster = cluster or Cluster()
        self.block_bytes, self.executor, self.recorder = block_bytes, executor, recorder
        self._tables: dict[str, Stored] = {}
        self._next_xid = 1
        self._running: frozenset[int] = frozenset()
        self._aborted: frozenset[int] = frozenset()

    # ------------------------------------------------------------ tables
    def create_table(
        self, name: str, schema: Schema, *, distribution: Distribution | None = None, sort_key: Sequence[str] = (),
        encodings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Make a table.

        Raises
        ------
        BadParameter
            If the name is taken or none, or the table cannot be kept like this.
        """
        if not name.isidentifier():
            raise BadParameter(f"table name {name!r}: give letters, digits and _, not a digit first")
        if name in self._tables:
            raise BadParameter(f"table {name!r} is there already: give another name")
        style = distribution or Even()
        style.check(schema)
        layout = Layout(schema, tuple(sort_key), dict(encodings or {}), self.block_bytes)
        self._tables[name] = Stored(name, layout, style, (Slice.empty(layout),) * self.cluster.slices)

    def _table(self, name: str) -> Stored:
        if name not in self._tables:
            raise BadParameter(f"no table {name!r}; there are {', '.join(self._tables) or 'none'}")
        return self._tables[name]

    # ------------------------------------------------------------ changes
    def copy(self, name: str, files: Iterable[File], *, now_us: int = 0) -> Loaded:
        """Load files, all of them or none: their rows count once the last one is in its place.

        Raises
        ------
        BadParameter
            If a row does not fit the schema; the message names file and row.
        Refused
            If a value is larger than a block. In either case nothing of the load is ever seen; what was written of it
            stays in its blocks until a vacuum.
        """
        before = self._table(name)
        xid = self._begin(now_us)
        rows = written = 0
        files_by_slice = [0] * self.cluster.slices
        try:
            for number, file in enumerate(files):
                columns = _read(before.layout.schema, file, number)
                files_by_slice[number % self.cluster.slices] += 1
                count = len(next(iter(columns.values())).values)
                written += self._place(name, columns, count, xid)
                rows += count
        except BaseException as error:
            self._abort(xid, error, now_us)
            raise
        self._tables[name] = replace(self._table(name), rows=self._table(name).rows + rows)
        self._commit(xid, now_us)
        return Loaded(rows, written, tuple(files_by_slice))

    def _place(self, name: str, columns: Mapping[str, Filled], rows: int, xid: int) -> int:
        """Put the rows of one file into their slices, and return the blocks written."""
        table = self._table(name)
        chosen = placed(
            table.style, columns, rows=rows, before=table.given_rows,
            nodes=self.cluster.nodes, slices_a_node=self.cluster.slices_a_node,
        )  # fmt: skip
        self._tables[name] = replace(table, given_rows=table.given_rows + rows)
        written = 0
        for at, mine in enumerate(chosen):
            part = {column: filled.rows(mine) for column, filled in columns.items()}
            grown, blocks = self._table(name).slices[at].loaded(part, xid=xid)
            written += blocks
            self._change_slice(name, at, grown)
        return written

    def _change_slice(self, name: str, at: int, part: Slice) -> None:
        table = self._table(name)
        self._tables[name] = replace(table, slices=(*table.slices[:at], part, *table.slices[at + 1 :]))

    def delete(self, name: str, where: Between, *, now_us: int = 0) -> int:
        """Take rows away, all that pass or none, and return how many; their bytes stay until a vacuum."""
        table = self._table(name)
        where.check(table.layout.schema)
        xid = self._begin(now_us)
        snapshot = self._snapshot()
        gone = 0
        try:
            for at, part in enumerate(table.slices):
                chosen = {region.name: _chosen(part, region.name, where, snapshot) for region in part.regions}
                changed, _ = part.deleted(chosen, xid=xid)
                if not isinstance(table.style, All) or at == 0:
                    gone += sum(int(np.count_nonzero(rows)) for rows in chosen.values())
                self._change_slice(name, at, changed)
        except BaseException as error:
            self._abort(xid, error, now_us)
            raise
        self._tables[name] = replace(self._table(name), rows=table.rows - gone)
        self._commit(xid, now_us)
        return gone

    def vacuum(self, name: str, *, now_us: int = 0) -> Vacuumed:
        """Bring all rows of a table into the order of its sort key, and let go of those that no question sees.

        Raises
        ------
        Refused
            If a load is running, whose rows no question sees yet; or if the executor failed. Nothing changed.
        """
        table = self._table(name)
        if self._running:
            raise Refused(f"transaction {min(self._running)} is running: vacuum {name} when it has ended")
        made = on_all(self.executor, _vacuumed, [(part, self._snapshot()) for part in table.slices])
        self._tables[name] = replace(table, slices=tuple(part for part, _ in made))
        before, after = (_rows_by_slice(one) for one in (table, self._tables[name]))
        read = sum(region.block_count() for part in table.slices for region in part.regions)
        for at, (part, written) in enumerate(made):
            self.recorder.emit(
                now_us, "note", self.cluster.name(at), None,
                text=f"{name} is vacuumed: {written} blocks written, {sum(r.rows for r in part.regions)} rows in order",
            )  # fmt: skip
        return Vacuumed(read, sum(written for _, written in made), sum(before) - sum(after))

    # ------------------------------------------------------------ transactions
    def _begin(self, now_us: int) -> int:
        xid, self._next_xid = self._next_xid, self._next_xid + 1
        self._running |= {xid}
        self.recorder.emit(now_us, "transaction_begin", "leader", None, transaction=xid, level="serializable")
        return xid

    def _commit(self, xid: int, now_us: int) -> None:
        self._running -= {xid}
        self.recorder.emit(now_us, "transaction_commit", "leader", None, transaction=xid)

    def _abort(self, xid: int, error: BaseException, now_us: int) -> None:
        self._running, self._aborted = self._running - {xid}, self._aborted | {xid}
        why = str(error) if isinstance(error, DsysLabError) else type(error).__name__
        self.recorder.emit(now_us, "transaction_abort", "leader", None, transaction=xid, why=why)

    def _snapshot(self) -> Snapshot:
        return Snapshot(self._next_xid, self._running | self._aborted)

    # ------------------------------------------------------------ questions
    def query(self, sql: str, *, now_us: int = 0) -> Answer:
        """Answer a SELECT (see `sql` for what is meant).

        Raises
        ------
        BadParameter
            If it asks for what is left out, or for what is not there.
        Refused
            If the executor failed.
        Damaged
            If a block is not what was written.
        """
        question = self._question(sql)
        run = Run(question, self._by_alias(question), self.cluster, self._snapshot(), self.executor)
        answer = run.answer()
        self._tell(run, now_us)
        return answer

    def explain(self, sql: str) -> str:
        """Return the plan of a SELECT, without running it; EXPLAIN before it may stand there or not."""
        words = sql.split(maxsplit=1)
        question = self._question(words[1] if len(words) == 2 and words[0].upper() == "EXPLAIN" else sql)
        tables = self._by_alias(question)
        return explained(question, tables, moved(question, tables, self.cluster))

    def _question(self, sql: str) -> Question:
        return dialect.read(sql, {name: table.layout.schema for name, table in self._tables.items()})

    def _by_alias(self, question: Question) -> dict[str, Stored]:
        return {alias: self._tables[name] for alias, name in question.tables}

    def _tell(self, run: Run, now_us: int) -> None:
        """Tell the recorder which blocks were read and skipped, and what was sent."""
        read = {(alias, one.column, at, one.region, one.block): one for alias, at, one in run.reads}
        for (alias, _, at, _, _), one in read.items():
            self.recorder.emit(
                now_us, "page_read", self.cluster.name(at), None, file=f"{run.tables[alias].name}.{one.column}",
                page=one.block, size_bytes=self.block_bytes, used_bytes=one.size_bytes, source=one.region,
            )  # fmt: skip
        for (alias, column), places in run.places.items():
            for at, region, block in places:
                if (alias, column, at, region, block) not in read:
                    self.recorder.emit(
                        now_us, "block_skip", self.cluster.name(at), None,
                        file=f"{run.tables[alias].name}.{column}", block=block, why=f"zone map ({region})",
                    )  # fmt: skip
        for (source, target), size_bytes in sorted(run.shuffled.items()):
            self.recorder.emit(
                now_us, "send", f"node-{source}", f"rows {source}-{target}", to=f"node-{target}", copy=0,
                type=run.move.label if run.move else "", arrive_us=now_us, size_bytes=size_bytes,
            )  # fmt: skip

    # ------------------------------------------------------------ what is there
    def status(self) -> WarehouseStatus:
        """Return what is where."""
        tables = {name: self._status(table) for name, table in self._tables.items()}
        return WarehouseStatus(tables, self._next_xid, tuple(sorted(self._aborted)))

    def _status(self, table: Stored) -> TableStatus:
        regions = [region for part in table.slices for region in part.regions]
        blocks = sum(region.block_count() for region in regions)
        return TableStatus(
            distribution=str(table.style),
            rows=table.rows,
            rows_by_slice=_rows_by_slice(table),
            unsorted_rows=sum(part.unsorted.rows for part in table.slices),
            blocks=blocks,
            encoded_bytes=sum(region.encoded_bytes() for region in regions),
            size_bytes=blocks * self.block_bytes,
        )


def _read(schema: Schema, file: File, number: int) -> dict[str, Filled]:
    try:
        return from_columns(schema, file)
    except BadParameter as error:
        raise BadParameter(f"file {number}: {error}; nothing of this load is seen") from None


def _rows_by_slice(table: Stored) -> tuple[int, ...]:
    return tuple(sum(region.rows for region in part.regions) for part in table.slices)


def _vacuumed(part: Slice, snapshot: Snapshot) -> tuple[Slice, int]:
    return part.vacuumed(snapshot)


def _chosen(part: Slice, name: str, where: Between, snapshot: Snapshot) -> Array:
    """Return which rows of a region pass and are to be seen."""
    region = part.sorted if name == "sorted" else part.unsorted
    column = part.layout.schema.columns[part.layout.schema.position(where.column)]
    values, nulls = region.load(column)
    passing = Bounds.of(where, column.type).passes(values)
    seen = visible(snapshot, region.unanswered(snapshot, np.ones(region.rows, bool)), region.rows)
    return passing & seen if nulls is None else passing & seen & ~nulls
