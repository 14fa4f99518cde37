"""What does a window say, and what is left when all has been said?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from dsys_lab.dataflows.windows.assigners import Window
from dsys_lab.errors import BadParameter


class Pane(NamedTuple):
    """One thing that a window said.

    Attributes
    ----------
    is_taken_back : bool
        Whether an earlier answer is withdrawn; else this is an answer.
    key : object
    window : Window
    value : object
    when : str
        early, on_time or late.
    """

    is_taken_back: bool
    key: Any
    window: Window
    value: Any
    when: str


def folded(
    panes: Iterable[Pane], mode: str, merge: Callable[[Any, Any], Any] | None = None
) -> dict[tuple[Any, Window], Any]:
    """Return what a reader believes in the end, by key and window.

    Parameters
    ----------
    panes : iterable of Pane
    mode : str
        In which they were said.
    merge : callable, optional
        For `discard`: makes one answer of two.

    Raises
    ------
    BadParameter
        If an answer is taken back that does not stand, or answers are to be merged and nothing says how.
    """
    answers: dict[tuple[Any, Window], Any] = {}
    for pane in panes:
        place = pane.key, pane.window
        if pane.is_taken_back:
            if place not in answers or answers[place] != pane.value:
                raise BadParameter(f"{pane}: is taken back but does not stand; give the panes in their order")
            del answers[place]
        elif mode == "discard" and place in answers:
            if merge is None:
                raise BadParameter("mode = 'discard': give merge=, which makes one answer of two")
            answers[place] = merge(answers[place], pane.value)
        else:
            answers[place] = pane.value
    return answers
