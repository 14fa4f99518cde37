"""Which function of a row is `o.price * 2`, and which type has it?

Columns are found by name and table and then called by their place, intervals and times become microseconds; the rest is
the arithmetic and the three truths of `dsys_lab.stores.relational.expressions`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlglot import expressions as exp

from dsys_lab.dataflows.streaming_sql.operators import Function
from dsys_lab.dataflows.streaming_sql.tables import Field
from dsys_lab.dataflows.streaming_sql.text import SHOWN, Text, interval_us
from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational import expressions as relational
from dsys_lab.structures.schema import Column, Schema

_STORED: Final = {"time": "i64"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Scope:
    """The columns that a part of a statement may name.

    Parameters
    ----------
    text : Text
    fields : tuple of Field
    """

    def __init__(self, text: Text, fields: tuple[Field, ...]) -> None:
        self.text, self.fields = text, fields
        self._schema = Schema(
            tuple(Column(f"c{place}", _STORED.get(one.type, one.type), True) for place, one in enumerate(fields))
        )

    def place(self, node: exp.Expr) -> int:
        """Return the place of a column.

        Raises
        ------
        BadParameter
            If it is none, or not there, or in two tables.
        """
        if not isinstance(node, exp.Column):
            raise self.text.outside(node, "a column is meant here")
        name, alias = node.name, node.table
        found = [
            place for place, field in enumerate(self.fields) if field.name == name and alias in ("", field.alias)
        ]
        if not found:
            there = ", ".join(f"{one.alias}.{one.name}" if alias else one.name for one in self.fields)
            raise self.text.outside(node, f"there is no column {f'{alias}.' * bool(alias)}{name}, only {there}")
        if len(found) > 1:
            which = f"{self.fields[found[0]].alias}.{name}"
            raise self.text.outside(node, f"{name} is in two tables: say which, as {which}")
        return found[0]

    def function(self, node: exp.Expr) -> Function:
        """Return the function of a row that an expression is."""
        return self._compiled(node).of

    def test(self, node: exp.Expr) -> Function:
        """Return the condition that an expression is."""
        found = self._compiled(node)
        if found.kind not in {relational.TRUTH, relational.NULL}:
            raise self.text.outside(node, f"a {found.kind}, where a condition is meant")
        return found.of

    def type(self, node: exp.Expr) -> str:
        """Return the type of an expression.

        Raises
        ------
        BadParameter
            If it is a condition, which is no column of a stream.
        """
        if isinstance(node, exp.Paren | exp.Neg):
            return self.type(node.this)
        if isinstance(node, exp.Column):
            return self.fields[self.place(node)].type
        if isinstance(node, exp.Literal):
            return "text" if node.is_string else "i64" if node.is_int else "f64"
        if isinstance(node, exp.Cast | exp.Interval):
            return "time"
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
            both = self.type(node.left), self.type(node.right)
            return next((one for one in ("time", "f64") if one in both), "i64")
        raise self.text.outside(node, f"{node.key.upper()} is no column here: give a number, a text or a time")

    def _compiled(self, node: exp.Expr) -> relational.Expression:
        plain = node.copy().transform(self._in_place)
        try:
            return relational.compiled(self.text.sql, plain, self._schema)
        except BadParameter as error:
            why = str(error).rpartition("; ")[0] or str(error)
            raise BadParameter(f"{why}; {SHOWN}") from None

    def _in_place(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            name = exp.to_identifier(f"c{self.place(node)}")
            name.meta.update(node.this.meta)
            return exp.Column(this=name)
        us = time_us(self.text, node)
        return node if us is None else exp.Literal.number(us)


def time_us(text: Text, node: exp.Expr) -> int | None:
    """Return an INTERVAL or a TIMESTAMP '...' in microseconds; None of anything else."""
    if isinstance(node, exp.Interval):
        if not isinstance(node.this, exp.Literal) or node.args.get("unit") is None:
            raise text.outside(node, "an interval is written INTERVAL '10' SECOND")
        return interval_us(text, node, node.this.name, node.args["unit"].name)
    if isinstance(node, exp.Cast) and node.to.this == exp.DType.TIMESTAMP and isinstance(node.this, exp.Literal):
        try:
            moment = datetime.fromisoformat(node.this.name).replace(tzinfo=UTC)
        except ValueError:
            raise text.outside(node, f"TIMESTAMP {node.this.name!r}: write it as '2026-02-08 07:00:00'") from None
        return round((moment - _EPOCH).total_seconds() * 1e6)
    return None
