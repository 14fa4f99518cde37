"""The reader's own final check: five measures of success, filled from what the reader has done so far.

The notes leave the heading *Success criteria* empty; these are the suite's answer to it. Each is a count with a goal,
so that "I have understood it" is something that can turn out wrong.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.lessons.exercises import Exercise, exercises_of
from dsys_lab.lessons.map import LABS
from dsys_lab.lessons.shown import INK, QUIET, SURFACE, Shown
from dsys_lab.views.theme import ROLES

CLOSE: Final = 0.7
"""The score from which a prediction is counted as kept."""
OF_TEN: Final = 8
A_LAB: Final = 3
"""How many predictions of a lab must be made at least, on average: who says nothing keeps nothing."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One measure of success.

    Attributes
    ----------
    name : str
    done, goal : int
    how : str
        How one comes closer.
    """

    name: str
    done: int
    goal: int
    how: str

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.done >= self.goal > 0


def criteria(record: dict[str, Any]) -> list[Criterion]:
    """Return the measures of success as a record fills them."""
    built = [lab for lab in LABS if lab.built and lab.number]
    scores = [entry["score"] for entry in record["predictions"].values() if entry.get("score") is not None]
    tasks = [task for lab in built for task in exercises_of(lab) if isinstance(task, Exercise)]
    solved = {key for key, entry in record["exercises"].items() if entry.get("passed")}
    touched = {key[:2] for key in (*record["predictions"], *record["exercises"])}
    table, loses = "26/decide", "26/loses"
    made, due = len(scores), A_LAB * len(built)
    failed = record["exercises"].get(table, {}).get("failed", 0)
    how = f"exercise {table}" + (f"; {failed} failed before, so it was no prediction any more" if failed else "")
    return [
        Criterion("labs in which you have said or solved something",
                  sum(f"{lab.number:02d}" in touched for lab in built), len(built), "open one that is missing"),
        Criterion("predictions that came true", sum(score >= CLOSE for score in scores),
                  -(-OF_TEN * max(made, due) // 10),
                  f"eight of ten of those you made ({made}), within the tolerance of each, and of {due} at least"),
        Criterion("exercises solved, under seeds that you have not seen", sum(task.key in solved for task in tasks),
                  len(tasks), "a failed try opens the next hint"),
        Criterion("the decision table, at least 15 of 18 at the first try", int(table in solved and not failed), 1,
                  how),
        Criterion("for each store a question that it loses, and the counter that shows it", int(loses in solved), 1,
                  f"exercise {loses}"),
    ]  # fmt: skip


def final_check(record: dict[str, Any]) -> Shown:
    """Return the measures as bars, and as text."""
    found = criteria(record)
    rows = "".join(map(_row, found))
    told = [f"{'met' if one.is_met else 'open'}: {one.name}: {one.done} of {one.goal} ({one.how})" for one in found]
    return Shown(f'<div style="max-width:860px;color:{INK}">{rows}</div>', "\n".join(told))


def _row(one: Criterion) -> str:
    role, sign = (ROLES["done"], "✓") if one.is_met else (ROLES["again"], "○")
    share = min(1.0, one.done / one.goal) if one.goal else 0.0
    return (
        f'<div style="background:{SURFACE};padding:.5em .8em;margin:.3em 0;display:flex;align-items:center;gap:.8em">'
        f'<span style="color:{role.colour};font-weight:700">{sign}</span>'
        f'<span style="flex:1">{html.escape(one.name)}<br>'
        f'<span style="color:{QUIET};font-size:.9em">{html.escape(one.how)}</span></span>'
        f'<div style="width:150px;height:10px;background:color-mix(in srgb, {QUIET} 25%, transparent)">'
        f'<div style="width:{share:.0%};height:100%;background:{role.colour}"></div></div>'
        '<span style="width:6em;text-align:right;font-variant-numeric:tabular-nums">'
        f"{one.done} of {one.goal}</span></div>"
    )
