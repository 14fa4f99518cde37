"""A wave through a small graph, beside the rows that a join makes for it.

Left, everybody stands where a layout put them. Who is reached is filled, darkest at the newest hop; a tie along which
somebody was first reached is drawn in colour. Who was not reached yet is hollow; a square is the one with the most
ties, a cross somebody who is not gone through, and a ring marks those who are farther away, or out of reach, without
the hub. Right, two bars a hop: people who were first reached, and rows of a join.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, number, plain_ticks, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES: Final = (8.4, 4.3)
_NEW, _OLD, _WAITING, _ROWS = ROLES["useful"], ROLES["authoritative"], ROLES["skipped"], ROLES["lost"]
_HUB, _GONE = ROLES["again"], ROLES["fault"]

_LABELLED: Final = 60
"""So many have room for the number of their hop."""

Places = Mapping[int, tuple[float, float]]


def graph_wave(
    places: Places,
    ties: Sequence[tuple[int, int]],
    hops: Sequence[Sequence[int]],
    rows: Sequence[int],
    *,
    hop: int | None = None,
    hub: int | None = None,
    behind_hub: Collection[int] = (),
    without: Collection[int] = (),
    title: str = "",
    what: str = "people",
) -> Chart:
    """Return the wave as it stands after `hop` hops.

    Parameters
    ----------
    places : mapping
        Person -> (x, y).
    ties : sequence of (person, person)
    hops : sequence
        Who is first reached at hop 0, 1, ...
    rows : sequence of int
        Rows of a join at hop 0, 1, ...
    hop : int, optional
        How far it has come; by default to its end.
    hub : int, optional
        Who is drawn as a square.
    behind_hub : collection of int
        Who is farther away, or out of reach, without the hub.
    without : collection of int
        Who is not gone through.
    what : str
        What stands there: people, airports.

    Raises
    ------
    BadParameter
        If somebody has no place, or the wave has no such hop.
    """
    last = min(len(hops), len(rows)) - 1 if hop is None else hop
    named = {*(one for pair in ties for one in pair), *(one for found in hops for one in found)}
    if lost := sorted(named - {*places}):
        raise BadParameter(f"graph_wave: {lost[0]} has no place; give one for each of {len(named)}")
    if not 0 <= last < len(rows):
        raise BadParameter(f"graph_wave: hop = {last}; give 0 to {len(rows) - 1}")
    reached = {one: at for at, found in enumerate(hops[: last + 1]) for one in found}
    with styled():
        figure, graph, bars = _panels(title, what)
        _draw_ties(graph, places, ties, reached)
        _draw_people(graph, {one: at for one, at in places.items() if one not in without}, reached, last, hub)
        for one in without:
            graph.plot(*places[one], "X", markersize=13, color=_GONE.colour, zorder=4)
        _ring(graph, places, [one for one in behind_hub if one in reached])
        _draw_bars(bars, [len(found) for found in hops], rows, last)
    told = [f"hop {at}: {len(found)} first reached, {rows[at]:,} rows" for at, found in _told(hops, rows, last)]
    away = len(places) - len(reached)
    alt = f"A wave through {len(places)} {what}, after hop {last}; {away} {'is' if away == 1 else 'are'} not reached."
    return Chart(figure, alt, "\n".join(told))


def _told(hops: Sequence[Sequence[int]], rows: Sequence[int], last: int) -> list[tuple[int, Sequence[int]]]:
    return [(at, hops[at] if at < len(hops) else ()) for at in range(min(last + 1, len(rows)))]


def _panels(title: str, what: str) -> tuple[Figure, Axes, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    graph, bars = figure.subplots(1, 2, width_ratios=(1.7, 1))
    graph.set_title(title)
    graph.set_axis_off()
    graph.set_aspect("equal")
    bars.set_title(f"{what} first reached | rows of a join", fontsize=9.5)
    return figure, graph, bars


def _draw_ties(axes: Axes, places: Places, ties: Sequence[tuple[int, int]], reached: Mapping[int, int]) -> None:
    taken: set[int] = set()
    for one, other in sorted(ties, key=lambda pair: (reached.get(pair[0], 99), reached.get(pair[1], 99), pair)):
        near, far = sorted((one, other), key=lambda person: reached.get(person, 99))
        first = far in reached and reached[far] == reached[near] + 1 and far not in taken
        if first:
            taken.add(far)
        (x, y), (u, v) = places[one], places[other]
        colour, width = (_NEW.colour, 1.8) if first else (_WAITING.colour, 0.7)
        axes.plot([x, u], [y, v], color=colour, linewidth=width, alpha=0.85, zorder=2 if first else 1)


def _draw_people(axes: Axes, places: Places, reached: Mapping[int, int], last: int, hub: int | None) -> None:
    size = 12 if len(places) <= _LABELLED else 6
    for one, (x, y) in places.items():
        start, is_hub = reached.get(one) == 0, one == hub
        fill = "white" if one not in reached else _NEW.colour if reached[one] == last else _OLD.colour
        edge = _WAITING.ink if one not in reached else fill
        axes.plot(
            x, y, "s" if is_hub else "o", markersize=size + 5 * (start or is_hub), markerfacecolor=fill,
            markeredgecolor=_GONE.colour if start else edge, markeredgewidth=2.2 if start else 1.1, zorder=3,
        )  # fmt: skip
        if one in reached and size == 12:
            axes.annotate(str(reached[one]), (x, y), ha="center", va="center", color="white", fontsize=8, zorder=5)


def _ring(axes: Axes, places: Places, people: Sequence[int]) -> None:
    for one in people:
        axes.plot(
            *places[one], "o", markersize=18, markerfacecolor="none", markeredgecolor=_HUB.colour, markeredgewidth=1.8,
            zorder=4,
        )  # fmt: skip


def _draw_bars(axes: Axes, people: Sequence[int], rows: Sequence[int], last: int) -> None:
    most = max(*rows, 10)
    for at in range(len(rows)):
        here, shown = (people[at] if at < len(people) else 0), at <= last
        for side, value, role in ((-0.2, here, _NEW), (0.2, rows[at], _ROWS)):
            if not shown:
                continue
            axes.bar(at + side, value, width=0.36, color=role.colour, hatch="//" if role is _ROWS else None,
                     edgecolor="white", linewidth=0)  # fmt: skip
            axes.annotate(number(value), (at + side, max(value, 1)), (0, 2), textcoords="offset points", ha="center",
                          fontsize=8.5, color=role.ink)  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(0.8, most * 2.5)
    plain_ticks(axes.yaxis)
    axes.set_xticks(range(len(rows)))
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("hop")
    axes.grid(visible=False, axis="x")
