"""Tables that many labs show: what an engine does otherwise than its model, figures of real services, and answers.

A figure is never typed into a page: it is asked for by name, and comes with its unit, its source and the day on which
it was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.facts import fact
from dsys_lab.lessons.shown import QUIET, Shown, as_html

_CELL: Final = "text-align:left;vertical-align:top;padding:.35em .8em .35em 0"


class Row(Protocol):
    """What a table of differences is made of; see `dsys_lab.engines.difference`."""

    @property
    def model(self) -> str:
        """What does it in the model."""

    @property
    def engine(self) -> str:
        """What stands in for it in the engine."""

    @property
    def difference(self) -> str:
        """What is otherwise, and what follows from it."""


def differences(rows: Iterable[Row]) -> Shown:
    """Return the table *model | engine | difference*."""
    return table(("model", "engine", "difference"), [(row.model, row.engine, row.difference) for row in rows])


def facts(*names: str) -> Shown:
    """Return figures of real services by their names in `facts.toml`, each with its source and date."""
    rows = []
    for name in names:
        found = fact(name)
        rows.append((found.what, f"{found.value:,} {found.unit}", f"{found.source}; {found.date:%d %b %Y}"))
    return table(("figure", "value", "source, and when it was read"), rows)


def answers(*values: Any) -> Shown:
    """Return frozen values, such as a system's answers or its books, as a table: a row each, a column for each field.

    A number that is 0 in all of them is left out, and so is what none of them has; nothing in a list is a dash.

    Raises
    ------
    BadParameter
        If one of them is no dataclass.
    """
    if bad := [value for value in values if not is_dataclass(value) or isinstance(value, type)]:
        raise BadParameter(f"answers: given {bad[0]!r}; give what a system answered")
    named = [{one.name: getattr(value, one.name) for one in fields(value)} for value in values]
    said = [name for name in dict.fromkeys(name for row in named for name in row)
            if any(_is_something(row.get(name)) for row in named)]  # fmt: skip
    rows = [
        [_in_words(type(value).__name__), *(_said(row.get(name)) for name in said)]
        for value, row in zip(values, named, strict=True)
    ]
    return table(["answer", *(name.removesuffix("_us").replace("_", " ") for name in said)], rows)


def _is_something(value: Any) -> bool:
    return value is not None and value is not False and not (isinstance(value, int | float | str) and not value)


def _said(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "–"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _in_words(name: str) -> str:
    """Return the name of a class as words: `DeadLetter` is a dead letter."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Shown:
    """Return a table of words, as HTML and as aligned text."""
    top = "".join(f'<th style="{_CELL};color:{QUIET}">{as_html(word)}</th>' for word in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{as_html(word)}</td>' for word in row) + "</tr>" for row in rows
    )
    text = "\n".join(" | ".join(row) for row in [head, *rows])
    return Shown(f'<table style="max-width:860px;line-height:1.45"><tr>{top}</tr>{body}</table>', text)
