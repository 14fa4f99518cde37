"""What was counted at each value of a parameter, against the law: dots with their errors, and a dashed curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.curves import LAW, MARKS, REFERENCE_DASHES, Law
from dsys_lab.views.charts.picture import (
    Chart,
    error_bars,
    figure_of,
    legend_beside,
    listed,
    number,
    plain_ticks,
    styled,
)
from dsys_lab.views.theme import ROLES, SERIES

PREDICTED = ROLES["again"].colour
CURVE_POINTS = 200


def against_law(
    counted: Mapping[str, Sequence[tuple[float, float, float]]],
    *,
    laws: Mapping[str, Law],
    title: str = "",
    x: str = "",
    y: str = "",
    predicted: tuple[float, float] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    whole_x: bool = False,
) -> Chart:
    """Return what was counted, with three standard errors, against the law.

    Parameters
    ----------
    counted : mapping
        Name -> (x, mean, standard error of that mean), as `over_seeds` counts them.
    laws : mapping
        Name -> law: x -> y. One with the name of what was counted is *the law* there; any other is in the legend by
        its own.
    predicted : (float, float), optional
        An x and what the reader said of it.
    whole_x : bool
        The law holds for whole x only: workers, places.

    Examples
    --------
    >>> thrown = {"counted": [(1, 3.4, 0.1), (2, 7.2, 0.2)]}
    >>> print(against_law(thrown, laws={"counted": lambda dice: 3.5 * dice}, x="dice", y="eyes"))
    eyes against dice: counted.
    counted at 1: counted 3.4, law 3.5
    counted at 2: counted 7.2, law 7
    """
    if not any(counted.values()):
        raise BadParameter("against_law: no points; give {'counted': [(0.5, 2.6, 0.05)]}")
    xs = [point[0] for points in counted.values() for point in points]
    low, high = min(xs), max(xs)
    along = _along(low, high, log_x=log_x, whole_x=whole_x)
    with styled():
        figure, axes = figure_of(title, x, y)
        bars = False
        for (name, points), mark, colour in zip(counted.items(), MARKS, SERIES, strict=False):
            at, mean, error = zip(*points, strict=True)
            axes.plot(at, mean, mark, color=colour, markersize=6, label=name, zorder=4)
            bars |= error_bars(axes, at, mean, error, colour)
        colours = dict(zip(counted, SERIES, strict=False)) if len(laws) > 1 else {}
        of_its_own = [name for name in laws if name not in counted]
        for name, law in laws.items():
            is_own = name in of_its_own
            dash = REFERENCE_DASHES[of_its_own.index(name) % len(REFERENCE_DASHES)] if is_own else "--"
            axes.plot(along, [law(at) for at in along], color=colours.get(name, LAW), linestyle=dash, linewidth=1.3,
                      label=f"the law: {name}" if is_own else "", zorder=2)  # fmt: skip
        if any(name in counted for name in laws):
            axes.plot([], [], color=LAW, linestyle="--", linewidth=1.3, label="the law")
        if predicted:
            axes.plot(*predicted, "D", color=PREDICTED, markersize=9, label="you said", zorder=5)
        if log_x:
            axes.set_xscale("log")
            plain_ticks(axes.xaxis)
        if log_y:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        elif all(mean >= 0 for points in counted.values() for _, mean, _ in points):
            axes.set_ylim(bottom=0)
        if whole_x:
            axes.set_xticks([at for at in along if len(along) <= 12 or at in xs])
        legend_beside(figure, axes, bars=bars)
    told = [
        f"{name} at {number(at, x)}: counted {number(mean, y)}"
        + (f", law {number(laws[name](at), y)}" if name in laws else "")
        for name, points in counted.items()
        for at, mean, _ in points
    ]
    told += [f"the law, {name}: {number(laws[name](low), y)} at {number(low, x)}, {number(laws[name](high), y)} at "
             f"{number(high, x)}" for name in of_its_own]  # fmt: skip
    return Chart(figure, f"{title or y} against {x}: {listed(counted)}.", "\n".join(told))


def _along(low: float, high: float, *, log_x: bool, whole_x: bool) -> list[float]:
    """Return where a law is asked for its curve."""
    if whole_x:
        return [float(at) for at in range(int(low), int(high) + 1)]
    if log_x:
        return [low * (high / low) ** (i / CURVE_POINTS) for i in range(CURVE_POINTS + 1)]
    return [low + (high - low) * i / CURVE_POINTS for i in range(CURVE_POINTS + 1)]
