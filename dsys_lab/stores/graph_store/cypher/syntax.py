"""What a query is, once it was read: a few plain shapes. `str` of an expression is how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

UNBOUNDED: Final = None
OUT, IN, EITHER = "out", "in", "both"


# ------------------------------------------------------------------------------------------ expressions
@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text."""

    value: Any

    def __str__(self) -> str:
        return {"None": "null", "True": "true", "False": "false"}.get(str(self.value), str(self.value))


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$name`."""

    name: str

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class Property:
    """`variable.name`."""

    variable: str
    name: str

    def __str__(self) -> str:
        return f"{self.variable}.{self.name}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A vertex, an edge or a path by itself: only `count` takes one."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Length:
    """`length(p)`: the edges of a path."""

    variable: str

    def __str__(self) -> str:
        return f"length({self.variable})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`, of `= <> < <= > >= in`."""

    operator: str
    left: Expression
    right: Expression | tuple[Expression, ...]

    def __str__(self) -> str:
        right = f"[{', '.join(map(str, self.right))}]" if isinstance(self.right, tuple) else self.right
        return f"{self.left} {self.operator.upper()} {right}"


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether there is no value."""

    of: Expression

    def __str__(self) -> str:
        return f"{self.of} IS NULL"


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or` of several, `not` of one."""

    operator: str
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        joined = f" {self.operator.upper()} ".join(map(str, self.parts))
        return f"NOT {joined}" if self.operator == "not" else joined


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value of many rows; without `of` it counts rows."""

    function: str
    of: Expression | None = None
    distinct: bool = False

    def __str__(self) -> str:
        return f"{self.function}({'DISTINCT ' * self.distinct}{'*' if self.of is None else self.of})"


Expression = Literal | Parameter | Property | Variable | Length | Comparison | IsNull | Logic | Aggregate


# ------------------------------------------------------------------------------------------ patterns
@dataclass(frozen=True, slots=True)
class Node:
    """`(variable:label {properties})`; a variable of the reader's, or a number in brackets for one without."""

    variable: str
    label: str | None = None
    properties: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """How many edges a path may have: `*low..high`; `mode` is "" (as the graph is set), "trail" or "shortest"."""

    low: int = 1
    high: int | None = UNBOUNDED
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """`-[variable:type*low..high {properties}]->`."""

    variable: str
    type: str | None = None
    direction: str = EITHER
    span: Span | None = None
    properties: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Vertices and the edges between them: one more vertex than edges."""

    nodes: tuple[Node, ...]
    relations: tuple[Relation, ...]
    variable: str = ""


# ------------------------------------------------------------------------------------------ the query
@dataclass(frozen=True, slots=True)
class Column:
    """One thing that is returned, and what it is called."""

    expression: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Order:
    """By which column, and whether the largest comes first."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Returning:
    """`RETURN`; no columns, where the query only writes."""

    columns: tuple[Column, ...] = ()
    distinct: bool = False
    order: tuple[Order, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """All of it."""

    match: tuple[Path, ...] = ()
    where: Expression | None = None
    create: tuple[Path, ...] = ()
    set: tuple[tuple[Property, Expression], ...] = ()
    delete: tuple[str, ...] = ()
    detach: bool = False
    returning: Returning = Returning()

    @property
    def writes(self) -> bool:
        """Whether it changes the graph."""
        return bool(self.create or self.set or self.delete)
