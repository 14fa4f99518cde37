"""The leader: what may be done with the whole warehouse?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import replace

from dsys_lab.errors import BadParameter, DsysLabError, Refused
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.column_store.incoming import from_columns
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import sql as dialect
from dsys_lab.stores.warehouse.blocks import Block
from dsys_lab.stores.warehouse.cluster import Cluster, on_all
from dsys_lab.stores.warehouse.distribution import All, Distribution, Even, placed
from dsys_lab.stores.warehouse.explaining import explained
from dsys_lab.stores.warehouse.managed import ManagedStorage
from dsys_lab.stores.warehouse.questions import Question
from dsys_lab.stores.warehouse.reports import BlockStatus, Loaded, Merged, TableStatus, Vacuumed, WarehouseStatus
from dsys_lab.stores.warehouse.running import Answer, Read, Run, Stored, moved
from dsys_lab.stores.warehouse.scanning import Chosen, Scan, choose
from dsys_lab.stores.warehouse.slices import Layout, Slice, Snapshot
from dsys_lab.stores.warehouse.staging import Staged
from dsys_lab.stores.warehouse.telling import Teller
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Column, Schema, Value
from dsys_lab.trace import NO_TRACE, Recorder

File = Mapping[str, Sequence[Value] | Array]
"""What a load reads: the columns of some rows."""


class Warehouse:
    """Tables on the slices of a cluster, and a leader that asks them.

    Parameters
    ----------
    cluster : Cluster
    block_bytes : int
        Of a block; Redshift's have 1 MiB.
    executor : concurrent.futures.Executor, optional
        Where slices work when a question is asked, such as a `ProcessPoolExecutor`; by default here, one after another.
    storage : ManagedStorage, optional
        Where every block is kept, so that a slice may be lost; by default nowhere.
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
        storage: ManagedStorage | None = None, recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        self.cluster = cluster or Cluster()
        self.block_bytes, self.executor, self.storage, self.recorder = block_bytes, executor, storage, recorder
        self._tables: dict[str, Stored] = {}
        self._next_xid = 1
        self._running: frozenset[int] = frozenset()
        self._aborted: frozenset[int] = frozenset()
        self._lost: list[int] = []

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

    def drop_table(self, name: str) -> None:
        """Let a table go, with all of its rows."""
        table = self._table(name)
        if self._running:
            raise Refused(f"transaction {min(self._running)} is running: drop {name} when it has ended")
        del self._tables[name]
        if self.storage is not None:
            self.storage.let_go(table.slices, ())

    def analyze(self, name: str) -> None:
        """Let the planner know how many rows a table has; a load does so only where there were none."""
        table = self._table(name)
        self._tables[name] = replace(table, analyzed_rows=table.rows)

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
        before = self._whole(name, now_us)
        rows = written = 0
        files_by_slice = [0] * self.cluster.slices
        with self._transaction(name, now_us) as xid:
            for number, file in enumerate(files):
                columns = _read(before.layout.schema, file, number)
                files_by_slice[number % self.cluster.slices] += 1
                count = len(next(iter(columns.values())).values)
                written += self._place(name, columns, count, xid)
                rows += count
        self._count(name, rows)
        if not before.rows:
            self.analyze(name)
        return Loaded(rows, written, tuple(files_by_slice))

    def _count(self, name: str, more: int) -> None:
        table = self._table(name)
        self._tables[name] = replace(table, rows=table.rows + more)

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
        """Take rows away, all that pass or none, and return how many; their bytes stay until a vacuum.

        Raises
        ------
        Refused
            If the executor failed; nothing changed.
        """
        where.check(self._table(name).layout.schema)
        with self._transaction(name, now_us) as xid:
            gone = sum(chosen.how_many() for chosen in self._take_away(name, where, None, xid, now_us))
        self._count(name, -gone)
        return gone

    def merge(self, name: str, staging: str, *, on: str, now_us: int = 0) -> Merged:
        """Let rows become what the staging table says of their key, and add those whose key is not there.

        All of it or nothing: `MERGE INTO name USING staging ON … WHEN MATCHED THEN UPDATE … WHEN NOT MATCHED THEN
        INSERT …` with every column. An update is the old row taken away and the new one added. The staging table stays
        as it is. A NULL is the same as nothing, and is added.

        Raises
        ------
        BadParameter
            If the tables have other columns, or a key stands twice in the staging table.
        Refused
            If the executor failed; nothing changed.
        """
        table = self._table(name)
        coming = Staged.of(table, self._whole(staging, now_us), on, self._snapshot())
        with self._transaction(name, now_us) as xid:
            matched: list[Array] = []
            if coming.span is not None:
                for chosen in self._take_away(name, coming.span, (coming.key, coming.keys), xid, now_us):
                    matched += chosen.matched
            columns, rows, updated = coming.updating(matched)
            self._place(name, columns, rows, xid)
        self._count(name, rows - updated)
        return Merged(updated=updated, inserted=rows - updated)

    def _take_away(
        self, name: str, where: Between, among: tuple[Column, Array] | None, xid: int, now_us: int
    ) -> list[Chosen]:  # fmt: skip
        """Mark rows as taken away by a transaction, and return them, each once."""
        table = self._whole(name, now_us)
        scans = [Scan.of(part, (), (where,), self._snapshot()) for part in table.slices]
        found: list[Chosen] = on_all(self.executor, choose, [(scan, among) for scan in scans])
        for at, (part, chosen) in enumerate(zip(table.slices, found, strict=True)):
            self._change_slice(name, at, part.deleted(chosen.rows, xid=xid)[0])
        reads: list[Read] = [(name, at, one) for at, chosen in enumerate(found) for one in chosen.touched]
        places = {(name, where.column): table.places(where.column, range(self.cluster.slices))}
        self._teller.blocks({name: name}, reads, places, now_us)
        return found[:1] if isinstance(table.style, All) else found

    def vacuum(self, name: str, *, now_us: int = 0) -> Vacuumed:
        """Bring all rows of a table into the order of its sort key, and let go of those that no question sees.

        Raises
        ------
        Refused
            If a load is running, whose rows no question sees yet; or if the executor failed. Nothing changed.
        """
        table = self._whole(name, now_us)
        if self._running:
            raise Refused(f"transaction {min(self._running)} is running: vacuum {name} when it has ended")
        made = on_all(self.executor, _vacuumed, [(part, self._snapshot()) for part in table.slices])
        slices = tuple(part for part, _ in made)
        self._tables[name] = replace(table, slices=slices if self.storage is None else self.storage.kept(name, slices))
        if self.storage is not None:
            self.storage.let_go(table.slices, self._tables[name].slices)
        if self.recorder is not NO_TRACE:
            self._teller.written(table, self._tables[name], now_us)
        before, after = (sum(TableStatus.of(one).rows_by_slice) for one in (table, self._tables[name]))
        read = sum(region.block_count() for part in table.slices for region in part.regions)
        for at, (part, written) in enumerate(made):
            self.recorder.emit(
                now_us, "note", self.cluster.name(at), None,
                text=f"{name} is vacuumed: {written} blocks written, {sum(r.rows for r in part.regions)} rows in order",
            )  # fmt: skip
        return Vacuumed(read, sum(written for _, written in made), before - after)

    # ------------------------------------------------------------ transactions
    @contextmanager
    def _transaction(self, name: str, now_us: int) -> Iterator[int]:
        """Number a change of one table: it counts when all of it is in its place and kept, or never."""
        before, xid = self._table(name), self._begin(now_us)
        try:
            yield xid
            self._keep(before)
        except BaseException as error:
            self._abort(xid, error, now_us)
            with suppress(DsysLabError):  # blocks hold rows of others, too
                self._keep(before)
            raise
        finally:
            if self.recorder is not NO_TRACE:
                self._teller.written(before, self._table(name), now_us)
        self._commit(xid, now_us)

    def _keep(self, before: Stored) -> None:
        if self.storage is None:
            return
        table = self._table(before.name)
        self._tables[before.name] = replace(table, slices=self.storage.kept(before.name, table.slices))
        self.storage.let_go(before.slices, self._table(before.name).slices)

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
        fetched = sum(self._bring(question, alias, now_us) for alias, _ in question.tables)
        run = Run(question, self._by_alias(question), self.cluster, self._snapshot(), self.executor)
        answer = run.answer()
        self._teller.run(run, now_us)
        return replace(answer, fetched_bytes=fetched)

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

    @property
    def _teller(self) -> Teller:
        return Teller(self.recorder, self.cluster, self.block_bytes)

    # ------------------------------------------------------------ a lost slice
    def lose_slice(self, at: int, *, now_us: int = 0) -> None:
        """Let a slice die with all of its blocks; another one takes its place, empty.

        What managed storage keeps is fetched when it is asked for. Without it, a question that needs such a block is
        told so, and one that does not is answered: the zone maps are the leader's.
        """
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < self.cluster.slices:
            raise BadParameter(f"slice {at!r}: give 0 to {self.cluster.slices - 1}")
        for name, table in list(self._tables.items()):
            self._change_slice(name, at, table.slices[at].with_blocks(Block.without_data))
        self._lost.append(at)
        self.recorder.emit(now_us, "crash", self.cluster.name(at), None)

    def _bring(self, question: Question, alias: str, now_us: int) -> int:
        """Fetch what a question may need of a table and is not on its slices any more; return the bytes."""
        name = dict(question.tables)[alias]
        columns, where = question.columns_of(alias), question.conditions_of(alias)
        fetched = 0
        for at, part in enumerate(self._table(name).slices):
            if not part.is_here:
                regions = Scan.of(part, columns, where, self._snapshot()).regions
                fetched += self._fetch(name, at, [
                    block for region in regions for blocks in (*region.blocks.values(), *region.hidden.values())
                    for block in blocks
                ], now_us)  # fmt: skip
        return fetched

    def _whole(self, name: str, now_us: int) -> Stored:
        """Return a table with all of its blocks here, if they are kept anywhere."""
        for at, part in enumerate(self._table(name).slices):
            if not part.is_here:
                self._fetch(name, at, part.blocks, now_us)
        return self._table(name)

    def _fetch(self, name: str, at: int, blocks: Iterable[Block], now_us: int) -> int:
        wanted = [block for block in blocks if block.data is None and block.kept]
        if self.storage is None or not wanted:
            return 0
        self._change_slice(name, at, self.storage.brought(self._table(name).slices[at], wanted))
        for block in wanted:
            self.recorder.emit(
                now_us, "page_read", self.cluster.name(at), None, file=f"{name}.{block.chunk.column}",
                page=block.chunk.block, size_bytes=self.block_bytes, used_bytes=block.chunk.size_bytes,
                source="managed storage",
            )  # fmt: skip
        return sum(block.chunk.size_bytes for block in wanted)

    # ------------------------------------------------------------ what is there
    def status(self) -> WarehouseStatus:
        """Return what is where."""
        tables = {name: TableStatus.of(table) for name, table in self._tables.items()}
        return WarehouseStatus(tables, self._next_xid, tuple(sorted(self._aborted)), tuple(self._lost))

    def blocks(self, name: str) -> tuple[BlockStatus, ...]:
        """Return every block of a table, those of the hidden columns included."""
        return tuple(BlockStatus.of(self._table(name)))


def _read(schema: Schema, file: File, number: int) -> dict[str, Filled]:
    try:
        return from_columns(schema, file)
    except BadParameter as error:
        raise BadParameter(f"file {number}: {error}; nothing of this load is seen") from None


def _vacuumed(part: Slice, snapshot: Snapshot) -> tuple[Slice, int]:
    return part.vacuumed(snapshot)
