"""Event time against processing time: when things happened to the right, when news of them came upwards.

News never comes before the event, so every point lies above the dashed diagonal, by its delay. The dark stair is the
watermark: what lies to its left when it comes is late. A window is a column; a bar across it says what was answered and
when, and an answer that was taken back is struck out.

Source: Akidau et al., "The Dataflow Model", VLDB 2015, figures 2 to 14.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Row, Trace
from dsys_lab.views.charts.picture import Chart, figure_of, legend_beside, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES: Final = (9.2, 5.6)
FATES: Final = {
    "in time": ("done", {"marker": "o", "s": 34}),
    "late, counted": ("late", {"marker": "o", "s": 44, "facecolor": "none", "linewidths": 1.8}),
    "late, dropped": ("lost", {"marker": "X", "s": 60}),
}
"""What becomes of an event: its role, and its mark."""
_COLUMNS: Final = ("#EDF3F8", "#F8F4EA")
_Window = tuple[float, float]


def event_plane(trace: Trace, *, title: str = "") -> Chart:
    """Return the plane of a run of windows.

    Parameters
    ----------
    trace : Trace
        With rows `receive` (that have `event_us`), `watermark`, `late`, `result` and `retract`.

    Raises
    ------
    BadParameter
        If nothing was received, or no row says when it happened.
    """
    heard = [row for row in trace.of("receive") if "event_us" in row.fields]
    if not heard:
        raise BadParameter("event_plane: nothing was heard; give a run with rows `receive` that have `event_us`")
    fates = _fates(trace)
    points: dict[str, list[tuple[float, float]]] = {name: [] for name in FATES}
    for row in heard:
        points[fates.get(str(row.message), "in time")].append((_s(row.fields["event_us"]), row.time_us / 1e6))
    said = trace.of("result")
    with styled():
        figure, axes = figure_of(title, "event time: when it happened, s", "processing time: when it came, s",
                                 inches=INCHES)  # fmt: skip
        latest = max(y for group in points.values() for _, y in group)
        _columns(axes, trace)
        axes.axline((0, 0), slope=1, color="#8C959F", linestyle=(0, (2, 3)), linewidth=1.2, label="no delay at all")
        _stair(axes, trace, latest)
        for name, (role, mark) in FATES.items():
            if points[name]:
                _scatter(axes, points[name], name, role, mark)
        _answers(axes, said, trace.of("retract"), latest)
        times = [x for group in points.values() for x, _ in group]
        axes.set_xlim(min(0, *times), max(times) * 1.02 + 1)
        axes.set_ylim(0, latest * 1.06)
        axes.grid(visible=False)
        legend_beside(figure, axes)
    back = len(trace.of("retract"))
    told = [f"{name}: {len(found)}" for name, found in points.items()]
    told += [f"answers: {len(said)}", f"taken back: {back}"]
    return Chart(figure, f"{title or 'Event time against processing time'}.", "\n".join(told))


def _s(us: Any) -> float:
    return float(us) / 1e6


def _fates(trace: Trace) -> dict[str, str]:
    """Return what became of every late event: counted in some window, or dropped from all."""
    dropped = {str(row.message): "late, dropped" for row in trace.of("drop")}
    return {str(row.message): "late, counted" for row in trace.of("late")} | dropped


def _columns(axes: Axes, trace: Trace) -> None:
    """Shade windows that do not overlap; those that do would hide each other, and have their bars alone."""
    windows = sorted({_window(row) for row in trace.of("window")})
    if any(after[0] < before[1] for before, after in pairwise(windows)):
        return
    for number, (start, end) in enumerate(windows):
        axes.axvspan(start, end, color=_COLUMNS[number % 2], linewidth=0, zorder=0)


def _stair(axes: Axes, trace: Trace, latest: float) -> None:
    moves = [(_s(row.fields["at_us"]), row.time_us / 1e6) for row in trace.of("watermark")]
    steps = [(at, time) for at, time in moves if time <= latest]
    if not steps:
        return
    xs, ys = [steps[0][0]], [0.0]
    for at, time in steps:
        xs += [xs[-1], at]
        ys += [time, time]
    axes.plot([*xs, xs[-1]], [*ys, latest], color=ROLES["authoritative"].colour, linewidth=2.2, label="the watermark",
              zorder=3)  # fmt: skip


def _scatter(axes: Axes, points: list[tuple[float, float]], name: str, role: str, mark: dict[str, Any]) -> None:
    colour = ROLES[role].colour
    look = {"facecolor": colour, "edgecolor": colour} | mark
    if "facecolor" not in mark:
        look |= {"edgecolor": "white", "linewidths": 0.7}
    axes.scatter(*zip(*points, strict=True), label=f"{name}: {len(points)}", zorder=4, **look)


def _answers(axes: Axes, said: list[Row], back: list[Row], latest: float) -> None:
    gone = [(_window(row), row.fields["value"]) for row in back]
    waited = ROLES["waiting"]
    if any(row.time_us > latest * 1e6 for row in said):
        axes.plot([], [], color=waited.colour, linewidth=2.0, label="said when all had ended")
    for row in said:
        start, end = window = _window(row)
        height = min(row.time_us / 1e6, latest * 1.02)
        is_back = (window, row.fields["value"]) in gone
        if is_back:
            gone.remove((window, row.fields["value"]))
        is_last = row.time_us > latest * 1e6
        ink = ROLES["skipped"].ink if is_back else waited.ink if is_last else ROLES["law"].ink
        colour, dashes = waited.colour if is_last else ink, (0, (1, 1)) if is_back else "-"
        axes.plot([start, end], [height, height], color=colour, linewidth=1.0 if is_back else 2.0, linestyle=dashes,
                  solid_capstyle="butt", zorder=2)  # fmt: skip
        words = str(row.fields["value"])
        text = "".join(f"{letter}\u0336" for letter in words) if is_back else words
        axes.annotate(text, ((start + end) / 2, height), (0, 3), textcoords="offset points", ha="center", color=ink,
                      fontsize=9 if is_back else 11, fontweight="normal" if is_back else "bold", zorder=5,
                      bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6})  # fmt: skip


def _window(row: Row) -> _Window:
    return _s(row.fields["start_us"]), _s(row.fields["end_us"])
