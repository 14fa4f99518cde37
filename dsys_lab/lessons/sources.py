"""The code that just ran, in the notebook where it ran."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

from dsys_lab.errors import BadParameter

PACKAGE: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of code with its address.

    Attributes
    ----------
    file : str
        Relative to the package's parent; "" for code from a notebook.
    line : int
        Its first line there.
    code, chapter : str
        The piece, and the docstring of the module that it stands in.
    """

    file: str
    line: int
    code: str
    chapter: str = ""

    def __str__(self) -> str:
        where = f"# {self.file}, line {self.line}\n" if self.file else ""
        return f"{where}{self.code}"

    def markdown(self) -> str:
        """Return the piece under a link to its place."""
        where = f"[`{self.file}`](../{self.file}#L{self.line}), line {self.line}\n\n" if self.file else ""
        chapter = (
            f"<details><summary>The chapter of this file</summary>\n\n```text\n{self.chapter}\n```\n\n</details>\n\n"
        )
        return f"{where}{chapter if self.chapter else ''}```python\n{self.code}\n```"


@dataclass(frozen=True, slots=True)
class Sources:
    """Pieces of code, one after the other."""

    pieces: tuple[Source, ...]

    def __str__(self) -> str:
        return "\n\n\n".join(map(str, self.pieces))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": "\n\n".join(piece.markdown() for piece in self.pieces)}


def show_source(*things: Any, chapter: bool = False) -> Sources:
    """Return the code of functions, classes, scenarios or modules, each with the place where it stands.

    Parameters
    ----------
    chapter : bool
        Fold the docstring of the module above: what the file is about.

    Raises
    ------
    BadParameter
        If something is no code, or Python does not know where it was written.
    """
    if not things:
        raise BadParameter("show_source: nothing to show; give a function, a class, a scenario or a module")
    return Sources(tuple(_source(thing, chapter=chapter) for thing in things))


def _source(thing: Any, *, chapter: bool) -> Source:
    thing = inspect.unwrap(getattr(thing, "__wrapped__", thing))
    try:
        lines, first = inspect.getsourcelines(thing)
        path = Path(inspect.getsourcefile(thing) or "").resolve()
    except (TypeError, OSError):
        raise BadParameter(
            f"{thing!r} has no source to show: give a function, a class, a scenario or a module"
        ) from None
    inside = path.is_relative_to(PACKAGE)
    module = inspect.getmodule(thing)
    return Source(
        file=path.relative_to(PACKAGE.parent).as_posix() if inside else "",
        line=max(first, 1),
        code=dedent("".join(lines)).rstrip(),
        chapter=inspect.getdoc(module) or "" if chapter and module else "",
    )
