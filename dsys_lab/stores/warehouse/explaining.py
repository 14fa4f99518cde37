"""How does the leader say what it is about to do?

As Redshift prints it: operators from the last to the first, each under the one that it feeds, the join with the label
of its distribution. Rows are those of the last ANALYZE; the bytes are those that would cross between nodes if there
were so many.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse.moving import Move
from dsys_lab.stores.warehouse.questions import Question
from dsys_lab.stores.warehouse.running import Stored


def explained(question: Question, tables: Mapping[str, Stored], move: Move | None) -> str:
    """Return the plan of a question as text."""
    lines: list[str] = []
    if question.is_grouped:
        lines.append("XN HashAggregate" if question.by else "XN Aggregate")
    aliases = [alias for alias, _ in question.tables]
    if move is None or question.on is None:
        _scan(lines, question, tables, aliases[0])
        return "\n".join(lines)
    outer, inner = aliases[1 - move.inner], aliases[move.inner]
    first, second = question.on if question.on[0].alias == outer else question.on[::-1]
    _add(lines, f"XN Hash Join {move.label}  (bytes={move.size_bytes:.0f})")
    _note(lines, f"Hash Cond: ({first} = {second})")
    at = len(lines[-1]) - len(lines[-1].lstrip())
    _scan(lines, question, tables, outer, indent=at)
    lines.append(f"{' ' * at}->  XN Hash")
    _scan(lines, question, tables, inner, indent=at + 6)
    return "\n".join(lines)


def _add(lines: list[str], text: str) -> None:
    lines.append(f"  ->  {text}" if lines else text)


def _note(lines: list[str], text: str) -> None:
    lines.append(f"{' ' * (8 if lines[-1].startswith('  ->') else 2)}{text}")


def _scan(
    lines: list[str], question: Question, tables: Mapping[str, Stored], alias: str, indent: int | None = None
) -> None:
    table = tables[alias]
    indent = (2 if lines else 0) if indent is None else indent
    arrow = "->  " if lines else ""
    name = table.name if alias == table.name else f"{table.name} {alias}"
    lines.append(f"{' ' * indent}{arrow}XN Seq Scan on {name}  (rows={table.analyzed_rows})")
    conditions = [_condition(alias, one) for one in question.conditions_of(alias)]
    if conditions:
        lines.append(f"{' ' * (indent + len(arrow) + 2)}Filter: ({' AND '.join(conditions)})")


def _condition(alias: str, where: Between) -> str:
    name = f"{alias}.{where.column}"
    if where.low == where.high:
        return f"{name} = {where.low!r}"
    low = [] if where.low is None else [f"{name} >= {where.low!r}"]
    return " AND ".join([*low, *([] if where.high is None else [f"{name} <= {where.high!r}"])])
