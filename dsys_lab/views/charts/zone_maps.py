"""Stacks of blocks: which values can each hold, and which of them does a question have to read?

A panel is a column of a table, a row in it one block, from the first on top. Its bar goes from the smallest value that
the block holds to the largest: this is all that is known of it without reading. The band of light is what is asked for.
A bar that misses the band is grey, its block is left alone; green was read and held something; yellow and hatched was
read in vain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, number, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATES: Final = ("read", "in vain", "skipped")
Tile = tuple[float, float, str]
_READ, _VAIN, _LEFT = ROLES["useful"], ROLES["unused"], ROLES["skipped"]
_LIGHT: Final = "#FFE9A8"
_EDGE: Final = "#C79200"
_THIN: Final = 0.006
"""The least width of a bar, as a share of the axis: a block of one value must be seen."""


def zone_maps(
    columns: Mapping[str, Sequence[Tile]], *, bands: Mapping[str, tuple[float, float]] | None = None, title: str = ""
) -> Chart:
    """Return a stack of blocks for each column.

    Parameters
    ----------
    columns : mapping
        Name -> its blocks from first to last: the smallest value, the largest, and one of `STATES`.
    bands : mapping, optional
        Name -> (low, high) that is asked of this column.

    Raises
    ------
    BadParameter
        If a state is unknown, a block ends before it begins, or a column has no block.
    """
    for name, tiles in columns.items():
        if not tiles or any(state not in STATES or high < low for low, high, state in tiles):
            raise BadParameter(f"zone_maps: column {name!r}: give blocks (low, high, one of {', '.join(STATES)})")
    if not columns:
        raise BadParameter("zone_maps: give a column with its blocks")
    most = max(len(tiles) for tiles in columns.values())
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.2, min(6.4, 1.2 + 0.105 * most)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(columns), squeeze=False)[0]
        for axes, (name, tiles) in zip(panels, columns.items(), strict=True):
            _draw(axes, name, tiles, (bands or {}).get(name))
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    told = [f"{name}: {_counts(tiles)}" for name, tiles in columns.items()]
    asked = ", ".join(f"{name} {number(low)} to {number(high)}" for name, (low, high) in (bands or {}).items())
    return Chart(figure, f"{title or 'Blocks'}; asked for {asked or 'everything'}.", "\n".join(told))


def _draw(axes: Axes, name: str, tiles: Sequence[Tile], band: tuple[float, float] | None) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = min(tile[0] for tile in tiles), max(tile[1] for tile in tiles)
    thin = max(_THIN * (high - low), 1e-9)
    if band is not None:
        middle, width = (band[0] + band[1]) / 2, max(band[1] - band[0], 2 * thin)
        axes.axvspan(middle - width / 2, middle + width / 2, color=_LIGHT, zorder=0, linewidth=0)
        for edge in (middle - width / 2, middle + width / 2):
            axes.axvline(edge, color=_EDGE, linewidth=1.1, zorder=3)
    for at, (first, last, state) in enumerate(tiles):
        width = max(last - first, thin)
        axes.barh(at, width, left=(first + last - width) / 2, height=0.78, zorder=2, **_look(state))
    axes.set_ylim(len(tiles) - 0.4, -0.6)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(low - 0.02 * (high - low) - thin, high + 0.02 * (high - low) + thin)
    axes.set_title(f"{name}: {sum(state != 'skipped' for *_, state in tiles)} of {len(tiles)} read", fontsize=10)
    axes.set_xlabel(name)
    axes.set_ylabel("block")
    axes.grid(visible=False)


def _look(state: str) -> dict[str, Any]:
    if state == "read":
        return {"color": _READ.colour}
    if state == "in vain":
        return {"facecolor": _VAIN.colour, "edgecolor": _VAIN.ink, "hatch": "////", "linewidth": 0.5}
    return {"color": _LEFT.colour}


def _counts(tiles: Sequence[Tile]) -> str:
    states = [state for *_, state in tiles]
    return ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
