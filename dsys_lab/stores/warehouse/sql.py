"""Which SQL does the warehouse speak?

The shapes that a star needs, no more::

    SELECT city_id, count(*), count(x), sum(x), avg(x) AS mean, min(x), max(x)  |  SELECT a, b
        FROM night [AS n] [JOIN person p ON n.person_id = p.person_id]
        [WHERE n.date_key BETWEEN 10 AND 19 AND p.plan = 1 AND x < 7 AND ...]
        [GROUP BY city_id, ...]

Each condition compares one column with one value, and all must hold. Rows of the answer come in the order of their
values, first column first, NULL before all others, so that an answer does not depend on where rows lie. `avg` keeps its
fraction.

Left out, and refused by its name: OR, NOT, IN, IS NULL, DISTINCT, HAVING, ORDER BY, LIMIT, subqueries, set operations,
outer joins, more than two tables, expressions. Loading, deleting and vacuuming are verbs of `Warehouse`.

Sources: sqlglot's documentation; Amazon Redshift Database Developer Guide, "SELECT".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from dsys_lab.errors import BadParameter
from dsys_lab.stores.table import Between, Measure
from dsys_lab.stores.warehouse.questions import Condition, Item, Name, Question
from dsys_lab.structures.encoding.codec import WHOLE
from dsys_lab.structures.schema import Schema

_MEASURES: Final[dict[type, str]] = {exp.Count: "count", exp.Sum: "sum", exp.Avg: "avg", exp.Min: "min", exp.Max: "max"}
_TURNED: Final[dict[type[exp.Binary], type[exp.Binary]]] = {
    exp.LT: exp.GT, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.GTE: exp.LTE,
}  # fmt: skip
_ALLOWED: Final = frozenset({"expressions", "from_", "joins", "where", "group"})
_MEANT: Final = "dsys_lab.stores.warehouse.sql shows what is meant"


def read(sql: str, schemas: Mapping[str, Schema]) -> Question:
    """Return the question that a SELECT asks of tables of these schemas.

    Raises
    ------
    BadParameter
        If it is no SQL, names what is not there, or asks for what is left out: the message names it.
    """
    try:
        trees = sqlglot.parse(sql, dialect="redshift")
    except SqlglotError as error:
        raise BadParameter(f"SQL: {sql!r:.200} cannot be read: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or trees[0] is None:
        raise BadParameter(f"SQL: {len(trees)} statements; give one SELECT")
    if not isinstance(trees[0], exp.Select):
        raise _left_out(trees[0])
    return _Reader(trees[0], schemas).question()


def _left_out(tree: exp.Expr, what: str = "") -> BadParameter:
    return BadParameter(f"SQL: {what or tree.key.upper()} in {tree.sql('redshift')!r:.120} is left out; {_MEANT}")


class _Reader:
    """Reads one SELECT."""

    def __init__(self, tree: exp.Select, schemas: Mapping[str, Schema]) -> None:
        for part, value in tree.args.items():
            if value and part not in _ALLOWED:
                raise _left_out(tree, part.rstrip("_").upper())
        self.tree, self.schemas = tree, schemas
        self.joins: list[exp.Join] = tree.args.get("joins") or []
        self.tables = dict(self._tables())

    def question(self) -> Question:
        by = tuple(self._name(column) for column in self._group())
        items = tuple(self._item(one) for one in self.tree.expressions)
        question = Question(tuple(self.tables.items()), items, tuple(self._where()), by, self._on())
        alone = [item.name for item in items if not item.how and item.name not in by]
        if question.is_grouped and alone:
            raise BadParameter(f"SQL: {alone[0]} is neither measured nor in GROUP BY: put it there, or measure it")
        return question

    # ------------------------------------------------------------ tables
    def _tables(self) -> Iterator[tuple[str, str]]:
        if not self.tree.args.get("from_"):
            raise BadParameter(f"SQL: a SELECT without FROM; {_MEANT}")
        if len(self.joins) > 1:
            raise _left_out(self.joins[1], "a join of more than two tables")
        seen: set[str] = set()
        for tree in (self.tree.args["from_"].this, *(join.this for join in self.joins)):
            if not isinstance(tree, exp.Table) or any(
                value for part, value in tree.args.items() if part not in {"this", "alias"}
            ):
                raise _left_out(tree)
            if tree.name not in self.schemas:
                raise BadParameter(f"no table {tree.name!r}; there are {', '.join(self.schemas) or 'none'}")
            if tree.alias_or_name in seen:
                raise BadParameter(f"SQL: two tables go by {tree.alias_or_name!r}: give one an alias")
            seen.add(tree.alias_or_name)
            yield tree.alias_or_name, tree.name

    def _on(self) -> tuple[Name, Name] | None:
        if not self.joins:
            return None
        join = self.joins[0]
        kind = " ".join(part for part in (join.side, join.kind, join.method) if part)
        on = join.args.get("on")
        if kind not in {"", "INNER"} or join.args.get("using"):
            raise _left_out(join, f"{kind or 'USING'}")
        if not isinstance(on, exp.EQ) or not isinstance(on.left, exp.Column) or not isinstance(on.right, exp.Column):
            raise _left_out(join, "a join but for one column = another (ON a.x = b.y)")
        first, second = self._name(on.left), self._name(on.right)
        if first.alias == second.alias:
            raise BadParameter(f"SQL: {first} = {second} compares a table with itself: name a column of each")
        if first.alias != next(iter(self.tables)):
            first, second = second, first
        self._check_alike(first, second)
        return first, second

    def _check_alike(self, first: Name, second: Name) -> None:
        one, other = self._type(first), self._type(second)
        alike = one == other if "f64" not in {one, other} else False
        if one in WHOLE and other in WHOLE:
            alike = "u64" not in {one, other} or "i" not in {one[0], other[0]}
        if not alike:
            raise BadParameter(f"SQL: {first} is a {one} and {second} a {other}: join whole numbers, or texts")

    # ------------------------------------------------------------ columns
    def _name(self, tree: exp.Expr) -> Name:
        if not isinstance(tree, exp.Column):
            raise _left_out(tree)
        if tree.table:
            if tree.table not in self.tables:
                raise BadParameter(f"SQL: no table goes by {tree.table!r}; there are {', '.join(self.tables)}")
            owners = [tree.table]
        else:
            owners = [alias for alias, table in self.tables.items() if tree.name in self.schemas[table].names]
        if len(owners) > 1:
            both = " and in ".join(owners)
            raise BadParameter(f"SQL: {tree.name!r} is in {both}: say which, as {owners[0]}.{tree.name}")
        name = Name((owners or list(self.tables))[0], tree.name)
        self._type(name)
        return name

    def _schema(self, name: Name) -> Schema:
        return self.schemas[self.tables[name.alias]]

    def _type(self, name: Name) -> str:
        schema = self._schema(name)
        return schema.columns[schema.position(name.column)].type

    def _group(self) -> list[exp.Expr]:
        group = self.tree.args.get("group")
        if group is None:
            return []
        for part, value in group.args.items():
            if value and part != "expressions":
                raise _left_out(group, part.upper())
        return group.expressions

    def _item(self, tree: exp.Expr) -> Item:
        label, tree = tree.alias_or_name, tree.unalias()
        how = _MEASURES.get(type(tree), "")
        if not how:
            name = self._name(tree)
            return Item(label or name.column, name)
        if any(value for part, value in tree.args.items() if part not in {"this", "big_int"}):
            raise _left_out(tree)
        if isinstance(tree.this, exp.Star) and how == "count":
            return Item(label if label != "*" else "count", None, how)
        name = self._name(tree.this)
        Measure(how, name.column).check(self._schema(name))
        return Item(label if label != name.column and label else f"{how}_{name.column}", name, how)

    # ------------------------------------------------------------ conditions
    def _where(self) -> Iterator[Condition]:
        where = self.tree.args.get("where")
        if where is None:
            return
        for tree in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
            name, between = self._condition(tree.unnest())
            between.check(self._schema(name))
            yield Condition(name.alias, between)

    def _condition(self, tree: exp.Expr) -> tuple[Name, Between]:
        if isinstance(tree, exp.Between) and not tree.args.get("symmetric"):
            name = self._name(tree.this)
            return name, Between(name.column, _value(tree.args["low"]), _value(tree.args["high"]))
        if not isinstance(tree, exp.EQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
            raise _left_out(tree)
        left, right = tree.left, tree.right
        kind: type[exp.Binary] = type(tree)
        if isinstance(right, exp.Column) and not isinstance(left, exp.Column):
            left, right, kind = right, left, _TURNED.get(kind, kind)
        name, value = self._name(left), _value(right)
        if kind in {exp.LT, exp.GT}:
            value = self._stepped(tree, name, value, up=kind is exp.GT)
        low = value if kind in {exp.EQ, exp.GT, exp.GTE} else None
        high = value if kind in {exp.EQ, exp.LT, exp.LTE} else None
        return name, Between(name.column, low, high)

    def _stepped(self, tree: exp.Expr, name: Name, value: float | str, *, up: bool) -> int | float:
        """Return the nearest value beyond: ranges are closed."""
        if isinstance(value, str):
            raise _left_out(tree, "< or > of a text (<= and >= are meant)")
        if self._type(name) in WHOLE:
            return math.floor(value) + 1 if up else math.ceil(value) - 1
        return math.nextafter(value, math.inf if up else -math.inf)


def _value(tree: exp.Expr) -> int | float | str:
    sign = -1 if isinstance(tree, exp.Neg) else 1
    literal = tree.this if sign < 0 else tree
    if not isinstance(literal, exp.Literal) or (literal.is_string and sign < 0):
        raise _left_out(tree, "a comparison with anything but a number or a text")
    if literal.is_string:
        return str(literal.this)
    return sign * (int(literal.this) if literal.is_int else float(literal.this))
