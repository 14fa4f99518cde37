"""What is the value of `stock - 1`, and is `price > NULL` true?

Neither true nor false: unknown. SQL counts with three truths, and so does this file; a row passes a filter only where
the condition is true. An expression is made into a function of a row once, and its types are looked at then, so a text
that is compared with a number is an error before anything runs.

Numbers are PostgreSQL's: whole numbers divide to whole numbers, towards zero; a division by zero fails, and so does a
result that is out of range. Whole numbers are counted as `bigint` on the way, and what is written as 0.1 is a double
precision (PostgreSQL: an exact `numeric`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import expressions as exp

from dsys_lab.stores.relational.failure import StatementFails
from dsys_lab.stores.relational.sessions import DIVISION_BY_ZERO, OUT_OF_RANGE
from dsys_lab.stores.relational.sql import outside
from dsys_lab.structures.schema import Schema, Value, Values

_WHOLE_MAX: Final = 2**63
_UNDERSTOOD: Final = frozenset({
    "this", "table", "expression", "expressions", "low", "high", "is_string", "typed", "safe",
})  # fmt: skip
"""What the parts of an expression may carry; `typed` and `safe` say of a division that it is PostgreSQL's."""

Evaluate = Callable[[Values], Any]
NUMBER, TEXT, TRUTH, NULL = "number", "text", "truth value", "null"

_COMPARISONS: Final[Mapping[type, Callable[[Any, Any], bool]]] = {
    exp.EQ: operator.eq, exp.NEQ: operator.ne, exp.LT: operator.lt, exp.LTE: operator.le, exp.GT: operator.gt,
    exp.GTE: operator.ge,
}  # fmt: skip


def _divided(left: Any, right: Any) -> Any:
    if right == 0:
        raise StatementFails(DIVISION_BY_ZERO, "division by zero")
    if isinstance(left, float) or isinstance(right, float):
        return left / right
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: Any, right: Any) -> Any:
    if right and (isinstance(left, float) or isinstance(right, float)):
        return math.fmod(left, right)
    return left - right * _divided(left, right)


