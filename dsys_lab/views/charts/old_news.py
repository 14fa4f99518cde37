"""Two counts of one stock, the true one and the one that is believed, and what is promised between them.

The shaded gap is what a gate does not know yet. Below, each promise is a stroke at its time: short and green if it was
kept, long and crossed if it had to be taken back. Those lie where the true count is at nothing and the belief is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Row, Trace
from dsys_lab.views.charts.picture import INCHES, Chart, figure_of, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRUE, _BELIEVED, _KEPT, _SORRY = ROLES["authoritative"], ROLES["again"], ROLES["done"], ROLES["lost"]
_Course = list[tuple[float, float]]
_STROKES: Final = 0.16
"""How much of the height the strokes take, of that of the counts."""


def old_news(trace: Trace, *, title: str = "", apology: float | None = None) -> Chart:
    """Return the two counts over time, the gap between them, and every promise.

    Parameters
    ----------
    trace : Trace
        With gauges `left` and `believed`, and rows `accept`, `confirm` and `apologise`.
    apology : float, optional
        The price of an apology in margins, of which each pillow that is sold earns one: then the title says what the
        sale has earned.

    Raises
    ------
    BadParameter
        If nobody says what is left, or what is believed.
    """
    left, believed = _steps(trace, "left"), _steps(trace, "believed")
    if not left or not believed:
        raise BadParameter("old_news: give a run with gauges `left` and `believed`, such as launch()")
    sorry = {row.message for row in trace.of("apologise")}
    promises = trace.of("accept")
    end_s, top = trace.end_us / 1e6, max(value for _, value in left)
    last_s = min(end_s, max([row.time_us / 1e6 for row in promises], default=end_s) + 1.5)
    kept = len(promises) - len(sorry)
    if apology is not None:
        title = f"{kept} sold, {len(sorry)} apologies at {apology:g}: {kept - apology * len(sorry):g} margins earned"
    with styled():
        figure, axes = figure_of(title, "time, s", "pillows left", inches=(INCHES[0], 3.9))
        _draw_counts(axes, left, believed, last_s)
        _draw_promises(axes, promises, sorry, top)
        axes.set(xlim=(0, last_s), ylim=(-_STROKES * top * 1.15, top * 1.03))
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
        axes.legend(loc="upper right", fontsize=9)
    told = f"promised: {len(promises)}\nkept: {kept}\napologised for: {len(sorry)}"
    return Chart(figure, f"{title or 'Two counts of one stock'}, with every promise.", told)


def _steps(trace: Trace, name: str) -> _Course:
    """Return what a gauge says over time, from the first place that has it."""
    rows = [row for row in trace.of("gauge") if row.fields["name"] == name]
    return [(row.time_us / 1e6, float(row.fields["value"] or 0)) for row in rows if row.place == rows[0].place]


def _draw_counts(axes: Axes, left: _Course, believed: _Course, last_s: float) -> None:
    times = sorted({0.0, last_s, *(at for at, _ in left), *(at for at, _ in believed)})
    true, thought = _at(left, times), _at(believed, times)
    axes.fill_between(times, true, thought, step="post", color=_BELIEVED.colour, alpha=0.22, lw=0,
                      label="not known at the gate yet")  # fmt: skip
    axes.step(times, thought, where="post", color=_BELIEVED.colour, lw=1.8, ls=(0, (5, 2)), label="believed at gate-1")
    axes.step(times, true, where="post", color=_TRUE.colour, lw=1.8, label="in the stock's book")
    axes.axhline(0, color="#8C959F", lw=0.8)


def _at(steps: _Course, times: list[float]) -> list[float]:
    """Return the value at each time."""
    values, place = [], 0
    for time in times:
        while place + 1 < len(steps) and steps[place + 1][0] <= time:
            place += 1
        values.append(steps[place][1])
    return values


def _draw_promises(axes: Axes, promises: list[Row], sorry: set[str | None], top: float) -> None:
    low = -_STROKES * top
    kept = [row.time_us / 1e6 for row in promises if row.message not in sorry]
    broken = [row.time_us / 1e6 for row in promises if row.message in sorry]
    axes.vlines(kept, low * 0.55, low * 0.15, color=_KEPT.colour, lw=1.4, label=f"promised and kept: {len(kept)}")
    axes.vlines(broken, low, low * 0.15, color=_SORRY.colour, lw=1.4)
    axes.plot(broken, [low] * len(broken), "x", color=_SORRY.colour, ms=6, mew=1.6,
              label=f"promised and taken back: {len(broken)}")  # fmt: skip
