"""Stretches of time under a saw: which of them does a cut go through?

Each bar lasts from its beginning to its end; a gate stands at every multiple of the period. A bar that no gate goes
through is green, one that is sawn is vermillion, hatched, and in pieces.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, figure_of, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GATES_MOST: Final = 150
"""More gates than this are not drawn: they would be one grey wall."""
_SAW: Final = 0.0022
"""The width of a cut, as a share of the axis."""


def sawn_bars(bars: Sequence[tuple[float, float]], period: float, *, title: str = "", x: str = "time, s") -> Chart:
    """Return the bars with a gate at every multiple of `period`.

    Raises
    ------
    BadParameter
        If there is no bar, one ends before it begins, or the period is not above 0.
    """
    if not bars or any(end < start for start, end in bars) or not period > 0:
        raise BadParameter(f"sawn_bars: {len(bars)} bars, period = {period!r}: give (start, end) and a period above 0")
    last, rows = max(end for _, end in bars), list[float]()
    sawn = 0
    with styled():
        figure, axes = figure_of(title, x, "", inches=(8.8, 3.3))
        for start, end in sorted(bars):
            row = next((at for at, free in enumerate(rows) if free <= start), len(rows))
            rows[row:] = [end + last / 80] if row == len(rows) else [end + last / 80, *rows[row + 1 :]]
            sawn += _draw(axes, (start, end), row, period=period, saw=last * _SAW)
        gates = range(1, math.floor(last / period) + 1)
        for number in gates if len(gates) <= GATES_MOST else ():
            axes.axvline(number * period, color="#24292F", linewidth=0.9 if len(gates) < 40 else 0.4, zorder=3)
        axes.set(yticks=[], xlim=(0, last * 1.01), ylim=(-0.8, len(rows) - 0.2))
        axes.set_title(f"{sawn} of {len(bars)} sawn", loc="right", fontsize=10, fontweight="normal")
        axes.grid(visible=False)
    told = f"A gate every {period:g}: {sawn} of {len(bars)} bars are sawn through."
    return Chart(figure, f"{title or 'Bars under gates'}. {told}", told)


def _draw(axes: Axes, bar: tuple[float, float], row: int, *, period: float, saw: float) -> bool:
    """Draw a bar, in pieces where gates go through it; return whether one does."""
    start, end = bar
    first, last = math.floor(start / period) + 1, math.ceil(end / period) - 1
    gates = [number * period for number in range(first, last + 1)]
    is_sawn = bool(gates)
    role = ROLES["lost"] if is_sawn else ROLES["done"]
    look: dict[str, Any] = {"facecolor": role.colour, "edgecolor": role.ink, "hatch": "////" if is_sawn else ""}
    edges = [start, *gates, end] if saw * len(gates) < (end - start) / 2 else [start, end]
    for left, right in itertools.pairwise(edges):
        axes.barh(row, max(right - left - saw, saw), left=left + saw / 2, height=0.62, linewidth=0.6, **look)
    return is_sawn
