"""How is an interleaving written down, so that it reads as a story and runs on every database?

One line a step, in the order in which the steps are begun: who, and what they say. ::

    # Write skew: each sees the other on call, and both go home.       the title, and below it the lesson

    setup: CREATE TABLE nurses (name text PRIMARY KEY, on_call integer NOT NULL)
    ada: BEGIN                                                         at the isolation level of the run
    ada: seen = SELECT count(*) FROM nurses WHERE on_call = 1          the first value of the first row, kept by ada
    ada: if seen >= 2: UPDATE nurses SET on_call = 0 WHERE name = 'Ada'
    ada: COMMIT
    after: left = SELECT count(*) FROM nurses WHERE on_call = 1
    anomaly: after.left == 0                                           what would be wrong

`setup` goes before and `after` looks when all is over, each statement by itself. `{seen}` inside SQL stands for what
the same person has seen; a value that was not seen is NULL. A condition compares whole numbers, texts and names with
`== != < <= > >= + - and or`; in the last line a name is who and what, and a condition about something that was never
seen does not hold.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from dsys_lab.errors import BadParameter

Seen = int | float | str | None

SETUP, AFTER, _ANOMALY = "setup", "after", "anomaly"
_LINE: Final = re.compile(r"(?P<who>[a-z]\w*):\s*(?:if (?P<given>[^:]+):\s*)?(?:(?P<keeps>[a-z]\w*) = )?(?P<sql>.+)")
_OPERATORS: Final[dict[type, Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Add: operator.add, ast.Sub: operator.sub,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody says.

    Attributes
    ----------
    line : int
        Where it stands in the file, from 1.
    who : str
    sql : str
        What is said; `{name}` stands for a value that was seen.
    keeps : str
        The name under which what is seen is kept, or "".
    given : str
        The condition under which it is said at all, or "".
    """

    line: int
    who: str
    sql: str
    keeps: str = ""
    given: str = ""

    def sql_with(self, seen: Mapping[str, Seen]) -> str:
        """Return what is said, with what was seen filled in."""
        return re.sub(r"\{(\w+)\}", lambda found: _literal(seen.get(found[1])), self.sql)

    def is_said(self, seen: Mapping[str, Seen]) -> bool:
        """Whether its condition holds."""
        return not self.given or holds(self.given, seen)


@dataclass(frozen=True, slots=True)
class Script:
    """An interleaving: who says what, in which order, and what would be wrong in the end.

    Attributes
    ----------
    name, title, lesson : str
    setup, steps, after : tuple of Step
        Before, during and after; the first and the last each by themselves.
    anomaly : str
        The condition under which it went wrong; names are `who.name`.
    """

    name: str
    title: str
    lesson: str
    setup: tuple[Step, ...]
    steps: tuple[Step, ...]
    after: tuple[Step, ...]
    anomaly: str

    @property
    def people(self) -> tuple[str, ...]:
        """Who takes part, in the order of their first words."""
        return tuple(dict.fromkeys(step.who for step in self.steps))


def names() -> tuple[str, ...]:
    """Return the names of the scripts, in the order in which the levels take the anomalies away."""
    return ("dirty_read", "read_skew", "phantom", "lost_update", "write_skew")


def load(name: str) -> Script:
    """Return the script of an anomaly.

    Raises
    ------
    BadParameter
        If there is none of this name.
    """
    if name not in names():
        raise BadParameter(f"no anomaly {name!r}: give one of {', '.join(names())}")
    return parse(name, resources.files(__package__).joinpath(f"{name}.txt").read_text(encoding="utf-8"))


def text_of(name: str) -> str:
    """Return the script of an anomaly as it is written down."""
    return resources.files(__package__).joinpath(f"{load(name).name}.txt").read_text(encoding="utf-8")


def parse(name: str, text: str) -> Script:
    """Return the script written in `text`.

    Raises
    ------
    BadParameter
        With the line that cannot be read, or what is missing.
    """
    said: list[str] = []
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            said.append(line[1:].strip())
        elif line.strip():
            steps.append(_step(name, number, line))
    anomaly = [step.sql for step in steps if step.who == _ANOMALY]
    if len(anomaly) != 1 or not said:
        raise BadParameter(f"{name}: give a title after '#', and one line 'anomaly: ...' that says what would be wrong")
    return Script(
        name, said[0], " ".join(said[1:]).strip(),
        setup=tuple(step for step in steps if step.who == SETUP),
        steps=tuple(step for step in steps if step.who not in (SETUP, AFTER, _ANOMALY)),
        after=tuple(step for step in steps if step.who == AFTER),
        anomaly=anomaly[0],
    )  # fmt: skip


def holds(condition: str, seen: Mapping[str, Seen]) -> bool:
    """Whether a condition holds; one about something that was not seen does not.

    Examples
    --------
    >>> holds("ada.north + ada.south != 3", {"ada.north": 1, "ada.south": 3})
    True
    >>> holds("ada.north == 1", {})
    False
    """
    try:
        return bool(_value(ast.parse(condition, mode="eval").body, seen))
    except _NotSeen:
        return False
    except (SyntaxError, KeyError, TypeError) as error:
        raise BadParameter(
            f"condition {condition!r}: compare numbers, texts and names with == != < <= > >= + - and or"
        ) from error


class _NotSeen(Exception):
    """A name that has no value."""


def _value(node: ast.expr, seen: Mapping[str, Seen]) -> Any:
    match node:
        case ast.Constant(value=int() | str() as value):
            return value
        case ast.Name() | ast.Attribute():
            if (known := seen.get(ast.unparse(node))) is None:
                raise _NotSeen
            return known
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return _OPERATORS[type(op)](_value(left, seen), _value(right, seen))
        case ast.BoolOp(op=op, values=parts):
            return (all if isinstance(op, ast.And) else any)(_value(part, seen) for part in parts)
        case _:
            raise TypeError(ast.unparse(node))


def _step(name: str, number: int, line: str) -> Step:
    found = _LINE.fullmatch(line.strip())
    if not found:
        raise BadParameter(f"{name}, line {number}: {line.strip()!r}; write 'who: SQL', or 'who: seen = SELECT ...'")
    return Step(number, found["who"], found["sql"].strip(), found["keeps"] or "", (found["given"] or "").strip())


def _literal(value: Seen) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
