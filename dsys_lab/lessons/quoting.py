"""What the notes say, word for word.

The suite answers one person's notes on data systems. Their text is kept as it was written in `data/the_notes.md`, and
every lab quotes its heading from there, so a quotation cannot drift from what was said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from dsys_lab.errors import BadParameter, EngineMissing

SOURCE: Final = Path(__file__).resolve().parents[2] / "data" / "the_notes.md"
_HEADING: Final = re.compile(r"^#{2,6} +(.+?) *$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Quotation:
    """A passage of the notes.

    Attributes
    ----------
    heading : str
    words : str
        Exactly what stands under the heading; empty where it stands alone.
    """

    heading: str
    words: str

    def __str__(self) -> str:
        return f"The notes say, under {self.heading!r}:\n\n{self.words or '(only the heading stands there)'}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        tick = '<span style="color:#009E73">✔</span>'
        words = self.words or "*(only the heading stands there: what to say is this lab's work)*"
        colon = "" if self.heading.endswith(".") else ":"
        quoted = "\n".join(f"> {line}".rstrip() for line in words.splitlines())
        return {
            "text/plain": str(self),
            "text/markdown": f"> {tick} **The notes say**, under *{self.heading}*{colon}\n>\n{quoted}",
        }


def notes(heading: str) -> Quotation:
    """Return what the notes say under `heading`.

    Raises
    ------
    BadParameter
        If the notes have no such heading, with those that they have.
    """
    passages = read()
    if heading not in passages:
        close = get_close_matches(heading, passages, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise BadParameter(f"the notes have no heading {heading!r}; {hint}they have: {'; '.join(passages)}")
    return Quotation(heading, passages[heading])


def read() -> dict[str, str]:
    """Return heading -> the words under it, up to the next heading of any depth."""
    try:
        text = SOURCE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise EngineMissing(
            f"the notes are not at data/{SOURCE.name}: run from a checkout of the repository, by `make lab`"
        ) from None
    found = list(_HEADING.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return {
        " ".join(match[1].split()): text[match.end() : end].strip("\n") for match, end in zip(found, ends, strict=True)
    }
