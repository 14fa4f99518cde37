"""A table on plain files: how are rows added, changed and read, when a file never changes?

Files are only added. An append writes a new file and commits that it is of the table. A delete writes the files anew
that have rows to delete, without these rows, and commits one remove and one add for each: *copy on write*. A compaction
writes many small files as one. In all three the commit is the moment at which it is so; before it the new files lie
there and nobody reads them, after it nobody but a reader of an old version reads the old ones::

    append    put part-1                      commit {add part-1}
    delete    read part-1, put part-2         commit {remove part-1, add part-2}
    restore                                   commit {remove what is there, add what was}
    vacuum    delete part-1, if it was removed longer ago than `retention_ms`

A table may be partitioned (`partitions`): then an append writes a file for each value, and a delete of whole values
opens none.

Promises
--------
1. Those of the log (`table_log`). A reader sees one version, whole, however long it reads.
2. What does not fit the columns is refused before a byte is written: *schema on write*.
3. A range is asked of the files that may have rows in it, by what the log tells of each, its partition or its numbers;
   the others are not opened.
4. `vacuum` deletes no file of the latest version, and none that was removed, or put, less than `retention_ms` ago. So
   who writes a file and commits within that time loses nothing; who takes longer may commit a file that is gone. A
   reader of a version that needs a deleted file is told so (`VersionGone`).

Cost: a delete of one row writes its whole file again; a read is a get for each file.

Left out: deletion vectors, updates (delete and append), constraints.

Sources: as in `table_log`; delta.io, "Remove unused data files with vacuum".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from dsys_lab.errors import Misuse, Refused, require_not_negative, require_positive
from dsys_lab.stores.lake import partitions
from dsys_lab.stores.lake.actions import Action, Add, CommitInfo, Fields, Metadata, Remove, Transaction
from dsys_lab.stores.lake.actions import Protocol as Versions
from dsys_lab.stores.lake.conflicts import NOTHING, Read
from dsys_lab.stores.lake.files import Columns, checked, stats_of
from dsys_lab.stores.lake.snapshot import Snapshot
from dsys_lab.stores.lake.table_log import LOG, Committed, TableLog
from dsys_lab.stores.object_store import ConditionFailed, every
from dsys_lab.stores.table import Between
from dsys_lab.trace import NO_TRACE, Recorder

WEEK_MS: Final = 7 * 86_400_000


class VersionGone(Refused):
    """The version is known, but a vacuum deleted a file of it. Read a newer one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and what it took to have them.

    Attributes
    ----------
    columns : dict
    version : int
    files_read, files_skipped, bytes_read : int
    """

    columns: Columns
    version: int
    files_read: int
    files_skipped: int
    bytes_read: int

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as tuples."""
        return list(zip(*self.columns.values(), strict=True))


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum deleted, or would delete: files that were removed, and files that no commit ever named."""

    tombstones: tuple[str, ...]
    orphans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableStatus:
    """The latest version, its files, rows and bytes, and how many files were removed and not vacuumed yet."""

    version: int
    files: int
    rows: int
    size_bytes: int
    tombstones: int
    batches: dict[str, int]


class LakeTable:
    """A table in a folder of an object store.

    Parameters
    ----------
    log : TableLog
        Of a table that there is already; `LakeTable.create` makes one.
    writer : str
        Stands in the names of its files, so that two writers never choose the same; give each one of its own.

    Examples
    --------
    >>> from dsys_lab.stores.lake.files import JsonLines
    >>> from dsys_lab.stores.object_store import JournaledStore
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> log = TableLog(JournaledStore(VolatileDisk()), "nights", JsonLines())
    >>> nights = LakeTable.create(log, Fields.of("id long, minutes integer?"))
    >>> nights.append({"id": [1, 2], "minutes": [450, None]}).version
    1
    >>> nights.delete(Between("id", 2, 2)).version
    2
    >>> nights.read().rows, nights.read(version=1).rows
    ([(1, 450)], [(1, 450), (2, None)])
    """

    def __init__(self, log: TableLog, *, writer: str = "w", recorder: Recorder = NO_TRACE) -> None:
        if not writer.isidentifier():
            raise Misuse(f"writer = {writer!r}: give letters, digits and _, not a digit first")
        self.log, self.writer, self.recorder = log, writer, recorder
        self._written = 0

    @classmethod
    def create(cls, log: TableLog, fields: Fields, *, partition_by: Sequence[str] = (), writer: str = "w",
               recorder: Recorder = NO_TRACE, now_ms: int = 0) -> LakeTable:  # fmt: skip
        """Make a table, whose first commit says what its columns are, and by which of them it is partitioned.

        Raises
        ------
        CommitConflict
            If there is one already.
        """
        by = partitions.check(fields, partition_by)
        metadata = Metadata(f"{log.place}-{now_ms}", fields, now_ms, partition_by=by)
        log.commit(Snapshot(), [CommitInfo("CREATE TABLE", now_ms), Versions(), metadata])
        return cls(log, writer=writer, recorder=recorder)

    # ------------------------------------------------------------ read path
    def read(
        self, *names: str, where: Between | None = None, version: int | None = None, now_us: int = 0
    ) -> Answer:
        """Return columns of the rows that pass, at a version; all columns, and the latest, where none is given."""
        return self.read_at(self.log.snapshot(version), *names, where=where, now_us=now_us)

    def read_at(self, seen: Snapshot, *names: str, where: Between | None = None, now_us: int = 0) -> Answer:
        """Return the same of a snapshot that was taken before.

        Raises
        ------
        VersionGone
            If a vacuum deleted a file of it.
        """
        wanted = self._names(seen, names, where)
        told: Columns = {name: [] for name in wanted}
        chosen = []
        for number, one in enumerate(seen.files.values()):
            if one.may_hold(where):
                chosen.append(one)
                self._take(told, self._columns(seen, one, wanted), where)
            else:
                self.recorder.emit(now_us, "block_skip", self.log.place, file=one.path, block=number, why="by the log")
        columns = {name: told[name] for name in (names or seen.fields.names)}
        size_bytes = sum(one.size_bytes for one in chosen)
        return Answer(columns, seen.version, len(chosen), len(seen.files) - len(chosen), size_bytes)

    def _names(self, seen: Snapshot, names: Sequence[str], where: Between | None) -> list[str]:
        asked = [*(names or seen.fields.names), *([where.column] if where else [])]
        seen.fields.require(asked)
        return list(dict.fromkeys(asked))

    def _take(self, told: Columns, columns: Columns, where: Between | None) -> None:
        keep = [where is None or where.holds(value) for value in columns[where.column if where else next(iter(told))]]
        for name, values in columns.items():
            told[name] += [value for value, kept in zip(values, keep, strict=True) if kept]

    def _columns(self, seen: Snapshot, one: Add, names: Sequence[str]) -> Columns:
        found = self.log.store.get(f"{self.log.place}/{one.path}")
        if found is None:
            raise VersionGone(f"version {seen.version} needs {one.path}, which was deleted: read a newer version")
        stored = [name for name in names if name not in one.partition]
        counted = stored or seen.fields.without(one.partition).names[:1]  # for how often the partition's values stand
        told = self.log.codec.decode(found.data, seen.fields, counted)
        rows, kinds = len(told[counted[0]]), {field.name: field.type for field in seen.fields.fields}
        shared = {name: [partitions.value_of(kinds[name], text)] * rows for name, text in one.partition.items()}
        return {name: told[name] if name in stored else shared[name] for name in names}

    # ------------------------------------------------------------ write path
    def append(
        self, columns: Mapping[str, Iterable[Any]], *, batch: int | None = None, seen: Snapshot | None = None,
        now_ms: int = 0,
    ) -> Committed:  # fmt: skip
        """Add rows, as one file a partition; a `batch` of this writer's is added once, however often it is tried."""
        seen = self.log.snapshot() if seen is None else seen
        rows = checked(seen.fields, columns)
        if batch is not None and seen.batches.get(self.writer, -1) >= batch:
            return Committed(seen.version, 0)
        mark: list[Action] = [] if batch is None else [Transaction(self.writer, batch)]
        return self._commit(seen, "WRITE", now_ms, [*mark, *self._write(seen, rows, now_ms)], {"mode": "Append"})

    def delete(self, where: Between, *, seen: Snapshot | None = None, now_ms: int = 0) -> Committed:
        """Take away the rows that pass: their files are written again without them."""
        seen = self.log.snapshot() if seen is None else seen
        seen.fields.require([where.column])
        changes: list[Action] = []
        read = []
        for one in seen.files.values():
            if not one.may_hold(where):
                continue
            if where.column in one.partition:  # all its rows pass
                read.append(one.path)
                changes.append(Remove(one.path, now_ms))
                continue
            columns = self._columns(seen, one, seen.fields.names)
            keep = [not where.holds(value) for value in columns[where.column]]
            read.append(one.path)
            if not all(keep):
                changes.append(Remove(one.path, now_ms))
                if any(keep):
                    left = {name: [v for v, kept in zip(values, keep, strict=True) if kept]
                            for name, values in columns.items()}  # fmt: skip
                    changes += self._write(seen, left, now_ms)
        told = {"predicate": f"{where.column} between {where.low} and {where.high}"}
        return self._commit(seen, "DELETE", now_ms, changes, told, read=Read(frozenset(read), (where,)))

    def compact(self, *, below_bytes: int = 1 << 20, seen: Snapshot | None = None, now_ms: int = 0) -> Committed:
        """Write the files of a partition below a size as one; the rows stay the same."""
        require_positive(below_bytes=below_bytes)
        seen = self.log.snapshot() if seen is None else seen
        small = [one for one in seen.files.values() if one.size_bytes < below_bytes]
        files = Counter(frozenset(one.partition.items()) for one in small)
        small = [one for one in small if files[frozenset(one.partition.items())] > 1]
        if not small:
            return Committed(seen.version, 0)
        whole: Columns = {name: [] for name in seen.fields.names}
        for one in small:
            self._take(whole, self._columns(seen, one, seen.fields.names), None)
        removed: list[Action] = [Remove(one.path, now_ms, changes_data=False) for one in small]
        changes = [*removed, *self._write(seen, whole, now_ms, changes_data=False)]
        read = Read(frozenset(one.path for one in small))
        return self._commit(seen, "OPTIMIZE", now_ms, changes, {}, read=read)

    def restore(self, version: int, *, now_ms: int = 0) -> Committed:
        """Let the table be what it was: a new commit that takes back what came since.

        Raises
        ------
        VersionGone
            If a vacuum deleted a file that is needed.
        """
        seen, old = self.log.snapshot(), self.log.snapshot(version)
        back = [one for path, one in old.files.items() if path not in seen.files]
        for one in back:
            if self.log.store.get(f"{self.log.place}/{one.path}") is None:
                raise VersionGone(f"version {version} needs {one.path}, which was deleted: restore a newer version")
        removed: list[Action] = [Remove(path, now_ms) for path in seen.files if path not in old.files]
        read = Read(frozenset(seen.files), (None,))
        heads = [old.metadata] if old.metadata is not None and old.metadata != seen.metadata else []
        return self._commit(seen, "RESTORE", now_ms, [*heads, *removed, *back], {"version": version}, read=read)

    def add_columns(self, text: str, *, now_ms: int = 0) -> Committed:
        """Add columns that may be NULL; the rows that are there have NULL in them, and no file is written."""
        seen = self.log.snapshot()
        more = Fields.of(text)
        if any(not one.nullable for one in more.fields):
            raise Misuse(f"columns {text!r}: rows are there already, so write a ? behind each type")
        assert seen.metadata is not None
        fields = Fields((*seen.fields.fields, *more.fields))
        metadata = replace(seen.metadata, fields=fields)
        return self._commit(seen, "ADD COLUMNS", now_ms, [metadata], {"columns": text})

    def _write(self, seen: Snapshot, rows: Columns, now_ms: int, *, changes_data: bool = True) -> list[Add]:
        """Put a file of the rows of each partition, under a name that nobody had."""
        by = seen.metadata.partition_by if seen.metadata else ()
        fields, told = seen.fields.without(by), []
        for partition, mine in list(partitions.dealt(rows, by)):
            data = self.log.codec.encode(fields, mine)
            path = self._put_new(seen, partitions.folder_of(partition), data)
            told.append(Add(path, len(data), now_ms, stats_of(mine), changes_data, partition))
        return told

    def _put_new(self, seen: Snapshot, folder: str, data: bytes) -> str:
        while True:
            path = f"{folder}part-{seen.version + 1:05d}-{self.writer}-{self._written:05d}.{self.log.codec.suffix}"
            self._written += 1
            with suppress(ConditionFailed):  # a writer of this name left it there before a crash
                self.log.store.put(f"{self.log.place}/{path}", data, if_absent=True)
                return path

    def _commit(
        self, seen: Snapshot, operation: str, now_ms: int, changes: Sequence[Action], told: Mapping[str, Any], *,
        read: Read = NOTHING,
    ) -> Committed:  # fmt: skip
        return self.log.commit(seen, [CommitInfo(operation, now_ms, told), *changes], read=read)

    # ------------------------------------------------------------ upkeep
    def vacuum(
        self, *, now_ms: int, retention_ms: int = WEEK_MS, written_ms: Callable[[str], int | None] | None = None,
        dry_run: bool = False,
    ) -> Vacuumed:  # fmt: skip
        """Delete the files that no version younger than `retention_ms` needs, and say which.

        Parameters
        ----------
        written_ms : callable, optional
            Key -> when it was put, as the store tells, or None if it is not there. With it the files that no commit
            names are deleted, too, if they are as old: a crash left them behind. That of a writer at work looks the
            same until it commits.
        dry_run : bool
            Only say which.
        """
        require_not_negative(retention_ms=retention_ms)
        seen, prefix = self.log.snapshot(), f"{self.log.place}/"
        before_ms = now_ms - retention_ms
        there = [facts.key.removeprefix(prefix) for facts in every(self.log.store, prefix)]
        files = [path for path in there if not path.startswith(LOG)]
        old = tuple(path for path in files if path in seen.tombstones and seen.tombstones[path].deleted_ms <= before_ms)
        unnamed = [path for path in files if path not in seen.tombstones and path not in seen.files]
        put_ms = {path: written_ms(prefix + path) for path in unnamed} if written_ms else {}
        told = Vacuumed(old, tuple(path for path, at_ms in put_ms.items() if at_ms is not None and at_ms <= before_ms))
        for path in () if dry_run else (*told.tombstones, *told.orphans):
            self.log.store.delete(prefix + path)
        return told

    def history(self) -> list[dict[str, Any]]:
        """Return a row for each commit: its version, what it did, and how many files came and went."""
        told = []
        for version, actions in self.log.commits():
            count = Counter(type(action).__name__ for action in actions)
            info = next((one for one in actions if isinstance(one, CommitInfo)), CommitInfo("unknown"))
            told.append({"version": version, "operation": info.operation, "at_ms": info.timestamp_ms,
                         "added": count["Add"], "removed": count["Remove"]})  # fmt: skip
        return told

    def status(self) -> TableStatus:
        """Return what is there."""
        seen = self.log.snapshot()
        return TableStatus(
            seen.version, len(seen.files), seen.rows, seen.size_bytes, len(seen.tombstones), dict(seen.batches)
        )
