"""Two clocks: when a thing happened, and when news of it came.

Across is event time, up is the time of arrival: news lies above the diagonal by as much as it is late. A window is a
column; it closes at its end and a patience, a step of the dark line. What lies above the step came too late for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, figure_of, legend_beside, styled
from dsys_lab.views.theme import ROLES


def two_clocks(
    points: Sequence[tuple[float, float]], *, window: float, patience: float, title: str = "", unit: str = "s"
) -> Chart:
    """Return (event time, arrival) as points under the closing line of their windows.

    Raises
    ------
    BadParameter
        If there is no point, the window is not above 0, or the patience below.
    """
    if not points or not window > 0 or patience < 0:
        raise BadParameter(f"two_clocks: window = {window!r}, patience = {patience!r}: give points, above 0, 0 or more")
    columns = math.ceil((max(event for event, _ in points) + 1e-9) / window)
    came = {True: list[tuple[float, float]](), False: list[tuple[float, float]]()}
    for event, arrival in points:
        came[arrival <= (event // window + 1) * window + patience].append((event, arrival))
    with styled():
        figure, axes = figure_of(title, f"when it happened, {unit}", f"when it came, {unit}", inches=(8.8, 3.9))
        for is_in_time, name, role, marker in ((True, "in time", "done", "o"), (False, "too late", "late", "X")):
            across, up = zip(*came[is_in_time], strict=True) if came[is_in_time] else ((), ())
            axes.scatter(
                across, up, s=26, marker=marker, facecolor=ROLES[role].colour, edgecolor=ROLES[role].ink,
                linewidth=0.7, zorder=3, label=f"{name}: {len(came[is_in_time])}",
            )  # fmt: skip
        steps = [(number * window, (number + 1) * window) for number in range(columns)]
        for number, (start, end) in enumerate(steps):
            axes.plot(
                [start, end], [end + patience] * 2, color="#24292F", linewidth=1.8, zorder=4,
                label="the window is closed" if not number else None,
            )  # fmt: skip
            axes.axvline(end, color="#8C959F", linewidth=0.8, zorder=1)
        axes.plot([0, columns * window], [0, columns * window], color=ROLES["law"].colour, linewidth=1,
                  linestyle="--", zorder=1, label="at once")  # fmt: skip
        axes.set(xlim=(0, columns * window), ylim=(0, None))
        legend_beside(figure, axes)
    told = f"in time: {len(came[True])}, too late: {len(came[False])}"
    return Chart(figure, f"{title or 'Two clocks'}: windows of {window:g} {unit}, patience {patience:g}; {told}.", told)
