"""A run in words: what a row means, and what became of a run, the same on every machine.

The player says the same sentences (tested), so a reader of the page, of the terminal and of a screen reader is told
the same.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from dsys_lab.trace import KINDS, Row, Scalar, Trace, balance, lamps
from dsys_lab.views.player.fold import folded

if TYPE_CHECKING:
    from collections.abc import Sequence


def trim(number: float, digits: int) -> str:
    """Return `number` with so many significant digits, without trailing zeros."""
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(Decimal(number))
    return f"{rounded.normalize():f}" if number else "0"


def duration(us: float) -> str:
    """Return microseconds for people.

    >>> duration(20_000), duration(1_500_000), duration(125_000_000), duration(14 * 86_400_000_000)
    ('20 ms', '1.5 s', '2 min 5 s', '14 d')
    """
    size, sign = abs(us), "-" if us < 0 else ""
    if size < 1e3:
        return f"{sign}{trim(size, 3)} µs"
    if size < 999.5e3:
        return f"{sign}{trim(size / 1e3, 3)} ms"
    if size < 60e6:
        return f"{sign}{trim(size / 1e6, 3)} s"
    seconds = int(size / 1e6 + 0.5)
    hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60
    if hours >= 48:
        parts = [(hours // 24, "d"), (hours % 24, "h")]
    else:
        parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return sign + " ".join(f"{number} {unit}" for number, unit in parts if number)


def value(name: str, given: Scalar) -> str:
    """Return a field's value in words; its unit is the end of its name."""
    if given is None:
        return "none"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, str):
        return given
    if name.endswith("_us"):
        return duration(given)
    if given == int(given):
        return str(int(given)) if abs(given) < 10_000 else f"{int(given):,}"
    return trim(given, 4)


def describe(row: Row) -> str:
    """Return what a row means, in one sentence without its full stop.

    >>> describe(Row(0, 5, "enqueue", "uploads", "m1", {"depth": 3}))
    'm1 waits in uploads, 3 in all'
    """
    words = {name: value(name, given) for name, given in row.fields.items()}
    words |= {"place": row.place, "message": "a message" if row.message is None else row.message}
    return KINDS[row.kind].sentence.format_map(words).rstrip()  # what has no unit ends with its value


def summary(traces: Sequence[Trace], titles: Sequence[str]) -> str:
    """Return what became of each run: its length, its ledger, its promises."""
    if not traces:
        return "There is no run to show yet."
    return "\n".join(_one(trace, title) for trace, title in zip(traces, titles, strict=True))


def _one(trace: Trace, title: str) -> str:
    if not len(trace):
        return f"{title}: this run left no rows."
    lines = [f"{title}: {len(trace):,} rows over {duration(trace.end_us)}"]
    book = balance(trace)
    if book.offered:
        lines.append(f"  {book}")
    if any(KINDS[row.kind].passes for row in trace) and (skipped := folded(trace).skipped.total()):
        lines.append(f"  skipped {skipped:,}: came to a place that did nothing for it")
    held = [lamp.name for lamp in lamps(trace) if lamp.held]
    if held:
        lines.append(f"  kept: {', '.join(held)}")
    for lamp in lamps(trace):
        if not lamp.held:
            first = trace[lamp.rows[0]]
            rows = f"{len(lamp.rows):,} row{'s' * (len(lamp.rows) != 1)}"
            lines.append(f"  broken: {lamp.name}, by {rows}; first at {duration(first.time_us)}: {describe(first)}")
    return "\n".join(lines)
