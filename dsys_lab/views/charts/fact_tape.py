"""A tape of facts, a hand on it, and below what the facts up to the hand come to.

Each fact is a leaf on the tape in the colour of its kind. What is right of the hand has not happened yet and is pale.
A pin is a checkpoint: a fold that begins there need not look at what is left of it. Below are cards, one for each thing
that the fold speaks of; a card in red hatching is an answer that is not so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = ("authoritative", "moving", "done", "again", "late", "waiting")
"""The roles whose colours kinds of facts take, in the order in which they come."""
LOOKS: Final = {"free": ("white", "#8C959F", ""), "held": ("#DCEFFA", ROLES["moving"].ink, ""),
                "booked": ("#CDEBE1", ROLES["done"].ink, ""), "wrong": ("#FBE3D6", ROLES["lost"].ink, "////"),
                "said": ("#F3F5F7", "#57606A", "")}  # fmt: skip
"""How a card looks: its ground, its edge and its hatch."""
FACTS_MOST: Final = 60
ROW: Final = 6
"""Cards side by side."""


class Card(NamedTuple):
    """One card: its name, one of `LOOKS`, and what stands on it."""

    name: str
    look: str
    text: str


def fact_tape(
    facts: Sequence[tuple[str, str]], position: int, cards: Sequence[tuple[str, str, str]], *,
    pins: Sequence[int] = (), title: str = "",
) -> Chart:  # fmt: skip
    """Return the tape with the hand after the fact at `position`, and the cards below it.

    Parameters
    ----------
    facts : sequence
        Of each its kind, and what it says in a word or two; up to 60.
    position : int
        How many of them have happened.
    cards : sequence
        `(name, look, text)` each; a look is one of `LOOKS`.
    pins : sequence of int
        After how many facts there is a checkpoint.

    Raises
    ------
    BadParameter
        If there is no fact, or too many to be seen, or the hand is not on the tape.
    """
    if not 1 <= len(facts) <= FACTS_MOST:
        raise BadParameter(f"{len(facts)} facts: give 1 to {FACTS_MOST}, so that each can be seen")
    if not 0 <= position <= len(facts):
        raise BadParameter(f"position = {position}: give 0 to {len(facts)}")
    told = [Card(*one) for one in cards]
    if unknown := [one.look for one in told if one.look not in LOOKS]:
        raise BadParameter(f"look {unknown[0]!r}: give one of {', '.join(LOOKS)}")
    rows = -(-len(told) // ROW)
    with styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.2, 2.0 + 0.62 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        tape, below = figure.subplots(2, 1, height_ratios=(1.5, 0.62 * rows + 0.01))
        tape.set_title(title)
        colours = _colours(facts)
        _draw_tape(tape, facts, position, colours, pins)
        _draw_cards(below, told, rows)
        figure.legend(handles=_legend(colours), loc="outside lower center", ncols=len(colours), fontsize=8.5)
    words = [f"{name}: {text}" for name, _, text in told]
    last = f"the last is {facts[position - 1][0]}, {facts[position - 1][1]}" if position else "nothing has happened yet"
    return Chart(figure, f"{title or 'A tape of facts'}: {position} of {len(facts)}; {last}.", "\n".join(words))


def _colours(facts: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    kinds = list(dict.fromkeys(kind for kind, _ in facts))
    return {kind: ROLES[COLOURS[number % len(COLOURS)]].colour for number, kind in enumerate(kinds)}


def _legend(colours: Mapping[str, str]) -> list[object]:
    from matplotlib.patches import Patch

    return [Patch(color=colour, label=kind) for kind, colour in colours.items()]


def _draw_tape(
    axes: Axes, facts: Sequence[tuple[str, str]], position: int, colours: Mapping[str, str], pins: Sequence[int]
) -> None:
    many = len(facts)
    axes.set(xlim=(-0.6, many + 0.6), ylim=(-0.95, 2.3))
    axes.axis("off")
    for leaves, alpha in ((range(position), 1.0), (range(position, many), 0.22)):
        colour = [colours[facts[n][0]] for n in leaves]
        axes.bar([n + 0.5 for n in leaves], 1, width=0.86, color=colour, alpha=alpha, linewidth=0)
    size = 9.0 if many <= 26 else 7.0
    for number, (_, words) in enumerate(facts):
        axes.text(number + 0.5, 0.5, words, ha="center", va="center", rotation=90, fontsize=size,
                  color="white" if number < position else "#57606A")  # fmt: skip
    for pin in pins:
        axes.plot([pin, pin], [1.0, 1.42], color="#24292F", linewidth=1.4)
        axes.plot(pin, 1.5, marker="o", markersize=7, color=ROLES["derived"].colour, markeredgecolor="#24292F")
    if pins:
        axes.text(pins[0] + 0.35, 1.5, "checkpoint", fontsize=8.5, va="center")
    axes.plot([position, position], [-0.25, 1.15], color="#24292F", linewidth=2.2)
    axes.plot(position, -0.32, marker="^", markersize=12, color="#24292F")
    axes.text(min(max(position, 2), many - 2), -0.9, f"after fact {position}", ha="center", va="bottom", fontsize=9.5)


def _draw_cards(axes: Axes, cards: Sequence[Card], rows: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.set(xlim=(0, ROW), ylim=(-rows - 0.02, 0.02))
    axes.axis("off")
    for number, card in enumerate(cards):
        x, y = number % ROW, -(number // ROW) - 1
        ground, edge, hatch = LOOKS[card.look]
        axes.add_patch(FancyBboxPatch((x + 0.05, y + 0.1), 0.9, 0.8, boxstyle="round,pad=0,rounding_size=0.06",
                                      facecolor=ground, edgecolor=edge, hatch=hatch, linewidth=1.3))  # fmt: skip
        axes.text(x + 0.1, y + 0.68, card.name, fontsize=8, color="#57606A", va="center",
                  bbox={"facecolor": ground, "linewidth": 0, "pad": 0.6})  # fmt: skip
        axes.text(x + 0.5, y + 0.36, card.text, fontsize=10, ha="center", va="center", fontweight="bold",
                  bbox={"facecolor": ground, "linewidth": 0, "pad": 0.8})  # fmt: skip