def _in_range(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make an operation fail, as PostgreSQL does, where its result is no bigint and no double precision."""

    def of(left: Any, right: Any) -> Any:
        try:
            value = combine(left, right)
        except OverflowError:
            value = math.inf
        if not (math.isfinite(value) if isinstance(value, float) else abs(value) <= _WHOLE_MAX):
            raise StatementFails(OUT_OF_RANGE, f"value out of range: overflow, of {left!r} and {right!r}")
        return value

    return of


_ARITHMETIC: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    exp.Add: operator.add, exp.Sub: operator.sub, exp.Mul: operator.mul, exp.Div: _divided, exp.Mod: _remainder,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """A function of a row, and what kind of value it gives."""

    kind: str
    of: Evaluate


@dataclass(frozen=True, slots=True)
class Range:
    """What a condition says of a column: from `low` to `high`, both included; None leaves a side open."""

    column: str
    low: Value
    high: Value

    def holds(self, value: Value) -> bool:
        """Whether a value lies in it; NULL never does."""
        return (
            value is not None
            and (self.low is None or self.low <= value)  # type: ignore[operator]
            and (self.high is None or value <= self.high)  # type: ignore[operator]
        )


def compiled(sql: str, node: exp.Expr, schema: Schema | None) -> Expression:
    """Return an expression over the rows of a schema, or one without columns where there is none.

    Raises
    ------
    BadParameter
        If it is outside the subset, names a column that is not there, or mixes types.
    """
    return _Compiler(sql, schema).compiled(node)


def condition(sql: str, node: exp.Expr | None, schema: Schema) -> Evaluate:
    """Return whether a row passes; without a condition all do."""
    if node is None:
        return lambda row: True
    return _Compiler(sql, schema).expected(node, TRUTH)


def ranges(node: exp.Expr | None) -> list[Range]:
    """Return what the parts of a condition that are joined by AND say of single columns.

    Examples
    --------
    >>> import sqlglot
    >>> ranges(sqlglot.parse_one("name = 'Oslo' AND (age > 30 OR age < 3) AND 7 <= id"))
    [Range(column='name', low='Oslo', high='Oslo'), Range(column='id', low=7, high=None)]
    """
    if isinstance(node, exp.Paren):
        return ranges(node.this)
    if isinstance(node, exp.And):
        return ranges(node.left) + ranges(node.right)
    if isinstance(node, exp.Between):
        return _range(node.this, exp.GTE, node.args["low"]) + _range(node.this, exp.LTE, node.args["high"])
    if isinstance(node, exp.EQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return _range(node.left, type(node), node.right) or _range(node.right, _TURNED[type(node)], node.left)
    return []


_TURNED: Final[Mapping[type, type]] = {
    exp.EQ: exp.EQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}


def _range(column: exp.Expr, comparison: type, literal: exp.Expr) -> list[Range]:
    if not isinstance(column, exp.Column):
        return []
    try:
        value = compiled("", literal, None).of(())
    except (ValueError, StatementFails):
        return []
    if value is None or isinstance(value, bool):
        return []
    low = value if comparison in {exp.EQ, exp.GT, exp.GTE} else None
    high = value if comparison in {exp.EQ, exp.LT, exp.LTE} else None
    return [Range(column.name.lower(), low, high)]


class _Compiler:
    """Makes functions of the nodes of one statement."""

    def __init__(self, sql: str, schema: Schema | None) -> None:
        self.sql, self.schema = sql, schema

    def compiled(self, node: exp.Expr) -> Expression:
        """Return the function of a node."""
        if isinstance(node, exp.AggFunc):
            raise outside(self.sql, node, f"{node.key} folds a table; it stands alone, as a column of SELECT")
        for name, value in node.args.items():  # what is not understood is not passed over
            if value and name not in _UNDERSTOOD and not (name == "negate" and isinstance(node, exp.Is)):
                raise outside(self.sql, node, f"{name.strip('_').upper().replace('_', ' ')} is left out")
        if isinstance(node, exp.Paren):
            return self.compiled(node.this)
        if isinstance(node, exp.Literal | exp.Null | exp.Neg | exp.Column):
            return self._leaf(node)
        if isinstance(node, exp.Binary) and type(node) in _ARITHMETIC:
            return Expression(NUMBER, self._both(node, _in_range(_ARITHMETIC[type(node)]), NUMBER))
        if isinstance(node, exp.Binary) and type(node) in _COMPARISONS:
            return Expression(
                TRUTH, self._both(node, _COMPARISONS[type(node)], self._common_kind(node.left, node.right))
            )
        return Expression(TRUTH, self._truth(node))

    def expected(self, node: exp.Expr, kind: str) -> Evaluate:
        """Return the function of a node that must be of a kind; NULL is of every kind."""
        found = self.compiled(node)
        if found.kind not in (kind, NULL):
            raise outside(self.sql, node, f"a {found.kind}, where a {kind} is meant")
        return found.of

    def _leaf(self, node: exp.Expr) -> Expression:
        if isinstance(node, exp.Null):
            return Expression(NULL, lambda row: None)
        if isinstance(node, exp.Neg):
            inner = self.expected(node.this, NUMBER)
            return Expression(NUMBER, lambda row: None if (value := inner(row)) is None else -value)
        if isinstance(node, exp.Literal):
            value: Value = node.name if node.is_string else self._number(node)
            return Expression(TEXT if node.is_string else NUMBER, lambda row: value)
        return self._column(node)

    def _number(self, node: exp.Literal) -> int | float:
        value = float(node.name)
        if node.is_int and abs(value) <= _WHOLE_MAX:
            return int(node.name)
        if node.is_int or not math.isfinite(value):
            raise outside(self.sql, node, f"a number out of range: give up to {_WHOLE_MAX:,}, or 1.8e308 with a point")
        return value

    def _column(self, node: exp.Expr) -> Expression:
        name = node.name.lower()
        if node.args.get("table"):
            raise outside(self.sql, node, f"a column goes by its name alone here: {name}")
        if self.schema is None:
            raise outside(self.sql, node, f"{name} is a column, and there is no row here")
        if name not in self.schema.names:
            raise outside(self.sql, node, f"there is no column {name}, only {', '.join(self.schema.names)}")
        place = self.schema.position(name)
        kind = TEXT if self.schema.columns[place].type == "text" else NUMBER
        return Expression(kind, operator.itemgetter(place))

    def _both(self, node: exp.Binary, combine: Callable[[Any, Any], Any], kind: str) -> Evaluate:
        left, right = self.expected(node.left, kind), self.expected(node.right, kind)

        def of(row: Values) -> Any:
            one, other = left(row), right(row)
            return None if one is None or other is None else combine(one, other)

        return of

    def _common_kind(self, left: exp.Expr, right: exp.Expr) -> str:
        kind = self.compiled(left).kind
        return self.compiled(right).kind if kind == NULL else kind

    def _truth(self, node: exp.Expr) -> Evaluate:
        if isinstance(node, exp.And | exp.Or):
            return self._joined(node, decides=isinstance(node, exp.Or))
        if isinstance(node, exp.Not):
            inner = self.expected(node.this, TRUTH)
            return lambda row: None if (value := inner(row)) is None else not value
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            subject, negated = self.compiled(node.this).of, bool(node.args.get("negate"))
            return lambda row: (subject(row) is None) is not negated
        if isinstance(node, exp.Between):
            low, high = (
                exp.GTE(this=node.this, expression=node.args["low"]),
                exp.LTE(this=node.this, expression=node.args["high"]),
            )
            return self._truth(exp.And(this=low, expression=high))
        if isinstance(node, exp.In) and node.expressions:
            return self._in(node)
        raise outside(self.sql, node, f"{node.key.upper()} is left out")

    def _joined(self, node: exp.And | exp.Or, *, decides: bool) -> Evaluate:
        """AND and OR: one side that decides is enough; else one that is unknown makes it unknown."""
        left, right = self.expected(node.left, TRUTH), self.expected(node.right, TRUTH)

        def of(row: Values) -> bool | None:
            one = left(row)
            if one is decides:
                return decides
            other = right(row)
            if other is decides:
                return decides
            return None if one is None or other is None else not decides

        return of

    def _in(self, node: exp.In) -> Evaluate:
        kind = self._common_kind(node.this, node.expressions[0])
        subject = self.expected(node.this, kind)
        choices = [self.expected(one, kind) for one in node.expressions]

        def of(row: Values) -> bool | None:
            value, allowed = subject(row), [choice(row) for choice in choices]
            if value is not None and value in [one for one in allowed if one is not None]:
                return True
            return None if value is None or None in allowed else False

        return of
