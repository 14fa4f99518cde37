"""Curves: how a run goes over time, and how a measure goes with a parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace, depths, rates
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

Points = Sequence[tuple[float, float]]
Law = Callable[[float], float]
LAW, PREDICTED = ROLES["law"].colour, ROLES["again"].colour
DASHES: Final[tuple[Any, ...]] = ("-", (0, (6, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), "-", (0, (3, 1)), "-")
REFERENCE_DASHES: Final = ((0, (1, 2)), (0, (9, 3, 1, 3)), (0, (2, 5)))  # none is the law's
MARKS: Final = "osD^vPX"
"""Second cues beside the colours of `SERIES`."""
BAND: Final = "#F3E3CC"


def lines(
    series: Mapping[str, Points],
    *,
    title: str = "",
    x: str = "seconds",
    y: str = "",
    references: Mapping[str, float] | None = None,
    bands: Mapping[str, tuple[float, float]] | None = None,
    laws: Mapping[str, Points] | None = None,
    predicted: Points = (),
    log_x: bool = False,
    log_y: bool = False,
    steps: bool = False,
    whole_x: bool = False,
) -> Chart:
    """Return curves over an axis.

    Parameters
    ----------
    series : mapping
        Name -> points (x, y), in order of x.
    references : mapping, optional
        Label -> height of a dotted line.
    bands : mapping, optional
        Label -> (from, to) on the x axis: the burst, the spike, the outage.
    laws : mapping, optional
        Label -> points of a dashed curve. One with the name of a series is *the law* there.
    predicted : points
        The reader's own curve.
    steps : bool
        Keep each value until the next, as a count of what waits does.
    whole_x : bool
        There is nothing between the points: the axis says their x only.

    Examples
    --------
    >>> chart = lines({"a day": [(0, 1), (10, 5)]}, title="Waiting", y="messages")
    >>> print(chart)
    Waiting: a day over seconds.
    a day: from 1 over at most 5 (at 10) to 5
    """
    ends = [point[0] for points in series.values() for point in points]
    if not ends:
        raise BadParameter("lines: no points; give at least one series with a point, {'depth': [(0, 1), (2, 5)]}")
    with styled():
        figure, axes = figure_of(title, x, y)
        for (name, points), colour, dash in zip(series.items(), SERIES, DASHES, strict=False):
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=dash, linewidth=1.9, label=name, zorder=3,
                      drawstyle="steps-post" if steps else "default")  # fmt: skip
        dashed: dict[str, Any] = {"color": LAW, "linestyle": (0, (4, 3)), "linewidth": 1.4, "zorder": 4}
        for label, points in (laws or {}).items():
            axes.plot(*zip(*points, strict=True), label="" if label in series else label, **dashed)
        if series.keys() & (laws or {}).keys():
            axes.plot([], [], label="the law", **dashed)
        for (label, height), dash in zip((references or {}).items(), cycle(REFERENCE_DASHES), strict=False):
            axes.axhline(height, color=LAW, linestyle=dash, linewidth=1.2, label=label, zorder=2)
        if predicted:
            axes.plot(*zip(*predicted, strict=True), color=PREDICTED, linewidth=3, label="you said", zorder=5)
        for label, (start, end) in (bands or {}).items():
            axes.axvspan(start, end, color=BAND, zorder=0, linewidth=0, label=label)
        axes.set_xlim(min(ends), max([*ends, *(at for at, _ in predicted)]))
        if all(isinstance(at, int) for at in ends):
            axes.locator_params(axis="x", integer=True)
        if log_x:
            axes.set_xscale("log")
            plain_ticks(axes.xaxis)
        if log_y:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
        if whole_x:
            axes.set_xticks(sorted({*ends}))
        legend_beside(figure, axes)
    told = [f"{name}: {_course(points, x, y)}" for name, points in series.items()]
    told += [f"{label}: {number(height, y)}" for label, height in (references or {}).items()]
    return Chart(figure, f"{title or y}: {listed(series)} over {x}.", "\n".join(told))


def _course(points: Points, x: str, y: str) -> str:
    """Say how a curve runs: where it begins, its highest point, where it ends."""
    at, highest = max(points, key=lambda point: point[1])
    first, last = number(points[0][1], y), number(points[-1][1], y)
    return f"from {first} over at most {number(highest, y)} (at {number(at, x)}) to {last}"


def depth_over_time(*traces: Trace, place: str, title: str = "How many wait", **more: Any) -> Chart:
    """Return how many messages wait at `place` in each trace; `more` as for `lines`."""
    series = {_name(trace): depths(trace, place) for trace in traces}
    return lines(series, title=title, y="messages waiting", steps=True, **more)


def rate_over_time(*traces: Trace, kind: str, window_s: float = 1.0, title: str = "", **more: Any) -> Chart:
    """Return how many rows of `kind` a second each trace has, in windows of `window_s`; `more` as for `lines`."""
    series = {_name(trace): rates(trace, kind, window_s=window_s) for trace in traces}
    return lines(series, title=title or f"{kind}, a second", y="a second", **more)


def _name(trace: Trace) -> str:
    return trace.header.title or trace.header.scenario or "run"


def hockey_stick(
    counted: Mapping[str, Sequence[tuple[float, float, float]]],
    *,
    laws: Mapping[str, Law] | None = None,
    high: Mapping[str, Points] | None = None,
    predicted: tuple[float, float] | None = None,
    log_y: bool = False,
    title: str = "The wait explodes long before the server is full",
    y: str = "seconds in the system",
) -> Chart:
    """Return the wait against the utilisation, one colour a service shape.

    Parameters
    ----------
    counted : mapping
        Shape -> (utilisation, mean seconds, standard error of that mean); the bar shows three standard errors.
    laws : mapping, optional
        Shape -> law: utilisation -> mean seconds.
    high : mapping, optional
        Shape -> (utilisation, 99th percentile in seconds), drawn hollow.
    predicted : (float, float), optional
        A utilisation and what the reader said of it.
    """
    if not any(counted.values()):
        raise BadParameter("hockey_stick: no points; give {'exponential': [(0.5, 0.2, 0.01)]}")
    colours = dict(zip(counted, SERIES, strict=False))
    utilisations = [point[0] for points in counted.values() for point in points]
    with styled():
        figure, axes = figure_of(title, "utilisation of the server", y)
        bars = False
        for (shape, points), mark in zip(counted.items(), MARKS, strict=False):
            at, mean, error = zip(*points, strict=True)
            axes.plot(at, mean, mark, color=colours[shape], markersize=5.5, label=f"{shape}: counted", zorder=4)
            bars |= error_bars(axes, at, mean, error, colours[shape])
            if shape in (high or {}):
                axes.plot(*zip(*(high or {})[shape], strict=True), mark, markerfacecolor="white", color=colours[shape],
                          markersize=5.5, label=f"{shape}: 99 of 100 within", zorder=3)  # fmt: skip
        for number_of_law, (shape, law) in enumerate((laws or {}).items()):
            along = [0.02 + 0.002 * i for i in range(int((max(utilisations) - 0.02) / 0.002) + 1)]
            axes.plot(along, [law(u) for u in along], color=LAW, linestyle="--", linewidth=1.2, zorder=2,
                      label="" if number_of_law else "the law")  # fmt: skip
            axes.annotate(shape, (along[-1], law(along[-1])), (7, 0), textcoords="offset points", va="center",
                          fontsize=9, color=colours.get(shape, LAW))  # fmt: skip
        if predicted:
            axes.plot(*predicted, "D", color=PREDICTED, markersize=9, label="you said", zorder=5)
        axes.set_xlim(0, min(1.12, max(utilisations) + 0.16))
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", "20%", "40%", "60%", "80%", "100%"])
        if log_y:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
        legend_beside(figure, axes, bars=bars)
    told = [
        f"{shape} at {utilisation:.0%}: counted {number(mean)}"
        + (f", law {number(laws[shape](utilisation))}" if shape in (laws or {}) else "")  # type: ignore[index]
        for shape, points in counted.items()
        for utilisation, mean, _ in points
    ]
    return Chart(figure, f"{title}: {y} against utilisation, for {listed(counted)} service.", "\n".join(told))
