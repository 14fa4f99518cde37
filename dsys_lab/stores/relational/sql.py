"""Which SQL does the model speak?

A small part of PostgreSQL's, small enough to know by heart, so that the same words run on the model, on SQLite and on
PostgreSQL. `sqlglot` reads it; this file says which of what it reads is meant, and points at the rest. ::

    CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, score double precision)      integer bigint text ...
    CREATE INDEX by_name ON t (name)
    INSERT INTO t [(id, name)] VALUES (1, 'Ada'), (2, 'Ben')
    SELECT id, score + 1 AS next, ... | count(*), sum(score), min(id), max(id), count(name)
        FROM t [WHERE ...] [ORDER BY id [DESC], ...] [LIMIT 3] [FOR UPDATE]
    UPDATE t SET score = score + 1 [WHERE ...]
    DELETE FROM t [WHERE ...]
    BEGIN [ISOLATION LEVEL ...] | COMMIT | ROLLBACK | VACUUM [t] | CHECKPOINT

A condition knows `= <> < <= > >= AND OR NOT IN BETWEEN`, `IS [NOT] NULL`, and `+ - * / %` on numbers.

Left out: joins, GROUP BY, subqueries, DEFAULT, foreign keys, ALTER and DROP, savepoints: no experiment of the lab needs
them, and the real engines beside the model have them.

Sources: sqlglot's documentation; PostgreSQL documentation, part VI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational.sessions import LEVELS
from dsys_lab.structures.schema import Column, Schema

TYPES: Final = {exp.DType.INT: "i32", exp.DType.BIGINT: "i64", exp.DType.DOUBLE: "f64", exp.DType.TEXT: "text"}
"""What a column may be, and how it is stored (see `structures.schema`)."""
TYPE_NAMES: Final = {"i32": "integer", "i64": "bigint", "f64": "double precision", "text": "text"}
"""How SQL names what is stored."""
_BY_HAND: Final = re.compile(
    r"(?P<begin>BEGIN|START)(?:\s+(?:TRANSACTION|WORK))?(?:\s+ISOLATION\s+LEVEL\s+(?P<level>.+))?|"
    r"(?P<end>COMMIT|END|ROLLBACK|ABORT)|CHECKPOINT|VACUUM(?:\s+(?P<table>\w+))?",
    flags=re.IGNORECASE,
)
"""What begins, ends and tends: read here, for other dialects than PostgreSQL's have these words otherwise."""
_NAME: Final = re.compile(r"[^\W\d]\w{0,62}")


@dataclass(frozen=True, slots=True)
class Begin:
    """BEGIN at a level."""

    level: str


@dataclass(frozen=True, slots=True)
class End:
    """COMMIT, or ROLLBACK."""

    commits: bool


