"""Which steps does a SELECT ask for?

From the inside out: what FROM names, then WHERE, then GROUP BY with its aggregates, then HAVING, then the columns. A
ranking is a shape of its own: SELECT ... FROM (SELECT *, ROW_NUMBER() OVER (...) AS r FROM ...) WHERE r <= 3. What is
not understood is not passed over: it is refused by its name and place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlglot import expressions as exp

from dsys_lab.dataflows.streaming_sql import plan
from dsys_lab.dataflows.streaming_sql.aggregates import Take, together
from dsys_lab.dataflows.streaming_sql.expressions import Scope
from dsys_lab.dataflows.streaming_sql.joining import joined
from dsys_lab.dataflows.streaming_sql.plan import Step
from dsys_lab.dataflows.streaming_sql.ranking import By
from dsys_lab.dataflows.streaming_sql.tables import Field, StreamTable
from dsys_lab.dataflows.streaming_sql.text import Text, WindowCall
from dsys_lab.dataflows.windows import Assigner, Cumulating, Hopping, Session, Tumbling
from dsys_lab.errors import BadParameter

_CLAUSES: Final = frozenset({"expressions", "from_", "joins", "where", "group", "having"})
_NAMES: Final[dict[type, str]] = {exp.Count: "COUNT", exp.Sum: "SUM", exp.Avg: "AVG", exp.Min: "MIN", exp.Max: "MAX"}
_BOUNDS: Final = ("window_start", "window_end")


def planned(text: Text, tree: exp.Expr, tables: Mapping[str, StreamTable]) -> Step:
    """Return the plan of a SELECT.

    Raises
    ------
    BadParameter
        With the position of what is not there, or not supported.
    """
    return _Planner(text, tables).select(tree)


class _Planner:
    """Makes steps of the parts of one statement."""

    def __init__(self, text: Text, tables: Mapping[str, StreamTable]) -> None:
        self.text, self.tables = text, tables

    def select(self, tree: exp.Expr) -> Step:
        """Return the steps of a SELECT."""
        if not isinstance(tree, exp.Select):
            raise self.text.outside(tree, f"{tree.key.upper()} is left out; a SELECT is meant")
        for name, value in tree.args.items():
            if value and name not in _CLAUSES:
                node = tree if not isinstance(value, exp.Expr) or self.text.start(value) is None else value
                raise self.text.outside(node, f"{name.rstrip('_').upper()} is left out")
        if tree.args.get("from_") is None:
            raise self.text.outside(tree, "SELECT needs FROM")
        ranking = self._ranking(tree)
        if ranking is not None:
            return ranking
        call = self.text.calls.get(tree.args["from_"].this.name)
        source = self._from(tree) if call is None else self._table(tree.args["from_"].this, call.table)
        where = tree.args.get("where")
        if where is not None:
            if call is not None and call.kind == "SESSION":
                why = "WHERE would thin out sessions that are cut already: it is left out"
                raise self.text.outside(where.this, why)
            source = self._chosen(source, where.this)
        is_grouped = tree.args.get("group") is not None or any(
            isinstance(node, exp.AggFunc) for item in tree.expressions for node in item.find_all(exp.AggFunc)
        )
        if is_grouped:
            return self._grouped(tree, source, call)
        if tree.args.get("having") is not None:
            raise self.text.outside(tree.args["having"].this, "HAVING needs GROUP BY")
        if call is not None:
            source = self._with_windows(source, call)
        return self._shaped(source, tree.expressions)

    # ------------------------------------------------------------ FROM
    def _from(self, tree: exp.Select) -> Step:
        joins = tree.args.get("joins") or []
        source = self._relation(tree.args["from_"].this)
        if not joins:
            return source
        if len(joins) > 1:
            raise self.text.outside(joins[1], "a join of more than two streams is left out: join twice, by INSERT INTO")
        return joined(self.text, source, self._relation(joins[0].this), joins[0], tree)

    def _relation(self, node: exp.Expr) -> Step:
        if isinstance(node, exp.Subquery):
            inner = self.select(node.this)
            return _renamed(inner, node.alias)
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise self.text.outside(node, "a table, a (SELECT ...) or TABLE(TUMBLE(TABLE t, ...)) is meant here")
        if node.name in self.text.calls:
            call = self.text.calls[node.name]
            return self._with_windows(self._table(node, call.table), call)
        return self._table(node, node.name)

    def _table(self, node: exp.Expr, name: str) -> Step:
        if name not in self.tables:
            there = ", ".join(self.tables) or "none yet: CREATE TABLE makes one"
            raise self.text.outside(node, f"there is no table {name}, only {there}")
        return plan.scan(self.tables[name], node.alias or name)

    def _with_windows(self, source: Step, call: WindowCall) -> Step:
        assigner = self._assigner(call)
        if isinstance(assigner, Session):
            raise self.text.outside(call.start, "a SESSION is known when it is over: GROUP BY window_start, window_end")
        return plan.add_windows(source, assigner, self._time(source, call))

    def _assigner(self, call: WindowCall) -> Assigner:
        sizes = call.intervals_us
        try:
            match call.kind:
                case "TUMBLE":
                    return Tumbling(*sizes)
                case "HOP":
                    return Hopping(*sizes)
                case "CUMULATE":
                    return Cumulating(*sizes)
            return Session(*sizes)
        except BadParameter as error:
            raise self.text.outside(call.start, str(error)) from None

    def _time(self, source: Step, call: WindowCall) -> int:
        table = next(leaf.table for leaf in source.leaves())
        assert table is not None, "a leaf is a table"
        if call.time != table.time:
            has = f"its event time is {table.time}" if table.time else "it has none: give it WATERMARK FOR"
            raise self.text.outside(call.start, f"DESCRIPTOR({call.time}) is not the event time of {table.name}; {has}")
        return source.position(call.time)

    # ------------------------------------------------------------ WHERE and the columns
    def _chosen(self, source: Step, condition: exp.Expr) -> Step:
        return plan.choose(source, Scope(self.text, source.fields).test(condition), condition.sql())

    def _shaped(self, source: Step, items: list[exp.Expr]) -> Step:
        if len(items) == 1 and isinstance(items[0], exp.Star):
            return source
        scope = Scope(self.text, source.fields)
        fields, functions = [], []
        for number, item in enumerate(items):
            inner = item.unalias()
            if isinstance(inner, exp.Star) or (isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)):
                raise self.text.outside(item, "give * alone, or columns")
            functions.append(scope.function(inner))
            fields.append(Field(item.alias_or_name or f"EXPR${number}", scope.type(inner)))
        _require_once(self.text, items, [field.name for field in fields])
        return plan.shape(source, tuple(fields), tuple(functions), ", ".join(item.sql() for item in items))

    # ------------------------------------------------------------ GROUP BY
    def _grouped(self, tree: exp.Select, source: Step, call: WindowCall | None) -> Step:
        group = tree.args.get("group")
        keys = list(group.expressions) if group is not None else []
        for part, value in group.args.items() if group is not None else ():
            if value and part != "expressions":
                raise self.text.outside(tree, f"GROUP BY {part.upper()} is left out")
        if not source.adds_only:
            why = "an aggregate over an update stream is left out: aggregate what is append-only"
            raise self.text.outside(tree, why)
        aggregates = _Aggregates(self.text, source)
        items = [item.copy().transform(aggregates.in_place) for item in tree.expressions]
        having = tree.args.get("having")
        condition = having.this.copy().transform(aggregates.in_place) if having is not None else None
        monoid = together(aggregates.takes)
        if call is None:
            places = tuple(Scope(self.text, source.fields).place(key) for key in keys)
            step = plan.group(source, places, tuple(aggregates.fields), monoid)
        else:
            places = self._keys_of_windows(source, keys, call)
            time = self._time(source, call)
            step = plan.group_windows(
                source, places, tuple(aggregates.fields), monoid, assigner=self._assigner(call), time=time
            )
        if condition is not None:
            step = self._chosen(step, condition)
        return self._shaped(step, items)

    def _keys_of_windows(self, source: Step, keys: list[exp.Expr], call: WindowCall) -> tuple[int, ...]:
        names = [key.name for key in keys]
        missing = [name for name in _BOUNDS if name not in names]
        if missing:
            why = f"GROUP BY {', '.join(_BOUNDS)}: without {missing[0]} no group would end"
            raise self.text.outside(call.start, why)
        scope = Scope(self.text, source.fields)
        places = tuple(scope.place(key) for key in keys if key.name not in _BOUNDS)
        by = [source.fields[place].name for place in places]
        if call.kind == "SESSION" and set(by) != set(call.by):
            raise self.text.outside(
                call.start,
                f"a session of {', '.join(call.by) or 'all'} grouped by {', '.join(by) or 'nothing'}: PARTITION BY and "
                "GROUP BY name the same columns, beside window_start and window_end",
            )
        return places

    # ------------------------------------------------------------ ROW_NUMBER
    def _ranking(self, outer: exp.Select) -> Step | None:
        nested = outer.args["from_"].this
        if not isinstance(nested, exp.Subquery) or not isinstance(nested.this, exp.Select):
            return None
        inner = nested.this
        ranks = [item for item in inner.expressions if isinstance(item.unalias(), exp.Window)]
        if not ranks:
            return None
        window = ranks[0].unalias()
        if len(ranks) > 1 or not isinstance(window.this, exp.RowNumber) or not isinstance(ranks[0], exp.Alias):
            raise self.text.outside(ranks[-1], "of window functions only one ROW_NUMBER() OVER (...) AS name is meant")
        if any(outer.args.get(part) for part in ("group", "having", "joins")):
            raise self.text.outside(outer, "a ranking stands alone: group or join what comes out of it")
        count = self._count(outer, ranks[0].alias)
        bare = inner.copy()
        bare.set("expressions", [item for item in bare.expressions if not isinstance(item.unalias(), exp.Window)])
        if not bare.expressions:
            raise self.text.outside(inner, "give * or columns beside ROW_NUMBER()")
        source = self.select(bare)
        scope = Scope(self.text, source.fields)
        partition = tuple(scope.place(node) for node in window.args.get("partition_by") or [])
        order = window.args.get("order")
        if order is None:
            raise self.text.outside(window, "ROW_NUMBER() needs ORDER BY")
        by = tuple(By(scope.place(one.this), bool(one.args.get("desc"))) for one in order.expressions)
        step = plan.top_n(source, partition, by, count, ranks[0].alias)
        return self._shaped(step, outer.expressions)

    def _count(self, outer: exp.Select, rank: str) -> int:
        where = outer.args.get("where")
        test = where.this if where is not None else None
        for kind, less in ((exp.LTE, 0), (exp.LT, 1)):
            if isinstance(test, kind) and test.left.name == rank and test.right.is_int and int(test.right.name) > less:
                return int(test.right.name) - less
        why = f"WHERE {rank} <= 3 is meant: without a bound every row would be ranked for ever"
        raise self.text.outside(test if test is not None else outer, why)


class _Aggregates:
    """Takes the aggregates out of expressions, and leaves columns in their place."""

    def __init__(self, text: Text, source: Step) -> None:
        self.text, self._scope = text, Scope(text, source.fields)
        self.fields: list[Field] = []
        self.takes: list[tuple[str, Take | None]] = []
        self._seen: dict[str, str] = {}

    def in_place(self, node: exp.Expr) -> exp.Expr:
        """Return a column for an aggregate, and anything else as it is."""
        if isinstance(node, exp.Alias) and isinstance(node.this, exp.AggFunc):
            name = node.alias
            return exp.alias_(self._column(node.this, name), name)
        return self._column(node) if isinstance(node, exp.AggFunc) else node

    def _column(self, node: exp.AggFunc, name: str = "") -> exp.Column:
        words = node.sql()
        if words not in self._seen:
            self._seen[words] = f"{name or node.key}_{len(self.fields)}"
            how, take, kind = self._aggregate(node)
            self.fields.append(Field(self._seen[words], kind))
            self.takes.append((how, take))
        identifier = exp.to_identifier(self._seen[words], quoted=False)
        identifier.meta.update({"start": start} if (start := self.text.start(node)) is not None else {})
        return exp.Column(this=identifier)

    def _aggregate(self, node: exp.AggFunc) -> tuple[str, Take | None, str]:
        how = _NAMES.get(type(node))
        if how is None:
            raise self.text.outside(node, f"{node.key.upper()} is left out; there are {', '.join(_NAMES.values())}")
        inner: Any = node.this
        if isinstance(inner, exp.Star) and how == "COUNT":
            return how, None, "i64"
        if isinstance(inner, exp.Distinct):
            if how != "COUNT" or len(inner.expressions) != 1:
                raise self.text.outside(node, "DISTINCT stands in COUNT(DISTINCT column)")
            return "COUNT DISTINCT", self._scope.function(inner.expressions[0]), "i64"
        take, kind = self._scope.function(inner), self._scope.type(inner)
        if how in {"SUM", "AVG"} and kind in {"text", "time"}:
            raise self.text.outside(node, f"{how} of a {kind}: give numbers")
        if how == "AVG" and kind != "f64":
            why = "AVG of whole numbers is a whole number in Flink: give a DOUBLE, or SUM and COUNT"
            raise self.text.outside(node, why)
        return how, take, "i64" if how == "COUNT" else kind


def _renamed(step: Step, alias: str) -> Step:
    fields = tuple(Field(field.name, field.type, alias) for field in step.fields)
    return replace(step, fields=fields)


def _require_once(text: Text, items: list[exp.Expr], names: list[str]) -> None:
    twice = [item for place, item in enumerate(items) if names[place] in names[:place]]
    if twice:
        raise text.outside(twice[0], f"two columns go by {twice[0].alias_or_name}: give one another name by AS")
