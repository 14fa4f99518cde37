"""Which join does FROM ask for: rows whose times are near, or the version that was valid then?

A join of two streams that says nothing of time is refused: every row would be kept for ever. (Flink runs it, and says
so in its plan.)
"""

from __future__ import annotations

from sqlglot import expressions as exp

from dsys_lab.dataflows.streaming_sql import plan
from dsys_lab.dataflows.streaming_sql.expressions import Scope
from dsys_lab.dataflows.streaming_sql.intervals import bounds
from dsys_lab.dataflows.streaming_sql.plan import Step
from dsys_lab.dataflows.streaming_sql.text import Text


def joined(text: Text, left: Step, right: Step, join: exp.Join, tree: exp.Select) -> Step:
    """Return the join of two relations by a condition."""
    words = " ".join(part for part in (join.method, join.side, join.kind) if part)
    on = join.args.get("on")
    if words not in {"", "INNER"} or on is None or join.args.get("using"):
        what = words or "a join without ON"
        raise text.outside(join, f"{what} is left out: JOIN ... ON a.x = b.y AND times is meant")
    scope = Scope(text, left.fields + right.fields)
    parts = _parts(on)
    where = tree.args.get("where")
    parts += _parts(where.this) if where is not None else []
    keys = [pair for part in parts if (pair := _key(scope, part, len(left.fields))) is not None]
    if not keys:
        raise text.outside(join, "a join of streams needs one column = another, a.x = b.y")
    if join.this.args.get("version") is not None:
        return _as_of(text, left, right, join, keys)
    if not (left.adds_only and right.adds_only):
        raise text.outside(join, "a join of an update stream is left out: join what is append-only")
    found = [bound for part in parts for bound in bounds(scope, part, len(left.fields))]
    low, high = ([us for what, us, _ in found if what == which] for which in ("low", "high"))
    columns = {pair for _, _, pair in found}
    if not low or not high or len(columns) != 1:
        raise text.outside(
            join, "without bounds on both sides each row would be kept for ever: add b.ts BETWEEN a.ts - INTERVAL '1' "
            "MINUTE AND a.ts + INTERVAL '1' MINUTE",
        )  # fmt: skip
    times = columns.pop()
    _require_event_time(text, join, left, times[0])
    _require_event_time(text, join, right, times[1])
    pairs = [one for one, _ in keys], [other for _, other in keys]
    step = plan.interval_join(left, right, pairs, times, (max(low), min(high)))
    return plan.choose(step, scope.test(on), on.sql())


def _as_of(text: Text, left: Step, right: Step, join: exp.Join, keys: list[tuple[int, int]]) -> Step:
    version = join.this.args["version"]
    table = next(right.leaves()).table
    assert table is not None, "a leaf is a table"
    if version.args.get("kind") != "AS OF" or right.table is None or not table.key or not table.time:
        raise text.outside(
            join, f"FOR SYSTEM_TIME AS OF needs a table of versions: {table.name} has PRIMARY KEY "
            f"({table.key or '...'}) NOT ENFORCED and WATERMARK FOR {table.time or '...'}",
        )  # fmt: skip
    if len(keys) != 1 or right.fields[keys[0][1]].name != table.key or not isinstance(join.args["on"], exp.EQ):
        raise text.outside(join, f"ON compares the primary key {table.key} with one column, and nothing else")
    time = Scope(text, left.fields).place(version.expression)
    _require_event_time(text, join, left, time)
    return plan.version_join(left, right, keys[0], (time, right.position(table.time)))


def _parts(node: exp.Expr) -> list[exp.Expr]:
    return list(node.flatten()) if isinstance(node, exp.And) else [node]


def _key(scope: Scope, node: exp.Expr, lefts: int) -> tuple[int, int] | None:
    if not isinstance(node, exp.EQ) or not isinstance(node.left, exp.Column) or not isinstance(node.right, exp.Column):
        return None
    one, other = sorted((scope.place(node.left), scope.place(node.right)))
    is_time = scope.fields[one].type == "time"
    return (one, other - lefts) if one < lefts <= other and not is_time else None


def _require_event_time(text: Text, join: exp.Join, side: Step, place: int) -> None:
    times = {leaf.table.time for leaf in side.leaves() if leaf.table is not None}
    if side.fields[place].name not in times:
        has = ", ".join(sorted(times - {""})) or "none"
        raise text.outside(join, f"{side.fields[place].name} is not the event time of its table, which is {has}")
