"""What does a statement do, and where may it have to wait?

Each statement is a generator. It runs until it meets a row that somebody else is changing, and yields that somebody's
number; asked to go on, it looks again, and goes on where it stood. So a statement may wait in its midst, with some of
its rows changed and some not, as it does in PostgreSQL, and no thread sleeps.

Who meets a row that somebody else has changed meanwhile has two ways, and they are the difference between the levels:

- at *read committed* follow `ctid` to the newest version, look whether it still passes the filter, and change that one;
- at *repeatable read* and *serializable* fail: the row is not the one that the snapshot shows.

Every row that is changed is one record of the log (heap and indexes together), which says what it means where somebody
listens (`change_log`); the commit is one more, and the only one that waits for the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlglot import expressions as exp

from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational.access import chosen
from dsys_lab.stores.relational.catalogue import Catalogue
from dsys_lab.stores.relational.change_log import row_note
from dsys_lab.stores.relational.expressions import NUMBER, TEXT, Evaluate, Range, compiled, condition
from dsys_lab.stores.relational.failure import StatementFails
from dsys_lab.stores.relational.serializable import Conflicts
from dsys_lab.stores.relational.sessions import DUPLICATE_KEY, NOT_NULL, OUT_OF_RANGE, Answer, Done, Rows
from dsys_lab.stores.relational.slots import Slots
from dsys_lab.stores.relational.sql import Delete, Insert, Select, Update, outside
from dsys_lab.stores.relational.table import Table
from dsys_lab.stores.relational.transactions import Transaction, Transactions, concurrent_update
from dsys_lab.stores.relational.versions import ROW_BYTES_MAX, Version, locked_by, removed_by
from dsys_lab.stores.relational.visibility import ABORTED, NOBODY, RUNNING, Stamp
from dsys_lab.structures.b_tree import Rid
from dsys_lab.structures.journaled_pages import JournaledPages
from dsys_lab.structures.schema import Value, Values
from dsys_lab.trace import NO_TRACE

Work = Generator[int, None, Answer]
"""A statement under way: yields whom it waits for, returns its answer."""


class Execution:
    """Carries statements out."""

    def __init__(
        self,
        journal: JournaledPages,
        catalogue: Catalogue,
        transactions: Transactions,
        conflicts: Conflicts,
        slots: Slots,
    ) -> None:
        self.journal, self.catalogue, self.slots = journal, catalogue, slots
        self.transactions, self.conflicts = transactions, conflicts

    # ------------------------------------------------------------ SELECT
    def select(self, transaction: Transaction, asked: Select) -> Work:
        """SELECT."""
        table = self.catalogue.table(asked.table)
        outputs = _outputs(asked, table)
        order = [(table.schema.position(one.column), one.descending) for one in asked.order]
        passes = condition(asked.sql, asked.where, table.schema)
        if asked.for_update and outputs.folds:
            raise outside(asked.sql, asked.outputs[0][1], "FOR UPDATE holds rows, and this folds them into one")
        found = self._found(transaction, table, asked.where, passes)
        for place, descending in reversed(order):
            found.sort(key=lambda one, place=place: _sortable(table.row(one)[place]), reverse=descending)  # type: ignore[misc]
        if asked.for_update:
            found = yield from self._locked(transaction, table, found, passes, asked.limit)
        rows = [table.row(version) for version in found]
        if self.journal.recorder is not NO_TRACE:
            for version, row in zip(found, rows, strict=True):
                self._tell(
                    "look", table, row, version.rid,
                    view=table.name, key=str(row[0]), position=version.stamp.xmin, behind_us=0,
                )  # fmt: skip
        if outputs.folds:
            rows = [tuple(fold(rows) for fold in outputs.folds)]
        else:
            rows = [tuple(of(row) for of in outputs.values) for row in rows[: asked.limit]]
        return Rows(outputs.names, tuple(rows[: asked.limit]))

    def _locked(
        self, transaction: Transaction, table: Table, found: list[Version], passes: Evaluate, limit: int | None
    ) -> Generator[int, None, list[Version]]:
        """Hold the first rows that still pass when their turn comes, and no more than are asked for."""
        held: list[Version] = []
        for version in found:
            if len(held) == limit:
                break
            latest = yield from self._claim(transaction, table, version.rid, passes)
            if latest is not None:
                self._lock(transaction, table, latest)
                held.append(latest)
        return held

    # ------------------------------------------------------------ INSERT, UPDATE, DELETE
    def insert(self, transaction: Transaction, asked: Insert) -> Work:
        """INSERT."""
        table = self.catalogue.table(asked.table)
        rows = [_given(asked, table, row) for row in asked.rows]
        for given in rows:
            row = _checked(table, tuple(of(()) for of in given))
            yield from self._require_new_key(transaction, table, row)
            with self._change(transaction, table, None, row) as xid:
                rid = table.add(xid, row)
            self._tell_version(table, row, rid, xid)
        return Done("INSERT", len(rows))

    def update(self, transaction: Transaction, asked: Update) -> Work:
        """UPDATE."""
        table = self.catalogue.table(asked.table)
        sets = {name: _assigned(asked.sql, node, table, name, with_row=True) for name, node in asked.sets}
        passes = condition(asked.sql, asked.where, table.schema)
        names, count = table.schema.names, 0
        for version in self._found(transaction, table, asked.where, passes):
            latest = yield from self._claim(transaction, table, version.rid, passes)
            if latest is None:
                continue
            old = table.row(latest)
            row = _checked(table, tuple(sets[n](old) if n in sets else v for n, v in zip(names, old, strict=True)))
            if table.key and table.value(row, table.key) != table.value(old, table.key):
                yield from self._require_new_key(transaction, table, row)
            with self._change(transaction, table, old, row) as xid:
                rid = table.add(xid, row)
                table.heap.stamp(latest.rid, removed_by(latest.stamp, xid, rid))
            self._tell_version(table, row, rid, xid)
            self._tell("superseded", table, old, latest.rid, xmax=xid, ctid=_named(rid))
            count += 1
        return Done("UPDATE", count)

    def delete(self, transaction: Transaction, asked: Delete) -> Work:
        """DELETE."""
        table = self.catalogue.table(asked.table)
        passes = condition(asked.sql, asked.where, table.schema)
        count = 0
        for version in self._found(transaction, table, asked.where, passes):
            latest = yield from self._claim(transaction, table, version.rid, passes)
            if latest is None:
                continue
            old = table.row(latest)
            with self._change(transaction, table, old, None) as xid:
                table.heap.stamp(latest.rid, removed_by(latest.stamp, xid, latest.rid))
            self._tell("superseded", table, old, latest.rid, xmax=xid, ctid="")
            count += 1
        return Done("DELETE", count)

    # ------------------------------------------------------------ finding rows
    def _found(self, transaction: Transaction, table: Table, where: exp.Expr | None, passes: Evaluate) -> list[Version]:
        """Return the visible versions that pass, all of them before the first is changed."""
        wanted = chosen(where, tuple(table.indexes), table.schema)
        if transaction.party is not None:
            self.conflicts.read(transaction.party, table.name, wanted)
        found = []
        for version in table.versions(wanted):
            visible = self.transactions.sees(transaction, version.stamp)
            if transaction.party is not None:
                self._meet(transaction, version.stamp, visible)
            if visible and passes(table.row(version)):
                found.append(version)
        return found

    def _meet(self, transaction: Transaction, stamp: Stamp, visible: bool) -> None:
        """Tell the conflicts of what a serializable reader meets and does not see."""
        assert transaction.snapshot is not None
        assert transaction.party is not None
        unseen = stamp.remover if visible else stamp.xmin
        if unseen not in (NOBODY, transaction.xid) and not transaction.snapshot.sees(unseen, self.transactions.fate):
            self.conflicts.saw(transaction.party, unseen)

    def _claim(
        self, transaction: Transaction, table: Table, rid: Rid, passes: Evaluate
    ) -> Generator[int, None, Version | None]:
        """Return the version to change: this one, or at read committed its latest successor; None if it is gone.

        It is read again each time: the statement may have waited since it found this row, for another one of its rows.
        """
        while True:
            version = _at(table, rid)
            holder = version.stamp.xmax
            fate = ABORTED if holder in (NOBODY, transaction.xid) else self.transactions.fate(holder)
            if fate == ABORTED:
                return version
            if fate == RUNNING:
                yield holder
                continue
            if version.stamp.is_lock:
                return version
            is_deleted = version.stamp.ctid == rid
            if transaction.keeps_its_snapshot:
                raise concurrent_update("delete" if is_deleted else "update")
            if is_deleted:
                return None
            rid = version.stamp.ctid
            if not passes(table.row(_at(table, rid))):
                return None

    def _require_new_key(self, transaction: Transaction, table: Table, row: Values) -> Generator[int, None, None]:
        """Wait for whoever may yet make or unmake a row of this key; fail if there is one in the end."""
        if not table.key:
            return
        key = table.value(row, table.key)
        same_key = Range(table.key, key, key)
        while (blocker := self._blocker(transaction, table, same_key)) is not None:
            yield blocker
        if transaction.party is not None:
            self.conflicts.read(transaction.party, table.name, same_key)

    def _blocker(self, transaction: Transaction, table: Table, same_key: Range) -> int | None:
        """Return whom to wait for before a key may be used, or None if it is free."""
        for version in table.versions(same_key):
            stamp, fate = version.stamp, self.transactions.fate
            if table.value(table.row(version), table.key) != same_key.low or fate(stamp.xmin) == ABORTED:
                continue
            if stamp.xmin != transaction.xid and fate(stamp.xmin) == RUNNING:
                return stamp.xmin
            remover = stamp.remover
            if remover == NOBODY or (remover != transaction.xid and fate(remover) == ABORTED):
                raise StatementFails(
                    DUPLICATE_KEY, f"duplicate key value violates unique constraint: {table.key} = {same_key.low!r}"
                )
            if remover != transaction.xid and fate(remover) == RUNNING:
                return remover
        return None

    # ------------------------------------------------------------ changing rows
    @contextmanager
    def _change(
        self, transaction: Transaction, table: Table, old: Values | None, new: Values | None, *, only_lock: bool = False
    ) -> Iterator[int]:
        """Make what happens inside one record of the log; ask the conflicts before."""
        xid = self.transactions.number(transaction)
        if transaction.party is not None:
            rows = [row for row in (old, new) if row is not None]
            self.conflicts.wrote(transaction.party, xid, table.name, [_lies_in(table, row) for row in rows])
        images, image_bytes = self.journal.images, self.journal.image_bytes
        self.journal.tally = self.transactions.next_xid
        with self.journal.all_or_nothing():
            yield xid
            if self.slots.names and not only_lock:
                self.journal.note(row_note(xid, table.name, _by_name(table, old), _by_name(table, new)))
        if self.slots.names and not only_lock and transaction.noted_from is None:
            transaction.noted_from = self.journal.log.next_lsn - 1
        if self.journal.images > images:
            self.journal.recorder.emit(
                self.journal.now_us, "page_image", f"{self.journal.place}/log", count=self.journal.images - images,
                size_bytes=self.journal.image_bytes - image_bytes, op=self.journal.op,
            )  # fmt: skip

    def _lock(self, transaction: Transaction, table: Table, version: Version) -> None:
        """Hold a row until the end of the transaction."""
        if version.stamp.xmax == transaction.xid != NOBODY:
            return
        row = table.row(version)
        with self._change(transaction, table, row, None, only_lock=True) as xid:
            table.heap.stamp(version.rid, locked_by(version.stamp, xid))

    # ------------------------------------------------------------ telling
    def _tell_version(self, table: Table, row: Values, rid: Rid, xid: int) -> None:
        self._tell("version", table, row, rid, xmin=xid, row=", ".join(map(str, row)))

    def _tell(self, kind: str, table: Table, row: Values, rid: Rid, /, **fields: Any) -> None:
        journal = self.journal
        place = f"{journal.place}/{table.name}"
        journal.recorder.emit(journal.now_us, kind, place, f"{row[0]}@{_named(rid)}", op=journal.op, **fields)


def _at(table: Table, rid: Rid) -> Version:
    """Return a version that must be there: what an open snapshot sees is not swept, nor what came after."""
    version = table.heap.read(rid)
    assert version is not None
    return version


def _by_name(table: Table, row: Values | None) -> dict[str, Value] | None:
    return None if row is None else dict(zip(table.schema.names, row, strict=True))


def _named(rid: Rid) -> str:
    return f"{rid.page}.{rid.slot}"


def _lies_in(table: Table, row: Values) -> Callable[[Range], bool]:
    return lambda wanted: wanted.holds(table.value(row, wanted.column))


def _sortable(value: Value) -> tuple[bool, Any]:
    return value is None, 0 if value is None else value


# ------------------------------------------------------------------------------------------ what is put in
def _checked(table: Table, row: Values) -> Values:
    """Return a row as it is stored; one that is wrong fails the statement, as it does in PostgreSQL."""
    for column, value in zip(table.schema.columns, row, strict=True):
        if value is None and not column.nullable:
            raise StatementFails(NOT_NULL, f"null value in column {column.name} violates not-null constraint")
    try:
        checked = table.schema.check(row)
        row_bytes = len(table.rows.encode(checked)[0])
    except BadParameter as error:
        raise StatementFails(OUT_OF_RANGE, str(error)) from None
    if row_bytes > ROW_BYTES_MAX:
        why = f"a row of {row_bytes:,} bytes; at most {ROW_BYTES_MAX:,} fit a page with their stamp: shorten a text"
        raise StatementFails(OUT_OF_RANGE, why)
    return checked


def _given(asked: Insert, table: Table, row: tuple[exp.Expr, ...]) -> tuple[Evaluate, ...]:
    """Return the values of one row of VALUES, in the order of the table's columns; NULL where none is given."""
    names = asked.columns or table.schema.names
    for name in names:
        table.schema.position(name)
    if len(names) != len(row) or len(set(names)) != len(names):
        why = f"{len(row)} values for the {len(names)} columns ({', '.join(names)})"
        raise outside(asked.sql, row[-1] if row else None, why)
    said = {name: _assigned(asked.sql, node, table, name) for name, node in zip(names, row, strict=True)}
    return tuple(said.get(name, lambda row: None) for name in table.schema.names)


