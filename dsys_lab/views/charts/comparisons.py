"""Comparisons: a number three ways, a measure under several policies, where messages went, how long they took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace, balance, quantile, sojourns_s
from dsys_lab.views.charts.picture import (
    BARS_SAY,
    INCHES,
    Chart,
    figure_of,
    is_logarithmic,
    legend_beside,
    listed,
    number,
    plain_ticks,
    styled,
)
from dsys_lab.views.theme import ROLES, SERIES

COUNTED, LAW, PREDICTED = ROLES["authoritative"], ROLES["law"], ROLES["again"]
ROW_INCHES: Final = 0.42
LABEL_SHARE: Final = 0.12
"""Of the longest bar: so much room a number beside a bar takes, in which no line of reference may run through it."""
FATES: Final = (
    ("done", "done", "done", ""),
    ("stored", "still waiting", "waiting", ".."),
    ("in_flight", "on the way", "moving", ""),
    ("rejected", "told no", "late", "\\\\"),
    ("expired", "expired", "again", "//"),
    ("dropped", "dropped", "lost", "xx"),
    ("dead", "set aside", "fault", ""),
    ("unmatched", "unmatched", "skipped", ""),
)
"""Account of the ledger, its name in a chart, its role, and the hatch that tells it without the colour."""


def predicted_counted_law(
    counted: float,
    law: float | None = None,
    predicted: float | None = None,
    *,
    unit: str,
    between: tuple[float, float],
    found: str = "counted",
    standard_error: float = 0.0,
    title: str = "",
) -> Chart:
    """Return one number three ways: what was counted, what the law says, what the reader said.

    Parameters
    ----------
    between : (float, float)
        The range that the reader was offered; the axis is logarithmic when it spans a factor of 20 or more.
    found : str
        How the first one was come by.
    standard_error : float
        Of the counted number; the bar shows three.
    """
    all_rows = ((found, counted, COUNTED, "o"), ("the law", law, LAW, "|"), ("you said", predicted, PREDICTED, "D"))
    rows = [(name, float(value), role, mark) for name, value, role, mark in all_rows if value is not None]
    low = min(between[0], *(value for _, value, *_ in rows))
    high = max(between[1], *(value for _, value, *_ in rows))
    with styled():
        figure, axes = figure_of(
            title, unit, "", inches=(INCHES[0], 0.85 + ROW_INCHES * len(rows) + 0.25 * bool(title))
        )
        if is_logarithmic(between) and low > 0:
            axes.set_xscale("log")
            axes.set_xlim(low / 1.15, high * (high / low) ** 0.1)
            plain_ticks(axes.xaxis)
        else:
            axes.set_xlim(low - 0.03 * (high - low), high + 0.1 * (high - low))
        for height, (_, value, role, mark) in zip(range(len(rows))[::-1], rows, strict=True):
            axes.plot(value, height, mark, color=role.colour, markersize=18 if mark == "|" else 10, markeredgewidth=2.5)
            beyond = value + 3 * standard_error if role is COUNTED else value
            axes.annotate(number(value, unit), (beyond, height), (12, 0), textcoords="offset points", va="center",
                          color=role.ink, fontweight="bold", fontsize=11,
                          bbox={"facecolor": "white", "linewidth": 0, "pad": 1})  # fmt: skip
        if standard_error:
            axes.errorbar(
                counted, len(rows) - 1, xerr=3 * standard_error, color=COUNTED.colour, capsize=4, linewidth=1.6
            )
            axes.set_xlabel(f"{unit}   ({BARS_SAY})")
        if law is not None:
            axes.axvline(law, color=LAW.colour, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
        axes.set_yticks(range(len(rows))[::-1], [name for name, *_ in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelsize=10.5)
    words = ", ".join(f"{name} {number(value, unit)}" for name, value, *_ in rows)
    return Chart(figure, f"{title + ': ' if title else ''}{words} ({unit}).")


def bars(
    values: Mapping[str, float],
    *,
    title: str = "",
    unit: str = "",
    references: Mapping[str, float] | None = None,
    predicted: Mapping[str, float] | None = None,
    log: bool = False,
) -> Chart:
    """Return one measure under several policies.

    Parameters
    ----------
    values : mapping
        Policy -> value.
    references : mapping, optional
        Label -> a dashed line at this value: the law, the limit, what was asked for.
    predicted : mapping, optional
        Policy -> what the reader said of it.
    log : bool
        Whether the axis is one of factors, which 0 has no place on: for values of which one would hide the others.
    """
    if log and min(values.values(), default=1) <= 0:
        raise BadParameter(f"bars: {dict(values)} on an axis of factors: give values above 0, or log=False")
    if not values:
        raise BadParameter("bars: nothing to compare; give {'drop_oldest': 5.0, 'block': 0.0}")
    names, lines = list(values), [] if log else list((references or {}).values())
    a_label = LABEL_SHARE * max([*values.values(), *lines])
    with styled():
        figure, axes = figure_of(title, unit, "", inches=(INCHES[0], 1.0 + ROW_INCHES * len(names)))
        axes.barh(names, list(values.values()), color=COUNTED.colour, height=0.62)
        for name, value in values.items():
            beyond = max(value, (predicted or {}).get(name, value))
            beyond = max([beyond, *(line for line in lines if beyond <= line <= beyond + a_label)])
            axes.annotate(number(value, unit), (beyond, name), (9, 0), textcoords="offset points", va="center",
                          fontweight="bold", color=COUNTED.ink,
                          bbox={"facecolor": "white", "linewidth": 0, "pad": 1})  # fmt: skip
        for label, value in (references or {}).items():
            axes.axvline(
                value, color=LAW.colour, linestyle=(0, (4, 3)), linewidth=1.3, label=f"{label}: {number(value, unit)}"
            )
        for place, (name, value) in enumerate((predicted or {}).items()):
            axes.plot(value, name, "D", color=PREDICTED.colour, markersize=9, markeredgecolor="white", linestyle="none",
                      label="" if place else "you said")  # fmt: skip
        axes.invert_yaxis()
        if log:
            axes.set_xscale("log")
            axes.set_xlim(min(values.values()) / 3, max(values.values()) * 3)
            plain_ticks(axes.xaxis)
        else:
            axes.margins(x=0.12)
            axes.set_xlim(left=0)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelsize=10.5)
        legend_beside(figure, axes)
    told = [f"{name}: {number(value, unit)}" for name, value in values.items()]
    told += [f"{label}: {number(value, unit)}" for label, value in (references or {}).items()]
    return Chart(figure, f"{title or unit}, for {listed(names)}.", "\n".join(told))


def outcomes(*traces: Trace, title: str = "Where every message went") -> Chart:
    """Return the conservation ledger of each trace as one bar: done, waiting, lost, all of what was offered."""
    books = {
        trace.header.title or trace.header.scenario or f"run {i}": balance(trace) for i, trace in enumerate(traces, 1)
    }
    if not books:
        raise BadParameter("outcomes: no trace; give one or more")
    with styled():
        figure, axes = figure_of(title, "messages", "", inches=(INCHES[0], 1.0 + ROW_INCHES * len(books)))
        left = dict.fromkeys(books, 0)
        widest = max(book.offered for book in books.values())
        for account, label, role, hatch in FATES:
            counts = {name: getattr(book, account) for name, book in books.items()}
            if not any(counts.values()):
                continue
            axes.barh(list(counts), list(counts.values()), left=list(left.values()), height=0.62, label=label,
                      hatch=hatch, color=ROLES[role].colour, edgecolor="white", linewidth=0.6)  # fmt: skip
            for name, count in counts.items():
                if count > 0.06 * widest:
                    axes.annotate(number(count), (left[name] + count / 2, name), va="center", ha="center",
                                  color="white", fontweight="bold", bbox={"boxstyle": "round,pad=0.2", "linewidth": 0,
                                                           "facecolor": ROLES[role].ink})  # fmt: skip
                left[name] += count
        axes.invert_yaxis()
        axes.set_xlim(0, widest * 1.02)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelsize=10.5)
        legend_beside(figure, axes)
    return Chart(figure, f"{title}, for {listed(books)}.", "\n".join(f"{name}: {book}" for name, book in books.items()))


def wait_histogram(
    *traces: Trace, title: str = "How long they took", limit_s: float | None = None, bins: int = 40
) -> Chart:
    """Return the times in the system of all finished messages, one panel a trace, with the median and p99 marked.

    Parameters
    ----------
    limit_s : float, optional
        A deadline to draw.
    """
    waits = {
        trace.header.title or trace.header.scenario or f"run {i}": sorted(sojourns_s(trace))
        for i, trace in enumerate(traces, 1)
    }
    if not waits or not all(waits.values()):
        raise BadParameter("wait_histogram: a run finished nothing; give traces with `finish` rows")
    longest = max(wait[-1] for wait in waits.values())
    edges = [longest * i / bins for i in range(bins + 1)]
    with styled():
        figure, first = figure_of("", "", "", inches=(INCHES[0], 0.6 + 1.3 * len(waits)))
        first.remove()
        panels = figure.subplots(len(waits), 1, sharex=True, squeeze=False)[:, 0]
        for (name, wait), panel, colour in zip(waits.items(), panels, SERIES, strict=False):
            panel.set_axisbelow(True)
            panel.hist(wait, bins=edges, color=colour, alpha=0.85)
            half, most = quantile(wait, 0.5), quantile(wait, 0.99)
            panel.axvline(half, color="#24292F", linewidth=1.3)
            panel.axvline(most, color="#24292F", linewidth=1.3, linestyle=(0, (1, 1)))
            panel.annotate(f"half within {number(half)} s\n99 of 100 within {number(most)} s", (1, 1), (-6, -4),
                           xycoords="axes fraction", textcoords="offset points", ha="right", va="top", fontsize=9.5,
                           bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 2})  # fmt: skip
            if limit_s is not None:
                panel.axvline(limit_s, color=LAW.colour, linestyle=(0, (4, 3)), linewidth=1.3)
            panel.set(title=name, ylabel="messages")
            panel.set_xlim(0, longest * 1.3)
        panels[-1].set_xlabel("seconds from offer to answer")
    told = [
        f"{name}: median {number(quantile(w, 0.5))} s, p99 {number(quantile(w, 0.99))} s, {len(w):,} finished"
        for name, w in waits.items()
    ]
    return Chart(figure, f"{title}, for {listed(waits)}.", "\n".join(told))
