"""Crates on a strip of time: how long did each fill, how large did it become, and what sealed it?

A crate is a box as wide as it filled and as high as it has bytes. The dashed line is the size at which the glass is
full: what reaches it was sealed by size; what stays below it was sealed by time, and is hatched. Beside the strip the
same crates are counted by their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.views.charts.picture import Chart, number, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BY_SIZE, _BY_TIME, _LAW = ROLES["moving"], ROLES["again"], ROLES["law"]
_CLASSES: Final = 10
"""How many heights the crates are counted by."""


class _Box(NamedTuple):
    """A crate as it is drawn."""

    from_s: float
    until_s: float
    size_bytes: int
    by: str


def crate_strip(
    crates: Iterable[tuple[float, float, int, str]], *, size_bytes: int, title: str = ""
) -> Chart:
    """Return the crates of a run, in order of time.

    Parameters
    ----------
    crates : iterable
        Of each when its first record came and when it was sealed, in seconds, its bytes, and "size" or "time".
    size_bytes : int
        At which the glass is full.

    Raises
    ------
    BadParameter
        If there is none, or one was sealed by something else than size or time.
    """
    require_positive(size_bytes=size_bytes)
    boxes = [_Box(*one) for one in crates]
    wrong = [one.by for one in boxes if one.by not in {"size", "time"}]
    if wrong or not boxes:
        raise BadParameter(f"crate_strip: {wrong[0] if wrong else 'no crate'}: give crates, sealed by size or time")
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.6, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        strip, counted = figure.subplots(1, 2, width_ratios=(4, 1), sharey=True)
        _boxes(strip, boxes, size_bytes)
        _by_height(counted, boxes, size_bytes)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        handles, labels = strip.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9.5)
    told = [f"{number(one.from_s)} to {number(one.until_s)} s: {one.size_bytes:,} bytes, by {one.by}" for one in boxes]
    by_size = sum(one.by == "size" for one in boxes)
    alt = f"{title or 'Crates'}: {by_size} sealed by size, {len(boxes) - by_size} by time."
    return Chart(figure, alt, "\n".join(told))


def _boxes(axes: Axes, crates: Sequence[_Box], size_bytes: int) -> None:
    for by, role, hatch in (("size", _BY_SIZE, None), ("time", _BY_TIME, "//")):
        mine = [one for one in crates if one.by == by]
        if mine:
            axes.bar(
                [one.from_s for one in mine], [one.size_bytes for one in mine], align="edge", hatch=hatch,
                width=[one.until_s - one.from_s for one in mine], color=role.colour, edgecolor="white",
                label=f"sealed by {by}",
            )  # fmt: skip
    axes.axhline(size_bytes, color=_LAW.colour, linestyle=(0, (4, 3)), linewidth=1.2, label="the glass is full")
    axes.set(xlabel="seconds", ylabel="bytes", xlim=(0, max(one.until_s for one in crates)))
    axes.set_ylim(0, 1.12 * max(size_bytes, *(one.size_bytes for one in crates)))
    axes.set_axisbelow(True)


def _by_height(axes: Axes, crates: Sequence[_Box], size_bytes: int) -> None:
    from matplotlib.ticker import MaxNLocator

    top = max(size_bytes, *(one.size_bytes for one in crates))
    edges = [top * (step - 0.5) / _CLASSES for step in range(_CLASSES + 2)]
    sizes = [[one.size_bytes for one in crates if one.by == by] for by in ("size", "time")]
    axes.hist(
        sizes, bins=edges, orientation="horizontal", stacked=True, color=[_BY_SIZE.colour, _BY_TIME.colour],
        edgecolor="white",
    )  # fmt: skip
    axes.set_xlabel("crates of this size")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.set_axisbelow(True)