def _assigned(sql: str, node: exp.Expr, table: Table, name: str, *, with_row: bool = False) -> Evaluate:
    """Return the value that a column is given, rounded where it takes whole numbers."""
    column = table.schema.columns[table.schema.position(name)]
    kind = TEXT if column.type == "text" else NUMBER
    found = compiled(sql, node, table.schema if with_row else None)
    if found.kind not in (kind, "null"):
        raise outside(sql, node, f"a {found.kind}, and {name} takes a {kind}")
    if column.type in {"i32", "i64"}:
        whole = round if _reads_a_float(node, table) else _rounded
        return lambda row: whole(value) if isinstance(value := found.of(row), float) else value
    return found.of


def _reads_a_float(node: exp.Expr, table: Table) -> bool:
    """Whether a value is made of a `double precision`, which PostgreSQL rounds otherwise than a number as written."""
    floats = {column.name for column in table.schema.columns if column.type == "f64"}
    return any(column.name.lower() in floats for column in node.find_all(exp.Column))


def _rounded(value: float) -> int:
    """Round half away from zero, as PostgreSQL rounds `numeric`.

    >>> [_rounded(value) for value in (2.5, -2.5, 3.4999, 1e10)]
    [3, -3, 3, 10000000000]
    """
    return int(Decimal(repr(value)).to_integral_value(ROUND_HALF_UP))


