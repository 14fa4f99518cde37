"""A log as a tape in a picture that does not move: its records in the hues of their keys, and who has come how far."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Final

from dsys_lab.views.player.fold import Fold
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Hues = dict[str, tuple[float, float, float]]
CELLS_MOST: Final = 40
_LINE: Final = 0.12
"""From one position to the next below it."""
_NAME, _LETTER_INCHES = 6.5, 0.052
"""The size of who stands at a position, and about the width of a letter of it."""


def hues_of(fold: Fold) -> Hues:
    """Return a colour for each key, in the order in which they came; neighbours lie far apart, as in the player."""
    keys = dict.fromkeys(key for tape in fold.tapes.values() for _, key in tape.values())
    return {key: colorsys.hls_to_rgb(n * 137.5 % 360 / 360, 0.73, 0.75) for n, key in enumerate(keys)}


def draw_tape(
    axes: Axes, fold: Fold, place: str, hues: Hues, *, x0: float, y0: float, width: float, unit: float
) -> None:
    """Draw the end of a tape in its box: too old is grey, a double bar closes, open carets read, filled ones work.

    A unit is so many inches: who stands far enough apart shares a line.
    """
    from matplotlib.patches import Rectangle

    tape = fold.tapes[place]
    end = max(tape) + 1
    first = max(min(tape), end - CELLS_MOST)
    cell = (width - 0.2) / max(8, end - first)
    top = y0 + 0.36
    for offset in range(first, end):
        copy, key = tape.get(offset, (None, ""))
        kept = copy is not None and fold.where.get(copy, ("",))[0] == place
        colour = hues[key] if kept else "none" if copy is None else ROLES["skipped"].colour
        left = x0 + 0.08 + (offset - first) * cell
        axes.add_patch(Rectangle((left, top - 0.22), cell * 0.92, 0.22, fc=colour, ec="#8C959F", lw=0.5))
        if offset % (5 if end - first < 25 else 10) == 0:
            axes.text(left + cell / 2, top - 0.24, str(offset), fontsize=5.5, ha="center", va="top", color="#57606A")
    if place in fold.closed:
        at = x0 + 0.08 + (end - first) * cell
        for shift in (0.01, 0.05):
            axes.plot([at + shift] * 2, [top - 0.25, top + 0.03], color="#24292F", lw=1.3)
    lines: list[list[tuple[float, float]]] = []
    for position, names in _by_position(fold.carets.get(place, {})).items():
        who = " · ".join(name for name, _ in names) if len(names) < 3 else f"{names[0][0]} and {len(names) - 1} more"
        worked = any(what == "commit" for _, what in names)
        x = x0 + 0.08 + (min(max(position, first), end) - first) * cell
        side, shift = ("right", -0.07) if x > x0 + width * 0.6 else ("left", 0.07)
        reach = abs(shift) + len(who) * _LETTER_INCHES / unit
        y = top - 0.46 - _LINE * _line_for((x - reach, x + 0.07) if side == "right" else (x - 0.07, x + reach), lines)
        axes.plot([x], [y], "^", ms=4, mfc="#24292F" if worked else "white", mec="#24292F", mew=0.8)
        axes.text(x + shift, y, who, fontsize=_NAME, va="center", ha=side)


def _line_for(span: tuple[float, float], lines: list[list[tuple[float, float]]]) -> int:
    """Return the first line that is free from here to there, and take it."""
    for at, line in enumerate(lines):
        if all(span[1] < low or high < span[0] for low, high in line):
            line.append(span)
            return at
    lines.append([span])
    return len(lines) - 1


def _by_position(carets: dict[tuple[str, str], int]) -> dict[int, list[tuple[str, str]]]:
    """Return who stands at each position: one label is enough for them."""
    found: dict[int, list[tuple[str, str]]] = {}
    for who, position in carets.items():
        found.setdefault(position, []).append(who)
    return found
