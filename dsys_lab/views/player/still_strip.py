"""The strip below a still picture: what changed over the whole run, with a line at the moment that is shown above."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
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
_SAID, _LETTER_INCHES = 8.5, 0.064
"""The size of the sentence above the strip, and about the width of a letter of it."""
_DEPTH: Final = "depth"
Gauges = dict[tuple[str, Any], tuple[list[int], list[float]]]


@dataclass(frozen=True, slots=True)
class Curves:
    """What the strip of a run draws: gauges, or how many copies are stored.

    Attributes
    ----------
    unit : str
        Of all of it; runs beside each other that draw the same unit share a scale.
    top : float
        The greatest value.
    steps : list
        How many are stored, at each time in microseconds.
    gauges : dict
        As `gauges_of` returns them; empty where the steps are drawn.
    are_named : bool
        Whether the name of a gauge is said even where there is no other.
    """

    unit: str
    top: float
    steps: list[tuple[int, int]]
    gauges: Gauges
    are_named: bool


def curves_of(trace: Trace) -> Curves:
    """Return what the strip of a run draws: the gauges that it names, or how many waited, or what gauges said."""
    steps = stored(trace)
    deepest = max(depth for _, depth in steps)
    is_measured = any(KINDS[row.kind].caret or KINDS[row.kind].hole for row in trace)
    gauges = gauges_of(trace, trace.header.strip) if trace.header.strip or is_measured or not deepest else {}
    if not gauges:
        return Curves(_DEPTH, deepest, steps, {}, are_named=False)
    top = max(value for _, values in gauges.values() for value in values)
    unit = _unit(trace, {name for _, name in gauges})
    return Curves(unit, top, steps, gauges, are_named=is_measured or bool(trace.header.strip))


def stored(trace: Trace) -> list[tuple[int, int]]:
    """Return the steps of how many copies are stored, at each time in microseconds."""
    fold, steps = Fold(), [(0, 0)]
    for row in trace:
        fold.apply(row)
        if fold.stored != steps[-1][1]:
            steps.append((row.time_us, fold.stored))
    return [*steps, (trace.end_us, steps[-1][1])]


def strip(
    axes: Axes, trace: Trace, curves: Curves, *, until_us: int, top: float, end_us: int, inches: float,
    closed: Collection[str],
) -> None:  # fmt: skip
    """Draw what changed over the whole run, up to `top`, and the moment shown above; it is so many inches wide.

    `closed` are the tapes that end before the run does.
    """
    from matplotlib.ticker import MaxNLocator

    name, unit_us = next((unit for unit in reversed(_TIME_UNITS) if end_us >= 3 * unit[1]), _TIME_UNITS[0])
    times_us, y = zip(*curves.steps, strict=True)
    x = [time_us / unit_us for time_us in times_us]
    gauges = curves.gauges
    if gauges:
        several = Counter(named for _, named in gauges)
        for (place, named), (at_us, values) in gauges.items():
            label = f"{place.rpartition('/')[2]}: {named}" if several[named] > 1 else named
            until = at_us[-1] if place in closed else max(end_us, at_us[-1])  # what an open gauge said last holds on
            axes.step([time_us / unit_us for time_us in (*at_us, until)], [*values, values[-1]], where="post", lw=1.1,
                      label=label)  # fmt: skip
        axes.set(ylabel=textwrap.fill(curves.unit, 16), ylim=(0, 1.05 * top))
        if curves.are_named or 1 < len(gauges) <= _NAMED_MOST:
            rows = math.ceil(len(gauges) / _NAMES_ACROSS)
            axes.set_ylim(0, 1.05 * top * (0.8 + 0.5 * rows))  # room for the legend
            axes.legend(fontsize=7, loc="upper left", ncols=_NAMES_ACROSS, borderaxespad=0.1)
    elif any(y):
        axes.step(x, y, where="post", color="#24292F", lw=1.1)
        axes.fill_between(x, y, step="post", color="#24292F", alpha=0.1, lw=0)
        axes.set(ylim=(0, top * 1.12), ylabel=_DEPTH)
    else:
        axes.set_axis_off()  # nothing to draw: the words alone
    drawn = [value for _, values in gauges.values() for value in values] or y
    if top >= 2 and all(float(value).is_integer() for value in drawn):
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    if axes.axison:
        axes.axvline(until_us / unit_us, color="#24292F", lw=1)
    axes.set(xlim=(0, max(end_us, 1) / unit_us), xlabel=name)
    if len(trace):
        last = max((row for row in trace if row.time_us <= until_us), default=trace[0])
        said, most = f"at {duration(until_us)}: {describe(last)}", int(inches / _LETTER_INCHES)
        said = said if len(said) <= most else f"{said[: most - 1]}…"
        axes.set_title(said, fontsize=_SAID, fontweight="normal", color="#57606A")


def _unit(trace: Trace, names: Collection[Any] = ()) -> str:
    """Return the unit that is read most often, of gauges with these names or of all."""
    read = [row.fields for row in trace if KINDS[row.kind].verb == "measure"]
    units = Counter(str(fields["unit"]) for fields in read if not names or fields["name"] in names)
    return units.most_common(1)[0][0] if units else ""


def gauges_of(trace: Trace, names: Sequence[str] = ()) -> Gauges:
    """Return (place, name) -> the times in microseconds and values of the gauges with these names.

    Without names, of those that show the commonest unit. A gauge may have another word for its unit now and then ("not
    possible" beside "possible"): all of it is shown.
    """
    unit = _unit(trace)
    read: Gauges = {}
    shown = set[tuple[str, Any]]()
    for row in trace:
        if KINDS[row.kind].verb == "measure":
            gauge = row.place, row.fields["name"]
            at, values = read.setdefault(gauge, ([], []))
            at.append(row.time_us)
            values.append(float(row.fields["value"] or 0))
            is_shown = row.fields["name"] in names if names else row.fields["unit"] == unit
            shown |= {gauge} if is_shown else set()
    return {gauge: steps for gauge, steps in read.items() if gauge in shown}
