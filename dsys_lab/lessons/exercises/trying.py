"""One try at an exercise: run the check, say what it saw, give what help is due, and play the reader's code.

Help grows with failed tries: the second hint after the first, the third after the second, the reference answer after
the third or once the exercise is solved.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from IPython.core.getipython import get_ipython
from IPython.display import display

from dsys_lab.errors import DsysLabError
from dsys_lab.lessons.exercises.task import Exercise, Verdict
from dsys_lab.lessons.exercises.watched import Result, TookTooLong, Watched, fault_in, in_time, is_blank, within
from dsys_lab.lessons.record import progress
from dsys_lab.lessons.shown import Shown, as_html, card, code, folded, paragraphs, quiet
from dsys_lab.trace import Trace
from dsys_lab.views.charts import Chart
from dsys_lab.views.mode import view_mode

LIMIT_S: Final = 30.0
"""The longest that a check may take, its hidden runs included; a good answer needs a few seconds."""
PURE_LIMIT_S: Final = 5.0
"""The longest that one call may take of a function that only computes."""
TRIES_BEFORE_ANSWER: Final = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a try.

    Attributes
    ----------
    task : Exercise
    verdict : Verdict or None
        None: there was nothing to check yet.
    failed_tries : int
        So far, this one included.
    traces : sequence of Trace
        The reader's own code at work, to be played.
    picture : Chart or None
        The reader's answer, drawn.
    """

    task: Exercise
    verdict: Verdict | None
    failed_tries: int = 0
    traces: Sequence[Trace] = ()
    picture: Chart | None = None

    @property
    def passed(self) -> bool:
        """Whether the exercise is solved."""
        return self.verdict is not None and self.verdict.passed

    @property
    def _title(self) -> str:
        return self.task.title if self.task.title.endswith("?") else f"{self.task.title}."

    def __str__(self) -> str:
        if self.verdict is None:
            return f"Not yet attempted: {self._title} Write `{self.task.function_name}` and run the cell again."
        return f"{'Solved' if self.passed else 'Not yet'}: {self._title} {self.verdict.saw}"

    def html(self) -> str:
        """Return the verdict and the help that is due."""
        title = html.escape(self._title)
        if self.verdict is None:
            words = f"Write `{self.task.function_name}` above and run the cell again."
            return card(f"<b>○ Not yet attempted: {title}</b> {as_html(words)}", role="skipped")
        sign, state, role = ("✓", "Solved", "done") if self.passed else ("✗", "Not yet", "lost")
        said = card(f"<b>{sign} {state}: {title}</b> {as_html(self.verdict.saw)}{self._help()}", role=role)
        return said + (self.picture.html() if self.picture else "")

    def _help(self) -> str:
        due = self.task.hints[1 : 1 + self.failed_tries]
        names = ("A second hint", "A third hint")
        hints = "" if self.passed else "".join(map(folded, names, map(paragraphs, due)))
        if self.passed or self.failed_tries >= TRIES_BEFORE_ANSWER:
            return hints + folded("The reference answer", code(self.task.answer_source))
        left = TRIES_BEFORE_ANSWER - self.failed_tries
        return hints + quiet(f"The reference answer appears after {left} more {'try' if left == 1 else 'tries'}.")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if view_mode() != "live" or not self.traces:
            return Shown(self.html(), str(self))._repr_mimebundle_()
        from ipywidgets import HTML, VBox

        from dsys_lab.lessons.playing import player

        played = VBox([HTML(self.html()), player(*self.traces).widget])
        return {**played._repr_mimebundle_(), "text/plain": str(self)}


def attempt(task: Exercise, function: Callable[..., Any], *, limit_s: float = LIMIT_S) -> Attempt:
    """Check a function, and keep the outcome in the reader's record."""
    if is_blank(function):
        return Attempt(task, None)
    with being_checked(task.title):
        return _attempt(task, function, limit_s)


def _attempt(task: Exercise, function: Callable[..., Any], limit_s: float) -> Attempt:
    call_s = min(limit_s, PURE_LIMIT_S) if task.is_pure else limit_s
    bounded = in_time(function, call_s) if task.is_pure else function
    watched = Watched(bounded)
    try:
        verdict = within(limit_s + call_s, lambda: task.check(watched))  # a call's own end comes first
    except TookTooLong:
        saw = f"It did not come to an end within {call_s:g} s and was stopped: look for a loop that never ends."
        verdict = Verdict(passed=False, saw=f"{saw} Its last call was given {watched.told()}.")
        return Attempt(task, verdict, _keep(task.key, passed=False))
    except DsysLabError as error:
        verdict = Verdict(passed=False, saw=f"Refused: {error}.")
    except Exception as error:  # noqa: BLE001  # the reader's code may raise anything, and is told so
        verdict = Verdict(
            passed=False, saw=f"It failed with {fault_in(function, error)}. It was given {watched.told()}."
        )
    failed = _keep(task.key, passed=verdict.passed)
    traces = _if_it_runs(limit_s, lambda: task.play(bounded)) or ()
    return Attempt(task, verdict, failed, traces, _if_it_runs(limit_s, lambda: task.picture(bounded)))


def _if_it_runs(limit_s: float, show: Callable[[], Result]) -> Result | None:
    """Return what shows the reader's code at work; None, where it does not run: why is in the verdict."""
    try:
        return within(limit_s, show)
    except (Exception, TookTooLong):  # noqa: BLE001  # the reader's code may raise anything
        return None


@contextmanager
def being_checked(title: str) -> Iterator[None]:
    """Say in a notebook that a check is under way; nothing of it stays."""
    shell = get_ipython() if view_mode() == "live" else None
    if shell is None or not hasattr(shell, "kernel"):
        yield
        return
    words = f"{title}: checking …"
    line = display({"text/plain": words, "text/html": quiet(words)}, raw=True, display_id=True)
    try:
        yield
    finally:
        line.update({}, raw=True)


def _keep(key: str, *, passed: bool) -> int:
    """Count the try; return how many have failed so far."""
    record = progress()
    before = record.of("exercises", key)
    tries, failed = before.get("tries", 0) + 1, before.get("failed", 0) + (not passed)
    record.put("exercises", key, tries=tries, failed=failed, passed=passed or before.get("passed", False))
    return failed
