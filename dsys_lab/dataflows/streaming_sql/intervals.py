"""How far apart may two times lie, by `p.ts BETWEEN o.ts - INTERVAL '1' MINUTE AND o.ts + INTERVAL '5' MINUTE`?

Each comparison of a time of one side with one of the other bounds the distance *right minus left* from below or from
above. A join of streams needs both, for else a row would have to wait for its partners for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlglot import expressions as exp

from dsys_lab.dataflows.streaming_sql.expressions import Scope, time_us

_TURNED: Final[dict[type, type]] = {
    exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ,
}  # fmt: skip
Side = tuple[int, int]
"""The place of a column of time, and what is added to it."""


def bounds(scope: Scope, node: exp.Expr, lefts: int) -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Give what a condition says of the distance: "low" or "high", microseconds, and which two columns.

    Parameters
    ----------
    scope : Scope
        Of both sides, the left one's columns first.
    node : expression
        A condition; nothing is given if it does not compare times of both sides.
    lefts : int
        How many columns the left side has.
    """
    if isinstance(node, exp.Between):
        yield from _bounds(scope, exp.GTE, (node.this, node.args["low"]), lefts)
        yield from _bounds(scope, exp.LTE, (node.this, node.args["high"]), lefts)
    elif type(node) in _TURNED and isinstance(node, exp.Binary):
        yield from _bounds(scope, type(node), (node.left, node.right), lefts)


def _bounds(
    scope: Scope, kind: type, pair: tuple[exp.Expr, exp.Expr], lefts: int
) -> Iterator[tuple[str, int, tuple[int, int]]]:
    one, other = (_side(scope, node) for node in pair)
    if one is None or other is None or (one[0] < lefts) == (other[0] < lefts):
        return
    if one[0] < lefts:  # left ~ right is right ~ left, turned
        one, other, kind = other, one, _TURNED[kind]
    apart_us = other[1] - one[1]  # right + a >= left + b is right - left >= b - a
    columns = other[0], one[0] - lefts
    if kind in {exp.GTE, exp.GT, exp.EQ}:
        yield "low", apart_us + (kind is exp.GT), columns
    if kind in {exp.LTE, exp.LT, exp.EQ}:
        yield "high", apart_us - (kind is exp.LT), columns


def _side(scope: Scope, node: exp.Expr) -> Side | None:
    if isinstance(node, exp.Paren):
        return _side(scope, node.this)
    if isinstance(node, exp.Column):
        place = scope.place(node)
        return (place, 0) if scope.fields[place].type == "time" else None
    if isinstance(node, exp.Add | exp.Sub):
        inner, plus_us = _side(scope, node.left), time_us(scope.text, node.right)
        if inner is not None and plus_us is not None:
            return inner[0], inner[1] + (plus_us if isinstance(node, exp.Add) else -plus_us)
    return None
