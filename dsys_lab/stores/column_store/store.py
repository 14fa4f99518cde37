"""The store: how a table by column takes in changes, answers, and comes back after a crash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dsys_lab.errors import BadParameter, Refused, require_positive
from dsys_lab.stores.column_store import manifest as manifests
from dsys_lab.stores.column_store.chunk import Filled, gathered
from dsys_lab.stores.column_store.column_files import ColumnFiles, Reading
from dsys_lab.stores.column_store.delta import Change
from dsys_lab.stores.column_store.incoming import from_columns, from_rows
from dsys_lab.stores.column_store.manifest import Group, Manifest
from dsys_lab.stores.column_store.opening import check_settings, open_files, open_manifest, require_log_from
from dsys_lab.stores.column_store.stretches import WORKED_ROWS
from dsys_lab.stores.column_store.view import Place, View, as_values
from dsys_lab.stores.column_store.writing import Form, write_groups
from dsys_lab.stores.table import Between, Measure, check_question
from dsys_lab.structures.append_log import EVERY_RECORD, AppendLog, Fsync
from dsys_lab.structures.disk import Disk, OrGiveUp
from dsys_lab.structures.encoding.codec import DTYPES, Array
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import NO_TRACE, Recorder

ROW_GROUP_ROWS: Final = 8_192


@dataclass(frozen=True, slots=True)
class ColumnStoreStatus:
    """What the table is made of.

    Attributes
    ----------
    rows : int
        That are there: stored and waiting, without the deleted.
    waiting_rows, deleted_rows, groups : int
        Rows in the delta; rows that are gone but still take up room; row groups.
    size_bytes : dict
        By file.
    log_bytes, cached_bytes : int
    codecs : dict
        By column, how many chunks use which codec.
    """

    rows: int
    waiting_rows: int
    deleted_rows: int
    groups: int
    size_bytes: dict[str, int]
    log_bytes: int
    cached_bytes: int
    codecs: dict[str, dict[str, int]]


class ColumnStore:
    """A table by column (see the chapter of `dsys_lab.stores.column_store`).

    Parameters
    ----------
    disk : Disk
        The table's own; files of others may not lie there.
    schema : Schema
    key : str, optional
        The column of whole numbers, never NULL, by which a row is found; the first if it is not given.
    layout : str
        One of `LAYOUTS`.
    row_group_rows : int
        Rows of a row group.
    merge_rows : int
        When so many changes wait in the delta, they are written by column.
    codec : str, optional
        Write every column so, if the codec takes its type; by default each chunk is written in the one that fits it.
    fsync : Fsync
        When changes in the delta are durable; a change is acknowledged by then if this is `EVERY_RECORD`.
    cache_bytes : int
        How much of the files is kept in memory between questions.
    place : str
    recorder : Recorder
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If the manifest or a durable log record is not what was written. (A damaged chunk is found when it is read.)
    BadParameter
        If the table on the disk has another schema, key or layout.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> nights = ColumnStore(VolatileDisk(), Schema.of("id u32, minutes u16?, city text"))
    >>> nights.append([(1, 430, "Oslo"), (2, None, "Oslo"), (3, 410, "Lima")])
    3
    >>> nights.aggregate([Measure("avg", "minutes"), Measure("count", "id")], by="city")
    [('Lima', 410.0, 1), ('Oslo', 430.0, 2)]
    """

    def __init__(
        self,
        disk: Disk,
        schema: Schema,
        *,
        key: str | None = None,
        layout: str = "columns",
        row_group_rows: int = ROW_GROUP_ROWS,
        merge_rows: int = ROW_GROUP_ROWS,
        codec: str | None = None,
        fsync: Fsync = EVERY_RECORD,
        cache_bytes: int = 1 << 30,
        place: str = "column_store",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        self.key = schema.names[0] if key is None else key
        check_settings(
            schema, key=self.key, layout=layout, codec=codec, row_group_rows=row_group_rows, merge_rows=merge_rows
        )
        self.disk, self.schema, self.layout, self.codec = disk, schema, layout, codec
        self.row_group_rows, self.merge_rows = row_group_rows, merge_rows
        self.place, self.recorder = place, recorder
        self.files = ColumnFiles(disk, cache_bytes=cache_bytes, place=place, recorder=recorder)
        self._broken, self._marks = False, 0
        self._waiting: dict[int, Values] = {}
        self._manifest = open_manifest(disk, Manifest(0, schema, self.key, layout))
        self._groups = list(self._manifest.groups)
        self._log = AppendLog(disk, fsync=fsync, place=f"{place}/log", recorder=recorder, now_us=now_us)
        require_log_from(self._log, self._manifest.lsn)
        open_files(self.files, self._manifest)
        for record in self._log.read(self._manifest.lsn):
            self._apply(Change.decode(record.payload, schema, self.key))

    # ------------------------------------------------------------ write path
    def append(self, rows: Iterable[Sequence[Value]], *, now_us: int = 0) -> int:
        """Add rows, all or none, and return how many (see `Table.append`).

        Fewer than `merge_rows` go to the delta; more are written by column at once.
        """
        checked = self.schema.check_all(rows)
        if len(checked) >= self.merge_rows:
            return self._load(from_rows(self.schema, checked), now_us)
        at = self.schema.position(self.key)
        self._check_new(np.array([row[at] for row in checked], DTYPES[self.schema.columns[at].type]), now_us)
        if checked:
            self._change(Change(rows=tuple(checked)), now_us)
        return len(checked)

    def append_columns(self, columns: Mapping[str, Sequence[Value] | Array], *, now_us: int = 0) -> int:
        """Add rows given by column, all or none, and return how many; they are written by column at once.

        Parameters
        ----------
        columns : mapping of sequences or numpy arrays, shape (rows,)
            Every column of the schema. NULL is None, or masked in a masked array.

        Raises
        ------
        BadParameter, Refused, MayHaveHappened
            As `append` does.
        """
        return self._load(from_columns(self.schema, columns), now_us)

    def update(self, key: int, changes: Mapping[str, Value], *, now_us: int = 0) -> bool:
        """Change columns of the row of `key`; return whether there was such a row.

        A stored row is marked as gone, and its new version waits with the others.
        """
        new = {name: self.schema.columns[self.schema.position(name)].check(value) for name, value in changes.items()}
        if self.key in new and new[self.key] != key:
            raise BadParameter(f"column {self.key!r} is the key and stays {key}; delete the row and append another")
        with self._asking(now_us) as view:
            row, marks = self._waiting.get(self._checked_key(key)), list[Place]()
            if row is None and (place := view.find(key)) is not None:
                row, marks = view.row(place), [place]
        if row is None:
            return False
        row = tuple(new.get(name, value) for name, value in zip(self.schema.names, row, strict=True))
        self._change(Change(marks=tuple(marks), rows=(row,)), now_us)
        return True

    def delete(self, key: int, *, now_us: int = 0) -> bool:
        """Take the row of `key` away; return whether there was one."""
        if self._checked_key(key) in self._waiting:
            self._change(Change(forgotten=(key,)), now_us)
            return True
        with self._asking(now_us) as view:
            place = view.find(key)
        if place is not None:
            self._change(Change(marks=(place,)), now_us)
        return place is not None

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Write what waits by column, and cut the log."""
        if self._waiting or self._marks:
            self._merge(now_us, {}, "checkpoint")

    def compact(self, *, now_us: int = 0) -> None:
        """Write every file anew, without deleted rows and without what small merges left; needs room for two tables."""
        self._alive()
        with self._asking(now_us) as view:
            live = list(view.stretches(self.schema.names, rows_most=WORKED_ROWS))
            columns = {name: self._joined(name, [stretch.load(name) for stretch in live]) for name in self.schema.names}
        old_files = list(self.files.sizes)
        fresh = replace(self._manifest, generation=self._manifest.generation + 1)
        self._swap(now_us, fresh, [], columns)
        with self._or_give_up("the removal of old files"):
            for file in old_files:
                self.files.forget(file)
            self.disk.sync_names()

    # ------------------------------------------------------------ how changes become durable
    def _change(self, change: Change, now_us: int) -> None:
        """Write a change to the log, then do it; merge if enough changes wait."""
        self._alive()
        self._log.append(now_us, change.encode(self.schema))
        self._apply(change)
        if len(self._waiting) + self._marks >= self.merge_rows:
            self._merge(now_us, {}, "threshold")

    def _apply(self, change: Change) -> None:
        for block, row in change.marks:
            self._groups[block] = self._groups[block].without(row)
        self._marks += len(change.marks)
        for key in change.forgotten:
            del self._waiting[key]
        at = self.schema.position(self.key)
        self._waiting.update((row[at], row) for row in change.rows)  # type: ignore[misc]

    def _load(self, columns: dict[str, Filled], now_us: int) -> int:
        rows = len(columns[self.key].values)
        self._check_new(columns[self.key].values, now_us)
        if rows:
            self._merge(now_us, columns, "load")
        return rows

    def _merge(self, now_us: int, loaded: dict[str, Filled], by: str) -> None:
        """Write what waits, and what was loaded behind it, by column."""
        self._alive()
        waiting = from_rows(self.schema, tuple(self._waiting.values()))
        parts = [waiting, loaded] if loaded else [waiting]
        columns = {name: self._joined(name, [part[name] for part in parts]) for name in self.schema.names}
        before = len(self._groups)
        self._swap(now_us, self._manifest, self._groups, columns)
        size_bytes = sum(chunk.size_bytes for group in self._groups[before:] for chunk in group.chunks.values())
        self.recorder.emit(
            now_us, "flush", self.place, count=len(columns[self.key].values), size_bytes=size_bytes, by=by,
            to=f"{self.place}/groups", arrive_us=now_us,
        )  # fmt: skip

    def _swap(self, now_us: int, old: Manifest, groups: list[Group], columns: dict[str, Filled]) -> None:
        """Make `groups` and new ones of `columns` the table, from one moment on; then cut the log."""
        with self._or_give_up("a merge"):
            form = Form(self.layout, self.row_group_rows, self.codec, old.generation)
            added = write_groups(now_us, self.files, self.schema, columns, form, block=len(groups))
            self._log.roll(now_us)
            new = replace(old, number=old.number + 1, lsn=self._log.next_lsn, groups=(*groups, *added))
            manifests.swap(self.disk, new)
            self._log.drop_before(new.lsn)
        self._manifest, self._groups = new, list(new.groups)
        self._waiting, self._marks = {}, 0

    # ------------------------------------------------------------ read path
    def get(self, key: int, *, now_us: int = 0) -> Values | None:
        """Return the row of `key`, or None: one chunk of the key's column is searched, one of every other is read."""
        if self._checked_key(key) in self._waiting:
            return self._waiting[key]
        with self._asking(now_us) as view:
            place = view.find(key)
            return None if place is None else view.row(place)

    def scan(
        self, columns: Sequence[str] | None = None, where: Between | None = None, *, now_us: int = 0
    ) -> Iterator[Values]:
        """Give these columns of every row that passes (see `Table.scan`), as the table is when the first is taken.

        Raises
        ------
        Refused
            If the table is compacted before the last row was taken.
        """
        names = self.schema.names if columns is None else tuple(columns)
        check_question(self.schema, names, where)
        return self._scan(names, where, now_us)

    def _scan(self, names: Sequence[str], where: Between | None, now_us: int) -> Iterator[Values]:
        generation = self._manifest.generation
        with self._asking(now_us) as view:
            for stretch in view.stretches(names, where, rows_most=WORKED_ROWS):
                if self._manifest.generation != generation:
                    raise Refused(f"{self.place} was compacted while it was scanned; scan it again")
                yield from zip(*(as_values(stretch.load(name)) for name in names), strict=True)

    def vectors(self, columns: Sequence[str], *, vector_rows: int, now_us: int = 0) -> Iterator[dict[str, Filled]]:
        """Give these columns of all rows, `vector_rows` at a time, fewer where the rows of a stretch end."""
        require_positive(vector_rows=vector_rows)
        check_question(self.schema, columns, None)
        with self._asking(now_us) as view:
            for stretch in view.stretches(columns, rows_most=WORKED_ROWS):
                loaded = {name: stretch.load(name) for name in columns}
                for start in range(0, stretch.rows(), vector_rows):
                    yield {name: filled.rows(slice(start, start + vector_rows)) for name, filled in loaded.items()}

    def aggregate(
        self, measures: Sequence[Measure], *, where: Between | None = None, by: str | None = None, now_us: int = 0
    ) -> list[Values]:
        """Return one row of measures, or with `by` one for each value of that column (see `Table.aggregate`)."""
        check_question(self.schema, [] if by is None else [by], where, measures)
        with self._asking(now_us) as view:
            return [view.measures(measures, where)] if by is None else view.measures_by(by, measures, where)

    def _asking(self, now_us: int) -> _Asking:
        reading = Reading(self.place, self.recorder, now_us)
        return _Asking(View(self.schema, self.key, tuple(self._groups), self._waiting, self.files, reading))

    def _check_new(self, keys: Array, now_us: int) -> None:
        highs = [group.chunks[self.key].high for group in self._groups]
        with self._asking(now_us) as view:
            view.check_new(keys, above=max(highs, default=None))  # type: ignore[type-var]

    def _checked_key(self, key: int) -> int:
        self.schema.columns[self.schema.position(self.key)].check(key)
        return key

    # ------------------------------------------------------------ upkeep
    def status(self) -> ColumnStoreStatus:
        """Return what the table is made of."""
        stored, live = sum(group.rows for group in self._groups), sum(group.live_rows() for group in self._groups)
        codecs: dict[str, dict[str, int]] = {name: {} for name in self.schema.names}
        for group in self._groups:
            for name, chunk in group.chunks.items():
                codecs[name][chunk.codec] = codecs[name].get(chunk.codec, 0) + 1
        return ColumnStoreStatus(
            rows=live + len(self._waiting),
            waiting_rows=len(self._waiting),
            deleted_rows=stored - live,
            groups=len(self._groups),
            size_bytes=dict(self.files.sizes),
            log_bytes=self._log.status().size_bytes,
            cached_bytes=self.files.kept_bytes(),
            codecs=codecs,
        )

    def tick(self, now_us: int) -> None:
        """Sync the log if it is time to (see `AppendLog.tick`)."""
        self._log.tick(now_us)

    def drop_cache(self) -> None:
        """Let go of all bytes in memory: the next question reads from disk."""
        self.files.drop_cache()

    def give_up(self) -> None:
        """Write nothing more: what the files hold is unknown until they are read again."""
        self._broken = True

    def _alive(self) -> None:
        if self._broken:
            raise Refused(f"{self.place} does not write: its disk failed before; open it anew")
        self._log.require_working()
        self.files.require_whole()

    def _or_give_up(self, what: str) -> OrGiveUp:
        advice = "it may or may not have happened; open the table anew to see"
        return OrGiveUp(self.give_up, f"{what} of {self.place}", advice)

    def _joined(self, name: str, parts: Sequence[Filled]) -> Filled:
        empty = Filled(np.empty(0, DTYPES[self.schema.columns[self.schema.position(name)].type]))
        return gathered([part for part in parts if len(part.values)] or [empty])


class _Asking:
    """A view for one question: at its end the pages are told and the cache is trimmed."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __enter__(self) -> View:
        return self._view

    def __exit__(self, *_: object) -> None:
        self._view.reading.tell(all_pages=True)
        self._view.files.trim()
