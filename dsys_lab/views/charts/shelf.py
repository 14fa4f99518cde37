"""A shelf of cards above a garden of trees: what a question looked at, opened, and opened in vain.

Above, the cards of an index, in their order; below, each document as a small tree: its root, and a leaf for each
element of its array. A line leads from a card that was picked to the tree that it made somebody open. Green was wanted,
yellow and hatched was looked at in vain, grey was left alone; an array with two elements has two cards.

Read from rows `card_read`, `document_read` and `block_skip` whose field `words` says what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Row, Trace
from dsys_lab.views.charts.picture import Chart, figure_of, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOCUMENTS: Final = "documents"
TREES_MOST: Final = 40
_ACROSS: Final = 8
_LEAF: Final = 0.27
_ROW: Final = 1.75
_SHELF_Y: Final = 1.35
_LINE_MOST: Final = 12
"""Letters of a card in one line; the last of its values goes onto a second one."""


@dataclass(frozen=True, slots=True)
class _Thing:
    """A card or a tree: where it stands in its file, its words, whose it is, and how it was looked at."""

    number: int
    words: str
    slot: int
    look: str


def shelf_and_trees(trace: Trace, *, title: str = "") -> Chart:
    """Return a shelf with its cards and the trees of a trace.

    Raises
    ------
    BadParameter
        If there are no trees in it, or more than 40.
    """
    cards, trees = _things(trace)
    if not 0 < len(trees) <= TREES_MOST:
        raise BadParameter(f"{len(trees)} documents: give a run of 1 to {TREES_MOST}, along_the_shelf(people=24)")
    rows = -(-len(trees) // _ACROSS)
    with styled():
        height = 0.8 + 0.66 * rows * _ROW + (0.9 if cards else 0)
        figure, axes = figure_of(title or trace.header.title, "", "", inches=(8.6, height))
        tops = _draw_trees(axes, trees)
        _draw_shelf(axes, cards, tops)
        axes.set(xlim=(-0.1, _ACROSS + 0.1), ylim=(-rows * _ROW - 0.35, _SHELF_Y + 0.35 if cards else 0.25))
        axes.text(0, -rows * _ROW - 0.05, _told(cards, trees), fontsize=9.5, va="top")
        axes.axis("off")
    return Chart(figure, f"{title or trace.header.title}: {_told(cards, trees)}.", _listed(trees))


def _things(trace: Trace) -> tuple[list[_Thing], list[_Thing]]:
    found: dict[tuple[str, int], _Thing] = {}
    for row in trace.of("card_read", "document_read", "block_skip"):
        file, number = str(row.fields["file"]), int(row.fields.get("page", row.fields.get("block")) or 0)
        slot = int(row.fields.get("slot", number) or 0)
        found[file, number] = _Thing(number, str(row.fields.get("words", "")), slot, _look(row))
    cards = [found[key] for key in sorted(found) if key[0] != DOCUMENTS]
    return cards, [found[key] for key in sorted(found) if key[0] == DOCUMENTS]


def _look(row: Row) -> str:
    if row.kind == "block_skip":
        return "skipped"
    return "useful" if row.fields["used_bytes"] else "unused"


def _draw_trees(axes: Axes, trees: list[_Thing]) -> dict[int, tuple[float, float]]:
    """Draw each tree, and return where a line may reach it."""
    from matplotlib.patches import FancyBboxPatch

    tops = {}
    for place, tree in enumerate(trees):
        x, y = place % _ACROSS, -(place // _ACROSS) * _ROW
        root, city, minutes, *leaves = tree.words.split("|")
        role, alone = ROLES[tree.look], tree.look == "skipped"
        axes.add_patch(
            FancyBboxPatch(
                (x + 0.06, y - 0.56), 0.88, 0.5, boxstyle="round,pad=0,rounding_size=0.08", linewidth=1.2,
                facecolor="white" if alone else role.colour, edgecolor=role.ink if not alone else role.colour,
                alpha=1 if alone else 0.8, hatch="////" if tree.look == "unused" else None,
            )
        )  # fmt: skip
        ink = "#8C959F" if alone else "#24292F"
        plain = {"facecolor": "white", "linewidth": 0, "pad": 0.6, "alpha": 0.85}
        axes.text(x + 0.5, y - 0.2, f"{root} {city}", ha="center", va="center", color=ink, bbox=plain,
                  fontsize=min(7, 95 / len(f"{root} {city}")))  # fmt: skip
        axes.text(x + 0.5, y - 0.42, f"{minutes} min", ha="center", va="center", fontsize=6.5, color=ink, bbox=plain)
        if leaves:
            axes.plot([x + 0.2] * 2, [y - 0.56, y - 0.56 - _LEAF * (len(leaves) - 0.35)], color=ink, linewidth=0.9)
        for number, leaf in enumerate(leaves, 1):
            at = y - 0.56 - _LEAF * (number - 0.35)
            axes.plot([x + 0.2, x + 0.3], [at, at], color=ink, linewidth=0.9)
            axes.text(x + 0.34, at, leaf, va="center", fontsize=6.8, color=ink, bbox=plain)
        tops[tree.number] = (x + 0.5, y - 0.06)
    return tops


def _draw_shelf(axes: Axes, cards: list[_Thing], tops: dict[int, tuple[float, float]]) -> None:
    """Draw the cards side by side, and a line from each that was picked to its tree."""
    from matplotlib.patches import Rectangle

    width = _ACROSS / max(1, len(cards))
    if cards:
        axes.plot([0, _ACROSS], [_SHELF_Y - 0.62] * 2, color="#57606A", linewidth=2.5, solid_capstyle="round")
    for place, card in enumerate(cards):
        role, x = ROLES[card.look], place * width
        axes.add_patch(
            Rectangle(
                (x + 0.06 * width, _SHELF_Y - 0.6), 0.88 * width, 0.9, linewidth=0.8, edgecolor=role.ink,
                facecolor=role.colour, alpha=0.35 if card.look == "skipped" else 0.8,
                hatch="////" if card.look == "unused" else None,
            )
        )  # fmt: skip
        words = card.words if len(card.words) <= _LINE_MOST else "\n".join(card.words.rsplit(" ", 1))
        axes.text(x + width / 2, _SHELF_Y - 0.15, words, rotation=90, ha="center", va="center", fontsize=6.1,
                  color="#57606A" if card.look == "skipped" else "#24292F")  # fmt: skip
        if card.look == "useful" and card.slot in tops:
            to_x, to_y = tops[card.slot]
            ends = [x + width / 2, to_x], [_SHELF_Y - 0.63, to_y]
            axes.plot(*ends, color="#57606A", linewidth=0.8, alpha=0.7, zorder=0)


def _told(cards: list[_Thing], trees: list[_Thing]) -> str:
    looked = sum(card.look != "skipped" for card in cards)
    opened = sum(tree.look != "skipped" for tree in trees)
    vain = sum(tree.look == "unused" for tree in trees)
    shelf = f"{looked} of {len(cards)} cards looked at, " if cards else ""
    return f"{shelf}{opened} of {len(trees)} documents opened, {vain} of them in vain"


def _listed(trees: list[_Thing]) -> str:
    named = {"useful": "wanted", "unused": "opened in vain"}
    words = {look: ", ".join(tree.words.split("|")[0] for tree in trees if tree.look == look) for look in named}
    return "\n".join(f"{name}: {words[look] or 'none'}" for look, name in named.items())
