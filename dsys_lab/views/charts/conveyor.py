"""A belt with a wall: what is done at each write, what at each read, and what does that come to?

The boxes are the steps on the way from a write to an answer. Those left of the wall are done at each write (blue),
those right of it at each read (orange, hatched). Over a box are sparks, the rows that it touches in a second: the first
spark is one row, and each further one doubles them. Below are meters: where they stand now is filled, where they would
stand with the wall elsewhere is hollow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, number, plain_ticks, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WRITE, _READ, _LATE = ROLES["authoritative"], ROLES["derived"], ROLES["late"]
_INK: Final = "#24292F"
_QUIET: Final = "#8C959F"
_BOX: Final = 0.8
_SPARKS_MOST: Final = 24


def conveyor(
    *,
    steps: Sequence[str],
    wall: int,
    rows: Sequence[float],
    meters: Mapping[str, Sequence[float]],
    late: tuple[str, Sequence[float]] | None = None,
    ends: tuple[str, str] = ("line", "page"),
    title: str = "",
) -> Chart:
    """Return the belt with the wall behind its first `wall` steps.

    Parameters
    ----------
    rows : sequence of float
        Touched a second at each step.
    meters : mapping of str to sequence of float
        By name, rows a second for each place of the wall: those of writes, of reads, and both.
    late : (str, sequence of float), optional
        A meter of another unit; `inf` is drawn as never.
    ends : (str, str)
        What goes onto the belt, and what comes off.

    Raises
    ------
    BadParameter
        If the wall stands nowhere, or something has not as many values as there are steps or places.
    """
    if type(wall) is not int or not 0 <= wall <= len(steps):
        raise BadParameter(f"wall = {wall!r}: give behind how many of the {len(steps)} steps it stands")
    if len(rows) != len(steps):
        raise BadParameter(f"rows: {len(rows)} for {len(steps)} steps; give one for each")
    if any(len(values) != len(steps) + 1 for values in (*meters.values(), *([late[1]] if late else []))):
        raise BadParameter(f"meters: give each a value for the {len(steps) + 1} places of the wall")
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.8, 5.6 if late else 5.2), layout="constrained")
        FigureCanvasAgg(figure)
        heights = (3.0, 0.55 * len(meters), 0.75)[: 3 if late else 2]
        belt, *below = figure.subplots(len(heights), 1, height_ratios=heights)
        _belt(belt, steps, wall, rows, ends)
        _meters(below[0], meters, wall, (_WRITE.colour, _READ.colour, _INK), "rows a second")
        if late:
            _meters(below[1], {late[0]: late[1]}, wall, (_LATE.colour,), "milliseconds")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    done = " ".join(steps[:wall]) or "nothing", " ".join(steps[wall:]) or "nothing"
    told = [f"{name}: {number(values[wall])}" for name, values in (*meters.items(), *([late] if late else []))]
    alt = f"{title or 'A belt with a wall'}. At each write: {done[0]}; at each read: {done[1]}."
    return Chart(figure, alt, "\n".join(told))


def _belt(axes: Axes, steps: Sequence[str], wall: int, rows: Sequence[float], ends: tuple[str, str]) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    count, top = len(steps), 4.5
    axes.set(xlim=(-1.35, count + 0.35), ylim=(-0.75, top + 0.55))
    axes.axis("off")
    axes.plot([-0.95, count - 0.05], [-0.22, -0.22], color=_QUIET, linewidth=5, solid_capstyle="round")
    for text, x in ((ends[0], -0.97), (ends[1], count - 0.03)):
        axes.text(x, 0.4, text, ha="center", va="center", color=_INK, fontstyle="italic")
    for place, (step, touched) in enumerate(zip(steps, rows, strict=True)):
        role = _WRITE if place < wall else _READ
        axes.add_patch(FancyBboxPatch(
            (place - _BOX / 2 + 0.06, 0), _BOX - 0.12, 0.8, boxstyle="round,pad=0.06", facecolor=role.colour + "33",
            edgecolor=role.colour, linewidth=1.6, hatch=None if place < wall else "..",
        ))  # fmt: skip
        axes.text(place, 0.4, step, ha="center", va="center", color=_INK, fontsize=9.5,
                  bbox={"facecolor": "white", "linewidth": 0, "pad": 1, "alpha": 0.75})  # fmt: skip
        sparks = min(_SPARKS_MOST, 1 + round(math.log2(touched))) if touched >= 1 else int(touched > 0)
        height = (top - 1.2) / _SPARKS_MOST
        axes.scatter([place] * sparks, [1.1 + height * spark for spark in range(sparks)], s=26, zorder=3,
                     color=role.colour, marker="o" if place < wall else "D", edgecolor="white",
                     linewidth=0.5)  # fmt: skip
        axes.text(place, 1.1 + height * sparks + 0.1, number(touched), ha="center", va="bottom", color=role.ink,
                  fontweight="bold", fontsize=10)  # fmt: skip
    thick = 0.012 * (count + 1.7)
    axes.add_patch(Rectangle((wall - 0.5 - thick / 2, -0.45), thick, top + 0.45, facecolor="#B8735A",
                             edgecolor="#6B3A2A", hatch="---", linewidth=1, zorder=4))  # fmt: skip
    axes.text(wall - 0.6, top + 0.1, "at each write", ha="right", va="bottom", color=_WRITE.ink, fontweight="bold")
    axes.text(wall - 0.4, top + 0.1, "at each read", ha="left", va="bottom", color=_READ.ink, fontweight="bold")


def _meters(
    axes: Axes, meters: Mapping[str, Sequence[float]], wall: int, colours: Sequence[str], unit: str
) -> None:
    shown = [value for values in meters.values() for value in values if 0 < value < math.inf]
    low, high = min(shown, default=1.0) / 2, max(shown, default=1.0) * 2
    axes.spines["left"].set_visible(False)
    axes.set_xscale("log")
    axes.set(xlim=(low / 1.3, high * 2.5), ylim=(-0.6, len(meters) - 0.4), xlabel=unit)
    axes.set_yticks(range(len(meters))[::-1], list(meters))
    axes.tick_params(axis="y", length=0, labelcolor=_INK)
    plain_ticks(axes.xaxis)
    for height, (values, colour) in zip(range(len(meters))[::-1], zip(meters.values(), colours, strict=False),
                                        strict=True):  # fmt: skip
        axes.axhline(height, color="#D0D7DE", linewidth=4, zorder=1)
        at = [min(max(value, low), high) for value in values]
        axes.scatter(at, [height] * len(at), s=34, facecolor="white", edgecolor=colour, linewidth=1.3, zorder=2)
        for value, x in zip(values, at, strict=True):
            if not low <= value <= high and value != values[wall]:
                axes.annotate(number(value), (x, height), (0, 6), textcoords="offset points", ha="center", color=_QUIET,
                              fontsize=9)  # fmt: skip
        axes.scatter(at[wall], height, s=120, color=colour, zorder=3)
        axes.annotate(number(values[wall]), (at[wall], height), (0, 9), textcoords="offset points", ha="center",
                      color=_INK, fontweight="bold", fontsize=10,
                      bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5, "alpha": 0.8})  # fmt: skip
