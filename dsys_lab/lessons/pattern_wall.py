"""The wall of patterns: a card each with two pairs of bars, what it buys and what it costs; and one player for all.

Every bar is counted in a run, without the pattern (grey) and with it (coloured); a card leads to the lab that performs
it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dsys_lab.lessons.map import LABS, Lab
from dsys_lab.lessons.shown import INK, QUIET, SURFACE, Shown, card
from dsys_lab.scenarios import repeat
from dsys_lab.scenarios.patterns.catalogue import Counted, Pattern, named
from dsys_lab.trace import Trace
from dsys_lab.views.charts.picture import number
from dsys_lab.views.player import Player
from dsys_lab.views.theme import ROLES

_LANES: Final = (("without", "skipped"), ("with it", None))
_LABS: Final = {lab.name: lab for lab in LABS}


def wall(patterns: Mapping[str, Pattern], counted: Iterable[Counted]) -> Shown:
    """Return a card for each pattern of which two runs were counted."""
    cards, told = [], []
    for one in counted:
        pattern = patterns[one.name]
        cards.append(_card(pattern, one))
        told += [f"{one.name} (lab {_LABS[pattern.lab].number:02d}): {pattern.problem}",
                 f"  buys: {pattern.buys.name}, {number(one.buys[0])} -> {number(one.buys[1])}",
                 f"  costs: {pattern.costs.name}, {number(one.costs[0])} -> {number(one.costs[1])}"]  # fmt: skip
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(245px,1fr));gap:.8em"
    grid += ";width:0;min-width:min(100%,1080px)"  # as wide as there is room, whatever it holds
    return Shown(f'<div role="list" style="{grid};color:{INK}">{"".join(cards)}</div>', "\n".join(told))


def performed(patterns: Mapping[str, Pattern], name: str) -> Player:
    """Return a player of two lanes, without a pattern and with it, and a menu of all patterns.

    Raises
    ------
    BadParameter
        If there is no such pattern.
    """

    def again(pattern: str) -> list[Trace]:
        chosen = named(patterns, pattern)
        bare, clad = chosen.runs()
        bare.header.title, clad.header.title = "without it", chosen.name
        return [bare, clad]

    def fork(lane: int, fault: dict[str, Any]) -> Trace:
        return repeat(shown.traces[lane].header, more_faults=[fault])

    first = named(patterns, name).name
    menu: dict[str, Any] = {"pattern": list(patterns)}
    titles = "without it", "with it"
    shown = Player(*again(first), titles=titles, controls=menu, values={"pattern": first}, again=again, fork=fork)
    return shown


def told_apart(patterns: Mapping[str, Pattern], *names: str) -> Shown:
    """Return what each of these patterns does, and what tells it from the one that it is taken for."""
    chosen = [named(patterns, name) for name in names]
    body = "".join(
        f"<p style='margin:.4em 0'><b>{html.escape(one.name)}</b>: {html.escape(one.answer)} "
        f"<span style='color:{QUIET}'>Not {html.escape(one.neighbour)}: {html.escape(one.unlike)}.</span></p>"
        for one in chosen
    )
    return Shown(
        card(body), "\n".join(f"{one.name}: {one.answer} Not {one.neighbour}: {one.unlike}." for one in chosen)
    )


def _card(pattern: Pattern, counted: Counted) -> str:
    lab = _LABS[pattern.lab]
    bars = _bars("buys &darr;", pattern.buys.name, counted.buys, "done") + _bars(
        "costs &uarr;", pattern.costs.name, counted.costs, "again"
    )
    return (
        f'<div role="listitem" style="background:{SURFACE};border-top:4px solid {ROLES["moving"].colour};'
        "border-radius:0 0 6px 6px;padding:.55em .8em;font-size:12.5px;line-height:1.4;"
        'display:flex;flex-direction:column">'
        f'<div style="font-weight:700;font-size:13.5px">{html.escape(pattern.name)}</div>'
        f'<div style="color:{QUIET};margin:.2em 0 .5em;flex:1">{html.escape(pattern.problem)}</div>'
        f"{bars}{_link(lab)}</div>"
    )


def _bars(head: str, what: str, values: tuple[float, float], role: str) -> str:
    """Return a pair of bars of one measure, with its two numbers."""
    most = max(values) or 1
    lines = "".join(
        f'<div style="display:flex;align-items:center;gap:.5em"><span style="width:4em;color:{QUIET}">{lane}</span>'
        f'<div style="flex:1;height:9px;background:color-mix(in srgb, {QUIET} 15%, transparent)">'
        f'<div style="width:{100 * value / most:.1f}%;height:100%;background:{ROLES[own or role].colour}"></div></div>'
        f'<span style="min-width:4.2em;text-align:right;font-variant-numeric:tabular-nums">{number(value)}</span></div>'
        for (lane, own), value in zip(_LANES, values, strict=True)
    )
    return f'<div style="margin:.25em 0"><b>{head}</b> {html.escape(what)}{lines}</div>'


def _link(lab: Lab) -> str:
    words = f"lab {lab.number:02d}: {html.escape(lab.title)}"
    style = f"color:{INK};margin-top:.4em;font-size:11.5px"
    return (
        f'<a href="{lab.stem}.ipynb" style="{style}">{words} &#9656;</a>'
        if lab.built
        else f'<span style="{style}">{words}</span>'
    )
