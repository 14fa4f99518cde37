"""Read the whole table, or ask an index? A policy without knowledge of pages.

Among what a condition says of columns that have an index, one value of the key is best, then one value of another
column, then a range. Where nothing is said, everything is read.

Left out: statistics. A real planner would read a table of three rows whole, whatever indexes there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlglot import expressions as exp

from dsys_lab.stores.relational.expressions import Range, ranges
from dsys_lab.structures.schema import Schema, Value


def chosen(where: exp.Expr | None, indexed: Sequence[str], schema: Schema) -> Range | None:
    """Return what to ask an index for, or None to read everything; the first of `indexed` is the best.

    Examples
    --------
    >>> import sqlglot
    >>> where = sqlglot.parse_one("city = 'Oslo' AND id > 3 AND id <= 7")
    >>> chosen(where, ("id", "city"), Schema.of("id i32, city text"))
    Range(column='city', low='Oslo', high='Oslo')
    >>> chosen(where, ("id",), Schema.of("id i32, city text"))
    Range(column='id', low=3, high=7)
    """
    said: dict[str, Range] = {}
    for one in ranges(where):
        if one.column in indexed:
            said[one.column] = _both(said.get(one.column), _stored(one, schema))
    in_order = [said[column] for column in indexed if column in said]
    exact = [one for one in in_order if one.low is not None and one.low == one.high]
    return next(iter(exact + in_order), None)


def _both(one: Range | None, other: Range) -> Range:
    if one is None:
        return other
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = [high for high in (one.high, other.high) if high is not None]
    return Range(one.column, max(lows, default=None), min(highs, default=None))


def _stored(one: Range, schema: Schema) -> Range:
    """Return the range with bounds of the type that the column stores."""
    kind = schema.columns[schema.position(one.column)].type
    return Range(one.column, _bound(one.low, kind, up=True), _bound(one.high, kind, up=False))


def _bound(value: Value, kind: str, *, up: bool) -> Value:
    if value is None or isinstance(value, str):
        return value
    if kind == "f64":
        return float(value)
    return math.ceil(value) if up else math.floor(value)
