"""A pad for the reader's own SQL: what the query said, what stands in the end, and whether a batch agrees.

Where no kernel listens, the pad shows the query that it begins with and its answer. What cannot be read is shown with a
mark under the place, and what is supported stands below it.
"""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from dsys_lab.dataflows import streaming_sql
from dsys_lab.errors import BadParameter, DsysLabError
from dsys_lab.lessons.shown import Shown, as_html, card, code, folded, quiet
from dsys_lab.lessons.tables import table
from dsys_lab.views.controls import control, in_words, require_control
from dsys_lab.views.mode import view_mode

if TYPE_CHECKING:
    import pandas as pd

CHANGES: Final = 12
"""How many changes are shown."""
ROWS: Final = 200
"""How many rows of the table are shown."""
_FONT: Final = "<style>.dsys-sql textarea{font-family:var(--jp-code-font-family,monospace);line-height:1.45}</style>"
_PLACE: Final = re.compile(r"SQL, line (\d+), column (\d+), at .*?: (.*?)(?:; \S+ shows what is supported)?", re.DOTALL)


class Answer(Protocol):
    """What a query came to; see `dsys_lab.scenarios.streaming_sql.Answer`."""

    @property
    def agrees(self) -> bool: ...  # noqa: D102
    @property
    def missing(self) -> Mapping[Any, int]: ...  # noqa: D102
    @property
    def plan(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    def by_op(self) -> dict[str, int]: ...  # noqa: D102
    def changes(self, first: int) -> pd.DataFrame: ...  # noqa: D102
    def frame(self) -> pd.DataFrame: ...  # noqa: D102


class SqlPad:
    """A text of SQL, its controls, and the answer below it; made by `sql_pad`."""

    def __init__(
        self, ask: Callable[..., Answer], queries: Mapping[str, str], controls: Mapping[str, Sequence[Any]],
        values: dict[str, Any],
    ) -> None:  # fmt: skip
        self.ask, self.queries, self.controls, self.values = ask, queries, controls, values
        self.sql = next(iter(queries.values()))
        self._widget: Any = None

    def answered(self) -> Shown:
        """Return what the text and the controls come to, an error included."""
        try:
            return shown(self.ask(self.sql, **self.values))
        except DsysLabError as error:
            return refused(self.sql, str(error))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if view_mode() == "live":
            return {**self.widget._repr_mimebundle_(), "text/plain": self.sql}
        answer = self.answered()
        return Shown(code(self.sql) + answer.html, f"{self.sql}\n\n{answer.text}")._repr_mimebundle_()

    @property
    def widget(self) -> Any:
        """The pad, for a kernel that listens."""
        if self._widget is None:
            self._widget = self._made()
        return self._widget

    def _made(self) -> Any:
        from ipywidgets import HTML, Button, Dropdown, HBox, Layout, Textarea

        from dsys_lab.lessons.own_keys import form

        text = Textarea(self.sql, layout=Layout(width="100%", max_width="860px", height="11em"))
        text.add_class("dsys-sql")
        menu = Dropdown(options=list(self.queries), description="begin with", layout=Layout(width="24em"))
        run = Button(description="Run", button_style="warning", layout=Layout(width="auto"))
        controls = {name: control(name, choices, self.values[name]) for name, choices in self.controls.items()}
        answer = HTML(self.answered().html)

        def again(_: Any = None) -> None:
            self.sql = text.value
            self.values = {name: one.value for name, one in controls.items()}
            try:
                answer.value = self.answered().html
            except Exception as error:  # noqa: BLE001  # a callback has no other place to tell the reader
                answer.value = in_words(error)

        def begin(_: Any) -> None:
            text.value = self.queries[menu.value]
            again()

        run.on_click(again)
        menu.observe(begin, "value")
        for one in controls.values():
            one.style.description_width, one.layout.width = "9em", "30em"
            one.observe(again, "value")
        return form(HTML(_FONT), HBox([menu, run]), text, *controls.values(), answer)


def sql_pad(
    ask: Callable[..., Answer], queries: Mapping[str, str], *, at: Mapping[str, Any] | None = None,
    **controls: Sequence[Any],
) -> SqlPad:  # fmt: skip
    """Return a pad that asks the reader's own SQL.

    Parameters
    ----------
    ask : callable
        `(sql, **values of the controls)` -> an answer.
    queries : mapping
        Name -> a query to begin with; the pad opens on the first.
    at : mapping, optional
        Where controls begin; the others begin at their low end or first choice.
    controls
        A range (lo, hi) or (lo, hi, step) for a slider, a list for a menu.

    Raises
    ------
    BadParameter
        If there is no query, or a control is none.
    """
    if not queries:
        raise BadParameter("sql_pad: no query to begin with; give {'pings': 'SELECT * FROM pings'}")
    for name, choices in controls.items():
        require_control(name, choices)
    if unknown := sorted(set(at or {}) - set(controls)):
        raise BadParameter(f"at: no control {unknown[0]!r}; give some of {', '.join(controls)}")
    values = {name: choices[0] for name, choices in controls.items()} | dict(at or {})
    return SqlPad(ask, queries, controls, values)


def shown(answer: Answer) -> Shown:
    """Return an answer as a verdict, the first changes, the table that stands and the plan."""
    ops = ", ".join(f"{count:,} times {op}" for op, count in answer.by_op().items()) or "nothing"
    if answer.agrees:
        verdict = f"The rows that stand are those of a batch over the same {answer.rows:,} rows."
    else:
        verdict = f"{sum(answer.missing.values()):,} rows of a batch over the same {answer.rows:,} rows are not there."
    changes, frame = answer.changes(CHANGES), answer.frame()
    first = table(list(changes.columns), [[_word(value) for value in row] for row in changes.itertuples(index=False)])
    rows = [[_word(value) for value in row] for row in frame.head(ROWS).itertuples(index=False)]
    stands = table(list(frame.columns), rows)
    body = (
        card(f"<b>{'✓' if answer.agrees else '✗'} {verdict}</b><br>{quiet(f'It said {ops}. The first changes:')}",
             role="done" if answer.agrees else "lost")
        + first.html
        + folded(f"The table that stands: {len(frame):,} rows", stands.html)
        + folded("What it keeps in memory, and for how long", code(answer.plan))
    )  # fmt: skip
    return Shown(body, f"{verdict}\nIt said {ops}. The first changes:\n{first.text}\n\n{answer.plan}")


def refused(sql: str, why: str) -> Shown:
    """Return why a query is not taken, with a mark under the place where it is meant."""
    found = _PLACE.fullmatch(why)
    if found is None:
        return Shown(card(f"<b>✗ Not taken.</b> {as_html(why)}", role="lost"), why)
    line, column, reason = int(found[1]), int(found[2]), found[3]
    lines = sql.splitlines()
    marked = "\n".join([*lines[:line], " " * (column - 1) + "▲", *lines[line:]])
    body = card(f"<b>✗ Line {line}, column {column}:</b> {html.escape(reason)}", role="lost")
    return Shown(body + code(marked) + folded("What is supported", code(supported())), f"{why}\n{marked}")


def supported() -> str:
    """Return the grammar, as the room of streaming SQL has it."""
    found = re.search(r"takes the same text::\n\n(.*?)\n\nIn reading order", streaming_sql.__doc__ or "", re.DOTALL)
    return inspect.cleandoc(found[1]) if found else ""


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "NULL" if value is None else str(value)