# ------------------------------------------------------------------------------------------ what is given out
class _Outputs:
    """The columns of a SELECT: functions of a row, or of all rows where they fold."""

    def __init__(self, names: tuple[str, ...], values: list[Evaluate], folds: list[Callable[[list[Values]], Value]]):
        self.names, self.values, self.folds = names, values, folds


def _outputs(asked: Select, table: Table) -> _Outputs:
    if not asked.outputs:
        places = range(len(table.schema.columns))
        return _Outputs(table.schema.names, [lambda row, place=place: row[place] for place in places], [])  # type: ignore[misc]
    names = tuple(name for name, _ in asked.outputs)
    folded = [isinstance(node, exp.AggFunc) for _, node in asked.outputs]
    if all(folded):
        return _Outputs(names, [], [_fold(asked.sql, node, table) for _, node in asked.outputs])
    if any(folded):
        raise outside(asked.sql, asked.outputs[folded.index(False)][1], "without GROUP BY, all columns fold or none")
    return _Outputs(names, [compiled(asked.sql, node, table.schema).of for _, node in asked.outputs], [])


_FOLDS: Final[dict[type, Callable[[list[Any]], Any]]] = {
    exp.Count: len, exp.Sum: lambda values: sum(values) if values else None,
    exp.Min: lambda values: min(values, default=None), exp.Max: lambda values: max(values, default=None),
}  # fmt: skip


def _fold(sql: str, node: exp.Expr, table: Table) -> Callable[[list[Values]], Value]:
    if type(node) not in _FOLDS or isinstance(node.this, exp.Distinct):
        raise outside(sql, node, f"{node.key.upper()} is left out; there are count, sum, min and max")
    if isinstance(node.this, exp.Star):
        return len
    inner = compiled(sql, node.this, table.schema)
    if isinstance(node, exp.Sum) and inner.kind != NUMBER:
        raise outside(sql, node, "sum takes a number")
    fold = _FOLDS[type(node)]
    return lambda rows: fold([value for row in rows if (value := inner.of(row)) is not None])
