"""The same statements in several orders, a ribbon each; and where those lie that a pattern asks for.

A ribbon is a sorted index. Green cells are what the pattern finds in the index that is used, side by side if its order
begins with what is known. Yellow, hatched cells of that index were looked at in vain. In the other ribbons the same
statements have a green frame: there they lie scattered. All else was left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, styled
from dsys_lab.views.theme import ROLES

STATES: Final = ("found", "in vain", "elsewhere", "left alone")
_FOUND, _VAIN, _REST = ROLES["useful"], ROLES["unused"], ROLES["skipped"]
_WIDTH: Final = 9.2
_RIBBON: Final = 1.12

Ribbon = Sequence[tuple[Sequence[str], str]]


def index_strips(ribbons: Mapping[str, Ribbon], *, pattern: str = "", used: str = "", title: str = "") -> Chart:
    """Return a ribbon for each index.

    Parameters
    ----------
    ribbons : mapping
        Order -> its keys from first to last: the words of a key, and one of `STATES`.
    pattern : str
        What was asked, as words.
    used : str
        The order that answered.

    Raises
    ------
    BadParameter
        If a state is unknown, or there is no ribbon.
    """
    states = {state for ribbon in ribbons.values() for _, state in ribbon}
    if not ribbons or not states <= {*STATES}:
        raise BadParameter(f"index_strips: {sorted(states - {*STATES})}: give ribbons of cells that are {STATES}")
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        figure = Figure(figsize=(_WIDTH, 0.7 + _RIBBON * len(ribbons)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        longest = max(len(ribbon) for ribbon in ribbons.values())
        for row, (order, ribbon) in enumerate(ribbons.items()):
            weight = "bold" if order == used else "normal"
            axes.annotate(order, (-0.25, row), ha="right", va="center", fontsize=11, weight=weight, family="monospace")
            for at, (words, state) in enumerate(ribbon):
                axes.add_patch(Rectangle((at + 0.04, row - 0.42), 0.92, 0.84, **_look(state)))
                ink = "white" if state == "found" else _REST.ink if state == "left alone" else "#24292F"
                ground = {"facecolor": _VAIN.colour, "linewidth": 0, "pad": 1} if state == "in vain" else None
                axes.annotate(
                    "\n".join(words), (at + 0.5, row), ha="center", va="center", fontsize=7.4, color=ink, bbox=ground
                )
        axes.set_xlim(-1.3, longest)
        axes.set_ylim(len(ribbons) - 0.45, -0.55)
        axes.set_title(f"{title}   {pattern}".strip(), loc="left")
        axes.set_axis_off()
    told = [f"{order}: {_counts(ribbon)}{' (used)' * (order == used)}" for order, ribbon in ribbons.items()]
    return Chart(figure, f"{len(ribbons)} indexes asked for {pattern}.", "\n".join(told))


def _look(state: str) -> dict[str, Any]:
    if state == "found":
        return {"facecolor": _FOUND.colour, "edgecolor": _FOUND.colour}
    if state == "in vain":
        return {"facecolor": _VAIN.colour, "edgecolor": _VAIN.ink, "hatch": "//", "linewidth": 0.6}
    if state == "elsewhere":
        return {"facecolor": "none", "edgecolor": _FOUND.colour, "linewidth": 2.0}
    return {"facecolor": "#EEF0F2", "edgecolor": _REST.colour, "linewidth": 0.6}


def _counts(ribbon: Ribbon) -> str:
    """Return how many cells are in each state, and in how many runs those that were found lie."""
    states = [state for _, state in ribbon]
    counts = ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
    wanted = [state in {"found", "elsewhere"} for state in states]
    runs = sum(here and not before for before, here in zip([False, *wanted[:-1]], wanted, strict=True))
    return f"{counts}; what is asked for lies in {runs} run{'s' * (runs != 1)}"
