"""Who gets on with whom: a grid of small boxes, each with the colour of what came of it and a sign in it.

A row and a column make a pair (a writer and a reader, a place and a moment); its box says what was found when the pair
was tried. Several grids with the same rows and columns stand beside each other, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.views.charts.picture import Chart, listed, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cell = tuple[str, str]
"""A role of the theme, and a sign or a number."""
_BOX_INCHES: Final = 0.62
_PAPER, _INK = "#FFFFFF", "#24292F"
_PALE: Final = ("again", "skipped", "moving", "unused")
"""Roles whose colour is too light for a white sign."""


def verdict_grid(
    grids: Mapping[str, Mapping[tuple[str, str], Cell]],
    *,
    legend: Mapping[str, str],
    title: str = "",
    rows: str = "",
    columns: str = "",
    box_inches: float = _BOX_INCHES,
) -> Chart:
    """Return one grid for each name.

    Parameters
    ----------
    grids : mapping
        Name -> (row, column) -> (role, sign); rows and columns stand in the order in which they come.
    legend : mapping
        Role -> what a box of its colour says.
    rows, columns : str
        What they are.

    Raises
    ------
    BadParameter
        If there is no grid, an empty one, or a role without words.
    """
    if not grids or not all(grids.values()):
        raise BadParameter("verdict_grid: nothing was tried; give {'by name': {('v1', 'v2'): ('done', '✓')}}")
    for cells in grids.values():
        for role, _ in cells.values():
            require_choice("role", role, tuple(legend))
    sizes = {name: (_unique(cells, 0), _unique(cells, 1)) for name, cells in grids.items()}
    across, down = max(len(size[1]) for size in sizes.values()), max(len(size[0]) for size in sizes.values())
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        inches = (1.9 + len(grids) * (across * box_inches + 0.5), 1.75 + down * 0.5)
        figure = Figure(figsize=inches, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08))
        FigureCanvasAgg(figure)
        for place, (axes, (name, cells)) in enumerate(
            zip(figure.subplots(1, len(grids), squeeze=False)[0], grids.items(), strict=True)
        ):
            _draw(axes, cells, *sizes[name], is_first=place == 0)
            axes.set_title(name, fontsize=10)
            axes.set_xlabel(columns)
            axes.set_ylabel("" if place else rows)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        for role, words in legend.items():
            figure.axes[0].plot([], [], "s", color=ROLES[role].colour, markersize=9, label=words)
        figure.legend(loc="outside lower left", ncols=len(legend), handletextpad=0.2, fontsize=9)
    told = [
        f"{name}, {row}, {column}: {legend[role]}" for name, cells in grids.items()
        for (row, column), (role, _) in cells.items()
    ]  # fmt: skip
    return Chart(figure, f"{title or 'What came of each pair'}: {listed(grids)}.", "\n".join(told))


def _unique(cells: Mapping[tuple[str, str], Cell], which: int) -> list[str]:
    return list(dict.fromkeys(pair[which] for pair in cells))


def _draw(
    axes: Axes, cells: Mapping[tuple[str, str], Cell], rows: list[str], columns: list[str], *, is_first: bool
) -> None:
    from matplotlib.patches import FancyBboxPatch

    for (row, column), (role, sign) in cells.items():
        x, y = columns.index(column), rows.index(row)
        axes.add_patch(FancyBboxPatch((x - 0.36, y - 0.32), 0.72, 0.64, boxstyle="round,pad=0.06", linewidth=0,
                                      facecolor=ROLES[role].colour))  # fmt: skip
        ink = _INK if role in _PALE else _PAPER
        axes.text(x, y, sign, ha="center", va="center", color=ink, fontsize=11, fontweight="bold")
    axes.set_xticks(range(len(columns)), columns, fontsize=9)
    axes.set_yticks(range(len(rows)), rows if is_first else [""] * len(rows), fontsize=9)
    axes.set_xlim(-0.55, len(columns) - 0.45)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
