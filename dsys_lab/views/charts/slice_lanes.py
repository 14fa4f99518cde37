"""Slices side by side: how many rows has each to work on, and which bytes travel between their nodes?

A lane is a slice, grouped by node; its bar is the rows that it joins or measures, the dashed line the mean: what stands
out keeps all others waiting. Above the lanes bytes fly from node to node, an arc for each pair and direction, the
thicker the more (a factor of ten is a point more); no arc means that every partner of a join lies where it is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, number, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WORK, _LATE, _FLY, _LAW = ROLES["useful"], ROLES["lost"], ROLES["moving"], ROLES["law"]
_LATE_FROM: Final = 1.5
"""A slice with so many times the mean is drawn as the one that all wait for."""


def slice_lanes(
    rows: Sequence[int],
    arcs: Mapping[tuple[int, int], int],
    *,
    slices_a_node: int,
    title: str = "",
) -> Chart:
    """Return the slices of a cluster at a question.

    Parameters
    ----------
    rows : sequence of int
        That each slice works on.
    arcs : mapping
        `(from, to)`, two nodes -> bytes.

    Raises
    ------
    BadParameter
        If the slices make no whole nodes, or an arc ends at a node that is not there.
    """
    nodes = len(rows) // max(slices_a_node, 1)
    if slices_a_node < 1 or not rows or nodes * slices_a_node != len(rows):
        raise BadParameter(f"slice_lanes: {len(rows)} slices, {slices_a_node} a node: give whole nodes")
    if any(not 0 <= end < nodes for pair in arcs for end in pair):
        raise BadParameter(f"slice_lanes: arcs {sorted(arcs)}: give nodes from 0 to {nodes - 1}")
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.6, 4.4), layout="constrained")
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, height_ratios=(1, 1.25), sharex=True)
        _fly(above, arcs, nodes, slices_a_node)
        _work(below, rows, slices_a_node)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    mean = sum(rows) / len(rows)
    told = [f"node {source} to node {target}: {size:,} bytes" for (source, target), size in sorted(arcs.items())]
    told.append(f"rows a slice: {', '.join(f'{count:,}' for count in rows)}; mean {number(mean)}")
    alt = f"{title or 'Slices'}: {sum(arcs.values()):,} bytes between {nodes} nodes, {len(rows)} slices."
    return Chart(figure, alt, "\n".join(told))


def _fly(axes: Axes, arcs: Mapping[tuple[int, int], int], nodes: int, slices_a_node: int) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    middles = [node * (slices_a_node + 1) + (slices_a_node - 1) / 2 for node in range(nodes)]
    for (source, target), size in arcs.items():
        if not size:
            continue
        there = source < target  # the way back is the lower arc
        shift, far = (0.16 if there else -0.16), abs(source - target) / max(1, nodes - 1)
        top = 0.16 + (1.5 if there else 0.85) * (0.35 + 0.65 * far)
        start, end = middles[source] + shift, middles[target] - shift
        path = Path([(start, 0.1), ((start + end) / 2, top), (end, 0.1)], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
        axes.add_patch(FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=11, color=_FLY.colour, alpha=0.8, capstyle="butt",
            linewidth=0.7 + log10(1 + size / 100),
        ))  # fmt: skip
    for node, middle in enumerate(middles):
        axes.annotate(f"node {node}", (middle, 0), ha="center", va="center", fontsize=10, weight="bold")
    total = sum(arcs.values())
    axes.set_title(f"{number(total)} bytes travel" if total else "nothing travels", fontsize=10)
    axes.set_ylim(-0.12, 1)
    axes.set_axis_off()


def _work(axes: Axes, rows: Sequence[int], slices_a_node: int) -> None:
    mean, places = sum(rows) / len(rows), [at + at // slices_a_node for at in range(len(rows))]
    for place, count in zip(places, rows, strict=True):
        late = mean > 0 and count > _LATE_FROM * mean
        role = _LATE if late else _WORK
        hatch = "//" if late else None
        axes.bar(place, count, width=0.78, color=role.colour, hatch=hatch, edgecolor="white", linewidth=0)
        if len(rows) <= 24:
            inside = count > 0.12 * max(rows)
            axes.annotate(
                number(count), (place, count), (0, -3 if inside else 2), textcoords="offset points", ha="center",
                va="top" if inside else "bottom", fontsize=8, color="white" if inside else role.ink,
                bbox={"facecolor": role.colour, "linewidth": 0, "pad": 0.8} if inside else None,
            )  # fmt: skip
    axes.axhline(mean, color=_LAW.colour, linestyle=(0, (4, 3)), linewidth=1.2)
    axes.annotate("mean", (1.01, mean), xycoords=("axes fraction", "data"), va="center", fontsize=9, color=_LAW.colour)
    axes.set_axisbelow(True)
    names = [f"{at // slices_a_node}.{at % slices_a_node}" for at in range(len(rows))]
    axes.set_xticks(places, names if len(rows) <= 24 else [""] * len(rows), fontsize=9)
    axes.set_ylabel("rows to work on")
    axes.set_xlabel("slice (node.slice)")
    axes.set_ylim(0, max(*rows, 1) * 1.15)
    axes.grid(visible=False, axis="x")
