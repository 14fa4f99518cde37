"""The row store itself: a heap for the rows, a tree for their keys, one log for both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, Damaged, Refused, require_choice, require_positive
from dsys_lab.stores.row_store.column_index import ColumnIndex, indexed_columns
from dsys_lab.stores.row_store.cursor import WAYS, Cursor, every_page, pages_of
from dsys_lab.stores.row_store.folding import fold
from dsys_lab.stores.row_store.heap_file import HeapFile, Record
from dsys_lab.stores.row_store.operations import Operations
from dsys_lab.stores.row_store.row_format import RowFormat
from dsys_lab.stores.table import Between, Measure, check_question
from dsys_lab.structures.b_tree import Rid
from dsys_lab.structures.buffer_pool import BufferPool, PoolStatus
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.journaled_pages import JournaledPages
from dsys_lab.structures.page import PAGE_BYTES
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder

_FRAMES_MIN: Final = 16
_PAGES_A_COMMIT_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class RowStoreStatus:
    """What is where.

    Attributes
    ----------
    rows : int
    heap_pages : int
        Pages of 8,192 bytes with rows.
    index_pages : dict
        Pages of the index of each indexed column, the key's first.
    log_bytes : int
        What would be replayed if the store were opened now, and the checkpoint before it.
    pool : PoolStatus
        What is in memory; with a pool of its own, `pool.dirty` pages wait for the next checkpoint.
    """

    rows: int
    heap_pages: int
    index_pages: dict[str, int]
    log_bytes: int
    pool: PoolStatus

    @property
    def size_bytes(self) -> int:
        """Bytes of all pages."""
        return PAGE_BYTES * (self.heap_pages + sum(self.index_pages.values()))


class RowStore:
    """A table whose rows lie one after the other (see `stores.table` for what may be asked of it).

    Parameters
    ----------
    disk : Disk
        Holds this table and nothing else.
    name : str
        The table's name: of its files, and of its place in the trace.
    schema : Schema
    key : str
        A column of integers without NULL; no two rows have the same.
    indexes : sequence of str
        More columns of integers to find rows by, with `via="index"`. NULL is in no index.
    pool : BufferPool, optional
        Where pages are kept in memory; by default one of 1,024 frames (8 MiB) with `lru`.
    durable : bool
        Whether what is acknowledged survives a crash. False leaves the waiting for the disk to `checkpoint`.
    checkpoint_bytes : int
        A log this long is a reason for a checkpoint.
    recorder : Recorder
        Where its rows go.
    now_us : int
        When it is opened.

    Raises
    ------
    BadParameter
        If the schema and the key do not go together, or the disk holds another table.
    Damaged
        If what is stored is not what was written.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> sleep = RowStore(VolatileDisk(), "sleep", Schema.of("id u32, hours_sleep f64?, age u8, city text"), key="id")
    >>> sleep.append([(1, 7.5, 40, "Oslo"), (2, None, 31, "Lagos"), (3, 6.5, 62, "Oslo")])
    3
    >>> sleep.get(2)
    (2, None, 31, 'Lagos')
    >>> list(sleep.scan(["city"], where=Between("age", 40, None)))
    [('Oslo',), ('Oslo',)]
    >>> sleep.aggregate([Measure("avg", "hours_sleep"), Measure("count", "id")], by="city")
    [('Lagos', None, 1), ('Oslo', 7.0, 2)]
    """

    def __init__(
        self,
        disk: Disk,
        name: str,
        schema: Schema,
        *,
        key: str,
        indexes: Sequence[str] = (),
        pool: BufferPool | None = None,
        durable: bool = True,
        checkpoint_bytes: int = 64 << 20,
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_positive(checkpoint_bytes=checkpoint_bytes)
        if not name.isidentifier():
            raise BadParameter(f"table name {name!r}: give letters, digits and _, not a digit first")
        self.name, self.schema, self.key = name, schema, key
        self.pool = pool if pool is not None else BufferPool()
        self._rows = RowFormat(schema)
        self._durable, self._checkpoint_bytes = durable, checkpoint_bytes
        indexed = indexed_columns(schema, key, tuple(indexes))
        frames_min = _FRAMES_MIN * len(indexed)
        if self.pool.frames < frames_min:
            raise BadParameter(f"a pool of {self.pool.frames} frames: one row may change many pages; give {frames_min}")
        self._pages = JournaledPages(
            disk, (f"{name}.heap", *(f"{name}.by_{column}" for column in indexed)), _about(name, schema, indexed),
            pool=self.pool, place=name, recorder=recorder, now_us=now_us,
        )  # fmt: skip
        self._operations = Operations(self._pages)
        heap, *trees = self._pages.files
        self.heap = HeapFile(heap)
        self.indexes = {
            column: ColumnIndex(pages, schema, column, unique=column == key)
            for column, pages in zip(indexed, trees, strict=True)
        }
        self._by_key = self.indexes[key]
        self._pages_a_commit = min(self.pool.frames // 4, _PAGES_A_COMMIT_MAX)

    # ------------------------------------------------------------ write path
    def append(self, rows: Iterable[Sequence[Value]], *, now_us: int = 0) -> int:
        """Add rows and return how many (see `stores.table`)."""
        checked = self.schema.check_all(rows)
        records = [self._encode(row, f"row {number}") for number, row in enumerate(checked)]
        with self._writing("append", now_us):
            self._refuse_known_keys(checked)
            for row, record in zip(checked, records, strict=True):
                rid = self.heap.insert(record)
                for index in self.indexes.values():
                    index.insert(row, rid)
                self._pages.tally += 1
                if self._pages.changing >= self._pages_a_commit:
                    self._pages.commit()
        return len(checked)

    def update(self, key: int, changes: Mapping[str, Value], *, now_us: int = 0) -> bool:
        """Change columns of the row of `key`; return whether there was such a row."""
        self._check_key(key)
        checked = {name: self.schema.columns[self.schema.position(name)].check(new) for name, new in changes.items()}
        if checked.get(self.key, key) != key:
            raise BadParameter(f"the key {self.key!r} of a row stays; delete the row and append the new one")
        with self._writing("update", now_us):
            rid = self._by_key.get(key)
            if rid is None:
                return False
            old = self._read(rid)
            new = tuple(checked.get(name, value) for name, value in zip(self.schema.names, old, strict=True))
            new_rid = self.heap.replace(rid, self._encode(new, f"key {key}"))
            for index in self.indexes.values():
                index.move(old, rid, new, new_rid)
        return True

    def delete(self, key: int, *, now_us: int = 0) -> bool:
        """Take the row of `key` away; return whether there was one."""
        self._check_key(key)
        with self._writing("delete", now_us):
            rid = self._by_key.get(key)
            if rid is None:
                return False
            row = self._read(rid)
            self.heap.remove(rid)
            for index in self.indexes.values():
                index.delete(row, rid)
            self._pages.tally -= 1
        return True

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Write every changed page to its place, so that the next opening has nothing to replay."""
        with self._operations.during("checkpoint", now_us):
            self._pages.checkpoint()

    # ------------------------------------------------------------ read path
    def get(self, key: int, *, now_us: int = 0) -> Values | None:
        """Return the row of `key`, or None: one page for each level of the tree, and one of the heap."""
        self._check_key(key)
        with self._operations.during("get", now_us):
            rid = self._by_key.get(key)
            return self._read(rid) if rid else None

    def scan(
        self,
        columns: Sequence[str] | None = None,
        where: Between | None = None,
        *,
        via: str = "scan",
        now_us: int = 0,
    ) -> Iterator[Values]:
        """Give these columns of every row that passes, in the order of the heap.

        Parameters
        ----------
        via : str
            `scan` reads every page; `index` asks the index of `where`'s column which pages to read.
        """
        return self.cursor(columns, where, via=via).rows(now_us)

    def aggregate(
        self,
        measures: Sequence[Measure],
        *,
        where: Between | None = None,
        by: str | None = None,
        via: str = "scan",
        now_us: int = 0,
    ) -> list[Values]:
        """Return one row of measures, or one for each value of `by` (see `stores.table`)."""
        check_question(self.schema, (by,) if by else (), where, measures)
        columns = [*((by,) if by else ()), *(measure.column for measure in measures)]
        cursor = self.cursor(columns, where, via=via, name="aggregate")
        return fold(cursor.rows(now_us), measures, grouped=by is not None)

    def cursor(
        self,
        columns: Sequence[str] | None = None,
        where: Between | None = None,
        *,
        via: str = "scan",
        name: str = "scan",
    ) -> Cursor:
        """Begin a scan that goes on by a page of the heap with each `step(now_us)`, so that others come in between."""
        columns = self.schema.names if columns is None else columns
        check_question(self.schema, columns, where)
        require_choice("via", via, WAYS)
        if via == "scan":
            pages = every_page(self.heap)
        elif where is None or where.column not in self.indexes:
            raise BadParameter(f"via='index' needs a filter on an indexed column: {', '.join(self.indexes)}")
        else:
            pages = pages_of(self.indexes[where.column].between(where.low, where.high))  # type: ignore[arg-type]
        return Cursor(
            self.heap, self._rows, columns=columns, where=where, pages=pages, operations=self._operations, name=name
        )

    def status(self) -> RowStoreStatus:
        """Return what is where."""
        index_pages = {column: len(index.tree.pages) for column, index in self.indexes.items()}
        log_bytes = self._pages.log.status().size_bytes
        return RowStoreStatus(self._pages.tally, len(self.heap.pages), index_pages, log_bytes, self.pool.status())

    # ------------------------------------------------------------ upkeep
    def violations(self, *, now_us: int = 0) -> list[str]:
        """Look at every page; return what is damaged or does not agree, in words: nothing, if all is well."""
        with self._operations.during("check", now_us):
            return self._pages.damages() or self._disagreements()

    def _disagreements(self) -> list[str]:
        rows = {
            rid: self._rows.decode(*record)
            for number in range(len(self.heap.pages))
            for rid, record in self.heap.read_page(number, PAGE_BYTES)
        }
        wrong = []
        if len(rows) != self._pages.tally:
            wrong.append(f"{self.name}: {len(rows)} rows in the heap, {self._pages.tally} by the books")
        for index in self.indexes.values():
            wrong += [f"{self.name}.by_{index.column}: {text}" for text in index.tree.violations()]
            expected = sorted((index.value(row), rid) for rid, row in rows.items() if index.value(row) is not None)
            found = sorted((index.value(rows[rid]), rid) for rid in index.between(None, None) if rid in rows)
            if found != expected or len(index.tree) != len(expected):
                wrong.append(f"{self.name}.by_{index.column}: does not agree with the heap")
        return wrong

    @contextmanager
    def _writing(self, name: str, now_us: int) -> Iterator[None]:
        """Let what is changed inside happen wholly or not at all, and durably before it is acknowledged."""
        with self._operations.during(name, now_us):
            with self._pages.all_or_nothing():
                yield
            if self._durable:
                self._pages.sync()
            if self._pages.log.status().size_bytes > self._checkpoint_bytes:
                self._pages.checkpoint()

    def _read(self, rid: Rid) -> Values:
        record = self.heap.read(rid)
        if record is None:
            raise Damaged(f"{self.name}.heap, page {rid.page}: slot {rid.slot} is empty, but an index leads there")
        return self._rows.decode(*record)

    def _encode(self, row: Values, which: str) -> Record:
        try:
            return self._rows.encode(row)
        except BadParameter as error:
            raise BadParameter(f"{which}: {error}") from None

    def _check_key(self, key: int) -> None:
        self.schema.columns[self.schema.position(self.key)].check(key)

    def _refuse_known_keys(self, rows: list[Values]) -> None:
        seen: set[int] = set()
        for number, row in enumerate(rows):
            key = self._by_key.value(row)
            assert key is not None, "the key's column is without NULL"
            if key in seen or not (self._by_key.is_beyond_all(key) or self._by_key.get(key) is None):
                raise Refused(f"row {number}: key {key} is there already; nothing was added")
            seen.add(key)


def _about(name: str, schema: Schema, indexed: tuple[str, ...]) -> dict[str, object]:
    """Return what a disk must say of a table for it to be this one, as JSON values."""
    return {"table": name, "schema": str(schema), "key": indexed[0], "indexes": list(indexed[1:])}
