"""What an exercise is made of."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import dedent
from types import ModuleType
from typing import Any

from dsys_lab.lessons.shown import Shown, as_html, card, code, folded, paragraphs, quiet
from dsys_lab.trace import Trace
from dsys_lab.views.charts import Chart


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check saw.

    Attributes
    ----------
    passed : bool
    saw : str
        One or two sentences: what the function did, and where it failed, the case that shows it.
    """

    passed: bool
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A function to write.

    Attributes
    ----------
    lab, name, title : str
    statement : str
        The task, in paragraphs.
    skeleton : str
        The code to begin with.
    example : str
        One call and what it gives.
    hints : (str, str, str)
        The first stands with the task, folded; the others come after failed tries.
    check : callable
        `(function)` -> Verdict: runs the function under hidden seeds and faults.
    play : callable
        `(function)` -> the traces to be played: the reader's code, and something to compare it with.
    picture : callable
        `(function)` -> a chart of the reader's answer, where it is a number rather than code at work.
    is_pure : bool
        Whether the function only computes: then it has no reason to take long.
    answer : callable
        A reference answer; it passes the check.
    """

    lab: int
    name: str
    title: str
    statement: str
    skeleton: str
    example: str
    hints: tuple[str, str, str]
    check: Callable[[Callable[..., Any]], Verdict]
    play: Callable[[Callable[..., Any]], Sequence[Trace]]
    answer: Callable[..., Any]
    picture: Callable[[Callable[..., Any]], Chart | None] = lambda _: None
    is_pure: bool = False

    @property
    def key(self) -> str:
        """Its address."""
        return f"{self.lab:02d}/{self.name}"

    @property
    def function_name(self) -> str:
        """What the reader's function is called."""
        return self.answer.__name__

    @property
    def answer_source(self) -> str:
        """The code of the reference answer with the imports that it needs: a reader may copy it into an empty cell."""
        source = dedent(inspect.getsource(self.answer)).rstrip()
        imports = imports_of(source, inspect.getmodule(self.answer))
        return "\n".join([*imports, "", "", source] if imports else [source])

    def __str__(self) -> str:
        parts = (f"Exercise: {self.title}", self.statement, "Begin with:", self.skeleton, self.example)
        return "\n\n".join(part.strip() for part in parts)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        body = (
            f"<b>Exercise: {as_html(self.title)}</b>{paragraphs(self.statement)}{code(self.skeleton.strip())}"
            f"{paragraphs(self.example)}{folded('A first hint', paragraphs(self.hints[0]))}"
            f"{quiet(f'Then check it: `exercise({self.key!r}, {self.function_name})`')}"
        )
        return Shown(card(body), str(self))._repr_mimebundle_()


def imports_of(source: str, module: ModuleType | None) -> list[str]:
    """Return the lines that import what a function's source uses of its module."""
    tree = ast.parse(inspect.getsource(module)) if module else ast.parse("")
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            needed = [alias for alias in node.names if (alias.asname or alias.name) in used]
            if needed:
                node.names = needed
                lines.append(ast.unparse(node))
    own = [name for node in tree.body for name in _defined(node) if name in used]
    own = [name for name in own if not any(_defined(node) == [name] for node in ast.parse(source).body)]
    return lines + ([f"from {module.__name__} import {', '.join(own)}"] if own and module else [])


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question that no program can check, with a model answer to compare with one's own."""

    lab: int
    name: str
    title: str
    statement: str
    model_answer: str

    def __str__(self) -> str:
        return f"Think: {self.title}\n\n{self.statement.strip()}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        answer = folded("A model answer, to compare with yours", paragraphs(self.model_answer))
        body = f"<b>Think: {as_html(self.title)}</b>{paragraphs(self.statement)}{answer}"
        return Shown(card(body, role="late"), str(self))._repr_mimebundle_()
