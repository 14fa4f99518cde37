"""How is Flink's SQL read by a parser that does not know all of it?

By taking out what it does not know and leaving a name of the same length, so that every position stays right:
`TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))` becomes `window_0` and blanks. `WATERMARK FOR ...`
and `PRIMARY KEY ... NOT ENFORCED` are taken out in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from dsys_lab.errors import BadParameter

UNITS_US: Final = {"SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000, "DAY": 86_400_000_000}
"""Microseconds of the units of an INTERVAL."""
WINDOWS: Final = {"TUMBLE": 1, "HOP": 2, "CUMULATE": 2, "SESSION": 1}
"""The window functions, and how many intervals each takes."""
SHOWN: Final = "dsys_lab.dataflows.streaming_sql shows what is supported"
_INTERVAL: Final = r"INTERVAL\s*'([\d.]+)'\s*(\w+)"
_CALL: Final = re.compile(r"\bTABLE\s*\(\s*(\w+)\s*\(", flags=re.IGNORECASE)
_ARGUMENTS: Final = re.compile(
    r"\s*TABLE\s+(?P<table>\w+)(?:\s+PARTITION\s+BY\s+(?P<by>\w+(?:\s*,\s*\w+)*))?\s*,\s*DESCRIPTOR\s*"
    rf"\(\s*(?P<time>\w+)\s*\)(?P<intervals>(?:\s*,\s*{_INTERVAL})*)\s*",
    flags=re.IGNORECASE,
)
_WATERMARK: Final = re.compile(
    rf",\s*WATERMARK\s+FOR\s+(\w+)\s+AS\s+(\w+)(?:\s*-\s*{_INTERVAL})?\s*(?=[,)])", flags=re.IGNORECASE
)
_PRIMARY_KEY: Final = re.compile(
    r",\s*PRIMARY\s+KEY\s*\(\s*(\w+)\s*\)\s*NOT\s+ENFORCED\s*(?=[,)])", flags=re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class WindowCall:
    """A window function in FROM.

    Attributes
    ----------
    kind : str
        One of `WINDOWS`.
    table, time : str
        The table, and its column of event time.
    by : tuple of str
        PARTITION BY, of a session.
    intervals_us : tuple of int
    start, end : int
        Where it stands in the text.
    """

    kind: str
    table: str
    time: str
    by: tuple[str, ...]
    intervals_us: tuple[int, ...]
    start: int
    end: int


@dataclass(slots=True)
class Text:
    """A statement, and what was taken out of it.

    Attributes
    ----------
    sql : str
        As it was typed.
    plain : str
        Of the same length, for the parser.
    calls : dict
        By the name that stands in `plain`: the window function.
    """

    sql: str
    plain: str = ""
    calls: dict[str, WindowCall] = field(default_factory=dict)
    watermark: tuple[str, int] | None = None
    key: str | None = None

    def outside(self, where: exp.Expr | int, why: str) -> BadParameter:
        """Return the error that points at a part of the statement."""
        start = where if isinstance(where, int) else self.start(where)
        if start is None:
            return BadParameter(f"SQL: {why}; {SHOWN}")
        line = self.sql.count("\n", 0, start) + 1
        column = start - self.sql.rfind("\n", 0, start)
        near = self.sql[start : start + 24]
        return BadParameter(f"SQL, line {line}, column {column}, at {near!r}: {why}; {SHOWN}")

    def start(self, node: exp.Expr) -> int | None:
        """Return where a part of the statement begins."""
        return min((part.meta["start"] for part in node.walk() if "start" in part.meta), default=None)

    def parsed(self) -> exp.Expr:
        """Return the tree of the one statement.

        Raises
        ------
        BadParameter
            With the position of what is not SQL.
        """
        try:
            trees = [tree for tree in sqlglot.parse(self.plain) if tree is not None]
        except SqlglotError as error:
            details = (getattr(error, "errors", None) or [{}])[0]
            if "line" not in details:
                raise BadParameter(f"SQL: {self.sql!r:.200} cannot be read: {str(error).splitlines()[0]}") from None
            what = re.sub(r"\s*Line \d.*|^Invalid expression.*", "", details["description"])
            highlight = details.get("highlight") or ""
            lines = self.sql.splitlines(keepends=True)[: details["line"] - 1]
            start = sum(map(len, lines)) + details["col"] - len(highlight)
            raise self.outside(max(0, start), what.rstrip(".") or "cannot be read") from None
        if len(trees) != 1:
            raise BadParameter(f"SQL: {len(trees)} statements in {self.sql!r:.80}; give one")
        return trees[0]


def read(sql: str) -> Text:
    """Return a statement with what the parser does not know taken out.

    Raises
    ------
    BadParameter
        With the position of a window function that is not one.
    """
    text = Text(sql, sql)
    while (found := _CALL.search(text.plain)) is not None:
        call = _window_call(text, found)
        name = f"window_{len(text.calls)}"
        text.calls[name] = call
        _blank(text, call.start, call.end, name)
    if (mark := _WATERMARK.search(text.plain)) is not None:
        column, of, number, unit = mark.groups()
        if of != column:
            why = f"the watermark of {column} is {column}, or {column} - INTERVAL '5' SECOND"
            raise text.outside(mark.start(2), why)
        text.watermark = column, interval_us(text, mark.start(), number, unit) if number else 0
        _blank(text, *mark.span())
    if (key := _PRIMARY_KEY.search(text.plain)) is not None:
        text.key = key[1]
        _blank(text, *key.span())
    return text


def interval_us(text: Text, where: exp.Expr | int, number: str, unit: str) -> int:
    """Return an interval in microseconds."""
    per = UNITS_US.get(unit.upper().removesuffix("S"))
    if per is None:
        raise text.outside(where, f"an INTERVAL counts in {', '.join(UNITS_US)}, not in {unit}")
    try:
        return round(float(number) * per)
    except ValueError:
        raise text.outside(where, f"INTERVAL {number!r} is no number") from None


def _window_call(text: Text, found: re.Match[str]) -> WindowCall:
    kind = found[1].upper()
    if kind not in WINDOWS:
        raise text.outside(found.start(1), f"the window functions are {', '.join(WINDOWS)}")
    inner = _ARGUMENTS.match(text.plain, found.end())
    if inner is None:
        raise text.outside(
            found.start(1), f"{kind} takes TABLE t, DESCRIPTOR(ts), and its intervals, as INTERVAL '10' SECOND"
        )
    closed = re.compile(r"\s*\)\s*\)").match(text.plain, inner.end())
    if closed is None:
        raise text.outside(inner.end(), f"TABLE({kind}(...)) is not closed here")
    intervals = re.findall(_INTERVAL, inner["intervals"], flags=re.IGNORECASE)
    if len(intervals) != WINDOWS[kind]:
        raise text.outside(found.start(1), f"{kind} takes {WINDOWS[kind]} intervals, not {len(intervals)}")
    by = tuple(name.strip() for name in (inner["by"] or "").split(",") if name.strip())
    if by and kind != "SESSION":
        raise text.outside(inner.start("by"), f"PARTITION BY belongs to SESSION; {kind} cuts all keys alike")
    sizes = tuple(interval_us(text, inner.start("intervals"), number, unit) for number, unit in intervals)
    return WindowCall(kind, inner["table"], inner["time"], by, sizes, found.start(), closed.end())


def _blank(text: Text, start: int, end: int, name: str = "") -> None:
    gone = text.plain[start + len(name) : end]
    kept = "".join(character if character == "\n" else " " for character in gone)
    text.plain = text.plain[:start] + name + kept + text.plain[end:]