@dataclass(frozen=True, slots=True)
class Tend:
    """VACUUM of a table, or of all where `table` is empty; or CHECKPOINT."""

    verb: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE; `key` is the column of the primary key, or "" for none."""

    table: str
    schema: Schema
    key: str


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """CREATE INDEX on one column."""

    index: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT of rows of expressions without columns."""

    sql: str
    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[exp.Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One column of ORDER BY."""

    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT from one table; `outputs` are names and expressions, empty for `*`."""

    sql: str
    table: str
    outputs: tuple[tuple[str, exp.Expr], ...]
    where: exp.Expr | None
    order: tuple[Order, ...]
    limit: int | None
    for_update: bool


@dataclass(frozen=True, slots=True)
class Update:
    """UPDATE: columns, each with the expression of its new value."""

    sql: str
    table: str
    sets: tuple[tuple[str, exp.Expr], ...]
    where: exp.Expr | None


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE."""

    sql: str
    table: str
    where: exp.Expr | None


Statement = Begin | End | Tend | CreateTable | CreateIndex | Insert | Select | Update | Delete


def outside(sql: str, node: exp.Expr | None, why: str) -> BadParameter:
    """Return the error that points at a part of a statement."""
    places = [part.meta for part in node.walk() if "start" in part.meta] if node is not None else []
    if not places:
        return BadParameter(f"SQL: {why}, in {sql!r}; dsys_lab.stores.relational.sql shows what is allowed")
    first = min(places, key=lambda meta: meta["start"])
    near = sql[first["start"] : first["start"] + 24]
    return BadParameter(
        f"SQL, line {first['line']}, column {_column(sql, first['start'])}, at {near!r}: {why}; "
        "dsys_lab.stores.relational.sql shows what is allowed"
    )


@lru_cache(maxsize=1024)
def parse(sql: str) -> Statement:
    """Return what a statement asks for.

    Raises
    ------
    BadParameter
        With the line and the column of what is not SQL, or not of this part of it.

    Examples
    --------
    >>> parse("BEGIN ISOLATION LEVEL REPEATABLE READ"), parse("vacuum orders")
    (Begin(level='repeatable read'), Tend(verb='VACUUM', table='orders'))
    >>> parse("SELECT a FROM t JOIN u ON a = b")
    Traceback (most recent call last):
      ...
    dsys_lab.errors.BadParameter: SQL, line 1, column 22, at 'u ON a = b': joins are left out; \
dsys_lab.stores.relational.sql shows what is allowed
    """
    if "\0" in sql:
        raise BadParameter(f"SQL: {sql!r:.60} holds a zero byte, which is in no text")
    plain = sql.strip().removesuffix(";").strip()
    if by_hand := _BY_HAND.fullmatch(plain):
        return _by_hand(sql, plain, by_hand)
    if re.match(r"(BEGIN|START|COMMIT|ROLLBACK|VACUUM|CHECKPOINT|EXPLAIN|SET|DO|COPY)\b", plain, flags=re.IGNORECASE):
        raise outside(sql, None, f"{plain.split()[0].upper()} is not meant like this")
    try:
        trees = sqlglot.parse(sql, dialect="postgres")
    except SqlglotError as error:
        raise BadParameter(_not_sql(sql, error)) from None
    tree = trees[0] if trees else None
    if tree is None or len([one for one in trees if one is not None]) > 1:
        raise outside(sql, None, "give one statement")
    match tree:
        case exp.Create():
            return _create(sql, tree)
        case exp.Insert():
            return _insert(sql, tree)
        case exp.Select():
            return _select(sql, tree)
        case exp.Update():
            return _update(sql, tree)
        case exp.Delete():
            return _delete(sql, tree)
    raise outside(sql, tree, f"{tree.key.upper()} is left out")


def _by_hand(sql: str, plain: str, found: re.Match[str]) -> Statement:
    if found["begin"]:
        level = " ".join((found["level"] or "read committed").lower().split())
        if level not in LEVELS:
            raise BadParameter(f"SQL: isolation level {level!r}; give one of {', '.join(LEVELS)}")
        return Begin(level)
    if found["end"]:
        return End(found["end"].upper() in {"COMMIT", "END"})
    return Tend(plain.split(maxsplit=1)[0].upper(), (found["table"] or "").lower())


# ------------------------------------------------------------------------------------------ what sqlglot read
def _create(sql: str, tree: exp.Create) -> Statement:
    is_table = tree.kind == "TABLE" and isinstance(tree.this, exp.Schema)
    if tree.kind != "INDEX" and not is_table:
        raise outside(sql, tree, "only CREATE TABLE t (...) and CREATE INDEX i ON t (column) are meant")
    _nothing_else(sql, tree, "this", "kind")
    if not is_table:
        return _create_index(sql, tree.this)
    columns, keys = [], []
    for part in tree.this.expressions:
        if isinstance(part, exp.PrimaryKey):
            if len(part.expressions) > 1:
                raise outside(sql, part, "a key of several columns is left out")
            keys += [one.name.lower() for one in part.expressions]
        elif isinstance(part, exp.ColumnDef):
            columns.append(_column_of(sql, part, keys))
        else:
            raise outside(sql, part, "only columns and a PRIMARY KEY are meant here")
    if len(keys) > 1:
        raise outside(sql, tree.this, "one PRIMARY KEY, please")
    key = keys[0] if keys else ""
    schema = Schema(tuple(Column(one.name, one.type, one.nullable and one.name != key) for one in columns))
    if key:
        schema.position(key)
    return CreateTable(_table(sql, tree.this.this), schema, key)


def _column_of(sql: str, part: exp.ColumnDef, keys: list[str]) -> Column:
    kind = TYPES.get(part.kind.this) if part.kind is not None else None
    if kind is None:
        raise outside(sql, part, f"the type of {part.name} is one of {', '.join(TYPE_NAMES.values())}")
    nullable = True
    for constraint in part.constraints:
        if isinstance(constraint.kind, exp.PrimaryKeyColumnConstraint):
            keys.append(part.name.lower())
        elif isinstance(constraint.kind, exp.NotNullColumnConstraint):
            nullable = bool(constraint.kind.args.get("allow_null"))
        else:
            raise outside(sql, part, "only PRIMARY KEY and NOT NULL are meant after a type")
    return Column(part.name.lower(), kind, nullable)


def _create_index(sql: str, index: exp.Index) -> Statement:
    columns = index.args["params"].args.get("columns") or []
    if len(columns) != 1 or not isinstance(columns[0].this, exp.Column) or columns[0].args.get("desc"):
        raise outside(sql, index, "an index stands on one column, in its order")
    _nothing_else(sql, index.args["params"], "columns")
    return CreateIndex(_plain(sql, index, index.name), _table(sql, index.args["table"]), columns[0].this.name.lower())


def _insert(sql: str, tree: exp.Insert) -> Statement:
    _nothing_else(sql, tree, "this", "expression")
    target, values = tree.this, tree.expression
    if not isinstance(values, exp.Values):
        raise outside(sql, tree, "only INSERT ... VALUES is meant")
    named = isinstance(target, exp.Schema)
    columns = tuple(part.name.lower() for part in target.expressions) if named else ()
    rows = tuple(tuple(row.expressions) for row in values.expressions)
    return Insert(sql, _table(sql, target.this if named else target), columns, rows)


def _select(sql: str, tree: exp.Select) -> Statement:
    if tree.args.get("joins"):
        raise outside(sql, tree.args["joins"][0], "joins are left out")
    _nothing_else(sql, tree, "expressions", "from_", "where", "order", "limit", "locks")
    if tree.args.get("from_") is None:
        raise outside(sql, tree, "SELECT needs FROM")
    if not tree.expressions:
        raise outside(sql, tree.args["from_"], "SELECT needs columns, or *")
    outputs = tuple((_output_name(part), part.unalias()) for part in tree.expressions)
    if any(isinstance(part, exp.Star) for _, part in outputs):
        if len(outputs) > 1:
            raise outside(sql, tree, "give * alone, or columns")
        outputs = ()
    order = tree.args.get("order")
    locks = tree.args.get("locks") or []
    if any(not lock.args["update"] or any(lock.args[more] for more in ("expressions", "key")) or
           lock.args["wait"] is not None for lock in locks):  # fmt: skip
        raise outside(sql, tree, "of locks, only FOR UPDATE is meant")
    return Select(
        sql, _table(sql, tree.args["from_"].this), outputs, _where(tree),
        order=tuple(_order(sql, part) for part in order.expressions) if order else (),
        limit=_limit(sql, tree.args.get("limit")), for_update=bool(locks),
    )  # fmt: skip


def _output_name(part: exp.Expr) -> str:
    if isinstance(part, exp.Alias | exp.Column):
        return part.alias_or_name.lower()
    return part.key if isinstance(part, exp.AggFunc) else "?column?"


def _order(sql: str, part: exp.Ordered) -> Order:
    if not isinstance(part.this, exp.Column):
        raise outside(sql, part, "ORDER BY names columns")
    if bool(part.args.get("nulls_first")) != bool(part.args.get("desc")):
        raise outside(sql, part, "NULLs come last, with DESC first; another order is left out")
    return Order(part.this.name.lower(), bool(part.args.get("desc")))


def _limit(sql: str, limit: exp.Limit | None) -> int | None:
    if limit is None:
        return None
    if not isinstance(limit.expression, exp.Literal) or not limit.expression.is_int:
        raise outside(sql, limit, "LIMIT takes a whole number")
    return int(limit.expression.name)


def _update(sql: str, tree: exp.Update) -> Statement:
    _nothing_else(sql, tree, "this", "expressions", "where")
    sets = []
    for part in tree.expressions:
        if not isinstance(part, exp.EQ) or not isinstance(part.this, exp.Column):
            raise outside(sql, part, "SET takes column = value")
        sets.append((part.this.name.lower(), part.expression))
    if len(dict(sets)) != len(sets):
        raise outside(sql, tree, "SET gives each column one value")
    return Update(sql, _table(sql, tree.this), tuple(sets), _where(tree))


def _delete(sql: str, tree: exp.Delete) -> Statement:
    _nothing_else(sql, tree, "this", "where")
    return Delete(sql, _table(sql, tree.this), _where(tree))


def _where(tree: exp.Expr) -> exp.Expr | None:
    where = tree.args.get("where")
    return where.this if where is not None else None


def _table(sql: str, node: exp.Expr) -> str:
    if not isinstance(node, exp.Table) or node.args.get("db") or node.alias or not node.name:
        raise outside(sql, node, "give the plain name of one table")
    return _plain(sql, node, node.name)


def _plain(sql: str, node: exp.Expr, name: str) -> str:
    """Return a name in small letters; it becomes the name of a file."""
    if not _NAME.fullmatch(name):
        allowed = "letters, digits and _, at most 63, no digit first"
        raise outside(sql, node, f"the name {name!r} is no plain one: {allowed}")
    return name.lower()


def _nothing_else(sql: str, tree: exp.Expr, *meant: str) -> None:
    """Refuse a clause that is not meant: what is not understood is not passed over."""
    for name, value in tree.args.items():
        if name not in meant and value and not (isinstance(value, exp.Expr) and not value.args):
            raise outside(sql, _first(value) or tree, f"{name.strip('_').upper().replace('_', ' ')} is left out")


def _first(value: object) -> exp.Expr | None:
    values: Iterable[object] = value if isinstance(value, list) else [value]
    return next((one for one in values if isinstance(one, exp.Expr)), None)


def _column(sql: str, start: int) -> int:
    return start - (sql.rfind("\n", 0, start) + 1) + 1


def _not_sql(sql: str, error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    where = details[0]
    if "line" not in where:
        return f"SQL: {sql!r} cannot be read: {str(error).splitlines()[0]}"
    what = re.sub(r"\s*Line \d.*", "", where["description"])
    column = where["col"] - len(where.get("highlight") or "") + 1
    return f"SQL, line {where['line']}, column {column}, at {where.get('highlight')!r}: {what}"
