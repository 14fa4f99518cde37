"""An event as a card that passes sieves: which fields each looks at, which of them light up, what comes out behind.

Left the card, a line for each field. In the middle a box for each rule, a line for each field that it wants: green with
a tick if the card has it so, red with a cross if not; a thread leads from the card's field to it. Right what the target
is given: the card folded into another shape, or nothing. A card may bear a wax seal, whole or cracked.

`picked_strips`: a strip for each pattern, and in it a line for each of many events that it picks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, figure_of, listed, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Looked = tuple[str, str, bool]
"""The path of a field, what is wanted there, and whether it holds."""
_LIT, _DARK, _REST = ROLES["done"], ROLES["lost"], ROLES["skipped"]
_CRACK: Final = ((0, 1.2), (1, 0.6), (-1, 0.0), (1, -0.6), (0, -1.2))
SEALS: Final = {"whole": ROLES["done"], "cracked": ROLES["lost"]}
_INK: Final = "#24292F"
_WIDTH: Final = 10.4
_LINE: Final = 0.30
_CARD: Final = (0.0, 3.0)
_SIEVE: Final = (3.9, 7.5)
_OUT: Final = (8.2, 11.2)
_LONGEST: Final = 41


def sieves(
    card: Mapping[str, str],
    sieves: Mapping[str, tuple[Sequence[Looked], str | None]],
    *,
    title: str = "",
    seal: str = "",
    refused: Mapping[str, str] | None = None,
    head: str = "event",
) -> Chart:
    """Return a card and what some sieves make of it.

    Parameters
    ----------
    card : mapping
        Field -> its value, as it is to be read.
    sieves : mapping
        Rule -> each field that it looks at, and what its target is given; None where the rule does not pick the card.
    seal : str
        "whole" or "cracked": drawn on the card.
    refused : mapping, optional
        Rule -> what is said where it does not pick the card; "passed by" unless it stands here.
    head : str
        What the card is.

    Raises
    ------
    BadParameter
        If the card or the sieves are empty, or there is no such seal.
    """
    if seal not in ("", *SEALS):
        raise BadParameter(f"seal = {seal!r}: give {' or '.join(SEALS)}, or nothing")
    if not card or not sieves:
        raise BadParameter(f"sieves: {len(card)} fields and {len(sieves)} sieves; give some of both")
    rows = sum(len(looked) + 1.9 for looked, _ in sieves.values())
    height = max(rows, len(card) + 2.5 + 3 * bool(seal)) * _LINE
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(_WIDTH, height + 0.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        lit = {path for looked, given in sieves.values() if given is not None for path, _, holds in looked if holds}
        ports = _draw_card(axes, head, card, lit, top=height)
        if seal:
            _draw_seal(axes, seal, (_CARD[1] / 4, height - (len(card) + 2.3) * _LINE))
        top = height
        for name, (looked, given) in sieves.items():
            bottom = top - (len(looked) + 1.2) * _LINE
            _draw_sieve(axes, name, looked, ports, top=top, bottom=bottom, picks=given is not None)
            _draw_outcome(axes, given, (refused or {}).get(name, "passed by"), middle=(top + bottom) / 2)
            top = bottom - 0.7 * _LINE
        axes.set_xlim(-0.05, _OUT[1] + 0.1)
        axes.set_ylim(min(top, height - (len(card) + 1.6 + 3 * bool(seal)) * _LINE), height + 0.1)
        axes.set_title(title)
        axes.set_axis_off()
    told = [f"{name}: {_in_words(looked, given, (refused or {}).get(name, 'passed by'))}"
            for name, (looked, given) in sieves.items()]  # fmt: skip
    picking = [name for name, (_, given) in sieves.items() if given is not None]
    alt = f"A card ({', '.join(f'{name} {value}' for name, value in card.items())}) and {len(sieves)} sieves."
    alt += f" Its seal is {seal}." if seal else ""
    return Chart(figure, f"{alt} It passes {listed(picking) if picking else 'none'}.", "\n".join(told))


def picked_strips(picked: Mapping[str, Sequence[bool]], *, title: str = "", x: str = "") -> Chart:
    """Return a strip for each pattern.

    Parameters
    ----------
    picked : mapping
        Pattern -> of each event, whether it is picked.

    Raises
    ------
    BadParameter
        If there is no pattern, or they were asked of different numbers of events.
    """
    if len({len(row) for row in picked.values()}) != 1:
        raise BadParameter(f"picked_strips: {len(picked)} patterns; give some, each asked of the same events")
    with styled():
        figure, axes = figure_of(title, x, "", inches=(8.6, 0.6 + 0.26 * len(picked)))
        for number, row in enumerate(picked.values()):
            here = [at for at, picks in enumerate(row, 1) if picks]
            axes.vlines(here, number - 0.36, number + 0.36, color=_LIT.colour, linewidth=1.6)
        axes.set_yticks(range(len(picked)), [f"{name}  ({sum(row)})" for name, row in picked.items()], fontsize=8.5)
        axes.set_ylim(len(picked) - 0.4, -0.6)
        axes.set_xlim(0, max(map(len, picked.values())) + 1)
        axes.locator_params(axis="x", integer=True)
        axes.grid(visible=False)
    told = [f"{name}: {sum(row)} of {len(row)}" for name, row in picked.items()]
    return Chart(figure, f"A strip for each of {len(picked)} patterns, with a line for each event.", "\n".join(told))


def _box(
    axes: Axes, x: tuple[float, float], y: tuple[float, float], edge: str, *, ground: str = "none", width: float = 1.4
) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x[0], y[0]), x[1] - x[0], y[1] - y[0], boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=ground, edgecolor=edge, linewidth=width,
        )
    )  # fmt: skip


def _draw_card(axes: Axes, head: str, card: Mapping[str, str], lit: set[str], *, top: float) -> dict[str, float]:
    """Draw the card, and return at which height each of its fields is."""
    _box(axes, _CARD, (top - (len(card) + 1.2) * _LINE, top), _INK)
    axes.text(_CARD[0] + 0.1, top - 0.6 * _LINE, head, weight="bold", va="center", color=_INK)
    ports = {}
    for number, (name, value) in enumerate(card.items()):
        y = ports[name] = top - (number + 1.5) * _LINE
        if name in lit:
            line = (y - 0.44 * _LINE, y + 0.44 * _LINE)
            _box(axes, (0.05, _CARD[1] - 0.05), line, _LIT.colour, ground="#D5F0E6", width=1.0)
        axes.text(0.12, y, name, fontsize=8.5, va="center", color=_REST.ink)
        axes.text(_CARD[1] - 0.12, y, _short(value, 20), fontsize=8.5, va="center", ha="right", color=_INK)
    return ports


def _draw_sieve(
    axes: Axes, name: str, looked: Sequence[Looked], ports: Mapping[str, float], *, top: float, bottom: float,
    picks: bool,
) -> None:  # fmt: skip
    _box(axes, _SIEVE, (bottom, top), _LIT.colour if picks else _REST.colour, width=1.8 if picks else 1.0)
    axes.text(_SIEVE[0] + 0.1, top - 0.6 * _LINE, name, weight="bold", va="center", color=_INK)
    for number, (path, wanted, holds) in enumerate(looked):
        y, role = top - (number + 1.5) * _LINE, _LIT if holds else _DARK
        axes.text(_SIEVE[0] + 0.1, y, "✓" if holds else "✗", va="center", color=role.ink, weight="bold")
        words = _short(f"{path.removeprefix('detail.')}: {wanted}", _LONGEST)
        axes.text(_SIEVE[0] + 0.35, y, words, fontsize=8.5, va="center", color=role.ink)
        if path in ports:
            dash = "-" if holds else (0, (2, 2))
            line: dict[str, Any] = {"color": role.colour, "linewidth": 1.3 if holds else 0.9, "linestyle": dash}
            axes.plot((_CARD[1], _SIEVE[0]), (ports[path], y), solid_capstyle="round", **line)


def _draw_seal(axes: Axes, seal: str, at: tuple[float, float]) -> None:
    """Draw a blob of wax with a tick, or one that is broken in two."""
    role, (x, y) = SEALS[seal], at
    axes.scatter([x], [y], s=1500, facecolor=role.colour, edgecolor=role.ink, linewidth=1.5)
    if seal == "whole":
        axes.text(x, y, "✓", ha="center", va="center", fontsize=17, color="white", weight="bold")
    else:
        steps = [(x + side * 0.09, y + way * _LINE) for side, way in _CRACK]
        axes.plot(*zip(*steps, strict=True), color="white", linewidth=3.2)
    axes.text(x + 1.7 * _LINE, y, f"seal: {seal}", va="center", fontsize=8.5, color=role.ink)


def _draw_outcome(axes: Axes, given: str | None, refused: str, *, middle: float) -> None:
    if given is None:
        axes.text(_SIEVE[1] + 0.15, middle, refused, va="center", fontsize=8.5, color=_REST.ink)
        return
    axes.annotate(
        "", (_OUT[0], middle), (_SIEVE[1] + 0.05, middle), arrowprops={"arrowstyle": "-|>", "color": _LIT.colour}
    )
    lines = _wrapped(given)
    _box(axes, _OUT, (middle - (0.5 * len(lines) + 0.2) * _LINE, middle + (0.5 * len(lines) + 0.2) * _LINE),
         _LIT.colour)  # fmt: skip
    for number, line in enumerate(lines):
        y = middle + ((len(lines) - 1) / 2 - number) * _LINE
        axes.text(_OUT[0] + 0.1, y, line, fontsize=8.5, va="center", color=_INK)


def _wrapped(text: str) -> list[str]:
    """Return a shape in lines, broken after commas."""
    return [_short(line, 34) for line in text.replace(", ", ",\n ").split("\n")][:4]


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _in_words(looked: Sequence[Looked], given: str | None, refused: str) -> str:
    found = "; ".join(f"{path} {wanted} {'holds' if holds else 'does not hold'}" for path, wanted, holds in looked)
    return f"{found}; {refused if given is None else f'the target is given {given}'}"
