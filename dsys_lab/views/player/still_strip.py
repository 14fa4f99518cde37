"""The strip below a still picture: what changed over the whole run, with a line at the moment that is shown above."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.trace import KINDS, Trace
from dsys_lab.views.player.fold import Fold
from dsys_lab.views.player.words import describe, duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TIME_UNITS: Final = (
    ("µs", 1), ("ms", 1e3), ("seconds", 1e6), ("minutes", 60e6), ("hours", 3600e6), ("days", 86_400e6),
)  # fmt: skip
_NAMES_ACROSS, _NAMED_MOST = 3, 6
"""Names beside each other in a legend, and how many curves are named: more would cover them."""


def stored(trace: Trace) -> list[tuple[int, int]]:
    """Return the steps of how many copies are stored, at each time in microseconds."""
    fold, steps = Fold(), [(0, 0)]
    for row in trace:
        fold.apply(row)
        if fold.stored != steps[-1][1]:
            steps.append((row.time_us, fold.stored))
    return [*steps, (trace.end_us, steps[-1][1])]


def strip(
    axes: Axes, trace: Trace, steps: list[tuple[int, int]], *, until_us: int, top: int, end_us: int,
    closed: Collection[str],
) -> None:  # fmt: skip
    """Draw what changed over the whole run, and the moment shown above: how many waited, or else what gauges said.

    `steps` is what `stored` says of the run, `closed` are the tapes that end before it does.
    """
    name, unit_us = next((unit for unit in reversed(_TIME_UNITS) if end_us >= 3 * unit[1]), _TIME_UNITS[0])
    times_us, y = zip(*steps, strict=True)
    x = [time_us / unit_us for time_us in times_us]
    is_measured = any(KINDS[row.kind].caret or KINDS[row.kind].hole for row in trace)
    gauges = gauges_of(trace) if is_measured or not any(y) else {}
    if gauges:
        several = Counter(named for _, named in gauges)
        for (place, named), (at_us, values) in gauges.items():
            label = f"{place.rpartition('/')[2]}: {named}" if several[named] > 1 else named
            until = at_us[-1] if place in closed else max(end_us, at_us[-1])  # what an open gauge said last holds on
            axes.step([time_us / unit_us for time_us in (*at_us, until)], [*values, values[-1]], where="post", lw=1.1,
                      label=label)  # fmt: skip
        axes.set(ylabel=_unit(trace), ylim=(0, None))
        if is_measured or 1 < len(gauges) <= _NAMED_MOST:
            rows = math.ceil(len(gauges) / _NAMES_ACROSS)
            axes.set_ylim(0, axes.get_ylim()[1] * (0.8 + 0.5 * rows))  # room for the legend
            axes.legend(fontsize=7, loc="upper left", ncols=_NAMES_ACROSS, borderaxespad=0.1)
    elif any(y):
        axes.step(x, y, where="post", color="#24292F", lw=1.1)
        axes.fill_between(x, y, step="post", color="#24292F", alpha=0.1, lw=0)
        axes.set(ylim=(0, top * 1.12), ylabel="depth")
    else:
        axes.set_axis_off()  # nothing to draw: the words alone
    if axes.axison:
        axes.axvline(until_us / unit_us, color="#24292F", lw=1)
    axes.set(xlim=(0, max(end_us, 1) / unit_us), xlabel=name)
    if len(trace):
        last = max((row for row in trace if row.time_us <= until_us), default=trace[0])
        axes.set_title(f"at {duration(until_us)}: {describe(last)}", fontsize=8.5, fontweight="normal", color="#57606A")


def _unit(trace: Trace) -> str:
    """Return the unit that is read most often."""
    units = Counter(str(row.fields["unit"]) for row in trace if KINDS[row.kind].verb == "measure")
    return units.most_common(1)[0][0] if units else ""


def gauges_of(trace: Trace) -> dict[tuple[str, Any], tuple[list[int], list[float]]]:
    """Return (place, name) -> the times in microseconds and values of the gauges that show the commonest unit.

    A gauge may have another word for its unit now and then ("not possible" beside "possible"): all of it is shown.
    """
    unit = _unit(trace)
    read: dict[tuple[str, Any], tuple[list[int], list[float]]] = {}
    shown = set[tuple[str, Any]]()
    for row in trace:
        if KINDS[row.kind].verb == "measure":
            gauge = row.place, row.fields["name"]
            at, values = read.setdefault(gauge, ([], []))
            at.append(row.time_us)
            values.append(float(row.fields["value"] or 0))
            shown |= {gauge} if row.fields["unit"] == unit else set()
    return {gauge: steps for gauge, steps in read.items() if gauge in shown}
