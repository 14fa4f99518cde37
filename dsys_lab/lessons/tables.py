"""Two tables that many labs show: what an engine does otherwise than its model, and figures of real services.

A figure is never typed into a page: it is asked for by name, and comes with its unit, its source and the day on which
it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

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
        what = found.what or name.replace("_", " ")
        rows.append((what, f"{found.value:,} {found.unit}", f"{found.source}; {found.date:%d %b %Y}"))
    return table(("figure", "value", "source, and when it was read"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Shown:
    """Return a table of words, as HTML and as aligned text."""
    top = "".join(f'<th style="{_CELL};color:{QUIET}">{as_html(word)}</th>' for word in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{as_html(word)}</td>' for word in row) + "</tr>" for row in rows
    )
    text = "\n".join(" | ".join(row) for row in [head, *rows])
    return Shown(f'<table style="max-width:860px;line-height:1.45"><tr>{top}</tr>{body}</table>', text)
