"""How words reach a reader: as a card for eyes, and as the same words in plain text.

Three modes (`DSYS_LAB_VIEW`) decide what a cell keeps. Committed notebooks are *still*: what they show is compared
character by character, so nothing in it may depend on the reader, the clock or the machine.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.views.theme import ROLES

INK: Final = "var(--jp-content-font-color1, #24292f)"
QUIET: Final = "var(--jp-content-font-color2, #57606a)"
SURFACE: Final = "var(--jp-layout-color2, #f4f6f8)"
"""Colours of the page's own theme, so that a card reads in the dark as well."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Something to read, as HTML and as text."""

    html: str
    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": self.text, "text/html": self.html}


def card(body: str, *, role: str = "authoritative") -> str:
    """Return HTML in a card whose edge has the colour of `role`."""
    return (
        f'<div style="border-left:5px solid {ROLES[role].colour};background:{SURFACE};color:{INK};padding:.55em 1em;'
        f'margin:.3em 0;border-radius:0 6px 6px 0;max-width:860px;line-height:1.5;box-sizing:border-box">{body}</div>'
    )


def quiet(text: str) -> str:
    """Return a remark in small grey letters."""
    return f'<span style="color:{QUIET};font-size:.92em">{as_html(text)}</span>'


def folded(title: str, body: str) -> str:
    """Return `body` under a line that opens it."""
    summary = f'<summary style="cursor:pointer">{html.escape(title)}</summary>'
    return f'<details style="margin:.35em 0">{summary}{body}</details>'


def code(source: str, *, select_all: bool = False) -> str:
    """Return a block of code; with `select_all`, one click marks all of it."""
    marks = "user-select:all;" if select_all else ""
    return (
        f'<pre style="{marks}margin:.4em 0;padding:.5em .8em;border-radius:4px;overflow-x:auto;'
        f'background:var(--jp-layout-color1, #fff);color:{INK}">{html.escape(source)}</pre>'
    )


def as_html(text: str) -> str:
    """Return plain words as HTML: `` `code` ``, ``**strong**``, ``*emphasis*`` and nothing else.

    >>> as_html("x < `y` is **so**")
    'x &lt; <code>y</code> is <b>so</b>'
    >>> as_html("`COUNT(*), (*)` stays as it is")
    '<code>COUNT(*), (*)</code> stays as it is'
    """
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", lambda code: f"<code>{code[1].replace('*', chr(0))}</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<i>\1</i>", text)
    return text.replace(chr(0), "*")


def paragraphs(text: str) -> str:
    r"""Return words with empty lines between them as paragraphs; lines that begin with a dash are a list.

    >>> paragraphs("- one,\n  still one\n- two")
    '<ul style="margin:.35em 0"><li>one,\n  still one</li><li>two</li></ul>'
    """
    return "".join(map(_paragraph, re.split(r"\n\s*\n", text.strip())))


def _paragraph(part: str) -> str:
    if part.lstrip().startswith("- "):
        items = re.split(r"^- ", part.strip(), flags=re.MULTILINE)[1:]
        listed = "".join(f"<li>{as_html(item.strip())}</li>" for item in items)
        return f'<ul style="margin:.35em 0">{listed}</ul>'
    return f'<p style="margin:.35em 0">{as_html(part.strip())}</p>'
